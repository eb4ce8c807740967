"""Plans of amnesties: what they say is what comes true, in random worlds and at the edges.

Each sentence of the reference's section "Amnesty" up to the approval has a test that quotes it.
"""

from __future__ import annotations

import itertools
from collections import Counter
from random import Random

import pytest
from tests.contract.sets_worlds import make_limits_small
from tests.unit.world import DAY_MS, World

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.accounts import Role, Standing
from rostra.domain.amnesty import (
    Amnesty,
    AmnestyState,
    Entry,
    Exclusion,
    Expected,
)
from rostra.domain.enforcement import Action, ActionKind, Lifting, LiftReason
from rostra.domain.labels import Label
from rostra.ports import Transaction
from rostra.services import amnesties, amnesty_drafting, lifting
from rostra.storage.packer import pack_everything

pytestmark = pytest.mark.usefixtures("world")
GROUNDS = ("spam in replies", "insults", "fraud")
LABELS = ("legal_hold", "child_safety", "spam", "vip")


async def planned(world: World, moderator: int, **asked: object) -> Amnesty:
    """Ask for a plan and have it made."""
    asked.setdefault("where", "all")
    made = await amnesties.plan(world.ctx, moderator=moderator, **asked)  # type: ignore[arg-type]
    await world.jobs()
    with world.read() as snap:
        return amnesties.show(snap, made.id)


def entries(world: World, amnesty: Amnesty) -> list[Entry]:
    with world.read() as snap:
        return list(amnesties.every_entry(snap, amnesty.id))


def take(tx: Transaction, account: int, kind: ActionKind, **fields: object) -> Action:
    made = {"ground": "spam", "moderator": None, "taken_at": tx.now, "starts_at": tx.now, **fields}
    action = Action(id=tx.next_id(), account=account, kind=kind, **made)  # type: ignore[arg-type]
    tx.enforcement.take(action)
    return action


def label(world: World, account: int, name: str) -> None:
    made = Label(account=account, name=name, moderator=None, given_at=1)
    world.store.write_now(lambda tx: tx.labels.put(made))


# -- random worlds ---------------------------------------------------------------------------------


def random_world(world: World, chance: Random, people: int) -> list[int]:
    """Make accounts that follow each other, some of them under actions of every sort."""
    everybody = [
        world.account(f"p{n}", locked=chance.random() < 0.3, role=Role(int(chance.random() < 0.05)))
        for n in range(people)
    ]
    pairs = [pair for pair in itertools.permutations(everybody, 2) if chance.random() < 0.3]

    def follow(tx: Transaction) -> None:
        for follower, followed in pairs:
            tx.sets.add(SetKey(followed, SetKind.FOLLOWERS), follower)

    world.store.write_now(follow)
    for days in (60, 10, 3):
        world.store.write_now(lambda tx: act_at_random(tx, chance, everybody))
        world.clock.advance(days * DAY_MS)
        if chance.random() < 0.5:
            pack_everything(world.store.write_now)
    return everybody


def act_at_random(tx: Transaction, chance: Random, everybody: list[int]) -> None:
    for account in everybody:
        chosen = chance.random()
        ground = chance.choice(GROUNDS)
        if chosen < 0.3:
            until = tx.now + 50 * DAY_MS if chance.random() < 0.2 else None
            take(tx, account, ActionKind.SUSPEND, ground=ground, until=until)
        elif chosen < 0.36:
            take(tx, account, chance.choice([ActionKind.LIMIT, ActionKind.FREEZE]), ground=ground)
        elif chosen < 0.4:
            action = take(tx, account, ActionKind.SUSPEND, ground=ground)
            tx.enforcement.lift(
                Lifting(
                    action=action.id,
                    account=account,
                    reason=chance.choice([LiftReason.OVERTURNED, LiftReason.SERVED]),
                    moderator=None,
                    lifted_at=tx.now,
                )
            )
        elif chosen < 0.42:
            take(tx, account, ActionKind.DELETE)
        elif chosen < 0.45:
            tx.standings.put(Standing(account=account, deactivated_at=tx.now))
        if chance.random() < 0.1:
            name = chance.choice(LABELS)
            tx.labels.put(Label(account=account, name=name, moderator=None, given_at=tx.now))


Edges = set[tuple[int, int]]
"""(follower, followed) as anybody sees them."""


def seen(world: World, everybody: list[int]) -> tuple[Edges, dict[int, Expected]]:
    """Return the edges that are shown, and every account's counts, asked one by one."""
    with world.read() as snap:
        edges = {
            (follower, followed)
            for followed in everybody
            for follower in snap.sets.bitmap(SetKey(followed, SetKind.FOLLOWERS))
            if snap.gate.follows(follower, followed)
        }
        counts = {
            account: Expected(
                snap.gate.visible_count(SetKey(account, SetKind.FOLLOWERS)),
                snap.gate.visible_count(SetKey(account, SetKind.FOLLOWING)),
            )
            for account in everybody
        }
    for account in everybody:
        assert counts[account] == Expected(
            sum(followed == account for _, followed in edges),
            sum(follower == account for follower, _ in edges),
        )
    return edges, counts


