"""Statuses as they are asked for: the parameters of posting and editing, read and named."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from rostra.api.messages import Call
from rostra.domain.choices import chosen
from rostra.domain.errors import Invalid, NotFound
from rostra.domain.ids import parse_id
from rostra.domain.statuses import QuotePolicy, Visibility
from rostra.services import statuses
from rostra.services.publishing.polls import PollDraft

MAX_KEY: Final = 255
_VISIBILITIES: Final = {visibility.label: visibility for visibility in Visibility}
_POLICIES: Final = {policy.label: policy for policy in QuotePolicy}


class GivenPoll(Struct, frozen=True):
    options: list[str] = []
    expires_in: int | None = None
    multiple: bool = False
    hide_totals: bool = False


class Posting(Struct, frozen=True):
    status: str = ""
    visibility: str | None = None
    sensitive: bool | None = None
    spoiler_text: str = ""
    language: str | None = None
    in_reply_to_id: str | None = None
    poll: GivenPoll | None = None
    media_ids: list[str] = []
    quoted_status_id: str | None = None
    quote_approval_policy: str | None = None
    scheduled_at: str | None = None


def visibility_of(text: str | None) -> Visibility | None:
    """Return the visibility of that name, None when none is given.

    Raises:
        Invalid: there is none of that name.
    """
    return chosen("Visibility", text, _VISIBILITIES) if text else None


def media_ids(given: list[str]) -> tuple[int, ...]:
    """Return the ids of media to attach, each once, in their order.

    Raises:
        Invalid: one of them is no id.
    """
    ids = {text: parse_id(text) for text in given}
    wrong = [text[:30] for text, id_ in ids.items() if id_ is None]
    if wrong:
        raise Invalid(f"Media {', '.join(wrong)} not found or already attached to another post")
    return tuple(id_ for id_ in ids.values() if id_ is not None)


def policy_of(text: str | None) -> QuotePolicy | None:
    """Return the quote policy of that name, None when none is given.

    Raises:
        Invalid: there is none of that name.
    """
    return chosen("Quote approval policy", text, _POLICIES) if text else None


def time_of(text: str | None) -> int | None:
    """Return a time as the API writes it (ISO 8601; UTC where no zone is said) in ms since 1970.

    Raises:
        Invalid: it is no such time.
    """
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return int(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise Invalid(
            "Validation failed: Scheduled at is not a time such as 2030-01-31T18:00:00Z"
        ) from None


def poll_of(given: GivenPoll | None) -> PollDraft | None:
    """Return the poll that is asked for, None when there are no options."""
    if given is None or not given.options:
        return None
    return PollDraft(
        options=given.options,
        expires_in_s=given.expires_in,
        multiple=given.multiple,
        hide_totals=given.hide_totals,
    )


def named(text: str | None) -> int | None:
    """Return the id of a status that is named, None when none is.

    Raises:
        NotFound: it cannot be the id of one.
    """
    if not text:
        return None
    status_id = parse_id(text)
    if status_id is None:
        raise NotFound
    return status_id


def draft_of(call: Call, given: Posting) -> statuses.Draft:
    """Return the status that is asked for.

    Raises:
        Invalid: there is no such visibility or policy, or a media id or key is none.
        NotFound: what it answers or quotes cannot exist.
    """
    key = call.header(b"idempotency-key").decode("latin-1")
    if len(key) > MAX_KEY:
        raise Invalid(f"Validation failed: Idempotency-Key is too long (at most {MAX_KEY})")
    return statuses.Draft(
        text=given.status,
        visibility=visibility_of(given.visibility),
        sensitive=given.sensitive,
        spoiler_text=given.spoiler_text,
        language=given.language or None,
        in_reply_to_id=named(given.in_reply_to_id),
        poll=poll_of(given.poll),
        idempotency_key=key or None,
        application=call.token.application if call.token is not None else None,
        media=media_ids(given.media_ids),
        quoted_status_id=named(given.quoted_status_id),
        quote_policy=policy_of(given.quote_approval_policy),
    )
