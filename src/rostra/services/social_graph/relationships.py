"""Who follows, asks to follow, blocks and mutes whom, and what one account is to another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.errors import Invalid, NotFound
from rostra.domain.notifications import NotificationType
from rostra.domain.relationships import FollowOptions, MuteOptions, Relationship
from rostra.ports import Context, Transaction
from rostra.services import text
from rostra.services.notifying import notifications
from rostra.services.social_graph import lists
from rostra.services.social_graph.ties import (
    ask_ahead,
    begin,
    dormant_followers,
    familiar_followers,
    follow_requests,
    followers,
    following,
    mutes_end,
    owned,
    relationship,
    relationships,
    require_account,
)

__all__ = [
    "accept",
    "accept_requests",
    "accept_waiting",
    "authorize_request",
    "block",
    "dormant_followers",
    "end_mute",
    "familiar_followers",
    "follow",
    "follow_requests",
    "followers",
    "following",
    "mute",
    "mutes_end",
    "owned",
    "reject_request",
    "relationship",
    "relationships",
    "remove_follower",
    "set_note",
    "unblock",
    "unfollow",
    "unmute",
    "untie",
]

MAX_MEMO: Final = 2000
MAX_LANGUAGES: Final = 100
ACCEPTED_AT_ONCE: Final = 1000

# -- following -------------------------------------------------------------------------------------


async def follow(
    ctx: Context,
    *,
    actor: int,
    target: int,
    reblogs: bool | None = None,
    notify: bool | None = None,
    languages: Sequence[str] | None = None,
) -> Relationship:
    """Follow an account, or ask to when it is locked or the actor limited; again is harmless.

    Args:
        ctx: the ports.
        actor: who follows.
        target: who is followed.
        reblogs: whether its boosts are wanted; None leaves that as it is.
        notify: whether each new status of it is to be told; None leaves that as it is.
        languages: the languages wanted (ISO 639-1), none meaning all; None leaves that as it is.

    Raises:
        NotFound: the target is not there, or away.
        Forbidden: the actor may not act, is the target, or a block stands between the two.
    """

    def change(tx: Transaction) -> Relationship:
        account = require_account(tx, target)
        ask_ahead(tx, actor, target)
        tx.gate.require_may_approach(actor, target)
        following = SetKey(target, SetKind.FOLLOWERS)
        asked = SetKey(target, SetKind.FOLLOW_REQUESTS)
        if not (tx.sets.contains(following, actor) or tx.sets.contains(asked, actor)):
            if account.locked or tx.gate.state(actor).limited:
                tx.sets.add(asked, actor)
                _tell(tx, actor, target, NotificationType.FOLLOW_REQUEST)
            else:
                tx.sets.add(following, actor)
                _tell(tx, actor, target, NotificationType.FOLLOW)
        _set_options(tx, actor, target, reblogs, notify, languages)
        return relationship(tx, actor, target)

    return await ctx.store.write(change)


def _tell(tx: Transaction, actor: int, target: int, type_: NotificationType) -> None:
    """Let the target hear of a follow, unless it is but a probe of the server's."""
    if actor != tx.access.service_account():
        notifications.touch(tx, target, type_)


def _set_options(
    tx: Transaction,
    actor: int,
    target: int,
    reblogs: bool | None,
    notify: bool | None,
    languages: Sequence[str] | None,
) -> None:
    if reblogs is None and notify is None and languages is None:
        return
    before = tx.accounts.follow_options(actor, [target]).get(target, FollowOptions())
    after = FollowOptions(
        reblogs=before.reblogs if reblogs is None else reblogs,
        notify=before.notify if notify is None else notify,
        languages=before.languages if languages is None else _distinct(languages),
    )
    if after != before:
        tx.accounts.set_follow_options(actor, target, after)


def _distinct(languages: Sequence[str]) -> tuple[str, ...]:
    distinct = tuple(dict.fromkeys(languages))
    if len(distinct) > MAX_LANGUAGES:
        raise Invalid(
            "Validation failed: Languages are too many (maximum is %(num)s)", num=MAX_LANGUAGES
        )
    for code in distinct:
        text.check_language(code)
    return distinct


