"""Identifiers: public snowflakes, private ordinals, and the ticks that order members of a set.

- A *snowflake* is a public 64-bit id that sorts by time: milliseconds since 1970 shifted left by
  16, plus a counter (the layout of Mastodon's ids, https://docs.joinmastodon.org/api/guidelines/#id).
- An *ordinal* is a private, dense, unsigned 32-bit number given to accounts in order of creation.
  It is never reused and never shown.
- A *tick* is 100 microseconds since 1970: the position of a member in an account set.
"""

from __future__ import annotations

from typing import Final

MAX_SNOWFLAKE: Final = 2**63 - 1
SEQUENCE_BITS: Final = 16
TICKS_PER_MS: Final = 10


def snowflake(ms: int, sequence: int = 0) -> int:
    """Return the id for a time in milliseconds since 1970 and a counter within it."""
    return (ms << SEQUENCE_BITS) | sequence


def snowflake_ms(snowflake_id: int) -> int:
    """Return the time, in milliseconds since 1970, that a snowflake carries."""
    return snowflake_id >> SEQUENCE_BITS


def ticks(ms: int) -> int:
    """Return a time in milliseconds as ticks of 100 microseconds."""
    return ms * TICKS_PER_MS


def ticks_ms(position: int) -> int:
    """Return the time in milliseconds of a position in a set."""
    return position // TICKS_PER_MS


def parse_id(text: str) -> int | None:
    """Return the snowflake or position written in ``text``, or None when it is not one."""
    if not text.isascii() or not text.isdigit() or len(text) > 19:
        return None
    value = int(text)
    return value if value <= MAX_SNOWFLAKE else None
