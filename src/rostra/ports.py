"""The ports: what services ask of the world, fulfilled by the adapters in ``storage``.

A service reads from a ``Snapshot`` (one consistent view of the store, at one place in the change
feed) and writes in a ``Transaction`` (a snapshot that sees its own changes). Both are plain
synchronous objects: the store decides where and when their code runs. Code that holds a snapshot
must not ``await``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from random import Random
from typing import Any, Protocol, TypeVar, Unpack

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from pyroaring import BitMap

from rostra.config import Settings
from rostra.domain.about import Rule, ServerText
from rostra.domain.account_set import MemberSets, MemberSetsWriter
from rostra.domain.accounts import Account, Credentials, SignUp, Standing
from rostra.domain.announcements import Announcement, Reaction
from rostra.domain.cards import Card
from rostra.domain.conversations import Conversation, ScheduledStatus
from rostra.domain.emojis import Emoji
from rostra.domain.enforcement import Action, Lifting
from rostra.domain.errors import Unavailable
from rostra.domain.events import AnyEvent
from rostra.domain.factors import Challenge, OneTime, Passkey
from rostra.domain.filters import Filter
from rostra.domain.lists import AccountList
from rostra.domain.mail import MailPurpose, MailToken
from rostra.domain.media import Media, MediaKind
from rostra.domain.notifications import Notification, Policy
from rostra.domain.pages import Page
from rostra.domain.personal import BlockedDomain, MarkedTimeline, Marker, Preferences
from rostra.domain.push import PushSubscription
from rostra.domain.relationships import FollowOptions, Kept, MuteOptions
from rostra.domain.reports import DomainRule, Report
from rostra.domain.searching import StatusQuery
from rostra.domain.sign_up import CanonicalEmailBlock, EmailDomainBlock, IpBlock
from rostra.domain.statuses import Status, StatusEdit
from rostra.domain.tags import FeaturedTag, TagFollow, TagUse
from rostra.domain.throttle import Tries
from rostra.domain.transfers import Line, Transfer
from rostra.domain.trends import Trend, TrendKind, Use
from rostra.domain.visibility import Gate

T = TypeVar("T")


class Clock(Protocol):
    """The time, so that tests can set it."""

    def now(self) -> int:
        """Return milliseconds since 1970."""


class Accounts(Protocol):
    """Accounts as stored, hidden ones included: what may be shown of them is the gate's to say."""

    def get(self, ordinal: int) -> Account | None:
        """Return an account by its ordinal."""

    def many(self, ordinals: Iterable[int]) -> dict[int, Account]:
        """Return the accounts there are of ``ordinals``, in their order."""

    def by_id(self, account_id: int) -> Account | None:
        """Return an account by its public id."""

    def by_username(self, username: str) -> Account | None:
        """Return an account by its name, in whatever case that is written."""

    def search(self, prefix: str, *, limit: int, offset: int = 0) -> list[Account]:
        """Return accounts by their names: those that begin with ``prefix`` first."""

    def page(
        self,
        *,
        limit: int,
        max_id: int | None = None,
        min_id: int | None = None,
        staff: bool = False,
    ) -> list[Account]:
        """Return accounts in order of id, newest first; with ``staff`` those with a role only."""

    def count(self) -> int:
        """Return how many accounts there are, hidden ones included."""

    def first_since(self, low: int) -> int | None:
        """Return the ordinal of the first account with an id from ``low`` on."""

    def created_between(self, low: int, high: int) -> int:
        """Return how many accounts have ids from ``low`` to before ``high``."""

    def credentials(self, ordinal: int) -> Credentials | None:
        """Return how an account signs in."""

    def credentials_by_email(self, email: str) -> Credentials | None:
        """Return how the account with an e-mail address, in whatever case, signs in."""

    def follow_options(self, account: int, targets: Sequence[int]) -> dict[int, FollowOptions]:
        """Return how ``account`` follows ``targets``, where that is not the default."""

    def options_toward(self, target: int, accounts: Sequence[int]) -> dict[int, FollowOptions]:
        """Return how ``accounts`` follow ``target``, where that is not the default."""

    def mute_options(self, account: int, targets: Sequence[int]) -> dict[int, MuteOptions]:
        """Return how ``account`` mutes ``targets``, where that is not the default."""

    def kept(self, account: int, targets: Sequence[int]) -> dict[int, Kept]:
        """Return what ``account`` keeps about ``targets``, where any of it is not the default."""

    def ordinals(self, usernames: Iterable[str]) -> dict[str, int]:
        """Return the ordinals of accounts by their names; names nobody has are left out."""

    def ids_between(self, low: int, high: int) -> set[int]:
        """Return the ids of accounts from ``low`` to before ``high``."""

    def bells(self, author: int, *, above: int, limit: int) -> list[int]:
        """Return who wants to hear of each status of ``author``: ordinals above a bound, rising."""


class AccountsWriter(Accounts, Protocol):
    """Changes to accounts; each is announced in the change feed."""

    def create(self, account: Account) -> None:
        """Add an account with an ordinal from ``reserve_ordinals`` and a name nobody has."""

    def create_many(self, accounts: Sequence[Account], *, announce: bool = True) -> None:
        """Add accounts; without ``announce`` the caller announces that everything was replaced."""

    def update(self, account: Account) -> None:
        """Replace what is stored of an account."""

    def set_credentials(self, credentials: Credentials) -> None:
        """Set how an account signs in; the address is kept in lower case."""

    def remove_credentials(self, account: int) -> None:
        """Forget how an account signs in."""

    def reserve_ordinals(self, count: int) -> int:
        """Take ``count`` ordinals that follow each other, and return the first."""

    def set_follow_options(self, account: int, target: int, options: FollowOptions | None) -> None:
        """Set how ``account`` follows ``target``; None or the default forgets it."""

    def set_mute_options(self, account: int, target: int, options: MuteOptions | None) -> None:
        """Set how ``account`` mutes ``target``; None or the default forgets it."""

    def set_note(self, account: int, target: int, note: str) -> None:
        """Set the private note of ``account`` on ``target``; an empty one forgets it."""


