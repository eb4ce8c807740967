"""Entities of what an account arranges for itself: its lists and hashtags."""

from __future__ import annotations

from rostra.api.rendering import Entity, Renderer, day
from rostra.domain.lists import AccountList
from rostra.services.tags import FeaturedView, TagView


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
