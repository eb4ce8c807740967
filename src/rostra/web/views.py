"""What templates show, gathered from one snapshot; templates never read anything themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct

from rostra.domain.accounts import Account
from rostra.domain.errors import NotFound
from rostra.domain.filters import FilterAction, FilterContext, FilterResult
from rostra.domain.relationships import Relationship
from rostra.domain.statuses import Status
from rostra.ports import Snapshot
from rostra.services.notifying.grouping import NotificationGroup
from rostra.services.publishing import quotes
from rostra.services.publishing.polls import PollView
from rostra.services.reading import filters, hydration
from rostra.services.reading.freshness import Basis
from rostra.services.reading.hydration import AccountView, StatusView, ViewerFlags
from rostra.services.social_graph import relationships
from rostra.web.visits import Visitor

_NO_FLAGS = ViewerFlags(
    favourited=False, reblogged=False, bookmarked=False, muted=False, own_votes=None
)


class Quote(Struct, frozen=True):
    """What a status quotes, as its viewer may see it; ``view`` is None where that is not at all.

    ``state`` says why, in the words of the Mastodon API.
    """

    state: str
    view: StatusView | None = None


class Card(Struct, frozen=True):
    """A status in a list. ``id`` is the boost's where it is boosted; ``view`` is what is shown.

    ``warned`` names the viewer's filters it is folded away for; ``covered`` says that one of them
    covers its media. ``pinned`` is that the viewer pinned it, ``on_top`` that it stands first.
    """

    id: int
    view: StatusView
    flags: ViewerFlags
    boosted_by: AccountView | None = None
    replying_to: Account | None = None
    own: bool = False
    pinned: bool = False
    on_top: bool = False
    warned: tuple[str, ...] = ()
    covered: bool = False
    quote: Quote | None = None


class Person(Struct, frozen=True):
    """An account as a visitor sees it. ``relationship`` is None when nobody is signed in."""

    view: AccountView
    relationship: Relationship | None = None
    own: bool = False

    @property
    def account(self) -> Account:
        """The account itself."""
        return self.view.account


class Note(Struct, frozen=True):
    """A notification, or several of the same about the same, with what they are about."""

    kind: str
    key: str
    created_at: int
    count: int
    sources: tuple[AccountView, ...]
    card: Card | None = None
    unread: bool = False


def _card(
    view: StatusView,
    flags: dict[int, ViewerFlags],
    answered: dict[int, Account],
    viewer: int | None,
    found: Sequence[FilterResult] = (),
    quoted: Mapping[int, Quote] | None = None,
    pinned: Collection[int] = (),
) -> Card:
    shown = view.reblog or view
    titles = (one.filter.title for one in found if one.filter.action == FilterAction.WARN)
    return Card(
        id=view.status.id,
        view=shown,
        flags=flags.get(shown.status.id, _NO_FLAGS),
        boosted_by=view.author if view.reblog else None,
        replying_to=answered.get(shown.status.in_reply_to_author or 0),
        own=shown.author.account.ordinal == viewer,
        warned=tuple(titles),
        covered=any(one.filter.action == FilterAction.BLUR for one in found),
        quote=(quoted or {}).get(shown.status.id),
        pinned=shown.status.id in pinned,
    )


def cards(
    snap: Snapshot,
    viewer: int | None,
    ids: Sequence[int],
    place: FilterContext | None = None,
) -> list[Card]:
    """Return statuses that a service selected for ``viewer``, in their order.

    Args:
        snap: the view.
        viewer: who reads; None: anybody.
        ids: which.
        place: where they stand: what the viewer's filters hide there is left out.
    """
    filtered = _filtered(snap, viewer, ids, place)
    ids = [id_ for id_ in ids if not _hides(filtered.get(id_, ()))]
    views = hydration.status_views(snap, ids)
    present = [views[id_] for id_ in ids if id_ in views]
    shown = [(view.reblog or view).status for view in present]
    authors = {status.in_reply_to_author for status in shown} - {None}
    answered = snap.accounts.many(
        snap.gate.active_among(author for author in authors if author is not None)
    )
    flags: dict[int, ViewerFlags] = {}
    if viewer is not None:
        flags = hydration.viewer_flags(snap, viewer, [status.id for status in shown])
    quoted = _quotes(snap, viewer, shown)
    pinned = () if viewer is None else snap.statuses.pinned(viewer)
    return [
        _card(view, flags, answered, viewer, filtered.get(view.status.id, ()), quoted, pinned)
        for view in present
    ]


def _quotes(snap: Snapshot, viewer: int | None, shown: Sequence[Status]) -> dict[int, Quote]:
    """Return what statuses quote, by the id of each."""
    found = {
        status.id: quotes.standing(
            snap,
            viewer,
            author=status.author,
            quoted_id=status.quote_of,
            state=status.quote_state,
        )
        for status in shown
        if status.quote_of is not None
    }
    if not found:
        return {}
    wanted = [one.status.id for one in found.values() if one.status is not None]
    views = hydration.status_views(snap, wanted)
    return {
        id_: Quote(one.state, views.get(one.status.id) if one.status is not None else None)
        for id_, one in found.items()
    }


def _filtered(
    snap: Snapshot, viewer: int | None, ids: Sequence[int], place: FilterContext | None
) -> dict[int, list[FilterResult]]:
    """Return what the viewer's filters for a place find in statuses; in one's own they do not."""
    if viewer is None or place is None:
        return {}
    finder = filters.finder(snap, viewer)
    if not finder:
        return {}
    others = [status.id for status in snap.statuses.many(ids).values() if status.author != viewer]
    results = ((id_, filters.find(snap, finder, id_)) for id_ in others)
    return {id_: [one for one in found if place in one.filter.contexts] for id_, found in results}


def _hides(found: Sequence[FilterResult]) -> bool:
    return any(one.filter.action == FilterAction.HIDE for one in found)


def card(snap: Snapshot, viewer: int | None, status_id: int) -> Card:
    """Return one status that ``viewer`` may see.

    Raises:
        NotFound: it is not there any more.
    """
    found = cards(snap, viewer, [status_id])
    if not found:
        raise NotFound
    return found[0]


def basis_of(shown: Iterable[Card], *accounts: int) -> Basis:
    """Return what a page was made from that shows statuses and, beside them, accounts (ordinals).

    A handler puts it into ``request.state.basis``, so that the page outlives what does not concern
    it (``web/shared.py``).
    """
    ordinals, statuses = set(accounts), set[int]()
    for one in shown:
        status = one.view.status
        statuses |= {one.id, status.id}
        if status.quote_of is not None:
            statuses.add(status.quote_of)
        involved = (one.boosted_by, one.view.author)
        ordinals |= {each.account.ordinal for each in involved if each is not None}
        if one.replying_to is not None:
            ordinals.add(one.replying_to.ordinal)
    return Basis(accounts=frozenset(ordinals), statuses=frozenset(statuses))


def people(
    snap: Snapshot, viewer: int | None, ordinals: Sequence[int], *, with_suspended: bool = False
) -> list[Person]:
    """Return accounts with the viewer's relationship to each, in their order."""
    views = hydration.account_views(snap, ordinals)
    found: dict[int, Relationship] = {}
    if viewer is not None:
        related = relationships.relationships(snap, viewer, ordinals, with_suspended=with_suspended)
        found = {relationship.target: relationship for relationship in related}
    return [
        Person(views[ordinal], found.get(ordinal), own=ordinal == viewer)
        for ordinal in ordinals
        if ordinal in views
    ]


