"""Passkeys (WebAuthn): made, named and removed; signing in with one, or as the second factor."""

from __future__ import annotations

import secrets
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import webauthn
from webauthn.helpers import bytes_to_base64url, parse_client_data_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from rostra.config import Settings
from rostra.domain.errors import Conflict, Invalid, NotFound, Unauthenticated, told
from rostra.domain.factors import Challenge, ChallengePurpose, Passkey
from rostra.ports import Context, Transaction
from rostra.services import mail
from rostra.services.authentication import factors
from rostra.services.authentication.oauth import sha256

MAX_PASSKEYS: Final = 20
MAX_NAME: Final = 60
MAX_CREDENTIAL: Final = 16 * 1024
REFUSED: Final = told("The passkey was not accepted. Try again, or sign in another way.")
UNKNOWN: Final = told("This server does not know that passkey. Sign in another way.")


def party(settings: Settings) -> str:
    """Return the id of this server as browsers bind passkeys to it: its host name."""
    return urlsplit(settings.url).hostname or settings.domain


def _origin(settings: Settings) -> str:
    parts = urlsplit(settings.url)
    return f"{parts.scheme}://{parts.netloc}"


def _descriptors(passkeys: list[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    known = {transport.value for transport in AuthenticatorTransport}
    return [
        PublicKeyCredentialDescriptor(
            id=passkey.id,
            transports=[
                AuthenticatorTransport(name) for name in passkey.transports if name in known
            ],
        )
        for passkey in passkeys
    ]


def _decoded(credential: str) -> dict[str, Any]:
    """Return what a browser sent.

    Raises:
        Invalid: it is no JSON object, or far too long.
    """
    try:
        if len(credential) <= MAX_CREDENTIAL:
            return msgspec.json.decode(credential, type=dict[str, Any])
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError):
        pass
    raise Invalid(REFUSED)


def _challenge_in(sent: dict[str, Any]) -> bytes:
    try:
        data = webauthn.base64url_to_bytes(sent["response"]["clientDataJSON"])
        return parse_client_data_json(data).challenge
    except Exception:  # whatever a stranger sent, and however the library says so
        raise Invalid(REFUSED) from None


async def _taken(ctx: Context, challenge: bytes, purpose: ChallengePurpose) -> Challenge:
    """Return what was begun with a challenge, which is good for one answer.

    Raises:
        Invalid: nothing was, or too long ago.
    """
    hashed = sha256(bytes_to_base64url(challenge))

    def change(tx: Transaction) -> Challenge | None:
        found = tx.factors.challenge(hashed)
        tx.factors.end(hashed)
        return found

    found = await ctx.store.write(change)
    if found is None or found.purpose != purpose:
        raise Invalid("That took too long. Try again.")
    return found


async def _begun(ctx: Context, purpose: ChallengePurpose, account: int | None) -> bytes:
    challenge = secrets.token_bytes(32)
    text = bytes_to_base64url(challenge)
    await ctx.store.write(lambda tx: factors.begin(tx, purpose, account=account, text=text))
    return challenge


# -- making one ------------------------------------------------------------------------------------


async def creation_options(ctx: Context, *, actor: int, password: str) -> str:
    """Return what a browser needs to make a passkey, as JSON.

    Raises:
        Invalid: the password is another, or the account has as many as it may.
        TooMany: it was tried too often.
    """
    proof = await factors.require_password(ctx, actor=actor, password=password)
    fresh = secrets.token_bytes(32)

    def change(tx: Transaction) -> tuple[str, str, bytes, list[Passkey]]:
        tx.gate.require_may_act(actor)
        proof.require(tx)
        passkeys = _with_room(tx, actor)
        handle = tx.factors.handle(actor)
        if handle is None:
            handle = fresh
            tx.factors.put_handle(actor, handle)
        account = tx.accounts.get(actor)
        if account is None:
            raise NotFound
        return account.username, account.display_name, handle, passkeys

    username, display_name, handle, passkeys = await ctx.store.write(change)
    options = webauthn.generate_registration_options(
        rp_id=party(ctx.settings),
        rp_name=ctx.settings.title,
        user_id=handle,
        user_name=f"{username}@{ctx.settings.domain}",
        user_display_name=display_name or username,
        challenge=await _begun(ctx, ChallengePurpose.PASSKEY_CREATE, actor),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.PREFERRED,
        ),
        exclude_credentials=_descriptors(passkeys),
    )
    return webauthn.options_to_json(options)


def _with_room(tx: Transaction, actor: int) -> list[Passkey]:
    """Return the passkeys of an account that may have one more."""
    passkeys = tx.factors.passkeys(actor)
    if len(passkeys) >= MAX_PASSKEYS:
        raise Invalid(
            "You have %(num)s passkeys, which is the most. Remove one first.", num=MAX_PASSKEYS
        )
    return passkeys


