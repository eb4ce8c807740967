"""What the server says about itself, to apps and to programs that know nothing of it yet."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest
from tests.api.world import URL, World

from rostra.domain.errors import Invalid, NotFound
from rostra.services.server import about


async def instance(world: World, version: int = 2) -> dict[str, Any]:
    """Return an Instance entity."""
    found: dict[str, Any] = (await world.get(f"/api/v{version}/instance")).json()
    return found


async def test_the_instance_tells_what_it_has(tmp_path: Any) -> None:
    world = World(
        tmp_path, contact_account="@ada", languages="de, en", source_url="https://code.example/r"
    )
    ada = await world.person("ada")
    try:
        two, one = await instance(world), await instance(world, 1)
        assert two["contact"]["account"]["id"] == one["contact_account"]["id"] == ada.id
        assert two["languages"] == one["languages"] == ["de", "en"]
        assert two["source_url"] == "https://code.example/r"
        assert two["configuration"]["urls"]["streaming"] == "wss://here.example"
        assert two["configuration"]["urls"]["terms_of_service"] is None
        assert two["configuration"]["translation"] == {"enabled": False}
        assert two["configuration"]["vapid"]["public_key"]
        for icon in two["icon"]:
            picture = await world.client.get(icon["src"])
            assert picture.headers["content-type"] == "image/png"
        assert (await world.client.get(two["thumbnail"]["url"])).status_code == 200
        for name in ("about", "privacy_policy"):
            page = await world.client.get(two["configuration"]["urls"][name])
            assert page.status_code == 200
        await world.suspend(ada)
        assert (await instance(world))["contact"]["account"] is None
        assert (await instance(world, 1))["contact_account"] is None
    finally:
        await world.close()


async def test_rules_and_texts(world: World) -> None:
    first = await about.add_rule(world.ctx, text="Be kind", hint="To <everybody>")
    second = await about.add_rule(world.ctx, text="No spam")
    await about.change_rule(world.ctx, rule_id=first.id, text="Be kinder", hint="Always")
    rules = (await world.get("/api/v1/instance/rules")).json()
    assert [(rule["id"], rule["text"], rule["hint"]) for rule in rules] == [
        ("1", "Be kinder", "Always"),
        ("2", "No spam", ""),
    ]
    assert (await instance(world))["rules"] == (await instance(world, 1))["rules"] == rules
    assert "Be kinder" in (await world.get("/about/rules")).text
    await about.remove_rule(world.ctx, rule_id=first.id)
    assert len((await world.get("/api/v1/instance/rules")).json()) == 1
    with pytest.raises(NotFound):
        await about.remove_rule(world.ctx, rule_id=first.id)
    with pytest.raises(NotFound):
        await about.change_rule(world.ctx, rule_id=99, text="x")
    for text in (" ", "x" * 301):
        with pytest.raises(Invalid):
            await about.add_rule(world.ctx, text=text)
    assert second.id == 2


async def test_longer_texts(world: World) -> None:
    at = "/api/v1/instance"
    nothing = (await world.get(f"{at}/extended_description")).json()
    assert nothing == {"updated_at": None, "content": ""}
    assert "password" in (await world.get(f"{at}/privacy_policy")).json()["content"]
    assert (await world.get(f"{at}/terms_of_service")).status_code == 404
    for name in ("extended_description", "privacy_policy", "terms_of_service"):
        await about.set_text(world.ctx, name=name, text=f"Our {name} & <b>more</b>\n\nEnd.")
    for name, page in (
        ("extended_description", "/about"),
        ("privacy_policy", "/privacy"),
        ("terms_of_service", "/terms"),
    ):
        words = f"<p>Our {name} &amp; &lt;b&gt;more&lt;/b&gt;</p><p>End.</p>"
        found = (await world.get(f"{at}/{name}")).json()
        assert found["content"] == words
        assert words in (await world.get(page)).text
    date = found["effective_date"]
    assert (await world.get(f"{at}/terms_of_service/{date}")).json() == found
    assert (await world.get(f"{at}/terms_of_service/2001-01-01")).status_code == 404
    terms = (await instance(world))["configuration"]["urls"]["terms_of_service"]
    assert (await world.client.get(terms)).status_code == 200
    await about.set_text(world.ctx, name="terms_of_service", text=" ")
    assert (await world.get(f"{at}/terms_of_service")).status_code == 404
    with pytest.raises(Invalid):
        await about.set_text(world.ctx, name="poem", text="x")


async def test_lists_about_the_instance(world: World) -> None:
    at = "/api/v1/instance"
    assert (await world.get(f"{at}/peers")).json() == []
    assert (await world.get(f"{at}/domain_blocks")).json() == []
    assert (await world.get(f"{at}/translation_languages")).json() == {}
    languages = (await world.get(f"{at}/languages")).json()
    assert {"code": "de", "name": "German"} in languages
    assert len((await world.get(f"{at}/activity")).json()) == 12


# -- outside of the API ----------------------------------------------------------------------------


async def test_webfinger(world: World) -> None:
    alice = await world.person("Alice")
    at = "/.well-known/webfinger"
    for resource in (
        "acct:alice@here.example",
        "acct:@ALICE@HERE.example",
        "alice@here.example",
        f"{URL}/@alice",
        f"{URL}/users/Alice",
    ):
        answer = await world.get(at, resource=resource)
        assert answer.status_code == 200, resource
        assert answer.headers["content-type"].startswith("application/jrd+json")
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.json()["subject"] == "acct:Alice@here.example"
    assert f"{URL}/@Alice" in answer.json()["aliases"]
    links = {link["rel"]: link for link in answer.json()["links"]}
    assert links["http://webfinger.net/rel/profile-page"]["href"] == f"{URL}/@Alice"
    one = await world.get(at, resource=f"{URL}/@alice", rel="http://webfinger.net/rel/avatar")
    assert len(one.json()["links"]) == 1
    for resource, status in (
        ("", 400),
        ("alice", 400),
        ("acct:", 400),
        ("acct:a@b@c", 400),
        ("acct:nobody@here.example", 404),
        ("acct:alice@there.example", 404),
        ("https://there.example/@alice", 404),
        (f"{URL}/@alice/1", 404),
        (f"{URL}/alice", 404),
        (f"{URL}/", 404),
    ):
        assert (await world.get(at, resource=resource)).status_code == status, resource
    assert (await world.get(at)).status_code == 400
    await world.suspend(alice)
    gone = await world.get(at, resource="acct:alice@here.example")
    assert gone.status_code == 410
    await world.reinstate(alice)
    assert (await world.get(at, resource="acct:alice@here.example")).status_code == 200


async def test_host_meta(world: World) -> None:
    answer = await world.get("/.well-known/host-meta")
    assert answer.headers["content-type"].startswith("application/xrd+xml")
    link = ElementTree.fromstring(answer.text)[0]
    template = f"{URL}/.well-known/webfinger?resource={{uri}}"
    assert link.attrib == {"rel": "lrdd", "template": template}
    for path, headers in (
        ("/.well-known/host-meta.json", {}),
        ("/.well-known/host-meta", {"accept": "application/json"}),
    ):
        found = (await world.client.get(path, headers=headers)).json()
        assert found["links"][0]["template"] == template


async def test_nodeinfo(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    await alice.status("here")
    links = (await world.get("/.well-known/nodeinfo")).json()["links"]
    assert [link["rel"][-3:] for link in links] == ["2.0", "2.1"]
    for link in links:
        answer = await world.client.get(link["href"])
        found = answer.json()
        assert f"{link['rel']}#" in answer.headers["content-type"]
        assert found["version"] == link["rel"][-3:]
        assert found["software"]["name"] == "rostra"
        assert found["protocols"] == []
        assert found["usage"] == {
            "users": {"total": 2, "activeMonth": 1, "activeHalfyear": 1},
            "localPosts": 1,
        }
    await world.suspend(bob)
    found = (await world.get("/nodeinfo/2.0")).json()
    assert found["usage"]["users"]["total"] == 1
    assert (await world.get("/nodeinfo/3.0")).status_code == 404


async def test_other_addresses_programs_know(world: World) -> None:
    answer = await world.get("/.well-known/change-password")
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(f"{URL}/settings/")
    app = await world.get("/manifest.json")
    assert app.headers["content-type"].startswith("application/manifest+json")
    for icon in app.json()["icons"]:
        assert (await world.client.get(icon["src"])).status_code == 200
    robots = await world.get("/robots.txt")
    assert robots.text.startswith("User-agent: *\n")
    assert "Disallow: /settings/" in robots.text
    server = (await world.get("/.well-known/oauth-authorization-server")).json()
    assert server["issuer"] == f"{URL}/"
    assert server["code_challenge_methods_supported"] == ["S256"]
