"""Bringing one account back: plan, stage, cut over, confirm, report, and the way back.

What operators do is to be had from here. To be read in this order: ``planning`` and ``drawing``
(the dry run), ``previewing`` (the profile as it will be), ``operating`` (begun, followed, rolled
back), ``running`` (the way a job goes), ``holding`` (a run in the hands of that job), ``hiding``
(that it is hidden again after a rollback) and ``telling`` (operators of all of it).
"""

from rostra.services.reinstatement.operating import (
    RunView,
    begin,
    decided_since,
    handles_of,
    require_run,
    rollback,
    runs,
    runs_of,
    status,
)
from rostra.services.reinstatement.planning import (
    Frozen,
    Stale,
    compare,
    find_plan,
    headroom_of,
    plan,
    prune_plans,
)

__all__ = [
    "Frozen",
    "RunView",
    "Stale",
    "begin",
    "compare",
    "decided_since",
    "find_plan",
    "handles_of",
    "headroom_of",
    "plan",
    "prune_plans",
    "require_run",
    "rollback",
    "runs",
    "runs_of",
    "status",
]
