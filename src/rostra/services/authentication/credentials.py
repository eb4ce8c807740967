"""Changing how one signs in: the password, by mail or by knowing it, and the e-mail address."""

from __future__ import annotations

from typing import Final

import msgspec

from rostra.domain.errors import Invalid, NotFound, told
from rostra.domain.mail import MailPurpose
from rostra.ports import Context, Transaction
from rostra.services import mail
from rostra.services.authentication import factors, passwords, sessions, throttling
from rostra.services.membership import confirmations

NO_MAIL: Final = told(
    "This server sends no mail. Ask those who run it to set a new password for you."
)


async def ask_reset(ctx: Context, *, email: str, address: str) -> None:
    """Mail a link to set a new password to who has an account with an address.

    Nobody learns whether there is such an account: what is done and counted is the same.

    Raises:
        NotFound: this server sends no mail.
        TooMany: it was asked for too often.
    """
    if not ctx.settings.sends_mail:
        raise NotFound(NO_MAIL)
    email = email.strip().lower()
    guards = (
        throttling.guard(ctx, throttling.MAILS, "reset", email),
        throttling.from_address(ctx, throttling.MAILS_FROM, "reset", address),
    )
    await throttling.admit(ctx, guards)

    def change(tx: Transaction) -> None:
        credentials = tx.accounts.credentials_by_email(email)
        if credentials is not None:
            mail.queue(ctx, tx, "reset", credentials.ordinal, email=credentials.email)

    await ctx.store.write(change)


async def reset(ctx: Context, *, token: str, password: str) -> int:
    """Set a new password by the link of a mail; end all sessions, and return whose it is.

    Apps keep their tokens, as they never had the password. Who had it may have made tokens of their
    own, so those are ended too.

    Raises:
        NotFound: the link is not good any more.
        Invalid: the password is too short or too long.
    """
    passwords.check(password)
    with ctx.store.read() as snap:
        confirmations.find(snap, token, MailPurpose.RESET)
    hashed = await passwords.hashed(password)

    def change(tx: Transaction) -> int:
        found = confirmations.find(tx, token, MailPurpose.RESET)
        credentials = tx.accounts.credentials(found.account)
        if credentials is None or credentials.email != found.email:
            raise NotFound(confirmations.STALE)
        tx.accounts.set_credentials(msgspec.structs.replace(credentials, password_hash=hashed))
        tx.mail_tokens.spend(found.account, MailPurpose.RESET)
        tx.access.revoke_all(found.account)
        tx.factors.end_all(found.account)
        for login in (credentials.email, _username(tx, found.account)):
            throttling.forgive(ctx, tx, login)
        confirmations.take_for_confirmed(tx, found.account)  # the link was read in that mailbox
        mail.queue(ctx, tx, "password_changed", found.account)
        return found.account

    return await ctx.store.write(change)


def _username(tx: Transaction, account: int) -> str:
    found = tx.accounts.get(account)
    return found.username if found is not None else ""


async def change_password(
    ctx: Context, *, actor: int, current: str, password: str, token: str
) -> int:
    """Set a new password, and end all sessions but the one with ``token``; return how many.

    Raises:
        Invalid: the current password is another, or the new one may not be set.
        TooMany: the current one was tried too often.
    """
    passwords.check(password)
    proof = await factors.require_password(ctx, actor=actor, password=current)
    hashed = await passwords.hashed(password)

    def change(tx: Transaction) -> int:
        tx.gate.require_may_act(actor)
        proof.require(tx)
        credentials = tx.accounts.credentials(actor)
        if credentials is None:
            raise NotFound
        tx.accounts.set_credentials(msgspec.structs.replace(credentials, password_hash=hashed))
        tx.mail_tokens.spend(actor, MailPurpose.RESET)
        mail.queue(ctx, tx, "password_changed", actor)
        return sessions.keep_only(tx, actor, token)

    return await ctx.store.write(change)


async def change_email(ctx: Context, *, actor: int, email: str, password: str) -> bool:
    """Ask for another e-mail address; return whether it is yet to be confirmed by mail.

    The address in use is told, and stays until the new one is confirmed.

    Raises:
        Invalid: the password is another, or the address may not be taken.
        TooMany: too many were asked for.
    """
    email = email.strip()
    proof = await factors.require_password(ctx, actor=actor, password=password)
    guard = throttling.guard(ctx, throttling.MAILS, "change", str(actor))
    await throttling.admit(ctx, (guard,))

    def change(tx: Transaction) -> bool:
        tx.gate.require_may_act(actor)
        proof.require(tx)
        credentials = tx.accounts.credentials(actor)
        if credentials is None:
            raise NotFound
        if credentials.email == email.lower():
            raise Invalid("That is your address already.")
        confirmations.check_address(tx, email)
        if not ctx.settings.sends_mail:
            tx.accounts.set_credentials(msgspec.structs.replace(credentials, email=email))
            return False
        tx.mail_tokens.spend(actor, MailPurpose.CHANGE)
        tx.mail_tokens.want_email(actor, email, tx.now)
        mail.queue(ctx, tx, "change_email", actor, email=email)
        mail.queue(ctx, tx, "email_changing", actor, email=credentials.email, wanted=email)
        return True

    return await ctx.store.write(change)


async def forget_new_email(ctx: Context, *, actor: int) -> None:
    """Keep the address in use after all."""

    def change(tx: Transaction) -> None:
        tx.mail_tokens.spend(actor, MailPurpose.CHANGE)
        tx.mail_tokens.forget_email(actor)

    await ctx.store.write(change)


async def set_by_hand(
    ctx: Context, *, target: int, password: str, without_factors: bool = False
) -> None:
    """Set a password for somebody who cannot, and end all their sessions and tokens.

    For those who run the server. With ``without_factors`` passkeys, one-time passwords and recovery
    codes are forgotten too.

    Raises:
        Invalid: the password is too short or too long.
        NotFound: the account cannot sign in at all.
    """
    passwords.check(password)
    hashed = await passwords.hashed(password)

    def change(tx: Transaction) -> None:
        credentials = tx.accounts.credentials(target)
        if credentials is None:
            raise NotFound("This account has no e-mail address and password: nobody signs in to it")
        tx.accounts.set_credentials(msgspec.structs.replace(credentials, password_hash=hashed))
        tx.access.revoke_all(target)
        tx.factors.end_all(target)
        tx.mail_tokens.spend(target, MailPurpose.RESET)
        if without_factors:
            tx.factors.forget(target)
        for login in (credentials.email, _username(tx, target)):
            throttling.forgive(ctx, tx, login)
        mail.queue(ctx, tx, "password_changed", target)

    await ctx.store.write(change)
