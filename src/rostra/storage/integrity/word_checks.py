"""The check of the index of words against the statuses and accounts it is made from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rostra.domain.words import how_many, noun
from rostra.storage.database.sqlite import Database
from rostra.storage.differences import Difference, Problem

# FTS5 keeps a row of sizes for each that is indexed: https://sqlite.org/fts5.html#the_columnsize_option
_LACKING: Final = {
    "statuses": (
        "SELECT COUNT(*) FROM statuses s WHERE s.reblog_of IS NULL "
        "AND NOT EXISTS (SELECT 1 FROM status_words_docsize d WHERE d.id = s.id)"
    ),
    "accounts": (
        "SELECT COUNT(*) FROM accounts a WHERE (a.display_name <> '' OR INSTR(a.username, '_')) "
        "AND NOT EXISTS (SELECT 1 FROM account_words_docsize d WHERE d.id = a.ordinal)"
    ),
}
_ONE: Final = {"statuses": "status", "accounts": "account"}
_LEFT: Final = {
    "statuses": (
        "SELECT COUNT(*) FROM status_words_docsize d "
        "WHERE NOT EXISTS (SELECT 1 FROM statuses s WHERE s.id = d.id AND s.reblog_of IS NULL)"
    ),
    "accounts": (
        "SELECT COUNT(*) FROM account_words_docsize d "
        "WHERE NOT EXISTS (SELECT 1 FROM accounts a WHERE a.ordinal = d.id)"
    ),
}


def word_differences(database: Database) -> Iterator[Difference]:
    """Yield what the index of words lacks or has too much, unless it is being made anew."""
    if database.row("SELECT 1 FROM jobs WHERE name = 'index_words' LIMIT 1") is not None:
        return
    for what, lacking in _LACKING.items():
        missing, left = database.value(lacking), database.value(_LEFT[what])
        if missing or left:
            yield Difference(
                set=None,
                problem=Problem.WORDS,
                detail=(
                    f"the index of words lacks {how_many(missing, _ONE[what], what)} "
                    f"and has {left:,} that {noun(left, 'is', 'are')} gone"
                ),
                repairable=True,
            )


def index_again(database: Database, now: int) -> str:
    """Forget the index of words and have a job make it anew; return what was done."""
    for table in ("status_words", "account_words"):
        database.run(f"INSERT INTO {table} ({table}) VALUES ('delete-all')")
    database.run(
        "INSERT INTO jobs (name, payload, run_at) SELECT 'index_words', '{}', ? "
        "WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE name = 'index_words')",
        (now,),
    )
    return "the index of words is made anew by the job process"
