"""Second factors: one-time passwords, recovery codes, and the sign-ins that wait for one.

The secret of one-time passwords is encrypted with a key of the data folder (AES-GCM), so that a
copy of the database alone is of no use. Recovery codes have 64 random bits; only hashes are kept.
"""

from __future__ import annotations

import hmac
import os
import secrets
from typing import Final

import msgspec
import pyotp
import segno
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from rostra.domain.errors import Forbidden, Invalid, Unauthenticated, told
from rostra.domain.factors import (
    STEP_SECONDS,
    Challenge,
    ChallengePurpose,
    OneTime,
    Passkey,
)
from rostra.domain.words import how_many
from rostra.ports import Context, Transaction, View
from rostra.services import mail
from rostra.services.authentication import passwords, throttling
from rostra.services.authentication.oauth import sha256

RECOVERY_CODES: Final = 10
CHALLENGE_MS: Final = 10 * 60 * 1000
MAX_CODE: Final = 40
_NONCE: Final = 12
_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another
WRONG_CODE: Final = told(
    "That code is not right, or was used before. Wait for the next and try again."
)
WRONG_PASSWORD: Final = told("That is not your password. Try again.")
REPLACED: Final = told("The password was changed meanwhile. Sign in with the new one.")
OVER: Final = told("Signing in took too long. Begin again.")


class Overview(Struct, frozen=True):
    """Which factors an account has."""

    one_time: bool
    recovery_codes: int
    passkeys: tuple[Passkey, ...]

    @property
    def any(self) -> bool:
        """Whether signing in with a password needs a second factor."""
        return self.one_time or bool(self.passkeys)


def overview(view: View, account: int) -> Overview:
    """Return which factors an account has."""
    one_time = view.factors.one_time(account)
    return Overview(
        one_time=one_time is not None and one_time.enabled_at is not None,
        recovery_codes=len(view.factors.recovery_codes(account)),
        passkeys=tuple(view.factors.passkeys(account)),
    )


# -- proving who one is ----------------------------------------------------------------------------


class Proof(Struct, frozen=True):
    """That somebody knew the password of an account, as long as it is that one."""

    account: int
    password_hash: str

    def require(self, view: View) -> None:
        """Refuse what was proved by a password that was replaced meanwhile.

        Hashing takes its time, and who sets a new password ends what came by the old one.

        Raises:
            Invalid: it was replaced.
        """
        credentials = view.accounts.credentials(self.account)
        if credentials is None or credentials.password_hash != self.password_hash:
            raise Invalid(REPLACED)


async def require_password(ctx: Context, *, actor: int, password: str) -> Proof:
    """Make sure that it is the actor who asks for something grave.

    Whoever then changes something requires the proof again in that transaction.

    Raises:
        Invalid: the password is another.
        TooMany: it was tried too often.
    """
    guards = (throttling.guard(ctx, throttling.FACTOR, "password", str(actor), cleared=True),)
    await throttling.admit(ctx, guards)
    with ctx.store.read() as snap:
        credentials = snap.accounts.credentials(actor)
    known = credentials.password_hash if credentials is not None else None
    if not await passwords.matches(known, password) or known is None:
        raise Invalid(WRONG_PASSWORD)
    await ctx.store.write(lambda tx: throttling.succeed(tx, guards))
    return Proof(actor, known)


async def require_code(ctx: Context, *, account: int, code: str) -> None:
    """Take a code of an account: a one-time password, or a recovery code, which is then spent.

    Raises:
        Invalid: it is neither, or was used before.
        TooMany: too many were tried.
    """
    guards = (throttling.guard(ctx, throttling.FACTOR, "code", str(account), cleared=True),)
    await throttling.admit(ctx, guards)

    def change(tx: Transaction) -> None:
        if not (_take_one_time(ctx, tx, account, code) or _take_recovery(ctx, tx, account, code)):
            raise Invalid(WRONG_CODE)
        throttling.succeed(tx, guards)

    await ctx.store.write(change)


def _plain(code: str) -> str:
    return "".join(code[:MAX_CODE].split()).replace("-", "").lower()


def _step_of(secret: str, code: str, now: int) -> int | None:
    """Return the step that a code belongs to: this one, the last or the next."""
    totp = pyotp.TOTP(secret)
    current = now // 1000 // STEP_SECONDS
    for step in (current, current - 1, current + 1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), _plain(code).encode()):
            return step
    return None


