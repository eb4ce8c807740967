"""Uploads: from a file somebody sent to media that can be attached, and to profile pictures."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from rostra.domain.accounts import Account
from rostra.domain.errors import Invalid, NotFound, told
from rostra.domain.media import (
    Media,
    MediaKind,
    MediaState,
    check_description,
    parse_focus,
)
from rostra.domain.media_types import FILMS, HEAD_BYTES, PICTURES, type_of
from rostra.ports import Context, Made, Snapshot, Transaction
from rostra.services.attachments.media import discard

UPLOAD: Final = "upload"
"""What an uploaded file is called until it was worked on; it is never handed out."""

_LABELS: Final = {"avatar": told("Avatar"), "header": told("Header")}
SIZES: Final = {"avatar": (400, 400), "header": (1500, 500)}
WAIT_SECONDS: Final = 30.0
_WAIT_STEP: Final = 0.1


# -- media -----------------------------------------------------------------------------------------


async def upload(
    ctx: Context,
    *,
    actor: int,
    file: Path,
    thumbnail: Path | None = None,
    description: str = "",
    focus: str = "",
) -> Media:
    """Take a file; a picture is ready at once, a film or sound is worked on by a job.

    Args:
        ctx: the ports.
        actor: whose it will be.
        file: where it is now; it may be moved away.
        thumbnail: a picture to stand for it.
        description: what it shows, for those who cannot see or hear it.
        focus: the point that stays visible when it is cropped, as ``x,y``.

    Raises:
        Invalid: it is of no type this server takes, damaged, or too large; or a text is.
        Forbidden: the actor may not act.
    """
    text = check_description(description)
    point = parse_focus(focus) if focus else None
    type_ = _type(ctx, file)
    folder = await ctx.files.workplace()
    try:
        made = await _first(ctx, file, type_, folder)
        if thumbnail is not None:
            made = await _with_thumbnail(ctx, made, thumbnail, folder)
        return await _keep(ctx, actor, made, text, point)
    finally:
        await ctx.files.discard(folder)


def _type(ctx: Context, file: Path) -> str:
    """Return the type of a file by its content, when this server takes it."""
    with file.open("rb") as opened:
        head = opened.read(HEAD_BYTES)
    if not head:
        raise Invalid("Validation failed: File is empty. Choose another")
    type_ = type_of(head)
    if type_ not in ctx.maker.types:
        kinds = told("pictures, films and sounds") if ctx.maker.films else told("pictures")
        raise Invalid(
            "Validation failed: File content type is invalid. This server takes %(what)s: "
            "%(among)s",
            what=kinds,
            among=", ".join(ctx.maker.types),
        )
    return type_


async def _first(ctx: Context, file: Path, type_: str, folder: Path) -> Made:
    """Make what can be made at once: a picture, or a film that waits."""
    if type_ in FILMS:
        kind = MediaKind.AUDIO if type_.startswith("audio/") else MediaKind.VIDEO
        return Made(kind=kind, files={UPLOAD: file})
    made = await _taken(ctx.maker.picture(file, type_, folder, "original"))
    if made.moving and ctx.maker.films:
        return Made(kind=MediaKind.GIFV, files={UPLOAD: file})
    return made


async def _taken(making: Awaitable[Made]) -> Made:
    """Return what was made; say of what was refused that it is the file."""
    try:
        return await making
    except Invalid as error:
        raise _unusable(error) from None


def _unusable(error: Invalid) -> Invalid:
    return Invalid(
        "Validation failed: File cannot be used: %(why)s. Choose another",
        why=error.told,
    )


async def _with_thumbnail(ctx: Context, made: Made, thumbnail: Path, folder: Path) -> Made:
    small = await _small(ctx, thumbnail, folder)
    return replace(
        made,
        files={**made.files, **small.files},
        preview=small.preview,
        blurhash=small.blurhash,
        meta={**made.meta, **small.meta},
    )


async def _small(ctx: Context, thumbnail: Path, folder: Path) -> Made:
    type_ = _type(ctx, thumbnail)
    if type_ not in PICTURES:
        raise Invalid("Validation failed: Thumbnail must be a picture")
    stem = f"thumbnail-{ctx.files.new_key()[:8]}"  # another name: the old one may be in caches
    return await _taken(ctx.maker.preview(thumbnail, type_, folder, stem))


async def _keep(
    ctx: Context, actor: int, made: Made, description: str, focus: tuple[float, float] | None
) -> Media:
    """Store what was made: its files first, then the row that tells of them."""
    key = ctx.files.new_key()
    await ctx.files.put(key, made.files)
    waiting = UPLOAD in made.files

    def change(tx: Transaction) -> Media:
        tx.gate.require_may_act(actor)
        media = Media(
            id=tx.next_id(),
            owner=actor,
            key=key,
            created_at=tx.now,
            since=tx.now,
            kind=made.kind,
            state=MediaState.WAITING if waiting else MediaState.READY,
            file=made.file,
            preview=made.preview,
            description=description,
            focus=focus,
            blurhash=made.blurhash,
            meta=made.meta,
        )
        tx.media.put(media)
        tx.media.own_files(key, actor, tx.now)
        if waiting:
            tx.jobs.enqueue("process_media", {"media": media.id}, tx.now)
        return media

    try:
        return await ctx.store.write(change)
    except Exception:  # who is cancelled may have been written: what was not is swept later
        await ctx.files.remove(key)
        raise


async def process(ctx: Context, *, media: int) -> None:
    """Work on an uploaded film or sound; a job. What cannot be used is kept with the reason."""
    with ctx.store.read() as snap:
        found = snap.media.get(media)
    if found is None:
        return
    if found.state != MediaState.WAITING:  # it was killed before the original was removed
        await ctx.files.remove(found.key, UPLOAD)
        return
    source = await ctx.files.local(found.key, UPLOAD)
    folder = await ctx.files.workplace()
    try:
        made = await ctx.maker.film(source, _film_type(source, found), folder, "original")
        await ctx.files.put(found.key, made.files)
    except (Invalid, FileNotFoundError) as error:
        reason = _unusable(error).message if isinstance(error, Invalid) else "The file is gone"
        await _settle(ctx, media, lambda one: replace(one, state=MediaState.FAILED, error=reason))
    else:
        await _settle(ctx, media, lambda one: _finished(one, made))
    finally:
        await ctx.files.discard(folder)
    await ctx.files.remove(found.key, UPLOAD)


def _film_type(source: Path, media: Media) -> str:
    with source.open("rb") as opened:
        return type_of(opened.read(HEAD_BYTES)) or media.kind.label


def _finished(media: Media, made: Made) -> Media:
    own = bool(media.preview)  # a thumbnail of its owner's choice stays
    meta = {**made.meta, **media.meta} if own else made.meta
    return replace(
        media,
        state=MediaState.READY,
        kind=made.kind,
        file=made.file,
        preview=media.preview if own else made.preview,
        blurhash=media.blurhash if own else made.blurhash,
        meta=meta,
    )


async def _settle(ctx: Context, media: int, change_one: Callable[[Media], Media]) -> None:
    def change(tx: Transaction) -> None:
        current = tx.media.get(media)
        if current is not None and current.state == MediaState.WAITING:
            tx.media.put(change_one(current))

    await ctx.store.write(change)


async def ready(ctx: Context, *, actor: int, media: int, seconds: float = WAIT_SECONDS) -> Media:
    """Return media when it was worked on, or as it is after some time.

    Raises:
        NotFound: there is none of this id, or it is another's.
    """
    steps = max(1, round(seconds / _WAIT_STEP))
    for step in range(steps + 1):
        with ctx.store.read() as snap:
            found = show(snap, actor, media)
        if found.state != MediaState.WAITING or step == steps:
            break
        await asyncio.sleep(_WAIT_STEP)
    return found


def show(snap: Snapshot, actor: int, media: int) -> Media:
    """Return media of the actor's own.

    Raises:
        NotFound: there is none of this id, or it is another's.
    """
    found = snap.media.get(media)
    if found is None or found.owner != actor:
        raise NotFound
    return found


async def update(
    ctx: Context,
    *,
    actor: int,
    media: int,
    description: str | None = None,
    focus: str | None = None,
    thumbnail: Path | None = None,
) -> Media:
    """Change what is said of media that belong to no status yet; None leaves a thing as it is.

    Raises:
        NotFound: there is none of this id, it is another's, or a status has it.
        Invalid: a value breaks a rule.
        Forbidden: the actor may not act.
    """
    text = None if description is None else check_description(description)
    point = parse_focus(focus) if focus else None
    small: Made | None = None
    with ctx.store.read() as snap:
        key = _own_free(snap.media.get(media), actor).key
    if thumbnail is not None:
        folder = await ctx.files.workplace()
        try:
            small = await _small(ctx, thumbnail, folder)
            await ctx.files.put(key, small.files)
        finally:
            await ctx.files.discard(folder)

    def change(tx: Transaction) -> Media:
        tx.gate.require_may_act(actor)
        found = _own_free(tx.media.get(media), actor)
        changed = replace(
            found,
            description=found.description if text is None else text,
            focus=found.focus if point is None else point,
        )
        if small is not None:
            changed = replace(
                changed,
                preview=small.preview,
                blurhash=small.blurhash,
                meta={**changed.meta, **small.meta},
            )
        if changed != found:
            tx.media.put(changed)
        return changed

    return await ctx.store.write(change)


def _own_free(media: Media | None, actor: int) -> Media:
    if media is None or media.owner != actor or media.status is not None:
        raise NotFound
    return media


async def delete(ctx: Context, *, actor: int, media: int) -> None:
    """Remove media that belong to nothing.

    Raises:
        NotFound: there is none of this id, or it is another's.
        Invalid: a status has it.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> None:
        tx.gate.require_may_act(actor)
        found = tx.media.get(media)
        if found is None or found.owner != actor:
            raise NotFound
        if not found.free:
            raise Invalid("Media attachment is currently used by an existing post")
        discard(tx, found)

    await ctx.store.write(change)


