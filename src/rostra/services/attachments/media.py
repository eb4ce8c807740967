"""Media and statuses: what may be attached, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from rostra.domain.accounts import Account
from rostra.domain.errors import Invalid, Unreachable
from rostra.domain.media import (
    MAX_ATTACHED,
    Media,
    check_description,
    check_together,
    parse_focus,
)
from rostra.ports import Context, Transaction

FREE_MS: Final = 24 * 60 * 60 * 1000
"""How long media that belong to nothing are kept."""

PURGED_AT_ONCE: Final = 100

_encode: Final = msgspec.json.encode


def attachable(
    tx: Transaction,
    *,
    actor: int,
    ids: Sequence[int],
    poll: bool = False,
    status: int | None = None,
    scheduled: int | None = None,
) -> list[Media]:
    """Return the media of these ids, in their order, when the actor may attach them.

    Args:
        tx: the transaction in which they will be attached.
        actor: whose they must be.
        ids: which; twice the same counts once.
        poll: whether there is a poll as well, which goes with no media.
        status: a status they may be attached to already, the one that is being edited.
        scheduled: a scheduled status that may hold them already.

    Raises:
        Invalid: they are too many, do not go together, are not ready, are another's or are taken.
    """
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return []
    if len(wanted) > MAX_ATTACHED or poll:
        if poll:
            raise Invalid("Cannot attach files to a post with a poll")
        raise Invalid("Cannot attach more than %(num)s files", num=MAX_ATTACHED)
    found = tx.media.many(wanted)
    missing = [
        str(media_id)
        for media_id in wanted
        if (media := found.get(media_id)) is None
        or media.owner != actor
        or media.status not in (None, status)
        or media.scheduled not in (None, scheduled)
    ]
    if missing:
        raise Invalid(
            "Media %(among)s not found or already attached to another post",
            among=", ".join(missing),
        )
    check_together(list(found.values()))
    return list(found.values())


def attach(tx: Transaction, status: int, media: Iterable[Media]) -> None:
    """Note that media belong to a status; which, and in what order, is in ``Status.media``."""
    for one in media:
        if one.status != status or one.scheduled is not None:
            tx.media.put(replace(one, status=status, scheduled=None, since=tx.now))


def hold(tx: Transaction, scheduled: int, media: Iterable[Media]) -> None:
    """Keep media for a status that is scheduled; ``attach`` or ``release`` them later."""
    for one in media:
        if one.scheduled != scheduled:
            tx.media.put(replace(one, scheduled=scheduled, since=tx.now))


def release(tx: Transaction, ids: Iterable[int]) -> None:
    """Let media go: they belong to nothing, can be attached anew, and are removed after a day."""
    for one in tx.media.many(ids).values():
        if not one.free:
            tx.media.put(replace(one, status=None, scheduled=None, since=tx.now))


def discard(tx: Transaction, media: Media) -> None:
    """Forget media for good; its files are served no longer, and removed by a job."""
    tx.media.delete(media)
    tx.media.disown_files(media.key)
    tx.jobs.enqueue("remove_files", {"key": media.key}, tx.now)


async def remove_files(ctx: Context, *, key: str) -> None:
    """Remove the files under a key, unless they are somebody's; a job."""
    with ctx.store.read() as snap:
        known, _ = snap.media.files_owner(key)
    if not known:
        await ctx.files.remove(key)
        if ctx.settings.cache_purge_url:
            named = {"tag": files_tag(key)}
            await ctx.store.write(lambda tx: tx.jobs.enqueue("purge_caches", named, tx.now))


def account_tag(account: Account) -> str:
    """Return the tag that caches know all files of an account by."""
    return f"account-{account.id}"


def files_tag(key: str) -> str:
    """Return the tag that caches know the files under a key by."""
    return f"files-{key}"


async def purge_caches(ctx: Context, *, tag: str) -> None:
    """Tell the cache in front of this server, if there is one, to forget what has a tag; a job.

    Raises:
        Unreachable: it does not do so; the job is tried again.
    """
    url = ctx.settings.cache_purge_url
    if not url:
        return
    headers = {"cache-tag": tag, "surrogate-key": tag, "content-type": "application/json"}
    answer = await ctx.fetcher.post(url, content=_encode({"tags": [tag]}), headers=headers)
    if answer.status >= 400:
        raise Unreachable("The cache answered %(status)s", status=answer.status)


async def purge(ctx: Context, *, account: int, limit: int = PURGED_AT_ONCE) -> int:
    """Remove media of a deleted account, some at a time, and return how many were removed."""

    def change(tx: Transaction) -> int:
        if not tx.gate.state(account).deleted:
            return 0
        found = tx.media.of_account(account, above=0, limit=limit)
        for one in found:
            discard(tx, one)
        keys = tx.media.files_of(account, limit=limit)
        for key in keys:
            tx.media.disown_files(key)
            tx.jobs.enqueue("remove_files", {"key": key}, tx.now)
        return len(found) + len(keys)

    return await ctx.store.write(change)


async def sweep(ctx: Context, *, limit: int = PURGED_AT_ONCE) -> bool:
    """Remove media that have belonged to nothing for a day; return whether there may be more."""

    def change(tx: Transaction) -> bool:
        found = tx.media.free_since(tx.now - FREE_MS, limit=limit)
        for one in found:
            discard(tx, one)
        return len(found) == limit

    with ctx.store.read() as snap:
        if not snap.media.free_since(snap.now - FREE_MS, limit=1):
            return False  # no commit for nothing
    return await ctx.store.write(change)


async def sweep_files(ctx: Context) -> None:
    """Remove files no row tells of: of uploads that came to nothing."""
    for key in await ctx.files.old(FREE_MS / 1000):
        await remove_files(ctx, key=key)


class Described(Struct, frozen=True):
    """What is to be said of media from now on; None leaves a thing as it is."""

    id: int
    description: str | None = None
    focus: str | None = None


def describe(tx: Transaction, *, actor: int, status: int, words: Iterable[Described]) -> bool:
    """Change what is said of the actor's media that a status has, or will have.

    The caller announces that the status changed.

    Returns:
        Whether anything changed.

    Raises:
        Invalid: a value breaks a rule, or one of them is another's or another status's.
    """
    changed = False
    for said in words:
        found = tx.media.get(said.id)
        if found is None or found.owner != actor or found.status not in (None, status):
            raise Invalid("Media %(id)s not found or already attached to another post", id=said.id)
        text = found.description if said.description is None else said.description
        after = replace(
            found,
            description=check_description(text),
            focus=parse_focus(said.focus) if said.focus else found.focus,
        )
        if after != found:
            tx.media.put(after)
            changed = True
    return changed
