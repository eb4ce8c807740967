"""Pages that are the same for everybody who is not signed in: rendered once, sent as kept bytes.

A page is kept as long as nothing was committed since it was read and no clock changed a mask, so a
crowd that reads costs no more than asking the store that, and nobody is shown what is over.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from rostra.language import i18n
from rostra.ports import Context
from rostra.services.authentication import sessions
from rostra.services.reading.freshness import Basis, News, Since
from rostra.web.render import theme_of

KEPT: Final = 256
MAX_BYTES: Final = 256 * 1024
MAX_AGE_MS: Final = 10_000
"""Pages say how long ago things were; they are made anew this often for that alone."""

Key = tuple[str, ...]


class Page(Struct):
    """A page as it was rendered, and the place in the change feed up to which it is true."""

    body: bytes
    status: int
    headers: list[tuple[bytes, bytes]]
    seq: int
    since: Since
    basis: Basis | None
    made_at: int


class SharedPages:
    """The pages kept in this process, those asked for longest ago forgotten first."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._news = News(ctx.store)
        self._pages: OrderedDict[Key, Page] = OrderedDict()

    def key(self, request: Request) -> Key | None:
        """Return what names the page asked for, or None when it is one visitor's own."""
        if request.method != "GET" or sessions.cookie(self._ctx.settings) in request.cookies:
            return None
        asked = ("hx-request", "hx-target", "hx-history-restore-request")
        parts = [request.headers.get(name, "") for name in asked]
        look = (i18n.of_request(request).tag, theme_of(request))
        return (request.url.path, request.url.query, *look, *parts)

    def moment(self) -> tuple[int, Since]:
        """Return the place in the change feed that a page read from now on is at least true of."""
        with self._ctx.store.read() as snap:
            return snap.seq, self._news.now()

    def get(self, key: Key) -> Response | None:
        """Return the page as it is, or None when it must be made."""
        page = self._pages.get(key)
        if page is None:
            return None
        age = self._ctx.clock.now() - page.made_at
        if not 0 <= age < MAX_AGE_MS or not self._holds(page):
            return None
        self._pages.move_to_end(key)
        response = Response(page.body, page.status)
        response.raw_headers = list(page.headers)
        return response

    def _holds(self, page: Page) -> bool:
        store = self._ctx.store
        if not store.unchanged_since(page.seq):
            if page.basis is None or not self._news.leaves(page.basis, page.since):
                return False
            page.seq, page.since = store.seq, self._news.now()
        return True

    def keep(
        self, key: Key, response: Response, moment: tuple[int, Since], basis: Basis | None
    ) -> None:
        """Keep a page that was made, when it is one for everybody.

        Args:
            key: what names it.
            response: the page.
            moment: from before it was made.
            basis: what it shows; None when any commit may outdate it.
        """
        body = bytes(response.body)
        if response.status_code not in (200, 410) or "set-cookie" in response.headers:
            return
        if len(body) > MAX_BYTES:
            return
        made_at = self._ctx.clock.now()
        headers = list(response.raw_headers)
        seq, since = moment
        self._pages[key] = Page(body, response.status_code, headers, seq, since, basis, made_at)
        self._pages.move_to_end(key)
        if len(self._pages) > KEPT:
            self._pages.popitem(last=False)
