"""https://docs.joinmastodon.org/methods/reports/"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct, field
from starlette.routing import BaseRoute

from rostra.api.mastodon.common import bytes_reply
from rostra.api.messages import Call, Reply, encode
from rostra.api.operation import at, writes
from rostra.api.rendering import when
from rostra.api.state import Api
from rostra.domain.errors import NotFound
from rostra.domain.ids import parse_id
from rostra.domain.reports import Report
from rostra.ports import Snapshot
from rostra.services import accounts
from rostra.services.moderation import reports


class Given(Struct, frozen=True):
    account_id: str = ""
    status_ids: list[str] = field(default_factory=list)
    comment: str = ""
    forward: bool = False
    category: str | None = None
    rule_ids: list[str] = field(default_factory=list)


def ids_of(texts: list[str]) -> list[int]:
    """Return the ids among texts."""
    return [value for text in texts if (value := parse_id(text)) is not None]


def head(report: Report) -> dict[str, Any]:
    """Return what Report and Admin::Report have in common."""
    taken_at = report.action_taken_at
    return {
        "id": str(report.id),
        "action_taken": taken_at is not None,
        "action_taken_at": when(taken_at) if taken_at is not None else None,
        "category": report.category.value,
        "comment": report.comment,
        "forwarded": report.forwarded,
        "created_at": when(report.created_at),
    }


def body(api: Api, snap: Snapshot, report: Report) -> bytes:
    """Return the Report entity."""
    entity = head(report) | {
        "status_ids": [str(status_id) for status_id in report.statuses],
        "rule_ids": [str(rule) for rule in report.rules],
    }
    target = api.parts.account(snap, report.target)
    return encode(entity)[:-1] + b',"target_account":' + target + b"}"


@writes(Given, scope="write:reports")
async def create(call: Call, given: Given) -> Reply:
    ctx, account_id = call.api.ctx, parse_id(given.account_id)
    if account_id is None:
        raise NotFound
    with ctx.store.read() as snap:
        target = accounts.show(snap, call.actor, account_id).ordinal
    made = await reports.report(
        ctx,
        actor=call.actor,
        target=target,
        statuses=ids_of(given.status_ids),
        comment=given.comment,
        category=given.category,
        rules=ids_of(given.rule_ids),
        forward=given.forward,
    )
    with ctx.store.read() as snap:
        call.api.parts.follow(snap)
        return bytes_reply(call, body(call.api, snap, made))


ROUTES: Final[list[BaseRoute]] = [at("/reports", POST=create)]
