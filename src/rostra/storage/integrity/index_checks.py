"""The checks of what is written beside a truth to find it by: hashtags, mentions, media, follows.

A status says which hashtags, accounts and media are in it; an account says which hashtags it
follows. What says the same from the other side is compared with that here, and written anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pyroaring import BitMap

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.errors import StoreCorrupt
from rostra.domain.ids import snowflake_ms, ticks
from rostra.domain.words import how_many
from rostra.storage.database.sqlite import Database
from rostra.storage.differences import Difference, Problem
from rostra.storage.sets import load

_TAGS: Final = "SELECT DISTINCT j.value, s.id, s.author FROM statuses s, json_each(s.tags) j"
_MENTIONS: Final = "SELECT DISTINCT j.value, s.id FROM statuses s, json_each(s.mentions) j"
_ROWS: Final = {
    "status_tags": ("tag, status, author", _TAGS),
    "mentions": ("account, status", _MENTIONS),
}
_BOUND: Final = "json_extract(m.data, '$.status')"
_SHOWN: Final = (
    f"SELECT 1 FROM statuses s, json_each(s.media) j WHERE s.id = {_BOUND} AND j.value = m.id"
)
_UNBOUND: Final = (
    "SELECT m.owner, m.id, s.id FROM statuses s, json_each(s.media) j "
    f"JOIN media m ON m.id = j.value WHERE {_BOUND} IS NOT s.id"
)
_LEFT: Final = (
    f"SELECT m.owner, m.id, NULL FROM media m WHERE {_BOUND} IS NOT NULL AND NOT EXISTS ({_SHOWN})"
)


def index_differences(database: Database) -> Iterator[Difference]:
    """Yield what rows that repeat what statuses say have too little or too much."""
    for table, (columns, told) in _ROWS.items():
        rows = f"SELECT {columns} FROM {table}"
        lacking, left = (
            database.value(f"SELECT COUNT(*) FROM ({one} EXCEPT {other})")
            for one, other in ((told, rows), (rows, told))
        )
        if lacking or left:
            yield _of_file(
                f"{table} lacks {how_many(lacking, 'row')} that statuses tell of "
                f"and has {left} more"
            )
    media = len(database.rows(_UNBOUND)) + len(database.rows(_LEFT))
    if media:
        yield _of_file(f"{media} media say of themselves another status than the one that has them")


def _of_file(detail: str) -> Difference:
    return Difference(set=None, problem=Problem.INDEX, detail=detail, repairable=True)


def index_statuses_again(database: Database, now: int) -> str:
    """Write the rows that repeat what statuses say as they say it; return what was done."""
    for table, (columns, told) in _ROWS.items():
        database.run(f"DELETE FROM {table}")
        database.run(f"INSERT INTO {table} ({columns}) {told}")
    for owner, media, status in [*database.rows(_LEFT), *database.rows(_UNBOUND)]:
        database.run(
            "UPDATE media SET since = ?1, data = json_set(data, '$.status', ?2, '$.since', ?1), "
            "bound = ?2 IS NOT NULL OR json_extract(data, '$.scheduled') IS NOT NULL "
            "WHERE owner = ?3 AND id = ?4",
            (now, status, owner, media),
        )
    return "hashtags, mentions and media of statuses written as the statuses say"


def tag_follower_differences(database: Database) -> Iterator[Difference]:
    """Yield who is in the set of a hashtag and does not follow it, or the other way."""
    for tag, number in database.rows("SELECT name, id FROM hashtags"):
        key = SetKey(number, SetKind.TAG_FOLLOWERS)
        try:
            is_in = load(key, database).bitmap(database)
        except StoreCorrupt:
            continue  # named by the check of the set itself
        should = BitMap(tag_followers(number, database))
        for account in should ^ is_in:
            what = "lacks" if account in should else "has, against"
            yield Difference(
                set=key,
                problem=Problem.FOLLOWED_TAG,
                detail=f"{key} (#{tag}) {what} account {account}, by what it follows",
                repairable=True,
                place=account,
            )


def tag_followers(number: int, database: Database) -> dict[int, int]:
    """Return who follows the hashtag of a number, as the accounts say: account → position."""
    rows = database.rows(
        "SELECT f.account, f.id FROM hashtags h JOIN followed_tags f ON f.tag = h.name "
        "WHERE h.id = ? ORDER BY f.id",
        (number,),
    )
    return {account: ticks(snowflake_ms(follow)) for account, follow in rows}
