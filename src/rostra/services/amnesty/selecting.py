"""Whom an amnesty is for: accounts that a selector means, less those that are left out.

Each action in force is asked by itself, so that of two the one is lifted that the selector means.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from msgspec import Struct, structs
from pyroaring import BitMap

from rostra.domain.account_set import SERVER, SetKey, SetKind
from rostra.domain.accounts import Account, Role
from rostra.domain.amnesty import OVERRIDABLE, AmnestyState, Clash, Exclusion
from rostra.domain.appeals import decision_of
from rostra.domain.enforcement import (
    Action,
    ActionKind,
    Lifting,
    State,
    fold,
    in_force,
    strikes,
    suspended_since,
)
from rostra.domain.labels import CHILD_SAFETY, LEGAL_HOLD, SPAM
from rostra.domain.selectors import Expression, Facts, fields_of, holds
from rostra.ports import Snapshot
from rostra.services.moderation import decision_polls
from rostra.services.moderation.decision_polls import HeldUp

DAY_MS: Final = 86_400_000
LOT: Final = 500
CLASHES_KEPT: Final = 100

_SETS: Final = {
    ActionKind.SUSPEND: SetKind.SUSPENDED,
    ActionKind.LIMIT: SetKind.LIMITED,
    ActionKind.FREEZE: SetKind.FROZEN,
    ActionKind.SENSITIVE: SetKind.SENSITIVE,
}
KINDS: Final = tuple(_SETS)
"""The kinds of actions an amnesty can lift."""

Tell = Callable[[str, int, int], None]
"""(what is done, how much of it, of how much); raises what is to end it."""


class Asked(Struct, frozen=True, kw_only=True):
    """Whom to look for: those ``where`` means, or the ``listed`` accounts, with an action of
    ``kind`` in force; ``except_`` and the exclusions not in ``include`` leave some out.
    """

    kind: ActionKind
    where: Expression | None
    except_: Expression | None
    listed: tuple[int, ...] | None
    include: frozenset[Exclusion]
    dormant_days: int


class Chosen(Struct, frozen=True, kw_only=True):
    """An account that is chosen, and the ids of the actions to lift.

    ``returns`` is whether it is hidden now and will be shown, ``dormant`` whether it was away for
    so long that its follows of locked accounts become requests.
    """

    account: int
    actions: tuple[int, ...]
    followers: int
    following: int
    returns: bool
    dormant: bool


class Selection(Struct, kw_only=True):
    """Who was found, who of them was left out by what, and who is left."""

    found: int = 0
    excluded: Counter[Exclusion]
    chosen: list[Chosen]
    conflicts: Counter[str]
    clashes: list[Clash]

    def clash(self, account: int, kind: str, detail: str) -> None:
        """Note that something else is on its way for an account."""
        self.conflicts[kind] += 1
        if len(self.clashes) < CLASHES_KEPT:
            self.clashes.append(Clash(account, kind, detail))


class _Known(Struct, kw_only=True):
    """What is known of one account with actions of the kind in force."""

    account: Account
    state: State
    actions: list[Action]
    liftings: list[Lifting]
    active: tuple[Action, ...]
    labels: tuple[str, ...]
    counts: dict[str, int]


def select(snap: Snapshot, asked: Asked, tell: Tell) -> Selection:
    """Return whom an amnesty would be for, as of a snapshot."""
    found = Selection(excluded=Counter(), chosen=[], conflicts=Counter(), clashes=[])
    candidates = _candidates(snap, asked)
    fields = set().union(*(fields_of(one) for one in (asked.where, asked.except_) if one))
    people = _People(snap)
    for start in range(0, len(candidates), LOT):
        tell("accounts", start, len(candidates))
        lot = candidates[start : start + LOT]
        held = set(snap.amnesties.holders(lot))
        held.update(snap.runs.unfinished_of(lot))
        planned = snap.amnesties.holders(lot, [AmnestyState.PLANNED])
        meant = []
        for known in _known(snap, asked, lot, fields):
            if lifted := _meant(asked, known, people):
                found.found += 1
                why = _exclusion(asked, known, lifted, held, people)
                if why is None:
                    meant.append((known, lifted))
                else:
                    found.excluded[why] += 1
        _choose(snap, asked, meant, found)
        appeals = snap.appeals.open_of_accounts(lot)
        undecided = decision_polls.undecided(snap, lot)
        for known, _ in meant:
            _look_for_clashes(snap, known, planned, appeals, undecided, found)
    tell("accounts", len(candidates), len(candidates))
    return found


def _candidates(snap: Snapshot, asked: Asked) -> list[int]:
    if asked.listed is not None:
        return sorted(set(asked.listed))
    stored = snap.sets.bitmap(SetKey(SERVER, _SETS[asked.kind]))
    return list(stored | BitMap(snap.enforcement.timed()))  # what the clock moved is not stored


def _known(snap: Snapshot, asked: Asked, lot: Sequence[int], fields: set[str]) -> Iterator[_Known]:
    accounts = snap.accounts.many(lot)
    records = snap.enforcement.of_accounts(lot)
    labels = snap.labels.of_accounts(lot)
    counts: dict[str, dict[int, int]] = {}
    for name, kind in (("followers", SetKind.FOLLOWERS), ("following", SetKind.FOLLOWING)):
        if name in fields:
            counts[name] = snap.sets.sizes(kind, lot)
    if "reports" in fields:
        counts["reports"] = snap.reports.counts_about(lot)
    if "statuses" in fields:
        counts["statuses"] = {one: snap.statuses.count_by_author(one) for one in lot}
    for account in lot:
        actions, liftings = records.get(account, ([], []))
        active = in_force(actions, liftings, snap.now)
        if account in accounts and any(action.kind is asked.kind for action in active):
            yield _Known(
                account=accounts[account],
                state=snap.gate.state(account),
                actions=actions,
                liftings=liftings,
                active=active,
                labels=labels.get(account, ()),
                counts={name: found.get(account, 0) for name, found in counts.items()},
            )


class _People:
    """Selectors asked of accounts: what every action of one has in common is looked up once."""

    def __init__(self, snap: Snapshot) -> None:
        self._snap = snap
        self._names: dict[int, str] = {}

    def holds(self, expression: Expression, known: _Known, action: Action) -> bool:
        """Return whether a selector means an account for one of its actions."""
        return holds(expression, self._facts(known, action, fields_of(expression)), self._snap.now)

    def _facts(self, known: _Known, action: Action, fields: set[str]) -> Facts:
        account = known.account
        states = tuple(name for name in State.__struct_fields__ if getattr(known.state, name))
        facts: dict[str, tuple[int | str | None, ...]] = {
            "state": states or ("active",),
            "ground": (action.ground,),
            "reason": (action.text,),
            "taken": (action.taken_at,),
            "until": (action.until,),
            "actions": (len(known.active),),
            "created": (account.created_at,),
            "label": known.labels,
            "name": (account.username.lower(),),
            "id": (account.id,),
        }
        facts |= {name: (count,) for name, count in known.counts.items()}
        if "moderator" in fields:
            facts["moderator"] = (self._name(action.moderator),)
        if "strikes" in fields:
            facts["strikes"] = (len(strikes(known.actions, known.liftings)),)
        if "appeal" in fields:
            facts["appeal"] = (self._appeal(known, action),)
        return facts

    def _name(self, moderator: int | None) -> str | None:
        if moderator is None:
            return None
        if moderator not in self._names:
            found = self._snap.accounts.get(moderator)
            self._names[moderator] = found.username.lower() if found else str(moderator)
        return self._names[moderator]

    def _appeal(self, known: _Known, action: Action) -> str:
        decision = decision_of(known.actions, action).id
        about = [
            appeal
            for appeal in self._snap.appeals.of(known.account.ordinal)
            if appeal.action == decision
        ]
        return about[-1].state.value if about else "none"


def _meant(asked: Asked, known: _Known, people: _People) -> list[Action]:
    """Return the actions of an account that would be lifted."""
    return [
        action
        for action in known.active
        if action.kind is asked.kind
        and (asked.where is None or people.holds(asked.where, known, action))
    ]


def _exclusion(
    asked: Asked,
    known: _Known,
    lifted: list[Action],
    held: set[int],
    people: _People,
) -> Exclusion | None:
    """Return the first exclusion that holds for an account, None when it is chosen."""
    named = asked.except_
    lifted_ids = {action.id for action in lifted}
    rules: dict[Exclusion, Callable[[], bool]] = {
        Exclusion.EXCEPT: lambda: (
            named is not None
            and any(
                people.holds(named, known, one) for one in known.active if one.kind is asked.kind
            )
        ),
        Exclusion.LEGAL_HOLD: lambda: LEGAL_HOLD in known.labels,
        Exclusion.DELETED: lambda: known.state.deleted,
        Exclusion.STAFF: lambda: known.account.role > Role.USER,
        Exclusion.HELD: lambda: known.account.ordinal in held,
        Exclusion.CHILD_SAFETY: lambda: CHILD_SAFETY in known.labels,
        Exclusion.SPAM: lambda: SPAM in known.labels,
        Exclusion.STILL_HIDDEN: lambda: not _after(known, lifted_ids).active,
        Exclusion.SECOND_STRIKE: lambda: _other_strike(known, lifted_ids),
    }
    assert rules.keys() == set(Exclusion)
    for exclusion, says in rules.items():
        set_aside = exclusion in OVERRIDABLE and exclusion in asked.include
        if not set_aside and says():
            return exclusion
    return None


def _after(known: _Known, lifted: set[int]) -> State:
    """Return what is in force for an account once some of its actions are lifted."""
    rest = fold(action for action in known.active if action.id not in lifted)
    return structs.replace(
        known.state,
        suspended=rest.suspended,
        limited=rest.limited,
        frozen=rest.frozen,
        sensitive=rest.sensitive,
    )


def _other_strike(known: _Known, lifted: set[int]) -> bool:
    decisions = {
        decision_of(known.actions, action).id for action in known.actions if action.id in lifted
    }
    standing = strikes(known.actions, known.liftings)
    return any(strike.action.id not in decisions for strike in standing)


def _choose(
    snap: Snapshot,
    asked: Asked,
    meant: list[tuple[_Known, list[Action]]],
    found: Selection,
) -> None:
    accounts = [known.account.ordinal for known, _ in meant]
    followers = snap.sets.sizes(SetKind.FOLLOWERS, accounts)
    following = snap.sets.sizes(SetKind.FOLLOWING, accounts)
    for known, lifted in meant:
        account = known.account.ordinal
        after = _after(known, {action.id for action in lifted})
        since = suspended_since(known.actions, known.liftings, snap.now)
        away = 0 if since is None else snap.now - since
        back = since is not None and not after.suspended
        found.chosen.append(
            Chosen(
                account=account,
                actions=tuple(action.id for action in lifted),
                followers=followers[account],
                following=following[account],
                returns=not known.state.active and after.active,
                dormant=back and away > asked.dormant_days * DAY_MS,
            )
        )


def _look_for_clashes(
    snap: Snapshot,
    known: _Known,
    planned: dict[int, int],
    appeals: dict[int, list[int]],
    undecided: dict[int, HeldUp],
    found: Selection,
) -> None:
    account = known.account.ordinal
    for appeal in appeals.get(account, ()):
        found.clash(account, "appeal", str(appeal))
    if account in undecided:
        found.clash(account, "poll", str(undecided[account].decision.id))
    if account in planned:
        found.clash(account, "amnesty", str(planned[account]))
    ended = {lifting.action for lifting in known.liftings}
    for action in known.actions:
        if action.starts_at > snap.now and action.id not in ended:
            found.clash(account, "decision", str(action.id))
