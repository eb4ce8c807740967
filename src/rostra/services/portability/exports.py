"""Exporting one's data: files of lines at once, and an archive of everything made by a job.

The archive is a ZIP file in the form of Mastodon's: ``actor.json``, ``outbox.json`` (an
OrderedCollection of ActivityStreams 2.0, https://www.w3.org/TR/activitystreams-vocabulary/),
``likes.json``, ``bookmarks.json``, the files of lines, and the media.
"""

from __future__ import annotations

import asyncio
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

from rostra.config import Settings
from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.accounts import Account
from rostra.domain.errors import Invalid
from rostra.domain.personal import MAX_DOMAINS
from rostra.domain.statuses import Status, Visibility
from rostra.domain.transfers import FILE_NAMES, Line, Transfer, TransferKind, write
from rostra.ports import Context, Snapshot
from rostra.services import appeals
from rostra.services.appeals import Case
from rostra.services.portability import transfers
from rostra.services.social_graph import lists

PAGE: Final = 500
PUBLIC: Final = "https://www.w3.org/ns/activitystreams#Public"
CONTEXT: Final = "https://www.w3.org/ns/activitystreams"


# -- files of lines --------------------------------------------------------------------------------


def file_of(snap: Snapshot, settings: Settings, *, actor: int, kind: TransferKind) -> str:
    """Return a file of lines of what an account has, those who are away included.

    Raises:
        Invalid: it is no kind of lines.
        NotFound: the account is deleted.
    """
    transfers.require_owner(snap, actor)
    make = _LINES.get(kind)
    if make is None:
        raise Invalid("Choose what to export: follows, blocks, mutes, lists or bookmarks")
    return "".join(write(kind, make(snap, settings, actor)))


def _members(snap: Snapshot, key: SetKey) -> Iterator[list[Account]]:
    """Yield the members of a set as accounts, oldest first; deleted ones left out."""
    above = None
    while entries := snap.sets.oldest(key, limit=PAGE, above=above):
        found = snap.accounts.many(snap.gate.not_deleted(entry.member for entry in entries))
        yield list(found.values())
        above = entries[-1].position


def _address(settings: Settings, account: Account) -> str:
    return f"{account.username}@{settings.domain}"


def _followed(snap: Snapshot, settings: Settings, actor: int) -> Iterator[Line]:
    for accounts in _members(snap, SetKey(actor, SetKind.FOLLOWING)):
        options = snap.accounts.follow_options(actor, [one.ordinal for one in accounts])
        for account in accounts:
            chosen = options.get(account.ordinal)
            line = Line(_address(settings, account))
            if chosen is not None:
                line = Line(
                    line.subject,
                    boosts=chosen.reblogs,
                    bell=chosen.notify,
                    languages=tuple(chosen.languages),
                )
            yield line


def _blocked(snap: Snapshot, settings: Settings, actor: int) -> Iterator[Line]:
    for accounts in _members(snap, SetKey(actor, SetKind.BLOCKING)):
        yield from (Line(_address(settings, account)) for account in accounts)


def _muted(snap: Snapshot, settings: Settings, actor: int) -> Iterator[Line]:
    for accounts in _members(snap, SetKey(actor, SetKind.MUTING)):
        options = snap.accounts.mute_options(actor, [one.ordinal for one in accounts])
        for account in accounts:
            chosen = options.get(account.ordinal)
            quiet = chosen is None or chosen.notifications
            yield Line(_address(settings, account), notifications=quiet)


def _domains(snap: Snapshot, settings: Settings, actor: int) -> Iterator[Line]:
    for blocked in snap.personal.blocked_domains(actor, limit=MAX_DOMAINS):
        yield Line(blocked.domain)


def _listed(snap: Snapshot, settings: Settings, actor: int) -> Iterator[Line]:
    for each in snap.lists.of(actor):
        for accounts in _members(snap, lists.members_of(each.id)):
            for account in accounts:
                yield Line(_address(settings, account), list_name=each.title)


def _bookmarked(snap: Snapshot, settings: Settings, actor: int) -> Iterator[Line]:
    yield from (Line(url) for url in _urls(snap, settings, actor, SetKind.BOOKMARKS))


