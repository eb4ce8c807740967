"""What a log of activity should leave behind, counted from its text in the plainest way there is.

Nothing of Rostra is used here, so that the import is held against something else than itself.
"""

from __future__ import annotations

import gzip
import os
from collections import Counter, defaultdict
from itertools import islice
from pathlib import Path
from typing import Any, Final

import apsw

# What an import leaves; the change feed alone tells how it went.
TABLES: Final = (
    "accounts",
    "statuses",
    "mentions",
    "journal",
    "notifications",
    "notification_groups",
    "progress",
)

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("ROSTRA_TEST_SHARED", ROOT.parent / "shared"))
WHOLE_LOG = SHARED / "data" / "higgs" / "activity_time.txt.gz"
HEAD = ROOT / "src" / "rostra" / "testing" / "data" / "activity_head.txt.gz"


def real_log() -> Path:
    """Return the real log where it is to be had, else its head."""
    return WHOLE_LOG if WHOLE_LOG.exists() else HEAD


def first_lines(count: int | None) -> list[str]:
    """Return lines of the real log from its first on; None: all."""
    return lines_of(real_log(), count)


def lines_of(log: Path, count: int | None) -> list[str]:
    """Return lines of a packed log from its first on; None: all."""
    with gzip.open(log, "rt", encoding="ascii") as file:
        return list(islice(file, count))


class Truth:
    """The figures of a log, by the log's user ids.

    ``boosters[user, n]`` are those who boosted the user's n-th status, counting from 1.
    """

    def __init__(self, lines: list[str]) -> None:
        self.users: set[str] = set()
        self.followers: dict[str, set[str]] = defaultdict(set)
        self.following: dict[str, set[str]] = defaultdict(set)
        self.written: Counter[str] = Counter()
        self.boosters: dict[tuple[str, int], set[str]] = defaultdict(set)
        self.mentioned: Counter[str] = Counter()
        self.answers: Counter[tuple[str, int]] = Counter()
        self.made = 0
        for line in lines:
            actor, target, _, kind = line.split()
            self.users |= {actor, target}
            if actor != target:
                self.followers[target].add(actor)
                self.following[actor].add(target)
            if kind != "MT" and not self.written[target]:
                self.written[target] = 1
                self.made += 1
            if kind == "RT":
                self.boosters[target, self.written[target]].add(actor)
            else:
                if kind == "RE":
                    self.answers[target, self.written[target]] += 1
                self.written[actor] += 1
                self.mentioned[target] += 1

    @property
    def edges(self) -> int:
        """How many pairs there are, no one with themselves."""
        return sum(map(len, self.followers.values()))

    @property
    def boosts(self) -> int:
        """How many boosts there are, each of a status by somebody once."""
        return sum(map(len, self.boosters.values()))


def contents(folder: Path) -> dict[str, list[Any]]:
    """Return everything an import leaves in the tables; the journal by set, not by commit."""
    database = apsw.Connection(str(folder / "rostra.db"))
    database.set_busy_timeout(10_000)
    try:
        tables: dict[str, list[Any]] = {
            table: sorted(database.execute(f"SELECT * FROM {table}"), key=repr)
            for table in TABLES
            if table != "journal"
        }
        journal: dict[tuple[int, int], bytes] = {}
        for owner, kind, entries in database.execute(
            "SELECT owner, kind, entries FROM journal ORDER BY owner, kind, seq"
        ):
            journal[owner, kind] = journal.get((owner, kind), b"") + entries
        return {**tables, "journal": list(journal.items())}
    finally:
        database.close()
