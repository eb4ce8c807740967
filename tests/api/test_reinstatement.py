"""Suspending and reinstating, row by row of docs/reinstatement.md, as clients see it.

Everything is asked of two workers, which must answer alike at the first read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.api.two import Both, Other
from tests.api.world import PASSWORD, Person, World

from rostra.domain.enforcement import LiftReason
from rostra.services.discovery import trends
from rostra.services.moderation import enforcing
from rostra.testing import uploads

HOME = "/api/v1/timelines/home"
PUBLIC = "/api/v1/timelines/public"
COUNTS = ("followers_count", "following_count", "statuses_count")


@pytest.fixture
async def both(world: World) -> AsyncIterator[Both]:
    other = Other(world)
    yield Both(world, other)
    await other.close()


async def followed(both: Both) -> tuple[Person, Person]:
    """Return a star and a fan of it."""
    star, fan = await both.world.people("star", "fan")
    await fan.follow(star)
    return star, fan


async def counts(both: Both, person: Person) -> tuple[int, ...]:
    account = await both.get(None, f"/api/v1/accounts/{person.id}")
    return tuple(account[name] for name in COUNTS)


async def relationship(both: Both, one: Person, other: Person, **more: Any) -> Any:
    found = await both.get(one, "/api/v1/accounts/relationships", **{"id[]": other.id}, **more)
    return found[0] if found else None


async def test_counts_and_lists(both: Both) -> None:
    """Row "Follower count, list"; row "Following counts of all its followers"."""
    star, fan = await followed(both)
    mod = await both.world.moderator()
    followers = f"/api/v1/accounts/{star.id}/followers"
    following = f"/api/v1/accounts/{fan.id}/following"
    assert (await counts(both, star))[0] == (await counts(both, fan))[1] == 1
    await both.world.suspend(star)
    assert (await counts(both, star), await both.ids(None, followers)) == ((0, 0, 0), [])
    assert ((await counts(both, fan))[1], await both.ids(None, following)) == (0, [])
    told = await both.get(mod, f"/api/v1/admin/accounts/{star.id}")
    assert told["suspended"] is True
    await both.world.reinstate(star)
    assert ((await counts(both, star))[0], await both.ids(None, followers)) == (1, [fan.id])
    assert ((await counts(both, fan))[1], await both.ids(None, following)) == (1, [star.id])


async def test_the_follow_button(both: Both) -> None:
    """Row "Follow button, relationship": left out, not followable; right at the first read."""
    star, fan = await followed(both)
    before = await relationship(both, fan, star)
    await both.world.suspend(star)
    assert await relationship(both, fan, star) is None
    assert (await relationship(both, fan, star, with_suspended=True))["following"] is True
    assert (await both.act(fan, f"/api/v1/accounts/{star.id}/follow")).status_code == 404
    for verb in ("mute", "unmute"):
        assert (await both.act(fan, f"/api/v1/accounts/{star.id}/{verb}")).status_code == 200
    await both.world.reinstate(star)
    assert await relationship(both, fan, star) == before
    again = await both.act(fan, f"/api/v1/accounts/{star.id}/follow")
    assert again.json() == before
    assert (await counts(both, star))[0] == 1


async def test_what_others_do_meanwhile(both: Both) -> None:
    """Row "Unfollow made meanwhile"; row "Block made meanwhile, either way"; both stay done."""
    world = both.world
    star, fan, other, muting = await world.people("star", "fan", "other", "muting")
    for one in (fan, other, muting):
        await one.follow(star)
        await star.follow(one)
    await world.suspend(star)
    assert (await both.act(fan, f"/api/v1/accounts/{star.id}/unfollow")).status_code == 200
    assert (await both.act(other, f"/api/v1/accounts/{star.id}/block")).status_code == 200
    assert (await both.act(muting, f"/api/v1/accounts/{star.id}/mute")).status_code == 200
    await world.reinstate(star)
    assert await both.ids(muting, f"/api/v1/accounts/{star.id}/followers") == [muting.id]
    assert (await relationship(both, fan, star))["followed_by"] is True
    blocked = await relationship(both, other, star)
    assert (blocked["following"], blocked["followed_by"], blocked["blocking"]) == (
        False,
        False,
        True,
    )
    assert (await relationship(both, muting, star))["muting"] is True
    assert await both.ids(other, "/api/v1/blocks") == [star.id]


async def test_followers_that_are_away_themselves(both: Both) -> None:
    """Row "Follower itself suspended"; row "Follower deleted"."""
    world = both.world
    star, fan, gone = await world.people("star", "fan", "gone")
    mod = await world.moderator()
    for one in (fan, gone):
        await one.follow(star)
    await world.suspend(star)
    await world.suspend(fan)
    await world.suspend(gone)
    answer = await mod.call("DELETE", f"/api/v1/admin/accounts/{gone.id}")
    assert answer.status_code == 200, answer.text
    await world.jobs()
    await world.reinstate(star)
    assert (await counts(both, star))[0] == 0
    await world.reinstate(fan)
    assert (await counts(both, star))[0] == 1
    assert await both.ids(None, f"/api/v1/accounts/{star.id}/followers") == [fan.id]


async def test_follow_requests(both: Both) -> None:
    """Row "Pending follow requests, both ways": kept, hidden, not approvable, shown again."""
    world = both.world
    star, shy = await world.person("star", locked=True), await world.person("shy", locked=True)
    asking, cancelling = await world.people("asking", "cancelling")
    await star.follow(shy)
    for one in (asking, cancelling):
        await one.follow(star)
    await world.suspend(star)
    path = "/api/v1/follow_requests"
    assert await both.ids(shy, path) == []
    assert (await both.act(shy, f"{path}/{star.id}/authorize")).status_code == 404
    assert (await both.act(cancelling, f"/api/v1/accounts/{star.id}/unfollow")).status_code == 200
    await world.reinstate(star)
    assert await both.ids(shy, path) == [star.id]
    assert await both.ids(star, path) == [asking.id]
    assert (await both.act(shy, f"{path}/{star.id}/authorize")).status_code == 200
    assert (await relationship(both, shy, star))["followed_by"] is True


async def test_what_one_keeps_of_it(both: Both) -> None:
    """Row "Lists, notes, pins, filters": membership kept, hidden, and back."""
    star, fan = await followed(both)
    pinned = (await star.status("a pin"))["id"]
    await star.post(f"/api/v1/statuses/{pinned}/pin")
    made = (await fan.post("/api/v1/lists", title="Stars"))["id"]
    await fan.post(f"/api/v1/lists/{made}/accounts", account_ids=[star.id])
    await fan.post(f"/api/v1/accounts/{star.id}/note", comment="met in Ostia")
    await fan.post(f"/api/v1/accounts/{star.id}/endorse")
    filtered = (await fan.post("/api/v2/filters", title="one", context=["home"]))["id"]
    await fan.post(f"/api/v2/filters/{filtered}/statuses", status_id=pinned)
    paths = (
        f"/api/v1/lists/{made}/accounts",
        f"/api/v1/timelines/list/{made}",
        f"/api/v1/accounts/{star.id}/lists",
        "/api/v1/endorsements",
        f"/api/v2/filters/{filtered}/statuses",
        f"/api/v1/accounts/{star.id}/statuses?pinned=true",
    )
    before = [await both.ids(fan, path) for path in paths]
    assert all(len(ids) == 1 for ids in before)
    await both.world.suspend(star)
    assert [await both.ids(fan, path) for path in paths] == [[]] * len(paths)
    await both.world.reinstate(star)
    assert [await both.ids(fan, path) for path in paths] == before
    assert (await relationship(both, fan, star))["note"] == "met in Ostia"


async def test_what_it_said_and_liked(both: Both) -> None:
    """Row "Statuses, boosts of them, likes by it"; row "Home timelines of followers".

    Gone from every list at once, and back with their ids, times and figures.
    """
    world = both.world
    star, fan = await followed(both)
    third = await world.person("third")
    await fan.follow(third)
    theirs = (await third.status("of a third"))["id"]
    world.tick()
    said = (await star.status("of the star #regatta"))["id"]
    world.tick()
    answer = (await star.status("@third an answer", in_reply_to_id=theirs))["id"]
    world.tick()
    boost = (await fan.post(f"/api/v1/statuses/{said}/reblog"))["id"]
    for verb in ("favourite", "bookmark"):
        await fan.post(f"/api/v1/statuses/{said}/{verb}")
    for verb in ("favourite", "reblog"):
        await star.post(f"/api/v1/statuses/{theirs}/{verb}")
    await fan.post("/api/v1/tags/regatta/follow")
    paths = (
        HOME,
        PUBLIC,
        "/api/v1/timelines/tag/regatta",
        f"/api/v1/accounts/{star.id}/statuses",
        f"/api/v1/accounts/{fan.id}/statuses",
        f"/api/v1/statuses/{theirs}/favourited_by",
        f"/api/v1/statuses/{theirs}/reblogged_by",
        "/api/v1/favourites",
        "/api/v1/bookmarks",
    )
    alone = [f"/api/v1/statuses/{id_}" for id_ in (said, answer, boost)]
    found = "/api/v2/search?q=regatta"

    async def everything() -> list[Any]:
        lists = [await both.get(fan, path) for path in paths]
        single = [await both.answers(fan, path) for path in alone]
        thread = await both.get(fan, f"/api/v1/statuses/{theirs}/context")
        return [*lists, *single, thread, await both.get(fan, f"/api/v1/statuses/{theirs}")]

    before, hashtags = await everything(), (await both.get(fan, found))["hashtags"]
    assert all(before)
    assert len(hashtags) == 1
    await world.suspend(star)
    during = await everything()
    assert [[one["id"] for one in each] for each in during[: len(paths)]] == [
        [theirs] if path in (HOME, PUBLIC) else [] for path in paths
    ]
    assert [status for status, _ in during[len(paths) : -2]] == [404, 404, 404]
    assert during[-2]["descendants"] == []
    figures = ("favourites_count", "reblogs_count", "replies_count")
    assert [during[-1][name] for name in figures] == [0, 0, 0]
    assert (await both.get(fan, found))["hashtags"] == []
    await world.reinstate(star)
    after = await everything()
    assert after == before
    assert (await both.get(fan, found))["hashtags"] == hashtags


async def test_polls(both: Both) -> None:
    """Row "Polls": the clock runs, its votes are hidden, results stand, no late burst."""
    world = both.world
    star, fan = await followed(both)
    question = {"options": ["aye", "nay"], "expires_in": 600}
    of_star = (await star.status("?", poll=question))["poll"]["id"]
    of_fan = (await fan.status("?", poll=question))["poll"]["id"]
    await fan.post(f"/api/v1/polls/{of_star}/votes", choices=[0])
    await star.post(f"/api/v1/polls/{of_fan}/votes", choices=[1])
    await world.suspend(star)
    assert await both.status(fan, f"/api/v1/polls/{of_star}") == 404
    assert (await both.get(fan, f"/api/v1/polls/{of_fan}"))["votes_count"] == 0
    world.clock.advance(seconds=700)
    await world.jobs()
    await world.reinstate(star)
    await world.jobs()
    for poll, votes in ((of_star, [1, 0]), (of_fan, [0, 1])):
        found = await both.get(fan, f"/api/v1/polls/{poll}")
        assert found["expired"] is True
        assert [option["votes_count"] for option in found["options"]] == votes
    ended = await both.get(fan, "/api/v1/notifications", **{"types[]": "poll"})
    assert [one["status"]["poll"]["id"] for one in ended] == [of_fan]
    assert await both.get(star, "/api/v1/notifications", **{"types[]": "poll"}) == []


async def test_scheduled_statuses(both: Both) -> None:
    """Row "Scheduled statuses": held; past due ones are drafts then, future ones go out."""
    world = both.world
    star, fan = await followed(both)
    path = "/api/v1/scheduled_statuses"
    for text, minutes in (("was due", 10), ("still to come", 60)):
        at = world.clock.now() + minutes * 60_000
        when = datetime.fromtimestamp(at / 1000, UTC).isoformat()
        await star.post("/api/v1/statuses", status=text, scheduled_at=when)
    await world.suspend(star)
    world.clock.advance(seconds=20 * 60)
    await world.jobs()
    assert await both.ids(fan, HOME) == []
    await world.reinstate(star)
    await world.jobs()
    assert sorted(one["held"] for one in await both.get(star, path)) == [False, True]
    world.clock.advance(seconds=60 * 60)
    await world.jobs()
    (only,) = await both.get(fan, HOME)
    assert only["content"] == "<p>still to come</p>"
    assert [one["params"]["text"] for one in await both.get(star, path)] == ["was due"]


async def test_notifications(both: Both) -> None:
    """Row "Notifications": hidden at the other end, shown again; one message for the owner."""
    world = both.world
    star, fan = await followed(both)
    said = (await fan.status("hail"))["id"]
    await star.follow(fan)
    await star.post(f"/api/v1/statuses/{said}/favourite")
    await star.post(f"/api/v1/statuses/{said}/reblog")
    await star.status("@fan a word")
    await star.status("@fan in private", visibility="direct")
    lists = ("/api/v1/notifications", "/api/v1/conversations")
    groups = "/api/v2/notifications"
    before = [await both.get(fan, path) for path in lists]
    grouped = (await both.get(fan, groups))["notification_groups"]
    assert [len(one) for one in before] == [5, 1]
    await world.suspend(star)
    assert await both.get(fan, lists[0]) == []
    assert (await both.get(fan, groups))["notification_groups"] == []
    assert "in private" not in str(await both.get(fan, lists[1]))
    one = f"/api/v1/notifications/{before[0][0]['id']}"
    assert await both.status(fan, one) == 404
    await world.reinstate(star)
    assert [await both.get(fan, path) for path in lists] == before
    assert (await both.get(fan, groups))["notification_groups"] == grouped
    told = await both.get(star, "/api/v1/notifications", **{"types[]": "moderation_warning"})
    assert len(told) == 1


async def test_media(both: Both) -> None:
    """Row "Media": refused by the account's state, whoever asks; served after; no file touched."""
    world = both.world
    star, fan = await followed(both)
    files = {"file": ("a.png", uploads.picture("PNG"), "image/png")}
    media = (await star.call("POST", "/api/v2/media", files=files)).json()
    await star.status("look", media_ids=[media["id"]])
    pictures = {"avatar": ("a.png", uploads.picture("PNG"), "image/png")}
    me = (await star.call("PATCH", "/api/v1/accounts/update_credentials", files=pictures)).json()
    kept = sorted((world.settings.data / "media").rglob("*"))
    addresses = [media["url"], media["preview_url"], me["avatar"]]

    async def statuses() -> set[int]:
        clients = (both.world.client, both.other.client)
        return {(await one.get(url)).status_code for url in addresses for one in clients}

    assert await statuses() == {200}
    await world.suspend(star)
    assert await statuses() == {404}
    assert sorted((world.settings.data / "media").rglob("*")) == kept
    await world.reinstate(star)
    assert await statuses() == {200}
    assert (await both.get(fan, HOME))[0]["media_attachments"][0]["id"] == media["id"]


