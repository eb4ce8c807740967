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
from typing import Any, Final

from msgspec import Struct

from rostra.domain.errors import Invalid, Told, told
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
_LONG_WORD: Final = re.compile(rf"\S{{{_WORD},}}")


class SelectorError(Invalid):
    """A selector that cannot be read.

    Args:
        source: the whole text.
        start: where the word that is wrong begins.
        end: where it ends.
        said: what is wrong, and what was expected.
    """

    def __init__(self, source: str, start: int, end: int, said: Told) -> None:
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
        self.said = str(said)
        super().__init__(
            told(
                "line %(line)s, column %(column)s: %(what)s\n  %(source)s\n  %(caret)s",
                line=self.line,
                column=self.column,
                what=said,
                source=line,
                caret=caret + under,
            )
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
    def shown(self) -> str | Told:
        """How an error calls it."""
        if not self.text:
            return told("the end")
        word = _LONG_WORD.sub(lambda found: f"{found[0][:_WORD]}…", self.text)
        return f'"{word}"' if self.kind in ("word", "sign") else word


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
            source,
            MAX_LENGTH,
            MAX_LENGTH + 1,
            told("more than %(num)s characters: shorten it", num=MAX_LENGTH),
        )
    reader = _Reader(source, _tokens(source), frozenset(labels), is_handle)
    found = reader.either(0)
    if reader.next.kind:
        raise reader.mistake('%(found)s is too much here: expected "and", "or" or the end')
    return found


def _tokens(source: str) -> list[_Token]:
    tokens, place = [], 0
    end = len(source.rstrip())
    while place < end:
        found = _TOKEN.match(source, place)
        if found is None:
            start = place + len(source[place:]) - len(source[place:].lstrip())
            if source[start] == '"':
                raise SelectorError(
                    source, start, start + 1, told('this " is never closed: add one')
                )
            raise SelectorError(
                source,
                start,
                start + 1,
                told('"%(found)s" alone says nothing', found=source[start]),
            )
        kind = found.lastgroup or ""
        start, place = found.span(kind)
        tokens.append(_Token(kind, found[kind], start, place))
    return [*tokens, _Token("", "", end, end + 1)]


