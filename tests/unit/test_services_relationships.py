"""Following, asking, blocking and muting, through the services on a real store."""

import pytest
from tests.unit.world import World

from rostra.domain.account_set import SetKind
from rostra.domain.enforcement import ActionKind
from rostra.domain.errors import Forbidden, Invalid, NotFound
from rostra.services import accounts
from rostra.services.moderation import enforcing
from rostra.services.social_graph import relationships


async def test_follow_is_seen_from_both_sides_and_counted_once(world: World) -> None:
    a, b = world.people("a", "b")
    first = await world.follow(a, b)
    again = await world.follow(a, b)
    assert first.following
    assert again == first
    assert world.followers(b) == (1, [a])
    assert world.following(a) == (1, [b])
    assert world.relationship(b, a).followed_by
    assert world.notified(b) == [("follow", a)]


async def test_unfollow(world: World) -> None:
    a, b = world.people("a", "b")
    await world.follow(a, b, notify=True)
    after = await relationships.unfollow(world.ctx, actor=a, target=b)
    assert not after.following
    assert not after.options.notify
    assert world.followers(b) == (0, [])
    assert world.notified(b) == []
    assert not (await world.follow(a, b)).options.notify


async def test_follow_options_change_by_following_again(world: World) -> None:
    a, b = world.people("a", "b")
    await world.follow(a, b, reblogs=False, languages=["de", "en", "de"])
    options = (await world.follow(a, b, notify=True)).options
    assert (options.reblogs, options.notify, options.languages) == (False, True, ("de", "en"))


@pytest.mark.parametrize("who", ["self", "missing"])
async def test_what_cannot_be_followed(world: World, who: str) -> None:
    [a] = world.people("a")
    with pytest.raises(Forbidden if who == "self" else NotFound):
        await world.follow(a, a if who == "self" else 99)


async def test_a_locked_account_is_asked(world: World) -> None:
    [a] = world.people("a")
    b = world.account("b", locked=True)
    asked = await world.follow(a, b, reblogs=False)
    assert (asked.following, asked.requested) == (False, True)
    assert not asked.options.reblogs
    assert world.notified(b) == [("follow_request", a)]
    with world.read() as snap:
        assert [e.member for e in relationships.follow_requests(snap, b, limit=10)] == [a]
    accepted = await relationships.authorize_request(world.ctx, actor=b, follower=a)
    assert accepted.followed_by
    assert not accepted.requested_by
    assert world.relationship(a, b).following
    assert not world.relationship(a, b).options.reblogs
    assert world.notified(b) == [("follow", a)]
    with pytest.raises(NotFound):
        await relationships.authorize_request(world.ctx, actor=b, follower=a)


async def test_a_request_can_be_refused_or_taken_back(world: World) -> None:
    [a] = world.people("a")
    b = world.account("b", locked=True)
    await world.follow(a, b)
    refused = await relationships.reject_request(world.ctx, actor=b, follower=a)
    assert not refused.requested_by
    await world.follow(a, b)
    assert not (await relationships.unfollow(world.ctx, actor=a, target=b)).requested
    with pytest.raises(NotFound):
        await relationships.reject_request(world.ctx, actor=b, follower=a)


async def test_a_limited_account_asks_even_those_who_are_not_locked(world: World) -> None:
    a, b = world.people("a", "b")
    await enforcing.act(world.ctx, moderator=None, target=a, kind=ActionKind.LIMIT, ground="noise")
    assert (await world.follow(a, b)).requested


async def test_unlocking_accepts_those_who_wait(world: World) -> None:
    a, c = world.people("a", "c")
    b = world.account("b", locked=True)
    await world.follow(a, b)
    await world.follow(c, b)
    await enforcing.act(world.ctx, moderator=None, target=c, kind=ActionKind.LIMIT, ground="noise")
    await accounts.update_profile(world.ctx, actor=b, locked=False)
    assert world.followers(b) == (1, [a])
    assert world.relationship(c, b).requested


async def test_a_job_accepts_the_many(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relationships, "ACCEPTED_AT_ONCE", 2)
    people = world.people(*(f"p{n}" for n in range(5)))
    b = world.account("b", locked=True)
    for one in people:
        await world.follow(one, b)
    await accounts.update_profile(world.ctx, actor=b, locked=False)
    assert world.followers(b)[0] == 2
    await world.jobs()
    assert world.followers(b) == (5, people[::-1])


async def test_a_block_ends_every_tie_both_ways(world: World) -> None:
    a, b = world.people("a", "b")
    await world.follow(a, b)
    await world.follow(b, a)
    blocked = await relationships.block(world.ctx, actor=a, target=b)
    assert blocked.blocking
    assert not blocked.following
    assert not blocked.followed_by
    assert world.relationship(b, a).blocked_by
    assert world.followers(a) == (0, [])
    assert world.followers(b) == (0, [])
    for actor, target in ((a, b), (b, a)):
        with pytest.raises(Forbidden):
            await world.follow(actor, target)
    unblocked = await relationships.unblock(world.ctx, actor=a, target=b)
    assert not unblocked.blocking
    assert not unblocked.following
    assert (await world.follow(b, a)).following


