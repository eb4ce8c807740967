"""https://docs.joinmastodon.org/methods/filters/"""

from __future__ import annotations

from typing import Final

from msgspec import UNSET, Struct, UnsetType, field
from starlette.routing import BaseRoute

from rostra.api import entities
from rostra.api.binding import Nothing
from rostra.api.messages import PRIVATE, Call, Reply, json_reply
from rostra.api.operation import Needs, at, group, reads, writes
from rostra.api.rendering import Entity
from rostra.domain.errors import Invalid, NotFound
from rostra.domain.filters import Filter, FilterAction, Keyword
from rostra.domain.ids import parse_id
from rostra.ports import Snapshot
from rostra.services.reading import filters
from rostra.services.reading.filters import Changes, KeywordChange


def _entity(snap: Snapshot, value: Filter) -> Entity:
    return entities.whole_filter(value, filters.shown_statuses(snap, value))


def _reply(call: Call, value: Filter) -> Reply:
    with call.api.ctx.store.read() as snap:
        return json_reply(_entity(snap, value), headers=PRIVATE)


class GivenKeyword(Struct, frozen=True):
    id: str | None = None
    keyword: str | None = None
    whole_word: bool | None = None
    destroy: bool = field(default=False, name="_destroy")


class Given(Struct, frozen=True):
    """``expires_in`` left out leaves the end as it is; None or nothing means that there is none."""

    title: str | None = None
    context: list[str] | None = None
    filter_action: str | None = None
    expires_in: str | UnsetType | None = UNSET
    keywords_attributes: list[GivenKeyword] = []


def expiry_of(text: str | UnsetType | None) -> int | None:
    """Return in how many seconds a filter ends, 0 for never, None when nothing is said of it.

    Raises:
        Invalid: it is no number.
    """
    if text is UNSET:
        return None
    if text is None:
        return 0
    try:
        return max(int(text[:20]), 0)
    except ValueError:
        raise Invalid("Validation failed: Expires in must be a number of seconds") from None


def _keyword_id(text: str | None) -> int | None:
    if text is None:
        return None
    keyword_id = parse_id(text)
    if keyword_id is None:
        raise NotFound
    return keyword_id


def changes_of(given: Given) -> Changes:
    """Return what is asked of a filter.

    Raises:
        NotFound: a keyword has an id that is none.
        Invalid: the time is no number.
    """
    return Changes(
        title=given.title,
        contexts=given.context,
        action=given.filter_action,
        expires_in_s=expiry_of(given.expires_in),
        keywords=[
            KeywordChange(_keyword_id(one.id), one.keyword, one.whole_word, one.destroy)
            for one in given.keywords_attributes
        ],
    )


# -- filters ---------------------------------------------------------------------------------------