async def test_tokens(both: Both) -> None:
    """Row "Sessions, tokens, streams": tokens end at once in every worker; a new one is normal."""
    star, _ = await followed(both)
    await both.get(star, HOME)
    ended = star.token
    await both.world.suspend(star)
    me = "/api/v1/accounts/verify_credentials"
    assert (await both.answers(star, me))[0] == 401
    assert (await both.act(star, "/api/v1/statuses", status="x")).status_code == 401
    await both.world.reinstate(star)
    assert (await both.get(star, me))["username"] == "star"
    star.token = ended
    assert (await both.answers(star, me))[0] == 401


async def test_the_handle_and_the_address(both: Both) -> None:
    """Row "Handle": reserved meanwhile, and the mailbox barred; free with the reinstatement."""
    world = both.world
    star = await world.citizen("star")
    application = await world.application()
    asked = await world.client.post(
        "/oauth/token",
        data={
            "grant_type": "client_credentials",
            "client_id": application["client_id"],
            "client_secret": application["client_secret"],
            "scope": "read write",
        },
    )
    headers = {"Authorization": f"Bearer {asked.json()['access_token']}"}
    await enforcing.suspend(world.ctx, moderator=None, target=star.ordinal, ground="spam")

    async def sign_up(name: str, email: str) -> Any:
        body = {"username": name, "email": email, "password": PASSWORD, "agreement": True}
        answer = await both.other.client.post("/api/v1/accounts", headers=headers, json=body)
        return answer.status_code, set(answer.json().get("details", {}))

    assert await sign_up("Star", "new@mail.example") == (422, {"username"})
    assert await sign_up("other", "star+again@here.example") == (422, {"email"})
    await enforcing.reinstate(
        world.ctx, moderator=None, target=star.ordinal, reason=LiftReason.OVERTURNED
    )
    assert (await both.get(None, "/api/v1/accounts/lookup?acct=star"))["id"] == str(star.id)
    assert await sign_up("other", "star+again@here.example") == (200, set())


