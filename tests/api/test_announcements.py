"""Announcements and custom emojis as apps see them."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image
from tests.api.world import URL, World

from rostra.domain.emojis import is_unicode_emoji, shortcodes
from rostra.domain.errors import Invalid, NotFound
from rostra.services.attachments import emojis
from rostra.services.server import announcements

HOUR_MS = 3_600_000


def picture(kind: str = "PNG", *, frames: int = 1, size: int = 16) -> bytes:
    """Return a small picture, with several frames one that moves."""
    images = [Image.new("RGB", (size, size), (40 * n, 90, 200)) for n in range(frames)]
    out = io.BytesIO()
    more: dict[str, Any] = {"save_all": True, "append_images": images[1:]} if frames > 1 else {}
    images[0].save(out, kind, **more)
    return out.getvalue()


# -- announcements ---------------------------------------------------------------------------------


async def test_an_announcement_is_read_dismissed_and_ends(world: World) -> None:
    alice = await world.person("alice")
    posted = await alice.status("of note")
    made = await announcements.publish(
        world.ctx,
        text=f"Maintenance on Sunday, says @alice: {posted['url']} #maintenance",
        starts_at=world.clock.now() + HOUR_MS,
        ends_at=world.clock.now() + 2 * HOUR_MS,
    )
    (one,) = await alice.get("/api/v1/announcements")
    assert one["id"] == str(made.id)
    assert one["read"] is False
    assert [each["acct"] for each in one["mentions"]] == ["alice"]
    assert one["statuses"] == [{"id": posted["id"], "url": posted["url"]}]
    assert [each["name"] for each in one["tags"]] == ["maintenance"]
    assert 'class="u-url mention"' in one["content"]
    assert one["starts_at"] < one["ends_at"]
    assert await alice.post(f"/api/v1/announcements/{made.id}/dismiss") == {}
    assert await alice.get("/api/v1/announcements") == []
    (again,) = await alice.get("/api/v1/announcements", with_dismissed="true")
    assert again["read"] is True
    world.tick(2 * HOUR_MS)
    assert await alice.get("/api/v1/announcements", with_dismissed="true") == []
    response = await alice.call("POST", f"/api/v1/announcements/{made.id}/dismiss")
    assert response.status_code == 404
    assert (await world.get("/api/v1/announcements")).status_code == 401


async def test_reactions_are_counted_from_sets(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    await emojis.add(world.ctx, shortcode="galley", file=picture())
    made = await announcements.publish(world.ctx, text="News :galley:")
    at = f"/api/v1/announcements/{made.id}/reactions"
    for person, name in ((alice, "👍"), (bob, "👍"), (bob, "galley"), (bob, "👍")):
        response = await person.call("PUT", f"{at}/{name}")
        assert response.status_code == 200, response.text
    (one,) = await alice.get("/api/v1/announcements")
    assert [emoji["shortcode"] for emoji in one["emojis"]] == ["galley"]
    thumbs, galley = one["reactions"]
    assert thumbs == {"name": "👍", "count": 2, "me": True, "url": None, "static_url": None}
    assert (galley["count"], galley["me"]) == (1, False)
    assert galley["url"].startswith(f"{URL}/emoji/")
    await world.suspend(bob)
    (one,) = await alice.get("/api/v1/announcements")
    assert [(each["name"], each["count"]) for each in one["reactions"]] == [("👍", 1)]
    await world.reinstate(bob)
    assert (await alice.call("DELETE", f"{at}/👍")).status_code == 200
    assert (await alice.call("DELETE", f"{at}/👍")).status_code == 404
    (one,) = await bob.get("/api/v1/announcements")
    assert [(each["name"], each["count"]) for each in one["reactions"]] == [
        ("👍", 1),
        ("galley", 1),
    ]
    for name in ("nothing", "ab", "a"):
        assert (await bob.call("PUT", f"{at}/{name}")).status_code == 422
    for name in "😀😁😂🤣😃😄":
        assert (await bob.call("PUT", f"{at}/{name}")).status_code == 200
    assert (await bob.call("PUT", f"{at}/😅")).status_code == 422
    await announcements.withdraw(world.ctx, announcement_id=made.id)
    await world.jobs()
    assert await bob.get("/api/v1/announcements") == []
    with pytest.raises(NotFound):
        await announcements.withdraw(world.ctx, announcement_id=made.id)


async def test_what_cannot_be_announced(world: World) -> None:
    now = world.clock.now()
    for text, starts_at, ends_at in (
        (" ", None, None),
        ("x" * 10_001, None, None),
        ("ends first", now + 2, now + 1),
        ("over", None, now - 1),
    ):
        with pytest.raises(Invalid):
            await announcements.publish(world.ctx, text=text, starts_at=starts_at, ends_at=ends_at)


# -- emojis ----------------------------------------------------------------------------------------


async def test_emojis_stand_in_what_uses_them(world: World) -> None:
    alice = await world.person("alice", display_name="Alice :prow:", note="at the :stern:")
    plain = await alice.status("before :prow:")
    assert plain["emojis"] == plain["account"]["emojis"] == []
    await emojis.add(world.ctx, shortcode="prow", file=picture(), category="Ships")
    await emojis.add(world.ctx, shortcode="stern", file=picture("WEBP"), visible=False)
    shown = (await world.get(f"/api/v1/statuses/{plain['id']}")).json()
    assert [one["shortcode"] for one in shown["emojis"]] == ["prow"]
    assert {one["shortcode"] for one in shown["account"]["emojis"]} == {"prow", "stern"}
    poll = await alice.status("?", poll={"options": [":prow: yes", "no"], "expires_in": 600})
    assert [one["shortcode"] for one in poll["poll"]["emojis"]] == ["prow"]
    listed = (await world.get("/api/v1/custom_emojis")).json()
    assert [(one["shortcode"], one["category"]) for one in listed] == [("prow", "Ships")]
    await emojis.remove(world.ctx, shortcode=":prow:")
    shown = (await world.get(f"/api/v1/statuses/{plain['id']}")).json()
    assert shown["emojis"] == []
    with pytest.raises(NotFound):
        await emojis.remove(world.ctx, shortcode="prow")


async def test_files_of_emojis_are_served_still_and_moving(world: World) -> None:
    await emojis.add(world.ctx, shortcode="oars", file=picture("GIF", frames=3))
    (one,) = (await world.get("/api/v1/custom_emojis")).json()
    assert one["url"] != one["static_url"]
    moving = await world.client.get(one["url"])
    still = await world.client.get(one["static_url"])
    assert moving.headers["content-type"] == "image/gif"
    assert still.headers["content-type"] == "image/png"
    assert "immutable" in still.headers["cache-control"]
    assert moving.headers["x-content-type-options"] == "nosniff"
    assert Image.open(io.BytesIO(still.content)).size == (16, 16)
    await emojis.add(world.ctx, shortcode="oars", file=picture())
    assert (await world.client.get(one["url"])).status_code == 404
    assert (await world.client.get(f"{URL}/emoji/x/../../etc")).status_code == 404


@pytest.mark.parametrize(
    ("shortcode", "file"),
    [
        ("x", picture()),
        ("no-dash", picture()),
        ("text", b"not a picture"),
        ("svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"),
        ("jpeg", picture("JPEG")),
        ("cut", picture(size=64)[:60]),
        ("large", b"\x89PNG" + b"x" * 300_000),
        ("wide", picture(size=1100)),
        ("empty", b""),
    ],
)
async def test_what_is_no_emoji_is_refused(world: World, shortcode: str, file: bytes) -> None:
    with pytest.raises(Invalid):
        await emojis.add(world.ctx, shortcode=shortcode, file=file)
    assert (await world.get("/api/v1/custom_emojis")).json() == []


def test_shortcodes_in_text() -> None:
    assert shortcodes(["a :b_1: :cc::dd: 10:30:05 x:ee: (:ff:)", ":b_1:"]) == ["b_1", "ff"]


def test_what_is_an_emoji_of_unicode() -> None:
    assert all(map(is_unicode_emoji, ["👍", "👩‍🚀", "🇩🇪", "7️⃣", "❤️", "‼️", "👍🏽", "™️"]))
    assert not any(map(is_unicode_emoji, ["a", "", "👍👍", "7", "é", "-", "<", "漢"]))
