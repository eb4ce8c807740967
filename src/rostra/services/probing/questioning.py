"""What visitors ask about an account that came back, and which answers are right."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from msgspec import Struct

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.accounts import Account
from rostra.domain.statuses import Visibility
from rostra.domain.words import how_many, noun
from rostra.ports import Snapshot, Visit, Visitor
from rostra.services.probing.asking import Question, Verdict, Window, right, wrong

PAGE: Final = 20
STATUSES: Final = 5
COUNTED: Final = (
    ("follower", "followers", SetKind.FOLLOWERS),
    ("following", "following", SetKind.FOLLOWING),
)
_NO_DIGIT: Final = re.compile(r"\D")


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


def questions(account: Account) -> list[Question[Any]]:
    """Return what anybody may ask, whoever follows the account."""
    return [*profiles(account), page(account), first_page(account), *said(account), search(account)]


# -- the profile -----------------------------------------------------------------------------------


def profiles(account: Account) -> list[Question[Figures]]:
    """Return the questions for the profile by its handle and by its id."""
    truth = partial(figures, account=account.ordinal)
    judge = partial(_profile, account)
    by_handle = {"acct": account.username}
    return [
        Question(
            name="lookup",
            truth=truth,
            ask=lambda one, _: one.ask("/api/v1/accounts/lookup", params=by_handle),
            judge=judge,
        ),
        Question(
            name="profile",
            truth=truth,
            ask=lambda one, _: one.ask(f"/api/v1/accounts/{account.id}"),
            judge=judge,
        ),
    ]


def _profile(account: Account, window: Window[Figures], answer: Visit) -> Verdict:
    data = answer.json()
    if answer.status != 200 or not isinstance(data, dict):
        return wrong(f"answered {answer.status} where the profile should be")
    if data.get("suspended") or str(data.get("id")) != str(account.id):
        return wrong("shows the account as suspended, though no action in force suspends it")
    problems = []
    for one, name, kind in COUNTED:
        before, after = getattr(window.before, name), getattr(window.after, name)
        numbers = window.counts(SetKey(account.ordinal, kind), before, after)
        said = data.get(f"{name}_count")
        if said not in numbers:
            called = noun(said or 0, one, name)
            problems.append(f"says {said} {called}, recounted from the disk are {_span(numbers)}")
    statuses = window.around({account.ordinal}, window.before.statuses, window.after.statuses)
    said = data.get("statuses_count")
    if said not in statuses:
        problems.append(
            f"says {said} {noun(said or 0, 'status', 'statuses')}, stored {_span(set(statuses))}"
        )
    if problems:
        return wrong("; ".join(problems))
    followers = how_many(data["followers_count"], "follower")
    return right(f"{followers}, following {data['following_count']:,}")


def _span(numbers: set[int]) -> str:
    low, high = min(numbers), max(numbers)
    return f"{low}" if low == high else f"{low} to {high}"


def page(account: Account) -> Question[Figures]:
    """Return the question for the profile as people see it."""
    return Question(
        name="page",
        truth=partial(figures, account=account.ordinal),
        ask=lambda one, _: one.ask(f"/@{account.username}"),
        judge=partial(_page, account),
    )


def _page(account: Account, window: Window[Figures], answer: Visit) -> Verdict:
    if answer.status != 200:
        return wrong(f"answered {answer.status} where the page of the profile should be")
    key = SetKey(account.ordinal, SetKind.FOLLOWERS)
    numbers = window.counts(key, window.before.followers, window.after.followers)
    shown = _count_on(answer.text(), account.username)
    if shown not in numbers:
        called = noun(shown or 0, "follower")
        return wrong(f"shows {shown} {called}, recounted from the disk are {_span(numbers)}")
    return right(f"the page shows {how_many(shown or 0, 'follower')}")


def _count_on(html: str, username: str) -> int | None:
    """Return the exact number of followers that a profile shows, None when it shows none."""
    link = re.search(rf'href="/@{re.escape(username)}/followers">(.*?)</a>', html, re.DOTALL)
    found = link and re.search(r'<strong>(?:<abbr title="([^"]+)">|([^<]+))', link[1])
    digits = _NO_DIGIT.sub("", found[1] or found[2]) if found else ""
    return int(digits) if digits else None


# -- the list of followers -------------------------------------------------------------------------


def first_page(account: Account) -> Question[list[str]]:
    """Return the question for the newest followers, as anybody sees them."""
    path = f"/api/v1/accounts/{account.id}/followers"
    return Question(
        name="followers",
        truth=partial(_newest, account),
        ask=lambda one, _: one.ask(path, params={"limit": str(PAGE)}),
        judge=partial(_followers, SetKey(account.ordinal, SetKind.FOLLOWERS)),
    )


def _newest(account: Account, snap: Snapshot) -> list[str]:
    latest = snap.accounts.get(account.ordinal)  # its owner may hide them while they are asked for
    if latest is None or latest.hide_collections or not snap.gate.active(account.ordinal):
        return []
    entries = snap.gate.visible_page(SetKey(account.ordinal, SetKind.FOLLOWERS), limit=PAGE)
    found = snap.accounts.many(entry.member for entry in entries)
    return [str(one.id) for one in found.values()]


def _followers(key: SetKey, window: Window[list[str]], answer: Visit) -> Verdict:
    ids, doubtful = _ids(answer), window.in_doubt(key)
    known = (window.before, window.after)
    if ids is not None and any(_same_but(ids, truth, doubtful) for truth in known):
        return right(f"{len(ids)} in the places they have on the disk")
    return _listed(window, answer)


def _same_but(shown: Sequence[str], stored: Sequence[str], doubtful: set[str]) -> bool:
    """Return whether two first pages are the same but for those who came or went meanwhile, who may
    have pushed others beyond the end of the page.
    """
    one = [id_ for id_ in shown if id_ not in doubtful]
    other = [id_ for id_ in stored if id_ not in doubtful]
    both = min(len(one), len(other))
    return (
        one[:both] == other[:both]
        and (len(one) == both or len(stored) >= PAGE)
        and (len(other) == both or len(shown) >= PAGE)
    )


def _listed(window: Window[list[str]], answer: Visit) -> Verdict:
    ids = _ids(answer)
    if ids is None:
        return wrong(f"answered {answer.status} where a list should be")
    if ids not in (window.before, window.after):
        return wrong(f"lists {_names(ids)}, stored are {_names(window.after)}")
    return right(f"{len(ids)} in the places they have on the disk")


def _ids(answer: Visit) -> list[str] | None:
    """Return the ids in a list, None when it is no list."""
    data = answer.json()
    if answer.status != 200 or not isinstance(data, list):
        return None
    return [str(one.get("id")) for one in data]


def _names(ids: Sequence[str]) -> str:
    return f"{len(ids)} ({', '.join(ids[:3])}{' …' if len(ids) > 3 else ''})" if ids else "nothing"


# -- what it has said ------------------------------------------------------------------------------


def said(account: Account) -> list[Question[list[str]]]:
    """Return the questions for the account's newest statuses: their list, and the newest one."""
    params = {"limit": str(STATUSES), "exclude_reblogs": "true"}

    async def newest(one: Visitor, path: str) -> Visit | None:
        listed = _ids(await one.ask(f"/api/v1/accounts/{account.id}/statuses", params=params))
        return await one.ask(f"{path}/{listed[0]}") if listed else None

    return [
        Question(
            name="statuses",
            truth=partial(_statuses, account.ordinal),
            ask=lambda one, _: one.ask(f"/api/v1/accounts/{account.id}/statuses", params=params),
            judge=_listed,
        ),
        Question(
            name="status",
            truth=partial(_statuses, account.ordinal),
            ask=lambda one, _: newest(one, "/api/v1/statuses"),
            judge=_status,
        ),
    ]


