"""What answers beyond Mastodon's have in common."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Id = Annotated[str, Meta(pattern=r"^[0-9]+$", examples=["115816896926187520"])]
Time = Annotated[str, Meta(description="ISO 8601, in UTC", examples=["2026-11-21T16:04:05.678Z"])]
Handle = Annotated[str, Meta(examples=["star"])]
Hash = Annotated[str, Meta(description="SHA-256, in hexadecimal", examples=["3f9c2a71" * 8])]
Words = Annotated[str, Meta(examples=["The report was about somebody else."])]


class Answer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all answers share."""


class Named(Answer, frozen=True):
    """An account, named."""

    id: Id
    username: Handle


class Stuck(Answer, frozen=True):
    """Why work does not get on: what went wrong last, when it is tried again, and what to do."""

    why: Annotated[str, Meta(examples=["The server's disk is full"])]
    do: Words
    tries: int
    again_at: Time | None


class Refusal(Answer, frozen=True):
    """Why something was refused, for a person to read; it says what to do next."""

    error: Annotated[str, Meta(examples=["Record not found"])]
