"""Conversations of direct statuses: who is in one has it in a list of its own, read or unread.

A row is written for each account that a direct status is by or to. Whether anything of a
conversation can be shown is asked when it is read.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Final, Unpack

from msgspec import Struct
from pyroaring import BitMap

from rostra.domain.conversations import Conversation
from rostra.domain.errors import NotFound
from rostra.domain.pages import Page
from rostra.domain.statuses import Status
from rostra.ports import Context, Snapshot, Transaction, View
from rostra.services.reading import paging

LOOKED_AT: Final = 40
"""How many of a conversation's newest statuses are looked at for one that may be shown."""


class ConversationView(Struct, frozen=True):
    """A conversation with the newest status that may be shown, and the others in it (ordinals)."""

    conversation: Conversation
    status: Status
    accounts: tuple[int, ...]


# -- keeping them with what is said --------------------------------------------------------------


def record(tx: Transaction, status: Status, accounts: Iterable[int] | None = None) -> None:
    """Put a new direct status in the conversations of those it is by and to.

    Args:
        tx: the transaction.
        status: a direct status.
        accounts: only those of these accounts; None for all.
    """
    for account in accounts if accounts is not None else {status.author, *status.mentions}:
        if tx.gate.blocks(account, status.author) or tx.gate.blocks(status.author, account):
            continue
        before = tx.conversations.get(account, status.root)
        if before is None or before.last < status.id:
            tx.conversations.put(
                Conversation(
                    account=account,
                    root=status.root,
                    last=status.id,
                    unread=account != status.author,
                )
            )


def forget(tx: Transaction, status: Status, accounts: Iterable[int] | None = None) -> None:
    """Let conversations that ended with a direct status end with the one before it.

    Args:
        tx: the transaction, in which the status is gone or not theirs any more.
        status: a direct status.
        accounts: only the conversations of these accounts; None for all it was by and to.
    """
    for account in accounts if accounts is not None else {status.author, *status.mentions}:
        found = tx.conversations.get(account, status.root)
        if found is None or found.last != status.id:
            continue
        said = tx.conversations.said(account, status.root, limit=1)
        if said:
            tx.conversations.put(
                Conversation(account=account, root=found.root, last=said[0], unread=found.unread)
            )
        else:
            tx.conversations.remove(account, found.root)


# -- reading -------------------------------------------------------------------------------------


def page(snap: Snapshot, viewer: int, **page: Unpack[Page]) -> list[ConversationView]:
    """Return a page of the viewer's conversations, the one with the newest status first.

    Those of which nothing may be shown are left out.
    """
    views: dict[int, ConversationView] = {}

    def keep(found: list[Conversation]) -> list[Conversation]:
        newest = snap.statuses.many(conversation.last for conversation in found)
        for conversation in found:
            shown = _view(snap, viewer, conversation, newest.get(conversation.last))
            if shown is not None:
                views[conversation.root] = shown
        return [conversation for conversation in found if conversation.root in views]

    fetch = partial(snap.conversations.page, viewer)
    shown = paging.fill(fetch, keep, lambda conversation: conversation.last, **page)
    return [views[conversation.root] for conversation in shown]


def show(snap: Snapshot, viewer: int, root: int) -> ConversationView:
    """Return a conversation of the viewer.

    Raises:
        NotFound: there is none, or nothing of it may be shown.
    """
    conversation = snap.conversations.get(viewer, root)
    if conversation is None:
        raise NotFound
    found = _view(snap, viewer, conversation, snap.statuses.get(conversation.last))
    if found is None:
        raise NotFound
    return found


def _view(
    view: View, viewer: int, conversation: Conversation, newest: Status | None
) -> ConversationView | None:
    status = newest if newest is not None and _shown(view, viewer, newest) else None
    if status is None:
        said = view.conversations.said(viewer, conversation.root, limit=LOOKED_AT)
        found = view.statuses.many(said).values()
        status = next((one for one in found if _shown(view, viewer, one)), None)
    if status is None:
        return None
    others = [one for one in (status.author, *status.mentions) if one != viewer]
    active = view.gate.active_among(dict.fromkeys(others))
    return ConversationView(conversation, status, tuple(active or (viewer,)))


def _shown(view: View, viewer: int, status: Status) -> bool:
    author = status.author
    wanted = author == viewer or bool(view.gate.wanted(viewer, BitMap([author])))
    return wanted and view.gate.may_see_status(viewer, status)


# -- acting --------------------------------------------------------------------------------------


async def mark(ctx: Context, *, actor: int, root: int, unread: bool) -> None:
    """Mark a conversation of one's own read or unread.

    Raises:
        NotFound: there is none.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> None:
        found = _require(tx, actor, root)
        tx.conversations.put(Conversation(account=actor, root=root, last=found.last, unread=unread))

    await ctx.store.write(change)


async def remove(ctx: Context, *, actor: int, root: int) -> None:
    """Take a conversation out of one's own list; it is back with the next status in it.

    Raises:
        NotFound: there is none.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> None:
        _require(tx, actor, root)
        tx.conversations.remove(actor, root)

    await ctx.store.write(change)


def _require(tx: Transaction, actor: int, root: int) -> Conversation:
    tx.gate.require_may_act(actor)
    found = tx.conversations.get(actor, root)
    if found is None:
        raise NotFound
    return found
