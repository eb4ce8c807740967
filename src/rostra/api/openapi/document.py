"""The API as an OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.1.html).

All of it comes from the operations themselves: parameters, who may ask, scopes, docstrings and what
is answered. What is Mastodon's is listed with its parameters and a link to its documentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import FieldInfo
from starlette.routing import BaseRoute, Mount, Route

from rostra import __version__
from rostra.api.extension.answers.common import Refusal
from rostra.api.openapi.examples import example
from rostra.api.openapi.words import CURSORS, NOTHING, told
from rostra.api.operation import Needs, Operation, Resource
from rostra.domain.scopes import ALL

Node = dict[str, Any]
Found = tuple[str, str, Operation[Any]]

OWN: Final = "/api/rostra/"
MANUAL: Final = "https://docs.joinmastodon.org/methods/"
_REFS: Final = "#/components/schemas/{name}"
_IN_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
_PATH_PARAMETER: Final = re.compile(r"\{(\w+)(?::\w+)?\}")

_REFUSALS: Final = {
    "400": "What was sent cannot be read",
    "401": "No token was sent, or it is not valid",
    "403": "The token does not cover this, or its account may not do it",
    "404": "There is no such thing, or who asks may not know of it",
    "422": "What was sent breaks a rule; the message says which",
    "429": "Asked too often: `Retry-After` says when to try again",
    "4XX": "Refused for another reason, which the message says",
    "5XX": "The server cannot do this now; try again later",
}

_IN_PATH: Final = {
    "id": "The id of what the path names.",
    "hash": "At least eight digits of the hash.",
    "label": "The name of the label.",
}


def walk(routes: Iterable[BaseRoute], prefix: str = "") -> Iterator[Found]:
    """Yield (path, method, operation) of everything below some routes."""
    for route in routes:
        if isinstance(route, Mount):
            yield from walk(route.routes, prefix + route.path)
        elif isinstance(route, Route) and isinstance(route.endpoint, Resource):
            for method, operation in route.endpoint.operations.items():
                yield prefix + route.path, method, operation


def document(routes: Sequence[BaseRoute], *, title: str, url: str) -> Node:
    """Return the document.

    Args:
        routes: of the API, with whole paths.
        title: the name of the server.
        url: its address.
    """
    found = list(walk(routes))
    types = _types(found)
    schemas, components = msgspec.json.schema_components(
        types, schema_hook=_other, ref_template=_REFS
    )
    by_type = dict(zip(map(_key, types), schemas, strict=True))
    asked: set[str] = set()
    for path, _, operation in found:
        schema = by_type[_key(operation.parameters)]
        asked |= _names(schema, components)
        if path.startswith(OWN):
            _put_into_words(_tag(path), schema, components)
    paths: dict[str, Node] = {}
    for path, method, operation in found:
        node = _operation(path, method, operation, by_type, components)
        paths.setdefault(_PATH_PARAMETER.sub(r"{\1}", path), {})[method.lower()] = node
    tags = sorted(
        {tag for item in paths.values() for node in item.values() for tag in node["tags"]}
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"The API of {title}",
            "version": __version__,
            "description": "Mastodon's client API, and what this server has beyond it below "
            "`/api/rostra/v1`, where what is sent under a name that is not known is refused. Ids "
            "are text, times ISO 8601 in UTC. Lists are paged by `Link` headers.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": url}],
        "externalDocs": {"url": "https://docs.joinmastodon.org/client/intro/"},
        "tags": [{"name": tag} for tag in sorted(tags, key=lambda tag: (":" in tag, tag))],
        "paths": paths,
        "components": {
            "schemas": {
                name: schema if name in asked else _open(schema)
                for name, schema in components.items()
            },
            "responses": {status: _refusal(words) for status, words in _REFUSALS.items()},
            "securitySchemes": _security(url),
        },
    }


def _put_into_words(subject: str, schema: Node, components: Node) -> None:
    """Add to each parameter what it means, and an example."""
    for name, one in _resolved(schema, components).get("properties", {}).items():
        words = told(subject, name)
        if words is not None:
            one.setdefault("description", words.about)
            one.setdefault("examples", [words.example])
        for inner in (one, *one.get("anyOf", ())):
            if "$ref" in inner:
                _put_into_words(subject, inner, components)


def _names(schema: Node, components: Node) -> set[str]:
    """Return the names of a schema and of the objects within it."""
    if "$ref" not in schema:
        return set()
    inner = _resolved(schema, components).get("properties", {}).values()
    return {schema["$ref"].rpartition("/")[2]}.union(*(_names(one, components) for one in inner))


def _types(found: Sequence[Found]) -> list[Any]:
    types: dict[str, Any] = {}
    for _, _, operation in found:
        wanted: list[Any] = [operation.parameters]
        if operation.answers is not None:
            wanted += [operation.answers.body, *operation.answers.also.values()]
        types |= {_key(one): one for one in wanted}
    return [*types.values(), Refusal] if _key(Refusal) not in types else [*types.values()]


def _key(kind: Any) -> str:
    """Return a name of a type; ``list[X]`` is not the same object twice."""
    return f"{kind.__module__}.{kind.__qualname__}" if isinstance(kind, type) else repr(kind)


def _other(kind: type) -> Node:
    """Return the schema of a parameter that JSON has no word for: an uploaded file."""
    return {"type": "string", "format": "binary"}


def _open(schema: Node) -> Node:
    """Let there be more in an answer than is told of: who reads it must not mind new fields."""
    return {key: value for key, value in schema.items() if key != "additionalProperties"} | (
        {}
        if schema.get("additionalProperties", False) is False
        else {"additionalProperties": schema["additionalProperties"]}
    )


def _refusal(words: str) -> Node:
    schema = {"$ref": _REFS.format(name="Refusal")}
    return {"description": words, "content": {"application/json": {"schema": schema}}}


def _security(url: str) -> Node:
    scopes = dict.fromkeys(sorted(ALL), "")
    flow = {
        "authorizationUrl": f"{url}/oauth/authorize",
        "tokenUrl": f"{url}/oauth/token",
        "scopes": scopes,
    }
    return {"oauth": {"type": "oauth2", "flows": {"authorizationCode": flow}}}


# -- one operation ---------------------------------------------------------------------------------


def _operation(
    path: str, method: str, operation: Operation[Any], by_type: dict[str, Node], components: Node
) -> Node:
    own = path.startswith(OWN)
    about, _, more = operation.about.partition("\n")
    node: Node = {
        "operationId": _name(path, method),
        "tags": [_tag(path)],
        "summary": _words(about) or f"{method} {path}",
        "parameters": _parameters(path, method, operation, by_type, components),
        "responses": _responses(path, operation, by_type, components),
    }
    if more.strip():
        node["description"] = _words(more.strip())
    if own and operation.needs is Needs.NOTHING:
        node["x-internal"] = True  # asked by this server itself; nobody else is answered
    if not own:
        node["externalDocs"] = {"url": f"{MANUAL}{_page(path)}/"}
    if method in _IN_BODY and msgspec.structs.fields(operation.parameters):
        node["requestBody"] = _body(operation, by_type, components, own=own)
    security = _asked(operation)
    if security is not None:
        node["security"] = security
    return node


def _page(path: str) -> str:
    """Return which page of Mastodon's manual tells of an address."""
    if path.startswith("/api/v"):
        _, _, version, page, *more = path.split("/")
        if page == "admin":
            return f"admin/{more[0]}"
        if (version, page) == ("v2", "notifications"):
            return "grouped_notifications"
        return page
    return path.split("/")[2]


