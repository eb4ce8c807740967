"""Reading selectors, with errors that point at the word that is wrong.

The grammar (words that are in quotes here stand as they are, in either case; names of fields and
values come from ``domain.selectors``)::

    selector  = either ;
    either    = both, { "or", both } ;
    both      = term, { "and", term } ;
    term      = "not", term | "(", either, ")" | "all" | condition ;
    condition = field, ( "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" ), value
              | field, "in", "(", value, { ",", value }, ")" ;
    value     = number | date | time | ago | word | text | "none" ;
    ago       = number, unit, "ago" ;
    text      = '"', { character | '\\"' | '\\\\' }, '"' ;
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable
from typing import Final

from msgspec import Struct

from rostra.domain.errors import Invalid
from rostra.domain.selectors import (
    FIELDS,
    MOST_MS,
    OPERATORS,
    UNITS,
    All,
    And,
    Compare,
    Expression,
    Field,
    FieldType,
    Moment,
    Not,
    Op,
    Or,
    Value,
    moment,
)

MAX_LENGTH: Final = 10_000
MAX_DEPTH: Final = 40
MAX_NUMBER: Final = 2**63 - 1
_TOKEN: Final = re.compile(
    r'\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<sign><=|>=|!=|[=<>~(),])|(?P<word>[^\s()<>=!~,"]+))',
    re.DOTALL,
)
_NUMBER: Final = re.compile(r"\d{1,3}(?:_\d{3})+|\d{1,19}", re.ASCII)
_DURATION: Final = re.compile(r"(\d{1,10})([a-z]*)", re.ASCII)
_LONG_UNITS: Final = {"second": "s", "minute": "m", "hour": "h", "day": "d", "week": "w"}
_OPERATORS: Final = {op.value: op for op in Op}
_KEYWORDS: Final = frozenset({"and", "or", "not", "in", "all"})
_CURLY: Final = frozenset("“”„‟«»")
"""Quotes that editors put in place of straight ones."""


SHOWN: Final = 72
"""How many characters of a line an error shows around what is wrong."""

_WORD: Final = 60
_LONG_WORD: Final = re.compile(rf"\S{{{_WORD + 2},}}")


class SelectorError(Invalid):
    """A selector that cannot be read.

    Args:
        source: the whole text.
        start: where the word that is wrong begins.
        end: where it ends.
        said: what is wrong, and what was expected.
    """

    def __init__(self, source: str, start: int, end: int, said: str) -> None:
        before = source[:start]
        self.line = before.count("\n") + 1
        line_start = before.rfind("\n") + 1
        self.column = start - line_start + 1
        line_end = source.find("\n", start)
        line = source[line_start : len(source) if line_end < 0 else line_end]
        line = "".join(" " if unicodedata.category(one)[0] == "C" else one for one in line)
        length = max(1, min(end, line_start + len(line)) - start)
        line, at = _around(line, self.column - 1)
        caret = " " * _width(line[:at])
        under = "^" * max(1, _width(line[at : at + length]))
        self.said = _LONG_WORD.sub(lambda found: f"{found[0][:_WORD]}…", said)
        super().__init__(
            f"line {self.line}, column {self.column}: {self.said}\n  {line}\n  {caret}{under}"
        )


def _around(line: str, at: int) -> tuple[str, int]:
    """Return what of a long line an error shows, and where in that is what was at ``at``."""
    if len(line) <= SHOWN:
        return line, at
    begin = max(0, min(at - SHOWN // 2, len(line) - SHOWN))
    before, after = "…" * (begin > 0), "…" * (begin + SHOWN < len(line))
    return f"{before}{line[begin : begin + SHOWN]}{after}", at - begin + len(before)


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(
        0 if unicodedata.combining(one) else 1 + (unicodedata.east_asian_width(one) in ("W", "F"))
        for one in text
    )


class _Token(Struct, frozen=True):
    """A word, sign or quoted text of a selector; ``kind`` is "" at its end."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def shown(self) -> str:
        """How an error calls it."""
        return f'"{self.text}"' if self.kind in ("word", "sign") else self.text or "the end"


def parse(
    source: str,
    *,
    labels: Collection[str] = (),
    is_handle: Callable[[str], bool] = lambda name: True,
) -> Expression:
    """Return the selector that a text says.

    Args:
        source: the text.
        labels: the labels there are; one that is not among them is taken for a mistake.
        is_handle: whether there is an account of that name, or of that name and domain; one that
            nobody has is a mistake too.

    Raises:
        SelectorError: it cannot be read; the error says where, and what was expected.
    """
    if len(source) > MAX_LENGTH:
        raise SelectorError(
            source, MAX_LENGTH, MAX_LENGTH + 1, f"more than {MAX_LENGTH} characters: shorten it"
        )
    reader = _Reader(source, _tokens(source), frozenset(labels), is_handle)
    found = reader.either(0)
    if reader.next.kind:
        raise reader.wrong(f'{reader.next.shown} is too much here: expected "and", "or" or the end')
    return found


