"""Making a worker ready for an account that is to come back, in steps short enough for its readers.

What a worker shows then is what it will show at the first read after the cut-over.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from msgspec import Struct

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.accounts import Account
from rostra.domain.errors import RostraError
from rostra.domain.probes import Probe
from rostra.domain.visibility import ACCOUNT_KINDS
from rostra.domain.words import how_many, noun
from rostra.ports import Snapshot, Visit, Visitor
from rostra.services.probing.asking import Asking, Question, Verdict, Window, right, wrong
from rostra.services.probing.questioning import COUNTED
from rostra.services.reinstatement.previewing import Preview, preview

PATH: Final = "/api/rostra/v1/staging"
STEP_SECONDS: Final = 0.004
CHUNKS: Final = 8
LONGEST_PAUSE: Final = 0.05


class Ready(Struct, frozen=True):
    """How far a worker is: the preview once all is in its memory, and how long this step took."""

    preview: Preview | None
    took_ms: float


def step(snap: Snapshot, account: int) -> Ready:
    """Read a little more of an account's sets into this worker's memory.

    Raises:
        NotFound: there is no such account.
    """
    began = time.perf_counter()
    snap.gate.require_account(snap.accounts.get(account))
    for kind in sorted(ACCOUNT_KINDS):
        while not snap.sets.warm(SetKey(account, kind), chunks=CHUNKS):
            if time.perf_counter() - began > STEP_SECONDS:
                return Ready(None, (time.perf_counter() - began) * 1e3)
    if time.perf_counter() - began > STEP_SECONDS:
        return Ready(None, (time.perf_counter() - began) * 1e3)
    found = preview(snap, account)
    return Ready(found, (time.perf_counter() - began) * 1e3)


# -- from the side of the job ----------------------------------------------------------------------


class Seen(Struct, frozen=True):
    """What of a preview is compared: counts, and the newest statuses with theirs, which are those
    of their ``sources``: of a boost the original's.
    """

    followers: int
    following: int
    statuses: int
    newest: tuple[tuple[str, int, int, int], ...]
    sources: tuple[int, ...]


def uneven(snap: Snapshot, account: int) -> list[str]:
    """Return the sets of an account whose members are not as many as they say they are."""
    keys = [SetKey(account, kind) for kind in sorted(ACCOUNT_KINDS)]
    return [str(key) for key in keys if snap.sets.size(key) != len(snap.sets.bitmap(key))]


def seen(found: Preview) -> Seen:
    """Return what of a preview is compared."""
    return Seen(
        followers=found.view.followers,
        following=found.view.following,
        statuses=found.view.statuses,
        newest=tuple(
            (str(one.status.id), one.replies, one.boosts, one.likes) for one in found.statuses
        ),
        sources=tuple((one.original or one.status).id for one in found.statuses),
    )


async def make_ready(asking: Asking, account: Account, warm_page: str) -> None:
    """Make every worker ready, and hold its preview to a fresh reading of the disk.

    Args:
        asking: asks the workers.
        account: the account.
        warm_page: the path of a page like the profile, which is not ready to be shown itself.
    """
    visitors = asking.party.visitors
    await asyncio.gather(*(_read_in(asking, one, account) for one in visitors.values()))
    if asking.passed:
        await asyncio.gather(*(one.ask(warm_page) for one in visitors.values()))
        await asking.everywhere(previewed(account))


def hidden(account: Account) -> Question[bool]:
    """Return the question whether visitors are told nothing of the account yet.

    What they ask is asked twice: the second answer is one that the worker kept, and must not keep
    any longer once the account is back.
    """
    params = {"acct": account.username}

    async def ask(one: Visitor, _: object) -> bool:
        told = []
        for _again in range(2):
            by_handle = await one.ask("/api/v1/accounts/lookup", params=params)
            by_id = await one.ask(f"/api/v1/accounts/{account.id}")
            page = await one.ask(f"/@{account.username}")
            told += [_tells(by_handle), _tells(by_id), page.status == 200]
        return any(told)

    return Question(
        name="hidden",
        truth=lambda snap: snap.gate.active(account.ordinal),
        ask=ask,
        judge=_nothing_told,
    )


def _tells(answer: Visit) -> bool:
    data = answer.json()
    return answer.status == 200 and isinstance(data, dict) and not data.get("suspended")


def _nothing_told(window: Window[bool], told: bool) -> Verdict:
    if told not in (window.before, window.after):
        return wrong("shows the account to visitors, though it is suspended: start it again")
    return right("shows the account to visitors" if told else "tells visitors nothing of it yet")


async def _read_in(asking: Asking, visitor: Visitor, account: Account) -> None:
    """Take a worker through all its steps, with as much room between them as each took."""
    began = time.perf_counter()
    steps, longest = 0, 0.0
    verdict = right("")
    while True:
        try:
            answer = await visitor.ask(f"{PATH}/{account.id}", method="POST")
        except RostraError as error:
            verdict = wrong(error.message)
            break
        data = answer.json()
        if answer.status != 200 or not isinstance(data, dict):
            verdict = wrong(_refused(answer, data))
            break
        steps, longest = steps + 1, max(longest, data["took_ms"])
        if data["preview"] is not None:
            taken = how_many(steps, "step")
            verdict = right(f"sets read in {taken}, the longest of {longest:.1f} ms")
            break
        await asyncio.sleep(min(LONGEST_PAUSE, data["took_ms"] / 1e3))
    took = (time.perf_counter() - began) * 1e3
    await asking.note(Probe("memory", visitor.worker, verdict.right, verdict.said, took))


def _refused(answer: Visit, data: Any) -> str:
    why = data.get("error", "") if isinstance(data, dict) else ""
    return (
        f"answered {answer.status} {why} where the account's sets should be read: look for what "
        "is damaged with rostra doctor, and mend it with rostra doctor --repair"
    )


def previewed(account: Account) -> Question[Seen]:
    """Return the question what a worker has in memory of the account, and so will show."""
    return Question(
        name="preview",
        truth=lambda snap: seen(preview(snap, account.ordinal)),
        ask=lambda one, _: one.ask(f"{PATH}/{account.id}", method="POST"),
        judge=partial(_compared, account.ordinal),
    )


def _compared(account: int, window: Window[Seen], answer: Visit) -> Verdict:
    data = answer.json()
    shown = data.get("preview") if answer.status == 200 and isinstance(data, dict) else None
    if shown is None:
        return wrong(_refused(answer, data))
    problems = []
    for one, name, kind in COUNTED:
        before, after = getattr(window.before, name), getattr(window.after, name)
        numbers = window.counts(SetKey(account, kind), before, after)
        if shown[name] not in numbers:
            called = noun(shown[name], one, name)
            problems.append(
                f"will show {shown[name]} {called}, recounted from the disk are {after}"
            )
    newest = tuple((one["id"], *_counts(one)) for one in shown["newest"])
    statuses = window.around({account}, window.before.statuses, window.after.statuses)
    if shown["statuses"] not in statuses or not _as_stored(window, newest):
        problems.append("will show other statuses, or other counts of them, than are stored")
    for lost in data["uneven"]:
        problems.append(f"has not as many members of {lost} in memory as it says")
    if problems:
        return wrong(f"{'; '.join(problems)}. Stop and start the server, and begin again")
    followers = how_many(shown["followers"], "follower")
    return right(f"will show {followers}, as recounted from the disk")


def _as_stored(window: Window[Seen], shown: Sequence[tuple[Any, ...]]) -> bool:
    """Return whether statuses are those that were the newest before or after, each with counts
    that it had at any time meanwhile.
    """
    before, after = window.before.newest, window.after.newest
    listed = [status[0] for status in shown]
    if listed not in ([one[0] for one in before], [one[0] for one in after]):
        return False
    first, last = ({one[0]: one[1:] for one in side} for side in (before, after))
    sources = dict(
        zip(
            [one[0] for one in (*before, *after)],
            (*window.before.sources, *window.after.sources),
            strict=True,
        )
    )
    for id_, replies, boosts, likes in shown:
        source = sources[id_]
        then, now = first.get(id_) or last[id_], last.get(id_) or first[id_]
        if (
            replies not in window.around({source}, then[0], now[0])
            or boosts not in window.counts(SetKey(source, SetKind.BOOSTS), then[1], now[1])
            or likes not in window.counts(SetKey(source, SetKind.LIKES), then[2], now[2])
        ):
            return False
    return True


def _counts(one: dict[str, Any]) -> Sequence[int]:
    return one["replies"], one["boosts"], one["likes"]
