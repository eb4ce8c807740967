"""Signing up: in the browser and through an application, open, by approval, or closed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, Final

from msgspec import Struct

from rostra.domain.accounts import USERNAME, Account, Credentials, SignUp, Standing
from rostra.domain.errors import Forbidden, Invalid, Told, told
from rostra.domain.sign_up import RESERVED, is_address
from rostra.domain.text import exceeds
from rostra.ports import Context, Token, Transaction, View
from rostra.services import mail
from rostra.services.authentication import oauth, passwords, throttling
from rostra.services.membership import approvals, sign_up_blocks
from rostra.services.membership.sign_up_blocks import Verdict

MAX_USERNAME: Final = 30
MAX_REASON: Final = 500
CLOSED: Final = told("This server takes no new accounts at the moment.")


class Problem(Struct, frozen=True):
    """What is wrong with a parameter: Mastodon's word for it, and the end of a sentence."""

    error: str
    description: Told

    def plain(self) -> dict[str, str]:
        """Return it as the API tells it."""
        return {"error": self.error, "description": str(self.description)}


Details = dict[str, list[Problem]]


def _one(error: str, description: Told) -> list[Problem]:
    return [Problem(error, description)]


BLANK: Final = _one("ERR_BLANK", told("can't be blank"))
TAKEN: Final = _one("ERR_TAKEN", told("has already been taken"))


class Refused(Invalid):
    """Something is wrong in a registration; ``details`` says what, by parameter."""

    def __init__(self, details: Details) -> None:
        reasons = tuple(
            told(
                "%(field)s %(why)s",
                field=name.capitalize().replace("_", " "),
                why=problem.description,
            )
            for name, problems in details.items()
            for problem in problems
        )
        super().__init__(told("Validation failed: %(reasons)s", reasons=reasons))
        self.details: dict[str, Any] = {
            "details": {
                name: [one.plain() for one in problems] for name, problems in details.items()
            }
        }


class Given(Struct, frozen=True, kw_only=True):
    """What somebody who signs up has filled in."""

    username: str
    email: str
    password: str
    agreement: bool = False
    reason: str = ""
    locale: str = ""
    date_of_birth: str = ""


# -- what may be wrong -----------------------------------------------------------------------------


def _username(name: str) -> list[Problem]:
    if not name:
        return BLANK
    if len(name) > MAX_USERNAME:
        return _one(
            "ERR_TOO_LONG", told("is too long (maximum is %(num)s characters)", num=MAX_USERNAME)
        )
    if not USERNAME.match(name):
        return _one("ERR_INVALID", told("must contain only letters, numbers and underscores"))
    return _one("ERR_RESERVED", told("is reserved")) if name.lower() in RESERVED else []


def _email(email: str) -> list[Problem]:
    if not email:
        return BLANK
    return [] if is_address(email) else _one("ERR_INVALID", told("is invalid"))


def _password(password: str) -> list[Problem]:
    if not password:
        return BLANK
    if len(password) < passwords.MIN_PASSWORD:
        least = passwords.MIN_PASSWORD
        return _one(
            "ERR_TOO_SHORT", told("is too short (minimum is %(num)s characters)", num=least)
        )
    if len(password) > passwords.MAX_PASSWORD:
        most = passwords.MAX_PASSWORD
        return _one("ERR_TOO_LONG", told("is too long (maximum is %(num)s characters)", num=most))
    return []


def _reason(reason: str, *, needed: bool) -> list[Problem]:
    if needed and not reason:
        return BLANK
    if exceeds(reason, MAX_REASON):
        return _one(
            "ERR_TOO_LONG", told("is too long (maximum is %(num)s characters)", num=MAX_REASON)
        )
    return []


def _age(born: str, least: int, today: date) -> list[Problem]:
    if not least:
        return []
    if not born:
        return BLANK
    try:
        birth = date.fromisoformat(born)
    except ValueError:
        return _one("ERR_INVALID", told("is invalid"))
    years = today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))
    return [] if years >= least else _one("ERR_BELOW_LIMIT", told("is below the age limit"))


def _wrong(ctx: Context, given: Given) -> Details:
    """Return what is wrong in itself."""
    settings = ctx.settings
    today = datetime.fromtimestamp(ctx.clock.now() / 1000, UTC).date()
    found = {
        "username": _username(given.username),
        "email": _email(given.email),
        "password": _password(given.password),
        "agreement": [] if given.agreement else _one("ERR_ACCEPTED", told("must be accepted")),
        "reason": _reason(given.reason, needed=settings.registrations == "approval"),
        "date_of_birth": _age(given.date_of_birth, settings.min_age, today),
    }
    return {name: problems for name, problems in found.items() if problems}


