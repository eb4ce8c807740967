"""The hub: who listens to what in this process, and the look at the change feed that tells them.

While anybody listens, the hub looks at the feed every few milliseconds, so what any process commits
is told here, whether or not visitors ask this one anything. What came since the last look is read
in one view of the store, by which the gate decides who is told; the sending comes after.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Final

import structlog
from pyroaring import BitMap
from starlette.types import Message

from rostra.api.state import Api
from rostra.api.streaming.channels import Channel
from rostra.api.streaming.frames import THUMP, Form
from rostra.api.streaming.outlets import Outlet
from rostra.api.streaming.telling import Telling
from rostra.domain.account_set import SetKind
from rostra.domain.errors import RostraError
from rostra.domain.events import (
    AmnestyChanged,
    AnnouncementChanged,
    AnnouncementReacted,
    AnyEvent,
    EverythingReplaced,
    FiltersChanged,
    Notified,
    RunChanged,
    SetChanged,
    StatusChanged,
    StatusCreated,
    StatusDeleted,
    TokenChanged,
)
from rostra.domain.notification_ids import BY_KIND
from rostra.ports import Snapshot

LOOK_SECONDS: Final = 0.025
THUMP_SECONDS: Final = 15.0
SENT_AT_ONCE: Final = 500
"""How many are sent to before visitors get their turn."""

HEARD: Final = (
    AmnestyChanged,
    RunChanged,
    StatusCreated,
    StatusChanged,
    StatusDeleted,
    Notified,
    TokenChanged,
    EverythingReplaced,
    FiltersChanged,
    AnnouncementChanged,
    AnnouncementReacted,
)
SETS_HEARD: Final = frozenset({*BY_KIND, int(SetKind.HEEDING)})

_log = structlog.get_logger("rostra.api")


class Group:
    """Those who listen to one channel, by their ordinals."""

    __slots__ = ("listeners", "outlets")

    def __init__(self) -> None:
        self.listeners = BitMap()
        self.outlets: dict[int, list[Outlet]] = {}

    def add(self, outlet: Outlet) -> None:
        """Add a connection."""
        self.listeners.add(outlet.listener)
        self.outlets.setdefault(outlet.listener, []).append(outlet)

    def remove(self, outlet: Outlet) -> None:
        """Take a connection out."""
        there = self.outlets[outlet.listener]
        there.remove(outlet)
        if not there:
            del self.outlets[outlet.listener]
            self.listeners.discard(outlet.listener)


class Hub:
    """The open streams of one process.

    Args:
        api: what entities are rendered with.
    """

    def __init__(self, api: Api) -> None:
        self.api = api
        self._groups: dict[str, dict[str, Group]] = {}
        self.outlets: set[Outlet] = set()
        self.draining = False
        self._by_account: dict[int, set[Outlet]] = {}
        self._news: list[AnyEvent] = []
        self._epoch = -1
        self._thumps: deque[tuple[float, Outlet]] = deque()
        self._watch: asyncio.Task[None] | None = None
        api.ctx.store.subscribe(self._heard)

    # -- coming and going --------------------------------------------------------------------------

    def open(self, outlet: Outlet) -> None:
        """Count a connection among those that are told things."""
        self.outlets.add(outlet)
        self._by_account.setdefault(outlet.listener, set()).add(outlet)
        if outlet.form is Form.EVENTS:
            due = asyncio.get_running_loop().time() + THUMP_SECONDS
            self._thumps.append((due, outlet))
        if self._watch is None:
            self._watch = asyncio.get_running_loop().create_task(self._look_on())

    def close(self, outlet: Outlet) -> None:
        """Tell a connection nothing more."""
        for channel in list(outlet.channels):
            self.leave(outlet, channel)
        if outlet in self.outlets:
            self.outlets.remove(outlet)
            there = self._by_account[outlet.listener]
            there.remove(outlet)
            if not there:
                del self._by_account[outlet.listener]
        outlet.leave()

    def join(self, outlet: Outlet, channel: Channel, names: tuple[str, ...]) -> None:
        """Let a connection listen to a channel, by its names; again changes nothing."""
        if channel in outlet.channels:
            return
        outlet.channels[channel] = names
        self._groups.setdefault(channel.name, {}).setdefault(channel.subject, Group()).add(outlet)

    def leave(self, outlet: Outlet, channel: Channel) -> None:
        """Let a connection listen to a channel no longer."""
        if outlet.channels.pop(channel, None) is None:
            return
        groups = self._groups[channel.name]
        groups[channel.subject].remove(outlet)
        if not groups[channel.subject].outlets:
            del groups[channel.subject]

    def group(self, channel: Channel) -> Group | None:
        """Return those who listen to a channel, None when nobody does."""
        return self._groups.get(channel.name, {}).get(channel.subject)

    def named(self, name: str) -> dict[str, Group]:
        """Return those who listen to the channels of a name, by hashtag, list or thread."""
        return self._groups.get(name, {})

    def listeners(self) -> BitMap:
        """Return all who listen to anything."""
        return BitMap(self._by_account)

    def drain(self) -> set[asyncio.Task[Any]]:
        """End all streams, and take no new ones: those who listened connect to another process.

        Returns:
            Those that are at telling their clients so.
        """
        self.draining = True
        leaving = {outlet.owner for outlet in self.outlets if outlet.owner is not None}
        for outlet in list(self.outlets):
            outlet.cut()
        return leaving

    # -- hearing -----------------------------------------------------------------------------------

    def _heard(self, event: AnyEvent) -> None:
        """Take an event of the change feed; what it means is seen at the next look."""
        if not self.outlets:
            return
        if isinstance(event, HEARD) or (isinstance(event, SetChanged) and event.kind in SETS_HEARD):
            self._news.append(event)

    async def _look_on(self) -> None:
        """Look for news as long as anybody listens."""
        try:
            while self.outlets:
                await self._send(self._look())
                self._thump()
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            self._watch = None
            self._news.clear()

    def _look(self) -> list[tuple[Outlet, Message]]:
        """Return what there is to send, and cut those who may not listen any more."""
        try:
            with self.api.ctx.store.read() as snap:
                if snap.gate.epoch != self._epoch:
                    self._cut_the_barred(snap)
                    self._epoch = snap.gate.epoch
                if not self._news:
                    return []
                news, self._news = self._news, []
                for event in news:
                    self._cut_by(snap, event)
                return Telling(self, snap).tell(news)
        except RostraError as error:
            _log.warning("streams cannot be told", error=str(error))
        except Exception as error:  # a fault in one piece of news must not end all streams
            _log.error("streams not told", exc_info=error)
        return []

    async def _send(self, frames: list[tuple[Outlet, Message]]) -> None:
        for number, (outlet, message) in enumerate(frames, 1):
            outlet.push(message)
            if number % SENT_AT_ONCE == 0:
                await asyncio.sleep(0)

    def _thump(self) -> None:
        now = asyncio.get_running_loop().time()
        while self._thumps and self._thumps[0][0] <= now:
            outlet = self._thumps.popleft()[1]
            if outlet in self.outlets:
                outlet.push(THUMP)
                self._thumps.append((now + THUMP_SECONDS, outlet))

    # -- cutting -----------------------------------------------------------------------------------

    def _cut_the_barred(self, snap: Snapshot) -> None:
        for account in snap.gate.barred(BitMap(self._by_account)):
            for outlet in list(self._by_account[account]):
                outlet.cut()

    def _cut_by(self, snap: Snapshot, event: AnyEvent) -> None:
        """Cut the streams whose token or session an event ends."""
        if isinstance(event, EverythingReplaced):
            for outlet in list(self.outlets):
                if outlet.credential and not _holds(snap, outlet.credential):
                    outlet.cut()
        elif isinstance(event, TokenChanged) and event.account is not None:
            for outlet in list(self._by_account.get(event.account, ())):
                if not _holds(snap, outlet.credential):
                    outlet.cut()
        elif isinstance(event, TokenChanged):
            for outlet in list(self.outlets):
                if outlet.credential == event.hash:
                    outlet.cut()


def _holds(snap: Snapshot, credential: bytes) -> bool:
    """Return whether a token or session is still good."""
    access = snap.access
    return access.token(credential) is not None or access.session(credential) is not None
