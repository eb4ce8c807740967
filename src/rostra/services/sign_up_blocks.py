"""Who may not sign up, or only with approval: asked at sign-up, and kept by moderators."""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Iterable

from rostra.domain.errors import Conflict, Invalid, NotFound
from rostra.domain.sign_up import (
    CanonicalEmailBlock,
    EmailDomainBlock,
    IpBlock,
    Severity,
    canonical_hash,
    domains_of,
)
from rostra.ports import Context, Transaction, View


class Verdict(enum.IntEnum):
    """What the blocks say of somebody who wants to sign up; a higher one wins."""

    WELCOME = 0
    APPROVAL = 1
    REFUSED = 2


def of_address(view: View, address: str) -> Verdict:
    """Return what the blocks of networks say of an address."""
    severities = _severities(view, address)
    if severities & {Severity.SIGN_UP_BLOCK, Severity.NO_ACCESS}:
        return Verdict.REFUSED
    return Verdict.APPROVAL if severities else Verdict.WELCOME


def no_access(view: View, address: str) -> bool:
    """Return whether an address may not use this server at all."""
    return Severity.NO_ACCESS in _severities(view, address)


def _severities(view: View, address: str) -> set[Severity]:
    try:
        client = ipaddress.ip_address(address)
    except ValueError:
        return set()
    return {
        block.severity
        for block in view.sign_up_blocks.networks(view.now)
        if client in ipaddress.ip_network(block.network)
    }


def of_email(view: View, email: str) -> Verdict:
    """Return what the blocks of domains and mailboxes say of an e-mail address."""
    if view.sign_up_blocks.mailboxes(canonical_hash(email)):
        return Verdict.REFUSED
    return _worst(view.sign_up_blocks.domains(domains_of(email)))


def _worst(blocks: Iterable[EmailDomainBlock]) -> Verdict:
    return max(
        (Verdict.APPROVAL if one.allow_with_approval else Verdict.REFUSED for one in blocks),
        default=Verdict.WELCOME,
    )


# -- kept by moderators; the caller has made sure that it is one -----------------------------------


async def block_network(
    ctx: Context,
    *,
    network: str,
    severity: str,
    comment: str = "",
    expires_at: int | None = None,
    block_id: int | None = None,
) -> IpBlock:
    """Block a network, or change the block ``block_id``, and return it.

    Raises:
        Invalid: the network or the severity is none.
        NotFound: there is no such block.
    """
    try:
        parsed = str(ipaddress.ip_network(network.strip(), strict=False))
    except ValueError:
        raise Invalid("Validation failed: Ip must be an address or a network") from None
    if severity not in list(Severity):
        raise Invalid("Validation failed: Severity is not included in the list")

    def change(tx: Transaction) -> IpBlock:
        before = None if block_id is None else tx.sign_up_blocks.ip_block(block_id)
        if block_id is not None and before is None:
            raise NotFound
        block = IpBlock(
            id=before.id if before else tx.next_id(),
            network=parsed,
            severity=Severity(severity),
            comment=comment,
            created_at=before.created_at if before else tx.now,
            expires_at=expires_at,
        )
        tx.sign_up_blocks.put_ip_block(block)
        return block

    return await ctx.store.write(change)


async def block_domain(
    ctx: Context, *, domain: str, allow_with_approval: bool = False
) -> EmailDomainBlock:
    """Block the addresses of a domain and of those below it.

    Raises:
        Invalid: it is no domain.
        Conflict: it is blocked already.
    """
    name = domain.strip().lower().rstrip(".")
    if not name or any(character.isspace() or character in "@/" for character in name):
        raise Invalid("Validation failed: Domain is not a valid domain name")

    def change(tx: Transaction) -> EmailDomainBlock:
        if tx.sign_up_blocks.domains([name]):
            raise Conflict("Validation failed: Domain has already been taken")
        block = EmailDomainBlock(
            id=tx.next_id(),
            domain=name,
            allow_with_approval=allow_with_approval,
            created_at=tx.now,
        )
        tx.sign_up_blocks.put_domain_block(block)
        return block

    return await ctx.store.write(change)


async def block_mailbox(
    ctx: Context, *, email: str = "", hashed: str = "", account: int | None = None
) -> CanonicalEmailBlock:
    """Block a mailbox under all of its spellings, by its address or its canonical hash.

    Raises:
        Invalid: neither is given.
    """
    name = canonical_hash(email) if email else hashed.strip().lower()
    if len(name) != 64 or not all(character in "0123456789abcdef" for character in name):
        raise Invalid("Validation failed: Give an e-mail address, or its canonical hash")

    def change(tx: Transaction) -> CanonicalEmailBlock:
        found = tx.sign_up_blocks.mailboxes(name)
        if found:
            return found[0]
        block = CanonicalEmailBlock(id=tx.next_id(), hash=name, account=account, created_at=tx.now)
        tx.sign_up_blocks.put_mailbox_block(block)
        return block

    return await ctx.store.write(change)
