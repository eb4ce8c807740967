"""https://docs.joinmastodon.org/methods/instance/"""

from __future__ import annotations

from typing import Any, Final

from starlette.routing import BaseRoute

from rostra import __version__
from rostra.api.binding import Nothing
from rostra.api.mastodon.common import bytes_reply
from rostra.api.messages import Call, Reply, encode
from rostra.api.operation import Needs, at, group, reads
from rostra.domain.accounts import MAX_DISPLAY_NAME, MAX_FIELD, MAX_FIELDS, MAX_NOTE
from rostra.domain.media import (
    MAX_ATTACHED,
    MAX_DESCRIPTION,
    MAX_FILM_PIXELS,
    MAX_FILM_RATE,
    MAX_PICTURE_PIXELS,
)
from rostra.domain.statuses import URL_CHARACTERS
from rostra.ports import Snapshot
from rostra.services import instance, polls, web_push

COMPATIBLE: Final = "4.3.0"
"""The version of Mastodon whose client API this server speaks."""


def version() -> str:
    """Return the version as apps read it: Mastodon's first, then ours."""
    return f"{COMPATIBLE} (compatible; Rostra {__version__})"


def limits(call: Call) -> dict[str, Any]:
    """Return what both versions of the Instance entity say about limits."""
    settings = call.api.ctx.settings
    return {
        "accounts": {
            "max_featured_tags": 0,
            "max_pinned_statuses": 0,
            "max_display_name_length": MAX_DISPLAY_NAME,
            "max_note_length": MAX_NOTE,
            "max_profile_fields": MAX_FIELDS,
            "profile_field_name_limit": MAX_FIELD,
            "profile_field_value_limit": MAX_FIELD,
        },
        "statuses": {
            "max_characters": call.api.ctx.settings.max_characters,
            "max_media_attachments": MAX_ATTACHED,
            "characters_reserved_per_url": URL_CHARACTERS,
        },
        "media_attachments": {
            "description_limit": MAX_DESCRIPTION,
            "image_matrix_limit": MAX_PICTURE_PIXELS,
            "image_size_limit": settings.max_image_bytes,
            "supported_mime_types": list(call.api.ctx.maker.types),
            "video_frame_rate_limit": MAX_FILM_RATE,
            "video_matrix_limit": MAX_FILM_PIXELS,
            "video_size_limit": settings.max_film_bytes,
        },
        "polls": {
            "max_options": polls.MAX_OPTIONS,
            "max_characters_per_option": polls.MAX_OPTION_CHARACTERS,
            "min_expiration": polls.MIN_EXPIRATION_S,
            "max_expiration": polls.MAX_EXPIRATION_S,
        },
    }


def picture(call: Call) -> str:
    """Return the address of the server's picture."""
    return f"{call.api.ctx.settings.url}/headers/default.png"


@reads(Nothing, needs=Needs.NOTHING)
def v1(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    settings = call.api.ctx.settings
    figures = instance.figures(snap)
    entity = {
        "uri": settings.domain,
        "title": settings.title,
        "short_description": settings.description,
        "description": settings.description,
        "email": settings.contact_email,
        "version": version(),
        "urls": {"streaming_api": settings.url.replace("http", "ws", 1)},
        "stats": {
            "user_count": figures.accounts,
            "status_count": figures.statuses,
            "domain_count": 0,
        },
        "thumbnail": picture(call),
        "languages": ["en"],
        "registrations": settings.registrations_open,
        "approval_required": settings.registrations == "approval",
        "invites_enabled": False,
        "configuration": limits(call),
        "contact_account": None,
        "rules": [],
    }
    return bytes_reply(call, encode(entity))


@reads(Nothing, needs=Needs.NOTHING)
def v2(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    settings = call.api.ctx.settings
    entity = {
        "domain": settings.domain,
        "title": settings.title,
        "version": version(),
        "source_url": "",
        "description": settings.description,
        "usage": {"users": {"active_month": instance.active_month(snap)}},
        "thumbnail": {
            "url": picture(call),
            "blurhash": None,
            "versions": {"@1x": picture(call), "@2x": picture(call)},
        },
        "icon": [],
        "languages": ["en"],
        "configuration": {
            "urls": {
                "streaming": settings.url.replace("http", "ws", 1),
                "status": None,
                "about": f"{settings.url}/",
                "privacy_policy": None,
                "terms_of_service": None,
            },
            "vapid": {"public_key": web_push.server_key(call.api.ctx.store)},
            **limits(call),
            "translation": {"enabled": False},
            "limited_federation": True,
        },
        "registrations": {
            "enabled": settings.registrations_open,
            "approval_required": settings.registrations == "approval",
            "reason_required": settings.registrations == "approval",
            "message": None,
            "min_age": settings.min_age or None,
            "url": None,
            "sign_up_url": f"{settings.url}/auth/sign_up" if settings.registrations_open else None,
        },
        "api_versions": {"mastodon": 2},  # that of Mastodon 4.3, which grouped notifications
        "contact": {"email": settings.contact_email, "account": None},
        "rules": [],
    }
    return bytes_reply(call, encode(entity))


@reads(Nothing, needs=Needs.NOTHING)
def none(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    """Answer for what this server has none of: peers, rules, blocked domains, languages."""
    return bytes_reply(call, b"[]")


@reads(Nothing, needs=Needs.NOTHING)
def activity(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    weeks = [
        {
            "week": str(week.start // 1000),
            "statuses": str(week.statuses),
            "logins": str(week.active),
            "registrations": str(week.registrations),
        }
        for week in instance.activity(snap)
    ]
    return bytes_reply(call, encode(weeks))


ROUTES_V1: Final[list[BaseRoute]] = [
    at("/instance", GET=v1),
    *group(
        "/instance",
        at("/peers", GET=none),
        at("/rules", GET=none),
        at("/domain_blocks", GET=none),
        at("/activity", GET=activity),
    ),
]
ROUTES_V2: Final[list[BaseRoute]] = [at("/instance", GET=v2)]