class Statuses(Protocol):
    """Statuses as stored, hidden ones included."""

    def get(self, status_id: int) -> Status | None:
        """Return a status by its id."""

    def many(self, ids: Iterable[int]) -> dict[int, Status]:
        """Return the statuses there are of ``ids``, in their order."""

    def by_author(
        self,
        author: int,
        *,
        visibilities: Sequence[int] = (0, 1, 2, 3),
        exclude_replies: bool = False,
        exclude_reblogs: bool = False,
        only_media: bool = False,
        tagged: str | None = None,
        **page: Unpack[Page],
    ) -> list[Status]:
        """Return a page of the statuses of an author, newest first; replies to itself stay."""

    def public_with_media(self, **page: Unpack[Page]) -> list[int]:
        """Return a page of the ids of public statuses that carry media, newest first."""

    def count_by_author(self, author: int) -> int:
        """Return how many statuses and boosts an author has, direct ones not counted."""

    def last_by_author(self, author: int) -> Status | None:
        """Return the newest status or boost of an author that is not direct."""

    def replies(self, status_id: int) -> list[tuple[int, int, int]]:
        """Return the direct replies to a status, oldest first, as (id, author, visibility)."""

    def boost_by(self, author: int, status_id: int) -> Status | None:
        """Return the boost of a status by an author."""

    def boosts(self, status_id: int, *, limit: int) -> list[Status]:
        """Return some of the boosts of a status, it being there or not."""

    def edits(self, status_id: int) -> list[StatusEdit]:
        """Return the versions of a status that was edited, the first one first."""

    def pinned(self, account: int) -> tuple[int, ...]:
        """Return the statuses an account has pinned, the one pinned last first."""

    def quotes(self, status_id: int, **page: Unpack[Page]) -> list[Status]:
        """Return a page of the statuses that quote one and were not revoked, newest first."""

    def quoters(self, status_id: int) -> Mapping[int, int]:
        """Return who quotes a status, and how often; quotes that were revoked do not count."""

    def tagged(self, tag: str, **page: Unpack[Page]) -> list[int]:
        """Return a page of the ids of statuses of any visibility with a hashtag, newest first."""

    def idempotent(self, account: int, key: str) -> int | None:
        """Return the status an account made with an idempotency key."""

    def latest_by_author(self, *, below: int, visibilities: Sequence[int]) -> dict[int, int]:
        """Return for each author the newest status, no boost, with an id below a bound."""

    def authors_between(self, low: int, high: int) -> dict[int, int]:
        """Return the authors, by id, of the statuses and boosts from ``low`` to before ``high``."""

    def count(self) -> int:
        """Return how many statuses and boosts there are, hidden ones included."""


class StatusesWriter(Statuses, Protocol):
    """Changes to statuses; each is announced in the change feed."""

    def create(self, status: Status) -> None:
        """Add a status or boost."""

    def create_many(self, statuses: Sequence[Status], *, announce: bool = True) -> None:
        """Add statuses; without ``announce`` the caller announces that everything was replaced."""

    def update(self, before: Status, after: Status, *, edited: bool = False) -> None:
        """Replace what is stored of a status; ``edited`` is whether its author edited it."""

    def keep_version(self, status_id: int, version: StatusEdit) -> None:
        """Add a version to the history of a status."""

    def pin(self, account: int, status_id: int, at: int) -> None:
        """Pin a status to the profile of its author at a time (ms)."""

    def unpin(self, account: int, status_id: int) -> None:
        """Unpin a status, if it is pinned."""

    def delete(self, status: Status) -> None:
        """Remove a status with its edits, pin and what finds it.

        Its boosts, who likes it and what notified of it stay, for a job to remove: of a status that
        is gone they show nothing.
        """

    def remember_idempotency(self, account: int, key: str, status_id: int) -> None:
        """Remember that an account made a status with an idempotency key."""


class MediaRows(Protocol):
    """What accounts uploaded, and whose the files are."""

    def get(self, media_id: int) -> Media | None:
        """Return one by its id."""

    def many(self, ids: Iterable[int]) -> dict[int, Media]:
        """Return the media there are of ``ids``, in their order."""

    def of_account(self, owner: int, *, above: int, limit: int) -> list[Media]:
        """Return media of an account with ids above a bound, rising."""

    def free_since(self, before: int, *, limit: int) -> list[Media]:
        """Return media that have belonged to nothing since before a time (ms), oldest first."""

    def files_owner(self, key: str) -> tuple[bool, int | None]:
        """Return whether there are files under a key, and whose; None is the server itself."""

    def files_of(self, owner: int, *, limit: int) -> list[str]:
        """Return some of the keys under which an account has files."""


class MediaRowsWriter(MediaRows, Protocol):
    """Changes to what accounts uploaded."""

    def put(self, media: Media) -> None:
        """Add one, or replace what is stored of it; a status that shows it is for the caller."""

    def delete(self, media: Media) -> None:
        """Forget one; its files are for ``disown_files`` and ``MediaFiles``."""

    def own_files(self, key: str, owner: int | None, created_at: int) -> None:
        """Note whose the files under a key are, so that they are served."""

    def disown_files(self, key: str) -> None:
        """Serve the files under a key no longer."""


class Collected(Protocol):
    """What accounts like and bookmark: the sets of statuses from the other side."""

    def page(self, account: int, kind: int, **page: Unpack[Page]) -> list[tuple[int, int]]:
        """Return (position, status) of what an account likes or keeps, newest first."""

    def owners(self, kind: int, *, above: int, limit: int) -> list[int]:
        """Return which statuses have a set of a kind: ids above a bound, rising."""


