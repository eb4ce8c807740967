"""Writing: the box to write in, on a page of its own and beside what is read, and what it sends."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from rostra.domain.accounts import Account
from rostra.domain.errors import Invalid, RostraError
from rostra.domain.ids import parse_id
from rostra.domain.media import Media
from rostra.domain.statuses import Visibility
from rostra.language import formats
from rostra.language.i18n import gettext as _
from rostra.ports import Context, Snapshot
from rostra.services import statuses
from rostra.services.attachments import uploads
from rostra.services.publishing import scheduling
from rostra.services.publishing.polls import PollDraft
from rostra.services.statuses import Draft
from rostra.web.endpoints import Handler, query_id
from rostra.web.files import submission_with_files
from rostra.web.render import plain_words, redirect, render
from rostra.web.views import Card, card, cards
from rostra.web.visits import (
    Submission,
    Visitor,
    came_from,
    identify,
    require_account,
    wants_fragment,
)

_VISIBILITIES: Final = {visibility.label: visibility for visibility in Visibility}
_A_DAY_S: Final = 86_400
ACCEPT: Final = "image/*,video/*,audio/*"


class Compose(Struct, frozen=True, kw_only=True):
    """The box to write in, filled in as far as it is.

    ``draft`` names what is kept of it in the browser; ``place`` is the page it stands on.
    """

    key: str
    label: str
    verb: str
    limit: int
    draft: str = "new"
    place: str = "timeline"
    action: str = "/statuses"
    accept: str = ACCEPT
    text: str = ""
    warning: str = ""
    visibility: str = "public"
    language: str = ""
    in_reply_to: int | None = None
    quoting: int | None = None
    media: Sequence[Media] = ()
    options: Sequence[str] = ()
    expires_in: int = _A_DAY_S
    multiple: bool = False
    hide_totals: bool = False
    sensitive: bool = False
    editing: bool = False
    scheduled_at: str = ""
    error: str = ""


def compose(ctx: Context, visitor: Visitor, *, place: str = "timeline") -> Compose | None:
    """Return the box to write something new in, for who is signed in."""
    account = visitor.account
    if account is None:
        return None
    return Compose(
        key=secrets.token_urlsafe(12),  # sending it twice posts it once
        label=_("What do you want to say?"),
        verb=_("Post"),
        limit=ctx.settings.max_characters,
        place=place,
        visibility=account.default_visibility,
        language=account.default_language or "",
    )


def compose_reply(
    ctx: Context, visitor: Visitor, answered: Card, *, place: str = "thread"
) -> Compose | None:
    """Return the box to answer a status in: it names those concerned, and is no wider."""
    box = compose(ctx, visitor, place=place)
    if box is None or visitor.account is None:
        return None
    status = answered.view.status
    default = _VISIBILITIES[visitor.account.default_visibility]
    return replace(
        box,
        label=_("Your reply"),
        verb=_("Reply"),
        draft=f"reply-{status.id}",
        text=_mentions(visitor.account, answered),
        warning=status.spoiler_text,
        visibility=max(default, status.visibility).label,
        in_reply_to=status.id,
    )


def _mentions(account: Account, answered: Card) -> str:
    people = [answered.view.author.account, *answered.view.mentions]
    names = dict.fromkeys(person.username for person in people if person.ordinal != account.ordinal)
    return "".join(f"@{name} " for name in names)


def filled(box: Compose, sent: Submission, error: RostraError | None) -> Compose:
    """Return the box with what was typed, and what was wrong with it."""
    form = sent.form
    return replace(
        box,
        key=form.get("key") or box.key,
        text=form.get("text", ""),
        warning=form.get("spoiler_text", "") if form.get("with_warning") else "",
        visibility=form.get("visibility", box.visibility),
        language=form.get("language", ""),
        options=sent.all("option") if form.get("with_poll") else (),
        expires_in=_whole(form.get("expires_in", "")) or _A_DAY_S,
        multiple=bool(form.get("multiple")),
        hide_totals=bool(form.get("hide_totals")),
        sensitive=bool(form.get("sensitive")),
        scheduled_at=form.get("scheduled_at", ""),
        error=plain_words(error) if error else "",
    )


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0


def _poll(sent: Submission) -> PollDraft | None:
    options = [option for option in sent.all("option") if option.strip()]
    if not sent.form.get("with_poll") or not options:
        return None
    if len(options) < 2:
        raise Invalid("A poll needs at least two options. Add another, or take the poll away.")
    return PollDraft(
        options=options,
        expires_in_s=_whole(sent.form.get("expires_in", "")) or _A_DAY_S,
        multiple=bool(sent.form.get("multiple")),
        hide_totals=bool(sent.form.get("hide_totals")),
    )


def draft_of(sent: Submission, media: tuple[int, ...]) -> Draft:
    """Return what is to be posted."""
    form: Mapping[str, str] = sent.form
    return Draft(
        text=form.get("text", ""),
        visibility=_VISIBILITIES.get(form.get("visibility", "")),
        spoiler_text=form.get("spoiler_text", "") if form.get("with_warning") else "",
        language=form.get("language") or None,
        in_reply_to_id=parse_id(form.get("in_reply_to", "")),
        poll=_poll(sent),
        idempotency_key=form.get("key") or None,
        media=media,
        sensitive=True if form.get("sensitive") else None,
        quoted_status_id=parse_id(form.get("quoted_status_id", "")),
    )


def ids_of(sent: Submission) -> list[int]:
    """Return the ids of what was uploaded before."""
    return [id_ for id_ in map(parse_id, sent.all("media")) if id_ is not None]


async def attached(
    ctx: Context, sent: Submission, files: Sequence[Path], *, describe: bool = True
) -> tuple[int, ...]:
    """Return what is to be attached: what was uploaded before, described, and what came along."""
    ids = ids_of(sent)
    for id_ in ids:
        text, focus = sent.form.get(f"alt-{id_}"), sent.form.get(f"focus-{id_}")
        media = await uploads.ready(ctx, actor=sent.actor, media=id_)
        if describe and media.free and (text not in (None, media.description) or focus):
            await uploads.update(
                ctx, actor=sent.actor, media=id_, description=text, focus=focus or None
            )
    for file in files:
        made = await uploads.upload(ctx, actor=sent.actor, file=file)
        await uploads.ready(ctx, actor=sent.actor, media=made.id)
        ids.append(made.id)
    return tuple(ids)


async def attach(ctx: Context, request: Request) -> Response:
    """Take a file that scripts send ahead; show it, with room to describe it."""
    async with submission_with_files(ctx, request) as (sent, files):
        chosen = files.get("file")
        if not chosen:
            raise Invalid("Choose a file first.")
        media = await uploads.upload(ctx, actor=sent.actor, file=chosen[0])
    return render(ctx, request, "_attached.html", sent.visitor, one=media)


def _later(sent: Submission) -> int | None:
    """Return when it is to be posted (ms), None for now.

    Raises:
        Invalid: it is no time.
    """
    if not sent.form.get("with_time"):
        return None
    try:
        return formats.parse_utc(sent.form.get("scheduled_at", ""))
    except ValueError:
        raise Invalid("Write the time as 2030-12-31 18:00, in UTC.") from None


async def post(ctx: Context, request: Request) -> Response:
    """Post a status; show it, and the box empty again. A refusal keeps what was typed."""
    async with submission_with_files(ctx, request) as (sent, files):
        media: tuple[int, ...] = ()
        try:
            media = await attached(ctx, sent, files.get("file", ()))
            if sent.form.get("act") == "attach":
                return _again(ctx, request, sent, None, media)
            draft = draft_of(sent, media)
            at = _later(sent)
            if at is not None and scheduling.is_ahead(ctx, at):
                await scheduling.schedule(ctx, actor=sent.actor, draft=draft, at=at)
                return redirect(request, "/scheduled")
            status_id = await statuses.post(ctx, actor=sent.actor, draft=draft)
        except RostraError as error:
            return _again(ctx, request, sent, error, media)
    place = sent.form.get("place", "timeline")
    if not wants_fragment(request) or place == "page":
        back = f"/statuses/{status_id}" if place == "page" else came_from(request, "/home")
        return redirect(request, back)
    with ctx.store.read() as snap:
        shown = card(snap, sent.actor, status_id)
        answered = _answered(snap, sent)
    box = compose(ctx, sent.visitor)
    if answered is not None:
        box = compose_reply(ctx, sent.visitor, answered)
    return render(
        ctx,
        request,
        "_posted.html",
        sent.visitor,
        card=shown,
        compose=box,
        reply=answered is not None,
    )


def _answered(snap: Snapshot, sent: Submission) -> Card | None:
    parent = parse_id(sent.form.get("in_reply_to", ""))
    return None if parent is None else card(snap, sent.actor, parent)


def _again(
    ctx: Context,
    request: Request,
    sent: Submission,
    error: RostraError | None,
    media: Sequence[int],
) -> Response:
    """Say what is wrong: htmx leaves the form as it is, without scripts it is shown filled in."""
    if error is not None and wants_fragment(request):
        raise error
    with ctx.store.read() as snap:
        uploaded = [
            one
            for one in snap.media.many(media or ids_of(sent)).values()
            if one.owner == sent.actor and one.free
        ]
        try:
            answered = _answered(snap, sent)
        except RostraError:
            answered = None
        quoted_id = parse_id(sent.form.get("quoted_status_id", ""))
        found = cards(snap, sent.actor, [quoted_id]) if quoted_id is not None else []
    return _page(
        ctx,
        request,
        sent.visitor,
        answered,
        sent=sent,
        error=error,
        attached=uploaded,
        quoted=found[0] if found else None,
    )


def _page(
    ctx: Context,
    request: Request,
    visitor: Visitor,
    answered: Card | None,
    *,
    sent: Submission | None = None,
    error: RostraError | None = None,
    attached: Sequence[Media] = (),
    quoted: Card | None = None,
) -> Response:
    box = compose(ctx, visitor, place="page")
    if answered is not None:
        box = compose_reply(ctx, visitor, answered, place="page")
    assert box is not None
    if sent is not None:
        box = replace(filled(box, sent, error), media=attached)
    elif request.query_params.get("text"):
        box = replace(box, text=request.query_params["text"][: 4 * box.limit])
    if sent is None and request.query_params.get("visibility") in _VISIBILITIES:
        box = replace(box, visibility=request.query_params["visibility"])
    if quoted is not None:
        box = replace(box, quoting=quoted.view.status.id, draft=f"quote-{quoted.id}")
    return render(
        ctx,
        request,
        "compose.html",
        visitor,
        status=error.status if error else 200,
        section="compose",
        heading=_("Reply") if answered else _("Quote") if quoted else _("New post"),
        compose=box,
        answered=answered or quoted,
    )


async def page(ctx: Context, request: Request) -> Response:
    """Show the box to write in on a page of its own."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        viewer = require_account(visitor).ordinal
        parent = query_id(request, "in_reply_to")
        answered = None
        if parent is not None:
            answered = card(snap, viewer, statuses.show(snap, viewer, parent).id)
        wanted = query_id(request, "quote")
        quoted = None
        if wanted is not None:
            quoted = card(snap, viewer, statuses.show(snap, viewer, wanted).id)
    return _page(ctx, request, visitor, answered, quoted=quoted)


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("POST", "/statuses", post),
    ("POST", "/compose/media", attach),
    ("GET", "/compose", page),
)
