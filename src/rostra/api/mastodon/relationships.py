"""What accounts are to each other: https://docs.joinmastodon.org/methods/accounts/#follow"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from msgspec import Struct
from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.mastodon.common import array, bytes_reply, entries_reply
from rostra.api.messages import PRIVATE, Call, Reply, encode, json_reply
from rostra.api.operation import Needs, at, reads, writes
from rostra.api.pagination import Page, clamped, link
from rostra.api.rendering import relationship, when_known
from rostra.domain.account_set import SetKind
from rostra.domain.ids import parse_id
from rostra.domain.relationships import Relationship
from rostra.ports import Snapshot
from rostra.services import accounts
from rostra.services.social_graph import endorsements as endorsing
from rostra.services.social_graph import relationships as relations

MANY: Final = 1000
MAX_DURATION_S: Final = 100 * 365 * 86_400


class Targets(Struct, frozen=True):
    id: list[str] = []
    with_suspended: bool = False


@reads(Targets, needs=Needs.ACCOUNT, scope="read:follows")
def relationships(call: Call, snap: Snapshot, given: Targets) -> Reply:
    """Return what the one who asks is to each of several accounts."""
    ids: dict[int, int] = {}
    for text in given.id[:MANY]:
        account_id = parse_id(text)
        account = snap.accounts.by_id(account_id) if account_id is not None else None
        if account is not None:
            ids[account.ordinal] = account.id
    found = relations.relationships(
        snap, call.actor, list(ids), with_suspended=given.with_suspended
    )
    return json_reply([relationship(each, ids[each.target]) for each in found], headers=PRIVATE)


async def _toward(call: Call, act: Callable[..., Awaitable[Relationship]], **options: Any) -> Reply:
    """Do something toward the account in the path, and return the relationship as it is then."""
    after = await act(call.api.ctx, actor=call.actor, target=call.found, **options)
    return json_reply(relationship(after, call.id()), headers=PRIVATE)


def target(call: Call, snap: Snapshot) -> int:
    """Return the ordinal of the account in the path.

    Raises:
        NotFound: there is none, or it was deleted.
    """
    return accounts.show(snap, call.viewer, call.id()).ordinal


class Following(Struct, frozen=True):
    reblogs: bool | None = None
    notify: bool | None = None
    languages: list[str] | None = None


@writes(Following, scope="write:follows", find=target)
async def follow(call: Call, given: Following) -> Reply:
    return await _toward(
        call,
        relations.follow,
        reblogs=given.reblogs,
        notify=given.notify,
        languages=given.languages,
    )


@writes(Nothing, scope="write:follows", find=target)
async def unfollow(call: Call, given: Nothing) -> Reply:
    return await _toward(call, relations.unfollow)


@writes(Nothing, scope="write:follows", find=target)
async def remove_from_followers(call: Call, given: Nothing) -> Reply:
    return await _toward(call, relations.remove_follower)


@writes(Nothing, scope="write:blocks", find=target)
async def block(call: Call, given: Nothing) -> Reply:
    return await _toward(call, relations.block)


@writes(Nothing, scope="write:blocks", find=target)
async def unblock(call: Call, given: Nothing) -> Reply:
    return await _toward(call, relations.unblock)


class Muting(Struct, frozen=True):
    notifications: bool = True
    duration: int = 0


@writes(Muting, scope="write:mutes", find=target)
async def mute(call: Call, given: Muting) -> Reply:
    duration = min(max(given.duration, 0), MAX_DURATION_S)
    return await _toward(
        call, relations.mute, notifications=given.notifications, duration_s=duration
    )


@writes(Nothing, scope="write:mutes", find=target)
async def unmute(call: Call, given: Nothing) -> Reply:
    return await _toward(call, relations.unmute)


@writes(Nothing, scope="write:accounts", find=target)
async def endorse(call: Call, given: Nothing) -> Reply:
    return await _toward(call, endorsing.endorse)


@writes(Nothing, scope="write:accounts", find=target)
async def unendorse(call: Call, given: Nothing) -> Reply:
    return await _toward(call, endorsing.unendorse)


class Note(Struct, frozen=True):
    comment: str = ""


@writes(Note, scope="write:accounts", find=target)
async def note(call: Call, given: Note) -> Reply:
    return await _toward(call, relations.set_note, note=given.comment)


@reads(Page, scope="read:accounts")
def endorsed_by(call: Call, snap: Snapshot, given: Page) -> Reply:
    """https://docs.joinmastodon.org/methods/accounts/#endorsements"""
    limit = clamped(given.limit, 40)
    owner = target(call, snap)
    entries = endorsing.endorsed(snap, call.viewer, owner, limit=limit, **given.cursors())
    return entries_reply(call, snap, entries, limit)


