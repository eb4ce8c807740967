"""Every route of the Mastodon client API."""

from __future__ import annotations

from starlette.routing import BaseRoute

from rostra.api.mastodon import (
    accounts,
    admin,
    admin_domains,
    admin_reports,
    admin_statistics,
    announcements,
    apps,
    collected,
    conversations,
    emails,
    filters,
    instance,
    lists,
    media,
    notifications,
    oembed,
    personal,
    polls,
    push,
    relationships,
    reports,
    scheduled_statuses,
    search,
    statuses,
    suggestions,
    tags,
    timelines,
    trends,
)
from rostra.api.operation import at, group


def routes() -> list[BaseRoute]:
    """Return the routes below ``/api``, those asked for most first."""
    return [
        *group(
            "/v1",
            *timelines.ROUTES,
            *statuses.ROUTES,
            *accounts.ROUTES,
            *notifications.ROUTES,
            *polls.ROUTES,
            *push.ROUTES,
            *collected.ROUTES,
            *media.ROUTES_V1,
            *scheduled_statuses.ROUTES,
            *conversations.ROUTES,
            *instance.ROUTES_V1,
            *apps.ROUTES,
            *emails.ROUTES_V1,
            at("/follow_requests", GET=relationships.requests),
            *group(
                "/follow_requests/{id}",
                at("/authorize", POST=relationships.authorize),
                at("/reject", POST=relationships.reject),
            ),
            at("/blocks", GET=relationships.blocks),
            at("/mutes", GET=relationships.mutes),
            *lists.ROUTES,
            *filters.ROUTES_V1,
            *tags.ROUTES,
            *announcements.ROUTES,
            *personal.ROUTES,
            at("/endorsements", GET=relationships.endorsements),
            *trends.ROUTES,
            *suggestions.ROUTES_V1,
            *reports.ROUTES,
            *admin_reports.ROUTES,
            *admin_domains.ROUTES,
            *admin_statistics.ROUTES,
            *admin.ROUTES_V1,
        ),
        *group(
            "/v2",
            *instance.ROUTES_V2,
            *media.ROUTES_V2,
            *search.ROUTES_V2,
            *suggestions.ROUTES_V2,
            *filters.ROUTES_V2,
            *admin.ROUTES_V2,
        ),
        *oembed.ROUTES,
    ]
