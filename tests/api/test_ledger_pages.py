"""The record of an account on the page of moderators, and statements of reasons on both sides."""

from __future__ import annotations

import json

import httpx2
import pytest
from tests.api.test_report_pages import browser_of, post
from tests.api.test_sign_in import sign_in
from tests.api.world import World

from rostra.domain.accounts import Account, Role
from rostra.domain.decision_polls import Void
from rostra.domain.enforcement import ActionKind, LiftReason
from rostra.domain.ledger import START, LedgerKind, canonical, digest, sealed
from rostra.language import i18n
from rostra.ports import Transaction
from rostra.services.membership import account_deletion
from rostra.services.moderation import enforcing, labels, ledger, lifting
from rostra.web import record


async def suspended(world: World) -> tuple[httpx2.AsyncClient, Account, Account]:
    """Return a moderator's browser, the moderator, and an account with much behind it."""
    browser, mod = await browser_of(world, "mod", role=Role.MODERATOR)
    bob = await world.citizen("bob")
    who = {"moderator": mod.ordinal, "target": bob.ordinal}
    await enforcing.act(world.ctx, **who, kind=ActionKind.NONE, ground="Tone")
    taken = await enforcing.suspend(world.ctx, **who, ground="Spam", text="<b>120</b> times")
    world.tick()
    await enforcing.reinstate(world.ctx, **who, reason=LiftReason.AMNESTY)

    def roll_back(tx: Transaction) -> None:
        about = {"run": "77", "said": "the follower count differs"}
        ledger.record(
            tx,
            kind=LedgerKind.RUN_ROLLED_BACK,
            account=bob.ordinal,
            moderator=mod.ordinal,
            about=about,
        )
        lifting.restore_in(tx, world.settings, actions=[taken], moderator=None, about={"run": "77"})

    world.tick()
    await world.store.write(roll_back)
    return browser, mod, bob


async def test_the_record_says_what_happened_so_that_a_person_understands(world: World) -> None:
    browser, _, bob = await suspended(world)
    page = (await browser.get(f"/admin/accounts/{bob.id}")).text
    shown = page.split('id="record"')[1].split("</ol>")[0]
    expected = [
        "Suspended",
        "in force",
        "Taken again, since a reinstatement was rolled back; it adds no strike.",
        "by the server",
        "Reinstatement taken back",
        "the follower count differs",
        'href="/admin/reinstatements/77"',
        "Suspension lifted",
        "An act of grace; the strike stands, marked so.",
        "amnesty",
        "&lt;b&gt;120&lt;/b&gt; times",
        "At the time: 0 followers, 0 posts",
        "Warned",
        "by @mod",
    ]
    places = [shown.find(words) for words in expected]
    assert -1 not in places, expected[places.index(-1)]
    assert shown.find("Suspended") < shown.find("Suspension lifted") < shown.find("Warned")
    assert '<span id="strikes">2</span>' in page


async def test_row_strikes_are_shown_and_voided(world: World) -> None:
    """Row "Strikes": overturned is void, and the page counts what stands and what grace marked."""
    browser, mod, bob = await suspended(world)
    who = {"moderator": mod.ordinal, "target": bob.ordinal}
    await enforcing.reinstate(world.ctx, **who, reason=LiftReason.AMNESTY)
    page = (await browser.get(f"/admin/accounts/{bob.id}")).text
    assert '<span id="strikes">2</span>' in page
    assert "1 of them with grace shown" in page
    assert "strike, grace shown" in page
    world.tick()
    await enforcing.suspend(world.ctx, **who, ground="A mistake")
    await enforcing.reinstate(world.ctx, **who, reason=LiftReason.OVERTURNED)
    page = (await browser.get(f"/admin/accounts/{bob.id}")).text
    assert '<span id="strikes">2</span>' in page
    assert "no strike" in page


