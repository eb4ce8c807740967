"""Running an amnesty over the API: how it stands, what moderators decide, and its report."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal

from msgspec import Struct
from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.extension import amnesty_forms, reports
from rostra.api.extension.answers import amnesties as told
from rostra.api.extension.asked import Asked, path_id
from rostra.api.mastodon.admin import require_moderator
from rostra.api.mastodon.common import bytes_reply
from rostra.api.messages import PRIVATE, Call, Reply, encode
from rostra.api.operation import Answers, Needs, at, reads, writes
from rostra.domain.amnesty import Amnesty
from rostra.ports import Snapshot
from rostra.services.amnesty import amnesties, reporting, steering

READ: Final = "admin:read:accounts"
WRITE: Final = "admin:write:accounts"


@reads(Nothing, needs=Needs.ACCOUNT, scope=READ, answers=told.Standing)
def status(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    """Return how an amnesty stands, its waves and their probes among it."""
    require_moderator(call, snap)
    found = reporting.standing(snap, path_id(call, "amnesty"))
    return bytes_reply(call, encode(amnesty_forms.standing_entity(found)))


Verb = Callable[..., Awaitable[Amnesty]]


async def _decided(call: Call, verb: Verb, **options: Any) -> Reply:
    ctx = call.api.ctx
    await verb(ctx, moderator=call.actor, amnesty_id=path_id(call, "amnesty"), **options)
    with ctx.store.read() as snap:
        found = reporting.standing(snap, path_id(call, "amnesty"))
    return bytes_reply(call, encode(amnesty_forms.standing_entity(found)))


@writes(Nothing, scope=WRITE, answers=told.Standing)
async def run(call: Call, given: Nothing) -> Reply:
    """Start the waves of an approved amnesty."""
    return await _decided(call, steering.run)


@writes(Nothing, scope=WRITE, answers=told.Standing)
async def pause(call: Call, given: Nothing) -> Reply:
    """Let the waves rest where they are."""
    return await _decided(call, steering.pause)


class Resuming(Asked, frozen=True):
    """``past_probes``: take the present wave as it is, without looking at it again."""

    past_probes: bool = False


@writes(Resuming, scope=WRITE, answers=told.Standing)
async def resume(call: Call, given: Resuming) -> Reply:
    """Let the waves go on after a pause or a halt."""
    return await _decided(call, steering.resume, past_probes=given.past_probes)


@writes(Nothing, scope=WRITE, answers=told.Standing)
async def stop(call: Call, given: Nothing) -> Reply:
    """End an amnesty where it is."""
    return await _decided(call, steering.stop)


@writes(Nothing, scope=WRITE, answers=told.Standing)
async def rollback(call: Call, given: Nothing) -> Reply:
    """Suspend again whom the waves reinstated and nobody decided about since."""
    return await _decided(call, steering.roll_back)


class Form(Struct, frozen=True):
    """``format``: what the report is written as."""

    format: Literal["json", "csv", "html"] = "json"


@writes(Form, scope=READ, answers=Answers(told.AmnestyReport, forms=("text/csv", "text/html")))
async def report(call: Call, given: Form) -> Reply:
    """Return the report with all accounts; it is read and written in a thread."""
    ctx = call.api.ctx
    with ctx.store.read() as snap:
        require_moderator(call, snap)
        amnesties.require_amnesty(snap, path_id(call, "amnesty"))

    async with ctx.store.audit(gently=True) as audit:
        body, headers = await audit.read(
            lambda snap: reports.of_amnesty(snap, path_id(call, "amnesty"), given.format)
        )
    name = f'attachment; filename="amnesty-{path_id(call, "amnesty")}.{given.format}"'.encode()
    return Reply(body, 200, (*headers, (b"content-disposition", name), *PRIVATE))


ROUTES: Final[list[BaseRoute]] = [
    at("/amnesties/{id}/run", POST=run),
    at("/amnesties/{id}/pause", POST=pause),
    at("/amnesties/{id}/resume", POST=resume),
    at("/amnesties/{id}/stop", POST=stop),
    at("/amnesties/{id}/rollback", POST=rollback),
    at("/amnesties/{id}/status", GET=status),
    at("/amnesties/{id}/report", GET=report),
]
"""Those of the plan are in ``amnesties``, which stand after these: a mount there takes all that is
left below its prefix."""
