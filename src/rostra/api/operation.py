"""Operations: what the API can be asked to do, each with its parameters and the scope it needs.

``reads`` operations are given a snapshot and answer at once; ``writes`` operations call a service
and wait for its commit. A ``Resource`` is an address with one operation for each method.
"""

from __future__ import annotations

import enum
import inspect
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, TypeVar

from msgspec import Struct
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import Receive, Scope, Send

from rostra.api.binding import Binder
from rostra.api.errors import NO_METHOD, error_reply, unexpected_reply
from rostra.api.messages import (
    PREFLIGHT,
    Call,
    ClientGone,
    Reply,
    conditional,
    json_reply,
    send_reply,
)
from rostra.api.state import token_of
from rostra.domain.errors import Forbidden, Invalid, RostraError, Unauthenticated
from rostra.domain.scopes import covers
from rostra.ports import Snapshot

P = TypeVar("P", bound=Struct)


class Needs(enum.Enum):
    """Who may ask."""

    NOTHING = "anybody; a token is not looked at"
    NOBODY = "anybody, with or without a token"
    TOKEN = "an application or an account"
    ACCOUNT = "an account"
    WAITING = "an account, also one that waits to be confirmed or approved"


class Answers(Struct, frozen=True):
    """What an operation answers, for the document that tells of it (``api/openapi``).

    Args:
        body: the type of the JSON.
        also: types of the JSON of other answers, by status.
        forms: media types it can be had in beside JSON.
    """

    body: Any
    also: Mapping[int, Any] = {}
    forms: tuple[str, ...] = ()


class Operation(ABC, Generic[P]):
    """One thing the API can be asked to do.

    Args:
        parameters: the Struct of its parameters.
        needs: who may ask.
        scope: what a token must cover (several scopes separated by spaces: all), empty for nothing.
        answers: what it answers; None where that is documented elsewhere.
        about: what it does, for who reads of it; the first line alone in lists.
    """

    def __init__(
        self,
        parameters: type[P],
        needs: Needs,
        scope: str,
        answers: Answers | None = None,
        about: str = "",
    ) -> None:
        self.parameters = parameters
        self.answers = answers
        self.about = about
        self.binder = Binder(parameters)
        self.needs = needs
        self.scope = scope

    def authorize(self, call: Call, snap: Snapshot) -> None:
        """Find out who asks, and refuse those who may not.

        Raises:
            Unauthenticated: a token is missing, unknown or revoked.
            Forbidden: the token does not cover this, or its account may not act.
            Invalid: it is the token of an application, and an account is needed.
        """
        if self.needs is Needs.NOTHING:
            return
        token = call.token = token_of(call, snap)
        if token is None:
            if self.needs is not Needs.NOBODY:
                raise Unauthenticated
            return
        if self.scope and not covers(token.scopes, self.scope):
            if self.needs is Needs.NOBODY and token.account is None:
                return
            raise Forbidden("This action is outside the authorized scopes")
        if token.account is not None and self.needs is Needs.WAITING:
            snap.gate.require_not_barred(token.account)
        elif token.account is not None:
            snap.gate.require_may_act(token.account)
        elif self.needs in (Needs.ACCOUNT, Needs.WAITING):
            raise Invalid("This method requires an authenticated user")

    @abstractmethod
    async def answer(self, call: Call) -> Reply:
        """Return the reply to a call.

        Raises:
            RostraError: the call is refused.
        """


class Read(Operation[P]):
    """An operation that changes nothing: all of it happens in one snapshot."""

    def __init__(
        self,
        run: Callable[[Call, Snapshot, P], Reply],
        parameters: type[P],
        needs: Needs,
        scope: str,
        answers: Answers | None = None,
    ) -> None:
        super().__init__(parameters, needs, scope, answers, inspect.getdoc(run) or "")
        self.run = run

    def answer_now(self, call: Call, given: P | None = None) -> tuple[Reply, int]:
        """Return the reply and the place in the change feed that it is as of.

        Args:
            call: the call.
            given: its parameters, when more than those in the address were read.

        Raises:
            RostraError: the call is refused.
        """
        with call.api.ctx.store.read() as snap:
            self.authorize(call, snap)
            call.api.parts.follow(snap)
            if given is None:
                given = self.binder.query(call)
            return self.run(call, snap, given), snap.seq

    async def answer(self, call: Call) -> Reply:
        if not call.has_body():
            return self.answer_now(call)[0]
        # Some apps send the parameters of a GET as JSON in its body, which Mastodon reads as well.
        with call.api.ctx.store.read() as snap:
            self.authorize(call, snap)
        return self.answer_now(call, await self.binder.whole(call))[0]


