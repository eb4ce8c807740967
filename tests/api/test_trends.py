"""Trends, suggestions and the directory, as apps see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.api.world import Person, World

from rostra.domain.ids import parse_id
from rostra.domain.trends import HOUR_MS
from rostra.services.discovery import suggestions, trends


async def trending(world: World, kind: str, person: Person | None = None) -> list[Any]:
    """Return what trends for somebody."""
    path = f"/api/v1/trends/{kind}"
    found: list[Any] = await person.get(path) if person else (await world.get(path)).json()
    return found


async def names(world: World, kind: str = "tags") -> list[str]:
    """Return the names of what trends."""
    key = {"tags": "name", "statuses": "id", "links": "url"}[kind]
    return [one[key] for one in await trending(world, kind)]


async def crowd(world: World, size: int = 4, prefix: str = "p") -> list[Person]:
    """Return some people."""
    return await world.people(*(f"{prefix}{number}" for number in range(size)))


async def say(people: Sequence[Person], text: str) -> list[Any]:
    """Let each say something."""
    return [await person.status(f"{text} {person.name}") for person in people]


# -- hashtags --------------------------------------------------------------------------------------


async def test_a_hashtag_trends_by_accounts_and_not_by_posts(world: World) -> None:
    people = await crowd(world)
    await say(people, "#regatta")
    for number in range(20):
        await people[0].status(f"#spam {number}")
    for person in people:
        await person.status("#whisper", visibility="unlisted")
    assert await names(world) == []
    await trends.count(world.ctx)
    (one,) = await trending(world, "tags")
    assert one["name"] == "regatta"
    assert one["history"][0]["accounts"] == one["history"][0]["uses"] == "4"
    assert len(one["history"]) == 7
    assert (await world.get("/api/v1/trends")).json()[0]["name"] == "regatta"
    assert (await trending(world, "tags", people[0]))[0]["following"] is False


async def test_what_is_used_as_ever_does_not_trend(world: World) -> None:
    people = await crowd(world)
    await say(people, "#daily #once")
    world.tick(25 * HOUR_MS)
    await say(people, "#daily #new")
    await trends.count(world.ctx)
    assert await names(world) == ["new"]


async def test_a_trend_fades(world: World) -> None:
    people = await crowd(world)
    await say(people, "#early")
    await trends.count(world.ctx)
    world.tick(4 * HOUR_MS)
    await say(people, "#late")
    await trends.count(world.ctx)
    assert await names(world) == ["late", "early"]
    world.tick(48 * HOUR_MS)
    await trends.count(world.ctx)
    assert await names(world) == []


async def test_row_trends_are_filtered_when_queried_and_earned_anew(world: World) -> None:
    """Row "Search, suggestions, trends": filtered when queried, at once; trends earned anew."""
    people = await crowd(world, 3)
    star, fans = people[0], await crowd(world, 3, "fan")
    await say(people, "#regatta https://map.example/harbour")
    said = await star.status("look at this")
    for fan in fans:
        await fan.post(f"/api/v1/statuses/{said['id']}/favourite")
    await trends.count(world.ctx)
    links = ["https://map.example/harbour"]
    assert await names(world) == ["regatta"]
    assert await names(world, "links") == links
    assert await names(world, "statuses") == [said["id"]]
    await world.suspend(star)
    for kind in ("tags", "links", "statuses"):
        assert await names(world, kind) == [], kind
    await trends.count(world.ctx)
    await world.reinstate(star)
    for count in (False, True):
        if count:
            await trends.count(world.ctx)
        for kind in ("tags", "links", "statuses"):
            assert await names(world, kind) == [], kind
    world.tick()
    await star.status("#regatta https://map.example/harbour again")
    for fan in fans:
        await fan.post(f"/api/v1/statuses/{said['id']}/reblog")
    await trends.count(world.ctx)
    assert await names(world) == ["regatta"]
    assert await names(world, "links") == links
    assert await names(world, "statuses") == [said["id"]]


async def test_who_returns_between_two_counts_does_not_bring_a_trend_back(world: World) -> None:
    people = await crowd(world, 3)
    await say(people, "#regatta")
    await trends.count(world.ctx)
    await world.suspend(people[0])
    await world.reinstate(people[0])
    assert await names(world) == []
    await trends.count(world.ctx)
    assert await names(world) == []


# -- statuses and links ----------------------------------------------------------------------------


async def test_statuses_trend_by_those_who_like_and_boost_them(world: World) -> None:
    author, shy = await world.person("author"), await world.person("shy", discoverable=False)
    people = await crowd(world)
    good, plain = await author.status("good"), await author.status("plain")
    hidden = await shy.status("mine")
    warned = await author.status("warned", spoiler_text="careful")
    answer = await author.status("answer", in_reply_to_id=good["id"])
    for said in (good, hidden, warned, answer):
        for person in people:
            await person.post(f"/api/v1/statuses/{said['id']}/favourite")
    await author.post(f"/api/v1/statuses/{plain['id']}/favourite")
    for person in people[:2]:
        await person.post(f"/api/v1/statuses/{plain['id']}/reblog")
        await person.post(f"/api/v1/statuses/{plain['id']}/favourite")
    await trends.count(world.ctx)
    assert await names(world, "statuses") == [good["id"]]
    await people[0].post(f"/api/v1/accounts/{author.id}/mute")
    assert await trending(world, "statuses", people[0]) == []
    assert len(await trending(world, "statuses", people[1])) == 1
    for person in people[:2]:
        await person.post(f"/api/v1/statuses/{good['id']}/unfavourite")
    assert await names(world, "statuses") == []


async def test_links_trend_with_their_history(world: World) -> None:
    people = await crowd(world)
    await say(people, "https://paper.example/news?a=1&b=2#top")
    await say(people, "https://here.example/@p0")
    await trends.count(world.ctx)
    (one,) = await trending(world, "links")
    assert one["url"] == "https://paper.example/news?a=1&b=2"
    assert one["provider_name"] == "paper.example"
    assert one["history"][0]["accounts"] == "4"
    assert one["type"] == "link"


async def test_pages_of_trends(world: World) -> None:
    people = await crowd(world, 5)
    for number, size in enumerate((3, 4, 5)):
        await say(people[:size], f"#tag{number}")
    await trends.count(world.ctx)
    first = await world.get("/api/v1/trends/tags", limit=2)
    assert [one["name"] for one in first.json()] == ["tag2", "tag1"]
    assert "offset=2" in first.headers["link"]
    second = await world.get("/api/v1/trends/tags", limit=2, offset=2)
    assert [one["name"] for one in second.json()] == ["tag0"]
    assert 'rel="prev"' in second.headers["link"]
    assert (await world.get("/api/v1/trends/tags", offset=9)).json() == []


async def test_moderators_say_what_may_trend(world: World) -> None:
    people, mod = await crowd(world), await world.moderator()
    await say(people, "#regatta https://map.example/")
    said = await people[0].status("good")
    for person in people:
        await person.post(f"/api/v1/statuses/{said['id']}/favourite")
    await trends.count(world.ctx)
    for kind in ("tags", "links", "statuses"):
        (one,) = await mod.get(f"/api/v1/admin/trends/{kind}")
        assert one["requires_review"] is True
        after = await mod.post(f"/api/v1/admin/trends/{kind}/{one['id']}/reject")
        assert after["requires_review"] is False
        assert await names(world, kind) == []
        assert len(await mod.get(f"/api/v1/admin/trends/{kind}")) == 1
        await mod.post(f"/api/v1/admin/trends/{kind}/{one['id']}/approve")
        assert len(await names(world, kind)) == 1
        response = await mod.call("POST", f"/api/v1/admin/trends/{kind}/0/approve")
        assert response.status_code == 404
        response = await people[0].call("GET", f"/api/v1/admin/trends/{kind}")
        assert response.status_code == 403


# -- suggestions -----------------------------------------------------------------------------------


async def test_suggestions_and_where_they_come_from(world: World) -> None:
    me, near, far, known, star, chosen = await world.people(
        "me", "near", "far", "known", "star", "chosen"
    )
    hermit = await world.person("hermit", discoverable=False)
    for one, other in (
        (me, known),
        (known, near),
        (known, far),
        (near, far),
        (known, hermit),
        (far, star),
        (near, star),
        (chosen, star),
    ):
        await one.follow(other)
    for one in (near, star, hermit):
        await one.status("here")
    await suggestions.feature(world.ctx, account=chosen.ordinal, featured=True)
    await trends.count(world.ctx)
    found = await me.get("/api/v2/suggestions")
    told = [(one["account"]["acct"], one["source"], one["sources"]) for one in found]
    assert told[0] == ("chosen", "staff", ["featured"])
    assert told[1] == ("near", "past_interactions", ["friends_of_friends", "most_followed"])
    assert told[2][0] == "far"
    assert told[3] == ("star", "global", ["most_followed"])
    assert len(told) == 4
    v1 = await me.get("/api/v1/suggestions", limit=2)
    assert [one["acct"] for one in v1] == ["chosen", "near"]
    response = await me.call("DELETE", f"/api/v1/suggestions/{near.id}")
    assert response.status_code == 200
    await me.post(f"/api/v1/accounts/{far.id}/mute")
    assert [one["acct"] for one in await me.get("/api/v1/suggestions")] == ["chosen", "star"]
    assert (await me.call("DELETE", "/api/v1/suggestions/1")).status_code == 404
    await suggestions.feature(world.ctx, account=chosen.ordinal, featured=False)
    assert [one["acct"] for one in await me.get("/api/v1/suggestions")] == ["star"]


async def test_row_suggestions_and_directory_are_filtered_when_queried(world: World) -> None:
    """Row "Search, suggestions, trends": filtered when queried, at once; found at once after."""
    me, star, fan = await world.people("me", "star", "fan")
    await fan.follow(star)
    await star.status("here")
    await trends.count(world.ctx)

    async def suggested() -> list[str]:
        return [one["acct"] for one in await me.get("/api/v1/suggestions")]

    async def listed() -> list[str]:
        return [one["acct"] for one in (await world.get("/api/v1/directory")).json()]

    assert await suggested() == ["star"]
    assert (await listed())[0] == "star"
    await world.suspend(star)
    assert await suggested() == []
    assert "star" not in await listed()
    await world.reinstate(star)
    assert await suggested() == ["star"]
    assert (await listed())[0] == "star"


# -- the directory ---------------------------------------------------------------------------------


async def test_the_directory_in_both_orders(world: World) -> None:
    old, young, silent = await world.people("old", "young", "silent")
    shy = await world.person("shy", discoverable=False)
    await shy.status("hush")
    await young.status("first")
    await old.status("second")
    await silent.status("whispers", visibility="private")

    async def listed(**params: Any) -> list[str]:
        found = await world.get("/api/v1/directory", **params)
        return [one["acct"] for one in found.json()]

    assert await listed() == ["old", "young", "silent"]
    assert await listed(order="new") == ["silent", "young", "old"]
    assert await listed(order="new", limit=1, offset=1, local="true") == ["young"]
    assert await listed(offset=5) == []
    await young.post(f"/api/v1/accounts/{old.id}/block")
    mine = [one["acct"] for one in await young.get("/api/v1/directory")]
    assert mine == ["young", "silent"]
    assert parse_id(old.id) is not None


async def test_the_timeline_of_a_link_that_trends(world: World) -> None:
    people = await crowd(world, 3)
    shy, other = await world.person("shy", discoverable=False), await world.person("other")
    url = "https://paper.example/news"
    path = "/api/v1/timelines/link"
    said = [await person.status(f"read {url}#part") for person in people]
    assert (await world.get(path, url=url)).status_code == 404
    await shy.status(f"read {url}")
    await people[0].status(f"for you {url}", visibility="unlisted")
    await people[0].status("read https://paper.example/other")
    await trends.count(world.ctx)
    ids = [one["id"] for one in reversed(said)]
    assert [one["id"] for one in (await world.get(path, url=url)).json()] == ids
    page = (await world.get(path, url=url, limit=2, max_id=ids[0])).json()
    assert [one["id"] for one in page] == ids[1:]
    page = (await world.get(path, url=url, limit=1, min_id=ids[2])).json()
    assert [one["id"] for one in page] == [ids[1]]
    await other.call("POST", f"/api/v1/accounts/{people[1].id}/block")
    assert [one["id"] for one in await other.get(path, url=url)] == [ids[0], ids[2]]
    assert (await world.get(path)).status_code == 404
    await world.suspend(people[2])
    assert [one["id"] for one in (await world.get(path, url=url)).json()] == ids[1:]
    await world.suspend(shy)
    assert (await world.get(path, url=url)).status_code == 404  # two accounts make no trend
