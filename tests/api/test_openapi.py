"""The document of the API: valid, whole, and true of what is answered."""

from __future__ import annotations

import re
from typing import Any

import jsonschema_rs
import msgspec
import pytest
import schemathesis
from schemathesis.specs.openapi.definitions import OPENAPI_31
from tests.api.world import World

from rostra.api.extension import routes as extension
from rostra.api.mastodon.routes import routes as mastodon
from rostra.api.openapi.document import OWN, walk
from rostra.api.openapi.examples import example
from rostra.api.openapi.routes import described
from rostra.api.openapi.words import PARAMETERS
from rostra.api.operation import Needs, Operation, group
from rostra.domain.selector_parser import parse

BEYOND = list(walk(group("/api", *group("/rostra/v1", *extension.routes()))))
MASTODON = list(walk(group("/api", *mastodon())))
DOCUMENT = described("Here", "https://here.example")
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]


def named(found: tuple[str, str, Operation[Any]]) -> str:
    return f"{found[1]} {found[0]}"


async def test_it_is_there_for_anybody_and_valid(world: World) -> None:
    answer = await world.get("/api/openapi.json")
    assert (answer.status_code, answer.headers["content-type"][:16]) == (200, "application/json")
    found = answer.json()
    assert found["servers"] == [{"url": "https://here.example"}]
    problems = jsonschema_rs.validator_for(OPENAPI_31).iter_errors(found)
    assert [f"{one.instance_path}: {one.message}" for one in problems] == []
    made = described(world.settings.title, world.settings.url)
    assert found == msgspec.json.decode(msgspec.json.encode(made))
    again = await world.client.get(
        "/api/openapi.json", headers={"If-None-Match": answer.headers["etag"]}
    )
    assert again.status_code == 304


def test_what_it_refers_to_is_there_and_a_client_can_be_made_of_it() -> None:
    loaded = schemathesis.openapi.from_dict(DOCUMENT)
    operations = [one.ok() for one in loaded.get_all_operations()]
    assert len(operations) == len(BEYOND) + len(MASTODON)
    names = [one.definition.raw["operationId"] for one in operations]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("found", BEYOND, ids=named)
def test_each_operation_beyond_mastodon_says_what_it_does_and_answers(
    found: tuple[str, str, Operation[Any]],
) -> None:
    path, method, operation = found
    where = f"the operation {method} {path} in src/rostra/api/extension"
    assert operation.about, f"{where} needs a docstring: what it does, in a sentence"
    assert operation.answers is not None, (
        f"{where} needs @reads(…, answers=X) or @writes(…, answers=X): X is a Struct that says "
        "what it answers; put it into src/rostra/api/extension/answers/"
    )
    node = DOCUMENT["paths"][path][method.lower()]
    media = node["responses"]["200"]["content"]["application/json"]
    assert held(media["schema"], media["example"]) == []
    body = node.get("requestBody", {"content": {}})["content"].get("application/json")
    if body:
        assert held(body["schema"], body["example"]) == []
    for name, schema in properties(node).items():
        assert schema.get("description"), (
            f"the parameter {name} of {method} {path} needs a line in "
            "src/rostra/api/openapi/words.py: what it means, and an example"
        )
    assert "401" in node["responses"] or node["security"] == []


def properties(node: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of an operation by name, wherever they are sent."""
    found = {one["name"]: one for one in node["parameters"]}
    content = node.get("requestBody", {"content": {}})["content"]
    if content:
        ref = content["application/json"]["schema"]["$ref"].rpartition("/")[2]
        found |= SCHEMAS[ref]["properties"]
    return found


def test_examples_of_selectors_can_be_read() -> None:
    for name in ("where", "except"):
        parse(PARAMETERS[name].example)


def held(schema: dict[str, Any], value: Any) -> list[str]:
    """Return what is wrong with a value by a schema of the document."""
    whole = {**schema, "components": {"schemas": SCHEMAS}}
    return [one.message for one in jsonschema_rs.validator_for(whole).iter_errors(value)]


def test_each_operation_of_mastodon_is_listed_with_a_page_of_its_manual() -> None:
    for path, method, operation in MASTODON:
        node = DOCUMENT["paths"][path][method.lower()]
        assert node["externalDocs"]["url"].startswith("https://docs.joinmastodon.org/methods/")
        told = {one["name"].removesuffix("[]") for one in node["parameters"]}
        content = node.get("requestBody", {}).get("content", {})
        if content:
            ref = content["application/json"]["schema"]["$ref"].rpartition("/")[2]
            told |= SCHEMAS[ref]["properties"].keys()
        wanted = {one.encode_name for one in msgspec.structs.fields(operation.parameters)}
        assert wanted <= told, f"{method} {path} leaves out {wanted - told}"


def test_scopes_and_refusals_are_those_of_the_operation() -> None:
    node = DOCUMENT["paths"][f"{OWN}v1/capacity"]["get"]
    assert node["security"] == [{"oauth": ["admin:read:accounts"]}]
    assert {one["name"] for one in node["parameters"]} == {"followers", "account_id"}
    assert node["responses"].keys() == {"200", "400", "401", "403", "422", "429", "4XX", "5XX"}
    begin = DOCUMENT["paths"][f"{OWN}v1/reinstatements"]["post"]["responses"]["409"]
    assert begin["content"]["application/json"]["schema"]["$ref"].endswith("/StalePlan")


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "array", "items": {"type": "integer"}}, [3]),
        ({"anyOf": [{"type": "null"}, {"type": "boolean"}]}, True),
        ({"type": "object", "additionalProperties": {"type": "string"}}, {"name": "text"}),
        ({"enum": ["a", "b"]}, "a"),
        ({"const": 7}, 7),
        ({"anyOf": [{"type": "null"}]}, None),
        ({"prefixItems": [{"type": "null"}, {"examples": ["x"]}]}, [None, "x"]),
    ],
)
def test_examples_are_made_of_what_a_schema_says(schema: dict[str, Any], expected: object) -> None:
    assert example(schema, {}) == expected


# -- the page --------------------------------------------------------------------------------------


async def test_the_page_tells_of_every_operation_in_two_languages(world: World) -> None:
    page = await world.client.get("/api/docs", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "script-src" not in page.headers["content-security-policy"]
    text = page.text.replace("<wbr>", "")
    for path, method, operation in BEYOND:
        node = DOCUMENT["paths"][path][method.lower()]
        assert (f'id="{node["operationId"]}"' in text) != (operation.needs is Needs.NOTHING)
    for path, _, _ in MASTODON:
        assert f"<code>{path}</code>" in text or "{" in path
    outside = set(re.findall(r'(?:href|src)="(https?://[^"/]+)', text))
    assert outside == {"https://docs.joinmastodon.org"}
    leads = set(re.findall(r'href="#([^"]+)"', text))
    assert leads <= set(re.findall(r'\bid="([^"]+)"', text))
    german = await world.client.get(
        "/api/docs", headers={"Accept": "text/html", "Accept-Language": "de"}
    )
    assert "Über Mastodon hinaus" in german.text
    assert 'href="/api/docs"' in (await world.client.get("/about")).text
