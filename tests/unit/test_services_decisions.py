"""Polls that decide: bound, counted as of the instant they close, void, unbound."""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap
from tests.unit.amnesty_world import opened
from tests.unit.world import DAY_MS, World

from rostra.domain.accounts import Role, Standing
from rostra.domain.amnesty import Amnesty, AmnestyState
from rostra.domain.decision_polls import Decision, DecisionState, Void, votes_digest
from rostra.domain.enforcement import ActionKind, Lifting, LiftReason
from rostra.domain.errors import Conflict, Forbidden, Invalid, NotFound
from rostra.domain.statuses import Visibility
from rostra.services import reinstatement
from rostra.services.amnesty import amnesties, planning, steering
from rostra.services.membership import departures
from rostra.services.moderation import decision_polls, decision_results, enforcing
from rostra.services.publishing import editing, polls, status_deletion
from rostra.services.publishing.polls import PollDraft
from rostra.services.statuses import Draft

HOUR_MS = 3_600_000
OPTIONS = ("Yes", "No")


def asking(options: tuple[str, ...] = OPTIONS, **more: Any) -> PollDraft:
    return PollDraft(options=options, expires_in_s=3600, **more)


async def asked(world: World, author: int, **draft: Any) -> int:
    return await world.post(author, "Should @star return?", poll=asking(), **draft)


async def bound(world: World, mod: int, star: int, **given: Any) -> Decision:
    """Suspend somebody, ask, and leave their return to the poll."""
    await world.suspend(star)
    poll = await asked(world, mod)
    given = {"share": 5001, **given}
    return await decision_polls.bind(world.ctx, moderator=mod, poll=poll, account=star, **given)


async def vote(world: World, decision: Decision, yes: list[int], no: list[int]) -> None:
    for choice, voters in ((0, yes), (1, no)):
        for voter in voters:
            world.tick()
            await polls.vote(world.ctx, actor=voter, poll_id=decision.poll, choices=[choice])


def stored(world: World, decision: Decision) -> Decision:
    with world.read() as snap:
        return decision_polls.require_decision(snap, decision.id)


def ledger_of(world: World, kind: str) -> list[dict[str, Any]]:
    with world.read() as snap:
        return [one.about for one in snap.ledger.iterate() if one.kind == kind]


async def reinstated(world: World, star: int) -> None:
    await enforcing.reinstate(world.ctx, moderator=None, target=star, reason=LiftReason.AMNESTY)


async def test_nobody_runs_what_an_open_poll_is_to_decide(world: World) -> None:
    star, mod = world.account("star"), world.moderator()
    voters = world.people("a", "b", "c")
    decision = await bound(world, mod, star, quorum=3)
    frozen = await reinstatement.plan(world.ctx, moderator=mod, target=star)
    await vote(world, decision, voters[:2], voters[2:])
    for _ in range(2):
        with pytest.raises(Conflict, match="open until"):
            await reinstated(world, star)
        with pytest.raises(Conflict, match="open until"):
            await reinstatement.begin(
                world.ctx, moderator=mod, plan=frozen.hash, reason=LiftReason.AMNESTY
            )
        assert await decision_polls.close_decision(world.ctx, decision=decision.id) == "open"
    world.clock.advance(HOUR_MS)
    with world.read() as snap:  # it is so at once, though no job ran
        assert decision_polls.refusal(snap, decision) == ""
    assert "close_decision" in await world.jobs()
    closed = stored(world, decision)
    result = closed.result
    assert result is not None
    assert (closed.state, closed.closed_at) == (DecisionState.REACHED, decision.closes_at)
    assert (result.votes, result.yes, result.share) == (3, 2, 6666)
    assert [(one.option, one.counted, one.stored) for one in result.tallies] == [
        ("Yes", 2, 2),
        ("No", 1, 1),
    ]
    (told,) = ledger_of(world, "poll_decided")
    assert told["result"]["counted_sha256"] == result.counted_sha256
    assert result.counted_sha256 == votes_digest([BitMap(voters[:2]), BitMap(voters[2:])])
    run = await reinstatement.begin(
        world.ctx, moderator=mod, plan=frozen.hash, reason=LiftReason.AMNESTY, accept=True
    )
    assert run.account == star


