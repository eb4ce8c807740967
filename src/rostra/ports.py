"""The ports: what services ask of the world, fulfilled by the adapters in ``storage``.

A service reads from a ``Snapshot`` (one consistent view of the store, at one place in the change
feed) and writes in a ``Transaction`` (a snapshot that sees its own changes). Both are plain
synchronous objects: the store decides where and when their code runs. Code that holds a snapshot
must not ``await``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from random import Random
from typing import Any, Protocol, TypeVar

from msgspec import Struct

from rostra.config import Settings
from rostra.domain.account_set import MemberSets, MemberSetsWriter
from rostra.domain.accounts import Account, Credentials
from rostra.domain.enforcement import Action, Lifting
from rostra.domain.events import AnyEvent
from rostra.domain.notifications import Notification
from rostra.domain.relationships import FollowOptions, Kept, MuteOptions
from rostra.domain.statuses import Status
from rostra.domain.visibility import Gate

T = TypeVar("T")


class Clock(Protocol):
    """The time, so that tests can set it."""

    def now(self) -> int:
        """Return milliseconds since 1970."""
        ...


class Accounts(Protocol):
    """Accounts as stored, hidden ones included: what may be shown of them is the gate's to say."""

    def get(self, ordinal: int) -> Account | None: ...
    def many(self, ordinals: Iterable[int]) -> dict[int, Account]: ...
    def by_id(self, account_id: int) -> Account | None: ...
    def by_username(self, username: str) -> Account | None: ...
    def search(self, prefix: str, *, limit: int, offset: int = 0) -> list[Account]: ...
    def page(
        self,
        *,
        limit: int,
        max_id: int | None = None,
        min_id: int | None = None,
        staff: bool = False,
    ) -> list[Account]: ...
    def count(self) -> int: ...
    def created_between(self, low: int, high: int) -> int: ...
    def credentials(self, ordinal: int) -> Credentials | None: ...
    def credentials_by_email(self, email: str) -> Credentials | None: ...
    def follow_options(self, account: int, targets: Sequence[int]) -> dict[int, FollowOptions]: ...
    def mute_options(self, account: int, targets: Sequence[int]) -> dict[int, MuteOptions]: ...
    def notes(self, account: int, targets: Sequence[int]) -> dict[int, str]: ...
    def kept(self, account: int, targets: Sequence[int]) -> dict[int, Kept]: ...
    def ordinals(self, usernames: Iterable[str]) -> dict[str, int]: ...
    def ids_between(self, low: int, high: int) -> set[int]: ...
    def bells(self, author: int, *, above: int, limit: int) -> list[int]: ...  # by ordinal
    def next_ordinal(self) -> int: ...


class AccountsWriter(Accounts, Protocol):
    """Changes to accounts; each is announced in the change feed."""

    def create(self, account: Account) -> None: ...
    def create_many(self, accounts: Sequence[Account], *, announce: bool = True) -> None: ...
    def update(self, account: Account) -> None: ...
    def set_credentials(self, credentials: Credentials) -> None: ...
    def remove_credentials(self, account: int) -> None: ...
    def reserve_ordinals(self, count: int) -> int: ...
    def set_follow_options(
        self, account: int, target: int, options: FollowOptions | None
    ) -> None: ...
    def set_mute_options(self, account: int, target: int, options: MuteOptions | None) -> None: ...
    def set_note(self, account: int, target: int, note: str) -> None: ...


class Statuses(Protocol):
    """Statuses as stored, hidden ones included."""

    def get(self, status_id: int) -> Status | None: ...
    def many(self, ids: Iterable[int]) -> dict[int, Status]: ...
    def by_author(
        self,
        author: int,
        *,
        limit: int,
        max_id: int | None = None,
        min_id: int | None = None,
        since_id: int | None = None,
        visibilities: Sequence[int] = (0, 1, 2, 3),
        exclude_replies: bool = False,
        exclude_reblogs: bool = False,
        tagged: str | None = None,
    ) -> list[Status]: ...
    def count_by_author(self, author: int) -> int: ...
    def last_by_author(self, author: int) -> Status | None: ...
    def replies(self, status_id: int) -> list[tuple[int, int, int]]: ...  # (id, author, visibility)
    def boost_by(self, author: int, status_id: int) -> Status | None: ...
    def tagged(
        self,
        tag: str,
        *,
        limit: int,
        max_id: int | None = None,
        min_id: int | None = None,
        since_id: int | None = None,
    ) -> list[int]: ...
    def idempotent(self, account: int, key: str) -> int | None: ...
    def latest_by_author(self, *, below: int, visibilities: Sequence[int]) -> dict[int, int]: ...
    def authors_between(self, low: int, high: int) -> dict[int, int]: ...
    def count(self) -> int: ...


