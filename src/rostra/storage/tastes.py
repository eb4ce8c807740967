"""What accounts chose their homes to be, beside whom they follow; kept until an event says more."""

from __future__ import annotations

from typing import Final, NamedTuple

from rostra.domain.events import AnyEvent, EverythingReplaced, ListsChanged, TagsFollowed
from rostra.storage.database.sqlite import Database
from rostra.storage.rows import Cache

KEPT: Final = 50_000


class Taste(NamedTuple):
    """The exclusive lists of an account, by their ids, and the hashtags it follows."""

    exclusive: tuple[int, ...]
    tags: tuple[str, ...]


class Tastes:
    """The tastes of those who read their homes; one for each process."""

    def __init__(self) -> None:
        self._kept: Cache[int, Taste] = Cache(KEPT)

    def apply(self, event: AnyEvent) -> None:
        """Forget what an event of the change feed outdates."""
        if isinstance(event, ListsChanged | TagsFollowed):
            self._kept.drop(event.account)
        elif isinstance(event, EverythingReplaced):
            self._kept.clear()

    def of(self, account: int, database: Database) -> Taste:
        """Return the taste of an account."""
        taste = self._kept.get(account)
        if taste is None:
            lists = database.rows(
                "SELECT id FROM lists WHERE account = ? AND exclusive = 1", (account,)
            )
            tags = database.rows("SELECT tag FROM followed_tags WHERE account = ?", (account,))
            taste = Taste(tuple(row[0] for row in lists), tuple(row[0] for row in tags))
            self._kept.put(account, taste)
        return taste
