"""Statuses as rows: the columns, and a row to a status and back."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from rostra.domain.statuses import Poll, QuotePolicy, QuoteState, Status, Visibility
from rostra.storage.database.sqlite import Params
from rostra.storage.rows import marks

FIELDS: Final = (
    "id",
    "author",
    "created_at",
    "visibility",
    "text",
    "content",
    "spoiler_text",
    "sensitive",
    "language",
    "in_reply_to",
    "in_reply_to_author",
    "reblog_of",
    "mentions",
    "tags",
    "poll",
    "application",
    "edited_at",
    "media",
    "conversation",
    "quote_of",
    "quote_state",
    "quote_policy",
)
COLUMNS: Final = ", ".join(FIELDS)
INSERT: Final = f"INSERT INTO statuses ({COLUMNS}) VALUES ({marks(FIELDS)})"
UPDATE: Final = f"UPDATE statuses SET ({COLUMNS}) = ({marks(FIELDS)}) WHERE id = ?"

_encode = msgspec.json.encode
_numbers = msgspec.json.Decoder(tuple[int, ...])
_names = msgspec.json.Decoder(tuple[str, ...])
_poll = msgspec.json.Decoder(Poll)
VISIBILITIES: Final = tuple(Visibility)
_STATES: Final = tuple(QuoteState)
_POLICIES: Final = tuple(QuotePolicy)


def decode(row: tuple[Any, ...]) -> Status:
    """Return the status of a row."""
    return Status(
        id=row[0],
        author=row[1],
        created_at=row[2],
        visibility=VISIBILITIES[row[3]],
        text=row[4],
        content=row[5],
        spoiler_text=row[6],
        sensitive=bool(row[7]),
        language=row[8],
        in_reply_to=row[9],
        in_reply_to_author=row[10],
        reblog_of=row[11],
        mentions=_numbers.decode(row[12]) if row[12] else (),
        tags=_names.decode(row[13]) if row[13] else (),
        poll=_poll.decode(row[14]) if row[14] else None,
        application=row[15],
        edited_at=row[16],
        media=_numbers.decode(row[17]) if row[17] else (),
        conversation=row[18],
        quote_of=row[19],
        quote_state=_STATES[row[20]],
        quote_policy=_POLICIES[row[21]],
    )


def encode(status: Status) -> Params:
    """Return the row of a status."""
    return (
        status.id,
        status.author,
        status.created_at,
        int(status.visibility),
        status.text,
        status.content,
        status.spoiler_text,
        int(status.sensitive),
        status.language,
        status.in_reply_to,
        status.in_reply_to_author,
        status.reblog_of,
        _encode(status.mentions).decode() if status.mentions else None,
        _encode(status.tags).decode() if status.tags else None,
        _encode(status.poll).decode() if status.poll else None,
        status.application,
        status.edited_at,
        _encode(status.media).decode() if status.media else None,
        status.conversation,
        status.quote_of,
        int(status.quote_state),
        int(status.quote_policy),
    )
