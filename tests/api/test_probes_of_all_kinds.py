"""Accounts and followers of every kind are confirmed without a false alarm."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from tests.api.probed import Told
from tests.api.world import Person, World

from rostra.app import build
from rostra.domain.enforcement import ActionKind
from rostra.domain.probes import PASS_PURPOSE
from rostra.services import probing
from rostra.services.moderation import enforcing
from rostra.services.social_graph import relationships
from rostra.testing.app_visitors import AppVisitors


async def confirmed(
    world: World, star: Person, planned: int | None, planned_seq: int | None = None
) -> Told:
    """Confirm an account that came back, and return what the probes said."""
    told = Told()
    world.tick()
    passed = await probing.confirm(
        world.ctx,
        account=star.ordinal,
        plan_followers=planned,
        sample=20,
        tell=told,
        planned_seq=planned_seq,
    )
    assert passed == (told.failed == [])
    return told


async def returned(world: World, star: Person) -> None:
    """Suspend an account, stage it and let it come back."""
    await world.suspend(star)
    told = Told()
    staged = await probing.stage(world.ctx, account=star.ordinal, tell=told, everything=True)
    assert (staged.passed, told.failed) == (True, [])
    await world.reinstate(star)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"locked": True},
        {"bot": True, "discoverable": False},
        {"hide_collections": True},
        {"display_name": "<b>Star</b> & Co", "note": "of @nobody https://star.example"},
    ],
)
async def test_accounts_of_every_kind(world: World, fields: dict[str, Any]) -> None:
    star = await world.person("Star_1", **fields)
    await returned(world, star)
    assert (await confirmed(world, star, 0)).failed == []
    (fan,) = await world.people("fan")
    await relationships.follow(world.ctx, actor=fan.ordinal, target=star.ordinal)
    if fields.get("locked"):
        await star.post(f"/api/v1/follow_requests/{fan.id}/authorize")
    await returned(world, star)
    assert (await confirmed(world, star, 1)).failed == []


async def test_followers_of_every_kind(world: World) -> None:
    (star,) = await world.people("star")
    names = ("plain", "muting", "sorting", "choosy", "limited", "frozen", "gone", "filtering")
    fans = dict(zip(names, await world.people(*names), strict=True))
    for fan in fans.values():
        await fan.follow(star)
    await fans["muting"].post(f"/api/v1/accounts/{star.id}/mute")
    apart = await fans["sorting"].post("/api/v1/lists", title="apart", exclusive=True)
    await fans["sorting"].post(f"/api/v1/lists/{apart['id']}/accounts", account_ids=[star.id])
    await fans["choosy"].follow(star, languages=["eo"], reblogs=False)
    await fans["filtering"].post(
        "/api/v2/filters",
        title="all",
        context=["home"],
        filter_action="hide",
        keywords_attributes=[{"keyword": "back", "whole_word": False}],
    )
    for name, kind in (("limited", ActionKind.LIMIT), ("frozen", ActionKind.FREEZE)):
        await enforcing.act(
            world.ctx, moderator=None, target=fans[name].ordinal, kind=kind, ground="rude"
        )
    await world.suspend(fans["gone"])
    (other,) = await world.people("other")
    told = await star.status("back", language="en")
    for text, more in (
        ("@muting hello", {}),
        ("to followers", {"visibility": "private"}),
        ("@plain alone", {"visibility": "direct"}),
        ("quietly", {"visibility": "unlisted"}),
        ("more", {"in_reply_to_id": told["id"]}),
    ):
        world.tick()
        await star.status(text, **more)
    said = await other.status("to be boosted")
    await star.post(f"/api/v1/statuses/{said['id']}/reblog")
    await returned(world, star)
    told = await confirmed(world, star, len(fans) - 1)
    assert told.failed == []
    home = next(probe for probe in told.probes if probe.name == "home")
    assert "stand at their places" in home.said


async def test_a_locked_star_with_dormant_followers_and_veils(world: World) -> None:
    star = await world.person("star", locked=True)
    fan, other = await world.people("fan", "other")
    for one in (fan, other):
        await one.follow(star)
        await star.post(f"/api/v1/follow_requests/{one.id}/authorize")
    await world.suspend(fan)
    world.tick(40 * 86_400_000)
    star.token = await world.token(star.ordinal)
    await star.status("for followers alone", visibility="private")
    await world.reinstate(fan)
    await star.post(f"/api/v1/follow_requests/{fan.id}/authorize")
    await returned(world, star)
    assert (await confirmed(world, star, 2)).failed == []


async def test_limited_accounts_and_those_that_block_the_servers_own(world: World) -> None:
    star, fan = await world.people("star", "fan")
    await fan.follow(star)
    await star.status("hello")
    await returned(world, star)
    with world.store.read() as snap:
        service = snap.access.service_account()
    assert service is not None
    await relationships.block(world.ctx, actor=star.ordinal, target=service)
    await enforcing.act(
        world.ctx, moderator=None, target=star.ordinal, kind=ActionKind.LIMIT, ground="rude"
    )
    told = await confirmed(world, star, 1)
    assert told.failed == []
    assert any("not tried" in probe.said for probe in told.probes)


async def test_a_difference_to_the_plan_is_explained_or_fails(world: World) -> None:
    star, fan, other = await world.people("star", "fan", "other")
    await fan.follow(star)
    await other.follow(star)
    await returned(world, star)
    await fan.post(f"/api/v1/accounts/{star.id}/unfollow")
    told = await confirmed(world, star, 2)
    assert told.failed == []
    (plan,) = [probe for probe in told.probes if probe.name == "plan"]
    assert "1 left (@fan)" in plan.said
    (plan,) = (await confirmed(world, star, 7)).failed
    assert plan.name == "plan"
    assert "-6" in plan.said


async def test_who_left_before_others_came_back_with_the_account_explains_a_difference(
    world: World,
) -> None:
    """Of an amnesty, whose plan reckons with followers that it lets come back as well."""
    star, fan, other, third = await world.people("star", "fan", "other", "third")
    for one in (fan, other, third):
        await one.follow(star)
    for one in (star, other, third):
        await world.suspend(one)
    with world.store.read() as snap:
        planned_seq = snap.seq
    await fan.post(f"/api/v1/accounts/{star.id}/unfollow")
    for one in (star, other, third):
        await world.reinstate(one)
    told = await confirmed(world, star, 3, planned_seq)
    assert told.failed == []
    (plan,) = [probe for probe in told.probes if probe.name == "plan"]
    assert "1 left (@fan)" in plan.said
    assert [probe.name for probe in (await confirmed(world, star, 4, planned_seq)).failed] == [
        "plan"
    ]


async def test_a_plan_from_before_the_feed_begins_is_no_alarm(world: World) -> None:
    star, fan, other = await world.people("star", "fan", "other")
    await fan.follow(star)
    await other.follow(star)
    await world.suspend(star)
    with world.store.read() as snap:
        planned_seq = snap.seq
    await fan.post(f"/api/v1/accounts/{star.id}/unfollow")
    await world.reinstate(star)
    assert [probe.name for probe in (await confirmed(world, star, 7, planned_seq)).failed] == [
        "plan"
    ]
    await world.store.write(
        lambda tx: tx.database.run("DELETE FROM feed WHERE seq <= ?", (planned_seq + 2,))
    )
    told = await confirmed(world, star, 2, planned_seq)
    assert told.failed == []
    (plan,) = [probe for probe in told.probes if probe.name == "plan"]
    assert plan.said.endswith("who came and went since then is not known so far back")


async def test_a_worker_that_is_not_met_fails_and_says_so(world: World) -> None:
    (star,) = await world.people("star")
    pass_ = world.store.secret(PASS_PURPOSE).hex()
    apps = {"0": build(world.ctx, 0)}
    visitors = AppVisitors(apps, "https://here.example", pass_, missing=("1",))
    ctx = replace(world.ctx, visitors=visitors)
    told = Told()
    staged = await probing.stage(ctx, account=star.ordinal, tell=told)
    assert not staged.passed
    assert [(probe.name, probe.worker) for probe in told.failed] == [("workers", "1")]
    told = Told()
    assert not await probing.confirm(
        ctx, account=star.ordinal, plan_followers=None, sample=5, tell=told
    )
    assert {probe.name for probe in told.probes} == {"workers"}


async def test_nobody_but_the_server_is_let_to_the_staging(world: World) -> None:
    mod = await world.moderator()
    path = f"/api/rostra/v1/staging/{mod.id}"
    assert (await mod.call("POST", path)).status_code == 404
    wrong = {"x-rostra-probe": "0" * 64}
    assert (await mod.call("POST", path, headers=wrong)).status_code == 404
    right = {"x-rostra-probe": world.store.secret(PASS_PURPOSE).hex()}
    assert (await mod.call("POST", path, headers=right)).status_code == 200
