"""Media under statuses: attaching, order, limits, deleting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.api.world import Person, World

from rostra.domain.errors import Unreachable
from rostra.domain.media import Media, MediaKind, MediaState
from rostra.ports import Fetched, Transaction
from rostra.testing import uploads


async def stored(world: World, person: Person, **fields: Any) -> str:
    """Store media as if they had been uploaded, and return their id."""
    world.tick()

    def change(tx: Transaction) -> str:
        id_ = tx.next_id()
        media = Media(
            id=id_,
            owner=person.ordinal,
            key=f"key{id_}",
            created_at=tx.now,
            since=tx.now,
            **{"file": "original.png", "preview": "small.webp", **fields},
        )
        tx.media.put(media)
        tx.media.own_files(media.key, person.ordinal, tx.now)
        return str(id_)

    return await world.store.write(change)


async def refused(person: Person, **body: Any) -> str:
    """Try to post and return why not."""
    response = await person.call("POST", "/api/v1/statuses", json=body)
    assert response.status_code == 422, response.text
    return str(response.json()["error"])


async def test_media_are_shown_in_the_order_they_were_attached_in(world: World) -> None:
    alice = await world.person("alice")
    ids = [await stored(world, alice, description=f"ship {n}") for n in range(4)]
    wanted = [ids[2], ids[0], ids[3], ids[1]]
    posted = await alice.status("", media_ids=wanted)
    assert posted["content"] == ""
    assert [one["id"] for one in posted["media_attachments"]] == wanted
    again = (await world.get(f"/api/v1/statuses/{posted['id']}")).json()
    assert again["media_attachments"] == posted["media_attachments"]
    first = again["media_attachments"][0]
    assert (first["type"], first["description"]) == ("image", "ship 2")
    assert first["url"].startswith("https://here.example/media/")


async def test_what_cannot_be_attached_is_refused(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    mine, theirs = await stored(world, alice), await stored(world, bob)
    film = await stored(world, alice, kind=MediaKind.VIDEO)
    unready = await stored(world, alice, state=MediaState.WAITING)
    failed = await stored(world, alice, state=MediaState.FAILED, error="it is broken")
    many = [await stored(world, alice) for _ in range(5)]
    assert "more than 4" in await refused(alice, status="x", media_ids=many)
    assert "not found" in await refused(alice, status="x", media_ids=[theirs])
    assert "not found" in await refused(alice, status="x", media_ids=["1", "nonsense"])
    assert "video" in await refused(alice, status="x", media_ids=[mine, film])
    assert "not finished processing" in await refused(alice, status="x", media_ids=[unready])
    assert "it is broken" in await refused(alice, status="x", media_ids=[failed])
    poll = {"options": ["aye", "nay"], "expires_in": 3600}
    assert "poll" in await refused(alice, status="x", media_ids=[mine], poll=poll)
    await alice.status("x", media_ids=[mine])
    assert "already attached" in await refused(alice, status="y", media_ids=[mine])
    assert (await alice.status("", media_ids=[film]))["media_attachments"][0]["type"] == "video"


async def test_what_a_deleted_status_carried_can_be_attached_again(world: World) -> None:
    alice = await world.person("alice")
    picture = await stored(world, alice)
    posted = await alice.status("wrong words", media_ids=[picture])
    deleted = await alice.call("DELETE", f"/api/v1/statuses/{posted['id']}")
    assert deleted.json()["media_attachments"][0]["id"] == picture
    again = await alice.status("right words", media_ids=[picture])
    assert again["media_attachments"][0]["id"] == picture


async def test_only_what_carries_media_is_listed_when_that_is_asked_for(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    with_media = []
    for number in range(5):
        await alice.status(f"bare {number} #sea")
        picture = await stored(world, alice)
        with_media.append((await alice.status(f"{number} #sea", media_ids=[picture]))["id"])
    hidden = await stored(world, bob)
    await bob.status("for friends", visibility="private", media_ids=[hidden])
    reply = await bob.status(
        "@alice #sea", in_reply_to_id=with_media[0], media_ids=[await stored(world, bob)]
    )
    await bob.post(f"/api/v1/statuses/{with_media[0]}/reblog")
    newest_first = with_media[::-1]
    for path, expected in (
        (f"/api/v1/accounts/{alice.id}/statuses", newest_first),
        (f"/api/v1/accounts/{bob.id}/statuses", [reply["id"]]),
        ("/api/v1/timelines/public", newest_first),
        ("/api/v1/timelines/tag/sea", [reply["id"], *newest_first]),
    ):
        found = (await world.get(path, only_media=True)).json()
        assert [one["id"] for one in found] == expected, path
        first = (await world.get(path, only_media=True, limit=2)).json()
        assert [one["id"] for one in first] == expected[:2]
        later = (await world.get(path, only_media=True, limit=2, min_id=expected[-1])).json()
        assert [one["id"] for one in later] == expected[:-1][-2:]
    await world.suspend(alice)
    assert (await world.get("/api/v1/timelines/public", only_media=True)).json() == []
    await world.reinstate(alice)
    found = (await world.get("/api/v1/timelines/public", only_media=True)).json()
    assert [one["id"] for one in found] == newest_first


async def test_media_are_refused_while_their_owner_is_suspended(world: World) -> None:
    """Row "Media": refused by the serving layer by the account's state; served after."""
    alice = await world.person("alice")
    files = {"file": ("a.png", uploads.picture("PNG"), "image/png")}
    media = (await alice.call("POST", "/api/v2/media", files=files)).json()
    pictures = {"avatar": ("a.png", uploads.picture("PNG"), "image/png")}
    me = (await alice.call("PATCH", "/api/v1/accounts/update_credentials", files=pictures)).json()
    posted = await alice.status("x", media_ids=[media["id"]], visibility="private")
    addresses = [media["url"], media["preview_url"], me["avatar"]]
    for url in addresses:
        assert (await world.client.get(url)).status_code == 200
    await world.suspend(alice)
    for url in addresses:
        refused = await world.client.get(url)
        assert (refused.status_code, refused.headers["cache-control"]) == (404, "no-store")
        assert (await world.client.get(url, headers={"Range": "bytes=0-1"})).status_code == 404
        assert (await world.client.head(url)).status_code == 404
    assert (await world.get(f"/api/v1/accounts/{alice.id}")).json()["avatar"] != me["avatar"]
    await world.reinstate(alice)
    for url in addresses:
        assert (await world.client.get(url)).status_code == 200
    again = await alice.get(f"/api/v1/statuses/{posted['id']}")
    assert again["media_attachments"] == posted["media_attachments"]


