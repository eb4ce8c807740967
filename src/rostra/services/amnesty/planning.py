"""Making the plan of an amnesty: the dry run in a thread, and its manifest written down.

All that is written is the amnesty itself and its list of accounts; nothing public changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final

import msgspec
from msgspec import structs

from rostra.domain.amnesty import Amnesty, AmnestyState, Entry, Exclusion, moved_to
from rostra.domain.errors import RostraError, Unavailable
from rostra.domain.ledger import LedgerKind
from rostra.domain.words import how_many
from rostra.ports import Context, Transaction
from rostra.services import alerts
from rostra.services.amnesty.drafting import Draft, draft
from rostra.services.amnesty.selecting import Tell
from rostra.services.moderation import ledger

STUCK_MS: Final = 10 * 60_000
"""For how long a plan may come no further before who makes it is taken for dead."""

ENTRIES_AT_ONCE: Final = 2000
SECONDS: Final = 1.0
"""How often it is put down how far a plan is."""

DAY_MS: Final = 86_400_000


class Interrupted(Exception):
    """A plan was called off while it was made."""


class _Watch:
    """How far a thread is, and whether it is to stop."""

    def __init__(self, told: Tell | None) -> None:
        self.progress = (0, 0)
        self.stopped = False
        self._told = told

    def tell(self, what: str, done: int, total: int) -> None:
        """Note how far the thread is (in the thread).

        Raises:
            Interrupted: it is to stop.
        """
        if self.stopped:
            raise Interrupted
        self.progress = (done, total) if what == "edges" else (0, total)
        if self._told is not None:
            self._told(what, done, total)


def list_name(amnesty_id: int) -> str:
    """Return under what name the list of accounts an amnesty is to be planned for is kept."""
    return f"amnesty_list:{amnesty_id}"


async def carry_out(ctx: Context, *, amnesty: int, told: Tell | None = None) -> Amnesty | None:
    """Plan an amnesty that waits for it, and return it; a job.

    Killed half-way it begins anew. One that cannot be planned fails, and says on what; one that was
    rejected meanwhile stays so.

    Args:
        ctx: the ports.
        amnesty: its id.
        told: is told in a thread how far it is.
    """
    with ctx.store.read() as snap:
        found = snap.amnesties.get(amnesty)
        kept = snap.progress.get(list_name(amnesty)) if found and found.listed else None
    if found is None or found.state is not AmnestyState.PLANNING:
        await _clear(ctx, found)
        return found
    listed = msgspec.json.decode(kept, type=list[int]) if kept else None
    try:
        made = await _drafted(ctx, found, listed, _Watch(told))
    except Unavailable:
        raise  # a full disk, say: tried again later
    except Interrupted:
        return await _current(ctx, amnesty)
    except RostraError as error:
        return await _end(ctx, structs.replace(found, why=error.message))
    if not made.entries:
        return await _end(ctx, structs.replace(made.amnesty, why=_nobody(made.amnesty)))
    return await _freeze(ctx, made)


async def carry_out_at_once(ctx: Context, *, amnesty: int, told: Tell) -> Amnesty | None:
    """Do as ``carry_out`` does, for who waits for it: no job does it again, so that what is called
    off, or fails in any way, leaves a failed plan.
    """
    try:
        return await carry_out(ctx, amnesty=amnesty, told=told)
    except BaseException as error:
        stopped = isinstance(error, asyncio.CancelledError)
        why = "It was interrupted" if stopped else f"It was given up: {error}"
        with ctx.store.read() as snap:
            found = snap.amnesties.get(amnesty)
        if found is not None:
            await _end(ctx, structs.replace(found, why=why))
        raise


async def give_up_plan(ctx: Context, *, amnesty: int, progress: Sequence[int]) -> bool:
    """Let a plan fail whose maker waited for it and was killed; a job. Return whether it did.

    Args:
        ctx: the ports.
        amnesty: its id.
        progress: how far it was a while ago; when it is further now, it is looked at again later.
    """

    def change(tx: Transaction) -> Amnesty | None:
        found = tx.amnesties.get(amnesty)
        if found is None or found.state is not AmnestyState.PLANNING:
            return None
        if found.progress == tuple(progress):
            return found
        watch_over(tx, found)
        return None

    stuck = await ctx.store.write(change)
    if stuck is not None:
        await _end(ctx, structs.replace(stuck, why="It was interrupted: plan it again"))
    else:
        await _clear(ctx, await _current(ctx, amnesty))
    return stuck is not None


def watch_over(tx: Transaction, amnesty: Amnesty) -> None:
    """See to it that a plan no job makes does not wait for ever, should its maker be killed."""
    payload = {"amnesty": amnesty.id, "progress": amnesty.progress}
    tx.jobs.enqueue("give_up_plan", payload, tx.now + STUCK_MS)


def _nobody(amnesty: Amnesty) -> str:
    figures = amnesty.figures
    if not figures.found:
        return "Nobody with such an action in force is meant: look at the selector again"
    left_out = ", ".join(
        f"{count} {Exclusion(name).says}" for name, count in figures.excluded.items()
    )
    if figures.found == 1:
        return f"The one account found is left out: {left_out}"
    return f"All {figures.found} accounts found are left out: {left_out}"


async def _current(ctx: Context, amnesty_id: int) -> Amnesty | None:
    with ctx.store.read() as snap:
        return snap.amnesties.get(amnesty_id)


async def _drafted(
    ctx: Context, amnesty: Amnesty, listed: list[int] | None, watch: _Watch
) -> Draft:
    """Make the dry run in a thread, putting down how far it is.

    Raises:
        Interrupted: the amnesty was rejected meanwhile.
    """
    days = ctx.settings.dormant_days
    async with ctx.store.audit(gently=True) as audit:
        reading = asyncio.ensure_future(
            audit.read(lambda snap: draft(snap, amnesty, listed, days, watch.tell))
        )
        try:
            while not reading.done():
                await asyncio.wait({reading}, timeout=SECONDS)
                if not reading.done() and not await _note(ctx, amnesty.id, watch.progress):
                    watch.stopped = True
            return await reading
        finally:
            watch.stopped = True
            await asyncio.wait({reading})
            if not reading.cancelled():
                reading.exception()  # what it was called off with is nobody's


async def _note(ctx: Context, amnesty_id: int, progress: tuple[int, int]) -> bool:
    """Put down how far a plan is; return whether it is still wanted."""

    def change(tx: Transaction) -> bool:
        amnesty = tx.amnesties.get(amnesty_id)
        if amnesty is None or amnesty.state is not AmnestyState.PLANNING:
            return False
        if amnesty.progress != progress:
            tx.amnesties.put(structs.replace(amnesty, progress=progress))
        return True

    return await ctx.store.write(change)


async def _freeze(ctx: Context, made: Draft) -> Amnesty | None:
    """Write a manifest, in steps; the amnesty is planned with the last of them."""
    amnesty = made.amnesty
    await _drop(ctx, amnesty.id)
    for start in range(0, len(made.entries), ENTRIES_AT_ONCE):
        lot = made.entries[start : start + ENTRIES_AT_ONCE]
        await ctx.store.write(partial(_put_lot, amnesty_id=amnesty.id, lot=lot))

    def change(tx: Transaction) -> Amnesty | None:
        current = tx.amnesties.get(amnesty.id)
        if current is None or current.state is not AmnestyState.PLANNING:
            return current
        days = ctx.settings.amnesty_plan_days
        planned = moved_to(
            amnesty, AmnestyState.PLANNED, expires_at=tx.now + days * DAY_MS, progress=(0, 0)
        )
        tx.amnesties.put(planned)
        _forget_list(tx, planned)
        ledger.record(
            tx,
            kind=LedgerKind.AMNESTY_PLANNED,
            account=None,
            moderator=planned.planned_by,
            about=about(planned),
        )
        tell(tx, planned, "planned", _what_next(planned))
        return planned

    frozen = await ctx.store.write(change)
    await _clear(ctx, frozen)
    return frozen


async def _clear(ctx: Context, amnesty: Amnesty | None) -> None:
    """Forget what was written of a manifest that will not be written to its end."""
    if amnesty is not None and amnesty.state is not AmnestyState.PLANNING and not amnesty.hash:
        await _drop(ctx, amnesty.id)


async def _drop(ctx: Context, amnesty_id: int) -> None:
    """Forget a manifest, in steps between which others write."""

    def change(tx: Transaction) -> bool:
        return tx.amnesties.drop_entries(amnesty_id, limit=ENTRIES_AT_ONCE)

    while await ctx.store.write(change):
        pass


def _put_lot(tx: Transaction, *, amnesty_id: int, lot: list[Entry]) -> None:
    tx.amnesties.put_entries(amnesty_id, lot)


def about(amnesty: Amnesty) -> dict[str, object]:
    """Return what the ledger is told of an amnesty at each step."""
    return {
        "amnesty": str(amnesty.id),
        "hash": amnesty.hash,
        "accounts": amnesty.total,
        "where": amnesty.where,
        "except": amnesty.except_,
        "type": amnesty.kind.label,
        "reason": str(amnesty.reason),
        "ground": amnesty.ground,
    }


def _what_next(amnesty: Amnesty) -> str:
    return (
        "Another moderator looks at it and approves it with "
        f"rostra amnesty approve {amnesty.id} --hash {amnesty.hash[:16]}, or rejects it."
    )


def tell(tx: Transaction, amnesty: Amnesty, what: str, do: str, *, grave: bool = False) -> None:
    """Have operators told of a step of an amnesty, with its figures and what to do."""
    figures = amnesty.figures
    alerts.tell(
        tx,
        subject=f"Amnesty {amnesty.id} is {what}: {how_many(amnesty.total, 'account')}",
        text=(
            f"{how_many(figures.edges, 'edge comes', 'edges come')} alive, and the counts of "
            f"{how_many(figures.others, 'other')} change. Plan {amnesty.hash[:16]}.\n{do}"
        ),
        grave=grave,
    )


async def _end(ctx: Context, failed: Amnesty) -> Amnesty | None:
    def change(tx: Transaction) -> Amnesty | None:
        current = tx.amnesties.get(failed.id)
        if current is None or current.state is not AmnestyState.PLANNING:
            return current
        ended = moved_to(failed, AmnestyState.FAILED, hash="", finished_at=tx.now)
        tx.amnesties.put(ended)
        _forget_list(tx, ended)
        return ended

    over = await ctx.store.write(change)
    await _clear(ctx, over)
    return over


def _forget_list(tx: Transaction, amnesty: Amnesty) -> None:
    if amnesty.listed:
        tx.progress.put(list_name(amnesty.id), "[]")
