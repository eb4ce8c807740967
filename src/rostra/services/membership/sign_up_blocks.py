"""Who may not sign up, or only with approval: asked at sign-up, and kept by moderators."""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Iterable
from typing import Any, Final, TypeVar

from msgspec import structs

from rostra.domain.errors import Invalid, NotFound
from rostra.domain.sign_up import (
    CanonicalEmailBlock,
    EmailDomainBlock,
    IpBlock,
    Severity,
    canonical_hash,
    domains_of,
)
from rostra.ports import Context, Transaction, View
from rostra.services.roles import require_moderator

T = TypeVar("T")

LONGEST_S: Final = 10 * 366 * 86_400
"""How long a block that ends by itself may last, in seconds."""


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


# -- kept by moderators ----------------------------------------------------------------------------


async def block_network(
    ctx: Context,
    *,
    moderator: int | None,
    network: str,
    severity: str,
    comment: str = "",
    expires_in: int | None = None,
) -> IpBlock:
    """Block a network and return the block.

    Args:
        ctx: the ports.
        moderator: who blocks; None: the server itself.
        network: an address, or a network such as ``192.0.2.0/24``.
        severity: the name of a ``Severity``.
        comment: for other moderators.
        expires_in: seconds until the block ends by itself; None for never.

    Raises:
        Invalid: the network, the severity or the time is none.
        Forbidden: the account is no moderator.
    """
    parsed, wanted = _network(network), _severity(severity)

    def change(tx: Transaction) -> IpBlock:
        _require_decider(tx, moderator)
        block = IpBlock(
            id=tx.next_id(),
            network=parsed,
            severity=wanted,
            comment=comment,
            created_at=tx.now,
            expires_at=_expiry(tx, expires_in),
        )
        tx.sign_up_blocks.put_ip_block(block)
        return block

    return await ctx.store.write(change)


async def change_network(
    ctx: Context,
    *,
    moderator: int | None,
    block_id: int,
    network: str | None = None,
    severity: str | None = None,
    comment: str | None = None,
    expires_in: int | None = None,
) -> IpBlock:
    """Change the block of a network, as in ``block_network``; None leaves a field as it is.

    Raises:
        Invalid: the network, the severity or the time is none.
        NotFound: there is no such block.
        Forbidden: the account is no moderator.
    """
    fields: dict[str, Any] = {}
    if network is not None:
        fields["network"] = _network(network)
    if severity is not None:
        fields["severity"] = _severity(severity)
    if comment is not None:
        fields["comment"] = comment

    def change(tx: Transaction) -> IpBlock:
        _require_decider(tx, moderator)
        block = structs.replace(require_network(tx, block_id), **fields)
        if expires_in is not None:
            block = structs.replace(block, expires_at=_expiry(tx, expires_in))
        tx.sign_up_blocks.put_ip_block(block)
        return block

    return await ctx.store.write(change)


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text.strip(), strict=False))
    except ValueError:
        raise Invalid("Validation failed: Ip must be an address or a network") from None


def _severity(name: str) -> Severity:
    try:
        return Severity(name)
    except ValueError:
        raise Invalid("Validation failed: Severity is not included in the list") from None


def _expiry(tx: Transaction, seconds: int | None) -> int | None:
    if seconds is None:
        return None
    if not 0 < seconds <= LONGEST_S:
        raise Invalid("Validation failed: Expires in must be a number of seconds, up to ten years")
    return tx.now + seconds * 1000


async def unblock_network(ctx: Context, *, moderator: int | None, block_id: int) -> None:
    """Take the block of a network back.

    Raises:
        NotFound: there is no such block.
        Forbidden: the account is no moderator.
    """

    def change(tx: Transaction) -> None:
        _require_decider(tx, moderator)
        tx.sign_up_blocks.delete_ip_block(require_network(tx, block_id).id)

    await ctx.store.write(change)