class Cache:
    """A cache in front of the server that notes what it is to forget, and may be away."""

    def __init__(self) -> None:
        self.forgot: list[tuple[str, str, bytes]] = []
        self.away = False

    async def post(self, url: str, *, content: bytes, headers: Any, **_: Any) -> Fetched:
        """Take note of a tag."""
        if self.away:
            raise Unreachable("The cache is away")
        assert headers["surrogate-key"] == headers["cache-tag"]
        self.forgot.append((url, headers["cache-tag"], content))
        return Fetched(200, url, {}, b"")


async def test_caches_are_told_to_forget_who_is_suspended_and_what_is_removed(
    tmp_path: Path,
) -> None:
    """Media: purged from caches by tag when their owner is suspended."""
    cache: Any = Cache()
    address = "http://10.0.0.1:6081/purge"
    world = World(tmp_path, fetcher=cache, cache_purge_url=address)
    alice = await world.person("alice")
    files = {"file": ("a.png", uploads.picture("PNG"), "image/png")}
    media = (await alice.call("POST", "/api/v2/media", files=files)).json()
    tags = (await world.client.get(media["url"])).headers["cache-tag"].split(",")
    assert tags[0] == f"account-{alice.id}"
    await world.suspend(alice)
    await world.jobs()
    body = b'{"tags":["account-%s"]}' % alice.id.encode()
    assert cache.forgot == [(address, tags[0], body)]
    await world.reinstate(alice)
    await alice.call("DELETE", f"/api/v1/media/{media['id']}")
    await world.jobs()
    assert [tag for _, tag, _ in cache.forgot] == tags
    cache.away = True
    await world.suspend(alice)
    with pytest.raises(Unreachable):  # the runner tries again
        await world.jobs()
    await world.close()


async def test_an_edit_changes_media_and_what_is_said_of_them(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    first, second, third = [await stored(world, alice) for _ in range(3)]
    theirs = await stored(world, bob)
    posted = await alice.status("ships", media_ids=[first, second])
    path = f"/api/v1/statuses/{posted['id']}"
    world.tick()

    async def edited(**body: Any) -> Any:
        response = await alice.call("PUT", path, json={"status": "ships", **body})
        return response.json() if response.status_code == 200 else response.status_code

    words = [{"id": second, "description": "the second", "focus": "0,1"}]
    status = await edited(media_ids=[second, first], media_attributes=words)
    assert [one["id"] for one in status["media_attachments"]] == [second, first]
    assert status["media_attachments"][0]["description"] == "the second"
    assert status["media_attachments"][0]["meta"]["focus"] == {"x": 0.0, "y": 1.0}
    world.tick()
    words = [{"id": second, "description": "the very second"}]
    again = await edited(media_ids=[second, first], media_attributes=words)
    assert again["edited_at"] > status["edited_at"]
    seen = (await world.get(path)).json()["media_attachments"][0]
    assert seen["description"] == "the very second"
    for wrong in (
        {"media_ids": [theirs]},
        {"media_ids": [first], "media_attributes": [{"id": theirs, "description": "mine"}]},
        {"media_ids": [first], "media_attributes": [{"id": first, "description": "x" * 1501}]},
        {"media_ids": [first], "media_attributes": [{"id": first, "focus": "far"}]},
    ):
        assert await edited(**wrong) == 422
    one = await edited(media_ids=[third])
    assert [media["id"] for media in one["media_attachments"]] == [third]
    assert (await alice.status("again", media_ids=[first]))["media_attachments"]
