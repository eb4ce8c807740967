"""Every route of the API beyond Mastodon's."""

from __future__ import annotations

from starlette.routing import BaseRoute

from rostra.api.extension import (
    amnesties,
    amnesty_runs,
    appeals,
    capacity,
    decisions,
    labels,
    ledger,
    reinstatements,
    staging,
)


def routes() -> list[BaseRoute]:
    """Return the routes below ``/api/rostra/v1``."""
    return [
        *amnesty_runs.ROUTES,
        *amnesties.ROUTES,
        *appeals.ROUTES,
        *decisions.ROUTES,
        *labels.ROUTES,
        *capacity.ROUTES,
        *staging.ROUTES,
        *reinstatements.ROUTES,
        *ledger.ROUTES,
    ]
