"""What persons decide about an account while an amnesty is at work, by what it is."""

from __future__ import annotations

from typing import Any

from msgspec import structs
from tests.unit.amnesty_world import Waves

from rostra.domain.accounts import Standing
from rostra.domain.enforcement import ActionKind
from rostra.domain.labels import LEGAL_HOLD, Label
from rostra.services.moderation import enforcing


async def lift(world: Waves, account: int) -> None:
    await world.reinstate(account)


async def replace(world: Waves, account: int) -> None:
    await world.reinstate(account)
    await world.suspend(account)


async def limit(world: Waves, account: int) -> None:
    await enforcing.act(
        world.ctx, moderator=None, target=account, kind=ActionKind.LIMIT, ground="again"
    )


async def hold(world: Waves, account: int) -> None:
    label = Label(account=account, name=LEGAL_HOLD, moderator=None, given_at=world.clock.now())
    await world.store.write(lambda tx: tx.labels.put(label))


async def delete(world: Waves, account: int) -> None:
    def change(tx: Any) -> None:
        old = tx.enforcement.of_account(account)[0][0]
        tx.enforcement.take(structs.replace(old, id=tx.next_id(), kind=ActionKind.DELETE))

    await world.store.write(change)


async def put_away(world: Waves, account: int) -> None:
    """Let its owner put it away."""
    standing = Standing(account=account, deactivated_at=world.clock.now())
    await world.store.write(lambda tx: tx.standings.put(standing))
