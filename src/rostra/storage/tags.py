"""Hashtags as stored: who follows and features which, and how often they were used."""

from __future__ import annotations

from typing import Unpack

from rostra.domain.events import AnyEvent, TagsFollowed
from rostra.domain.pages import Page
from rostra.domain.tags import FeaturedTag, TagFollow, TagUse
from rostra.storage.database.sqlite import Database
from rostra.storage.rows import Announce, span
from rostra.storage.tag_uses import TagUses, Uses, read_uses


class TagStore:
    """Hashtags as one connection sees them; who used which is kept until an event says more.

    Args:
        database: a connection whose every change reaches ``apply`` before the next read.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._uses: TagUses | None = TagUses()

    def apply(self, event: AnyEvent) -> None:
        """Follow an event of the change feed."""
        if self._uses is not None:
            self._uses.apply(event)

    def number(self, tag: str) -> int | None:
        """Return the number of a hashtag that somebody has followed."""
        found: int | None = self._database.value("SELECT id FROM hashtags WHERE name = ?", (tag,))
        return found

    def follows(self, account: int, tag: str) -> bool:
        """Return whether an account follows a hashtag."""
        return self._has("followed_tags", account, tag)

    def features(self, account: int, tag: str) -> bool:
        """Return whether an account features a hashtag."""
        return self._has("featured_tags", account, tag)

    def _has(self, table: str, account: int, tag: str) -> bool:
        found = self._database.row(
            f"SELECT 1 FROM {table} WHERE account = ? AND tag = ?", (account, tag)
        )
        return found is not None

    def followed(self, account: int, **page: Unpack[Page]) -> list[TagFollow]:
        """Return a page of the hashtags an account follows, newest first."""
        between, bounds, order = span("id", **page)
        rows = self._database.rows(
            f"SELECT id, tag FROM followed_tags WHERE account = ?{between} "
            f"ORDER BY id {order} LIMIT ?",
            (account, *bounds, page["limit"]),
        )
        found = [TagFollow(*row) for row in rows]
        return found if order == "DESC" else found[::-1]

    def count_followed(self, account: int) -> int:
        """Return how many hashtags an account follows."""
        return int(
            self._database.value("SELECT COUNT(*) FROM followed_tags WHERE account = ?", (account,))
        )

    def featured(self, account: int) -> list[FeaturedTag]:
        """Return the hashtags an account features, oldest first."""
        rows = self._database.rows(
            "SELECT id, tag FROM featured_tags WHERE account = ? ORDER BY id", (account,)
        )
        return [FeaturedTag(*row) for row in rows]

    def use(self, author: int, tag: str) -> TagUse:
        """Return how often an author used a hashtag in statuses for anybody, and where last."""
        count, last = self._database.row(
            "SELECT COUNT(*), MAX(s.id) FROM status_tags t JOIN statuses s ON s.id = t.status "
            "WHERE t.author = ? AND t.tag = ? AND s.visibility <= 1",
            (author, tag),
        )
        return TagUse(tag, count, last)

    def most_used(self, author: int, *, limit: int) -> list[str]:
        """Return the hashtags an author used most in statuses for anybody."""
        rows = self._database.rows(
            "SELECT t.tag FROM status_tags t JOIN statuses s ON s.id = t.status "
            "WHERE t.author = ? AND s.visibility <= 1 "
            "GROUP BY t.tag ORDER BY COUNT(*) DESC, t.tag LIMIT ?",
            (author, limit),
        )
        return [row[0] for row in rows]

    def uses(self, tag: str, *, since: int) -> Uses:
        """Return the public statuses with a hashtag from an id on, and their authors."""
        if self._uses is None:
            return read_uses(self._database, tag, since)
        return self._uses.of(tag, since, self._database)


class TagStoreWriter(TagStore):
    """Hashtags within a transaction. Nothing is kept here.

    Args:
        database: the connection that writes.
        announce: adds an event to the change feed entry of the transaction.
    """

    def __init__(self, database: Database, announce: Announce) -> None:
        super().__init__(database)
        self._uses = None
        self._announce = announce

    def name(self, tag: str, number: int) -> None:
        """Give a hashtag that has none its number."""
        self._database.run("INSERT INTO hashtags (name, id) VALUES (?, ?)", (tag, number))

    def follow(self, account: int, follow: TagFollow) -> None:
        """Put down that an account follows a hashtag it did not follow."""
        self._database.run(
            "INSERT INTO followed_tags (account, id, tag) VALUES (?, ?, ?)",
            (account, follow.id, follow.tag),
        )
        self._announce(TagsFollowed(account))

    def unfollow(self, account: int, tag: str) -> None:
        """Put down that an account does not follow a hashtag any more."""
        self._database.run(
            "DELETE FROM followed_tags WHERE account = ? AND tag = ?", (account, tag)
        )
        self._announce(TagsFollowed(account))

    def feature(self, account: int, featured: FeaturedTag) -> None:
        """Put down that an account features a hashtag it did not feature."""
        self._database.run(
            "INSERT INTO featured_tags (account, id, tag) VALUES (?, ?, ?)",
            (account, featured.id, featured.tag),
        )

    def unfeature(self, account: int, tag: str) -> None:
        """Put down that an account does not feature a hashtag any more."""
        self._database.run(
            "DELETE FROM featured_tags WHERE account = ? AND tag = ?", (account, tag)
        )
