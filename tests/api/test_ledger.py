"""The ledger over HTTP, and what acting leaves in it."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from tests.api.world import World

from rostra.domain.ledger import LedgerKind
from rostra.services.membership import account_deletion
from rostra.services.moderation import enforcing, ledger, statements

LEDGER = "/api/rostra/v1/ledger"
ADMIN = "/api/v1/admin/accounts"


async def test_moderators_read_who_decided_what_and_check_it(world: World) -> None:
    bob, mod = await world.person("bob"), await world.moderator()
    await mod.post(f"{ADMIN}/{bob.id}/action", type="suspend", text="Spam\nagain and again")
    world.tick()
    await mod.post(f"{ADMIN}/{bob.id}/unsuspend")
    lifted, taken = await mod.get(LEDGER)
    assert (taken["kind"], lifted["kind"]) == ("action", "lifting")
    assert taken["account"] == {"id": bob.id, "username": "bob"}
    assert taken["moderator"] == {"id": mod.id, "username": "mod"}
    assert taken["about"]["ground"] == "Spam"
    assert taken["about"]["figures"] == {"followers": 0, "following": 0, "statuses": 0}
    assert lifted["about"]["reason"] == "served"
    previous = bytes(32)
    for one in (taken, lifted):
        text = json.dumps(one["entry"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert one["previous"] == previous.hex()
        previous = sha256(previous + sha256(text.encode()).digest()).digest()
        assert one["hash"] == previous.hex()
    assert await mod.get(f"{LEDGER}/{lifted['id']}") == lifted


async def test_pages_lead_on_and_one_account_is_asked_for(world: World) -> None:
    ann, bob, mod = await world.person("ann"), await world.person("bob"), await world.moderator()
    for number in range(5):
        for who in (ann, bob):
            await mod.post(f"{ADMIN}/{who.id}/action", type="none", text=f"warning {number}")
    seen: list[str] = []
    path = f"{LEDGER}?account_id={bob.id}&limit=2"
    while path:
        response = await mod.call("GET", path)
        assert response.status_code == 200
        page = response.json()
        seen += [one["about"]["ground"] for one in page]
        assert {one["account"]["username"] for one in page} <= {"bob"}
        path = response.links["next"]["url"] if page else ""
    assert seen == [f"warning {number}" for number in (4, 3, 2, 1, 0)]


async def test_only_moderators_read_it(world: World) -> None:
    bob, mod = await world.person("bob"), await world.moderator()
    assert (await bob.call("GET", LEDGER)).status_code == 403
    assert (await bob.call("GET", f"{LEDGER}/1")).status_code == 403
    assert (await world.client.get(LEDGER)).status_code == 401
    assert (await mod.call("GET", f"{LEDGER}/1")).status_code == 404
    response = await mod.call("GET", LEDGER, params={"account_id": "77"})
    assert (response.status_code, "There is no account" in response.text) == (404, True)


async def test_an_answer_to_a_report_freezes_its_evidence(world: World) -> None:
    ann, bob, mod = await world.person("ann"), await world.person("bob"), await world.moderator()
    await ann.follow(bob)
    status = await bob.status("buy my amphorae")
    report = await ann.post(
        "/api/v1/reports", account_id=bob.id, status_ids=[status["id"]], category="legal"
    )
    await mod.post(f"{ADMIN}/{bob.id}/action", type="suspend", text="a", report_id=report["id"])
    (entry,) = await mod.get(LEDGER)
    evidence = entry["about"]["evidence"]
    assert (evidence["report"], evidence["category"]) == (report["id"], "legal")
    (frozen,) = evidence["statuses"]
    assert frozen["status"] == status["id"]
    assert "amphorae" not in json.dumps(entry)
    with world.store.read() as snap:
        stored = snap.reports.get(int(report["id"]))
        assert stored is not None
        assert ledger.evidence(stored)["statuses"] == [frozen]
    assert entry["about"]["figures"] == {"followers": 1, "following": 0, "statuses": 1}


async def test_a_legal_statement_is_said_when_acting(world: World) -> None:
    bob, mod = await world.person("bob"), await world.moderator()
    said: dict[str, Any] = {
        "category": "STATEMENT_CATEGORY_SCAMS_AND_FRAUD",
        "content_type": ["CONTENT_TYPE_TEXT"],
        "legal_ground": "Criminal Code, section 263",
        "explanation": "Nobody got what they paid for.",
    }
    path = f"{ADMIN}/{bob.id}/action"
    response = await mod.call(
        "POST", path, json={"type": "suspend", "text": "a", "statement": {"category": "NONSENSE"}}
    )
    assert response.status_code == 422
    assert "Category cannot be NONSENSE" in response.json()["error"]
    await mod.post(path, type="suspend", text="Fraud\nSold what was not there.", statement=said)
    form = {
        "type": "silence",
        "text": "Fraud",
        "statement[content_type][]": "CONTENT_TYPE_TEXT",
    }
    assert (await mod.call("POST", path, data=form)).status_code == 200
    with world.store.read() as snap:
        whole, lacks = [found for _, found in statements.between(snap)]
    assert whole.lacking == ()
    assert whole.body["illegal_content_legal_ground"] == "Criminal Code, section 263"
    assert whole.body["decision_facts"] == "Fraud\nSold what was not there."
    assert whole.puid != lacks.puid
    assert lacks.body["content_type"] == ["CONTENT_TYPE_TEXT"]
    assert {flaw.field for flaw in lacks.lacking} == {
        "decision_facts",
        "incompatible_content_explanation",
    }


async def test_statements_come_in_lots_and_only_of_decisions_that_need_one(world: World) -> None:
    people = [await world.person(f"p{number}") for number in range(3)]
    mod = await world.moderator()
    for number in range(205):
        await enforcing.act(
            world.ctx,
            moderator=mod.ordinal,
            target=people[number % 2].ordinal,
            kind=enforcing.ActionKind.LIMIT,
            ground="spam",
            text="The facts.",
        )
    await account_deletion.delete_account(world.ctx, by=people[2].ordinal, target=people[2].ordinal)
    with world.store.read() as snap:
        found = [statement for _, statement in statements.between(snap)]
        lots = list(statements.batches(iter(found)))
    assert [len(lot) for lot in lots] == [100, 100, 5]
    assert len({body["puid"] for lot in lots for body in lot}) == 205


async def test_the_clock_and_deletion_write_their_entries_as_well(world: World) -> None:
    ann, bob, mod = await world.person("ann"), await world.person("bob"), await world.moderator()
    await enforcing.suspend(
        world.ctx,
        moderator=mod.ordinal,
        target=bob.ordinal,
        ground="spam",
        until=world.clock.now() + 1000,
    )
    world.clock.advance(2000)
    await enforcing.record_expired(world.ctx)
    await account_deletion.delete_account(world.ctx, by=mod.ordinal, target=ann.ordinal)
    with world.store.read() as snap:
        entries = list(snap.ledger.iterate())
    kinds = [(one.kind, one.about.get("reason") or one.about.get("type")) for one in entries]
    assert kinds == [
        (LedgerKind.ACTION, "suspend"),
        (LedgerKind.LIFTING, "expired"),
        (LedgerKind.ACTION, "delete"),
    ]
    assert entries[1].moderator is None
