"""Files to upload: good ones, and those that must be refused."""

from __future__ import annotations

import io
import struct
import subprocess
import zlib
from pathlib import Path
from typing import Any, Final

from PIL import Image

GPS: Final = b"52.5200-here"
"""Stands in the metadata of ``picture``, and must not stand in what is served."""


def picture(kind: str = "JPEG", size: tuple[int, int] = (120, 80), **options: Any) -> bytes:
    """Return a picture with a different colour in each corner and where it was taken in it."""
    image = Image.new("RGB", size, (200, 30, 30))
    width, height = size
    for place, colour in (((0, 0), (10, 200, 10)), ((width // 2, height // 2), (10, 10, 220))):
        image.paste(colour, (*place, place[0] + width // 2, place[1] + height // 2))
    exif = Image.Exif()
    exif[0x0112] = options.pop("orientation", 1)
    exif[0x010E] = GPS.decode()
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    out = io.BytesIO()
    extra = {} if kind == "GIF" else {"exif": exif}
    image.save(out, kind, **extra, **options)
    return out.getvalue()


def moving(frames: int = 5, size: tuple[int, int] = (40, 30)) -> bytes:
    """Return a GIF that moves."""
    images = [Image.new("P", size, number % 256) for number in range(frames)]
    for number, image in enumerate(images):
        image.putpalette([number % 256, 90, 200 - number % 200] * 256)
        image.putpixel((number % size[0], 0), (number + 1) % 256)
    out = io.BytesIO()
    images[0].save(out, "GIF", save_all=True, append_images=images[1:], duration=50)
    return out.getvalue()


def film(folder: Path, *arguments: str, name: str = "film.mp4") -> bytes:
    """Return what ffmpeg makes: a second of a test picture with a tone, unless said otherwise."""
    path = folder / name
    given = arguments or (
        "-f", "lavfi", "-i", "testsrc=d=1:s=160x90:r=10", "-f", "lavfi", "-i", "sine=d=1",
        "-metadata", f"title={GPS.decode()}", "-shortest",
    )  # fmt: skip
    command = ["ffmpeg", "-nostdin", "-loglevel", "error", "-y", *given, str(path)]
    subprocess.run(command, check=True)
    return path.read_bytes()


def bomb(width: int = 50_000, height: int = 50_000) -> bytes:
    """Return a PNG of few bytes and very many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    squeeze = zlib.compressobj(9)
    data = b"".join(squeeze.compress(bytes(1 << 20)) for _ in range(16)) + squeeze.flush()
    body = chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


SVG: Final = (
    b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="10" height="10">'
    b"<script>alert(1)</script></svg>"
)
SCRIPT: Final = b"<script>alert(document.domain)</script>"
PLAYLIST: Final = (
    b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10.0,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
)
CONCAT: Final = b"ffconcat version 1.0\nfile /etc/passwd\n"


def hostile() -> dict[str, bytes]:
    """Return files that must be refused, by what is wrong with them."""
    jpeg, png, gif, webp = (picture(kind) for kind in ("JPEG", "PNG", "GIF", "WEBP"))
    large = picture("JPEG", (600, 400), quality=95)
    return {
        "empty": b"",
        "one byte": b"\xff",
        "text": b"hail " * 100,
        "svg with a script": SVG,
        "svg with a comment before it": b"<!-- GIF89a -->" + SVG,
        "html": b"<!doctype html>" + SCRIPT,
        "program": b"\x7fELF" + bytes(200),
        "archive": b"PK\x03\x04" + bytes(200),
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        "tiff": b"II*\x00" + bytes(200),
        "bmp": b"BM" + bytes(200),
        "truncated jpeg": large[: len(large) // 2],
        "truncated png": png[: len(png) // 2],
        "truncated webp": webp[: len(webp) // 2],
        "truncated gif": gif[: len(gif) // 2],
        "a head alone": jpeg[:20],
        "png that is text": b"\x89PNG\r\n\x1a\n" + b"hail" * 100,
        "jpeg that is html": b"\xff\xd8\xff\xe0" + SCRIPT * 50,
        "bomb": bomb(),
        "a line of pixels too long": bomb(2_000_000_000, 1),
        "gif with thousands of frames": moving(3_000, (8, 8)),
        "gif that says it is huge": gif[:6] + b"\xff\xff\xff\xff" + gif[10:],
        "playlist": PLAYLIST,
        "list of parts": CONCAT,
    }


def hostile_films() -> dict[str, bytes]:
    """Return what begins as a film or sound and is none."""
    ebml = b"\x1a\x45\xdf\xa3"
    return {
        "playlist as mp4": b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp41" + PLAYLIST,
        "playlist as webm": ebml + b"\x80" + PLAYLIST,
        "playlist as mp3": b"ID3\x03\x00\x00\x00\x00\x00\x00" + PLAYLIST,
        "list of parts as ogg": b"OggS" + CONCAT * 5,
        "wav of nothing": b"RIFF\x24\x00\x00\x00WAVE" + bytes(40),
        "flac of nothing": b"fLaC" + bytes(100),
        "aac of nothing": b"\xff\xf1" + bytes(100),
    }
