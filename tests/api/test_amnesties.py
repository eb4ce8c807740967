"""Amnesties over the API: planned by one moderator, approved by another; and labels."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from tests.api.world import Person, World

from rostra.domain.accounts import Account
from rostra.domain.enforcement import ActionKind
from rostra.domain.ledger import LedgerKind
from rostra.services.moderation import enforcing
from rostra.storage.accounts import AccountStore
from rostra.storage.database.sqlite import Database
from rostra.storage.store import DATABASE_FILE

AMNESTIES = "/api/rostra/v1/amnesties"
DAY_MS = 86_400_000


async def suspended(world: World, person: Person, ground: str = "Spam") -> None:
    world.tick()
    await enforcing.act(
        world.ctx, moderator=None, target=person.ordinal, kind=ActionKind.SUSPEND, ground=ground
    )


async def plan(world: World, by: Person, **asked: Any) -> Any:
    """Plan an amnesty and wait for it."""
    made = await by.post(AMNESTIES, **asked)
    assert made["state"] == "planning"
    await world.jobs()
    return await by.get(f"{AMNESTIES}/{made['id']}")


async def refused(by: Person, path: str, **body: Any) -> tuple[int, str]:
    answer = await by.call("POST", path, json=body)
    return answer.status_code, answer.json()["error"]


def kinds(world: World) -> list[str]:
    """Return what the ledger tells of, but for actions and liftings, oldest first."""
    with world.store.read() as snap:
        found = snap.ledger.page(limit=50)
    return [one.kind for one in found[::-1] if one.kind not in ("action", "lifting")]


async def test_a_plan_is_frozen_and_approved_by_a_second_moderator(world: World) -> None:
    """ "frozen as a hashed manifest → approval by a second moderator" """
    first, second = await world.moderator("first"), await world.moderator("second")
    anna, bert, cara, fan = await world.people("anna", "bert", "cara", "fan")
    for one in (anna, bert):
        await fan.follow(one)
    await anna.follow(bert)
    for one in (anna, bert, cara):
        await suspended(world, one, "Spam" if one is not cara else "Insults")
    made = await plan(
        world, first, where='ground = "spam"', ground="The summer rule", waves=["1", "100%"]
    )
    assert made["state"] == "planned"
    assert (made["accounts"], made["wave_sizes"]) == (2, [1, 1])
    assert made["planned_by"]["username"] == "first"
    figures = made["figures"]
    assert [figures[name] for name in ("found", "selected", "edges", "others")] == [2, 2, 3, 1]
    assert figures["largest"] == [
        {"account": {"id": fan.id, "username": "fan"}, "followers": 0, "following": 2}
    ]
    (one, other) = await second.get(f"{AMNESTIES}/{made['id']}/accounts")
    assert (one["account"]["username"], one["wave"], one["outcome"]) == ("anna", 1, "pending")
    assert one["then"] == {"followers": 1, "following": 0}
    assert one["finally"] == {"followers": 1, "following": 1}
    assert other["finally"] == other["then"] == {"followers": 2, "following": 0}
    path = f"{AMNESTIES}/{made['id']}/approve"
    assert not made["may_approve"]
    assert await refused(first, path, hash=made["hash"]) == (403, made["why_not"])
    assert "Another moderator" in made["why_not"]
    assert (await refused(fan, path, hash=made["hash"]))[0] == 403
    assert await refused(second, path, hash="") == (
        422,
        "Name the hash of the plan, at least its first 8 characters",
    )
    status, said = await refused(second, path, hash="0" * 64)
    assert (status, "not the hash" in said) == (422, True)
    assert (await second.get(f"{AMNESTIES}/{made['id']}"))["may_approve"]
    approved = await second.post(path, hash=made["hash"][:8].upper())
    assert (approved["state"], approved["approved_by"]["username"]) == ("approved", "second")
    assert await refused(second, path, hash=made["hash"]) == (409, approved["why_not"])
    assert kinds(world) == ["amnesty_planned", "amnesty_approved"]
    with world.store.read() as snap:
        (alert,) = [one for one in snap.jobs.due(snap.now, limit=9) if one.name == "send_alert"]
    assert f"Amnesty {made['id']} is approved: 2 accounts" == alert.payload["subject"]
    assert f"rostra amnesty run {made['id']}" in alert.payload["text"]


async def test_planning_changes_nothing_public(world: World) -> None:
    """ "dry run": all that visitors are answered, and all rows but the amnesty's own, stay."""
    mod = await world.moderator()
    anna, fan = await world.people("anna", "fan")
    await fan.follow(anna)
    await anna.status("hello")
    await suspended(world, anna)

    def rows() -> dict[str, list[Any]]:
        database = Database(world.settings.data / DATABASE_FILE, writable=False)
        try:
            tables = database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
            return {
                name: database.rows(f"SELECT * FROM {name}")
                for (name,) in tables
                if name not in ("feed", "amnesties", "amnesty_accounts", "jobs", "ledger")
                and not name.startswith(("sqlite_", "status_words", "account_words"))
            }
        finally:
            database.close()

    async def seen() -> list[Any]:
        paths = (f"/api/v1/accounts/{anna.id}", f"/api/v1/accounts/{fan.id}", "/api/v2/instance")
        return [(await fan.call("GET", path)).json() for path in paths]

    before, shown = rows(), await seen()
    made = await plan(world, mod, where="all")
    assert (made["state"], made["accounts"]) == ("planned", 1)
    assert rows() == before
    assert await seen() == shown