def _like(word: str, known: Iterable[str]) -> Told:
    """Return what may have been meant by a word, as the end of an error."""
    names = list(known)
    found = difflib.get_close_matches(word.lower(), names, 1)
    if found:
        return told('did you mean "%(words)s"?', words=found[0])
    return told("there is %(among)s", among=", ".join(names))


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

    def mistake(self, text: str, token: _Token | None = None, **values: Any) -> SelectorError:
        """Return what refuses the selector at a token, the next one unless given.

        The text may name the token as ``%(found)s``.
        """
        at = token or self.next
        said = told(text, found=at.shown, **values) if "%(" in text else told(text)
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
            raise self.mistake(
                "more than %(num)s parentheses and nots within each other: unfold them",
                num=MAX_DEPTH,
            )
        if self.took("not"):
            return Not(self.term(depth + 1))
        if self.took("("):
            inner = self.either(depth + 1)
            if not self.took(")"):
                column = opening.start - self._source.rfind("\n", 0, opening.start)
                raise self.mistake(
                    'expected ")" for the "(" at column %(column)s, found %(found)s', column=column
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
            raise self.mistake(
                'expected a field such as "followers", "not" or "(", found %(found)s', token
            )
        field = FIELDS.get(token.text.lower())
        if field is None:
            raise self.mistake(
                "there is no field %(found)s; %(hint)s", token, hint=_like(token.text, FIELDS)
            )
        op = self.operator(field)
        if op is not Op.IN:
            return Compare(field.name, op, (self.value(field, op),))
        if not self.took("("):
            raise self.mistake('expected "(" and values after "in", found %(found)s')
        values = [self.value(field, op)]
        while self.took(","):
            values.append(self.value(field, op))
        if not self.took(")"):
            raise self.mistake('expected "," or ")", found %(found)s')
        return Compare(field.name, op, tuple(values))

    def operator(self, field: Field) -> Op:
        """Read an operator that makes sense for a field."""
        allowed = OPERATORS[field.type]
        shown = " ".join(one.value for one in allowed)
        token = self.take()
        op = _OPERATORS.get(token.text.lower()) if token.kind != "text" else None
        if op is None:
            raise self.mistake(
                'expected how to compare "%(name)s" (%(among)s), found %(found)s',
                token,
                name=field.name,
                among=shown,
            )
        if op not in allowed:
            raise self.mistake(
                '"%(name)s" is %(type)s, which %(found)s does not compare: use one of %(among)s',
                token,
                name=field.name,
                type=field.type.value,
                among=shown,
            )
        return op

    def value(self, field: Field, op: Op) -> Value:
        """Read a value that a field can have."""
        token = self.take()
        if token.kind not in ("word", "text"):
            raise self.mistake(
                'expected %(type)s for "%(name)s", found %(found)s',
                token,
                type=field.type.value,
                name=field.name,
            )
        if token.kind == "word" and field.optional and token.text.lower() == "none":
            if op not in (Op.EQUAL, Op.DIFFERENT, Op.IN):
                raise self.mistake(
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
        raise self.mistake(
            '"%(name)s" is a number such as 1000, and %(found)s is none', token, name=field.name
        )

    def choice(self, field: Field, token: _Token) -> str:
        """Return the value of a field with few values that a token is."""
        text = (_unquoted(token) if token.kind == "text" else token.text).lower()
        if text in field.choices:
            return text
        raise self.mistake(
            '"%(name)s" is never %(found)s; %(hint)s',
            token,
            name=field.name,
            hint=_like(text, field.choices),
        )

    def words(self, field: Field, op: Op, token: _Token) -> str:
        """Return the text, handle or label a token is."""
        text = _unquoted(token)
        if token.kind == "word" and text[0] in _CURLY:
            raise self.mistake(
                '%(words)s is no quote here: put the text in straight ones, "', token, words=text[0]
            )
        if token.kind == "word" and text.lower() in _KEYWORDS:
            raise self.mistake(
                "expected %(type)s, found %(found)s: put it in quotes",
                token,
                type=field.type.value,
            )
        if field.type is FieldType.NAME:
            text = text.removeprefix("@")
        if not text.strip():
            raise self.mistake(
                'expected %(type)s for "%(name)s", found nothing in it',
                token,
                type=field.type.value,
                name=field.name,
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
            raise self.mistake("no account has the label %(found)s; %(hint)s", token, hint=like)
        if field.type is FieldType.NAME and not self._is_handle(text):
            raise self.mistake("there is no account called %(found)s", token)

    def time(self, field: Field, token: _Token) -> Moment:
        """Return the time that a token and those after it name."""
        named = moment(token.text) if token.kind == "word" else None
        if named is not None:
            return named
        duration = _DURATION.fullmatch(token.text.lower()) if token.kind == "word" else None
        if duration is None:
            raise self.mistake(
                '"%(name)s" is a date (2027-01-31), a time (2027-01-31T12:00) or how long ago (30 '
                "days ago), and %(found)s is none of them",
                token,
                name=field.name,
            )
        unit_token = token if duration[2] else self.take()
        unit = duration[2] or unit_token.text.lower()
        unit = _LONG_UNITS.get(unit.removesuffix("s"), unit) if len(unit) > 1 else unit
        if unit_token.kind != "word" or unit not in UNITS:
            names = [*UNITS, *_LONG_UNITS]
            raise self.mistake(
                "expected a unit of time (%(among)s), found %(found)s",
                unit_token,
                among=", ".join(names),
            )
        ago = int(duration[1]) * UNITS[unit]
        if ago > MOST_MS:
            raise self.mistake("that is longer ago than anything: name a date", token)
        if not self.took("ago"):
            raise self.mistake('expected "ago" after a duration, found %(found)s')
        return Moment(f"{int(duration[1])}{unit} ago", ago=ago)


def _unquoted(token: _Token) -> str:
    if token.kind != "text":
        return token.text
    return re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL)
