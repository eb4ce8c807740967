"""Reading parameters: query, form, multipart or JSON, into one typed Struct an operation.

The forms of names are those of the Mastodon API
(https://docs.joinmastodon.org/client/intro/#parameters): ``key``, ``key[]`` (a list), ``key[0]``
(a list by index), ``key[name]`` (an object) and ``key[][name]`` (a list of objects), nested at
will. Null is as if nothing was sent, but for a parameter that may be both None and ``UNSET``.
"""

from __future__ import annotations

import functools
import re
import types
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from rostra.api.messages import MAX_FIELDS, Call, pairs
from rostra.domain.errors import Invalid, Malformed
from rostra.domain.text import without_controls

P = TypeVar("P", bound=Struct)
Tree = dict[str, Any]

MAX_DEPTH: Final = 5
_KEY: Final = re.compile(r"\[([^\[\]]*)\]")
_FALSE: Final = frozenset({"0", "f", "false", "off", "no"})
_FORM: Final = b"application/x-www-form-urlencoded"


class Nothing(Struct, frozen=True):
    """The parameters of an operation that has none."""


# -- names to a tree -------------------------------------------------------------------------------


def _path(name: str) -> list[str]:
    bracket = name.find("[")
    if bracket < 1:
        return [name]
    keys = _KEY.findall(name, bracket)
    return [name[:bracket], *keys] if len(keys) < MAX_DEPTH else [name]


def tree(fields: list[tuple[str, Any]]) -> Tree:
    """Return fields with bracketed names as nested objects; ``key[]`` collects a list.

    Raises:
        Malformed: a name is used both for a value and for something that holds values.
    """
    root: Tree = {}
    for name, value in fields:
        _plant(root, _path(name), value)
    return root


def _plant(root: Tree, path: list[str], value: Any) -> None:
    node: Tree = root
    for position, key in enumerate(path[:-1]):
        following = path[position + 1]
        if following == "":
            if position + 2 == len(path):
                _append(node, key, value)
            else:
                _plant(_object_in(node, key, path[position + 2]), path[position + 2 :], value)
            return
        child = node.setdefault(key, {})
        if not isinstance(child, dict):
            raise Malformed(f"The parameter {key} is given in two ways")
        node = child
    node[path[-1]] = value


def _object_in(node: Tree, key: str, name: str) -> Tree:
    """Return the object of the list ``key[]`` that a value of ``name`` belongs to.

    It is the last one, unless that has such a value already: then another one begins.
    """
    values = node.setdefault(key, [])
    if not isinstance(values, list):
        raise Malformed(f"The parameter {key} is given in two ways")
    if not values or not isinstance(values[-1], dict) or name in values[-1]:
        values.append({})
    last: Tree = values[-1]
    return last


def _append(node: Tree, key: str, value: Any) -> None:
    values = node.setdefault(key, [])
    if not isinstance(values, list):
        raise Malformed(f"The parameter {key} is given in two ways")
    values.append(value)


# -- a tree to what a type wants -------------------------------------------------------------------

Mender = Callable[[Any], Any]
_TOKEN: Final = frozenset({"access_token"})
"""What may stand among the parameters of any operation (RFC 6750, sections 2.2 and 2.3)."""

_MISSING: Final = re.compile(r"Object missing required field `(\w+)`")
"""What msgspec says of a parameter that has to be given and is not."""

_NULL: Final = object()
"""What a mender returns for nothing where that is a value of its own."""


def _flag(value: Any) -> Any:
    if isinstance(value, str):
        return None if value == "" else value.lower() not in _FALSE
    return value


