"""https://docs.joinmastodon.org/methods/emails/"""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.messages import PRIVATE, Call, Reply, json_reply
from rostra.api.operation import Needs, at, group, reads, writes
from rostra.domain.errors import Forbidden
from rostra.ports import Snapshot
from rostra.services.membership import confirmations

ELSEWHERE: Final = (
    "This method is only available to the application the user originally signed-up with"
)


class Resend(Struct, frozen=True):
    email: str | None = None


def signed_up_here(call: Call, snap: Snapshot) -> int:
    """Return who asks, when it is through the application they signed up with.

    Raises:
        Forbidden: it is another application.
    """
    sign_up = snap.standings.sign_up(call.actor)
    application = call.token.application if call.token is not None else None
    if sign_up is None or application is None or sign_up.application != application:
        raise Forbidden(ELSEWHERE)
    return call.actor


@writes(Resend, needs=Needs.WAITING, scope="write:accounts", find=signed_up_here)
async def confirmations_create(call: Call, given: Resend) -> Reply:
    await confirmations.resend(call.api.ctx, actor=call.actor, email=given.email)
    return json_reply({}, headers=PRIVATE)


@reads(Nothing, needs=Needs.WAITING, scope="read:accounts")
def check_confirmation(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    confirmed = snap.standings.get(call.actor).unconfirmed_at is None
    return json_reply(confirmed, headers=PRIVATE)


ROUTES_V1: Final[list[BaseRoute]] = [
    *group(
        "/emails",
        at("/confirmations", POST=confirmations_create),
        at("/check_confirmation", GET=check_confirmation),
    ),
]
