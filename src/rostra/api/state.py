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
from rostra.ports import Context, Snapshot, Store, Token
from rostra.services.authentication.oauth import sha256
from rostra.services.reading.freshness import Basis, News, Since

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


class Answer(Struct):
    """A whole reply as ASGI messages, and the place in the change feed up to which it holds."""

    start: Message
    body: Message
    seq: int
    since: Since
    basis: Basis | None
    until: int
    tag: bytes
    size: int


class Answers:
    """Whole replies in two generations bounded in bytes.

    One is good for as long as nothing was committed that may concern it.

    Args:
        store: what the replies tell of.
        limit: how many bytes each generation may have.
    """

    def __init__(self, store: Store, limit: int = MAX_ANSWER_BYTES) -> None:
        self._store = store
        self._news = News(store)
        self._limit = limit
        self._size = 0
        self._young: dict[Key, Answer] = {}
        self._old: dict[Key, Answer] = {}

    def get(self, key: Key) -> Answer | None:
        """Return the kept answer, whether it still holds or not."""
        return self._young.get(key) or self._old.get(key)

    def holds(self, answer: Answer, now: int) -> bool:
        """Return whether an answer would be the same if it were made at ``now`` (ms).

        Raises:
            Unavailable: the data folder cannot be read.
        """
        store = self._store
        if not store.unchanged_since(answer.seq):
            if answer.basis is None or not self._news.leaves(answer.basis, answer.since):
                return False
            answer.seq, answer.since = store.seq, self._news.now()
        return now < answer.until

    def keep(self, key: Key, reply: Reply, headers: tuple[Header, ...], seq: int) -> None:
        """Keep a reply, and let the older half go when there are too many."""
        answer = Answer(
            start=start_of(reply, headers),
            body={"type": "http.response.body", "body": reply.body},
            seq=seq,
            since=self._news.now(),
            basis=reply.basis,
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
        self.answers = Answers(ctx.store)
        self.worker: Header = (b"x-rostra-worker", str(worker_index).encode())
        self.headers: tuple[Header, ...] = (*CORS, self.worker)
        ctx.store.subscribe(self.parts.apply)
