"""The stream of the pages: that something is new, and its id, for who has a session or nobody.

``/events?stream=home&stream=notifications`` is a stream of server-sent events. Each has as its type
what happened (``status``, ``edit``, ``delete``, ``notification``; for moderators who ask for
``moderation``: ``run``, ``amnesty``), and as its data
``{"stream": "home", "id": "…"}``.
"""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from typing import Final

from starlette.types import Receive, Scope, Send

from rostra.api.errors import NO_METHOD, error_reply, unexpected_reply
from rostra.api.messages import Call, json_reply, send_reply
from rostra.api.streaming import channels, events
from rostra.api.streaming.channels import Channel, Wanted
from rostra.api.streaming.frames import Form
from rostra.api.streaming.hub import Hub
from rostra.api.streaming.outlets import Outlet
from rostra.domain.errors import Malformed, NotFound, RostraError, Unauthenticated, Unavailable
from rostra.domain.ids import parse_id
from rostra.ports import Snapshot
from rostra.services import roles, statuses
from rostra.services.authentication import sessions
from rostra.services.reading import streams

MOST_STREAMS: Final = 10
STREAMS: Final = "home, local, tag, list, thread, notifications, moderation"
SIGNED_IN: Final = {
    "home": channels.USER,
    "notifications": channels.NOTIFICATIONS,
    "moderation": channels.MODERATION,
}


class PageEvents:
    """Answers ``/events`` (an ASGI app).

    Args:
        hub: tells what happens.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = Call(self._hub.api, scope, receive)
        if call.method != "GET":
            reply = json_reply({"error": NO_METHOD}, status=405, headers=((b"allow", b"GET"),))
            await send_reply(send, reply, (self._hub.api.worker,), head=call.method == "HEAD")
            return
        try:
            listener, credential, wanted = self._asked(call)
        except RostraError as error:
            await send_reply(send, error_reply(error), (self._hub.api.worker,))
            return
        except Exception as error:
            await send_reply(send, unexpected_reply(error, scope["path"]), (self._hub.api.worker,))
            return
        outlet = Outlet(send, Form.EVENTS, listener, credential, compact=True)
        await events.stream(self._hub, receive, send, outlet, wanted, "", (self._hub.api.worker,))

    def _asked(self, call: Call) -> tuple[int, bytes, list[Wanted]]:
        """Return who asks, by which session, and for what."""
        if self._hub.draining:
            raise Unavailable(events.DRAINING)
        pairs = call.query_pairs()
        names = [value for name, value in pairs if name == "stream"]
        if not 0 < len(names) <= MOST_STREAMS:
            raise Malformed(f"Name 1 to {MOST_STREAMS} streams, as in /events?stream=local")
        given = dict(pairs)
        token = _session_token(call)
        with self._hub.api.ctx.store.read() as snap:
            listener = sessions.account_of(snap, token)
            wanted = [_wanted(snap, listener, name, given) for name in dict.fromkeys(names)]
        if listener is None:
            return streams.ANYBODY, b"", wanted
        return listener, sessions.token_hash(token), wanted


def _session_token(call: Call) -> str:
    try:
        cookie = SimpleCookie(call.header(b"cookie").decode("latin-1"))
    except CookieError:
        return ""
    found = cookie.get(sessions.cookie(call.api.ctx.settings))
    return found.value if found is not None else ""


def _wanted(snap: Snapshot, viewer: int | None, name: str, given: dict[str, str]) -> Wanted:
    """Return the channel of a page's stream.

    Raises:
        Malformed: there is no such stream.
        Unauthenticated: it is for those who are signed in.
        NotFound: there is no such thread or list, or the visitor may not see it.
        Forbidden: it is for moderators.
    """
    if name == "local":
        return Wanted(channels.PUBLIC_LOCAL, (name,))
    if name == "tag":
        return Wanted(channels.wanted("hashtag", given).channel, (name,))
    if name == "thread":
        number = parse_id(given.get("thread", "")) or 0
        status = statuses.show(snap, viewer, number)
        return Wanted(Channel("thread", str(status.reblog_of or status.id)), (name,))
    channel = SIGNED_IN.get(name)
    if name == "list":
        channel = channels.wanted(name, given).channel
    if channel is None:
        raise Malformed(f"There is no such stream. Ask for one of: {STREAMS}")
    if viewer is None:
        raise Unauthenticated("Sign in to listen to this")
    if name == "list" and not channels.owns_list(snap, viewer, channel):
        raise NotFound
    if name == "moderation":
        roles.require_moderator(snap, viewer)
    return Wanted(channel, (name,))