async def test_not_reached_stays_unless_a_moderator_says_why(world: World) -> None:
    star, mod, a = world.account("star"), world.moderator(), world.account("a")
    decision = await bound(world, mod, star, quorum=2)
    await vote(world, decision, [a], [])
    world.clock.advance(HOUR_MS)
    await world.jobs()
    assert stored(world, decision).state is DecisionState.MISSED
    with pytest.raises(Conflict, match="1 of 1 vote for it"):
        await reinstated(world, star)
    for why in (" ", "x" * 1001):
        with pytest.raises(Invalid):
            await decision_polls.unbind(world.ctx, moderator=mod, decision=decision.id, why=why)
    with pytest.raises(Forbidden):
        await decision_polls.unbind(world.ctx, moderator=a, decision=decision.id, why="I like it")
    await decision_polls.unbind(
        world.ctx, moderator=mod, decision=decision.id, why="The court said so."
    )
    (told,) = ledger_of(world, "poll_unbound")
    assert (told["why"], told["was"]) == ("The court said so.", "missed")
    with pytest.raises(Conflict, match="unbound before"):
        await decision_polls.unbind(world.ctx, moderator=mod, decision=decision.id, why="x")
    await reinstated(world, star)


async def test_an_old_poll_says_nothing_of_a_later_suspension(world: World) -> None:
    star, mod = world.account("star"), world.moderator()
    decision = await bound(world, mod, star)
    world.clock.advance(HOUR_MS)
    await world.jobs()
    assert stored(world, decision).state is DecisionState.MISSED
    with world.read() as snap:
        (action,) = enforcing.figures(snap, star).in_force
    await enforcing.act(
        world.ctx,
        moderator=mod,
        target=star,
        kind=ActionKind.SUSPEND,
        ground="again",
        until=world.clock.now() + DAY_MS,
    )
    with pytest.raises(Conflict, match="did not decide"):
        await reinstated(world, star)
    await world.store.write(
        lambda tx: tx.enforcement.lift(_lifting(action.id, star, tx.now)),
    )
    await reinstated(world, star)


def _lifting(action: int, account: int, at: int) -> Lifting:
    return Lifting(
        action=action,
        account=account,
        reason=LiftReason.OVERTURNED,
        moderator=None,
        lifted_at=at,
    )


async def test_who_is_out_when_it_closes_does_not_count_and_later_changes_nothing(
    world: World,
) -> None:
    star, mod = world.account("star"), world.moderator()
    world.clock.advance(40 * DAY_MS)
    old = world.people("a", "b", "c", "d")
    world.clock.advance(10 * DAY_MS)
    decision = await bound(world, mod, star)
    world.tick()
    new = world.people("x", "y")
    await vote(world, decision, [old[0], old[1], new[0]], [old[2], old[3], new[1]])
    await world.suspend(old[3])
    await world.suspend(new[1])
    await world.suspend(old[1])
    await world.reinstate(old[1])
    world.clock.advance(HOUR_MS)
    # The job comes a day late: what happened since must not show.
    world.clock.advance(DAY_MS)
    await world.suspend(old[0])
    await world.reinstate(new[1])
    await world.jobs()
    closed = stored(world, decision)
    result = closed.result
    assert result is not None
    assert closed.state is DecisionState.REACHED
    assert (result.votes, result.yes, result.suspended, result.gone) == (4, 3, 2, 0)
    assert [(one.counted, one.stored) for one in result.tallies] == [(3, 3), (1, 3)]
    assert (result.new, result.new_yes) == (1, 1)
    assert [(one.age, one.votes, one.yes) for one in result.ages] == [
        ("day", 1, 1),
        ("week", 0, 0),
        ("month", 3, 2),
        ("year", 0, 0),
        ("older", 0, 0),
    ]
    await world.suspend(new[0])
    await status_deletion.delete(world.ctx, actor=mod, status_id=decision.poll)
    assert await decision_polls.close_decision(world.ctx, decision=decision.id) == "reached"
    assert stored(world, decision) == closed


