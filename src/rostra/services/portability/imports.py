"""Importing files of lines: follows, blocks, mutes, blocked domains, lists and bookmarks.

Each line is done through the service a person would use, so each rule of it holds; a line that
cannot be done is kept with the reason. A line done twice changes nothing, so that an import that
was killed goes on at its last note.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.errors import NotFound, RostraError
from rostra.domain.ids import parse_id
from rostra.domain.personal import MAX_DOMAINS
from rostra.domain.transfers import Line, Transfer, TransferKind
from rostra.ports import Context, Snapshot, Transaction
from rostra.services.portability import transfers
from rostra.services.publishing import favourites
from rostra.services.reading import personal
from rostra.services.social_graph import lists, relationships

AT_ONCE: Final = 20
LISTED_AT_ONCE: Final = 500

Work = Callable[[Context, int, Line], Awaitable[object]]


async def run(ctx: Context, transfer: Transfer) -> None:
    """Do what is left of an import of lines."""
    if transfer.overwrite and transfer.done == 0:
        await _remove_others(ctx, transfer)
    work = _WORK[transfer.kind]
    current: Transfer | None = transfer
    while current is not None:
        with ctx.store.read() as snap:
            lines = snap.transfers.lines(current.id, after=current.place, limit=AT_ONCE)
        if not lines:
            await transfers.finish(ctx, current)
            return
        failures = []
        for number, line in lines:
            try:
                await work(ctx, current.account, line)
            except RostraError as error:
                failures.append((number, line, error.message))
        current = await _note(ctx, current, lines[-1][0], len(lines), failures)


async def _note(
    ctx: Context,
    transfer: Transfer,
    place: int,
    done: int,
    failures: list[tuple[int, Line, str]],
) -> Transfer | None:
    def change(tx: Transaction) -> Transfer | None:
        for number, line, reason in failures:
            tx.transfers.fail_line(transfer.id, number, line, reason)
        return transfers.note(tx, transfer, place=place, done=done, failed=len(failures))

    return await ctx.store.write(change)


# -- one line --------------------------------------------------------------------------------------


def ordinal_of(ctx: Context, snap: Snapshot, address: str) -> int:
    """Return the ordinal of the account with an address: ``name`` or ``name@domain``.

    Raises:
        NotFound: there is none that is here.
    """
    name, _, domain = address.partition("@")
    if domain and domain.lower() != ctx.settings.domain.lower():
        raise NotFound(
            "%(words)s is on another server, which cannot be reached from here yet", words=address
        )
    account = snap.accounts.by_username(name)
    if account is None or not snap.gate.active(account.ordinal):
        raise NotFound("%(words)s is not here", words=address)
    return account.ordinal


def _named(ctx: Context, line: Line) -> int:
    with ctx.store.read() as snap:
        return ordinal_of(ctx, snap, line.subject)


async def _follow(ctx: Context, actor: int, line: Line) -> None:
    await relationships.follow(
        ctx,
        actor=actor,
        target=_named(ctx, line),
        reblogs=line.boosts,
        notify=line.bell,
        languages=line.languages,
    )


async def _block(ctx: Context, actor: int, line: Line) -> None:
    await relationships.block(ctx, actor=actor, target=_named(ctx, line))


async def _mute(ctx: Context, actor: int, line: Line) -> None:
    await relationships.mute(
        ctx, actor=actor, target=_named(ctx, line), notifications=line.notifications
    )


async def _block_domain(ctx: Context, actor: int, line: Line) -> None:
    await personal.block_domain(ctx, actor=actor, domain=line.subject)


async def _put_in_list(ctx: Context, actor: int, line: Line) -> None:
    target = _named(ctx, line)
    with ctx.store.read() as snap:
        titles = {each.title: each.id for each in snap.lists.of(actor)}
        found = titles.get(line.list_name)
        inside = found is not None and snap.sets.contains(lists.members_of(found), target)
        tied = target == actor or snap.gate.follows(actor, target)
    if inside:
        return
    if not tied:  # only those one follows can be in a list
        await relationships.follow(ctx, actor=actor, target=target)
    if found is None:
        found = (await lists.create(ctx, actor=actor, title=line.list_name)).id
    await lists.add_members(ctx, actor=actor, list_id=found, members=[target])


async def _bookmark(ctx: Context, actor: int, line: Line) -> None:
    status = status_at(ctx, line.subject)
    if status is None:
        raise NotFound("%(words)s is no status of this server", words=line.subject)
    await favourites.bookmark(ctx, actor=actor, status_id=status)


def status_at(ctx: Context, url: str) -> int | None:
    """Return the id of the status of this server that an address names, None when it names none."""
    parts, own = urlsplit(url), urlsplit(ctx.settings.url)
    if parts.netloc.lower() != own.netloc.lower():
        return None
    return parse_id(parts.path.rstrip("/").rpartition("/")[2])


_WORK: Final[dict[TransferKind, Work]] = {
    TransferKind.FOLLOWING: _follow,
    TransferKind.BLOCKING: _block,
    TransferKind.MUTING: _mute,
    TransferKind.DOMAIN_BLOCKING: _block_domain,
    TransferKind.LISTS: _put_in_list,
    TransferKind.BOOKMARKS: _bookmark,
}


# -- what the file does not name -------------------------------------------------------------------

_SETS: Final = {
    TransferKind.FOLLOWING: (SetKind.FOLLOWING, relationships.unfollow),
    TransferKind.BLOCKING: (SetKind.BLOCKING, relationships.unblock),
    TransferKind.MUTING: (SetKind.MUTING, relationships.unmute),
}


async def _remove_others(ctx: Context, transfer: Transfer) -> None:
    """Remove what the file does not name; those who are away stay as they are."""
    named = await _subjects(ctx, transfer)
    actor = transfer.account
    if transfer.kind in _SETS:
        kind, undo = _SETS[transfer.kind]
        with ctx.store.read() as snap:
            there = [
                entry.member
                for entry in snap.gate.visible_page(
                    SetKey(actor, kind), limit=snap.sets.size(SetKey(actor, kind)) or 1
                )
            ]
            kept = {_maybe(ctx, snap, subject) for subject in named}
        for member in there:
            if member not in kept:
                await undo(ctx, actor=actor, target=member)
    elif transfer.kind == TransferKind.DOMAIN_BLOCKING:
        with ctx.store.read() as snap:
            domains = snap.personal.blocked_domains(actor, limit=MAX_DOMAINS)
        for blocked in domains:
            if blocked.domain not in {subject.lower() for subject in named}:
                await personal.unblock_domain(ctx, actor=actor, domain=blocked.domain)
    elif transfer.kind == TransferKind.BOOKMARKS:
        kept = {status_at(ctx, subject) for subject in named}
        await _unbookmark_others(ctx, actor, kept)
    else:
        with ctx.store.read() as snap:
            owned = snap.lists.of(actor)
        for each in owned:
            await lists.delete(ctx, actor=actor, list_id=each.id)


async def _subjects(ctx: Context, transfer: Transfer) -> set[str]:
    found: set[str] = set()
    after = 0
    while True:
        with ctx.store.read() as snap:
            lines = snap.transfers.lines(transfer.id, after=after, limit=LISTED_AT_ONCE)
        if not lines:
            return found
        found |= {line.subject for _, line in lines}
        after = lines[-1][0]


def _maybe(ctx: Context, snap: Snapshot, subject: str) -> int | None:
    try:
        return ordinal_of(ctx, snap, subject)
    except NotFound:
        return None


async def _unbookmark_others(ctx: Context, actor: int, kept: set[int | None]) -> None:
    below = None
    while True:
        with ctx.store.read() as snap:
            page = snap.collected.page(actor, SetKind.BOOKMARKS, limit=LISTED_AT_ONCE, max_id=below)
        if not page:
            return
        for _, status_id in page:
            if status_id not in kept:
                await favourites.unbookmark(ctx, actor=actor, status_id=status_id)
        below = page[-1][0]
