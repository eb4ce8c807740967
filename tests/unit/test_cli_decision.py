"""``rostra decision``, as a shell sees it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from random import Random

from tests.unit.test_cli import PASSWORD, Run, done, one_line, rostra  # noqa: F401

from rostra.config import Settings
from rostra.ports import Context
from rostra.services import statuses
from rostra.services.publishing.polls import PollDraft
from rostra.services.statuses import Draft
from rostra.storage.store import SqliteStore, SystemClock


def test_a_return_is_left_to_a_poll_and_taken_back(rostra: Run, tmp_path: Path) -> None:  # noqa: F811
    for name, role in (("anna", "user"), ("mod", "moderator")):
        create = ["account", "create", name, "--email", f"{name}@x.example", "--role", role]
        done(rostra(*create, "--password", PASSWORD))
    done(rostra("account", "suspend", "anna", "--by", "mod", "--ground", "spam"))
    assert done(rostra("decision", "list")) == "Nothing is left to a poll."
    poll = asyncio.run(_poll(tmp_path / "world"))
    asked = ["--by", "mod", "--account", "anna", "--quorum", "3"]
    for share in ("101", "nan", "33.333", "half"):
        told = one_line(rostra("decision", "bind", poll, *asked, "--share", share))
        assert "Share must be a percentage up to 100" in told
    assert "id of a poll" in one_line(rostra("decision", "bind", "odd", *asked, "--share", "5"))
    bound = done(rostra("decision", "bind", poll, *asked, "--share", "66.67", "--yes", "2"))
    number = bound.partition(":")[0]
    (row,) = json.loads(done(rostra("decision", "list", "--json")))
    assert [row[name] for name in ("id", "about", "state", "share", "yes", "quorum")] == [
        number,
        "@anna",
        "open",
        "66.67 %",
        2,
        3,
    ]
    planned = done(rostra("reinstate", "plan", "anna"))
    assert "It cannot be carried out now. This is left to a poll" in " ".join(planned.split())
    assert "To carry it out" not in planned
    assert (
        "open until" in json.loads(done(rostra("reinstate", "plan", "anna", "--json")))["held_up"]
    )
    lift = ["account", "reinstate", "anna", "--by", "mod", "--reason", "amnesty"]
    assert "open until" in one_line(rostra(*lift))
    shown = done(rostra("decision", "show", number))
    assert "0 of 0 votes for it" in shown
    taken = ["decision", "unbind", number, "--by", "mod", "--why", "A court said so."]
    assert "no poll decides" in done(rostra(*taken))
    assert "unbound before" in one_line(rostra(*taken))
    assert done(rostra(*lift)).startswith("@anna is reinstated")


async def _poll(folder: Path) -> str:
    """Ask a poll as a moderator; return its id."""
    clock = SystemClock()
    store = SqliteStore.open(folder, clock)
    ctx = Context(Settings(data=folder), store, clock, Random(1))
    with store.read() as snap:
        mod = snap.accounts.by_username("mod")
    assert mod is not None
    poll = PollDraft(options=("No", "Yes"), expires_in_s=3600)
    draft = Draft(text="Should @anna return?", poll=poll)
    made = await statuses.post(ctx, actor=mod.ordinal, draft=draft)
    await store.close()
    return str(made)
