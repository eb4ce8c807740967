"""Acting on accounts and ending it, through the services on a real store."""

import pytest
from tests.unit.world import DAY_MS, World

from rostra.domain.accounts import Role
from rostra.domain.enforcement import Action, ActionKind, Lifting, LiftReason, suspended_since
from rostra.domain.errors import Conflict, Forbidden, Invalid, NotFound
from rostra.ports import Token, Transaction
from rostra.services import reinstatement, roles
from rostra.services.membership import account_deletion
from rostra.services.moderation import enforcing, labels
from rostra.services.reading import hydration
from rostra.services.social_graph import relationships


async def act(world: World, target: int, kind: ActionKind, **more: object) -> Action:
    more.setdefault("ground", "spam")
    more.setdefault("moderator", None)
    return await enforcing.act(world.ctx, target=target, kind=kind, **more)


def state(world: World, account: int) -> set[str]:
    with world.read() as snap:
        found = snap.gate.state(account)
    return {name for name in found.__struct_fields__ if getattr(found, name)}


@pytest.mark.parametrize("ground", ["", "  ", "x" * 501])
async def test_a_ground_is_needed(world: World, ground: str) -> None:
    a = world.account("a")
    with pytest.raises(Invalid):
        await act(world, a, ActionKind.SUSPEND, ground=ground)
    assert state(world, a) == set()


async def test_times_that_make_no_sense(world: World) -> None:
    a = world.account("a")
    now = world.clock.now()
    for times in (
        {"until": now},
        {"until": now - 1},
        {"starts_at": now + 9, "until": now + 9},
        {"until": 2**63},
    ):
        with pytest.raises(Invalid):
            await act(world, a, ActionKind.SUSPEND, **times)
    with pytest.raises(Invalid):
        await act(world, a, ActionKind.DELETE)
    with pytest.raises(NotFound):
        await act(world, 99, ActionKind.SUSPEND)


async def test_who_may_act_on_whom(world: World) -> None:
    user, other = world.people("user", "other")
    first, second = world.moderator("first"), world.moderator("second")
    owner = world.account("owner", role=Role.OWNER)
    for moderator, target in (
        (user, other),
        (first, first),
        (owner, owner),
        (first, owner),
        (first, second),
        (99, user),
    ):
        with pytest.raises(Forbidden):
            await act(world, target, ActionKind.SUSPEND, moderator=moderator)
    await act(world, user, ActionKind.SUSPEND, moderator=first)
    await act(world, first, ActionKind.FREEZE, moderator=owner)
    with pytest.raises(Forbidden):  # a frozen moderator does nothing
        await enforcing.reinstate(world.ctx, moderator=first, target=user, reason=LiftReason.SERVED)


async def test_actions_compose_and_lifting_one_leaves_the_others(world: World) -> None:
    a = world.account("a")
    for kind in (ActionKind.SENSITIVE, ActionKind.LIMIT, ActionKind.FREEZE, ActionKind.SUSPEND):
        await act(world, a, kind)
    await world.suspend(a)
    assert state(world, a) == {"sensitive", "limited", "frozen", "suspended"}
    assert len(await world.reinstate(a)) == 2
    assert state(world, a) == {"sensitive", "limited", "frozen"}
    await enforcing.lift(
        world.ctx, moderator=None, target=a, kind=ActionKind.LIMIT, reason=LiftReason.AMNESTY
    )
    assert state(world, a) == {"sensitive", "frozen"}
    with world.read() as snap:
        found = enforcing.figures(snap, a)
    assert {action.kind for action in found.in_force} == {ActionKind.SENSITIVE, ActionKind.FREEZE}
    assert [lifting.reason for lifting in found.liftings] == ["amnesty", "overturned", "overturned"]


async def test_what_is_not_in_force_cannot_be_lifted(world: World) -> None:
    a = world.account("a")
    with pytest.raises(Conflict, match="@a is not suspended: there is nothing to lift"):
        await world.reinstate(a)
    await world.suspend(a)
    with pytest.raises(Invalid):
        await enforcing.reinstate(world.ctx, moderator=None, target=a, reason=LiftReason.EXPIRED)
    await world.reinstate(a)
    with pytest.raises(Conflict):
        await world.reinstate(a)


async def test_a_warning_is_recorded_and_told(world: World) -> None:
    a = world.account("a")
    await act(world, a, ActionKind.NONE, text="please stop")
    assert state(world, a) == set()
    assert world.notified(a) == [("moderation_warning", a)]
    with world.read() as snap:
        assert enforcing.figures(snap, a).actions[0].text == "please stop"


async def test_figures_true_and_public(world: World) -> None:
    a, b, c = world.people("a", "b", "c")
    await world.follow(b, a)
    await world.follow(c, a)
    await world.follow(a, b)
    await world.post(a)
    await world.suspend(b)

    def figures() -> tuple[int, ...]:
        with world.read() as snap:
            f = enforcing.figures(snap, a)
        return (
            f.followers, f.public_followers, f.following, f.public_following,
            f.statuses, f.public_statuses,
        )  # fmt: skip

    assert figures() == (2, 1, 1, 0, 1, 1)
    await world.suspend(a)
    assert figures() == (2, 0, 1, 0, 1, 0)
    with world.read() as snap, pytest.raises(NotFound):
        enforcing.figures(snap, 99)


