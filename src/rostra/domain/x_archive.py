"""The archive that a person downloads from X (Twitter): JavaScript files that each hold a list.

Each file assigns a JSON list to a global name (``window.YTD.tweets.part0 = [ … ]``); a long list is
spread over files (``tweets.js``, ``tweets-part1.js``). The fields are those of Twitter's API v1.1
(https://developer.x.com/en/docs/twitter-api/v1/data-dictionary/object-model/tweet).
"""

from __future__ import annotations

import re
from datetime import datetime
from html import unescape
from typing import Final, TypeVar

import msgspec
from msgspec import Struct, field

from rostra.domain.errors import Invalid
from rostra.domain.text import without_controls

T = TypeVar("T")

SOURCE: Final = "x"
HOST: Final = "https://x.com"
_TIME: Final = "%a %b %d %H:%M:%S %z %Y"
_FILE: Final = r"(?:^|/)data/{}(?:-part[0-9]{{1,6}})?\.js$"
_PART: Final = re.compile(r"-part([0-9]{1,6})\.js$")
_NAME: Final = re.compile(r"[A-Za-z0-9_]{1,50}")
MAX_TEXT: Final = 25_000
"""Characters of the longest post that X takes; what is longer in an archive is cut."""
MAX_NAMED: Final = 100
MIN_ADDRESS: Final = 8
MAX_ADDRESS: Final = 2_048
MEDIA_FOLDERS: Final = ("tweets_media", "tweet_media")


class Url(Struct, frozen=True):
    """A link in a tweet: as it stands there, and where it leads."""

    url: str
    expanded_url: str = ""


class Mention(Struct, frozen=True):
    """An account named in a tweet."""

    screen_name: str


class Variant(Struct, frozen=True):
    """One form of a video."""

    url: str
    content_type: str = ""
    bitrate: str = "0"


class VideoInfo(Struct, frozen=True):
    """The forms a video has."""

    variants: list[Variant] = field(default_factory=list)


class Picture(Struct, frozen=True):
    """A picture or video of a tweet; ``url`` is how its text links to it."""

    url: str = ""
    media_url_https: str = ""
    type: str = "photo"
    ext_alt_text: str | None = None
    video_info: VideoInfo | None = None


class Entities(Struct, frozen=True):
    """What stands in the text of a tweet."""

    urls: list[Url] = field(default_factory=list)
    user_mentions: list[Mention] = field(default_factory=list)
    media: list[Picture] = field(default_factory=list)


class Tweet(Struct, frozen=True):
    """A tweet; ``created_at`` as ``Wed Oct 10 20:19:24 +0000 2018``."""

    id_str: str
    created_at: str
    full_text: str = ""
    lang: str | None = None
    possibly_sensitive: bool = False
    in_reply_to_status_id_str: str | None = None
    in_reply_to_screen_name: str | None = None
    entities: Entities = Entities()
    extended_entities: Entities = Entities()

    @property
    def id(self) -> int:
        """Its number."""
        return int(self.id_str)

    @property
    def at(self) -> int:
        """When it was written, in ms since 1970.

        Raises:
            ValueError: that is not a time.
        """
        return int(datetime.strptime(self.created_at, _TIME).timestamp() * 1000)

    @property
    def answers(self) -> int | None:
        """The tweet it answers, None when it answers none that is known."""
        text = self.in_reply_to_status_id_str
        return int(text) if text is not None and is_number(text) else None

    @property
    def is_retweet(self) -> bool:
        """Whether it only repeats another's."""
        return self.full_text.startswith("RT @")

    @property
    def pictures(self) -> list[Picture]:
        """Its pictures and videos, all of them."""
        return self.extended_entities.media or self.entities.media

    def text(self) -> str:
        """Return what it said: links as they lead, none to its own pictures, signs unescaped.

        Names of accounts are written with where they are: whoever has the name here is another.
        """
        text = self.full_text[:MAX_TEXT]
        for picture in self.pictures[:MAX_NAMED]:
            text = _replaced(text, picture.url, "")
        for url in self.entities.urls[:MAX_NAMED]:
            if url.expanded_url:
                text = _replaced(text, url.url, url.expanded_url)
        for name in sorted({each.screen_name for each in self.entities.user_mentions[:MAX_NAMED]}):
            if _NAME.fullmatch(name):
                text = re.sub(rf"(?i)(?<![\w@/])@({name})\b", rf"{HOST}/\1", text)
        return without_controls(unescape(text)).strip()


class TweetRow(Struct, frozen=True):
    """A row of ``tweets.js``."""

    tweet: Tweet


class Like(Struct, frozen=True, rename="camel"):
    """A tweet that was liked."""

    tweet_id: str = "0"


class LikeRow(Struct, frozen=True):
    """A row of ``like.js``."""

    like: Like


class Person(Struct, frozen=True, rename="camel"):
    """An account that is followed or follows."""

    account_id: str = ""


class FollowingRow(Struct, frozen=True):
    """A row of ``following.js``."""

    following: Person


class FollowerRow(Struct, frozen=True):
    """A row of ``follower.js``."""

    follower: Person


class Owner(Struct, frozen=True, rename="camel"):
    """Whose archive it is."""

    account_id: str = ""
    username: str = ""


class OwnerRow(Struct, frozen=True):
    """A row of ``account.js``."""

    account: Owner


def parts(names: list[str], file: str) -> list[str]:
    """Return which files of an archive hold a list, in their order.

    Args:
        names: all names in the archive.
        file: the name of the list, such as ``tweets``.
    """
    pattern = re.compile(_FILE.format(re.escape(file)))
    found = [name for name in names if pattern.search(name)]
    return sorted(found, key=lambda name: int((_PART.findall(name) or ["0"])[0]))


def rows(data: bytes, kind: type[T], name: str) -> list[T]:
    """Return the rows of a file.

    Raises:
        Invalid: it does not hold such a list.
    """
    begin = data.find(b"[")
    if begin < 0:
        raise Invalid(
            "%(words)s in the archive holds no list: download the archive anew", words=name
        )
    try:
        return msgspec.json.decode(data[begin:], type=list[kind], strict=False)  # type: ignore[valid-type]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(
            "%(words)s in the archive cannot be read: %(error)s", words=name, error=error
        ) from None


def media_name(tweet: Tweet, picture: Picture) -> str | None:
    """Return the name of a picture's or video's file in the archive's media folder."""
    address = picture.media_url_https
    if picture.type in ("video", "animated_gif") and picture.video_info is not None:
        videos = [v for v in picture.video_info.variants if v.content_type == "video/mp4"]
        address = max(videos, key=_bitrate).url if videos else ""
    file = address.partition("?")[0].rpartition("/")[2]
    return f"{tweet.id_str}-{file}" if file else None


def _replaced(text: str, address: str, by: str) -> str:
    """Return a text with an address replaced, and never longer for it than a post may be."""
    if len(address) < MIN_ADDRESS or len(by) > MAX_ADDRESS:
        return text
    return text.replace(address, by)[:MAX_TEXT]


def _bitrate(variant: Variant) -> int:
    return int(variant.bitrate) if is_number(variant.bitrate) else 0


def is_number(text: str) -> bool:
    """Return whether a text is the number of a tweet or account."""
    return text.isascii() and text.isdigit() and len(text) <= 18
