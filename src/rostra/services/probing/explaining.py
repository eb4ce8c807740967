"""Whether the followers an account has are those that were planned, or who came and went since."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from msgspec import Struct

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.enforcement import fold, in_force
from rostra.domain.events import ActionTaken, AnyEvent, SetChanged
from rostra.domain.packing import ADD, unpack_changes
from rostra.domain.probes import Probe, toggled
from rostra.domain.words import how_many
from rostra.ports import Snapshot
from rostra.services.probing.asking import Asking, Verdict, right, wrong

NAMED: Final = 10
LOTS: Final = (200, 5_000, 100_000)
"""How many commits to look back over, until the planned number is found."""

TRIES: Final = 3
"""How often an explanation is looked for at most while the world keeps changing."""


class Moved(Struct, frozen=True):
    """Who began and who ceased to be a visible follower in some commits."""

    joined: tuple[int, ...] = ()
    left: tuple[int, ...] = ()


async def as_planned(
    asking: Asking, account: int, planned: int, planned_seq: int | None = None
) -> None:
    """Hold the number of followers to a plan, and explain a difference edge by edge.

    Args:
        asking: asks.
        account: whose followers.
        planned: how many there were to be.
        planned_seq: where in the feed that was planned; None: not known.
    """
    began = time.perf_counter()
    key = SetKey(account, SetKind.FOLLOWERS)

    def look(snap: Snapshot) -> tuple[int, int]:
        return snap.seq, snap.gate.size_active(key)

    for _ in range(TRIES):
        seq, now = await asking.audit.read(look)
        verdict = right(f"{how_many(now, 'follower')}, as planned")
        if now != planned:
            verdict = await _explained(asking, key, planned, now, seq, planned_seq)
        later, _now = await asking.audit.read(look)
        if verdict.right or later == seq:
            break  # else somebody may have been decided about between two looks
    took = (time.perf_counter() - began) * 1e3
    await asking.note(Probe("plan", "", verdict.right, verdict.said, took))


async def _explained(
    asking: Asking, key: SetKey, planned: int, now: int, seq: int, planned_seq: int | None
) -> Verdict:
    oldest, reached = planned_seq or 0, False
    for lot in LOTS:
        start = max(oldest, seq - lot)
        commits = await asking.audit.since(start)
        if commits is None:
            break
        accounts = toggled(commits, key)
        pasts = await asking.audit.read(partial(_pasts, key=key, accounts=accounts))
        moved = back_to(planned, now, commits, key, pasts)
        if moved is None:
            moved = back_to(planned, now, commits, key, _as_if_there(pasts))
        if moved is not None:
            names = await asking.audit.read(partial(_names, moved=moved))
            return right(f"{how_many(now, 'follower')}, {planned:,} planned: since then {names}")
        reached = start == oldest
        if reached:
            break
    if planned_seq is not None and not reached:
        return right(
            f"{how_many(now, 'follower')}, {planned:,} planned "
            f"{how_many(seq - planned_seq, 'commit')} ago: who came and went since then is not "
            "known so far back"
        )
    return wrong(
        f"{how_many(now, 'follower')}, {planned:,} planned, and no follow or unfollow "
        f"since explains the difference of {now - planned:+,}"
    )


def _as_if_there(pasts: Mapping[int, Past]) -> dict[int, Past]:
    """Return pasts in which whoever is active now was so all the time: a plan for many reckons with
    those that came back with the account, though some came or went before they did.
    """
    return {
        one: Past(past.member, past.active[:1]) if past.active[0] else past
        for one, past in pasts.items()
    }


class Past(Struct, frozen=True):
    """What is known of an account: whether it is in the set, and whether it is active now (first),
    and was before each of the newest records of enforcement.
    """

    member: bool
    active: tuple[bool, ...]


def _pasts(snap: Snapshot, *, key: SetKey, accounts: Iterable[int]) -> dict[int, Past]:
    wanted = sorted(accounts)
    there = snap.sets.contains_many(key, wanted)
    return {
        one: Past(is_in, _activity(snap, one)) for one, is_in in zip(wanted, there, strict=True)
    }


def _activity(snap: Snapshot, account: int) -> tuple[bool, ...]:
    """Return whether an account is active, and was before each record of enforcement, newest
    first. Actions and liftings are undone one by one, as each of them was told in the feed.
    """
    actions, liftings = snap.enforcement.of_account(account)
    absent = snap.gate.state(account).absent
    records = sorted(
        [(one.taken_at, 0, one.id) for one in actions]
        + [(one.lifted_at, 1, one.action) for one in liftings],
        reverse=True,
    )
    found = [snap.gate.active(account)]
    for _, is_lifting, action in records:
        if is_lifting:
            liftings = [one for one in liftings if one.action != action]
        else:
            actions = [one for one in actions if one.id != action]
        found.append(fold(in_force(actions, liftings, snap.now)).active and not absent)
    return tuple(found)


def back_to(
    planned: int,
    now: int,
    commits: Sequence[Sequence[AnyEvent]],
    key: SetKey,
    pasts: Mapping[int, Past],
) -> Moved | None:
    """Walk back from the newest commit to where a set had ``planned`` visible members.

    Args:
        planned: the number to find.
        now: the number after the newest commit.
        commits: the events of each commit, oldest first.
        key: the set.
        pasts: of everybody in the commits, what is known of it.

    Returns:
        Who joined and left since then; None when it never had that number.
    """
    members = {one: past.member for one, past in pasts.items()}
    undone = dict.fromkeys(pasts, 0)
    joined: list[int] = []
    left: list[int] = []

    def active(account: int) -> bool:
        known = pasts[account].active
        return known[min(undone[account], len(known) - 1)]

    def undo(account: int, *, was: bool, now: bool) -> int:
        if was == now:
            return 0
        (joined if now else left).append(account)
        return -1 if now else 1

    for events in reversed(commits):
        if now == planned:
            break
        for event in reversed(events):
            if isinstance(event, SetChanged) and (event.owner, event.kind) == key:
                for change in reversed(list(unpack_changes(event.entries))):
                    members[change.member] = change.op != ADD
                    if active(change.member):
                        now += undo(change.member, was=change.op != ADD, now=change.op == ADD)
            elif isinstance(event, ActionTaken):
                then = active(event.account)
                undone[event.account] += 1
                if members[event.account]:
                    now += undo(event.account, was=active(event.account), now=then)
    return Moved(tuple(joined), tuple(left)) if now == planned else None


def _names(snap: Snapshot, *, moved: Moved) -> str:
    parts = []
    for what, who in (("joined", moved.joined), ("left", moved.left)):
        if who:
            found = snap.accounts.many(who[:NAMED])
            shown = ", ".join(
                f"@{found[one].username}" if one in found else str(one) for one in who[:NAMED]
            )
            more = f" and {len(who) - NAMED:,} more" if len(who) > NAMED else ""
            parts.append(f"{len(who):,} {what} ({shown}{more})")
    return "; ".join(parts) or "nobody came or went"
