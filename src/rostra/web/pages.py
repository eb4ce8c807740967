"""The pages put together: what the application mounts."""

from __future__ import annotations

from itertools import chain
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from rostra.domain.errors import NotFound
from rostra.ports import Context
from rostra.web import (
    about,
    acts,
    admin,
    admin_amnesties,
    admin_appeals,
    admin_decisions,
    admin_ledger,
    admin_reinstatements,
    admin_reports,
    assets,
    avatars,
    blocks,
    collections,
    compose,
    conversations,
    documents,
    embeds,
    emojis,
    explore,
    feeds,
    filters,
    lists,
    look,
    notifications,
    own_statuses,
    password_reset,
    preferences,
    profiles,
    reports,
    search,
    second_factor,
    sign,
    sign_up,
    standing,
    timelines,
)
from rostra.web.documents import Reports
from rostra.web.endpoints import bind
from rostra.web.settings import account, devices, security, transfers

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


async def missing(ctx: Context, request: Request) -> Response:
    """Answer for an address at which there is nothing: a page for people, and no page for programs.

    Raises:
        NotFound: a browser asks.
        HTTPException: something else does; the application answers it.
    """
    if "text/html" in request.headers.get("accept", ""):
        raise NotFound
    raise HTTPException(404)


def routes(ctx: Context, reported: Reports) -> list[BaseRoute]:
    """Return the routes of every page, its forms, and the files and pictures they need.

    Args:
        ctx: the context.
        reported: what writes the reports that pages of moderation lead to.

    The last of them takes every address that is left, so these routes go behind all others.
    """
    table = chain(
        feeds.TABLE,
        compose.TABLE,
        own_statuses.TABLE,
        lists.TABLE,
        reports.TABLE,
        acts.TABLE,
        timelines.TABLE,
        profiles.TABLE,
        notifications.TABLE,
        sign.TABLE,
        sign_up.TABLE,
        password_reset.TABLE,
        second_factor.TABLE,
        account.TABLE,
        devices.TABLE,
        security.TABLE,
        transfers.TABLE,
        standing.TABLE,
        collections.TABLE,
        search.TABLE,
        about.TABLE,
        conversations.TABLE,
        explore.TABLE,
        preferences.TABLE,
        filters.TABLE,
        blocks.TABLE,
        look.TABLE,
        admin.TABLE,
        documents.table(reported),
        admin_amnesties.TABLE,
        admin_reinstatements.TABLE,
        admin_reports.TABLE,
        admin_appeals.TABLE,
        admin_decisions.TABLE,
        admin_ledger.TABLE,
        ((method, "/{path:path}", missing) for method in METHODS),
    )
    return [
        *assets.ROUTES,
        *avatars.ROUTES,
        *emojis.routes(ctx),
        *embeds.routes(ctx),
        *bind(ctx, table),
    ]
