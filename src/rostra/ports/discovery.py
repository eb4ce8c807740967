"""Finding: hashtags, the index of words, and trends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, Unpack

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from rostra.domain.pages import Page
from rostra.domain.searching import StatusQuery
from rostra.domain.tags import FeaturedTag, TagFollow, TagUse
from rostra.domain.trends import Trend, TrendKind, Use


class Tags(Protocol):
    """Hashtags: their use, and who follows and features which. Names are as ``normal_tag`` says."""

    def number(self, tag: str) -> int | None:
        """Return the number of a hashtag that somebody has followed: the owner of its followers."""

    def follows(self, account: int, tag: str) -> bool:
        """Return whether an account follows a hashtag."""

    def features(self, account: int, tag: str) -> bool:
        """Return whether an account features a hashtag."""

    def followed(self, account: int, **page: Unpack[Page]) -> list[TagFollow]:
        """Return a page of the hashtags an account follows, newest first."""

    def count_followed(self, account: int) -> int:
        """Return how many hashtags an account follows."""

    def featured(self, account: int) -> list[FeaturedTag]:
        """Return the hashtags an account features, oldest first."""

    def use(self, author: int, tag: str) -> TagUse:
        """Return how often an author used a hashtag in statuses for anybody, and where last."""

    def most_used(self, author: int, *, limit: int) -> list[str]:
        """Return the hashtags an author used most in statuses for anybody."""

    def uses(self, tag: str, *, since: int) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        """Return (ids [n], ascending, authors [n]) of the public statuses with a hashtag from an id
        on.
        """


class TagsWriter(Tags, Protocol):
    """Changes to who follows and features hashtags; the account sets are the caller's to keep."""

    def name(self, tag: str, number: int) -> None:
        """Give a hashtag that has none its number."""

    def follow(self, account: int, follow: TagFollow) -> None:
        """Put down that an account follows a hashtag it did not follow."""

    def unfollow(self, account: int, tag: str) -> None:
        """Put down that an account does not follow a hashtag any more."""

    def feature(self, account: int, featured: FeaturedTag) -> None:
        """Put down that an account features a hashtag it did not feature."""

    def unfeature(self, account: int, tag: str) -> None:
        """Put down that an account does not feature a hashtag any more."""


class Search(Protocol):
    """The index of words: what is found may be hidden, which is the gate's to say."""

    def statuses(self, query: StatusQuery, *, limit: int, below: int) -> list[int]:
        """Return the ids of statuses of anybody that match, below an id, newest first."""

    def accounts(self, text: str) -> BitMap:
        """Return the accounts whose names have words that begin like those of a text."""

    def named(self, prefix: str, *, limit: int) -> list[int]:
        """Return the accounts whose handles begin with ``prefix``, shortest first."""

    def hashtags(self, prefix: str, *, limit: int) -> list[str]:
        """Return hashtags in use that begin with ``prefix``, in order of the alphabet."""


class SearchWriter(Search, Protocol):
    """The index of words; each commit brings it up to date by itself."""

    def clear(self) -> None:
        """Forget every word, to index all anew."""

    def put_more_statuses(self, after: int, limit: int) -> int | None:
        """Index statuses with ids above ``after``; return the last one's id, None at the end."""

    def put_more_accounts(self, after: int, limit: int) -> int | None:
        """Index accounts above an ordinal; return the last one's, None at the end."""


class Trends(Protocol):
    """What trends as last counted, and what it is counted from, hidden things included."""

    def kept(self, kind: TrendKind) -> list[Trend]:
        """Return what trended at the last count, most of it first."""

    def reviews(self, kind: TrendKind) -> dict[str, bool]:
        """Return whether moderators let things trend, where they said so."""

    def most_followed(self) -> list[int]:
        """Return the accounts with most followers at the last count, most first."""

    def uses(self, since: int) -> Iterable[Use]:
        """Return the public statuses with hashtags or links from an id on."""

    def touched(self, since: int, limit: int) -> list[int]:
        """Return the statuses from an id on that are liked and boosted most, roughly."""

    def large_owners(self, kind: int, limit: int) -> list[int]:
        """Return the owners of the largest sets of a kind, when they are large at all."""

    def recent_authors(self, *, below: int, limit: int) -> list[tuple[int, int]]:
        """Return (id, author) of the statuses for anybody below an id, newest first."""


class TrendsWriter(Trends, Protocol):
    """Changes to trends."""

    def replace(self, kind: TrendKind, trends: Sequence[Trend]) -> None:
        """Keep a new count of a kind of trends."""

    def review(self, kind: TrendKind, subject: str, *, allowed: bool) -> None:
        """Put down whether a moderator lets something trend."""

    def set_most_followed(self, accounts: Sequence[int]) -> None:
        """Keep who is followed most, in order."""