async def test_a_long_record_goes_on(world: World) -> None:
    browser, mod = await browser_of(world, "mod", role=Role.MODERATOR)
    bob = await world.citizen("bob")

    def many(tx: Transaction) -> None:
        for number in range(45):
            about = {"note": f"remark {number}"}
            ledger.record(
                tx,
                kind=LedgerKind.REMARK,
                account=bob.ordinal,
                moderator=mod.ordinal,
                about=about,
            )

    await world.store.write(many)
    first = (await browser.get(f"/admin/accounts/{bob.id}")).text
    assert "remark 44" in first
    assert "remark 4<" not in first
    rest = (await browser.get(f"/admin/accounts/{bob.id}?before=6")).text
    assert f"/admin/accounts/{bob.id}?before=6#" in first
    assert "remark 4<" in rest
    assert "remark 5<" not in rest
    assert "Older entries" not in rest


async def test_what_the_law_asks_is_said_in_the_form_and_read_by_the_person(world: World) -> None:
    browser, _ = await browser_of(world, "mod", role=Role.MODERATOR)
    bob = await world.citizen("bob")
    page = f"/admin/accounts/{bob.id}"
    form = {
        "ground": "Fraud",
        "text": "Sold what was not there.",
        "category": "STATEMENT_CATEGORY_SCAMS_AND_FRAUD",
        "content_type": "CONTENT_TYPE_TEXT",
        "content_date": "2025-12-24",
        "legal_ground": "Criminal Code, section 263",
        "explanation": "Who pays must get what was promised.",
    }
    refused = await post(browser, page, f"{page}/suspend", **form | {"category": "NONSENSE"})
    assert refused.status_code == 422
    assert "Category cannot be NONSENSE" in refused.text
    assert 'value="Criminal Code, section 263"' in refused.text
    done = await post(browser, page, f"{page}/suspend", **form)
    assert done.status_code == 303
    with world.store.read() as snap:
        (entry,) = snap.ledger.page(account=bob.ordinal, limit=2)
    assert entry.about["statement"]["content_date"] == "2025-12-24"

    own = world.browser()
    await sign_in(own, "bob")
    standing = (await own.get("/auth/standing")).text
    for words in (
        "Statement of reasons",
        "Criminal Code, section 263",
        "Who pays must get what was promised.",
        "A person decided.",
        "settlement of disputes",
        f"rostra-{entry.about['action']}",
    ):
        assert words in standing, words
    await own.aclose()


@pytest.mark.parametrize("tag", ["en", "de"])
def test_every_kind_of_entry_has_a_title_in_each_language(tag: str) -> None:
    with i18n.speaking(i18n.language(tag)):
        titles = {kind: i18n.gettext(title) for kind, title in record.TITLES.items()}
    assert set(titles) == set(LedgerKind) - {LedgerKind.ACTION, LedgerKind.LIFTING}
    if tag == "de":
        assert all(titles[kind] != record.TITLES[kind] for kind in titles)
    assert set(record.TAKEN) == {kind.label for kind in ActionKind}
    assert set(record.REASONS) == set(record.ENDED) == set(LiftReason)


async def test_the_ledger_of_the_whole_server_is_listed_and_taken_along(world: World) -> None:
    browser, mod, bob = await suspended(world)
    ann = await world.citizen("ann")
    await labels.give(world.ctx, moderator=mod.ordinal, target=ann.ordinal, name="press")
    page = (await browser.get("/admin/ledger")).text
    shown = page.split('id="record"')[1].split("</ol>")[0]
    assert shown.index("Label given") < shown.index("Reinstatement taken back")
    assert f'<a href="/admin/accounts/{ann.id}">@ann</a>' in shown
    assert "Label given" not in (await browser.get("/admin/ledger?max_id=3")).text

    whole = await browser.get("/admin/ledger/export.jsonl")
    assert "ledger.jsonl" in whole.headers["content-disposition"]
    *lines, end = [json.loads(line) for line in whole.text.splitlines()]
    assert (end["whole"], end["entries"]) == (True, len(lines))
    hashes = [bytes.fromhex(line["hash"]) for line in lines]
    befores = [START, *hashes[:-1]]
    contents = [digest(canonical(line["entry"])) for line in lines]
    assert [sealed(*pair) for pair in zip(befores, contents, strict=True)] == hashes

    about = await browser.get(f"/admin/ledger/export.csv?account={bob.id}")
    assert about.headers["content-type"].startswith("text/csv")
    assert ("press" in about.text, "Spam" in about.text) == (False, True)
    assert f"export.csv?account={bob.id}" in (await browser.get(f"/admin/accounts/{bob.id}")).text
    assert (await browser.get("/admin/ledger/export.xml")).status_code == 404
    assert (await browser.get("/admin/ledger/export.csv?account=12")).status_code == 404
    other, _ = await browser_of(world, "eve")
    for path in ("/admin/ledger", "/admin/ledger/export.jsonl"):
        assert (await other.get(path)).status_code == 403