async def test_a_block_ends_requests_both_ways(world: World) -> None:
    a, b = world.account("a", locked=True), world.account("b", locked=True)
    await world.follow(a, b)
    await world.follow(b, a)
    blocked = await relationships.block(world.ctx, actor=a, target=b)
    assert not blocked.requested
    assert not blocked.requested_by


async def test_nobody_blocks_or_mutes_themselves(world: World) -> None:
    [a] = world.people("a")
    with pytest.raises(Forbidden):
        await relationships.block(world.ctx, actor=a, target=a)
    with pytest.raises(Forbidden):
        await relationships.mute(world.ctx, actor=a, target=a)


async def test_a_mute_ends_at_its_time_and_by_a_job(world: World) -> None:
    a, b = world.people("a", "b")
    muted = await relationships.mute(
        world.ctx, actor=a, target=b, notifications=False, duration_s=60
    )
    assert muted.muting
    assert not muted.muting_notifications
    with world.read() as snap:
        assert len(relationships.owned(snap, a, SetKind.MUTING, limit=10)) == 1
    world.clock.advance(60_000)
    assert not world.relationship(a, b).muting
    with world.read() as snap:
        assert relationships.owned(snap, a, SetKind.MUTING, limit=10) == []
    assert await world.jobs() == ["end_mute"]
    assert not world.relationship(a, b).muting


async def test_muting_again_changes_when_it_ends(world: World) -> None:
    a, b = world.people("a", "b")
    await relationships.mute(world.ctx, actor=a, target=b, duration_s=60)
    await relationships.mute(world.ctx, actor=a, target=b)
    world.clock.advance(60_000)
    await world.jobs()
    assert world.relationship(a, b).muting_notifications
    assert not (await relationships.unmute(world.ctx, actor=a, target=b)).muting
    with pytest.raises(Invalid):
        await relationships.mute(world.ctx, actor=a, target=b, duration_s=-1)


async def test_notes(world: World) -> None:
    a, b = world.people("a", "b")
    assert (await relationships.set_note(world.ctx, actor=a, target=b, note="hm")).note == "hm"
    assert world.relationship(b, a).note == ""
    with pytest.raises(Invalid):
        await relationships.set_note(world.ctx, actor=a, target=b, note="x" * 2001)


async def test_a_follower_can_be_removed(world: World) -> None:
    a, b = world.people("a", "b")
    await world.follow(a, b)
    assert not (await relationships.remove_follower(world.ctx, actor=b, target=a)).followed_by
    assert world.following(a) == (0, [])


async def test_hidden_collections_are_empty_for_others_and_counted(world: World) -> None:
    a, b = world.people("a", "b")
    await world.follow(a, b)
    await accounts.update_profile(world.ctx, actor=b, hide_collections=True)
    assert world.followers(b) == (1, [])
    with world.read() as snap:
        assert len(relationships.followers(snap, b, b, limit=5)) == 1
        assert relationships.familiar_followers(snap, a, [b]) == {b: []}


async def test_pages_of_followers(world: World) -> None:
    people = world.people(*(f"p{n}" for n in range(6)))
    [b] = world.people("b")
    for one in people:
        await world.follow(one, b)
    with world.read() as snap:
        first = relationships.followers(snap, None, b, limit=2)
        second = relationships.followers(snap, None, b, limit=2, max_id=first[-1].position)
        back = relationships.followers(snap, None, b, limit=2, min_id=second[0].position)
        newer = relationships.followers(snap, None, b, limit=3, since_id=second[0].position)
    newest_first = people[::-1]
    assert [e.member for e in first] == newest_first[:2]
    assert [e.member for e in second] == newest_first[2:4]
    assert back == first
    assert newer == first


async def test_familiar_followers(world: World) -> None:
    a, b, c, d = world.people("a", "b", "c", "d")
    await world.follow(a, b)
    await world.follow(a, c)
    for one in (b, c):
        await world.follow(one, d)
    await world.follow(d, b)
    with world.read() as snap:
        assert relationships.familiar_followers(snap, a, [d]) == {d: [b, c]}


async def test_followers_are_hidden_from_those_who_are_blocked(world: World) -> None:
    a, b, c = world.people("a", "b", "c")
    await world.follow(c, b)
    await relationships.block(world.ctx, actor=b, target=a)
    with world.read() as snap:
        assert relationships.followers(snap, a, b, limit=5) == []
    await relationships.unblock(world.ctx, actor=b, target=a)
    await relationships.block(world.ctx, actor=c, target=a)
    with world.read() as snap:
        assert relationships.followers(snap, a, b, limit=5) == []
        assert len(relationships.followers(snap, None, b, limit=5)) == 1
