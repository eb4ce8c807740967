"""Importing a log of activity: accounts, statuses, boosts and follows, at their times.

What a line leaves behind depends on nothing but the line and what stood before it, ids included
(``domain/activity.py``), so a line that is brought in twice changes nothing the second time. How
far an import has come is written in the transaction of each batch: after a kill it goes on with
the very next line.

What a line means where a server has rules of its own:

- a repeated RT is a second press on the boost button: nothing happens;
- nobody follows themselves; a locked account is asked instead of followed;
- where a block stands between the two, or one of them is deleted, the line is refused;
- an account that has the name already is taken to be the one in the log;
- mentions, replies, boosts and follows notify as they always do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Final

import msgspec
from msgspec import Struct

from rostra.domain.activity import Event, Reader
from rostra.domain.errors import Malformed, StoreTooNew
from rostra.ports import Context, Transaction
from rostra.services.portability.activity_batch import Batch, Memory, Texts

BATCH: Final = 10_000
EXAMPLES: Final = 20


class Tally(Struct, frozen=True, kw_only=True):
    """How far an import has come, and what it has done so far.

    ``lines`` is the number of lines whose accounts and statuses are in, ``follow_lines`` of those
    whose implied follows are in. ``examples`` are the first malformed lines: number and reason.
    """

    lines: int = 0
    follow_lines: int = 0
    events: int = 0
    accounts: int = 0
    made: int = 0
    boosts: int = 0
    repeated: int = 0
    mentions: int = 0
    replies: int = 0
    follows: int = 0
    requests: int = 0
    present: int = 0
    refused: int = 0
    malformed: int = 0
    examples: tuple[tuple[int, str], ...] = ()


class ActivityImport:
    """One log on its way into the store.

    Args:
        ctx: the context; nothing else of the store is held between batches.
        fingerprint: names the log, so that it is known again.
        follow_implied: make the first line of each (actor, target) pair a follow as well.
        batch: how many lines to bring in with one transaction.
    """

    def __init__(
        self,
        ctx: Context,
        *,
        fingerprint: str,
        follow_implied: bool = False,
        batch: int = BATCH,
    ) -> None:
        self._ctx = ctx
        self._work = f"activity:{fingerprint}"
        self._follow_implied = follow_implied
        self._batch = batch
        self._reader = Reader(ctx.clock.now() // 1000)
        self._memory = Memory()
        self._texts = Texts(ctx.settings)
        ctx.store.subscribe(self._memory.apply)
        self.tally = self._stored()

    @property
    def lines_done(self) -> int:
        """How many lines need not be looked at again, apart from what they say of the next ones."""
        tally = self.tally
        return min(tally.lines, tally.follow_lines) if self._follow_implied else tally.lines

    def run(
        self,
        lines: Iterable[str],
        *,
        on_batch: Callable[[Tally], None] = lambda tally: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Tally:
        """Bring in all lines that are not in yet.

        Args:
            lines: the whole log from its first line on, whatever was done before.
            on_batch: called after each batch is on disk.
            stopped: asked between batches; when it says so, the import ends early.

        Raises:
            Unavailable: the disk is full or read-only; what was reported to ``on_batch`` is in.
        """
        numbered = enumerate(lines, 1)
        for number, line in islice(numbered, self.lines_done):
            self._pass_over(number, line)
        while not stopped() and (batch := list(islice(numbered, self._batch))):
            self._bring_in(batch)
            on_batch(self.tally)
        return self.tally

    def _stored(self) -> Tally:
        with self._ctx.store.read() as snap:
            state = snap.progress.get(self._work)
        try:
            return Tally() if state is None else msgspec.json.decode(state, type=Tally)
        except msgspec.ValidationError as error:
            raise StoreTooNew(
                f"The progress of this import was written by another version of Rostra: {error}"
            ) from error

    def _pass_over(self, number: int, line: str) -> None:
        """Learn from a line that is in already what matters for those that follow."""
        try:
            event = self._reader.read(line)
        except Malformed:
            return
        if number <= self.tally.lines:
            self._memory.through = max(self._memory.through, event.own_id)
        if number <= self.tally.follow_lines:
            self._memory.pairs.add(f"{event.actor} {event.target}")

    def _bring_in(self, lines: Sequence[tuple[int, str]]) -> None:
        """Put a batch of lines on disk, with the place it ends at."""
        counts: Counter[str] = Counter()
        examples = list(self.tally.examples)
        events: list[tuple[int, Event]] = []
        for number, line in lines:
            try:
                events.append((number, self._reader.read(line)))
            except Malformed as error:
                if number > self.tally.lines and line.strip():
                    counts["malformed"] += 1
                    examples.append((number, error.message))
        before, last = self.tally, lines[-1][0]

        def change(tx: Transaction) -> Tally:
            batch = Batch(tx, self._memory, self._texts, counts)
            batch.meet([event for _, event in events])
            batch.add_statuses(
                [event for number, event in events if number <= before.lines],
                [event for number, event in events if number > before.lines],
            )
            if self._follow_implied:
                batch.add_follows(
                    [event for number, event in events if number > before.follow_lines]
                )
            batch.finish()
            tally = _added(before, counts, last, examples, follows=self._follow_implied)
            tx.progress.put(self._work, msgspec.json.encode(tally).decode())
            return tally

        self.tally = self._ctx.store.write_now(change)


def _added(
    before: Tally,
    counts: Counter[str],
    last: int,
    examples: list[tuple[int, str]],
    *,
    follows: bool,
) -> Tally:
    figures = {name: getattr(before, name) + count for name, count in counts.items()}
    return msgspec.structs.replace(
        before,
        lines=max(before.lines, last),
        follow_lines=max(before.follow_lines, last) if follows else before.follow_lines,
        examples=tuple(examples[:EXAMPLES]),
        **figures,
    )
