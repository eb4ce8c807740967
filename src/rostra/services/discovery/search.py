"""Search: statuses by their words, hashtags by their beginnings, addresses of what is here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from msgspec.structs import replace
from pyroaring import BitMap

from rostra.domain import searching
from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.accounts import Account
from rostra.domain.errors import NotFound
from rostra.domain.ids import MAX_SNOWFLAKE, parse_id
from rostra.domain.searching import LIBRARY, PUBLIC, StatusQuery
from rostra.domain.statuses import Status, Visibility
from rostra.domain.text import normal_tag
from rostra.ports import Context, Snapshot, Transaction
from rostra.services.discovery.account_search import accounts
from rostra.services.reading import timelines
from rostra.services.reading.threads import show, visible

__all__ = ["accounts", "address", "hashtags", "index_words", "rebuild", "statuses"]

MAX_READ: Final = 4000
"""How many statuses that match are looked at for one page."""

FIRST_LOT: Final = 80
TAGS_READ: Final = 60
INDEXED_AT_ONCE: Final = 500


def statuses(
    snap: Snapshot,
    viewer: int | None,
    q: str,
    *,
    limit: int,
    offset: int = 0,
    account: int | None = None,
    max_id: int | None = None,
    min_id: int | None = None,
) -> list[int]:
    """Return the ids of statuses that match a query and the viewer may find, newest first.

    These are what the viewer wrote, was mentioned in, liked, boosted or bookmarked, and public
    statuses of accounts that let themselves be found. Nobody who is not signed in finds any.

    Args:
        snap: the view.
        viewer: who asks.
        q: the query (``searching.parse``).
        limit: how many at most.
        offset: how many to pass over.
        account: only statuses of the account with this id.
        max_id: only statuses with ids below.
        min_id: only statuses with ids above.

    Raises:
        Invalid: an operator of the query makes no sense.
    """
    if viewer is None or limit <= 0:
        return []

    def named(handle: str) -> int | None:
        if handle == "me":
            return viewer
        found = snap.accounts.by_username(handle.removeprefix("@").partition("@")[0])
        return None if found is None else found.ordinal

    query = searching.parse(q, account=named, now=snap.now)
    if query.empty:
        return []
    if account is not None:
        author = snap.accounts.by_id(account)
        fact = searching.by(author.ordinal) if author is not None else "nobody"
        query = replace(query, facts=(*query.facts, (fact,)))
    query = replace(
        query,
        below=min(query.below, MAX_SNOWFLAKE if max_id is None else max_id),
        above=max(query.above, min_id or 0),
    )
    if query.place == PUBLIC:
        query = replace(query, facts=(*query.facts, (searching.seen_by(Visibility.PUBLIC),)))
    found, read_all = _read(snap, viewer, query, offset + limit)
    if not read_all and query.place != PUBLIC:
        # Too much of others' matches: one's own is found for certain, however old it is.
        own = (searching.by(viewer), searching.mentions(viewer))
        older, _ = _read(snap, viewer, replace(query, facts=(*query.facts, own)), offset + limit)
        found = sorted({*found, *older}, reverse=True)
    return found[offset : offset + limit]


def _read(snap: Snapshot, viewer: int, query: StatusQuery, wanted: int) -> tuple[list[int], bool]:
    """Return the newest ids the viewer may find, and whether that is all there is or is wanted."""
    found: list[int] = []
    below, read, step = query.below, 0, FIRST_LOT
    while read < MAX_READ:
        ids = snap.search.statuses(query, limit=step, below=below)
        found += _findable(snap, viewer, query.place, ids)
        if len(ids) < step or len(found) >= wanted:
            return found, True
        below, read, step = ids[-1], read + step, min(2 * step, 640)
    return found, False


def _findable(snap: Snapshot, viewer: int, place: str, ids: Iterable[int]) -> list[int]:
    """Return those statuses the viewer may see and has a reason to find."""
    seen = visible(snap, viewer, list(snap.statuses.many(ids).values()))
    authors = BitMap([status.author for status in seen])
    welcome = snap.gate.listed(viewer, authors)
    welcome.add(viewer)
    profiles = snap.accounts.many(authors)
    public, rest = [], []
    for status in seen:
        if status.author not in welcome:
            continue
        open_to_all = status.visibility == Visibility.PUBLIC and profiles[status.author].indexable
        if open_to_all and place != LIBRARY:
            public.append(status.id)
        elif place != PUBLIC:
            rest.append(status)
    return sorted((*public, *_in_library(snap, viewer, rest)), reverse=True)


def _in_library(snap: Snapshot, viewer: int, found: list[Status]) -> list[int]:
    """Return those statuses that are the viewer's or that it had to do with."""
    kinds = (SetKind.LIKES, SetKind.BOOSTS, SetKind.BOOKMARKS)
    own = [one.id for one in found if viewer == one.author or viewer in one.mentions]
    others = [one.id for one in found if viewer != one.author and viewer not in one.mentions]
    keys = [SetKey(id_, kind) for id_ in others for kind in kinds]
    snap.sets.prefetch(keys)
    member = snap.sets.contained_in(keys, viewer)
    touched = {key.owner for key, is_in in zip(keys, member, strict=True) if is_in}
    return own + [id_ for id_ in others if id_ in touched]


