"""Access tokens for the people of a replay: straight from the data folder, or by registering."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable
from itertools import islice
from typing import Final

import httpx2

from rostra.domain.accounts import Account
from rostra.domain.errors import Unavailable
from rostra.ports import Context, Token, Transaction
from rostra.services.authentication import oauth

SCOPES: Final = "read write follow"
REVOKED_AT_ONCE: Final = 1_000
REGISTERED_AT_ONCE: Final = 4
"""Each registration costs the server a password hash, which is meant to be slow."""


class FolderTokens:
    """Makes accounts and tokens in the server's own data folder, and ends the tokens afterwards.

    The accounts have no credentials: nobody can sign in as them.

    Args:
        ctx: the data folder the server runs on.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._tokens: dict[str, str] = {}

    async def prepare(self, names: Iterable[str]) -> None:
        """Give everybody named an account and a token."""
        new = {name: secrets.token_urlsafe(32) for name in names if name not in self._tokens}
        if not new:
            return

        def change(tx: Transaction) -> None:
            ordinals = tx.accounts.ordinals(new)
            missing = [name for name in new if name not in ordinals]
            if missing:
                first = tx.accounts.reserve_ordinals(len(missing))
                ordinals.update(zip(missing, range(first, first + len(missing)), strict=True))
                tx.accounts.create_many(
                    [
                        Account(
                            ordinal=ordinals[name],
                            id=tx.next_id(),
                            username=name,
                            created_at=tx.now,
                        )
                        for name in missing
                    ]
                )
            for name, text in new.items():
                tx.access.create_token(
                    Token(
                        hash=oauth.sha256(text),
                        account=ordinals[name],
                        application=None,
                        scopes=SCOPES,
                        created_at=tx.now,
                    )
                )

        await self._ctx.store.write(change)
        self._tokens.update(new)

    def of(self, name: str) -> str | None:
        """Return somebody's token."""
        return self._tokens.get(name)

    async def close(self) -> None:
        """End all tokens that were made."""
        texts = iter(self._tokens.values())
        while lot := list(islice(texts, REVOKED_AT_ONCE)):

            def change(tx: Transaction, lot: list[str] = lot) -> None:
                for text in lot:
                    tx.access.revoke_token(oauth.sha256(text))

            await self._ctx.store.write(change)
        self._tokens.clear()


class RegisteredTokens:
    """Registers accounts through the API, as an app does; names that are taken have no token.

    Args:
        client: sends to the server.
    """

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client
        self._tokens: dict[str, str | None] = {}
        self._places = asyncio.Semaphore(REGISTERED_AT_ONCE)
        self._application: str | None = None

    async def prepare(self, names: Iterable[str]) -> None:
        """Register everybody named who was not registered yet."""
        if self._application is None:
            self._application = await self._apply()
        new = [name for name in names if name not in self._tokens]
        await asyncio.gather(*(self._register(name, self._application) for name in new))

    def of(self, name: str) -> str | None:
        """Return somebody's token, or None when the registration was refused."""
        return self._tokens.get(name)

    async def _apply(self) -> str:
        """Return a token of an application of our own."""
        made = await self._client.post(
            "/api/v1/apps",
            data={
                "client_name": "rostra replay",
                "redirect_uris": oauth.OUT_OF_BAND,
                "scopes": SCOPES,
            },
        )
        if made.status_code == 200:
            given = await self._client.post(
                "/oauth/token",
                data={
                    "grant_type": "client_credentials",
                    "client_id": made.json()["client_id"],
                    "client_secret": made.json()["client_secret"],
                    "scope": SCOPES,
                },
            )
            if given.status_code == 200:
                return str(given.json()["access_token"])
        raise Unavailable(
            "The server registers no application for the replay; "
            "give the folder of its data with --data instead"
        )

    async def _register(self, name: str, application: str) -> None:
        async with self._places:
            try:
                answer = await self._client.post(
                    "/api/v1/accounts",
                    headers={"Authorization": f"Bearer {application}"},
                    data={
                        "username": name,
                        "email": f"{name}@replay.example",
                        "password": secrets.token_urlsafe(16),
                        "agreement": "true",
                        "locale": "en",
                    },
                )
            except httpx2.HTTPError:
                return
        refused = answer.status_code != 200
        self._tokens[name] = None if refused else str(answer.json()["access_token"])