async def test_the_profile(both: Both) -> None:
    """Row "Profile page, API": a notice without content and 410; blank fields; statuses 404."""
    world = both.world
    star = await world.person("star", display_name="The Star", note="of the show")
    said = (await star.status("hello"))["id"]
    api, page = f"/api/v1/accounts/{star.id}", "/@star"
    before = await both.get(None, api)
    await world.suspend(star)
    account = await both.get(None, api)
    assert account["suspended"] is True
    assert (account["display_name"], account["note"]) == ("", "")
    assert [account[name] for name in COUNTS] == [0, 0, 0]
    assert (await both.get(None, "/api/v1/accounts/lookup?acct=star"))["suspended"] is True
    assert await both.status(None, f"/api/v1/statuses/{said}") == 404
    status, text = await both.answers(None, page)
    assert status == 410
    assert "The Star" not in text
    assert "of the show" not in text
    assert await both.status(None, f"/@star/{said}") in (404, 410)
    assert await both.status(None, "/.well-known/webfinger?resource=acct:star@here.example") == 410
    await world.reinstate(star)
    assert await both.get(None, api) == before
    status, text = await both.answers(None, page)
    assert status == 200
    assert "The Star" in text
    assert await both.status(None, f"/@star/{said}") == 200


async def test_finding(both: Both) -> None:
    """Row "Search, suggestions, trends": filtered when queried, found at once, trends anew."""
    world = both.world
    people = [await world.person(f"p{number}", indexable=True) for number in range(3)]
    star, reader = people[0], await world.person("reader")
    for one in people:
        await one.status("corvette #regatta")
    await reader.follow(people[1])
    await people[1].follow(star)
    await trends.count(world.ctx)

    async def found() -> tuple[int, list[Any], list[str], list[str], list[str]]:
        words = await both.get(reader, "/api/v2/search?q=corvette")
        names = await both.ids(reader, "/api/v1/accounts/search?q=p0")
        suggested = await both.ids(reader, "/api/v1/suggestions")
        listed = await both.ids(None, "/api/v1/directory")
        tags = [one["name"] for one in await both.get(None, "/api/v1/trends/tags")]
        return len(words["statuses"]), names, suggested, listed, tags

    before = await found()
    assert (before[0], before[1], before[4]) == (3, [star.id], ["regatta"])
    assert star.id in before[2]
    assert star.id in before[3]
    await world.suspend(star)
    during = await found()
    assert (during[0], during[1], during[4]) == (2, [], [])
    assert star.id not in during[2]
    assert star.id not in during[3]
    await world.reinstate(star)
    assert (await found())[:4] == before[:4]
    assert (await found())[4] == []
    world.tick()
    await star.status("again #regatta")
    await trends.count(world.ctx)
    assert (await found())[4] == ["regatta"]


