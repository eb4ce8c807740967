"""Labels that moderators give to accounts, for themselves and for the selectors of amnesties."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from rostra.domain.errors import Invalid

LEGAL_HOLD: Final = "legal_hold"
CHILD_SAFETY: Final = "child_safety"
SPAM: Final = "spam"
KNOWN: Final = (LEGAL_HOLD, CHILD_SAFETY, SPAM)
"""Labels that mean something to the server; any other is for people alone."""

MOST: Final = 50
"""How many labels an account may have."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")


class Label(Struct, frozen=True, kw_only=True):
    """A label of an account: which, by whom (None: the server itself) and since when (ms)."""

    account: int
    name: str
    moderator: int | None
    given_at: int


def check_label(name: str) -> str:
    """Return a label in its one spelling: lower case.

    Raises:
        Invalid: it begins with no letter, is too long, or has other characters than a-z, 0-9, _
            and -.
    """
    spelt = name.strip().lower()
    if not _NAME.fullmatch(spelt):
        raise Invalid(
            "Validation failed: Label must be a letter and up to 39 letters, digits, _ or -, "
            "as in legal_hold"
        )
    return spelt
