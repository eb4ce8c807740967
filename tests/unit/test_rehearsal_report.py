"""Reports of rehearsals that ended at any moment: each is a whole page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.rehearsal.pages import Page
from tests.unit.rehearsed import BEGAN, came_back

from rostra.domain.errors import Unavailable
from rostra.ops.rehearsal import plots, report
from rostra.ops.rehearsal.crowd import Act
from rostra.ops.rehearsal.record import Course, Mark, Record
from rostra.ops.rehearsal.verdict import judge


def begun(**changes: object) -> Record:
    """A rehearsal that was interrupted, with what else there was."""
    whole = came_back()
    record = Record(
        asked=whole.asked, machine=whole.machine, began=BEGAN, ended=BEGAN + 1, interrupted=True
    )
    for name, value in changes.items():
        setattr(record, name, value)
    return record


ONE = Act(BEGAN + 0.1, 3.0, "home of others", 200, False)
QUIET = Mark(BEGAN, "quiet", "visits as on any day")


@pytest.mark.parametrize(
    ("record", "pictures"),
    [
        (lambda: begun(), 0),
        (lambda: begun(samples=came_back().samples[:1]), 0),
        (lambda: begun(samples=came_back().samples), 2),
        (lambda: begun(acts=[ONE]), 0),
        (lambda: begun(acts=[ONE], marks=[Mark(BEGAN + 1, "quiet")]), 0),
        (lambda: begun(acts=[ONE], marks=[QUIET]), 2),
        (lambda: begun(acts=came_back().acts, marks=[QUIET], quiet=(BEGAN, BEGAN + 4)), 2),
        (lambda: begun(course=Course(cut_over_at=BEGAN), shown=came_back().shown[:1]), 1),
        (came_back, 5),
    ],
)
def test_a_report_is_a_whole_page_however_far_it_came(
    record: Callable[[], Record], pictures: int
) -> None:
    made = record()
    page = Page(report.render(made, judge(made)))
    assert page.wrong == []
    assert [link for link in page.links if not link.startswith("#")] == []
    assert len(page.pictures) == pictures


def test_what_people_name_stands_in_it_as_text() -> None:
    record = came_back()
    record.error = "<script>alert(1)</script> & more"
    text = report.render(record, judge(record))
    assert "<script" not in text
    assert "<script>alert(1)</script> & more" in Page(text).text


def test_a_report_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    report.require_place(path)
    assert list(tmp_path.iterdir()) == []
    report.write(path, "first")
    report.write(path, "second")
    assert path.read_text() == "second"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(Unavailable, match="name another with --out"):
        report.write(tmp_path / "nowhere" / "report.html", "lost")
    with pytest.raises(Unavailable, match="name another with --out"):
        report.require_place(tmp_path / "nowhere" / "report.html")


def test_the_plots_count_visits_from_the_first_mark_on() -> None:
    record = came_back()
    record.marks = [Mark(BEGAN + 5, "quiet", "")]
    (_, at_most), _ = ((plot.words.rsplit(" ", 1)) for plot in plots.plots(record)[:2])
    assert float(at_most.rstrip(".")) == pytest.approx(100, abs=4)  # 100 a second, no bin twice
