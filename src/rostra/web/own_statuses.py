"""What one does with statuses of one's own: edit, write anew, pin, plan; how they were before."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from rostra.domain.errors import Invalid, NotFound, RostraError
from rostra.domain.statuses import Status
from rostra.language import formats
from rostra.language.i18n import gettext as _
from rostra.ports import Context, Snapshot
from rostra.services import statuses
from rostra.services.attachments.media import Described
from rostra.services.publishing import editing, marking, quotes, scheduling
from rostra.services.reading import hydration
from rostra.services.reading.hydration import AccountView
from rostra.web.compose import Compose, attached, compose, draft_of, filled, ids_of
from rostra.web.endpoints import Handler, path_id, query_id
from rostra.web.files import submission_with_files
from rostra.web.render import redirect, render
from rostra.web.views import card, cards
from rostra.web.visits import (
    Submission,
    Visitor,
    came_from,
    identify,
    require_account,
    submission,
    wants_fragment,
)

PAGE: Final = 40


# -- editing ---------------------------------------------------------------------------------------


def _of(snap: Snapshot, visitor: Visitor, box: Compose, status: Status) -> Compose:
    """Return the box to write in with a status in it."""
    options: tuple[str, ...] = status.poll.options if status.poll else ()
    return replace(
        box,
        text=status.text,
        warning=status.spoiler_text,
        visibility=status.visibility.label,
        language=status.language or "",
        sensitive=status.sensitive,
        options=options,
        multiple=bool(status.poll and status.poll.multiple),
        media=list(snap.media.many(status.media).values()),
    )


def _page(
    ctx: Context,
    request: Request,
    visitor: Visitor,
    status_id: int,
    *,
    sent: Submission | None = None,
    error: RostraError | None = None,
) -> Response:
    with ctx.store.read() as snap:
        status = editing.source(snap, require_account(visitor).ordinal, status_id)
        box = compose(ctx, visitor, place="page")
        assert box is not None
        box = replace(
            _of(snap, visitor, box, status),
            label=_("What do you want to say?"),
            verb=_("Save"),
            draft=f"edit-{status.id}-{status.edited_at or 0}",
            action=f"/statuses/{status.id}/edit",
            editing=True,
        )
        if sent is not None:
            box = replace(
                filled(box, sent, error),
                media=list(snap.media.many(ids_of(sent)).values()),
            )
    return render(
        ctx,
        request,
        "compose.html",
        visitor,
        status=error.status if error else 200,
        section="compose",
        heading=_("Edit"),
        compose=box,
        answered=None,
    )


async def edit_page(ctx: Context, request: Request) -> Response:
    """Show a status of one's own, to be changed."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
    require_account(visitor)
    return _page(ctx, request, visitor, path_id(request))


async def edit(ctx: Context, request: Request) -> Response:
    """Change a status of one's own; what is refused keeps what was typed."""
    status_id = path_id(request)
    async with submission_with_files(ctx, request) as (sent, files):
        try:
            media = await attached(ctx, sent, files.get("file", ()), describe=False)
            words = [
                Described(
                    id=id_,
                    description=sent.form.get(f"alt-{id_}"),
                    focus=sent.form.get(f"focus-{id_}") or None,
                )
                for id_ in media
            ]
            await editing.edit(
                ctx,
                actor=sent.actor,
                status_id=status_id,
                draft=draft_of(sent, media),
                described=words,
            )
        except RostraError as error:
            if wants_fragment(request):
                raise
            return _page(ctx, request, sent.visitor, status_id, sent=sent, error=error)
    return redirect(request, f"/statuses/{status_id}")


async def redraft(ctx: Context, request: Request) -> Response:
    """Delete a status of one's own, and show what it said to be written anew."""
    sent = await submission(ctx, request)
    status_id = path_id(request)
    with ctx.store.read() as snap:
        status = editing.source(snap, sent.actor, status_id)
        answered = None
        if status.in_reply_to is not None:
            answered = next(iter(cards(snap, sent.actor, [status.in_reply_to])), None)
    await statuses.delete(ctx, actor=sent.actor, status_id=status_id)
    with ctx.store.read() as snap:
        box = compose(ctx, sent.visitor, place="page")
        assert box is not None
        box = replace(_of(snap, sent.visitor, box, status), draft=f"redraft-{status_id}")
        box = replace(box, in_reply_to=status.in_reply_to if answered else None)
    return render(
        ctx,
        request,
        "compose.html",
        sent.visitor,
        section="compose",
        heading=_("Write it anew"),
        compose=box,
        answered=answered,
    )