def _tokens(source: str) -> list[_Token]:
    tokens, place = [], 0
    end = len(source.rstrip())
    while place < end:
        found = _TOKEN.match(source, place)
        if found is None:
            start = place + len(source[place:]) - len(source[place:].lstrip())
            if source[start] == '"':
                raise SelectorError(source, start, start + 1, 'this " is never closed: add one')
            raise SelectorError(source, start, start + 1, f'"{source[start]}" alone says nothing')
        kind = found.lastgroup or ""
        start, place = found.span(kind)
        tokens.append(_Token(kind, found[kind], start, place))
    return [*tokens, _Token("", "", end, end + 1)]


def _like(word: str, known: Iterable[str]) -> str:
    """Return what may have been meant by a word, as the end of an error."""
    names = list(known)
    found = difflib.get_close_matches(word.lower(), names, 1)
    return f'did you mean "{found[0]}"?' if found else f"there is {', '.join(names)}"


class _Reader:
    """Reads tokens from left to right (recursive descent)."""

    def __init__(
        self,
        source: str,
        tokens: list[_Token],
        labels: frozenset[str],
        is_handle: Callable[[str], bool],
    ) -> None:
        self._source = source
        self._tokens = tokens
        self._labels = labels
        self._is_handle = is_handle
        self._place = 0

    @property
    def next(self) -> _Token:
        """The token that was not taken yet."""
        return self._tokens[self._place]

    def take(self) -> _Token:
        """Return the next token and go past it; the end stays."""
        token = self.next
        self._place = min(self._place + 1, len(self._tokens) - 1)
        return token

    def wrong(self, said: str, token: _Token | None = None) -> SelectorError:
        """Return what refuses the selector at a token, the next one unless given."""
        at = token or self.next
        return SelectorError(self._source, at.start, at.end, said)

    def took(self, text: str) -> bool:
        """Take the next token if it is this word or sign; return whether it was."""
        token = self.next
        if token.kind in ("word", "sign") and token.text.lower() == text:
            self.take()
            return True
        return False

    # -- and, or, not ------------------------------------------------------------------------------

    def either(self, depth: int) -> Expression:
        """Read what is joined by "or"."""
        parts = [self.both(depth)]
        while self.took("or"):
            parts.append(self.both(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def both(self, depth: int) -> Expression:
        """Read what is joined by "and"."""
        parts = [self.term(depth)]
        while self.took("and"):
            parts.append(self.term(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def term(self, depth: int) -> Expression:
        """Read one condition, or what stands for one."""
        opening = self.next
        if depth > MAX_DEPTH:
            raise self.wrong(
                f"more than {MAX_DEPTH} parentheses and nots within each other: unfold them"
            )
        if self.took("not"):
            return Not(self.term(depth + 1))
        if self.took("("):
            inner = self.either(depth + 1)
            if not self.took(")"):
                column = opening.start - self._source.rfind("\n", 0, opening.start)
                raise self.wrong(
                    f'expected ")" for the "(" at column {column}, found {self.next.shown}'
                )
            return inner
        if self.took("all"):
            return All()
        return self.condition()

    # -- conditions --------------------------------------------------------------------------------

    def condition(self) -> Compare:
        """Read field, operator and value."""
        token = self.take()
        if token.kind != "word" or token.text.lower() in _KEYWORDS:
            raise self.wrong(
                f'expected a field such as "followers", "not" or "(", found {token.shown}', token
            )
        field = FIELDS.get(token.text.lower())
        if field is None:
            raise self.wrong(f"there is no field {token.shown}; {_like(token.text, FIELDS)}", token)
        op = self.operator(field)
        if op is not Op.IN:
            return Compare(field.name, op, (self.value(field, op),))
        if not self.took("("):
            raise self.wrong(f'expected "(" and values after "in", found {self.next.shown}')
        values = [self.value(field, op)]
        while self.took(","):
            values.append(self.value(field, op))
        if not self.took(")"):
            raise self.wrong(f'expected "," or ")", found {self.next.shown}')
        return Compare(field.name, op, tuple(values))

    def operator(self, field: Field) -> Op:
        """Read an operator that makes sense for a field."""
        allowed = OPERATORS[field.type]
        shown = " ".join(one.value for one in allowed)
        token = self.take()
        op = _OPERATORS.get(token.text.lower()) if token.kind != "text" else None
        if op is None:
            raise self.wrong(
                f'expected how to compare "{field.name}" ({shown}), found {token.shown}', token
            )
        if op not in allowed:
            raise self.wrong(
                f'"{field.name}" is {field.type.value}, which {token.shown} does not compare: '
                f"use one of {shown}",
                token,
            )
        return op

    def value(self, field: Field, op: Op) -> Value:
        """Read a value that a field can have."""
        token = self.take()
        if token.kind not in ("word", "text"):
            raise self.wrong(
                f'expected {field.type.value} for "{field.name}", found {token.shown}', token
            )
        if token.kind == "word" and field.optional and token.text.lower() == "none":
            if op not in (Op.EQUAL, Op.DIFFERENT, Op.IN):
                raise self.wrong(
                    '"none" is neither more nor less than anything: use = or !=', token
                )
            return None
        match field.type:
            case FieldType.NUMBER:
                return self.number(field, token)
            case FieldType.TIME:
                return self.time(field, token)
            case FieldType.CHOICE:
                return self.choice(field, token)
            case _:
                return self.words(field, op, token)

    def number(self, field: Field, token: _Token) -> int:
        """Return the number a token is."""
        text = token.text.replace("_", "")
        if token.kind == "word" and _NUMBER.fullmatch(token.text) and int(text) <= MAX_NUMBER:
            return int(text)
        raise self.wrong(
            f'"{field.name}" is a number such as 1000, and {token.shown} is none', token
        )

    def choice(self, field: Field, token: _Token) -> str:
        """Return the value of a field with few values that a token is."""
        text = (_unquoted(token) if token.kind == "text" else token.text).lower()
        if text in field.choices:
            return text
        raise self.wrong(
            f'"{field.name}" is never {token.shown}; {_like(text, field.choices)}', token
        )

    def words(self, field: Field, op: Op, token: _Token) -> str:
        """Return the text, handle or label a token is."""
        text = _unquoted(token)
        if token.kind == "word" and text[0] in _CURLY:
            raise self.wrong(f'{text[0]} is no quote here: put the text in straight ones, "', token)
        if token.kind == "word" and text.lower() in _KEYWORDS:
            raise self.wrong(
                f"expected {field.type.value}, found {token.shown}: put it in quotes", token
            )
        if field.type is FieldType.NAME:
            text = text.removeprefix("@")
        if not text.strip():
            raise self.wrong(
                f'expected {field.type.value} for "{field.name}", found nothing in it', token
            )
        if op is not Op.HAS:
            self.exists(field, text, token)
            if field.type is FieldType.NAME:  # as exists() took it: @anna@example.org is anna
                text = text.partition("@")[0]
        return text.casefold()

    def exists(self, field: Field, text: str, token: _Token) -> None:
        """Refuse a label or a handle that no account has: it would mean nobody, or everybody."""
        if field.type is FieldType.LABEL and self._labels and text.lower() not in self._labels:
            like = _like(text, sorted(self._labels))
            raise self.wrong(f"no account has the label {token.shown}; {like}", token)
        if field.type is FieldType.NAME and not self._is_handle(text):
            raise self.wrong(f"there is no account called {token.shown}", token)

    def time(self, field: Field, token: _Token) -> Moment:
        """Return the time that a token and those after it name."""
        expected = "a date (2027-01-31), a time (2027-01-31T12:00) or how long ago (30 days ago)"
        named = moment(token.text) if token.kind == "word" else None
        if named is not None:
            return named
        duration = _DURATION.fullmatch(token.text.lower()) if token.kind == "word" else None
        if duration is None:
            raise self.wrong(
                f'"{field.name}" is {expected}, and {token.shown} is none of them', token
            )
        unit_token = token if duration[2] else self.take()
        unit = duration[2] or unit_token.text.lower()
        unit = _LONG_UNITS.get(unit.removesuffix("s"), unit) if len(unit) > 1 else unit
        if unit_token.kind != "word" or unit not in UNITS:
            names = [*UNITS, *_LONG_UNITS]
            raise self.wrong(
                f"expected a unit of time ({', '.join(names)}), found {unit_token.shown}",
                unit_token,
            )
        ago = int(duration[1]) * UNITS[unit]
        if ago > MOST_MS:
            raise self.wrong("that is longer ago than anything: name a date", token)
        if not self.took("ago"):
            raise self.wrong(f'expected "ago" after a duration, found {self.next.shown}')
        return Moment(f"{int(duration[1])}{unit} ago", ago=ago)


def _unquoted(token: _Token) -> str:
    if token.kind != "text":
        return token.text
    return re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL)
