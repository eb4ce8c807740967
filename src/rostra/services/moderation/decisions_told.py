"""What everybody is told of a poll that decides: that it does, about what, and what it came to.

Nobody's vote is told, and not what moderators said to each other; with the evidence anybody can see
how many accounts counted, how old they were, and who was left out.
"""

from __future__ import annotations

from msgspec import Struct

from rostra.domain.decision_polls import Decision
from rostra.domain.statuses import Status
from rostra.ports import View
from rostra.services.moderation import decision_polls, decision_results


class Told(Struct, frozen=True, kw_only=True):
    """A decision left to a poll, as of now.

    ``handle`` is whose return it decides about, empty for an amnesty and for one that was deleted;
    ``accounts`` how many an amnesty is for.
    """

    decision: Decision
    handle: str
    accounts: int


def told(view: View, status: Status) -> Told | None:
    """Return what everybody is told of what the poll of a status decides, None for nothing."""
    if status.poll is None:
        return None
    found = view.decisions.newest_of_poll(status.id)
    if found is None:
        return None
    account = view.accounts.get(found.account) if found.account is not None else None
    there = account is not None and not view.gate.state(account.ordinal).deleted
    amnesty = view.amnesties.get(found.amnesty) if found.amnesty is not None else None
    return Told(
        decision=decision_results.as_of_now(view, found),
        handle=account.username if account is not None and there else "",
        accounts=amnesty.figures.selected if amnesty is not None else 0,
    )


def told_to(view: View, account: int) -> Decision | None:
    """Return what an account's own return is left to, as of now, None when to no poll."""
    found = decision_polls.current(view, account=account)
    return None if found is None else decision_results.as_of_now(view, found)
