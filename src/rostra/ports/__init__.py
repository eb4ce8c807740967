"""The ports: what services ask of the world, fulfilled by adapters in ``storage`` and ``outside``.

A service reads from a ``Snapshot`` (one consistent view of the store, at one place in the change
feed) and writes in a ``Transaction`` (a snapshot that sees its own changes). Both are plain
synchronous objects: the store decides where and when their code runs. Code that holds a snapshot
must not ``await``.
"""

from __future__ import annotations

from rostra.ports.access import (
    Access,
    AccessWriter,
    Application,
    AuthorizationCode,
    Counted,
    Factors,
    FactorsWriter,
    MailTokens,
    MailTokensWriter,
    Session,
    Token,
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
from rostra.ports.alerts import (
    Alerts,
)
from rostra.ports.amnesty import (
    Amnesties,
    AmnestiesWriter,
    Labels,
    LabelsWriter,
)
from rostra.ports.appeals import (
    Appeals,
    AppealsWriter,
)
from rostra.ports.audit import Audit, Flaw, Mirrored
from rostra.ports.capacity import (
    Machines,
    TrafficSeen,
    TrafficSeenWriter,
)
from rostra.ports.context import (
    Context,
)
from rostra.ports.decisions import Decisions, DecisionsWriter
from rostra.ports.discovery import (
    Search,
    SearchWriter,
    Tags,
    TagsWriter,
    Trends,
    TrendsWriter,
)
from rostra.ports.media import (
    Made,
    MediaFiles,
    MediaMaker,
    MediaRows,
    MediaRowsWriter,
    OpenFile,
)
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
from rostra.ports.notifications import (
    Notifications,
    NotificationsWriter,
    Push,
    PushWriter,
)
from rostra.ports.outside import (
    Clock,
    Fetched,
    Fetcher,
)
from rostra.ports.reinstatement import (
    Feed,
    Plans,
    Runs,
    RunsWriter,
)
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
from rostra.ports.views import (
    Snapshot,
    Store,
    Transaction,
    View,
)
from rostra.ports.visitors import (
    ANSWERING_SECONDS,
    Missed,
    Party,
    Visit,
    Visitor,
    Visitors,
)
from rostra.ports.work import (
    Job,
    Jobs,
    JobsWriter,
    Progress,
    ProgressWriter,
    Transfers,
    TransfersWriter,
)

__all__ = [
    "ANSWERING_SECONDS",
    "About",
    "AboutWriter",
    "Access",
    "AccessWriter",
    "Accounts",
    "AccountsWriter",
    "Alerts",
    "Amnesties",
    "AmnestiesWriter",
    "Announcements",
    "AnnouncementsWriter",
    "Appeals",
    "AppealsWriter",
    "Application",
    "Audit",
    "AuthorizationCode",
    "Cards",
    "CardsWriter",
    "Clock",
    "Collected",
    "CollectedWriter",
    "Context",
    "Conversations",
    "ConversationsWriter",
    "Counted",
    "Decisions",
    "DecisionsWriter",
    "Emojis",
    "EmojisWriter",
    "Enforcement",
    "EnforcementWriter",
    "Factors",
    "FactorsWriter",
    "Feed",
    "Fetched",
    "Fetcher",
    "Filters",
    "FiltersWriter",
    "Flaw",
    "Job",
    "Jobs",
    "JobsWriter",
    "Labels",
    "LabelsWriter",
    "Ledger",
    "LedgerWriter",
    "Lists",
    "ListsWriter",
    "Machines",
    "Made",
    "MailTokens",
    "MailTokensWriter",
    "MediaFiles",
    "MediaMaker",
    "MediaRows",
    "MediaRowsWriter",
    "Mirrored",
    "Missed",
    "Notifications",
    "NotificationsWriter",
    "OpenFile",
    "Party",
    "Personal",
    "PersonalWriter",
    "Plans",
    "Progress",
    "ProgressWriter",
    "Push",
    "PushWriter",
    "RecentStatuses",
    "Reports",
    "ReportsWriter",
    "Runs",
    "RunsWriter",
    "Scheduled",
    "ScheduledWriter",
    "Search",
    "SearchWriter",
    "Session",
    "SignUpBlocks",
    "SignUpBlocksWriter",
    "Snapshot",
    "Standings",
    "StandingsWriter",
    "Statistics",
    "Statuses",
    "StatusesWriter",
    "Store",
    "Tags",
    "TagsWriter",
    "Token",
    "TrafficSeen",
    "TrafficSeenWriter",
    "Transaction",
    "Transfers",
    "TransfersWriter",
    "Trends",
    "TrendsWriter",
    "TriesCount",
    "TriesCountWriter",
    "View",
    "Visit",
    "Visitor",
    "Visitors",
]
