"""Lists: making them, and who is in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Unpack

import msgspec

from rostra.domain.account_set import Entry, SetKey, SetKind
from rostra.domain.errors import Invalid, NotFound
from rostra.domain.lists import MAX_LISTS, MAX_TITLE, AccountList, RepliesPolicy
from rostra.domain.pages import Page
from rostra.ports import Context, Snapshot, Transaction, View

CLEARED_AT_ONCE: Final = 5_000


def members_of(list_id: int) -> SetKey:
    """Return the account set of who is in a list."""
    return SetKey(list_id, SetKind.LIST_MEMBERS)


# -- reading ---------------------------------------------------------------------------------------


def show(view: View, owner: int, list_id: int | None) -> AccountList:
    """Return a list.

    Raises:
        NotFound: the owner has none with this id.
    """
    found = None if list_id is None else view.lists.get(owner, list_id)
    if found is None:
        raise NotFound
    return found


def containing(snap: Snapshot, owner: int, member: int) -> list[AccountList]:
    """Return the lists of an owner that an account is in; none while that account is away."""
    if not snap.gate.active(member):
        return []
    return _containing(snap, owner, member)


def _containing(view: View, owner: int, member: int) -> list[AccountList]:
    lists = view.lists.of(owner)
    is_in = view.sets.contained_in([members_of(each.id) for each in lists], member)
    return [each for each, has in zip(lists, is_in, strict=True) if has]


def members(snap: Snapshot, owner: int, list_id: int | None, **page: Unpack[Page]) -> list[Entry]:
    """Return a page of who is in a list, newest first; those who are away are hidden.

    Raises:
        NotFound: the owner has none with this id.
    """
    found = show(snap, owner, list_id)
    return snap.gate.visible_page(members_of(found.id), **page)


def everybody(snap: Snapshot, owner: int, list_id: int | None) -> list[int]:
    """Return all who are in a list, newest first.

    Raises:
        NotFound: the owner has none with this id.
    """
    key = members_of(show(snap, owner, list_id).id)
    entries = snap.gate.visible_page(key, limit=snap.sets.size(key))
    return [entry.member for entry in entries]


# -- changing --------------------------------------------------------------------------------------


def _checked_title(title: str) -> str:
    title = title.strip()
    if not title:
        raise Invalid("Validation failed: Title can't be blank")
    if len(title) > MAX_TITLE:
        raise Invalid(
            "Validation failed: Title is too long (maximum is %(num)s characters)", num=MAX_TITLE
        )
    return title


async def create(
    ctx: Context,
    *,
    actor: int,
    title: str,
    replies: RepliesPolicy = RepliesPolicy.LIST,
    exclusive: bool = False,
) -> AccountList:
    """Make a list.

    Raises:
        Invalid: it has no title, or the actor has as many lists as one may have.
        Forbidden: the actor may not act.
    """
    title = _checked_title(title)

    def change(tx: Transaction) -> AccountList:
        tx.gate.require_may_act(actor)
        if len(tx.lists.of(actor)) >= MAX_LISTS:
            raise Invalid(
                "Validation failed: You have %(num)s lists already: remove one first", num=MAX_LISTS
            )
        made = AccountList(
            account=actor, id=tx.next_id(), title=title, replies=replies, exclusive=exclusive
        )
        tx.lists.put(made)
        return made

    return await ctx.store.write(change)


async def update(
    ctx: Context,
    *,
    actor: int,
    list_id: int | None,
    title: str | None = None,
    replies: RepliesPolicy | None = None,
    exclusive: bool | None = None,
) -> AccountList:
    """Change a list; None leaves a thing as it is.

    Raises:
        Invalid: the title is blank or too long.
        NotFound: the actor has no such list.
        Forbidden: the actor may not act.
    """
    if title is not None:
        title = _checked_title(title)

    def change(tx: Transaction) -> AccountList:
        tx.gate.require_may_act(actor)
        before = show(tx, actor, list_id)
        after = msgspec.structs.replace(
            before,
            title=before.title if title is None else title,
            replies=before.replies if replies is None else replies,
            exclusive=before.exclusive if exclusive is None else exclusive,
        )
        if after != before:
            tx.lists.put(after)
        return after

    return await ctx.store.write(change)


async def delete(ctx: Context, *, actor: int, list_id: int | None) -> None:
    """Remove a list; a job forgets who was in it.

    Raises:
        NotFound: the actor has no such list.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> None:
        tx.gate.require_may_act(actor)
        remove(tx, show(tx, actor, list_id))

    await ctx.store.write(change)


def remove(tx: Transaction, value: AccountList) -> None:
    """Remove a list within a transaction."""
    tx.lists.delete(value.account, value.id)
    if tx.sets.size(members_of(value.id)):
        tx.jobs.enqueue("clear_list", {"list": value.id, "owner": value.account}, tx.now)


async def clear_members(ctx: Context, *, list: int, owner: int) -> None:
    """Forget who was in a list that was removed, some at a time; a job."""

    def change(tx: Transaction) -> int:
        if tx.lists.get(owner, list) is not None:
            return 0
        entries = tx.sets.newest(members_of(list), limit=CLEARED_AT_ONCE)
        return tx.sets.remove_many(members_of(list), [entry.member for entry in entries])

    while await ctx.store.write(change):
        pass


async def add_members(
    ctx: Context, *, actor: int, list_id: int | None, members: Sequence[int]
) -> None:
    """Add accounts to a list: all of them, or none.

    Args:
        ctx: the ports.
        actor: whose list.
        list_id: the list.
        members: ordinals of accounts the actor follows, or has asked to, or its own.

    Raises:
        NotFound: the actor has no such list.
        Invalid: it does not follow one of them, or one is in the list already.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> None:
        tx.gate.require_may_act(actor)
        key = members_of(show(tx, actor, list_id).id)
        for member in members:
            if not _is_tied(tx, actor, member):
                raise Invalid(
                    "Validation failed: Account must be followed before it can be put in a list"
                )
            if not tx.sets.add(key, member):
                raise Invalid("Validation failed: Account has already been taken")

    await ctx.store.write(change)


def _is_tied(view: View, owner: int, member: int) -> bool:
    kinds = (SetKind.FOLLOWING, SetKind.FOLLOW_REQUESTED)
    return member == owner or any(
        view.sets.contained_in([SetKey(owner, kind) for kind in kinds], member)
    )


async def remove_members(
    ctx: Context, *, actor: int, list_id: int | None, members: Sequence[int]
) -> None:
    """Take accounts out of a list; those that are not in it are passed over.

    Raises:
        NotFound: the actor has no such list.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> None:
        tx.gate.require_may_act(actor)
        tx.sets.remove_many(members_of(show(tx, actor, list_id).id), members)

    await ctx.store.write(change)


def forget_member(tx: Transaction, owner: int, member: int) -> None:
    """Take an account that its owner follows no longer out of all its lists."""
    for each in _containing(tx, owner, member):
        tx.sets.remove(members_of(each.id), member)
