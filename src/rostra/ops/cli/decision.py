"""``rostra decision``: reinstatements and amnesties left to public polls."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec
from cyclopts import App
from msgspec import structs

from rostra.domain.decision_polls import Decision, hundredths, percent
from rostra.domain.errors import Invalid
from rostra.domain.ids import parse_id
from rostra.domain.words import how_many
from rostra.ops.cli.common import (
    HERE,
    Flag,
    Folder,
    named,
    opened,
    print_json,
    required_id,
    shown_time,
    terminal,
)
from rostra.ops.cli.listing import Listing
from rostra.ports import Snapshot
from rostra.services.moderation import decision_polls
from rostra.services.roles import require_moderator

app = App(name="decision", help="Leave a reinstatement or an amnesty to a public poll.")

MOST: Final = 500


@app.command
def bind(
    poll: str,
    /,
    *,
    by: str,
    share: str,
    account: str | None = None,
    amnesty: str | None = None,
    yes: int = 1,
    quorum: int = 1,
    folder: Folder = HERE,
) -> int:
    """Leave the return of an account, or an amnesty, to a poll that is open.

    Args:
        poll: The id of the poll, that is, of its status.
        by: The handle of the moderator who decides to.
        share: How many percent of the votes must be for it.
        account: The handle of the account.
        amnesty: The id of the amnesty.
        yes: Which option is for it, from 1.
        quorum: How many votes there must be at least.
    """

    async def work() -> None:
        async with opened(folder) as ctx:
            with ctx.store.read() as snap:
                moderator = named(ctx, snap.accounts, by).ordinal
                require_moderator(snap, moderator)
                target = None if account is None else named(ctx, snap.accounts, account).ordinal
            decision = await decision_polls.bind(
                ctx,
                moderator=moderator,
                poll=_poll(poll),
                share=hundredths(share),
                account=target,
                amnesty=None if amnesty is None else required_id(amnesty, "amnesty"),
                yes=yes - 1,
                quorum=quorum,
            )
            print(f"{decision.id}: left to the poll until {shown_time(decision.closes_at)}")

    asyncio.run(work())
    return 0


@app.command
def unbind(id: str, /, *, by: str, why: str, folder: Folder = HERE) -> int:
    """Take a decision back from its poll, whatever that said or will say.

    Args:
        id: Its id, as printed by bind and list.
        by: The handle of the moderator who decides to.
        why: The reason, for the record.
    """

    async def work() -> None:
        async with opened(folder) as ctx:
            with ctx.store.read() as snap:
                moderator = named(ctx, snap.accounts, by).ordinal
            decision = await decision_polls.unbind(
                ctx, moderator=moderator, decision=required_id(id, "decision"), why=why
            )
            print(f"{decision.id}: no poll decides about this any more")

    asyncio.run(work())
    return 0


@app.command(name="list")
def list_(*, json: Flag = False, folder: Folder = HERE) -> int:
    """List what is left to polls, newest first.

    Args:
        json: Print it as JSON.
    """

    async def work() -> None:
        async with opened(folder) as ctx:
            with ctx.store.read() as snap:
                found = decision_polls.listed(snap, limit=MOST)
                rows = [_row(snap, one) for one in found]
        if json:
            print_json(rows)
            return
        table = Listing("id", "about", "state", "closes", "asked", "result")
        for row in rows:
            asked = f"{row['share']} of {row['quorum']}"
            table.add_row(
                row["id"], row["about"], row["state"], row["closes_at"], asked, row["outcome"]
            )
        terminal().print(table if rows else "Nothing is left to a poll.")

    asyncio.run(work())
    return 0


@app.command
def show(id: str, /, *, json: Flag = False, folder: Folder = HERE) -> int:
    """Show what a poll decides, and its result with its evidence.

    Args:
        id: Its id, as printed by bind and list.
        json: Print it as JSON.
    """

    async def work() -> None:
        async with opened(folder) as ctx:
            with ctx.store.read() as snap:
                found = decision_polls.require_decision(snap, required_id(id, "decision"))
                data = _row(snap, found)
        if json:
            print_json(data)
            return
        print(f"{data['about']}: {data['state']}")
        for label, key in (
            ("asked", "text"),
            ("poll", "poll"),
            ("closes", "closes_at"),
            ("now", "now"),
            ("result", "outcome"),
            ("held up", "why_not"),
            ("unbound", "why"),
        ):
            if data[key]:
                print(f"{label:12} {data[key]}")
        result = data["result"]
        if result:
            print(f"{'left out':12} {result['suspended']} suspended, {result['gone']} gone")
            print(f"{'new':12} {result['new']} made since it was opened, {result['new_yes']} yes")
            for age in result["ages"]:
                print(f"{age['age']:12} {how_many(age['votes'], 'vote')}, {age['yes']:,} yes")
            print(f"{'sha256':12} {result['counted_sha256']}")

    asyncio.run(work())
    return 0


def _row(snap: Snapshot, decision: Decision) -> dict[str, Any]:
    shown = decision_polls.show(snap, decision)
    result, void = decision.result, decision.void
    return {
        "id": str(decision.id),
        "about": f"@{shown.account.username}" if shown.account else f"amnesty {decision.amnesty}",
        "state": str(decision.state),
        "poll": str(decision.poll),
        "text": decision.text,
        "options": list(decision.options),
        "yes": decision.yes + 1,
        "share": percent(decision.share),
        "quorum": decision.quorum,
        "closes_at": shown_time(decision.closes_at),
        "now": f"{shown.yes:,} of {how_many(shown.votes, 'vote')} for it",
        "outcome": decision_polls.outcome(decision) or (void.says if void else ""),
        "why_not": decision_polls.refusal(snap, decision),
        "why": decision.why,
        "result": None if result is None else msgspec.to_builtins(structs.asdict(result)),
    }


def _poll(text: str) -> int:
    number = parse_id(text)
    if number is None:
        raise Invalid(f"{text} is not the id of a poll: it stands at the end of its address")
    return number