class CollectedWriter(Collected, Protocol):
    """Changes to these lists; the set is changed in the same transaction."""

    def add(self, account: int, kind: int, status: int, position: int) -> None:
        """Put a status on a list it is not on, at its position in the set or the next free one."""

    def remove(self, accounts: Iterable[int], kind: int, status: int, since: int) -> None:
        """Take a status off the lists of accounts; nobody listed it before position ``since``."""

    def restore(self, account: int, kind: int, status: int, position: int) -> bool:
        """Put a status on a list by its position, unless it is on it; return whether it was not."""


class Conversations(Protocol):
    """Conversations of direct statuses, as each account in them has them."""

    def page(self, account: int, **page: Unpack[Page]) -> list[Conversation]:
        """Return a page of the conversations of an account by their newest statuses."""

    def get(self, account: int, root: int) -> Conversation | None:
        """Return a conversation of an account."""

    def said(self, account: int, root: int, *, limit: int) -> list[int]:
        """Return the newest direct statuses of a conversation that are by or to an account."""


class ConversationsWriter(Conversations, Protocol):
    """Changes to conversations."""

    def put(self, conversation: Conversation) -> None:
        """Write a conversation of an account, in place of what was stored of it."""

    def remove(self, account: int, root: int) -> None:
        """Take a conversation out of the list of an account."""


class Scheduled(Protocol):
    """Statuses to be published later."""

    def page(self, account: int, **page: Unpack[Page]) -> list[ScheduledStatus]:
        """Return a page of what an account has scheduled, newest first."""

    def get(self, account: int, scheduled_id: int) -> ScheduledStatus | None:
        """Return what an account has scheduled under an id."""

    def count(self, account: int, *, since: int = 0, before: int | None = None) -> int:
        """Return how many an account has scheduled for times (ms) from ``since`` to ``before``."""


class ScheduledWriter(Scheduled, Protocol):
    """Changes to what is scheduled."""

    def put(self, scheduled: ScheduledStatus) -> None:
        """Write a scheduled status, in place of what was stored under its id."""

    def remove(self, account: int, scheduled_id: int) -> None:
        """Forget a scheduled status."""

    def clear(self, account: int) -> None:
        """Forget all that an account has scheduled."""


class Cards(Protocol):
    """Previews of linked pages, known by the SHA-256 of the address, and who shows them."""

    def get(self, hash_: bytes) -> Card | None:
        """Return the card of a page."""

    def of_statuses(self, ids: Iterable[int]) -> dict[int, Card]:
        """Return the cards of statuses, those that have nothing to show left out."""

    def hash_of(self, status: int) -> bytes | None:
        """Return what the page that a status links to is known by."""

    def linking(self, hash_: bytes, *, below: int, limit: int) -> list[int]:
        """Return statuses that show a card, those with ids below a bound, newest first."""

    def showing(self, hash_: bytes, **page: Unpack[Page]) -> list[int]:
        """Return a page of the statuses of any visibility that link to a page, newest first."""

    def unused(self, before: int, *, limit: int) -> list[tuple[bytes, Card]]:
        """Return cards fetched before a time (ms) that no status shows, by their hashes."""


class CardsWriter(Cards, Protocol):
    """Changes to previews of linked pages."""

    def put(self, hash_: bytes, card: Card) -> None:
        """Add a card, or replace what is stored of it; statuses that show it are for the caller."""

    def delete(self, hash_: bytes) -> None:
        """Forget a card that no status shows."""

    def link(self, status: int, hash_: bytes | None) -> None:
        """Note which card a status shows, None for none."""


class RecentStatuses(Protocol):
    """The in-memory index of recent statuses that timelines are read from."""

    def home(
        self,
        viewer: int,
        keep: Callable[[list[int]], list[int]] | None = None,
        **page: Unpack[Page],
    ) -> list[int]:
        """Return a page of ids of the home timeline of ``viewer``, newest first.

        ``keep`` leaves out more of the ids it is given, some at a time.
        """

    def in_list(
        self,
        value: AccountList,
        keep: Callable[[list[int]], list[int]] | None = None,
        **page: Unpack[Page],
    ) -> list[int]:
        """Return a page of ids of the timeline of a list, newest first, as ``home`` does."""

    def public(self, viewer: int | None, **page: Unpack[Page]) -> list[int]:
        """Return a page of ids of the public timeline for ``viewer`` (None: anybody)."""

    def activity(self, *, above: int, below: int) -> tuple[int, int]:
        """Return how many statuses held have ids between the two, and of how many authors."""


class Notifications(Protocol):
    """Notifications of an account: rows, and which sets have news (domain/notifications.py)."""

    def stored(
        self,
        account: int,
        *,
        types: Sequence[int] | None = None,
        source: int | None = None,
        **page: Unpack[Page],
    ) -> list[Notification]:
        """Return a page of the stored notifications of an account (by ``source``), newest first."""

    def get_stored(self, account: int, notification_id: int) -> Notification | None:
        """Return a stored notification of an account."""

    def groups(
        self, account: int, *, types: Sequence[int] | None = None, above: int = 0, limit: int = 1000
    ) -> list[tuple[int, int, int]]:
        """Return the sets with news as (type, subject, latest position), newest first."""

    def dismissed(self, account: int) -> tuple[int, frozenset[int]]:
        """Return what an account dismissed: everything up to an id, and single ids above it."""

    def groups_by_subject(
        self, account: int, type_: int, *, after: int, above: int, limit: int
    ) -> list[tuple[int, int]]:
        """Return (subject, latest position) of sets with news above a position, by subject."""

    def groups_dismissed(
        self, account: int, type_: int, subject: int | None = None
    ) -> dict[int, int]:
        """Return up to which position groups of a type were dismissed, by subject."""

    def done_by(self, account: int, source: int) -> list[tuple[int, int, int]]:
        """Return (type, status, about when in ticks) of likes and boosts of an account's statuses
        by ``source``.
        """

    def policy(self, account: int) -> Policy:
        """Return from whom an account wants to hear."""

    def requests_dismissed(self, account: int) -> dict[int, int]:
        """Return up to which id the requests of accounts were dismissed."""


