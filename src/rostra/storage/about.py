"""The rules of the server, and its longer texts."""

from __future__ import annotations

from rostra.domain.about import Rule, ServerText
from rostra.storage.database.sqlite import Database


class AboutStore:
    """Rules and texts as one connection sees them.

    Args:
        database: the connection.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def rules(self) -> list[Rule]:
        """Return the rules in their order."""
        rows = self._database.rows("SELECT id, text, hint FROM rules ORDER BY position, id")
        return [Rule(*row) for row in rows]

    def text(self, name: str) -> ServerText | None:
        """Return a text of ``about.TEXTS``, when it was set."""
        row = self._database.row(
            "SELECT text, updated_at FROM server_texts WHERE name = ?", (name,)
        )
        return None if row is None else ServerText(*row)


class AboutStoreWriter(AboutStore):
    """Rules and texts within a transaction."""

    def put_rule(self, rule: Rule) -> None:
        """Add a rule behind the others, or change the one of its id."""
        self._database.run(
            "INSERT INTO rules (id, text, hint, position) "
            "VALUES (?, ?, ?, (SELECT COALESCE(MAX(position), 0) + 1 FROM rules)) "
            "ON CONFLICT (id) DO UPDATE SET text = excluded.text, hint = excluded.hint",
            (rule.id, rule.text, rule.hint),
        )

    def delete_rule(self, rule_id: int) -> bool:
        """Remove a rule; return whether there was one."""
        self._database.run("DELETE FROM rules WHERE id = ?", (rule_id,))
        return self._database.changes > 0

    def set_text(self, name: str, text: str, updated_at: int) -> None:
        """Set a text; an empty one is forgotten."""
        if not text:
            self._database.run("DELETE FROM server_texts WHERE name = ?", (name,))
            return
        self._database.run(
            "INSERT INTO server_texts (name, text, updated_at) VALUES (?, ?, ?) "
            "ON CONFLICT (name) DO UPDATE SET text = excluded.text, "
            "updated_at = excluded.updated_at",
            (name, text, updated_at),
        )
