"""``/api/rostra/v1/reinstatements``: plans, runs, reports and previews, as clients see them."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import re
from typing import Any

import pytest
from tests.api.listening import Events, Socket
from tests.api.reinstating import Stage, staged
from tests.api.world import Person, World

from rostra.domain.capacity import Traffic
from rostra.services.server import capacity

ROOT = "/api/rostra/v1/reinstatements"


@pytest.fixture
async def stage(world: World) -> Stage:
    return await staged(world)


async def planned(stage: Stage) -> Any:
    return await stage.mod.post(f"{ROOT}/plans", account_id=stage.star.id)


async def begun(stage: Stage, **more: Any) -> Any:
    plan = await planned(stage)
    return await stage.mod.post(ROOT, plan=plan["hash"], reason="overturned", **more)


async def refused(person: Person, method: str, path: str, **body: Any) -> tuple[int, str]:
    answer = await person.call(method, path, **({"json": body} if body else {}))
    return answer.status_code, answer.json()["error"]


async def test_a_plan_is_made_and_found_by_its_hash(stage: Stage) -> None:
    """Step "Plan", over the API."""
    made = await planned(stage)
    assert made["account"] == {"id": stage.star.id, "username": "star"}
    assert made["made_by"] == "mod"
    assert made["figures"]["followers"] == 3
    assert [one["type"] for one in made["lifts"]] == ["suspend"]
    assert (made["stays"], made["stays_hidden"]) == ([], None)
    assert await stage.mod.get(f"{ROOT}/plans/{made['hash'][:8]}") == made
    for prefix, status in (("abcdefab", 404), ("abc", 422), ("not hexadecimal", 422)):
        assert (await refused(stage.mod, "GET", f"{ROOT}/plans/{prefix}"))[0] == status


async def test_moderators_alone_may_look_and_act(stage: Stage) -> None:
    plan = (await planned(stage))["hash"]
    run = (await stage.mod.post(ROOT, plan=plan, reason="served"))["id"]
    fan = stage.fans[0]
    for method, path, body in (
        ("POST", f"{ROOT}/plans", {"account_id": stage.star.id}),
        ("GET", f"{ROOT}/plans/{plan}", {}),
        ("POST", ROOT, {"plan": plan, "reason": "served"}),
        ("GET", ROOT, {}),
        ("GET", f"{ROOT}/{run}", {}),
        ("POST", f"{ROOT}/{run}/rollback", {"why": "no"}),
        ("GET", f"{ROOT}/{run}/report", {}),
        ("GET", f"{ROOT}/{run}/preview", {}),
    ):
        assert (await refused(fan, method, path, **body))[0] == 403, path
        assert (await stage.world.client.request(method, path)).status_code == 401, path
    other = await stage.world.moderator("other")
    await stage.world.suspend(other)
    status, said = await refused(stage.mod, "POST", f"{ROOT}/plans", account_id=other.id)
    assert (status, "only an owner" in said) == (403, True)


async def test_a_run_is_begun_followed_listed_and_reported(stage: Stage) -> None:
    """Steps "Stage", "Cut over", "Confirm" and "Report", over the API."""
    run = await begun(stage, ground="It was somebody else", sample=3)
    assert (run["state"], run["over"], run["by"]) == ("staging", False, "mod")
    await stage.world.jobs()
    path = f"{ROOT}/{run['id']}"
    done = await stage.mod.get(path)
    assert (done["state"], done["over"], done["options"]["sample"]) == ("done", True, 3)
    assert all(step["passed"] and step["took_ms"] is not None for step in done["steps"])
    assert {probe["step"] for probe in done["probes"]} == {"staging", "confirming"}
    [listed] = await stage.mod.get(ROOT, account_id=stage.star.id)
    assert listed["id"] == run["id"]
    assert [one["id"] for one in await stage.mod.get(ROOT, limit=1)] == [run["id"]]
    report = await stage.mod.get(f"{path}/report")
    assert report["ground"] == "It was somebody else"
    counts = report["counts"]
    assert counts["before"]["followers"] == 0
    assert counts["planned"] == counts["after"] == {"followers": 3, "following": 1, "statuses": 1}
    assert (counts["explained"]["net"], counts["unexplained"]) == (0, 0)


async def test_the_report_is_a_page_that_needs_nothing_else(stage: Stage) -> None:
    """Step "Report": a page."""
    run = await begun(stage, ground="<script>alert(1)</script>")
    await stage.world.jobs()
    answer = await stage.mod.call("GET", f"{ROOT}/{run['id']}/report?format=html")
    assert answer.headers["content-type"].startswith("text/html")
    page = answer.text
    assert "<script" not in page
    # A table wider than a phone is moved by itself, not with the whole page.
    assert page.count('<div class="wide"><table>') == page.count("<table") > 4
    assert not re.search(r"(src|href)\s*=|url\(|@import", page)
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    policy = answer.headers["content-security-policy"]
    named = re.search(r"'sha256-(.+?)'", policy)
    digest = hashlib.sha256(style[1].encode()).digest()
    assert named is not None
    assert named[1].encode() == base64.b64encode(digest)
    html.parser.HTMLParser().feed(page)
    for part in ("Every probe passed", "@mod", "Planned", run["id"]):
        assert part in page
    assert (await refused(stage.mod, "GET", f"{ROOT}/{run['id']}/report?format=pdf"))[0] == 422


async def test_a_stale_plan_is_answered_with_the_difference(stage: Stage) -> None:
    plan = (await planned(stage))["hash"]
    await stage.fans[1].post(f"/api/v1/accounts/{stage.star.id}/unfollow")
    answer = await stage.mod.call("POST", ROOT, json={"plan": plan, "reason": "served"})
    assert answer.status_code == 409
    told = answer.json()
    changed = {one["name"]: (one["before"], one["after"]) for one in told["difference"]["figures"]}
    assert changed["followers"] == (3, 2)
    assert told["difference"]["followers"]["left"] == {"count": 1, "some": ["bob"]}
    assert told["plan"]["figures"]["followers"] == 2
    run = await stage.mod.post(ROOT, plan=told["plan"]["hash"][:8], reason="served")
    assert run["followers_planned"] == 2


async def test_whatever_is_so_now_may_be_accepted(stage: Stage) -> None:
    plan = (await planned(stage))["hash"]
    await stage.fans[1].post(f"/api/v1/accounts/{stage.star.id}/unfollow")
    run = await stage.mod.post(ROOT, plan=plan, reason="served", accept=True)
    assert run["followers_planned"] == 2


async def test_a_run_is_rolled_back(stage: Stage) -> None:
    run = await begun(stage)
    path = f"{ROOT}/{run['id']}"
    assert (await refused(stage.mod, "POST", f"{path}/rollback"))[0] == 409
    await stage.world.jobs()
    stage.world.tick()
    back = await stage.mod.post(f"{path}/rollback", why="a mistake")
    assert (back["state"], back["rolled_back_by"]) == ("rolling_back", "mod")
    assert await stage.public() == (True, 0)
    await stage.world.jobs()
    over = await stage.mod.get(path)
    assert over["state"] == "rolled_back"
    assert "@mod rolled it back: a mistake" in over["said"]
    assert [one["name"] for one in over["probes"]][-1] == "hidden again"
    assert (await refused(stage.mod, "POST", f"{path}/rollback"))[0] == 409


async def test_the_preview_is_the_profile_as_it_will_be(stage: Stage) -> None:
    run = await begun(stage)
    path = f"{ROOT}/{run['id']}/preview"
    before = await stage.mod.get(path)
    assert (await stage.public())[0] is True
    assert [one["text"] for one in before["statuses"]] == ["hello"]
    await stage.world.jobs()
    after = await stage.world.get(f"/api/v1/accounts/{stage.star.id}")
    assert before["account"] == after.json()


async def test_what_makes_no_sense_is_refused_with_what_to_do(stage: Stage) -> None:
    plan = (await planned(stage))["hash"]
    for body in (
        {"plan": plan, "reason": "expired"},
        {"plan": plan, "reason": ""},
        {"plan": plan, "reason": "served", "sample": 0},
        {"plan": plan, "reason": "served", "ground": "x" * 501},
    ):
        assert (await refused(stage.mod, "POST", ROOT, **body))[0] == 422, body
    for body, status in (
        ({"account_id": "1"}, 404),
        ({"account_id": stage.fans[0].id}, 409),
        ({"account_id": stage.star.id, "only": ["1"]}, 422),
        ({"account_id": stage.star.id, "only": ["x"]}, 422),
    ):
        assert (await refused(stage.mod, "POST", f"{ROOT}/plans", **body))[0] == status, body
    assert (await refused(stage.mod, "GET", f"{ROOT}/1"))[0] == 404


async def test_each_step_is_told_live_to_moderators_who_listen(stage: Stage) -> None:
    """Each step live: an event says that a run went on, whoever moves it."""
    world, path = stage.world, "/api/v1/streaming/moderation"
    fan = await world.token(stage.fans[0].ordinal, "admin:read:accounts")
    assert (await Events(world, path, token=fan).refused())[0] == 403
    reading = await world.token(stage.mod.ordinal, "read")
    assert (await Events(world, path, token=reading).refused())[0] == 401
    admin = await world.token(stage.mod.ordinal, "admin:read:accounts")
    listener = await Events(world, path, token=admin).opened()
    socket = await Socket(world, token=admin, stream="moderation").opened()
    run = await stage.begin()
    told = {"id": str(run.id)}
    assert await listener.event() == ("run", told)
    assert await socket.event() == {"stream": ["moderation"], "event": "run", "payload": told}
    await stage.drive(run)
    assert await listener.event() == ("run", told)
    await listener.close()
    await socket.close()


async def test_the_busiest_hour_of_a_headroom_is_told_in_iso_8601(stage: Stage) -> None:
    minute = Traffic(at=stage.world.clock.now(), requests=10, busiest=10, readers=2)
    await capacity.record(stage.ctx, minute=minute)
    made = await planned(stage)
    run = await begun(stage)
    await stage.drive(stage.run(int(run["id"])))
    found = await stage.mod.get(f"{ROOT}/{run['id']}")
    [step] = [one for one in found["steps"] if "headroom" in one["figures"]]
    asked = await stage.mod.get("/api/rostra/v1/capacity?followers=3")
    for told in (made["headroom"], step["figures"]["headroom"], asked):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:00:00.000Z", told["busiest_hour"]["at"])