class NotificationsWriter(Notifications, Protocol):
    """Changes to notifications."""

    def store(self, notification: Notification) -> None:
        """Add a notification with an id that its account has not seen yet."""

    def withdraw(self, account: int, type_: int, status: int, *, before: int) -> None:
        """Take back what an account was told of a status, with ids before one."""

    def forget_status(self, status: int, *, limit: int) -> int:
        """Remove notifications about a status, some at a time; return how many."""

    def touch_group(self, account: int, type_: int, subject: int, position: int) -> None:
        """Note that a set with notifications for an account has a member at ``position``."""

    def dismiss(self, account: int, notification_id: int) -> None:
        """Dismiss one notification, stored or not."""

    def dismiss_group(self, account: int, type_: int, subject: int, through: int) -> None:
        """Dismiss the members of a group (by status, follows by day) up to a position."""

    def dismiss_request(self, account: int, source: int, through: int) -> None:
        """Let what ``source`` did up to an id ask no more."""

    def set_policy(self, account: int, policy: Policy) -> None:
        """Set from whom an account wants to hear."""

    def dismiss_all(self, account: int, through: int) -> None:
        """Dismiss every notification up to an id."""


class Push(Protocol):
    """Web Push subscriptions."""

    def of_token(self, token_hash: bytes) -> PushSubscription | None:
        """Return the subscription made with a token."""

    def of(self, account: int) -> list[PushSubscription]:
        """Return the subscriptions of an account whose tokens are still good."""

    def accounts(self) -> list[int]:
        """Return the accounts that have any."""


class PushWriter(Push, Protocol):
    """Changes to push subscriptions."""

    def put(self, value: PushSubscription) -> None:
        """Add a subscription in place of any other of its token; announced in the feed."""

    def delete(self, account: int, id_: int) -> None:
        """Remove a subscription; announced in the feed."""

    def note(
        self,
        account: int,
        id_: int,
        *,
        through: int,
        attempts: int,
        due_at: int,
        failing_since: int,
    ) -> None:
        """Note how pushing to a subscription went; nothing happens when it is gone."""


class Enforcement(Protocol):
    """Enforcement actions and their liftings, append-only."""

    def of_account(self, account: int) -> tuple[list[Action], list[Lifting]]:
        """Return the actions ever taken against an account, oldest first, and their liftings."""

    def recent(self, *, limit: int, max_id: int | None = None) -> list[Action]:
        """Return actions against anybody, newest first, those below ``max_id`` only."""

    def pending_expiry(self, now: int) -> list[Action]:
        """Return the actions whose time was over at ``now`` (ms), their end not recorded yet."""

    def timed(self) -> list[int]:
        """Return the accounts under actions not lifted that the clock begins or ends."""

    def veiled(self, follower: int, author: int, at: int) -> bool:
        """Return whether followers-only statuses of a time (ms) stay hidden (``Gate.veiled``)."""

    def returned(self, since: int, now: int) -> dict[int, int]:
        """Return whose suspension ended from ``since`` to ``now`` (ms), and when it last did."""


class EnforcementWriter(Enforcement, Protocol):
    """Appends to the record of enforcement; masks follow at the commit."""

    def take(self, action: Action) -> None:
        """Record an action."""

    def lift(self, lifting: Lifting) -> None:
        """Record the end of an action."""

    def settle(self, account: int) -> None:
        """Make the server's sets say of an account what is in force now; the clock moved it."""

    def veil(self, follower: int, author: int, since: int, until: int) -> None:
        """Hide followers-only statuses of a span of time (ms) from a follower for good."""


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
    """An access token, known by its SHA-256; ``account`` None: the application itself.

    ``code`` is the SHA-256 of the authorization code it was exchanged for.
    """

    hash: bytes
    account: int | None
    application: int | None
    scopes: str
    created_at: int
    code: bytes | None = None


class AuthorizationCode(Struct, frozen=True, kw_only=True):
    """A code waiting to be exchanged for a token (RFC 6749 §4.1, RFC 7636)."""

    hash: bytes
    account: int
    application: int
    redirect_uri: str
    scopes: str
    code_challenge: str | None
    expires_at: int
    used_at: int | None = None


class Session(Struct, frozen=True, kw_only=True):
    """A session of the pages, known by its SHA-256; times in ms."""

    hash: bytes
    account: int
    created_at: int
    expires_at: int
    user_agent: str
    address: str
    used_at: int


Counted = tuple[str, int]
"""A name and how many there are of it."""


class Access(Protocol):
    """OAuth applications, codes and tokens, and the sessions of the pages."""

    def application(self, application_id: int) -> Application | None:
        """Return an application by its id."""

    def application_by_client_id(self, client_id: str) -> Application | None:
        """Return an application by the name it presents."""

    def token(self, token_hash: bytes) -> Token | None:
        """Return the access token with a SHA-256."""

    def code(self, code_hash: bytes) -> AuthorizationCode | None:
        """Return the authorization code with a SHA-256, expired or not."""

    def session(self, session_hash: bytes) -> int | None:
        """Return the ordinal of the account whose unexpired session has a SHA-256."""

    def session_used_at(self, session_hash: bytes) -> int | None:
        """Return when a use of an unexpired session was last noted (ms)."""

    def sessions(self, account: int) -> list[Session]:
        """Return the unexpired sessions of an account."""

    def tokens(self, account: int) -> list[Token]:
        """Return the access tokens of an account, oldest first."""


