"""Alerts to operators: put off to jobs by the transaction that calls for them, one job an address.

So an alert is sent exactly when what it tells of is committed, an address that is dead keeps no
other waiting, and none is told again because another failed.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import structlog
from msgspec import Struct

from rostra.domain.alerts import MAX_SUBJECT, MAX_TEXT, Alert, AlertPlace, Undelivered, clipped
from rostra.domain.errors import NotOffered, told
from rostra.ports import Context, Transaction

NO_ADDRESS = told(
    "No address for alerts is set: set alert_urls (ROSTRA_ALERT_URLS), such as "
    "slack://TokenA/TokenB/TokenC, and start the server again"
)


_log = structlog.get_logger()


class Delivery(Struct, frozen=True, kw_only=True):
    """What became of an alert at one address; ``error`` is empty when it was taken."""

    place: AlertPlace
    took_ms: int
    error: str = ""


def tell(tx: Transaction, *, subject: str, text: str, link: str = "", grave: bool = False) -> None:
    """Have operators told of something once this transaction is committed.

    Args:
        tx: the transaction that does what is told of.
        subject: what happened, in a line.
        text: the figures, and what to do.
        link: where to look: a whole address, or a path of this server.
        grave: whether somebody should look now.
    """
    tx.jobs.enqueue(
        "send_alert",
        {
            "id": str(tx.next_id()),
            "subject": clipped(" ".join(subject.split()), MAX_SUBJECT),
            "text": clipped(text, MAX_TEXT),
            "link": link,
            "grave": grave,
            "at": tx.now,
        },
        tx.now,
    )


async def send_alert(ctx: Context, **alert: Any) -> None:
    """Log an alert, and put it into the queue once for each address there is."""
    write = _log.warning if alert.get("grave") else _log.info
    write("alert", id=alert["id"], subject=alert["subject"], text=alert["text"])
    places = ctx.alerts.places()
    if not places:
        return

    def change(tx: Transaction) -> None:
        for place in places:
            tx.jobs.enqueue("deliver_alert", {**alert, "to": place.key}, tx.now)

    await ctx.store.write(change)


async def deliver_alert(ctx: Context, *, to: str, link: str = "", **alert: Any) -> None:
    """Send an alert to one address, unless that is not set any more.

    Raises:
        Undelivered: it was not taken; the job runner tries again.
    """
    place = next((one for one in ctx.alerts.places() if one.key == to), None)
    if place is not None:
        whole = f"{ctx.settings.url}{link}" if link.startswith("/") else link
        await ctx.alerts.send(place.key, Alert(**alert, link=whole), server=ctx.settings.title)


async def try_all(ctx: Context) -> list[Delivery]:
    """Send a test to every address at once, and return what became of it at each.

    Raises:
        NotOffered: no address is set.
    """
    places = ctx.alerts.places()
    if not places:
        raise NotOffered(NO_ADDRESS)
    with ctx.store.read() as snap:
        now = snap.now
    alert = Alert(
        id=f"test-{now}",
        subject="A test of alerts",
        text="If you can read this, alerts of this server reach you here. There is nothing to do.",
        link=ctx.settings.url,
        at=now,
    )
    return list(await asyncio.gather(*(_tried(ctx, place, alert) for place in places)))


async def _tried(ctx: Context, place: AlertPlace, alert: Alert) -> Delivery:
    began, error = time.monotonic(), ""
    try:
        await ctx.alerts.send(place.key, alert, server=ctx.settings.title)
    except Undelivered as failure:
        error = failure.message
    return Delivery(place=place, took_ms=round((time.monotonic() - began) * 1000), error=error)
