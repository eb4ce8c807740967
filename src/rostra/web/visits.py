"""A visit: one request to a page, who makes it, and what it brought along."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from rostra.config import Settings
from rostra.domain import addresses
from rostra.domain.accounts import Account, Role
from rostra.domain.errors import Forbidden, Invalid, Malformed, TooLarge, Unauthenticated
from rostra.domain.personal import Preferences
from rostra.domain.text import without_controls
from rostra.language.i18n import mark
from rostra.ports import Context, Snapshot
from rostra.services.authentication import sessions

MAX_FORM_BYTES: Final = 64 * 1024
MAX_FIELDS: Final = 64
MAX_FILES: Final = 4
STALE_FORM: Final = mark("This page is too old to be sent. Reload it and try again.")


class Visitor(Struct, frozen=True):
    """Who makes a request: an account that is signed in, or nobody known.

    ``open_appeals`` is how many there are, for a moderator on the pages of moderation.
    ``shut_out`` is whose session it is when that account may not act: pages say who it is and lead
    to the page that says why, and to everything else it is nobody known.
    """

    account: Account | None = None
    token: str = ""
    reading: Preferences = Preferences()
    open_appeals: int = 0
    shut_out: Account | None = None

    @property
    def ordinal(self) -> int | None:
        """The account's ordinal, None for nobody known."""
        return self.account.ordinal if self.account else None

    @property
    def moderates(self) -> bool:
        """Whether this is a moderator or owner."""
        return self.account is not None and self.account.role >= Role.MODERATOR

    @property
    def owns(self) -> bool:
        """Whether this is an owner."""
        return self.account is not None and self.account.role >= Role.OWNER

    @property
    def csrf(self) -> str:
        """The token that the forms of this visitor carry; empty for nobody known."""
        return sessions.csrf_token(self.token) if self.token else ""


ANYBODY: Final = Visitor()


class Submission(Struct, frozen=True):
    """A form that was sent from one of our pages by somebody signed in."""

    visitor: Visitor
    form: Mapping[str, str]
    choices: tuple[int, ...]
    fields: tuple[tuple[str, str], ...] = ()

    def all(self, name: str) -> list[str]:
        """Return every value that a field was sent with."""
        return [value for field, value in self.fields if field == name]

    @property
    def actor(self) -> int:
        """The ordinal of who sent it."""
        return self.account.ordinal

    @property
    def account(self) -> Account:
        """The account that sent it."""
        if self.visitor.account is None:
            raise Unauthenticated
        return self.visitor.account


def settings_of(request: Request) -> Settings:
    """Return the settings of the server that a request came to."""
    settings: Settings = request.scope["rostra"].ctx.settings
    return settings


def session_token(request: Request) -> str:
    """Return the token in the cookie of a session, empty when there is none."""
    return request.cookies.get(sessions.cookie(settings_of(request)), "")


def client_address(request: Request) -> str:
    """Return the address a request comes from, behind the proxies that are trusted."""
    return addresses.client_address(settings_of(request).proxies)(request.scope)


def identify(snap: Snapshot, request: Request) -> Visitor:
    """Return who makes this request, by the session in its cookie."""
    token = session_token(request)
    ordinal = sessions.account_of(snap, token)
    account = snap.accounts.get(ordinal) if ordinal is not None else None
    if account is None:
        return _shut_out(snap, token)
    moderating = account.role >= Role.MODERATOR and request.url.path.startswith("/admin")
    return Visitor(
        account,
        token,
        snap.personal.preferences(account.ordinal),
        open_appeals=snap.appeals.count_open() if moderating else 0,
    )


def _shut_out(snap: Snapshot, token: str) -> Visitor:
    owner = sessions.owner_of(snap, token)
    account = snap.accounts.get(owner) if owner is not None else None
    return ANYBODY if account is None else Visitor(token=token, shut_out=account)


def require_account(visitor: Visitor) -> Account:
    """Return the account that is signed in.

    Raises:
        Unauthenticated: nobody is.
    """
    if visitor.account is None:
        raise Unauthenticated
    return visitor.account


def require_moderator(visitor: Visitor) -> Account:
    """Return the account that is signed in, when it may moderate.

    Raises:
        Unauthenticated: nobody is signed in.
        Forbidden: the account is neither moderator nor owner.
    """
    account = require_account(visitor)
    if not visitor.moderates:
        raise Forbidden(
            "Only moderators may open this page. Ask the owner of this server for the role."
        )
    return account


async def read_form(request: Request) -> list[tuple[str, str]]:
    """Return the fields of a form.

    Raises:
        TooLarge: it has more bytes than any form of ours.
        Malformed: it is not UTF-8, or has too many fields.
    """
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        return cleaned(await _read_parts(request))
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_FORM_BYTES:
            raise TooLarge("The form is too large. Shorten what you wrote and send it again.")
    try:
        return cleaned(
            parse_qsl(
                body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
            )
        )
    except ValueError as error:
        raise Malformed("The form cannot be read. Go back and send it again.") from error


