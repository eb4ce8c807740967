"""How the pages write numbers and times, draw pictures, and tell their own addresses apart."""

from __future__ import annotations

import io
import re
from xml.etree import ElementTree

import pytest
from markupsafe import Markup
from PIL import Image
from starlette.requests import Request

from rostra.domain.emojis import Emoji
from rostra.language import formats
from rostra.language.templates import text
from rostra.web.avatars import HEADER, avatar_png, avatar_svg, header_png
from rostra.web.render import count, emojify
from rostra.web.visits import came_from, local_path

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
NOON = 1_341_403_200_000  # 4 July 2012, 12:00 UTC


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0"),
        (23_143, "23,143"),
        (999_999, "999,999"),
        (1_000_000, "1M"),
        (1_299_999, "1.2M"),
        (8_040_000, "8M"),
        (87_999_999, "87.9M"),
        (88_000_000, "88M"),
        (440_900_000, "440M"),
        (1_000_000_000, "1B"),
        (1_150_000_000, "1.1B"),
    ],
)
def test_counts_are_cut_and_never_rounded_up(number: int, shown: str) -> None:
    assert formats.short(number) == shown


def test_an_abbreviated_count_tells_the_exact_one() -> None:
    assert count(23_143) == "23,143"
    assert count(88_000_123) == '<abbr title="88,000,123">88M</abbr>'


@pytest.mark.parametrize(
    ("age", "shown"),
    [
        (-5, "now"),
        (0, "now"),
        (MINUTE, "1m"),
        (HOUR - 1, "59m"),
        (DAY - 1, "23h"),
        (6 * DAY, "6d"),
        (7 * DAY, "27 Jun"),
        (366 * DAY, "4 Jul 2011"),
    ],
)
def test_ages_are_brief(age: int, shown: str) -> None:
    assert formats.ago(NOON - age, NOON) == shown


def test_times_are_in_utc_and_read_back() -> None:
    assert formats.full_time(NOON) == "4 Jul 2012, 12:00 UTC"
    assert formats.iso(NOON) == "2012-07-04T12:00:00Z"
    assert formats.parse_utc("2012-07-04T12:00") == NOON
    assert formats.parse_utc("  ") is None
    with pytest.raises(ValueError, match="isoformat"):
        formats.parse_utc("tomorrow")


def test_what_is_left_of_a_poll_is_said_in_words() -> None:
    assert formats.left(NOON + 2 * DAY + 1, NOON) == "2 days left"
    assert formats.left(NOON + HOUR, NOON) == "1 hour left"
    assert formats.left(NOON + 5, NOON) == "1 minute left"


def test_pictures_are_sound_and_belong_to_their_account() -> None:
    pictures = {avatar_svg(account_id) for account_id in range(1, 200)}
    assert len(pictures) > 190
    assert avatar_svg(7) == avatar_svg(7)
    assert len({avatar_png(account_id) for account_id in range(1, 50)}) > 45
    for png, size in ((avatar_png(7), (400, 400)), (header_png(), (1500, 500))):
        assert Image.open(io.BytesIO(png)).size == size
        assert len(png) < 100_000
    for picture in (*pictures, HEADER):
        assert ElementTree.fromstring(picture).tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize(
    "target", ["//evil.test", "/\\evil.test", "https://evil.test", "/a\nb", "/a\\b", "", None]
)
def test_nobody_is_sent_elsewhere(target: str | None) -> None:
    assert local_path(target, "/home") == "/home"


def _sent_from(referer: str) -> Request:
    headers = [(b"host", b"rostra.test"), (b"referer", referer.encode())]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": headers})


def test_a_plain_form_leads_back_to_where_it_was_sent_from() -> None:
    assert came_from(_sent_from("http://rostra.test/@a?max_id=3"), "/") == "/@a?max_id=3"
    assert came_from(_sent_from("http://evil.test/@a"), "/") == "/"
    assert came_from(_sent_from("http://rostra.test//evil.test"), "/") == "/"


def test_no_picture_loads_anything() -> None:
    for picture in (avatar_svg(1), HEADER):
        assert not re.search(rb"href|<script|<style", picture)


def test_values_in_texts_are_escaped_and_texts_are_not() -> None:
    shown = text("%(name)s follows you now.", name="<b>@a</b>")
    assert str(shown) == "&lt;b&gt;@a&lt;/b&gt; follows you now."


def test_custom_emojis_become_pictures_in_words_and_stay_out_of_addresses() -> None:
    emoji = Emoji(shortcode="prow", type="image/png", tag="abc", still_tag="abc")
    assert emojify("<b> :prow: :stern:", [emoji]).startswith("&lt;b&gt; <img")
    assert ":stern:" in emojify("<b> :prow: :stern:", [emoji])
    html = Markup('<a href="/:prow:">:prow:</a>')
    assert emojify(html, [emoji]).startswith('<a href="/:prow:"><img class="emoji"')
    assert emojify("plain :prow:", []) == "plain :prow:"
