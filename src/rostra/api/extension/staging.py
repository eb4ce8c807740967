"""Making this worker ready for an account that is to come back: asked by the server's own jobs.

Nobody else is answered; to everybody else there is no such address.
"""

from __future__ import annotations

import hmac
from typing import Final

from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.extension.answers import reinstatements as told
from rostra.api.messages import PRIVATE, Call, Reply, json_reply
from rostra.api.operation import Needs, at, reads
from rostra.api.rendering import Entity
from rostra.domain.errors import NotFound
from rostra.domain.probes import PASS_HEADER, PASS_PURPOSE
from rostra.ports import Snapshot
from rostra.services.probing.readying import Seen, seen, step, uneven

_PASS: Final = PASS_HEADER.encode()


@reads(Nothing, needs=Needs.NOTHING, answers=told.Staged)
def stage(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    """Read a little more of an account's sets into memory; once all is there, show the preview."""
    own = call.api.ctx.store.secret(PASS_PURPOSE).hex().encode()
    if not hmac.compare_digest(call.header(_PASS), own):
        raise NotFound
    account = snap.accounts.by_id(call.id())
    if account is None:
        raise NotFound
    found = step(snap, account.ordinal)
    preview = None if found.preview is None else _preview(seen(found.preview))
    answer = {
        "took_ms": found.took_ms,
        "preview": preview,
        "uneven": uneven(snap, account.ordinal) if preview is not None else [],
    }
    return json_reply(answer, headers=PRIVATE)


def _preview(found: Seen) -> Entity:
    return {
        "followers": found.followers,
        "following": found.following,
        "statuses": found.statuses,
        "newest": [
            {"id": id_, "replies": replies, "boosts": boosts, "likes": likes}
            for id_, replies, boosts, likes in found.newest
        ],
    }


ROUTES: Final[list[BaseRoute]] = [at("/staging/{id}", POST=stage)]
