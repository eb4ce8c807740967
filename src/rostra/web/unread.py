"""How many notifications somebody has not seen, told beside the way to them."""

from __future__ import annotations

from typing import Final

from rostra.domain.errors import RostraError
from rostra.ports import Context
from rostra.services.notifying import grouping
from rostra.services.notifying.notifications import Wanted
from rostra.web.visits import Visitor

MOST: Final = 99


def unread_of(ctx: Context, visitor: Visitor) -> int:
    """Return how many notifications the visitor has not seen, counted to a limit."""
    if visitor.account is None:
        return 0
    try:
        with ctx.store.read() as snap:
            return grouping.unread_count(snap, visitor.account.ordinal, limit=MOST, wanted=Wanted())
    except RostraError:  # a page that says why the store cannot be read must still be shown
        return 0
