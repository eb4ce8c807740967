"""The checks of sets against what else tells of their members: enforcement, accounts, boosts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from rostra.domain.account_set import SERVER, SetKey, SetKind
from rostra.domain.enforcement import ActionKind
from rostra.domain.errors import StoreCorrupt
from rostra.storage.database.sqlite import Database
from rostra.storage.differences import Difference, Problem
from rostra.storage.integrity.edge_sums import Edges
from rostra.storage.sets import load

ACTIONS: Final = {
    SetKind.SUSPENDED: ActionKind.SUSPEND,
    SetKind.LIMITED: ActionKind.LIMIT,
    SetKind.FROZEN: ActionKind.FREEZE,
    SetKind.SENSITIVE: ActionKind.SENSITIVE,
    SetKind.DELETED: ActionKind.DELETE,
}
ROWS_A_BLOCK: Final = 65_536

_NOT_LIFTED: Final = (
    "NOT EXISTS (SELECT 1 FROM liftings l WHERE l.account = a.account AND l.action = a.id)"
)


def folded(kind: SetKind, database: Database, now: int) -> BitMap:
    """Return the accounts that actions in force at ``now`` (ms) put in a set of the server.

    The same rule as ``domain.enforcement.in_force``, for all accounts at once.
    """
    rows = database.iterate(
        f"SELECT a.account FROM actions a WHERE a.kind = ? AND {_NOT_LIFTED} "
        "AND (a.starts_at <= ? OR a.starts_at <= a.taken_at) "
        "AND (a.until IS NULL OR a.until > ?)",
        (int(ACTIONS[kind]), now, now),
    )
    return BitMap([account for (account,) in rows])


def timed(database: Database) -> BitMap:
    """Return the accounts under actions that the clock begins or ends.

    For these the stored sets hold the fold as of the last record, and memory the fold as of now.
    """
    rows = database.iterate(
        "SELECT a.account FROM actions a "
        f"WHERE (a.until IS NOT NULL OR a.starts_at > a.taken_at) AND {_NOT_LIFTED}"
    )
    return BitMap([account for (account,) in rows])


def locked(database: Database) -> BitMap:
    """Return the accounts that approve who follows them; a deleted one has nobody to ask."""
    rows = database.iterate(
        "SELECT ordinal FROM accounts WHERE locked <> 0 AND NOT EXISTS "
        "(SELECT 1 FROM actions a WHERE a.account = ordinal AND a.kind = ?)",
        (int(ActionKind.DELETE),),
    )
    return BitMap([ordinal for (ordinal,) in rows])


def server_differences(database: Database, now: int) -> Iterator[Difference]:
    """Yield each account that is in a set of the server and should not be, or the other way."""
    by_clock = timed(database)
    for kind in ACTIONS:
        should = folded(kind, database, now)
        yield from _compared(kind, Problem.MASK, should, by_clock, database)
    yield from _compared(SetKind.LOCKED, Problem.LOCKED, locked(database), BitMap(), database)


def _compared(
    kind: SetKind, problem: Problem, should: BitMap, apart: BitMap, database: Database
) -> Iterator[Difference]:
    key = SetKey(SERVER, kind)
    try:
        is_in = load(key, database).bitmap(database)
    except StoreCorrupt:
        return  # named by the check of the set itself
    source = "accounts" if problem == Problem.LOCKED else "the record of enforcement"
    for account in (should ^ is_in) - apart:
        what = "lacks" if account in should else "has, against"
        yield Difference(
            set=key,
            problem=problem,
            detail=f"{key} {what} account {account}, by {source}",
            repairable=True,
            place=account,
        )


def boosts(database: Database) -> Iterator[Edges]:
    """Yield who boosts what by the statuses themselves, as edges of kind ``BOOSTS``."""
    cursor = database.iterate("SELECT reblog_of, author FROM statuses WHERE reblog_of IS NOT NULL")
    while rows := list(islice(cursor, ROWS_A_BLOCK)):
        table: NDArray[np.int64] = np.array(rows, dtype=np.int64)
        yield Edges(SetKind.BOOSTS, table[:, 0], table[:, 1].astype(np.uint32))


def boosters(status: int, database: Database) -> BitMap:
    """Return who boosts one status by the statuses themselves."""
    rows = database.rows("SELECT author FROM statuses WHERE reblog_of = ?", (status,))
    return BitMap([author for (author,) in rows])


# -- what accounts like and keep -----------------------------------------------------------------


def listed(kind: int, database: Database) -> Iterator[Edges]:
    """Yield what accounts have on their lists, as edges of the sets of the statuses there are."""
    cursor = database.iterate(
        "SELECT c.status, c.account FROM collected c JOIN statuses s ON s.id = c.status "
        "WHERE c.kind = ?",
        (kind,),
    )
    while rows := list(islice(cursor, ROWS_A_BLOCK)):
        table: NDArray[np.int64] = np.array(rows, dtype=np.int64)
        yield Edges(kind, table[:, 0], table[:, 1].astype(np.uint32))


def statuses_there(database: Database) -> NDArray[np.int64]:
    """Return the ids [n] of all statuses that are no boosts, rising."""
    rows = database.iterate("SELECT id FROM statuses WHERE reblog_of IS NULL ORDER BY id")
    return np.fromiter((row[0] for row in rows), dtype=np.int64)


def of_those_there(edges: Edges, there: NDArray[np.int64]) -> Edges:
    """Return the edges whose owners are statuses there are: the others are waiting to be purged."""
    place = np.searchsorted(there, edges.owners)
    known = np.zeros(len(place), dtype=np.bool_)
    inside = place < len(there)
    known[inside] = there[place[inside]] == edges.owners[inside]
    return Edges(edges.kind, edges.owners[known], edges.members[known])


def collected_difference(key: SetKey, account: int, *, missing: bool) -> Difference:
    """Return that the list of an account and a set do not agree."""
    what = "lacks it, though it is a member" if missing else "has it, though it is no member"
    return Difference(
        set=key,
        problem=Problem.COLLECTED,
        detail=f"the list of account {account} {what}",
        repairable=True,
        place=account,
    )
