"""Counts in words, as they agree with what they count."""

from __future__ import annotations


def noun(number: float, one: str, several: str = "") -> str:
    """Return the noun (or verb) that goes with a number.

    Args:
        number: how many there are.
        one: what one of them is called.
        several: what none or more than one are called; ``one`` with an s when it is left out.
    """
    return one if number == 1 else several or f"{one}s"


def how_many(number: int, one: str, several: str = "") -> str:
    """Return a count of something: ``1 follower``, ``2,000 followers``, ``0 followers``."""
    return f"{number:,} {noun(number, one, several)}"