async def create(ctx: Context, *, actor: int, credential: str, name: str) -> list[str]:
    """Keep a passkey that a browser has made; return recovery codes, if these are the first.

    Raises:
        Invalid: it is not what was asked for.
        Conflict: it is kept already.
    """
    sent = _decoded(credential)
    challenge = _challenge_in(sent)
    begun = await _taken(ctx, challenge, ChallengePurpose.PASSKEY_CREATE)
    if begun.account != actor:
        raise Invalid(REFUSED)
    try:
        made = webauthn.verify_registration_response(
            credential=sent,
            expected_challenge=challenge,
            expected_rp_id=party(ctx.settings),
            expected_origin=_origin(ctx.settings),
        )
    except (WebAuthnException, KeyError, TypeError, ValueError):
        raise Invalid(REFUSED) from None
    transports = sent.get("response", {}).get("transports") or []

    def change(tx: Transaction) -> list[str]:
        tx.gate.require_may_act(actor)
        if tx.factors.passkey(made.credential_id) is not None:
            raise Conflict("This passkey is kept already.")
        _with_room(tx, actor)
        tx.factors.put_passkey(
            Passkey(
                account=actor,
                id=made.credential_id,
                name=_named(name),
                public_key=made.credential_public_key,
                sign_count=made.sign_count,
                transports=tuple(str(one)[:20] for one in transports[:8]),
                created_at=tx.now,
            )
        )
        mail.queue(ctx, tx, "security", actor, event="a passkey was added")
        return factors.first_codes(tx, actor)

    return await ctx.store.write(change)


def _named(name: str) -> str:
    return " ".join(name.split())[:MAX_NAME] or "Passkey"


async def rename(ctx: Context, *, actor: int, passkey: str, name: str) -> None:
    """Give a passkey another name.

    Raises:
        NotFound: the actor has no such passkey.
    """

    def change(tx: Transaction) -> None:
        found = _own(tx, actor, passkey)
        tx.factors.put_passkey(msgspec.structs.replace(found, name=_named(name)))

    await ctx.store.write(change)


async def remove(ctx: Context, *, actor: int, passkey: str, password: str) -> None:
    """Remove a passkey.

    Raises:
        Invalid: the password is another.
        NotFound: the actor has no such passkey.
        TooMany: the password was tried too often.
    """
    proof = await factors.require_password(ctx, actor=actor, password=password)

    def change(tx: Transaction) -> None:
        proof.require(tx)
        found = _own(tx, actor, passkey)
        tx.factors.delete_passkey(actor, found.id)
        factors.drop_useless_codes(tx, actor)
        mail.queue(ctx, tx, "security", actor, event=f"the passkey {found.name} was removed")

    await ctx.store.write(change)


def _own(tx: Transaction, actor: int, name: str) -> Passkey:
    tx.gate.require_may_act(actor)
    for passkey in tx.factors.passkeys(actor):
        if passkey.id.hex() == name:
            return passkey
    raise NotFound("This passkey was removed already. Reload the page.")


# -- using one -------------------------------------------------------------------------------------


async def request_options(ctx: Context, *, account: int | None = None) -> str:
    """Return what a browser needs to sign in with a passkey, as JSON.

    Args:
        ctx: the ports.
        account: whose second factor it is to be; None: whoever has one for this server.
    """
    purpose = ChallengePurpose.PASSKEY_SIGN_IN
    allowed: list[PublicKeyCredentialDescriptor] = []
    verification = UserVerificationRequirement.REQUIRED
    if account is not None:
        purpose = ChallengePurpose.PASSKEY_SECOND
        verification = UserVerificationRequirement.DISCOURAGED
        with ctx.store.read() as snap:
            allowed = _descriptors(snap.factors.passkeys(account))
    options = webauthn.generate_authentication_options(
        rp_id=party(ctx.settings),
        challenge=await _begun(ctx, purpose, account),
        allow_credentials=allowed,
        user_verification=verification,
    )
    return webauthn.options_to_json(options)


async def use(ctx: Context, *, credential: str, account: int | None = None) -> int:
    """Return whose passkey was used: of anybody, or the second factor of ``account``.

    Raises:
        Invalid: it took too long, or is not what was asked for.
        Unauthenticated: the passkey is unknown here, or its signature is not right.
    """
    sent = _decoded(credential)
    challenge = _challenge_in(sent)
    purpose = (
        ChallengePurpose.PASSKEY_SIGN_IN if account is None else ChallengePurpose.PASSKEY_SECOND
    )
    begun = await _taken(ctx, challenge, purpose)
    if begun.account != account:
        raise Invalid(REFUSED)
    try:
        id_ = webauthn.base64url_to_bytes(str(sent["rawId"]))
        handle = (sent["response"] or {}).get("userHandle")
    except (KeyError, TypeError, AttributeError, ValueError):
        raise Invalid(REFUSED) from None
    with ctx.store.read() as snap:
        passkey = snap.factors.passkey(id_)
        owner = None if passkey is None else snap.factors.handle(passkey.account)
    if passkey is None or (account is not None and passkey.account != account):
        raise Unauthenticated(UNKNOWN)
    if handle and owner is not None and handle != bytes_to_base64url(owner):
        raise Unauthenticated(UNKNOWN)
    try:
        used = webauthn.verify_authentication_response(
            credential=sent,
            expected_challenge=challenge,
            expected_rp_id=party(ctx.settings),
            expected_origin=_origin(ctx.settings),
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=account is None,
        )
    except (WebAuthnException, KeyError, TypeError, ValueError):
        raise Unauthenticated(REFUSED) from None

    def change(tx: Transaction) -> int:
        found = tx.factors.passkey(id_)
        if found is None or tx.gate.state(found.account).deleted:
            raise Unauthenticated(UNKNOWN)
        if used.new_sign_count <= found.sign_count and (used.new_sign_count or found.sign_count):
            raise Unauthenticated(REFUSED)  # used twice at once, or there are two of it
        tx.factors.put_passkey(
            msgspec.structs.replace(found, sign_count=used.new_sign_count, used_at=tx.now)
        )
        return found.account

    return await ctx.store.write(change)