class AccessWriter(Access, Protocol):
    """Changes to OAuth applications, codes, tokens and sessions."""

    def create_application(self, application: Application) -> None:
        """Register an application."""

    def create_token(self, token: Token) -> None:
        """Hand out an access token."""

    def revoke_token(self, token_hash: bytes) -> bool:
        """Take an access token back; return whether there was one."""

    def create_code(self, code: AuthorizationCode) -> None:
        """Hand out an authorization code, and clear away those that expired."""

    def use_code(self, code_hash: bytes, used_at: int) -> None:
        """Note that an authorization code was spent, as it is good for one exchange."""

    def revoke_code_tokens(self, code_hash: bytes) -> None:
        """Take back the tokens that a code was exchanged for."""

    def create_session(
        self,
        session_hash: bytes,
        account: int,
        created_at: int,
        expires_at: int,
        *,
        user_agent: str = "",
        address: str = "",
    ) -> None:
        """Begin a session of the pages; times in ms."""

    def touch_session(
        self, session_hash: bytes, used_at: int, *, user_agent: str, address: str
    ) -> None:
        """Note when a session was used, with what and from where."""

    def delete_session(self, session_hash: bytes) -> None:
        """End a session."""

    def revoke_all(self, account: int) -> None:
        """Take back every token and code of an account, and end its sessions."""


class Lists(Protocol):
    """Lists; who is in one is an account set."""

    def get(self, account: int, list_id: int) -> AccountList | None:
        """Return a list of an account."""

    def of(self, account: int) -> list[AccountList]:
        """Return the lists of an account, oldest first."""

    def of_many(self, accounts: Iterable[int]) -> list[AccountList]:
        """Return the lists of accounts."""

    def exclusive(self, accounts: Iterable[int]) -> list[AccountList]:
        """Return the exclusive lists of accounts."""


class ListsWriter(Lists, Protocol):
    """Changes to lists; each is announced in the change feed."""

    def put(self, value: AccountList) -> None:
        """Add a list, or replace what is stored of it."""

    def delete(self, account: int, list_id: int) -> None:
        """Remove a list; its members are the caller's to remove."""


class Filters(Protocol):
    """Filters, with their keywords and the statuses they name."""

    def of(self, account: int) -> tuple[Filter, ...]:
        """Return the filters of an account, oldest first, ended ones included."""


class FiltersWriter(Filters, Protocol):
    """Changes to filters; each is announced in the change feed."""

    def put(self, value: Filter) -> None:
        """Add a filter, or replace what is stored of it."""

    def delete(self, account: int, filter_id: int) -> None:
        """Remove a filter."""


class Personal(Protocol):
    """What accounts keep for themselves: markers, preferences, blocked domains."""

    def markers(self, account: int) -> dict[MarkedTimeline, Marker]:
        """Return how far an account has read its timelines, those it said so of."""

    def preferences(self, account: int) -> Preferences:
        """Return how an account likes to read."""

    def blocked_domains(self, account: int, **page: Unpack[Page]) -> list[BlockedDomain]:
        """Return a page of the domains an account blocks, newest first."""

    def blocks_domain(self, account: int, domain: str) -> bool:
        """Return whether an account blocks a domain."""

    def count_blocked_domains(self, account: int) -> int:
        """Return how many domains an account blocks."""


class PersonalWriter(Personal, Protocol):
    """Changes to what accounts keep for themselves."""

    def set_marker(self, account: int, marker: Marker) -> None:
        """Put down how far an account has read a timeline."""

    def set_preferences(self, account: int, preferences: Preferences) -> None:
        """Put down how an account likes to read."""

    def block_domain(self, account: int, blocked: BlockedDomain) -> None:
        """Put down that an account blocks a domain it did not block."""

    def unblock_domain(self, account: int, domain: str) -> None:
        """Put down that an account does not block a domain any more."""

    def forget(self, account: int) -> None:
        """Forget all of it, as of an account that was deleted."""


class Tags(Protocol):
    """Hashtags: their use, and who follows and features which. Names are as ``normal_tag`` says."""

    def number(self, tag: str) -> int | None:
        """Return the number of a hashtag that somebody has followed: the owner of its followers."""

    def follows(self, account: int, tag: str) -> bool:
        """Return whether an account follows a hashtag."""

    def features(self, account: int, tag: str) -> bool:
        """Return whether an account features a hashtag."""

    def followed(self, account: int, **page: Unpack[Page]) -> list[TagFollow]:
        """Return a page of the hashtags an account follows, newest first."""

    def count_followed(self, account: int) -> int:
        """Return how many hashtags an account follows."""

    def featured(self, account: int) -> list[FeaturedTag]:
        """Return the hashtags an account features, oldest first."""

    def use(self, author: int, tag: str) -> TagUse:
        """Return how often an author used a hashtag in statuses for anybody, and where last."""

    def most_used(self, author: int, *, limit: int) -> list[str]:
        """Return the hashtags an author used most in statuses for anybody."""

    def uses(self, tag: str, *, since: int) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        """Return (ids [n], ascending, authors [n]) of the public statuses with a hashtag from an id
        on.
        """


class TagsWriter(Tags, Protocol):
    """Changes to who follows and features hashtags; the account sets are the caller's to keep."""

    def name(self, tag: str, number: int) -> None:
        """Give a hashtag that has none its number."""

    def follow(self, account: int, follow: TagFollow) -> None:
        """Put down that an account follows a hashtag it did not follow."""

    def unfollow(self, account: int, tag: str) -> None:
        """Put down that an account does not follow a hashtag any more."""

    def feature(self, account: int, featured: FeaturedTag) -> None:
        """Put down that an account features a hashtag it did not feature."""

    def unfeature(self, account: int, tag: str) -> None:
        """Put down that an account does not feature a hashtag any more."""


class Job(Struct, frozen=True, kw_only=True):
    """A piece of work to be done in the job process, at ``run_at`` (ms) or later."""

    id: int
    name: str
    payload: dict[str, Any]
    run_at: int
    attempts: int = 0


