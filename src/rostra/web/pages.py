"""The pages put together: what the application mounts."""

from __future__ import annotations

from itertools import chain

from starlette.routing import BaseRoute

from rostra.ports import Context
from rostra.web import acts, admin, assets, avatars, notices, profiles, sign, timelines
from rostra.web.endpoints import bind


def routes(ctx: Context) -> list[BaseRoute]:
    """Return the routes of every page, its forms, and the files and pictures they need."""
    table = chain(
        timelines.TABLE[:2],
        acts.TABLE,
        profiles.TABLE,
        timelines.TABLE[2:],
        notices.TABLE,
        sign.TABLE,
        admin.TABLE,
    )
    return [assets.ROUTE, *avatars.ROUTES, *bind(ctx, table)]
