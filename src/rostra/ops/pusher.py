"""The pusher: sends notifications to the apps that subscribed to them, from the job process.

No row is written for what is to be pushed: the events of the change feed name the notifications, be
they rows or members of sets, and each subscription knows up to where it was pushed, from which the
next process goes on. A storm stays small: ten notifications wait for a subscription at most, the
newest and those somebody wants an answer to; after ten at once it is sent one every six seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

import structlog
from msgspec import Struct
from pyroaring import BitMap

from rostra.domain.errors import Unreachable
from rostra.domain.events import AnyEvent, EverythingReplaced, Notified, PushChanged, SetChanged
from rostra.domain.ids import ticks
from rostra.domain.notification_ids import BY_KIND, HASH_BITS
from rostra.domain.notifications import Notification
from rostra.domain.push import (
    GIVEN_UP_MS,
    LONGEST_RETRY_MS,
    MOST_AT_ONCE,
    REFILL_MS,
    PushSubscription,
    retry_delay,
)
from rostra.jobs.schedule import Periodic
from rostra.ports import Context, Fetched, Snapshot
from rostra.services.notifying import notifications, push, web_push

EVERY_SECONDS: Final = 0.25
ACCOUNTS_AT_ONCE: Final = 32

LOOKS_NOTED_MS: Final = 60_000

GONE: Final = (404, 410)
LATER: Final = (408, 425, 429)

_log = structlog.get_logger()
Name = tuple[int, int]
"""An account and the id of a subscription of it."""


class Pace:
    """What waits to be sent to a subscription, and how much may be sent now.

    Of more than can be sent soon the newest wait, those somebody wants an answer to first.
    """

    def __init__(self, now: int, waiting: Iterable[Notification]) -> None:
        self._allowed = float(MOST_AT_ONCE)
        self._at = now
        self._waiting: list[Notification] = []
        self.looked = 0
        self.add(waiting)

    def add(self, news: Iterable[Notification]) -> None:
        """Let more wait."""
        known = {one.id: one for one in (*self._waiting, *news)}
        order = sorted(known.values(), key=lambda one: (push.is_urgent(one), one.id))
        self._waiting = order[-MOST_AT_ONCE:]

    def take(self, now: int, choose: Callable[[list[Notification]], list[Notification]]) -> None:
        """Forget of what waits all but what ``choose`` leaves, at a time (ms)."""
        self._waiting = choose(self._waiting)
        gained = max(0, now - self._at) / REFILL_MS
        self._allowed = min(float(MOST_AT_ONCE), self._allowed + gained)
        self._at = now

    def ready(self) -> list[Notification]:
        """Return what may be sent now, oldest first."""
        allowed = int(self._allowed)
        chosen = self._waiting[-allowed:] if allowed else []
        return sorted(chosen, key=lambda one: one.id)

    @property
    def waits(self) -> bool:
        """Whether anything is left to be sent later."""
        return bool(self._waiting)

    def sent(self, id_: int) -> None:
        """Note that one was sent."""
        self._allowed -= 1
        self._waiting = [one for one in self._waiting if one.id != id_]


class Parcel(Struct, frozen=True):
    """A notification on its way to a subscription."""

    id: int
    content: bytes
    urgent: bool


class Pusher:
    """Pushes what is new to those who subscribed.

    Args:
        ctx: the ports.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._subscribed: BitMap | None = None
        self._events: list[Notified | SetChanged | PushChanged] = []
        self._news: dict[int, list[Notification]] = {}
        self._later: dict[int, int] = {}
        self._paces: dict[Name, Pace] = {}
        self._running: dict[int, asyncio.Task[None]] = {}
        ctx.store.subscribe(self._heard)

    def work(self) -> Periodic:
        """Return this as work that comes round."""
        return Periodic(name="push", every=EVERY_SECONDS, do=self.turn)

    async def close(self) -> None:
        """Stop sending; what was not sent is sent when this runs again."""
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    # -- who has news ------------------------------------------------------------------------------

    def _heard(self, event: AnyEvent) -> None:
        match event:
            case Notified() | PushChanged():
                self._events.append(event)
            case SetChanged(kind=kind) if kind in BY_KIND:
                if self._subscribed or self._subscribed is None:
                    self._events.append(event)
            case EverythingReplaced():
                self._subscribed = None
            case _:
                pass

    async def turn(self) -> bool:
        """Begin to send what is due; the sending itself goes on beside other work."""
        self._choose()
        for account in sorted(self._news):
            if len(self._running) >= ACCOUNTS_AT_ONCE:
                break
            if account not in self._running:
                self._begin(account, self._news.pop(account))
        return False

    def _begin(self, account: int, news: list[Notification]) -> None:
        task = asyncio.get_running_loop().create_task(self._account(account, news))
        self._running[account] = task
        task.add_done_callback(lambda _: self._running.pop(account))

    async def settle(self) -> None:
        """Send what is due, and wait until it is sent."""
        await self.turn()
        while self._running:
            await asyncio.gather(*self._running.values())

    def _choose(self) -> None:
        """Keep of the news what is of those who subscribed, and add those whose time has come."""
        with self._ctx.store.read() as snap:
            if self._subscribed is None:  # whoever was not told by the process before
                self._subscribed = BitMap(snap.push.accounts())
                for account in self._subscribed:
                    self._news.setdefault(account, [])
            elif any(isinstance(event, PushChanged) for event in self._events):
                self._subscribed = BitMap(snap.push.accounts())
            events, self._events = self._events, []
            for event in events:
                if isinstance(event, PushChanged):
                    self._begin_anew(event.account)
                    continue
                for one in self._brought(snap, event) if self._subscribed else ():
                    lot = self._news.setdefault(one.account, [])
                    lot.append(one)
                    del lot[: -MOST_AT_ONCE * 2]
        now = self._ctx.clock.now()
        for account in [one for one, at in self._later.items() if at <= now]:
            del self._later[account]
            self._news.setdefault(account, [])

    def _begin_anew(self, account: int) -> None:
        """Forget what came before an account's apps changed what they want to hear of."""
        self._news[account] = []
        for name in [one for one in self._paces if one[0] == account]:
            del self._paces[name]

    def _brought(self, snap: Snapshot, event: Notified | SetChanged) -> list[Notification]:
        """Return the notifications that an event brings somebody who subscribed."""
        subscribed = self._subscribed or ()
        if isinstance(event, Notified):
            if event.account not in subscribed:
                return []
            stored = snap.notifications.get_stored(event.account, event.id)
            return [stored] if stored is not None else []
        account = notifications.told_of(snap, event.kind, event.owner)
        if account is None or account not in subscribed:
            return []
        return notifications.derived(
            account, event.kind, event.owner, event.entries, newest=MOST_AT_ONCE
        )

    # -- one account -------------------------------------------------------------------------------

    async def _account(self, account: int, news: list[Notification]) -> None:
        try:
            with self._ctx.store.read() as snap:
                there = [] if snap.gate.barred(BitMap([account])) else snap.push.of(account)
                lots = [(each, self._parcels(snap, each, news)) for each in there]
            for name in [one for one in self._paces if one[0] == account]:
                if name[1] not in {each.id for each in there}:
                    del self._paces[name]
            await asyncio.gather(*(self._send(each, lot) for each, lot in lots))
        except Exception as error:  # one account's trouble is not the others'
            _log.error("pushing failed", exc_info=error)

    def _parcels(
        self, snap: Snapshot, subscription: PushSubscription, news: list[Notification]
    ) -> list[Parcel]:
        """Return what to send to a subscription now, oldest first."""
        now, name = snap.now, (subscription.account, subscription.id)
        pace = self._paces.get(name)
        if pace is None:  # its first time in this process: what came before is read from the list
            found = push.unpushed(snap, subscription, limit=MOST_AT_ONCE * 4)
            pace = self._paces[name] = Pace(now, push.wanted(snap, subscription, found))
        pace.add(push.wanted(snap, subscription, news))
        if subscription.due_at > now:
            self._again(subscription.account, subscription.due_at)
            return []
        pace.take(now, lambda waiting: push.wanted(snap, subscription, waiting))
        pace.looked = now
        ready = pace.ready()
        if not ready and pace.waits:
            self._again(subscription.account, now + REFILL_MS)
        return [self._parcel(snap, subscription, one) for one in ready]

    def _parcel(self, snap: Snapshot, subscription: PushSubscription, one: Notification) -> Parcel:
        access = web_push.opened(self._ctx.store, subscription.access)
        content = push.content(snap, self._ctx.settings, one, access)
        return Parcel(one.id, content, push.is_urgent(one))

    def _again(self, account: int, at: int) -> None:
        self._later[account] = min(at, self._later.get(account, at))

    # -- one subscription --------------------------------------------------------------------------

    async def _send(self, subscription: PushSubscription, lot: list[Parcel]) -> None:
        """Send parcels in order, and note how it went."""
        pace = self._paces.get((subscription.account, subscription.id))
        if pace is None:  # changed meanwhile
            return
        through = subscription.through
        refused = False
        for parcel in lot:
            answer = await self._post(subscription, parcel)
            if answer is None or answer.status in LATER or answer.status >= 500:
                await self._failed(subscription, through, answer)
                return
            if answer.status in GONE:
                await self._forget(subscription)
                return
            refused = refused or answer.status >= 300
            pace.sent(parcel.id)
            through = max(through, min(parcel.id, push.until(self._ctx.clock.now())))
        if pace.waits:
            self._again(subscription.account, max(subscription.due_at, pace.looked + REFILL_MS))
        elif lot or _is_behind(subscription, pace.looked):
            # Up to where it looked, so that what is hidden now and shown again one day does not
            # look new to the next process.
            await self._note(subscription, push.until(pace.looked), failed=refused, attempts=0)

    async def _post(self, subscription: PushSubscription, parcel: Parcel) -> Fetched | None:
        """Send one parcel; None when the other server could not be asked."""
        message = web_push.message(
            self._ctx.store,
            self._ctx.settings,
            subscription,
            parcel.content,
            now=self._ctx.clock.now(),
            urgent=parcel.urgent,
        )
        try:
            return await self._ctx.fetcher.post(
                subscription.endpoint, content=message.body, headers=message.headers
            )
        except Unreachable as error:
            _log.info("not pushed", subscription=subscription.id, reason=str(error))
            return None

    async def _failed(
        self, subscription: PushSubscription, through: int, answer: Fetched | None
    ) -> None:
        """Try again later, unless it has failed for too long."""
        now = self._ctx.clock.now()
        if subscription.failing_since and now - subscription.failing_since > GIVEN_UP_MS:
            _log.info("push subscription given up", subscription=subscription.id)
            await self._forget(subscription)
            return
        delay = max(retry_delay(subscription.attempts), _asked_to_wait(answer))
        self._again(subscription.account, now + delay)
        await self._note(
            subscription,
            through,
            failed=True,
            attempts=subscription.attempts + 1,
            due_at=now + delay,
        )

    async def _note(
        self,
        subscription: PushSubscription,
        through: int,
        *,
        failed: bool,
        attempts: int,
        due_at: int = 0,
    ) -> None:
        since = (subscription.failing_since or self._ctx.clock.now()) if failed else 0
        await self._ctx.store.write(
            lambda tx: tx.push.note(
                subscription.account,
                subscription.id,
                through=through,
                attempts=attempts,
                due_at=due_at,
                failing_since=since,
            )
        )

    async def _forget(self, subscription: PushSubscription) -> None:
        await self._ctx.store.write(
            lambda tx: tx.push.delete(subscription.account, subscription.id)
        )


def _is_behind(subscription: PushSubscription, looked: int) -> bool:
    """Return whether what is noted of a subscription is older than need be."""
    return push.until(looked) - subscription.through > ticks(LOOKS_NOTED_MS) << HASH_BITS


def _asked_to_wait(answer: Fetched | None) -> int:
    """Return how many ms the other server asked to wait, at most as long as any wait."""
    text = "" if answer is None else answer.headers.get("retry-after", "")
    return min(LONGEST_RETRY_MS, int(text) * 1000) if text.isdigit() and len(text) < 9 else 0
