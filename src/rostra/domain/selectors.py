"""Selectors: which accounts are meant, as conditions on what the server knows of them.

A selector is a tree of conditions (field, operator, value) under and, or and not. It is made from
text by ``domain.selector_parser``; here is what it means: the fields there are, whether it holds
for an account, and how it is written down.

About what an account has several of (actions, labels) a condition holds when it holds for one of
them; ``!=`` holds when ``=`` does not.
"""

from __future__ import annotations

import enum
import operator
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec import Struct

from rostra.domain.enforcement import State


class FieldType(enum.Enum):
    """What the values of a field are, as errors call them."""

    NUMBER = "a number"
    TIME = "a date, a time, or how long ago"
    TEXT = "text"
    NAME = "a handle"
    LABEL = "a label"
    CHOICE = "one of its values"


class Op(enum.StrEnum):
    """How a field is held against a value."""

    EQUAL = "="
    DIFFERENT = "!="
    BELOW = "<"
    AT_MOST = "<="
    ABOVE = ">"
    AT_LEAST = ">="
    HAS = "~"
    IN = "in"


class Field(Struct, frozen=True):
    """A field: what its values are, whether it may be ``none``, and what it says."""

    name: str
    type: FieldType
    says: str
    choices: tuple[str, ...] = ()
    optional: bool = False


_ORDERED: Final = (*(Op.EQUAL, Op.DIFFERENT, Op.BELOW, Op.AT_MOST, Op.ABOVE, Op.AT_LEAST), Op.IN)
_EXACT: Final = (Op.EQUAL, Op.DIFFERENT, Op.IN)
OPERATORS: Final[Mapping[FieldType, tuple[Op, ...]]] = {
    FieldType.NUMBER: _ORDERED,
    FieldType.TIME: _ORDERED,
    FieldType.TEXT: (*_EXACT, Op.HAS),
    FieldType.NAME: (*_EXACT, Op.HAS),
    FieldType.LABEL: (*_EXACT, Op.HAS),
    FieldType.CHOICE: _EXACT,
}
"""The operators that make sense for the values of a field."""

STATES: Final = (*State.__struct_fields__, "active")
APPEALS: Final = ("open", "accepted", "rejected", "withdrawn", "moot", "none")
_T = FieldType
FIELDS: Final[Mapping[str, Field]] = {
    field.name: field
    for field in (
        Field("state", _T.CHOICE, "what is in force for the account", STATES),
        Field("ground", _T.TEXT, "the ground of an action that would be lifted"),
        Field("reason", _T.TEXT, "the rest of its statement of reasons"),
        Field("taken", _T.TIME, "when it was taken"),
        Field("until", _T.TIME, "when it ends by itself; none: not before it is lifted", (), True),
        Field("moderator", _T.NAME, "who took it; none: the server itself", (), True),
        Field("actions", _T.NUMBER, "how many actions, of any kind, are in force"),
        Field("strikes", _T.NUMBER, "how many actions were ever taken and not overturned"),
        Field("followers", _T.NUMBER, "how many follow it, hidden ones included"),
        Field("following", _T.NUMBER, "how many it follows, hidden ones included"),
        Field("statuses", _T.NUMBER, "how many statuses and boosts it has"),
        Field("reports", _T.NUMBER, "how many reports were made about it"),
        Field("created", _T.TIME, "when the account was made"),
        Field("label", _T.LABEL, "a label that moderators gave it"),
        Field("appeal", _T.CHOICE, "the newest appeal about an action in force", APPEALS),
        Field("name", _T.NAME, "its handle"),
        Field("id", _T.NUMBER, "its id"),
    )
}
"""What can be asked of an account."""


class Moment(Struct, frozen=True):
    """A span of time from ``start`` to before ``end`` (ms since 1970), as ``text`` names it.

    With ``ago`` (ms) it is the instant so long before the selector is asked.
    """

    text: str
    start: int = 0
    end: int = 0
    ago: int | None = None

    def bounds(self, now: int) -> tuple[int, int]:
        """Return (start, end) as of ``now`` (ms)."""
        return (self.start, self.end) if self.ago is None else (now - self.ago, now - self.ago + 1)


Value = int | str | Moment | None
"""What a field is held against; None is ``none``."""


class Compare(Struct, frozen=True):
    """A condition on one field; several values only with ``in``."""

    field: str
    op: Op
    values: tuple[Value, ...]


class Not(Struct, frozen=True):
    """Holds when what it is about does not."""

    inner: Expression


class And(Struct, frozen=True):
    """Holds when all of its two or more parts do."""

    parts: tuple[Expression, ...]


class Or(Struct, frozen=True):
    """Holds when one of its two or more parts does."""

    parts: tuple[Expression, ...]


class All(Struct, frozen=True):
    """Holds always."""


Expression = Compare | Not | And | Or | All