def cleaned(fields: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the fields of a form without control characters, which no text may hold.

    Browsers send a line end as two characters and count it as one in what they let people type.
    """
    return [(name, without_controls(value.replace("\r\n", "\n"))) for name, value in fields]


async def _read_parts(request: Request) -> list[tuple[str, str]]:
    """Return the fields of a form that could carry files, which are left aside."""
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > MAX_FORM_BYTES:
        raise TooLarge("The form is too large. Shorten what you wrote and send it again.")
    try:
        async with request.form(
            max_fields=MAX_FIELDS, max_files=MAX_FILES, max_part_size=MAX_FORM_BYTES
        ) as form:
            return [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    except HTTPException as error:
        raise Malformed("The form cannot be read. Go back and send it again.") from error


def _choices(fields: list[tuple[str, str]]) -> tuple[int, ...]:
    values = [value for name, value in fields if name == "choice"]
    if not all(value.isascii() and value.isdigit() and len(value) <= 4 for value in values):
        raise Invalid("Choose one of the options of the poll")
    return tuple(int(value) for value in values)


async def submission(ctx: Context, request: Request) -> Submission:
    """Return the form that somebody signed in sent from one of our pages.

    Raises:
        Unauthenticated: nobody is signed in.
        Forbidden: the form is not from one of our pages, or from another session.
    """
    return submitted(ctx, request, await read_form(request))


def submitted(ctx: Context, request: Request, fields: list[tuple[str, str]]) -> Submission:
    """Return the form with these fields that somebody signed in sent from one of our pages.

    Raises:
        Unauthenticated: nobody is signed in.
        Forbidden: the form is not from one of our pages, or from another session.
    """
    form = dict(fields)
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
    require_account(visitor)
    if not sessions.csrf_valid(visitor.token, form.get("csrf", "")):
        raise Forbidden(STALE_FORM)
    return Submission(visitor, form, _choices(fields), tuple(fields))


class Owned(Struct, frozen=True):
    """A form that was sent by somebody who is signed in, whether the account may act or not."""

    account: int
    token: str
    form: Mapping[str, str]


def owner(snap: Snapshot, request: Request) -> tuple[int, str]:
    """Return whose session this is, whether the account may act or not, and its token.

    Raises:
        Unauthenticated: it is nobody's.
    """
    token = session_token(request)
    account = sessions.owner_of(snap, token)
    if account is None:
        raise Unauthenticated
    return account, token


async def any_submission(ctx: Context, request: Request) -> Owned:
    """Return the form that somebody sent who is signed in, whether the account may act or not.

    Raises:
        Unauthenticated: nobody is signed in.
        Forbidden: the form is not from one of our pages, or from another session.
    """
    form = dict(await read_form(request))
    with ctx.store.read() as snap:
        account, token = owner(snap, request)
    if not sessions.csrf_valid(token, form.get("csrf", "")):
        raise Forbidden(STALE_FORM)
    return Owned(account, token, form)


def form_secret(request: Request) -> str:
    """Return what the forms of somebody not signed in are tied to: their cookie, or a new value."""
    return request.cookies.get(sessions.form_cookie(settings_of(request))) or secrets.token_urlsafe(
        16
    )


def require_form_secret(request: Request, form: Mapping[str, str]) -> None:
    """Refuse a form that does not belong to the visitor's cookie.

    Raises:
        Forbidden: it does not.
    """
    secret = request.cookies.get(sessions.form_cookie(settings_of(request)), "")
    if not secret or not sessions.csrf_valid(secret, form.get("csrf", "")):
        raise Forbidden(STALE_FORM)


def set_cookie(ctx: Context, response: Response, name: str, value: str, *, age_s: int) -> None:
    """Set a cookie that scripts cannot read and other sites cannot send along with their forms."""
    response.set_cookie(name, value, max_age=age_s, **sessions.cookie_attributes(ctx.settings))


def local_path(target: str | None, default: str) -> str:
    """Return ``target`` when it is a path on this server, else ``default``."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return default
    if any(ord(character) < 0x21 or character == "\\" for character in target):
        return default
    return target


def came_from(request: Request, default: str) -> str:
    """Return the path of the page a form was sent from, or ``default`` when that is not known."""
    referer = urlsplit(request.headers.get("referer", ""))
    if referer.netloc != request.headers.get("host"):
        return default
    query = f"?{referer.query}" if referer.query else ""
    return local_path(referer.path + query, default)


def wants_fragment(request: Request) -> bool:
    """Return whether htmx asks, for the part of the page that changed, and not a whole page."""
    headers = request.headers
    return headers.get("hx-request") == "true" and "hx-history-restore-request" not in headers
