"""A world with two workers: what is done in one is asked of both."""

from __future__ import annotations

from typing import Any

import httpx2
from tests.api.world import URL, Person, World

from rostra import app
from rostra.ports import Context
from rostra.storage.store import SqliteStore


class Other:
    """Another process on the data folder of a world."""

    def __init__(self, world: World) -> None:
        self.store = SqliteStore.open(world.store.folder, world.clock)
        ctx = Context(
            world.settings,
            self.store,
            world.clock,
            world.ctx.random,
            fetcher=world.ctx.fetcher,
            files=world.ctx.files,
            maker=world.ctx.maker,
        )
        built = app.build(ctx, worker_index=4)
        self.client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=built), base_url=URL)

    async def get(self, person: Person, path: str) -> Any:
        """Return the JSON of what must succeed."""
        headers = {"Authorization": f"Bearer {person.token}"}
        answer = await self.client.get(path, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def home(self, person: Person) -> list[str]:
        """Return the ids of a home timeline."""
        return [one["id"] for one in await self.get(person, "/api/v1/timelines/home")]

    async def close(self) -> None:
        """Close the client and the data folder."""
        await self.client.aclose()
        await self.store.close()


class Both:
    """Two workers on one data folder, which must answer alike.

    Args:
        world: the first of them.
        other: the second.
    """

    def __init__(self, world: World, other: Other) -> None:
        self.world = world
        self.other = other

    async def answers(self, person: Person | None, path: str, **params: Any) -> Any:
        """Return (status, JSON or text) of a GET; both workers answer the same, twice."""
        headers = {} if person is None else {"Authorization": f"Bearer {person.token}"}
        found = []
        for client in (self.other.client, self.world.client, self.other.client, self.world.client):
            answer = await client.get(path, headers=headers, params=params or None)
            is_json = "json" in answer.headers.get("content-type", "")
            found.append((answer.status_code, answer.json() if is_json else answer.text))
        if isinstance(found[0][1], str):  # a page has a token of its own in each of its forms
            assert len({status for status, _ in found}) == 1, path
        else:
            assert all(one == found[0] for one in found), path
        return found[0]

    async def get(self, person: Person | None, path: str, **params: Any) -> Any:
        """Return the JSON of what must succeed."""
        status, body = await self.answers(person, path, **params)
        assert status == 200, (path, body)
        return body

    async def ids(self, person: Person | None, path: str, **params: Any) -> list[str]:
        """Return the ids of a list that must be given."""
        return [one["id"] for one in await self.get(person, path, **params)]

    async def status(self, person: Person | None, path: str) -> int:
        """Return the status code of a GET."""
        return int((await self.answers(person, path))[0])

    async def act(self, person: Person, path: str, **body: Any) -> httpx2.Response:
        """Send a POST to the second worker."""
        headers = {"Authorization": f"Bearer {person.token}"}
        return await self.other.client.post(path, headers=headers, json=body)
