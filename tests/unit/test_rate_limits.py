"""Rate limits: who is counted as whom, what is told, and what workers share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rostra.config import Settings, SettingsError, load
from rostra.domain.addresses import client_address, site
from rostra.edge.counters import SLOTS, Counters
from rostra.edge.rate_limits import RateLimits

NOON = 1_700_000_000.0


class Visit:
    """An application behind limits, and what it answered."""

    def __init__(self, requests: int = 3, counters: Counters | None = None) -> None:
        self.status = 200
        self.now = NOON
        self.limits = RateLimits(
            self._app,
            counters or Counters(),
            requests=requests,
            address=client_address(Settings(trusted_proxies="10.0.0.0/8").proxies),
            clock=lambda: self.now,
        )

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def __call__(
        self,
        path: str = "/api/v1/instance",
        *,
        method: str = "GET",
        token: str = "",
        client: str = "192.0.2.1",
        forwarded: str = "",
    ) -> tuple[int, dict[str, str], bytes]:
        headers = []
        if token:
            headers.append((b"authorization", f"Bearer {token}".encode()))
        if forwarded:
            headers.append((b"x-forwarded-for", forwarded.encode()))
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": headers,
            "client": (client, 1234),
        }
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            raise AssertionError("nothing was sent")

        await self.limits(scope, receive, send)
        told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], told, sent[1]["body"]


async def test_an_address_is_told_what_is_left_and_then_to_wait() -> None:
    visit = Visit()
    left = [(await visit())[1]["x-ratelimit-remaining"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    status, headers, body = await visit()
    assert status == 429
    assert headers["x-ratelimit-limit"] == "3"
    assert headers["x-ratelimit-reset"] == "2023-11-14T22:15:00.000Z"
    assert headers["retry-after"] == "100"
    assert "100 seconds" in json.loads(body)["error"]
    visit.now += 100
    assert (await visit())[0] == 200


async def test_tokens_and_addresses_are_counted_apart() -> None:
    visit = Visit(requests=1)
    assert (await visit(token="a"))[0] == 200
    assert (await visit(token="b"))[0] == 200
    assert (await visit())[0] == 200
    assert (await visit(client="192.0.2.2"))[0] == 200
    assert (await visit(token="a", client="192.0.2.2"))[0] == 429


async def test_who_makes_up_tokens_is_counted_by_address() -> None:
    visit = Visit(requests=3)
    visit.status = 401
    answers = [(await visit(token=f"made-up-{number}"))[0] for number in range(5)]
    assert answers == [401, 401, 401, 429, 429]


async def test_a_token_in_use_is_not_stopped_by_its_neighbours() -> None:
    visit = Visit(requests=3)
    assert (await visit(token="mine"))[0] == 200
    for _ in range(3):
        await visit()
    assert (await visit())[0] == 429
    assert (await visit(token="mine"))[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "limit"),
    [
        ("POST", "/api/v2/media", 30),
        ("DELETE", "/api/v1/statuses/1", 30),
        ("POST", "/api/v1/statuses/1/unreblog", 30),
        ("POST", "/api/v1/accounts", 5),
    ],
)
async def test_some_requests_have_a_limit_of_their_own(method: str, path: str, limit: int) -> None:
    visit = Visit(requests=300)
    answers = [await visit(path, method=method, token="a") for _ in range(limit + 1)]
    assert [status for status, _, _ in answers] == [200] * limit + [429]
    assert answers[0][1]["x-ratelimit-limit"] == str(limit)
    assert (await visit(token="a"))[0] == 200


async def test_pages_preflights_and_streams_are_not_counted() -> None:
    visit = Visit(requests=1)
    for _ in range(3):
        assert "x-ratelimit-limit" not in (await visit("/@somebody"))[1]
        assert (await visit(method="OPTIONS"))[0] == 200
        assert (await visit("/api/v1/streaming/user"))[0] == 200


async def test_a_proxy_is_believed_only_as_far_as_it_is_trusted() -> None:
    visit = Visit(requests=1)
    assert (await visit(client="10.0.0.1", forwarded="192.0.2.1"))[0] == 200
    assert (await visit(client="10.0.0.1", forwarded="192.0.2.2"))[0] == 200
    assert (await visit(client="10.0.0.1", forwarded="198.51.100.7, 192.0.2.2"))[0] == 429
    assert (await visit(client="192.0.2.9", forwarded="192.0.2.77"))[0] == 200
    assert (await visit(client="192.0.2.9", forwarded="192.0.2.78"))[0] == 429


def test_an_ipv6_site_is_one_visitor() -> None:
    assert site("2001:db8::1") == site("2001:db8::ffff") != site("2001:db8:0:1::1")
    assert site("::ffff:192.0.2.1") == site("192.0.2.1")
    assert site("unknown") == "unknown"


def test_processes_count_together(tmp_path: Path) -> None:
    one, other = Counters(tmp_path / "counts"), Counters(tmp_path / "counts")
    assert one.add(b"x", 7) == 1
    assert other.add(b"x", 7) == 2
    assert one.add(b"x", 7, 0) == 2
    assert one.add(b"x", 8, 0) == 0


def test_who_asks_often_is_not_forgotten_among_many() -> None:
    counters = Counters()
    for _ in range(100):
        counters.add(b"often", 1)
    for number in range(2 * SLOTS):
        counters.add(b"%d" % number, 1)
    assert counters.add(b"often", 1) == 101


def test_a_wrong_network_is_refused_by_name() -> None:
    with pytest.raises(SettingsError, match=r"trusted_proxies .* separated by commas"):
        load(environ={"ROSTRA_TRUSTED_PROXIES": "10.0.0.0/8, everybody"})
