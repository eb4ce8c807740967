"""What programs ask of a server before they know what it is: who is here, and which software.

WebFinger: RFC 7033; host-meta: RFC 6415; NodeInfo: https://nodeinfo.diaspora.software/schema;
change-password: https://www.w3.org/TR/change-password-url/.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import urlsplit
from xml.sax.saxutils import quoteattr

from msgspec import Struct
from starlette.routing import BaseRoute

from rostra import __version__
from rostra.api.binding import Nothing
from rostra.api.messages import JSON, Call, Header, Reply, encode
from rostra.api.operation import Needs, Read, at, reads
from rostra.domain.accounts import Account
from rostra.domain.errors import Gone, Malformed, NotFound
from rostra.ports import Snapshot
from rostra.services.server import instance

CACHED: Final[tuple[Header, ...]] = ((b"cache-control", b"public, max-age=180"),)
JRD: Final = (b"content-type", b"application/jrd+json; charset=utf-8")
XRD: Final = (b"content-type", b"application/xrd+xml; charset=utf-8")
PLAIN: Final = (b"content-type", b"text/plain; charset=utf-8")
PROFILE_PAGE: Final = "http://webfinger.net/rel/profile-page"
AVATAR: Final = "http://webfinger.net/rel/avatar"
NODEINFO: Final = "http://nodeinfo.diaspora.software/ns/schema"
PASSWORD_PAGE: Final = "/settings/security"

_HANDLE: Final = re.compile(r"@?([^@/\s]+)@([^@/\s]+)")


# -- WebFinger -------------------------------------------------------------------------------------


class Finger(Struct, frozen=True):
    resource: str = ""
    rel: list[str] = []


def _named(call: Call, snap: Snapshot, resource: str) -> Account:
    """Return the account a resource names: ``acct:name@domain``, or the address of its page.

    Raises:
        Malformed: it is neither.
        NotFound: it is of another server, or there is no such account.
        Gone: the account is suspended.
    """
    settings = call.api.ctx.settings
    if resource.startswith(("http://", "https://")):
        names = [name for name in urlsplit(resource).path.split("/") if name]
        if not f"{resource}/".startswith(f"{settings.url}/"):
            raise NotFound
        name = ""
        if len(names) == 1 and names[0].startswith("@"):
            name = names[0][1:]
        elif len(names) == 2 and names[0] == "users":
            name = names[1]
    else:
        found = _HANDLE.fullmatch(resource.removeprefix("acct:"))
        if found is None:
            raise Malformed("resource must be acct:name@domain or the address of a profile")
        name, host = found.groups()
        if host.lower() not in (settings.domain.lower(), urlsplit(settings.url).netloc.lower()):
            raise NotFound
    account = snap.accounts.by_username(name) if name else None
    if account is None or snap.gate.state(account.ordinal).deleted:
        raise NotFound
    if not snap.gate.active(account.ordinal):
        raise Gone("This account is suspended")
    return account


@reads(Finger, needs=Needs.NOTHING)
def webfinger(call: Call, snap: Snapshot, given: Finger) -> Reply:
    """Say where an account of this server is found (RFC 7033)."""
    if not given.resource:
        raise Malformed("Say which resource: acct:name@domain, or the address of a profile")
    account = _named(call, snap, given.resource)
    renderer, settings = call.api.renderer, call.api.ctx.settings
    page = renderer.account_url(account)
    picture = renderer.pictures(account)["avatar"]
    links = [
        {"rel": PROFILE_PAGE, "type": "text/html", "href": page},
        {"rel": AVATAR, "type": _type_of(picture), "href": picture},
    ]
    document = {
        "subject": f"acct:{account.username}@{settings.domain}",
        "aliases": [page, f"{settings.url}/users/{account.username}"],
        "links": [link for link in links if not given.rel or link["rel"] in given.rel],
    }
    return Reply(encode(document), 200, (JRD, *CACHED))


def _type_of(address: str) -> str:
    ending = address.rpartition(".")[2].lower()
    known = {"svg": "image/svg+xml", "jpg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"}
    return known.get(ending, "image/png")


# -- host-meta -------------------------------------------------------------------------------------


def _template(call: Call) -> str:
    return f"{call.api.ctx.settings.url}/.well-known/webfinger?resource={{uri}}"


def _host_meta_json(call: Call) -> Reply:
    document = {"links": [{"rel": "lrdd", "template": _template(call)}]}
    return Reply(encode(document), 200, (JRD, *CACHED))


@reads(Nothing, needs=Needs.NOTHING)
def host_meta(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    """Say where WebFinger is (RFC 6415), as XML or, to who accepts that, as JSON."""
    if b"json" in call.header(b"accept"):
        return _host_meta_json(call)
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0">\n'
        f'  <Link rel="lrdd" template={quoteattr(_template(call))}/>\n'
        "</XRD>\n"
    )
    return Reply(body.encode(), 200, (XRD, (b"vary", b"Accept"), *CACHED))


@reads(Nothing, needs=Needs.NOTHING)
def host_meta_json(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    return _host_meta_json(call)


# -- NodeInfo --------------------------------------------------------------------------------------


@reads(Nothing, needs=Needs.NOTHING)
def nodeinfo_links(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    url = call.api.ctx.settings.url
    links = [
        {"rel": f"{NODEINFO}/{version}", "href": f"{url}/nodeinfo/{version}"}
        for version in ("2.0", "2.1")
    ]
    return Reply(encode({"links": links}), 200, (JSON, *CACHED))


def _nodeinfo(version: str) -> Read[Nothing]:
    profile = f'application/json; profile="{NODEINFO}/{version}#"; charset=utf-8'.encode()

    @reads(Nothing, needs=Needs.NOTHING)
    def nodeinfo(call: Call, snap: Snapshot, given: Nothing) -> Reply:
        settings = call.api.ctx.settings
        figures = instance.figures(snap)
        software: dict[str, Any] = {"name": "rostra", "version": __version__}
        if version == "2.1" and (source := instance.source_url(settings)):
            software["repository"] = source
        document = {
            "version": version,
            "software": software,
            # Empty until this server speaks with others: saying so would make them try.
            "protocols": [],
            "services": {"inbound": [], "outbound": []},
            "openRegistrations": settings.registrations_open,
            "usage": {
                "users": {
                    "total": figures.accounts,
                    "activeMonth": instance.active_month(snap),
                    "activeHalfyear": instance.active_half_year(snap),
                },
                "localPosts": figures.statuses,
            },
            "metadata": {
                "nodeName": settings.title,
                "nodeDescription": settings.description,
            },
        }
        return Reply(encode(document), 200, ((b"content-type", profile), *CACHED))

    return nodeinfo


# -- the rest --------------------------------------------------------------------------------------


@reads(Nothing, needs=Needs.NOTHING)
def change_password(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    location = (call.api.ctx.settings.url + PASSWORD_PAGE).encode()
    return Reply(b"", 302, ((b"location", location), *CACHED))


@reads(Nothing, needs=Needs.NOTHING)
def manifest(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    """Say how the pages look as an installed app (https://www.w3.org/TR/appmanifest/)."""
    settings = call.api.ctx.settings
    document = {
        "id": "/",
        "name": settings.title,
        "short_name": settings.title[:12].strip(),
        "description": settings.description,
        "lang": instance.languages(settings)[0],
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#f8f5ef",
        "theme_color": "#f8f5ef",
        "categories": ["social"],
        "icons": [
            {"src": each.address, "sizes": each.size, "type": "image/png", "purpose": each.purpose}
            for each in instance.icons(settings)
        ],
    }
    kind = (b"content-type", b"application/manifest+json; charset=utf-8")
    return Reply(encode(document), 200, (kind, *CACHED))


ROBOTS: Final = b"""\
User-agent: *
Disallow: /api/
Disallow: /oauth/
Disallow: /auth/
Disallow: /settings/
Disallow: /admin/
Disallow: /search
"""


@reads(Nothing, needs=Needs.NOTHING)
def robots(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    return Reply(ROBOTS, 200, (PLAIN, *CACHED))


ROUTES: Final[list[BaseRoute]] = [
    at("/.well-known/webfinger", GET=webfinger),
    at("/.well-known/host-meta", GET=host_meta),
    at("/.well-known/host-meta.json", GET=host_meta_json),
    at("/.well-known/nodeinfo", GET=nodeinfo_links),
    at("/.well-known/change-password", GET=change_password),
    at("/nodeinfo/2.0", GET=_nodeinfo("2.0")),
    at("/nodeinfo/2.1", GET=_nodeinfo("2.1")),
    at("/manifest.json", GET=manifest),
    at("/robots.txt", GET=robots),
]
"""Addresses outside of the API that programs ask for."""