async def unfollow(ctx: Context, *, actor: int, target: int) -> Relationship:
    """Stop following an account and take back a request; works toward suspended accounts too.

    Raises:
        NotFound: there is no such account.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> Relationship:
        begin(tx, actor, target)
        untie(tx, actor, target)
        return relationship(tx, actor, target)

    return await ctx.store.write(change)


async def remove_follower(ctx: Context, *, actor: int, target: int) -> Relationship:
    """Make ``target`` follow the actor no longer, suspended or not.

    Raises:
        NotFound: there is no such account.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> Relationship:
        begin(tx, actor, target)
        if tx.sets.remove(SetKey(actor, SetKind.FOLLOWERS), target):
            _forget_choices(tx, target, actor)
        return relationship(tx, actor, target)

    return await ctx.store.write(change)


async def authorize_request(ctx: Context, *, actor: int, follower: int) -> Relationship:
    """Let somebody who asked follow the actor.

    Raises:
        NotFound: there is no such request, or the one who asked is away.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> Relationship:
        begin(tx, actor, follower)
        if not tx.gate.active(follower) or not accept(tx, actor, follower):
            raise NotFound
        return relationship(tx, actor, follower)

    return await ctx.store.write(change)


async def reject_request(ctx: Context, *, actor: int, follower: int) -> Relationship:
    """Refuse somebody who asked to follow the actor.

    Raises:
        NotFound: there is no such request, or the one who asked is away.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> Relationship:
        begin(tx, actor, follower)
        asked = SetKey(actor, SetKind.FOLLOW_REQUESTS)
        if not tx.gate.active(follower) or not tx.sets.remove(asked, follower):
            raise NotFound
        _forget_choices(tx, follower, actor)
        return relationship(tx, actor, follower)

    return await ctx.store.write(change)


async def accept_requests(ctx: Context, *, account: int, after: int = 0) -> int:
    """Accept some of the requests an account that is not locked any more still has; return how
    many.
    """

    def change(tx: Transaction) -> int:
        owner = tx.accounts.get(account)
        if owner is None or owner.locked or not tx.gate.active(account):
            return 0
        return accept_waiting(tx, account, after)

    return await ctx.store.write(change)


def accept_waiting(tx: Transaction, account: int, after: int = 0) -> int:
    """Accept requests, oldest first, but those of limited accounts, as Mastodon does.

    A thousand at a time; a job does the rest. Return how many were accepted.

    Args:
        tx: the transaction.
        account: who was asked.
        after: only requests above this position.
    """
    key = SetKey(account, SetKind.FOLLOW_REQUESTS)
    waiting = tx.gate.visible_page(key, limit=ACCEPTED_AT_ONCE, min_id=after)
    able = [entry.member for entry in reversed(waiting) if not tx.gate.state(entry.member).limited]
    for follower in able:
        accept(tx, account, follower)
    if len(waiting) == ACCEPTED_AT_ONCE:
        payload = {"account": account, "after": waiting[0].position}
        tx.jobs.enqueue("accept_requests", payload, tx.now)
    return len(able)


def accept(tx: Transaction, account: int, follower: int) -> bool:
    """Turn a request into a follow; return whether there was one."""
    if not tx.sets.remove(SetKey(account, SetKind.FOLLOW_REQUESTS), follower):
        return False
    if tx.sets.add(SetKey(account, SetKind.FOLLOWERS), follower):
        notifications.touch(tx, account, NotificationType.FOLLOW)
    return True


def untie(tx: Transaction, follower: int, followed: int) -> bool:
    """Remove a follow, or a request to, with its options; return whether there was one."""
    followed_by = tx.sets.remove(SetKey(followed, SetKind.FOLLOWERS), follower)
    asked_by = tx.sets.remove(SetKey(followed, SetKind.FOLLOW_REQUESTS), follower)
    if followed_by or asked_by:
        _forget_choices(tx, follower, followed)
    return followed_by or asked_by


