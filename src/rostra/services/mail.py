"""Mail: put off to a job by the transaction that calls for it; written and sent there.

A link's token is made when the mail is written, so that the queue holds none. What a mail server
answers may name people, so errors tell of its code alone.
"""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import aiosmtplib
import jinja2
import structlog
from msgspec import Struct

from rostra.config import Settings
from rostra.domain.mail import MailPurpose, MailToken
from rostra.ports import Context, Transaction
from rostra.services.authentication.oauth import sha256

TIMEOUT_SECONDS: Final = 10
REST_SECONDS: Final = 30
"""How long a mail server that could not be reached is left alone: other jobs wait meanwhile."""

_log = structlog.get_logger()
_unreachable_until = 0.0


class MailDelayed(Exception):
    """A mail could not be sent now; it will be tried again."""


class Letter(Struct, frozen=True, kw_only=True):
    """A kind of mail: ``{name}``, ``{server}`` and the facts of the occasion are filled in.

    With ``button`` it has a link to ``path``, and with ``purpose`` that carries a token.
    """

    subject: str
    lines: tuple[str, ...]
    button: str = ""
    path: str = ""
    purpose: MailPurpose | None = None


_NOT_YOU = (
    "If that was not you, somebody else can use your account: choose a new password at once, end "
    "the sessions you do not know, and look at your second factors."
)

LETTERS: Final[dict[str, Letter]] = {
    "confirm": Letter(
        subject="Confirm your e-mail address",
        lines=(
            "Welcome to {server}, @{name}. Confirm that this is your address, and your account is "
            "ready. The link is good for two days.",
            "If you did not sign up, do nothing: the account stays closed.",
        ),
        button="Confirm this address",
        path="/auth/confirmation",
        purpose=MailPurpose.CONFIRM,
    ),
    "sign_up_pending": Letter(
        subject="An account waits for approval",
        lines=("@{applicant} has signed up on {server} and waits for a moderator to approve it.",),
        button="Look at the account",
        path="/admin",
    ),
    "approved": Letter(
        subject="Your account is ready",
        lines=("The moderators of {server} have approved @{name}. Sign in and begin.",),
        button="Sign in",
        path="/auth/sign_in",
    ),
    "rejected": Letter(
        subject="Your sign-up was turned down",
        lines=("The moderators of {server} have turned down the account @{name}.",),
    ),
    "reset": Letter(
        subject="Choose a new password",
        lines=(
            "Somebody asked to set a new password for @{name} on {server}. The link is good for "
            "one hour, and once.",
            "If it was not you, do nothing: the password stays as it is.",
        ),
        button="Choose a new password",
        path="/auth/password/edit",
        purpose=MailPurpose.RESET,
    ),
    "password_changed": Letter(
        subject="Your password was changed",
        lines=("The password of @{name} on {server} was changed just now.", _NOT_YOU),
        button="Choose a new password",
        path="/auth/password/new",
    ),
    "change_email": Letter(
        subject="Confirm your new e-mail address",
        lines=(
            "@{name} on {server} wants to use this address from now on. The link is good for two "
            "days.",
            "If this is not your account, do nothing.",
        ),
        button="Use this address",
        path="/auth/confirmation",
        purpose=MailPurpose.CHANGE,
    ),
    "email_changing": Letter(
        subject="Your e-mail address is about to change",
        lines=(
            "Somebody asked to use {wanted} for @{name} on {server} instead of this address. It "
            "changes when it is confirmed there.",
            _NOT_YOU,
        ),
        button="Look at your account",
        path="/settings/account",
    ),
    "email_changed": Letter(
        subject="Your e-mail address was changed",
        lines=("@{name} on {server} no longer uses this address, but {wanted}.", _NOT_YOU),
    ),
    "security": Letter(
        subject="How you sign in has changed",
        lines=("On {server}, for @{name}: {event}.", _NOT_YOU),
        button="Look at your security settings",
        path="/settings/security",
    ),
    "deactivated": Letter(
        subject="Your account is deactivated",
        lines=(
            "@{name} on {server} is hidden from everybody. Sign in within 30 days to bring it back "
            "as it was; after that it is deleted for good.",
        ),
        button="Sign in",
        path="/auth/sign_in",
    ),
    "appeal_opened": Letter(
        subject="We have your appeal",
        lines=(
            "Your appeal about @{name} on {server} has reached the moderators. Another one than "
            "who decided first looks at it, by {due}. Until then you can change it or take it "
            "back.",
        ),
        button="Look at your appeal",
        path="/auth/standing",
    ),
    "appeal_accepted": Letter(
        subject="Your appeal was accepted",
        lines=("A moderator of {server} has accepted your appeal for @{name}. {next}", "{reply}"),
        button="Look at your account",
        path="/auth/standing",
    ),
    "appeal_rejected": Letter(
        subject="Your appeal was turned down",
        lines=(
            "A moderator of {server} has looked at your appeal for @{name} and turned it down: "
            "what was decided stays.",
            "{reply}",
        ),
        button="Read the answer",
        path="/auth/standing",
    ),
    "appeal_moot": Letter(
        subject="Your appeal is closed",
        lines=(
            "What you appealed against for @{name} on {server} has ended meanwhile, so there is "
            "nothing left to decide, and your appeal is closed.",
        ),
        button="Look at your account",
        path="/auth/standing",
    ),
    "deleted": Letter(
        subject="Your account was deleted",
        lines=("@{name} on {server} was deleted, as you asked. What it held is being erased.",),
    ),
}

