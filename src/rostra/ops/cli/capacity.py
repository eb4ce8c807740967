"""``rostra capacity``."""

from __future__ import annotations

import asyncio

from rich.table import Table

from rostra.api.extension.reinstatement_entities import headroom
from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.capacity import Headroom, shown_bytes
from rostra.domain.errors import Invalid
from rostra.domain.words import how_many
from rostra.ops.cli.common import HERE, Flag, Folder, named, opened, print_json, terminal
from rostra.services.server import capacity as service


def capacity(
    *,
    followers: int | None = None,
    account: str | None = None,
    json: Flag = False,
    folder: Folder = HERE,
) -> int:
    """Say whether this server can bear a returning audience; exit code 1 when it cannot.

    Args:
        followers: How many come back (default: none).
        account: Whose audience comes back: as many as follow that account, hidden or not.
        json: Print all figures as JSON.
    """
    if followers is not None and account is not None:
        raise Invalid("Name either --followers or --account: the account has followers of its own")

    async def work() -> Headroom:
        async with opened(folder) as ctx:
            number = followers or 0
            if account is not None:
                with ctx.store.read() as snap:
                    ordinal = named(ctx, snap.accounts, account).ordinal
                    number = snap.sets.size(SetKey(ordinal, SetKind.FOLLOWERS))
            return await service.headroom(ctx, followers=number)

    found = asyncio.run(work())
    if json:
        print_json(headroom(found.told()))
    else:
        _print(found)
    return 0 if found.enough else 1


def _print(found: Headroom) -> None:
    console = terminal()
    console.print(
        f"{found.verdict}: {how_many(found.followers, 'follower')}, "
        f"{found.returning:,} back at once, "
        f"{found.requests_a_second:,.1f} requests a second",
    )
    table = Table("", "wanted", "left", "of", box=None, pad_edge=False)
    table.add_row(
        "memory",
        shown_bytes(found.memory_wanted),
        shown_bytes(found.memory_left),
        shown_bytes(found.memory),
    )
    table.add_row(
        "CPU, cores",
        f"{found.cores_wanted:.2f}",
        f"{found.cores_left:.2f}",
        f"{found.cores:.2f}",
    )
    console.print(table)
    for line in (*found.reasons, *(f"assumed: {each}" for each in found.assumed)):
        console.print(f"- {line}")
