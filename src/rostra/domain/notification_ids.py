"""The ids of notifications: which member of which set one is, and spans of them.

A public id is ``position << 16 | hash``: the tick it happened at and 16 bits that tell apart what
happened in the same one, so that ids sort by time and a member of a set needs no row.
"""

from __future__ import annotations

import zlib
from typing import Final

from msgspec import Struct

from rostra.domain.account_set import Entry, SetKey, SetKind
from rostra.domain.ids import ticks_ms
from rostra.domain.notifications import Notification, NotificationType

HASH_BITS: Final = 16
HASH_MASK: Final = (1 << HASH_BITS) - 1
NEAR_TICKS: Final = 10_000
"""How far (1 s) above the place another table tells a member is looked for."""

GROUPED: Final = {
    NotificationType.FAVOURITE: SetKind.LIKES,
    NotificationType.REBLOG: SetKind.BOOSTS,
    NotificationType.FOLLOW: SetKind.FOLLOWERS,
    NotificationType.FOLLOW_REQUEST: SetKind.FOLLOW_REQUESTS,
}
"""The types that are members of sets; the subject of the first two is a status."""

OF_STATUS: Final = (NotificationType.FAVOURITE, NotificationType.REBLOG)
BY_KIND: Final = {int(kind): type_ for type_, kind in GROUPED.items()}


def group_hash(type_: int, subject: int) -> int:
    """Return the 16 bits by which the notifications of a group are told from those of others."""
    return zlib.crc32(f"{type_}:{subject}".encode()) & HASH_MASK


def group_set(account: int, type_: NotificationType, subject: int) -> SetKey:
    """Return the set whose members are the notifications of a group."""
    return SetKey(subject if type_ in OF_STATUS else account, GROUPED[type_])


class Span(Struct, frozen=True):
    """Which ids are wanted, both ends excluded; ``rising`` those nearest to ``above``, first."""

    above: int = 0
    below: int | None = None
    rising: bool = False

    def has(self, id_: int) -> bool:
        """Return whether an id is wanted."""
        return id_ > self.above and (self.below is None or id_ < self.below)

    def has_about(self, id_: int) -> bool:
        """Return whether ids that may be somewhat later than ``id_`` may be wanted."""
        slack = NEAR_TICKS << HASH_BITS
        return id_ + slack > self.above and (self.below is None or id_ < self.below)

    def positions(self, low: int) -> tuple[int, int | None]:
        """Return the positions between which members of a group with hash ``low`` are wanted."""
        below = None
        if self.below is not None:
            below = (self.below >> HASH_BITS) + (low < self.below & HASH_MASK)
        return (self.above >> HASH_BITS) - (low > self.above & HASH_MASK), below


def member_notification(
    type_: NotificationType, account: int, subject: int, entry: Entry, low: int
) -> Notification:
    """Return the notification of an account that a member of a set is.

    Args:
        type_: what it did.
        account: who is told.
        subject: the status it is about, or 0.
        entry: the member.
        low: the hash of the group.
    """
    return Notification(
        id=entry.position << HASH_BITS | low,
        type=type_,
        account=account,
        source=entry.member,
        created_at=ticks_ms(entry.position),
        status=subject or None,
    )