class Jobs(Protocol):
    """The queue of jobs."""

    def due(
        self,
        now: int,
        *,
        limit: int,
        only: Collection[str] = (),
        without: Collection[str] = (),
    ) -> list[Job]:
        """Return the jobs to run at ``now`` (ms), those that waited longest first.

        ``only`` and ``without`` are names of jobs; empty ones choose nothing.
        """

    def waiting(self) -> int:
        """Return how many jobs are not finished, due or not."""


class JobsWriter(Jobs, Protocol):
    """Changes to the queue of jobs."""

    def enqueue(self, name: str, payload: Mapping[str, Any], run_at: int) -> None:
        """Add a job to be run at ``run_at`` (ms) or later."""

    def finish(self, job_id: int) -> None:
        """Take a job that is done out of the queue."""

    def retry(self, job_id: int, run_at: int, error: str) -> None:
        """Put off a job that failed, and keep what it said."""


class Progress(Protocol):
    """How far resumable pieces of long work have come; each writes its own text."""

    def get(self, work: str) -> str | None:
        """Return what was last put down about a piece of work."""


class ProgressWriter(Progress, Protocol):
    """Changes to how far work has come, committed with the work itself."""

    def put(self, work: str, state: str) -> None:
        """Put down how far a piece of work is once this transaction is committed."""


class Standings(Protocol):
    """Who may not act for another reason than enforcement, and how accounts came to be."""

    def get(self, account: int) -> Standing:
        """Return the standing of an account."""

    def pending(self, *, limit: int, below: int | None = None) -> list[int]:
        """Return who waits for approval with a confirmed address: newest first, by ordinal."""

    def deactivated_before(self, time: int, *, limit: int) -> list[int]:
        """Return who was put away before a time (ms)."""

    def unconfirmed_before(self, time: int, *, limit: int) -> list[int]:
        """Return whose address has been waiting to be confirmed since before a time (ms)."""

    def sign_up(self, account: int) -> SignUp | None:
        """Return how an account came to be, when that was kept."""


class StandingsWriter(Standings, Protocol):
    """Changes to standings; masks follow at the commit."""

    def put(self, standing: Standing) -> None:
        """Set the standing of an account."""

    def keep_sign_up(self, sign_up: SignUp) -> None:
        """Keep how an account came to be."""

    def forget(self, account: int) -> None:
        """Forget how an account came to be."""


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


class MailTokens(Protocol):
    """What the links in mails are good for, by their SHA-256."""

    def token(self, token_hash: bytes) -> MailToken | None:
        """Return an unexpired token."""

    def wanted_email(self, account: int) -> str | None:
        """Return the address an account wants instead of its own, when it is not confirmed yet."""


class MailTokensWriter(MailTokens, Protocol):
    """Changes to what the links in mails are good for."""

    def create(self, token: MailToken) -> None:
        """Hand out a token, and clear away those that expired."""

    def spend(self, account: int, purpose: MailPurpose) -> None:
        """Take back every token of an account for a purpose."""

    def want_email(self, account: int, email: str, created_at: int) -> None:
        """Keep the address an account wants, in place of an earlier one."""

    def forget_email(self, account: int) -> None:
        """Forget the address an account wanted."""


class Factors(Protocol):
    """One-time passwords, recovery codes, passkeys, and what is in the middle of being proved."""

    def one_time(self, account: int) -> OneTime | None:
        """Return the one-time passwords of an account, those not confirmed yet included."""

    def recovery_codes(self, account: int) -> set[bytes]:
        """Return the hashes of the recovery codes an account has left."""

    def passkeys(self, account: int) -> list[Passkey]:
        """Return the passkeys of an account, oldest first."""

    def passkey(self, id_: bytes) -> Passkey | None:
        """Return a passkey by its id."""

    def handle(self, account: int) -> bytes | None:
        """Return what the passkeys of an account know it by."""

    def challenge(self, hash_: bytes) -> Challenge | None:
        """Return something that was begun and has not expired."""


class FactorsWriter(Factors, Protocol):
    """Changes to second factors."""

    def put_one_time(self, one_time: OneTime) -> None:
        """Set the one-time passwords of an account."""

    def delete_one_time(self, account: int) -> None:
        """Forget the one-time passwords of an account."""

    def set_recovery_codes(self, account: int, hashes: Iterable[bytes]) -> None:
        """Replace the recovery codes of an account."""

    def spend_recovery_code(self, account: int, hash_: bytes) -> None:
        """Take a recovery code away, as it is good for one use."""

    def put_passkey(self, passkey: Passkey) -> None:
        """Add a passkey, or replace what is kept of it."""

    def delete_passkey(self, account: int, id_: bytes) -> None:
        """Forget a passkey of an account."""

    def put_handle(self, account: int, handle: bytes) -> None:
        """Set what the passkeys of an account know it by."""

    def begin(self, challenge: Challenge) -> None:
        """Keep something that was begun, and clear away what expired."""

    def end(self, hash_: bytes) -> None:
        """Forget something that was begun."""

    def end_all(self, account: int) -> None:
        """Forget whatever was begun for an account."""

    def forget(self, account: int) -> None:
        """Forget every factor of an account."""


class TriesCount(Protocol):
    """How often secrets were tried, by the keys that ``services.throttling`` makes."""

    def get(self, key: bytes) -> Tries:
        """Return how often the thing named by ``key`` was tried."""


class TriesCountWriter(TriesCount, Protocol):
    """Changes to how often secrets were tried."""

    def put(self, key: bytes, tries: Tries, forget_at: int) -> None:
        """Keep how often something was tried until ``forget_at`` (ms)."""

    def forget(self, key: bytes) -> None:
        """Forget how often something was tried."""


