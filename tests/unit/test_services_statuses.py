"""Posting, boosting, liking, threads and timelines, through the services on a real store."""

import pytest
from tests.unit.world import World

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.accounts import Role
from rostra.domain.enforcement import ActionKind
from rostra.domain.errors import Forbidden, Invalid, NotFound
from rostra.domain.statuses import Status, Visibility
from rostra.services import statuses
from rostra.services.moderation import enforcing
from rostra.services.reading import hydration, timelines
from rostra.services.reading.hydration import StatusView
from rostra.services.social_graph import relationships


def view(world: World, status_id: int) -> StatusView:
    with world.read() as snap:
        return hydration.status_views(snap, [status_id])[status_id]


def shown(world: World, viewer: int | None, status_id: int) -> Status:
    with world.read() as snap:
        return statuses.show(snap, viewer, status_id)


# -- posting ---------------------------------------------------------------------------------------


async def test_a_status_and_its_view(world: World) -> None:
    a, b = world.people("a", "b")
    id_ = await world.post(a, " Hi @b #Tag <i> ", language="en")
    found = view(world, id_)
    assert found.status.text == "Hi @b #Tag <i>"
    assert "&lt;i&gt;" in found.status.content
    assert [account.username for account in found.mentions] == ["b"]
    assert found.status.tags == ("tag",)
    assert found.status.mentions == (b,)
    assert found.author.statuses == 1
    assert found.author.last_status_at == world.clock.now()
    assert (found.replies, found.boosts, found.likes) == (0, 0, 0)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "Validation failed: Text can't be blank"),
        (" \n ", "Validation failed: Text can't be blank"),
        ("x" * 501, "Validation failed: Text character limit of 500 exceeded"),
        ("https://x.example " * 10**5, "Validation failed: Text character limit of 500 exceeded"),
    ],
)
async def test_text_that_is_refused(world: World, typed: str, message: str) -> None:
    [a] = world.people("a")
    with pytest.raises(Invalid) as refused:
        await world.post(a, typed)
    assert refused.value.message == message


async def test_links_and_content_warnings_in_the_limit(world: World) -> None:
    [a] = world.people("a")
    link = "https://x.example/" + "y" * 600
    await world.post(a, link + " " + "x" * 476)
    with pytest.raises(Invalid):
        await world.post(a, "x" * 496, spoiler_text="12345")
    id_ = await world.post(a, "x" * 495, spoiler_text="12345")
    assert shown(world, None, id_).sensitive
    only = shown(world, None, await world.post(a, "", spoiler_text="only this"))
    assert (only.text, only.spoiler_text) == ("only this", "")


async def test_defaults_of_the_author(world: World) -> None:
    a = world.account(
        "a", default_visibility="private", default_sensitive=True, default_language="de"
    )
    found = shown(world, a, await world.post(a))
    assert (found.visibility, found.sensitive, found.language) == (Visibility.PRIVATE, True, "de")
    for wrong in ("deutsch", "e", "en_US", "x" * 10_000):
        assert shown(world, a, await world.post(a, language=wrong)).language == "de"
    other = await world.post(a, visibility=Visibility.PUBLIC, sensitive=False, language="en")
    found = shown(world, None, other)
    assert (found.visibility, found.sensitive, found.language) == (Visibility.PUBLIC, False, "en")


async def test_a_limited_account_posts_unlisted(world: World) -> None:
    [a] = world.people("a")
    await enforcing.act(world.ctx, moderator=None, target=a, kind=ActionKind.LIMIT, ground="noise")
    id_ = await world.post(a, visibility=Visibility.PUBLIC)
    assert shown(world, None, id_).visibility == Visibility.UNLISTED


async def test_an_idempotency_key_makes_one_status_for_an_hour(world: World) -> None:
    a, b = world.people("a", "b")
    first = await world.post(a, idempotency_key="k")
    assert await world.post(a, "other text", idempotency_key="k") == first
    assert await world.post(b, idempotency_key="k") != first
    assert await world.post(a) != first
    world.clock.advance(hours=1)
    assert await world.post(a, idempotency_key="k") != first


async def test_a_status_of_the_past_has_an_id_of_its_time(world: World) -> None:
    [a] = world.people("a")
    then = world.clock.now() - 1_000_000
    first = await world.post(a, created_at=then)
    second = await world.post(a, created_at=then)
    assert first >> 16 == second >> 16 == then
    assert first != second
    assert shown(world, None, first).created_at == then


async def test_replies(world: World) -> None:
    a, b = world.people("a", "b")
    root = await world.post(a, visibility=Visibility.UNLISTED)
    reply = await world.post(b, "@a yes", in_reply_to_id=root)
    found = view(world, reply)
    assert found.status.visibility == Visibility.UNLISTED
    assert found.in_reply_to_account_id is not None
    assert view(world, root).replies == 1
    secret = await world.post(a, visibility=Visibility.DIRECT)
    for unknown in (secret, 12345):
        with pytest.raises(NotFound):
            await world.post(b, in_reply_to_id=unknown)


