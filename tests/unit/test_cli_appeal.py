"""``rostra appeal``, as a shell sees it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from random import Random

from tests.unit.test_cli import PASSWORD, Run, done, one_line, rostra  # noqa: F401

from rostra.config import Settings
from rostra.domain.enforcement import ActionKind
from rostra.ports import Context
from rostra.services import appeals
from rostra.services.moderation import enforcing
from rostra.storage.store import SqliteStore, SystemClock


def test_appeals_are_listed_read_and_decided(rostra: Run, tmp_path: Path) -> None:  # noqa: F811
    for name, role in (("anna", "user"), ("mod", "moderator")):
        create = ["account", "create", name, "--email", f"{name}@x.example", "--role", role]
        done(rostra(*create, stdin=f"{PASSWORD}\n"))
    done(rostra("account", "suspend", "anna", "--by", "mod", "--ground", "spam"))
    assert done(rostra("appeal", "list")).splitlines() == [
        "No appeal is open.",
        "To see those that are over: rostra appeal list --state all",
    ]
    assert done(rostra("appeal", "list", "--state", "all")) == "Nobody has appealed yet."
    first, second = asyncio.run(_appeal(tmp_path / "world"))
    listed = json.loads(done(rostra("appeal", "list", "--json")))
    assert [(row["id"], row["type"], row["overdue"]) for row in listed] == [
        (first, "suspend", False),
        (second, "silence", False),
    ]
    assert "silence: noise" in done(rostra("appeal", "list", "--state", "all"))
    shown = json.loads(done(rostra("appeal", "show", first, "--json")))
    assert (shown["by"], shown["deciders"], shown["text"]) == ("mod", [], "No.")
    assert "may decide   nobody" in done(rostra("appeal", "show", first))
    answer = ["--by", "mod", "--reply", "Sorry."]
    assert "appoint another moderator" in one_line(rostra("appeal", "accept", first, *answer))
    done(rostra("account", "create", "two", "--email", "t@x.example", "--password", PASSWORD))
    assert one_line(rostra("appeal", "reject", first, "--by", "two", "--reply", "x"))
    assert done(rostra("appeal", "accept", second, *answer)).endswith("is lifted")
    assert "rostra appeal list" in one_line(rostra("appeal", "show", "odd"))
    create = ["account", "create", "third", "--email", "3@x.example", "--role", "moderator"]
    done(rostra(*create, "--password", PASSWORD))
    answer = ["--by", "third", "--reply", "No."]
    assert done(rostra("appeal", "reject", first, *answer)).endswith("what was decided stays")
    assert "is over" in one_line(rostra("appeal", "accept", first, *answer))


async def _appeal(folder: Path) -> tuple[str, str]:
    """Appeal against the suspension of anna, and against a limit; return the ids."""
    clock = SystemClock()
    store = SqliteStore.open(folder, clock)
    ctx = Context(Settings(data=folder), store, clock, Random(1))
    with store.read() as snap:
        anna = snap.accounts.by_username("anna")
        assert anna is not None
        (suspension,) = enforcing.figures(snap, anna.ordinal).in_force
    limit = await enforcing.act(
        ctx, moderator=None, target=anna.ordinal, kind=ActionKind.LIMIT, ground="noise"
    )
    made = [
        await appeals.open_appeal(ctx, actor=anna.ordinal, action=action.id, text="No.")
        for action in (suspension, limit)
    ]
    await store.close()
    return str(made[0].id), str(made[1].id)