def _words(text: str) -> str:
    """Return a docstring as Markdown."""
    return text.replace("``", "`")


def _name(path: str, method: str) -> str:
    parts = [part.strip("{}") for part in path.removeprefix("/api/").split("/") if part]
    return "_".join([method.lower(), *parts]).replace("-", "_").replace(".", "_").replace(":", "_")


def _tag(path: str) -> str:
    parts = path.split("/")
    if path.startswith(OWN):
        return "labels" if parts[-1] in ("labels", "{label}") else parts[4]
    return f"Mastodon: {parts[3] if parts[2][:1] == 'v' and len(parts) > 3 else parts[2]}"


def _asked(operation: Operation[Any]) -> list[Node] | None:
    if operation.needs is Needs.NOTHING:
        return []
    scoped = [{"oauth": operation.scope.split()}]
    return [{}, *scoped] if operation.needs is Needs.NOBODY else scoped


def _parameters(
    path: str, method: str, operation: Operation[Any], by_type: dict[str, Node], components: Node
) -> list[Node]:
    found: list[Node] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _IN_PATH.get(name, "What the path names."),
            "schema": {"type": "string"},
        }
        for name in _PATH_PARAMETER.findall(path)
    ]
    if method in _IN_BODY:
        return found
    properties = _resolved(by_type[_key(operation.parameters)], components).get("properties", {})
    required = {one.encode_name for one in _fields(operation.parameters) if one.required}
    for name, schema in properties.items():
        several = _resolved(schema, components).get("type") == "array"
        one: Node = {
            "name": f"{name}[]" if several else name,
            "in": "query",
            "required": name in required,
            "schema": schema,
        }
        words = schema.get("description") or (told("", name) or NOTHING).about
        if words and (path.startswith(OWN) or name in CURSORS):
            one["description"] = words
        if _resolved(schema, components).get("type") == "object":
            one["style"] = "deepObject"
        found.append(one)
    return found


