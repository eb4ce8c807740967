"""Confirming e-mail addresses: of new accounts, and those that replace another."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from rostra.domain.accounts import Credentials
from rostra.domain.errors import Forbidden, Invalid, NotFound, told
from rostra.domain.mail import MailPurpose, MailToken
from rostra.domain.sign_up import is_address
from rostra.ports import Context, Transaction, View
from rostra.services import mail
from rostra.services.authentication import throttling
from rostra.services.authentication.oauth import sha256
from rostra.services.membership import approvals, sign_up_blocks
from rostra.services.membership.sign_up_blocks import Verdict
from rostra.services.moderation import lifting

STALE: Final = told(
    "This link is not good any more: it was used, replaced by a newer one, or is too old. Sign in "
    "to have a new one sent."
)
MAX_TOKEN: Final = 128


class Confirmed(Struct, frozen=True):
    """Whose address was confirmed, and whether it still waits for approval."""

    account: int
    email: str
    pending: bool


def find(view: View, text: str, *purposes: MailPurpose) -> MailToken:
    """Return what the token in a link is good for.

    Raises:
        NotFound: nothing, or no longer.
    """
    token = view.mail_tokens.token(sha256(text)) if 0 < len(text) <= MAX_TOKEN else None
    if token is None or token.purpose not in purposes:
        raise NotFound(STALE)
    return token


def check_address(view: View, email: str) -> None:
    """Refuse an address that an account may not take.

    Raises:
        Invalid: it is none, its provider is blocked, or another account has it.
    """
    if not is_address(email):
        raise Invalid("Validation failed: Email is invalid")
    if sign_up_blocks.of_email(view, email) == Verdict.REFUSED:
        raise Invalid("Validation failed: Email uses a disallowed e-mail provider")
    if view.accounts.credentials_by_email(email) is not None:
        raise Invalid("Validation failed: Email has already been taken")


async def confirm(ctx: Context, text: str) -> Confirmed:
    """Confirm the address that a link was mailed to.

    Raises:
        NotFound: the link is not good any more.
        Invalid: another account took the address meanwhile.
    """

    def change(tx: Transaction) -> Confirmed:
        token = find(tx, text, MailPurpose.CONFIRM, MailPurpose.CHANGE)
        credentials = tx.accounts.credentials(token.account)
        if credentials is None or tx.gate.state(token.account).deleted:
            raise NotFound(STALE)
        if token.purpose == MailPurpose.CHANGE:
            _change(ctx, tx, credentials, token.email)
        elif credentials.email != token.email.lower():
            raise NotFound(STALE)
        tx.mail_tokens.spend(token.account, token.purpose)
        pending = take_for_confirmed(tx, token.account)
        return Confirmed(token.account, token.email, pending)

    return await ctx.store.write(change)


def _change(ctx: Context, tx: Transaction, before: Credentials, email: str) -> None:
    wanted = tx.mail_tokens.wanted_email(before.ordinal)
    if wanted is None or wanted.lower() != email.lower():
        raise NotFound(STALE)
    check_address(tx, email)
    tx.accounts.set_credentials(msgspec.structs.replace(before, email=email))
    lifting.move_bar(tx, before.ordinal, before.email)
    tx.mail_tokens.forget_email(before.ordinal)
    tx.mail_tokens.spend(before.ordinal, MailPurpose.RESET)  # those went to the old address
    mail.queue(ctx, tx, "email_changed", before.ordinal, email=before.email, wanted=email)


def take_for_confirmed(tx: Transaction, account: int) -> bool:
    """Note that the address of an account is confirmed; return whether it waits for approval."""
    standing = tx.standings.get(account)
    if standing.unconfirmed_at is not None:
        tx.standings.put(msgspec.structs.replace(standing, unconfirmed_at=None))
        approvals.announce(tx, account)
    return standing.pending_at is not None


async def resend(ctx: Context, *, actor: int, email: str | None = None) -> None:
    """Mail the link to confirm an address again, to another address when one is given.

    Raises:
        Forbidden: the address of the account is confirmed.
        Invalid: the other address may not be taken.
        TooMany: it was sent too often.
    """
    guard = throttling.guard(ctx, throttling.MAILS, "confirm", str(actor))
    with ctx.store.read() as snap:
        _require_waiting(snap, actor)
    await throttling.admit(ctx, (guard,))

    def change(tx: Transaction) -> None:
        _require_waiting(tx, actor)
        credentials = tx.accounts.credentials(actor)
        if credentials is None:
            raise NotFound
        if tx.standings.get(actor).unconfirmed_at is None:
            mail.queue(ctx, tx, "change_email", actor, email=_wanted(tx, actor))
            return
        if email and email.strip().lower() != credentials.email:
            check_address(tx, email.strip())
            tx.accounts.set_credentials(msgspec.structs.replace(credentials, email=email.strip()))
            lifting.move_bar(tx, actor, credentials.email)
            tx.mail_tokens.spend(actor, MailPurpose.CONFIRM)
        mail.queue(ctx, tx, "confirm", actor)

    await ctx.store.write(change)


def _wanted(view: View, account: int) -> str:
    return view.mail_tokens.wanted_email(account) or ""


def _require_waiting(view: View, account: int) -> None:
    if view.standings.get(account).unconfirmed_at is None and not _wanted(view, account):
        raise Forbidden("This method is only available while the e-mail is awaiting confirmation")