@reads(Nothing, needs=Needs.ACCOUNT, scope="read:filters")
def index(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    found = [_entity(snap, each) for each in snap.filters.of(call.actor)]
    return json_reply(found, headers=PRIVATE)


@reads(Nothing, needs=Needs.ACCOUNT, scope="read:filters")
def show(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    found = filters.show(snap, call.actor, call.id())
    return json_reply(_entity(snap, found), headers=PRIVATE)


@writes(Given, scope="write:filters")
async def create(call: Call, given: Given) -> Reply:
    made = await filters.create(call.api.ctx, actor=call.actor, changes=changes_of(given))
    return _reply(call, made)


@writes(Given, scope="write:filters")
async def update(call: Call, given: Given) -> Reply:
    after = await filters.update(
        call.api.ctx, actor=call.actor, filter_id=call.id(), changes=changes_of(given)
    )
    return _reply(call, after)


@writes(Nothing, scope="write:filters")
async def delete(call: Call, given: Nothing) -> Reply:
    await filters.delete(call.api.ctx, actor=call.actor, filter_id=call.id())
    return json_reply({})


# -- their keywords --------------------------------------------------------------------------------


@reads(Nothing, needs=Needs.ACCOUNT, scope="read:filters")
def keywords(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    found = filters.show(snap, call.actor, call.id())
    return json_reply([entities.filter_keyword(one) for one in found.keywords], headers=PRIVATE)


@reads(Nothing, needs=Needs.ACCOUNT, scope="read:filters")
def keyword(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    _, found = filters.with_keyword(snap, call.actor, call.id())
    return json_reply(entities.filter_keyword(found), headers=PRIVATE)


class Word(Struct, frozen=True):
    keyword: str | None = None
    whole_word: bool | None = None


@writes(Word, scope="write:filters")
async def add_keyword(call: Call, given: Word) -> Reply:
    made = await filters.add_keyword(
        call.api.ctx,
        actor=call.actor,
        filter_id=call.id(),
        keyword=given.keyword or "",
        whole_word=True if given.whole_word is None else given.whole_word,
    )
    return json_reply(entities.filter_keyword(made), headers=PRIVATE)


@writes(Word, scope="write:filters")
async def change_keyword(call: Call, given: Word) -> Reply:
    change = KeywordChange(keyword=given.keyword, whole_word=given.whole_word)
    after = await filters.change_keyword(
        call.api.ctx, actor=call.actor, keyword_id=call.id(), change=change
    )
    if after is None:
        raise NotFound
    return json_reply(entities.filter_keyword(after), headers=PRIVATE)


@writes(Nothing, scope="write:filters")
async def remove_keyword(call: Call, given: Nothing) -> Reply:
    await filters.change_keyword(
        call.api.ctx, actor=call.actor, keyword_id=call.id(), change=KeywordChange(remove=True)
    )
    return json_reply({})


# -- their statuses --------------------------------------------------------------------------------


@reads(Nothing, needs=Needs.ACCOUNT, scope="read:filters")
def statuses(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    found = filters.shown_statuses(snap, filters.show(snap, call.actor, call.id()))
    return json_reply([entities.filter_status(one) for one in found], headers=PRIVATE)


@reads(Nothing, needs=Needs.ACCOUNT, scope="read:filters")
def status(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    value, entry = filters.with_status(snap, call.actor, call.id())
    if entry not in filters.shown_statuses(snap, value):
        raise NotFound
    return json_reply(entities.filter_status(entry), headers=PRIVATE)


class Named(Struct, frozen=True):
    status_id: str = ""


@writes(Named, scope="write:filters")
async def add_status(call: Call, given: Named) -> Reply:
    made = await filters.add_status(
        call.api.ctx,
        actor=call.actor,
        filter_id=call.id(),
        status_id=parse_id(given.status_id),
    )
    return json_reply(entities.filter_status(made), headers=PRIVATE)


@writes(Nothing, scope="write:filters")
async def remove_status(call: Call, given: Nothing) -> Reply:
    await filters.remove_status(call.api.ctx, actor=call.actor, entry_id=call.id())
    return json_reply({})


ROUTES_V2: Final[list[BaseRoute]] = [
    at("/filters", GET=index, POST=create),
    *group(
        "/filters",
        at("/keywords/{id}", GET=keyword, PUT=change_keyword, DELETE=remove_keyword),
        at("/statuses/{id}", GET=status, DELETE=remove_status),
        at("/{id}", GET=show, PUT=update, PATCH=update, DELETE=delete),
        at("/{id}/keywords", GET=keywords, POST=add_keyword),
        at("/{id}/statuses", GET=statuses, POST=add_status),
    ),
]


# -- the first version: each keyword is a filter ---------------------------------------------------


def _single(value: Filter, word: Keyword) -> Reply:
    return json_reply(entities.single_filter(value, word), headers=PRIVATE)


class GivenPhrase(Struct, frozen=True):
    phrase: str | None = None
    context: list[str] | None = None
    irreversible: bool | None = None
    whole_word: bool | None = None
    expires_in: str | UnsetType | None = UNSET


def _asked(given: GivenPhrase, *, title: str | None = None) -> Changes:
    action = FilterAction.HIDE if given.irreversible else FilterAction.WARN
    return Changes(
        title=title,
        contexts=given.context,
        action=None if given.irreversible is None else action,
        expires_in_s=expiry_of(given.expires_in),
        keywords=(KeywordChange(keyword=given.phrase, whole_word=given.whole_word),),
    )


@reads(Nothing, needs=Needs.ACCOUNT, scope="read:filters")
def phrases(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    found = [
        entities.single_filter(each, word)
        for each in snap.filters.of(call.actor)
        for word in each.keywords
    ]
    return json_reply(found, headers=PRIVATE)


@reads(Nothing, needs=Needs.ACCOUNT, scope="read:filters")
def phrase(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    return _single(*filters.with_keyword(snap, call.actor, call.id()))


@writes(GivenPhrase, scope="write:filters")
async def create_phrase(call: Call, given: GivenPhrase) -> Reply:
    if not (given.phrase or "").strip():
        raise Invalid("Validation failed: Phrase can't be blank")
    title = (given.phrase or "").strip()[:256]
    made = await filters.create(call.api.ctx, actor=call.actor, changes=_asked(given, title=title))
    return _single(made, made.keywords[0])


@writes(GivenPhrase, scope="write:filters")
async def update_phrase(call: Call, given: GivenPhrase) -> Reply:
    value, word = await filters.change_single(
        call.api.ctx, actor=call.actor, keyword_id=call.id(), changes=_asked(given)
    )
    return _single(value, word)


@writes(Nothing, scope="write:filters")
async def delete_phrase(call: Call, given: Nothing) -> Reply:
    await filters.delete_single(call.api.ctx, actor=call.actor, keyword_id=call.id())
    return json_reply({})


ROUTES_V1: Final[list[BaseRoute]] = [
    at("/filters", GET=phrases, POST=create_phrase),
    at("/filters/{id}", GET=phrase, PUT=update_phrase, PATCH=update_phrase, DELETE=delete_phrase),
]