async def test_the_record_says_what_a_poll_came_to(world: World) -> None:
    """Who reads the ledger learns what was asked, what it came to, and why one was undone."""
    star, voter = await world.people("star", "voter")
    mod = await world.moderator()
    await world.suspend(star)
    ids = []
    for vote, share in (("0", "66.67"), ("1", "50")):
        asked = {"options": ["Return", "Stay"], "expires_in": 3600}
        poll = await mod.status(f"Should @star return? {share}", poll=asked)
        given = {"poll_id": poll["id"], "account_id": star.id, "share": share}
        made = await mod.post("/api/rostra/v1/decisions", **given)
        await voter.post(f"/api/v1/polls/{poll['poll']['id']}/votes", choices=[vote])
        world.clock.advance(3_600_000)
        await world.jobs()
        await mod.post(f"/api/rostra/v1/decisions/{made['id']}/unbind", why="<i>A mistake</i>")
        ids.append(made["id"])
    with world.ctx.store.read() as snap:
        told = record.lines(snap, snap.ledger.page(account=star.ordinal, limit=10))
    by_title = {line.title: line for line in told[::-1] if f"/{ids[0]}" in str(line.links)}
    assert by_title["Decision left to a poll"].noted[0] == (
        "It takes 66.67% of the votes for “Return”, and at least 1 vote."
    )
    assert by_title["Decision left to a poll"].noted[1].startswith("Closes on ")
    decided = [line.noted for line in told if line.title == "Poll decided"]
    assert decided == [
        ("It did not decide for it.", "0 of 1 vote for it (0%)"),
        ("It decided for it.", "1 of 1 vote for it (100%)"),
    ]
    assert by_title["Decision taken back from a poll"].said == ("<i>A mistake</i>",)
    assert by_title["Poll decided"].links == (
        (f"Poll that decides, {ids[0]}", f"/admin/decisions/{ids[0]}"),
    )


async def test_the_record_says_why_a_poll_decides_nothing(world: World) -> None:
    star = await world.person("star")
    mod = await world.moderator()
    await world.suspend(star)
    asked = {"options": ["Return", "Stay"], "expires_in": 3600}
    poll = await mod.status("Should @star return?", poll=asked)
    given = {"poll_id": poll["id"], "account_id": star.id, "share": "50"}
    await mod.post("/api/rostra/v1/decisions", **given)
    await mod.call("DELETE", f"/api/v1/statuses/{poll['id']}")
    with world.ctx.store.read() as snap:
        told = record.lines(snap, snap.ledger.page(account=star.ordinal, limit=1))
    assert [(line.title, line.noted) for line in told] == [
        ("Poll void", ("The poll was deleted before it closed.",))
    ]
    assert set(record.VOID) == set(Void)


async def test_the_record_says_who_deleted_an_account_in_the_language_of_who_reads(
    world: World,
) -> None:
    mod, _ = await browser_of(world, "mod", role=Role.MODERATOR)
    star = await world.person("star")
    await account_deletion.delete_account(world.ctx, by=star.ordinal, target=star.ordinal)
    assert "deleted by its owner" in (await mod.get("/admin/ledger")).text
    mod.cookies.set("rostra_lang", "de")
    assert "von der Person selbst gelöscht" in (await mod.get("/admin/ledger")).text
    await mod.aclose()