_LINES: Final[dict[TransferKind, Callable[[Snapshot, Settings, int], Iterator[Line]]]] = {
    TransferKind.FOLLOWING: _followed,
    TransferKind.BLOCKING: _blocked,
    TransferKind.MUTING: _muted,
    TransferKind.DOMAIN_BLOCKING: _domains,
    TransferKind.LISTS: _listed,
    TransferKind.BOOKMARKS: _bookmarked,
}


def _urls(snap: Snapshot, settings: Settings, actor: int, kind: SetKind) -> Iterator[str]:
    """Yield the addresses of what an account likes or keeps and may see, newest first."""
    below = None
    while page := snap.collected.page(actor, kind, limit=PAGE, max_id=below):
        found = snap.statuses.many(status_id for _, status_id in page)
        authors = snap.accounts.many({status.author for status in found.values()})
        for status in found.values():
            if snap.gate.may_see_status(actor, status) or status.author == actor:
                yield _url(settings, authors[status.author], status.id)
        below = page[-1][0]


def _url(settings: Settings, author: Account, status_id: int) -> str:
    return f"{settings.url}/@{author.username}/{status_id}"


# -- the archive -----------------------------------------------------------------------------------


async def run(ctx: Context, transfer: Transfer) -> None:
    """Make the archive of an account; one that was killed is begun anew."""
    folder = ctx.files.temporary()
    await asyncio.to_thread(folder.mkdir)
    try:
        path = folder / transfers.FILE
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            current = await _statuses(ctx, transfer, archive)
            if current is None:
                return
            for name, content in _rest(ctx, transfer.account):
                await asyncio.to_thread(archive.writestr, name, content)
            await _files(ctx, transfer.account, archive)
        key = ctx.files.new_key()
        await ctx.files.put(key, {transfers.FILE: path})
        if await transfers.finish(ctx, transfer, file=key) is None:
            await ctx.files.remove(key)
    finally:
        await ctx.files.discard(folder)


async def _statuses(ctx: Context, transfer: Transfer, archive: zipfile.ZipFile) -> Transfer | None:
    """Write all statuses, oldest first, and note how many are written."""
    actor = transfer.account
    with ctx.store.read() as snap:
        total = snap.statuses.count_by_author(actor)
    current = await transfers.advance(ctx, transfer, total=total, done=-transfer.done)
    above = 0
    with archive.open("outbox.json", "w") as out:
        head = {"@context": CONTEXT, "id": "outbox.json", "type": "OrderedCollection"}
        out.write(json.dumps(head)[:-1].encode() + b', "orderedItems": [')
        while current is not None:
            with ctx.store.read() as snap:
                page = snap.statuses.by_author(actor, limit=PAGE, min_id=above)
                activities = [_activity(snap, ctx.settings, status) for status in page[::-1]]
            if not page:
                break
            await asyncio.to_thread(_write, out, activities, first=above == 0)
            above = page[0].id
            current = await transfers.advance(ctx, current, done=len(page))
        out.write(b"]}")
    return current


def _write(out: IO[bytes], activities: list[dict[str, Any]], *, first: bool) -> None:
    for number, activity in enumerate(activities):
        out.write(b"\n" if first and number == 0 else b",\n")
        out.write(json.dumps(activity, ensure_ascii=False).encode())


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms // 1000, UTC).isoformat().replace("+00:00", "Z")


def _activity(snap: Snapshot, settings: Settings, status: Status) -> dict[str, Any]:
    """Return a status as an activity of its author."""
    author = snap.accounts.many([status.author])[status.author]
    actor = f"{settings.url}/users/{author.username}"
    to, cc = _audience(snap, settings, status, actor)
    head = {"actor": actor, "published": _iso(status.created_at), "to": to, "cc": cc}
    if status.reblog_of is not None:
        original = snap.statuses.get(status.reblog_of)
        by = None if original is None else snap.accounts.get(original.author)
        of = "" if by is None else _url(settings, by, status.reblog_of)
        return {"type": "Announce", **head, "object": of}
    attached = snap.media.many(status.media)
    note = {
        "id": f"{actor}/statuses/{status.id}",
        "type": "Note",
        "summary": status.spoiler_text or None,
        "inReplyTo": status.in_reply_to and str(status.in_reply_to),
        "published": _iso(status.created_at),
        "updated": _iso(status.edited_at) if status.edited_at is not None else None,
        "url": _url(settings, author, status.id),
        "sensitive": status.sensitive,
        "content": status.content,
        "source": {"content": status.text, "mediaType": "text/plain"},
        "contentMap": {status.language: status.content} if status.language else None,
        "attachment": [
            {"type": "Document", "url": f"media/{one.key}/{one.file}", "name": one.description}
            for one in attached.values()
        ],
        "tag": [{"type": "Hashtag", "name": f"#{tag}"} for tag in status.tags],
    }
    if status.poll is not None:
        note["type"] = "Question"
        choices = [{"type": "Note", "name": option} for option in status.poll.options]
        note["anyOf" if status.poll.multiple else "oneOf"] = choices
    return {
        "type": "Create",
        **head,
        "object": {name: value for name, value in note.items() if value is not None},
    }