async def test_who_was_away_when_it_closed_does_not_count_though_back_before_the_count(
    world: World,
) -> None:
    star, mod = world.account("star"), world.moderator()
    voter, away = world.people("voter", "away")
    decision = await bound(world, mod, star)
    await vote(world, decision, [voter], [away])
    gone = Standing(account=away, deactivated_at=world.clock.now())
    await world.store.write(lambda tx: tx.standings.put(gone))
    world.clock.advance(DAY_MS)  # the job that counts comes late
    await departures.come_back(world.ctx, actor=away)
    await world.jobs()
    result = stored(world, decision).result
    assert result is not None
    assert (result.votes, result.yes, result.gone) == (1, 1, 1)


async def test_what_changes_the_poll_before_it_closes_makes_it_void(world: World) -> None:
    mod, other = world.moderator(), world.moderator("other")
    stars = world.people("s1", "s2", "s3", "s4", "s5")
    made = [await bound(world, mod, star) for star in stars[:4]]
    made.append(await bound(world, other, stars[4]))

    def draft(text: str, options: tuple[str, ...] = OPTIONS) -> Draft:
        return Draft(text=text, poll=asking(options))

    await editing.edit(
        world.ctx, actor=mod, status_id=made[0].poll, draft=draft("Should @star stay away?")
    )
    await editing.edit(
        world.ctx,
        actor=mod,
        status_id=made[1].poll,
        draft=draft("Should @star return?", ("Aye", "Nay")),
    )
    await status_deletion.delete(world.ctx, actor=mod, status_id=made[2].poll)
    world.tick()
    await world.suspend(other)
    await world.reinstate(other)
    reasons = [stored(world, one).void for one in made]
    assert reasons == [Void.EDITED, Void.EDITED, Void.DELETED, None, Void.AUTHOR]
    assert len(ledger_of(world, "poll_void")) == 4
    with pytest.raises(Conflict, match="the poll was deleted before it closed"):
        await reinstated(world, stars[2])
    world.clock.advance(HOUR_MS)
    await world.jobs()
    assert len(ledger_of(world, "poll_void")) == 4
    assert stored(world, made[3]).state is DecisionState.MISSED
    poll = await asked(world, mod)
    with pytest.raises(Conflict, match="unbind that first"):
        await decision_polls.bind(world.ctx, moderator=mod, poll=poll, account=stars[2], share=5000)
    await decision_polls.unbind(
        world.ctx, moderator=mod, decision=made[2].id, why="It was deleted."
    )
    again = await decision_polls.bind(
        world.ctx, moderator=mod, poll=poll, account=stars[2], share=5000
    )
    assert again.state is DecisionState.OPEN


async def test_what_changes_it_after_it_closed_comes_too_late(world: World) -> None:
    mod, star, a = world.moderator(), world.account("star"), world.account("a")
    deleted, edited = await bound(world, mod, star), await bound(world, mod, a)
    b = world.account("b")
    await vote(world, deleted, [b], [])
    await vote(world, edited, [b], [])
    world.clock.advance(HOUR_MS)
    await status_deletion.delete(world.ctx, actor=mod, status_id=deleted.poll)
    await editing.edit(
        world.ctx,
        actor=mod,
        status_id=edited.poll,
        draft=Draft(text="No poll any more"),
    )
    for decision in (deleted, edited):  # counted before the votes went
        assert stored(world, decision).state is DecisionState.REACHED
    await world.jobs()
    assert len(ledger_of(world, "poll_decided")) == 2


async def test_a_suspension_of_the_author_counts_from_when_it_begins(world: World) -> None:
    mod, other, star, owner = (
        *[world.moderator(name) for name in ("mod", "other")],
        world.account("star"),
        world.account("owner", role=Role.OWNER),
    )
    second = world.account("second")
    made = [await bound(world, mod, star), await bound(world, other, second)]
    for author in (mod, other):
        world.tick()
        action = await enforcing.act(
            world.ctx,
            moderator=owner,
            target=author,
            kind=ActionKind.SUSPEND,
            ground="?",
            starts_at=world.clock.now() + HOUR_MS // 2,
        )
        if author == mod:  # taken back before it began
            world.tick()
            lifting = _lifting(action.id, mod, world.clock.now())
            await world.store.write(lambda tx, lifting=lifting: tx.enforcement.lift(lifting))
    world.clock.advance(HOUR_MS)
    await world.jobs()
    assert [stored(world, one).void for one in made] == [None, Void.AUTHOR]