async def test_private_replies_are_not_counted(world: World) -> None:
    a, b = world.people("a", "b")
    root = await world.post(a)
    await world.post(b, "@a psst", in_reply_to_id=root, visibility=Visibility.DIRECT)
    assert view(world, root).replies == 0


# -- visibility ------------------------------------------------------------------------------------


async def test_who_sees_what(world: World) -> None:
    a, follower, named, other = world.people("a", "follower", "named", "other")
    await world.follow(follower, a)
    ids = {v: await world.post(a, "hi @named", visibility=v) for v in Visibility}
    expected = {
        None: {Visibility.PUBLIC, Visibility.UNLISTED},
        other: {Visibility.PUBLIC, Visibility.UNLISTED},
        follower: {Visibility.PUBLIC, Visibility.UNLISTED, Visibility.PRIVATE},
        named: set(Visibility),
        a: set(Visibility),
    }
    for viewer, visible in expected.items():
        assert {v for v in Visibility if world.sees(viewer, ids[v])} == visible
        with world.read() as snap:
            page = statuses.by_account(snap, viewer, a, limit=10)
        assert set(page) == {ids[v] for v in visible}
    await relationships.block(world.ctx, actor=a, target=other)
    assert not world.sees(other, ids[Visibility.PUBLIC])
    with world.read() as snap:
        assert statuses.by_account(snap, other, a, limit=10) == []


async def test_pages_of_an_account_are_full_where_hidden_ones_stand_between(world: World) -> None:
    [a] = world.people("a")
    seen = []
    for n in range(30):
        visibility = Visibility.PUBLIC if n % 5 == 0 else Visibility.PRIVATE
        id_ = await world.post(a, visibility=visibility)
        if visibility == Visibility.PUBLIC:
            seen.insert(0, id_)
    b = world.account("b")
    with world.read() as snap:
        first = statuses.by_account(snap, b, a, limit=4)
        second = statuses.by_account(snap, b, a, limit=4, max_id=first[-1])
        back = statuses.by_account(snap, b, a, limit=2, min_id=second[-1])
    assert first == seen[:4]
    assert second == seen[4:]
    assert back == seen[3:5]


async def test_kinds_of_statuses_of_an_account(world: World) -> None:
    a, b = world.people("a", "b")
    other = await world.post(b)
    plain = await world.post(a, "#x")
    own_thread = await world.post(a, in_reply_to_id=plain)
    reply = await world.post(a, in_reply_to_id=other)
    boost = await world.boost(a, other)

    def page(**kinds: object) -> list[int]:
        with world.read() as snap:
            return statuses.by_account(snap, None, a, limit=10, **kinds)

    assert page() == [boost, reply, own_thread, plain]
    assert page(exclude_replies=True) == [boost, own_thread, plain]
    assert page(exclude_reblogs=True) == [reply, own_thread, plain]
    assert page(tagged="#X") == [plain]
    assert page(only_media=True) == page(pinned=True) == []


# -- likes, boosts ---------------------------------------------------------------------------------


async def test_likes(world: World) -> None:
    a, b, c = world.people("a", "b", "c")
    id_ = await world.post(a)
    assert await world.like(b, id_) == id_
    await world.like(b, id_)
    await world.like(c, id_)
    assert view(world, id_).likes == 2
    with world.read() as snap:
        assert [e.member for e in statuses.favourited_by(snap, None, id_, limit=5)] == [c, b]
        assert hydration.viewer_flags(snap, b, [id_])[id_].favourited
    await statuses.unfavourite(world.ctx, actor=b, status_id=id_)
    await statuses.unfavourite(world.ctx, actor=b, status_id=id_)
    assert view(world, id_).likes == 1
    secret = await world.post(a, visibility=Visibility.DIRECT)
    with pytest.raises(NotFound):
        await world.like(b, secret)


async def test_bookmarks(world: World) -> None:
    a, b = world.people("a", "b")
    id_ = await world.post(a)
    await statuses.bookmark(world.ctx, actor=b, status_id=id_)
    with world.read() as snap:
        assert hydration.viewer_flags(snap, b, [id_])[id_].bookmarked
    await statuses.unbookmark(world.ctx, actor=b, status_id=id_)
    with world.read() as snap:
        assert not hydration.viewer_flags(snap, b, [id_])[id_].bookmarked


async def test_boosts(world: World) -> None:
    a, b = world.people("a", "b")
    id_ = await world.post(a)
    boost = await world.boost(b, id_)
    assert await world.boost(b, id_) == boost
    assert await world.like(b, boost) == id_
    found = view(world, boost)
    assert found.reblog.status.id == id_
    assert found.boosts == 1
    with world.read() as snap:
        flags = hydration.viewer_flags(snap, b, [boost])
        assert flags[boost] == flags[id_]
        assert flags[id_].reblogged
        assert [e.member for e in statuses.reblogged_by(snap, None, boost, limit=5)] == [b]
    assert await statuses.unreblog(world.ctx, actor=b, status_id=id_) == id_
    assert view(world, id_).boosts == 0
    assert not world.sees(None, boost)


