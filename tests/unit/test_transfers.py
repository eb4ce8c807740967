"""Files of lines and the archive of X: what is read, and what is refused."""

from __future__ import annotations

import pytest

from rostra.domain import x_archive
from rostra.domain.errors import Invalid
from rostra.domain.transfers import MAX_LINES, Line, TransferKind, parse, write
from rostra.domain.x_archive import Entities, Mention, Picture, Tweet, Url, Variant, VideoInfo


def test_follows_are_read_with_their_choices() -> None:
    data = (
        "\ufeffAccount address,Show boosts,Notify on new posts,Languages\r\n"
        'ann@here.example,true,false,\r\nbob@here.example,false,true,"en, la"\r\n'
    ).encode()
    assert parse(TransferKind.FOLLOWING, data) == [
        Line("ann@here.example"),
        Line("bob@here.example", boosts=False, bell=True, languages=("en", "la")),
    ]


def test_a_list_of_addresses_without_a_heading_is_read() -> None:
    assert parse(TransferKind.FOLLOWING, b"@ann\nbob\nann\n") == [Line("ann"), Line("bob")]


@pytest.mark.parametrize(
    ("kind", "data", "subjects"),
    [
        (TransferKind.BLOCKING, b"ann\nbob\n", ["ann", "bob"]),
        (
            TransferKind.DOMAIN_BLOCKING,
            b"#domain,#severity\nspam.example,suspend\n",
            ["spam.example"],
        ),
        (
            TransferKind.BOOKMARKS,
            b"#uri\nhttps://here.example/@ann/1\n",
            ["https://here.example/@ann/1"],
        ),
        (TransferKind.LISTS, b"Friends,ann\nFriends,bob\n", ["ann", "bob"]),
    ],
)
def test_the_other_files(kind: TransferKind, data: bytes, subjects: list[str]) -> None:
    assert [line.subject for line in parse(kind, data)] == subjects


def test_a_mute_says_whether_notifications_are_hidden() -> None:
    data = b"Account address,Hide notifications\nann,false\nbob,true\n"
    assert [line.notifications for line in parse(TransferKind.MUTING, data)] == [False, True]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "names nothing"),
        (b"\n\n", "names nothing"),
        (b"Account address\n", "names nothing"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b'"never closed', "CSV"),
        (b"".join(b"a%d\n" % n for n in range(MAX_LINES + 1)), str(MAX_LINES)),
    ],
)
def test_what_is_no_such_file(data: bytes, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        parse(TransferKind.FOLLOWING, data)


@pytest.mark.parametrize("kind", list(TransferKind)[:6])
def test_what_is_written_is_read_again(kind: TransferKind) -> None:
    lines = {
        TransferKind.FOLLOWING: [Line("a@b.example", boosts=False, languages=("en", "de"))],
        TransferKind.MUTING: [Line("a@b.example", notifications=False)],
        TransferKind.LISTS: [Line("a@b.example", list_name='My "best", friends')],
    }.get(kind, [Line("a.example"), Line("b.example")])
    assert parse(kind, "".join(write(kind, lines)).encode()) == lines


# -- the archive of X ------------------------------------------------------------------------------


def tweet(text: str, **fields: object) -> Tweet:
    made = {"id_str": "20", "created_at": "Tue Mar 21 20:50:14 +0000 2006", **fields}
    return Tweet(full_text=text, **made)  # type: ignore[arg-type]


def test_a_tweet_says_what_it_said() -> None:
    found = tweet(
        "Salve @Ann, look: https://t.co/1 &amp; https://t.co/2",
        entities=Entities(
            urls=[Url("https://t.co/1", "https://rome.example/forum")],
            user_mentions=[Mention("ann")],
            media=[Picture(url="https://t.co/2")],
        ),
    )
    assert found.text() == "Salve https://x.com/Ann, look: https://rome.example/forum &"
    assert found.at == 1_142_974_214_000


def test_a_name_in_an_address_or_another_name_stays() -> None:
    mentions = Entities(user_mentions=[Mention("ann")])
    assert tweet("a@ann.example @anna", entities=mentions).text() == "a@ann.example @anna"


def test_the_best_form_of_a_video_is_chosen() -> None:
    variants = [
        Variant("https://v.example/a/low.mp4?tag=1", "video/mp4", "256000"),
        Variant("https://v.example/a/list.m3u8", "application/x-mpegURL"),
        Variant("https://v.example/a/high.mp4?tag=1", "video/mp4", "2176000"),
    ]
    video = Picture(type="video", video_info=VideoInfo(variants))
    assert x_archive.media_name(tweet("x"), video) == "20-high.mp4"
    photo = Picture(media_url_https="https://p.example/media/Abc.jpg")
    assert x_archive.media_name(tweet("x"), photo) == "20-Abc.jpg"


def test_lists_in_parts_are_found_in_their_order() -> None:
    names = ["data/tweets-part2.js", "data/tweets.js", "data/tweets-part1.js", "data/tweets_x.js"]
    assert x_archive.parts(names, "tweets") == [names[1], names[2], names[0]]


@pytest.mark.parametrize("data", [b"", b"window.YTD.tweets.part0 = {}", b"x = [{]", b"x = [1]"])
def test_what_is_no_list(data: bytes) -> None:
    with pytest.raises(Invalid, match=r"tweets\.js"):
        x_archive.rows(data, x_archive.TweetRow, "tweets.js")
