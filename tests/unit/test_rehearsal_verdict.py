"""The verdict on a rehearsal: what makes it good, and that each wrong thing makes it bad."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from msgspec.structs import replace
from tests.unit.rehearsed import BEGAN, CUT_OVER, ENDED, FOLLOWERS, came_back, held_back

from rostra.ops.cli.rehearse import FaultName
from rostra.ops.rehearsal import figures
from rostra.ops.rehearsal.crowd import Act
from rostra.ops.rehearsal.faults import FAULTS
from rostra.ops.rehearsal.looks import LOOKS
from rostra.ops.rehearsal.record import Record
from rostra.ops.rehearsal.verdict import Outcome, judge
from rostra.ops.rehearsal.watching import Sample
from rostra.testing.fault_acts import ACTS


def test_an_account_that_is_right_everywhere_passes_with_its_figures_in_the_sentence() -> None:
    verdict = judge(came_back())
    assert verdict.outcome is Outcome.PASSED
    assert verdict.as_it_should
    assert verdict.sentence == (
        "Passed: the account came back with 88,000,123 followers and was right in every view of "
        "every worker 120 ms after the cut-over."
    )
    assert verdict.wrong == verdict.remarks == ()


def test_a_fault_that_is_caught_is_as_it_should_be() -> None:
    verdict = judge(held_back("worker-killed"))
    assert verdict.outcome is Outcome.HELD_BACK
    assert verdict.as_it_should
    assert verdict.sentence == (
        "Held back by itself, as it should be: the planted fault (a worker was killed) was "
        "noticed: the probe “profile” in worker 1 caught it, and the account is out of sight in "
        "every view of every worker."
    )
    assert verdict.remarks == (
        "Until the tool took it back, the account could be seen in some views for 290 ms.",
    )


def test_without_a_fault_being_held_back_is_not_as_it_should_be() -> None:
    verdict = judge(held_back())
    assert verdict.outcome is Outcome.HELD_BACK
    assert not verdict.as_it_should


def test_a_fault_may_be_survived_with_everything_right() -> None:
    verdict = judge(came_back("worker-killed"))
    assert verdict.outcome is Outcome.PASSED
    assert verdict.as_it_should
    assert "although a worker was killed" in verdict.sentence


def seen_after_all(record: Record) -> None:
    record.not_hidden = ["media in worker 1"]


def never_right(record: Record) -> None:
    record.not_shown, record.shown = ["search in worker 0"], record.shown[1:]


def lost_a_follower(record: Record) -> None:
    record.final[1] = replace(record.final[1], followers=FOLLOWERS - 1)


def one_too_many(record: Record) -> None:
    record.final[0] = replace(record.final[0], followers=FOLLOWERS + 1)


def half_hidden(record: Record) -> None:
    record.final[1] = replace(record.final[1], views=dict.fromkeys(LOOKS, True) | {"home": False})


def neither(record: Record) -> None:
    record.final[1] = replace(record.final[1], views=dict.fromkeys(LOOKS, True) | {"list": None})


def failed_request(record: Record) -> None:
    record.acts.append(Act(ENDED - 1, 3.0, "home of others", 500, False))


def unanswered_request(record: Record) -> None:
    record.acts.append(Act(ENDED - 1, 3.0, "profile", 0, True))


def hidden_from_a_visitor_afterwards(record: Record) -> None:
    record.acts.append(Act(CUT_OVER + 1, 3.0, "profile", 404, True))


def hidden_from_a_visitor_before(record: Record) -> None:
    record.acts.append(Act(BEGAN + 1, 3.0, "profile", 404, True))


def somebody_else_hidden(record: Record) -> None:
    record.acts.append(Act(CUT_OVER - 1, 3.0, "profile of others", 404, False))


def not_ended(record: Record) -> None:
    record.course.state = "overtaken"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (seen_after_all, "could still be seen: media in worker 1"),
        (never_right, "is not right: search in worker 0"),
        (lost_a_follower, "worker 1 counts 88,000,122 followers, and 88,000,123 is right"),
        (one_too_many, "worker 0 counts 88,000,124 followers"),
        (half_hidden, "worker 1 does not show a back account: home timeline"),
        (neither, "list of followers"),
        (failed_request, "1 wrong answers: home of others: status 500 (1)"),
        (unanswered_request, "profile: no answer (1)"),
        (hidden_from_a_visitor_afterwards, "profile: status 404 (1)"),
        (hidden_from_a_visitor_before, "profile: status 404 (1)"),
        (somebody_else_hidden, "profile of others: status 404 (1)"),
        (not_ended, "the tool ended as overtaken"),
    ],
)
def test_whatever_is_wrong_fails_it(spoil: Callable[[Record], None], said: str) -> None:
    record = came_back()
    spoil(record)
    verdict = judge(record)
    assert verdict.outcome is Outcome.FAILED
    assert not verdict.as_it_should
    assert said in verdict.sentence


def test_an_account_half_shown_after_it_was_held_back_fails() -> None:
    record = held_back("worker-killed")
    record.final[0] = replace(record.final[0], views=record.final[0].views | {"media": True})
    verdict = judge(record)
    assert verdict.outcome is Outcome.FAILED
    assert "does not show a suspended account: media" in verdict.sentence


def test_what_was_under_way_in_a_killed_worker_may_be_lost_and_no_more() -> None:
    record = came_back("worker-killed")
    record.acts += [Act(CUT_OVER + 0.1, 3.0, "home of others", 0, False)] * 10
    assert judge(record).as_it_should
    record.acts += [Act(CUT_OVER + 0.1, 3.0, "home of others", 0, False)] * 1_000
    assert not judge(record).as_it_should


def test_an_interruption_is_told_as_one() -> None:
    record = came_back()
    record.interrupted = True
    verdict = judge(record)
    assert verdict.outcome is Outcome.INTERRUPTED
    assert not verdict.as_it_should


def test_what_stopped_it_is_the_verdict() -> None:
    record = came_back()
    record.error = "The server did not answer"
    verdict = judge(record)
    assert verdict.sentence == "Failed: The server did not answer."


def test_being_slow_is_remarked() -> None:
    record = came_back()
    record.shown[0] = replace(record.shown[0], at=CUT_OVER + 2.5)
    verdict = judge(record)
    assert verdict.as_it_should
    assert "2.5 s after the cut-over" in verdict.remarks[0]


def test_a_machine_that_did_something_else_is_remarked() -> None:
    record = came_back()
    assert figures.others(record) == pytest.approx(0.3, abs=0.01)  # 0.8 busy, 0.5 its own
    record.samples = [Sample(one.at, one.memory, one.cpu, 0.9) for one in record.samples]
    assert judge(record).as_it_should
    assert "1.3 of 2 processors" in judge(record).remarks[0]


def test_figures_are_those_of_the_record() -> None:
    told = figures.figures(came_back())
    assert told["right_ms"] == told["hidden_ms"] == 120.0
    assert told["right_by_view_ms"]["count"] == {"0": 10.0, "1": 70.0}
    quiet, during = (told["traffic"]["all"][one] for one in ("quiet", "during"))
    assert quiet.count + during.count == 2_000
    assert quiet.count == 400
    assert quiet.rate == 100.0
    assert told["cpu_seconds"] == {"supervisor": 0.0, "worker-0": 9.75}
    assert told["memory_mb"]["worker-0"] == {"first": 100.0, "most": 100.0}
    assert told["wrong_answers"] == {}


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.0, 1)])
def test_percentiles_are_values_there_are(share: float, value: int) -> None:
    assert figures.percentile(range(1, 101), share) == value
    assert figures.percentile([7.0], share) == 7.0


def test_every_fault_can_be_named_and_stands_in_the_manual() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "operate.md").read_text(encoding="utf-8")
    assert set(get_args(FaultName)) == set(FAULTS)
    assert [name for name in FAULTS if f"| `{name}` |" not in manual] == []
    assert [one.kind for one in FAULTS.values() if one.kind not in ACTS] == []


def test_a_fault_that_must_be_caught_and_was_not_fails() -> None:
    verdict = judge(came_back("stale-mask"))
    assert verdict.outcome is Outcome.FAILED
    assert verdict.sentence == (
        "Failed: the planted fault (a worker had a stale mask) was not noticed by the tool."
    )
