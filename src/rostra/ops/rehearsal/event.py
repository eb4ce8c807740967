"""The event itself: quiet visits, a suspension, the way back, and the audience that returns."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from rostra.domain.errors import Unavailable
from rostra.ops.rehearsal import looks, tools
from rostra.ops.rehearsal.faults import Planted
from rostra.ops.rehearsal.looks import LOOKS, Watch
from rostra.ops.rehearsal.record import Record, Worker
from rostra.ops.rehearsal.shape import Shape
from rostra.ops.rehearsal.visitors import Visitors, visiting
from rostra.ops.rehearsal.watching import Watching
from rostra.ops.rehearsal.world import World
from rostra.testing.server import Client, Server

QUIET_PART: Final = 0.2
AWAY_PART: Final = 0.1
GIVE_UP_S: Final = 30.0
SETTLE_PART: Final = 0.1
SETTLE_S: Final = (1.0, 3.0)
"""Visits before anything is measured: connections are opened, and what is asked first is read."""

Tell = Callable[[str], None]


class Event:
    """One rehearsal on a server that runs.

    Args:
        server: the server.
        world: who is who on it.
        data: its data folder.
        planted: the fault, if any.
        shape: how the audience returns.
        record: where everything is written.
        tell: called with what happens, as it happens.
    """

    def __init__(
        self,
        server: Server,
        world: World,
        data: Path,
        planted: Planted,
        shape: Shape,
        record: Record,
        tell: Tell,
    ) -> None:
        self._server = server
        self._world = world
        self._data = data
        self._planted = planted
        self._shape = shape
        self._record = record
        self._tell = tell
        self._seconds = record.asked.seconds

    def run(self) -> None:
        """Play it; what is known is in the record, however it ends."""
        record = self._record
        with ExitStack() as stack:
            eyes = stack.enter_context(Watching(self._server))
            record.samples = eyes.samples
            crowd = stack.enter_context(
                visiting(
                    self._server.port,
                    self._world,
                    self._shape,
                    rate=record.asked.rate,
                    seconds_at_most=4 * self._seconds + 4 * GIVE_UP_S + 600,
                    seed=record.asked.seed,
                )
            )
            eyes.visitors = crowd.pids
            try:
                self._play(crowd)
            except BaseException:
                crowd.kill()
                self._keep(crowd)
                raise

    def _play(self, crowd: Visitors) -> None:
        record = self._record
        warm(self._server, self._world)
        self._planted.begin()
        least, most = SETTLE_S
        time.sleep(min(most, max(least, self._seconds * SETTLE_PART)))
        began = time.time()
        record.mark(began, "quiet", "visits as on any day")
        self._tell("The visits begin")
        self._pause(self._seconds * QUIET_PART)
        record.quiet = began, time.time()
        self._suspend()
        self._pause(self._seconds * AWAY_PART)
        self._planted.before_return()
        self._reinstate(crowd)
        self._pause(self._seconds * (1 - QUIET_PART - AWAY_PART))
        record.mark(time.time(), "end", "the visits end, and every worker is counted")
        self._finish(crowd)

    def _pause(self, seconds: float) -> None:
        time.sleep(seconds)

    # -- out of sight ------------------------------------------------------------------------------

    def _suspend(self) -> None:
        record, star = self._record, self._world.star
        self._tell("The account is suspended")
        with (
            Watch(self._world, self._server, active=False) as watch,
            Client(self._server.port, self._world.moderator.token) as admin,
        ):
            record.suspended_at = time.time()
            record.mark(record.suspended_at, "suspended", "a moderator suspends the account")
            answer = admin.post(
                f"/api/v1/admin/accounts/{star.id}/action",
                {"type": "suspend", "text": "a rehearsal"},
            )
            if answer.status != 200:
                raise Unavailable(f"The account could not be suspended: {answer.data}")
            watch.wait(GIVE_UP_S)
            record.hidden = sorted(watch.sights, key=lambda sight: sight.at)
            record.not_hidden = watch.missing()

    # -- and back ----------------------------------------------------------------------------------

    def _reinstate(self, crowd: Visitors) -> None:
        record, course = self._record, self._record.course
        rest = self._seconds * (1 - QUIET_PART - AWAY_PART)

        def changed(state: str) -> None:
            self._tell(f"The tool: {state}")
            if state == "confirming":
                crowd.returned(rest)
            elif state == "rolling back":
                crowd.left()

        with Watch(self._world, self._server, active=True) as watch:
            try:
                tools.reinstate(self._data, self._world, course, changed)
            finally:
                for step in course.steps:
                    record.mark(step.began, step.name, step.said)
            if course.done:
                watch.wait(GIVE_UP_S)
            record.shown = sorted(watch.sights, key=lambda sight: sight.at)
            record.not_shown = watch.missing()
        if not course.done:
            crowd.left()
            with Watch(self._world, self._server, active=False) as back:
                back.wait(GIVE_UP_S)

    # -- the end -----------------------------------------------------------------------------------

    def _finish(self, crowd: Visitors) -> None:
        record = self._record
        visits = crowd.stop()
        record.acts, record.dropped = visits.acts, visits.dropped
        least = self._world.visible + len(visits.following)
        record.expected = least, least + len(visits.unsure)
        self._tell("Every worker is counted")
        for number in range(self._server.workers):
            record.final.append(self._worker(str(number)))

    def _worker(self, name: str) -> Worker:
        token = self._world.watchers[0].token
        deadline = time.monotonic() + GIVE_UP_S
        while True:
            try:
                with looks.connected(self._server, name, token) as client:
                    data = client.get(f"/api/v1/accounts/{self._world.star.id}").data
                    return Worker(
                        name=name,
                        views=looks.state(self._world, client),
                        followers=data["followers_count"],
                    )
            except (OSError, KeyError, TypeError, IndexError):
                if time.monotonic() > deadline:
                    return Worker(name=name, views=dict.fromkeys(LOOKS), followers=-1)
                time.sleep(0.1)

    def _keep(self, crowd: Visitors) -> None:
        """Write down what the crowd did, of a rehearsal that ended early."""
        visits = crowd.read()
        self._record.acts, self._record.dropped = visits.acts, visits.dropped


def warm(server: Server, world: World) -> None:
    """Open a page in every worker: a server in use has long read how its pages are made."""
    for number in range(server.workers):
        with looks.connected(server, str(number), world.watchers[0].token) as client:
            client.get(f"/@{world.authors[0].username}")
