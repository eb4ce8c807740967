"""The one who came back does what people do while probes look: that is no fault of the server's."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial

import pytest
from msgspec.structs import replace
from tests.api.probed import Told
from tests.api.world import Person, World

from rostra.ports import ANSWERING_SECONDS, Missed, Party, Visit, Visitor, Visitors
from rostra.services import probing
from rostra.testing import uploads

Act = Callable[[World, Person, int], Awaitable[None]]


class Meddled:
    """A visitor before whose n-th request something is done."""

    def __init__(self, visitor: Visitor, before: Callable[[], Awaitable[None]]) -> None:
        self._visitor, self._before = visitor, before
        self.worker = visitor.worker

    async def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        token: str | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Visit:
        await self._before()
        return await self._visitor.ask(path, method=method, token=token, params=params)


class Meddling:
    """Visitors before whose n-th request something is done; ``asked`` is how many there were."""

    def __init__(self, visitors: Visitors, at: int, act: Callable[[], Awaitable[None]]) -> None:
        self._visitors, self._at, self._act = visitors, at, act
        self.asked = 0

    async def _before(self) -> None:
        self.asked += 1
        if self.asked == self._at:
            await self._act()

    @asynccontextmanager
    async def meet(
        self, *, patience: float = ANSWERING_SECONDS, missed: Missed | None = None
    ) -> AsyncIterator[Party]:
        async with self._visitors.meet(patience=patience, missed=missed) as party:
            met = {name: Meddled(one, self._before) for name, one in party.visitors.items()}
            yield Party(met, party.missing)


async def changes(star: Person, **settings: object) -> None:
    path = "/api/v1/accounts/update_credentials"
    assert (await star.call("PATCH", path, json=settings)).is_success


async def hides_followers(world: World, star: Person, n: int) -> None:
    await changes(star, hide_collections=n % 2 == 0)


async def changes_picture(world: World, star: Person, n: int) -> None:
    files = {"avatar": ("a.png", uploads.picture("PNG"), "image/png")}
    path = "/api/v1/accounts/update_credentials"
    assert (await star.call("PATCH", path, files=files)).is_success
    await world.jobs()  # which removes the file of the one before


async def speaks(world: World, star: Person, n: int) -> None:
    files = {"file": ("a.png", uploads.picture("PNG"), "image/png")}
    media = (await star.call("POST", "/api/v2/media", files=files)).json()
    await star.status(f"hello {n}", media_ids=[media["id"]])


async def takes_back(world: World, star: Person, n: int) -> None:
    newest = await star.get(f"/api/v1/accounts/{star.id}/statuses", limit=1)
    assert (await star.call("DELETE", f"/api/v1/statuses/{newest[0]['id']}")).is_success
    await world.jobs()
    await speaks(world, star, n)


@pytest.mark.parametrize("act", [hides_followers, changes_picture, takes_back])
async def test_what_the_owner_does_before_any_request_is_no_fault(world: World, act: Act) -> None:
    star, *fans = await world.people("star", "ann", "bob", "cleo")
    for fan in fans:
        await fan.follow(star)
    await changes_picture(world, star, 0)
    for n in range(4):
        world.tick()
        await speaks(world, star, n)
    for n in itertools.count(1):
        visitors = Meddling(world.ctx.visitors, n, partial(act, world, star, n))
        told = Told()
        world.tick()
        await probing.confirm(
            replace(world.ctx, visitors=visitors),
            account=star.ordinal,
            plan_followers=3,
            sample=2,
            tell=told,
        )
        assert told.failed == [], f"before request {n}"
        if visitors.asked < n:
            assert n > 20
            return