def hashtags(
    snap: Snapshot, viewer: int | None, q: str, *, limit: int, offset: int = 0
) -> list[str]:
    """Return hashtags that begin as a query does and that the viewer can find statuses with.

    The one of exactly this name comes first, whatever else there is.
    """
    typed = q.strip()
    name = normal_tag(typed)
    if not name or limit <= 0 or any(character.isspace() for character in typed):
        return []
    found = [tag for tag in snap.search.hashtags(name, limit=TAGS_READ) if tag != name]
    shown = [tag for tag in (name, *found) if timelines.tag(snap, viewer, tag, limit=1)]
    return shown[offset : offset + limit]


def address(snap: Snapshot, viewer: int | None, q: str, *, url: str) -> Account | Status | None:
    """Return the account or status of this server whose address was typed into a search.

    Args:
        snap: the view.
        viewer: who asks.
        q: what was typed.
        url: the address of this server.
    """
    typed = q.strip()
    if not typed.startswith(f"{url}/"):
        return None
    names = [name for name in urlsplit(typed.removeprefix(url)).path.split("/") if name]
    if names[:1] == ["users"]:
        names = [f"@{names[1]}", *names[2:]] if len(names) > 1 else []
    if len(names) == 1 and names[0].startswith("@"):
        found = snap.accounts.by_username(names[0][1:])
        known = found is not None and snap.gate.active(found.ordinal)
        return found if known else None
    status_id = parse_id(names[-1]) if len(names) > 1 else None
    if status_id is None:
        return None
    try:
        return show(snap, viewer, status_id)
    except NotFound:
        return None


# -- the index -------------------------------------------------------------------------------------


async def rebuild(ctx: Context) -> None:
    """Forget the index of words and have it made anew; searches find little until it is there."""

    def change(tx: Transaction) -> None:
        tx.search.clear()
        tx.jobs.enqueue("index_words", {}, tx.now)

    await ctx.store.write(change)


async def index_words(ctx: Context, *, account: int = 0, status: int = 0) -> None:
    """Index what is above an ordinal and an id, some at a time: a job that puts itself off.

    What comes or changes meanwhile is indexed by its own commit.
    """

    def change(tx: Transaction) -> None:
        person = tx.search.put_more_accounts(account, INDEXED_AT_ONCE)
        said = tx.search.put_more_statuses(status, INDEXED_AT_ONCE)
        if person is None and said is None:
            return
        rest = {"account": person or account, "status": said or status}
        tx.jobs.enqueue("index_words", rest, tx.now)

    await ctx.store.write(change)