class StatusesWriter(Statuses, Protocol):
    """Changes to statuses; each is announced in the change feed."""

    def create(self, status: Status) -> None: ...
    def create_many(self, statuses: Sequence[Status], *, announce: bool = True) -> None: ...
    def delete(self, status: Status) -> None: ...
    def remember_idempotency(self, account: int, key: str, status_id: int) -> None: ...
    def forget_idempotency(self, before: int) -> None: ...  # those of statuses before a time, ms


class RecentStatuses(Protocol):
    """The in-memory index of recent statuses that timelines are read from (ids, newest first)."""

    def home(
        self,
        viewer: int,
        *,
        limit: int,
        max_id: int | None = None,
        since_id: int | None = None,
        min_id: int | None = None,
    ) -> list[int]: ...
    def public(
        self,
        viewer: int | None,
        *,
        limit: int,
        max_id: int | None = None,
        since_id: int | None = None,
        min_id: int | None = None,
    ) -> list[int]: ...
    def activity(self, *, above: int, below: int) -> tuple[int, int]: ...  # (statuses, authors)


class Notifications(Protocol):
    """Notifications of an account: stored rows, and which of its sets have news (see
    domain.notifications)."""

    def stored(
        self,
        account: int,
        *,
        limit: int,
        max_id: int | None = None,
        min_id: int | None = None,
        since_id: int | None = None,
        types: Sequence[int] | None = None,
    ) -> list[Notification]: ...
    def get_stored(self, account: int, notification_id: int) -> Notification | None: ...
    def groups(
        self, account: int, *, types: Sequence[int] | None = None, above: int = 0, limit: int = 1000
    ) -> list[tuple[int, int, int]]: ...  # (type, subject, latest position), newest first
    def dismissed(
        self, account: int
    ) -> tuple[int, frozenset[int]]: ...  # (all up to this id, single ids)


class NotificationsWriter(Notifications, Protocol):
    """Changes to notifications."""

    def store(self, notification: Notification) -> None: ...
    def touch_group(self, account: int, type_: int, subject: int, position: int) -> None: ...
    def dismiss(self, account: int, notification_id: int) -> None: ...
    def dismiss_all(self, account: int, through: int) -> None: ...


class Enforcement(Protocol):
    """Enforcement actions and their liftings, append-only."""

    def of_account(self, account: int) -> tuple[list[Action], list[Lifting]]: ...
    def of_accounts(
        self, accounts: Iterable[int]
    ) -> dict[int, tuple[list[Action], list[Lifting]]]: ...
    def recent(self, *, limit: int, max_id: int | None = None) -> list[Action]: ...
    def pending_expiry(self, now: int) -> list[Action]: ...  # over, and no lifting recorded
    def timed(self) -> list[int]: ...  # accounts under actions the clock begins or ends
    def veiled(self, follower: int, author: int, at: int) -> bool: ...


class EnforcementWriter(Enforcement, Protocol):
    """Appends to the record of enforcement; masks follow at the commit."""

    def take(self, action: Action) -> None: ...
    def lift(self, lifting: Lifting) -> None: ...
    def settle(self, account: int) -> None: ...  # after the clock began an action
    def veil(self, follower: int, author: int, since: int, until: int) -> None: ...


class Application(Struct, frozen=True, kw_only=True):
    """An OAuth client. ``client_secret`` is the SHA-256 of the secret."""

    id: int
    client_id: str
    client_secret: bytes
    name: str
    website: str | None
    redirect_uris: tuple[str, ...]
    scopes: str
    created_at: int


class Token(Struct, frozen=True, kw_only=True):
    """An access token, known by its SHA-256; ``account`` None: the application itself."""

    hash: bytes
    account: int | None
    application: int | None
    scopes: str
    created_at: int


class AuthorizationCode(Struct, frozen=True, kw_only=True):
    """A code waiting to be exchanged for a token (RFC 6749 §4.1, RFC 7636)."""

    hash: bytes
    account: int
    application: int
    redirect_uri: str
    scopes: str
    code_challenge: str | None
    expires_at: int


class Access(Protocol):
    """OAuth applications, codes and tokens, and the sessions of the pages."""

    def application(self, application_id: int) -> Application | None: ...
    def application_by_client_id(self, client_id: str) -> Application | None: ...
    def token(self, token_hash: bytes) -> Token | None: ...
    def code(self, code_hash: bytes) -> AuthorizationCode | None: ...
    def session(
        self, session_hash: bytes
    ) -> int | None: ...  # the account's ordinal, when not expired