def _fields(kind: type[Struct]) -> tuple[FieldInfo, ...]:
    return msgspec.structs.fields(kind)


def _resolved(schema: Node, components: Node) -> Node:
    while "$ref" in schema:
        schema = components[schema["$ref"].rpartition("/")[2]]
    return schema


def _body(
    operation: Operation[Any], by_type: dict[str, Node], components: Node, *, own: bool
) -> Node:
    schema = by_type[_key(operation.parameters)]
    media: Node = {"schema": schema}
    if own:
        media["example"] = example(schema, components)
    kinds = ["application/json", "application/x-www-form-urlencoded"]
    if not own:
        kinds.append("multipart/form-data")
    required = any(one.required for one in _fields(operation.parameters))
    return {"required": required, "content": dict.fromkeys(kinds, media)}


def _responses(
    path: str, operation: Operation[Any], by_type: dict[str, Node], components: Node
) -> Node:
    told = operation.answers
    if told is None:
        found: Node = {"200": {"description": "As Mastodon documents it"}}
        also: Node = {}
    else:
        content: Node = {"application/json": _example(told.body, by_type, components)}
        content |= {form: {"schema": {"type": "string"}} for form in told.forms}
        found = {"200": {"description": "Done, or found", "content": content}}
        also = {
            str(status): _example(kind, by_type, components) for status, kind in told.also.items()
        }
    for status in _REFUSALS:
        if _may(status, path, operation):
            found[status] = {"$ref": f"#/components/responses/{status}"}
    for status, media in also.items():
        found[status] = {"description": _says(media), "content": {"application/json": media}}
    return dict(sorted(found.items()))


def _says(media: Node) -> str:
    name = media["schema"].get("$ref", "").rpartition("/")[2]
    return f"Refused; the answer is a {name} that says why" if name else "Refused"


def _example(kind: Any, by_type: dict[str, Node], components: Node) -> Node:
    schema = by_type[_key(kind)]
    return {"schema": schema, "example": example(schema, components)}


def _may(status: str, path: str, operation: Operation[Any]) -> bool:
    """Return whether an operation may answer with a refusal of its own words."""
    if status in ("401", "403"):
        return operation.needs is not Needs.NOTHING
    if status == "404":
        return "{" in path
    if status in ("400", "422"):
        return bool(_fields(operation.parameters))
    return True
