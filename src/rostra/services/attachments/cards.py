"""Cards: pages that statuses link to are asked for by a job, once for all who link to them."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Final
from urllib.parse import urldefrag

from msgspec.structs import replace

from rostra.config import Settings
from rostra.domain.cards import DAY_MS, Card, same_to_see
from rostra.domain.errors import Invalid, Unavailable, Unreachable
from rostra.domain.events import StatusChanged
from rostra.domain.media_types import HEAD_BYTES, PICTURES, type_of
from rostra.domain.statuses import Status
from rostra.ports import Context, Made, Transaction
from rostra.services import text
from rostra.services.attachments import page_text

PAGE_BYTES: Final = 1_048_576
IMAGE_BYTES: Final = 8_388_608
SECONDS: Final = 10.0
MAX_URL: Final = 2048
TOLD_AT_ONCE: Final = 200
UNUSED_MS: Final = 30 * DAY_MS
SWEPT_AT_ONCE: Final = 100
PAGES: Final = ("text/html", "application/xhtml+xml")


def first_link(status: Status, settings: Settings) -> str | None:
    """Return the first address a status links to, those of this server left out."""
    for start, end in text.links(status.text):
        url = urldefrag(status.text[start:end]).url
        if len(url) <= MAX_URL and not f"{url}/".startswith(f"{settings.url}/"):
            return url
    return None


def hash_of(url: str) -> bytes:
    """Return what a page is known by."""
    return hashlib.sha256(url.encode("utf-8", "replace")).digest()


def link(tx: Transaction, status: Status, settings: Settings) -> None:
    """Note the page a status links to; one not asked for lately is, by a job.

    To be called when a status was made, and when its text was changed.
    """
    url = first_link(status, settings) if status.reblog_of is None else None
    if url is None:
        if status.edited_at is not None:
            tx.cards.link(status.id, None)
        return
    hash_ = hash_of(url)
    if tx.cards.hash_of(status.id) != hash_:
        tx.cards.link(status.id, hash_)
    card = tx.cards.get(hash_)
    if card is None:
        tx.cards.put(hash_, Card(url=url))
    if card is None or card.due(tx.now):
        tx.jobs.enqueue("fetch_card", {"url": url}, tx.now)


def unlink(tx: Transaction, status: Status) -> None:
    """Forget which page a deleted status linked to."""
    tx.cards.link(status.id, None)


async def fetch(ctx: Context, *, url: str) -> None:
    """Ask for a page and keep its card, or that there was nothing; a job."""
    hash_ = hash_of(url)
    with ctx.store.read() as snap:
        before = snap.cards.get(hash_)
        if before is None or not before.due(snap.now):
            return
    try:
        card = await _read_page(ctx, url)
    except Unreachable:
        card = before  # what was seen once stays
    made = None
    if card.found and card.image_source:
        if card.image_source == before.image_source and before.image is not None:
            card = _with_image_of(card, before)
        else:
            made = await _image(ctx, card.image_source)
    await _keep(ctx, hash_, before, card, made)


async def _read_page(ctx: Context, url: str) -> Card:
    accept = {"accept": ", ".join(PAGES)}
    fetched = await ctx.fetcher.get(
        url, headers=accept, limit=PAGE_BYTES, seconds=SECONDS, types=PAGES, cut=True
    )
    if fetched.status != 200:
        raise Unreachable("The page is not there: %(status)s", status=fetched.status)
    content_type = fetched.headers.get("content-type", "")
    return await asyncio.to_thread(
        page_text.read, fetched.body, content_type=content_type, url=url, address=fetched.url
    )


def _with_image_of(card: Card, before: Card) -> Card:
    return replace(
        card,
        image=before.image,
        width=before.width,
        height=before.height,
        blurhash=before.blurhash,
    )


async def _image(ctx: Context, url: str) -> tuple[str, Made] | None:
    """Return the key and what was made of the picture of a page, None where there is none."""
    folder = await ctx.files.workplace()
    try:
        fetched = await ctx.fetcher.get(
            url, headers={"accept": "image/*"}, limit=IMAGE_BYTES, seconds=SECONDS
        )
        type_ = type_of(fetched.body[:HEAD_BYTES])
        if fetched.status != 200 or type_ not in PICTURES:
            return None
        source = folder / "source"
        await asyncio.to_thread(source.write_bytes, fetched.body)
        made = await ctx.maker.preview(source, type_, folder, "card")
        key = ctx.files.new_key()
        await ctx.files.put(key, made.files)
    except (Unreachable, Invalid, Unavailable):
        return None
    finally:
        await ctx.files.discard(folder)
    return key, made


async def _keep(
    ctx: Context, hash_: bytes, before: Card, card: Card, made: tuple[str, Made] | None
) -> None:
    def change(tx: Transaction) -> None:
        after = replace(card, fetched_at=tx.now)
        if made is not None:
            key, image = made
            size = image.meta["small"]
            tx.media.own_files(key, None, tx.now)
            after = replace(
                after,
                image=(key, image.preview),
                width=size["width"],
                height=size["height"],
                blurhash=image.blurhash,
            )
        if before.image is not None and before.image != after.image:
            tx.media.disown_files(before.image[0])
            tx.jobs.enqueue("remove_files", {"key": before.image[0]}, tx.now)
        tx.cards.put(hash_, after)
        if not same_to_see(before, after):
            _tell(tx, hash_, below=2**63 - 1)

    await ctx.store.write(change)


def _tell(tx: Transaction, hash_: bytes, *, below: int) -> None:
    """Announce that statuses show another card: some now, the others by a job."""
    told = tx.cards.linking(hash_, below=below, limit=TOLD_AT_ONCE)
    for status_id in told:
        status = tx.statuses.get(status_id)
        if status is not None:
            tx.announce(StatusChanged(id=status_id, author=status.author))
    if len(told) == TOLD_AT_ONCE:
        tx.jobs.enqueue("tell_card", {"hash": hash_.hex(), "below": told[-1]}, tx.now)


async def tell(ctx: Context, *, hash: str, below: int) -> None:
    """Announce that more statuses show another card; a job."""
    await ctx.store.write(lambda tx: _tell(tx, bytes.fromhex(hash), below=below))


async def sweep(ctx: Context) -> None:
    """Forget cards that no status shows and that are old, a lot of them."""
    with ctx.store.read() as snap:
        if not snap.cards.unused(snap.now - UNUSED_MS, limit=1):
            return

    def change(tx: Transaction) -> None:
        for hash_, card in tx.cards.unused(tx.now - UNUSED_MS, limit=SWEPT_AT_ONCE):
            tx.cards.delete(hash_)
            if card.image is not None:
                tx.media.disown_files(card.image[0])
                tx.jobs.enqueue("remove_files", {"key": card.image[0]}, tx.now)

    await ctx.store.write(change)