class AccessWriter(Access, Protocol):
    """Changes to OAuth applications, codes, tokens and sessions."""

    def create_application(self, application: Application) -> None: ...
    def create_token(self, token: Token) -> None: ...
    def revoke_token(self, token_hash: bytes) -> bool: ...
    def create_code(self, code: AuthorizationCode) -> None: ...
    def delete_code(self, code_hash: bytes) -> None: ...
    def create_session(
        self, session_hash: bytes, account: int, created_at: int, expires_at: int
    ) -> None: ...
    def delete_session(self, session_hash: bytes) -> None: ...
    def revoke_all(self, account: int) -> None: ...  # tokens, codes and sessions


class Job(Struct, frozen=True, kw_only=True):
    """A piece of work to be done in the job process, at ``run_at`` (ms) or later."""

    id: int
    name: str
    payload: dict[str, Any]
    run_at: int
    attempts: int = 0


class Jobs(Protocol):
    """The queue of jobs."""

    def due(self, now: int, *, limit: int) -> list[Job]: ...
    def waiting(self) -> int: ...


class JobsWriter(Jobs, Protocol):
    """Changes to the queue of jobs."""

    def enqueue(self, name: str, payload: Mapping[str, Any], run_at: int) -> None: ...
    def finish(self, job_id: int) -> None: ...
    def retry(self, job_id: int, run_at: int, error: str) -> None: ...


class Progress(Protocol):
    """How far resumable pieces of long work have come; each writes its own text."""

    def get(self, work: str) -> str | None: ...


class ProgressWriter(Progress, Protocol):
    """Changes to how far work has come, committed with the work itself."""

    def put(self, work: str, state: str) -> None: ...


class Snapshot(Protocol):
    """One consistent view of the store.

    ``now`` is the time in ms at which it was opened: the clock of every mask, poll and expiry in
    it.
    ``seq`` is its place in the change feed.
    """

    @property
    def now(self) -> int: ...
    @property
    def seq(self) -> int: ...
    @property
    def gate(self) -> Gate: ...
    @property
    def sets(self) -> MemberSets: ...
    @property
    def accounts(self) -> Accounts: ...
    @property
    def statuses(self) -> Statuses: ...
    @property
    def recent(self) -> RecentStatuses: ...
    @property
    def notifications(self) -> Notifications: ...
    @property
    def enforcement(self) -> Enforcement: ...
    @property
    def access(self) -> Access: ...
    @property
    def jobs(self) -> Jobs: ...
    @property
    def progress(self) -> Progress: ...


class Transaction(Protocol):
    """A snapshot of the latest commit that can be changed: all changes are committed, or none."""

    @property
    def now(self) -> int: ...
    @property
    def seq(self) -> int: ...
    @property
    def gate(self) -> Gate: ...
    @property
    def sets(self) -> MemberSetsWriter: ...
    @property
    def accounts(self) -> AccountsWriter: ...
    @property
    def statuses(self) -> StatusesWriter: ...
    @property
    def notifications(self) -> NotificationsWriter: ...
    @property
    def enforcement(self) -> EnforcementWriter: ...
    @property
    def access(self) -> AccessWriter: ...
    @property
    def jobs(self) -> JobsWriter: ...
    @property
    def progress(self) -> ProgressWriter: ...

    def next_id(self) -> int:
        """Return a snowflake above every earlier one, with the time of the transaction."""
        ...

    def announce(self, event: AnyEvent) -> None:
        """Add an event to the change feed entry of this commit."""
        ...


class Store(Protocol):
    """A data folder that is open in this process."""

    def read(self) -> AbstractContextManager[Snapshot]:
        """Open a consistent view with every commit answered so far; no ``await`` inside.

        Raises:
            Unavailable: the data folder cannot be read now.
        """
        ...

    def unchanged_since(self, seq: int) -> bool:
        """Return whether nobody committed after ``seq``, and the clock changed no mask."""
        ...

    async def write(self, change: Callable[[Transaction], T]) -> T:
        """Run ``change`` in a transaction, make it durable, and return its result.

        Writes that wait together are committed together. An exception raised by ``change`` undoes
        its own changes alone and is raised here.

        Raises:
            Unavailable: the disk is full or read-only; nothing was changed.
        """
        ...

    def write_now(self, change: Callable[[Transaction], T]) -> T:
        """Do as ``write`` does without an event loop: for the command line, jobs and imports."""
        ...

    def subscribe(self, handler: Callable[[AnyEvent], None]) -> None:
        """Call ``handler`` with each event of the change feed as this process applies it."""
        ...

    async def close(self) -> None: ...


class Context(Struct, frozen=True):
    """What every use case is given: settings, the store, the clock and chance."""

    settings: Settings
    store: Store
    clock: Clock
    random: Random