def _text(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return without_controls(value) if isinstance(value, str) else value


def _number(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip() or None
    return value


def _listed(item: Mender) -> Mender:
    def mend(value: Any) -> Any:
        if isinstance(value, dict):
            if not all(key.isdigit() and len(key) <= 6 for key in value):
                return [item(value)]
            value = [value[key] for key in sorted(value, key=int)]
        elif value == "" or value is None:
            return []
        elif not isinstance(value, list):
            value = [value]
        return [item(each) for each in value]

    return mend


def _nested(kind: type[Struct]) -> Mender:
    menders = menders_of(kind)

    def mend(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        _require_known(value, kind)
        return _mended(value, menders)

    return mend


def _require_known(value: Tree, kind: type[Struct]) -> None:
    """Refuse names that a Struct does not know where it forbids them."""
    if not kind.__struct_config__.forbid_unknown_fields:
        return
    known = menders_of(kind)
    if unknown := value.keys() - known.keys() - _TOKEN:
        found, names = ", ".join(sorted(unknown)), ", ".join(known)
        takes = f"there is only {names}" if known else "nothing is taken here"
        raise Invalid(f"Validation failed: {found} is not known, {takes}")


def _mended(value: Tree, menders: dict[str, Mender]) -> Tree:
    mended = {}
    for key, each in value.items():
        mender = menders.get(key)
        if mender is not None:
            each = mender(each)
            if each is not None:
                mended[key] = None if each is _NULL else each
    return mended


def _unwrapped(hint: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        hints = [each for each in get_args(hint) if each not in (type(None), msgspec.UnsetType)]
        return hints[0]
    return hint


def _nullable(item: Mender) -> Mender:
    def mend(value: Any) -> Any:
        value = None if value == "" else item(value)
        return _NULL if value is None else value

    return mend


def _mender(hint: Any) -> Mender:
    if get_origin(hint) in (Union, types.UnionType):
        kinds = get_args(hint)
        inner = _mender(_unwrapped(hint))
        both = type(None) in kinds and msgspec.UnsetType in kinds
        return _nullable(inner) if both else inner
    origin = get_origin(hint)
    if origin in (list, tuple):
        return _listed(_mender(get_args(hint)[0]))
    if hint is bool:
        return _flag
    if hint is str:
        return _text
    if isinstance(hint, type) and issubclass(hint, Struct):
        return _nested(hint)
    return _number


@functools.cache
def menders_of(kind: type[Struct]) -> dict[str, Mender]:
    """Return for each parameter of a Struct what turns it from its sent form into its typed one."""
    hints = get_type_hints(kind)
    return {field.encode_name: _mender(hints[field.name]) for field in msgspec.structs.fields(kind)}


def convert(value: Tree, kind: type[P]) -> P:
    """Return parameters as the Struct of an operation; names it does not know are passed over,
    but where it forbids them (``forbid_unknown_fields``).

    Raises:
        Invalid: a parameter is missing, of the wrong type, or not known; the message names it.
    """
    _require_known(value, kind)
    try:
        return msgspec.convert(_mended(value, menders_of(kind)), kind, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid(f"Validation failed: {_explained(str(error))}") from None


def _explained(text: str) -> str:
    what, _, where = text.partition(" - at `$.")
    place = where.rstrip("`")
    if missing := _MISSING.fullmatch(what):
        return f"{place}{'.' if place else ''}{missing[1]} is missing"
    return f"{place}: {what}" if place else what


# -- the body ------------------------------------------------------------------------------------


class Upload(Struct, frozen=True):
    """A file that came in a multipart body."""

    name: str
    media_type: str
    data: bytes


async def _multipart(call: Call) -> list[tuple[str, Any]]:
    body = await call.body()

    async def stream() -> Any:
        yield body

    try:
        form = await MultiPartParser(
            Headers(raw=call.headers),
            stream(),
            max_fields=MAX_FIELDS,
            max_part_size=call.api.ctx.settings.max_body_bytes,
        ).parse()
    except (MultiPartException, KeyError, ValueError, AssertionError):
        raise Malformed("The multipart body cannot be read") from None
    try:
        return [(name, await _field(value)) for name, value in form.multi_items()]
    finally:
        await form.close()


async def _field(value: UploadFile | str) -> Any:
    if isinstance(value, str):
        return value
    return Upload(value.filename or "", value.content_type or "", await value.read())


def _json(body: bytes) -> Tree:
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError):
        raise Malformed("The body is not valid JSON") from None
    if not isinstance(value, dict):
        raise Malformed("The body must be a JSON object")
    return value


async def _body_tree(call: Call) -> Tree:
    content_type = call.header(b"content-type").split(b";")[0].strip().lower()
    if content_type == b"multipart/form-data":
        return tree(await _multipart(call))
    body = await call.body()
    if not body:
        return {}
    if content_type == b"application/json" or content_type.endswith(b"+json"):
        return _json(body)
    if content_type in (_FORM, b""):
        return tree(pairs(body))
    # Some other type: what it holds is not for us, and what is missing is said by name.
    return {}


class Binder(Generic[P]):
    """Reads the parameters of one operation.

    Args:
        kind: the Struct of its parameters.
    """

    __slots__ = ("_empty", "_kind")

    def __init__(self, kind: type[P]) -> None:
        self._kind = kind
        try:
            self._empty: P | None = kind()
        except TypeError:  # a parameter is required
            self._empty = None

    def query(self, call: Call) -> P:
        """Return the parameters in the address alone.

        Raises:
            Malformed: they cannot be read.
            Invalid: one is missing or of the wrong type.
        """
        if not call.query and self._empty is not None:
            return self._empty
        return convert(tree(list(call.query_pairs())), self._kind)

    async def whole(self, call: Call) -> P:
        """Return the parameters in the address and the body; those in the body win.

        Raises:
            Malformed: they cannot be read.
            TooLarge: the body is over the limit.
            Invalid: one is missing or of the wrong type.
        """
        body = await _body_tree(call)
        if call.query:
            body = tree(list(call.query_pairs())) | body
        if not body and self._empty is not None:
            return self._empty
        return convert(body, self._kind)
