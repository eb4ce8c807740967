"""Hydration: all an account or status is shown with, read in batches, so rendering asks nothing.

The views are the same for every viewer. What depends on the viewer is in ``ViewerFlags``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.accounts import Account
from rostra.domain.cards import Card
from rostra.domain.emojis import Emoji
from rostra.domain.enforcement import State
from rostra.domain.media import Media
from rostra.domain.statuses import Status, Visibility
from rostra.ports import Application, Snapshot
from rostra.services.attachments import emojis
from rostra.services.publishing import polls, quotes
from rostra.services.publishing.polls import PollView

__all__ = [
    "AccountView",
    "PollView",
    "StatusView",
    "ViewerFlags",
    "account_views",
    "boost_and_like_counts",
    "reply_count",
    "status_views",
    "viewer_flags",
]


class AccountView(Struct, frozen=True):
    """An account with its counts as anybody sees them; ``last_status_at`` is ms since 1970."""

    account: Account
    state: State
    followers: int
    following: int
    statuses: int
    last_status_at: int | None
    emojis: tuple[Emoji, ...] = ()


class StatusView(Struct, frozen=True):
    """A status with all it is shown with; counts are exact and as anybody sees them."""

    status: Status
    author: AccountView
    replies: int
    boosts: int
    likes: int
    mentions: tuple[Account, ...]
    in_reply_to_account_id: int | None
    reblog: StatusView | None
    poll: PollView | None
    application: Application | None
    media: tuple[Media, ...] = ()
    emojis: tuple[Emoji, ...] = ()
    card: Card | None = None
    quotes: int = 0


class ViewerFlags(Struct, frozen=True):
    """What a status is to one viewer; ``own_votes`` are the options chosen, None without a poll.

    ``muted`` is that the viewer mutes the conversation that begins with ``root``.
    """

    favourited: bool
    reblogged: bool
    bookmarked: bool
    muted: bool
    own_votes: tuple[int, ...] | None
    root: int = 0


def account_views(snap: Snapshot, ordinals: Iterable[int]) -> dict[int, AccountView]:
    """Return the accounts there are of ``ordinals``, deleted ones left out, in their order."""
    accounts = snap.accounts.many(ordinals)
    snap.sets.prefetch(
        SetKey(ordinal, kind)
        for ordinal in accounts
        for kind in (SetKind.FOLLOWERS, SetKind.FOLLOWING)
    )
    return {
        ordinal: _account_view(snap, account, state)
        for ordinal, account in accounts.items()
        if not (state := snap.gate.state(ordinal)).deleted
    }


def _account_view(snap: Snapshot, account: Account, state: State) -> AccountView:
    ordinal = account.ordinal
    if not state.active:
        return AccountView(account, state, 0, 0, 0, None)
    last = snap.statuses.last_by_author(ordinal)
    return AccountView(
        account=account,
        state=state,
        followers=snap.gate.visible_count(SetKey(ordinal, SetKind.FOLLOWERS)),
        following=snap.gate.visible_count(SetKey(ordinal, SetKind.FOLLOWING)),
        statuses=snap.statuses.count_by_author(ordinal),
        last_status_at=None if last is None else last.created_at,
        emojis=emojis.used(snap, account.display_name, account.note, *_words(account)),
    )


def _words(account: Account) -> list[str]:
    return [word for field in account.fields for word in (field.name, field.value)]


def status_views(snap: Snapshot, ids: Iterable[int]) -> dict[int, StatusView]:
    """Return the statuses there are of ``ids``, in their order.

    Left out are those whose author is away, and boosts whose original is gone or hidden so.
    """
    wanted = list(ids)
    found = snap.statuses.many(wanted)
    boosted = {status.reblog_of for status in found.values() if status.reblog_of is not None}
    statuses = {**snap.statuses.many(boosted), **found} if boosted else found
    people = {status.author for status in statuses.values()}
    mentioned = {account for status in statuses.values() for account in status.mentions}
    mentioned |= {
        status.in_reply_to_author
        for status in statuses.values()
        if status.in_reply_to_author is not None
    }
    snap.sets.prefetch(
        SetKey(id_, kind)
        for id_, status in statuses.items()
        if status.reblog_of is None
        for kind in (SetKind.BOOSTS, SetKind.LIKES)
    )
    attached = [id_ for status in statuses.values() for id_ in status.media]
    linking = [id_ for id_, status in statuses.items() if "://" in status.text]
    parts = _Parts(
        snap,
        authors=account_views(snap, snap.gate.active_among(people)),
        accounts=snap.accounts.many(mentioned) if mentioned else {},
        applications=_applications(snap, statuses.values()),
        media=snap.media.many(attached) if attached else {},
        cards=snap.cards.of_statuses(linking) if linking else {},
    )
    views: dict[int, StatusView] = {}
    for id_ in wanted:
        status = found.get(id_)
        view = status and parts.view(status, statuses)
        if view:
            views[id_] = view
    return views


def _applications(snap: Snapshot, statuses: Iterable[Status]) -> dict[int, Application]:
    ids = {status.application for status in statuses if status.application is not None}
    found = {id_: snap.access.application(id_) for id_ in ids}
    return {id_: application for id_, application in found.items() if application is not None}


class _Parts:
    """What several statuses are made of, read once for all of them."""

    def __init__(
        self,
        snap: Snapshot,
        *,
        authors: Mapping[int, AccountView],
        accounts: Mapping[int, Account],
        applications: Mapping[int, Application],
        media: Mapping[int, Media],
        cards: Mapping[int, Card],
    ) -> None:
        self._snap = snap
        self._authors = authors
        self._accounts = accounts
        self._applications = applications
        self._media = media
        self._cards = cards

    def view(self, status: Status, statuses: Mapping[int, Status]) -> StatusView | None:
        """Return a status with its parts, or None where it cannot be shown to anybody."""
        author = self._authors.get(status.author)
        if author is None:
            return None
        if status.reblog_of is None:
            return self._own(status, author)
        source = statuses.get(status.reblog_of)
        reblog = source and self.view(source, {})
        if not reblog:
            return None
        return StatusView(
            status=status,
            author=author,
            replies=reblog.replies,
            boosts=reblog.boosts,
            likes=reblog.likes,
            mentions=(),
            in_reply_to_account_id=None,
            reblog=reblog,
            poll=None,
            application=None,
        )

    def _own(self, status: Status, author: AccountView) -> StatusView:
        gate = self._snap.gate
        answered = self._accounts.get(status.in_reply_to_author or 0)
        boosts, likes = boost_and_like_counts(self._snap, status.id)
        return StatusView(
            status=status,
            author=author,
            replies=reply_count(self._snap, status.id),
            boosts=boosts,
            likes=likes,
            mentions=tuple(
                self._accounts[account]
                for account in gate.active_among(status.mentions)
                if account in self._accounts
            ),
            in_reply_to_account_id=None if answered is None else answered.id,
            reblog=None,
            poll=polls.view(self._snap, status),
            application=self._applications.get(status.application or 0),
            media=tuple(self._media[id_] for id_ in status.media if id_ in self._media),
            emojis=emojis.used(self._snap, status.spoiler_text, status.text),
            card=self._cards.get(status.id),
            quotes=quotes.count(self._snap, status.id),
        )


def reply_count(snap: Snapshot, status_id: int) -> int:
    """Return how many replies to a status anybody may see."""
    authors = [
        author
        for _, author, visibility in snap.statuses.replies(status_id)
        if visibility <= Visibility.UNLISTED
    ]
    return len(snap.gate.active_among(authors)) if authors else 0


def boost_and_like_counts(snap: Snapshot, status_id: int) -> tuple[int, int]:
    """Return how many accounts boost a status, and how many like it."""
    return (
        snap.gate.visible_count(SetKey(status_id, SetKind.BOOSTS)),
        snap.gate.visible_count(SetKey(status_id, SetKind.LIKES)),
    )


def viewer_flags(snap: Snapshot, viewer: int, ids: Iterable[int]) -> dict[int, ViewerFlags]:
    """Return what each status is to the viewer; a boost has those of its original, which is there
    too.
    """
    found = snap.statuses.many(ids)
    source = {
        id_: id_ if status.reblog_of is None else status.reblog_of for id_, status in found.items()
    }
    boosted = set(source.values()) - found.keys()
    statuses = {**found, **snap.statuses.many(boosted)} if boosted else found
    originals = [id_ for id_, status in statuses.items() if status.reblog_of is None]
    flags = _flags(snap, viewer, {id_: statuses[id_] for id_ in originals})
    boosts = {id_: flags[of] for id_, of in source.items() if of != id_ and of in flags}
    return {**flags, **boosts}


def _flags(snap: Snapshot, viewer: int, statuses: Mapping[int, Status]) -> dict[int, ViewerFlags]:
    ids = list(statuses)
    kinds = (SetKind.LIKES, SetKind.BOOSTS, SetKind.BOOKMARKS)
    keys = [SetKey(id_, kind) for id_ in ids for kind in kinds]
    snap.sets.prefetch(keys)
    member = snap.sets.contained_in(keys, viewer)
    threads = {id_: SetKey(statuses[id_].root, SetKind.THREAD_MUTES) for id_ in ids}
    snap.sets.prefetch(threads.values())
    flags = {}
    for place, id_ in enumerate(ids):
        liked, boosted, kept = member[3 * place : 3 * place + 3]
        poll = statuses[id_].poll
        votes = None
        if poll is not None:
            chosen = snap.sets.contained_in(polls.vote_keys(id_, poll), viewer)
            votes = tuple(option for option, is_chosen in enumerate(chosen) if is_chosen)
        flags[id_] = ViewerFlags(
            favourited=liked,
            reblogged=boosted,
            bookmarked=kept,
            muted=snap.sets.contains(threads[id_], viewer),
            own_votes=votes,
            root=statuses[id_].root,
        )
    return flags
