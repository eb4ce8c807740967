"""Who may not sign up: networks, domains of addresses, and single mailboxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Unpack

from rostra.domain.pages import Page
from rostra.domain.sign_up import CanonicalEmailBlock, EmailDomainBlock, IpBlock, Severity
from rostra.storage.database.sqlite import Database
from rostra.storage.rows import marks, span

IP_BLOCK: Final = "id, network, severity, comment, created_at, expires_at"
DOMAIN_BLOCK: Final = "id, domain, allow_with_approval, created_at"
MAILBOX_BLOCK: Final = "id, hash, account, created_at"


def _ip_block(row: tuple[Any, ...]) -> IpBlock:
    return IpBlock(
        id=row[0],
        network=row[1],
        severity=Severity(row[2]),
        comment=row[3],
        created_at=row[4],
        expires_at=row[5],
    )


def _domain_block(row: tuple[Any, ...]) -> EmailDomainBlock:
    return EmailDomainBlock(
        id=row[0], domain=row[1], allow_with_approval=bool(row[2]), created_at=row[3]
    )


def _mailbox_block(row: tuple[Any, ...]) -> CanonicalEmailBlock:
    return CanonicalEmailBlock(id=row[0], hash=row[1], account=row[2], created_at=row[3])


class SignUpBlockStore:
    """The blocks as one connection sees them; moderators make them, so there are few.

    Args:
        database: the connection.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def networks(self, now: int) -> list[IpBlock]:
        """Return the blocks of networks that hold at ``now`` (ms)."""
        rows = self._database.rows(
            f"SELECT {IP_BLOCK} FROM ip_blocks WHERE expires_at IS NULL OR expires_at > ?", (now,)
        )
        return [_ip_block(row) for row in rows]

    def domains(self, names: Sequence[str]) -> list[EmailDomainBlock]:
        """Return the blocks of any of several domains."""
        rows = self._database.rows(
            f"SELECT {DOMAIN_BLOCK} FROM email_domain_blocks WHERE domain IN ({marks(names)})",
            tuple(names),
        )
        return [_domain_block(row) for row in rows]

    def mailboxes(self, hashed: str) -> list[CanonicalEmailBlock]:
        """Return the blocks of a mailbox, by its canonical hash."""
        rows = self._database.rows(
            f"SELECT {MAILBOX_BLOCK} FROM canonical_email_blocks WHERE hash = ?", (hashed,)
        )
        return [_mailbox_block(row) for row in rows]

    def ip_block(self, id_: int) -> IpBlock | None:
        """Return the block of a network by its id."""
        row = self._database.row(f"SELECT {IP_BLOCK} FROM ip_blocks WHERE id = ?", (id_,))
        return row and _ip_block(row)

    def domain_block(self, id_: int) -> EmailDomainBlock | None:
        """Return the block of a domain by its id."""
        row = self._database.row(
            f"SELECT {DOMAIN_BLOCK} FROM email_domain_blocks WHERE id = ?", (id_,)
        )
        return row and _domain_block(row)

    def mailbox_block(self, id_: int) -> CanonicalEmailBlock | None:
        """Return the block of a mailbox by its id."""
        row = self._database.row(
            f"SELECT {MAILBOX_BLOCK} FROM canonical_email_blocks WHERE id = ?", (id_,)
        )
        return row and _mailbox_block(row)

    def ip_blocks(self, **page: Unpack[Page]) -> list[IpBlock]:
        """Return a page of the blocks of networks, newest first."""
        return [_ip_block(row) for row in self._page("ip_blocks", IP_BLOCK, **page)]

    def domain_blocks(self, **page: Unpack[Page]) -> list[EmailDomainBlock]:
        """Return a page of the blocks of domains, newest first."""
        rows = self._page("email_domain_blocks", DOMAIN_BLOCK, **page)
        return [_domain_block(row) for row in rows]

    def mailbox_blocks(self, **page: Unpack[Page]) -> list[CanonicalEmailBlock]:
        """Return a page of the blocks of mailboxes, newest first."""
        rows = self._page("canonical_email_blocks", MAILBOX_BLOCK, **page)
        return [_mailbox_block(row) for row in rows]

    def _page(self, table: str, columns: str, **page: Unpack[Page]) -> list[tuple[Any, ...]]:
        where, params, order = span("id", **page)
        rows = self._database.rows(
            f"SELECT {columns} FROM {table} WHERE 1 = 1{where} ORDER BY id {order} LIMIT ?",
            (*params, page["limit"]),
        )
        return rows[::-1] if order == "ASC" else rows


class SignUpBlockStoreWriter(SignUpBlockStore):
    """The blocks within a transaction. One with the name of another takes its place."""

    def put_ip_block(self, block: IpBlock) -> None:
        """Add the block of a network, or change the one with its id."""
        self._put(
            "ip_blocks",
            IP_BLOCK,
            (
                block.id,
                block.network,
                str(block.severity),
                block.comment,
                block.created_at,
                block.expires_at,
            ),
        )

    def put_domain_block(self, block: EmailDomainBlock) -> None:
        """Add the block of a domain."""
        self._put(
            "email_domain_blocks",
            DOMAIN_BLOCK,
            (block.id, block.domain, int(block.allow_with_approval), block.created_at),
        )

    def put_mailbox_block(self, block: CanonicalEmailBlock) -> None:
        """Add the block of a mailbox."""
        self._put(
            "canonical_email_blocks",
            MAILBOX_BLOCK,
            (block.id, block.hash, block.account, block.created_at),
        )

    def delete_ip_block(self, id_: int) -> None:
        """Take the block of a network back."""
        self._database.run("DELETE FROM ip_blocks WHERE id = ?", (id_,))

    def delete_domain_block(self, id_: int) -> None:
        """Take the block of a domain back."""
        self._database.run("DELETE FROM email_domain_blocks WHERE id = ?", (id_,))

    def delete_mailbox_block(self, id_: int) -> None:
        """Take the block of a mailbox back."""
        self._database.run("DELETE FROM canonical_email_blocks WHERE id = ?", (id_,))

    def _put(self, table: str, columns: str, values: tuple[Any, ...]) -> None:
        self._database.run(
            f"INSERT OR REPLACE INTO {table} ({columns}) VALUES ({marks(values)})", values
        )