def lift(world: World, found: list[Entry]) -> None:
    """Lift what a plan says, account by account."""
    for entry in found:

        def change(tx: Transaction, entry: Entry = entry) -> None:
            actions, _ = tx.enforcement.of_account(entry.account)
            chosen = [action for action in actions if action.id in entry.actions]
            assert len(chosen) == len(entry.actions)
            lifting.lift_in(
                tx,
                world.settings,
                actions=chosen,
                reason=LiftReason.AMNESTY,
                moderator=None,
            )

        world.store.write_now(change)


@pytest.mark.parametrize("seed", range(14))
async def test_what_a_plan_says_comes_true_edge_by_edge(
    world: World, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "dry run (accounts, edges that come alive, changes in counts, conflicts)" """
    make_limits_small(monkeypatch)
    chance = Random(seed)
    moderator = world.moderator()
    everybody = random_world(world, chance, 26)
    amnesty = await planned(
        world,
        moderator,
        where=chance.choice(["all", 'ground ~ "spam" or followers < 9', "not ground = fraud"]),
        except_=chance.choice(["", "label = spam", "following > 12"]),
        include=chance.choice([(), ("second_strike",), tuple(o.value for o in Exclusion)[5:]]),
        waves=chance.choice([("100%",), ("1", "3", "50%", "100%"), ("10%", "100%")]),
    )
    if amnesty.state is AmnestyState.FAILED:
        assert not amnesty.figures.selected
        return
    assert amnesty.state is AmnestyState.PLANNED
    found = entries(world, amnesty)
    before, counts_before = seen(world, everybody)
    for wave in range(1, len(amnesty.sizes) + 1):
        members = [entry for entry in found if entry.wave == wave]
        assert len(members) == amnesty.sizes[wave - 1]
        lift(world, members)
        _, counts = seen(world, everybody)
        assert {one.account: counts[one.account] for one in members} == {
            one.account: one.then for one in members
        }
    after, counts_after = seen(world, everybody)
    assert {one.account: counts_after[one.account] for one in found} == {
        one.account: one.finally_ for one in found
    }
    assert before <= after
    assert amnesty.figures.edges == len(after - before)
    inside = {one.account for one in found}
    moved = {
        account: (
            counts_after[account].followers - counts_before[account].followers,
            counts_after[account].following - counts_before[account].following,
        )
        for account in everybody
        if account not in inside and counts_after[account] != counts_before[account]
    }
    assert amnesty.figures.others == len(moved)
    by_change = sorted(moved, key=lambda account: (-sum(moved[account]), account))
    assert [(one.account, (one.followers, one.following)) for one in amnesty.figures.largest] == [
        (account, moved[account]) for account in by_change[: amnesty_drafting.LARGEST]
    ]


@pytest.mark.parametrize("seed", range(8))
async def test_who_is_chosen_is_who_the_plainest_reading_chooses(world: World, seed: int) -> None:
    """ "Selector (ground, dates, state, followers, labels, list file) with exclusions (legal hold,
    child safety, spam, another action in force, second strike)"
    """
    chance = Random(1000 + seed)
    moderator = world.moderator()
    everybody = random_world(world, chance, 40)
    amnesty = await planned(world, moderator, where='ground ~ "spam" and followers >= 5')
    expected: Counter[str] = Counter()
    with world.read() as snap:
        for account in everybody:
            actions, liftings = snap.enforcement.of_account(account)
            over = {one.action: one.reason for one in liftings}
            force = [
                one
                for one in actions
                if one.id not in over and (one.until is None or one.until > snap.now)
            ]
            means = [
                one for one in force if one.kind is ActionKind.SUSPEND and "spam" in one.ground
            ]
            if not means or snap.sets.size(SetKey(account, SetKind.FOLLOWERS)) < 5:
                continue
            labels = {one.name for one in snap.labels.of_account(account)}
            state = snap.gate.state(account)
            rest = [one for one in force if one not in means]
            others = [
                one
                for one in actions
                if one not in means
                and one.kind is not ActionKind.DELETE
                and over.get(one.id) is not LiftReason.OVERTURNED
            ]
            if "legal_hold" in labels:
                expected["legal_hold"] += 1
            elif state.deleted:
                expected["deleted"] += 1
            elif "MODERATOR" in str(snap.accounts.get(account)):
                expected["staff"] += 1
            elif "child_safety" in labels:
                expected["child_safety"] += 1
            elif "spam" in labels:
                expected["spam"] += 1
            elif any(one.kind is ActionKind.SUSPEND for one in rest) or state.deactivated:
                expected["still_hidden"] += 1
            elif others:
                expected["second_strike"] += 1
            else:
                expected["chosen"] += 1
    chosen = expected.pop("chosen", 0)
    assert dict(amnesty.figures.excluded) == dict(expected)
    assert amnesty.figures.selected == chosen
    assert amnesty.figures.found == chosen + expected.total()
