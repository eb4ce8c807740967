"""The page about the API, at ``/api/docs``: made from the document at ``/api/openapi.json``."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from markupsafe import Markup, escape
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rostra.language.i18n import current
from rostra.language.i18n import gettext as _
from rostra.ports import Context
from rostra.web.endpoints import bind
from rostra.web.render import part, render
from rostra.web.visits import identify

Node = dict[str, Any]
Piece = tuple[str, str]
"""Words of a type, and the name of what they lead to, if anything."""

PATH: Final = "/api/docs"
_CODE: Final = re.compile(r"`([^`]+)`")
_MANUAL: Final = re.compile(r"^Mastodon: ")


class Field(Struct, frozen=True, kw_only=True):
    """A parameter, or a field of an answer."""

    name: str
    type: list[Piece]
    required: bool
    about: Markup
    place: str = ""


class Answered(Struct, frozen=True, kw_only=True):
    """What an operation may answer."""

    status: str
    about: Markup
    type: list[Piece]


class Shown(Struct, frozen=True, kw_only=True):
    """An operation as the page shows it."""

    id: str
    method: str
    path: Markup
    summary: Markup
    about: Markup
    scopes: list[str]
    anybody: bool
    fields: list[Field]
    answers: list[Answered]
    sent: str
    example: str
    manual: str


class Kind(Struct, frozen=True, kw_only=True):
    """A type that answers are made of."""

    name: str
    about: Markup
    fields: list[Field]


class Manual(Struct, frozen=True):
    """All that the page shows: operations by subject, Mastodon's apart, and the types."""

    own: dict[str, list[Shown]]
    mastodon: dict[str, list[Shown]]
    kinds: list[Kind]


def manual(document: Node) -> Manual:
    """Return what the page shows of a document."""
    own: dict[str, list[Shown]] = {}
    mastodon: dict[str, list[Shown]] = {}
    for tag in (one["name"] for one in document["tags"]):
        shown = [
            _shown(path, method, node, document)
            for path, item in document["paths"].items()
            for method, node in item.items()
            if tag in node["tags"] and not node.get("x-internal")
        ]
        if not shown:
            continue
        (mastodon if _MANUAL.match(tag) else own)[_MANUAL.sub("", tag)] = shown
    return Manual(own, mastodon, _kinds(own, document))


def _shown(path: str, method: str, node: Node, document: Node) -> Shown:
    security = node.get("security", [])
    answers = list(_answers(node, document))
    body = _json(node.get("requestBody", {}))
    done = _json(node["responses"].get("200", {}))
    return Shown(
        id=node["operationId"],
        method=method.upper(),
        path=_breakable(path),
        summary=_marked(node["summary"]),
        about=_marked(node.get("description", "")),
        scopes=sorted({scope for one in security for scope in one.get("oauth", [])}),
        anybody=not security or {} in security,
        fields=[*_parameters(node), *_fields(body.get("schema", {}), document, "body")],
        answers=answers,
        sent=_pretty(body),
        example=_pretty(done),
        manual=node.get("externalDocs", {}).get("url", ""),
    )


def _json(holder: Node) -> Node:
    found: Node = holder.get("content", {}).get("application/json", {})
    return found


def _pretty(media: Node) -> str:
    if "example" not in media:
        return ""
    return json.dumps(media["example"], indent=2, ensure_ascii=False)


def _parameters(node: Node) -> Iterator[Field]:
    for one in node["parameters"]:
        yield Field(
            name=one["name"],
            type=_type(one["schema"]),
            required=one["required"],
            about=_marked(one.get("description", "")),
            place=one["in"],
        )


def _fields(schema: Node, document: Node, place: str = "") -> Iterator[Field]:
    schema = _resolved(schema, document)
    required = schema.get("required", [])
    for name, one in schema.get("properties", {}).items():
        yield Field(
            name=name,
            type=_type(one),
            required=name in required,
            about=_marked(one.get("description", "")),
            place=place,
        )


def _answers(node: Node, document: Node) -> Iterator[Answered]:
    for status, one in node["responses"].items():
        found = _resolved(one, document)
        yield Answered(
            status=status,
            about=_marked(found["description"]),
            type=_type(_json(found).get("schema", {})),
        )


def _resolved(node: Node, document: Node) -> Node:
    while "$ref" in node:
        found: Any = document
        for key in node["$ref"].removeprefix("#/").split("/"):
            found = found[key]
        node = found
    return node


def _type(schema: Node) -> list[Piece]:
    """Return a type in words, with what they lead to."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return [(name, name)]
    if "enum" in schema:
        return [(" | ".join(json.dumps(one) for one in schema["enum"]), "")]
    if "anyOf" in schema:
        kinds = [_type(one) for one in schema["anyOf"]]
        return [piece for kind in kinds for piece in ((" | ", ""), *kind)][1:]
    if schema.get("type") == "array":
        return [("[", ""), *_type(schema.get("items") or {}), ("]", "")]
    return [(str(schema.get("type", "any")), "")]


def _kinds(own: dict[str, list[Shown]], document: Node) -> list[Kind]:
    """Return the types that the answers of operations lead to, by name."""
    schemas = document["components"]["schemas"]
    waiting = {
        name
        for shown in own.values()
        for one in shown
        for pieces in (*(each.type for each in one.answers), *(each.type for each in one.fields))
        for _words, name in pieces
        if name
    }
    found: dict[str, Kind] = {}
    while waiting:
        name = waiting.pop()
        schema = schemas[name]
        fields = list(_fields(schema, document))
        about = schema.get("description", "")
        if "enum" in schema:
            fields = [Field(name="", type=_type(schema), required=True, about=Markup(""))]
        found[name] = Kind(name=name, about=_marked(about), fields=fields)
        waiting |= {lead for field in fields for _words, lead in field.type if lead} - found.keys()
    return [found[name] for name in sorted(found)]


def _marked(text: str) -> Markup:
    """Return text with what stands between backquotes as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text.replace("``", "`")))))


def _breakable(path: str) -> Markup:
    """Return an address that may be broken before its slashes."""
    return Markup("<wbr>/").join(path.split("/"))


def routes(ctx: Context, document: Callable[[], Node]) -> list[Route]:
    """Return the route of the page.

    Args:
        ctx: the ports.
        document: makes the document that it shows.
    """

    @functools.cache
    def shown() -> Manual:
        return manual(document())

    @functools.cache
    def body(language: str) -> Markup:
        # The same for everybody who reads one language, and large.
        return part("_api_docs.html", manual=shown())

    async def docs(ctx: Context, request: Request) -> Response:
        with ctx.store.read() as snap:
            visitor = identify(snap, request)
        return render(
            ctx,
            request,
            "api_docs.html",
            visitor,
            section="about",
            heading=_("The API of %(server)s") % {"server": ctx.settings.title},
            body=body(current().tag),
        )

    return bind(ctx, [("GET", PATH, docs)])
