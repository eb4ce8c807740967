"""Joining the kept parts of statuses into the bytes of one answer, for one viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from rostra.api.filtering import Filtered
from rostra.api.messages import encode
from rostra.api.pieces import ACCOUNT, FLAGS, NEVER, QUOTE, StatusPart, choice
from rostra.ports import Snapshot
from rostra.services.publishing import quotes
from rostra.services.publishing.quotes import WITH_CONTENT, Standing
from rostra.services.reading.hydration import ViewerFlags

if TYPE_CHECKING:
    from rostra.api.parts import PartCache

_NO_STATUS: Final = b'","quoted_status":null}'


class Quoted(Struct, frozen=True):
    """What a status quotes, to one viewer; ``part`` is there when it is shown."""

    standing: Standing
    part: StatusPart | None


class Joining:
    """Joins statuses for one viewer; ``until`` is how long what was joined holds (ms)."""

    __slots__ = ("filtered", "flags", "parts", "pinned", "quoted", "snap", "until", "viewer")

    def __init__(self, parts: PartCache, snap: Snapshot, viewer: int | None) -> None:
        self.parts = parts
        self.snap = snap
        self.viewer = viewer
        self.flags: dict[int, ViewerFlags] = {}
        self.quoted: dict[int, Quoted] = {}
        self.filtered: Filtered | None = None
        self.until = NEVER
        self.pinned = () if viewer is None else snap.statuses.pinned(viewer)

    def filter(self, filtered: Filtered | None) -> None:
        """Tell in each status what filters of the viewer find in it."""
        self.filtered = filtered
        if filtered is not None:
            self.until = min(self.until, filtered.until)

    def standing(self, part: StatusPart) -> Standing:
        """Return what the quote in a status is to the viewer."""
        assert part.quote is not None
        return quotes.standing(
            self.snap,
            self.viewer,
            author=part.author,
            quoted_id=part.quote,
            state=part.quote_state,
        )

    def add(
        self,
        out: list[bytes],
        status_id: int,
        part: StatusPart,
        within: int | None = None,
        *,
        shallow: bool = False,
    ) -> None:
        """Append the bytes of a status.

        Args:
            out: where to.
            status_id: the status.
            part: what is fixed about it.
            within: the boost that shows it.
            shallow: of what it quotes, tell the id alone.
        """
        parts, snap, shown = self.parts, self.snap, part.reblog or status_id
        may = self.viewer is not None and (part.open or self._may_quote(part))
        out += (
            part.head,
            parts.counts(snap, shown),
            ACCOUNT,
            parts.account(snap, part.author),
            part.tails[may],
        )
        if part.boosted is not None:
            self.add(out, shown, part.boosted, status_id, shallow=shallow)
        elif part.poll:
            self._add_poll(out, status_id, part.author)
        if part.quote is not None:
            self._add_quote(out, status_id, part, shallow=shallow)
        if self.viewer is None:
            out.append(b"}")
            return
        flags = self.flags[shown]
        pinned = None
        if part.pinnable and part.author == self.viewer:
            pinned = status_id in self.pinned
        end = FLAGS[flags.favourited, flags.reblogged, flags.muted, flags.bookmarked, pinned]
        if self.filtered is not None:
            end = self.filtered.end(end, self.snap, within or status_id)
        out.append(end)

    def _may_quote(self, part: StatusPart) -> bool:
        return part.policy is not None and quotes.allowed(
            self.snap, self.viewer, part.author, policy=part.policy, visibility=part.visibility
        )

    def _add_poll(self, out: list[bytes], status_id: int, author: int) -> None:
        poll = self.parts.poll_part(self.snap, status_id)
        self.until = min(self.until, poll.until)
        out.append(poll.body)
        if self.viewer is None:
            out.append(b"}")
        else:
            votes = self.flags[status_id].own_votes
            out.append(choice(votes, own=author == self.viewer))

    def _add_quote(
        self, out: list[bytes], status_id: int, part: StatusPart, *, shallow: bool
    ) -> None:
        """Append the Quote entity, or the ShallowQuote of a status that is quoted itself."""
        out.append(QUOTE)
        if shallow:
            standing = self.standing(part)
            shown = standing.state in WITH_CONTENT
            named = str(part.quote) if shown else None
            out.append(encode({"state": standing.state, "quoted_status_id": named}))
            return
        quoted = self.quoted[status_id]
        out += (b'{"state":"', quoted.standing.state.encode())
        if quoted.part is None or part.quote is None:
            out.append(_NO_STATUS)
            return
        out.append(b'","quoted_status":')
        self.add(out, part.quote, quoted.part, shallow=True)
        out.append(b"}")
