"""What visitors ask about an account that came back, and which answers are right."""

from __future__ import annotations

from functools import partial

from msgspec import Struct

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.accounts import Account
from rostra.ports import Snapshot, Visit
from rostra.services.probing_asking import Question, Verdict, Window, right, wrong


class Figures(Struct, frozen=True):
    """What a profile says of an account."""

    active: bool
    followers: int
    following: int
    statuses: int


def figures(snap: Snapshot, account: int) -> Figures:
    """Return the figures of an account as anybody sees them."""
    return Figures(
        active=snap.gate.active(account),
        followers=snap.gate.visible_count(SetKey(account, SetKind.FOLLOWERS)),
        following=snap.gate.visible_count(SetKey(account, SetKind.FOLLOWING)),
        statuses=snap.statuses.count_by_author(account),
    )


def profiles(account: Account) -> list[Question[Figures]]:
    """Return the questions for the profile: by its handle, by its id, and the page."""
    return [
        Question(
            name="lookup",
            truth=lambda snap: figures(snap, account.ordinal),
            ask=lambda one: one.ask("/api/v1/accounts/lookup", params={"acct": account.username}),
            judge=partial(_profile, account),
        ),
        Question(
            name="profile",
            truth=lambda snap: figures(snap, account.ordinal),
            ask=lambda one: one.ask(f"/api/v1/accounts/{account.id}"),
            judge=partial(_profile, account),
        ),
    ]


def _profile(account: Account, window: Window[Figures], answer: Visit) -> Verdict:
    data = answer.json()
    if answer.status != 200 or not isinstance(data, dict):
        return wrong(f"answered {answer.status} where the profile should be")
    if data.get("suspended") or str(data.get("id")) != str(account.id):
        return wrong("shows the account as suspended, though it is active")
    problems = []
    for name, kind in (("followers", SetKind.FOLLOWERS), ("following", SetKind.FOLLOWING)):
        before, after = getattr(window.before, name), getattr(window.after, name)
        numbers = window.counts(SetKey(account.ordinal, kind), before, after)
        said = data.get(f"{name}_count")
        if said not in numbers:
            problems.append(f"says {name} {said}, recounted {_span(numbers)}")
    statuses = {window.before.statuses, window.after.statuses}
    if data.get("statuses_count") not in statuses:
        problems.append(f"says statuses {data.get('statuses_count')}, stored {_span(statuses)}")
    if problems:
        return wrong("; ".join(problems))
    return right(f"{data['followers_count']:,} followers, following {data['following_count']:,}")


def _span(numbers: set[int]) -> str:
    low, high = min(numbers), max(numbers)
    return f"{low}" if low == high else f"{low} to {high}"
