"""Importing the archive of X (Twitter): statuses at their times, pictures, and likes.

Names of accounts in it belong to others here, so nobody is mentioned or followed by it. A status is
brought once, however often the archive is; an import that was killed goes on where it was.
"""

from __future__ import annotations

import asyncio
import lzma
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path, PurePosixPath
from random import Random
from typing import Final, TypeVar

import structlog

from rostra.domain import x_archive
from rostra.domain.account_set import SetKind
from rostra.domain.errors import Invalid, RostraError
from rostra.domain.ids import SEQUENCE_BITS, snowflake
from rostra.domain.media import MAX_ATTACHED, MAX_DESCRIPTION, Media, MediaState
from rostra.domain.statuses import Status, Visibility
from rostra.domain.transfers import Line, Transfer
from rostra.domain.x_archive import SOURCE, Picture, Tweet
from rostra.ports import Context, Snapshot, Transaction
from rostra.services import text
from rostra.services.attachments import media, uploads
from rostra.services.portability import transfers
from rostra.services.publishing import favourites

T = TypeVar("T")

AT_ONCE: Final = 50
LIKES_AT_ONCE: Final = 500
SEQUENCE_MASK: Final = (1 << SEQUENCE_BITS) - 1
TRIES_A_MS: Final = 8
MAX_LIST_BYTES: Final = 1 << 29
MAX_OBJECTS: Final = 8_000_000
"""How many JSON objects a list may hold: a tweet is about ten, and each costs memory."""
MAX_MEDIA_BYTES: Final = 1 << 29
UNREADABLE: Final = (
    zipfile.BadZipFile,
    OSError,
    EOFError,
    ValueError,
    RuntimeError,  # also NotImplementedError: a password, or a way to compress that is not known
    struct.error,
    zlib.error,
    lzma.LZMAError,
)
"""What reading a ZIP file that is damaged, or made to do damage, can raise."""
EARLIEST_MS: Final = 1_142_899_200_000  # 2006-03-21, the day of the first tweet

_log = structlog.get_logger()


