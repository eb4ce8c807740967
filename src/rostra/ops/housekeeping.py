"""What the job runner keeps in order: the journal is packed, what is old is let go of."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from rostra.jobs.schedule import Periodic
from rostra.ops.opening import machine_of
from rostra.ops.traffic import EVERY as TRAFFIC_EVERY
from rostra.ops.traffic import TrafficCount
from rostra.ports import Context
from rostra.services import reinstatement
from rostra.services.amnesty import amnesties
from rostra.services.attachments import cards, media
from rostra.services.discovery import trends
from rostra.services.membership import departures
from rostra.services.moderation import enforcing
from rostra.services.portability import transfers
from rostra.services.probing import lending
from rostra.storage.database.sqlite import Database
from rostra.storage.packer import Packer
from rostra.storage.store import DATABASE_FILE, SqliteStore
from rostra.storage.views import WriteView

PACK_EVERY: Final = 1.0
RECORD_EXPIRED_EVERY: Final = 10.0
PRUNE_FEED_EVERY: Final = 10.0
PRUNE_KEYS_EVERY: Final = 600.0
SWEEP_MEDIA_EVERY: Final = 600.0
SWEEP_PROBES_EVERY: Final = 60.0
COUNT_TRENDS_EVERY: Final = 300.0
SWEEP_FILES_EVERY: Final = 6 * 3600.0

FEED_KEPT: Final = 100_000
"""Commits the feed reaches back at least; a process further behind reads everything anew."""

FEED_A_STEP: Final = 2_000
SWEEP_ACCOUNTS_EVERY: Final = 600.0
KEYS_A_STEP: Final = 500
KEY_LIFETIME_MS: Final = 24 * 60 * 60 * 1000

PACK_SECONDS_A_TURN: Final = 0.5


def periodic_work(context: Context, store: SqliteStore) -> list[Periodic]:
    """Return what is to be done again and again on an open data folder."""
    packing = Packing(store)
    keys = OldKeys(context, store)
    traffic = TrafficCount(context, machine_of(context.settings).cpu_seconds)

    async def record_expired() -> bool:
        await enforcing.record_expired(context)
        return False

    async def sweep_accounts() -> bool:
        await amnesties.expire_plans(context)
        return await departures.sweep(context)

    async def sweep_media() -> bool:
        return await media.sweep(context)

    async def sweep_probes() -> bool:
        return await lending.sweep(context)

    async def sweep_transfers() -> bool:
        return await transfers.sweep(context)

    async def sweep_files() -> bool:
        await media.sweep_files(context)
        await reinstatement.prune_plans(context)
        await cards.sweep(context)
        return False

    async def count_trends() -> bool:
        await trends.count(context)
        return False

    return [
        Periodic(name="pack", every=PACK_EVERY, do=packing.do),
        Periodic(name="record expired actions", every=RECORD_EXPIRED_EVERY, do=record_expired),
        Periodic(name="prune the feed", every=PRUNE_FEED_EVERY, do=lambda: prune_feed(store)),
        Periodic(name="prune idempotency keys", every=PRUNE_KEYS_EVERY, do=keys.do),
        Periodic(name="count what is asked", every=TRAFFIC_EVERY, do=traffic.do),
        Periodic(name="count trends", every=COUNT_TRENDS_EVERY, do=count_trends),
        Periodic(name="sweep accounts", every=SWEEP_ACCOUNTS_EVERY, do=sweep_accounts),
        Periodic(name="sweep media", every=SWEEP_MEDIA_EVERY, do=sweep_media),
        Periodic(name="sweep probes", every=SWEEP_PROBES_EVERY, do=sweep_probes),
        Periodic(name="sweep transfers", every=SWEEP_FILES_EVERY, do=sweep_transfers),
        Periodic(name="sweep files", every=SWEEP_FILES_EVERY, do=sweep_files),
    ]


class Packing:
    """Moves the journal into its packed form, in steps with room between them for others' writes.

    Args:
        store: the open data folder.
    """

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._packer = Packer()

    async def do(self) -> bool:
        """Pack for about half a second; return whether there is more."""
        ends = time.monotonic() + PACK_SECONDS_A_TURN
        while time.monotonic() < ends:
            began = time.monotonic()
            if not await self._store.write(self._packer.step):
                return False
            # As long as a step held the write lock, others may have it now.
            await asyncio.sleep(min(0.05, time.monotonic() - began))
        return True


async def prune_feed(store: SqliteStore) -> bool:
    """Drop some of the feed's rows beyond those that are kept; return whether there are more."""

    def change(tx: WriteView) -> bool:
        oldest, newest = tx.database.row("SELECT MIN(seq), MAX(seq) FROM feed")
        spare = newest - oldest + 1 - FEED_KEPT
        if spare < FEED_A_STEP:  # this is a commit too, so that a few would come back for ever
            return False
        tx.database.run("DELETE FROM feed WHERE seq < ?", (oldest + FEED_A_STEP,))
        return bool(spare >= 2 * FEED_A_STEP)

    return await store.write(change)


class OldKeys:
    """Forgets idempotency keys a day after they were used.

    Args:
        context: the ports.
        store: the same data folder.
    """

    def __init__(self, context: Context, store: SqliteStore) -> None:
        self._context = context
        self._store = store
        # Looking for them takes a while in a large table, and needs no write lock.
        self._database = Database(store.folder / DATABASE_FILE, writable=False)

    async def do(self) -> bool:
        """Forget some; return whether there are more."""
        before = self._context.clock.now() - KEY_LIFETIME_MS
        old = await asyncio.to_thread(
            self._database.rows,
            "SELECT account, key FROM idempotency WHERE created_at < ? LIMIT ?",
            (before, KEYS_A_STEP),
        )
        if old:
            await self._store.write(
                lambda tx: tx.database.run_many(  # one may have been used again meanwhile
                    "DELETE FROM idempotency WHERE account = ? AND key = ? AND created_at < ?",
                    [(account, key, before) for account, key in old],
                )
            )
        return len(old) == KEYS_A_STEP

    def close(self) -> None:
        """Close the connection."""
        self._database.close()
