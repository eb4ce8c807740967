"""Enforcement, reports, who may not sign up, and what moderators have counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, Unpack

from rostra.domain.enforcement import Action, Lifting, Record
from rostra.domain.ledger import Entry, LedgerKind
from rostra.domain.pages import Page
from rostra.domain.reports import DomainRule, Report
from rostra.domain.sign_up import CanonicalEmailBlock, EmailDomainBlock, IpBlock
from rostra.ports.access import Counted


class Enforcement(Protocol):
    """Enforcement actions and their liftings, append-only."""

    def of_account(self, account: int) -> Record:
        """Return the actions ever taken against an account, oldest first, and their liftings."""

    def of_accounts(self, accounts: Sequence[int]) -> dict[int, Record]:
        """Return the same of many accounts, those alone that there are actions against."""

    def recent(self, *, limit: int, max_id: int | None = None) -> list[Action]:
        """Return actions against anybody, newest first, those below ``max_id`` only."""

    def pending_expiry(self, now: int) -> list[Action]:
        """Return the actions whose time was over at ``now`` (ms), their end not recorded yet."""

    def timed(self) -> list[int]:
        """Return the accounts under actions not lifted that the clock begins or ends."""

    def touched_since(self, since: int) -> set[int]:
        """Return whose state may have changed from ``since`` (ms) on, by whatever way."""

    def veiled(self, follower: int, author: int, at: int) -> bool:
        """Return whether followers-only statuses of a time (ms) stay hidden (``Gate.veiled``)."""

    def returned(self, since: int, now: int) -> dict[int, int]:
        """Return whose suspension ended from ``since`` to ``now`` (ms), and when it last did."""


class EnforcementWriter(Enforcement, Protocol):
    """Appends to the record of enforcement; masks follow at the commit."""

    def take(
        self,
        action: Action,
        *,
        about: Mapping[str, object] | None = None,
        record: Record | None = None,
    ) -> Record:
        """Record an action, in the ledger too, and return the account's record with it.

        ``about`` is what its entry tells besides. ``record`` is the account's record so far, when
        this transaction has read it; it is read otherwise.
        """

    def lift(
        self,
        lifting: Lifting,
        *,
        about: Mapping[str, object] | None = None,
        record: Record | None = None,
    ) -> Record:
        """Record the end of an action, in the ledger too; arguments and result as with ``take``."""

    def settle(self, account: int) -> None:
        """Make the server's sets say of an account what is in force now; the clock moved it."""

    def veil(self, follower: int, author: int, since: int, until: int) -> None:
        """Hide followers-only statuses of a span of time (ms) from a follower for good."""

    def prolong_veils(self, follower: int, since: int, until: int) -> None:
        """Let what ``veil`` hid from a follower from ``since`` on be hidden to ``until`` (ms)."""


class Ledger(Protocol):
    """Every decision about accounts, in the order they were made; numbers are from 1 on."""

    def head(self) -> tuple[int, bytes]:
        """Return the number and the hash of the newest entry; 0 and ``START`` without any."""

    def get(self, number: int) -> Entry | None:
        """Return an entry by its number."""

    def page(self, *, account: int | None = None, **page: Unpack[Page]) -> list[Entry]:
        """Return a page of entries (about an account), newest first; ids are their numbers."""

    def iterate(self, *, account: int | None = None) -> Iterator[Entry]:
        """Yield the entries (about an account), oldest first, without holding them all."""


class LedgerWriter(Ledger, Protocol):
    """Appends to the ledger; nothing in it is ever changed."""

    def append(
        self,
        kind: LedgerKind,
        *,
        account: int | None,
        moderator: int | None,
        about: Mapping[str, object],
    ) -> int:
        """Append an entry and return its number."""


class SignUpBlocks(Protocol):
    """Who may not sign up: networks, domains of addresses, and single mailboxes."""

    def networks(self, now: int) -> list[IpBlock]:
        """Return the blocks of networks that hold at ``now`` (ms)."""

    def domains(self, names: Sequence[str]) -> list[EmailDomainBlock]:
        """Return the blocks of any of several domains."""

    def mailboxes(self, hashed: str) -> list[CanonicalEmailBlock]:
        """Return the blocks of a mailbox, by its canonical hash."""

    def ip_block(self, id_: int) -> IpBlock | None:
        """Return the block of a network by its id."""

    def domain_block(self, id_: int) -> EmailDomainBlock | None:
        """Return the block of a domain by its id."""

    def mailbox_block(self, id_: int) -> CanonicalEmailBlock | None:
        """Return the block of a mailbox by its id."""

    def ip_blocks(self, **page: Unpack[Page]) -> list[IpBlock]:
        """Return a page of the blocks of networks, newest first."""

    def domain_blocks(self, **page: Unpack[Page]) -> list[EmailDomainBlock]:
        """Return a page of the blocks of domains, newest first."""

    def mailbox_blocks(self, **page: Unpack[Page]) -> list[CanonicalEmailBlock]:
        """Return a page of the blocks of mailboxes, newest first."""


