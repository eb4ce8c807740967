"""Quotes: who may quote what, what a quote shows to whom, and taking one back.

Whether a quoted status can be shown is asked of the gate whenever the quote is: nothing is written
when it is hidden, deleted or seen by somebody who may not.
"""

from __future__ import annotations

from functools import partial
from typing import Final, Unpack

from msgspec import Struct
from msgspec.structs import replace
from pyroaring import BitMap

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.accounts import Account
from rostra.domain.errors import Forbidden, Invalid, NotFound
from rostra.domain.notifications import NotificationType
from rostra.domain.pages import Page
from rostra.domain.statuses import QuotePolicy, QuoteState, Status, Visibility
from rostra.ports import Context, Snapshot, Transaction, View
from rostra.services.notifying import notifications
from rostra.services.notifying.merging import mutes_thread
from rostra.services.reading import paging
from rostra.services.reading.threads import original, show, visible

ACCEPTED: Final = "accepted"
WITH_CONTENT: Final = frozenset({ACCEPTED, "muted_account"})
"""The states in which the quoted status is shown; apps fold away that of a muted account."""


class Standing(Struct, frozen=True):
    """What a quote is to a viewer, as the Mastodon API calls it; ``status`` is what it shows."""

    state: str
    status: Status | None


def standing(
    view: View, viewer: int | None, *, author: int, quoted_id: int, state: QuoteState
) -> Standing:
    """Return what the quote of a status by ``author`` is to a viewer (None: anybody)."""
    if state == QuoteState.REVOKED:
        return Standing("revoked", None)
    quoted = view.statuses.get(quoted_id)
    if quoted is None or view.gate.state(quoted.author).deleted:
        return Standing("deleted", None)
    if viewer is not None and view.gate.blocks(viewer, quoted.author):
        return Standing("blocked_account", None)
    blocked = view.gate.blocks(quoted.author, author) or view.gate.blocks(author, quoted.author)
    if blocked or not view.gate.may_see_status(viewer, quoted):
        return Standing("unauthorized", None)
    muting = SetKind.MUTING
    if viewer is not None and view.sets.contains(SetKey(viewer, muting), quoted.author):
        return Standing("muted_account", quoted)
    return Standing(ACCEPTED, quoted)


def may_quote(view: View, viewer: int | None, status: Status) -> bool:
    """Return whether the policy of a status that the viewer may see lets it quote that."""
    return allowed(
        view, viewer, status.author, policy=status.quote_policy, visibility=status.visibility
    )


def allowed(
    view: View, viewer: int | None, author: int, *, policy: QuotePolicy, visibility: Visibility
) -> bool:
    """Return whether a policy lets the viewer quote a status of ``author``."""
    if viewer is None or visibility == Visibility.DIRECT:
        return False
    if viewer == author:
        return True
    if visibility == Visibility.PRIVATE or policy == QuotePolicy.NOBODY:
        return False
    return policy == QuotePolicy.PUBLIC or view.gate.follows(viewer, author)


def policy_for(asked: QuotePolicy, visibility: Visibility) -> QuotePolicy:
    """Return the policy of a status: as asked, and nobody where not everybody may see it."""
    return QuotePolicy.NOBODY if visibility >= Visibility.PRIVATE else asked


def default_policy(account: Account) -> QuotePolicy:
    """Return who may quote what an account says, where it does not say so."""
    return QuotePolicy[account.default_quote_policy.upper()]


def quotable(tx: Transaction, actor: int, quoted_id: int) -> Status:
    """Return the status that is to be quoted; of a boost, the original.

    Raises:
        NotFound: the actor may not see it, or there is none.
        Invalid: its author does not let the actor quote it.
    """
    found = tx.gate.require_status(actor, tx.statuses.get(quoted_id))
    status = tx.gate.require_status(actor, original(tx, found))
    blocked = tx.gate.blocks(actor, status.author)
    if blocked or not may_quote(tx, actor, status):
        raise Invalid(
            "Validation failed: Quoted status cannot be quoted: its author does not allow it. "
            "Link to it instead"
        )
    return status


def visibility_of_quote(chosen: Visibility, quoted: Status | None) -> Visibility:
    """Return for whom a status is: one that quotes what followers see is for no more than those."""
    if quoted is not None and quoted.visibility == Visibility.PRIVATE:
        return max(chosen, Visibility.PRIVATE)
    return chosen


def notify(tx: Transaction, status: Status) -> int | None:
    """Tell the author of what a new status quotes; return whom that concerns."""
    if status.quote_of is None:
        return None
    quoted = tx.statuses.get(status.quote_of)
    if quoted is None or quoted.author == status.author:
        return None
    if not tx.gate.may_see_status(quoted.author, status):
        return None
    if not mutes_thread(tx, quoted.author, status):
        notifications.store(
            tx,
            account=quoted.author,
            type_=NotificationType.QUOTE,
            source=status.author,
            status=status.id,
            created_at=status.created_at,
        )
    return quoted.author


def count(view: View, status_id: int) -> int:
    """Return how many quotes a status has that were not revoked, by accounts that are there."""
    quoters = view.statuses.quoters(status_id)
    if not quoters:
        return 0
    return sum(quoters[author] for author in view.gate.active_among(quoters))


def page(snap: Snapshot, viewer: int | None, status_id: int, **page: Unpack[Page]) -> list[int]:
    """Return a page of the statuses that quote one, newest first.

    Raises:
        NotFound: there is no such status, or the viewer may not see it.
    """
    status = original(snap, show(snap, viewer, status_id))
    if status is None:
        raise NotFound

    def keep(found: list[Status]) -> list[Status]:
        shown = visible(snap, viewer, found)
        authors = BitMap([one.author for one in shown])
        welcome = authors if viewer is None else snap.gate.wanted(viewer, authors)
        return [one for one in shown if one.author in welcome]

    fetch = partial(snap.statuses.quotes, status.id)
    return [one.id for one in paging.fill(fetch, keep, lambda one: one.id, **page)]


async def revoke(ctx: Context, *, actor: int, status_id: int, quoting_id: int) -> int:
    """Take one's own status out of a status that quotes it, for good; return the id of that.

    Raises:
        NotFound: one of the two is not there, or does not quote the other.
        Forbidden: the quoted status is somebody else's, or the actor may not act.
    """

    def change(tx: Transaction) -> int:
        tx.gate.require_may_act(actor)
        status = tx.gate.require_status(actor, tx.statuses.get(status_id))
        if status.author != actor:
            raise Forbidden
        quoting = tx.statuses.get(quoting_id)
        if quoting is None or quoting.quote_of != status.id:
            raise NotFound
        if quoting.quote_state != QuoteState.REVOKED:
            tx.statuses.update(quoting, replace(quoting, quote_state=QuoteState.REVOKED))
        return quoting.id

    return await ctx.store.write(change)


async def set_policy(ctx: Context, *, actor: int, status_id: int, policy: QuotePolicy) -> int:
    """Say who may quote a status of one's own from now on; quotes there are stay.

    Raises:
        NotFound: there is none, or the actor may not see it.
        Forbidden: it is somebody else's, or the actor may not act.
    """

    def change(tx: Transaction) -> int:
        tx.gate.require_may_act(actor)
        status = tx.gate.require_status(actor, tx.statuses.get(status_id))
        if status.author != actor or status.reblog_of is not None:
            raise Forbidden
        after = replace(status, quote_policy=policy_for(policy, status.visibility))
        if after != status:
            tx.statuses.update(status, after)
        return status.id

    return await ctx.store.write(change)
