"""Editing, history, source, pins and muted conversations."""

from __future__ import annotations

from typing import Any

from tests.api.world import Person, World

from rostra.domain.account_set import SetKey, SetKind


async def edit(person: Person, status_id: str, text: str, **body: Any) -> Any:
    answer = await person.call(
        "PUT", f"/api/v1/statuses/{status_id}", json={"status": text, **body}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def one(person: Person, status_id: str) -> Any:
    return await person.get(f"/api/v1/statuses/{status_id}")


async def notified(world: World, person: Person, *types: str) -> list[tuple[str, str]]:
    await world.jobs()
    found = await person.get("/api/v1/notifications", **{"types[]": list(types)})
    return [(item["type"], item["status"]["id"]) for item in found]


async def test_an_edit_is_shown_everywhere_and_finds_anew(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    said = (await alice.status("Hail @bob #ships", spoiler_text="boats"))["id"]
    boost = await bob.post(f"/api/v1/statuses/{said}/reblog")
    await carol.get("/api/v1/timelines/public")  # rendered before the edit
    world.tick(1000)
    edited = await edit(alice, said, "Hail @carol #sails", sensitive=True, language="la")
    assert edited["edited_at"] is not None
    assert "sails" in edited["content"]
    assert [mention["username"] for mention in edited["mentions"]] == ["carol"]
    assert (edited["spoiler_text"], edited["sensitive"], edited["language"]) == ("", True, "la")
    for viewer in (bob, carol):
        assert (await one(viewer, said))["content"] == edited["content"]
        shown = await one(viewer, boost["id"])
        assert shown["content"] == shown["reblog"]["content"] == edited["content"]
    tagged = await bob.get("/api/v1/timelines/tag/sails")
    assert [item["id"] for item in tagged] == [said]
    assert await bob.get("/api/v1/timelines/tag/ships") == []
    assert await notified(world, carol, "mention") == [("mention", said)]
    source = await alice.get(f"/api/v1/statuses/{said}/source")
    assert source == {"id": said, "text": "Hail @carol #sails", "spoiler_text": ""}
    assert (await bob.call("GET", f"/api/v1/statuses/{said}/source")).status_code == 404


async def test_history_has_every_version_once(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    said = (await alice.status("first"))["id"]
    path = f"/api/v1/statuses/{said}/history"
    [only] = await bob.get(path)
    assert only["content"] == "<p>first</p>"
    world.tick(1000)
    await edit(alice, said, "second", spoiler_text="careful")
    await edit(alice, said, "second", spoiler_text="careful")  # changes nothing
    world.tick(1000)
    await edit(alice, said, "third", poll={"options": ["a", "b"], "expires_in": 600})
    versions = await bob.get(path)
    assert [version["content"] for version in versions] == [
        "<p>first</p>",
        "<p>second</p>",
        "<p>third</p>",
    ]
    assert [version["spoiler_text"] for version in versions] == ["", "careful", ""]
    assert versions[2]["poll"] == {"options": [{"title": "a"}, {"title": "b"}]}
    assert "poll" not in versions[1]
    assert versions[0]["created_at"] < versions[1]["created_at"] < versions[2]["created_at"]
    assert versions[0]["account"]["username"] == "alice"
    secret = (await alice.status("secret", visibility="private"))["id"]
    assert (await bob.call("GET", f"/api/v1/statuses/{secret}/history")).status_code == 404


async def test_edits_of_one_moment_are_all_in_the_history(world: World) -> None:
    alice = await world.person("alice")
    said = (await alice.status("one"))["id"]
    for text in ("two", "three", "four"):  # the clock stands still, as within one commit
        await edit(alice, said, text)
    versions = await alice.get(f"/api/v1/statuses/{said}/history")
    assert [item["content"] for item in versions] == [
        f"<p>{text}</p>" for text in ("one", "two", "three", "four")
    ]
    assert versions[-1]["created_at"] == (await one(alice, said))["edited_at"]


async def test_what_cannot_be_edited(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    said = (await alice.status("hers"))["id"]
    boost = (await bob.post(f"/api/v1/statuses/{said}/reblog"))["id"]
    for person, status_id, body, code in (
        (bob, said, {"status": "his now"}, 404),
        (bob, boost, {"status": "a boost"}, 404),
        (alice, "5", {"status": "none"}, 404),
        (alice, said, {"status": " "}, 422),
        (alice, said, {"status": "x" * 501}, 422),
        (alice, said, {"status": "x", "media_ids": ["1"]}, 422),
        (alice, said, {"status": "x", "poll": {"options": ["a"], "expires_in": 600}}, 422),
        (alice, said, {"status": "x", "quote_approval_policy": "friends"}, 422),
    ):
        answer = await person.call("PUT", f"/api/v1/statuses/{status_id}", json=body)
        assert answer.status_code == code, (body, answer.text)
    assert (await one(alice, said))["edited_at"] is None


async def test_other_options_begin_the_voting_anew(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    poll = {"options": ["aye", "nay"], "expires_in": 600}
    said = (await alice.status("Shall we?", poll=poll))["id"]
    await bob.post(f"/api/v1/polls/{said}/votes", choices=[0])
    kept = await edit(alice, said, "Shall we then?", poll={**poll, "expires_in": 900})
    assert kept["poll"]["votes_count"] == 1
    world.tick(1000)
    anew = await edit(alice, said, "Shall we?", poll={**poll, "options": ["aye", "nay", "later"]})
    assert (anew["poll"]["votes_count"], len(anew["poll"]["options"])) == (0, 3)
    again = await bob.post(f"/api/v1/polls/{said}/votes", choices=[2])
    assert again["own_votes"] == [2]
    await world.jobs()
    with world.store.read() as snap:
        assert snap.sets.size(SetKey(int(said), SetKind.VOTES)) == 0
    assert (await edit(alice, said, "No more of it"))["poll"] is None
    assert (await edit(alice, said, "Or?", poll=poll))["poll"]["votes_count"] == 0


async def test_who_boosted_is_told_of_the_last_edit_alone(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    said = (await alice.status("first"))["id"]
    await bob.post(f"/api/v1/statuses/{said}/reblog")
    await carol.post(f"/api/v1/statuses/{said}/favourite")
    for text in ("second", "third", "fourth"):
        world.tick(1000)
        await edit(alice, said, text)
        if text == "second":
            assert await notified(world, bob, "update") == [("update", said)]
    assert await notified(world, bob, "update") == [("update", said)]
    assert await notified(world, carol, "update") == []


async def test_pins_are_flagged_listed_and_limited(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    said = [(await alice.status(f"number {n}"))["id"] for n in range(6)]
    for status_id in said[:5]:
        world.tick()
        assert (await alice.post(f"/api/v1/statuses/{status_id}/pin"))["pinned"]
    await alice.post(f"/api/v1/statuses/{said[0]}/pin")  # again: harmless
    path = f"/api/v1/accounts/{alice.id}/statuses"
    pinned = await bob.get(path, pinned=True)
    assert [item["id"] for item in pinned] == said[:5][::-1]
    assert "pinned" not in pinned[0]
    refused = await alice.call("POST", f"/api/v1/statuses/{said[5]}/pin")
    assert refused.status_code == 422
    assert "already pinned the maximum number of posts" in refused.json()["error"]
    assert not (await alice.post(f"/api/v1/statuses/{said[4]}/unpin"))["pinned"]
    await alice.call("DELETE", f"/api/v1/statuses/{said[3]}")
    assert [item["id"] for item in await bob.get(path, pinned=True)] == said[:3][::-1]
    assert [item["id"] for item in await bob.get(path, pinned=True, max_id=said[2])] == said[:2][
        ::-1
    ]
    assert (await one(alice, said[0]))["pinned"]


async def test_what_cannot_be_pinned(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    hers = (await alice.status("hers"))["id"]
    boost = (await bob.post(f"/api/v1/statuses/{hers}/reblog"))["id"]
    direct = (await bob.status("@alice a word", visibility="direct"))["id"]
    private = (await bob.status("for my own", visibility="private"))["id"]
    for status_id, message in (
        (hers, "Validation failed: Someone else's post cannot be pinned"),
        (boost, "Validation failed: A boost cannot be pinned"),
        (
            direct,
            "Validation failed: Posts that are only visible to mentioned users cannot be pinned",
        ),
    ):
        answer = await bob.call("POST", f"/api/v1/statuses/{status_id}/pin")
        assert (answer.status_code, answer.json()["error"]) == (422, message)
    assert (await bob.post(f"/api/v1/statuses/{private}/pin"))["pinned"]
    assert await alice.get(f"/api/v1/accounts/{bob.id}/statuses", pinned=True) == []


async def test_pins_are_hidden_and_back(world: World) -> None:
    """Row "Lists, notes, pins, filters": membership kept, hidden, and back."""
    alice, bob = await world.people("alice", "bob")
    said = (await alice.status("first"))["id"]
    await alice.post(f"/api/v1/statuses/{said}/pin")
    path = f"/api/v1/accounts/{alice.id}/statuses"
    await world.suspend(alice)
    away = await bob.call("GET", path, params={"pinned": True})
    assert away.status_code == 404 or away.json() == []
    await world.reinstate(alice)
    assert [item["id"] for item in await bob.get(path, pinned=True)] == [said]


async def test_a_muted_conversation_is_flagged_and_silent(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    root = (await alice.status("A question"))["id"]
    answer = (await bob.status("@alice an answer", in_reply_to_id=root))["id"]
    deeper = (await carol.status("@alice @bob more", in_reply_to_id=answer))["id"]
    for status_id in (root, answer, deeper):
        assert not (await one(alice, status_id))["muted"]
    assert (await alice.post(f"/api/v1/statuses/{answer}/mute"))["muted"]
    for status_id in (root, answer, deeper):
        assert (await one(alice, status_id))["muted"]
        assert not (await one(bob, status_id))["muted"]
    heard = await notified(world, alice, "mention", "favourite")
    await bob.status("@alice again", in_reply_to_id=deeper)
    await bob.post(f"/api/v1/statuses/{root}/favourite")
    assert await notified(world, alice, "mention", "favourite") == heard
    assert not (await alice.post(f"/api/v1/statuses/{root}/unmute"))["muted"]
    assert not (await one(alice, deeper))["muted"]
    await bob.status("@alice and again", in_reply_to_id=deeper)
    assert len(await notified(world, alice, "mention")) == 3


async def test_translating_says_what_to_do(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    said = (await alice.status("Salve"))["id"]
    answer = await bob.call("POST", f"/api/v1/statuses/{said}/translate")
    assert answer.status_code == 503
    assert "no translation service" in answer.json()["error"]
    secret = (await alice.status("secret", visibility="private"))["id"]
    hidden = await bob.call("POST", f"/api/v1/statuses/{secret}/translate")
    assert hidden.status_code == 404


async def test_deleting_gives_the_source_for_drafting_anew(world: World) -> None:
    [alice] = await world.people("alice")
    poll = {"options": ["aye", "nay"], "expires_in": 600}
    said = (await alice.status("Shall *we*?", poll=poll))["id"]
    gone = (await alice.call("DELETE", f"/api/v1/statuses/{said}")).json()
    assert gone["text"] == "Shall *we*?"
    assert [option["title"] for option in gone["poll"]["options"]] == ["aye", "nay"]