async def test_a_planned_suspension_revokes_tokens_when_it_begins(world: World) -> None:
    a = world.account("a")

    def grant(tx: Transaction) -> None:
        tx.access.create_token(
            Token(hash=b"t" * 32, account=a, application=None, scopes="read", created_at=tx.now)
        )

    world.store.write_now(grant)
    starts = world.clock.now() + 1000
    await act(world, a, ActionKind.SUSPEND, starts_at=starts, until=starts + 5000)
    assert await world.jobs() == []
    world.clock.set(starts - 1)
    assert state(world, a) == set()
    world.clock.set(starts)
    assert state(world, a) == {"suspended"}
    assert await world.jobs() == ["begin_suspension"]
    with world.read() as snap:
        assert snap.access.token(b"t" * 32) is None
    world.clock.set(starts + 5000)
    assert state(world, a) == set()
    assert "record_expired" in await world.jobs()
    with world.read() as snap:
        assert [one.reason for one in enforcing.figures(snap, a).liftings] == ["expired"]
    assert await enforcing.record_expired(world.ctx) == 0


async def test_views_of_the_suspended_have_no_figures(world: World) -> None:
    a, b = world.people("a", "b")
    await world.follow(b, a)
    id_ = await world.post(a)
    await world.suspend(a)
    with world.read() as snap:
        view = hydration.account_views(snap, [a])[a]
        assert hydration.status_views(snap, [id_]) == {}
    assert (view.followers, view.following, view.statuses) == (0, 0, 0)
    assert view.last_status_at is None


def action(id_: int, starts: int, until: int | None = None) -> Action:
    return Action(
        id=id_, account=1, kind=ActionKind.SUSPEND, ground="g", moderator=None,
        taken_at=starts, starts_at=starts, until=until,
    )  # fmt: skip


def lifting(id_: int, at: int) -> Lifting:
    return Lifting(action=id_, account=1, reason=LiftReason.SERVED, moderator=None, lifted_at=at)


@pytest.mark.parametrize(
    ("actions", "liftings", "now", "since"),
    [
        ([], [], 10, None),
        ([action(1, 5)], [], 10, 5),
        ([action(1, 5)], [], 4, None),
        ([action(1, 5, 8)], [], 10, None),
        ([action(1, 5, 8)], [], 8, None),
        ([action(1, 5, 8), action(2, 8)], [], 10, 5),
        ([action(1, 5, 7), action(2, 8)], [], 10, 8),
        ([action(1, 1, 6), action(2, 5)], [], 10, 1),
        ([action(1, 1), action(2, 5)], [lifting(1, 3)], 10, 5),
        ([action(1, 1), action(2, 5)], [lifting(1, 7)], 10, 1),
        ([action(1, 1), action(2, 2, 20), action(3, 15)], [lifting(1, 3)], 17, 1),
        ([action(1, 1, 9), action(2, 3, 4)], [], 5, 1),
        ([action(1, 5)], [lifting(1, 10)], 10, None),
    ],
)
def test_since_when_without_a_break(
    actions: list[Action], liftings: list[Lifting], now: int, since: int | None
) -> None:
    assert suspended_since(actions, liftings, now) == since


async def test_a_timed_suspension_makes_requests_of_dormant_follows_before_it_ends(
    world: World,
) -> None:
    a = world.account("a")
    locked = world.account("locked", locked=True)
    from_before = world.account("open")
    await world.follow(a, from_before)
    await world.follow(a, locked)

    await relationships.authorize_request(world.ctx, actor=locked, follower=a)
    taken = await world.suspend(a, days=31)
    assert taken.until is not None
    world.clock.set(taken.until - 60_000)
    assert await world.jobs() == ["prepare_return"]
    assert world.followers(locked) == (0, [])
    world.clock.set(taken.until)
    assert world.relationship(a, locked).requested
    assert world.relationship(a, from_before).following
    assert await world.jobs() == ["record_expired"]
    assert world.relationship(a, locked).requested
    assert taken.until - taken.starts_at == DAY_MS * 31


async def test_a_late_job_still_makes_requests_but_spares_newer_follows(world: World) -> None:
    a = world.account("a")
    old, new = world.account("old", locked=True), world.account("new", locked=True)
    await world.follow(a, old)
    await relationships.authorize_request(world.ctx, actor=old, follower=a)
    await world.suspend(a, days=40)
    world.clock.advance(days=41)
    await world.follow(a, new)
    await relationships.authorize_request(world.ctx, actor=new, follower=a)
    assert await enforcing.record_expired(world.ctx) == 1
    assert world.relationship(a, old).requested
    assert world.relationship(a, new).following


async def test_of_a_deleted_account_it_is_said_that_it_was_deleted(world: World) -> None:
    other = world.account("other")
    owner = world.account("owner", role=Role.OWNER)
    await world.suspend(other)
    plan = await reinstatement.plan(world.ctx, moderator=None, target=other)
    await account_deletion.delete_account(world.ctx, by=owner, target=other)
    await world.jobs()
    for asked in (
        act(world, other, ActionKind.SUSPEND, moderator=owner),
        enforcing.lift(
            world.ctx,
            moderator=owner,
            target=other,
            kind=ActionKind.SUSPEND,
            reason=LiftReason.SERVED,
        ),
        labels.give(world.ctx, moderator=owner, target=other, name="spam"),
        roles.change(world.ctx, by=owner, target=other, role=Role.MODERATOR),
        reinstatement.plan(world.ctx, moderator=owner, target=other),
        reinstatement.begin(
            world.ctx, moderator=owner, plan=plan.hash, reason=LiftReason.SERVED, accept=True
        ),
    ):
        with pytest.raises(NotFound, match="This account was deleted"):
            await asked
