"""Every page and every form with input nobody should send: whatever comes, it is never a 5xx."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.routing import BaseRoute, Route
from tests.api.prey import ODD, Prey, addresses
from tests.api.world import World

import rostra.web
from rostra.api.operation import Resource

METHODS = ("GET", "POST")
WEB = Path(rostra.web.__file__).parent
FIELDS = sorted(
    {
        name
        for pattern, file in (
            (r'name="([a-z_\[\]0-9]+)"', "*.html"),
            (r'(?:form|query_params)(?:\.get\(|\[)"([a-z_\[\]0-9]+)"', "*.py"),
        )
        for source in (*WEB.rglob(file), *(WEB.parent / "api" / "oauth").rglob(file))
        for name in re.findall(pattern, source.read_text(encoding="utf-8"))
    }
    - {"csrf"}
    | {"max_id", "min_id", "since_id"}
)
"""The names of everything that pages and forms are sent."""

GARBAGE = ("", "\x00", "a" * 3000, "-1", "9" * 19, "NaN", "٣", "2030-13-45", "//evil.example", "on")


def _pages() -> list[tuple[str, str]]:
    """Return (method, path) of every route of pages, from an application nobody asks anything."""
    import asyncio
    import tempfile

    async def find() -> list[tuple[str, str]]:
        with tempfile.TemporaryDirectory() as folder:
            world = World(Path(folder))
            found: list[BaseRoute] = list(world.app.app.routes)  # type: ignore[attr-defined]
            await world.close()
        return [
            (method, path)
            for path, route in addresses(found)
            if isinstance(route, Route) and not isinstance(route.endpoint, Resource)
            for method in METHODS
            if method in (route.methods or {"GET"})
        ]

    return asyncio.run(find())


PAGES = _pages()


@pytest.fixture(scope="module")
def prey() -> Iterator[Prey]:
    prey = Prey()
    yield prey
    prey.close()


def check(answer: httpx2.Response) -> None:
    """An answer in order: no fault of the server, and something for a person to read."""
    request = answer.request
    assert answer.status_code < 500, (request.method, str(request.url)[:300], answer.text[:2000])
    assert answer.status_code != 307, request.url


def test_the_pages_are_there() -> None:
    assert len(PAGES) > 150
    assert {("GET", "/"), ("GET", "/@{name}"), ("POST", "/statuses")} <= set(PAGES)
    assert {"comment", "return_to", "visibility", "max_id"} <= set(FIELDS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page[0]} {page[1]}")
def test_every_page_with_every_kind_of_garbage(prey: Prey, page: tuple[str, str]) -> None:
    method, path = page
    for number, odd in ((0, ""), (1, ""), *((3, odd) for odd in ODD)):
        prey.whole()
        form = {"csrf": prey.csrf}
        sent: dict[str, Any] = {"data": form} if method == "POST" else {}
        check(prey.visit(method, prey.filled(path, number, odd), known=True, **sent))
        if number < 1 or odd == ODD[-1]:
            check(prey.visit(method, prey.filled(path, number, odd), known=False, **sent))
    for value in GARBAGE:
        prey.whole()
        where = prey.filled(path, 0)
        fields = dict.fromkeys(FIELDS, value)
        if method == "GET":
            short = dict.fromkeys(FIELDS, value[:200])
            check(prey.visit(method, where, known=True, params=short))
        else:
            check(prey.visit(method, where, known=True, data={**fields, "csrf": prey.csrf}))
    if method == "POST":
        for headers, content in (
            ({"Content-Type": "multipart/form-data; boundary=x"}, b"--x\r\nbroken"),
            ({"Content-Type": "multipart/form-data"}, b"no boundary"),
            ({"Content-Type": "application/x-www-form-urlencoded"}, b"%\xff=%zz&&=&"),
            ({"Content-Type": "application/json"}, b'{"csrf": [1]}'),
            ({}, b"\x00" * 50),
        ):
            where = prey.filled(path, 0)
            check(prey.visit(method, where, known=True, headers=headers, content=content))
        prey.whole()
        files = {name: (f"{name}.png", b"not a picture", "image/png") for name in FIELDS}
        form = {"csrf": prey.csrf}
        check(prey.visit(method, where, known=True, data=form, files=files))


texts = st.one_of(st.text(max_size=20), st.sampled_from([*GARBAGE, *ODD]))


@settings(
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(
    st.sampled_from(PAGES),
    st.integers(0, 4),
    texts,
    st.dictionaries(st.sampled_from(FIELDS), texts, max_size=6),
    st.booleans(),
)
def test_any_form_and_query(
    prey: Prey, page: tuple[str, str], number: int, odd: str, fields: dict[str, str], known: bool
) -> None:
    prey.whole()
    method, path = page
    where = prey.filled(path, number, odd)
    encoded = {name: value.encode("utf-8", "replace").decode() for name, value in fields.items()}
    if method == "GET":
        short = {name: value[:200] for name, value in encoded.items()}
        check(prey.visit(method, where, known=known, params=short))
    else:
        check(prey.visit(method, where, known=known, data={**encoded, "csrf": prey.csrf}))
