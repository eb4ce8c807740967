"""Faults that a rehearsal plants in its own processes; in a folder of real data there are none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from rostra.ops.rehearsal import marker
from rostra.storage.store import SqliteStore


@contextmanager
def faults(store: SqliteStore, process: str) -> Iterator[None]:
    """Plant what a rehearsal asks for in this process for as long as the context is open.

    Args:
        store: the open data folder; unless it is marked as a rehearsal nothing is done.
        process: the name of this process, "worker-0" or "jobs".
    """
    if not marker.is_marked(store.folder):
        yield
        return
    from rostra.testing.faults import Process, follow  # in no server but that of a rehearsal

    following = asyncio.create_task(follow(Process(process, store)))
    try:
        yield
    finally:
        following.cancel()
