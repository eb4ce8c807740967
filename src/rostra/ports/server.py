"""What the server itself says and shows: announcements, rules and texts, custom emojis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from rostra.domain.about import Rule, ServerText
from rostra.domain.announcements import Announcement, Reaction
from rostra.domain.emojis import Emoji


class Emojis(Protocol):
    """Custom emojis."""

    def all(self) -> Mapping[str, Emoji]:
        """Return every emoji by its shortcode, in order of category and name."""

    def file(self, shortcode: str, *, still: bool) -> bytes | None:
        """Return the file of an emoji or, with ``still``, the picture that does not move."""


class EmojisWriter(Emojis, Protocol):
    """Changes to custom emojis."""

    def put(self, emoji: Emoji, file: bytes, still: bytes | None) -> None:
        """Add an emoji, or replace the one of its name."""

    def delete(self, shortcode: str) -> None:
        """Remove an emoji."""


class Announcements(Protocol):
    """What the server tells everybody."""

    def all(self) -> list[Announcement]:
        """Return every announcement, in order of when it starts or was published."""

    def get(self, announcement_id: int) -> Announcement | None:
        """Return an announcement by its id."""

    def reactions(self, announcement_id: int) -> list[Reaction]:
        """Return the reactions there ever were to an announcement, oldest first."""


class AnnouncementsWriter(Announcements, Protocol):
    """Changes to announcements."""

    def put(self, announcement: Announcement) -> None:
        """Add an announcement, or replace it."""

    def delete(self, announcement_id: int) -> None:
        """Remove an announcement and the names of its reactions."""

    def name_reaction(self, announcement_id: int, reaction: Reaction) -> None:
        """Add a reaction nobody gave before."""


class About(Protocol):
    """What the server says about itself."""

    def rules(self) -> list[Rule]:
        """Return the rules in their order."""

    def text(self, name: str) -> ServerText | None:
        """Return a text of ``about.TEXTS``, when it was set."""


class AboutWriter(About, Protocol):
    """Changes to what the server says about itself."""

    def put_rule(self, rule: Rule) -> None:
        """Add a rule behind the others, or change the one of its id."""

    def delete_rule(self, rule_id: int) -> bool:
        """Remove a rule; return whether there was one."""

    def set_text(self, name: str, text: str, updated_at: int) -> None:
        """Set a text; an empty one is forgotten."""
