"""What came alive by an amnesty, from a fresh reading of the disk, beside what was expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Final

from msgspec import Struct
from pyroaring import BitMap

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.amnesty import Amnesty, Entry, Expected, Outcome
from rostra.domain.amnesty_waves import Drift
from rostra.domain.words import how_many
from rostra.ports import Context, Snapshot
from rostra.services.amnesty.amnesties import every_entry

READ_AT_ONCE: Final = 500
RECOUNTED: Final = 100
"""Accounts whose sets are counted anew, entry by entry."""

RECOUNTED_UP_TO: Final = 1_000_000
"""Followers of the largest of these: reading all entries of a larger set takes long."""


class _Alive(Struct):
    """What was counted of the accounts so far."""

    edges: int = 0
    changed: int = 0


async def measure(ctx: Context, amnesty: Amnesty) -> Drift:
    """Count what the reinstated accounts of an amnesty are shown with now.

    It is read with a memory of its own, in a thread: nobody waits for it, and what a process
    remembers cannot hide a mistake of its own.
    """
    found = _Alive()
    async with ctx.store.audit(gently=True) as audit:
        lifted = await audit.read(
            lambda snap: list(every_entry(snap, amnesty.id, outcome=Outcome.LIFTED))
        )
        among = BitMap([entry.account for entry in lifted])
        for start in range(0, len(lifted), READ_AT_ONCE):
            lot = lifted[start : start + READ_AT_ONCE]
            await audit.read(lambda snap, lot=lot: _count(snap, lot, among, found))  # type: ignore[misc]
        small = [one for one in lifted if one.then.followers <= RECOUNTED_UP_TO]
        recounted = Random(amnesty.id).sample(small, min(RECOUNTED, len(small)))
        wrong = [one.account for one in recounted if await audit.sets(one.account)]
    return Drift(
        at=ctx.clock.now(),
        accounts=len(lifted),
        alive=found.edges,
        changed=found.changed,
        recounted=len(recounted),
        wrong=tuple(wrong),
    )


def _count(snap: Snapshot, lot: Sequence[Entry], among: BitMap, found: _Alive) -> None:
    kinds = (SetKind.FOLLOWERS, SetKind.FOLLOWING)
    snap.sets.prefetch(SetKey(entry.account, kind) for kind in kinds for entry in lot)
    for entry in lot:
        shown, twice = seen(snap, entry.account, among)
        found.edges += shown.followers + shown.following - twice
        found.changed += shown != entry.finally_


def seen(snap: Snapshot, account: int, among: BitMap) -> tuple[Expected, int]:
    """Return what an account is shown with, and how many of those it follows are ``among`` some."""
    following = SetKey(account, SetKind.FOLLOWING)
    shown = Expected(
        snap.gate.visible_count(SetKey(account, SetKind.FOLLOWERS)),
        snap.gate.visible_count(following),
    )
    both = snap.gate.members(following, among) if shown.following else BitMap()
    return shown, len(snap.gate.present(both))


def told(drift: Drift, outcomes: Mapping[Outcome, int]) -> str:
    """Return what was found, for people."""
    counts = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
    alive = how_many(drift.alive, "edge is", "edges are")
    text = f"All waves are over: {counts}. {alive} alive again."
    if drift.changed:
        text += (
            f" {how_many(drift.changed, 'account has', 'accounts have')} other counts than "
            "planned, since people followed, left or were suspended meanwhile."
        )
    if drift.wrong:
        text += (
            f" Counted anew and WRONG: {len(drift.wrong):,} of "
            f"{how_many(drift.recounted, 'account')}: "
            "run rostra doctor."
        )
    return text