async def history(ctx: Context, request: Request) -> Response:
    """Show how a status was before it was edited, the newest version first."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        status, versions = editing.history(snap, visitor.ordinal, path_id(request))
        author: AccountView = hydration.account_views(snap, [status.author])[status.author]
        shown = [(one, list(snap.media.many(one.media).values())) for one in reversed(versions)]
    return render(
        ctx,
        request,
        "history.html",
        visitor,
        section="thread",
        status_id=status.id,
        author=author,
        versions=shown,
    )


# -- marks -----------------------------------------------------------------------------------------

_MARKS: Final = {
    "pin": marking.pin,
    "unpin": marking.unpin,
    "mute": marking.mute_thread,
    "unmute": marking.unmute_thread,
}


async def mark(ctx: Context, request: Request) -> Response:
    """Pin a status, or hear nothing more of its thread, or undo that; show it as it is now."""
    sent = await submission(ctx, request)
    verb = _MARKS.get(request.path_params["verb"])
    if verb is None:
        raise NotFound
    status_id = path_id(request)
    await verb(ctx, actor=sent.actor, status_id=status_id)
    if not wants_fragment(request):
        return redirect(request, f"{came_from(request, '/')}#status-{status_id}")
    with ctx.store.read() as snap:
        shown = card(snap, sent.actor, status_id)
    return render(ctx, request, "_status.html", sent.visitor, card=shown)


async def unquote(ctx: Context, request: Request) -> Response:
    """Take one's own status out of another that quotes it."""
    sent = await submission(ctx, request)
    quoting = path_id(request)
    with ctx.store.read() as snap:
        status = statuses.show(snap, sent.actor, quoting)
    if status.quote_of is None:
        raise NotFound
    await quotes.revoke(ctx, actor=sent.actor, status_id=status.quote_of, quoting_id=quoting)
    return redirect(request, f"/statuses/{quoting}")


# -- later -----------------------------------------------------------------------------------------


async def planned(ctx: Context, request: Request) -> Response:
    """Show what is to be posted later, and what could not be."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        viewer = require_account(visitor).ordinal
        found = scheduling.page(snap, viewer, limit=PAGE, max_id=query_id(request, "max_id"))
    more = f"/scheduled?max_id={found[-1].id}" if len(found) == PAGE else None
    shown: list[dict[str, Any]] = [{"at": one, "draft": scheduling.draft_in(one)} for one in found]
    return render(
        ctx, request, "scheduled.html", visitor, section="scheduled", planned=shown, more=more
    )


async def reschedule(ctx: Context, request: Request) -> Response:
    """Give what is planned another time, or cancel it."""
    sent = await submission(ctx, request)
    scheduled_id = path_id(request)
    if sent.form.get("act") == "cancel":
        await scheduling.cancel(ctx, actor=sent.actor, scheduled_id=scheduled_id)
    else:
        at = moment_of(sent.form.get("scheduled_at", ""))
        await scheduling.reschedule(ctx, actor=sent.actor, scheduled_id=scheduled_id, at=at)
    return redirect(request, "/scheduled")


def moment_of(text: str) -> int | None:
    """Return the time (ms) of a form's field, in UTC.

    Raises:
        Invalid: it is no time.
    """
    try:
        return formats.parse_utc(text)
    except ValueError:
        raise Invalid("Write the time as 2030-12-31 18:00, in UTC.") from None


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", "/statuses/{id}/edit", edit_page),
    ("POST", "/statuses/{id}/edit", edit),
    ("POST", "/statuses/{id}/redraft", redraft),
    ("POST", "/statuses/{id}/unquote", unquote),
    ("GET", "/@{name}/{id:int}/history", history),
    ("POST", "/statuses/{id}/mark/{verb}", mark),
    ("GET", "/scheduled", planned),
    ("POST", "/scheduled/{id}", reschedule),
)
