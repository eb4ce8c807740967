"""``rostra announcement``: telling everybody on the server something."""

from __future__ import annotations

import asyncio
from typing import Annotated

from cyclopts import App, Parameter

from rostra.ops.cli.common import HERE, Folder, opened, parse_time, required_id, shown_time
from rostra.services.server import announcements

app = App(name="announcement", help="Publish, list and withdraw announcements.")


@app.command
def publish(
    text: str,
    /,
    *,
    starts: str | None = None,
    ends: str | None = None,
    all_day: Annotated[bool, Parameter(negative="")] = False,
    folder: Folder = HERE,
) -> int:
    """Publish an announcement and print its id.

    Args:
        text: What to tell; links, mentions and hashtags lead somewhere.
        starts: When what it tells of begins: a time, or a duration from now.
        ends: When that ends, and the announcement is not shown any more.
        all_day: Only the days of these times matter.
    """

    async def work() -> None:
        async with opened(folder) as ctx:
            now = ctx.clock.now()
            announcement = await announcements.publish(
                ctx,
                text=text,
                starts_at=parse_time(starts, now) if starts else None,
                ends_at=parse_time(ends, now) if ends else None,
                all_day=all_day,
            )
            print(announcement.id)

    asyncio.run(work())
    return 0


@app.command
def withdraw(id: str, /, *, folder: Folder = HERE) -> int:
    """Take an announcement back.

    Args:
        id: Its id, as printed by publish and list.
    """

    async def work() -> None:
        async with opened(folder) as ctx:
            number = required_id(id, "announcement")
            await announcements.withdraw(ctx, announcement_id=number)

    asyncio.run(work())
    return 0


@app.command(name="list")
def list_(*, folder: Folder = HERE) -> int:
    """Print the announcements, one a line: id, start, end, text."""

    async def work() -> None:
        async with opened(folder) as ctx:
            with ctx.store.read() as snap:
                found = snap.announcements.all()
        for one in found:
            words = " ".join(one.text.split())
            print(one.id, shown_time(one.starts_at), shown_time(one.ends_at), words, sep="\t")

    asyncio.run(work())
    return 0