async def test_a_manifest_that_was_changed_is_not_approved(world: World) -> None:
    first, second = await world.moderator("first"), await world.moderator("second")
    anna, bert = await world.people("anna", "bert")
    for one in (anna, bert):
        await suspended(world, one)
    made = await plan(world, first, where="all")
    with world.store.read() as snap:
        (entry, _) = snap.amnesties.entries(int(made["id"]), limit=5)
    tampered = type(entry)(
        n=1, account=entry.account, wave=1, actions=(9,), then=entry.then, finally_=entry.finally_
    )
    await world.store.write(lambda tx: tx.amnesties.put_entries(int(made["id"]), [tampered]))
    status, said = await refused(second, f"{AMNESTIES}/{made['id']}/approve", hash=made["hash"])
    assert (status, "plan it anew" in said) == (409, True)


async def test_a_plan_that_waited_too_long_has_to_be_made_anew(world: World) -> None:
    first, second = await world.moderator("first"), await world.moderator("second")
    anna = await world.person("anna")
    await suspended(world, anna)
    made = await plan(world, first, where="all")
    world.clock.advance(days=8)
    status, said = await refused(second, f"{AMNESTIES}/{made['id']}/approve", hash=made["hash"])
    assert (status, "too old" in said) == (409, True)
    assert (await first.get(f"{AMNESTIES}/{made['id']}"))["state"] == "expired"
    assert [one["id"] for one in await first.get(AMNESTIES, state="expired")] == [made["id"]]


async def test_of_two_approved_at_once_for_one_account_the_second_waits(world: World) -> None:
    first, second = await world.moderator("first"), await world.moderator("second")
    anna, bert = await world.people("anna", "bert")
    for one in (anna, bert):
        await suspended(world, one)
    made = await plan(world, first, where="all")
    other = await plan(world, second, where="all")
    assert other["figures"]["conflicts"] == {"amnesty": 2}
    assert other["figures"]["clashes"][0]["detail"] == made["id"]
    await second.post(f"{AMNESTIES}/{made['id']}/approve", hash=made["hash"])
    status, said = await refused(first, f"{AMNESTIES}/{other['id']}/approve", hash=other["hash"])
    assert (status, f"Amnesty {made['id']}" in said) == (409, True)
    third = await plan(world, first, where="all")
    assert (third["state"], "another amnesty" in third["why"]) == ("failed", True)
    taken_back = await first.post(f"{AMNESTIES}/{made['id']}/reject", why="Too soon")
    assert (taken_back["state"], taken_back["why"]) == ("rejected", "Too soon")
    await first.post(f"{AMNESTIES}/{other['id']}/approve", hash=other["hash"])
    assert (await refused(first, f"{AMNESTIES}/{made['id']}/reject"))[0] == 409
    told = ["amnesty_planned", "amnesty_planned", "amnesty_approved", "amnesty_rejected"]
    assert kinds(world) == [*told, "amnesty_approved"]


