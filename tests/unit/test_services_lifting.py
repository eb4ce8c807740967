"""Taking lifted actions again, as when a reinstatement is rolled back."""

from __future__ import annotations

from tests.unit.world import DAY_MS, World

from rostra.domain.accounts import Credentials
from rostra.domain.enforcement import Action, ActionKind, LiftReason
from rostra.domain.notifications import NotificationType
from rostra.domain.sign_up import canonical_hash
from rostra.ports import Token, Transaction
from rostra.services.moderation import enforcing, lifting
from rostra.services.social_graph import relationships


async def lift(world: World, actions: list[Action]) -> None:
    world.tick()
    await world.store.write(
        lambda tx: lifting.lift_in(
            tx, world.settings, actions=actions, reason=LiftReason.AMNESTY, moderator=None
        )
    )


async def restore(world: World, actions: list[Action]) -> list[Action]:
    world.tick()
    return await world.store.write(
        lambda tx: lifting.restore_in(tx, world.settings, actions=actions, moderator=None)
    )


def suspended(world: World, account: int) -> bool:
    with world.read() as snap:
        return snap.gate.state(account).suspended


def messages(world: World, account: int) -> list[int | None]:
    with world.read() as snap:
        told = snap.notifications.stored(
            account, types=[NotificationType.MODERATION_WARNING], limit=9
        )
    return [one.event for one in told]


async def test_one_of_two_suspensions_lifted_changes_nothing_for_the_person(world: World) -> None:
    a = world.account("a")
    first, second = await world.suspend(a), await world.suspend(a)
    await lift(world, [first])
    assert suspended(world, a)
    assert messages(world, a) == []
    await lift(world, [second])
    assert not suspended(world, a)
    assert messages(world, a) == [second.id]


async def test_what_is_restored_is_as_it_was_and_names_what_it_restores(world: World) -> None:
    a = world.account("a")
    taken = await world.suspend(a, days=20)
    await lift(world, [taken])
    world.tick(3_000)
    [restored] = await restore(world, [taken])
    assert suspended(world, a)
    assert restored.restores == taken.id
    assert (restored.kind, restored.ground, restored.until) == (
        ActionKind.SUSPEND,
        taken.ground,
        taken.until,
    )
    with world.read() as snap:
        assert snap.enforcement.of_account(a)[0] == [taken, restored]
    assert messages(world, a) == []
    assert restored.until is not None
    world.clock.set(restored.until)
    assert not suspended(world, a)
    await world.jobs()
    assert messages(world, a) == [restored.id]


async def test_what_is_over_meanwhile_is_not_restored(world: World) -> None:
    a = world.account("a")
    taken = await world.suspend(a, days=1)
    await lift(world, [taken])
    world.clock.advance(DAY_MS)
    assert await restore(world, [taken]) == []
    assert not suspended(world, a)


async def test_a_restored_suspension_ends_sessions_and_bars_the_mailbox(world: World) -> None:
    a = world.account("a")
    email = "a@here.example"
    secret = Credentials(ordinal=a, email=email, password_hash="no hash")
    await world.store.write(lambda tx: tx.accounts.set_credentials(secret))

    def barred() -> bool:
        with world.read() as snap:
            return bool(snap.sign_up_blocks.mailboxes(canonical_hash(email)))

    def open_token(tx: Transaction) -> None:
        tx.access.create_token(
            Token(hash=b"t" * 32, account=a, application=None, scopes="read", created_at=tx.now)
        )

    taken = await world.suspend(a)
    assert barred()
    await lift(world, [taken])
    assert not barred()
    await world.store.write(open_token)
    await restore(world, [taken])
    assert barred()
    with world.read() as snap:
        assert snap.access.token(b"t" * 32) is None


async def test_a_return_taken_back_is_no_break_for_dormant_follows(world: World) -> None:
    a, locked = world.account("a"), world.account("locked", locked=True)
    await world.follow(a, locked)
    await relationships.authorize_request(world.ctx, actor=locked, follower=a)
    taken = await world.suspend(a)
    since = taken.starts_at
    world.clock.advance(31 * DAY_MS)
    await lift(world, [taken])
    assert world.relationship(a, locked).requested
    [restored] = await restore(world, [taken])
    world.clock.advance(DAY_MS)
    end = world.clock.now()
    with world.read() as snap:
        assert not snap.gate.veiled(a, locked, end - 5)
    await lift(world, [restored])
    assert world.relationship(a, locked).requested
    with world.read() as snap:
        assert snap.gate.veiled(a, locked, since)
        assert snap.gate.veiled(a, locked, end - 5)


async def test_a_restored_suspension_of_less_than_a_while_still_asks_again_at_its_end(
    world: World,
) -> None:
    a, locked = world.account("a"), world.account("locked", locked=True)
    await world.follow(a, locked)
    await relationships.authorize_request(world.ctx, actor=locked, follower=a)
    taken = await world.suspend(a, days=40)
    world.clock.advance(20 * DAY_MS)
    await lift(world, [taken])
    assert world.relationship(a, locked).following
    [restored] = await restore(world, [taken])
    assert restored.until is not None
    world.clock.set(restored.until - lifting.RETURN_PREPARED_MS)
    assert "prepare_return" in await world.jobs()
    world.clock.set(restored.until)
    assert world.relationship(a, locked).requested


async def test_other_kinds_are_restored_without_a_second_warning(world: World) -> None:
    a = world.account("a")
    taken = await enforcing.act(
        world.ctx, moderator=None, target=a, kind=ActionKind.LIMIT, ground="noise"
    )
    assert messages(world, a) == [taken.id]
    await lift(world, [taken])
    await restore(world, [taken])
    with world.read() as snap:
        assert snap.gate.state(a).limited
    assert messages(world, a) == [taken.id]


async def test_an_end_recorded_late_leaves_to_a_newer_suspension_what_is_its_own(
    world: World,
) -> None:
    a = world.account("a")
    secret = Credentials(ordinal=a, email="a@here.example", password_hash="no hash")
    await world.store.write(lambda tx: tx.accounts.set_credentials(secret))
    first = await world.suspend(a, days=1)
    world.clock.advance(DAY_MS + 1)
    assert not suspended(world, a)
    second = await world.suspend(a)  # before anybody recorded the end of the first
    await enforcing.record_expired(world.ctx)
    assert suspended(world, a)
    with world.read() as snap:
        assert snap.sign_up_blocks.mailboxes(canonical_hash("a@here.example"))
    await lift(world, [second])
    with world.read() as snap:
        assert not snap.sign_up_blocks.mailboxes(canonical_hash("a@here.example"))
    assert messages(world, a) == [second.id, first.id]
