"""What a file is, by its first bytes: neither its name nor what the sender says counts."""

from __future__ import annotations

from typing import Final

PICTURES: Final = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/gif": "GIF",
    "image/webp": "WEBP",
    "image/avif": "AVIF",
}
"""Types of pictures, and what Pillow calls them."""

FILMS: Final = {
    "video/mp4": "mov",
    "video/quicktime": "mov",
    "video/webm": "matroska",
    "audio/mp4": "mov",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
    "audio/flac": "flac",
    "audio/aac": "aac",
}
"""Types of films and sounds, and which of ffmpeg's readers is the only one to be used for them."""

SERVED: Final = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "mp4": "video/mp4",
    "mp3": "audio/mpeg",
}
"""What is handed out, by the end of a stored file's name."""

HEAD_BYTES: Final = 64

_AVIF: Final = (b"avif", b"avis")
_STILL: Final = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def type_of(head: bytes) -> str | None:
    """Return the media type of a file that begins with ``head``, None for one that is not known.

    Sources: the signatures of https://mimesniff.spec.whatwg.org/ and ISO/IEC 14496-12, 4.3.
    """
    if head[:3] == b"\xff\xd8\xff":
        return "image/jpeg"
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return "image/png"
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "image/gif"
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(head[8:12])
    if head[4:8] == b"ftyp":
        return _boxed(head[8:12], head[16:])
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "video/webm"
    if head[:4] == b"OggS":
        return "audio/ogg"
    if head[:4] == b"fLaC":
        return "audio/flac"
    if head[:3] == b"ID3":
        return "audio/mpeg"
    return _framed(head)


def _boxed(brand: bytes, others: bytes) -> str | None:
    if brand in _AVIF:
        return "image/avif"
    if brand in _STILL:
        among = {others[place : place + 4] for place in range(0, len(others), 4)}
        return "image/avif" if among & set(_AVIF) else None
    if brand == b"qt  ":
        return "video/quicktime"
    if brand in (b"M4A ", b"M4B "):
        return "audio/mp4"
    return "video/mp4"


def _framed(head: bytes) -> str | None:
    if len(head) < 2 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    if head[1] & 0xF6 == 0xF0:  # layer 0: ADTS
        return "audio/aac"
    return "audio/mpeg" if head[1] & 0x06 else None
