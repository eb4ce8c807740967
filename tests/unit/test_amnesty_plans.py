"""Plans of amnesties: what they say is what comes true, in random worlds and at the edges.

Each sentence of the reference's section "Amnesty" up to the approval has a test that quotes it.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import re
import threading
from collections import Counter
from pathlib import Path
from random import Random

import msgspec
import pytest
from tests.contract.sets_worlds import make_limits_small
from tests.unit.world import DAY_MS, World

from rostra.domain import selector_parser
from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.accounts import Role, Standing
from rostra.domain.amnesty import (
    OVERRIDABLE,
    Amnesty,
    AmnestyState,
    Entry,
    Exclusion,
    Expected,
    Limits,
    manifest_hash,
)
from rostra.domain.enforcement import Action, ActionKind, Lifting, LiftReason
from rostra.domain.labels import Label
from rostra.domain.ledger import LedgerKind
from rostra.domain.selectors import APPEALS, FIELDS, STATES
from rostra.ports import Transaction
from rostra.services import appeals
from rostra.services.amnesty import amnesties, drafting, planning
from rostra.services.moderation import enforcing, lifting, reports
from rostra.storage.packer import pack_everything

GROUNDS = ("spam in replies", "insults", "fraud")
LABELS = ("legal_hold", "child_safety", "spam", "vip")


async def planned(world: World, moderator: int, **asked: object) -> Amnesty:
    """Ask for a plan and have it made."""
    asked.setdefault("where", "all")
    made = await amnesties.plan(world.ctx, moderator=moderator, **asked)  # type: ignore[arg-type]
    await world.jobs()
    with world.read() as snap:
        return amnesties.require_amnesty(snap, made.id)


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
        (account, moved[account]) for account in by_change[: drafting.LARGEST]
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


# -- what a plan says ------------------------------------------------------------------------------


async def test_what_else_is_on_its_way_is_told_and_leaves_nobody_out(world: World) -> None:
    """ "dry run (…, conflicts)": an open appeal, another plan, a decision that is yet to begin"""
    ada = world.moderator("ada")
    anna, bert = world.people("anna", "bert")
    action = await world.suspend(anna)
    await world.suspend(bert)
    await appeals.open_appeal(world.ctx, actor=anna, action=action.id, text="It was a quotation.")
    first = await planned(world, ada)
    assert dict(first.figures.conflicts) == {"appeal": 1}
    world.store.write_now(lambda tx: take(tx, bert, ActionKind.LIMIT, starts_at=tx.now + DAY_MS))
    second = await planned(world, ada, include=["second_strike"])
    assert dict(second.figures.conflicts) == {"amnesty": 2, "appeal": 1, "decision": 1}
    assert {(one.account, one.kind) for one in second.figures.clashes} == {
        (anna, "amnesty"),
        (bert, "amnesty"),
        (anna, "appeal"),
        (bert, "decision"),
    }
    assert second.figures.selected == 2


async def test_every_field_is_asked_of_real_accounts(world: World) -> None:
    """ "Selector (ground, dates, state, followers, labels, …)" """
    ada = world.moderator("ada")
    anna, fan = world.people("anna", "fan")
    await world.follow(fan, anna)
    await world.follow(anna, fan)
    await world.post(anna)
    await reports.report(world.ctx, actor=fan, target=anna, comment="Look.")
    label(world, anna, "vip")
    world.clock.advance(3 * DAY_MS)
    action = await enforcing.act(
        world.ctx,
        moderator=ada,
        target=anna,
        kind=ActionKind.SUSPEND,
        ground="Spam",
        text="Forty links",
        until=world.clock.now() + 90 * DAY_MS,
    )
    await appeals.open_appeal(world.ctx, actor=anna, action=action.id, text="No.")
    with world.read() as snap:
        account = snap.accounts.get(anna)
    assert account is not None
    true = {
        "state": "state = suspended and not state = active",
        "ground": "ground = spam",
        "reason": 'reason ~ "links"',
        "taken": "taken > 1 hour ago",
        "until": "until != none and until > 2000-01-01",
        "moderator": "moderator = @Ada",
        "actions": "actions = 1",
        "strikes": "strikes = 1",
        "followers": "followers = 1",
        "following": "following = 1",
        "statuses": "statuses = 1",
        "reports": "reports = 1",
        "created": "created < 2 days ago and created > 4 days ago",
        "label": "label = vip",
        "appeal": "appeal = open",
        "name": "name = ANNA",
        "id": f"id = {account.id}",
    }
    assert true.keys() == FIELDS.keys()
    for name, text in true.items():
        right = await planned(world, ada, where=text)
        assert right.state is AmnestyState.PLANNED, (name, right.why)
        wrong = await planned(world, ada, where=f"not ({text})")
        assert (wrong.state, wrong.figures.found) == (AmnestyState.FAILED, 0), name


async def test_of_two_actions_the_one_that_is_meant_is_lifted(world: World) -> None:
    """ "another action in force" """
    ada = world.moderator("ada")
    anna = world.account("anna")
    spam = world.store.write_now(lambda tx: take(tx, anna, ActionKind.SUSPEND, ground="spam"))
    world.store.write_now(lambda tx: take(tx, anna, ActionKind.SUSPEND, ground="fraud"))
    left_out = await planned(world, ada, where="ground = spam")
    assert dict(left_out.figures.excluded) == {"still_hidden": 1}
    assert "would stay hidden" in left_out.why
    one = await planned(
        world, ada, where="ground = spam", include=["still_hidden", "second_strike"]
    )
    (entry,) = entries(world, one)
    assert entry.actions == (spam.id,)
    assert entry.finally_ == Expected(0, 0)  # it stays hidden
    both = await planned(world, ada, where="all", include=["second_strike"])
    assert [len(entry.actions) for entry in entries(world, both)] == [2]


async def test_limits_are_lifted_as_well_and_no_edge_comes_alive(world: World) -> None:
    ada = world.moderator("ada")
    anna, fan = world.people("anna", "fan")
    await world.follow(fan, anna)
    world.store.write_now(lambda tx: take(tx, anna, ActionKind.LIMIT))
    plan = await planned(world, ada, kind=ActionKind.LIMIT)
    (entry,) = entries(world, plan)
    assert (entry.then, plan.figures.edges, plan.figures.others) == (Expected(1, 0), 0, 0)
    assert (await planned(world, ada)).state is AmnestyState.FAILED


async def test_those_with_the_fewest_followers_come_first(world: World) -> None:
    """ "waves (default 10 accounts, 1 %, 10 %, 100 %)" """
    ada = world.moderator("ada")
    people = world.people(*(f"p{n}" for n in range(13)))
    fans = world.people(*(f"fan{n}" for n in range(13)))
    for n, account in enumerate(people):
        for fan in fans[n:]:
            await world.follow(fan, account)
        await world.suspend(account)
    plan = await planned(world, ada)
    assert (plan.waves, plan.sizes) == (("10", "1%", "10%", "100%"), (10, 3))
    assert plan.limits == Limits()
    found = entries(world, plan)
    assert [one.account for one in found] == people[::-1]
    assert [one.n for one in found] == list(range(1, 14))


async def test_the_manifest_is_what_is_stored(world: World) -> None:
    """ "frozen as a hashed manifest" """
    ada = world.moderator("ada")
    for account in world.people("anna", "bert"):
        await world.suspend(account)
    plan = await planned(world, ada, ground="The summer rule")
    with world.read() as snap:
        lines = list(amnesties.export(snap, plan.id))
    assert hashlib.sha256(b"".join(lines)).hexdigest() == plan.hash
    assert plan.hash == manifest_hash(plan, entries(world, plan))
    with world.read() as snap:
        (entry,) = snap.ledger.page(limit=1)
    assert (entry.kind, entry.about["hash"]) == (LedgerKind.AMNESTY_PLANNED, plan.hash)


# -- making it -------------------------------------------------------------------------------------


async def asked(world: World) -> Amnesty:
    ada = world.moderator("ada")
    for account in world.people("anna", "bert", "cara"):
        await world.suspend(account)
    return await amnesties.plan(world.ctx, moderator=ada, where="all", queued=False)


async def test_a_plan_killed_while_it_is_written_is_made_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await asked(world)
    monkeypatch.setattr(planning, "ENTRIES_AT_ONCE", 1)
    original, writes = planning._put_lot, 0

    def dies_at_the_second(tx: Transaction, *, amnesty_id: int, lot: list[Entry]) -> None:
        nonlocal writes
        writes += 1
        if writes == 2:
            raise KeyError("killed")
        original(tx, amnesty_id=amnesty_id, lot=lot)

    monkeypatch.setattr(planning, "_put_lot", dies_at_the_second)
    with pytest.raises(KeyError):
        await planning.carry_out(world.ctx, amnesty=made.id)
    assert len(entries(world, made)) == 1
    plan = await planning.carry_out(world.ctx, amnesty=made.id)
    assert plan is not None
    assert (plan.state, plan.total, len(entries(world, plan))) == (AmnestyState.PLANNED, 3, 3)
    again = await planning.carry_out(world.ctx, amnesty=made.id)
    assert again == plan


async def test_a_plan_that_is_rejected_while_it_is_made_stops(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await asked(world)
    grace = world.moderator("grace")
    monkeypatch.setattr(planning, "SECONDS", 0.01)
    begun, rejected = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def told(what: str, done: int, total: int) -> None:
        loop.call_soon_threadsafe(begun.set)
        rejected.wait(60)

    making = asyncio.create_task(planning.carry_out(world.ctx, amnesty=made.id, told=told))
    await begun.wait()
    while True:
        with world.read() as snap:
            if amnesties.require_amnesty(snap, made.id).progress == (
                0,
                3,
            ):  # it is put down how far it is
                break
        await asyncio.sleep(0.01)
    await amnesties.reject(world.ctx, moderator=grace, amnesty=made.id)
    rejected.set()
    found = await making
    assert found is not None
    assert (found.state, found.hash, entries(world, found)) == (AmnestyState.REJECTED, "", [])


async def test_a_plan_that_is_interrupted_fails(world: World) -> None:
    """Interruptible: who waits for it presses Ctrl-C."""
    made = await asked(world)
    begun, ended = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def told(what: str, done: int, total: int) -> None:
        loop.call_soon_threadsafe(begun.set)
        ended.wait(60)

    making = asyncio.create_task(planning.carry_out_at_once(world.ctx, amnesty=made.id, told=told))
    await begun.wait()
    making.cancel()
    loop.call_later(0.05, ended.set)
    with pytest.raises(asyncio.CancelledError):
        await making
    with world.read() as snap:
        found = amnesties.require_amnesty(snap, made.id)
    assert (found.state, found.why) == (AmnestyState.FAILED, "It was interrupted")


async def test_plans_that_nobody_approved_expire_by_themselves(world: World) -> None:
    made = await asked(world)
    plan = await planning.carry_out(world.ctx, amnesty=made.id)
    assert plan is not None
    assert await amnesties.expire_plans(world.ctx) == 0
    world.clock.advance(world.settings.amnesty_plan_days * DAY_MS)
    assert await amnesties.expire_plans(world.ctx) == 1
    with world.read() as snap:
        assert amnesties.require_amnesty(snap, made.id).state is AmnestyState.EXPIRED


# -- the page that says it -------------------------------------------------------------------------

PAGE = Path(__file__).parents[2] / "docs" / "amnesty.md"


def test_the_page_has_the_grammar_the_fields_and_the_exclusions() -> None:
    page = PAGE.read_text(encoding="utf-8")
    grammar = page.split("```ebnf\n")[1].split("```")[0]
    doc = selector_parser.__doc__ or ""
    rules = [line.strip() for line in doc.splitlines() if line.startswith("    ")]
    assert [line.strip() for line in grammar.splitlines()] == rules
    rows = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert rows == [*FIELDS, *(one.value for one in Exclusion)]
    for one in Exclusion:
        set_aside = f"| `--include {one.value}` |" in page
        assert set_aside == (one in OVERRIDABLE)
    for name in (*STATES, *APPEALS):
        assert f"`{name}`" in page


SENTENCES = (
    "Selector (ground, dates, state, followers, labels, list file) with exclusions (legal hold,",
    "another action in force",
    "second strike",
    "list file",
    "dry run (accounts, edges that come alive, changes in counts, conflicts)",
    "frozen as a hashed manifest",
    "approval by a second moderator",
    "waves (default 10 accounts, 1 %, 10 %, 100 %)",
)
"""What the reference says of an amnesty up to its approval."""


@pytest.mark.parametrize("sentence", SENTENCES)
def test_each_sentence_up_to_the_approval_has_a_test_that_names_it(sentence: str) -> None:
    here = Path(__file__).parent
    files = (Path(__file__), here.parent / "api" / "test_amnesties.py")
    texts = [path.read_text(encoding="utf-8").split("SENTENCES = (")[0] for path in files]
    quoted = re.findall(r'"""(.*?)"""', "".join(texts), re.DOTALL)
    assert any(sentence in text for text in quoted)


async def test_a_plan_whose_maker_was_killed_is_given_up(world: World) -> None:
    moderator = world.moderator("mod")
    made = await amnesties.plan(world.ctx, moderator=moderator, where="all", queued=False)

    async def later() -> Amnesty:
        world.clock.advance(planning.STUCK_MS)
        await world.jobs()
        with world.read() as snap:
            return amnesties.require_amnesty(snap, made.id)

    at = msgspec.structs.replace(made, progress=(3, 9))
    await world.store.write(lambda tx: tx.amnesties.put(at))
    assert (await later()).state is AmnestyState.PLANNING  # it has moved on since it was asked for
    given_up = await later()
    assert given_up.state is AmnestyState.FAILED
    assert given_up.why == "It was interrupted: plan it again"
    assert given_up.finished_at is not None
    assert "give_up_plan" not in await world.jobs()


async def test_a_plan_that_is_made_is_not_given_up(world: World) -> None:
    moderator, a = world.moderator("mod"), world.account("a")
    await world.suspend(a)
    made = await amnesties.plan(world.ctx, moderator=moderator, where="all", queued=False)
    await planning.carry_out_at_once(world.ctx, amnesty=made.id, told=lambda *_: None)
    world.clock.advance(planning.STUCK_MS)
    assert "give_up_plan" in await world.jobs()
    with world.read() as snap:
        assert amnesties.require_amnesty(snap, made.id).state is AmnestyState.PLANNED
