"""A run and what comes in the same instant: its owner comes back, the clock moves, it dies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from tests.api.reinstating import Stage, staged
from tests.api.world import World

from rostra.domain.accounts import Standing
from rostra.domain.enforcement import LiftReason
from rostra.domain.errors import Conflict
from rostra.domain.mail import MailPurpose, MailToken
from rostra.domain.reinstatement import RunState
from rostra.domain.sign_up import canonical_hash
from rostra.ports import Context, Transaction
from rostra.services import probing
from rostra.services.authentication import oauth
from rostra.services.membership import confirmations, departures
from rostra.services.moderation import enforcing
from rostra.services.reinstatement import holding, running
from rostra.storage.plans import PLANS_FOLDER
from rostra.testing.amnesties import Killed


@pytest.fixture
async def stage(world: World) -> Stage:
    return await staged(world)


async def put_away_before(stage: Stage) -> None:
    """Let the account be one that its owner put away before it was suspended."""
    await stage.world.reinstate(stage.star)
    standing = Standing(account=stage.star.ordinal, deactivated_at=stage.world.clock.now())
    await stage.world.store.write(lambda tx: tx.standings.put(standing))
    await stage.world.suspend(stage.star)
    stage.world.tick()


class KilledAtCutOver:
    """The store of a process that is gone as soon as a run is cut over."""

    def __init__(self, stage: Stage, run: int) -> None:
        self._store, self._cut_over = stage.world.store, lambda: stage.run(run).state.cut_over

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def write(self, change: Callable[[Any], Any]) -> Any:
        result = await self._store.write(change)
        if self._cut_over():
            raise Killed
        return result


async def killed_after_the_cut_over(stage: Stage, run: int) -> None:
    """Let the job of a run die as soon as the cut-over is on the disk."""
    store: Any = KilledAtCutOver(stage, run)
    with pytest.raises(Killed):
        await running.drive(msgspec.structs.replace(stage.ctx, store=store), run=run)
    assert stage.run(run).state == RunState.CONFIRMING


async def test_who_comes_back_while_it_is_staged_is_not_shown_unlooked_at(stage: Stage) -> None:
    """Step "Cut over": a plan by which it stays hidden shows nobody who was not staged."""
    await put_away_before(stage)
    run = await stage.begin()
    assert run.plan.hidden_after == "put away by its owner"
    await departures.come_back(stage.ctx, actor=stage.star.ordinal)
    over = await stage.drive(run)
    assert (over.state, over.lifted) == (RunState.FAILED, ())
    assert "Plan anew" in over.said
    assert await stage.public() == (True, 0)
    assert (await stage.reinstated()).state == RunState.DONE


async def test_who_comes_back_after_the_cut_over_is_looked_at(stage: Stage) -> None:
    """Step "Confirm": whoever is shown is looked at, though the plan said that nobody would be."""
    await put_away_before(stage)
    run = await stage.begin()
    await killed_after_the_cut_over(stage, run.id)
    await departures.come_back(stage.ctx, actor=stage.star.ordinal)
    over = await stage.drive(run)
    assert (over.state, over.said) == (RunState.DONE, "every probe passed in every worker")


async def test_a_clock_that_steps_back_gives_no_more_time_to_confirm(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await stage.begin()
    await killed_after_the_cut_over(stage, run.id)
    stage.world.clock.set(stage.world.clock.now() - 86_400_000)
    given: list[float] = []
    whole = asyncio.timeout

    def timeout(seconds: float) -> asyncio.Timeout:
        given.append(seconds)
        return whole(seconds)

    async def confirm(ctx: Context, **_: Any) -> bool:
        return True

    monkeypatch.setattr(asyncio, "timeout", timeout)
    monkeypatch.setattr(probing, "confirm", confirm)
    await stage.drive(run)
    assert 0 < max(given) <= holding.CONFIRM_SECONDS


async def test_the_bar_of_a_mailbox_follows_an_address_that_changes_meanwhile(world: World) -> None:
    """Row "Handle": the e-mail block is lifted in the same transaction, whatever the address is."""
    ann = await world.citizen("ann")
    old, new = "ann@here.example", "new@here.example"

    def wish(tx: Transaction) -> None:
        token = MailToken(
            hash=oauth.sha256("the link"),
            account=ann.ordinal,
            purpose=MailPurpose.CHANGE,
            email=new,
            expires_at=tx.now + 60_000,
        )
        tx.mail_tokens.create(token)
        tx.mail_tokens.want_email(ann.ordinal, new, tx.now)

    def barred() -> list[bool]:
        with world.store.read() as snap:
            return [
                bool(snap.sign_up_blocks.mailboxes(canonical_hash(email))) for email in (old, new)
            ]

    await world.store.write(wish)
    await enforcing.suspend(world.ctx, moderator=None, target=ann.ordinal, ground="spam")
    assert barred() == [True, False]
    await confirmations.confirm(world.ctx, "the link")
    assert barred() == [False, True]
    reason = LiftReason.OVERTURNED
    await enforcing.reinstate(world.ctx, moderator=None, target=ann.ordinal, reason=reason)
    assert barred() == [False, False]


async def test_a_plan_whose_file_was_changed_is_refused_in_words_and_made_anew(
    stage: Stage,
) -> None:
    plan = await stage.plan()
    path = stage.world.store.folder / PLANS_FOLDER / f"{plan.hash}.json"
    path.write_bytes(path.read_bytes().replace(b'"followers":3', b'"followers":4'))
    asked = {"plan": plan.hash, "reason": "overturned"}
    refused = await stage.mod.call("POST", "/api/rostra/v1/reinstatements", json=asked)
    assert (refused.status_code, refused.json()["error"]) == (
        Conflict.status,
        "This plan was changed after it was made: make a new one",
    )
    assert (await stage.plan()).hash == plan.hash  # in the same instant
    assert (await stage.drive(await stage.begin(plan.hash))).state == RunState.DONE
