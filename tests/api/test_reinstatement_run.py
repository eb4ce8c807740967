"""Reinstating one account by the steps of the reference: plan, stage, cut over, confirm, report."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from tests.api.reinstating import Stage, everything, staged
from tests.api.world import World

from rostra.api.rendering import when
from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.accounts import Credentials, Role
from rostra.domain.enforcement import ActionKind
from rostra.domain.errors import (
    Conflict,
    Forbidden,
    NotFound,
)
from rostra.domain.reinstatement import MEANING, Run, RunState
from rostra.domain.sign_up import canonical_hash
from rostra.services import reinstatement
from rostra.services.moderation import enforcing
from rostra.services.reinstatement import Frozen, Stale
from rostra.storage.amnesties import AmnestyStore

DAY_MS = 86_400_000
Decision = Callable[[Stage], Awaitable[str]]


@pytest.fixture
async def stage(world: World) -> Stage:
    return await staged(world)


async def test_a_run_goes_from_its_plan_to_its_end(stage: Stage) -> None:
    """Steps "Stage", "Cut over" and "Confirm" one after another."""
    frozen = await stage.plan()
    assert frozen.plan.figures.followers == 3
    run = await stage.begin(frozen.hash[:8])
    assert run.state == RunState.STAGING
    done = await stage.drive(run)
    assert done.state == RunState.DONE, done.said
    assert [step.name for step in done.steps] == ["staging", "staged", "cutting_over", "confirming"]
    assert all(step.passed for step in done.steps)
    assert await stage.public() == (False, 3)
    assert done.counts["after"]["followers"] == done.plan.figures.followers
    assert stage.clean()


# -- step "Plan" -----------------------------------------------------------------------------------


async def test_a_plan_changes_not_one_row(stage: Stage) -> None:
    """Step "Plan": a dry run, no write."""
    folder = stage.world.store.folder
    before = everything(folder)
    assert len(before) > 40
    frozen = await stage.plan()
    with stage.world.store.read() as snap:
        assert snap.seq == frozen.plan.seq
    assert everything(folder) == before
    kept = folder / "plans" / f"{frozen.hash}.json"
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == frozen.hash
    found = await reinstatement.find_plan(
        stage.ctx, moderator=stage.mod.ordinal, prefix=frozen.hash[:8]
    )
    assert found == frozen


async def test_what_a_plan_tells_besides_the_counts(stage: Stage) -> None:
    """Step "Plan": drafts, follows that become requests, the mailbox, blocks, what is away."""
    world, star = stage.world, stage.star
    locked = await world.person("shy", locked=True)
    await world.reinstate(star)
    await star.follow(locked)
    await locked.post(f"/api/v1/follow_requests/{star.id}/authorize")
    secret = Credentials(ordinal=star.ordinal, email="s@here.example", password_hash="-")
    await world.store.write(lambda tx: tx.accounts.set_credentials(secret))
    for hours in (1, 24 * 60):
        await star.status("later", scheduled_at=when(world.clock.now() + hours * 3_600_000))
    await world.suspend(star)
    await stage.fans[2].post(f"/api/v1/accounts/{star.id}/block")
    await world.suspend(stage.fans[1])
    world.tick(31 * DAY_MS)
    figures = (await stage.plan()).plan.figures
    assert (figures.followers, figures.followers_stored, figures.followers_suspended) == (1, 2, 1)
    assert (figures.following, figures.following_stored, figures.dormant) == (1, 2, 1)
    assert (figures.blocks_since, figures.requests_out, figures.mailbox_freed) == (1, 1, True)
    assert (figures.drafts, figures.scheduled, figures.statuses) == (1, 1, 1)
    done = await stage.reinstated()
    assert done.state == RunState.DONE, done.said
    told = (await world.get(f"/api/v1/accounts/{star.id}")).json()
    assert (told["followers_count"], told["following_count"]) == (1, 1)
    with world.store.read() as snap:
        assert snap.gate.size_active(SetKey(star.ordinal, SetKind.FOLLOW_REQUESTED)) == 1
        assert snap.sign_up_blocks.mailboxes(canonical_hash(secret.email)) == []


async def test_a_second_suspension_is_lifted_too_unless_one_is_named(stage: Stage) -> None:
    """Step "Plan": which action would be lifted, and which stays in force."""
    second = await stage.world.suspend(stage.star)
    limited = await enforcing.act(
        stage.ctx,
        moderator=None,
        target=stage.star.ordinal,
        kind=ActionKind.LIMIT,
        ground="noise",
    )
    whole = (await stage.plan()).plan
    assert len(whole.lifts) == 2
    assert [held.id for held in whole.stays] == [str(limited.id)]
    assert whole.hidden_after == ""
    part = await stage.plan(only=[second.id])
    assert [held.id for held in part.plan.lifts] == [str(second.id)]
    assert "suspended by action" in part.plan.hidden_after
    assert not part.plan.figures.mailbox_freed
    done = await stage.drive(await stage.begin(part.hash))
    assert (done.state, "stays hidden" in done.said) == (RunState.DONE, True)
    assert await stage.public() == (True, 0)
    done = await stage.reinstated()
    assert done.state == RunState.DONE, done.said
    assert await stage.public() == (False, 3)
    with pytest.raises(Conflict, match="not suspended"):
        await stage.plan()


async def test_a_changed_plan_is_no_plan(stage: Stage) -> None:
    frozen = await stage.plan()
    path = stage.world.store.folder / "plans" / f"{frozen.hash}.json"
    path.write_bytes(path.read_bytes().replace(b'"followers":3', b'"followers":4'))
    with pytest.raises(Conflict, match="does not hold"):
        await stage.begin(frozen.hash)
    path.unlink()
    with pytest.raises(NotFound, match="make one"):
        await stage.begin(frozen.hash)


async def test_plans_are_removed_when_they_are_old(stage: Stage) -> None:
    frozen = await stage.plan()
    folder = stage.world.store.folder / "plans"
    (folder / "0123456789abcdef.part").write_bytes(b"half")
    (folder / "README").write_bytes(b"not ours")
    assert await reinstatement.prune_plans(stage.ctx) == 0
    for path in folder.iterdir():
        os.utime(path, (1, 1))
    assert await reinstatement.prune_plans(stage.ctx) == 2
    assert [path.name for path in folder.iterdir()] == ["README"]
    with pytest.raises(NotFound):
        await stage.begin(frozen.hash)


# -- a plan gone stale -----------------------------------------------------------------------------


async def stale(stage: Stage, frozen: Frozen) -> Stale:
    with pytest.raises(Stale) as caught:
        await stage.begin(frozen.hash)
    return caught.value


async def test_every_change_since_the_plan_is_told_by_name(stage: Stage) -> None:
    """A plan gone stale is told as a difference, not refused blindly."""
    ann, bob, cleo = stage.fans
    await stage.world.suspend(cleo)
    frozen = await stage.plan()
    await stage.world.reinstate(cleo)
    await bob.post(f"/api/v1/accounts/{stage.star.id}/unfollow")
    await stage.world.suspend(ann)
    new = await stage.world.person("new")
    await stage.world.store.write(
        lambda tx: tx.sets.add(SetKey(stage.star.ordinal, SetKind.FOLLOWERS), new.ordinal)
    )
    limit = await enforcing.act(
        stage.ctx, moderator=None, target=stage.star.ordinal, kind=ActionKind.LIMIT, ground="x"
    )
    told = (await stale(stage, frozen)).difference
    moved = told.moved
    assert (moved.who_joined, moved.who_left) == (("new",), ("bob",))
    assert (moved.who_shown, moved.who_hidden) == (("cleo",), ("ann",))
    assert (moved.net, moved.unnamed) == (0, 0)
    changed = {one.name: (one.before, one.after) for one in told.figures}
    assert "followers" not in changed  # as many as before, though others
    assert "followers_stored" not in changed
    assert changed["stays"] == ([], [str(limit.id)])
    assert changed["following"] == (1, 0)


async def test_whom_the_feed_does_not_tell_of_any_more_is_counted(stage: Stage) -> None:
    frozen = await stage.plan()
    await stage.fans[1].post(f"/api/v1/accounts/{stage.star.id}/unfollow")
    sql = "DELETE FROM feed WHERE seq <= ?"
    await stage.world.store.write(lambda tx: tx.database.run(sql, (tx.seq,)))
    moved = (await stale(stage, frozen)).difference.moved
    assert (moved.who_left, moved.unnamed, moved.net) == ((), -1, -1)


async def test_a_new_plan_or_accepting_goes_on(stage: Stage) -> None:
    frozen = await stage.plan()
    await stage.fans[1].post(f"/api/v1/accounts/{stage.star.id}/unfollow")
    error = await stale(stage, frozen)
    assert error.new.hash[:8] in error.message
    run = await stage.begin(error.new.hash)
    assert (run.plan_hash, run.plan.figures.followers) == (error.new.hash, 2)
    await stage.drive(run)
    await stage.world.suspend(stage.star)
    again = await stage.plan()
    await stage.fans[2].post(f"/api/v1/accounts/{stage.star.id}/unfollow")
    accepted = await stage.begin(again.hash, accept=True)
    assert accepted.plan.figures.followers == 1


async def test_a_plan_of_one_action_stays_one_of_that_action(stage: Stage) -> None:
    second = await stage.world.suspend(stage.star)
    part = await stage.plan(only=[second.id])
    third = await stage.world.suspend(stage.star)
    told = await stale(stage, part)
    assert [held.id for held in told.new.plan.lifts] == [str(second.id)]
    assert str(third.id) in [held.id for held in told.new.plan.stays]


# -- who ------------------------------------------------------------------------------------------


async def test_two_operators_at_once(stage: Stage) -> None:
    """One wins, the other is told who."""
    other = await stage.world.moderator("other")
    frozen = await stage.plan()
    tries = await asyncio.gather(
        *(stage.begin(frozen.hash, moderator=one.ordinal) for one in (stage.mod, other) * 2),
        return_exceptions=True,
    )
    begun = [one for one in tries if isinstance(one, Run)]
    refused = [one for one in tries if isinstance(one, Conflict)]
    assert (len(begun), len(refused)) == (1, 3)
    winner = "mod" if begun[0].by == stage.mod.ordinal else "other"
    for error in refused:
        assert f"@{winner} began to reinstate @star at " in error.message
        assert str(begun[0].id) in error.message
        assert "staging" in error.message
    await stage.drive(begun[0])
    with pytest.raises(Conflict, match="not suspended"):
        await stage.begin(frozen.hash)


async def test_who_may_reinstate_whom(stage: Stage) -> None:
    frozen = await stage.plan()
    with pytest.raises(Forbidden):
        await stage.begin(frozen.hash, moderator=stage.fans[0].ordinal)
    other = await stage.world.moderator("other")
    await stage.world.suspend(other)
    with pytest.raises(Forbidden, match="only an owner"):
        await reinstatement.plan(stage.ctx, moderator=stage.mod.ordinal, target=other.ordinal)
    own = await reinstatement.plan(stage.ctx, moderator=None, target=other.ordinal)
    with pytest.raises(Forbidden):  # a suspended moderator, themself
        await stage.begin(own.hash, moderator=other.ordinal)


async def test_a_moderator_who_is_none_any_more_cuts_nothing_over(stage: Stage) -> None:
    run = await stage.begin()
    account = msgspec.structs.replace(stage.mod.account, role=Role.USER)
    await stage.world.store.write(lambda tx: tx.accounts.update(account))
    over = await stage.drive(run)
    assert (over.state, "@mod may not decide this" in over.said) == (RunState.FAILED, True)
    assert await stage.public() == (True, 0)


async def test_an_account_in_the_hands_of_an_amnesty_is_left_to_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen = await stage.plan()
    monkeypatch.setattr(AmnestyStore, "holders", lambda self, accounts: dict.fromkeys(accounts, 77))
    with pytest.raises(Conflict, match="amnesty 77"):
        await stage.begin(frozen.hash)


def test_the_manual_has_every_state_of_a_run() -> None:
    manual = Path("docs/operate.md").read_text(encoding="utf-8")
    table = manual.split("\n| State | What it means | What to do |\n")[1].split("\n\n")[0]
    told = set(re.findall(r"`([a-z ]+)`", "".join(re.findall(r"^\| (`.*?) \|", table, re.M))))
    assert told == {state.value.replace("_", " ") for state in MEANING}
