"""https://docs.joinmastodon.org/methods/grouped_notifications/"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct, field
from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.mastodon.common import accounts_reply, array, bytes_reply, notifications_reply
from rostra.api.mastodon.notifications import COUNTED, MOST_COUNTED, clear, known_types
from rostra.api.mastodon.notified import extras
from rostra.api.messages import Call, Reply, encode, json_reply
from rostra.api.operation import Needs, at, group, reads, writes
from rostra.api.pagination import Page, clamped, link
from rostra.api.rendering import when
from rostra.domain.errors import Invalid
from rostra.domain.ids import parse_id
from rostra.domain.notifications import GROUPED_TOGETHER
from rostra.ports import Snapshot
from rostra.services.notifying import grouping
from rostra.services.notifying.grouping import NotificationGroup
from rostra.services.notifying.notifications import Wanted

DEFAULT: Final = 40
ACCOUNTS: Final = 40
FULL: Final = "full"
PARTIAL: Final = "partial_avatars"


class GroupPage(Page, frozen=True):
    types: list[str] = field(default_factory=list)
    exclude_types: list[str] = field(default_factory=list)
    grouped_types: list[str] = field(default_factory=list)
    account_id: str | None = None
    include_filtered: bool = False
    expand_accounts: str = FULL

    def wanted(self) -> Wanted | None:
        """Return which notifications are asked for; None: there can be none."""
        account_id = parse_id(self.account_id) if self.account_id else None
        if self.account_id and account_id is None:
            return None
        return Wanted(
            types=known_types(self.types) if self.types else None,
            exclude_types=known_types(self.exclude_types),
            account_id=account_id,
            filtered=self.include_filtered,
        )


class Partial(Struct, frozen=True):
    """What is left of an Account where many are shown as pictures alone."""

    id: str
    acct: str
    url: str
    avatar: str
    avatar_static: str
    locked: bool
    bot: bool


_partial: Final = msgspec.json.Decoder(Partial)


@reads(GroupPage, needs=Needs.ACCOUNT, scope="read:notifications")
def many(call: Call, snap: Snapshot, given: GroupPage) -> Reply:
    partial = _is_partial(given)
    found: list[NotificationGroup] = []
    wanted = given.wanted()
    if wanted is not None:
        found = grouping.page(
            snap,
            call.actor,
            limit=clamped(given.limit, DEFAULT),
            wanted=wanted,
            cursors=given.cursors(),
            grouped=known_types(given.grouped_types) or GROUPED_TOGETHER,
        )
    headers = link(call, [each.newest.id for each in found])
    body, until = results(call, snap, found, partial=partial)
    return notifications_reply(
        call,
        snap,
        body,
        statuses=(one.newest.status for one in found if one.newest.status is not None),
        accounts=(source for one in found for source in one.sources),
        headers=headers,
        until=until,
    )


def _is_partial(given: GroupPage) -> bool:
    """
    Raises:
        Invalid: it is asked for in a way there is not.
    """
    if given.expand_accounts not in (FULL, PARTIAL, ""):
        raise Invalid(
            f"Invalid value for 'expand_accounts': '{given.expand_accounts}', use "
            f"'{FULL}' or '{PARTIAL}'"
        )
    return given.expand_accounts == PARTIAL


def results(
    call: Call,
    snap: Snapshot,
    groups: Sequence[NotificationGroup],
    *,
    partial: bool = False,
    paged: bool = True,
) -> tuple[bytes, int]:
    """Return a GroupedNotificationsResults entity, each account and each status in it once, and how
    long it holds (ms).

    Args:
        call: what is answered.
        snap: the view.
        groups: the groups.
        partial: show but the newest account of each group as a picture alone.
        paged: they are of a page, and say where they stand in it.
    """
    parts = call.api.parts
    about = dict.fromkeys(each.newest.status for each in groups if each.newest.status is not None)
    statuses, until = parts.statuses_by_id(snap, call.viewer, about)
    shown = [one for one in groups if one.newest.status is None or one.newest.status in statuses]
    sampled = {one for each in shown for one in each.sources}
    ids = {one.ordinal: str(one.id) for one in snap.accounts.many(sampled).values()}
    full = list(dict.fromkeys(each.sources[0] for each in shown if each.sources)) if partial else []
    everybody = list(dict.fromkeys(one for each in shown for one in each.sources))
    fields = [b'{"accounts":' + array(parts.accounts(snap, full if partial else everybody))]
    if partial:
        rest = parts.accounts(snap, [one for one in everybody if one not in set(full)])
        fields.append(b'"partial_accounts":' + encode([_partial.decode(one) for one in rest]))
    fields.append(b'"statuses":' + array(list(statuses.values())))
    fields.append(
        b'"notification_groups":'
        + encode([_entity(call, snap, each, ids, paged=paged) for each in shown])
    )
    return b",".join(fields) + b"}", until


def _entity(
    call: Call, snap: Snapshot, one: NotificationGroup, ids: dict[int, str], *, paged: bool
) -> dict[str, object]:
    entity: dict[str, object] = {
        "group_key": one.key,
        "notifications_count": one.count,
        "type": one.newest.type.label,
        "most_recent_notification_id": str(one.newest.id),
    }
    if paged:
        entity |= {
            "page_min_id": str(one.oldest_listed),
            "page_max_id": str(one.newest.id),
            "latest_page_notification_at": when(one.newest.created_at),
        }
    entity["sample_account_ids"] = [ids[source] for source in one.sources if source in ids]
    if one.newest.status is not None:
        entity["status_id"] = str(one.newest.status)
    return entity | extras(call.api, snap, one.newest)


@reads(Nothing, needs=Needs.ACCOUNT, scope="read:notifications")
def show(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    found = grouping.get(snap, call.actor, call.path_params["key"])
    body, _ = results(call, snap, [found], paged=False)
    return bytes_reply(call, body)


@reads(Page, needs=Needs.ACCOUNT, scope="read:notifications")
def accounts(call: Call, snap: Snapshot, given: Page) -> Reply:
    limit = clamped(given.limit, ACCOUNTS)
    found = grouping.sources(
        snap, call.actor, call.path_params["key"], limit=limit, **given.cursors()
    )
    headers = link(call, [one.id for one in found], more=len(found) >= limit)
    return accounts_reply(call, snap, [one.source for one in found], headers)


@reads(GroupPage, needs=Needs.ACCOUNT, scope="read:notifications")
def unread_count(call: Call, snap: Snapshot, given: GroupPage) -> Reply:
    """How many groups have something that came after the last that was marked as read."""
    wanted = given.wanted()
    if wanted is None:
        return json_reply({"count": 0})
    count = grouping.unread_count(
        snap,
        call.actor,
        limit=clamped(given.limit, COUNTED, MOST_COUNTED),
        wanted=wanted,
        grouped=known_types(given.grouped_types) or GROUPED_TOGETHER,
    )
    return notifications_reply(call, snap, encode({"count": count}))


@writes(Nothing, scope="write:notifications")
async def dismiss(call: Call, given: Nothing) -> Reply:
    key = call.path_params["key"]
    await grouping.dismiss(call.api.ctx, actor=call.actor, key=key)
    return json_reply({})


ROUTES: Final[list[BaseRoute]] = [
    at("/notifications", GET=many),
    *group(
        "/notifications",
        at("/clear", POST=clear),
        at("/unread_count", GET=unread_count),
        at("/{key}", GET=show),
        at("/{key}/accounts", GET=accounts),
        at("/{key}/dismiss", POST=dismiss),
    ),
]
