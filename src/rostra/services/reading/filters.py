"""Filters: making and changing them, and what they find in statuses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from rostra.domain.errors import Invalid, NotFound
from rostra.domain.filters import (
    MAX_FILTERS,
    Filter,
    FilterAction,
    FilterContext,
    FilterResult,
    FilterStatus,
    Finder,
    Keyword,
    check_action,
    check_contexts,
    check_keyword,
    check_size,
    check_title,
    searchable,
)
from rostra.ports import Context, Snapshot, Transaction, View
from rostra.services.reading.threads import original

LONGEST_S: Final = 100 * 365 * 86_400


class KeywordChange(Struct, frozen=True):
    """What is asked of one keyword of a filter: with an ``id`` to change it, else to add it."""

    id: int | None = None
    keyword: str | None = None
    whole_word: bool | None = None
    remove: bool = False


class Changes(Struct, frozen=True, kw_only=True):
    """What is asked of a filter; None leaves a thing as it is.

    ``expires_in_s`` is in seconds from now; 0 for a filter that stays.
    """

    title: str | None = None
    contexts: Sequence[str] | None = None
    action: str | None = None
    expires_in_s: int | None = None
    keywords: Sequence[KeywordChange] = ()


# -- reading ---------------------------------------------------------------------------------------


def show(view: View, owner: int, filter_id: int) -> Filter:
    """Return a filter.

    Raises:
        NotFound: the owner has none with this id.
    """
    return _where(view, owner, lambda each: each.id == filter_id)


def with_keyword(view: View, owner: int, keyword_id: int) -> tuple[Filter, Keyword]:
    """Return a keyword and the filter it is of.

    Raises:
        NotFound: the owner has none with this id.
    """
    found = _where(view, owner, lambda each: any(one.id == keyword_id for one in each.keywords))
    return found, next(one for one in found.keywords if one.id == keyword_id)


def with_status(view: View, owner: int, entry_id: int) -> tuple[Filter, FilterStatus]:
    """Return the entry of a status in a filter, and the filter.

    Raises:
        NotFound: the owner has none with this id.
    """
    found = _where(view, owner, lambda each: any(one.id == entry_id for one in each.statuses))
    return found, next(one for one in found.statuses if one.id == entry_id)


def _where(view: View, owner: int, fits: Callable[[Filter], bool]) -> Filter:
    found = next((each for each in view.filters.of(owner) if fits(each)), None)
    if found is None:
        raise NotFound
    return found


def shown_statuses(snap: Snapshot, value: Filter) -> list[FilterStatus]:
    """Return the statuses a filter names, but those that are gone or hidden from its owner."""
    found = snap.statuses.many(one.status for one in value.statuses)
    return [
        one
        for one in value.statuses
        if one.status in found and snap.gate.may_see_status(value.account, found[one.status])
    ]


def finder(snap: Snapshot, viewer: int) -> Finder:
    """Return what finds in statuses what the viewer filters; false when that is nothing."""
    return Finder(snap.filters.of(viewer), snap.now)


def find(snap: Snapshot, finder: Finder, status_id: int) -> list[FilterResult]:
    """Return what filters find in a status or boost, nothing when it is gone."""
    status = snap.statuses.get(status_id)
    source = original(snap, status)
    if status is None or source is None:
        return []
    media = snap.media.many(source.media).values() if source.media else ()
    text = searchable(source, [one.description for one in media if one.description])
    ids = (status.id,) if status is source else (status.id, source.id)
    return finder.results(text, ids)


# -- changing --------------------------------------------------------------------------------------


async def create(ctx: Context, *, actor: int, changes: Changes) -> Filter:
    """Make a filter.

    Raises:
        Invalid: the title or a context is missing or wrong, a keyword is, or there are too many.
        NotFound: a keyword of another filter is named.
        Forbidden: the actor may not act.
    """
    title = check_title(changes.title or "")
    contexts = check_contexts(changes.contexts or ())

    def change(tx: Transaction) -> Filter:
        tx.gate.require_may_act(actor)
        if len(tx.filters.of(actor)) >= MAX_FILTERS:
            raise Invalid(
                "Validation failed: You have %(num)s filters already: remove one first",
                num=MAX_FILTERS,
            )
        bare = Filter(account=actor, id=tx.next_id(), title=title, contexts=contexts)
        made = _changed(tx, bare, changes)
        tx.filters.put(made)
        return made

    return await ctx.store.write(change)


async def update(ctx: Context, *, actor: int, filter_id: int, changes: Changes) -> Filter:
    """Change a filter.

    Raises:
        Invalid: something asked for breaks a rule.
        NotFound: the actor has no such filter, or it has no such keyword.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> Filter:
        tx.gate.require_may_act(actor)
        after = _changed(tx, show(tx, actor, filter_id), changes)
        tx.filters.put(after)
        return after

    return await ctx.store.write(change)


def _changed(tx: Transaction, before: Filter, asked: Changes) -> Filter:
    expires_at = before.expires_at
    if asked.expires_in_s is not None:
        seconds = min(max(asked.expires_in_s, 0), LONGEST_S)
        expires_at = tx.now + seconds * 1000 if seconds else None
    after = msgspec.structs.replace(
        before,
        title=before.title if asked.title is None else check_title(asked.title),
        contexts=before.contexts if asked.contexts is None else check_contexts(asked.contexts),
        action=before.action if asked.action is None else check_action(asked.action),
        expires_at=expires_at,
        keywords=_keywords(tx, before, asked.keywords),
    )
    check_size(after)
    return after