async def test_a_planner_who_lost_the_role_takes_the_plan_along(world: World) -> None:
    first, second = await world.moderator("first"), await world.moderator("second")
    anna = await world.person("anna")
    await suspended(world, anna)
    made = await plan(world, first, where="all")
    await suspended(world, first)
    status, said = await refused(second, f"{AMNESTIES}/{made['id']}/approve", hash=made["hash"])
    assert (status, "Who planned it" in said) == (409, True)


async def test_a_plan_that_is_called_off_stays_so(world: World) -> None:
    mod = await world.moderator()
    anna = await world.person("anna")
    await suspended(world, anna)
    made = await mod.post(AMNESTIES, where="all")
    await mod.post(f"{AMNESTIES}/{made['id']}/reject")
    await world.jobs()
    found = await mod.get(f"{AMNESTIES}/{made['id']}")
    assert (found["state"], found["hash"]) == ("rejected", None)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "Say whom the amnesty is for"),
        ({"where": "all", "accounts": ["1"]}, "There is no account with the id 1"),
        ({"accounts": ["1"] * 10_001}, "at most 10,000 accounts"),
        ({"where": "folowers > 1"}, 'did you mean "followers"'),
        ({"where": "all", "except": "label = nonsense"}, 'no account has the label "nonsense"'),
        ({"where": "all", "except": "name = nobody"}, 'there is no account called "nobody"'),
        ({"where": "moderator != nobody"}, 'there is no account called "nobody"'),
        ({"where": "all", "waves": ["10", "50%"]}, "end with 100%"),
        ({"where": "all", "include": ["legal_hold"]}, '"legal_hold" cannot be included'),
        ({"where": "all", "type": "delete"}, "An amnesty lifts one kind of actions"),
        ({"where": "all", "reason": "expired"}, "Reason must be"),
        ({"where": "all", "limits": {"failures": -1}}, "Limits are numbers"),
        ({"where": "all", "limits": {"failure": 5}}, "failure is not known, there is only"),
        ({"where": "all", "exept": "followers > 9"}, "exept is not known, there is only where,"),
        ({"where": "all", "ground": "x" * 501}, "The ground is too long"),
    ],
)
async def test_what_makes_no_sense_is_refused(world: World, asked: Any, said: str) -> None:
    mod = await world.moderator()
    status, error = await refused(mod, AMNESTIES, **asked)
    assert (status, said in error) == (422, True), error
    assert await mod.get(AMNESTIES) == []


async def test_an_error_in_a_selector_points_at_the_word(world: World) -> None:
    mod = await world.moderator()
    _, error = await refused(mod, AMNESTIES, where="state = suspended and folowers > 1")
    assert error.split("\n") == [
        'line 1, column 23: there is no field "folowers"; did you mean "followers"?',
        "  state = suspended and folowers > 1",
        "                        ^^^^^^^^",
    ]


async def test_only_moderators_see_and_plan(world: World) -> None:
    anna, mod = await world.person("anna"), await world.moderator()
    assert (await refused(anna, AMNESTIES, where="all"))[0] == 403
    for path in (AMNESTIES, f"{AMNESTIES}/1", f"{AMNESTIES}/1/accounts"):
        assert (await anna.call("GET", path)).status_code == 403
    assert (await mod.call("GET", f"{AMNESTIES}/1")).status_code == 404
    assert (await mod.call("GET", f"{AMNESTIES}/1/accounts")).status_code == 404
    assert (await mod.call("GET", AMNESTIES, params={"state": "odd"})).status_code == 422


