"""Amnesties: asked for by one moderator, approved under the hash of its plan by another.

What an amnesty brings is worked out in ``planning``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence
from typing import Final, Unpack

import msgspec

from rostra.domain.accounts import local_name
from rostra.domain.amnesty import (
    DEFAULT_WAVES,
    OVERRIDABLE,
    Amnesty,
    AmnestyState,
    Entry,
    Exclusion,
    Limits,
    Outcome,
    manifest,
    manifest_hash,
    moved_to,
    wave_sizes,
)
from rostra.domain.enforcement import ActionKind, LiftReason
from rostra.domain.errors import Conflict, Forbidden, Invalid, NotFound, RostraError
from rostra.domain.labels import KNOWN
from rostra.domain.ledger import LedgerKind
from rostra.domain.pages import Page
from rostra.domain.selector_parser import parse
from rostra.domain.selectors import Expression
from rostra.ports import Context, Snapshot, Transaction, View
from rostra.services.amnesty.planning import about, list_name, tell, watch_over
from rostra.services.amnesty.selecting import KINDS
from rostra.services.moderation import ledger
from rostra.services.roles import require_moderator

PLAN_JOB: Final = "plan_amnesty"
MAX_GROUND: Final = 500
MAX_LISTED: Final = 1_000_000
MAX_LIMIT: Final = 1_000_000_000
SHORTEST_HASH: Final = 8
ENTRIES_AT_ONCE: Final = 1000


# -- planning --------------------------------------------------------------------------------------


async def plan(
    ctx: Context,
    *,
    moderator: int,
    where: str = "",
    except_: str = "",
    accounts: Sequence[int] | None = None,
    include: Sequence[str] = (),
    kind: ActionKind = ActionKind.SUSPEND,
    reason: LiftReason = LiftReason.AMNESTY,
    ground: str = "",
    waves: Sequence[str] = DEFAULT_WAVES,
    limits: Limits | None = None,
    queued: bool = True,
) -> Amnesty:
    """Ask for the plan of an amnesty, which is then made by ``planning.carry_out``.

    Args:
        ctx: the ports.
        moderator: who asks.
        where: the selector of those it is for.
        except_: the selector of those to leave out, if any.
        accounts: ordinals of a list, instead of ``where``.
        include: the exclusions that are set aside, by name.
        kind: what is lifted.
        reason: why, as each lifting will say.
        ground: why, in words.
        waves: how far each wave goes, ``domain.amnesty.wave_sizes``.
        limits: when waves halt by themselves.
        queued: whether a job makes the plan; otherwise the caller does.

    Raises:
        Invalid: what is asked for makes no sense, or a selector cannot be read.
        Forbidden: the one who asks is no moderator.
    """
    _check(where, accounts, include, kind, reason, ground, waves, limits)
    named = None if accounts is None else await asyncio.to_thread(_encoded, accounts)

    def change(tx: Transaction) -> Amnesty:
        require_moderator(tx, moderator)
        for text in (where, except_):
            if text:
                read_selector(tx, text, domain=ctx.settings.domain)
        amnesty = Amnesty(
            id=tx.next_id(),
            state=AmnestyState.PLANNING,
            planned_by=moderator,
            planned_at=tx.now,
            where=where,
            except_=except_,
            listed=accounts is not None,
            include=tuple(sorted(set(include))),
            kind=kind,
            reason=reason,
            ground=ground.strip(),
            waves=tuple(waves),
            limits=limits or Limits(),
        )
        tx.amnesties.put(amnesty)
        if named is not None:
            tx.progress.put(list_name(amnesty.id), named)
        if queued:
            tx.jobs.enqueue(PLAN_JOB, {"amnesty": amnesty.id}, tx.now)
        else:
            watch_over(tx, amnesty)
        return amnesty

    return await ctx.store.write(change)


def _encoded(accounts: Sequence[int]) -> str:
    return msgspec.json.encode(sorted(set(accounts))).decode()


def _check(
    where: str,
    accounts: Sequence[int] | None,
    include: Sequence[str],
    kind: ActionKind,
    reason: LiftReason,
    ground: str,
    waves: Sequence[str],
    limits: Limits | None,
) -> None:
    if bool(where.strip()) == (accounts is not None):
        raise Invalid(
            "Say whom the amnesty is for: either a selector, as in "
            'ground ~ "spam" and taken < 2023-01-01, or a list of accounts'
        )
    if accounts is not None and not 0 < len(accounts) <= MAX_LISTED:
        raise Invalid("A list has from one to %(num)s accounts", num=f"{MAX_LISTED:,}")
    if kind not in KINDS:
        names = ", ".join(kind.label for kind in KINDS)
        raise Invalid("An amnesty lifts one kind of actions: %(among)s", among=names)
    if reason is LiftReason.EXPIRED:
        raise Invalid("Validation failed: Reason must be overturned, served or amnesty")
    for name in include:
        if name not in {one.value for one in OVERRIDABLE}:
            names = ", ".join(one.value for one in OVERRIDABLE)
            raise Invalid(
                '"%(name)s" cannot be included: only %(among)s can', name=name, among=names
            )
    if len(ground) > MAX_GROUND:
        raise Invalid("The ground is too long: at most %(num)s characters", num=MAX_GROUND)
    wave_sizes(waves, 1)
    if limits is not None:
        figures = msgspec.structs.astuple(limits)
        if min(figures) < 0 or max(figures) > MAX_LIMIT:
            raise Invalid("Limits are numbers from 0 to %(num)s", num=f"{MAX_LIMIT:,}")


def read_selector(view: View, text: str, *, domain: str) -> Expression:
    """Return the selector a text says, its labels and handles being those there are.

    Raises:
        SelectorError: it cannot be read.
    """
    return parse(
        text,
        labels={*KNOWN, *view.labels.known()},
        is_handle=lambda handle: _is_here(view, handle, domain),
    )


def _is_here(view: View, handle: str, domain: str) -> bool:
    try:
        return view.accounts.by_username(local_name(handle, domain)) is not None
    except NotFound:
        return False


# -- deciding --------------------------------------------------------------------------------------


async def approve(ctx: Context, *, moderator: int, amnesty: int, hash_: str) -> Amnesty:
    """Approve a plan, as another moderator than who planned it.

    Args:
        ctx: the ports.
        moderator: who approves.
        amnesty: its id.
        hash_: the hash of the plan that was looked at, or how it begins.

    Raises:
        NotFound: there is no such amnesty.
        Forbidden: the moderator is none, or planned it.
        Invalid: the hash is not the plan's.
        Conflict: it cannot be approved any more, its manifest was changed, or another amnesty has
            one of its accounts.
    """
    sound, apart = await _checked(ctx, amnesty)

    def change(tx: Transaction) -> Amnesty:
        found = require_amnesty(tx, amnesty)
        if (refused := refusal(tx, found, moderator)) is not None:
            raise refused
        _require_hash(found, hash_)
        if _is_late(tx, found):
            return _expire(tx, found)
        approved = moved_to(found, AmnestyState.APPROVED, approved_by=moderator, approved_at=tx.now)
        if not sound:
            raise Conflict("Its list of accounts is not the one that was planned: plan it anew")
        if (overlap := tx.amnesties.overlap(amnesty, apart=apart)) is not None:
            raise Conflict(
                "Amnesty %(id)s has some of its accounts: wait for its end", id=overlap[1]
            )
        tx.amnesties.put(approved)
        _record(tx, LedgerKind.AMNESTY_APPROVED, approved, moderator)
        tell(tx, approved, "approved", f"Begin it with rostra amnesty run {approved.id}.")
        return approved

    decided = await ctx.store.write(change)
    if decided.state is AmnestyState.EXPIRED:
        raise Conflict("The plan is too old: plan it anew, and look at what changed")
    return decided


def refusal(view: View, amnesty: Amnesty, moderator: int) -> RostraError | None:
    """Return why a moderator may not approve an amnesty, whatever hash they name; None if they may.

    What takes a look at every account is asked when it is approved.
    """
    try:
        require_moderator(view, moderator)
        moved_to(amnesty, AmnestyState.APPROVED)
    except RostraError as refused:
        return refused
    if amnesty.planned_by == moderator:
        return Forbidden("Another moderator than the one who planned it has to approve it")
    if amnesty.planned_by is None:
        return None
    try:
        require_moderator(view, amnesty.planned_by)
    except Forbidden:
        return Conflict("Who planned it may not act as a moderator any more: plan it anew")
    return None


async def _checked(ctx: Context, amnesty: int) -> tuple[bool, set[int]]:
    """Return whether the list of an amnesty's accounts is still the one its hash is of, and which
    of the amnesties under way have none of them; both are read in a thread, as lists may be long,
    and neither changes afterwards.
    """

    def check(snap: Snapshot) -> tuple[bool, set[int]]:
        found, holding = snap.amnesties.get(amnesty), snap.amnesties.holding()
        if found is None:
            return False, set()
        apart = set() if snap.amnesties.overlap(amnesty) else holding
        return manifest_hash(found, every_entry(snap, amnesty)) == found.hash, apart

    async with ctx.store.audit(gently=True) as audit:
        return await audit.read(check)


def _require_hash(amnesty: Amnesty, hash_: str) -> None:
    named = hash_.strip().lower()
    if len(named) < SHORTEST_HASH:
        raise Invalid(
            "Name the hash of the plan, at least its first %(num)s characters", num=SHORTEST_HASH
        )
    if not amnesty.hash.startswith(named):
        raise Invalid("This is not the hash of the plan: look at the plan again, then name its own")


def _is_late(view: View, amnesty: Amnesty) -> bool:
    return amnesty.expires_at is not None and view.now >= amnesty.expires_at


def _expire(tx: Transaction, amnesty: Amnesty) -> Amnesty:
    expired = moved_to(amnesty, AmnestyState.EXPIRED, finished_at=tx.now)
    tx.amnesties.put(expired)
    return expired


async def expire_plans(ctx: Context) -> int:
    """Note that plans nobody approved in time are too old; return how many. A scheduled task."""
    with ctx.store.read() as snap:
        waiting = snap.amnesties.page(limit=1000, states=[AmnestyState.PLANNED])
        if not any(_is_late(snap, one) for one in waiting):
            return 0

    def change(tx: Transaction) -> int:
        late = [
            one
            for one in tx.amnesties.page(limit=1000, states=[AmnestyState.PLANNED])
            if _is_late(tx, one)
        ]
        for amnesty in late:
            _expire(tx, amnesty)
        return len(late)

    return await ctx.store.write(change)


async def reject(ctx: Context, *, moderator: int, amnesty: int, why: str = "") -> Amnesty:
    """Reject a plan, call off one that is being made, or take an approval back before it runs.

    Who planned it may do so as well.

    Raises:
        NotFound: there is no such amnesty.
        Forbidden: the one who asks is no moderator.
        Conflict: it is running or over.
    """
    if len(why) > MAX_GROUND:
        raise Invalid("The reason is too long: at most %(num)s characters", num=MAX_GROUND)

    def change(tx: Transaction) -> Amnesty:
        require_moderator(tx, moderator)
        rejected = moved_to(
            require_amnesty(tx, amnesty),
            AmnestyState.REJECTED,
            rejected_by=moderator,
            rejected_at=tx.now,
            finished_at=tx.now,
            why=why.strip(),
        )
        tx.amnesties.put(rejected)
        _record(tx, LedgerKind.AMNESTY_REJECTED, rejected, moderator)
        if rejected.hash:
            tell(tx, rejected, "rejected", "Nothing was changed. Plan another if it is wanted.")
        return rejected

    return await ctx.store.write(change)


def _record(tx: Transaction, kind: LedgerKind, amnesty: Amnesty, moderator: int) -> None:
    told = about(amnesty)
    if amnesty.why:
        told["why"] = amnesty.why
    ledger.record(tx, kind=kind, account=None, moderator=moderator, about=told)


# -- reading ---------------------------------------------------------------------------------------


def require_amnesty(view: View, amnesty_id: int) -> Amnesty:
    """Return an amnesty.

    Raises:
        NotFound: there is none of this id.
    """
    found = view.amnesties.get(amnesty_id)
    if found is None:
        raise NotFound("There is no such amnesty: look at the list of amnesties")
    return found


def listed(
    view: View, *, states: Collection[AmnestyState] = (), **page: Unpack[Page]
) -> list[Amnesty]:
    """Return a page of amnesties, newest first."""
    return view.amnesties.page(states=states, **page)


def entries(
    view: View,
    amnesty: int,
    *,
    after: int = 0,
    limit: int,
    wave: int | None = None,
    outcome: Outcome | None = None,
) -> list[Entry]:
    """Return accounts of an amnesty in the order of its manifest, from a number on.

    Raises:
        NotFound: there is no such amnesty.
    """
    require_amnesty(view, amnesty)
    return view.amnesties.entries(amnesty, after=after, limit=limit, wave=wave, outcome=outcome)


def every_entry(
    view: View, amnesty: int, *, wave: int | None = None, outcome: Outcome | None = None
) -> Iterator[Entry]:
    """Yield the accounts of an amnesty (of a wave, of an outcome) in the order of its manifest."""
    after = 0
    while lot := view.amnesties.entries(
        amnesty, after=after, limit=ENTRIES_AT_ONCE, wave=wave, outcome=outcome
    ):
        yield from lot
        after = lot[-1].n


def export(view: View, amnesty: int) -> Iterator[bytes]:
    """Yield the manifest of an amnesty, line by line (JSON Lines): what its hash is of.

    Raises:
        NotFound: there is no such amnesty.
        Conflict: it was not planned to its end.
    """
    found = require_amnesty(view, amnesty)
    if not found.hash:
        raise Conflict("There is no plan of this amnesty yet: wait for it, or see why it failed")
    yield from manifest(found, every_entry(view, amnesty))


def left_out(amnesty: Amnesty) -> list[tuple[Exclusion, int]]:
    """Return how many accounts each exclusion left out."""
    return [(Exclusion(name), count) for name, count in amnesty.figures.excluded.items()]
