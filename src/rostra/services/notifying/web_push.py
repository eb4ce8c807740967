"""Messages of Web Push: encrypted for the app alone (RFC 8291), signed by the server (RFC 8292).

Apps of Mastodon that did not ask for the standards get the drafts before them: ``aesgcm`` and
``WebPush`` (draft-ietf-webpush-encryption-04, draft-ietf-webpush-vapid-01).
"""

from __future__ import annotations

import base64
import binascii
import functools
import os
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import http_ece
import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import Struct

from rostra.config import Settings
from rostra.domain.errors import Invalid
from rostra.domain.push import PushSubscription
from rostra.ports import Store

TTL_S: Final = 48 * 60 * 60
SIGNED_FOR_MS: Final = 12 * 60 * 60 * 1000
POINT_BYTES: Final = 65
AUTH_BYTES: Final = 16
NONCE_BYTES: Final = 12
SALT_BYTES: Final = 16

_CURVE: Final = ec.SECP256R1()
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""The order of the group of P-256 (FIPS 186-5)."""


class Message(Struct, frozen=True):
    """What is sent to an app's endpoint."""

    headers: Mapping[str, str]
    body: bytes


def b64(data: bytes) -> str:
    """Return bytes as base64url without padding (RFC 4648 §5)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


# -- this server's key -----------------------------------------------------------------------------


@functools.lru_cache(maxsize=8)
def _key(secret: bytes) -> ec.EllipticCurvePrivateKey:
    """Return the signing key that 32 secret bytes are."""
    return ec.derive_private_key(int.from_bytes(secret) % (_ORDER - 1) + 1, _CURVE)


def server_key(store: Store) -> str:
    """Return the public key by which push services know this server, as apps are told it."""
    return _public(store.secret("web push signatures"))


@functools.lru_cache(maxsize=8)
def _public(secret: bytes) -> str:
    return b64(_point(_key(secret)))


def _point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _signed(store: Store, settings: Settings, endpoint: str, now: int) -> str:
    """Return the JWT that proves who pushes (RFC 8292 §2), good for this endpoint's server."""
    parts = urlsplit(endpoint)
    contact = f"mailto:{settings.contact_email}" if settings.contact_email else settings.url
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": (now + SIGNED_FOR_MS) // 1000,
        "sub": contact,
    }
    head = b64(b'{"typ":"JWT","alg":"ES256"}')
    text = f"{head}.{b64(msgspec.json.encode(claims))}"
    key = _key(store.secret("web push signatures"))
    r, s = utils.decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{text}.{b64(r.to_bytes(32) + s.to_bytes(32))}"


# -- the app's keys --------------------------------------------------------------------------------


def given_key(text: str) -> bytes:
    """Return the public key of an app, from base64 of either alphabet.

    Raises:
        Invalid: it is no point of P-256.
    """
    point = _decoded(text)
    try:
        if len(point) != POINT_BYTES:
            raise ValueError
        ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, point)
    except ValueError:
        raise Invalid("Validation failed: Key p256dh is not a public key of P-256") from None
    return point


def given_auth(text: str) -> bytes:
    """Return the secret of an app, from base64 of either alphabet.

    Raises:
        Invalid: it is not 16 bytes.
    """
    secret = _decoded(text)
    if len(secret) != AUTH_BYTES:
        raise Invalid("Validation failed: Key auth must be %(num)s bytes", num=AUTH_BYTES)
    return secret


def _decoded(text: str) -> bytes:
    plain = text.strip().rstrip("=").translate(str.maketrans("+/", "-_"))
    try:
        return base64.urlsafe_b64decode(plain + "=" * (-len(plain) % 4))
    except (binascii.Error, ValueError):
        return b""


def sealed(store: Store, token: str) -> bytes:
    """Return a token encrypted, to be kept until it is pushed along with a notification."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(store.secret("pushed tokens")).encrypt(nonce, token.encode(), None)


def opened(store: Store, data: bytes) -> str:
    """Return a token that was sealed."""
    box = AESGCM(store.secret("pushed tokens"))
    return box.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], None).decode()


# -- messages --------------------------------------------------------------------------------------


def message(
    store: Store,
    settings: Settings,
    subscription: PushSubscription,
    content: bytes,
    *,
    now: int,
    urgent: bool,
) -> Message:
    """Return what to send to the endpoint of a subscription.

    Args:
        store: holds the keys of this server.
        settings: who this server is.
        subscription: to whom.
        content: what the app is told.
        now: the time in ms.
        urgent: whether it is worth waking a device that saves power (RFC 8030 §5.3).
    """
    token = _signed(store, settings, subscription.endpoint, now)
    headers = {
        "content-type": "application/octet-stream",
        "ttl": str(TTL_S),
        "urgency": "high" if urgent else "normal",
    }
    sender, salt = ec.generate_private_key(_CURVE), os.urandom(SALT_BYTES)
    version = "aes128gcm" if subscription.standard else "aesgcm"
    body = http_ece.encrypt(
        content,
        salt=salt,
        private_key=sender,
        dh=subscription.p256dh,
        auth_secret=subscription.auth,
        version=version,
    )
    headers["content-encoding"] = version
    if subscription.standard:
        headers["authorization"] = f"vapid t={token}, k={server_key(store)}"
    else:
        headers["authorization"] = f"WebPush {token}"
        headers["encryption"] = f"salt={b64(salt)}"
        headers["crypto-key"] = f"dh={b64(_point(sender))};p256ecdsa={server_key(store)}"
    return Message(headers, body)
