"""Filters: what somebody does not want to read unwarned, and how it is found in a status.

The rules are Mastodon's (https://docs.joinmastodon.org/api/guidelines/#filters): a whole word
begins and ends at a boundary where the keyword itself begins and ends with a letter or digit.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from rostra.domain.errors import Invalid
from rostra.domain.statuses import Status

MAX_TITLE: Final = 256
MAX_KEYWORD: Final = 512
MAX_FILTERS: Final = 200
MAX_KEYWORDS: Final = 500
MAX_STATUSES: Final = 500
_BREAK: Final = "\n\n"


class FilterContext(enum.StrEnum):
    """Where a filter applies."""

    HOME = "home"
    NOTIFICATIONS = "notifications"
    PUBLIC = "public"
    THREAD = "thread"
    ACCOUNT = "account"


class FilterAction(enum.StrEnum):
    """What an app is to do with what a filter finds."""

    WARN = "warn"
    HIDE = "hide"
    BLUR = "blur"


class Keyword(Struct, frozen=True):
    """Text to be found, in whatever case."""

    id: int
    keyword: str
    whole_word: bool = True

    @property
    def pattern(self) -> str:
        """The regular expression that finds it."""
        found = re.escape(self.keyword)
        if not self.whole_word:
            return found
        begin = r"\b" if _is_word(self.keyword[0]) else ""
        end = r"\b" if _is_word(self.keyword[-1]) else ""
        return f"{begin}{found}{end}"


class FilterStatus(Struct, frozen=True):
    """A single status to be found, or a boost of it."""

    id: int
    status: int


class Filter(Struct, frozen=True, kw_only=True):
    """A filter of an account; ``expires_at`` is ms since 1970, or None for one that stays."""

    account: int
    id: int
    title: str
    contexts: tuple[FilterContext, ...]
    action: FilterAction = FilterAction.WARN
    expires_at: int | None = None
    keywords: tuple[Keyword, ...] = ()
    statuses: tuple[FilterStatus, ...] = ()

    def applies(self, now: int) -> bool:
        """Return whether its time is not over at ``now`` (ms)."""
        return self.expires_at is None or now < self.expires_at


class FilterResult(Struct, frozen=True):
    """A filter that found something in a status: the text, or the ids of statuses."""

    filter: Filter
    keywords: tuple[str, ...]
    statuses: tuple[int, ...]


def _is_word(character: str) -> bool:
    return re.match(r"\w", character) is not None


def searchable(status: Status, descriptions: Iterable[str] = ()) -> str:
    """Return the text of a status that filters look at.

    Args:
        status: no boost.
        descriptions: those of its media.
    """
    options = status.poll.options if status.poll is not None else ()
    return _BREAK.join((status.spoiler_text, status.text, *options, *descriptions))


class Finder:
    """The filters of one account that apply at a time, made ready to look at many statuses.

    Args:
        filters: all filters of the account.
        now: the time in ms; ``until`` tells until when no more of them ends.
    """

    def __init__(self, filters: Sequence[Filter], now: int) -> None:
        applying = [each for each in filters if each.applies(now)]
        self.until = min(
            (each.expires_at for each in applying if each.expires_at is not None), default=None
        )
        self._compiled = [
            (each, _compiled(each.keywords), frozenset(one.status for one in each.statuses))
            for each in applying
            if each.keywords or each.statuses
        ]

    def __bool__(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self._compiled)

    def results(self, text: str, ids: Sequence[int]) -> list[FilterResult]:
        """Return what the filters find in a status.

        Args:
            text: what ``searchable`` says of it; of a boost, of the original.
            ids: its id and, of a boost, that of the original.
        """
        found = []
        for each, pattern, statuses in self._compiled:
            match = pattern.search(text) if pattern is not None else None
            hits = tuple(id_ for id_ in ids if id_ in statuses)
            if match is not None or hits:
                found.append(FilterResult(each, (match.group(),) if match else (), hits))
        return found


def _compiled(keywords: Sequence[Keyword]) -> re.Pattern[str] | None:
    if not keywords:
        return None
    return re.compile("|".join(each.pattern for each in keywords), re.IGNORECASE)


# -- checking --------------------------------------------------------------------------------------


def check_title(title: str) -> str:
    """Return the title of a filter.

    Raises:
        Invalid: it is blank or too long.
    """
    title = title.strip()
    if not title:
        raise Invalid("Validation failed: Title can't be blank")
    if len(title) > MAX_TITLE:
        raise Invalid(
            "Validation failed: Title is too long (maximum is %(num)s characters)", num=MAX_TITLE
        )
    return title


def check_keyword(text: str) -> str:
    """Return the text of a keyword.

    Raises:
        Invalid: it is blank or too long.
    """
    if not text.strip():
        raise Invalid("Validation failed: Keyword can't be blank")
    if len(text) > MAX_KEYWORD:
        raise Invalid(
            "Validation failed: Keyword is too long (maximum is %(num)s characters)",
            num=MAX_KEYWORD,
        )
    return text


def check_contexts(names: Iterable[str]) -> tuple[FilterContext, ...]:
    """Return where a filter applies, each place once.

    Raises:
        Invalid: none is named, or one that is none.
    """
    try:
        contexts = tuple(dict.fromkeys(FilterContext(name) for name in names))
    except ValueError:
        contexts = ()
    if not contexts:
        raise Invalid(
            "Validation failed: Context None or invalid context supplied. Name at least one of "
            "%(among)s",
            among=", ".join(FilterContext),
        )
    return contexts


def check_action(name: str) -> FilterAction:
    """Return what a filter does.

    Raises:
        Invalid: there is no action of that name.
    """
    try:
        return FilterAction(name)
    except ValueError:
        raise Invalid(
            "Validation failed: Filter action must be one of %(among)s",
            among=", ".join(FilterAction),
        ) from None


def check_size(value: Filter) -> None:
    """Refuse a filter that looks for more than one may.

    Raises:
        Invalid: with what to do.
    """
    if len(value.keywords) > MAX_KEYWORDS or len(value.statuses) > MAX_STATUSES:
        raise Invalid(
            "Validation failed: A filter has at most %(num)s keywords and %(limit)s posts: "
            "remove some, or make another filter",
            num=MAX_KEYWORDS,
            limit=MAX_STATUSES,
        )
