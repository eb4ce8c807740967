"""Whether an answer made earlier still holds, though something was committed since.

An answer is kept with its *basis*: the accounts and statuses it shows and who asked. The events of
the change feed since then are looked at when it is asked for again; one that is not known to leave
the basis alone makes the answer outdated.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import Final

from msgspec import Struct
from pyroaring import BitMap

from rostra.domain.account_set import SetKind
from rostra.domain.events import (
    AccountChanged,
    AmnestyChanged,
    AnnouncementChanged,
    AnnouncementReacted,
    AnyEvent,
    FiltersChanged,
    ListsChanged,
    NotificationsChanged,
    Notified,
    OptionsChanged,
    PinsChanged,
    PushChanged,
    RunChanged,
    SetChanged,
    SetPacked,
    StatusChanged,
    StatusCreated,
    StatusDeleted,
    TagsFollowed,
    TrendsCounted,
)
from rostra.domain.statuses import Visibility
from rostra.domain.visibility import ACCOUNT_KINDS
from rostra.ports import Store

REMEMBERED: Final = 512
"""Events looked back on; an answer that was not asked for during more of them is outdated."""

_ELSEWHERE: Final = (
    AmnestyChanged,
    AnnouncementChanged,
    AnnouncementReacted,
    PushChanged,
    RunChanged,
    SetPacked,
    TrendsCounted,
)
"""Events of what no answer with a basis shows: they are not remembered."""

_STATUS_KINDS: Final = frozenset({SetKind.LIKES, SetKind.BOOSTS, SetKind.BOOKMARKS})


class Basis(Struct, frozen=True):
    """What an answer was made from.

    ``accounts`` (ordinals) and ``statuses`` are those it shows, ``viewer`` is who asked.
    ``follows`` are those whose new statuses belong into it (a home timeline); with ``public``
    those of everybody do. ``told`` is whether it is of the viewer's notifications.
    """

    accounts: frozenset[int] = frozenset()
    statuses: frozenset[int] = frozenset()
    viewer: int | None = None
    follows: BitMap | None = None
    public: bool = False
    told: bool = False

    def is_touched_by(self, event: AnyEvent) -> bool:
        """Return whether a remembered event may have outdated what was made from this."""
        match event:
            case SetChanged(owner=owner, kind=kind):
                return self._has_set(owner, kind)
            case StatusCreated():
                return self._has_news(event)
            case AccountChanged(ordinal=ordinal):
                return ordinal in self.accounts or ordinal == self.viewer
            case (
                OptionsChanged(account=account)
                | ListsChanged(account=account)
                | TagsFollowed(account=account)
                | FiltersChanged(account=account)
            ):
                return account == self.viewer
            case Notified(account=account) | NotificationsChanged(account=account):
                return self.told and account == self.viewer
            case PinsChanged(account=account):
                return account in self.accounts
            case StatusChanged(id=id_, edited=edited, quote_of=quoted):
                # By other hashtags or mentions an edit may bring a status into a home.
                belongs = edited and self.follows is not None
                return belongs or not self.statuses.isdisjoint((id_, quoted))
            case StatusDeleted():
                return event.author in self.accounts or not self.statuses.isdisjoint(
                    (event.id, event.reblog_of, event.in_reply_to, event.quote_of)
                )
            case _:
                return True

    def _has_set(self, owner: int, kind: int) -> bool:
        if kind in ACCOUNT_KINDS:
            return owner in self.accounts or owner == self.viewer
        if kind in _STATUS_KINDS or kind >= SetKind.VOTES:
            return owner in self.statuses
        return kind != SetKind.TAG_FOLLOWERS  # who begins to follow one says so by itself

    def _has_news(self, event: StatusCreated) -> bool:
        author = event.author
        if author in self.accounts or not self.statuses.isdisjoint(
            (event.in_reply_to, event.quote_of)
        ):
            return True
        if self.public:
            return event.visibility == Visibility.PUBLIC
        if self.follows is None:
            return False
        # A hashtag may be followed as well as its author.
        return author in self.follows or author == self.viewer or bool(event.tags)


class Since(Struct, frozen=True):
    """A moment in what this process heard: how many events, and the epoch of the masks."""

    events: int
    epoch: int


class News:
    """The events this process applied lately.

    Args:
        store: whose change feed to listen to.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._events: deque[AnyEvent] = deque(maxlen=REMEMBERED)
        self._heard = 0
        store.subscribe(self._hear)

    def _hear(self, event: AnyEvent) -> None:
        if isinstance(event, _ELSEWHERE):
            return  # the packer alone tells of thousands at once: they would push out the others
        self._events.append(event)
        self._heard += 1

    def now(self) -> Since:
        """Return the moment that memory stands at."""
        return Since(self._heard, self._store.epoch)

    def leaves(self, basis: Basis, since: Since) -> bool:
        """Return whether nothing that happened since a moment touches a basis."""
        new = self._heard - since.events
        if since.epoch != self._store.epoch or new > len(self._events):
            return False
        latest = islice(reversed(self._events), new)
        return not any(basis.is_touched_by(event) for event in latest)