def _statuses(account: int, snap: Snapshot) -> list[str]:
    if not snap.gate.active(account):
        return []
    open_to_all = (Visibility.PUBLIC, Visibility.UNLISTED)
    found = snap.statuses.by_author(
        account, visibilities=open_to_all, exclude_reblogs=True, limit=STATUSES
    )
    return [str(status.id) for status in found]


def _status(window: Window[list[str]], answer: Visit | None) -> Verdict:
    if not (window.before or window.after):
        return right("it has said nothing that anybody may see")
    data = answer.json() if answer is not None else None
    if answer is None or answer.status != 200 or not isinstance(data, dict):
        what = "its list is empty" if answer is None else f"answered {answer.status}"
        return wrong(f"{what} where the newest status should be")
    if data.get("id") not in (*window.before[:1], *window.after[:1]):
        return wrong(f"shows status {data.get('id')}, the newest stored is {window.after[:1]}")
    return right(f"status {data['id']} is shown")


# -- search ----------------------------------------------------------------------------------------


def search(account: Account) -> Question[bool]:
    """Return the question whether anybody finds the account by its handle."""
    params = {"q": f"@{account.username}", "type": "accounts", "limit": "5"}
    return Question(
        name="search",
        truth=lambda snap: snap.gate.active(account.ordinal),
        ask=lambda one, _: one.ask("/api/v2/search", params=params),
        judge=partial(_found, account),
    )


