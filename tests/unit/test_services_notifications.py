"""Notifications: a merge of stored ones and members of sets, exact and read as far as needed."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.world import Visibility, World

from rostra.domain.account_set import Entry, SetKey, SetKind
from rostra.domain.errors import NotFound
from rostra.domain.ids import ticks
from rostra.domain.notification_ids import Span, group_hash
from rostra.domain.notifications import Notification, NotificationType
from rostra.domain.visibility import Gate
from rostra.ports import Transaction
from rostra.services import statuses
from rostra.services.notifying import notifications
from rostra.services.publishing import posting
from rostra.services.social_graph import relationships


def page(world: World, account: int, **options: object) -> list[Notification]:
    options.setdefault("limit", 40)
    with world.read() as snap:
        return notifications.page(snap, account, **options)


async def busy(world: World) -> tuple[int, list[int], list[tuple[str, int]]]:
    """Return an account, others, and what the others did to it, newest first."""
    a = world.account("a")
    others = world.people("b", "c", "d")
    first, second = await world.post(a), await world.post(a)
    done: list[tuple[str, int]] = []
    for other in others:
        await world.follow(other, a)
        done.append(("follow", other))
        await world.like(other, first)
        done.append(("favourite", other))
        await world.post(other, "@a hi")
        done.append(("mention", other))
        await world.boost(other, second)
        done.append(("reblog", other))
        await world.like(other, second)
        done.append(("favourite", other))
    return a, others, done[::-1]


async def test_everything_in_order_of_time(world: World) -> None:
    a, _, done = await busy(world)
    assert world.notified(a) == done
    found = page(world, a)
    assert [one.id for one in found] == sorted((one.id for one in found), reverse=True)
    assert len({one.id for one in found}) == len(found)
    assert all(one.account == a for one in found)


@pytest.mark.parametrize("limit", [1, 2, 4, 7, 15, 16])
async def test_pages_join_without_gap_or_overlap(world: World, limit: int) -> None:
    a, _, done = await busy(world)
    everything = page(world, a)
    down: list[Notification] = []
    while lot := page(world, a, limit=limit, max_id=down[-1].id if down else None):
        down += lot
    assert down == everything
    up: list[Notification] = []
    while lot := page(world, a, limit=limit, min_id=up[0].id if up else 0):
        up = lot + up
    assert up == everything
    assert len(done) == len(everything)


async def test_since_gives_the_newest_above(world: World) -> None:
    a, _, _ = await busy(world)
    everything = page(world, a)
    assert page(world, a, limit=3, since_id=everything[5].id) == everything[:3]
    assert page(world, a, since_id=everything[5].id) == everything[:5]
    assert page(world, a, since_id=everything[5].id, max_id=everything[1].id) == everything[2:5]


async def test_filters(world: World) -> None:
    a, [b, _, _], done = await busy(world)
    mentions = [one for one in done if one[0] == "mention"]
    assert world.notified(a, types=[NotificationType.MENTION]) == mentions
    without = [one for one in done if one[0] != "favourite"]
    assert world.notified(a, exclude_types=[NotificationType.FAVOURITE]) == without
    with world.read() as snap:
        b_id = snap.accounts.get(b).id
    assert world.notified(a, account_id=b_id) == [one for one in done if one[1] == b]
    assert world.notified(a, account_id=1) == []
    assert world.notified(a, types=[]) == []


async def test_one_by_id(world: World) -> None:
    a, [b, *_], _ = await busy(world)
    for one in page(world, a):
        with world.read() as snap:
            assert notifications.get(snap, a, one.id) == one
            with pytest.raises(NotFound):
                notifications.get(snap, b, one.id)
            with pytest.raises(NotFound):
                notifications.get(snap, a, one.id + 1)


@pytest.mark.parametrize("id_", [-1, 0, 1, 2**63 - 1])
async def test_ids_nobody_was_given(world: World, id_: int) -> None:
    a, _, _ = await busy(world)
    with world.read() as snap, pytest.raises(NotFound):
        notifications.get(snap, a, id_)


async def test_dismissing_and_clearing(world: World) -> None:
    a, [b, *_], _ = await busy(world)
    everything = page(world, a)
    for gone in (everything[0], everything[4]):
        await notifications.dismiss(world.ctx, actor=a, notification_id=gone.id)
        with pytest.raises(NotFound):
            await notifications.dismiss(world.ctx, actor=a, notification_id=gone.id)
    assert page(world, a) == everything[1:4] + everything[5:]
    await notifications.clear(world.ctx, actor=a)
    assert page(world, a) == []
    new = await world.post(a)
    await world.like(b, new)
    assert world.notified(a) == [("favourite", b)]


async def test_what_is_taken_back_is_gone(world: World) -> None:
    a, b = world.people("a", "b")
    id_ = await world.post(a)
    await world.like(b, id_)
    await world.boost(b, id_)
    await world.follow(b, a)
    await statuses.unfavourite(world.ctx, actor=b, status_id=id_)
    await statuses.unreblog(world.ctx, actor=b, status_id=id_)
    await relationships.unfollow(world.ctx, actor=b, target=a)
    assert world.notified(a) == []


async def test_nobody_is_told_of_their_own_acts(world: World) -> None:
    a, b = world.people("a", "b")
    id_ = await world.post(a, "@a me")
    await world.like(a, id_)
    await world.boost(a, id_)
    assert world.notified(a) == []
    await world.like(b, id_)
    assert world.notified(a) == [("favourite", b)]


async def test_blocked_and_muted_accounts_are_hidden(world: World) -> None:
    a, [b, c, d], done = await busy(world)
    await relationships.block(world.ctx, actor=b, target=a)
    await relationships.mute(world.ctx, actor=a, target=c, duration_s=60)
    await relationships.mute(world.ctx, actor=a, target=d, notifications=False)
    assert world.notified(a) == [one for one in done if one[1] == d]
    world.clock.advance(seconds=60)
    assert world.notified(a) == [one for one in done if one[1] != b]


async def test_a_blocked_account_tells_nobody_by_mentioning(world: World) -> None:
    a, b = world.people("a", "b")
    await relationships.block(world.ctx, actor=a, target=b)
    await world.post(b, "@a")
    await relationships.unblock(world.ctx, actor=a, target=b)
    assert world.notified(a) == []


async def test_a_bell_rings_for_statuses_but_not_for_replies_to_others(world: World) -> None:
    a, b, c = world.people("a", "b", "c")
    await world.follow(a, b, notify=True)
    await world.follow(c, b)
    first = await world.post(b)
    await world.post(b, "@c", visibility=Visibility.DIRECT)
    others = await world.post(c)
    await world.post(b, in_reply_to_id=others)
    await world.post(b, "@a")
    found = page(world, a)
    assert [(one.type.label, one.status) for one in found][1:] == [("status", first)]
    assert found[0].type.label == "mention"
    assert world.notified(c) == [("mention", b)]
    await relationships.unfollow(world.ctx, actor=a, target=b)
    await world.post(b)
    assert len(page(world, a)) == 2


async def test_many_bells_are_rung_by_a_job(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "BELLS_AT_ONCE", 2)
    b, *others = world.people("b", "c", "d", "e", "f", "g")
    for one in others:
        await world.follow(one, b, notify=True)
    await world.post(b)
    await world.jobs()
    assert all(world.notified(one) == [("status", b)] for one in others)


async def test_a_page_of_many_likes_reads_few_of_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty thousand likes on one status cost no more than a page of them."""
    a, b = world.people("a", "b")
    first, hot = await world.post(a), await world.post(a)
    await world.like(b, first)

    def crowd(tx: Transaction) -> None:
        tx.sets.add_many(SetKey(hot, SetKind.LIKES), range(1000, 21_000))
        notifications.touch(tx, a, NotificationType.FAVOURITE, hot)

    world.tick()
    await world.store.write(crowd)
    read: list[int] = []
    visible_page = Gate.visible_page

    def counted(gate: Gate, key: SetKey, **span: Any) -> list[Entry]:
        found = visible_page(gate, key, **span)
        read.append(len(found))
        return found

    monkeypatch.setattr(Gate, "visible_page", counted)
    newest = page(world, a)
    deep = page(world, a, max_id=newest[-1].id)
    assert [one.source for one in newest] == list(range(20_999, 20_959, -1))
    assert [one.source for one in deep] == list(range(20_959, 20_919, -1))
    assert sum(read) <= 200


