"""Accounts that can sign in, made in a data folder that no server has open."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

from msgspec import Struct

from rostra.config import Settings
from rostra.domain.accounts import Account, Role
from rostra.domain.statuses import Status
from rostra.ports import Context, Token, Transaction
from rostra.storage.store import SqliteStore, SystemClock
from rostra.storage.views import WriteView

SCOPES: Final = "read write follow push admin:read admin:write"
BATCH: Final = 10_000


class Person(Struct, frozen=True):
    """An account and a token of it."""

    ordinal: int
    id: int
    username: str
    token: str


def open_context(folder: Path) -> Context:
    """Open a data folder and return what services are given."""
    settings = Settings(data=folder)
    clock = SystemClock()
    store = SqliteStore.open(folder, clock)
    return Context(settings=settings, store=store, clock=clock, random=Random(1))


def settle(store: SqliteStore, usernames: Sequence[str], *, role: Role = Role.USER) -> list[Person]:
    """Make accounts with a token each, in the order of their names."""
    people: list[Person] = []

    def make(tx: WriteView, names: Sequence[str]) -> None:
        first = tx.accounts.reserve_ordinals(len(names))
        for ordinal, name in enumerate(names, first):
            person = Person(ordinal, tx.next_id(), name, secrets.token_urlsafe(32))
            account = Account(
                ordinal=ordinal, id=person.id, username=name, created_at=tx.now, role=role
            )
            tx.accounts.create(account)
            grant(tx, ordinal, person.token)
            people.append(person)

    for start in range(0, len(usernames), BATCH):
        names = usernames[start : start + BATCH]
        store.write_now(partial(make, names=names))
    return people


def grant(tx: Transaction, ordinal: int, token: str) -> None:
    """Give an account a token that may do anything."""
    digest = hashlib.sha256(token.encode()).digest()
    tx.access.create_token(
        Token(hash=digest, account=ordinal, application=None, scopes=SCOPES, created_at=tx.now)
    )


def write_statuses(store: SqliteStore, authors: Sequence[int], text: str) -> list[int]:
    """Post one status for each of ``authors`` (ordinals) and return their ids."""
    found: list[int] = []

    def change(tx: WriteView) -> None:
        for author in authors:
            status = Status(
                id=tx.next_id(),
                author=author,
                created_at=tx.now,
                text=text,
                content=f"<p>{text}</p>",
            )
            tx.statuses.create(status)
            found.append(status.id)

    store.write_now(change)
    return found