def _found(account: Account, window: Window[bool], answer: Visit) -> Verdict:
    data = answer.json()
    if answer.status != 200 or not isinstance(data, dict):
        return wrong(f"answered {answer.status} where what was searched for should be")
    there = str(account.id) in [str(one.get("id")) for one in data.get("accounts", [])]
    if there not in (window.before, window.after):
        return wrong("does not find the account by its handle")
    return right("found by its handle")


# -- media -----------------------------------------------------------------------------------------


def media(account: Account, paths: Sequence[str]) -> Question[frozenset[str]]:
    """Return the question whether files of the account are handed out, as long as they are its.

    Args:
        account: whose they are.
        paths: where they are, each on the disk.
    """

    def owned(snap: Snapshot) -> frozenset[str]:
        latest = snap.accounts.get(account.ordinal) or account
        return frozenset(path_of(*file) for file in files_of(snap, latest))

    async def ask(one: Visitor, _: object) -> dict[str, int]:
        return {path: (await one.ask(path, method="HEAD")).status for path in paths}

    return Question(name="media", truth=owned, ask=ask, judge=_handed_out)


def _handed_out(window: Window[frozenset[str]], answers: dict[str, int]) -> Verdict:
    kept = window.before & window.after  # another picture or status may stand in its place by now
    refused = [status for path, status in answers.items() if status != 200 and path in kept]
    if refused:
        files = how_many(len(answers), "file")
        return wrong(f"{len(refused)} of {files} answered with {refused[0]}")
    if not answers:
        return right("it has no files")
    return right(f"{how_many(len(answers), 'file is', 'files are')} handed out")


def path_of(key: str, name: str) -> str:
    """Return where a file is handed out."""
    return f"/media/{key}/{name}"


def files_of(snap: Snapshot, account: Account, *, limit: int = 4) -> list[tuple[str, str]]:
    """Return (key, name) of the account's pictures and of what its newest statuses carry."""
    found = [
        (parts[1], parts[2])
        for picture in (account.avatar, account.header)
        if len(parts := picture.lstrip("/").split("/")) == 3 and parts[0] == "media"
    ]
    newest = snap.statuses.by_author(
        account.ordinal, visibilities=(0, 1), exclude_reblogs=True, only_media=True, limit=limit
    )
    rows = snap.media.many(id_ for status in newest for id_ in status.media)
    found += [(one.key, one.file) for one in rows.values() if one.file]
    return found[:limit]
