"""``rostra amnesty``: planning, approving and running amnesties."""

from __future__ import annotations

from cyclopts import App

from rostra.ops.cli import amnesty_plan, amnesty_run

app = App(name="amnesty", help="Plan, approve, run and roll back amnesties.")
amnesty_plan.attach(app)
amnesty_run.attach(app)
