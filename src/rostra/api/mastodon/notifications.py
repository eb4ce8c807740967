"""https://docs.joinmastodon.org/methods/notifications/"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace
from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.mastodon.common import array, bytes_reply, notifications_reply
from rostra.api.mastodon.notified import extras
from rostra.api.messages import Call, Reply, encode, json_reply
from rostra.api.operation import Needs, at, group, reads, writes
from rostra.api.pagination import Page, clamped, link
from rostra.api.state import Api
from rostra.domain.errors import NotFound
from rostra.domain.ids import parse_id
from rostra.domain.notifications import Notification, NotificationType, group_key
from rostra.ports import Snapshot
from rostra.services.notifying import notifications

DEFAULT: Final = 40
COUNTED: Final = 100
MOST_COUNTED: Final = 1000
_TYPES: Final = {type_.label: type_ for type_ in NotificationType}


class NotificationPage(Page, frozen=True):
    types: list[str] = field(default_factory=list)
    exclude_types: list[str] = field(default_factory=list)
    account_id: str | None = None
    include_filtered: bool = False


def known_types(names: Iterable[str]) -> list[NotificationType]:
    """Return the types this server has among ``names``; of others there is nothing to list."""
    return [_TYPES[name] for name in names if name in _TYPES]


def _page(snap: Snapshot, call: Call, given: NotificationPage, limit: int) -> list[Notification]:
    account_id = parse_id(given.account_id) if given.account_id else None
    if given.account_id and account_id is None:
        return []
    return notifications.page(
        snap,
        call.actor,
        limit=limit,
        **given.cursors(),
        types=known_types(given.types) if given.types else None,
        exclude_types=known_types(given.exclude_types),
        account_id=account_id,
        filtered=given.include_filtered,
    )


@reads(NotificationPage, needs=Needs.ACCOUNT, scope="read:notifications")
def many(call: Call, snap: Snapshot, given: NotificationPage) -> Reply:
    found = _page(snap, call, given, clamped(given.limit, DEFAULT))
    headers = link(call, [notification.id for notification in found])
    bodies, until = rendered(call.api, snap, call.viewer, found)
    return notifications_reply(
        call,
        snap,
        array(bodies),
        statuses=(one.status for one in found if one.status is not None),
        accounts=(one.source for one in found),
        headers=headers,
        until=until,
    )


def rendered(
    api: Api, snap: Snapshot, viewer: int | None, found: Sequence[Notification]
) -> tuple[list[bytes], int]:
    """Return Notification entities, the account and the status each is about joined in, and how
    long they hold (ms).
    """
    parts, renderer = api.parts, api.renderer
    about = list(dict.fromkeys(each.status for each in found if each.status is not None))
    statuses, until = parts.statuses_by_id(snap, viewer, about)
    bodies = []
    for each in found:
        status = statuses.get(each.status) if each.status is not None else None
        if each.status is not None and status is None:
            continue
        entity = renderer.notification(each, group_key(each)) | extras(api, snap, each)
        head = encode(entity)[:-1]
        tail = b',"status":' + status + b"}" if status is not None else b"}"
        bodies.append(head + b',"account":' + parts.account(snap, each.source) + tail)
    return bodies, until


def bodies_for(
    api: Api, snap: Snapshot, viewer: int | None, found: Sequence[Notification]
) -> list[bytes]:
    """Return the Notification entities of a viewer."""
    return rendered(api, snap, viewer, found)[0]


@reads(Nothing, needs=Needs.ACCOUNT, scope="read:notifications")
def show(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    one = notifications.get(snap, call.actor, call.id())
    bodies = bodies_for(call.api, snap, call.viewer, [one])
    if not bodies:
        raise NotFound
    return bytes_reply(call, bodies[0])


@reads(NotificationPage, needs=Needs.ACCOUNT, scope="read:notifications")
def unread_count(call: Call, snap: Snapshot, given: NotificationPage) -> Reply:
    """How many came after the last that was marked as read, up to a limit."""
    read = notifications.last_read(snap, call.actor)
    unread = replace(given, max_id=None, min_id=None, since_id=str(read))
    limit = clamped(given.limit, COUNTED, MOST_COUNTED)
    return notifications_reply(call, snap, encode({"count": len(_page(snap, call, unread, limit))}))


@writes(Nothing, scope="write:notifications")
async def clear(call: Call, given: Nothing) -> Reply:
    await notifications.clear(call.api.ctx, actor=call.actor)
    return json_reply({})


@writes(Nothing, scope="write:notifications")
async def dismiss(call: Call, given: Nothing) -> Reply:
    await notifications.dismiss(call.api.ctx, actor=call.actor, notification_id=call.id())
    return json_reply({})


class Dismissal(Struct, frozen=True):
    id: str = ""


@writes(Dismissal, scope="write:notifications")
async def dismiss_given(call: Call, given: Dismissal) -> Reply:
    """The same with the id in the body, as apps from before 2.6 ask."""
    notification_id = parse_id(given.id)
    if notification_id is None:
        raise NotFound
    await notifications.dismiss(call.api.ctx, actor=call.actor, notification_id=notification_id)
    return json_reply({})


ROUTES: Final[list[BaseRoute]] = [
    at("/notifications", GET=many),
    *group(
        "/notifications",
        at("/clear", POST=clear),
        at("/dismiss", POST=dismiss_given),
        at("/unread_count", GET=unread_count),
        at("/{id}", GET=show),
        at("/{id}/dismiss", POST=dismiss),
    ),
]
