"""What the API keeps in one process: rendered parts and whole answers."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from starlette.types import Message

from rostra.api.messages import CORS, Call, Header, Reply, start_of
from rostra.api.parts import PartCache
from rostra.api.pieces import NEVER
from rostra.api.rendering import Renderer
from rostra.domain.errors import Unauthenticated
from rostra.ports import Context, Snapshot, Token
from rostra.services.oauth import sha256

MAX_TOKEN: Final = 512
MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
OVERHEAD_BYTES: Final = 1500
_BEARER: Final = b"bearer "


def token_of(call: Call, snap: Snapshot) -> Token | None:
    """Return the access token of a call, None when it has none.

    Raises:
        Unauthenticated: the token is unknown or revoked, or the header holds no bearer token.
    """
    credentials = call.header(b"authorization")
    if not credentials:
        if b"access_token=" not in call.query:
            return None
        text = dict(call.query_pairs()).get("access_token", "")
    elif credentials[: len(_BEARER)].lower() != _BEARER:
        raise Unauthenticated
    else:
        text = credentials[len(_BEARER) :].strip().decode("utf-8", "surrogateescape")
    token = snap.access.token(sha256(text)) if len(text) <= MAX_TOKEN else None
    if token is None:
        raise Unauthenticated
    return token


Key = tuple[str, bytes, bytes]
"""Path, query and credentials: what decides an answer, beside the state of the store."""


class Answer(Struct, frozen=True):
    """A whole reply as ASGI messages, and the place in the change feed it is as of."""

    start: Message
    body: Message
    seq: int
    until: int
    tag: bytes
    size: int


class Answers:
    """Whole replies in two generations bounded in bytes.

    One is good for as long as nothing at all was committed, so it serves the crowd that reads
    between two writes; what outlives a write is in the parts.
    """

    def __init__(self, limit: int = MAX_ANSWER_BYTES) -> None:
        self._limit = limit
        self._size = 0
        self._young: dict[Key, Answer] = {}
        self._old: dict[Key, Answer] = {}

    def get(self, key: Key) -> Answer | None:
        """Return the kept answer; whether it still holds is for the caller to ask the store."""
        return self._young.get(key) or self._old.get(key)

    def keep(self, key: Key, reply: Reply, headers: tuple[Header, ...], seq: int) -> None:
        """Keep a reply, and let the older half go when there are too many."""
        answer = Answer(
            start=start_of(reply, headers),
            body={"type": "http.response.body", "body": reply.body},
            seq=seq,
            until=reply.until if reply.until is not None else NEVER,
            tag=reply.tag,
            size=len(reply.body) + OVERHEAD_BYTES,
        )
        previous = self._young.get(key)
        self._size += answer.size - (previous.size if previous is not None else 0)
        self._young[key] = answer
        if self._size * 2 > self._limit:
            self._old, self._young, self._size = self._young, {}, 0


class Api:
    """What every call of this process is answered with.

    Args:
        ctx: the services' context.
        worker_index: the number of this worker, told in a header of each reply.
    """

    def __init__(self, ctx: Context, worker_index: int) -> None:
        self.ctx = ctx
        self.renderer = Renderer(ctx.settings)
        self.parts = PartCache(self.renderer)
        self.answers = Answers()
        self.worker: Header = (b"x-rostra-worker", str(worker_index).encode())
        self.headers: tuple[Header, ...] = (*CORS, self.worker)
        ctx.store.subscribe(self.parts.apply)