@reads(Page, needs=Needs.ACCOUNT, scope="read:accounts")
def endorsements(call: Call, snap: Snapshot, given: Page) -> Reply:
    """https://docs.joinmastodon.org/methods/endorsements/"""
    limit = clamped(given.limit, 40)
    entries = endorsing.endorsed(snap, call.actor, call.actor, limit=limit, **given.cursors())
    return entries_reply(call, snap, entries, limit)


ROUTES: Final[list[BaseRoute]] = [
    at("/follow", POST=follow),
    at("/unfollow", POST=unfollow),
    at("/remove_from_followers", POST=remove_from_followers),
    at("/block", POST=block),
    at("/unblock", POST=unblock),
    at("/mute", POST=mute),
    at("/unmute", POST=unmute),
    at("/note", POST=note),
    at("/pin", POST=endorse),
    at("/unpin", POST=unendorse),
    at("/endorse", POST=endorse),
    at("/unendorse", POST=unendorse),
    at("/endorsements", GET=endorsed_by),
]


# -- follow requests: https://docs.joinmastodon.org/methods/follow_requests/ ----------------------


@reads(Page, needs=Needs.ACCOUNT, scope="read:follows")
def requests(call: Call, snap: Snapshot, given: Page) -> Reply:
    limit = clamped(given.limit, 40)
    entries = relations.follow_requests(snap, call.actor, limit=limit, **given.cursors())
    return entries_reply(call, snap, entries, limit)


async def _decide(call: Call, decide: Callable[..., Awaitable[Relationship]]) -> Reply:
    after = await decide(call.api.ctx, actor=call.actor, follower=call.found)
    return json_reply(relationship(after, call.id()), headers=PRIVATE)


@writes(Nothing, scope="write:follows", find=target)
async def authorize(call: Call, given: Nothing) -> Reply:
    return await _decide(call, relations.authorize_request)


@writes(Nothing, scope="write:follows", find=target)
async def reject(call: Call, given: Nothing) -> Reply:
    return await _decide(call, relations.reject_request)


@reads(Page, needs=Needs.ACCOUNT, scope="read:blocks")
def blocks(call: Call, snap: Snapshot, given: Page) -> Reply:
    """https://docs.joinmastodon.org/methods/blocks/"""
    limit = clamped(given.limit, 40)
    entries = relations.owned(snap, call.actor, SetKind.BLOCKING, limit=limit, **given.cursors())
    return entries_reply(call, snap, entries, limit)


@reads(Page, needs=Needs.ACCOUNT, scope="read:mutes")
def mutes(call: Call, snap: Snapshot, given: Page) -> Reply:
    """https://docs.joinmastodon.org/methods/mutes/"""
    limit = clamped(given.limit, 40)
    entries = relations.owned(snap, call.actor, SetKind.MUTING, limit=limit, **given.cursors())
    muted = [entry.member for entry in entries]
    ends = relations.mutes_end(snap, call.actor, muted)
    bodies = [
        body[:-1] + b"," + encode({"mute_expires_at": when_known(end)})[1:]
        for body, end in zip(call.api.parts.accounts(snap, muted), ends.values(), strict=True)
    ]
    headers = link(call, [entry.position for entry in entries], more=len(entries) >= limit)
    return bytes_reply(call, array(bodies), headers=headers)