Fact = int | str | None
Facts = Mapping[str, tuple[Fact, ...]]
"""What is known of an account: for each field its values. Texts of names, labels and choices are in
lower case; a field of one value has a tuple of one."""


# -- what it means ---------------------------------------------------------------------------------

_ORDER: Final[Mapping[Op, Callable[[int, int], bool]]] = {
    Op.BELOW: operator.lt,
    Op.AT_MOST: operator.le,
    Op.ABOVE: operator.gt,
    Op.AT_LEAST: operator.ge,
}


def holds(expression: Expression, facts: Facts, now: int) -> bool:
    """Return whether a selector means an account.

    Args:
        expression: the selector.
        facts: what is known of the account, all ``fields_of`` the expression at least.
        now: the time (ms since 1970) that "ago" counts from.
    """
    match expression:
        case All():
            return True
        case Not(inner):
            return not holds(inner, facts, now)
        case And(parts):
            return all(holds(part, facts, now) for part in parts)
        case Or(parts):
            return any(holds(part, facts, now) for part in parts)
        case Compare(field, Op.DIFFERENT, values):
            return not holds(Compare(field, Op.EQUAL, values), facts, now)
        case Compare(field, op, values):
            is_text = FIELDS[field].type is FieldType.TEXT
            return any(
                _compare(op, fact.casefold() if is_text and isinstance(fact, str) else fact, v, now)
                for fact in facts[field]
                for v in values
            )


def _compare(op: Op, fact: Fact, value: Value, now: int) -> bool:
    if fact is None or value is None:
        return op in (Op.EQUAL, Op.IN) and fact is value
    if isinstance(value, str):
        text = str(fact)
        return value.casefold() in text if op is Op.HAS else value.casefold() == text
    start, end = value.bounds(now) if isinstance(value, Moment) else (value, value + 1)
    number = int(fact)
    if op in (Op.EQUAL, Op.IN):
        return start <= number < end
    last = op in (Op.AT_MOST, Op.ABOVE)  # a day is over when its last instant is
    return _ORDER[op](number, end - 1 if last else start)


def fields_of(expression: Expression) -> set[str]:
    """Return the names of the fields a selector asks for."""
    match expression:
        case Compare(field):
            return {field}
        case Not(inner):
            return fields_of(inner)
        case And(parts) | Or(parts):
            return set().union(*map(fields_of, parts))
        case _:
            return set()


def labels_of(expression: Expression) -> Iterator[str]:
    """Yield the labels a selector names in full."""
    match expression:
        case Compare("label", op, values) if op is not Op.HAS:
            yield from (value for value in values if isinstance(value, str))
        case Not(inner):
            yield from labels_of(inner)
        case And(parts) | Or(parts):
            for part in parts:
                yield from labels_of(part)
        case _:
            pass


# -- how it is written -----------------------------------------------------------------------------


def write(expression: Expression) -> str:
    """Return a selector as text in its one spelling; reading it gives the same selector."""
    match expression:
        case All():
            return "all"
        case Compare(field, Op.IN, values):
            return f"{field} in ({', '.join(_value(field, value) for value in values)})"
        case Compare(field, op, values):
            return f"{field} {op.value} {_value(field, values[0])}"
        case Not(inner):
            return f"not {_inner(inner, And, Or)}"
        case And(parts):
            return " and ".join(_inner(part, And, Or) for part in parts)
        case Or(parts):
            return " or ".join(_inner(part, Or) for part in parts)


def _inner(part: Expression, *wider: type) -> str:
    return f"({write(part)})" if isinstance(part, wider) else write(part)


def _value(field: str, value: Value) -> str:
    if value is None:
        return "none"
    if isinstance(value, Moment):
        return value.text
    if isinstance(value, int) or FIELDS[field].type is FieldType.CHOICE:
        return str(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


# -- times -----------------------------------------------------------------------------------------

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
UNITS: Final[Mapping[str, int]] = {
    "s": 1000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
}
"""The units of a duration, in ms."""

MOST_MS: Final = 10**15
"""No duration is longer than this."""


def moment(text: str) -> Moment | None:
    """Return the span that an ISO 8601 date or time names; None when it is neither.

    A date is a whole day, a time the minute, second or millisecond it is written to; without an
    offset it is UTC.
    """
    try:
        if len(text) == len("2027-01-31"):
            span, named = timedelta(days=1), datetime.strptime(text, "%Y-%m-%d")
        elif len(text) > len("2027-01-31") and text[10] in "Tt" and text[4] == text[7] == "-":
            named = datetime.fromisoformat(text)
            span = timedelta(minutes=1) if text.count(":") == 1 else timedelta(seconds=1)
            span = _MS if "." in text else span
        else:
            return None
        named = named if named.tzinfo else named.replace(tzinfo=UTC)
        start = (named - _EPOCH) // _MS
    except (ValueError, OverflowError):
        return None
    return Moment(text, start, start + span // _MS)
