"""https://docs.joinmastodon.org/methods/media/"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct
from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.messages import PRIVATE, Call, Reply, json_reply
from rostra.api.operation import Needs, at, group, reads, writes
from rostra.api.uploads import sent, uploads
from rostra.domain.errors import Invalid
from rostra.domain.media import Media, MediaState
from rostra.ports import Snapshot
from rostra.services.attachments import uploads as services


class Uploading(Struct, frozen=True):
    file: Any = None
    thumbnail: Any = None
    description: str = ""
    focus: str = ""


def media_reply(call: Call, media: Media, *, waiting: int = 206) -> Reply:
    """Return a MediaAttachment; one that is worked on with the status ``waiting``.

    Raises:
        Invalid: it could not be used, and why.
    """
    if media.state == MediaState.FAILED:
        raise Invalid(media.error)
    status = waiting if media.state == MediaState.WAITING else 200
    return json_reply(call.api.renderer.media(media), status=status, headers=PRIVATE)


async def _upload(call: Call, given: Uploading) -> Media:
    file = sent(given.file)
    if file is None:
        raise Invalid("Validation failed: File can't be blank")
    return await services.upload(
        call.api.ctx,
        actor=call.actor,
        file=file,
        thumbnail=sent(given.thumbnail),
        description=given.description,
        focus=given.focus,
    )


@uploads(Uploading, scope="write:media")
async def create(call: Call, given: Uploading) -> Reply:
    return media_reply(call, await _upload(call, given), waiting=202)


@uploads(Uploading, scope="write:media")
async def create_and_wait(call: Call, given: Uploading) -> Reply:
    """The first version of this method: it answers when the file was worked on."""
    media = await _upload(call, given)
    if media.state == MediaState.WAITING:
        media = await services.ready(call.api.ctx, actor=call.actor, media=media.id)
    return media_reply(call, media, waiting=202)


@reads(Nothing, needs=Needs.ACCOUNT, scope="write:media")
def show(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    return media_reply(call, services.show(snap, call.actor, call.id()))


class Changing(Struct, frozen=True):
    description: str | None = None
    focus: str | None = None
    thumbnail: Any = None


@uploads(Changing, scope="write:media")
async def update(call: Call, given: Changing) -> Reply:
    media = await services.update(
        call.api.ctx,
        actor=call.actor,
        media=call.id(),
        description=given.description,
        focus=given.focus,
        thumbnail=sent(given.thumbnail),
    )
    return media_reply(call, media)


@writes(Nothing, scope="write:media")
async def delete(call: Call, given: Nothing) -> Reply:
    await services.delete(call.api.ctx, actor=call.actor, media=call.id())
    return json_reply({}, headers=PRIVATE)


ROUTES_V1: Final[list[BaseRoute]] = [
    at("/media", POST=create_and_wait),
    *group("/media", at("/{id}", GET=show, PUT=update, DELETE=delete)),
]
ROUTES_V2: Final[list[BaseRoute]] = [at("/media", POST=create)]
