"""https://docs.joinmastodon.org/methods/instance/"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any, Final

from babel import Locale
from starlette.routing import BaseRoute

from rostra import __version__
from rostra.api.binding import Nothing
from rostra.api.mastodon.common import bytes_reply
from rostra.api.messages import Call, Reply, encode
from rostra.api.operation import Needs, at, group, reads
from rostra.api.rendering import day, when
from rostra.domain.accounts import MAX_DISPLAY_NAME, MAX_FIELD, MAX_FIELDS, MAX_NOTE
from rostra.domain.errors import NotFound
from rostra.domain.media import (
    MAX_ATTACHED,
    MAX_DESCRIPTION,
    MAX_FILM_PIXELS,
    MAX_FILM_RATE,
    MAX_PICTURE_PIXELS,
)
from rostra.domain.statuses import URL_CHARACTERS
from rostra.domain.tags import MAX_FEATURED
from rostra.ports import Snapshot
from rostra.services.notifying import web_push
from rostra.services.publishing import polls
from rostra.services.publishing.marking import MAX_PINS
from rostra.services.server import about, instance

COMPATIBLE: Final = "4.5.0"
"""The version of Mastodon whose client API this server speaks."""

API_VERSION: Final = 7
"""The number of that API: from 7 on apps offer to quote."""


MAX_BLOCKS: Final = 5_000


def version() -> str:
    """Return the version as apps read it: Mastodon's first, then ours."""
    return f"{COMPATIBLE} (compatible; Rostra {__version__})"