def _in_the_way(view: View, given: Given) -> Details:
    """Return what stands in the way beside what is wrong in itself: taken names, and the like."""
    found: Details = {}
    if view.accounts.by_username(given.username) is not None:
        found["username"] = TAKEN
    if sign_up_blocks.of_email(view, given.email) == Verdict.REFUSED:
        found["email"] = _one("ERR_BLOCKED", told("uses a disallowed e-mail provider"))
    elif view.accounts.credentials_by_email(given.email) is not None:
        found["email"] = TAKEN
    return found


# -- signing up ------------------------------------------------------------------------------------


async def open_account(
    ctx: Context, given: Given, *, address: str, application: int | None = None
) -> Account:
    """Open an account for somebody who asks for it.

    It may act at once, unless its address is to be confirmed or moderators are to approve it.

    Args:
        ctx: the ports.
        given: what was filled in.
        address: where from.
        application: through which application; None in the browser.

    Raises:
        Forbidden: this server takes no new accounts, or none from this address.
        Refused: something is missing, wrong, or taken.
        TooMany: too many accounts were opened from there.
    """
    if ctx.settings.registrations == "closed":
        raise Forbidden(CLOSED) if application is None else Forbidden()
    given = Given(
        username=given.username.strip(),
        email=given.email.strip(),
        password=given.password,
        agreement=given.agreement,
        reason=given.reason.strip(),
        locale=given.locale.strip()[:20],
        date_of_birth=given.date_of_birth.strip(),
    )
    if details := _wrong(ctx, given):
        raise Refused(details)
    # Counted before it is told what is taken: else this would be a place to ask whose address is.
    guard = throttling.from_address(ctx, throttling.SIGN_UPS, "sign up", address)
    with ctx.store.read() as snap:
        if sign_up_blocks.of_address(snap, address) == Verdict.REFUSED:
            raise Forbidden
    await throttling.admit(ctx, (guard,))
    with ctx.store.read() as snap:
        if details := _in_the_way(snap, given):
            raise Refused(details)
    hashed = await passwords.hashed(given.password)

    def change(tx: Transaction) -> Account:
        if details := _in_the_way(tx, given):
            raise Refused(details)
        account = Account(
            ordinal=tx.accounts.reserve_ordinals(1),
            id=tx.next_id(),
            username=given.username,
            created_at=tx.now,
        )
        tx.accounts.create(account)
        tx.accounts.set_credentials(
            Credentials(ordinal=account.ordinal, email=given.email, password_hash=hashed)
        )
        tx.standings.keep_sign_up(
            SignUp(
                account=account.ordinal,
                application=application,
                address=address,
                locale=given.locale,
                reason=given.reason,
                created_at=tx.now,
            )
        )
        _let_in(ctx, tx, account.ordinal, given.email, address)
        return account

    return await ctx.store.write(change)


def _let_in(ctx: Context, tx: Transaction, account: int, email: str, address: str) -> None:
    """Decide what a new account waits for, and tell who is to do something about it."""
    verdict = max(
        sign_up_blocks.of_email(tx, email),
        sign_up_blocks.of_address(tx, address),
        Verdict.APPROVAL if ctx.settings.registrations == "approval" else Verdict.WELCOME,
    )
    standing = Standing(
        account=account,
        unconfirmed_at=tx.now if ctx.settings.sends_mail else None,
        pending_at=tx.now if verdict == Verdict.APPROVAL else None,
    )
    if not standing.plain:
        tx.standings.put(standing)
    if standing.unconfirmed_at is not None:
        mail.queue(ctx, tx, "confirm", account)
    else:
        approvals.announce(tx, account)


async def sign_up(
    ctx: Context, given: Given, *, application: int | None, scopes: str, address: str
) -> tuple[str, Token]:
    """Open an account through an application; return a token of it (text and record).

    The token is good for waiting at first: every operation but those that look after the
    confirmation refuses it until the account may act.

    Raises:
        Forbidden: this server takes no new accounts, or none from this address.
        Refused: something is missing, wrong, or taken.
        TooMany: too many accounts were opened from there.
    """
    account = await open_account(ctx, given, address=address, application=application)
    return await oauth.grant_to_account(
        ctx, account=account.ordinal, application=application, scopes=scopes, waiting=True
    )
