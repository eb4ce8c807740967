"""``rostra alert``: the addresses that alerts go to."""

from __future__ import annotations

import asyncio

from cyclopts import App
from msgspec import structs
from rich.table import Table

from rostra.ops.cli.common import HERE, Flag, Folder, opened, print_json, terminal
from rostra.ops.opening import as_served, check_alerts
from rostra.services import alerts
from rostra.services.alerts import Delivery

app = App(name="alert", help="Try the addresses that alerts go to.")


@app.command(name="test")
def try_all(*, json: Flag = False, folder: Folder = HERE) -> int:
    """Send one alert to every address that is set; exit code 1 when any did not take it.

    Its link leads to the server that runs on the data folder, or else to where one would.

    Args:
        json: Print what became of it as JSON.
    """

    async def work() -> list[Delivery]:
        async with opened(folder) as ctx:
            check_alerts(ctx.settings)
            served = structs.replace(ctx, settings=as_served(ctx.settings))
            return await alerts.try_all(served)

    found = asyncio.run(work())
    if json:
        shown = [
            {"address": one.place.shown, "sent": not one.error, "error": one.error or None}
            | {"took_ms": one.took_ms}
            for one in found
        ]
        print_json(shown)
    else:
        _print_table(found)
    return 1 if any(one.error for one in found) else 0


def _print_table(found: list[Delivery]) -> None:
    table = Table("address", "sent", "ms", "why not", box=None, pad_edge=False)
    for one in found:
        # What went wrong begins with the address, which has a column of its own here.
        why = one.error.removeprefix(f"{one.place.shown}: ")
        table.add_row(one.place.shown, "no" if one.error else "yes", str(one.took_ms), why)
    terminal().print(table)
