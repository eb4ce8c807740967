"""``rostra feature``: accounts the staff suggests to everybody."""

from __future__ import annotations

import asyncio

from cyclopts import App

from rostra.domain.account_set import SERVER, SetKey, SetKind
from rostra.ops.cli.common import HERE, Folder, named, opened
from rostra.services.discovery import suggestions

app = App(name="feature", help="Suggest accounts to everybody.")


async def _set(name: str, folder: Folder, *, featured: bool) -> None:
    async with opened(folder) as ctx:
        with ctx.store.read() as snap:
            account = named(ctx, snap.accounts, name)
        await suggestions.feature(ctx, account=account.ordinal, featured=featured)


@app.command
def add(name: str, /, *, folder: Folder = HERE) -> int:
    """Suggest an account to everybody who does not follow it.

    Args:
        name: The handle.
    """
    asyncio.run(_set(name, folder, featured=True))
    return 0


@app.command
def remove(name: str, /, *, folder: Folder = HERE) -> int:
    """Suggest an account no more.

    Args:
        name: The handle.
    """
    asyncio.run(_set(name, folder, featured=False))
    return 0


@app.command(name="list")
def list_(*, folder: Folder = HERE) -> int:
    """Print the handles of the accounts that are suggested to everybody, one a line."""

    async def work() -> None:
        async with opened(folder) as ctx:
            with ctx.store.read() as snap:
                featured = snap.sets.bitmap(SetKey(SERVER, SetKind.FEATURED))
                for account in snap.accounts.many(featured).values():
                    print(account.username)

    asyncio.run(work())
    return 0
