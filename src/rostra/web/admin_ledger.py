"""The pages of moderation: the ledger of the whole server, and its export."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from rostra.domain.errors import NotFound
from rostra.ports import Context, Snapshot
from rostra.services.moderation import ledger_export
from rostra.services.moderation.ledger_export import Wanted
from rostra.web import record
from rostra.web.endpoints import Handler, query_id
from rostra.web.render import render
from rostra.web.visits import identify, require_moderator

LEDGER: Final = "/admin/ledger"
PAGE: Final = 40

Lines = Callable[..., Iterator[bytes]]
_FORMATS: Final[Mapping[str, tuple[str, Lines]]] = {
    "jsonl": ("application/jsonl", ledger_export.json_lines),
    "csv": ("text/csv; charset=utf-8", ledger_export.csv_lines),
}


async def many(ctx: Context, request: Request) -> Response:
    """List every decision on this server, newest first."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        require_moderator(visitor)
        entries = snap.ledger.page(account=None, limit=PAGE, max_id=query_id(request, "max_id"))
        lines = record.lines(snap, entries)
    more = f"{LEDGER}?max_id={entries[-1].number}" if len(entries) == PAGE else None
    return render(
        ctx, request, "admin/ledger.html", visitor, section="admin", entries=lines, more=more
    )


async def export(ctx: Context, request: Request) -> Response:
    """Answer with the ledger as a file, or what is in it about one account."""
    name = request.path_params["format"]
    if name not in _FORMATS:
        raise NotFound
    media_type, lines = _FORMATS[name]
    account_id = query_id(request, "account")
    with ctx.store.read() as snap:
        require_moderator(identify(snap, request))
        account = None if account_id is None else snap.accounts.by_id(account_id)
        if account_id is not None and account is None:
            raise NotFound
    wanted = Wanted(account=None if account is None else account.ordinal)
    path = ctx.files.temporary()
    write = partial(_write, path, lines, wanted, ctx.settings.domain)
    try:
        async with ctx.store.audit(gently=True) as audit:  # it may be long
            await audit.read(write)
    except BaseException:
        await ctx.files.discard(path)
        raise
    whose = "" if account is None else f"-{account.username}"
    return FileResponse(
        path,
        media_type=media_type,
        filename=f"ledger{whose}.{name}",
        background=BackgroundTask(ctx.files.discard, path),
    )


def _write(path: Path, lines: Lines, wanted: Wanted, server: str, snap: Snapshot) -> None:
    with path.open("wb") as file:
        file.writelines(lines(snap, wanted, server=server))


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", LEDGER, many),
    ("GET", LEDGER + "/export.{format}", export),
)
