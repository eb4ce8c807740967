"""Custom emojis: adding and removing them, and finding those a text uses."""

from __future__ import annotations

import hashlib
import io
import warnings

from PIL import Image, UnidentifiedImageError

from rostra.domain.emojis import (
    MAX_BYTES,
    MAX_PIXELS,
    TYPES,
    Emoji,
    check_shortcode,
    shortcodes,
)
from rostra.domain.errors import Invalid, NotFound
from rostra.ports import Context, Transaction, View


async def add(
    ctx: Context,
    *,
    shortcode: str,
    file: bytes,
    category: str | None = None,
    visible: bool = True,
) -> Emoji:
    """Add a custom emoji, or replace the one of this name.

    Args:
        ctx: the ports.
        shortcode: what is typed between colons.
        file: a PNG, GIF or WebP picture.
        category: under which heading pickers show it.
        visible: whether pickers show it at all.

    Raises:
        Invalid: the name breaks a rule, or the file is too large or of another kind.
    """
    name = check_shortcode(shortcode)
    kind, still = _checked(file)
    tag = _tag(file)
    emoji = Emoji(
        shortcode=name,
        type=kind,
        tag=tag,
        still_tag=tag if still is None else _tag(still),
        category=(category or "").strip() or None,
        visible=visible,
        created_at=ctx.clock.now(),
    )

    def change(tx: Transaction) -> Emoji:
        tx.emojis.put(emoji, file, still)
        return emoji

    return await ctx.store.write(change)


async def remove(ctx: Context, *, shortcode: str) -> None:
    """Remove a custom emoji; texts that use it show its shortcode.

    Raises:
        NotFound: there is none of this name.
    """
    name = shortcode.strip(":")

    def change(tx: Transaction) -> None:
        if name not in tx.emojis.all():
            raise NotFound("There is no emoji called %(name)s", name=name)
        tx.emojis.delete(name)

    await ctx.store.write(change)


def used(view: View, *texts: str) -> tuple[Emoji, ...]:
    """Return the custom emojis whose shortcodes stand in texts."""
    there = view.emojis.all()
    if not there:
        return ()
    return tuple(there[name] for name in shortcodes(texts) if name in there)


def _tag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _checked(file: bytes) -> tuple[str, bytes | None]:
    """Return the type of a picture by its content, and the first frame of one that moves.

    Raises:
        Invalid: it is too large, damaged or of another kind.
    """
    if len(file) > MAX_BYTES:
        raise Invalid("Validation failed: Image must be at most %(num)s KiB", num=MAX_BYTES // 1024)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Image.open(io.BytesIO(file), formats=("PNG", "GIF", "WEBP")) as image:
                kind = Image.MIME.get(image.format or "", "")
                if image.width * image.height > MAX_PIXELS:
                    raise Invalid("Validation failed: Image must be at most 1024 by 1024 pixels")
                moves = getattr(image, "n_frames", 1) > 1
                image.load()
                still = _as_png(image) if moves else None
    except Invalid:
        raise
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, Warning) as error:
        raise Invalid("Validation failed: Image must be a PNG, GIF or WebP picture") from error
    if kind not in TYPES:
        raise Invalid("Validation failed: Image must be a PNG, GIF or WebP picture")
    return kind, still


def _as_png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.convert("RGBA").save(out, "PNG")
    return out.getvalue()