class Search(Protocol):
    """The index of words: what is found may be hidden, which is the gate's to say."""

    def statuses(self, query: StatusQuery, *, limit: int, below: int) -> list[int]:
        """Return the ids of statuses of anybody that match, below an id, newest first."""

    def accounts(self, text: str) -> BitMap:
        """Return the accounts whose names have words that begin like those of a text."""

    def named(self, prefix: str, *, limit: int) -> list[int]:
        """Return the accounts whose handles begin with ``prefix``, shortest first."""

    def hashtags(self, prefix: str, *, limit: int) -> list[str]:
        """Return hashtags in use that begin with ``prefix``, in order of the alphabet."""


class SearchWriter(Search, Protocol):
    """The index of words; each commit brings it up to date by itself."""

    def clear(self) -> None:
        """Forget every word, to index all anew."""

    def put_more_statuses(self, after: int, limit: int) -> int | None:
        """Index statuses with ids above ``after``; return the last one's id, None at the end."""

    def put_more_accounts(self, after: int, limit: int) -> int | None:
        """Index accounts above an ordinal; return the last one's, None at the end."""


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


class Transfers(Protocol):
    """Imports and exports people asked for, and what they brought along from elsewhere."""

    def get(self, account: int, transfer_id: int) -> Transfer | None:
        """Return what an account asked for under an id."""

    def of(self, account: int, *, limit: int = 50) -> list[Transfer]:
        """Return what an account asked for, newest first."""

    def over(self, *, before: int, limit: int) -> list[Transfer]:
        """Return what was over before a time (ms) and still has a file."""

    def lines(self, transfer_id: int, *, after: int, limit: int) -> list[tuple[int, Line]]:
        """Return lines still to do, with their numbers, above a number."""

    def failures(self, transfer_id: int, *, limit: int) -> list[tuple[Line, str]]:
        """Return lines that could not be done, and why, in their order."""

    def brought(self, author: int, source: str, ids: Sequence[int]) -> dict[int, int]:
        """Return the statuses of an author that were brought along, by their numbers there."""

    def brought_by_anybody(self, source: str, ids: Sequence[int]) -> dict[int, int]:
        """Return the statuses of anybody that were brought along, by their numbers there."""

    def known_ties(self, account: int, source: str, *, followed: bool, limit: int) -> list[int]:
        """Return accounts that say to be those an account followed (or was followed by) there."""


class TransfersWriter(Transfers, Protocol):
    """Changes to imports and exports."""

    def put(self, transfer: Transfer) -> None:
        """Add what was asked for, or replace what is stored of it."""

    def remove(self, account: int, transfer_id: int) -> None:
        """Forget what was asked for, and its lines."""

    def add_lines(self, transfer_id: int, lines: Iterable[Line], *, first: int = 1) -> None:
        """Add the lines of a file, numbered in their order."""

    def drop_lines(self, transfer_id: int) -> None:
        """Forget the lines that are done, or need not be."""

    def fail_line(self, transfer_id: int, number: int, line: Line, reason: str) -> None:
        """Keep a line with why it could not be done."""

    def bring(self, author: int, source: str, brought: Iterable[tuple[int, int]]) -> None:
        """Remember statuses that were brought along, as (number there, status)."""

    def claim(self, account: int, source: str, source_id: int) -> None:
        """Remember who an account says to have been elsewhere."""

    def tie(self, account: int, source: str, ids: Iterable[int], *, followed: bool) -> None:
        """Remember whom an account followed there, or by whom it was followed."""

    def forget_account(self, account: int) -> None:
        """Forget everything an account brought along or asked for."""


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


class Emojis(Protocol):
    """Custom emojis."""

    def all(self) -> Mapping[str, Emoji]:
        """Return every emoji by its shortcode, in order of category and name."""

    def file(self, shortcode: str, *, still: bool) -> bytes | None:
        """Return the file of an emoji or, with ``still``, the picture that does not move."""


class EmojisWriter(Emojis, Protocol):
    """Changes to custom emojis."""

    def put(self, emoji: Emoji, file: bytes, still: bytes | None) -> None:
        """Add an emoji, or replace the one of its name."""

    def delete(self, shortcode: str) -> None:
        """Remove an emoji."""


class Announcements(Protocol):
    """What the server tells everybody."""

    def all(self) -> list[Announcement]:
        """Return every announcement, in order of when it starts or was published."""

    def get(self, announcement_id: int) -> Announcement | None:
        """Return an announcement by its id."""

    def reactions(self, announcement_id: int) -> list[Reaction]:
        """Return the reactions there ever were to an announcement, oldest first."""


class AnnouncementsWriter(Announcements, Protocol):
    """Changes to announcements."""

    def put(self, announcement: Announcement) -> None:
        """Add an announcement, or replace it."""

    def delete(self, announcement_id: int) -> None:
        """Remove an announcement and the names of its reactions."""

    def name_reaction(self, announcement_id: int, reaction: Reaction) -> None:
        """Add a reaction nobody gave before."""


class About(Protocol):
    """What the server says about itself."""

    def rules(self) -> list[Rule]:
        """Return the rules in their order."""

    def text(self, name: str) -> ServerText | None:
        """Return a text of ``about.TEXTS``, when it was set."""


class AboutWriter(About, Protocol):
    """Changes to what the server says about itself."""

    def put_rule(self, rule: Rule) -> None:
        """Add a rule behind the others, or change the one of its id."""

    def delete_rule(self, rule_id: int) -> bool:
        """Remove a rule; return whether there was one."""

    def set_text(self, name: str, text: str, updated_at: int) -> None:
        """Set a text; an empty one is forgotten."""


