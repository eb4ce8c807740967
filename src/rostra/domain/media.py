"""Media: pictures, sounds and films that statuses carry, and what may stand together under one."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from rostra.domain.errors import Invalid

MAX_ATTACHED: Final = 4
MAX_DESCRIPTION: Final = 1500
MAX_PICTURE_PIXELS: Final = 7680 * 4320
MAX_FILM_PIXELS: Final = 3840 * 2160
MAX_FILM_RATE: Final = 120
"""Pictures a second."""


class MediaKind(enum.IntEnum):
    """What a file is, as the Mastodon API names it."""

    IMAGE = 0
    GIFV = 1
    VIDEO = 2
    AUDIO = 3
    UNKNOWN = 4

    @property
    def label(self) -> str:
        """The name the Mastodon API uses."""
        return self.name.lower()


class MediaState(enum.IntEnum):
    """How far a file has come."""

    WAITING = 0
    READY = 1
    FAILED = 2


class Media(Struct, frozen=True, kw_only=True):
    """One uploaded file.

    ``key`` names the folder its files are in, and cannot be guessed; ``file`` and ``preview`` are
    names in it, empty where there is none yet. ``focus`` is a point from -1 to 1, from the left and
    from below. ``status`` is the status it belongs to, ``scheduled`` the scheduled status that will
    take it; ``since`` (ms) is when that last changed. ``error`` is why it failed, for the person.
    """

    id: int
    owner: int
    key: str
    created_at: int
    since: int
    kind: MediaKind = MediaKind.IMAGE
    state: MediaState = MediaState.READY
    file: str = ""
    preview: str = ""
    description: str = ""
    focus: tuple[float, float] | None = None
    blurhash: str | None = None
    meta: dict[str, Any] = {}
    status: int | None = None
    scheduled: int | None = None
    error: str = ""

    @property
    def free(self) -> bool:
        """Whether it belongs to nothing yet."""
        return self.status is None and self.scheduled is None


def check_together(media: Sequence[Media]) -> None:
    """Refuse files that cannot stand together under one status.

    Raises:
        Invalid: there are too many, a film or sound is among others, or one is not ready.
    """
    if len(media) > MAX_ATTACHED:
        raise Invalid("Cannot attach more than %(num)s files", num=MAX_ATTACHED)
    if len(media) > 1 and any(one.kind in (MediaKind.VIDEO, MediaKind.AUDIO) for one in media):
        raise Invalid("Cannot attach a video to a post that already contains images")
    for one in media:
        if one.state == MediaState.FAILED:
            raise Invalid("Cannot attach media %(id)s: %(why)s", id=one.id, why=one.error)
        if one.state == MediaState.WAITING:
            raise Invalid(
                "Cannot attach files that have not finished processing. Try again in a moment!"
            )


def check_description(text: str) -> str:
    """Return a description of what a file shows, when it is not too long.

    Raises:
        Invalid: it is longer than 1,500 characters.
    """
    text = text.strip()
    if len(text) > MAX_DESCRIPTION:
        raise Invalid(
            "Validation failed: Description is too long (maximum is %(num)s characters)",
            num=MAX_DESCRIPTION,
        )
    return text


def parse_focus(text: str) -> tuple[float, float]:
    """Return the point that must stay visible when a picture is cropped, from ``x,y``.

    Raises:
        Invalid: it is not two numbers from -1 to 1.
    """
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError:
        x = y = 2.0
    if not (-1 <= x <= 1 and -1 <= y <= 1):
        raise Invalid("Validation failed: Focus must be two numbers from -1.0 to 1.0, as in 0.2,-1")
    return x, y
