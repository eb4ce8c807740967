"""Why a piece of work does not get on: what its job came to grief with, or a disk without room."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from rostra.ports import Job, View

LEAST_ROOM: Final = 2**20
"""Bytes. A disk with fewer takes no commit, so that no job can be begun or its failure be noted."""

NO_ROOM: Final = "The server's disk is full"
MAKE_ROOM: Final = "Make room on it: the work goes on by itself"
LOOK: Final = "Look for the cause in the server's log and with rostra doctor: it is tried by itself"

_KIND: Final = re.compile(r"[A-Z]\w*: ")


class Stuck(Struct, frozen=True, kw_only=True):
    """What is in the way of a piece of work.

    Args:
        why: what it is, in words.
        do: what somebody can do about it.
        tries: how often the work was begun.
        again_at: when it is tried again (ms); None while nobody knows.
    """

    why: str
    do: str
    tries: int
    again_at: int | None


def stuck(view: View, *, job: str, about: str, id_: int) -> Stuck | None:
    """Return what is in the way of a piece of work; None where nothing is known to be.

    Args:
        view: where the queue is.
        job: the name of its job.
        about: which value of the job's payload says what it is about, as in ``"run"``.
        id_: that value.
    """
    found = view.jobs.about(job, about, id_)
    if found is None:
        return None
    if view.jobs.room() < LEAST_ROOM:
        return Stuck(why=NO_ROOM, do=MAKE_ROOM, tries=found.attempts, again_at=None)
    if not found.error:
        return None
    again = found.run_at if found.run_at > view.now else None
    return Stuck(why=_said(found), do=LOOK, tries=found.attempts, again_at=again)


def _said(job: Job) -> str:
    """Return what a job failed with, without what Python calls an error of that kind."""
    return _KIND.sub("", job.error or "", count=1)