def _keywords(
    tx: Transaction, before: Filter, asked: Sequence[KeywordChange]
) -> tuple[Keyword, ...]:
    found = {one.id: one for one in before.keywords}
    for one in asked:
        if one.id is not None and one.id not in found:
            raise NotFound
        if one.remove:
            if one.id is not None:
                del found[one.id]
            continue
        old = Keyword(tx.next_id(), "") if one.id is None else found[one.id]
        found[old.id] = Keyword(
            old.id,
            check_keyword(old.keyword if one.keyword is None else one.keyword),
            old.whole_word if one.whole_word is None else one.whole_word,
        )
    return tuple(found.values())


async def delete(ctx: Context, *, actor: int, filter_id: int) -> None:
    """Remove a filter.

    Raises:
        NotFound: the actor has no such filter.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> None:
        tx.gate.require_may_act(actor)
        tx.filters.delete(actor, show(tx, actor, filter_id).id)

    await ctx.store.write(change)


# -- single keywords and statuses ------------------------------------------------------------------


async def add_keyword(
    ctx: Context, *, actor: int, filter_id: int, keyword: str, whole_word: bool = True
) -> Keyword:
    """Add a keyword to a filter.

    Raises:
        Invalid: it is blank or too long, or there are too many.
        NotFound: the actor has no such filter.
        Forbidden: the actor may not act.
    """
    wanted = KeywordChange(keyword=keyword, whole_word=whole_word)
    after = await update(ctx, actor=actor, filter_id=filter_id, changes=Changes(keywords=(wanted,)))
    return after.keywords[-1]


async def change_keyword(
    ctx: Context, *, actor: int, keyword_id: int, change: KeywordChange
) -> Keyword | None:
    """Change or remove a keyword of whichever filter it is of; return it, None when removed.

    Raises:
        Invalid: it is blank or too long.
        NotFound: the actor has no such keyword.
        Forbidden: the actor may not act.
    """

    def write(tx: Transaction) -> Keyword | None:
        tx.gate.require_may_act(actor)
        before, _ = with_keyword(tx, actor, keyword_id)
        asked = msgspec.structs.replace(change, id=keyword_id)
        after = _changed(tx, before, Changes(keywords=(asked,)))
        tx.filters.put(after)
        return next((one for one in after.keywords if one.id == keyword_id), None)

    return await ctx.store.write(write)


async def add_status(
    ctx: Context, *, actor: int, filter_id: int, status_id: int | None
) -> FilterStatus:
    """Let a filter find a status.

    Raises:
        Invalid: the filter names it already, or too many.
        NotFound: the actor has no such filter, or may not see the status.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> FilterStatus:
        tx.gate.require_may_act(actor)
        before = show(tx, actor, filter_id)
        found = None if status_id is None else tx.statuses.get(status_id)
        status = tx.gate.require_status(actor, found)
        if any(one.status == status.id for one in before.statuses):
            raise Invalid("Validation failed: Status has already been taken")
        made = FilterStatus(tx.next_id(), status.id)
        after = msgspec.structs.replace(before, statuses=(*before.statuses, made))
        check_size(after)
        tx.filters.put(after)
        return made

    return await ctx.store.write(change)


async def remove_status(ctx: Context, *, actor: int, entry_id: int) -> None:
    """Let a filter find a status no longer.

    Raises:
        NotFound: no filter of the actor has an entry with this id.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> None:
        tx.gate.require_may_act(actor)
        before, entry = with_status(tx, actor, entry_id)
        rest = tuple(one for one in before.statuses if one != entry)
        tx.filters.put(msgspec.structs.replace(before, statuses=rest))

    await ctx.store.write(change)


# -- the first version of the API, where each keyword is a filter ----------------------------------


async def change_single(
    ctx: Context, *, actor: int, keyword_id: int, changes: Changes
) -> tuple[Filter, Keyword]:
    """Change a filter as the first version of the API does, by its only keyword.

    Raises:
        Invalid: a value breaks a rule, or would change what the filter does with its other
            keywords.
        NotFound: the actor has no such keyword.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> tuple[Filter, Keyword]:
        tx.gate.require_may_act(actor)
        before, _ = with_keyword(tx, actor, keyword_id)
        asked = [msgspec.structs.replace(one, id=keyword_id) for one in changes.keywords]
        after = _changed(tx, before, msgspec.structs.replace(changes, keywords=asked))
        if len(before.keywords) > 1 and _acts(before) != _acts(after):
            raise Invalid(
                "Validation failed: This filter has several keywords. Change where and how it "
                "applies in an app that knows filters with several keywords"
            )
        tx.filters.put(after)
        return after, next(one for one in after.keywords if one.id == keyword_id)

    return await ctx.store.write(change)


def _acts(value: Filter) -> tuple[tuple[FilterContext, ...], FilterAction, int | None]:
    return value.contexts, value.action, value.expires_at


async def delete_single(ctx: Context, *, actor: int, keyword_id: int) -> None:
    """Remove a keyword as the first version of the API does, and its filter with the last one.

    Raises:
        NotFound: the actor has no such keyword.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> None:
        tx.gate.require_may_act(actor)
        before, keyword = with_keyword(tx, actor, keyword_id)
        rest = tuple(one for one in before.keywords if one != keyword)
        if rest or before.statuses:
            tx.filters.put(msgspec.structs.replace(before, keywords=rest))
        else:
            tx.filters.delete(actor, before.id)

    await ctx.store.write(change)