class Archive:
    """An archive that is open.

    Args:
        file: the ZIP file.

    Raises:
        Invalid: it is no ZIP file.
    """

    def __init__(self, file: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(file)
        except UNREADABLE:
            raise Invalid("The file is no ZIP archive: choose the one X let you download") from None
        self._names = self._zip.namelist()
        self._media = {
            PurePosixPath(name).name: name
            for name in self._names
            if any(f"data/{folder}/" in name for folder in x_archive.MEDIA_FOLDERS)
        }

    def close(self) -> None:
        """Close it."""
        self._zip.close()

    def rows(self, file: str, kind: type[T]) -> list[T]:
        """Return a list of the archive, empty when it has none of this name.

        Raises:
            Invalid: it cannot be read, or is larger than any archive's.
        """
        found: list[T] = []
        size = objects = 0
        for name in x_archive.parts(self._names, file):
            size += self._zip.getinfo(name).file_size
            if size > MAX_LIST_BYTES:
                raise Invalid("%(words)s in the archive is too large", words=name)
            data = self._read(name)
            objects += data.count(b"{")
            if objects > MAX_OBJECTS:
                raise Invalid("%(words)s in the archive holds too much", words=name)
            found += x_archive.rows(data, kind, name)
        return found

    def _read(self, name: str) -> bytes:
        try:
            return self._zip.read(name)
        except UNREADABLE as error:
            raise Invalid(
                "%(words)s in the archive cannot be read: %(error)s", words=name, error=error
            ) from None

    def unpack(self, file: str, folder: Path) -> Path | None:
        """Write a picture or video into a folder, and return where; None when it is not there."""
        name = self._media.get(file)
        if name is None or self._zip.getinfo(name).file_size > MAX_MEDIA_BYTES:
            return None
        path = folder / "picture"
        try:
            with self._zip.open(name) as packed, path.open("xb") as unpacked:
                shutil.copyfileobj(packed, unpacked)
        except UNREADABLE as error:
            raise Invalid(
                "%(words)s in the archive cannot be read: %(error)s", words=name, error=error
            ) from None
        return path


@contextmanager
def _opened(file: Path) -> Iterator[Archive]:
    archive = Archive(file)
    try:
        yield archive
    finally:
        archive.close()


async def run(ctx: Context, transfer: Transfer) -> None:
    """Do what is left of the import of an archive.

    Raises:
        Invalid: it is no archive of X.
    """
    file = await ctx.files.local(transfer.file, transfers.FILE)
    with _opened(file) as archive:
        tweets = await asyncio.to_thread(_tweets, archive)
        likes = await asyncio.to_thread(_likes, archive)
        if not tweets and not likes:
            raise Invalid("There are no tweets in this archive: choose the one X let you download")
        await _remember_people(ctx, transfer.account, archive)
        wanted = [tweet for tweet in tweets.values() if _is_wanted(transfer, tweet, tweets)]
        current = await transfers.advance(ctx, transfer, total=len(wanted) + len(likes))
        while current is not None and current.place < len(wanted):
            lot = wanted[current.place : current.place + AT_ONCE]
            current = await _bring(ctx, current, archive, lot)
        while current is not None and current.place < len(wanted) + len(likes):
            begin = current.place - len(wanted)
            current = await _like(ctx, current, likes[begin : begin + LIKES_AT_ONCE])
    if current is not None:
        await transfers.finish(ctx, current)


def _tweets(archive: Archive) -> dict[int, Tweet]:
    """Return the tweets of an archive by their numbers, oldest first."""
    rows = archive.rows("tweets", x_archive.TweetRow) or archive.rows("tweet", x_archive.TweetRow)
    found = {row.tweet.id: row.tweet for row in rows if x_archive.is_number(row.tweet.id_str)}
    return dict(sorted(found.items()))


def _likes(archive: Archive) -> list[int]:
    rows = archive.rows("like", x_archive.LikeRow)
    return [int(row.like.tweet_id) for row in rows if x_archive.is_number(row.like.tweet_id)]


def _is_wanted(transfer: Transfer, tweet: Tweet, tweets: Mapping[int, Tweet]) -> bool:
    if tweet.is_retweet:
        return False
    answers_other = tweet.in_reply_to_screen_name is not None and tweet.answers not in tweets
    return transfer.replies or not answers_other


async def _remember_people(ctx: Context, account: int, archive: Archive) -> None:
    """Remember who the owner was there, and with whom it was tied."""
    owners = archive.rows("account", x_archive.OwnerRow)
    following = [row.following for row in archive.rows("following", x_archive.FollowingRow)]
    followers = [row.follower for row in archive.rows("follower", x_archive.FollowerRow)]

    def change(tx: Transaction) -> None:
        for row in owners:
            if x_archive.is_number(row.account.account_id):
                tx.transfers.claim(account, SOURCE, int(row.account.account_id))
        for people, followed in ((following, True), (followers, False)):
            ids = [int(one.account_id) for one in people if x_archive.is_number(one.account_id)]
            tx.transfers.tie(account, SOURCE, ids, followed=followed)

    await ctx.store.write(change)


# -- statuses --------------------------------------------------------------------------------------


async def _bring(
    ctx: Context, transfer: Transfer, archive: Archive, lot: Sequence[Tweet]
) -> Transfer | None:
    """Bring some tweets, in their order, and note that they are done."""
    with ctx.store.read() as snap:
        there = snap.transfers.brought(transfer.account, SOURCE, [tweet.id for tweet in lot])
    missing = [tweet for tweet in lot if tweet.id not in there]
    attached = {}
    lost: list[tuple[int, str]] = []
    for tweet in missing:
        attached[tweet.id] = await _pictures(ctx, transfer.account, archive, tweet, lost)

    def change(tx: Transaction) -> Transfer | None:
        after = transfers.note(
            tx, transfer, place=transfer.place + len(lot), done=len(lot), failed=len(lost)
        )
        if after is None:
            return None
        tx.gate.require_may_act(transfer.account)
        for number, reason in lost:
            tweet_url = f"{x_archive.HOST}/i/status/{number}"
            tx.transfers.fail_line(transfer.id, number, Line(tweet_url), reason)
        for tweet in missing:
            _create(ctx, tx, after, tweet, attached[tweet.id])
        return after

    return await ctx.store.write(change)


async def _pictures(
    ctx: Context,
    account: int,
    archive: Archive,
    tweet: Tweet,
    lost: list[tuple[int, str]],
) -> list[int]:
    """Take in the pictures of a tweet; what cannot be taken is noted, and the rest goes on."""
    found = []
    for picture in tweet.pictures[:MAX_ATTACHED]:
        try:
            made = await _picture(ctx, account, archive, tweet, picture)
        except RostraError as error:
            lost.append((tweet.id, error.message))
            continue
        if made is None:
            lost.append((tweet.id, "The archive does not hold its picture or video"))
        else:
            found.append(made)
    return found


async def _picture(
    ctx: Context, account: int, archive: Archive, tweet: Tweet, picture: Picture
) -> int | None:
    name = x_archive.media_name(tweet, picture)
    if name is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = await asyncio.to_thread(archive.unpack, name, Path(folder))
        if path is None:
            return None
        description = (picture.ext_alt_text or "")[:MAX_DESCRIPTION]
        made = await uploads.upload(ctx, actor=account, file=path, description=description)
    if made.state == MediaState.WAITING:
        await uploads.process(ctx, media=made.id)  # here and now: its own job may be far behind
        with ctx.store.read() as snap:
            made = uploads.show(snap, account, made.id)
        if made.state != MediaState.READY:
            if made.error:
                raise Invalid("%(why)s", why=made.error)
            raise Invalid("The video cannot be used")
    return made.id


def _create(
    ctx: Context, tx: Transaction, transfer: Transfer, tweet: Tweet, pictures: list[int]
) -> None:
    try:
        created_at = min(max(tweet.at, EARLIEST_MS), tx.now)
    except ValueError:
        created_at = EARLIEST_MS
    body = tweet.text()
    if not body and not pictures:
        return
    parent = _parent(tx, transfer.account, tweet)
    parsed = text.parse(body, domain=ctx.settings.domain)
    attached = _fitting(tx, transfer.account, pictures)
    status = Status(
        id=_free_id(tx, created_at, tweet.id, ctx.random),
        author=transfer.account,
        created_at=created_at,
        visibility=Visibility(transfer.visibility),
        text=parsed.text,
        content=text.render(parsed, {}, ctx.settings),
        sensitive=tweet.possibly_sensitive,
        language=tweet.lang if tweet.lang and _is_language(tweet.lang) else None,
        in_reply_to=None if parent is None else parent.id,
        in_reply_to_author=None if parent is None else parent.author,
        conversation=None if parent is None else parent.root,
        tags=parsed.tags,
        media=tuple(one.id for one in attached),
    )
    tx.statuses.create(status)
    media.attach(tx, status.id, attached)
    tx.transfers.bring(transfer.account, SOURCE, [(tweet.id, status.id)])


def _fitting(tx: Transaction, account: int, pictures: list[int]) -> list[Media]:
    """Return what can be attached together; X lets videos stand beside pictures."""
    try:
        return media.attachable(tx, actor=account, ids=pictures)
    except Invalid:
        return media.attachable(tx, actor=account, ids=pictures[:1])


def _is_language(code: str) -> bool:
    """Whether a language is one; X writes ``und`` and ``qme`` and the like for none."""
    return (
        code != "und"
        and not code.startswith(("qa", "qc", "qh", "qm", "qs", "zx"))
        and (text.is_language(code))
    )


def _parent(tx: Transaction, account: int, tweet: Tweet) -> Status | None:
    if tweet.answers is None:
        return None
    found = tx.transfers.brought(account, SOURCE, [tweet.answers])
    return tx.statuses.get(found[tweet.answers]) if found else None


def _free_id(tx: Transaction, created_at: int, number: int, random: Random) -> int:
    """Return an id of that time that is not taken, or of the next ms after it with room.

    It is looked for by chance: where very many tweets say to be of one ms, counting up would look
    at each of them again for every one more.
    """
    found = snowflake(created_at, number & SEQUENCE_MASK)
    for again in count(1):
        if tx.statuses.get(found) is None:
            return found
        found = snowflake(created_at + again // TRIES_A_MS, random.getrandbits(SEQUENCE_BITS))
    raise AssertionError("counting ends")


# -- likes -----------------------------------------------------------------------------------------


async def _like(ctx: Context, transfer: Transfer, lot: Sequence[int]) -> Transfer | None:
    """Like those of the tweets that somebody brought here; old likes are told to nobody."""
    actor = transfer.account

    def change(tx: Transaction) -> Transfer | None:
        after = transfers.note(tx, transfer, place=transfer.place + len(lot), done=len(lot))
        if after is None:
            return None
        tx.gate.require_may_act(actor)
        here = tx.transfers.brought_by_anybody(SOURCE, lot)
        for status in tx.statuses.many(here.values()).values():
            if tx.gate.may_see_status(actor, status):
                favourites.collect(tx, actor, status.id, SetKind.LIKES)
        return after

    return await ctx.store.write(change)


def people_known(snap: Snapshot, actor: int, *, limit: int = 100) -> list[int]:
    """Return accounts that say to be people the actor followed on X, those followed here left out.

    They only say so: whether to follow them is for the actor to decide.
    """
    found = snap.transfers.known_ties(actor, SOURCE, followed=True, limit=limit)
    active = snap.gate.active_among(found)
    return [one for one in active if not snap.gate.follows(actor, one)]
