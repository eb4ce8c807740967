"""Media: what accounts uploaded, and whose the files are."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from rostra.domain.media import Media
from rostra.storage.database.sqlite import Database
from rostra.storage.rows import chunked

_encode = msgspec.json.encode
_media = msgspec.json.Decoder(Media)


class MediaStore:
    """Media as one connection sees them.

    Args:
        database: the connection.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, media_id: int) -> Media | None:
        """Return one by its id."""
        return self.many([media_id]).get(media_id)

    def many(self, ids: Iterable[int]) -> dict[int, Media]:
        """Return the media there are of ``ids``, in their order."""
        wanted = list(dict.fromkeys(ids))
        found: dict[int, Media] = {}
        for holes, lot in chunked(wanted):
            for (data,) in self._database.rows(
                f"SELECT data FROM media WHERE id IN ({holes})", lot
            ):
                media = _media.decode(data)
                found[media.id] = media
        return {media_id: found[media_id] for media_id in wanted if media_id in found}

    def of_account(self, owner: int, *, above: int, limit: int) -> list[Media]:
        """Return media of an account with ids above a bound, rising."""
        rows = self._database.rows(
            "SELECT data FROM media WHERE owner = ? AND id > ? ORDER BY id LIMIT ?",
            (owner, above, limit),
        )
        return [_media.decode(data) for (data,) in rows]

    def free_since(self, before: int, *, limit: int) -> list[Media]:
        """Return media that have belonged to nothing since before a time (ms), oldest first."""
        rows = self._database.rows(
            "SELECT data FROM media WHERE bound = 0 AND since < ? ORDER BY since LIMIT ?",
            (before, limit),
        )
        return [_media.decode(data) for (data,) in rows]

    def count_bound(self, owner: int) -> int:
        """Return how many media of an account belong to a status, scheduled ones included."""
        return int(
            self._database.value(
                "SELECT COUNT(*) FROM media WHERE owner = ? AND bound = 1", (owner,)
            )
        )

    def files_owner(self, key: str) -> tuple[bool, int | None]:
        """Return whether there are files under a key, and whose; None is the server itself."""
        row = self._database.row("SELECT owner FROM media_files WHERE key = ?", (key,))
        return (False, None) if row is None else (True, row[0])

    def files_of(self, owner: int, *, limit: int) -> list[str]:
        """Return some of the keys under which an account has files."""
        rows = self._database.rows(
            "SELECT key FROM media_files WHERE owner = ? LIMIT ?", (owner, limit)
        )
        return [key for (key,) in rows]


class MediaStoreWriter(MediaStore):
    """Media within a transaction."""

    def put(self, media: Media) -> None:
        """Add one, or replace what is stored of it; a status that shows it is for the caller."""
        self._database.run(
            "INSERT INTO media (owner, id, bound, since, data) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (owner, id) DO UPDATE SET bound = excluded.bound, "
            "since = excluded.since, data = excluded.data",
            (media.owner, media.id, int(not media.free), media.since, _encode(media).decode()),
        )

    def delete(self, media: Media) -> None:
        """Forget one; its files are for ``disown_files`` and the port of files."""
        self._database.run("DELETE FROM media WHERE owner = ? AND id = ?", (media.owner, media.id))

    def own_files(self, key: str, owner: int | None, created_at: int) -> None:
        """Note whose the files under a key are, so that they are served."""
        self._database.run(
            "INSERT INTO media_files (key, owner, created_at) VALUES (?, ?, ?)",
            (key, owner, created_at),
        )

    def disown_files(self, key: str) -> None:
        """Serve the files under a key no longer."""
        self._database.run("DELETE FROM media_files WHERE key = ?", (key,))
