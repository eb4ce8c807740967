"""Lists: accounts somebody reads apart from the rest of those it follows."""

from __future__ import annotations

import enum
from typing import Final

from msgspec import Struct

MAX_TITLE: Final = 256
MAX_LISTS: Final = 500


class RepliesPolicy(enum.IntEnum):
    """Which answers of its members to others a list shows."""

    LIST = 0
    FOLLOWED = 1
    NONE = 2

    @property
    def label(self) -> str:
        """The name the Mastodon API uses."""
        return self.name.lower()


class AccountList(Struct, frozen=True, kw_only=True):
    """A list of an account; who is in it is the account set ``LIST_MEMBERS`` of its id.

    What the members of an ``exclusive`` one say is left out of the owner's home.
    """

    account: int
    id: int
    title: str
    replies: RepliesPolicy = RepliesPolicy.LIST
    exclusive: bool = False
