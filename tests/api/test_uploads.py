"""Uploading media: what is made of them, what is refused, what is handed out."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image
from tests.api.world import Person, World

from rostra.services.attachments.uploads import process
from rostra.testing import uploads
from rostra.testing.uploads import GPS, SCRIPT, picture


async def send(
    person: Person, data: bytes, *, path: str = "/api/v2/media", name: str = "x.jpg", **fields: Any
) -> httpx2.Response:
    """Upload a file; its name and type say little of what it is."""
    files = {"file": (name, data, "image/jpeg")}
    thumbnail = fields.pop("thumbnail", None)
    if thumbnail is not None:
        files["thumbnail"] = ("t.png", thumbnail, "image/png")
    return await person.call("POST", path, files=files, data=fields)


async def uploaded(person: Person, data: bytes, **fields: Any) -> Any:
    """Upload a picture and return its entity."""
    response = await send(person, data, **fields)
    assert response.status_code == 200, response.text
    return response.json()


async def fetched(world: World, url: str, **headers: str) -> httpx2.Response:
    """Return what is at the address of a file."""
    assert url.startswith("https://here.example/media/")
    return await world.client.get(url, headers=headers)


def shown(response: httpx2.Response) -> Image.Image:
    """Return the picture in an answer."""
    assert response.status_code == 200
    image = Image.open(io.BytesIO(response.content))
    image.load()
    return image


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "AVIF"])
async def test_a_picture_is_ready_at_once_and_bare(world: World, kind: str) -> None:
    alice = await world.person("alice")
    data = picture(kind, (1000, 600))
    media = await uploaded(alice, data, description=" two ships ", focus="0.5,-0.25")
    assert (media["type"], media["description"]) == ("image", "two ships")
    assert media["meta"]["focus"] == {"x": 0.5, "y": -0.25}
    assert media["meta"]["original"]["size"] == "1000x600"
    small = media["meta"]["small"]
    assert small["width"] * small["height"] <= 640 * 360
    assert len(media["blurhash"]) > 10
    original = await fetched(world, media["url"])
    assert shown(original).size == (1000, 600)
    assert shown(await fetched(world, media["preview_url"])).size == (
        small["width"],
        small["height"],
    )
    for image in (original, await fetched(world, media["preview_url"])):
        assert GPS not in image.content
        assert not shown(image).getexif()
        assert "icc_profile" not in shown(image).info
    again = await alice.get(f"/api/v1/media/{media['id']}")
    assert again == media


async def test_a_picture_is_turned_the_right_way_up(world: World) -> None:
    alice = await world.person("alice")
    media = await uploaded(alice, picture("JPEG", (120, 80), orientation=6))
    assert media["meta"]["original"]["size"] == "80x120"
    image = shown(await fetched(world, media["url"])).convert("RGB")
    red, green, _ = image.getpixel((70, 10))  # the upper left corner came to the right
    assert green > 150 > red


async def test_colours_of_other_profiles_become_those_of_the_web(world: World) -> None:
    from PIL import ImageCms

    alice = await world.person("alice")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    media = await uploaded(alice, picture("PNG", icc_profile=profile))  # unusable: passed over
    image = shown(await fetched(world, media["url"]))
    assert (image.mode, "icc_profile" in image.info) == ("RGB", False)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
async def test_pictures_of_every_mode_are_taken(world: World, mode: str) -> None:
    alice = await world.person("alice")
    out = io.BytesIO()
    Image.new(mode, (30, 20)).save(out, "JPEG" if mode == "CMYK" else "PNG")
    media = await uploaded(alice, out.getvalue())
    assert shown(await fetched(world, media["url"])).size == (30, 20)


async def test_a_file_that_is_two_things_is_one_afterwards(world: World) -> None:
    alice = await world.person("alice")
    for data in (
        picture("JPEG", comment=SCRIPT) + SCRIPT + b"PK\x03\x04",
        picture("PNG") + SCRIPT,
        picture("GIF", comment=SCRIPT) + b"PK\x03\x04" + SCRIPT,
    ):
        media = await uploaded(alice, data)
        for url in (media["url"], media["preview_url"]):
            content = (await fetched(world, url)).content
            assert SCRIPT not in content
            assert b"PK\x03\x04" not in content


async def test_hostile_files_are_refused_and_the_next_is_taken(world: World) -> None:
    alice = await world.person("alice")
    for wrong, data in uploads.hostile().items():
        for path in ("/api/v2/media", "/api/v1/media"):
            response = await send(alice, data, path=path)
            assert response.status_code == 422, (wrong, response.text)
            assert response.json()["error"].startswith("Validation failed: File "), wrong
    assert (await send(alice, picture())).status_code == 200
    incoming = world.ctx.files.temporary().parent
    assert list(incoming.iterdir()) == []


async def test_films_that_are_none_fail_with_the_reason(world: World) -> None:
    alice = await world.person("alice")
    for wrong, data in uploads.hostile_films().items():
        response = await send(alice, data)
        assert response.status_code == 202, (wrong, response.text)
        await world.jobs()
        media_id = response.json()["id"]
        after = await alice.call("GET", f"/api/v1/media/{media_id}")
        assert after.status_code == 422, (wrong, after.text)
        assert "cannot be used" in after.json()["error"]
        posted = await alice.call(
            "POST", "/api/v1/statuses", json={"status": "x", "media_ids": [media_id]}
        )
        assert posted.status_code == 422


async def test_a_film_is_worked_on_by_a_job(world: World, tmp_path: Path) -> None:
    alice, bob = await world.people("alice", "bob")
    response = await send(alice, uploads.film(tmp_path), description="a clock")
    assert response.status_code == 202
    media = response.json()
    assert (media["type"], media["url"]) == ("video", None)
    path = f"/api/v1/media/{media['id']}"
    assert (await alice.call("GET", path)).status_code == 206
    assert (await bob.call("GET", path)).status_code == 404
    await world.jobs()
    media = await alice.get(path)
    assert (media["type"], media["description"]) == ("video", "a clock")
    assert media["meta"]["original"]["width"] == 160
    assert media["meta"]["original"]["duration"] == pytest.approx(1, abs=0.2)
    assert media["blurhash"]
    film = await fetched(world, media["url"])
    assert film.headers["content-type"] == "video/mp4"
    assert GPS not in film.content
    assert shown(await fetched(world, media["preview_url"])).size == (160, 90)
    raw = await fetched(world, media["url"].rpartition("/")[0] + "/upload")
    assert raw.status_code == 404
    posted = await alice.status("look", media_ids=[media["id"]])
    assert posted["media_attachments"] == [media]


async def test_a_gif_that_moves_becomes_a_film(world: World) -> None:
    alice = await world.person("alice")
    response = await send(alice, uploads.moving())
    assert (response.status_code, response.json()["type"]) == (202, "gifv")
    await world.jobs()
    media = await alice.get(f"/api/v1/media/{response.json()['id']}")
    assert (media["type"], media["meta"]["original"]["width"]) == ("gifv", 40)


async def test_a_job_killed_before_it_removed_the_original_does_so_the_next_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await world.person("alice")
    id_ = (await send(alice, uploads.moving())).json()["id"]

    async def killed(key: str, name: str | None = None) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(world.ctx.files, "remove", killed)
    with pytest.raises(asyncio.CancelledError):
        await process(world.ctx, media=int(id_))
    monkeypatch.undo()
    folder = world.store.folder / "media"
    assert len(list(folder.rglob("upload"))) == 1
    await world.jobs()
    assert list(folder.rglob("upload")) == []
    assert (await alice.get(f"/api/v1/media/{id_}"))["type"] == "gifv"


async def test_sounds_are_taken_with_a_picture_of_choice(world: World, tmp_path: Path) -> None:
    alice = await world.person("alice")
    tone = ("-f", "lavfi", "-i", "sine=d=1")
    for name in ("a.wav", "a.ogg", "a.flac", "a.m4a", "a.mp3", "a.aac"):
        data = uploads.film(tmp_path, *tone, name=name)
        response = await send(alice, data, thumbnail=picture("PNG", (300, 300)))
        assert response.status_code == 202, (name, response.text)
        await world.jobs()
        media = await alice.get(f"/api/v1/media/{response.json()['id']}")
        assert (media["type"], media["meta"]["small"]["size"]) == ("audio", "300x300"), name
        sound = await fetched(world, media["url"])
        assert sound.headers["content-type"] == "audio/mpeg"
        assert shown(await fetched(world, media["preview_url"])).size == (300, 300)


async def test_the_first_version_waits_for_a_film(world: World, tmp_path: Path) -> None:
    alice = await world.person("alice")
    asking = asyncio.create_task(send(alice, uploads.film(tmp_path), path="/api/v1/media"))
    while not asking.done():
        await asyncio.sleep(0.05)
        await world.jobs()
    response = await asking
    assert response.status_code == 200
    assert response.json()["url"].endswith(".mp4")


async def test_without_ffmpeg_films_are_refused_and_gifs_are_pictures(
    world: World, tmp_path: Path
) -> None:
    from rostra import app
    from rostra.outside.media_maker import Maker

    alice = await world.person("alice")
    film = uploads.film(tmp_path)
    ctx = type(world.ctx)(
        world.settings, world.store, world.clock, world.ctx.random,
        files=world.ctx.files, maker=Maker(ffmpeg=False),
    )  # fmt: skip
    transport = httpx2.ASGITransport(app=app.build(ctx))
    async with httpx2.AsyncClient(transport=transport, base_url="https://here.example") as client:
        alice._client = client
        refused = await send(alice, film)
        assert refused.status_code == 422
        assert "takes pictures: image/jpeg" in refused.json()["error"]
        assert (await uploaded(alice, uploads.moving()))["type"] == "image"
        instance = (await client.get("/api/v2/instance")).json()["configuration"]
        assert "video/mp4" not in instance["media_attachments"]["supported_mime_types"]
    supported = (await world.get("/api/v2/instance")).json()["configuration"]["media_attachments"]
    assert {"image/png", "video/mp4"} <= set(supported["supported_mime_types"])
    assert supported["description_limit"] == 1500


async def test_limits_of_size_and_text(tmp_path: Path) -> None:
    world = World(tmp_path, max_image_bytes=20_000, max_film_bytes=50_000, max_body_bytes=4096)
    alice = await world.person("alice")
    noise = io.BytesIO()
    Image.effect_noise((400, 400), 80).save(noise, "PNG")
    response = await send(alice, noise.getvalue())
    assert (response.status_code, "less than" in response.text) == (422, True)
    response = await send(alice, b"\x00\x00\x00\x18ftypisom" + bytes(60_000))
    assert response.status_code == 422
    assert (await send(alice, picture(), description="x" * 1501)).status_code == 422
    assert (await send(alice, picture(), focus="2,0")).status_code == 422
    assert (await send(alice, picture(), description="x" * 5000)).status_code == 413
    assert (await send(alice, picture(), description="x" * 1500)).status_code == 200
    json = await alice.call("POST", "/api/v2/media", json={"file": "x"})
    assert json.status_code == 422
    assert (await alice.call("POST", "/api/v2/media")).status_code == 422
    broken = await alice.call(
        "POST", "/api/v2/media", content=b"--x\r\nbroken",
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )  # fmt: skip
    assert broken.status_code in (400, 422)
    await world.close()


async def test_what_is_said_of_media_can_be_changed_until_they_are_posted(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    media = await uploaded(alice, picture())
    path = f"/api/v1/media/{media['id']}"
    changed = await alice.call("PUT", path, json={"description": "a ship", "focus": "1,1"})
    assert changed.json()["description"] == "a ship"
    assert changed.json()["meta"]["focus"] == {"x": 1.0, "y": 1.0}
    files = {"thumbnail": ("t.png", picture("PNG", (50, 50)), "image/png")}
    other = (await alice.call("PUT", path, files=files)).json()
    assert other["preview_url"] != media["preview_url"]
    assert shown(await fetched(world, other["preview_url"])).size == (50, 50)
    assert (await bob.call("PUT", path, json={"description": "mine"})).status_code == 404
    assert (await bob.call("DELETE", path)).status_code == 404
    await alice.status("x", media_ids=[media["id"]])
    assert (await alice.call("PUT", path, json={"description": "late"})).status_code == 404
    assert (await alice.call("DELETE", path)).status_code == 422
    spare = await uploaded(alice, picture())
    assert (await alice.call("DELETE", f"/api/v1/media/{spare['id']}")).json() == {}
    assert (await fetched(world, spare["url"])).status_code == 404
    await world.jobs()
    assert (await alice.call("GET", f"/api/v1/media/{spare['id']}")).status_code == 404


async def test_files_are_handed_out_in_ranges_and_with_tags(world: World) -> None:
    alice = await world.person("alice")
    url = (await uploaded(alice, picture()))["url"]
    whole = await fetched(world, url)
    data, size = whole.content, len(whole.content)
    tags = [f"account-{alice.id}", f"files-{url.split('/')[4]}"]
    assert whole.headers["cache-tag"].split(",") == tags
    assert whole.headers["surrogate-key"].split(" ") == tags
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in whole.headers["content-security-policy"]
    assert "max-age" in whole.headers["cache-control"]
    for asked, start, end in (
        ("bytes=0-9", 0, 9),
        ("bytes=10-", 10, size - 1),
        ("bytes=-5", size - 5, size - 1),
        (f"bytes=5-{size * 2}", 5, size - 1),
    ):
        part = await fetched(world, url, Range=asked)
        assert part.status_code == 206, asked
        assert part.content == data[start : end + 1]
        assert part.headers["content-range"] == f"bytes {start}-{end}/{size}"
    for passed_over in ("bytes=0-1,4-5", "lines=1-2", "bytes=x-", "bytes=9-2"):
        assert (await fetched(world, url, Range=passed_over)).status_code == 200
    for outside in (f"bytes={size}-", "bytes=-0", "bytes=9999999999999999999999-"):
        refused = await fetched(world, url, Range=outside)
        assert refused.status_code == 416
        assert refused.headers["content-range"] == f"bytes */{size}"
    etag = whole.headers["etag"]
    assert (await fetched(world, url, **{"If-None-Match": etag})).status_code == 304
    other = await fetched(world, url, Range="bytes=0-1", **{"If-Range": '"other"'})
    assert other.status_code == 200
    head = await world.client.head(url)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(size)
    assert (await world.client.post(url)).status_code == 405
    for missing in (
        "/media/x/y",
        f"/media/{'0' * 32}/original.jpg",
        "/media/..%2f..%2fx/rostra.db",
    ):
        assert (await world.client.get(missing)).status_code == 404


async def test_media_nobody_posts_are_removed_after_a_day(world: World) -> None:
    from rostra.services.attachments import media as service

    alice = await world.person("alice")
    spare, kept = await uploaded(alice, picture()), await uploaded(alice, picture())
    posted = await alice.status("x", media_ids=[kept["id"]])
    world.tick(23 * 3_600_000)
    await service.sweep(world.ctx)
    assert (await fetched(world, spare["url"])).status_code == 200
    world.tick(2 * 3_600_000)
    await service.sweep(world.ctx)
    assert (await fetched(world, spare["url"])).status_code == 404
    await world.jobs()
    key = spare["url"].split("/")[4]
    assert not (world.settings.data / "media" / key[:2] / key).exists()
    await alice.call("DELETE", f"/api/v1/statuses/{posted['id']}")
    assert (await fetched(world, kept["url"])).status_code == 200
    world.tick(25 * 3_600_000)
    await service.sweep(world.ctx)
    assert (await fetched(world, kept["url"])).status_code == 404


async def test_what_a_moderator_deletes_and_what_deleted_accounts_had_is_gone(world: World) -> None:
    from rostra.services import accounts

    alice, mod = await world.person("alice"), await world.moderator()
    first, second = await uploaded(alice, picture()), await uploaded(alice, picture())
    posted = await alice.status("x", media_ids=[first["id"]])
    await mod.call("DELETE", f"/api/v1/statuses/{posted['id']}")
    assert (await fetched(world, first["url"])).status_code == 404
    await accounts.delete_account(world.ctx, by=None, target=alice.ordinal)
    assert (await fetched(world, second["url"])).status_code == 404
    await world.jobs()
    folder = world.settings.data / "media"
    assert list(folder.glob("??/*")) == []


async def test_files_of_uploads_that_came_to_nothing_are_removed(world: World) -> None:
    import os

    from rostra.services.attachments import media as service

    alice = await world.person("alice")
    media = await uploaded(alice, picture())
    orphan = world.ctx.files.new_key()
    path = world.ctx.files.temporary()
    path.write_bytes(b"left")
    left = world.ctx.files.temporary()
    left.write_bytes(b"left")
    await world.ctx.files.put(orphan, {"original.png": path})
    folder = world.settings.data / "media"
    await service.sweep_files(world.ctx)
    assert (folder / orphan[:2] / orphan).exists()
    for one in (*folder.glob("??/*"), left):
        os.utime(one, (1, 1))
    await service.sweep_files(world.ctx)
    assert not (folder / orphan[:2] / orphan).exists()
    assert not left.exists()
    assert (await fetched(world, media["url"])).status_code == 200


async def patched(person: Person, **pictures: bytes) -> httpx2.Response:
    """Change profile pictures."""
    files = {which: (f"{which}.png", data, "image/png") for which, data in pictures.items()}
    return await person.call(
        "PATCH", "/api/v1/accounts/update_credentials", files=files, data={"display_name": "A"}
    )


async def test_profile_pictures_have_their_sizes_and_can_be_taken_off(world: World) -> None:
    alice = await world.person("alice")
    before = await alice.get("/api/v1/accounts/verify_credentials")
    for name, size in (("avatar", (400, 400)), ("header", (1500, 500))):
        assert before[name] == before[f"{name}_static"]
        path = before[name].removeprefix("https://here.example")
        assert shown(await world.client.get(path)).size == size
    response = await patched(alice, avatar=picture("PNG", (700, 300)), header=picture("JPEG"))
    assert response.status_code == 200, response.text
    after = response.json()
    assert after["display_name"] == "A"
    assert shown(await fetched(world, after["avatar"])).size == (400, 400)
    assert shown(await fetched(world, after["header"])).size == (1500, 500)
    assert GPS not in (await fetched(world, after["avatar"])).content
    assert (await world.get(f"/api/v1/accounts/{alice.id}")).json()["avatar"] == after["avatar"]
    again = (await patched(alice, avatar=picture("PNG"))).json()
    assert again["header"] == after["header"]
    assert (await fetched(world, after["avatar"])).status_code == 404
    for name in ("avatar", "header"):
        response = await alice.call("DELETE", f"/api/v1/profile/{name}")
        assert response.json()[name] == before[name]
    assert (await fetched(world, again["avatar"])).status_code == 404
    await world.jobs()
    assert list((world.settings.data / "media").glob("??/*")) == []


async def test_an_avatar_that_moves_has_a_still_one_beside_it(world: World) -> None:
    alice = await world.person("alice")
    entity = (await patched(alice, avatar=uploads.moving())).json()
    assert entity["avatar"] != entity["avatar_static"]
    assert shown(await fetched(world, entity["avatar"])).n_frames == 5
    still = shown(await fetched(world, entity["avatar_static"]))
    assert (still.format, still.size) == ("PNG", (400, 400))


async def test_a_profile_picture_that_is_none_changes_nothing(world: World, tmp_path: Path) -> None:
    alice = await world.person("alice")
    for data in (*uploads.hostile().values(), uploads.film(tmp_path)):
        response = await patched(alice, avatar=data)
        assert response.status_code == 422, data[:20]
    too_long = await alice.call(
        "PATCH",
        "/api/v1/accounts/update_credentials",
        files={"avatar": ("a.png", picture("PNG"), "image/png")},
        data={"display_name": "x" * 31},
    )
    assert too_long.status_code == 422
    entity = await alice.get("/api/v1/accounts/verify_credentials")
    assert entity["display_name"] == ""
    assert entity["avatar"].endswith(f"/avatars/{alice.id}.png")
    assert list((world.settings.data / "media").glob("[0-9a-f][0-9a-f]/*")) == []


async def test_who_hangs_up_in_the_middle_of_an_upload_leaves_nothing(world: World) -> None:
    alice = await world.person("alice")
    begun = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
        + picture()[:500]
    )
    messages: Any = [
        {"type": "http.request", "body": begun, "more_body": True},
        {"type": "http.request", "body": bytes(400_000), "more_body": True},
        {"type": "http.disconnect"},
    ]
    incoming = world.ctx.files.temporary().parent
    seen = []

    async def receive() -> Any:
        seen.append(len(list(incoming.iterdir())))
        return messages.pop(0)

    async def send_nothing(message: Any) -> None:
        raise AssertionError("nobody is there to be answered")

    headers = {
        b"authorization": f"Bearer {alice.token}".encode(),
        b"content-type": b"multipart/form-data; boundary=x",
        b"transfer-encoding": b"chunked",
    }
    scope = {
        "type": "http", "method": "POST", "path": "/api/v2/media", "query_string": b"",
        "headers": list(headers.items()), "raw_path": b"/api/v2/media", "root_path": "",
        "scheme": "https", "server": ("here.example", 443), "client": ("127.0.0.1", 1),
        "http_version": "1.1",
    }  # fmt: skip
    await world.app(scope, receive, send_nothing)
    assert seen == [0, 1, 1]
    assert list(incoming.iterdir()) == []


async def test_a_full_disk_is_told_and_nothing_is_kept(world: World) -> None:
    from rostra.domain.errors import Unavailable

    alice = await world.person("alice")
    folder = world.settings.data / "media"
    folder.rmdir() if folder.exists() else None
    folder.write_bytes(b"a file where the folder should be")
    response = await send(alice, picture())
    assert response.status_code == 503
    assert "Try again later" in response.json()["error"]
    with pytest.raises(Unavailable):
        await world.ctx.files.workplace()
    folder.unlink()
    assert (await send(alice, picture())).status_code == 200


async def test_media_that_were_written_stay_though_their_sender_is_cancelled(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rostra.services.attachments import uploads as service

    alice = await world.person("alice")
    file = world.ctx.files.temporary()
    file.write_bytes(picture())
    write, written = world.store.write, []

    async def cut_off(change: Any) -> Any:  # as when the process ends between commit and answer
        written.append(await write(change))
        raise asyncio.CancelledError

    with monkeypatch.context() as patch:
        patch.setattr(world.store, "write", cut_off)
        with pytest.raises(asyncio.CancelledError):
            await service.upload(world.ctx, actor=alice.ordinal, file=file)
    [media] = written
    entity = await alice.get(f"/api/v1/media/{media.id}")
    assert (await fetched(world, entity["url"])).status_code == 200


@pytest.mark.parametrize("text", [b"\xff", "\U0001f600".encode() + b"\xff", b"\xed\xa0\x80"])
async def test_what_is_said_of_a_file_must_be_utf_8(world: World, text: bytes) -> None:
    alice = await world.person("alice")
    body = b"\r\n".join(
        (
            *(b"--x", b'Content-Disposition: form-data; name="description"', b"", text),
            *(b"--x", b'Content-Disposition: form-data; name="file"; filename="a.jpg"', b""),
            *(picture(), b"--x--", b""),
        )
    )
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    refused = await alice.call("POST", "/api/v2/media", content=body, headers=kind)
    assert (refused.status_code, "UTF-8" in refused.text) == (400, True), refused.text
