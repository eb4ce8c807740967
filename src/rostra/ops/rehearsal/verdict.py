"""The verdict on a rehearsal: one sentence, and what speaks against it."""

from __future__ import annotations

import enum
from typing import Final

from msgspec import Struct, structs

from rostra.domain.words import how_many
from rostra.ops.rehearsal import figures
from rostra.ops.rehearsal.faults import FAULTS
from rostra.ops.rehearsal.looks import LOOKS
from rostra.ops.rehearsal.record import Record

SLOWEST_MS: Final = 1_000.0
"""How long all may take to be right everywhere without a remark."""
MUCH_ELSE: Final = 0.3
"""Processors that other programs may take without a remark."""
BROKEN_AT_MOST: Final = 200
"""Requests that may be lost with a worker that is killed: what was under way in it."""


class Outcome(enum.StrEnum):
    """How a rehearsal ended."""

    PASSED = "passed"
    HELD_BACK = "held back by itself"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class Verdict(Struct, frozen=True, kw_only=True):
    """How it ended, whether that is as it should be, in one sentence, and what was wrong."""

    outcome: Outcome
    as_it_should: bool
    sentence: str
    wrong: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def judge(record: Record) -> Verdict:
    """Return the verdict on a record."""
    return structs.replace(_judged(record), remarks=tuple(_remarks(record)))


def _judged(record: Record) -> Verdict:
    fault = FAULTS[record.asked.fault] if record.asked.fault else None
    if record.interrupted:
        return _verdict(
            Outcome.INTERRUPTED, False, "before its end; what follows is as far as it came", ()
        )
    wrong = tuple(_wrong(record))
    course = record.course
    if record.error:
        return _verdict(Outcome.FAILED, False, record.error, wrong)
    if wrong:
        more = f" (and {len(wrong) - 1} more, below)" if len(wrong) > 1 else ""
        return _verdict(Outcome.FAILED, False, f"{wrong[0]}{more}", wrong)
    if course.held_back:
        caught = _caught(record)
        if fault is None:
            told = f"nothing was planted, and yet the tool kept the account suspended: {caught}"
            return _verdict(Outcome.HELD_BACK, False, told)
        told = (
            f"the planted fault ({fault.title}) was noticed: {caught}, and the account is out of "
            "sight in every view of every worker"
        )
        return _verdict(Outcome.HELD_BACK, True, told)
    if fault is not None and fault.must_be_caught:
        told = f"the planted fault ({fault.title}) was not noticed by the tool"
        return _verdict(Outcome.FAILED, False, told, (told,))
    told = _came_back(record)
    if fault is not None:
        told = f"although {fault.title}, {told}"
    return _verdict(Outcome.PASSED, True, told)


def _verdict(outcome: Outcome, good: bool, told: str, wrong: tuple[str, ...] = ()) -> Verdict:
    name = outcome.value.capitalize()
    if good and outcome is Outcome.HELD_BACK:
        name += ", as it should be"
    sentence = f"{name}: {told.rstrip('.')}."
    return Verdict(outcome=outcome, as_it_should=good, sentence=sentence, wrong=wrong)


def _came_back(record: Record) -> str:
    shown = figures.everywhere(record.shown, record.course.cut_over_at, record.asked.workers)
    followers = record.final[0].followers if record.final else 0
    return (
        f"the account came back with {how_many(followers, 'follower')} and was "
        f"right in every view of every worker {shown or 0:,.0f} ms after the cut-over"
    )


def _caught(record: Record) -> str:
    failed = record.course.failed_probes
    if not failed:
        return record.course.said or f"the run ended as {record.course.state}"
    where = f" in worker {failed[0].worker}" if failed[0].worker else ""
    more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
    return f"the probe “{failed[0].name}”{where}{more} caught it"


def _remarks(record: Record) -> list[str]:
    """Return what a reader should know although it changes no verdict."""
    found = []
    took = figures.everywhere(record.shown, record.course.cut_over_at, record.asked.workers)
    if record.course.done and took is not None and took > SLOWEST_MS:
        found.append(
            f"All was right only {took / 1e3:.1f} s after the cut-over; the goal is 1 s, also with "
            "88 million followers. Look at what else this machine did meanwhile."
        )
    if record.course.held_back and record.shown:
        found.append(_seen_for(record))
    others = figures.others(record)
    if others is not None and others > MUCH_ELSE:
        found.append(
            f"Other programs took {others:.1f} of {how_many(record.machine['cores'], 'processor')} "
            "meanwhile: what visitors waited here is more than on a machine left alone."
        )
    if record.dropped:
        found.append(
            f"{how_many(record.dropped, 'visit was', 'visits were')} not sent, "
            "because thousands waited already: this "
            "server cannot answer as many as the crowd asks. Rehearse with a lower --rate to see "
            "what it can."
        )
    return found


def _seen_for(record: Record) -> str:
    course = record.course
    begin = min(sight.at for sight in record.shown)
    end = course.rolled_back_at
    span = "for a while" if end is None else f"for {max(0.0, end - begin) * 1e3:,.0f} ms"
    return f"Until the tool took it back, the account could be seen in some views {span}."


# -- what speaks against it ------------------------------------------------------------------------


def _wrong(record: Record) -> list[str]:
    found: list[str] = []
    if record.not_hidden:
        found.append(f"the suspended account could still be seen: {_list(record.not_hidden)}")
    course = record.course
    if not course.done and not course.held_back:
        found.append(f"the tool ended as {course.state}: {course.said or 'it said nothing'}")
    if course.done:
        found += _not_right(record)
    found += _at_the_end(record)
    found += _answers(record)
    return found


def _not_right(record: Record) -> list[str]:
    if record.not_shown:
        return [f"the account is said to be back, and is not right: {_list(record.not_shown)}"]
    return []


def _at_the_end(record: Record) -> list[str]:
    """Hold what every worker shows at the end against what the tool says became of it."""
    found = []
    active = record.course.done
    for worker in record.final:
        off = [LOOKS[name] for name, seen in worker.views.items() if seen is not active]
        if off:
            state = "back" if active else "suspended"
            found.append(
                f"at the end worker {worker.name} does not show a {state} account: {_list(off)}"
            )
    if active and record.expected is not None:
        least, most = record.expected
        for worker in record.final:
            if not least <= worker.followers <= most:
                found.append(
                    f"at the end worker {worker.name} counts "
                    f"{how_many(worker.followers, 'follower')}, and {least:,} is right"
                )
    return found


def _answers(record: Record) -> list[str]:
    """Tell wrong answers to visitors; a worker that is killed may lose what was under way in it."""
    wrong = figures.wrong(record)
    killed = record.asked.fault == "worker-killed"
    if killed and figures.broken(record) <= BROKEN_AT_MOST:
        wrong = type(wrong)({name: n for name, n in wrong.items() if "no answer" not in name})
    found = []
    if wrong:
        worst = ", ".join(f"{name} ({times:,})" for name, times in wrong.most_common(3))
        found.append(f"visitors got {wrong.total():,} wrong answers: {worst}")
    return found


def _list(names: list[str]) -> str:
    shown = ", ".join(names[:4])
    return f"{shown} and {len(names) - 4} more" if len(names) > 4 else shown