async def test_what_cannot_be_bound(world: World) -> None:
    mod, star, person = world.moderator(), world.account("star"), world.account("person")
    other = world.moderator("other")
    owner = world.account("owner", role=Role.OWNER)
    poll = await asked(world, mod)

    async def refused(error: type[Exception], match: str, **given: Any) -> None:
        fields = {"moderator": mod, "poll": poll, "account": star, "share": 5000, **given}
        with pytest.raises(error, match=match):
            await decision_polls.bind(world.ctx, **fields)

    await refused(Conflict, "not suspended")
    await world.suspend(star)
    await refused(Forbidden, ".", moderator=person)
    await refused(Invalid, "either", amnesty=1)
    await refused(Invalid, "either", account=None)
    await refused(NotFound, "no such amnesty", account=None, amnesty=1)
    await refused(NotFound, "no such poll", poll=1)
    await refused(NotFound, "no such poll", poll=await world.post(mod))
    await refused(Invalid, "Share", share=0)
    await refused(Invalid, "Share", share=10001)
    await refused(Invalid, "Quorum", quorum=0)
    await refused(Invalid, "options", yes=2)
    await refused(Forbidden, "moderator", poll=await asked(world, person))
    await refused(
        Invalid, "not public", poll=await asked(world, mod, visibility=Visibility.UNLISTED)
    )
    several = await world.post(mod, "?", poll=asking(multiple=True))
    await refused(Invalid, "several votes", poll=several)
    await world.suspend(other)
    await refused(Forbidden, "only an owner", account=other)
    done = await decision_polls.bind(
        world.ctx, moderator=owner, poll=poll, account=other, share=5000
    )
    assert done.about
    await refused(Conflict, "decides something already")
    late = await asked(world, mod)
    world.clock.advance(HOUR_MS)
    await refused(Conflict, "has closed", poll=late)


async def test_an_amnesty_waits_for_its_poll(world: World) -> None:
    mod = world.moderator()
    a, b = world.people("a", "b")
    amnesty = Amnesty(
        id=77,
        state=AmnestyState.APPROVED,
        planned_by=mod,
        planned_at=world.clock.now(),
        ground="spring",
    )
    await world.store.write(lambda tx: tx.amnesties.put(amnesty))
    poll = await asked(world, mod)
    decision = await decision_polls.bind(
        world.ctx, moderator=mod, poll=poll, amnesty=77, share=10000, yes=1
    )
    with pytest.raises(Conflict, match="open until"):
        await steering.run(world.ctx, moderator=mod, amnesty_id=77)
    await vote(world, decision, [], [a, b])
    world.clock.advance(HOUR_MS)
    running = await steering.run(world.ctx, moderator=mod, amnesty_id=77)
    assert running.state is AmnestyState.RUNNING
    another = await asked(world, mod)
    with pytest.raises(Conflict, match="only one that is planned"):
        await decision_polls.bind(world.ctx, moderator=mod, poll=another, amnesty=77, share=10000)


async def test_no_amnesty_takes_who_is_left_to_a_poll(world: World) -> None:
    star, other, mod, a = *world.people("star", "other"), world.moderator(), world.account("a")
    decision = await bound(world, mod, star)
    with world.read() as snap:
        assert set(decision_polls.undecided(snap, [star, other])) == {star}
    await vote(world, decision, [a], [])
    world.clock.advance(HOUR_MS)
    with world.read() as snap:
        assert decision_polls.undecided(snap, [star, other]) == {}


async def test_the_plan_of_an_amnesty_counts_who_is_left_to_a_poll(world: World) -> None:
    star, other, mod = *world.people("star", "other"), world.moderator()
    decision = await bound(world, mod, star)
    await world.suspend(other)
    made = await amnesties.plan(world.ctx, moderator=mod, where="all", queued=False)
    plan = await planning.carry_out(world.ctx, amnesty=made.id)
    assert plan is not None
    assert plan.figures.conflicts == {"poll": 1}
    (clash,) = plan.figures.clashes
    assert (clash.account, clash.kind, clash.detail) == (star, "poll", str(decision.id))


