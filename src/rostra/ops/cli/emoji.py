"""``rostra emoji``: the custom emojis of the server."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from rostra.domain.errors import Invalid
from rostra.ops.cli.common import HERE, Folder, opened
from rostra.services.attachments import emojis

app = App(name="emoji", help="Add, remove and list custom emojis.")


@app.command
def add(
    name: str,
    file: Path,
    /,
    *,
    category: str | None = None,
    hidden: Annotated[bool, Parameter(negative="")] = False,
    folder: Folder = HERE,
) -> int:
    """Add a custom emoji, or replace the one of this name.

    Args:
        name: What is typed between colons: letters, digits and underscores.
        file: A PNG, GIF or WebP picture of at most 256 KiB.
        category: The heading under which apps show it.
        hidden: Usable, but not shown in pickers.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {error.strerror}") from error

    async def work() -> None:
        async with opened(folder) as ctx:
            emoji = await emojis.add(
                ctx, shortcode=name, file=content, category=category, visible=not hidden
            )
            print(f":{emoji.shortcode}:")

    asyncio.run(work())
    return 0


@app.command
def remove(name: str, /, *, folder: Folder = HERE) -> int:
    """Remove a custom emoji; texts that use it show its name.

    Args:
        name: Its shortcode.
    """

    async def work() -> None:
        async with opened(folder) as ctx:
            await emojis.remove(ctx, shortcode=name)

    asyncio.run(work())
    return 0


@app.command(name="list")
def list_(*, folder: Folder = HERE) -> int:
    """Print the custom emojis, one a line: shortcode, type, category."""

    async def work() -> None:
        async with opened(folder) as ctx:
            with ctx.store.read() as snap:
                found = list(snap.emojis.all().values())
        for emoji in found:
            hidden = "" if emoji.visible else "hidden"
            print("\t".join((emoji.shortcode, emoji.type, emoji.category or "-", hidden)).rstrip())

    asyncio.run(work())
    return 0
