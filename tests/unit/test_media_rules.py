"""Types by content, ranges, focus, and what may stand together."""

from __future__ import annotations

from typing import Any

import pytest

from rostra.api.files import span_of
from rostra.domain.errors import Invalid
from rostra.domain.media import Media, MediaKind, MediaState, check_together, parse_focus
from rostra.domain.media_types import type_of
from rostra.services.attachments.page_text import head_of, read


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\x89PNG\n\x1a\n", None),
        (b"GIF89a", "image/gif"),
        (b"GIF88a", None),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        (b"RIFF\0\0\0\0AVI LIST", None),
        (b"\0\0\0\x20ftypavif", "image/avif"),
        (b"\0\0\0\x20ftypmif1\0\0\0\0mif1avifmiaf", "image/avif"),
        (b"\0\0\0\x20ftypheic\0\0\0\0mif1heic", None),
        (b"\0\0\0\x20ftypisom", "video/mp4"),
        (b"\0\0\0\x20ftypqt  ", "video/quicktime"),
        (b"\0\0\0\x20ftypM4A ", "audio/mp4"),
        (b"\x1a\x45\xdf\xa3", "video/webm"),
        (b"OggS", "audio/ogg"),
        (b"fLaC", "audio/flac"),
        (b"ID3\x04", "audio/mpeg"),
        (b"\xff\xfb\x90", "audio/mpeg"),
        (b"\xff\xf1\x50", "audio/aac"),
        (b"\xff\xff", "audio/mpeg"),
        (b"\xff\xe0", None),
        (b"\xff", None),
        (b"", None),
        (b"<svg", None),
        (b"#EXTM3U", None),
        (b"%PDF", None),
    ],
)
def test_a_type_is_told_from_the_first_bytes(head: bytes, expected: str | None) -> None:
    assert type_of(head) == expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (b"bytes=0-0", (0, 0)),
        (b"bytes=5-", (5, 9)),
        (b"bytes=-3", (7, 9)),
        (b"bytes=-30", (0, 9)),
        (b"bytes=3-99", (3, 9)),
        (b"Bytes = 1-2", (1, 2)),
        (b"bytes=0-1,3-4", None),
        (b"bytes=4-2", None),
        (b"bytes=-", None),
        (b"bytes=a-b", None),
        (b"items=0-1", None),
        (b"", None),
    ],
)
def test_ranges(asked: bytes, expected: tuple[int, int] | None) -> None:
    assert span_of(asked, 10) == expected


@pytest.mark.parametrize("asked", [b"bytes=10-", b"bytes=-0", b"bytes=99999999999999999999-"])
def test_a_range_with_nothing_in_it_is_refused(asked: bytes) -> None:
    with pytest.raises(ValueError, match="out of range"):
        span_of(asked, 10)


def one(kind: MediaKind = MediaKind.IMAGE, **fields: Any) -> Media:
    return Media(id=1, owner=1, key="k", created_at=1, since=1, kind=kind, **fields)


def test_what_may_stand_together() -> None:
    check_together([])
    check_together([one()] * 4)
    check_together([one(MediaKind.GIFV), one()])
    check_together([one(MediaKind.VIDEO)])
    for wrong in (
        [one()] * 5,
        [one(), one(MediaKind.VIDEO)],
        [one(MediaKind.AUDIO)] * 2,
        [one(state=MediaState.WAITING)],
        [one(state=MediaState.FAILED, error="why")],
    ):
        with pytest.raises(Invalid):
            check_together(wrong)


def test_a_focus_is_two_numbers() -> None:
    assert parse_focus("0.5,-1") == (0.5, -1.0)
    for wrong in ("", "1", "2,0", "0,0,0", "x,y", "nan,0", "inf,0"):
        with pytest.raises(Invalid):
            parse_focus(wrong)


def test_only_the_head_of_a_page_is_read() -> None:
    page = (
        "<!doctype html><!-- <body> --><html><head><script>if (a<b) '<body>'</script>"
        "<title>T</title><style>p{}</style><meta name=a content=b><noscript><img></noscript>"
        "<link rel=x></head><body><meta name=c content=d>"
    )
    head = head_of(page)
    assert "<title>T</title>" in head
    assert "content=b" in head
    assert "content=d" not in head
    assert len(head_of("<script>" * 200_000)) < 10
    assert len(head_of("<title>x</title>" + "<div>" * 200_000)) < 40


def test_a_page_is_read_whatever_it_says_of_itself() -> None:
    for body in (b"", b"\x00\xff\xfe", b"<meta charset=utf-7><title>+ADw-", b"<title>" * 1000):
        read(body, content_type="text/html; charset=\xff", url="http://a/", address="http://a/")
    long = b"<title>" + b"x" * 5000 + b"</title>"
    card = read(long, content_type="", url="http://a/", address="http://a.example:80/b")
    assert len(card.title) == 200
    assert card.provider_name == "a.example"
