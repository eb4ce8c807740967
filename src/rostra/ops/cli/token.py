"""``rostra token``: access tokens for programs of one's own."""

from __future__ import annotations

import asyncio

from cyclopts import App

from rostra.domain import scopes as scope_rules
from rostra.domain.errors import Invalid
from rostra.ops.cli.common import HERE, Folder, named, opened
from rostra.services.authentication import oauth

app = App(name="token", help="Give an account an access token.")


@app.command
def create(name: str, /, *, scopes: str = "read write follow", folder: Folder = HERE) -> int:
    """Create an access token of an account and print it; it cannot be shown again.

    Args:
        name: The handle.
        scopes: What it may be used for, separated by spaces.
    """
    try:
        if not scope_rules.parse(scopes):
            raise Invalid("A token needs at least one scope")
    except Invalid as error:
        known = ", ".join(scope_rules.BROAD)
        raise Invalid(
            f'"{scopes}" are not scopes of this server; the broad ones are {known}'
        ) from error

    async def work() -> None:
        async with opened(folder) as ctx:
            with ctx.store.read() as snap:
                account = named(ctx, snap.accounts, name)
            text, _ = await oauth.grant_to_account(
                ctx, account=account.ordinal, application=None, scopes=scopes
            )
            print(text)

    asyncio.run(work())
    return 0
