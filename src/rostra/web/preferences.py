"""Preferences: how one reads and posts, and the profile that others see."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from rostra.domain.accounts import MAX_DISPLAY_NAME, MAX_FIELD, MAX_FIELDS, MAX_NOTE, Field
from rostra.domain.errors import RostraError
from rostra.domain.personal import ExpandMedia
from rostra.ports import Context
from rostra.services import accounts
from rostra.services.attachments import uploads
from rostra.services.reading import personal
from rostra.web.endpoints import Handler
from rostra.web.files import submission_with_files
from rostra.web.render import plain_words, redirect, render
from rostra.web.visits import Submission, Visitor, identify, require_account, submission

PICTURES: Final = ("avatar", "header")
SWITCHES: Final = ("locked", "bot", "discoverable", "indexable", "hide_collections")


def _visitor(ctx: Context, request: Request) -> Visitor:
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
    require_account(visitor)
    return visitor


async def page(ctx: Context, request: Request) -> Response:
    """Show how one reads and posts."""
    visitor = _visitor(ctx, request)
    return render(
        ctx,
        request,
        "preferences/reading.html",
        visitor,
        section="settings",
        tab="reading",
        saved="saved" in request.query_params,
        media_choices=[choice.value for choice in ExpandMedia],
    )


async def save(ctx: Context, request: Request) -> Response:
    """Keep how one reads and posts."""
    sent = await submission(ctx, request)
    form = sent.form
    await personal.prefer(
        ctx,
        actor=sent.actor,
        expand_media=form.get("expand_media"),
        expand_spoilers=bool(form.get("expand_spoilers")),
        autoplay_gifs=bool(form.get("autoplay_gifs")),
    )
    await accounts.update_profile(
        ctx,
        actor=sent.actor,
        source_privacy=form.get("visibility"),
        source_sensitive=bool(form.get("sensitive")),
        source_language=form.get("language", ""),
    )
    return redirect(request, "/preferences?saved")


def _profile(
    ctx: Context,
    request: Request,
    visitor: Visitor,
    *,
    error: RostraError | None = None,
    **typed: Any,
) -> Response:
    account = require_account(visitor)
    shown = {
        "display_name": account.display_name,
        "note": account.note,
        "fields": [(field.name, field.value) for field in account.fields],
        **{name: getattr(account, name) for name in SWITCHES},
    }
    return render(
        ctx,
        request,
        "preferences/profile.html",
        visitor,
        status=error.status if error else 200,
        section="settings",
        tab="profile",
        saved="saved" in request.query_params,
        error=plain_words(error) if error else "",
        typed=shown | typed,
        limits={
            "name": MAX_DISPLAY_NAME,
            "note": MAX_NOTE,
            "fields": MAX_FIELDS,
            "field": MAX_FIELD,
        },
    )


async def profile(ctx: Context, request: Request) -> Response:
    """Show one's profile, to be changed."""
    return _profile(ctx, request, _visitor(ctx, request))


def _typed(sent: Submission) -> dict[str, Any]:
    pairs = zip(sent.all("field_name"), sent.all("field_value"), strict=False)
    return {
        "display_name": sent.form.get("display_name", ""),
        "note": sent.form.get("note", ""),
        "fields": [(name, value) for name, value in pairs if name.strip() or value.strip()],
        **{name: bool(sent.form.get(name)) for name in SWITCHES},
    }


async def save_profile(ctx: Context, request: Request) -> Response:
    """Keep one's profile and its pictures; what is refused keeps what was typed."""
    async with submission_with_files(ctx, request) as (sent, files):
        typed = _typed(sent)
        try:
            made = [
                await uploads.prepare_picture(ctx, which=which, file=files[which][0])
                for which in PICTURES
                if files.get(which)
            ]
            fields = tuple(Field(name, value) for name, value in typed["fields"])
            await accounts.update_profile(ctx, actor=sent.actor, **(typed | {"fields": fields}))
            for picture in made:
                await uploads.use_picture(ctx, actor=sent.actor, prepared=picture)
            for which in PICTURES:
                if sent.form.get(f"remove_{which}") and not files.get(which):
                    await uploads.remove_picture(ctx, actor=sent.actor, which=which)
        except RostraError as error:
            return _profile(ctx, request, sent.visitor, error=error, **typed)
    return redirect(request, "/preferences/profile?saved")


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", "/preferences", page),
    ("POST", "/preferences", save),
    ("GET", "/preferences/profile", profile),
    ("POST", "/preferences/profile", save_profile),
)
