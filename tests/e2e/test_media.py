"""Media on a real server with two workers: an app that exists, hostile files, suspension."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mastodon import return_types
from mastodon.errors import MastodonAPIError
from PIL import Image
from tests.api.apps import App, missing
from tests.api.server import Server

from rostra.testing import uploads
from rostra.testing.server import PATIENCE


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def alice(server: Server) -> App:
    server.account("alice")
    server.account("mod", "--role", "moderator")
    return app(server, "alice")


def app(server: Server, name: str) -> App:
    return App(access_token=server.token(name), api_base_url=server.url, version_check_mode="none")


def in_every_worker(url: str) -> set[int]:
    """Return the statuses that an address is answered with, once each worker has answered."""
    workers, found = set(), set()
    while len(workers) < 2:
        # A connection of its own, so that the kernel picks a worker.
        response = httpx2.get(url, timeout=PATIENCE)
        workers.add(response.headers["x-rostra-worker"])
        found.add(response.status_code)
    return found


def shown(url: str) -> Image.Image:
    """Return the picture at an address."""
    return Image.open(io.BytesIO(httpx2.get(url, timeout=PATIENCE).content))


def test_an_app_posts_pictures(alice: App) -> None:
    media = alice.media_post(
        uploads.picture(), mime_type="image/jpeg", description="two ships", focus=(0.5, 0.5)
    )
    assert (media.type, media.description) == ("image", "two ships")
    changed = alice.media_update(media.id, description="three ships", focus=(0, -1))
    assert changed.description == "three ships"
    raw = alice.raw(f"/api/v1/media/{media.id}")
    assert missing(return_types.MediaAttachment, raw) == []
    status = alice.status_post("look", media_ids=[media.id], sensitive=True)
    assert [one.id for one in status.media_attachments] == [media.id]
    assert status.sensitive
    raw = alice.raw(f"/api/v1/statuses/{status.id}")
    assert missing(return_types.Status, raw) == []
    assert shown(status.media_attachments[0].url).size == (120, 80)
    listed = alice.account_statuses(alice.me().id, only_media=True)
    assert [one.id for one in listed] == [status.id]
    assert alice.timeline_public(only_media=True)[0].id == status.id


def test_an_app_posts_a_film_and_waits_for_it(alice: App, tmp_path: Path) -> None:
    media = alice.media_post(
        uploads.film(tmp_path), mime_type="video/mp4", synchronous=True, description="a clock"
    )
    assert (media.type, media.meta.original.width) == ("video", 160)
    assert missing(return_types.MediaAttachment, alice.raw(f"/api/v1/media/{media.id}")) == []
    status = alice.status_post("look", media_ids=[media])
    assert status.media_attachments[0].url.endswith(".mp4")
    part = httpx2.get(media.url, headers={"Range": "bytes=0-3"}, timeout=PATIENCE)
    assert (part.status_code, len(part.content)) == (206, 4)


def test_an_app_changes_its_pictures(alice: App) -> None:
    before = alice.me()
    changed = alice.account_update_credentials(
        display_name="Alice",
        avatar=uploads.moving(),
        avatar_mime_type="image/gif",
        header=uploads.picture("PNG", (900, 900)),
        header_mime_type="image/png",
    )
    assert changed.avatar != changed.avatar_static
    for url, size in ((changed.avatar_static, (400, 400)), (changed.header, (1500, 500))):
        assert shown(url).size == size
    assert missing(return_types.Account, alice.raw("/api/v1/accounts/verify_credentials")) == []
    assert alice.account_delete_avatar().avatar == before.avatar
    assert alice.account_delete_header().header == before.header
    assert httpx2.get(before.avatar, timeout=PATIENCE).headers["content-type"] == "image/png"


def test_the_server_outlives_what_is_sent_to_harm_it(server: Server, alice: App) -> None:
    """A hostile upload set is refused with 422 and a clear error, the workers alive."""
    health = f"{server.url}/health"
    headers = {"Authorization": f"Bearer {alice.access_token}"}

    def send(item: tuple[str, bytes]) -> tuple[str, httpx2.Response]:
        wrong, data = item
        files = {"file": ("picture.jpg", data, "image/jpeg")}
        with httpx2.Client(timeout=2 * PATIENCE) as client:
            for path in ("/api/v2/media", "/api/v1/media"):
                answer = client.post(server.url + path, headers=headers, files=files)
                if answer.status_code != 422:
                    break
        return wrong, answer

    hostile = uploads.hostile()
    with ThreadPoolExecutor(4) as pool:
        for wrong, answer in pool.map(send, hostile.items()):
            assert answer.status_code == 422, (wrong, answer.text)
            assert "Validation failed: File" in answer.json()["error"], wrong
    films = uploads.hostile_films()
    for wrong, data in films.items():  # the first version of the method waits and says why
        files = {"file": ("film.mp4", data, "video/mp4")}
        address = f"{server.url}/api/v1/media"
        answer = httpx2.post(address, headers=headers, files=files, timeout=2 * PATIENCE)
        assert answer.status_code == 422, (wrong, answer.text)
        assert "cannot be used" in answer.json()["error"], wrong
    with pytest.raises(MastodonAPIError):
        alice.media_post(uploads.SVG, mime_type="image/svg+xml")
    assert httpx2.get(health, timeout=PATIENCE).status_code == 200
    log = [json.loads(line) for line in server.log.read_text().splitlines() if line[:1] == "{"]
    assert [one for one in log if one["level"] in ("error", "warning")] == []
    assert alice.media_post(uploads.picture(), mime_type="image/jpeg").type == "image"
    assert list((server.data / "media" / "incoming").iterdir()) == []


def test_both_workers_refuse_the_media_of_who_is_suspended(server: Server, alice: App) -> None:
    """Row "Media": refused by the account's state, no file touched; served after."""
    media: Any = alice.media_post(uploads.picture(), mime_type="image/jpeg")
    alice.status_post("look", media_ids=[media.id])
    for url in (media.url, media.preview_url):
        assert in_every_worker(url) == {200}
    server.run("account", "suspend", "alice", "--by", "mod", "--ground", "spam")
    for url in (media.url, media.preview_url):
        assert in_every_worker(url) == {404}
    server.run("account", "reinstate", "alice", "--by", "mod", "--reason", "overturned")
    for url in (media.url, media.preview_url):
        assert in_every_worker(url) == {200}