class SignUpBlocksWriter(SignUpBlocks, Protocol):
    """Changes to who may not sign up. A block with the name of another takes its place."""

    def put_ip_block(self, block: IpBlock) -> None:
        """Add the block of a network, or change the one with its id."""

    def put_domain_block(self, block: EmailDomainBlock) -> None:
        """Add the block of a domain."""

    def put_mailbox_block(self, block: CanonicalEmailBlock) -> None:
        """Add the block of a mailbox."""

    def delete_ip_block(self, id_: int) -> None:
        """Take the block of a network back."""

    def delete_domain_block(self, id_: int) -> None:
        """Take the block of a domain back."""

    def delete_mailbox_block(self, id_: int) -> None:
        """Take the block of a mailbox back."""


class Reports(Protocol):
    """Reports, and what is decided about other domains."""

    def get(self, report_id: int) -> Report | None:
        """Return a report by its id."""

    def page(
        self,
        *,
        resolved: bool | None = None,
        account: int | None = None,
        target: int | None = None,
        **page: Unpack[Page],
    ) -> list[Report]:
        """Return a page of reports (by an account, about a target), newest first."""

    def count_open(self) -> int:
        """Return how many reports wait for a moderator."""

    def counts_about(self, accounts: Sequence[int]) -> dict[int, int]:
        """Return how many reports there are about each of ``accounts``, where there are any."""

    def count_by(self, account: int, *, since: int) -> int:
        """Return how many reports an account made with ids from ``since`` on."""

    def domain_rule(self, rule_id: int) -> DomainRule | None:
        """Return what is decided about a domain by the id of the decision."""

    def rule_of(self, domain: str, *, allowed: bool) -> DomainRule | None:
        """Return what is decided about a domain (lower case)."""

    def domain_rules(self, *, allowed: bool, **page: Unpack[Page]) -> list[DomainRule]:
        """Return a page of decisions about domains, newest first."""


class ReportsWriter(Reports, Protocol):
    """Changes to reports and decisions about domains."""

    def put(self, report: Report) -> None:
        """Add a report, or replace what is stored of it."""

    def put_rule(self, rule: DomainRule) -> None:
        """Add a decision about a domain, or replace the one there is."""

    def delete_rule(self, rule_id: int) -> None:
        """Forget a decision about a domain."""


class Statistics(Protocol):
    """What is counted over spans of time, from storage alone: slow, so never on the event loop.

    Spans are of ids (snowflakes, from ``low`` to before ``high``); a bucket is a day, or with
    ``monthly`` a month (UTC), and is named as ISO 8601 writes it.
    """

    def active_accounts(self, low: int, high: int) -> dict[str, int]:
        """Return how many accounts posted or boosted, by day, and under "" in the whole span."""

    def interactions(self, low: int, high: int) -> dict[str, int]:
        """Return how many replies and boosts there were, by day."""

    def new_accounts(self, low: int, high: int) -> dict[str, int]:
        """Return how many accounts were created, by day."""

    def new_statuses(self, low: int, high: int) -> dict[str, int]:
        """Return how many statuses and boosts there were, by day."""

    def reports(self, low: int, high: int, *, resolved: bool) -> dict[str, int]:
        """Return how many reports were opened, or resolved, by day."""

    def tag(self, tag: str, low: int, high: int, *, accounts: bool) -> dict[str, int]:
        """Return how often a hashtag was used, or by how many ``accounts``, by day and, under "",
        in the whole span.
        """

    def languages(self, low: int, high: int, *, tag: str | None, limit: int) -> list[Counted]:
        """Return the languages by how many accounts posted in them (with a hashtag)."""

    def applications(self, low: int, high: int, *, limit: int) -> list[Counted]:
        """Return the applications by how many accounts posted with them."""

    def cohorts(self, low: int, high: int, *, monthly: bool) -> list[tuple[str, str, int]]:
        """Return (bucket of joining, bucket of posting, accounts that did both)."""

    def joined(self, low: int, high: int, *, monthly: bool) -> dict[str, int]:
        """Return how many accounts were created, by bucket."""

    def database_bytes(self) -> int:
        """Return the size of the database."""

    def database_version(self) -> str:
        """Return the name and version of the database."""
