"""https://docs.joinmastodon.org/methods/apps/"""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.messages import PRIVATE, Call, Reply, json_reply
from rostra.api.operation import Needs, at, group, reads, writes
from rostra.api.rendering import registered_application
from rostra.domain.errors import Unauthenticated
from rostra.ports import Snapshot
from rostra.services.authentication import oauth
from rostra.services.notifying import web_push


class Application(Struct, frozen=True):
    client_name: str = ""
    redirect_uris: list[str] = []
    scopes: str = ""
    website: str | None = None


@writes(Application, needs=Needs.NOTHING)
async def create(call: Call, given: Application) -> Reply:
    uris = tuple(uri for text in given.redirect_uris for uri in text.split())
    application, secret = await oauth.register_application(
        call.api.ctx,
        name=given.client_name,
        redirect_uris=uris,
        scopes=given.scopes,
        website=given.website,
    )
    entity = registered_application(application, web_push.server_key(call.api.ctx.store)) | {
        "client_id": application.client_id,
        "client_secret": secret,
        "client_secret_expires_at": 0,
    }
    return json_reply(entity, headers=PRIVATE)


@reads(Nothing, needs=Needs.TOKEN)
def verify_credentials(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    number = call.token.application if call.token is not None else None
    application = snap.access.application(number) if number is not None else None
    if application is None:  # a token from the command line has none
        raise Unauthenticated("This token belongs to no application")
    entity = registered_application(application, web_push.server_key(call.api.ctx.store))
    return json_reply(entity, headers=PRIVATE)


ROUTES: Final[list[BaseRoute]] = [
    at("/apps", POST=create),
    *group("/apps", at("/verify_credentials", GET=verify_credentials)),
]
