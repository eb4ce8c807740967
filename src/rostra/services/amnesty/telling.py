"""An amnesty whose job is begun again and again and comes no further: operators are told of it."""

from __future__ import annotations

from typing import Final

from msgspec import structs

from rostra.domain.amnesty import Amnesty, AmnestyState
from rostra.domain.amnesty_waves import Course
from rostra.ports import Transaction
from rostra.services import alerts
from rostra.services.amnesty.steering import counted, course_of, save

GOING: Final = (AmnestyState.RUNNING, AmnestyState.ROLLING_BACK)
STUCK: Final = 4
"""How often its job begins without coming further before operators are told; it goes on trying."""


def take_up(tx: Transaction, amnesty_id: int) -> Amnesty | None:
    """Return an amnesty whose job begins, and count that, unless it rests."""
    amnesty = tx.amnesties.get(amnesty_id)
    if amnesty is None or amnesty.state not in GOING:
        return amnesty
    course = course_of(tx, amnesty_id)
    if amnesty.state is AmnestyState.RUNNING and course.rest_until > tx.now:
        return amnesty
    mark = _mark(tx, amnesty, course)
    tries = course.tries + 1 if course.mark == mark else 1
    save(tx, structs.replace(course, mark=mark, tries=tries))
    if tries == STUCK:
        alerts.tell(
            tx,
            subject=f"Amnesty {amnesty.id} comes no further",
            text=(
                f"Its job was begun {tries} times and did nothing more, as when it takes the job "
                "process down with it: see the server's log. It is tried again and again; pause "
                "it, stop it or roll it back."
            ),
            link=f"/admin/amnesties/{amnesty.id}",
            grave=True,
        )
    return amnesty


def _mark(tx: Transaction, amnesty: Amnesty, course: Course) -> str:
    """Return where an amnesty is; another place has another mark."""
    last = course.waves[-1] if course.waves else None
    wave = (last.number, last.lifted_at, last.over_at) if last is not None else ()
    outcomes = sorted((str(outcome), count) for outcome, count in counted(tx, amnesty.id).items())
    return f"{amnesty.state} {wave} {outcomes}"
