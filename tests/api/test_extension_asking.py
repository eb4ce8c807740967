"""What operations of this server's own API say of what is missing and of what is not there."""

from __future__ import annotations

import msgspec
import pytest
from starlette.routing import Mount, Route
from tests.api.world import Person, World

from rostra.api.extension import staging
from rostra.api.extension.routes import routes
from rostra.api.operation import Operation, Resource

ROOT = "/api/rostra/v1"
NOBODY = "115816896926187520"
NEEDED = {
    ("POST", "/amnesties/{id}/approve"): {"hash"},
    ("POST", "/appeals"): {"action_id", "text"},
    ("PUT", "/appeals/{id}"): {"text"},
    ("POST", "/appeals/{id}/accept"): {"reply"},
    ("POST", "/appeals/{id}/reject"): {"reply"},
    ("POST", "/decisions"): {"poll_id", "share"},
    ("POST", "/decisions/{id}/unbind"): {"why"},
    ("POST", "/accounts/{id}/labels"): {"name"},
    ("POST", "/reinstatements"): {"plan", "reason"},
    ("POST", "/reinstatements/plans"): {"account_id"},
}
"""Parameters without which there is nothing to do; all others have a default."""


def operations() -> list[tuple[str, str, Operation]]:
    """Return (method, path, operation) of all that people may ask."""
    found = []
    for route in routes():
        inside = route.routes if isinstance(route, Mount) else [route]
        prefix = route.path if isinstance(route, Mount) else ""
        for each in inside:
            assert isinstance(each, Route)
            assert isinstance(each.app, Resource)
            for method, operation in each.app.operations.items():
                found.append((method, prefix + each.path, operation))
    own = {route.path for route in staging.ROUTES if isinstance(route, Route)}
    assert len(found) > 30
    return [one for one in found if one[1] not in own]


ALL = operations()
WITH_IDS = [(method, path) for method, path, _ in ALL if "{id}" in path]
OF_ACCOUNTS = [
    (method, path)
    for method, path, operation in ALL
    if "account_id" in operation.parameters.__struct_fields__
]


def test_what_must_be_given_is_known() -> None:
    needed = {
        (method, path): {
            field.name for field in msgspec.structs.fields(operation.parameters) if field.required
        }
        for method, path, operation in ALL
    }
    assert {where: names for where, names in needed.items() if names} == NEEDED


@pytest.fixture
async def mod(world: World) -> Person:
    return await world.moderator("mod")


async def asked(mod: Person, method: str, path: str, **body: object) -> tuple[int, str]:
    answer = await mod.call(method, ROOT + path, json=body)
    return answer.status_code, answer.json().get("error", "") if answer.is_error else ""


@pytest.mark.parametrize(("method", "path"), NEEDED)
async def test_a_parameter_that_is_missing_is_named(mod: Person, method: str, path: str) -> None:
    names = NEEDED[method, path]
    path = path.replace("{id}", mod.id)
    given: dict[str, object] = {}
    while names - given.keys():
        status, error = await asked(mod, method, path, **given)
        found = error.removeprefix("Validation failed: ").removesuffix(" is missing")
        assert (status, found in names - given.keys()) == (422, True), error
        given[found] = "1"


@pytest.mark.parametrize(("method", "path"), WITH_IDS)
@pytest.mark.parametrize("id_", [NOBODY, "nothing"])
async def test_what_is_not_there_is_named(mod: Person, method: str, path: str, id_: str) -> None:
    given = dict.fromkeys(NEEDED.get((method, path), ()), "abcdefab")
    where = path.replace("{id}", id_).replace("{label}", "spam")
    status, error = await asked(mod, method, where, **given)
    assert (status, error.startswith("There is no ")) == (404, True), error
    if "/accounts/" in path:
        assert error == f"There is no account {id_}"


@pytest.mark.parametrize(("method", "path"), OF_ACCOUNTS)
@pytest.mark.parametrize("id_", [NOBODY, "nothing", "9" * 30])
async def test_an_id_of_no_account_is_told(mod: Person, method: str, path: str, id_: str) -> None:
    given = dict.fromkeys(NEEDED.get((method, path), ()), "1")
    if method == "GET":
        answer = await mod.call(method, ROOT + path, params={"account_id": id_})
        found = (answer.status_code, answer.json()["error"])
    else:
        found = await asked(mod, method, path, **{**given, "account_id": id_})
    assert found == (404, f"There is no account {id_}")
