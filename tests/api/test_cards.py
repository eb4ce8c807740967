"""Cards: previews of linked pages, fetched once through the guard from a real local server."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.api.world import World

from rostra.outside.addresses import Allowed
from rostra.outside.fetcher import GuardedFetcher
from rostra.testing.uploads import GPS, SVG, picture

NEWS = """<!doctype html><html lang="en-GB"><head>
<meta charset="utf-8">
<title>Not this</title>
<meta property="og:title" content="Two &lt;ships&gt; &amp; a
  harbour">
<meta property="og:description" content="They came &#8220;home&#8221;.">
<meta property="og:image" content="/picture.png">
<meta property="og:image:alt" content="two ships">
<meta property="og:site_name" content="The Gazette">
<meta name="author" content="Ann Writer">
<meta property="article:author" content="http://news.example/ann">
<meta property="article:published_time" content="2026-03-01T12:00:00+01:00">
</head><body><h1>Ships</h1></body></html>"""


class Site(BaseHTTPRequestHandler):
    """A site of pages that can be changed, and a count of what was asked."""

    asked: ClassVar[Counter[str]] = Counter()
    pages: ClassVar[dict[str, tuple[int, str, bytes]]] = {}

    def do_GET(self) -> None:
        self.asked[self.path] += 1
        status, media_type, body = self.pages.get(self.path, (404, "text/html", b"gone"))
        self.send_response(status)
        self.send_header(
            "Location" if status == 302 else "X-Nothing",
            body[:200].decode("latin-1") if status == 302 else "1",
        )
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(OSError):  # who asked hung up
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[int]:
    Site.asked.clear()
    Site.pages.clear()
    Site.pages.update(
        {
            "/ships": (200, "text/html; charset=utf-8", NEWS.encode()),
            "/picture.png": (200, "text/plain", picture("PNG", (900, 600))),
            "/plain": (200, "text/html", b"<title> Plain &amp; old </title>"),
            "/latin": (
                200,
                "text/html; charset=iso-8859-1",
                "<title>Möwe</title>".encode("latin-1"),
            ),
            "/odd": (200, "text/html; charset=nonsense", "<title>Möwe</title>".encode()),
            "/bare": (200, "text/html", b"<p>nothing to say"),
            "/file": (200, "application/pdf", b"%PDF"),
            "/long": (200, "text/html", b"<title>Long</title>" + b"x" * 3_000_000),
            "/inside": (302, "text/html", b"http://10.0.0.1/secret"),
            "/badimage": (
                200,
                "text/html",
                b'<title>Bad image</title><meta property="og:image" content="/x.svg">',
            ),
            "/x.svg": (200, "image/png", SVG),
            "/sly": (
                200,
                "text/html",
                b'<title>Sly</title><meta property="og:image" content="file:///etc/passwd">'
                b'<meta property="article:author" content="javascript:alert(1)">'
                b'<meta property="article:published_time" content="9999-99-99">',
            ),
            "/hostile": (
                200,
                "text/html",
                b"<title>Deep</title>" + b"<div>" * 100_000 + b"\xff\x00",
            ),
        }
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


async def names(host: str, port: int) -> Sequence[str]:
    return {"news.example": ["127.0.0.1"]}.get(host, [])


@pytest.fixture
async def world(tmp_path: Path, site: int) -> AsyncIterator[World]:
    world = World(tmp_path, fetcher=GuardedFetcher(Allowed([f"127.0.0.1:{site}"]), resolver=names))
    yield world
    await world.close()


async def card_of(world: World, status: dict[str, Any]) -> Any:
    """Return the card of a status as anybody sees it."""
    return (await world.get(f"/api/v1/statuses/{status['id']}")).json()["card"]


async def test_a_linked_page_is_shown_as_a_card_once_a_job_has_read_it(
    world: World, site: int
) -> None:
    alice, bob = await world.people("alice", "bob")
    url = f"http://news.example:{site}/ships"
    first = await alice.status(f"Look: {url}#top and http://elsewhere.example/")
    boost = await bob.post(f"/api/v1/statuses/{first['id']}/reblog")
    assert first["card"] is None
    await world.jobs()
    card = await card_of(world, first)
    image = card.pop("image")
    assert len(card.pop("blurhash")) > 10
    assert card == {
        "url": url,
        "title": "Two <ships> & a harbour",
        "description": "They came “home”.",
        "language": "en",
        "type": "link",
        "author_name": "Ann Writer",
        "author_url": "http://news.example/ann",
        "provider_name": "The Gazette",
        "provider_url": f"http://news.example:{site}",
        "html": "",
        "width": 587,
        "height": 391,
        "image_description": "two ships",
        "embed_url": "",
        "published_at": "2026-03-01T11:00:00.000Z",
        "authors": [{"name": "Ann Writer", "url": "http://news.example/ann", "account": None}],
    }
    shown = await world.client.get(image)
    assert shown.status_code == 200
    assert shown.headers["cache-tag"].startswith("server,files-")
    assert GPS not in shown.content
    boosted = (await world.get(f"/api/v1/statuses/{boost['id']}")).json()
    assert boosted["card"]["title"] == boosted["reblog"]["card"]["title"] == card["title"]


async def test_a_page_is_asked_for_once_and_again_after_two_weeks(world: World, site: int) -> None:
    alice, bob = await world.people("alice", "bob")
    url = f"http://news.example:{site}/ships"
    first = await alice.status(url)
    await world.jobs()
    second = await bob.status(f"{url}#harbour")
    assert second["card"]["title"] == "Two <ships> & a harbour"
    await world.jobs()
    assert Site.asked == {"/ships": 1, "/picture.png": 1}
    world.tick(15 * 86_400_000)
    Site.pages["/ships"] = (200, "text/html", NEWS.replace("harbour", "storm").encode())
    await bob.status(f"again {url}")
    await world.jobs()
    assert Site.asked == {"/ships": 2, "/picture.png": 1}
    for status in (first, second):
        assert (await card_of(world, status))["title"].endswith("a storm")
    world.tick(15 * 86_400_000)
    del Site.pages["/ships"]
    await bob.status(f"once more {url}")
    await world.jobs()
    assert Site.asked["/ships"] == 3
    assert (await card_of(world, first))["title"].endswith("a storm")


async def test_what_gives_no_card_is_remembered_for_a_day(world: World, site: int) -> None:
    alice = await world.person("alice")
    for path in ("/missing", "/bare", "/file", "/inside"):
        for _ in range(2):
            status = await alice.status(f"http://news.example:{site}{path}")
            await world.jobs()
            assert await card_of(world, status) is None, path
        assert Site.asked[path] == 1
    for url in (
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://localhost/",
        "http://10.0.0.1:8000/x",
    ):
        status = await alice.status(url)
        await world.jobs()
        assert await card_of(world, status) is None
    Site.pages["/missing"] = (200, "text/html", b"<title>Found</title>")
    world.tick(25 * 3_600_000)
    status = await alice.status(f"http://news.example:{site}/missing")
    await world.jobs()
    assert (await card_of(world, status))["title"] == "Found"


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/plain", "Plain & old"),
        ("/latin", "Möwe"),
        ("/odd", "Möwe"),
        ("/long", "Long"),
        ("/badimage", "Bad image"),
        ("/sly", "Sly"),
        ("/hostile", "Deep"),
    ],
)
async def test_pages_of_all_sorts(world: World, site: int, path: str, title: str) -> None:
    alice = await world.person("alice")
    status = await alice.status(f"http://news.example:{site}{path}")
    await world.jobs()
    card = await card_of(world, status)
    assert (card["title"], card["image"], card["author_url"]) == (title, None, "")
    assert card["published_at"] is None
    assert card["provider_name"] == "news.example"


async def test_a_card_no_status_shows_is_forgotten_with_its_picture(
    world: World, site: int
) -> None:
    from rostra.services.attachments import cards

    alice = await world.person("alice")
    status = await alice.status(f"http://news.example:{site}/ships")
    await world.jobs()
    image = (await card_of(world, status))["image"]
    world.tick(31 * 86_400_000)
    await cards.sweep(world.ctx)
    assert (await world.client.get(image)).status_code == 200
    await alice.call("DELETE", f"/api/v1/statuses/{status['id']}")
    await cards.sweep(world.ctx)
    assert (await world.client.get(image)).status_code == 404
    await world.jobs()
    assert list((world.settings.data / "media").glob("??/*")) == []


async def test_many_who_link_to_a_page_are_told_in_steps(
    world: World, site: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rostra.services.attachments import cards

    monkeypatch.setattr(cards, "TOLD_AT_ONCE", 2)
    alice = await world.person("alice")
    posted = [await alice.status(f"{n} http://news.example:{site}/plain") for n in range(5)]
    for status in posted:
        assert await card_of(world, status) is None
    await world.jobs()
    for status in posted:
        assert (await card_of(world, status))["title"] == "Plain & old"


async def test_pages_show_the_card_as_well(world: World, site: int) -> None:
    alice = await world.person("alice")
    url = f"http://news.example:{site}/ships"
    status = await alice.status(url)
    await world.jobs()
    page = (await world.client.get(f"/@alice/{status['id']}")).text
    assert f'<a class="linked-page" href="{url}" rel="nofollow noopener noreferrer"' in page
    assert "Two &lt;ships&gt; &amp; a harbour" in page
    image = (await card_of(world, status))["image"].removeprefix("https://here.example")
    assert f'src="{image}"' in page
