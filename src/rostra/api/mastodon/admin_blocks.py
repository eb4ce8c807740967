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
from rostra.domain.errors import Conflict, Invalid, NotFound
from rostra.domain.sign_up import CanonicalEmailBlock, EmailDomainBlock, IpBlock, canonical_hash
from rostra.ports import Context, Snapshot
from rostra.services import sign_up_blocks

DEFAULT: Final = 100
IPS: Final = "ip_blocks"
DOMAINS: Final = "email_domain_blocks"
MAILBOXES: Final = "canonical_email_blocks"
DAY_MS: Final = 86_400_000
HISTORY_DAYS: Final = 7
LONGEST_S: Final = 10 * 366 * 86_400

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


def _require_ip(snap: Snapshot, id_: int) -> IpBlock:
    block = snap.sign_up_blocks.ip_block(id_)
    if block is None:
        raise NotFound
    return block


@reads(Nothing, needs=Needs.ACCOUNT, scope=f"admin:read:{IPS}")
def show_ip(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    require_moderator(call, snap)
    return json_reply(_ip_entity(_require_ip(snap, call.id())))


class Network(Struct, frozen=True):
    ip: str | None = None
    severity: str | None = None
    comment: str | None = None
    expires_in: int | None = None


def _expiry(ctx: Context, seconds: int | None) -> int | None:
    if seconds is None:
        return None
    if not 0 < seconds <= LONGEST_S:
        raise Invalid("Validation failed: Expires in must be a number of seconds, up to ten years")
    return ctx.clock.now() + seconds * 1000


@writes(Network, scope=f"admin:write:{IPS}", find=moderators)
async def block_ip(call: Call, given: Network) -> Reply:
    ctx = call.api.ctx
    block = await sign_up_blocks.block_network(
        ctx,
        network=given.ip or "",
        severity=given.severity or "",
        comment=given.comment or "",
        expires_at=_expiry(ctx, given.expires_in),
    )
    return json_reply(_ip_entity(block))


@writes(Network, scope=f"admin:write:{IPS}", find=moderators)
async def revise_ip(call: Call, given: Network) -> Reply:
    ctx = call.api.ctx
    with ctx.store.read() as snap:
        before = _require_ip(snap, call.id())
    block = await sign_up_blocks.block_network(
        ctx,
        network=before.network if given.ip is None else given.ip,
        severity=before.severity if given.severity is None else given.severity,
        comment=before.comment if given.comment is None else given.comment,
        expires_at=before.expires_at
        if given.expires_in is None
        else _expiry(ctx, given.expires_in),
        block_id=before.id,
    )
    return json_reply(_ip_entity(block))


@writes(Nothing, scope=f"admin:write:{IPS}", find=moderators)
async def unblock_ip(call: Call, given: Nothing) -> Reply:
    ctx, id_ = call.api.ctx, call.id()
    with ctx.store.read() as snap:
        _require_ip(snap, id_)
    await ctx.store.write(lambda tx: tx.sign_up_blocks.delete_ip_block(id_))
    return json_reply({})


# -- domains of addresses --------------------------------------------------------------------------


@reads(Page, needs=Needs.ACCOUNT, scope=f"admin:read:{DOMAINS}")
def domains(call: Call, snap: Snapshot, given: Page) -> Reply:
    require_moderator(call, snap)
    page = snap.sign_up_blocks.domain_blocks(limit=clamped(given.limit, DEFAULT), **given.cursors())
    return _listed(call, page, [_domain_entity(one, snap.now) for one in page])


def _require_domain(snap: Snapshot, id_: int) -> EmailDomainBlock:
    block = snap.sign_up_blocks.domain_block(id_)
    if block is None:
        raise NotFound
    return block


@reads(Nothing, needs=Needs.ACCOUNT, scope=f"admin:read:{DOMAINS}")
def show_domain(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    require_moderator(call, snap)
    return json_reply(_domain_entity(_require_domain(snap, call.id()), snap.now))


class Domain(Struct, frozen=True):
    domain: str = ""
    allow_with_approval: bool = False


@writes(Domain, scope=f"admin:write:{DOMAINS}", find=moderators)
async def block_domain(call: Call, given: Domain) -> Reply:
    ctx = call.api.ctx
    try:
        block = await sign_up_blocks.block_domain(
            ctx, domain=given.domain, allow_with_approval=given.allow_with_approval
        )
    except Conflict as error:  # a validation like others, to Mastodon
        raise Invalid(error.message) from None
    return json_reply(_domain_entity(block, ctx.clock.now()))


@writes(Nothing, scope=f"admin:write:{DOMAINS}", find=moderators)
async def unblock_domain(call: Call, given: Nothing) -> Reply:
    ctx, id_ = call.api.ctx, call.id()
    with ctx.store.read() as snap:
        _require_domain(snap, id_)
    await ctx.store.write(lambda tx: tx.sign_up_blocks.delete_domain_block(id_))
    return json_reply({})


# -- single mailboxes ------------------------------------------------------------------------------


@reads(Page, needs=Needs.ACCOUNT, scope=f"admin:read:{MAILBOXES}")
def mailboxes(call: Call, snap: Snapshot, given: Page) -> Reply:
    require_moderator(call, snap)
    page = snap.sign_up_blocks.mailbox_blocks(
        limit=clamped(given.limit, DEFAULT), **given.cursors()
    )
    return _listed(call, page, [_mailbox_entity(one) for one in page])


def _require_mailbox(snap: Snapshot, id_: int) -> CanonicalEmailBlock:
    block = snap.sign_up_blocks.mailbox_block(id_)
    if block is None:
        raise NotFound
    return block


@reads(Nothing, needs=Needs.ACCOUNT, scope=f"admin:read:{MAILBOXES}")
def show_mailbox(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    require_moderator(call, snap)
    return json_reply(_mailbox_entity(_require_mailbox(snap, call.id())))


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
        call.api.ctx, email=given.email, hashed=given.canonical_email_hash
    )
    return json_reply(_mailbox_entity(block))


@writes(Nothing, scope=f"admin:write:{MAILBOXES}", find=moderators)
async def unblock_mailbox(call: Call, given: Nothing) -> Reply:
    ctx, id_ = call.api.ctx, call.id()
    with ctx.store.read() as snap:
        _require_mailbox(snap, id_)
    await ctx.store.write(lambda tx: tx.sign_up_blocks.delete_mailbox_block(id_))
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