def person(
    snap: Snapshot, viewer: int | None, ordinal: int, *, with_suspended: bool = False
) -> Person:
    """Return one account with the viewer's relationship to it.

    Raises:
        NotFound: there is none.
    """
    found = people(snap, viewer, [ordinal], with_suspended=with_suspended)
    if not found:
        raise NotFound
    return found[0]


def notes(
    snap: Snapshot, visitor: Visitor, listed: Sequence[NotificationGroup], read: int
) -> list[Note]:
    """Return groups of notifications with their accounts and statuses, in their order.

    Args:
        snap: the view.
        visitor: whose.
        listed: the groups.
        read: the id up to which they are read.
    """
    sources = hydration.account_views(
        snap, dict.fromkeys(source for group in listed for source in group.sources)
    )
    about = [group.newest.status for group in listed if group.newest.status is not None]
    found = cards(snap, visitor.ordinal, list(dict.fromkeys(about)), FilterContext.NOTIFICATIONS)
    by_id = {one.id: one for one in found}
    return [
        Note(
            kind=group.newest.type.label,
            key=group.key,
            created_at=group.newest.created_at,
            count=group.count,
            sources=tuple(sources[source] for source in group.sources if source in sources),
            card=by_id.get(group.newest.status or 0),
            unread=group.newest.id > read,
        )
        for group in listed
        if group.newest.status is None or group.newest.status in by_id
    ]


def percent(poll: PollView, option: int) -> int:
    """Return the share of those who voted that chose an option, in whole percent."""
    total = poll.voters if poll.poll.multiple else sum(poll.votes)
    return round(100 * poll.votes[option] / total) if total and option < len(poll.votes) else 0
