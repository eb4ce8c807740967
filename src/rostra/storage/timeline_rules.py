"""What is for whose home, list or public timeline, of the statuses that may be."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final, NamedTuple

import msgspec
from pyroaring import BitMap

from rostra.domain.account_set import MemberSets, SetKey, SetKind
from rostra.domain.ids import snowflake_ms
from rostra.domain.lists import AccountList, RepliesPolicy
from rostra.domain.relationships import FollowOptions
from rostra.domain.statuses import Visibility
from rostra.domain.visibility import Gate
from rostra.storage.database.sqlite import Database
from rostra.storage.recent import UNKNOWN, Row, Slots
from rostra.storage.rows import chunked

OPEN: Final = int(Visibility.UNLISTED)
"""Up to this visibility a status is for anybody."""

_options = msgspec.json.Decoder(FollowOptions)


class Circle(NamedTuple):
    """Whose statuses a viewer's home or one of its lists shows.

    ``friends`` are those it follows and wants, and itself: answers to them are shown. ``authors``
    are those of them whose own statuses are: all but the members of exclusive lists, or a list's.
    """

    stamp: tuple[int, ...]
    friends: BitMap
    authors: BitMap
    slots: Slots


class TimelineRules:
    """The rules of timelines as one connection sees what they ask.

    Args:
        gate: says whom a viewer wants to hear of.
        sets: the account sets.
        database: for what is not in memory.
        directs: tells who is mentioned in a direct status, None when that is not in memory.
    """

    def __init__(
        self,
        gate: Gate,
        sets: MemberSets,
        database: Database,
        directs: Callable[[int], tuple[int, ...] | None],
    ) -> None:
        self._gate = gate
        self._sets = sets
        self._database = database
        self._directs = directs

    def for_home(
        self, viewer: int, circle: Circle, rows: list[Row], tagged: Collection[int] = ()
    ) -> list[Row]:
        """Return the rows that are for a viewer's home.

        Args:
            viewer: whose home.
            circle: whose statuses it shows.
            rows: what may be in it.
            tagged: the ids of those with a hashtag the viewer follows, whoever wrote them.
        """
        boosts = [row for row in rows if row.boost_of]
        unwelcome = self._unwelcome(viewer, boosts) if boosts else ()
        by_tag: Collection[int] = ()
        if tagged:
            welcome = self.for_public(viewer, [row for row in rows if row.id in tagged])
            by_tag = {row.id for row in welcome}
        return [
            row
            for row in rows
            if row.id not in unwelcome
            and (
                row.author == viewer
                or row.id in by_tag
                or (
                    (not tagged or row.author in circle.authors)
                    and (
                        not (row.reply_to or row.visibility > OPEN)
                        or self._is_for(viewer, circle, row)
                    )
                )
            )
        ]

    def for_list(self, value: AccountList, circle: Circle, rows: list[Row]) -> list[Row]:
        """Return the rows that are for a list: what is for its owner, less answers it leaves out.

        Answers of the members to themselves and to the owner are always there.
        """
        members = SetKey(value.id, SetKind.LIST_MEMBERS)
        return [
            row
            for row in self.for_home(value.account, circle, rows)
            if row.reply_to in (0, row.author, value.account)
            or value.replies == RepliesPolicy.FOLLOWED
            or (
                value.replies == RepliesPolicy.LIST
                and row.reply_to != UNKNOWN
                and self._sets.contains(members, row.reply_to)
            )
        ]

    def _is_for(self, viewer: int, circle: Circle, row: Row) -> bool:
        """Return whether a status of somebody followed is for the viewer's home."""
        if row.reply_to not in (0, row.author) and (
            row.reply_to == UNKNOWN or row.reply_to not in circle.friends
        ):
            return False
        if row.visibility == Visibility.DIRECT:
            return self._mentions(row.id, viewer)
        if row.visibility == Visibility.PRIVATE:
            return not self._gate.veiled(viewer, row.author, snowflake_ms(row.id))
        return True

    def _mentions(self, status_id: int, account: int) -> bool:
        mentions = self._directs(status_id)
        if mentions is not None:
            return account in mentions
        found = self._database.row(
            "SELECT 1 FROM mentions WHERE account = ? AND status = ?", (account, status_id)
        )
        return found is not None

    def _unwelcome(self, viewer: int, boosts: list[Row]) -> list[int]:
        """Return the ids of boosts of authors, or by accounts, the viewer does not want to see."""
        authors = self._boosted(boosts)
        wanted = self._gate.wanted(viewer, BitMap(authors))
        muted = self._boosts_off(viewer)
        return [
            row.id
            for row, author in zip(boosts, authors, strict=True)
            if author not in wanted or row.author in muted
        ]

    def _boosts_off(self, viewer: int) -> frozenset[int]:
        """Return whom the viewer follows without their boosts."""
        rows = self._database.rows(
            "SELECT target, follow FROM relationship_options "
            "WHERE account = ? AND follow IS NOT NULL",
            (viewer,),
        )
        return frozenset(target for target, follow in rows if not _options.decode(follow).reblogs)

    def _boosted(self, boosts: list[Row]) -> list[int]:
        """Return the author of each original; 0, which is nobody, for one that is not there."""
        unknown = {row.boost_of for row in boosts if row.boosted == UNKNOWN}
        if not unknown:
            return [row.boosted for row in boosts]
        authors: dict[int, int] = {}
        for holes, lot in chunked(unknown):
            authors.update(
                self._database.rows(f"SELECT id, author FROM statuses WHERE id IN ({holes})", lot)
            )
        return [
            authors.get(row.boost_of, 0) if row.boosted == UNKNOWN else row.boosted
            for row in boosts
        ]

    def for_public(self, viewer: int | None, rows: list[Row]) -> list[Row]:
        """Return the rows of authors who may stand in public timelines for a viewer."""
        listed = self._gate.listed(viewer, BitMap([row.author for row in rows]))
        return [row for row in rows if row.author in listed]