# -- profile pictures ------------------------------------------------------------------------------


class Prepared(Struct, frozen=True):
    """A profile picture that is made and stored, and used by nobody yet."""

    which: str
    key: str
    file: str


async def prepare_picture(ctx: Context, *, which: str, file: Path) -> Prepared:
    """Make a profile picture of a file.

    Args:
        ctx: the ports.
        which: ``avatar`` or ``header``.
        file: the file.

    Raises:
        Invalid: it is no picture this server takes.
    """
    type_ = _type(ctx, file)
    if type_ not in PICTURES:
        raise Invalid("Validation failed: %(field)s must be a picture", field=_LABELS[which])
    folder = await ctx.files.workplace()
    try:
        made = await _taken(ctx.maker.fitted(file, type_, folder, which, SIZES[which]))
        key = ctx.files.new_key()
        await ctx.files.put(key, made.files)
        return Prepared(which, key, made.file)
    finally:
        await ctx.files.discard(folder)


async def use_picture(ctx: Context, *, actor: int, prepared: Prepared) -> Account:
    """Give the actor's profile a picture that was prepared.

    Raises:
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> Account:
        tx.media.own_files(prepared.key, actor, tx.now)
        path = f"media/{prepared.key}/{prepared.file}"
        return _replace_picture(tx, actor, prepared.which, path)

    try:
        return await ctx.store.write(change)
    except Exception:
        await ctx.files.remove(prepared.key)
        raise


async def remove_picture(ctx: Context, *, actor: int, which: str) -> Account:
    """Take a picture off the actor's profile; there is the default one then.

    Raises:
        Forbidden: the actor may not act.
    """
    return await ctx.store.write(lambda tx: _replace_picture(tx, actor, which, ""))


def _replace_picture(tx: Transaction, actor: int, which: str, path: str) -> Account:
    tx.gate.require_may_act(actor)
    before = tx.accounts.get(actor)
    if before is None:
        raise NotFound
    old = before.avatar if which == "avatar" else before.header
    place, _, rest = old.partition("/")
    if place == "media":
        key = rest.partition("/")[0]
        tx.media.disown_files(key)
        tx.jobs.enqueue("remove_files", {"key": key}, tx.now)
    after = replace(before, avatar=path) if which == "avatar" else replace(before, header=path)
    if after != before:
        tx.accounts.update(after)
    return after
