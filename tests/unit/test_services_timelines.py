"""Home, public and hashtag timelines, through the services on a real store."""

from tests.unit.world import World

from rostra.domain.enforcement import ActionKind
from rostra.domain.statuses import Visibility
from rostra.services.moderation import enforcing
from rostra.services.reading import timelines
from rostra.services.social_graph import relationships


def home(world: World, viewer: int, **page: int) -> list[int]:
    page.setdefault("limit", 20)
    with world.read() as snap:
        return timelines.home(snap, viewer, **page)


def public(world: World, viewer: int | None = None, **page: int) -> list[int]:
    page.setdefault("limit", 20)
    with world.read() as snap:
        return timelines.public(snap, viewer, **page)


async def test_home(world: World) -> None:
    a, b, c, d = world.people("a", "b", "c", "d")
    await world.follow(a, b)
    await world.follow(a, c)
    first = await world.post(b)
    own = await world.post(a)
    stranger = await world.post(d)
    boost = await world.boost(c, stranger)
    reply_to_stranger = await world.post(b, in_reply_to_id=stranger)
    reply_to_friend = await world.post(b, in_reply_to_id=own)
    direct = await world.post(c, "@a", visibility=Visibility.DIRECT)
    await world.post(c, "@b", visibility=Visibility.DIRECT)
    assert home(world, a) == [direct, reply_to_friend, boost, own, first]
    assert reply_to_stranger not in home(world, a)
    assert home(world, a, limit=2) == [direct, reply_to_friend]
    assert home(world, a, max_id=boost) == [own, first]
    assert home(world, a, min_id=first, limit=1) == [own]
    assert home(world, a, since_id=own) == [direct, reply_to_friend, boost]


async def test_home_follows_the_options_of_a_follow(world: World) -> None:
    a, b, c = world.people("a", "b", "c")
    await world.follow(a, b, reblogs=False, languages=["de"])
    german = await world.post(b, language="de")
    await world.post(b, language="en")
    unknown = await world.post(b)
    await world.boost(b, await world.post(c, language="de"))
    assert home(world, a) == [unknown, german]


async def test_home_without_the_muted_and_their_boosted_statuses(world: World) -> None:
    a, b, c = world.people("a", "b", "c")
    await world.follow(a, b)
    await world.follow(a, c)
    await world.boost(b, await world.post(c))
    await relationships.mute(world.ctx, actor=a, target=c)
    assert home(world, a) == []
    await relationships.unmute(world.ctx, actor=a, target=c)
    assert len(home(world, a)) == 1


async def test_public_timeline(world: World) -> None:
    a, b = world.people("a", "b")
    first = await world.post(a)
    await world.post(a, visibility=Visibility.UNLISTED)
    await world.post(b, in_reply_to_id=first)
    await world.boost(b, first)
    last = await world.post(b)
    assert public(world) == [last, first]
    assert public(world, max_id=last) == [first]
    await relationships.mute(world.ctx, actor=a, target=b)
    assert public(world, a) == [first]
    await enforcing.act(world.ctx, moderator=None, target=a, kind=ActionKind.LIMIT, ground="noise")
    assert public(world) == [last]
    assert public(world, a) == [first]
    with world.read() as snap:
        assert timelines.public(snap, None, limit=5, remote=True) == []
        assert timelines.public(snap, None, limit=5, only_media=True) == []
        assert timelines.public(snap, None, limit=5, local=True) == [last]


async def test_hashtag_timeline(world: World) -> None:
    [a] = world.people("a")
    x = await world.post(a, "#x")
    xy = await world.post(a, "#X #y")
    z = await world.post(a, "#z")
    await world.post(a, "#x", visibility=Visibility.UNLISTED)

    def tag(name: str, **more: object) -> list[int]:
        with world.read() as snap:
            return timelines.tag(snap, None, name, limit=10, **more)

    assert tag("#x") == tag("X") == [xy, x]
    assert tag("x", all=["y"]) == [xy]
    assert tag("x", none=["y"]) == [x]
    assert tag("x", any=["z"]) == [z, xy, x]
    assert tag("x", max_id=xy) == [x]
    assert tag("x", any=["z"], min_id=x) == [z, xy]
    assert tag("nothing") == []
