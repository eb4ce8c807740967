"""The world of ``bench reinstate``, and what the engine writes when it suspends, run as processes.

``python -m bench.stage make|rows FOLDER …`` prints one line of JSON.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import apsw
import msgspec
import numpy as np
from msgspec import Struct

from rostra.domain.account_set import SERVER, SetKey, SetKind
from rostra.domain.accounts import Role
from rostra.domain.enforcement import LiftReason
from rostra.services.moderation import enforcing
from rostra.storage.bulk import load_edges, load_set
from rostra.storage.store import SqliteStore
from rostra.testing.people import Person, grant, open_context, settle, write_statuses
from rostra.testing.worlds import Star, arrivals, sample

WORLD: Final = "world.json"
FEW: Final = 8
"""How many follow the account beside it that almost nobody follows."""


class World(Struct, frozen=True):
    """Who is who in the data folder, and what is true of them."""

    star: Person
    small: Person
    moderator: Person
    clients: list[Person]
    people: list[Person]
    newest: list[int]  # ids of the star's newest followers that have an account, newest first
    visible: int  # its followers that are not suspended, clients left out
    status: int  # its newest status


class Rows(Struct, frozen=True):
    """How many rows of any table one suspension and one reinstatement insert, update or delete."""

    suspended: int
    reinstated: int


def make(
    folder: Path,
    followers: int,
    ordinals: int,
    suspended: int,
    people: int,
    clients: int,
    seed: int,
) -> World:
    """Make the data folder: the star's ``people`` newest followers are full accounts."""
    rng = np.random.default_rng(seed)
    store = SqliteStore.open(folder)
    star, small = settle(store, ["star", "small"])
    moderator = settle(store, ["moderator"], role=Role.MODERATOR)[0]
    visitors = settle(store, [f"client{number}" for number in range(clients)])
    fans = settle(store, [f"fan{number}" for number in range(people)])
    crowd = _crowd(rng, store, fans, followers, ordinals)
    hidden = sample(rng, suspended, fans[-1].ordinal + 1, ordinals)
    load_set(
        store,
        SetKey(SERVER, SetKind.SUSPENDED),
        hidden,
        arrivals(rng, suspended, years=4),
    )
    few = np.array([fan.ordinal for fan in fans[:FEW]], dtype=np.uint32)
    load_edges(
        store,
        SetKind.FOLLOWERS,
        np.concatenate(
            [_repeat(star.ordinal, len(crowd.members)), _repeat(small.ordinal, len(few))]
        ),
        np.concatenate([crowd.members, few]),
        np.concatenate([crowd.times, crowd.times[-len(few) :]]),
    )
    write_statuses(store, [fan.ordinal for fan in fans[:100]], "From a fan")
    status = write_statuses(store, [star.ordinal] * 3, "From the star")[-1]
    store.close_now()
    is_hidden = np.zeros(ordinals + 1, dtype=bool)
    is_hidden[hidden] = True
    return World(
        star=star,
        small=small,
        moderator=moderator,
        clients=visitors,
        people=fans,
        newest=[fan.id for fan in fans[::-1]][:20],
        visible=int(np.count_nonzero(~is_hidden[crowd.members])),
        status=status,
    )


def _crowd(
    rng: np.random.Generator,
    store: SqliteStore,
    fans: list[Person],
    followers: int,
    ordinals: int,
) -> Star:
    first = fans[-1].ordinal + 1
    store.write_now(lambda tx: tx.accounts.reserve_ordinals(ordinals + 1 - first))
    rest = sample(rng, followers - len(fans), first, ordinals)
    own = np.array([fan.ordinal for fan in fans], dtype=np.uint32)
    return Star(members=np.concatenate([rest, own]), times=arrivals(rng, followers, years=4))


def _repeat(owner: int, times: int) -> Any:
    return np.full(times, owner, dtype=np.uint32)


def rows(folder: Path, target: int, moderator: int) -> Rows:
    """Suspend and reinstate an account (an ordinal) and count the rows that SQLite changed."""
    opened: list[apsw.Connection] = []
    apsw.connection_hooks.append(opened.append)
    ctx = open_context(folder)

    def changed(work: Callable[[], Any]) -> int:
        before = sum(connection.total_changes() for connection in opened)
        asyncio.run(work())
        return sum(connection.total_changes() for connection in opened) - before

    async def suspend() -> object:
        return await enforcing.suspend(ctx, moderator=moderator, target=target, ground="measured")

    async def reinstate() -> object:
        return await enforcing.reinstate(
            ctx, moderator=moderator, target=target, reason=LiftReason.OVERTURNED
        )

    # The first suspension revokes whatever tokens there are; the one that is counted revokes one.
    changed(suspend)
    changed(reinstate)
    ctx.store.write_now(lambda tx: grant(tx, target, f"of {target}"))
    suspended, reinstated = changed(suspend), changed(reinstate)
    asyncio.run(ctx.store.close())
    return Rows(suspended=suspended, reinstated=reinstated)


def main(arguments: list[str]) -> None:
    """Run a step; ``rows`` prints what it found, ``make`` writes it down beside the folder."""
    step, folder, *numbers = arguments
    path = Path(folder)
    if step == "make":
        encoded = msgspec.json.encode(make(path, *map(int, numbers)))
        (path.parent / WORLD).write_bytes(encoded)
        print("{}")
    else:
        print(msgspec.json.encode(rows(path, *map(int, numbers))).decode())


if __name__ == "__main__":
    main(sys.argv[1:])
