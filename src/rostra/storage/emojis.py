"""Custom emojis, their files with them: they are few and small."""

from __future__ import annotations

from collections.abc import Mapping

from rostra.domain.emojis import Emoji
from rostra.domain.events import AnyEvent, EmojisChanged, EverythingReplaced
from rostra.storage.database.sqlite import Database
from rostra.storage.rows import Announce


class EmojiStore:
    """Emojis as one connection sees them; all but their files are kept until one changes.

    Args:
        database: a connection whose every change reaches ``apply`` before the next read.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: dict[str, Emoji] | None = None

    def apply(self, event: AnyEvent) -> None:
        """Forget all when one changed."""
        if isinstance(event, EmojisChanged | EverythingReplaced):
            self._kept = None

    def all(self) -> Mapping[str, Emoji]:
        """Return every emoji by its shortcode, in order of category and name."""
        if self._kept is None:
            self._kept = self._read()
        return self._kept

    def _read(self) -> dict[str, Emoji]:
        rows = self._database.rows(
            "SELECT shortcode, type, tag, still_tag, category, visible, created_at "
            "FROM custom_emojis ORDER BY category, shortcode"
        )
        return {
            row[0]: Emoji(
                shortcode=row[0],
                type=row[1],
                tag=row[2],
                still_tag=row[3],
                category=row[4],
                visible=bool(row[5]),
                created_at=row[6],
            )
            for row in rows
        }

    def file(self, shortcode: str, *, still: bool) -> bytes | None:
        """Return the file of an emoji or, with ``still``, the picture that does not move."""
        column = "COALESCE(still, file)" if still else "file"
        found: bytes | None = self._database.value(
            f"SELECT {column} FROM custom_emojis WHERE shortcode = ?", (shortcode,)
        )
        return found


class EmojiStoreWriter(EmojiStore):
    """Emojis within a transaction; nothing is kept here.

    Args:
        database: the connection that writes.
        announce: adds an event to the change feed entry of the transaction.
    """

    def __init__(self, database: Database, announce: Announce) -> None:
        super().__init__(database)
        self._announce = announce

    def all(self) -> Mapping[str, Emoji]:
        """Return every emoji by its shortcode, in order of category and name."""
        return self._read()

    def put(self, emoji: Emoji, file: bytes, still: bytes | None) -> None:
        """Add an emoji, or replace the one of its name."""
        self._database.run(
            "INSERT OR REPLACE INTO custom_emojis (shortcode, category, visible, type, tag, "
            "still_tag, file, still, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                emoji.shortcode,
                emoji.category,
                int(emoji.visible),
                emoji.type,
                emoji.tag,
                emoji.still_tag,
                file,
                still,
                emoji.created_at,
            ),
        )
        self._announce(EmojisChanged())

    def delete(self, shortcode: str) -> None:
        """Remove an emoji."""
        self._database.run("DELETE FROM custom_emojis WHERE shortcode = ?", (shortcode,))
        self._announce(EmojisChanged())
