"""https://docs.joinmastodon.org/methods/admin/domain_blocks/ and …/domain_allows/"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from msgspec import Struct, structs
from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.mastodon.admin import require_moderator
from rostra.api.mastodon.common import bytes_reply
from rostra.api.messages import Call, Reply, encode, json_reply
from rostra.api.operation import Needs, at, reads, writes
from rostra.api.pagination import Page, clamped, link
from rostra.api.rendering import when
from rostra.domain.reports import DomainRule
from rostra.ports import Snapshot
from rostra.services.server import domain_rules

DEFAULT: Final = 100
BLOCKS: Final = "domain_blocks"
ALLOWS: Final = "domain_allows"


def entity(rule: DomainRule) -> dict[str, Any]:
    """Return the Admin::DomainBlock or Admin::DomainAllow entity."""
    found: dict[str, Any] = {
        "id": str(rule.id),
        "domain": rule.domain,
        "created_at": when(rule.created_at),
    }
    if rule.allowed:
        return found
    return found | {
        "digest": hashlib.sha256(rule.domain.encode()).hexdigest(),
        "severity": rule.severity.value,
        "reject_media": rule.reject_media,
        "reject_reports": rule.reject_reports,
        "private_comment": rule.private_comment,
        "public_comment": rule.public_comment,
        "obfuscate": rule.obfuscate,
    }


def _many(call: Call, snap: Snapshot, given: Page, *, allowed: bool) -> Reply:
    require_moderator(call, snap)
    found = snap.reports.domain_rules(
        allowed=allowed, limit=clamped(given.limit, DEFAULT), **given.cursors()
    )
    body = encode([entity(rule) for rule in found])
    return bytes_reply(call, body, headers=link(call, [rule.id for rule in found]))


def _show(call: Call, snap: Snapshot, *, allowed: bool) -> Reply:
    require_moderator(call, snap)
    return json_reply(entity(domain_rules.require_rule(snap, call.id(), allowed=allowed)))


async def _revoke(call: Call, *, allowed: bool) -> Reply:
    rule = await domain_rules.revoke(
        call.api.ctx, moderator=call.actor, rule_id=call.id(), allowed=allowed
    )
    return json_reply(entity(rule) if allowed else {})


class Rule(Struct, frozen=True):
    severity: str | None = None
    reject_media: bool | None = None
    reject_reports: bool | None = None
    private_comment: str | None = None
    public_comment: str | None = None
    obfuscate: bool | None = None


class NewRule(Rule, frozen=True):
    domain: str = ""


@reads(Page, needs=Needs.ACCOUNT, scope=f"admin:read:{BLOCKS}")
def blocks(call: Call, snap: Snapshot, given: Page) -> Reply:
    return _many(call, snap, given, allowed=False)


@reads(Nothing, needs=Needs.ACCOUNT, scope=f"admin:read:{BLOCKS}")
def show_block(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    return _show(call, snap, allowed=False)


@writes(NewRule, scope=f"admin:write:{BLOCKS}")
async def block(call: Call, given: NewRule) -> Reply:
    rule = await domain_rules.decide(call.api.ctx, moderator=call.actor, **structs.asdict(given))
    return json_reply(entity(rule))


@writes(Rule, scope=f"admin:write:{BLOCKS}")
async def revise_block(call: Call, given: Rule) -> Reply:
    rule = await domain_rules.revise(
        call.api.ctx, moderator=call.actor, rule_id=call.id(), **structs.asdict(given)
    )
    return json_reply(entity(rule))


@writes(Nothing, scope=f"admin:write:{BLOCKS}")
async def unblock(call: Call, given: Nothing) -> Reply:
    return await _revoke(call, allowed=False)


@reads(Page, needs=Needs.ACCOUNT, scope=f"admin:read:{ALLOWS}")
def allows(call: Call, snap: Snapshot, given: Page) -> Reply:
    return _many(call, snap, given, allowed=True)


@reads(Nothing, needs=Needs.ACCOUNT, scope=f"admin:read:{ALLOWS}")
def show_allow(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    return _show(call, snap, allowed=True)


class Allowed(Struct, frozen=True):
    domain: str = ""


@writes(Allowed, scope=f"admin:write:{ALLOWS}")
async def allow(call: Call, given: Allowed) -> Reply:
    rule = await domain_rules.decide(
        call.api.ctx, moderator=call.actor, domain=given.domain, allowed=True
    )
    return json_reply(entity(rule))


@writes(Nothing, scope=f"admin:write:{ALLOWS}")
async def disallow(call: Call, given: Nothing) -> Reply:
    return await _revoke(call, allowed=True)


ROUTES: Final[list[BaseRoute]] = [
    at(f"/admin/{BLOCKS}", GET=blocks, POST=block),
    at(f"/admin/{BLOCKS}/{{id}}", GET=show_block, PUT=revise_block, DELETE=unblock),
    at(f"/admin/{ALLOWS}", GET=allows, POST=allow),
    at(f"/admin/{ALLOWS}/{{id}}", GET=show_allow, DELETE=disallow),
]
