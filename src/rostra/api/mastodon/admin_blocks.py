"""Who may not sign up: networks, domains of addresses, and single mailboxes.

https://docs.joinmastodon.org/methods/admin/ip_blocks/, …/email_domain_blocks/ and
…/canonical_email_blocks/
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct
from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.mastodon.admin import require_moderator
from rostra.api.mastodon.common import bytes_reply
from rostra.api.messages import Call, Reply, encode, json_reply
from rostra.api.operation import Needs, at, reads, writes
from rostra.api.pagination import Page, clamped, link
from rostra.api.rendering import when
from rostra.domain.errors import Invalid
from rostra.domain.sign_up import CanonicalEmailBlock, EmailDomainBlock, IpBlock, canonical_hash
from rostra.ports import Snapshot
from rostra.services.membership import sign_up_blocks

DEFAULT: Final = 100
IPS: Final = "ip_blocks"
DOMAINS: Final = "email_domain_blocks"
MAILBOXES: Final = "canonical_email_blocks"
DAY_MS: Final = 86_400_000
HISTORY_DAYS: Final = 7

Block = IpBlock | EmailDomainBlock | CanonicalEmailBlock


def moderators(call: Call, snap: Snapshot) -> int:
    """Refuse everybody but moderators, before the body is read.

    Raises:
        Forbidden: the account is none.
    """
    require_moderator(call, snap)
    return call.actor


def _ip_entity(block: IpBlock) -> dict[str, Any]:
    expires = block.expires_at
    return {
        "id": str(block.id),
        "ip": block.network,
        "severity": block.severity.value,
        "comment": block.comment,
        "created_at": when(block.created_at),
        "expires_at": when(expires) if expires is not None else None,
    }


def _domain_entity(block: EmailDomainBlock, now: int) -> dict[str, Any]:
    return {
        "id": str(block.id),
        "domain": block.domain,
        "created_at": when(block.created_at),
        "allow_with_approval": block.allow_with_approval,
        # Tries that were refused are not recorded, so that there are none to tell of.
        "history": [
            {"day": str(_midnight(now) - n * 86_400), "accounts": "0", "uses": "0"}
            for n in range(HISTORY_DAYS)
        ],
    }


def _midnight(now: int) -> int:
    return now // DAY_MS * 86_400


def _mailbox_entity(block: CanonicalEmailBlock) -> dict[str, Any]:
    return {"id": str(block.id), "canonical_email_hash": block.hash}


def _listed(call: Call, blocks: Sequence[Block], entities: Sequence[dict[str, Any]]) -> Reply:
    return bytes_reply(call, encode(entities), headers=link(call, [one.id for one in blocks]))


# -- networks --------------------------------------------------------------------------------------


@reads(Page, needs=Needs.ACCOUNT, scope=f"admin:read:{IPS}")
def ips(call: Call, snap: Snapshot, given: Page) -> Reply:
    require_moderator(call, snap)
    page = snap.sign_up_blocks.ip_blocks(limit=clamped(given.limit, DEFAULT), **given.cursors())
    return _listed(call, page, [_ip_entity(one) for one in page])


@reads(Nothing, needs=Needs.ACCOUNT, scope=f"admin:read:{IPS}")
def show_ip(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    require_moderator(call, snap)
    return json_reply(_ip_entity(sign_up_blocks.require_network(snap, call.id())))


class Network(Struct, frozen=True):
    ip: str | None = None
    severity: str | None = None
    comment: str | None = None
    expires_in: int | None = None


@writes(Network, scope=f"admin:write:{IPS}", find=moderators)
async def block_ip(call: Call, given: Network) -> Reply:
    block = await sign_up_blocks.block_network(
        call.api.ctx,
        moderator=call.actor,
        network=given.ip or "",
        severity=given.severity or "",
        comment=given.comment or "",
        expires_in=given.expires_in,
    )
    return json_reply(_ip_entity(block))


@writes(Network, scope=f"admin:write:{IPS}", find=moderators)
async def revise_ip(call: Call, given: Network) -> Reply:
    block = await sign_up_blocks.change_network(
        call.api.ctx,
        moderator=call.actor,
        block_id=call.id(),
        network=given.ip,
        severity=given.severity,
        comment=given.comment,
        expires_in=given.expires_in,
    )
    return json_reply(_ip_entity(block))


@writes(Nothing, scope=f"admin:write:{IPS}", find=moderators)
async def unblock_ip(call: Call, given: Nothing) -> Reply:
    await sign_up_blocks.unblock_network(call.api.ctx, moderator=call.actor, block_id=call.id())
    return json_reply({})


# -- domains of addresses --------------------------------------------------------------------------


@reads(Page, needs=Needs.ACCOUNT, scope=f"admin:read:{DOMAINS}")
def domains(call: Call, snap: Snapshot, given: Page) -> Reply:
    require_moderator(call, snap)
    page = snap.sign_up_blocks.domain_blocks(limit=clamped(given.limit, DEFAULT), **given.cursors())
    return _listed(call, page, [_domain_entity(one, snap.now) for one in page])


@reads(Nothing, needs=Needs.ACCOUNT, scope=f"admin:read:{DOMAINS}")
def show_domain(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    require_moderator(call, snap)
    return json_reply(_domain_entity(sign_up_blocks.require_domain(snap, call.id()), snap.now))


class Domain(Struct, frozen=True):
    domain: str = ""
    allow_with_approval: bool = False


@writes(Domain, scope=f"admin:write:{DOMAINS}", find=moderators)
async def block_domain(call: Call, given: Domain) -> Reply:
    ctx = call.api.ctx
    block = await sign_up_blocks.block_domain(
        ctx,
        moderator=call.actor,
        domain=given.domain,
        allow_with_approval=given.allow_with_approval,
    )
    return json_reply(_domain_entity(block, ctx.clock.now()))


@writes(Nothing, scope=f"admin:write:{DOMAINS}", find=moderators)
async def unblock_domain(call: Call, given: Nothing) -> Reply:
    await sign_up_blocks.unblock_domain(call.api.ctx, moderator=call.actor, block_id=call.id())
    return json_reply({})


# -- single mailboxes ------------------------------------------------------------------------------


@reads(Page, needs=Needs.ACCOUNT, scope=f"admin:read:{MAILBOXES}")
def mailboxes(call: Call, snap: Snapshot, given: Page) -> Reply:
    require_moderator(call, snap)
    page = snap.sign_up_blocks.mailbox_blocks(
        limit=clamped(given.limit, DEFAULT), **given.cursors()
    )
    return _listed(call, page, [_mailbox_entity(one) for one in page])


@reads(Nothing, needs=Needs.ACCOUNT, scope=f"admin:read:{MAILBOXES}")
def show_mailbox(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    require_moderator(call, snap)
    return json_reply(_mailbox_entity(sign_up_blocks.require_mailbox(snap, call.id())))


class Mailbox(Struct, frozen=True):
    email: str = ""
    canonical_email_hash: str = ""


@writes(Mailbox, scope=f"admin:read:{MAILBOXES}", find=moderators)
async def test_mailbox(call: Call, given: Mailbox) -> Reply:
    """Return the blocks that an e-mail address falls under."""
    if not given.email:
        raise Invalid("Validation failed: Email can't be blank")
    with call.api.ctx.store.read() as snap:
        found = snap.sign_up_blocks.mailboxes(canonical_hash(given.email))
    return json_reply([_mailbox_entity(one) for one in found])


@writes(Mailbox, scope=f"admin:write:{MAILBOXES}", find=moderators)
async def block_mailbox(call: Call, given: Mailbox) -> Reply:
    block = await sign_up_blocks.block_mailbox(
        call.api.ctx,
        moderator=call.actor,
        email=given.email,
        hashed=given.canonical_email_hash,
    )
    return json_reply(_mailbox_entity(block))


@writes(Nothing, scope=f"admin:write:{MAILBOXES}", find=moderators)
async def unblock_mailbox(call: Call, given: Nothing) -> Reply:
    await sign_up_blocks.unblock_mailbox(call.api.ctx, moderator=call.actor, block_id=call.id())
    return json_reply({})


ROUTES: Final[list[BaseRoute]] = [
    at(f"/admin/{IPS}", GET=ips, POST=block_ip),
    at(f"/admin/{IPS}/{{id}}", GET=show_ip, PUT=revise_ip, DELETE=unblock_ip),
    at(f"/admin/{DOMAINS}", GET=domains, POST=block_domain),
    at(f"/admin/{DOMAINS}/{{id}}", GET=show_domain, DELETE=unblock_domain),
    at(f"/admin/{MAILBOXES}", GET=mailboxes, POST=block_mailbox),
    at(f"/admin/{MAILBOXES}/test", POST=test_mailbox),
    at(f"/admin/{MAILBOXES}/{{id}}", GET=show_mailbox, DELETE=unblock_mailbox),
]
