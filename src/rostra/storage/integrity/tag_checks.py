"""The check of who follows a hashtag: what accounts say they follow, against the sets."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from pyroaring import BitMap

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.errors import StoreCorrupt
from rostra.domain.ids import snowflake_ms, ticks
from rostra.storage.database.sqlite import Database
from rostra.storage.differences import Difference, Problem
from rostra.storage.sets import load


def tag_differences(database: Database) -> Iterator[Difference]:
    """Yield each account that is in the set of a hashtag and should not be, or the other way."""
    rows = database.iterate(
        "SELECT h.id, f.account FROM hashtags h LEFT JOIN followed_tags f ON f.tag = h.name "
        "ORDER BY h.id"
    )
    for number, pairs in groupby(rows, key=lambda row: row[0]):
        key = SetKey(number, SetKind.TAG_FOLLOWERS)
        should = BitMap([account for _, account in pairs if account is not None])
        try:
            is_in = load(key, database).bitmap(database)
        except StoreCorrupt:
            continue  # named by the check of the set itself
        for account in should ^ is_in:
            what = "lacks" if account in should else "has"
            yield Difference(
                set=key,
                problem=Problem.FOLLOWED_TAG,
                detail=f"{key} {what} account {account}, against what that account follows",
                repairable=True,
                place=account,
            )


def tag_followers(number: int, database: Database) -> dict[int, int]:
    """Return who follows a hashtag by what accounts say, with the positions of their follows."""
    rows = database.rows(
        "SELECT f.account, f.id FROM followed_tags f JOIN hashtags h ON h.name = f.tag "
        "WHERE h.id = ?",
        (number,),
    )
    return {account: ticks(snowflake_ms(follow)) for account, follow in rows}
