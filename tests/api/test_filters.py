"""Filters: making them, and what they find in what is shown."""

from __future__ import annotations

from typing import Any

from msgspec import structs
from tests.api.world import Person, World

from rostra.ports import Transaction

URL = "/api/v2/filters"


async def made(person: Person, *keywords: str, **fields: Any) -> Any:
    """Make a filter for whole words and return it."""
    body = {
        "title": "Tired of it",
        "context": ["home", "public"],
        "keywords_attributes": [{"keyword": word} for word in keywords],
        **fields,
    }
    return await person.post(URL, **body)


async def found(person: Person, status_id: str) -> Any:
    """Return what a person's filters find in a status."""
    return (await person.get(f"/api/v1/statuses/{status_id}"))["filtered"]


async def test_making_changing_and_removing_filters(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    body = {
        "title": "Tired of it",
        "context": ["home", "public", "home"],
        "filter_action": "hide",
        "expires_in": 60,
        "keywords_attributes": [{"keyword": "ship"}, {"keyword": "oar", "whole_word": False}],
    }
    first = await alice.post(URL, **body)
    assert first == {
        "id": first["id"],
        "title": "Tired of it",
        "context": ["home", "public"],
        "expires_at": first["expires_at"],
        "filter_action": "hide",
        "keywords": [
            {"id": first["keywords"][0]["id"], "keyword": "ship", "whole_word": True},
            {"id": first["keywords"][1]["id"], "keyword": "oar", "whole_word": False},
        ],
        "statuses": [],
    }
    path = f"{URL}/{first['id']}"
    assert await alice.get(URL) == [first] == [await alice.get(path)]
    assert await bob.get(URL) == []
    for method in ("GET", "PUT", "DELETE"):
        assert (await bob.call(method, path)).status_code == 404
    ship, oar = (word["id"] for word in first["keywords"])
    changes = {
        "title": "Other",
        "filter_action": "blur",
        "expires_in": None,
        "keywords_attributes": [
            {"id": ship, "_destroy": True},
            {"id": oar, "keyword": "sail"},
            {"keyword": "mast"},
        ],
    }
    after = (await alice.call("PUT", path, json=changes)).json()
    assert (after["title"], after["filter_action"], after["expires_at"]) == ("Other", "blur", None)
    assert after["context"] == ["home", "public"]
    words = [(one["keyword"], one["whole_word"]) for one in after["keywords"]]
    assert words == [("sail", False), ("mast", True)]
    assert (await alice.call("DELETE", path)).json() == {}
    assert await alice.get(URL) == []


async def test_filters_in_a_form(world: World) -> None:
    alice = await world.person("alice")
    form = (
        "title=test&context[]=public&keywords_attributes[][keyword]=foo"
        "&keywords_attributes[][whole_word]=false&keywords_attributes[][keyword]=bar"
        "&keywords_attributes[][whole_word]=true&expires_in=3600"
    )
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = (await alice.call("POST", URL, content=form.encode(), headers=headers)).json()
    words = [(one["keyword"], one["whole_word"]) for one in answer["keywords"]]
    assert words == [("foo", False), ("bar", True)]
    assert answer["expires_at"] is not None
    path = f"{URL}/{answer['id']}"
    first, second = (one["id"] for one in answer["keywords"])
    form = (
        f"keywords_attributes[][id]={first}&keywords_attributes[][_destroy]=true"
        f"&keywords_attributes[][id]={second}&keywords_attributes[][keyword]=baz&expires_in="
    )
    answer = (await alice.call("PUT", path, content=form.encode(), headers=headers)).json()
    assert answer["keywords"] == [{"id": second, "keyword": "baz", "whole_word": True}]
    assert answer["expires_at"] is None


async def test_filters_that_cannot_be(world: World) -> None:
    alice = await world.person("alice")
    for fields, status in (
        ({"title": ""}, 422),
        ({"context": []}, 422),
        ({"context": ["somewhere"]}, 422),
        ({"filter_action": "burn"}, 422),
        ({"expires_in": "soon"}, 422),
        ({"keywords_attributes": [{"keyword": " "}]}, 422),
        ({"keywords_attributes": [{"id": "123", "keyword": "x"}]}, 404),
    ):
        body = {"title": "x", "context": ["home"], **fields}
        response = await alice.call("POST", URL, json=body)
        assert response.status_code == status, fields
    assert await alice.get(URL) == []
    reader = await world.person("reader", scopes="read:filters")
    assert await reader.get(URL) == []
    response = await reader.call("POST", URL, json={"title": "x", "context": ["home"]})
    assert response.status_code == 403


async def test_single_keywords_and_statuses(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    first = await made(alice)
    path = f"{URL}/{first['id']}"
    word = await alice.post(f"{path}/keywords", keyword="ship", whole_word=False)
    assert word == {"id": word["id"], "keyword": "ship", "whole_word": False}
    assert await alice.get(f"{path}/keywords") == [word]
    where = f"{URL}/keywords/{word['id']}"
    assert await alice.get(where) == word
    changed = (await alice.call("PUT", where, json={"keyword": "oar"})).json()
    assert changed == {**word, "keyword": "oar"}
    assert (await alice.call("PUT", where, json={"keyword": ""})).status_code == 422
    assert (await bob.call("GET", where)).status_code == 404
    assert (await alice.call("DELETE", where)).json() == {}
    assert (await alice.call("GET", where)).status_code == 404
    posted = (await bob.status("hail"))["id"]
    entry = await alice.post(f"{path}/statuses", status_id=posted)
    assert entry == {"id": entry["id"], "status_id": posted}
    again = await alice.call("POST", f"{path}/statuses", json={"status_id": posted})
    assert again.status_code == 422
    secret = (await bob.status("secret", visibility="direct"))["id"]
    for wrong in (secret, "123", "x", ""):
        response = await alice.call("POST", f"{path}/statuses", json={"status_id": wrong})
        assert response.status_code == 404
    assert await alice.get(f"{path}/statuses") == [entry]
    assert (await alice.get(path))["statuses"] == [entry]
    where = f"{URL}/statuses/{entry['id']}"
    assert await alice.get(where) == entry
    [result] = await found(alice, posted)
    assert result["keyword_matches"] is None
    assert result["status_matches"] == [posted]
    assert (await alice.call("DELETE", where)).json() == {}
    assert await found(alice, posted) == []
    await alice.post(f"{path}/statuses", status_id=posted)
    await bob.call("DELETE", f"/api/v1/statuses/{posted}")
    assert await alice.get(f"{path}/statuses") == []


async def test_what_filters_find_is_told_in_statuses(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    await alice.follow(bob)
    plain = (await bob.status("all calm"))["id"]
    words = {
        "text": await bob.status("the SHIP sails"),
        "spoiler": await bob.status("calm", spoiler_text="a ship"),
        "poll": await bob.status("which?", poll={"options": ["ship", "raft"], "expires_in": 600}),
        "tag": await bob.status("#ship"),
    }
    others = [(await bob.status(text))["id"] for text in ("shipwreck", "worship", "sh ip")]
    for one in words.values():
        assert await found(alice, one["id"]) == []
    made_ = await made(alice, "ship", filter_action="hide")
    for name, one in words.items():
        assert await found(alice, one["id"]) == [
            {
                "filter": {
                    name: made_[name]
                    for name in ("id", "title", "context", "expires_at", "filter_action")
                },
                "keyword_matches": ["SHIP" if name == "text" else "ship"],
                "status_matches": None,
            }
        ], name
    for one in (plain, *others):
        assert await found(alice, one) == []
    assert await found(bob, words["text"]["id"]) == []
    assert "filtered" not in (await world.get(f"/api/v1/statuses/{plain}")).json()
    home = {one["id"]: one["filtered"] for one in await alice.get("/api/v1/timelines/home")}
    assert len(home) == 8  # what is to be hidden is told of, and left to the app
    assert {id_ for id_, results in home.items() if results} == {
        one["id"] for one in words.values()
    }
    boost = await bob.post(f"/api/v1/statuses/{words['text']['id']}/reblog")
    shown = await alice.get(f"/api/v1/statuses/{boost['id']}")
    assert shown["filtered"] == shown["reblog"]["filtered"] != []
    await bob.status("@alice ship ahoy")
    [note] = await alice.get("/api/v1/notifications")
    assert note["status"]["filtered"][0]["keyword_matches"] == ["ship"]
    await alice.call("DELETE", f"{URL}/{made_['id']}")
    assert await found(alice, words["text"]["id"]) == []


async def test_whole_words_as_mastodon_tells_them_apart(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    for keyword, whole, text, hit in (
        ("cat", True, "a cat.", "cat"),
        ("cat", True, "concatenate", None),
        ("cat", False, "conCATenate", "CAT"),
        ("#cat", True, "my #cats", None),
        ("#cat", True, "my#cat", "#cat"),
        ("c++", True, "C++x", "C++"),
        (".*", False, "anything", None),
        ("über", True, "ÜBER uns", "ÜBER"),
        ("two words", True, "two words here", "two words"),
    ):
        filter_ = await made(alice, keywords_attributes=[{"keyword": keyword, "whole_word": whole}])
        posted = (await bob.status(text))["id"]
        results = await found(alice, posted)
        assert [one["keyword_matches"] for one in results] == ([] if hit is None else [[hit]]), (
            keyword,
            text,
        )
        await alice.call("DELETE", f"{URL}/{filter_['id']}")


async def test_a_filter_ends(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    posted = (await bob.status("a ship"))["id"]
    first = await made(alice, "ship", expires_in=60)
    assert len(await found(alice, posted)) == 1
    world.clock.advance(seconds=61)
    assert await found(alice, posted) == []
    assert [one["id"] for one in await alice.get(URL)] == [first["id"]]
    await alice.call("PUT", f"{URL}/{first['id']}", json={"expires_in": 60})
    assert len(await found(alice, posted)) == 1


async def test_an_edit_is_looked_at_anew(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    await made(alice, "ship")
    posted = (await bob.status("calm"))["id"]
    assert await found(alice, posted) == []

    def edit(tx: Transaction) -> None:
        before = tx.statuses.get(int(posted))
        assert before is not None
        tx.statuses.update(before, structs.replace(before, text="a ship"), edited=True)

    await world.store.write(edit)
    assert len(await found(alice, posted)) == 1


async def test_the_first_version_of_the_api(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    url = "/api/v1/filters"
    first = await alice.post(url, phrase="ship", context=["home"], irreversible=True)
    assert first == {
        "id": first["id"],
        "phrase": "ship",
        "context": ["home"],
        "whole_word": True,
        "expires_at": None,
        "irreversible": True,
    }
    assert await alice.get(url) == [first] == [await alice.get(f"{url}/{first['id']}")]
    [whole] = await alice.get(URL)
    assert (whole["title"], whole["filter_action"]) == ("ship", "hide")
    assert whole["keywords"][0]["id"] == first["id"]
    body = {"phrase": "oar", "context": ["public"], "whole_word": False, "expires_in": 60}
    after = (await alice.call("PUT", f"{url}/{first['id']}", json=body)).json()
    assert (after["phrase"], after["context"], after["whole_word"]) == ("oar", ["public"], False)
    assert after["expires_at"] is not None
    assert (await bob.call("GET", f"{url}/{first['id']}")).status_code == 404
    for wrong in ({"phrase": "", "context": ["home"]}, {"phrase": "x", "context": []}):
        assert (await alice.call("POST", url, json=wrong)).status_code == 422
    await alice.post(f"{URL}/{whole['id']}/keywords", keyword="sail")
    assert [one["phrase"] for one in await alice.get(url)] == ["oar", "sail"]
    response = await alice.call("PUT", f"{url}/{first['id']}", json={"context": ["home"]})
    assert response.status_code == 422
    response = await alice.call("PUT", f"{url}/{first['id']}", json={"phrase": "mast"})
    assert response.json()["phrase"] == "mast"
    assert (await alice.call("DELETE", f"{url}/{first['id']}")).json() == {}
    [rest] = await alice.get(url)
    assert rest["phrase"] == "sail"
    await alice.call("DELETE", f"{url}/{rest['id']}")
    assert await alice.get(URL) == []


async def test_reinstatement_of_statuses_in_filters(world: World) -> None:
    """Row "Lists, notes, pins, filters": membership kept, hidden, and back."""
    alice, bob = await world.people("alice", "bob")
    posted = (await bob.status("hail"))["id"]
    first = await made(alice)
    path = f"{URL}/{first['id']}/statuses"
    entry = await alice.post(path, status_id=posted)
    await world.suspend(bob)
    assert await alice.get(path) == []
    assert (await alice.call("GET", f"{URL}/statuses/{entry['id']}")).status_code == 404
    await world.reinstate(bob)
    assert await alice.get(path) == [entry]
    assert (await found(alice, posted))[0]["status_matches"] == [posted]


async def test_reinstatement_of_notes(world: World) -> None:
    """Row "Lists, notes, pins, filters": membership kept, hidden, and back."""
    alice, bob = await world.people("alice", "bob")
    await alice.post(f"/api/v1/accounts/{bob.id}/note", comment="met in Ostia")
    await world.suspend(bob)
    assert await alice.relationship(bob) is None
    await world.reinstate(bob)
    relationship = await alice.relationship(bob)
    assert relationship["note"] == "met in Ostia"