async def test_two_stored_ones_of_the_same_moment_have_ids_of_their_own(world: World) -> None:
    a, b = world.people("a", "b")
    low = group_hash(NotificationType.MENTION, b ^ 5)

    def change(tx: Transaction) -> list[bool]:
        taken = Notification(
            id=ticks(tx.now) << 16 | low,
            type=NotificationType.UPDATE,
            account=a,
            source=b,
            created_at=tx.now,
        )
        tx.notifications.store(taken)
        return [
            notifications.store(tx, account=a, type_=NotificationType.MENTION, source=b, status=5)
            for _ in range(2)
        ]

    assert await world.store.write(change) == [True, False]


@given(
    position=st.integers(1, 2**46),
    subject=st.integers(0, 2**63 - 1),
    delta=st.integers(-70_000, 70_000),
)
@settings(max_examples=200)
def test_bounds_of_a_group_agree_with_the_order_of_ids(
    position: int, subject: int, delta: int
) -> None:
    low = group_hash(NotificationType.FAVOURITE, subject)
    id_ = position << 16 | low
    cursor = max(1, id_ + delta)
    span = Span(above=cursor, below=cursor)
    above, below = span.positions(low)
    assert below is not None
    assert (position < below) == (id_ < cursor)
    assert (position > above) == (id_ > cursor)