def limits(call: Call) -> dict[str, Any]:
    """Return what both versions of the Instance entity say about limits."""
    settings = call.api.ctx.settings
    return {
        "accounts": {
            "max_featured_tags": MAX_FEATURED,
            "max_pinned_statuses": MAX_PINS,
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


def icons(call: Call) -> list[dict[str, str]]:
    """Return the InstanceIcon entities."""
    return [
        {"src": each.address, "size": each.size}
        for each in instance.icons(call.api.ctx.settings)
        if each.purpose == "any"
    ]


def rules(snap: Snapshot) -> list[dict[str, Any]]:
    """Return the Rule entities; they are translated into no language."""
    return [
        {"id": str(rule.id), "text": rule.text, "hint": rule.hint, "translations": {}}
        for rule in snap.about.rules()
    ]


def streaming(call: Call) -> str:
    """Return the address of streams."""
    return call.api.ctx.settings.url.replace("http", "ws", 1)


def contact(call: Call, snap: Snapshot) -> bytes:
    """Return the Account entity of whom to write to, or null."""
    account = instance.contact(snap, call.api.ctx.settings)
    return b"null" if account is None else call.api.parts.account(snap, account.ordinal)


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
        "urls": {"streaming_api": streaming(call)},
        "stats": {
            "user_count": figures.accounts,
            "status_count": figures.statuses,
            "domain_count": 0,
        },
        "thumbnail": picture(call),
        "languages": instance.languages(settings),
        "registrations": settings.registrations_open,
        "approval_required": settings.registrations == "approval",
        "invites_enabled": False,
        "configuration": limits(call),
        "rules": rules(snap),
    }
    body = encode(entity)[:-1] + b',"contact_account":' + contact(call, snap) + b"}"
    return bytes_reply(call, body)


@reads(Nothing, needs=Needs.NOTHING)
def v2(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    settings = call.api.ctx.settings
    has_terms = snap.about.text("terms_of_service") is not None
    entity = {
        "domain": settings.domain,
        "title": settings.title,
        "version": version(),
        "source_url": instance.source_url(settings),
        "description": settings.description,
        "usage": {"users": {"active_month": instance.active_month(snap)}},
        "thumbnail": {
            "url": picture(call),
            "blurhash": None,
            "versions": {"@1x": picture(call), "@2x": picture(call)},
            "description": "",
        },
        "icon": icons(call),
        "languages": instance.languages(settings),
        "configuration": {
            "urls": {
                "streaming": streaming(call),
                "status": None,
                "about": f"{settings.url}/about",
                "privacy_policy": f"{settings.url}/privacy-policy",
                "terms_of_service": f"{settings.url}/terms-of-service" if has_terms else None,
            },
            "vapid": {"public_key": web_push.server_key(call.api.ctx.store)},
            **limits(call),
            "translation": {"enabled": False},
            "timelines_access": {
                feed: {"local": "public", "remote": "public"}
                for feed in ("live_feeds", "hashtag_feeds", "trending_link_feeds")
            },
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
        "api_versions": {"mastodon": API_VERSION},
        "rules": rules(snap),
    }
    told = encode({"email": settings.contact_email})[:-1]
    body = encode(entity)[:-1] + b',"contact":' + told + b',"account":' + contact(call, snap)
    return bytes_reply(call, body + b"}}")


@reads(Nothing, needs=Needs.NOTHING)
def peers(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    """Answer with the servers this one knows: none, as long as it speaks with no other."""
    return bytes_reply(call, b"[]")


@reads(Nothing, needs=Needs.NOTHING)
def rule_list(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    return bytes_reply(call, encode(rules(snap)))


@reads(Nothing, needs=Needs.NOTHING)
def domain_blocks(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    """Answer with the domains from which nothing, or not everything, is taken."""
    blocks = [
        {
            "domain": _starred(rule.domain) if rule.obfuscate else rule.domain,
            "digest": hashlib.sha256(rule.domain.encode()).hexdigest(),
            "severity": str(rule.severity),
            "comment": rule.public_comment or "",
        }
        for rule in snap.reports.domain_rules(allowed=False, limit=MAX_BLOCKS)
    ]
    return bytes_reply(call, encode(blocks))


def _starred(domain: str) -> str:
    """Return a domain of which only the ends of the name can be read, as Mastodon shows it."""
    length = len(domain)
    shown = max(length // 4, 1)
    return "".join(
        letter if index < shown or index >= length - shown or letter == "." else "*"
        for index, letter in enumerate(domain)
    )


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


# -- texts -----------------------------------------------------------------------------------------


@reads(Nothing, needs=Needs.NOTHING)
def extended_description(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    settings = call.api.ctx.settings
    found = about.text_of(snap, "extended_description")
    return bytes_reply(
        call,
        encode(
            {
                "updated_at": when(found.updated_at) if found is not None else None,
                "content": about.rendered(snap, found, settings) if found is not None else "",
            }
        ),
    )


@reads(Nothing, needs=Needs.NOTHING)
def privacy_policy(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    found = about.text_of(snap, "privacy_policy")
    assert found is not None  # there always is one
    content = about.rendered(snap, found, call.api.ctx.settings)
    return bytes_reply(call, encode({"updated_at": when(found.updated_at), "content": content}))


@reads(Nothing, needs=Needs.NOTHING)
def terms_of_service(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    """Answer with the terms, or that there are none; earlier ones are not kept."""
    found = about.text_of(snap, "terms_of_service")
    if found is None:
        raise NotFound
    date = call.path_params.get("date")
    if date is not None and date != day(found.updated_at):
        raise NotFound
    entity = {
        "effective_date": day(found.updated_at),
        "effective": True,
        "content": about.rendered(snap, found, call.api.ctx.settings),
        "succeeded_by": None,
    }
    return bytes_reply(call, encode(entity))


@reads(Nothing, needs=Needs.NOTHING)
def translation_languages(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    """Answer with what can be translated into what: nothing, for want of a provider."""
    return bytes_reply(call, b"{}")


@cache
def _language_names() -> bytes:
    names = {str(code): str(name) for code, name in Locale("en").languages.items()}
    return encode([{"code": code, "name": names[code]} for code in sorted(names) if len(code) == 2])


@reads(Nothing, needs=Needs.NOTHING)
def languages(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    """Answer with the languages a status can say it is in (ISO 639-1)."""
    return bytes_reply(call, _language_names())


ROUTES_V1: Final[list[BaseRoute]] = [
    at("/instance", GET=v1),
    *group(
        "/instance",
        at("/peers", GET=peers),
        at("/rules", GET=rule_list),
        at("/domain_blocks", GET=domain_blocks),
        at("/activity", GET=activity),
        at("/extended_description", GET=extended_description),
        at("/privacy_policy", GET=privacy_policy),
        at("/terms_of_service", GET=terms_of_service),
        at("/terms_of_service/{date}", GET=terms_of_service),
        at("/translation_languages", GET=translation_languages),
        at("/languages", GET=languages),
    ),
]
ROUTES_V2: Final[list[BaseRoute]] = [at("/instance", GET=v2)]
