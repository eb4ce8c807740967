"""What the operations of the record answer: labels and the ledger."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from rostra.api.extension.answers.common import (
    Answer,
    Hash,
    Id,
    Named,
    Time,
)


class Label(Answer, frozen=True):
    """A label of an account."""

    name: Annotated[str, Meta(examples=["legal-hold"])]
    given_at: Time
    by: Named | None


class LedgerEntry(Answer, frozen=True):
    """An entry of the ledger; ``entry`` is what the hash seals."""

    id: Id
    kind: Annotated[str, Meta(examples=["lifted"])]
    created_at: Time
    account: Named | None
    moderator: Named | None
    about: Any
    entry: Any
    previous: Hash
    hash: Hash