_templates: Final = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "mail_templates"),
    autoescape=jinja2.select_autoescape(("html",)),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def queue(
    ctx: Context, tx: Transaction, kind: str, account: int, *, email: str = "", **facts: str
) -> None:
    """Have a mail sent to an account once this transaction is committed.

    Args:
        ctx: the ports.
        tx: the transaction.
        kind: one of ``LETTERS``.
        account: to whom.
        email: where; when not given, the account's own address at the time of sending.
        facts: what the letter names.
    """
    queue_in(ctx.settings, tx, kind, account, email=email, **facts)


def queue_in(
    settings: Settings, tx: Transaction, kind: str, account: int, *, email: str = "", **facts: str
) -> None:
    """Do what ``queue`` does, where there is a transaction and the settings alone."""
    if not settings.sends_mail:
        return
    purpose = LETTERS[kind].purpose
    until = tx.now + (purpose.lifetime if purpose else MailPurpose.CONFIRM.lifetime)
    payload: dict[str, Any] = {"kind": kind, "account": account, "until": until}
    tx.jobs.enqueue("send_mail", {**payload, "email": email, "facts": facts}, tx.now)


async def send_mail(
    ctx: Context, *, kind: str, account: int, until: int, email: str, facts: dict[str, str]
) -> None:
    """Write a mail and send it, unless it has come too late to be of use.

    Raises:
        MailDelayed: the mail server cannot take it now.
    """
    settings, letter = ctx.settings, LETTERS[kind]
    with ctx.store.read() as snap:
        owner = snap.accounts.get(account)
        credentials = snap.accounts.credentials(account)
        late = snap.now > until
    address = email or (credentials.email if credentials else "")
    if owner is None or late or not address or not settings.sends_mail:
        return
    link = await _link(ctx, letter, account, address)
    names = {"name": owner.username, "server": settings.title, **facts}
    await _send(settings, kind, account, _written(ctx, letter, names, address, link), address)


async def _link(ctx: Context, letter: Letter, account: int, address: str) -> str:
    if not letter.button:
        return ""
    link = f"{ctx.settings.url}{letter.path}"
    purpose = letter.purpose
    if purpose is None:
        return link
    text = secrets.token_urlsafe(32)
    token_hash = sha256(text)

    def change(tx: Transaction) -> None:
        tx.mail_tokens.create(
            MailToken(
                hash=token_hash,
                account=account,
                purpose=purpose,
                email=address,
                expires_at=tx.now + purpose.lifetime,
            )
        )

    await ctx.store.write(change)
    return f"{link}?{urlencode({'token': text})}"


def _written(
    ctx: Context, letter: Letter, names: dict[str, str], address: str, link: str
) -> EmailMessage:
    settings = ctx.settings
    values = {
        "subject": letter.subject,
        "lines": [line.format(**names) for line in letter.lines],
        "button": letter.button,
        "link": link,
        "title": settings.title,
        "url": settings.url,
    }
    message = EmailMessage(policy=SMTP)
    message["Subject"] = f"{letter.subject} – {settings.title}"
    message["From"] = Address(display_name=settings.title, addr_spec=settings.sender)
    message["To"] = Address(addr_spec=address)
    message["Date"] = format_datetime(datetime.fromtimestamp(ctx.clock.now() / 1000, UTC))
    message["Message-ID"] = make_msgid(domain=settings.sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_templates.get_template("letter.txt").render(values))
    message.add_alternative(_templates.get_template("letter.html").render(values), subtype="html")
    return message


async def _send(
    settings: Settings, kind: str, account: int, message: EmailMessage, address: str
) -> None:
    global _unreachable_until
    if time.monotonic() < _unreachable_until:
        raise MailDelayed("the mail server could not be reached a moment ago")
    try:
        await aiosmtplib.send(
            message,
            sender=settings.sender,
            recipients=[address],
            hostname=settings.smtp_server,
            port=settings.smtp_port,
            use_tls=settings.smtp_security == "tls",
            start_tls=settings.smtp_security == "starttls",
            username=settings.smtp_login or None,
            password=settings.smtp_password or None,
            timeout=TIMEOUT_SECONDS,
        )
    except aiosmtplib.SMTPRecipientsRefused as error:
        _refused([one.code for one in error.recipients], kind, account)
    except (aiosmtplib.SMTPDataError, aiosmtplib.SMTPSenderRefused) as error:
        _refused([error.code], kind, account)
    except aiosmtplib.SMTPResponseException as error:
        raise MailDelayed(f"the mail server answered with code {error.code}") from None
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        _unreachable_until = time.monotonic() + REST_SECONDS
        raise MailDelayed(
            f"the mail server cannot be reached: {type(error).__name__}; check smtp_server, "
            "smtp_port and smtp_security"
        ) from None


def _refused(codes: list[int], kind: str, account: int) -> None:
    """Give up what a mail server refuses for good, and try again what it only puts off."""
    code = max(codes, default=0)
    if code < 500:
        raise MailDelayed(f"the mail server answered with code {code}")
    _log.warning("mail refused", kind=kind, account=account, status=code)
