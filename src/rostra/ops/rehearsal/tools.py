"""What brings the account back in a rehearsal: followed while it works."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from rostra.domain.errors import Unavailable
from rostra.ops.rehearsal.record import Course, Step
from rostra.ops.rehearsal.world import World
from rostra.testing.server import Client, Server

Changed = Callable[[str], None]
"""Called with the name of the state the tool has come to."""


class Tool(Protocol):
    """Brings the star back and writes its course; returns when nothing more is done by itself."""

    def reinstate(self, course: Course, changed: Changed) -> None: ...


class Plain:
    """The plain lifting of the admin API: one step, without plan or probes."""

    def __init__(self, server: Server, world: World) -> None:
        self._server = server
        self._world = world

    def reinstate(self, course: Course, changed: Changed) -> None:
        """Lift the suspension."""
        began = time.time()
        course.cut_over_at = began
        with Client(self._server.port, self._world.moderator.token) as admin:
            answer = admin.post(f"/api/v1/admin/accounts/{self._world.star.id}/unsuspend")
        if answer.status != 200:
            raise Unavailable(f"The account could not be reinstated: {answer.data}")
        course.steps = [Step(name="lifting", began=began, ended=time.time(), passed=True)]
        course.state = "done"
        changed("confirming")