async def test_the_waves_of_an_amnesty_pass_over_who_is_left_to_a_poll(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path / "data", monkeypatch) as waves:
        accounts = await waves.suspended(3)
        await waves.approved(accounts)
        poll = await asked(waves, waves.planner)
        await decision_polls.bind(
            waves.ctx, moderator=waves.planner, poll=poll, account=accounts[1], share=5000
        )
        await steering.run(waves.ctx, moderator=waves.planner, amnesty_id=waves.id)
        assert (await waves.work()).state is AmnestyState.DONE
        assert waves.outcomes() == ["lifted", "skipped", "lifted"]
        assert "left to a poll that is open" in waves.entries()[1].why
        assert not waves.active(accounts[1])


async def test_killed_while_it_closes_it_closes_when_done_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    mod, star, a = world.moderator(), world.account("star"), world.account("a")
    decision = await bound(world, mod, star)
    await vote(world, decision, [a], [])
    world.clock.advance(HOUR_MS)

    def killed(*_: Any, **__: Any) -> None:
        raise KeyError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(decision_results.alerts, "tell", killed)
        with pytest.raises(KeyError):
            await decision_polls.close_decision(world.ctx, decision=decision.id)
    assert (stored(world, decision).state, ledger_of(world, "poll_decided")) == (
        DecisionState.OPEN,
        [],
    )
    for _ in range(2):
        assert await decision_polls.close_decision(world.ctx, decision=decision.id) == "reached"
    assert len(ledger_of(world, "poll_decided")) == 1


def test_a_digest_is_of_who_chose_what() -> None:
    assert votes_digest([BitMap([1, 2]), BitMap()]) != votes_digest([BitMap([1]), BitMap([2])])
    many = BitMap(range(0, 3_000_000, 2))
    assert votes_digest([many]) == votes_digest([BitMap(list(many))])


# -- random worlds ---------------------------------------------------------------------------------

VOTERS = 12


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32),
    share=st.integers(1, 10_000),
    quorum=st.integers(1, VOTERS),
)
def test_random_votes_and_suspensions_against_plain_sets(
    seed: int, share: int, quorum: int
) -> None:
    """Whatever happens before and after it closes, only who was active then counts."""
    asyncio.run(_random(random.Random(seed), share, quorum))


async def _random(chance: random.Random, share: int, quorum: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        mod, star = world.moderator(), world.account("star")
        before = [world.account(f"a{n}") for n in range(VOTERS // 2)]
        decision = await bound(world, mod, star, share=share, quorum=quorum)
        world.tick()
        voters = before + [world.account(f"b{n}") for n in range(VOTERS // 2)]
        votes: dict[int, int] = {}
        out: set[int] = set()

        async def something(*, may_vote: bool) -> None:
            who = chance.choice(voters)
            world.tick(chance.randint(1, 1000))
            act = chance.choice(["vote", "vote", "suspend", "reinstate"])
            if act == "vote" and may_vote and who not in votes and who not in out:
                votes[who] = chance.randint(0, 1)
                await polls.vote(world.ctx, actor=who, poll_id=decision.poll, choices=[votes[who]])
            elif act == "suspend" and who not in out:
                await world.suspend(who)
                out.add(who)
            elif act == "reinstate" and who in out:
                await world.reinstate(who)
                out.remove(who)

        for _ in range(chance.randint(0, 40)):
            await something(may_vote=True)
        counted = {who: choice for who, choice in votes.items() if who not in out}
        left_out = {who for who in votes if who in out}
        world.clock.advance(max(0, decision.closes_at - world.clock.now()))
        for _ in range(chance.randint(0, 10)):  # the job process is away
            await something(may_vote=False)
        await world.jobs()
        closed = stored(world, decision)
        result = closed.result
        assert result is not None
        yes = {who for who, choice in counted.items() if choice == 0}
        assert (result.votes, result.yes, result.suspended) == (
            len(counted),
            len(yes),
            len(left_out),
        )
        assert result.new == len(set(counted) - set(before))
        sides = [BitMap(who for who, choice in counted.items() if choice == n) for n in range(2)]
        assert result.counted_sha256 == votes_digest(sides)
        assert [one.stored for one in result.tallies] == [
            sum(choice == n for choice in votes.values()) for n in range(2)
        ]
        reached = len(counted) >= quorum and len(yes) / max(1, len(counted)) >= share / 10_000
        expected = DecisionState.REACHED if reached else DecisionState.MISSED
        assert closed.state is expected
        (told,) = ledger_of(world, "poll_decided")
        assert json.loads(json.dumps(told))["result"]["votes"] == len(counted)
        await world.store.close()
