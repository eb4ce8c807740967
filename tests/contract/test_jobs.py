"""Jobs: taken in order when due, put off when they fail, gone when finished."""

from __future__ import annotations

from rostra.domain.events import AnyEvent
from rostra.ports import Job
from rostra.storage.database.sqlite import Database
from rostra.storage.jobs import JobStore, JobStoreWriter


def test_jobs_wait_for_their_time_and_go_when_finished(
    database: Database, events: list[AnyEvent]
) -> None:
    writer, reader = JobStoreWriter(database, events.append), JobStore(database)
    writer.enqueue("late", {"n": [1, "two", None]}, 300)
    writer.enqueue("early", {}, 100)
    writer.enqueue("early too", {"é": True}, 100)
    assert reader.waiting() == 3
    assert reader.due(99, limit=5) == []
    assert [job.name for job in reader.due(300, limit=2)] == ["early", "early too"]
    early, early_too, late = reader.due(300, limit=5)
    assert late == Job(id=late.id, name="late", payload={"n": [1, "two", None]}, run_at=300)
    writer.begin(early.id, 350)
    assert [job.name for job in reader.due(349, limit=5)] == ["early too", "late"]
    assert [(job.name, job.attempts) for job in reader.due(350, limit=5)][-1] == ("early", 1)
    writer.retry(early.id, 400, "no route to host")
    writer.finish(early_too.id)
    assert [job.name for job in reader.due(399, limit=5)] == ["late"]
    again = reader.due(400, limit=5)[-1]
    assert (again.id, again.run_at, again.attempts) == (early.id, 400, 1)
    writer.begin(again.id, 500)
    writer.give_back(again.id, 401)
    writer.give_back(early_too.id, 401)
    assert [(one.id, one.attempts) for one in reader.due(401, limit=5)][-1] == (early.id, 1)
    writer.finish(early.id)
    writer.finish(late.id)
    assert reader.waiting() == 0
    assert database.value("SELECT COUNT(*) FROM jobs") == 0
