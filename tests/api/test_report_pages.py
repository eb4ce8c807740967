"""The pages on which people report, and moderators deal with what they told."""

from __future__ import annotations

import re
from typing import Any

import httpx2
from tests.api.test_sign_in import csrf_of, sign_in
from tests.api.world import World

from rostra.domain.accounts import Account, Role
from rostra.services.server import about


async def browser_of(world: World, name: str, **fields: Any) -> tuple[httpx2.AsyncClient, Account]:
    account = await world.citizen(name, **fields)
    browser = world.browser()
    assert (await sign_in(browser, name)).status_code == 303
    return browser, account


async def post(browser: httpx2.AsyncClient, page: str, path: str, **form: str) -> httpx2.Response:
    token = csrf_of(await browser.get(page))
    return await browser.post(path, data={"csrf": token, **form})


async def test_somebody_reports_and_a_moderator_deals_with_it(world: World) -> None:
    ann, _ = await browser_of(world, "ann")
    mod, _ = await browser_of(world, "mod", role=Role.MODERATOR)
    bob = await world.person("bob")
    rule = await about.add_rule(world.ctx, text="No amphorae")
    status = await bob.status("buy my amphorae")
    path = f"/@bob/report?status={status['id']}"
    told = {"comment": "again", "category": "violation", "rule": str(rule.id)}
    done = await post(ann, path, "/@bob/report", **told, status=status["id"])
    assert "The moderators have your report" in done.text
    assert (await ann.get("/admin/reports")).status_code == 403

    listed = (await mod.get("/admin/reports")).text
    assert "1 open report" in listed
    found = re.search(r"/admin/reports/\d+", listed)
    assert found
    shown = (await mod.get(found[0])).text
    for words in ("again", "No amphorae", "buy my amphorae", "by @ann"):
        assert words in shown, words
    await bob.call("DELETE", f"/api/v1/statuses/{status['id']}")
    shown = (await mod.get(found[0])).text
    assert "this is what it said when it was reported" in shown
    assert "buy my amphorae" in shown
    for verb, words in (
        ("assign", "@mod deals with it"),
        ("resolve", "Open again"),
        ("reopen", "I deal with it"),
    ):
        answer = await post(mod, found[0], f"{found[0]}/{verb}")
        assert answer.status_code == 303
        page = (await mod.get(found[0])).text
        assert words in page or verb == "reopen"
    await ann.aclose()
    await mod.aclose()


async def test_those_who_wait_are_let_in_or_turned_down(world: World) -> None:
    mod, _ = await browser_of(world, "mod", role=Role.MODERATOR)
    assert "Nobody waits" in (await mod.get("/admin/sign_ups")).text
    ann, _ = await browser_of(world, "ann")
    assert (await ann.get("/admin/sign_ups")).status_code == 403
    await ann.aclose()
    await mod.aclose()
