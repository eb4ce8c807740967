"""What a store hands out to read and to change, and the memory that stands behind both.

What a process holds in memory (sets, masks, indexes, rendered parts) stands at one place in the
change feed and moves only by applying the feed's next rows, inside the same database snapshot that
is about to be read. So memory and disk always tell of the same commit, whichever process made it.
"""

from __future__ import annotations

from collections.abc import Callable

from rostra.domain.events import ActionTaken, AnyEvent, EverythingReplaced, decode
from rostra.domain.ids import SEQUENCE_BITS
from rostra.domain.visibility import Gate
from rostra.storage.about import AboutStore, AboutStoreWriter
from rostra.storage.access import AccessStore, AccessStoreWriter
from rostra.storage.accounts import AccountStore, AccountStoreWriter
from rostra.storage.amnesties import (
    AmnestyStore,
    AmnestyStoreWriter,
    LabelStore,
    LabelStoreWriter,
)
from rostra.storage.announcements import AnnouncementStore, AnnouncementStoreWriter
from rostra.storage.appeals import AppealStore, AppealStoreWriter
from rostra.storage.cards import CardStore, CardStoreWriter
from rostra.storage.collected import CollectedStore, CollectedStoreWriter
from rostra.storage.conversations import (
    ConversationStore,
    ConversationStoreWriter,
    ScheduledStore,
    ScheduledStoreWriter,
)
from rostra.storage.database.sqlite import Database
from rostra.storage.decisions import DecisionStore, DecisionStoreWriter
from rostra.storage.emojis import EmojiStore, EmojiStoreWriter
from rostra.storage.enforcement import EnforcementStore, EnforcementStoreWriter
from rostra.storage.factors import FactorStore, FactorStoreWriter
from rostra.storage.feed import FeedStore
from rostra.storage.filters import FilterStore, FilterStoreWriter
from rostra.storage.jobs import JobStore, JobStoreWriter
from rostra.storage.ledger import LedgerStore, LedgerStoreWriter
from rostra.storage.lists import ListStore, ListStoreWriter
from rostra.storage.mail_tokens import MailTokenStore, MailTokenStoreWriter
from rostra.storage.masks import MaskKeeper
from rostra.storage.media import MediaStore, MediaStoreWriter
from rostra.storage.notifications import NotificationStore, NotificationStoreWriter
from rostra.storage.personal import PersonalStore, PersonalStoreWriter
from rostra.storage.progress import ProgressStore, ProgressStoreWriter
from rostra.storage.push import PushStore, PushStoreWriter
from rostra.storage.reports import ReportStore, ReportStoreWriter
from rostra.storage.runs import RunStore, RunStoreWriter
from rostra.storage.search import SearchIndex, SearchIndexWriter
from rostra.storage.set_writer import SetWriter
from rostra.storage.sets import SetCache, SetReader
from rostra.storage.sign_up_blocks import SignUpBlockStore, SignUpBlockStoreWriter
from rostra.storage.standings import StandingStore, StandingStoreWriter
from rostra.storage.status_writer import StatusStoreWriter
from rostra.storage.statuses import StatusStore
from rostra.storage.tags import TagStore, TagStoreWriter
from rostra.storage.timelines import TimelineIndex
from rostra.storage.traffic import TrafficStore, TrafficStoreWriter
from rostra.storage.transfers import TransferStore, TransferStoreWriter
from rostra.storage.trends import TrendStore, TrendStoreWriter
from rostra.storage.tries import TriesStore, TriesStoreWriter


class ReadView:
    """The view a process reads from; fulfils ``ports.Snapshot`` within ``SqliteStore.read``."""

    def __init__(self, database: Database, shared: Shared) -> None:
        self.now = 0
        self.seq = 0
        self.sets = SetReader(shared.sets, database)
        self.accounts = AccountStore(database)
        self.statuses = StatusStore(database)
        self.media = MediaStore(database)
        self.cards = CardStore(database)
        self.collected = CollectedStore(database)
        self.conversations = ConversationStore(database)
        self.scheduled = ScheduledStore(database)
        self.notifications = NotificationStore(database)
        self.enforcement = EnforcementStore(database)
        self.ledger = LedgerStore(database)
        self.access = AccessStore(database, lambda: self.now)
        self.jobs = JobStore(database)
        self.progress = ProgressStore(database)
        self.tries = TriesStore(database)
        self.lists = ListStore(database)
        self.filters = FilterStore(database)
        self.tags = TagStore(database)
        self.personal = PersonalStore(database)
        self.search = SearchIndex(database)
        self.reports = ReportStore(database)
        self.appeals = AppealStore(database)
        self.decisions = DecisionStore(database)
        self.transfers = TransferStore(database)
        self.emojis = EmojiStore(database)
        self.announcements = AnnouncementStore(database)
        self.about = AboutStore(database)
        self.standings = StandingStore(database)
        self.sign_up_blocks = SignUpBlockStore(database)
        self.mail_tokens = MailTokenStore(database, lambda: self.now)
        self.trends = TrendStore(database)
        self.push = PushStore(database)
        self.factors = FactorStore(database, lambda: self.now)
        self.amnesties = AmnestyStore(database)
        self.labels = LabelStore(database)
        self.runs = RunStore(database)
        self.traffic = TrafficStore(database)
        self.feed = FeedStore(database)
        self.gate = Gate(shared.masks.masks, self.sets, self.enforcement.veiled)
        self.recent = shared.timelines.bind(self.gate, self.sets, database)

    def follow(self, shared: Shared) -> None:
        """Let what is kept of rows move with the events that a process applies."""
        shared.handlers += [
            self.accounts.apply,
            self.statuses.apply,
            self.access.apply,
            self.filters.apply,
            self.tags.apply,
            self.emojis.apply,
        ]