def _forget_choices(tx: Transaction, follower: int, followed: int) -> None:
    """Forget what goes with a follow: its options, a place in lists, featuring on the profile."""
    tx.accounts.set_follow_options(follower, followed, None)
    lists.forget_member(tx, follower, followed)
    tx.sets.remove(SetKey(follower, SetKind.ENDORSING), followed)


# -- blocks, mutes, notes --------------------------------------------------------------------------


async def block(ctx: Context, *, actor: int, target: int) -> Relationship:
    """Block an account: follows and requests end both ways, for good.

    Raises:
        NotFound: there is no such account.
        Forbidden: the actor may not act, or is the target.
    """

    def change(tx: Transaction) -> Relationship:
        begin(tx, actor, target)
        untie(tx, actor, target)
        untie(tx, target, actor)
        tx.sets.add(SetKey(actor, SetKind.BLOCKING), target)
        return relationship(tx, actor, target)

    return await ctx.store.write(change)


async def unblock(ctx: Context, *, actor: int, target: int) -> Relationship:
    """Block an account no longer; follows do not come back.

    Raises:
        NotFound: there is no such account.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> Relationship:
        begin(tx, actor, target)
        tx.sets.remove(SetKey(actor, SetKind.BLOCKING), target)
        return relationship(tx, actor, target)

    return await ctx.store.write(change)


async def mute(
    ctx: Context, *, actor: int, target: int, notifications: bool = True, duration_s: int = 0
) -> Relationship:
    """Keep an account out of the actor's timelines.

    Args:
        ctx: the ports.
        actor: who mutes.
        target: who is muted.
        notifications: mute what it would notify of as well.
        duration_s: seconds until the mute ends by itself; 0 for never.

    Raises:
        Invalid: the duration is below zero.
        NotFound: there is no such account.
        Forbidden: the actor may not act, or is the target.
    """
    if not 0 <= duration_s <= 10**10:
        raise Invalid("Validation failed: Duration must be a number of seconds, 0 for no end")

    def change(tx: Transaction) -> Relationship:
        begin(tx, actor, target)
        until = tx.now + duration_s * 1000 if duration_s else None
        tx.sets.add(SetKey(actor, SetKind.MUTING), target)
        tx.accounts.set_mute_options(actor, target, MuteOptions(notifications, until))
        if until is not None:
            payload = {"account": actor, "target": target, "until": until}
            tx.jobs.enqueue("end_mute", payload, until)
        return relationship(tx, actor, target)

    return await ctx.store.write(change)


async def unmute(ctx: Context, *, actor: int, target: int) -> Relationship:
    """Mute an account no longer.

    Raises:
        NotFound: there is no such account.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> Relationship:
        begin(tx, actor, target)
        _unmute(tx, actor, target)
        return relationship(tx, actor, target)

    return await ctx.store.write(change)


def _unmute(tx: Transaction, actor: int, target: int) -> None:
    if tx.sets.remove(SetKey(actor, SetKind.MUTING), target):
        tx.accounts.set_mute_options(actor, target, None)


async def end_mute(ctx: Context, *, account: int, target: int, until: int) -> bool:
    """End a mute whose time (ms) has come, unless it was changed since; return whether it ended."""

    def change(tx: Transaction) -> bool:
        options = tx.accounts.mute_options(account, [target]).get(target)
        if options is None or options.until != until or until > tx.now:
            return False
        _unmute(tx, account, target)
        return True

    return await ctx.store.write(change)


async def set_note(ctx: Context, *, actor: int, target: int, note: str) -> Relationship:
    """Keep a private note on an account; an empty one removes it.

    Raises:
        Invalid: the note is too long.
        NotFound: there is no such account.
        Forbidden: the actor may not act.
    """
    if len(note) > MAX_MEMO:
        raise Invalid(
            "Validation failed: Comment is too long (maximum is %(num)s characters)", num=MAX_MEMO
        )

    def change(tx: Transaction) -> Relationship:
        begin(tx, actor, target)
        tx.accounts.set_note(actor, target, note)
        return relationship(tx, actor, target)

    return await ctx.store.write(change)
