"""A push service of a test's own: takes what is sent to it, and an app that can read it."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from typing import Any

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Receiver:
    """An HTTP server on this machine that keeps what is posted to it.

    ``answers`` are the statuses of the next answers, and 201 after them.
    """

    def __init__(self) -> None:
        self.received: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[int] = []

    async def __aenter__(self) -> Receiver:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.place = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {}
        for line in head[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = await reader.readexactly(int(headers["content-length"]))
        self.received.append((head[0].split()[1], headers, body))
        status = self.answers.pop(0) if self.answers else 201
        writer.write(b"HTTP/1.1 %d Said\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" % status)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


class App:
    """The keys of an app that subscribes, and what it reads of a message."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = os.urandom(16)

    @property
    def keys(self) -> dict[str, str]:
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {"p256dh": b64(point), "auth": b64(self.auth)}

    def read(self, headers: dict[str, str], body: bytes) -> Any:
        """Return what a message says, by the standard or the draft before it."""
        given: dict[str, Any] = {"version": headers["content-encoding"]}
        if given["version"] == "aesgcm":
            crypto = dict(one.split("=", 1) for one in headers["crypto-key"].split(";"))
            given["salt"] = unb64(headers["encryption"].removeprefix("salt="))
            given["dh"] = unb64(crypto["dh"])
        plain = http_ece.decrypt(body, private_key=self.key, auth_secret=self.auth, **given)
        return json.loads(plain)


def claims(headers: dict[str, str], server_key: str) -> Any:
    """Return what the signature of a message says, when it is by the server with a key."""
    kind, _, rest = headers["authorization"].partition(" ")
    if kind == "vapid":
        fields = dict(one.strip().split("=", 1) for one in rest.split(","))
        assert fields["k"] == server_key
        token = fields["t"]
    else:
        assert kind == "WebPush"
        assert headers["crypto-key"].endswith(f";p256ecdsa={server_key}")
        token = rest
    signed, _, signature = token.rpartition(".")
    raw = unb64(signature)
    r, s = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(server_key))
    public.verify(utils.encode_dss_signature(r, s), signed.encode(), ec.ECDSA(SHA256()))
    head, _, body = signed.partition(".")
    assert json.loads(unb64(head)) == {"typ": "JWT", "alg": "ES256"}
    return json.loads(unb64(body))
