"""Lifting actions, and taking lifted ones again, within a transaction.

What hangs on a suspension besides its mask (sessions, the mailbox, dormant follows, the message to
the owner) is done here alone, whoever decides: a moderator, the clock, a run or an amnesty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from rostra.config import Settings
from rostra.domain.account_set import SERVER, SetKey, SetKind
from rostra.domain.enforcement import (
    Action,
    ActionKind,
    Lifting,
    LiftReason,
    Record,
    suspended_since,
)
from rostra.domain.ids import ticks
from rostra.domain.notifications import NotificationType
from rostra.domain.sign_up import CanonicalEmailBlock, canonical_hash
from rostra.ports import Transaction, View
from rostra.services import appeals
from rostra.services.attachments.media import account_tag
from rostra.services.moderation import decision_results
from rostra.services.notifying import notifications

DAY_MS: Final = 86_400_000
RETURN_PREPARED_MS: Final = 60_000
"""How long before a timed suspension ends its dormant follows are made requests."""
MESSAGES_LOOKED_AT: Final = 40


# -- ending ----------------------------------------------------------------------------------------


def lift_in(
    tx: Transaction,
    settings: Settings,
    *,
    actions: Sequence[Action],
    reason: LiftReason,
    moderator: int | None,
    about: Mapping[str, object] | None = None,
    record: Record | None = None,
) -> list[Lifting]:
    """Lift actions of one account and do all that hangs on it; return the liftings.

    An account that no suspension is in force for any more gets its mailbox back, its dormant
    follows of locked accounts become requests, and its owner gets one message.

    Args:
        tx: the transaction.
        settings: of the server.
        actions: what to lift, of one account, oldest first; at least one.
        reason: why, unless an appeal about it was accepted: then it is overturned.
        moderator: who decided; None: the server itself.
        about: what the ledger is to tell besides, such as the run or amnesty that lifts.
        record: the account's record, when this transaction has read it already.

    Raises:
        NotFound: there is no such action.
        Conflict: one of them was lifted before.
    """
    account = actions[0].account
    record = record or tx.enforcement.of_account(account)
    since = suspended_since(*record, tx.now)
    liftings = []
    for action in actions:
        why, appealed = appeals.why_lifted(tx, action, reason, record[0])
        lifting = Lifting(
            action=action.id,
            account=account,
            reason=why,
            moderator=moderator,
            lifted_at=tx.now,
        )
        record = tx.enforcement.lift(lifting, about={**(about or {}), **appealed}, record=record)
        liftings.append(lifting)
    suspensions = [action for action in actions if action.kind == ActionKind.SUSPEND]
    if suspensions and since is not None and suspended_since(*record, tx.now) is None:
        let_in(tx, suspensions[-1], record, since, tx.now, settings.dormant_days)
    appeals.close_moot(tx, settings, account)
    return liftings


def let_in(
    tx: Transaction, last: Action, record: Record, since: int, until: int, dormant_days: int
) -> None:
    """Do what the end of an account's last suspension brings besides its mask.

    Args:
        tx: the transaction.
        last: the suspension that ended, of which the owner is told.
        record: the account's record.
        since: from when (ms) the account was suspended without a break.
        until: to when (ms).
        dormant_days: a setting: for how many days one may be away and keep all follows.
    """
    if suspended_since(*record, tx.now) is None:
        _free_mailbox(tx, last.account)  # else it was suspended anew before this was recorded
    ask_again(tx, last.account, since, until, dormant_days)
    warn(tx, last.account, last.id)


def ask_again(tx: Transaction, returned: int, since: int, until: int, dormant_days: int) -> int:
    """Make requests of the follows of locked accounts by one who was away for long.

    Followers-only statuses of that time stay hidden from it, should the request be accepted.

    Args:
        tx: the transaction.
        returned: who was away.
        since: from when (ms).
        until: to when (ms).
        dormant_days: a setting: for how many days one may be away and keep such follows.

    Returns:
        How many follows were made requests.
    """
    if until - since <= dormant_days * DAY_MS:
        return 0
    # Those made requests by a return that was taken back since have been away until now.
    tx.enforcement.prolong_veils(returned, since, until)
    own = SetKey(returned, SetKind.FOLLOWING)
    asked = 0
    for author in dormant_follows(tx, returned, until):
        asked += 1
        tx.sets.remove(own, author)
        tx.sets.add(SetKey(author, SetKind.FOLLOW_REQUESTS), returned)
        tx.enforcement.veil(returned, author, since, until)
        notifications.touch(tx, author, NotificationType.FOLLOW_REQUEST)
    return asked


def dormant_follows(view: View, returned: int, until: int) -> list[int]:
    """Return the locked accounts that one who was away until a time (ms) follows from before."""
    own, locked = SetKey(returned, SetKind.FOLLOWING), SetKey(SERVER, SetKind.LOCKED)
    authors = [author for members in view.sets.intersection(own, locked) for author in members]
    positions = ((author, view.sets.position(own, author)) for author in authors)
    # Followed after the time ran out: that is no dormant follow.
    return [author for author, at in positions if at is not None and at <= ticks(until)]


# -- taking ----------------------------------------------------------------------------------------


def restore_in(
    tx: Transaction,
    settings: Settings,
    *,
    actions: Sequence[Action],
    moderator: int | None,
    about: Mapping[str, object] | None = None,
    record: Record | None = None,
) -> list[Action]:
    """Take lifted actions of one account again, as if they had not been lifted; return the new.

    Each is an action of its own that names the one it restores and adds no strike. One whose time
    is over meanwhile is not taken again. Of a suspension that comes back the sessions are revoked,
    the mailbox is barred, and the message that it had ended is taken back.

    Args:
        tx: the transaction.
        settings: of the server.
        actions: those that were lifted, of one account, oldest first.
        moderator: who decided; None: the server itself.
        about: what the ledger is to tell besides, such as the run or amnesty rolled back.
        record: the account's record, when this transaction has read it already.
    """
    restored: list[Action] = []
    for lifted in actions:
        if lifted.until is not None and lifted.until <= tx.now:
            continue
        action = msgspec.structs.replace(
            lifted,
            id=tx.next_id(),
            moderator=moderator,
            taken_at=tx.now,
            starts_at=tx.now,
            restores=lifted.id,
        )
        record = tx.enforcement.take(action, about=about, record=record)
        if action.kind == ActionKind.SUSPEND:
            _take_message_back(tx, action.account, lifted.id)
        follow_up(tx, action, settings, record)
        restored.append(action)
    return restored


def follow_up(tx: Transaction, action: Action, settings: Settings, record: Record) -> None:
    """Do, or plan, what an action that was just taken brings with it besides its mask; ``record``
    is its account's, with it.
    """
    if action.kind == ActionKind.SUSPEND:
        _follow_suspension(tx, action, settings, record)
    elif action.restores is None:
        warn(tx, action.account, action.id)
    if action.until is not None:
        tx.jobs.enqueue("record_expired", {}, action.until)


def _follow_suspension(tx: Transaction, action: Action, settings: Settings, record: Record) -> None:
    if action.starts_at <= tx.now:
        shut_out(tx, action.account)
    else:
        tx.jobs.enqueue("begin_suspension", {"account": action.account}, action.starts_at)
    since = min(action.starts_at, suspended_since(*record, tx.now) or action.starts_at)
    if action.until is not None and action.until - since > settings.dormant_days * DAY_MS:
        named = {"account": action.account, "action": action.id}
        tx.jobs.enqueue("prepare_return", named, action.until - RETURN_PREPARED_MS)
    if settings.cache_purge_url and (account := tx.accounts.get(action.account)) is not None:
        tx.jobs.enqueue("purge_caches", {"tag": account_tag(account)}, action.starts_at)


def shut_out(tx: Transaction, account: int) -> None:
    """End the sessions and tokens of a suspended account, bar its mailbox from signing up, and make
    void what is left to its polls.
    """
    tx.access.revoke_all(account)
    _bar_mailbox(tx, account)
    decision_results.author_left(tx, account)


def warn(tx: Transaction, account: int, action: int) -> None:
    """Tell an account of what a moderator did, or that it is undone."""
    notifications.store(
        tx,
        account=account,
        type_=NotificationType.MODERATION_WARNING,
        source=account,
        event=action,
    )


def _take_message_back(tx: Transaction, account: int, action: int) -> None:
    """Take back what an account was told of the end of an action."""
    told = tx.notifications.stored(
        account, types=[NotificationType.MODERATION_WARNING], limit=MESSAGES_LOOKED_AT
    )
    for one in told:
        if one.event == action:
            tx.notifications.dismiss(account, one.id)


# -- the mailbox -----------------------------------------------------------------------------------


def _bar_mailbox(tx: Transaction, account: int) -> None:
    """Let nobody sign up with the address of an account, however it is spelt."""
    credentials = tx.accounts.credentials(account)
    if credentials is None:
        return
    name = canonical_hash(credentials.email)
    if not tx.sign_up_blocks.mailboxes(name):
        block = CanonicalEmailBlock(id=tx.next_id(), hash=name, account=account, created_at=tx.now)
        tx.sign_up_blocks.put_mailbox_block(block)


def _free_mailbox(tx: Transaction, account: int) -> None:
    """Take back what ``_bar_mailbox`` did; a moderator's own block of the address stays."""
    credentials = tx.accounts.credentials(account)
    if credentials is not None:
        _take_bar(tx, account, credentials.email)


def _take_bar(tx: Transaction, account: int, email: str) -> bool:
    """Take back the bar of an address of an account; return whether there was one."""
    bars = [
        block
        for block in tx.sign_up_blocks.mailboxes(canonical_hash(email))
        if block.account == account
    ]
    for block in bars:
        tx.sign_up_blocks.delete_mailbox_block(block.id)
    return bool(bars)


def move_bar(tx: Transaction, account: int, before: str) -> None:
    """Let the bar of a suspended account's mailbox follow from an address to its present one, so
    that it falls with the suspension.
    """
    if _take_bar(tx, account, before):
        _bar_mailbox(tx, account)
