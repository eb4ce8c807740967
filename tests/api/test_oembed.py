"""Statuses of this server on other sites."""

import re

from tests.api.test_media import stored
from tests.api.world import URL, World


async def test_a_public_status_can_be_shown_on_other_sites(world: World) -> None:
    alice = await world.person("alice", display_name='A <b>"lice"')
    status = await alice.status("Two ships & a harbour", media_ids=[await stored(world, alice)])
    for url in (status["url"], status["uri"], f"{status['url']}?x=1#y"):
        entity = (await world.get("/api/oembed", url=url, maxwidth=300)).json()
        assert (entity["type"], entity["version"]) == ("rich", "1.0")
        assert (entity["width"], entity["height"]) == (300, None)
        assert entity["author_url"] == f"{URL}/@alice"
    assert "<b>" not in entity["html"]
    address = re.search(r'<iframe src="([^"]+)"', entity["html"])
    assert address is not None
    page = await world.client.get(address[1])
    assert page.status_code == 200
    assert "Two ships &amp; a harbour" in page.text
    assert "/media/key" in page.text
    assert "<script" not in page.text
    assert "frame-ancestors *" in page.headers["content-security-policy"]
    assert "x-frame-options" not in page.headers
    other = await world.client.get(f"/@alice/{status['id']}")
    assert other.headers["x-frame-options"] == "DENY"


async def test_what_not_everybody_may_see_is_not_shown_elsewhere(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    private = await alice.status("for friends", visibility="private")
    public = await alice.status("for all")
    boost = await bob.post(f"/api/v1/statuses/{public['id']}/reblog")
    wrong = [
        private["url"],
        boost["url"],
        f"{URL}/@bob/{public['id']}",
        f"{URL}/@alice/1",
        f"{URL}/about",
        "https://elsewhere.example/@alice/1",
        "",
    ]
    for url in wrong:
        assert (await world.get("/api/oembed", url=url)).status_code == 404, url
    assert (await world.get("/api/oembed", url=public["url"], format="xml")).status_code == 404
    for url in wrong[:4]:
        page = await world.client.get(f"{url}/embed", headers={"Accept": "text/html"})
        assert page.status_code == 404, url
    await world.suspend(alice)
    assert (await world.get("/api/oembed", url=public["url"])).status_code == 404
    assert (await world.client.get(f"{public['url']}/embed")).status_code == 404
    await world.reinstate(alice)
    assert (await world.get("/api/oembed", url=public["url"])).status_code == 200
    assert (await world.client.get(f"{public['url']}/embed")).status_code == 200
