"""A rehearsal from its beginning to its end: world, server, event, record."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from rostra.config import Settings
from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.enforcement import LiftReason
from rostra.domain.errors import RostraError
from rostra.ops.opening import context_of, open_store
from rostra.ops.rehearsal import making, tools
from rostra.ops.rehearsal.event import Event
from rostra.ops.rehearsal.faults import FAULTS, Planted
from rostra.ops.rehearsal.record import Asked, Record, machine
from rostra.ops.rehearsal.shape import Shape
from rostra.ops.rehearsal.world import DATA, FACTS, World, sizes
from rostra.ports import Transaction
from rostra.services.moderation import enforcing
from rostra.testing.server import Server, start

COMPLAINTS: Final = 12
TITLE: Final = "Rostra, a rehearsal"

Tell = Callable[[str], None]


def rehearse(
    asked: Asked,
    *,
    folder: Path | None,
    live: Path,
    keep: bool,
    shape: Shape,
    tell: Tell,
    progress: making.Tell,
) -> Record:
    """Rehearse, and return the record: as far as it came when it was interrupted.

    Args:
        asked: what.
        folder: where the world is kept; None for one that goes away.
        live: the live data folder, which is never touched.
        keep: leave a world that would go away.
        shape: how the audience returns.
        tell: called with what happens.
        progress: called with (what is built, how much of it, of how much).

    Raises:
        RostraError: it could not even begin; the message says why.
    """
    record = Record(asked=asked, machine=machine(), began=time.time())
    wanted = sizes(asked.followers, asked.seed)
    begun = False
    try:
        with making.prepared(folder, live, wanted, keep=keep, tell=progress) as (place, world):
            begun = True
            _note_world(record, world)
            if record.reused:
                tell(f"The world in {place} is used again")
            tell("The server starts")
            _serve(place / DATA, world, shape, record, tell)
            if asked.fault and FAULTS[asked.fault].for_good and (folder or keep):
                (place / FACTS).unlink()
                tell(f"The world in {place} is damaged for good; it is built anew next time")
    except KeyboardInterrupt:
        record.interrupted = True
    except RostraError as error:
        if not begun:
            raise
        record.error = error.message
    except (OSError, RuntimeError) as error:
        if not begun:
            raise
        record.error = f"{type(error).__name__}: {error}".splitlines()[0]
    record.ended = time.time()
    return record


def _note_world(record: Record, world: World) -> None:
    record.visible = world.visible
    record.built_seconds = world.built_seconds
    record.built_peak_mb = world.built_peak_mb
    record.built_bytes = world.bytes
    record.reused = world.built_at < record.began


def _serve(data: Path, world: World, shape: Shape, record: Record, tell: Tell) -> None:
    planted = Planted(record.asked.fault, data, world, record.asked.workers)
    planted.clear()
    server = start(data, workers=record.asked.workers, tied=True, title=TITLE)
    try:
        if record.reused:
            reset(data, world)
        Event(server, world, data, planted, shape, record, tell).run()
    finally:
        server.stop()
        planted.clear()
        record.planted = planted.did
        record.log = _complaints(server)


def _complaints(server: Server) -> list[str]:
    """Return what the server's log complains of: each entry once, with how often."""
    found: Counter[str] = Counter()
    for line in server.log.read_text(errors="replace").splitlines():
        try:
            entry: Any = msgspec.json.decode(line)
            told = f"{entry['level']}: {entry['event']}"
        except (msgspec.DecodeError, KeyError, TypeError):
            continue
        found[f"{told} ({entry['process']})" if "process" in entry else told] += 1
    return [f"{told} × {times}" for told, times in found.most_common(COMPLAINTS)]


def reset(data: Path, world: World) -> None:
    """Put a kept world back to how it was built, as far as rehearsals change what they look at."""
    active = tools.settle(data, world.star.ordinal)
    settings = Settings(data=data)
    store = open_store(settings)
    ctx = context_of(settings, store)
    star = world.star.ordinal

    def leave(tx: Transaction) -> None:
        for comer in world.comers:
            tx.sets.remove(SetKey(star, SetKind.FOLLOWERS), comer.ordinal)

    async def restore() -> None:
        await store.write(leave)
        if not active:
            await enforcing.reinstate(
                ctx,
                moderator=world.moderator.ordinal,
                target=star,
                reason=LiftReason.OVERTURNED,
            )
        await store.close()

    asyncio.run(restore())
