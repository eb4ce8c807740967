"""Settings: importing from elsewhere, and exporting everything."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from rostra.domain.errors import Invalid, NotFound, RostraError
from rostra.domain.statuses import Visibility
from rostra.domain.transfers import FILE_NAMES, LINES, MAX_FILE_BYTES, Transfer, TransferKind
from rostra.language.i18n import gettext as _
from rostra.ports import Context, Snapshot
from rostra.services.portability import exports, transfers, x_import
from rostra.web.endpoints import Handler, path_id
from rostra.web.files import submission_with_files
from rostra.web.render import redirect, render
from rostra.web.settings.common import attempt, field, show
from rostra.web.views import people
from rostra.web.visits import Visitor, identify, require_account, submission

HERE: Final = "/settings/transfer"
FAILURES: Final = 200
PEOPLE: Final = 40
CHUNK: Final = 262_144
_VISIBILITIES: Final = {each.label: each for each in Visibility if each != Visibility.DIRECT}


def _kinds() -> dict[TransferKind, str]:
    return {
        TransferKind.FOLLOWING: _("People you follow"),
        TransferKind.LISTS: _("Lists"),
        TransferKind.MUTING: _("People you mute"),
        TransferKind.BLOCKING: _("People you block"),
        TransferKind.DOMAIN_BLOCKING: _("Domains you block"),
        TransferKind.BOOKMARKS: _("Bookmarks"),
        TransferKind.X_ARCHIVE: _("Archive of X"),
        TransferKind.ARCHIVE: _("Archive of everything"),
    }


def _page(
    ctx: Context,
    request: Request,
    visitor: Visitor,
    *,
    error: RostraError | None = None,
    message: str = "",
) -> Response:
    account = require_account(visitor)
    with ctx.store.read() as snap:
        listed = transfers.listed(snap, account.ordinal)
        known = people(snap, account.ordinal, x_import.people_known(snap, account.ordinal))
        failures = _failures(snap, listed)
    if request.headers.get("hx-target") == "transfers":
        return render(
            ctx, request, "settings/_transfers.html", visitor, transfers=listed, kinds=_kinds(),
            failures=failures,
        )  # fmt: skip
    return show(
        ctx,
        request,
        "transfers",
        visitor,
        here="transfer",
        error=error,
        message=message,
        transfers=listed,
        failures=failures,
        people=known[:PEOPLE],
        kinds=_kinds(),
        line_kinds=LINES,
        visibilities=tuple(_VISIBILITIES),
        most_mib=ctx.settings.max_archive_bytes // 2**20,
    )


def _failures(snap: Snapshot, listed: list[Transfer]) -> dict[int, list[tuple[str, str]]]:
    return {
        each.id: [
            (line.subject, reason)
            for line, reason in snap.transfers.failures(each.id, limit=FAILURES)
        ]
        for each in listed
        if each.failed
    }


async def page(ctx: Context, request: Request) -> Response:
    """Show what can be brought and taken, and how what was asked for stands."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
    return _page(ctx, request, visitor)


async def bring(ctx: Context, request: Request) -> Response:
    """Take in a file of lines, or the archive of X."""
    most = ctx.settings.max_archive_bytes
    async with submission_with_files(ctx, request, most=most) as (sent, files):
        chosen = files.get("file", [])

        async def begin() -> Transfer:
            if not chosen:
                raise Invalid("Choose the file first.")
            if field(sent, "kind") == TransferKind.X_ARCHIVE:
                visibility = _VISIBILITIES.get(field(sent, "visibility"), Visibility.PUBLIC)
                return await transfers.bring_x_archive(
                    ctx,
                    actor=sent.actor,
                    file=chosen[0],
                    visibility=visibility,
                    replies=field(sent, "replies") == "on",
                )
            return await transfers.bring_lines(
                ctx,
                actor=sent.actor,
                kind=_kind(field(sent, "kind")),
                data=_read(chosen[0]),
                overwrite=field(sent, "mode") == "overwrite",
            )

        _done, error = await attempt(begin)
        return _answer(ctx, request, sent.visitor, error)


def _answer(
    ctx: Context, request: Request, visitor: Visitor, error: RostraError | None
) -> Response:
    if error is not None:
        return _page(ctx, request, visitor, error=error)
    return redirect(request, HERE)


def _kind(text: str) -> TransferKind:
    try:
        return TransferKind(text)
    except ValueError:
        raise Invalid("Choose what is in the file.") from None


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_FILE_BYTES + 1)


async def take(ctx: Context, request: Request) -> Response:
    """Ask for an archive of everything."""
    sent = await submission(ctx, request)
    _done, error = await attempt(lambda: transfers.take_away(ctx, actor=sent.actor))
    return _answer(ctx, request, sent.visitor, error)


async def stop(ctx: Context, request: Request) -> Response:
    """Stop what is at work."""
    sent = await submission(ctx, request)
    await transfers.stop(ctx, actor=sent.actor, transfer_id=path_id(request))
    return redirect(request, HERE)


async def remove(ctx: Context, request: Request) -> Response:
    """Forget what is over."""
    sent = await submission(ctx, request)
    _done, error = await attempt(
        lambda: transfers.remove(ctx, actor=sent.actor, transfer_id=path_id(request))
    )
    return _answer(ctx, request, sent.visitor, error)


async def lines(ctx: Context, request: Request) -> Response:
    """Hand out a file of lines."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        account = require_account(visitor)
        kind = _wanted(request.path_params["kind"])
        text = exports.file_of(snap, ctx.settings, actor=account.ordinal, kind=kind)
    return PlainTextResponse(
        text,
        media_type="text/csv",
        headers=attachment(FILE_NAMES[kind]),
    )


def _wanted(name: str) -> TransferKind:
    found = next((kind for kind, file in FILE_NAMES.items() if file == name), None)
    if found is None:
        raise NotFound
    return found


def attachment(name: str) -> dict[str, str]:
    """Return the headers of a file for its owner alone."""
    return {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }


async def archive(ctx: Context, request: Request) -> Response:
    """Hand out an archive that was made."""
    with ctx.store.read() as snap:
        account = require_account(identify(snap, request))
        transfer = transfers.show(snap, account.ordinal, path_id(request))
    return await download(ctx, transfer, account.username)


async def download(ctx: Context, transfer: Transfer, username: str) -> Response:
    """Return the archive of a transfer.

    Raises:
        NotFound: it has none, or has it no longer.
    """
    if transfer.kind != TransferKind.ARCHIVE or not transfer.file:
        raise NotFound
    file = await ctx.files.open(transfer.file, transfers.FILE)
    if file is None:
        raise NotFound

    async def chunks() -> AsyncIterator[bytes]:
        try:
            place = 0
            while data := await file.read(place, CHUNK):
                place += len(data)
                yield data
        finally:
            file.close()

    headers = attachment(f"rostra-{username}.zip") | {"Content-Length": str(file.size)}
    return StreamingResponse(chunks(), media_type="application/zip", headers=headers)


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", HERE, page),
    ("POST", HERE, bring),
    ("POST", f"{HERE}/take", take),
    ("GET", HERE + "/{id}/archive", archive),
    ("POST", HERE + "/{id}/stop", stop),
    ("POST", HERE + "/{id}/remove", remove),
    ("GET", HERE + "/files/{kind}", lines),
)
