"""https://docs.joinmastodon.org/methods/scheduled_statuses/"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from msgspec import Struct
from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.mastodon.drafts import time_of
from rostra.api.messages import PRIVATE, Call, Reply, json_reply
from rostra.api.operation import Needs, at, group, reads, writes
from rostra.api.pagination import Page, clamped, link
from rostra.api.rendering import when
from rostra.domain.conversations import ScheduledStatus
from rostra.ports import Snapshot
from rostra.services.publishing import scheduling


def entities(call: Call, snap: Snapshot, found: Iterable[ScheduledStatus]) -> list[dict[str, Any]]:
    """Return the ScheduledStatus entities; ``held`` is beyond Mastodon's: a draft that was due."""
    made = []
    for scheduled in found:
        draft = scheduling.draft_in(scheduled)
        media = snap.media.many(draft.media) if draft.media else {}
        poll = draft.poll
        params = {
            "text": draft.text,
            "poll": None
            if poll is None
            else {
                "options": list(poll.options),
                "expires_in": str(poll.expires_in_s),
                "multiple": poll.multiple,
                "hide_totals": poll.hide_totals,
            },
            "media_ids": [str(id_) for id_ in draft.media] or None,
            "sensitive": draft.sensitive,
            "spoiler_text": draft.spoiler_text or None,
            "visibility": None if draft.visibility is None else draft.visibility.label,
            "language": draft.language,
            "in_reply_to_id": None if draft.in_reply_to_id is None else str(draft.in_reply_to_id),
            "application_id": draft.application,
            "idempotency": draft.idempotency_key,
            "scheduled_at": None,
            "with_rate_limit": False,
            "allowed_mentions": None,
            "quoted_status_id": None
            if draft.quoted_status_id is None
            else str(draft.quoted_status_id),
            "quote_approval_policy": None
            if draft.quote_policy is None
            else draft.quote_policy.label,
        }
        made.append(
            {
                "id": str(scheduled.id),
                "scheduled_at": when(scheduled.at),
                "params": params,
                "media_attachments": [call.api.renderer.media(one) for one in media.values()],
                "held": scheduled.held,
            }
        )
    return made


def scheduled_reply(call: Call, scheduled: ScheduledStatus) -> Reply:
    """Return one scheduled status."""
    with call.api.ctx.store.read() as snap:
        (entity,) = entities(call, snap, [scheduled])
    return json_reply(entity, headers=PRIVATE)


@reads(Page, needs=Needs.ACCOUNT, scope="read:statuses")
def listed(call: Call, snap: Snapshot, given: Page) -> Reply:
    limit = clamped(given.limit, 20)
    found = scheduling.page(snap, call.actor, limit=limit, **given.cursors())
    headers = link(call, [one.id for one in found], more=len(found) >= limit)
    return json_reply(entities(call, snap, found), headers=(*PRIVATE, *headers))


@reads(Nothing, needs=Needs.ACCOUNT, scope="read:statuses")
def show(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    (entity,) = entities(call, snap, [scheduling.show(snap, call.actor, call.id())])
    return json_reply(entity, headers=PRIVATE)


class Time(Struct, frozen=True):
    scheduled_at: str | None = None


@writes(Time, scope="write:statuses")
async def change(call: Call, given: Time) -> Reply:
    scheduled = await scheduling.reschedule(
        call.api.ctx,
        actor=call.actor,
        scheduled_id=call.id(),
        at=time_of(given.scheduled_at),
    )
    return scheduled_reply(call, scheduled)


@writes(Nothing, scope="write:statuses")
async def cancel(call: Call, given: Nothing) -> Reply:
    await scheduling.cancel(call.api.ctx, actor=call.actor, scheduled_id=call.id())
    return json_reply({})


ROUTES: Final[list[BaseRoute]] = [
    at("/scheduled_statuses", GET=listed),
    *group("/scheduled_statuses", at("/{id}", GET=show, PUT=change, DELETE=cancel)),
]
