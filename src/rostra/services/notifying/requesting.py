"""From whom an account wants to hear: its policy, and the requests of those it holds back.

A request is nobody's row: it is who mentioned (or quoted) an account and is filtered, as the policy
and the follows are now. Only that one was accepted for good, or dismissed so far, is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Unpack

from msgspec import Struct
from msgspec.structs import replace

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.errors import NotFound
from rostra.domain.ids import ticks_ms
from rostra.domain.notification_ids import HASH_BITS
from rostra.domain.notifications import ASKING, Notification, Policy, Verdict
from rostra.domain.pages import Page
from rostra.ports import Context, Snapshot, Transaction, View
from rostra.services.notifying.notifications import Wanted, shown, told_to

LOOKED_AT: Final = 2_000
"""The newest mentions and quotes of an account among which requests are found."""
COUNTED: Final = 100
"""Of more requests than these the summary does not say how many."""
LISTED: Final = 500
"""Of the mentions of one account, that many are counted."""


class Request(Struct, frozen=True, kw_only=True):
    """Somebody who is held back: how often it mentioned, first and last (ids), and where last.

    ``id`` is the public id of its account.
    """

    id: int
    source: int
    first: int
    last: int
    count: int
    last_status: int | None

    @property
    def created_at(self) -> int:
        """When it first asked (ms)."""
        return ticks_ms(self.first >> HASH_BITS)

    @property
    def updated_at(self) -> int:
        """When it last asked (ms)."""
        return ticks_ms(self.last >> HASH_BITS)


class Summary(Struct, frozen=True):
    """How many ask, up to ``COUNTED``, and how often they did."""

    requests: int = 0
    notifications: int = 0


# -- the policy ------------------------------------------------------------------------------------


def policy(snap: Snapshot, viewer: int) -> tuple[Policy, Summary]:
    """Return from whom the viewer wants to hear, and how many that holds back."""
    found = list(_requests(snap, viewer, _held_back(snap, viewer)).values())[:COUNTED]
    return snap.notifications.policy(viewer), Summary(len(found), sum(one.count for one in found))


async def set_policy(ctx: Context, *, actor: int, changes: dict[str, Verdict]) -> None:
    """Change parts of the policy of the actor; it is at once true of all that ever happened."""

    def change(tx: Transaction) -> None:
        before = tx.notifications.policy(actor)
        tx.notifications.set_policy(actor, replace(before, **changes))

    await ctx.store.write(change)


# -- requests --------------------------------------------------------------------------------------


def page(snap: Snapshot, viewer: int, **page: Unpack[Page]) -> list[Request]:
    """Return a page of the requests, the one that asked last first.

    Args:
        snap: the view.
        viewer: who is asked.
        page: how many at most, and cursors: the last id of a request, or the id of the request.
    """
    requests = list(_requests(snap, viewer, _held_back(snap, viewer)).values())
    last = {one.id: one.last for one in requests}

    def cursor(id_: int | None) -> int | None:
        return id_ if id_ is None else last.get(id_, id_)

    below, nearest = cursor(page.get("max_id")), cursor(page.get("min_id"))
    above = (cursor(page.get("since_id")) if nearest is None else nearest) or 0
    found = [one for one in requests if one.last > above and (below is None or one.last < below)]
    limit = page["limit"]
    return found[:limit] if nearest is None else found[max(0, len(found) - limit) :]


def get(snap: Snapshot, viewer: int, request_id: int) -> Request:
    """Return a request by its id.

    Raises:
        NotFound: there is none.
    """
    return _require(snap, viewer, request_id)


async def accept(ctx: Context, *, actor: int, ids: Sequence[int]) -> None:
    """Hear of accounts from now on, and of all they did, whatever the policy says.

    Raises:
        NotFound: one of them does not ask.
    """

    def change(tx: Transaction) -> None:
        for request_id in ids:
            source = _source(tx, request_id)
            if not tx.sets.contains(SetKey(actor, SetKind.HEEDING), source):
                _require(tx, actor, request_id)
            tx.sets.add(SetKey(actor, SetKind.HEEDING), source)

    await ctx.store.write(change)


async def dismiss(ctx: Context, *, actor: int, ids: Sequence[int]) -> None:
    """Let accounts ask no more by what they did so far; what they did stays filtered.

    Raises:
        NotFound: one of them does not ask.
    """

    def change(tx: Transaction) -> None:
        for request_id in ids:
            found = _require(tx, actor, request_id)
            tx.notifications.dismiss_request(actor, found.source, found.last)

    await ctx.store.write(change)


# -- finding ---------------------------------------------------------------------------------------


def _held_back(view: View, viewer: int, source: int | None = None) -> list[Notification]:
    """Return the newest mentions and quotes that the policy filters, newest first."""
    if not _filters(view.notifications.policy(viewer)):
        return []
    limit = LOOKED_AT if source is None else LISTED
    found = view.notifications.stored(viewer, limit=limit, types=ASKING, source=source)
    told = told_to(view, viewer, Wanted(filtered=True))
    through = view.notifications.requests_dismissed(viewer)
    asking = [one for one in found if one.id > through.get(one.source, 0)]
    return shown(told, asking, only=Verdict.FILTER)


def _filters(policy: Policy) -> bool:
    return any(getattr(policy, rule) == Verdict.FILTER for rule in policy.__struct_fields__)


def _requests(view: View, viewer: int, held_back: Iterable[Notification]) -> dict[int, Request]:
    """Return the requests that notifications held back are, by their sources, newest first."""
    by_source: dict[int, list[Notification]] = {}
    for one in held_back:
        by_source.setdefault(one.source, []).append(one)
    accounts = view.accounts.many(by_source)
    return {
        source: Request(
            id=accounts[source].id,
            source=source,
            first=lot[-1].id,
            last=lot[0].id,
            count=len(lot),
            last_status=lot[0].status,
        )
        for source, lot in by_source.items()
        if source in accounts
    }


def _source(view: View, request_id: int) -> int:
    account = view.accounts.by_id(request_id)
    if account is None:
        raise NotFound
    return account.ordinal


def _require(view: View, viewer: int, request_id: int) -> Request:
    source = _source(view, request_id)
    found = _requests(view, viewer, _held_back(view, viewer, source)).get(source)
    if found is None:
        raise NotFound
    return found
