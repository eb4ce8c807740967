"""``rostra appeal``: listing appeals, reading one, accepting and rejecting."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal

import msgspec
from cyclopts import App

from rostra.domain.accounts import Account
from rostra.domain.appeals import Appeal, AppealState
from rostra.domain.errors import NotFound
from rostra.ops.cli.common import (
    HERE,
    Flag,
    Folder,
    command,
    named,
    opened,
    print_json,
    required_id,
    shown_time,
    terminal,
)
from rostra.ops.cli.listing import Listing
from rostra.ports import Snapshot
from rostra.services.appeals import deciding
from rostra.services.roles import require_moderator

app = App(name="appeal", help="List appeals, read one, accept and reject.")

State = Literal["open", "overdue", "decided", "all"]
MOST: Final = 500
NONE: Final = {
    "open": "No appeal is open.",
    "overdue": "No appeal is overdue.",
    "decided": "No appeal was decided yet.",
    "all": "Nobody has appealed yet.",
}


@app.command(name="list")
def list_(*, state: State = "open", json: Flag = False, folder: Folder = HERE) -> int:
    """List appeals, those promised first at the head.

    Args:
        state: Which: open ones, the overdue among them, those that are over, or all.
        json: Print it as JSON.
    """

    async def work() -> None:
        async with opened(folder) as ctx:
            with ctx.store.read() as snap:
                found = deciding.listed(snap, which=state, limit=MOST)
                accounts = snap.accounts.many({one.account for one in found})
                rows = [_row(one, accounts.get(one.account), snap.now) for one in found]
        if json:
            print_json(rows)
            return
        table = Listing("id", "account", "about", "state", "opened", "promised by")
        for row in rows:
            late = " (overdue)" if row["overdue"] else ""
            table.add_row(
                row["id"],
                f"@{row['account']}",
                f"{row['type']}: {row['ground']}",
                row["state"] + late,
                row["opened_at"],
                row["due_at"],
            )
        terminal().print(table if rows else NONE[state])
        if not rows and state == "open":
            over = command("appeal", "list", "--state", "all")
            terminal().print(f"To see those that are over: {over}", soft_wrap=True)

    asyncio.run(work())
    return 0


def _row(appeal: Appeal, account: Account | None, now: int) -> dict[str, Any]:
    return {
        "id": str(appeal.id),
        "account": account.username if account else "?",
        "action": str(appeal.action),
        "type": appeal.evidence.type,
        "ground": appeal.evidence.ground,
        "state": str(appeal.state),
        "overdue": appeal.overdue(now),
        "opened_at": shown_time(appeal.opened_at),
        "due_at": shown_time(appeal.due_at),
    }


@app.command
def show(id: str, /, *, json: Flag = False, folder: Folder = HERE) -> int:
    """Show an appeal: what was decided, what is said against it, and who may decide.

    Args:
        id: Its id, as printed by list.
        json: Print it as JSON.
    """

    async def work() -> None:
        async with opened(folder) as ctx:
            with ctx.store.read() as snap:
                data = _dossier(snap, required_id(id, "appeal"))
        if json:
            print_json(data)
            return
        print(f"@{data['account']}: {data['type']}, {data['ground']} ({data['state']})")
        for label, value in (
            ("decided by", data["by"] or "the server"),
            ("opened", data["opened_at"]),
            ("promised by", data["due_at"] + (" (overdue)" if data["overdue"] else "")),
            ("may decide", ", ".join(f"@{name}" for name in data["deciders"]) or "nobody"),
            ("says", data["text"]),
            ("answer", data["reply"]),
            ("to do", _to_do(data)),
        ):
            if value:
                print(f"{label:12} {value}")
        for step in data["history"]:
            print(f"{step['at']}  {step['did']} by {step['by'] or 'the server'}")

    asyncio.run(work())
    return 0


def _to_do(data: dict[str, Any]) -> str:
    """Return the command that carries an accepted appeal out, empty when there is none to run."""
    if not data["plan"] or not data["in_force"]:
        return ""
    options = ("--plan", data["plan"][:12], "--by", "MODERATOR", "--reason", "overturned")
    return command("reinstate", "run", data["account"], *options)


def _dossier(snap: Snapshot, number: int) -> dict[str, Any]:
    appeal = snap.appeals.get(number)
    if appeal is None:
        raise NotFound(f"There is no appeal {number}: see {command('appeal', 'list')}")
    shown = deciding.describe(snap, appeal)
    involved = {shown.decision.moderator, *(step.by for step in appeal.history)}
    names = snap.accounts.many(one for one in involved if one is not None)

    def who(ordinal: int | None) -> str | None:
        found = names.get(ordinal or 0)
        return found.username if found else None

    return _row(appeal, shown.account, snap.now) | {
        "by": who(shown.decision.moderator),
        "in_force": shown.action is not None,
        "text": appeal.text,
        "reply": appeal.reply,
        "plan": appeal.plan,
        "deciders": [one.username for one in shown.deciders],
        "evidence": msgspec.to_builtins(appeal.evidence),
        "history": [
            {"did": str(step.did), "at": shown_time(step.at), "by": who(step.by)}
            for step in appeal.history
        ],
    }


def _decide(
    folder: Folder, id: str, by: str, reply: str, decide: Callable[..., Awaitable[Appeal]]
) -> int:
    async def work() -> None:
        async with opened(folder) as ctx:
            with ctx.store.read() as snap:
                moderator = named(ctx, snap.accounts, by)
                require_moderator(snap, moderator.ordinal)
            appeal = await decide(
                ctx, moderator=moderator.ordinal, appeal_id=required_id(id, "appeal"), reply=reply
            )
            with ctx.store.read() as snap:
                shown = deciding.describe(snap, appeal)
            name = f"@{shown.account.username}"
            if appeal.state is AppealState.REJECTED:
                print(f"The appeal of {name} is turned down; what was decided stays")
            elif shown.action is None:
                print(f"The appeal of {name} is accepted; what was decided is lifted")
            else:
                print(
                    f"The appeal of {name} is accepted; its reinstatement is being planned: "
                    f"see {command('appeal', 'show', id)}"
                )

    asyncio.run(work())
    return 0


@app.command
def accept(id: str, /, *, by: str, reply: str, folder: Folder = HERE) -> int:
    """Accept an appeal: what it is about should not have been decided.

    Args:
        id: Its id, as printed by list.
        by: The handle of the moderator who decides: another than who decided first.
        reply: What the person is told.
    """
    return _decide(folder, id, by, reply, deciding.accept)


@app.command
def reject(id: str, /, *, by: str, reply: str, folder: Folder = HERE) -> int:
    """Turn an appeal down: what was decided stays.

    Args:
        id: Its id, as printed by list.
        by: The handle of the moderator who decides: another than who decided first.
        reply: What the person is told.
    """
    return _decide(folder, id, by, reply, deciding.reject)
