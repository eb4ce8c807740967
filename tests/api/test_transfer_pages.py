"""The pages on which people bring things along and take them away."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import httpx2
from tests.api.test_sign_in import csrf_of, sign_in
from tests.api.test_transfers import entry, x_file
from tests.api.world import World

from rostra.domain.enforcement import Action
from rostra.services.moderation import enforcing
from rostra.services.social_graph import relationships

HERE = "/settings/transfer"


async def begun(world: World, name: str = "ann") -> tuple[httpx2.AsyncClient, Any]:
    """Return a browser in which somebody is signed in, and their account."""
    account = await world.citizen(name)
    browser = world.browser()
    assert (await sign_in(browser, name)).status_code == 303
    return browser, account


async def send(browser: httpx2.AsyncClient, path: str, file: bytes = b"", **form: str) -> Any:
    data = {"csrf": csrf_of(await browser.get(HERE)), **form}
    files = {"file": ("file.csv", file)} if file else {"file": ("", b"")}
    return await browser.post(path, data=data, files=files)


async def test_a_file_of_follows_is_brought(world: World) -> None:
    browser, ann = await begun(world)
    bob = await world.person("bob")
    assert (await send(browser, HERE, b"bob\nnobody\n", kind="following")).status_code == 303
    assert "hx-trigger" in (await browser.get(HERE)).text
    await world.jobs()
    page = (await browser.get(HERE)).text
    assert "hx-trigger" not in page
    assert "nobody is not here" in page
    with world.store.read() as snap:
        assert snap.gate.follows(ann.ordinal, bob.ordinal)
    await browser.aclose()


async def test_what_is_no_file_says_so(world: World) -> None:
    browser, _ = await begun(world)
    for file, form, said in (
        (b"", {"kind": "following"}, "Choose the file first"),
        (b"bob\n", {"kind": "recipes"}, "Choose what is in the file"),
        (b"\xff\xfe", {"kind": "following"}, "UTF-8"),
    ):
        answer = await send(browser, HERE, file, **form)
        assert (answer.status_code, said in answer.text) == (422, True)
    await browser.aclose()


async def test_an_archive_of_x_is_brought(world: World, tmp_path: Path) -> None:
    browser, ann = await begun(world)
    file = x_file(tmp_path / "x.zip", [entry(1, "long ago")]).read_bytes()
    answer = await send(browser, HERE, file, kind="x_archive", visibility="unlisted")
    assert answer.status_code == 303
    await world.jobs()
    (status,) = (await world.get(f"/api/v1/accounts/{ann.id}/statuses")).json()
    assert (status["content"], status["visibility"]) == ("<p>long ago</p>", "unlisted")
    await browser.aclose()


async def test_lists_and_the_archive_are_taken_away(world: World) -> None:
    browser, ann = await begun(world)
    bob = await world.person("bob")
    await relationships.follow(world.ctx, actor=ann.ordinal, target=bob.ordinal)
    lines = await browser.get(f"{HERE}/files/following_accounts.csv")
    assert lines.headers["content-type"].startswith("text/csv")
    assert "bob@here.example,true,false" in lines.text
    assert (await browser.get(f"{HERE}/files/secrets.csv")).status_code == 404
    assert (await send(browser, f"{HERE}/take")).status_code == 303
    await world.jobs()
    found = re.search(rf'href="({HERE}/\d+/archive)"', (await browser.get(HERE)).text)
    assert found
    answer = await browser.get(found[1])
    assert answer.headers["cache-control"] == "no-store"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert "outbox.json" in archive.namelist()
    other, _ = await begun(world, "eve")
    assert (await other.get(found[1])).status_code == 404
    assert (await world.browser().get(found[1])).status_code == 303
    await browser.aclose()
    await other.aclose()


async def suspended(world: World, ordinal: int) -> Action:
    return await enforcing.suspend(world.ctx, moderator=None, target=ordinal, ground="spam")


async def test_reinstatement_row_a_suspended_person_may_export(world: World) -> None:
    """Sessions: logging in leads to appeal, export and delete alone."""
    browser, ann = await begun(world)
    await suspended(world, ann.ordinal)
    browser = world.browser()
    await sign_in(browser, "ann")
    page = await browser.get("/auth/standing")
    answer = await browser.post("/auth/standing/take", data={"csrf": csrf_of(page)})
    assert answer.status_code == 303
    assert "being made" in (await browser.get("/auth/standing")).text
    await world.jobs()
    found = re.search(
        r'href="(/auth/standing/archives/\d+)"', (await browser.get("/auth/standing")).text
    )
    assert found
    with zipfile.ZipFile(io.BytesIO((await browser.get(found[1])).content)) as archive:
        assert "actor.json" in archive.namelist()
    assert (await browser.get(HERE)).status_code != 200
    await browser.aclose()
