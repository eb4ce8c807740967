"""Telling: turns what was committed into what each stream is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from pyroaring import BitMap
from starlette.types import Message

from rostra.api.mastodon.announcements import entity as announcement_entity
from rostra.api.mastodon.announcements import reaction as reaction_entity
from rostra.api.mastodon.conversations import bodies_for as conversation_bodies
from rostra.api.mastodon.notifications import bodies_for as notification_bodies
from rostra.api.messages import encode
from rostra.api.streaming.channels import (
    DIRECT,
    MODERATION,
    NOTIFICATIONS,
    PUBLIC,
    PUBLIC_LOCAL,
    USER,
    Channel,
)
from rostra.api.streaming.frames import Form, Payload
from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.errors import NotFound
from rostra.domain.events import (
    AmnestyChanged,
    AnnouncementChanged,
    AnnouncementReacted,
    AnyEvent,
    FiltersChanged,
    Notified,
    RunChanged,
    SetChanged,
    StatusChanged,
    StatusCreated,
    StatusDeleted,
)
from rostra.domain.lists import AccountList
from rostra.domain.notifications import Notification
from rostra.domain.packing import ADD, unpack_changes
from rostra.domain.statuses import Status, Visibility
from rostra.ports import Snapshot
from rostra.services.notifying import notifications
from rostra.services.reading import audience, conversations, streams
from rostra.services.server import announcements
from rostra.services.social_graph import lists

if TYPE_CHECKING:
    from rostra.api.streaming.hub import Hub
    from rostra.api.streaming.outlets import Outlet

NOTIFIED_AT_ONCE: Final = 20
"""Of more notifications that come to one account at once, the newest are told: a storm of likes is
no storm for who listens, and the list of notifications has them all."""

Class = tuple[object, ...]
Rule = Callable[[Snapshot, Status, BitMap], BitMap]
Rendered = Callable[[int], Payload | None]
"""Returns what a listener is told, None for nothing."""


class Telling:
    """What one look at the change feed finds to say.

    Args:
        hub: who listens.
        snap: the view that decides.
    """

    def __init__(self, hub: Hub, snap: Snapshot) -> None:
        self._hub = hub
        self._api = hub.api
        self._snap = snap
        self._frames: list[tuple[Outlet, Message]] = []
        self._notified: dict[int, dict[int, Notification]] = {}
        self._moderation: dict[tuple[str, int], None] = {}

    def tell(self, news: Iterable[AnyEvent]) -> list[tuple[Outlet, Message]]:
        """Return what to send to whom, in order."""
        self._api.parts.follow(self._snap)
        for event in news:
            match event:
                case StatusCreated(id=id_) if streams.is_news(self._snap, id_):
                    self._status(id_, "update", "status")
                case StatusChanged(id=id_):
                    self._status(id_, "status.update", "edit")
                case StatusDeleted():
                    self._deleted(event)
                case SetChanged(owner=account, kind=SetKind.HEEDING, entries=entries):
                    if any(change.op == ADD for change in unpack_changes(entries)):
                        merged = Payload("notifications_merged", b"1")
                        self._to_one(NOTIFICATIONS, account, merged)
                case Notified() | SetChanged():
                    self._collect(event)
                case FiltersChanged(account=account):
                    self._to_one(USER, account, Payload("filters_changed", None))
                case AnnouncementChanged():
                    self._announcement(event)
                case AnnouncementReacted():
                    self._reaction(event)
                case RunChanged(run=id_):
                    self._moderation["run", id_] = None
                case AmnestyChanged(amnesty=id_):
                    self._moderation["amnesty", id_] = None
                case _:
                    pass
        for account, found in self._notified.items():
            self._notifications(account, list(found.values()))
        for kind, id_ in self._moderation:
            self._moved_on(kind, id_)
        return self._frames

    def _moved_on(self, kind: str, id_: int) -> None:
        """Tell moderators that something they follow went on; once in a look."""
        group = self._hub.group(MODERATION)
        if group is not None:
            hearing = streams.moderators(self._snap, group.listeners)
            payload = Payload(kind, encode({"id": str(id_)}))
            self._send(MODERATION, hearing, lambda _: payload, kind, id_)

    # -- statuses ----------------------------------------------------------------------------------

    def _status(self, status_id: int, event: str, kind: str) -> None:
        status = self._snap.statuses.get(status_id)
        if status is None or not self._snap.gate.active(status.author):
            return
        rendered = Renderings(self, status, event)
        for channel, rule in self._channels(status):
            self._tell(channel, rule, status, rendered, kind)
        if status.visibility == Visibility.DIRECT and event == "update":
            self._conversation(status)
        for each in audience.in_lists(self._snap, status, self._lists_with(status.author)):
            channel = Channel("list", str(each.id))
            self._send(channel, BitMap([each.account]), rendered, kind, status.id)

    def _channels(self, status: Status) -> Iterable[tuple[Channel, Rule]]:
        """Yield the channels a status may be told in, each with the rule of who hears it there."""
        yield USER, audience.at_home
        if status.visibility == Visibility.PUBLIC and status.reblog_of is None:
            yield PUBLIC, audience.in_public
            yield PUBLIC_LOCAL, audience.in_public
            for tag in status.tags:
                yield Channel("hashtag", tag), audience.in_tags
                yield Channel("hashtag:local", tag), audience.in_tags
        if status.reblog_of is None and self._hub.named("thread"):
            for above in streams.threads_of(self._snap, status):
                yield Channel("thread", str(above)), streams.in_thread

    def _lists_with(self, author: int) -> list[AccountList]:
        """Return the lists somebody listens to that an author is in."""
        listened = self._hub.named("list")
        ids = list(map(int, listened))
        keys = [lists.members_of(id_) for id_ in ids]
        found = []
        for id_, has in zip(ids, self._snap.sets.contained_in(keys, author), strict=True):
            for owner in listened[str(id_)].listeners if has else ():
                value = self._snap.lists.get(owner, id_)
                if value is not None:
                    found.append(value)
        return found

    def _tell(
        self, channel: Channel, rule: Rule, status: Status, rendered: Rendered, kind: str
    ) -> None:
        group = self._hub.group(channel)
        if group is not None:
            hearing = rule(self._snap, status, group.listeners)
            self._send(channel, hearing, rendered, kind, status.id)

    def _deleted(self, event: StatusDeleted) -> None:
        """Tell that a status is gone to those who may have been told of it."""
        gate = self._snap.gate
        if not gate.active(event.author):
            return
        payload = Payload("delete", str(event.id).encode())
        mentioned = BitMap([event.author, *event.mentions])

        def tell(channel: Channel, followers: bool = False) -> None:
            group = self._hub.group(channel)
            if group is None:
                return
            hearing = group.listeners
            if followers or event.visibility > Visibility.UNLISTED:
                hearing = hearing & mentioned
            if event.visibility != Visibility.DIRECT and followers:
                key = SetKey(event.author, SetKind.FOLLOWERS)
                hearing |= gate.members(key, group.listeners)
            self._send(channel, hearing, lambda _: payload, "delete", event.id)

        tell(USER, followers=True)
        for each in self._lists_with(event.author):
            tell(Channel("list", str(each.id)), followers=True)
        tell(Channel("thread", str(event.id)))
        parent = self._snap.statuses.get(event.in_reply_to) if event.in_reply_to else None
        if parent is not None:
            for above in streams.threads_of(self._snap, parent):
                tell(Channel("thread", str(above)))
        if event.visibility == Visibility.PUBLIC and event.reblog_of is None:
            tell(PUBLIC)
            tell(PUBLIC_LOCAL)
            for tag in event.tags:
                tell(Channel("hashtag", tag))
                tell(Channel("hashtag:local", tag))

    # -- notifications -----------------------------------------------------------------------------

    def _collect(self, event: Notified | SetChanged) -> None:
        group = self._hub.group(NOTIFICATIONS)
        if group is None:
            return
        if isinstance(event, Notified):
            if event.account in group.listeners:
                stored = self._snap.notifications.get_stored(event.account, event.id)
                self._add([stored] if stored is not None else [])
            return
        account = notifications.told_of(self._snap, event.kind, event.owner)
        if account is not None and account in group.listeners:
            self._add(
                notifications.derived(
                    account, event.kind, event.owner, event.entries, newest=NOTIFIED_AT_ONCE
                )
            )

    def _add(self, found: list[Notification]) -> None:
        floor = self._snap.now - streams.FRESH_MS
        for one in found:
            if one.created_at > floor:
                self._notified.setdefault(one.account, {})[one.id] = one

    def _notifications(self, account: int, found: list[Notification]) -> None:
        newest = sorted(found, key=lambda one: one.id)[-NOTIFIED_AT_ONCE:]
        for one in notifications.still(self._snap, account, newest):
            for body in notification_bodies(self._api, self._snap, account, [one]):
                payload = Payload("notification", body)
                self._send(
                    NOTIFICATIONS,
                    BitMap([account]),
                    lambda _, made=payload: made,  # type: ignore[misc]
                    "notification",
                    one.id,
                )

    # -- what concerns one, and what concerns all -----------------------------------------------

    def _to_one(self, channel: Channel, account: int, payload: Payload) -> None:
        self._send(channel, BitMap([account]), lambda _: payload, "", 0)

    def _to_all(self, event: str, body: bytes) -> None:
        payload = Payload(event, body)
        self._send(USER, self._hub.listeners(), lambda _: payload, "", 0)

    def _announcement(self, event: AnnouncementChanged) -> None:
        """Tell everybody of an announcement that holds now, or that is withdrawn."""
        if event.deleted:
            self._to_all("announcement.delete", str(event.id).encode())
            return
        settings = self._api.ctx.settings
        for view in announcements.listed(self._snap, None, settings, with_dismissed=True):
            if view.announcement.id == event.id:
                entity = announcement_entity(self._api.renderer, view, self._snap)
                self._to_all("announcement", encode(entity))

    def _reaction(self, event: AnnouncementReacted) -> None:
        told: dict[str, object] = {"name": event.name, "count": 0}
        for view in announcements.reactions(self._snap, None, event.announcement):
            if view.name == event.name:
                told = reaction_entity(self._api.renderer, view)
        told.pop("me", None)
        told["announcement_id"] = str(event.announcement)
        self._to_all("announcement.reaction", encode(told))

    def _conversation(self, status: Status) -> None:
        """Tell those who have a direct status in a conversation of theirs."""
        group = self._hub.group(DIRECT)
        if group is None:
            return
        for account in BitMap([status.author, *status.mentions]) & group.listeners:
            try:
                view = conversations.show(self._snap, account, status.root)
            except NotFound:
                continue
            for body in conversation_bodies(self._api, self._snap, account, [view]):
                self._to_one(DIRECT, account, Payload("conversation", body))

    # -- sending -----------------------------------------------------------------------------------

    def _send(
        self, channel: Channel, hearing: BitMap, rendered: Rendered, kind: str, subject: int
    ) -> None:
        """Note what the listeners of a channel are sent.

        Args:
            channel: the channel.
            hearing: who of its listeners is told.
            rendered: what each is told.
            kind: what happened, in a word for pages; empty for what is nothing to them.
            subject: the id of what it happened to.
        """
        group = self._hub.group(channel)
        if group is None:
            return
        pages: dict[str, Payload] = {}
        for listener in hearing & group.listeners:
            for outlet in group.outlets[listener]:
                names = outlet.channels[channel]
                if outlet.compact and not kind:
                    continue
                if outlet.compact:
                    page = pages.get(names[0])
                    if page is None:
                        told = {"stream": names[0], "id": str(subject)}
                        page = pages[names[0]] = Payload(kind, encode(told))
                    self._frames.append((outlet, page.frame(Form.EVENTS, names)))
                elif (payload := rendered(listener)) is not None:
                    self._frames.append((outlet, payload.frame(outlet.form, names)))

    def body_for(self, status_id: int, viewer: int) -> bytes | None:
        """Return the Status entity for a viewer."""
        return self._api.parts.status(self._snap, viewer or None, status_id)[0]

    def filters(self, listener: int) -> bool:
        """Return whether a listener filters anything."""
        return self._api.parts.filters(self._snap, listener)

    def standing(self, status: Status, listener: int) -> Class:
        """Return what a listener may do with a status and what it quotes, as that tells."""
        return streams.standing(self._snap, status, listener)

    def apart(self, status: Status) -> BitMap:
        """Return the listeners to whom a status is not what it is to all others."""
        return streams.apart(self._snap, status, self._hub.listeners())


class Renderings:
    """A status as it is told: the bytes are made once for all to whom it is the same.

    Args:
        telling: what it is part of.
        status: the status.
        event: the name of the event.
    """

    def __init__(self, telling: Telling, status: Status, event: str) -> None:
        self._telling = telling
        self._status = status
        self._event = event
        self._apart: BitMap | None = None
        self._made: dict[Class, Payload | None] = {}

    def __call__(self, listener: int) -> Payload | None:
        key = self._class_of(listener)
        if key not in self._made:
            body = self._telling.body_for(self._status.id, listener)
            self._made[key] = Payload(self._event, body) if body is not None else None
        return self._made[key]

    def _class_of(self, listener: int) -> Class:
        """Return what those who are told the same have in common.

        To whom the status is something of its own, or who filters, is alone.
        """
        if listener == streams.ANYBODY:
            return ("anybody",)
        if self._apart is None:
            self._apart = self._telling.apart(self._status)
        if listener in self._apart or self._telling.filters(listener):
            return ("own", listener)
        return self._telling.standing(self._status, listener)
