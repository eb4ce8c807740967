"""Appeals over the API, asked of two workers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.api.reinstating import staged
from tests.api.two import Both, Other
from tests.api.world import Person, World

from rostra.domain.enforcement import Action, ActionKind
from rostra.domain.reinstatement import RunState
from rostra.services import appeals, reinstatement
from rostra.services.moderation import enforcing

APPEALS = "/api/rostra/v1/appeals"
OWN = f"{APPEALS}/own"
DAY_MS = 86_400_000


@pytest.fixture
async def both(world: World) -> AsyncIterator[Both]:
    other = Other(world)
    yield Both(world, other)
    await other.close()


async def warned(world: World, person: Person, kind: ActionKind, by: Person) -> Action:
    world.tick()
    return await enforcing.act(
        world.ctx,
        moderator=by.ordinal,
        target=person.ordinal,
        kind=kind,
        ground="Spam",
        text="Forty links in an hour.",
    )


async def notified(both: Both, person: Person) -> list[Any]:
    found = await both.get(person, "/api/v1/notifications", **{"types[]": "moderation_warning"})
    return [one["moderation_warning"] for one in found]


async def test_an_appeal_from_opening_to_acceptance(both: Both) -> None:
    """Row "Appeal": opened with a promised time, decided by another moderator, lifted."""
    world = both.world
    star = await world.person("star")
    first, second = await world.moderator("first"), await world.moderator("second")
    action = await warned(world, star, ActionKind.LIMIT, first)
    (case,) = await both.get(star, OWN)
    assert (case["action"]["ground"], case["may_appeal"], case["appeals"]) == ("Spam", True, [])
    made = await star.post(APPEALS, action_id=str(action.id), text="A quotation.")
    assert (made["state"], made["overdue"], made["decided_at"]) == ("open", False, None)
    again = await star.call("POST", APPEALS, json={"action_id": str(action.id), "text": "x"})
    assert again.status_code == 409
    edited = await star.call("PUT", f"{APPEALS}/{made['id']}", json={"text": "Better said."})
    assert edited.json()["text"] == "Better said."
    (warning,) = await notified(both, star)
    assert warning["appeal"] == {"text": "Better said.", "state": "pending"}
    (listed,) = await both.get(first, APPEALS)
    assert (listed["account"]["username"], listed["may_decide"]) == ("star", False)
    assert [one["username"] for one in listed["deciders"]] == ["second"]
    assert listed["decision"]["by"] == {"id": first.id, "username": "first"}
    assert listed["evidence"]["ground"] == "Spam"
    refused = await first.call("POST", f"{APPEALS}/{made['id']}/accept", json={"reply": "No."})
    assert (refused.status_code, "another moderator" in refused.json()["error"]) == (403, True)
    assert await both.get(second, APPEALS, state="overdue") == []
    world.clock.advance(15 * DAY_MS)
    await world.jobs()
    assert [one["id"] for one in await both.get(second, APPEALS, state="overdue")] == [made["id"]]
    done = await second.post(f"{APPEALS}/{made['id']}/accept", reply="You are right.")
    assert (done["state"], done["in_force"], done["lifted"]["reason"]) == (
        "accepted",
        False,
        "overturned",
    )
    assert [step["did"] for step in done["history"]] == ["opened", "edited", "overdue", "accepted"]
    account = await both.get(second, f"/api/v1/admin/accounts/{star.id}")
    assert account["silenced"] is False
    outcome, warning = await notified(both, star)
    assert outcome["appeal"] == {"text": "Better said.", "state": "approved"}
    assert "You are right." in outcome["text"]
    assert warning["text"] == "Spam\n\nForty links in an hour."
    (case,) = await both.get(star, OWN)
    assert (case["ended"], case["appeals"][0]["reply"]) == ("overturned", "You are right.")
    assert "first" not in str(case)
    assert "second" not in str(case)
    assert await both.get(second, APPEALS) == []
    assert len(await both.get(second, APPEALS, state="decided")) == 1


async def test_who_may_see_and_do_what(both: Both) -> None:
    """Row "Appeal": the suspended have no token; nobody else reads or answers an appeal."""
    world = both.world
    star, other = await world.people("star", "other")
    mod = await world.moderator()
    action = await world.suspend(star)
    answer = await star.call("POST", APPEALS, json={"action_id": str(action.id), "text": "x"})
    assert answer.status_code == 401
    warning = await warned(world, other, ActionKind.NONE, mod)
    made = await other.post(APPEALS, action_id=str(warning.id), text="No.")
    for method, path in (
        ("GET", APPEALS),
        ("GET", f"{APPEALS}/{made['id']}"),
        ("POST", f"{APPEALS}/{made['id']}/accept"),
        ("POST", f"{APPEALS}/{made['id']}/allow_again"),
    ):
        assert (await other.call(method, path, json={"reply": "x"})).status_code == 403, path
        assert (await world.client.request(method, path)).status_code == 401, path
    assert (await mod.call("POST", f"{APPEALS}/{made['id']}/withdraw")).status_code == 404
    stranger = await mod.call("POST", APPEALS, json={"action_id": str(warning.id), "text": "x"})
    assert stranger.status_code == 404
    assert (await mod.call("GET", f"{APPEALS}/1")).status_code == 404
    assert (await mod.call("GET", APPEALS, params={"state": "odd"})).status_code == 422
    assert await both.get(mod, APPEALS, account_id=star.id) == []
    assert len(await both.get(mod, APPEALS, account_id=other.id)) == 1
    done = await other.post(f"{APPEALS}/{made['id']}/withdraw")
    assert (done["state"], (await notified(both, other))[0]["appeal"]) == ("withdrawn", None)


async def test_rejected_and_allowed_again(both: Both) -> None:
    world = both.world
    star, mod, other = await world.person("star"), *[await world.moderator(n) for n in "mo"]
    action = await warned(world, star, ActionKind.SENSITIVE, mod)
    body = {"action_id": str(action.id), "text": "No."}
    made = (await star.call("POST", APPEALS, json=body)).json()
    world.tick()
    done = await other.post(f"{APPEALS}/{made['id']}/reject", reply="Yes.")
    assert (done["state"], done["in_force"]) == ("rejected", True)
    outcome = (await notified(both, star))[0]
    assert (outcome["appeal"]["state"], outcome["text"]) == (
        "rejected",
        "Your appeal was turned down: what was decided stays.\n\nYes.",
    )
    assert (await star.call("POST", APPEALS, json=body)).status_code == 409
    await mod.post(f"{APPEALS}/{made['id']}/allow_again")
    assert (await star.call("POST", APPEALS, json=body)).status_code == 200


async def test_a_purge_waits_for_the_answer(both: Both) -> None:
    """Row "Appeal": an open appeal stops a deletion by moderators."""
    world = both.world
    star, mod = await world.person("star"), await world.moderator()
    warning = await warned(world, star, ActionKind.NONE, mod)
    made = await star.post(APPEALS, action_id=str(warning.id), text="No.")
    await world.suspend(star)
    path = f"/api/v1/admin/accounts/{star.id}"
    refused = await mod.call("DELETE", path)
    assert (refused.status_code, "decide the appeal" in refused.json()["error"]) == (409, True)
    other = await world.moderator("other")
    await other.post(f"{APPEALS}/{made['id']}/reject", reply="It stays.")
    assert (await mod.call("DELETE", path)).status_code == 200


async def test_an_accepted_appeal_lifts_the_suspension_once_its_plan_is_run(world: World) -> None:
    """Row "Appeal": accepted, a reinstatement is planned, and what an operator runs lifts it."""
    stage = await staged(world)
    star = stage.star
    with world.store.read() as snap:
        (action,) = enforcing.figures(snap, star.ordinal).in_force
    made = await appeals.open_appeal(
        world.ctx, actor=star.ordinal, action=action.id, text="A quotation."
    )
    done = await stage.mod.post(f"{APPEALS}/{made.id}/accept", reply="You are right.")
    assert (done["in_force"], done["plan"]) == (True, None)
    await world.jobs()
    planned = await stage.mod.get(f"{APPEALS}/{made.id}")
    assert [step["did"] for step in planned["history"]] == ["opened", "accepted", "planned"]
    run = await stage.drive(await stage.begin(planned["plan"]))
    assert run.state == RunState.DONE, run.said
    assert await stage.public() == (False, 3)
    over = await stage.mod.get(f"{APPEALS}/{made.id}")
    assert (over["state"], over["in_force"], over["lifted"]["reason"]) == (
        "accepted",
        False,
        "overturned",
    )
    back = await reinstatement.rollback(
        stage.ctx, moderator=stage.mod.ordinal, run=run.id, why="A mistake."
    )
    await stage.drive(back)
    over = await stage.mod.get(f"{APPEALS}/{made.id}")
    assert (over["state"], over["in_force"], over["lifted"]) == ("accepted", True, None)


async def test_of_two_who_decide_at_once_one_wins(both: Both) -> None:
    world = both.world
    star, mod, other = await world.person("star"), *[await world.moderator(n) for n in "mo"]
    action = await warned(world, star, ActionKind.LIMIT, await world.moderator("first"))
    made = await star.post(APPEALS, action_id=str(action.id), text="No.")
    answers = await asyncio.gather(
        mod.call("POST", f"{APPEALS}/{made['id']}/accept", json={"reply": "Yes."}),
        other.call("POST", f"{APPEALS}/{made['id']}/reject", json={"reply": "No."}),
        star.call("POST", f"{APPEALS}/{made['id']}/withdraw"),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    (shown,) = await both.get(mod, APPEALS, state="decided")
    assert len(shown["history"]) == 2