async def test_a_list_of_accounts_and_its_pages(world: World) -> None:
    """ "list file": those of the list with such an action in force, in steps of a page."""
    mod = await world.moderator()
    people = await world.people(*(f"p{n}" for n in range(5)))
    for one in people[:4]:
        await suspended(world, one)
    made = await plan(world, mod, accounts=[one.id for one in people[1:]], waves=["100%"])
    assert (made["listed"], made["where"], made["accounts"]) == (True, None, 3)
    assert (made["figures"]["listed"], made["figures"]["found"]) == (4, 3)
    path = f"{AMNESTIES}/{made['id']}/accounts"
    first = await mod.get(path, limit="2")
    rest = await mod.get(path, limit="2", after=str(first[-1]["n"]))
    assert [one["account"]["username"] for one in first + rest] == ["p1", "p2", "p3"]
    assert await mod.get(path, wave="2") == []
    assert len(await mod.get(path, outcome="pending")) == 3


async def test_a_list_is_looked_up_beside_the_event_loop(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others are answered meanwhile; and who is no moderator has nothing looked up."""
    mod, anna = await world.moderator(), await world.person("anna")
    await suspended(world, anna)
    threads = []
    by_id = AccountStore.by_id

    def watched(self: AccountStore, account_id: int) -> Account | None:
        if account_id == int(anna.id):
            threads.append(threading.current_thread())
        return by_id(self, account_id)

    monkeypatch.setattr(AccountStore, "by_id", watched)
    made = await plan(world, mod, accounts=[anna.id, anna.id], waves=["100%"])
    assert made["accounts"] == 1
    assert threads
    assert threading.main_thread() not in threads
    threads.clear()
    assert (await refused(await world.person("bert"), AMNESTIES, accounts=[anna.id]))[0] == 403
    assert threads == []


# -- labels ----------------------------------------------------------------------------------------


async def test_labels_are_given_taken_and_in_the_ledger(world: World) -> None:
    mod, anna = await world.moderator(), await world.person("anna")
    path = f"/api/rostra/v1/accounts/{anna.id}/labels"
    (given,) = await mod.post(path, name=" Legal_Hold ")
    assert (given["name"], given["by"]) == ("legal_hold", {"id": mod.id, "username": "mod"})
    await mod.post(path, name="vip")
    await mod.post(path, name="vip")
    assert [one["name"] for one in await mod.get(path)] == ["legal_hold", "vip"]
    gone = await mod.call("DELETE", f"{path}/vip")
    assert [one["name"] for one in gone.json()] == ["legal_hold"]
    again = await mod.call("DELETE", f"{path}/vip")
    assert (again.status_code, again.json()["error"]) == (
        409,
        'The account has no label "vip"; it has legal_hold',
    )
    assert kinds(world) == [LedgerKind.LABEL_GIVEN, LedgerKind.LABEL_GIVEN, LedgerKind.LABEL_TAKEN]
    assert (await refused(mod, path, name="no spaces!"))[0] == 422
    assert (await refused(anna, path, name="vip"))[0] == 403
    assert (await anna.call("GET", path)).status_code == 403
    assert (await mod.call("GET", "/api/rostra/v1/accounts/1/labels")).status_code == 404
    for n in range(49):
        await mod.post(path, name=f"l{n}")
    status, said = await refused(mod, path, name="one-more")
    assert (status, "50 labels" in said) == (422, True)


async def test_an_account_on_legal_hold_is_left_out_always(world: World) -> None:
    mod = await world.moderator()
    anna, bert = await world.people("anna", "bert")
    for one, name in ((anna, "legal_hold"), (bert, "child_safety")):
        await suspended(world, one)
        await mod.post(f"/api/rostra/v1/accounts/{one.id}/labels", name=name)
    made = await plan(world, mod, where="all", include=["child_safety"])
    assert made["accounts"] == 1
    assert made["figures"]["excluded"] == [
        {"by": "legal_hold", "says": "labelled legal_hold", "count": 1}
    ]