class Trends(Protocol):
    """What trends as last counted, and what it is counted from, hidden things included."""

    def kept(self, kind: TrendKind) -> list[Trend]:
        """Return what trended at the last count, most of it first."""

    def reviews(self, kind: TrendKind) -> dict[str, bool]:
        """Return whether moderators let things trend, where they said so."""

    def most_followed(self) -> list[int]:
        """Return the accounts with most followers at the last count, most first."""

    def uses(self, since: int) -> Iterable[Use]:
        """Return the public statuses with hashtags or links from an id on."""

    def touched(self, since: int, limit: int) -> list[int]:
        """Return the statuses from an id on that are liked and boosted most, roughly."""

    def large_owners(self, kind: int, limit: int) -> list[int]:
        """Return the owners of the largest sets of a kind, when they are large at all."""

    def recent_authors(self, *, below: int, limit: int) -> list[tuple[int, int]]:
        """Return (id, author) of the statuses for anybody below an id, newest first."""


class TrendsWriter(Trends, Protocol):
    """Changes to trends."""

    def replace(self, kind: TrendKind, trends: Sequence[Trend]) -> None:
        """Keep a new count of a kind of trends."""

    def review(self, kind: TrendKind, subject: str, *, allowed: bool) -> None:
        """Put down whether a moderator lets something trend."""

    def set_most_followed(self, accounts: Sequence[int]) -> None:
        """Keep who is followed most, in order."""


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


class Fetched(Struct, frozen=True):
    """What another server answered; header names are in lower case, ``url`` where it was found."""

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes


class Fetcher(Protocol):
    """Asks other servers over HTTP; only those of the public internet, whatever address is given.

    Answers of any status are returned. Nobody must hold a snapshot or transaction meanwhile.
    """

    async def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        limit: int = 1_048_576,
        seconds: float = 10.0,
        types: Sequence[str] = (),
        cut: bool = False,
    ) -> Fetched:
        """Return what is at an address, following at most five redirects.

        Args:
            url: the address.
            headers: beside those every request has.
            limit: how many bytes an answer may have.
            seconds: how long all of it may take.
            types: which media types are wanted; empty for any.
            cut: return the beginning of an answer over the limit instead of refusing it.

        Raises:
            Unreachable: it may not be asked, is away, too slow, too large or of another type.
        """

    async def post(
        self,
        url: str,
        *,
        content: bytes,
        headers: Mapping[str, str] | None = None,
        limit: int = 65_536,
        seconds: float = 10.0,
    ) -> Fetched:
        """Send ``content`` to an address and return what it answers; redirects are not followed.

        Raises:
            Unreachable: as ``get``.
        """


class OpenFile(Protocol):
    """A stored file that is being read."""

    size: int

    async def read(self, start: int, length: int) -> bytes:
        """Return at most ``length`` bytes from ``start`` on."""

    def close(self) -> None:
        """Let the file go."""


class MediaFiles(Protocol):
    """Where the files of media are kept: a folder now, other stores behind the same functions.

    What belongs together lies under one key. A file is there whole or not at all.
    """

    def temporary(self) -> Path:
        """Return a path of this machine at which nothing is, for a file of one's own.

        Raises:
            Unavailable: nothing can be written.
        """

    async def workplace(self) -> Path:
        """Make an empty folder on this machine to work in, and return its path.

        Raises:
            Unavailable: nothing can be written.
        """

    def new_key(self) -> str:
        """Return a key that nobody can guess."""

    async def put(self, key: str, files: Mapping[str, Path]) -> None:
        """Move files under a key, by name; they are durable afterwards.

        Raises:
            Unavailable: the disk is full or cannot be written.
        """

    async def open(self, key: str, name: str) -> OpenFile | None:
        """Return a file to read, or None when there is none; any text may be asked for."""

    async def local(self, key: str, name: str) -> Path:
        """Return where programs of this machine can read a file; not to be changed there."""

    async def remove(self, key: str, name: str | None = None) -> None:
        """Remove a file, or all under a key; what is not there is removed already."""

    async def discard(self, path: Path) -> None:
        """Remove a temporary file or a workplace, if it is there."""

    async def old(self, seconds: float) -> list[str]:
        """Return keys under which nothing was put for so long; clear away old temporary files."""


class Made(Struct, frozen=True, kw_only=True):
    """What was made of an uploaded file: files by name, and which of them is which.

    ``moving`` says that a picture has several frames, of which the first was taken.
    """

    kind: MediaKind
    files: Mapping[str, Path]
    file: str = ""
    preview: str = ""
    blurhash: str | None = None
    meta: dict[str, Any] = {}
    moving: bool = False


class MediaMaker(Protocol):
    """Makes what is served of what was uploaded, in other processes with limits.

    Each is given the file, its type by content, a folder to work in, and what to call what it
    makes. ``Invalid`` says in a clause ("it is damaged") why a file cannot be taken.
    """

    @property
    def types(self) -> tuple[str, ...]:
        """The media types that can be uploaded."""

    @property
    def films(self) -> bool:
        """Whether films and sounds can be made."""

    async def picture(self, source: Path, type_: str, folder: Path, stem: str) -> Made:
        """Make a picture and its preview.

        Raises:
            Invalid: why not.
        """

    async def preview(self, source: Path, type_: str, folder: Path, stem: str) -> Made:
        """Make a preview alone.

        Raises:
            Invalid: why not.
        """

    async def fitted(
        self, source: Path, type_: str, folder: Path, stem: str, size: tuple[int, int]
    ) -> Made:
        """Make a picture of exactly one size; of one that moves also ``<stem>-static.png``.

        Raises:
            Invalid: why not.
        """

    async def film(self, source: Path, type_: str, folder: Path, stem: str) -> Made:
        """Make a film or sound, and the preview of a film. Takes long.

        Raises:
            Invalid: why not.
        """


class _Missing:
    """Stands for a port that a process was started without."""

    def __getattr__(self, name: str) -> Any:
        raise Unavailable("The server was started without what this needs")


_MISSING: Any = _Missing()


class Context(Struct, frozen=True):
    """What every use case is given: settings, the store, the clock, chance, and what is outside."""

    settings: Settings
    store: Store
    clock: Clock
    random: Random
    fetcher: Fetcher = _MISSING
    files: MediaFiles = _MISSING
    maker: MediaMaker = _MISSING
