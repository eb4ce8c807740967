"""Roles on the page of an account in the moderation: given by owners alone, who never run out."""

from __future__ import annotations

from html import unescape

import httpx2
import pytest
from tests.api.test_report_pages import browser_of, post
from tests.api.test_sign_in import csrf_of
from tests.api.world import World

from rostra.domain.accounts import Account, Role
from rostra.domain.ledger import LedgerKind
from rostra.services.membership import account_deletion
from rostra.services.moderation import enforcing
from rostra.services.probing import lending


async def give(
    browser: httpx2.AsyncClient, account: Account, role: str, **headers: str
) -> httpx2.Response:
    page = f"/admin/accounts/{account.id}"
    form = {"csrf": csrf_of(await browser.get(page)), "role": role}
    return await browser.post(f"{page}/role", data=form, headers=headers)


def role_of(world: World, account: Account) -> Role:
    with world.store.read() as snap:
        found = snap.accounts.get(account.ordinal)
    assert found
    return found.role


async def test_an_owner_gives_and_takes_roles_and_the_record_has_it(world: World) -> None:
    owner, boss = await browser_of(world, "boss", role=Role.OWNER)
    ann = await world.citizen("ann")
    page = f"/admin/accounts/{ann.id}"
    shown = (await owner.get(page)).text
    assert 'name="role" value="user" required checked' in shown
    done = await give(owner, ann, "moderator")
    assert (done.status_code, done.headers["location"]) == (303, page)
    assert role_of(world, ann) is Role.MODERATOR
    shown = (await owner.get(page)).text
    assert 'name="role" value="moderator" required checked' in shown
    for words in ("Role changed", "user → moderator", "by @boss", ">moderator</span>"):
        assert words in shown, words
    german = (await owner.get(page, headers={"accept-language": "de"})).text
    assert "Nutzer → Moderation" in german
    with world.store.read() as snap:
        (entry,) = snap.ledger.page(account=ann.ordinal, limit=5)
    assert (entry.kind, entry.moderator) == (LedgerKind.ROLE_CHANGED, boss.ordinal)
    told = await give(owner, ann, "user", **{"hx-request": "true"})
    assert "@ann has no role now." in told.text
    assert role_of(world, ann) is Role.USER


async def test_who_is_no_owner_neither_sees_the_form_nor_gets_by_without(world: World) -> None:
    mod, me = await browser_of(world, "mod", role=Role.MODERATOR)
    person, _ = await browser_of(world, "person")
    ann = await world.citizen("ann")
    shown = (await mod.get(f"/admin/accounts/{ann.id}")).text
    assert "/role" not in shown
    for account in (ann, me):
        answer = await give(mod, account, "owner")
        assert (answer.status_code, "Only an owner may change roles" in answer.text) == (403, True)
    token = csrf_of(await person.get("/settings/transfer"))
    form = {"csrf": token, "role": "moderator"}
    assert (await person.post(f"/admin/accounts/{ann.id}/role", data=form)).status_code == 403
    assert role_of(world, ann) is Role.USER
    assert role_of(world, me) is Role.MODERATOR


@pytest.mark.parametrize("role", ["", "admin", "2", "OWNER "])
async def test_what_is_no_role_is_refused(world: World, role: str) -> None:
    owner, _ = await browser_of(world, "boss", role=Role.OWNER)
    ann = await world.citizen("ann")
    answer = await give(owner, ann, role)
    assert (answer.status_code, "Choose the role it is to have" in answer.text) == (422, True)
    assert role_of(world, ann) is Role.USER


async def test_a_form_from_elsewhere_gives_no_role(world: World) -> None:
    owner, _ = await browser_of(world, "boss", role=Role.OWNER)
    ann = await world.citizen("ann")
    sent = await owner.post(f"/admin/accounts/{ann.id}/role", data={"role": "owner"})
    assert sent.status_code == 403
    assert role_of(world, ann) is Role.USER


async def test_the_last_owner_who_may_act_stays_one(world: World) -> None:
    owner, boss = await browser_of(world, "boss", role=Role.OWNER)
    other = await world.citizen("other", role=Role.OWNER)
    await enforcing.suspend(world.ctx, moderator=None, target=other.ordinal, ground="away")
    answer = await give(owner, boss, "user")
    assert answer.status_code == 409
    assert "@boss is the only owner who may act: make somebody else one first" in answer.text
    assert 'name="role" value="user" required checked' in answer.text  # as it was chosen
    assert role_of(world, boss) is Role.OWNER


async def test_an_owner_beside_others_may_step_down(world: World) -> None:
    owner, boss = await browser_of(world, "boss", role=Role.OWNER)
    await world.citizen("other", role=Role.OWNER)
    told = await give(owner, boss, "moderator", **{"hx-request": "true"})
    assert "@boss is a moderator now." in told.text
    assert "/role" not in told.text
    assert role_of(world, boss) is Role.MODERATOR
    again = await give(owner, boss, "owner")
    assert again.status_code == 403


async def test_who_gave_up_all_roles_goes_home(world: World) -> None:
    owner, boss = await browser_of(world, "boss", role=Role.OWNER)
    await world.citizen("other", role=Role.OWNER)
    done = await give(owner, boss, "user")
    assert (done.status_code, done.headers["location"]) == (303, "/home")
    assert (await owner.get("/admin")).status_code == 403


async def test_what_is_nobodys_account_is_given_no_role(world: World) -> None:
    owner, _ = await browser_of(world, "boss", role=Role.OWNER)
    ann = await world.citizen("ann")
    page = f"/admin/accounts/{ann.id}"
    own = await lending.service_account(world.ctx)
    refused = await give(owner, own, "moderator")
    assert (refused.status_code, "the server's own account" in unescape(refused.text)) == (
        403,
        True,
    )
    assert (await post(owner, page, "/admin/accounts/1/role", role="owner")).status_code == 404
    await account_deletion.delete_account(world.ctx, by=None, target=ann.ordinal)
    shown = await owner.get(page)
    assert f"{page}/role" not in shown.text
    form = {"csrf": csrf_of(shown), "role": "owner"}
    assert (await owner.post(f"{page}/role", data=form)).status_code == 404
    assert role_of(world, ann) is Role.USER
