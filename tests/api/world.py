"""A small world behind the whole HTTP application, and people who call it as apps do."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import httpx2
import msgspec
from tests.api.answering import held_to_its_word

from rostra import app
from rostra.config import Settings
from rostra.domain.account_set import SERVER, SetKey, SetKind
from rostra.domain.accounts import Account, Role
from rostra.domain.enforcement import Action, LiftReason
from rostra.domain.probes import PASS_PURPOSE
from rostra.ops.opening import MEDIA_FOLDER
from rostra.outside.fetcher import GuardedFetcher
from rostra.outside.files import LocalFiles
from rostra.outside.media_maker import Maker
from rostra.ports import Context, Fetcher, Transaction
from rostra.services import accounts
from rostra.services.authentication import oauth
from rostra.services.moderation import enforcing
from rostra.services.work import HANDLERS
from rostra.storage.store import SqliteStore
from rostra.testing.app_visitors import AppVisitors
from rostra.testing.clock import FakeClock
from rostra.testing.machines import GivenMachine

URL = "https://here.example"
PASSWORD = "a platform of ships' prows"
SCOPES = "read write follow push admin:read admin:write profile"


async def nowhere(host: str, port: int) -> list[str]:
    """Resolve names as in a world without other servers."""
    return []


class Person:
    """An account with a token, and an app that uses it."""

    def __init__(self, client: httpx2.AsyncClient, account: Account, token: str) -> None:
        self.account = account
        self.ordinal = account.ordinal
        self.id = str(account.id)
        self.name = account.username
        self.token = token
        self._client = client

    async def call(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Send a request with this person's token."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return await self._client.request(method, path, headers=headers, **options)

    async def get(self, path: str, **params: Any) -> Any:
        """Return the JSON of what must succeed."""
        response = await self.call("GET", path, params=params)
        assert response.status_code == 200, response.text
        return response.json()

    async def post(self, path: str, **body: Any) -> Any:
        """Return the JSON of what must succeed."""
        response = await self.call("POST", path, json=body)
        assert response.status_code == 200, response.text
        return response.json()

    async def status(self, text: str, **body: Any) -> Any:
        """Post a status and return it."""
        return await self.post("/api/v1/statuses", status=text, **body)

    async def follow(self, other: Person, **body: Any) -> Any:
        """Follow somebody and return the relationship."""
        return await self.post(f"/api/v1/accounts/{other.id}/follow", **body)

    async def relationship(self, other: Person, **params: Any) -> Any:
        """Return the relationship to somebody, or None when it is left out."""
        found = await self.get("/api/v1/accounts/relationships", **{"id[]": other.id}, **params)
        return found[0] if found else None


class World:
    """A data folder and the application on it; the clock is moved by hand.

    Args:
        folder: where to keep the data.
        fetcher: asks other servers; without one there are none.
        settings: beside those the world needs.
    """

    def __init__(self, folder: Path, *, fetcher: Fetcher | None = None, **settings: Any) -> None:
        self.clock = FakeClock()
        self.store = SqliteStore.open(folder, self.clock)
        self.settings = Settings(data=folder, domain="here.example", base_url=URL, **settings)
        self.machine = GivenMachine()
        self.ctx = Context(
            self.settings,
            self.store,
            self.clock,
            Random(1),
            fetcher=fetcher or GuardedFetcher(resolver=nowhere),
            files=LocalFiles(folder / MEDIA_FOLDER),
            maker=Maker(),
            machines=self.machine,
        )
        self.app = app.build(self.ctx, worker_index=3)
        self.ctx = msgspec.structs.replace(
            self.ctx,
            visitors=AppVisitors({"3": self.app}, URL, self.store.secret(PASS_PURPOSE).hex()),
        )
        self.client = self.browser()

    def browser(self) -> httpx2.AsyncClient:
        """Return a client with cookies of its own."""
        transport = httpx2.ASGITransport(app=self.app)
        hooks = {"response": [held_to_its_word]}
        return httpx2.AsyncClient(transport=transport, base_url=URL, event_hooks=hooks)

    async def close(self) -> None:
        """Close the client and the data folder."""
        await self.client.aclose()
        await self.store.close()

    def tick(self, ms: int = 10) -> None:
        """Let a little time pass, so that what follows is later."""
        self.clock.advance(ms)

    # -- people ----------------------------------------------------------------------------------

    async def person(self, username: str, *, scopes: str = SCOPES, **fields: Any) -> Person:
        """Create an account (without a password) and return it with a token."""
        self.tick()

        def change(tx: Transaction) -> Account:
            account = Account(
                ordinal=tx.accounts.reserve_ordinals(1),
                id=tx.next_id(),
                username=username,
                created_at=tx.now,
                **fields,
            )
            tx.accounts.create(account)
            if account.locked:
                tx.sets.add(SetKey(SERVER, SetKind.LOCKED), account.ordinal)
            return account

        account = await self.store.write(change)
        return Person(self.client, account, await self.token(account.ordinal, scopes))

    async def people(self, *names: str) -> list[Person]:
        """Create several accounts."""
        return [await self.person(name) for name in names]

    async def moderator(self, username: str = "mod", **options: Any) -> Person:
        """Create a moderator."""
        return await self.person(username, role=Role.MODERATOR, **options)

    async def citizen(self, username: str, **fields: Any) -> Account:
        """Create an account that signs in with ``PASSWORD``."""
        self.tick()
        return await accounts.register(
            self.ctx,
            username=username,
            email=f"{username}@here.example",
            password=PASSWORD,
            **fields,
        )

    async def token(self, ordinal: int, scopes: str = SCOPES) -> str:
        """Return a new token of an account."""
        text, _ = await oauth.grant_to_account(
            self.ctx, account=ordinal, application=None, scopes=scopes
        )
        return text

    # -- what others do --------------------------------------------------------------------------

    async def suspend(self, person: Person, *, until: int | None = None) -> Action:
        """Suspend an account by the server itself."""
        self.tick()
        return await enforcing.suspend(
            self.ctx, moderator=None, target=person.ordinal, ground="spam", until=until
        )

    async def reinstate(self, person: Person) -> None:
        """Lift the suspensions of an account, and give it a new token for the revoked one."""
        self.tick()
        await enforcing.reinstate(
            self.ctx, moderator=None, target=person.ordinal, reason=LiftReason.OVERTURNED
        )
        person.token = await self.token(person.ordinal)

    async def jobs(self) -> None:
        """Do the jobs that are due, and what they bring."""
        while True:
            with self.store.read() as snap:
                due = snap.jobs.due(self.clock.now(), limit=100)
            if not due:
                return
            for job in due:
                await HANDLERS[job.name](self.ctx, **job.payload)
                await self.store.write(lambda tx, id_=job.id: tx.jobs.finish(id_))

    # -- anybody ---------------------------------------------------------------------------------

    async def get(self, path: str, **params: Any) -> httpx2.Response:
        """Ask without a token."""
        return await self.client.get(path, params=params)

    async def application(self, **given: Any) -> dict[str, Any]:
        """Register an application and return it."""
        body = {
            "client_name": "Gazette",
            "redirect_uris": "https://gazette.example/back",
            "scopes": "read write follow push",
            **given,
        }
        response = await self.client.post("/api/v1/apps", json=body)
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    async def application_token(self, scopes: str = "read write") -> dict[str, str]:
        """Return the header with a new application's own token, which names no account."""
        application = await self.application()
        given = {
            "grant_type": "client_credentials",
            "client_id": application["client_id"],
            "client_secret": application["client_secret"],
            "scope": scopes,
        }
        response = await self.client.post("/oauth/token", data=given)
        assert response.status_code == 200, response.text
        return {"Authorization": f"Bearer {response.json()['access_token']}"}
