"""Asking every worker the same thing, and holding the answers to what was true meanwhile.

An answer is right when it was true at some instant between asking and answering. When it was not,
it is asked again: something may have changed twice meanwhile. What stays wrong is wrong.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

from msgspec import Struct

from rostra.domain.account_set import SetKey
from rostra.domain.errors import RostraError
from rostra.domain.events import AnyEvent
from rostra.domain.probes import Probe, course, members_in, stirred, toggled
from rostra.ports import Audit, Party, Snapshot, Visitor

T = TypeVar("T")

Tell = Callable[[Probe], Awaitable[None]]

PAUSES: Final = (0.02, 0.1, 0.3)
"""Seconds before something is asked again while nothing changed that explains the answer."""

TRIES: Final = 12
"""How often something is asked at most while what is true keeps changing."""


class Window(Struct, Generic[T], frozen=True):
    """What was true before something was asked, and after it was answered.

    ``commits`` are the events of each commit between the two, as far as they are known, and
    ``active`` tells of an account in them whether it is active. ``ids`` are the public ids of the
    accounts in them, by ordinal.
    """

    before: T
    after: T
    commits: Sequence[Sequence[AnyEvent]] = ()
    active: Callable[[int], bool] = bool
    ids: Mapping[int, str] = {}

    @property
    def moved(self) -> bool:
        """Whether what is true changed meanwhile."""
        return bool(self.before != self.after)

    def counts(self, key: SetKey, before: int, after: int) -> set[int]:
        """Return the numbers of visible members a set had at any time meanwhile."""
        return course(before, after, self.commits, key, self.active)

    def around(self, about: Collection[int], *numbers: int) -> range:
        """Return the numbers that may have been at any time meanwhile of statuses by, or answers
        to, one of ``about``, given those before and after.
        """
        moved = stirred(self.commits, about)
        return range(min(numbers) - moved, max(numbers) + moved + 1)

    def toggled(self, key: SetKey) -> set[int]:
        """Return whose visible membership of a set may have been another for some time meanwhile,
        whatever it was before and after.
        """
        return toggled(self.commits, key)

    def in_doubt(self, key: SetKey) -> set[str]:
        """Return the same by their public ids."""
        return {self.ids[one] for one in self.toggled(key) if one in self.ids}


class Verdict(Struct, frozen=True):
    """Whether an answer is right, and what a person is told of it."""

    right: bool
    said: str


def right(said: str) -> Verdict:
    """Return that an answer is right."""
    return Verdict(True, said)


def wrong(said: str) -> Verdict:
    """Return that an answer is wrong."""
    return Verdict(False, said)


class Question(Struct, Generic[T], frozen=True, kw_only=True):
    """Something to ask.

    Args:
        name: the name of the probe.
        truth: reads what is true from a view.
        ask: asks a worker, given what was true before.
        judge: holds what it answered to what was true meanwhile.
    """

    name: str
    truth: Callable[[Snapshot], T]
    ask: Callable[[Visitor, T], Awaitable[Any]]
    judge: Callable[[Window[T], Any], Verdict]


class Asking:
    """Asks the workers of a server.

    Args:
        audit: tells what is true.
        party: the workers.
        tell: is told of each probe.
    """

    def __init__(self, audit: Audit, party: Party, tell: Tell) -> None:
        self.audit = audit
        self.party = party
        self.passed = True
        self._tell = tell

    @property
    def failed(self) -> bool:
        """Whether anything was wrong so far."""
        return not self.passed

    async def note(self, probe: Probe) -> None:
        """Tell of a probe."""
        self.passed = self.passed and probe.passed
        await self._tell(probe)

    async def everywhere(self, question: Question[T]) -> None:
        """Ask every worker at once, again where the answer was not right, and tell of each."""
        began = time.perf_counter()
        waiting = dict(self.party.visitors)
        last: dict[str, Verdict] = {}
        pauses = list(PAUSES)
        for _ in range(TRIES):
            verdicts, moved = await self._once(question, waiting)
            last |= verdicts
            waiting = {name: one for name, one in waiting.items() if not last[name].right}
            if not waiting or not (moved or pauses):
                break
            if not moved:
                await asyncio.sleep(pauses.pop(0))
        took = (time.perf_counter() - began) * 1e3
        probes = [
            Probe(question.name, worker, verdict.right, verdict.said, took)
            for worker, verdict in last.items()
        ]
        await asyncio.gather(*map(self.note, probes))

    async def _once(
        self, question: Question[T], visitors: Mapping[str, Visitor]
    ) -> tuple[dict[str, Verdict], bool]:
        """Ask once; return what to think of each answer, and whether what is true moved."""

        def look(snap: Snapshot) -> tuple[int, T]:
            return snap.seq, question.truth(snap)

        first, before = await self.audit.read(look)
        asked = [question.ask(visitor, before) for visitor in visitors.values()]
        answers = dict(
            zip(visitors, await asyncio.gather(*asked, return_exceptions=True), strict=True)
        )
        last, after = await self.audit.read(look)
        window = Window(before, after)
        verdicts = _judged(question, window, answers)
        if first != last and not all(verdict.right for verdict in verdicts.values()):
            window = await self._with_commits(window, first)
            verdicts = _judged(question, window, answers)
        return verdicts, window.moved

    async def _with_commits(self, window: Window[T], seq: int) -> Window[T]:
        commits = await self.audit.since(seq) or []
        touched = members_in(commits)

        def look(snap: Snapshot) -> tuple[set[int], dict[int, str]]:
            known = snap.accounts.many(touched)
            return set(snap.gate.active_among(touched)), {
                ordinal: str(account.id) for ordinal, account in known.items()
            }

        active, ids = await self.audit.read(look)
        return Window(window.before, window.after, commits, active.__contains__, ids)


def _judged(
    question: Question[T], window: Window[T], answers: Mapping[str, Any]
) -> dict[str, Verdict]:
    found = {}
    for worker, answer in answers.items():
        if isinstance(answer, RostraError):
            found[worker] = wrong(answer.message)
        elif isinstance(answer, BaseException):
            raise answer
        else:
            found[worker] = question.judge(window, answer)
    return found
