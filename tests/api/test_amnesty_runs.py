"""Running an amnesty over the API, and its report in every form."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from tests.api.test_report_pages import browser_of
from tests.api.world import Person, World

from rostra.domain.accounts import Role
from rostra.domain.amnesty import Limits
from rostra.domain.probes import Probe
from rostra.services.amnesty import driving
from rostra.testing.amnesties import frozen

AMNESTIES = "/api/rostra/v1/amnesties"


async def approved(world: World, accounts: list[Person], by: Person, *waves: str) -> str:
    """Freeze and approve an amnesty of suspended accounts, and return its address."""
    for person in accounts:
        await world.suspend(person)
    world.tick()
    amnesty = await world.store.write(
        lambda tx: frozen(
            tx,
            accounts=[person.ordinal for person in accounts],
            planner=by.ordinal,
            approver=by.ordinal,
            waves=waves,
            limits=Limits(pause_s=600),
        )
    )
    return f"{AMNESTIES}/{amnesty.id}"


@pytest.fixture(autouse=True)
def _probes(monkeypatch: pytest.MonkeyPatch) -> None:
    async def confirm(ctx: Any, *, tell: Any, **_: Any) -> bool:
        await tell(Probe("profile", "0", True, "<200>", 1.5))
        return True

    monkeypatch.setattr(driving.probing, "confirm", confirm)


async def decided(person: Person, path: str, verb: str, **body: Any) -> Any:
    response = await person.call("POST", f"{path}/{verb}", json=body)
    return response.json() | {"code": response.status_code}


async def test_an_amnesty_from_run_to_rollback(world: World) -> None:
    mod = await world.moderator()
    stars = await world.people("ann", "ben", "cas")
    path = await approved(world, stars, mod, "1", "100%")
    begun = await decided(mod, path, "run")
    assert (begun["code"], begun["state"]) == (200, "running")
    assert begun["started"]["by"] == "mod"
    await world.jobs()
    resting = await mod.get(f"{path}/status")
    assert (resting["progress"], resting["outcomes"]) == (
        {"done": 1, "of": 3},
        {"lifted": 1, "pending": 2},
    )
    assert resting["resting_until"] > resting["waves"][0]["over_at"]
    assert resting["waves"][0]["probes"][0]["account"] == "ann"
    assert (await decided(mod, path, "run"))["code"] == 409
    assert (await decided(mod, path, "pause"))["state"] == "paused"
    assert (await decided(mod, path, "pause"))["code"] == 409
    assert (await decided(mod, path, "resume"))["state"] == "running"
    await world.jobs()
    done = await mod.get(f"{path}/status")
    assert (done["state"], done["outcomes"]) == ("done", {"lifted": 3})
    assert done["drift"]["wrong"] == 0
    assert (await decided(mod, path, "stop"))["code"] == 409
    assert (await decided(mod, path, "rollback"))["state"] == "rolling_back"
    await world.jobs()
    back = await mod.get(f"{path}/status")
    assert (back["state"], back["progress"]) == ("rolled_back", {"done": 3, "of": 3})
    assert [one["what"] for one in back["log"]] == [
        *("started", "wave", "paused", "resumed", "wave", "finished"),
        *("rolling_back", "rolled_back"),
    ]
    profile = await mod.get(f"/api/v1/accounts/{stars[0].id}")
    assert profile["suspended"] is True


async def test_the_report_in_every_form(world: World) -> None:
    mod = await world.moderator()
    stars = await world.people("ann", "ben")
    path = await approved(world, stars, mod, "100%")
    await world.reinstate(stars[1])
    await decided(mod, path, "run")
    await world.jobs()
    told = await mod.get(f"{path}/report")
    assert [one["outcome"] for one in told["accounts"]] == ["lifted", "skipped"]
    assert told["accounts"][0]["id"] == stars[0].id
    assert len(told["manifest"]) == 64
    table = await mod.call("GET", f"{path}/report", params={"format": "csv"})
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [(one["username"], one["outcome"]) for one in rows] == [
        ("ann", "lifted"),
        ("ben", "skipped"),
    ]
    assert rows[1]["why"] == "Its action was lifted since (overturned)"
    page = await mod.call("GET", f"{path}/report", params={"format": "html"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for said in (told["manifest"], "@ben", "lifted since (overturned)", "&lt;200&gt;", "by @mod"):
        assert said in page.text
    assert "src=" not in page.text
    assert "href=" not in page.text
    odd = await mod.call("GET", f"{path}/report", params={"format": "odd"})
    assert odd.status_code == 422


async def test_only_moderators_may(world: World) -> None:
    mod, other = await world.moderator(), await world.person("other")
    path = await approved(world, await world.people("ann"), mod, "100%")
    reader = await world.moderator("reader", scopes="admin:read")
    for person in (other, reader):
        assert (await decided(person, path, "run"))["code"] == 403
    assert (await other.call("GET", f"{path}/status")).status_code == 403
    assert (await other.call("GET", f"{path}/report")).status_code == 403
    assert (await world.client.get(f"{path}/report")).status_code == 401
    assert (await mod.call("GET", f"{AMNESTIES}/1/report")).status_code == 404
    assert (await decided(mod, f"{AMNESTIES}/1", "run"))["code"] == 404


async def test_a_halt_is_told_on_its_page_in_the_language_of_who_reads(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def confirm(ctx: Any, *, tell: Any, **_: Any) -> bool:
        said = "answered 500 where the profile should be"
        await tell(Probe("profile", "0", False, said, 1.5))
        return False

    monkeypatch.setattr(driving.probing, "confirm", confirm)
    browser, _ = await browser_of(world, "boss", role=Role.MODERATOR)
    mod, ann = await world.moderator(), await world.person("ann")
    path = await approved(world, [ann], mod, "100%")
    await decided(mod, path, "run")
    await world.jobs()
    german = {"accept-language": "de"}
    place = f"/admin/amnesties/{path.rpartition('/')[2]}"
    page = (await browser.get(place, headers=german)).text
    halt = (
        "Proben: die Probe profile von @ann ist in Prozess 0 gescheitert: antwortete 500, wo das "
        "Profil stehen sollte. Finde heraus, warum;"
    )
    failed = "Profil über seine Nummer: antwortete 500, wo das Profil stehen sollte"
    for words in (halt, failed, "1 Konto in 1 Welle"):
        assert words in page, words
    assert halt in (await browser.get("/admin/ledger", headers=german)).text
    assert (await mod.get(path))["why"].startswith("probes: the probe profile of @ann failed")
