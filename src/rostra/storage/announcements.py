"""Announcements, and the reactions to them; who reacted is in account sets."""

from __future__ import annotations

from rostra.domain.announcements import Announcement, Reaction
from rostra.domain.events import AnnouncementChanged
from rostra.storage.database.sqlite import Database
from rostra.storage.rows import Announce

_COLUMNS = "id, text, starts_at, ends_at, all_day, published_at, updated_at"


class AnnouncementStore:
    """Announcements as one connection sees them.

    Args:
        database: the connection.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[Announcement]:
        """Return every announcement, in order of when it starts or was published."""
        return self._query("1 = 1 ORDER BY COALESCE(starts_at, published_at), id", ())

    def get(self, announcement_id: int) -> Announcement | None:
        """Return an announcement by its id."""
        found = self._query("id = ?", (announcement_id,))
        return found[0] if found else None

    def _query(self, condition: str, params: tuple[int, ...]) -> list[Announcement]:
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM announcements WHERE {condition}", params
        )
        return [
            Announcement(
                id=row[0],
                text=row[1],
                starts_at=row[2],
                ends_at=row[3],
                all_day=bool(row[4]),
                published_at=row[5],
                updated_at=row[6],
            )
            for row in rows
        ]

    def reactions(self, announcement_id: int) -> list[Reaction]:
        """Return the reactions there ever were to an announcement, oldest first."""
        rows = self._database.rows(
            "SELECT name, id FROM announcement_reactions WHERE announcement = ? ORDER BY id",
            (announcement_id,),
        )
        return [Reaction(*row) for row in rows]


class AnnouncementStoreWriter(AnnouncementStore):
    """Announcements within a transaction.

    Args:
        database: the connection that writes.
        announce: adds an event to the change feed entry of the transaction.
    """

    def __init__(self, database: Database, announce: Announce) -> None:
        super().__init__(database)
        self._announce = announce

    def put(self, announcement: Announcement) -> None:
        """Add an announcement, or replace it."""
        self._database.run(
            f"INSERT OR REPLACE INTO announcements ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                announcement.id,
                announcement.text,
                announcement.starts_at,
                announcement.ends_at,
                int(announcement.all_day),
                announcement.published_at,
                announcement.updated_at,
            ),
        )
        self._announce(AnnouncementChanged(announcement.id))

    def delete(self, announcement_id: int) -> None:
        """Remove an announcement and the names of its reactions."""
        for table, column in (("announcements", "id"), ("announcement_reactions", "announcement")):
            self._database.run(f"DELETE FROM {table} WHERE {column} = ?", (announcement_id,))
        self._announce(AnnouncementChanged(announcement_id, deleted=True))

    def name_reaction(self, announcement_id: int, reaction: Reaction) -> None:
        """Add a reaction nobody gave before."""
        self._database.run(
            "INSERT INTO announcement_reactions (announcement, name, id) VALUES (?, ?, ?)",
            (announcement_id, reaction.name, reaction.id),
        )
