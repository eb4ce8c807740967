"""https://docs.joinmastodon.org/methods/oembed/ and https://oembed.com/"""

from __future__ import annotations

import re
from html import escape
from typing import Final

from msgspec import Struct
from starlette.routing import BaseRoute

from rostra.api.mastodon.common import bytes_reply
from rostra.api.messages import Call, Reply, encode
from rostra.api.operation import at, reads
from rostra.domain.errors import NotFound
from rostra.domain.ids import parse_id
from rostra.ports import Snapshot
from rostra.services import accounts, statuses

WIDTH: Final = 400
LEAST: Final = 220
CACHE_SECONDS: Final = 86_400
_PATH: Final = re.compile(r"/(?:@|users/)([A-Za-z0-9_]{1,30})/(?:statuses/)?([0-9]{1,19})/?\Z")


class Asked(Struct, frozen=True):
    url: str = ""
    maxwidth: int | None = None
    maxheight: int | None = None
    format: str = "json"


@reads(Asked)
def oembed(call: Call, snap: Snapshot, given: Asked) -> Reply:
    """Tell how a status of this server that anybody may see is shown on other sites."""
    base = call.api.ctx.settings.url
    path = given.url.partition("?")[0].partition("#")[0]
    found = _PATH.match(path[len(base) :]) if path.startswith(base) else None
    status_id = parse_id(found[2]) if found else None
    if found is None or status_id is None or given.format != "json":
        raise NotFound
    status = statuses.show(snap, None, status_id)
    author = accounts.lookup(snap, found[1])
    if author.ordinal != status.author or status.reblog_of is not None:
        raise NotFound
    width = max(LEAST, min(given.maxwidth or WIDTH, WIDTH))
    height = max(LEAST, given.maxheight) if given.maxheight else None
    address = f"{base}/@{author.username}/{status.id}/embed"
    size = f'width="{width}"' + (f' height="{height}"' if height else "")
    name = author.display_name or author.username
    entity = {
        "type": "rich",
        "version": "1.0",
        "title": f"New status by {name}",
        "author_name": name,
        "author_url": f"{base}/@{author.username}",
        "provider_name": call.api.ctx.settings.domain,
        "provider_url": f"{base}/",
        "cache_age": CACHE_SECONDS,
        "html": (
            f'<iframe src="{escape(address)}" title="{escape(name)}" {size} '
            'style="max-width: 100%; border: 0" sandbox="allow-popups '
            'allow-popups-to-escape-sandbox allow-same-origin" loading="lazy" '
            'allowfullscreen="allowfullscreen"></iframe>'
        ),
        "width": width,
        "height": height,
    }
    return bytes_reply(call, encode(entity))


ROUTES: Final[list[BaseRoute]] = [at("/oembed", GET=oembed)]
