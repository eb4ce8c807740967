"""Consistent views of a store, to read and to change, and the store that hands them out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import TYPE_CHECKING, Protocol, TypeVar

from rostra.domain.account_set import MemberSets, MemberSetsWriter
from rostra.domain.events import AnyEvent
from rostra.domain.visibility import Gate
from rostra.ports.access import (
    Access,
    AccessWriter,
    Factors,
    FactorsWriter,
    MailTokens,
    MailTokensWriter,
    TriesCount,
    TriesCountWriter,
)
from rostra.ports.accounts import (
    Accounts,
    AccountsWriter,
    Filters,
    FiltersWriter,
    Lists,
    ListsWriter,
    Personal,
    PersonalWriter,
    Standings,
    StandingsWriter,
)
from rostra.ports.amnesty import Amnesties, AmnestiesWriter, Labels, LabelsWriter
from rostra.ports.appeals import Appeals, AppealsWriter
from rostra.ports.capacity import TrafficSeen, TrafficSeenWriter
from rostra.ports.decisions import Decisions, DecisionsWriter
from rostra.ports.discovery import Search, SearchWriter, Tags, TagsWriter, Trends, TrendsWriter
from rostra.ports.media import MediaRows, MediaRowsWriter
from rostra.ports.moderation import (
    Enforcement,
    EnforcementWriter,
    Ledger,
    LedgerWriter,
    Reports,
    ReportsWriter,
    SignUpBlocks,
    SignUpBlocksWriter,
    Statistics,
)
from rostra.ports.notifications import Notifications, NotificationsWriter, Push, PushWriter
from rostra.ports.reinstatement import Feed, Plans, Runs, RunsWriter
from rostra.ports.server import (
    About,
    AboutWriter,
    Announcements,
    AnnouncementsWriter,
    Emojis,
    EmojisWriter,
)
from rostra.ports.statuses import (
    Cards,
    CardsWriter,
    Collected,
    CollectedWriter,
    Conversations,
    ConversationsWriter,
    RecentStatuses,
    Scheduled,
    ScheduledWriter,
    Statuses,
    StatusesWriter,
)
from rostra.ports.work import Jobs, JobsWriter, Progress, ProgressWriter, Transfers, TransfersWriter

if TYPE_CHECKING:
    from rostra.ports.audit import Audit

T = TypeVar("T")


class View(Protocol):
    """What a snapshot and a transaction have in common: one consistent view of the store."""

    @property
    def now(self) -> int:
        """The time it was opened at, in ms: the clock of every mask, poll and expiry in it."""

    @property
    def seq(self) -> int:
        """Its place in the change feed."""

    @property
    def gate(self) -> Gate:
        """What is hidden, and who may act, in this view."""

    @property
    def sets(self) -> MemberSets:
        """Account sets."""

    @property
    def accounts(self) -> Accounts:
        """Accounts."""

    @property
    def statuses(self) -> Statuses:
        """Statuses."""

    @property
    def media(self) -> MediaRows:
        """Media."""

    @property
    def cards(self) -> Cards:
        """Previews of linked pages."""

    @property
    def collected(self) -> Collected:
        """What accounts like and bookmark."""

    @property
    def conversations(self) -> Conversations:
        """Conversations of direct statuses."""

    @property
    def scheduled(self) -> Scheduled:
        """Statuses to be published later."""

    @property
    def notifications(self) -> Notifications:
        """Notifications."""

    @property
    def enforcement(self) -> Enforcement:
        """The record of enforcement."""

    @property
    def ledger(self) -> Ledger:
        """Every decision, in one chain."""

    @property
    def access(self) -> Access:
        """Applications, tokens and sessions."""

    @property
    def push(self) -> Push:
        """Web Push subscriptions."""

    @property
    def jobs(self) -> Jobs:
        """The queue of jobs."""

    @property
    def progress(self) -> Progress:
        """How far long work has come."""

    @property
    def tries(self) -> TriesCount:
        """How often secrets were tried."""

    @property
    def lists(self) -> Lists:
        """Lists."""

    @property
    def filters(self) -> Filters:
        """Filters."""

    @property
    def tags(self) -> Tags:
        """Hashtags."""

    @property
    def personal(self) -> Personal:
        """What accounts keep for themselves."""

    @property
    def search(self) -> Search:
        """The index of words."""

    @property
    def transfers(self) -> Transfers:
        """Imports and exports."""

    @property
    def decisions(self) -> Decisions:
        """Reinstatements and amnesties left to polls."""

    @property
    def appeals(self) -> Appeals:
        """Appeals against actions."""

    @property
    def reports(self) -> Reports:
        """Reports and decisions about domains."""

    @property
    def emojis(self) -> Emojis:
        """Custom emojis."""

    @property
    def announcements(self) -> Announcements:
        """Announcements."""

    @property
    def about(self) -> About:
        """What the server says about itself."""

    @property
    def standings(self) -> Standings:
        """Who may not act for another reason than enforcement."""

    @property
    def sign_up_blocks(self) -> SignUpBlocks:
        """Who may not sign up."""

    @property
    def mail_tokens(self) -> MailTokens:
        """What the links in mails are good for."""

    @property
    def trends(self) -> Trends:
        """Trends."""

    @property
    def factors(self) -> Factors:
        """Second factors."""

    @property
    def amnesties(self) -> Amnesties:
        """Amnesties."""

    @property
    def labels(self) -> Labels:
        """Labels that moderators give to accounts."""

    @property
    def traffic(self) -> TrafficSeen:
        """What was asked of this server."""

    @property
    def runs(self) -> Runs:
        """Reinstatements of single accounts."""

    @property
    def feed(self) -> Feed:
        """The change feed as far as it reaches."""


class Snapshot(View, Protocol):
    """One consistent view of the store, to read."""

    @property
    def recent(self) -> RecentStatuses:
        """The index of recent statuses."""


class Transaction(View, Protocol):
    """A view of the latest commit that can be changed: all changes are committed, or none."""

    @property
    def sets(self) -> MemberSetsWriter:
        """Account sets."""

    @property
    def accounts(self) -> AccountsWriter:
        """Accounts."""

    @property
    def statuses(self) -> StatusesWriter:
        """Statuses."""

    @property
    def media(self) -> MediaRowsWriter:
        """Media."""

    @property
    def cards(self) -> CardsWriter:
        """Previews of linked pages."""

    @property
    def collected(self) -> CollectedWriter:
        """What accounts like and bookmark."""

    @property
    def conversations(self) -> ConversationsWriter:
        """Conversations of direct statuses."""

    @property
    def scheduled(self) -> ScheduledWriter:
        """Statuses to be published later."""

    @property
    def notifications(self) -> NotificationsWriter:
        """Notifications."""

    @property
    def enforcement(self) -> EnforcementWriter:
        """The record of enforcement."""

    @property
    def ledger(self) -> LedgerWriter:
        """Every decision, in one chain."""

    @property
    def access(self) -> AccessWriter:
        """Applications, tokens and sessions."""

    @property
    def push(self) -> PushWriter:
        """Web Push subscriptions."""

    @property
    def jobs(self) -> JobsWriter:
        """The queue of jobs."""

    @property
    def progress(self) -> ProgressWriter:
        """How far long work has come."""

    @property
    def tries(self) -> TriesCountWriter:
        """How often secrets were tried."""

    @property
    def lists(self) -> ListsWriter:
        """Lists."""

    @property
    def filters(self) -> FiltersWriter:
        """Filters."""

    @property
    def tags(self) -> TagsWriter:
        """Hashtags."""

    @property
    def personal(self) -> PersonalWriter:
        """What accounts keep for themselves."""

    @property
    def search(self) -> SearchWriter:
        """The index of words."""

    @property
    def transfers(self) -> TransfersWriter:
        """Imports and exports."""

    @property
    def decisions(self) -> DecisionsWriter:
        """Reinstatements and amnesties left to polls."""

    @property
    def appeals(self) -> AppealsWriter:
        """Appeals against actions."""

    @property
    def reports(self) -> ReportsWriter:
        """Reports and decisions about domains."""

    @property
    def emojis(self) -> EmojisWriter:
        """Custom emojis."""

    @property
    def announcements(self) -> AnnouncementsWriter:
        """Announcements."""

    @property
    def about(self) -> AboutWriter:
        """What the server says about itself."""

    @property
    def standings(self) -> StandingsWriter:
        """Who may not act for another reason than enforcement."""

    @property
    def sign_up_blocks(self) -> SignUpBlocksWriter:
        """Who may not sign up."""

    @property
    def mail_tokens(self) -> MailTokensWriter:
        """What the links in mails are good for."""

    @property
    def trends(self) -> TrendsWriter:
        """Trends."""

    @property
    def amnesties(self) -> AmnestiesWriter:
        """Amnesties."""

    @property
    def labels(self) -> LabelsWriter:
        """Labels that moderators give to accounts."""

    @property
    def traffic(self) -> TrafficSeenWriter:
        """What was asked of this server."""

    @property
    def runs(self) -> RunsWriter:
        """Reinstatements of single accounts."""

    @property
    def factors(self) -> FactorsWriter:
        """Second factors."""

    def next_id(self) -> int:
        """Return a snowflake above every earlier one, with the time of the transaction."""

    def announce(self, event: AnyEvent) -> None:
        """Add an event to the change feed entry of this commit."""


class Store(Protocol):
    """A data folder that is open in this process."""

    @property
    def seq(self) -> int:
        """The place in the change feed that memory stands at."""

    @property
    def epoch(self) -> int:
        """The epoch of the masks in memory; it moves when a mask does."""

    @property
    def plans(self) -> Plans:
        """Plans of reinstatements, as files."""

    def read(self) -> AbstractContextManager[Snapshot]:
        """Open a consistent view with every commit answered so far; no ``await`` inside.

        Raises:
            Unavailable: the data folder cannot be read now.
        """

    def unchanged_since(self, seq: int) -> bool:
        """Return whether nobody committed after ``seq``, and the clock changed no mask."""

    async def analyse(self, read: Callable[[Statistics], T]) -> T:
        """Run ``read`` in a thread, on one view of its own, and return its result.

        Raises:
            Unavailable: the data folder cannot be read now.
        """

    def audit(self, *, gently: bool = False) -> AbstractAsyncContextManager[Audit]:
        """Open a fresh look at what is stored, which owes nothing to this process's memory.

        Args:
            gently: let its thread give way to those that answer readers.
        """

    async def write(self, change: Callable[[Transaction], T]) -> T:
        """Run ``change`` in a transaction, make it durable, and return its result.

        Writes that wait together are committed together. An exception raised by ``change`` undoes
        its own changes alone and is raised here.

        Raises:
            Unavailable: the disk is full or read-only; nothing was changed.
        """

    def write_now(self, change: Callable[[Transaction], T]) -> T:
        """Do as ``write`` does without an event loop: for the command line, jobs and imports."""

    def secret(self, purpose: str) -> bytes:
        """Return 32 secret bytes of this data folder, others for each purpose.

        They come from a file that is not in the database, so that who reads a copy of that alone
        cannot tell them.
        """

    def subscribe(self, handler: Callable[[AnyEvent], None]) -> None:
        """Call ``handler`` with each event of the change feed as this process applies it."""

    async def close(self) -> None:
        """Finish the writes that wait, and close."""
