"""Every operation with input nobody should send: whatever comes, the answer is never a 5xx."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.api.prey import ODD, Prey, addresses

from rostra.api import wellknown
from rostra.api.extension import routes as extension
from rostra.api.mastodon.routes import routes
from rostra.api.oauth import tokens
from rostra.api.operation import Operation, Resource, group

Address = tuple[str, str, Operation[Any]]

ROUTES = [*routes(), *group("/rostra/v1", *extension.routes())]
ADDRESSES: list[Address] = [
    (method, path, operation)
    for path, route in addresses([*group("/api", *ROUTES), *tokens.ROUTES, *wellknown.ROUTES])
    if isinstance(route.endpoint, Resource)
    for method, operation in route.endpoint.operations.items()
]
NAMES = sorted(
    {
        field.encode_name
        for _, _, operation in ADDRESSES
        for field in msgspec.structs.fields(operation.parameters)
    }
    | {"poll[options][]", "poll[expires_in]", "source[privacy]", "fields_attributes[0][name]", ""}
)

ids = st.sampled_from(["1", "0", "9" * 18, "9" * 19, str(2**63), str(2**64), "9" * 400])
texts = st.one_of(
    st.text(max_size=20),
    ids,
    st.sampled_from(
        [
            "",
            "true",
            "-1",
            "1.5",
            "NaN",
            "1e999",
            "\x00",
            "\ud7ff",
            "٣",
            "%",
            "a" * 3000,
            "public",
            "direct",
            "suspend",
            "2030-01-01",
            "code",
            "client_credentials",
            "urn:x",
            "@",
            "#",
        ]
    ),
)
values = st.recursive(
    st.one_of(texts, st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=5,
)
bodies = st.dictionaries(st.sampled_from(NAMES), values, max_size=6)
fields = st.lists(
    st.tuples(
        st.sampled_from(NAMES), st.sampled_from(["", "[]", "[0]", "[a]", "[][b]", "["]), texts
    ),
    max_size=6,
)
raw = st.one_of(
    st.binary(max_size=60), st.sampled_from([b"{", b"[[[[", b"\xff", b'{"a":"\\ud800"}'])
)


@pytest.fixture(scope="module")
def prey() -> Iterator[Prey]:
    prey = Prey()
    yield prey
    prey.close()


def check(answer: httpx2.Response) -> None:
    """An answer in order: no fault of the server, and JSON that says what is wrong."""
    untranslated = answer.status_code == 503 and answer.request.url.path.endswith("/translate")
    assert answer.status_code < 500 or untranslated, (answer.request.url, answer.text)
    if answer.status_code >= 400 and answer.request.method != "HEAD":
        assert isinstance(answer.json()["error"], str)


GARBAGE: list[Any] = [
    None,
    "",
    "\x00",
    "a" * 3000,
    -1,
    2**70,
    1e308,
    True,
    [],
    ["9" * 19, None],
    {"a": {"b": []}},
    "2030-01-01",
]


@pytest.mark.parametrize("address", ADDRESSES, ids=lambda address: f"{address[0]} {address[1]}")
def test_every_operation_with_every_kind_of_garbage(prey: Prey, address: Address) -> None:
    """Each operation is reached: at what is there and what is not, with all of its parameters."""
    method, path, operation = address
    names = [field.encode_name for field in msgspec.structs.fields(operation.parameters)]
    for number, odd in ((0, ""), (1, ""), (2, ""), *((3, odd) for odd in ODD)):
        prey.whole()
        check(prey.send(method, prey.filled(path, number, odd)))
    for value in GARBAGE:
        prey.whole()
        where = prey.filled(path, 0)
        body = dict.fromkeys(names, value)
        check(prey.send(method, where, json=body))
        check(prey.send(method, where, params={name: str(value)[:200] for name in names}))
        check(prey.send(method, where, data={f"{name}[]": str(value) for name in names}))


steady = settings(
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
address = st.sampled_from(ADDRESSES)


@steady
@given(address, st.integers(0, 4), texts, fields)
def test_queries_and_forms(
    prey: Prey, address: Address, number: int, odd: str, given_: list[tuple[str, str, str]]
) -> None:
    prey.whole()
    method, path, _ = address
    pairs = [(name + suffix, value) for name, suffix, value in given_]
    encoded = httpx2.QueryParams(pairs)
    where = prey.filled(path, number, odd)
    check(prey.send(method, where, params=encoded))
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    check(prey.send(method, where, content=str(encoded).encode(), headers=headers))


@steady
@given(address, st.integers(0, 4), texts, bodies)
def test_json_bodies(
    prey: Prey, address: Address, number: int, odd: str, body: dict[str, Any]
) -> None:
    prey.whole()
    method, path, _ = address
    content = json.dumps(body).encode("utf-8", "surrogatepass")
    headers = {"Content-Type": "application/json"}
    where = prey.filled(path, number, odd)
    check(prey.send(method, where, content=content, headers=headers))


@steady
@given(
    address,
    st.sampled_from(["application/json", "multipart/form-data; boundary=x", "text/plain", ""]),
    raw,
)
def test_bytes(prey: Prey, address: Address, content_type: str, body: bytes) -> None:
    prey.whole()
    method, path, _ = address
    headers = {"Content-Type": content_type}
    check(prey.send(method, prey.filled(path, 0), content=body, headers=headers))


@steady
@given(st.sampled_from(["GET", "HEAD", "PUT", "TRACE", "OPTIONS", "X"]), st.text(max_size=30))
def test_any_address(prey: Prey, method: str, path: str) -> None:
    escaped = "".join(f"%{byte:02x}" for byte in path.encode("utf-8", "surrogatepass"))
    check(prey.send(method, f"/api/v1/{escaped}"))
    answer = prey.send(method, f"/{escaped}")
    assert answer.status_code < 500
