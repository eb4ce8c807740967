"""Planning a reinstatement: what it would do, found by reads alone.

Large sets are read whole, in a thread and with memory of its own (``Store.audit``), so that a plan
for an account with many millions of followers holds up no visitor.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from pyroaring import BitMap

from rostra.config import Settings
from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.accounts import Account
from rostra.domain.enforcement import (
    Action,
    ActionKind,
    State,
    in_force,
    state_at,
    suspended_since,
)
from rostra.domain.errors import Conflict, Invalid
from rostra.domain.events import ActionTaken, SetChanged
from rostra.domain.ids import ticks
from rostra.domain.packing import ADD, unpack_changes
from rostra.domain.reinstatement import NAMES_TOLD, Cost, Figures, Held, Moved, Plan
from rostra.domain.sign_up import canonical_hash
from rostra.ports import Snapshot, View
from rostra.services.moderation.lifting import DAY_MS, dormant_follows

MOST_LOOKED_AT: Final = 100_000
"""Of how many newest followers it is looked whether they joined since a plan."""


def draw(
    snap: Snapshot, settings: Settings, *, target: int, only: Sequence[int], made_by: int | None
) -> Plan:
    """Return the plan for an account, without its headroom.

    Args:
        snap: a view whose sets may be read whole (``Store.audit``).
        settings: of the server.
        target: the account.
        only: ids of the suspensions to lift; none: all that are in force.
        made_by: who asks for it.

    Raises:
        NotFound: there is no such account.
        Conflict: it is not suspended.
        Invalid: an action to lift is no suspension in force of this account.
    """
    account = snap.gate.require_account(snap.accounts.get(target))
    record = snap.enforcement.of_account(target)
    active = in_force(*record, snap.now)
    lifts = chosen(account, active, only)
    stays = [action for action in active if action not in lifts]
    since = suspended_since(*record, snap.now)
    assert since is not None  # a suspension is in force
    sets, size = snap.runs.cost(target)
    named = snap.accounts.many(_moderators(active) | {by for by in (made_by,) if by is not None})
    return Plan(
        account=target,
        account_id=str(account.id),
        handle=account.username,
        made_at=snap.now,
        made_by=None if made_by is None else named[made_by].username,
        seq=snap.seq,
        suspended_since=since,
        lifts=tuple(_held(action, named) for action in lifts),
        stays=tuple(_held(action, named) for action in stays),
        hidden_after=hidden_after(stays, snap.gate.state(target)),
        figures=_figures(snap, settings, account, since, stays),
        cost=Cost(sets, size),
    )


def chosen(account: Account, active: Iterable[Action], only: Sequence[int]) -> list[Action]:
    """Return the suspensions to lift of the actions in force.

    Raises:
        Conflict: the account is not suspended.
        Invalid: an action of ``only`` is none of them.
    """
    suspensions = [action for action in active if action.kind == ActionKind.SUSPEND]
    if not suspensions:
        raise Conflict(
            "@%(name)s is not suspended: there is nothing to lift", name=account.username
        )
    unknown = set(only) - {action.id for action in suspensions}
    if unknown:
        known = ", ".join(str(action.id) for action in suspensions)
        raise Invalid(
            "%(id)s is no suspension of @%(name)s that is in force: choose among %(among)s",
            id=min(unknown),
            name=account.username,
            among=known,
        )
    return [action for action in suspensions if not only or action.id in only]


def hidden_after(stays: Iterable[Action], state: State) -> str:
    """Return why an account stays hidden though its suspensions are lifted; empty: it does not."""
    for action in stays:
        if action.kind == ActionKind.SUSPEND:
            return f"suspended by action {action.id}, which this plan leaves in force"
    if state.deactivated:
        return "put away by its owner"
    if state.unconfirmed:
        return "its e-mail address is not confirmed"
    if state.pending:
        return "it waits for approval"
    return ""


def _moderators(actions: Iterable[Action]) -> set[int]:
    return {action.moderator for action in actions if action.moderator is not None}


def _held(action: Action, named: dict[int, Account]) -> Held:
    by = None if action.moderator is None else named.get(action.moderator)
    return Held(
        id=str(action.id),
        type=action.kind.label,
        ground=action.ground,
        by=by.username if by else None,
        taken_at=action.taken_at,
        until=action.until,
    )


def _figures(
    snap: Snapshot, settings: Settings, account: Account, since: int, stays: Sequence[Action]
) -> Figures:
    target, gate = account.ordinal, snap.gate
    followers = snap.sets.bitmap(SetKey(target, SetKind.FOLLOWERS))
    following = snap.sets.bitmap(SetKey(target, SetKind.FOLLOWING))
    still = any(action.kind == ActionKind.SUSPEND for action in stays)
    hidden = gate.why_hidden(followers)
    dormant = BitMap()
    if not still and snap.now - since > settings.dormant_days * DAY_MS:
        dormant = BitMap(dormant_follows(snap, target, snap.now))
    kept = following - dormant
    return Figures(
        followers=len(followers) - sum(hidden),
        followers_stored=len(followers),
        followers_suspended=hidden.suspended,
        followers_deleted=hidden.deleted,
        followers_absent=hidden.absent,
        following=gate.active_in(kept),
        following_stored=len(following),
        following_hidden=len(kept) - gate.active_in(kept),
        dormant=len(dormant),
        blocks_since=sum(
            len(snap.sets.between(SetKey(target, kind), above=ticks(since) - 1, below=2**62))
            for kind in (SetKind.BLOCKING, SetKind.BLOCKED_BY)
        ),
        requests_in=gate.size_active(SetKey(target, SetKind.FOLLOW_REQUESTS)),
        requests_out=gate.size_active(SetKey(target, SetKind.FOLLOW_REQUESTED))
        + gate.active_in(dormant),
        statuses=snap.statuses.count_by_author(target),
        media=snap.media.count_bound(target),
        drafts=snap.scheduled.count(target, before=snap.now + 1),
        scheduled=snap.scheduled.count(target, since=snap.now + 1),
        mailbox_freed=not still and _barred(snap, target),
        appeals=len(snap.appeals.open_of(target)),
        labels=tuple(label.name for label in snap.labels.of_account(target)),
    )


def _barred(view: View, account: int) -> bool:
    credentials = view.accounts.credentials(account)
    if credentials is None:
        return False
    blocks = view.sign_up_blocks.mailboxes(canonical_hash(credentials.email))
    return any(block.account == account for block in blocks)


# -- what happened since ---------------------------------------------------------------------------


def moved_since(snap: Snapshot, old: Plan, followers: int) -> Moved:
    """Return who joined or left the visible followers of an account since a plan was made.

    Who is told by name as far as the change feed reaches; what it does not tell is counted.

    Args:
        snap: a view whose sets may be read whole.
        old: the plan.
        followers: how many anybody will see, or sees, now.
    """
    key = SetKey(old.account, SetKind.FOLLOWERS)
    events = snap.feed.since(old.seq)
    first: dict[int, bool] = {}  # member → whether the first it did since was to join
    acted: dict[int, None] = {}
    for event in events or ():
        match event:
            case SetChanged(owner=key.owner, kind=key.kind, entries=entries):
                for op, member, _ in unpack_changes(entries):
                    first.setdefault(member, op == ADD)
            case ActionTaken(account=account):
                acted[account] = None
    if events is None:
        above = ticks(old.made_at)
        newest = snap.sets.newest(key, limit=MOST_LOOKED_AT, above=above)
        first = {entry.member: True for entry in newest}
    present = {member: snap.sets.contains(key, member) for member in (*first, *acted)}
    joined = [one for one, came in first.items() if came and present[one]]
    left = [one for one, came in first.items() if not came and not present[one]]
    stayed = [one for one in acted if present[one] and one not in first]
    was, now = _active_then(snap, {*left, *stayed}, old.made_at), snap.gate.active
    joined, left = [one for one in joined if now(one)], [one for one in left if was[one]]
    shown = [one for one in stayed if now(one) and not was[one]]
    hidden = [one for one in stayed if was[one] and not now(one)]
    known = len(joined) - len(left) + len(shown) - len(hidden)
    return Moved(
        joined=len(joined),
        left=len(left),
        shown=len(shown),
        hidden=len(hidden),
        unnamed=followers - old.figures.followers - known,
        who_joined=_names(snap, joined),
        who_left=_names(snap, left),
        who_shown=_names(snap, shown),
        who_hidden=_names(snap, hidden),
    )


def _active_then(snap: Snapshot, accounts: Iterable[int], at: int) -> dict[int, bool]:
    """Return whether accounts were active at a time (ms), by the record of enforcement.

    Since when one is unconfirmed, not approved or put away is known as long as it is.
    """
    found = {}
    for account in accounts:
        state = state_at(*snap.enforcement.of_account(account), at)
        away = snap.standings.get(account)
        since = [away.unconfirmed_at, away.pending_at, away.deactivated_at]
        found[account] = state.active and not any(one is not None and one <= at for one in since)
    return found


def _names(snap: Snapshot, accounts: Sequence[int]) -> tuple[str, ...]:
    some = list(accounts[-NAMES_TOLD:])
    found = snap.accounts.many(some)
    return tuple(found[one].username for one in some if one in found)