async def block_domain(
    ctx: Context, *, moderator: int | None, domain: str, allow_with_approval: bool = False
) -> EmailDomainBlock:
    """Block the addresses of a domain and of those below it, and return the block.

    Args:
        ctx: the ports.
        moderator: who blocks; None: the server itself.
        domain: a domain name.
        allow_with_approval: let those sign up whom a moderator approves.

    Raises:
        Invalid: it is no domain, or is blocked already.
        Forbidden: the account is no moderator.
    """
    name = domain.strip().lower().rstrip(".")
    if not name or any(character.isspace() or character in "@/" for character in name):
        raise Invalid("Validation failed: Domain is not a valid domain name")

    def change(tx: Transaction) -> EmailDomainBlock:
        _require_decider(tx, moderator)
        if tx.sign_up_blocks.domains([name]):
            raise Invalid("Validation failed: Domain has already been taken")
        block = EmailDomainBlock(
            id=tx.next_id(),
            domain=name,
            allow_with_approval=allow_with_approval,
            created_at=tx.now,
        )
        tx.sign_up_blocks.put_domain_block(block)
        return block

    return await ctx.store.write(change)


async def unblock_domain(ctx: Context, *, moderator: int | None, block_id: int) -> None:
    """Take the block of a domain back.

    Raises:
        NotFound: there is no such block.
        Forbidden: the account is no moderator.
    """

    def change(tx: Transaction) -> None:
        _require_decider(tx, moderator)
        tx.sign_up_blocks.delete_domain_block(require_domain(tx, block_id).id)

    await ctx.store.write(change)


async def block_mailbox(
    ctx: Context, *, moderator: int | None, email: str = "", hashed: str = ""
) -> CanonicalEmailBlock:
    """Block a mailbox under all of its spellings, and return the block; again is harmless.

    Args:
        ctx: the ports.
        moderator: who blocks; None: the server itself.
        email: its address.
        hashed: its ``canonical_hash``, where no address is given.

    Raises:
        Invalid: neither is given.
        Forbidden: the account is no moderator.
    """
    name = canonical_hash(email) if email else hashed.strip().lower()
    if len(name) != 64 or not all(character in "0123456789abcdef" for character in name):
        raise Invalid("Validation failed: Give an e-mail address, or its canonical hash")

    def change(tx: Transaction) -> CanonicalEmailBlock:
        _require_decider(tx, moderator)
        found = tx.sign_up_blocks.mailboxes(name)
        if found:
            return found[0]
        block = CanonicalEmailBlock(id=tx.next_id(), hash=name, account=None, created_at=tx.now)
        tx.sign_up_blocks.put_mailbox_block(block)
        return block

    return await ctx.store.write(change)


async def unblock_mailbox(ctx: Context, *, moderator: int | None, block_id: int) -> None:
    """Take the block of a mailbox back.

    Raises:
        NotFound: there is no such block.
        Forbidden: the account is no moderator.
    """

    def change(tx: Transaction) -> None:
        _require_decider(tx, moderator)
        tx.sign_up_blocks.delete_mailbox_block(require_mailbox(tx, block_id).id)

    await ctx.store.write(change)


def _require_decider(tx: Transaction, moderator: int | None) -> None:
    if moderator is not None:
        require_moderator(tx, moderator)


# -- reading ---------------------------------------------------------------------------------------


def require_network(view: View, block_id: int) -> IpBlock:
    """Return the block of a network.

    Raises:
        NotFound: there is none with this id.
    """
    return _found(view.sign_up_blocks.ip_block(block_id))


def require_domain(view: View, block_id: int) -> EmailDomainBlock:
    """Return the block of a domain.

    Raises:
        NotFound: there is none with this id.
    """
    return _found(view.sign_up_blocks.domain_block(block_id))


def require_mailbox(view: View, block_id: int) -> CanonicalEmailBlock:
    """Return the block of a mailbox.

    Raises:
        NotFound: there is none with this id.
    """
    return _found(view.sign_up_blocks.mailbox_block(block_id))


def _found(block: T | None) -> T:
    if block is None:
        raise NotFound
    return block
