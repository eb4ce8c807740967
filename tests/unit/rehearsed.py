"""A made-up record of a rehearsal, to hold verdicts and reports against what it says."""

from __future__ import annotations

from random import Random

from rostra.ops.rehearsal.crowd import Act
from rostra.ops.rehearsal.looks import LOOKS, Sight
from rostra.ops.rehearsal.record import Asked, Course, Probe, Record, Step, Worker
from rostra.ops.rehearsal.watching import Sample

BEGAN = 1_800_000_000.0
SUSPENDED, CUT_OVER, ENDED = BEGAN + 4, BEGAN + 8, BEGAN + 20
FOLLOWERS = 88_000_123


def sights(since: float) -> list[Sight]:
    """Every view right in two workers, a hundredth of a second after the other."""
    names = [(worker, look) for worker in "01" for look in LOOKS]
    return [Sight(*name, since + 0.01 * (n + 1)) for n, name in enumerate(names)]


def workers(*, active: bool) -> list[Worker]:
    views: dict[str, bool | None] = dict.fromkeys(LOOKS, active)
    return [Worker(name=one, views=views, followers=FOLLOWERS * active) for one in "01"]


def acts() -> list[Act]:
    random = Random(1)
    found = []
    for number in range(2_000):
        at = BEGAN + number / 100
        star = number % 3 == 0
        gone = star and SUSPENDED < at < CUT_OVER
        ms = random.expovariate(0.2) + 0.5
        found.append(
            Act(at, ms, "profile" if star else "home of others", 404 if gone else 200, star)
        )
    return found


def came_back(fault: str | None = None) -> Record:
    """A rehearsal in which all was as it should be."""
    steps = ("planning", "staging", "confirming")
    record = Record(
        asked=Asked(
            followers=88_000_000, fault=fault, workers=2, seconds=20, rate=300, seed=1,
            shape="activity_time.txt.gz",
            command="rostra rehearse reinstatement --followers 88000000",
        ),
        machine={
            "cores": 2, "memory_gib": 23.5, "processor": "A processor", "system": "Linux 6",
            "python": "3.11", "sqlite": "3.54", "rostra": "0.1",
        },
        began=BEGAN, ended=ENDED, built_seconds=303.2, built_peak_mb=6_058.0,
        built_bytes=3_300_000_000, visible=FOLLOWERS - 20, quiet=(BEGAN, SUSPENDED),
        suspended_at=SUSPENDED, hidden=sights(SUSPENDED), shown=sights(CUT_OVER),
        course=Course(
            run="1", plan="ab" * 32, plan_seconds=1.5, expected=FOLLOWERS, state="done",
            said="every probe passed in every worker", cut_over_at=CUT_OVER,
            steps=[
                Step(name=name, began=BEGAN + 5 + n, ended=BEGAN + 6 + n, passed=True)
                for n, name in enumerate(steps)
            ],
            probes=[
                Probe(step="confirming", name="profile", worker="0", passed=True, said="right",
                      at=CUT_OVER + 0.1)
            ],
        ),
        acts=acts(), final=workers(active=True), expected=(FOLLOWERS, FOLLOWERS),
        samples=[
            Sample(BEGAN + n / 2, {"supervisor": 90_000_000, "worker-0": 100_000_000 + n},
                   {"supervisor": 0.1, "worker-0": n / 4}, 0.4)
            for n in range(40)
        ],
    )  # fmt: skip
    record.mark(BEGAN, "quiet", "visits as on any day")
    record.mark(SUSPENDED, "suspended", "a moderator suspends the account")
    for step in record.course.steps:
        record.mark(step.began, step.name, step.said)
    record.mark(ENDED, "end", "every worker is counted")
    return record


def held_back(fault: str | None = None) -> Record:
    """A rehearsal in which the tool caught something and took the account back."""
    record = came_back(fault)
    course = record.course
    course.state, course.rolled_back_at = "rolled back", CUT_OVER + 0.3
    course.said = "the probe profile in worker 1 failed: 0 followers"
    course.probes.append(
        Probe(step="confirming", name="profile", worker="1", passed=False,
              said="0 followers, and 88,000,123 are right", at=CUT_OVER + 0.2)
    )  # fmt: skip
    record.final = workers(active=False)
    return record