async def test_what_may_be_boosted(world: World) -> None:
    a, b = world.people("a", "b")
    await world.follow(b, a)
    private = await world.post(a, visibility=Visibility.PRIVATE)
    direct = await world.post(a, "@b", visibility=Visibility.DIRECT)
    with pytest.raises(Forbidden):
        await world.boost(b, private)
    for actor in (a, b):
        with pytest.raises(NotFound):
            await world.boost(actor, direct)
    own = shown(world, a, await world.boost(a, private, visibility=Visibility.PUBLIC))
    assert own.visibility == Visibility.PRIVATE
    public_one = await world.post(a)
    with pytest.raises(Invalid):
        await world.boost(b, public_one, visibility=Visibility.DIRECT)
    wide = await world.boost(b, public_one, visibility=Visibility.UNLISTED)
    assert shown(world, None, wide).visibility == Visibility.UNLISTED


# -- deleting --------------------------------------------------------------------------------------


async def test_what_hung_on_a_deleted_status_goes_in_steps_and_is_hidden_before(
    world: World,
) -> None:
    a, *others = world.people("a", "b", "c", "d", "e", "f")
    id_ = await world.post(a, "soon gone")
    boosts = [await world.boost(one, id_) for one in others]
    for one in others:
        await world.like(one, id_)
    await statuses.delete(world.ctx, actor=a, status_id=id_)
    left = []
    removed = -1
    while removed:
        with world.read() as snap:
            left.append(len(snap.statuses.many(boosts)))
            assert [b for b in boosts if hydration.status_views(snap, [b])] == []
            assert timelines.home(snap, others[0], limit=40) == []
            boosters = SetKey(id_, SetKind.BOOSTS)
            stored = {entry.member for entry in snap.sets.newest(boosters, limit=9)}
            assert stored == {one.author for one in snap.statuses.boosts(id_, limit=9)}
        removed = await statuses.purge_status(world.ctx, status=id_, votes=[], limit=2)
    assert left == [5, 3, 1, 0]
    with world.read() as snap:
        assert snap.sets.size(SetKey(id_, SetKind.LIKES)) == 0
        assert snap.collected.page(others[0], SetKind.LIKES, limit=5) == []


async def test_deleting_takes_everything_with_it(world: World) -> None:
    a, b = world.people("a", "b")
    id_ = await world.post(a, "bye")
    boost = await world.boost(b, id_)
    await world.like(b, id_)
    with pytest.raises(NotFound):
        await statuses.delete(world.ctx, actor=b, status_id=id_)
    assert (await statuses.delete(world.ctx, actor=a, status_id=id_)).text == "bye"
    assert not world.sees(a, id_)
    assert not world.sees(b, boost)
    assert world.notified(a) == []
    await world.jobs()
    with world.read() as snap:
        assert snap.sets.size(SetKey(id_, SetKind.LIKES)) == 0
        assert snap.sets.size(SetKey(id_, SetKind.BOOSTS)) == 0
        assert snap.statuses.count_by_author(b) == 0
    with pytest.raises(NotFound):
        await statuses.delete(world.ctx, actor=a, status_id=id_)


async def test_a_moderator_deletes_what_others_wrote(world: World) -> None:
    [a] = world.people("a")
    moderator = world.account("m", role=Role.MODERATOR)
    id_ = await world.post(a)
    await statuses.delete(world.ctx, actor=moderator, status_id=id_)
    assert not world.sees(a, id_)


async def test_deleting_a_boost_takes_it_out_of_the_count(world: World) -> None:
    a, b = world.people("a", "b")
    id_ = await world.post(a)
    boost = await world.boost(b, id_)
    await statuses.delete(world.ctx, actor=b, status_id=boost)
    assert view(world, id_).boosts == 0
    assert world.sees(None, id_)


# -- threads ---------------------------------------------------------------------------------------


async def test_a_thread_around_a_status(world: World) -> None:
    a, b, c = world.people("a", "b", "c")
    root = await world.post(a)
    first = await world.post(b, in_reply_to_id=root)
    second = await world.post(c, in_reply_to_id=root)
    deep = await world.post(a, in_reply_to_id=first)
    hidden = await world.post(b, "@c", in_reply_to_id=first, visibility=Visibility.DIRECT)
    with world.read() as snap:
        assert statuses.context(snap, None, root) == ([], [first, deep, second])
        assert statuses.context(snap, None, deep) == ([root, first], [])
        assert statuses.context(snap, c, root) == ([], [first, deep, hidden, second])
    await relationships.mute(world.ctx, actor=c, target=b)
    with world.read() as snap:
        assert statuses.context(snap, c, root) == ([], [deep, second])
