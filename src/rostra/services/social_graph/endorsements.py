"""Endorsements: accounts one follows and features on one's profile."""

from __future__ import annotations

from typing import Unpack

from rostra.domain.account_set import Entry, SetKey, SetKind
from rostra.domain.errors import Invalid, NotFound
from rostra.domain.pages import Page
from rostra.domain.relationships import Relationship
from rostra.ports import Context, Snapshot, Transaction
from rostra.services.social_graph.ties import begin, relationship, require_account


def endorsed(snap: Snapshot, viewer: int | None, owner: int, **page: Unpack[Page]) -> list[Entry]:
    """Return a page of those an account features on its profile, newest first.

    Raises:
        NotFound: there is no such account.
    """
    require_account(snap, owner)
    if viewer is not None and viewer != owner and snap.gate.blocks(owner, viewer):
        return []
    return snap.gate.visible_page(SetKey(owner, SetKind.ENDORSING), viewer=viewer, **page)


async def endorse(ctx: Context, *, actor: int, target: int) -> Relationship:
    """Feature an account on the actor's profile; again is harmless.

    Raises:
        Invalid: the actor does not follow it.
        NotFound: there is no such account, or it is away.
        Forbidden: the actor may not act, or is the target.
    """

    def change(tx: Transaction) -> Relationship:
        begin(tx, actor, target)
        if not tx.gate.active(target):
            raise NotFound
        if not tx.sets.contains(SetKey(actor, SetKind.FOLLOWING), target):
            raise Invalid(
                "Validation failed: You must be already following the person you want to endorse"
            )
        tx.sets.add(SetKey(actor, SetKind.ENDORSING), target)
        return relationship(tx, actor, target)

    return await ctx.store.write(change)


async def unendorse(ctx: Context, *, actor: int, target: int) -> Relationship:
    """Feature an account on the actor's profile no longer.

    Raises:
        NotFound: there is no such account.
        Forbidden: the actor may not act, or is the target.
    """

    def change(tx: Transaction) -> Relationship:
        begin(tx, actor, target)
        tx.sets.remove(SetKey(actor, SetKind.ENDORSING), target)
        return relationship(tx, actor, target)

    return await ctx.store.write(change)
