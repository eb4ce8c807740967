"""Labels on the page of an account in the moderation."""

from __future__ import annotations

from tests.api.test_report_pages import browser_of, post
from tests.api.world import World

from rostra.domain.accounts import Role


async def test_labels_are_given_and_taken_on_the_page_of_an_account(world: World) -> None:
    browser, _ = await browser_of(world, "mod", role=Role.MODERATOR)
    anna = await world.person("anna")
    page = f"/admin/accounts/{anna.id}"
    assert "legal_hold" in (await browser.get(page)).text
    done = await post(browser, page, f"{page}/labels", label="Child_Safety")
    assert done.status_code in (200, 303)
    shown = (await browser.get(page)).text
    assert 'name="take" value="child_safety"' in shown
    assert "Label given" in shown
    wrong = await post(browser, page, f"{page}/labels", label="not a label")
    assert (wrong.status_code, "Label must be a letter" in wrong.text) == (422, True)
    assert 'value="not a label"' in wrong.text
    await post(browser, page, f"{page}/labels", take="child_safety")
    shown = (await browser.get(page)).text
    assert 'name="take"' not in shown
    assert "Label taken away" in shown
