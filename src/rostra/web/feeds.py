"""Feeds: the newest public statuses of an account or with a hashtag, for feed readers (RSS 2.0)."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from rostra.domain.statuses import Visibility
from rostra.ports import Context
from rostra.services import statuses
from rostra.services.discovery import tags
from rostra.services.reading import timelines
from rostra.web.endpoints import Handler
from rostra.web.profiles import find
from rostra.web.render import avatar_url, display_name, render
from rostra.web.views import basis_of, cards
from rostra.web.visits import ANYBODY

SIZE: Final = 20
_NOT_XML: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")
"""What XML 1.0 cannot hold (§2.2), in UTF-8: one of it would make a feed unreadable as a whole."""
TYPE: Final = "application/rss+xml; charset=utf-8"


def _feed(ctx: Context, request: Request, **values: object) -> Response:
    response = render(ctx, request, "_feed.xml", ANYBODY, **values)  # type: ignore[arg-type]
    response.body = _NOT_XML.sub(b"", bytes(response.body))
    response.headers["Content-Length"] = str(len(response.body))
    response.headers["Content-Type"] = TYPE
    response.headers["Cache-Control"] = "public, max-age=60"
    return response


async def of_account(ctx: Context, request: Request) -> Response:
    """Give the newest public statuses of an account."""
    with ctx.store.read() as snap:
        account = find(ctx, snap, request.path_params["name"])
        ids = statuses.by_account(
            snap, None, account.ordinal, limit=SIZE, exclude_replies=True, exclude_reblogs=True
        )
        listed = cards(snap, None, ids)
    request.state.basis = basis_of(listed, account.ordinal)
    url = ctx.settings.url
    return _feed(
        ctx,
        request,
        cards=[one for one in listed if one.view.status.visibility == Visibility.PUBLIC],
        title=display_name(account),
        about=account.note,
        link=f"{url}/@{account.username}",
        here=f"{url}/@{account.username}.rss",
        picture=f"{url}{avatar_url(account)}",
    )


async def of_tag(ctx: Context, request: Request) -> Response:
    """Give the newest public statuses with a hashtag."""
    with ctx.store.read() as snap:
        name = tags.show(snap, None, request.path_params["tag"]).name
        listed = cards(snap, None, timelines.tag(snap, None, name, limit=SIZE))
    url = f"{ctx.settings.url}/tags/{quote(name)}"
    return _feed(
        ctx,
        request,
        cards=listed,
        title=f"#{name}",
        about="",
        link=url,
        here=f"{url}.rss",
        picture="",
    )


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", "/@{name}.rss", of_account),
    ("GET", "/tags/{tag}.rss", of_tag),
)
