"""Entities of what an account arranges for itself: its lists, filters and hashtags."""

from __future__ import annotations

from collections.abc import Iterable

from rostra.api.rendering import Entity, Renderer, day, when_known
from rostra.domain.filters import Filter, FilterAction, FilterResult, FilterStatus, Keyword
from rostra.domain.lists import AccountList
from rostra.services.discovery.tags import FeaturedView, TagView


def account_list(value: AccountList) -> Entity:
    """Return the List entity."""
    return {
        "id": str(value.id),
        "title": value.title,
        "replies_policy": value.replies.label,
        "exclusive": value.exclusive,
    }


def tag(renderer: Renderer, view: TagView) -> Entity:
    """Return the Tag entity with its history, and what it is to the viewer if there is one."""
    entity: Entity = {
        **renderer.status_tag(view.name),
        "history": [
            {"day": str(each.day // 1000), "uses": str(each.uses), "accounts": str(each.accounts)}
            for each in view.history
        ],
    }
    if view.following is not None:
        entity["following"] = view.following
    if view.featuring is not None:
        entity["featuring"] = view.featuring
    return entity


def featured_tag(renderer: Renderer, username: str, view: FeaturedView) -> Entity:
    """Return the FeaturedTag entity of an account by its username."""
    return {
        "id": str(view.id),
        "name": view.tag,
        "url": f"{renderer.url}/@{username}/tagged/{view.tag}",
        "statuses_count": str(view.statuses),
        "last_status_at": None if view.last_status_at is None else day(view.last_status_at),
    }


# -- filters ---------------------------------------------------------------------------------------


def bare_filter(value: Filter) -> Entity:
    """Return the Filter entity without what it looks for, as it stands in a FilterResult."""
    return {
        "id": str(value.id),
        "title": value.title,
        "context": [str(context) for context in value.contexts],
        "expires_at": when_known(value.expires_at),
        "filter_action": str(value.action),
    }


def whole_filter(value: Filter, statuses: Iterable[FilterStatus]) -> Entity:
    """Return the Filter entity with its keywords and those of its statuses that may be shown."""
    return {
        **bare_filter(value),
        "keywords": [filter_keyword(one) for one in value.keywords],
        "statuses": [filter_status(one) for one in statuses],
    }


def filter_keyword(value: Keyword) -> Entity:
    """Return the FilterKeyword entity."""
    return {"id": str(value.id), "keyword": value.keyword, "whole_word": value.whole_word}


def filter_status(value: FilterStatus) -> Entity:
    """Return the FilterStatus entity."""
    return {"id": str(value.id), "status_id": str(value.status)}


def filter_result(value: FilterResult) -> Entity:
    """Return the FilterResult entity."""
    return {
        "filter": bare_filter(value.filter),
        "keyword_matches": list(value.keywords) or None,
        "status_matches": [str(one) for one in value.statuses] or None,
    }


def single_filter(value: Filter, keyword: Keyword) -> Entity:
    """Return the V1::Filter entity: one keyword of a filter as if it was all of it."""
    return {
        "id": str(keyword.id),
        "phrase": keyword.keyword,
        "context": [str(context) for context in value.contexts],
        "whole_word": keyword.whole_word,
        "expires_at": when_known(value.expires_at),
        "irreversible": value.action is FilterAction.HIDE,
    }