class Write(Operation[P]):
    """An operation that changes something. It is authorised before its body is read.

    ``find`` looks up, in the same snapshot, what the path names; its answer becomes ``call.found``.
    """

    def __init__(
        self,
        run: Callable[[Call, P], Awaitable[Reply]],
        parameters: type[P],
        needs: Needs,
        scope: str,
        find: Callable[[Call, Snapshot], int] | None,
        answers: Answers | None = None,
    ) -> None:
        super().__init__(parameters, needs, scope, answers, inspect.getdoc(run) or "")
        self.run = run
        self.find = find

    async def answer(self, call: Call) -> Reply:
        store = call.api.ctx.store
        with store.read() as snap:
            self.authorize(call, snap)
            seq = snap.seq
            if self.find is not None:
                call.found = self.find(call, snap)
        given = await self.binder.whole(call)
        if not store.unchanged_since(seq):  # a body takes its time: the token may be gone
            with store.read() as snap:
                self.authorize(call, snap)
        return await self.run(call, given)


def _told(answers: Any) -> Answers | None:
    return answers if answers is None or isinstance(answers, Answers) else Answers(answers)


def reads(
    parameters: type[P], *, scope: str = "", needs: Needs = Needs.NOBODY, answers: Any = None
) -> Callable[[Callable[[Call, Snapshot, P], Reply]], Read[P]]:
    """Make a function of (call, snapshot, parameters) an operation.

    ``answers`` is the type of the JSON it answers, or ``Answers``.
    """
    return lambda run: Read(run, parameters, needs, scope, _told(answers))


def writes(
    parameters: type[P],
    *,
    scope: str = "",
    needs: Needs = Needs.ACCOUNT,
    find: Callable[[Call, Snapshot], int] | None = None,
    answers: Any = None,
) -> Callable[[Callable[[Call, P], Awaitable[Reply]]], Write[P]]:
    """Make a coroutine function of (call, parameters) an operation; see ``reads``."""
    return lambda run: Write(run, parameters, needs, scope, find, _told(answers))


async def respond(operation: Operation[Any], call: Call) -> Reply:
    """Return the reply of an operation, refusals and faults included.

    Raises:
        ClientGone: nobody waits for it any more.
    """
    try:
        return await operation.answer(call)
    except RostraError as error:
        return error_reply(error)
    except ClientGone:
        raise
    except Exception as error:
        return unexpected_reply(error, call.scope["path"])


class Resource:
    """An address of the API (an ASGI app): one operation for each method."""

    def __init__(self, **operations: Operation[Any]) -> None:
        self.operations = operations
        self._allow = ", ".join(sorted({*operations, "OPTIONS"})).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        api = scope["rostra"]
        call = Call(api, scope, receive)
        try:
            reply = await self.reply(call)
        except ClientGone:
            return
        await send_reply(send, reply, api.headers, head=call.method == "HEAD")

    async def reply(self, call: Call) -> Reply:
        """Return the reply to a call by its method."""
        method = "GET" if call.method == "HEAD" else call.method
        operation = self.operations.get(method)
        if operation is not None:
            return conditional(call, await respond(operation, call))
        if method == "OPTIONS":
            wanted = call.header(b"access-control-request-headers")
            headers = ((b"access-control-allow-headers", wanted),) if wanted else ()
            return Reply(b"", 200, (*PREFLIGHT, *headers))
        return json_reply({"error": NO_METHOD}, status=405, headers=((b"allow", self._allow),))


def at(path: str, **operations: Operation[Any]) -> Route:
    """Return the route of an address with its operations by method."""
    return Route(path, Resource(**operations))


def group(prefix: str, *routes: BaseRoute) -> list[BaseRoute]:
    """Return routes below a prefix as one mount, which the router passes over at once.

    The prefix itself is no address of its own, unless a route beside the mount says so.
    """
    return [Mount(prefix, app=Router(routes, redirect_slashes=False))]
