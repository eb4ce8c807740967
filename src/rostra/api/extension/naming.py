"""Accounts as answers beyond Mastodon's name them: by id and handle."""

from __future__ import annotations

from collections.abc import Iterable

from rostra.api.rendering import Entity
from rostra.domain.accounts import Account
from rostra.ports import Snapshot


def named(account: Account | None) -> Entity | None:
    """Return an account; None for the server itself, or one that is gone."""
    return None if account is None else {"id": str(account.id), "username": account.username}


class Names:
    """Accounts that are named, looked up at once.

    Args:
        snap: the snapshot.
        ordinals: whom; None stands for the server itself.
    """

    def __init__(self, snap: Snapshot, ordinals: Iterable[int | None]) -> None:
        self._found = snap.accounts.many({one for one in ordinals if one is not None})

    def of(self, ordinal: int | None) -> Entity | None:
        """Return an account; None for the server itself, or one that is gone."""
        return named(None if ordinal is None else self._found.get(ordinal))
