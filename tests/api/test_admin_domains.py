"""What is decided about other domains."""

from __future__ import annotations

import pytest
from tests.api.world import World

BLOCKS = "/api/v1/admin/domain_blocks"
ALLOWS = "/api/v1/admin/domain_allows"


async def test_blocking_a_domain(world: World) -> None:
    mod = await world.moderator()
    made = await mod.post(BLOCKS, domain=" Spam.Example ", severity="suspend", reject_media=True)
    assert made["domain"] == "spam.example"
    assert (made["severity"], made["reject_media"], made["obfuscate"]) == ("suspend", True, False)
    assert len(made["digest"]) == 64
    one = f"{BLOCKS}/{made['id']}"
    assert await mod.get(BLOCKS) == [made] == [await mod.get(one)]
    changed = await mod.call("PUT", one, json={"severity": "silence", "public_comment": "why"})
    assert changed.json() == made | {"severity": "silence", "public_comment": "why"}
    again = await mod.call("POST", BLOCKS, json={"domain": "spam.example"})
    assert again.status_code == 422
    assert (await mod.call("DELETE", one)).json() == {}
    assert (await mod.call("GET", one)).status_code == 404


async def test_allowing_a_domain(world: World) -> None:
    mod = await world.moderator()
    made = await mod.post(ALLOWS, domain="bücher.example")
    assert made["domain"] == "xn--bcher-kva.example"
    assert await mod.get(f"{ALLOWS}/{made['id']}") == made
    assert (await mod.call("GET", f"{BLOCKS}/{made['id']}")).status_code == 404
    assert (await mod.call("DELETE", f"{ALLOWS}/{made['id']}")).json() == made
    assert await mod.get(ALLOWS) == []


@pytest.mark.parametrize(
    "given",
    [
        {"domain": ""},
        {"domain": "no domain"},
        {"domain": "http://spam.example"},
        {"domain": "a" * 64 + ".example"},
        {"domain": "spam.example", "severity": "much"},
        {"domain": "spam.example", "private_comment": "x" * 2001},
    ],
)
async def test_what_is_no_decision(world: World, given: dict[str, str]) -> None:
    mod = await world.moderator()
    assert (await mod.call("POST", BLOCKS, json=given)).status_code == 422
    assert await mod.get(BLOCKS) == []


async def test_nobody_but_moderators_decides(world: World) -> None:
    ann = await world.person("ann")
    for path in (BLOCKS, ALLOWS):
        assert (await ann.call("GET", path)).status_code == 403
        answer = await ann.call("POST", path, json={"domain": "spam.example"})
        assert answer.status_code == 403