def _audience(
    snap: Snapshot, settings: Settings, status: Status, actor: str
) -> tuple[list[str], list[str]]:
    followers = f"{actor}/followers"
    named = snap.accounts.many(status.mentions).values()
    mentioned = [f"{settings.url}/users/{one.username}" for one in named]
    match status.visibility:
        case Visibility.PUBLIC:
            return [PUBLIC], [followers, *mentioned]
        case Visibility.UNLISTED:
            return [followers], [PUBLIC, *mentioned]
        case Visibility.PRIVATE:
            return [followers], mentioned
        case _:
            return mentioned, []


def _rest(ctx: Context, actor: int) -> Iterator[tuple[str, str]]:
    """Yield the other files of an archive, by name: the profile, lists of addresses, lines."""
    with ctx.store.read() as snap:
        account = transfers.require_owner(snap, actor)
        yield "actor.json", json.dumps(_actor(ctx.settings, account), ensure_ascii=False)
        decided = [_decided(case) for case in appeals.cases(snap, ctx.settings, actor)]
        yield "decisions.json", json.dumps(decided, ensure_ascii=False)
    for name, kind in (("likes", SetKind.LIKES), ("bookmarks", SetKind.BOOKMARKS)):
        with ctx.store.read() as snap:
            urls = list(_urls(snap, ctx.settings, actor, kind))
        collection = {"@context": CONTEXT, "id": f"{name}.json", "type": "OrderedCollection"}
        yield f"{name}.json", json.dumps({**collection, "orderedItems": urls})
    for lines, file in FILE_NAMES.items():
        with ctx.store.read() as snap:
            text = file_of(snap, ctx.settings, actor=actor, kind=lines)
        yield file, text


def _decided(case: Case) -> dict[str, Any]:
    """Return what was decided about an account, with its appeals: who decided is not told."""
    decision = case.decision
    return {
        "type": decision.kind.label,
        "ground": decision.ground,
        "text": decision.text,
        "decided": _iso(decision.taken_at),
        "until": None if case.action.until is None else _iso(case.action.until),
        "ended": None if case.ended is None else str(case.ended),
        "appeals": [
            {
                "text": appeal.text,
                "state": str(appeal.state),
                "opened": _iso(appeal.opened_at),
                "decided": None if appeal.decided_at is None else _iso(appeal.decided_at),
                "reply": appeal.reply,
            }
            for appeal in case.appeals
        ],
    }


def _actor(settings: Settings, account: Account) -> dict[str, Any]:
    url = f"{settings.url}/users/{account.username}"
    return {
        "@context": CONTEXT,
        "id": url,
        "type": "Service" if account.bot else "Person",
        "preferredUsername": account.username,
        "name": account.display_name,
        "summary": account.note,
        "url": f"{settings.url}/@{account.username}",
        "published": _iso(account.created_at),
        "manuallyApprovesFollowers": account.locked,
        "discoverable": account.discoverable,
        "indexable": account.indexable,
        "attachment": [
            {"type": "PropertyValue", "name": field.name, "value": field.value}
            for field in account.fields
        ],
    }


async def _files(ctx: Context, actor: int, archive: zipfile.ZipFile) -> None:
    """Put the media of an account into its archive."""
    above = 0
    while True:
        with ctx.store.read() as snap:
            page = snap.media.of_account(actor, above=above, limit=PAGE)
        for one in page:
            if one.file:
                path = await ctx.files.local(one.key, one.file)
                await asyncio.to_thread(_put, archive, path, f"media/{one.key}/{one.file}")
        if len(page) < PAGE:
            return
        above = page[-1].id


def _put(archive: zipfile.ZipFile, path: Path, name: str) -> None:
    if path.is_file():
        archive.write(path, name, zipfile.ZIP_STORED)
