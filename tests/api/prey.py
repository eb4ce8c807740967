"""A world to throw things at: of everything that has an id there is one, and it is made anew."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from starlette.routing import BaseRoute, Mount, Route
from tests.api.world import Person, World

from rostra.domain.enforcement import ActionKind
from rostra.services.authentication import sessions
from rostra.services.moderation import enforcing
from rostra.services.server import announcements
from rostra.testing import uploads

ODD = ("0", "1", "9" * 18, str(2**63), str(2**64), "9" * 400, "\x00", "%", "٣", "..", "a" * 3000)


def addresses(found: list[BaseRoute], prefix: str = "") -> Iterator[tuple[str, Route]]:
    """Yield (path, route) of every route below some routes."""
    for route in found:
        if isinstance(route, Mount):
            yield from addresses(list(route.routes), prefix + route.path)
        elif isinstance(route, Route):
            yield prefix + route.path, route


class Prey:
    """A world for many examples, on an event loop of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.loop.run_until_complete(self._begin())

    async def _begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.world = World(Path(self.folder.name))
        self.alice: Person = await self.world.moderator("alice")
        self.bob = await self.world.person("bob", locked=True)
        self.token = await sessions.create(self.world.ctx, self.alice.ordinal)
        self.csrf = sessions.csrf_token(self.token)
        await self._people()
        self.things = await self._things()

    async def _people(self) -> None:
        await self.bob.follow(self.alice)
        await self.alice.follow(self.bob)
        await self.bob.post(f"/api/v1/follow_requests/{self.alice.id}/authorize")
        carol = await self.world.person("carol")
        await carol.follow(self.bob)
        poll = {"options": ["aye", "nay"], "expires_in": 600}
        self.posted = (await self.bob.status("@alice hello #ships", poll=poll))["id"]

    async def _decision(self) -> dict[str, str]:
        """Leave the return of somebody to a poll, and return its id."""
        dave = await self.world.person("dave")
        await self.world.suspend(dave)
        asked = {"options": ["aye", "nay"], "expires_in": 600}
        poll = await self.alice.status("Should @dave return?", poll=asked)
        given = {"poll_id": poll["id"], "account_id": dave.id, "share": "50"}
        made: dict[str, str] = await self.alice.post("/api/rostra/v1/decisions", **given)
        return made

    async def _things(self) -> dict[str, str]:
        """Return an id for each word that stands before one in an address."""
        alice, bob, posted = self.alice, self.bob, self.posted
        later = (datetime.now(UTC) + timedelta(days=400)).isoformat()
        files = {"file": ("a.png", uploads.picture("PNG"), "image/png")}
        made: dict[str, Any] = {
            "lists": await alice.post("/api/v1/lists", title="x"),
            "media": (await alice.call("POST", "/api/v2/media", files=files)).json(),
            "scheduled": await alice.status("later", scheduled_at=later),
            "featured_tags": await alice.post("/api/v1/featured_tags", name="ships"),
            "reports": await alice.post("/api/v1/reports", account_id=bob.id, status_ids=[posted]),
        }
        warned = await enforcing.act(
            self.world.ctx,
            moderator=None,
            target=bob.ordinal,
            kind=ActionKind.NONE,
            ground="noise",
        )
        made["appeals"] = await bob.post(
            "/api/rostra/v1/appeals", action_id=str(warned.id), text="It was music."
        )
        made["decisions"] = await self._decision()
        filtered = await alice.post(
            "/api/v2/filters",
            title="x",
            context=["home"],
            keywords_attributes=[{"keyword": "ship"}],
        )
        made["filters"], made["keywords"] = filtered, filtered["keywords"][0]
        made["filter_statuses"] = await alice.post(
            f"/api/v2/filters/{filtered['id']}/statuses", status_id=posted
        )
        await bob.status("@alice a word", visibility="direct")
        for kind in ("conversations", "notifications"):
            made[kind] = (await alice.get(f"/api/v1/{kind}"))[0]
        blocks: dict[str, dict[str, str]] = {
            "ip_blocks": {"ip": "192.0.2.1", "severity": "no_access"},
            "domain_blocks": {"domain": "a.example"},
            "domain_allows": {"domain": "b.example"},
            "email_domain_blocks": {"domain": "c.example"},
            "canonical_email_blocks": {"email": "x@d.example"},
        }
        for kind, body in blocks.items():
            made[kind] = await alice.post(f"/api/v1/admin/{kind}", **body)
        found = {kind: str(one["id"]) for kind, one in made.items()}
        said = await announcements.publish(self.world.ctx, text="hail")
        return found | {
            "announcements": str(said.id),
            "scheduled_statuses": found["scheduled"],
            "statuses": posted,
            "quotes": posted,
            "polls": posted,
            "accounts": bob.id,
            "follow_requests": "carol",
            "avatars": bob.id,
            "requests": bob.id,
        }

    async def _is_whole(self) -> bool:
        """Whether what was thrown so far left the people, and what they need to be reached."""
        me = await self.alice.call("GET", "/api/v1/admin/accounts", params={"limit": "1"})
        there = await self.bob.call("GET", f"/api/v1/statuses/{self.posted}")
        with self.world.store.read() as snap:
            signed_in = sessions.account_of(snap, self.token) is not None
        return signed_in and me.status_code == there.status_code == 200

    def whole(self) -> None:
        """Make the world anew when somebody in it was suspended, deleted or signed out."""
        if not self.loop.run_until_complete(self._is_whole()):
            self.loop.run_until_complete(self.world.close())
            self.folder.cleanup()
            self.loop.run_until_complete(self._begin())

    def send(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Send a request with the token of a moderator."""
        return self.loop.run_until_complete(self.alice.call(method, path, **options))

    def visit(self, method: str, path: str, *, known: bool, **options: Any) -> httpx2.Response:
        """Send a request as a browser does: signed in as a moderator, or not at all."""
        settings = self.world.settings
        jar = {sessions.form_cookie(settings): self.token}
        if known:
            jar[sessions.cookie(settings)] = self.token
        cookie = "; ".join(f"{name}={value}" for name, value in jar.items())

        async def ask() -> httpx2.Response:
            async with self.world.browser() as browser:
                headers = {"Cookie": cookie, **options.pop("headers", {})}
                return await browser.request(method, path, headers=headers, **options)

        return self.loop.run_until_complete(ask())

    def filled(self, path: str, number: int, odd: str = "1") -> str:
        """Return a path with something in place of its parameters.

        Args:
            path: as it stands in a route.
            number: 0: what is there; 1, 2: of somebody; more: what is odd.
            odd: what is odd.
        """
        parts = []
        before = ""
        for part in path.split("/"):
            words = [
                self._word(piece[1:-1].partition(":")[0], before, number, odd)
                if piece.startswith("{")
                else piece
                for piece in _pieces(part)
            ]
            parts.append("".join(words))
            before = part
        return "/".join(parts)

    def _word(self, name: str, before: str, number: int, odd: str) -> str:
        if number == 0:
            named = {"name": "bob", "tag": "ships", "key": "favourite-1", "verb": "follow"}
            word = self.things.get(before, named.get(name, self.posted))
        else:
            word = (self.bob.id, self.alice.id)[number - 1] if number < 3 else odd
        return "".join(f"%{byte:02x}" for byte in word.encode()) or "x"

    def close(self) -> None:
        """Close the world for good."""
        self.loop.run_until_complete(self.world.close())
        self.loop.close()
        self.folder.cleanup()


def _pieces(part: str) -> Iterator[str]:
    """Yield the pieces of a part of a path, parameters in their braces."""
    while "{" in part:
        plain, _, rest = part.partition("{")
        name, _, part = rest.partition("}")
        if plain:
            yield plain
        yield "{" + name + "}"
    if part:
        yield part