class WriteView:
    """The transaction a change is given; fulfils ``ports.Transaction``."""

    def __init__(self, database: Database, shared: Shared) -> None:
        self.now = 0
        self.seq = 0
        self.last_id = 0
        self.events: list[AnyEvent] = []
        self.database = database
        self.sets = SetWriter(shared.sets, database, lambda: self.now)
        self.accounts = AccountStoreWriter(database, self.announce)
        self.statuses = StatusStoreWriter(database, self.announce)
        self.media = MediaStoreWriter(database)
        self.cards = CardStoreWriter(database)
        self.collected = CollectedStoreWriter(database)
        self.conversations = ConversationStoreWriter(database)
        self.scheduled = ScheduledStoreWriter(database)
        self.notifications = NotificationStoreWriter(database, self.announce)
        self.enforcement = EnforcementStoreWriter(
            database, self.announce, self.sets, lambda: self.now
        )
        self.ledger = LedgerStoreWriter(database, lambda: self.now)
        self.access = AccessStoreWriter(database, self.announce, lambda: self.now)
        self.jobs = JobStoreWriter(database, self.announce)
        self.progress = ProgressStoreWriter(database)
        self.tries = TriesStoreWriter(database)
        self.lists = ListStoreWriter(database, self.announce)
        self.filters = FilterStoreWriter(database, self.announce)
        self.tags = TagStoreWriter(database, self.announce)
        self.emojis = EmojiStoreWriter(database, self.announce)
        self.announcements = AnnouncementStoreWriter(database, self.announce)
        self.about = AboutStoreWriter(database)
        self.personal = PersonalStoreWriter(database)
        self.trends = TrendStoreWriter(database, self.announce)
        self.search = SearchIndexWriter(database, self.accounts, self.statuses, self.media)
        self.accounts.quietly = self.search.put_accounts
        self.statuses.quietly = self.search.put_statuses
        self.reports = ReportStoreWriter(database)
        self.appeals = AppealStoreWriter(database, self.announce)
        self.decisions = DecisionStoreWriter(database)
        self.transfers = TransferStoreWriter(database)
        self.standings = StandingStoreWriter(database, self.announce)
        self.sign_up_blocks = SignUpBlockStoreWriter(database)
        self.mail_tokens = MailTokenStoreWriter(database, lambda: self.now)
        self.push = PushStoreWriter(database, self.announce)
        self.factors = FactorStoreWriter(database, lambda: self.now)
        self.amnesties = AmnestyStoreWriter(database, self.announce)
        self.labels = LabelStoreWriter(database)
        self.runs = RunStoreWriter(database, self.announce)
        self.traffic = TrafficStoreWriter(database)
        self.feed = FeedStore(database)
        self.gate = Gate(shared.masks.masks, self.sets, self.enforcement.veiled)

    def announce(self, event: AnyEvent) -> None:
        self.events.append(event)

    def next_id(self) -> int:
        self.last_id = max(self.now << SEQUENCE_BITS, self.last_id + 1)
        return self.last_id


class Shared:
    """What all connections of a process share, at one place in the change feed."""

    def __init__(self) -> None:
        self.seq = 0
        self.last_id = 0
        self.moved_by_clock = -1
        self.torn = False
        self.sets = SetCache()
        self.masks = MaskKeeper(self.sets)
        self.timelines = TimelineIndex()
        self.handlers: list[Callable[[AnyEvent], None]] = []

    def load(self, database: Database, now: int) -> None:
        """Start from what is stored, at the newest place in the feed."""
        self.seq, self.last_id = database.row(
            "SELECT seq, last_id FROM feed ORDER BY seq DESC LIMIT 1"
        )
        self.publish(EverythingReplaced(), database, now)

    def catch_up(self, database: Database, now: int) -> None:
        """Apply what was committed since; start over when the feed no longer reaches back that
        far, or when an earlier call failed half-way."""
        if self.torn:
            self.load(database, now)
            self.moved_by_clock = self.seq  # at this place there are answers from before as well
        else:
            self.torn = True
            self._follow_feed(database, now)
        self.torn = False

    def _follow_feed(self, database: Database, now: int) -> None:
        rows = database.rows(
            "SELECT seq, last_id, events FROM feed WHERE seq > ? ORDER BY seq", (self.seq,)
        )
        if rows and rows[0][0] != self.seq + 1:
            self.load(database, now)
            return
        commits = [(seq, last_id, decode(events)) for seq, last_id, events in rows]
        if any(EverythingReplaced() in events for _, _, events in commits):
            self.load(database, now)  # what is read anew has the later changes already
            return
        told = (event for _, _, events in commits for event in events)
        acted = {event.account: None for event in told if isinstance(event, ActionTaken)}
        self.masks.prepare(list(acted), database)
        for seq, last_id, events in commits:
            for event in events:
                self.publish(event, database, now)
            self.seq, self.last_id = seq, last_id
        self.masks.done()
        if self.masks.next_due <= now:
            self.masks.advance(database, now)
            self.moved_by_clock = self.seq

    def behind(self, now: int) -> bool:
        """Return whether memory must be moved though nothing was committed."""
        return self.torn or self.masks.next_due <= now

    def publish(self, event: AnyEvent, database: Database, now: int) -> None:
        """Apply one event to everything in memory. Sets first: masks are read from them."""
        self.sets.apply(event)
        self.masks.apply(event, database, now)
        self.timelines.apply(event)
        for handler in self.handlers:
            handler(event)