async def test_by_the_clock(both: Both) -> None:
    """Row "Timed suspension": lifted by the clock in every worker, before any job runs."""
    world = both.world
    star, fan = await followed(both)
    said = (await star.status("hello"))["id"]
    await world.suspend(star, until=world.clock.now() + 60_000)
    assert await both.ids(fan, HOME) == []
    world.clock.advance(seconds=59)
    assert (await counts(both, star))[0] == 0
    world.clock.advance(seconds=1)
    assert await both.ids(fan, HOME) == [said]
    assert (await counts(both, star))[0] == 1
    assert (await relationship(both, fan, star))["following"] is True
    await world.jobs()
    assert await both.ids(fan, HOME) == [said]


async def test_back_and_forth(both: Both) -> None:
    """Row "Flapping": the last word counts in every worker, whichever took it."""
    star, fan = await followed(both)
    said = (await star.status("hello"))["id"]
    mod = await both.world.moderator()
    act = f"/api/v1/admin/accounts/{star.id}/action"
    for _ in range(3):
        assert (await both.act(mod, act, type="suspend", text="spam")).status_code == 200
        assert await both.ids(fan, HOME) == []
        await mod.post(f"/api/v1/admin/accounts/{star.id}/unsuspend")
        assert await both.ids(fan, HOME) == [said]
        assert (await counts(both, star))[0] == 1


async def test_a_dormant_follower_of_a_locked_account(both: Both) -> None:
    """Row "Locked account, a dormant follower returns": after long, it asks again."""
    world = both.world
    shy = await world.person("shy", locked=True)
    star = await world.person("star")
    await star.follow(shy)
    await shy.post(f"/api/v1/follow_requests/{star.id}/authorize")
    early = (await shy.status("before", visibility="private"))["id"]
    await world.suspend(star)
    world.clock.advance(seconds=31 * 24 * 3600)
    late = (await shy.status("meanwhile", visibility="private"))["id"]
    await world.reinstate(star)
    found = await relationship(both, star, shy)
    assert (found["following"], found["requested"]) == (False, True)
    assert await both.ids(shy, "/api/v1/follow_requests") == [star.id]
    assert await both.status(star, f"/api/v1/statuses/{late}") == 404
    answer = await both.act(shy, f"/api/v1/follow_requests/{star.id}/authorize")
    assert answer.status_code == 200
    assert await both.ids(star, HOME) == [early]  # what was said meanwhile stays unsaid