def _take_one_time(ctx: Context, tx: Transaction, account: int, code: str) -> bool:
    one_time = tx.factors.one_time(account)
    if one_time is None or one_time.enabled_at is None:
        return False
    step = _step_of(_decrypted(ctx, one_time), code, tx.now)
    if step is None or step <= one_time.last_step:
        return False
    tx.factors.put_one_time(msgspec.structs.replace(one_time, last_step=step))
    return True


def _take_recovery(ctx: Context, tx: Transaction, account: int, code: str) -> bool:
    hashed = sha256(_plain(code))
    if hashed not in tx.factors.recovery_codes(account):
        return False
    tx.factors.spend_recovery_code(account, hashed)
    left = len(tx.factors.recovery_codes(account))
    event = f"a recovery code was used, and {how_many(left, 'is', 'are')} left"
    mail.queue(ctx, tx, "security", account, event=event)
    return True


# -- one-time passwords ----------------------------------------------------------------------------


class Setup(Struct, frozen=True):
    """What an authenticator app is given: the secret as text, and as a QR code (SVG)."""

    secret: str
    picture: str


def _sealed(ctx: Context, account: int, secret: str) -> bytes:
    nonce = os.urandom(_NONCE)
    cipher = AESGCM(ctx.store.secret("one-time passwords"))
    return nonce + cipher.encrypt(nonce, secret.encode(), str(account).encode())


def _decrypted(ctx: Context, one_time: OneTime) -> str:
    cipher = AESGCM(ctx.store.secret("one-time passwords"))
    nonce, sealed = one_time.secret[:_NONCE], one_time.secret[_NONCE:]
    try:
        return cipher.decrypt(nonce, sealed, str(one_time.account).encode()).decode()
    except InvalidTag:
        raise Forbidden(
            "This server has lost the key of its one-time passwords: use a recovery code",
            log="secret.key is not the one that one-time passwords were encrypted with; restore it",
        ) from None


async def begin_one_time(ctx: Context, *, actor: int) -> Setup:
    """Return a new secret for an authenticator app, to be confirmed by a code of it.

    One that was begun before and not confirmed is shown again, so that a reload changes nothing.

    Raises:
        Invalid: the account has one-time passwords already.
    """
    fresh = pyotp.random_base32()

    def change(tx: Transaction) -> tuple[str, str]:
        tx.gate.require_may_act(actor)
        one_time = tx.factors.one_time(actor)
        if one_time is not None and one_time.enabled_at is not None:
            raise Invalid("One-time passwords are on already. Turn them off first to begin anew.")
        if one_time is None:
            one_time = OneTime(account=actor, secret=_sealed(ctx, actor, fresh))
            tx.factors.put_one_time(one_time)
        account = tx.accounts.get(actor)
        return _decrypted(ctx, one_time), account.username if account else ""

    secret, username = await ctx.store.write(change)
    uri = pyotp.TOTP(secret).provisioning_uri(
        name=f"{username}@{ctx.settings.domain}", issuer_name=ctx.settings.title
    )
    picture = segno.make(uri, error="m").svg_inline(
        scale=5, border=3, dark="#000", light="#fff", omitsize=True
    )
    return Setup(" ".join(secret[i : i + 4] for i in range(0, len(secret), 4)), picture)


async def confirm_one_time(ctx: Context, *, actor: int, code: str) -> list[str]:
    """Turn one-time passwords on, by a code of the app; return recovery codes, if new.

    Raises:
        Invalid: the code is not right, or nothing was begun.
        TooMany: too many were tried.
    """
    guards = (throttling.guard(ctx, throttling.FACTOR, "code", str(actor), cleared=True),)
    await throttling.admit(ctx, guards)

    def change(tx: Transaction) -> list[str]:
        tx.gate.require_may_act(actor)
        one_time = tx.factors.one_time(actor)
        if one_time is None or one_time.enabled_at is not None:
            raise Invalid("There is nothing to confirm. Begin again.")
        step = _step_of(_decrypted(ctx, one_time), code, tx.now)
        if step is None:
            raise Invalid(
                "That code is not right. Check that the clock of your device is, and try the next."
            )
        tx.factors.put_one_time(
            msgspec.structs.replace(one_time, enabled_at=tx.now, last_step=step)
        )
        throttling.succeed(tx, guards)
        mail.queue(ctx, tx, "security", actor, event="one-time passwords were turned on")
        return first_codes(tx, actor)

    return await ctx.store.write(change)


async def disable_one_time(ctx: Context, *, actor: int, password: str) -> None:
    """Turn one-time passwords off; without another factor the recovery codes go with them.

    Raises:
        Invalid: the password is another.
        TooMany: it was tried too often.
    """
    proof = await require_password(ctx, actor=actor, password=password)

    def change(tx: Transaction) -> None:
        tx.gate.require_may_act(actor)
        proof.require(tx)
        one_time = tx.factors.one_time(actor)
        tx.factors.delete_one_time(actor)
        drop_useless_codes(tx, actor)
        if one_time is not None and one_time.enabled_at is not None:
            mail.queue(ctx, tx, "security", actor, event="one-time passwords were turned off")

    await ctx.store.write(change)


# -- recovery codes --------------------------------------------------------------------------------


def _new_codes(tx: Transaction, account: int) -> list[str]:
    codes = ["".join(secrets.choice(_ALPHABET) for _ in range(13)) for _ in range(RECOVERY_CODES)]
    tx.factors.set_recovery_codes(account, [sha256(code) for code in codes])
    return [f"{code[:4]}-{code[4:8]}-{code[8:]}" for code in codes]


def first_codes(tx: Transaction, account: int) -> list[str]:
    """Return new recovery codes for an account that has none, and nothing for one that has."""
    return [] if tx.factors.recovery_codes(account) else _new_codes(tx, account)


def drop_useless_codes(tx: Transaction, account: int) -> None:
    """Forget the recovery codes of an account that has no factor they stand in for."""
    if not overview(tx, account).any:
        tx.factors.set_recovery_codes(account, ())


async def new_recovery_codes(ctx: Context, *, actor: int, password: str) -> list[str]:
    """Return new recovery codes; the earlier ones are good for nothing any more.

    Raises:
        Invalid: the password is another, or there is no factor they could stand in for.
        TooMany: it was tried too often.
    """
    proof = await require_password(ctx, actor=actor, password=password)

    def change(tx: Transaction) -> list[str]:
        tx.gate.require_may_act(actor)
        proof.require(tx)
        if not overview(tx, actor).any:
            raise Invalid("Turn on one-time passwords or add a passkey first.")
        mail.queue(ctx, tx, "security", actor, event="new recovery codes were made")
        return _new_codes(tx, actor)

    return await ctx.store.write(change)


# -- what is in the middle of being proved -------------------------------------------------------


def begin(tx: Transaction, purpose: ChallengePurpose, *, account: int | None, text: str) -> None:
    """Keep that something was begun, under the hash of ``text``, for ten minutes."""
    tx.factors.begin(
        Challenge(
            hash=sha256(text),
            purpose=purpose,
            account=account,
            expires_at=tx.now + CHALLENGE_MS,
        )
    )


async def begin_sign_in(ctx: Context, proof: Proof) -> str:
    """Return a token for a sign-in whose password was right and that waits for a second factor.

    Raises:
        Invalid: the password was replaced meanwhile.
    """
    token = secrets.token_urlsafe(32)

    def change(tx: Transaction) -> None:
        proof.require(tx)
        begin(tx, ChallengePurpose.SECOND_FACTOR, account=proof.account, text=token)

    await ctx.store.write(change)
    return token


def waiting_account(view: View, token: str) -> int:
    """Return whose sign-in waits for a second factor under a token.

    Raises:
        Unauthenticated: none does, or it has waited too long.
    """
    found = view.factors.challenge(sha256(token)) if token else None
    if found is None or found.purpose != ChallengePurpose.SECOND_FACTOR or found.account is None:
        raise Unauthenticated(OVER)
    return found.account


def finish_sign_in(tx: Transaction, token: str) -> None:
    """End the waiting of a sign-in whose second factor was right; done once.

    Raises:
        Unauthenticated: it waits no more: it was finished, or the password was replaced.
    """
    waiting_account(tx, token)
    tx.factors.end(sha256(token))
