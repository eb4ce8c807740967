"""Rendered parts: the bytes of accounts and statuses, kept until an event outdates them.

Each is kept apart from what changes at another pace: a like costs the counts of one status anew, a
follow the bytes of two accounts, a vote those of one poll. Nothing holds a copy of another's bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from pyroaring import BitMap

from rostra.api.filtering import Filtering
from rostra.api.joining import Joining, Quoted
from rostra.api.kept import Kept
from rostra.api.messages import encode
from rostra.api.pieces import (
    NEVER,
    NO_FLAGS,
    PollPart,
    StatusPart,
    choice,
    counts,
    poll_part,
    status_part,
)
from rostra.api.rendering import Renderer
from rostra.domain.account_set import SetKind
from rostra.domain.errors import NotFound
from rostra.domain.events import (
    AccountChanged,
    ActionTaken,
    AnyEvent,
    EmojisChanged,
    EverythingReplaced,
    SetChanged,
    SetReplaced,
    StatusChanged,
    StatusCreated,
    StatusDeleted,
)
from rostra.ports import Snapshot
from rostra.services.publishing import polls, quotes
from rostra.services.reading import hydration
from rostra.services.reading.freshness import Basis
from rostra.services.reading.hydration import StatusView, ViewerFlags

ACCOUNTS_KEPT: Final = 50_000
STATUSES_KEPT: Final = 50_000
VIEWERS_KEPT: Final = 2_000
"""For how many viewers the flags of one status are kept."""

_FOLLOWS: Final = frozenset({SetKind.FOLLOWERS, SetKind.FOLLOWING})
_COUNTED: Final = frozenset({SetKind.LIKES, SetKind.BOOSTS})


class PartCache:
    """The rendered parts of one process.

    Args:
        renderer: makes the entities.
    """

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self._accounts: Kept[int, bytes] = Kept(ACCOUNTS_KEPT)
        self._statuses: Kept[int, StatusPart] = Kept(STATUSES_KEPT)
        self._replies: Kept[int, int] = Kept(STATUSES_KEPT)
        self._counts: Kept[int, bytes] = Kept(STATUSES_KEPT)
        self._polls: Kept[int, PollPart] = Kept(STATUSES_KEPT)
        self._flags: Kept[int, dict[int, ViewerFlags]] = Kept(STATUSES_KEPT)
        self._filtering = Filtering()
        self._threads: dict[int, set[int]] = {}  # root → statuses of it with flags
        self._epoch = -1

    # -- keeping up ------------------------------------------------------------------------------

    def follow(self, snap: Snapshot) -> None:
        """Forget everything when the masks moved: every count and every list may be another."""
        epoch = snap.gate.epoch
        if epoch != self._epoch:
            self._epoch = epoch
            self.clear()

    def clear(self) -> None:
        """Forget everything."""
        for kept in (
            self._accounts,
            self._statuses,
            self._replies,
            self._counts,
            self._polls,
            self._flags,
        ):
            kept.clear()
        self._filtering.clear()
        self._threads.clear()

    def apply(self, event: AnyEvent) -> None:
        """Forget what an event of the change feed outdates."""
        self._filtering.apply(event)
        match event:
            case SetChanged(owner=owner, kind=kind):
                self._set_changed(owner, kind)
            case StatusCreated(author=author, in_reply_to=parent, quote_of=quoted):
                self._accounts.drop(author)
                self._replied(parent)
                self._quoted(quoted)
            case StatusDeleted(id=id_, author=author, in_reply_to=parent, quote_of=quoted):
                self._accounts.drop(author)
                self._statuses.drop(id_)
                self._replied(parent)
                self._quoted(quoted)
            case StatusChanged(id=id_, quote_of=quoted):
                # A boost of it has the same words, and goes with this very part: see _parts.
                self._statuses.drop(id_)
                self._polls.drop(id_)
                self._flags.drop(id_)
                self._quoted(quoted)
            case AccountChanged(ordinal=ordinal):
                self._accounts.drop(ordinal)
            case EmojisChanged() | EverythingReplaced() | SetReplaced() | ActionTaken():
                self.clear()
            case _:
                pass

    def _set_changed(self, owner: int, kind: int) -> None:
        if kind in _FOLLOWS:
            self._accounts.drop(owner)
        elif kind in _COUNTED:
            self._counts.drop(owner)
            self._flags.drop(owner)
        elif kind == SetKind.BOOKMARKS:
            self._flags.drop(owner)
        elif kind == SetKind.THREAD_MUTES:
            self._flags.drop(owner)
            for status_id in self._threads.pop(owner, ()):
                self._flags.drop(status_id)
        elif kind >= SetKind.VOTES:
            self._polls.drop(owner)
            self._flags.drop(owner)

    def _replied(self, parent: int | None) -> None:
        if parent is not None:
            self._replies.drop(parent)
            self._counts.drop(parent)

    def _quoted(self, status_id: int | None) -> None:
        if status_id is not None:
            self._counts.drop(status_id)

    # -- accounts --------------------------------------------------------------------------------

    def account(self, snap: Snapshot, ordinal: int) -> bytes:
        """Return the Account entity of an account that exists."""
        body = self._accounts.get(ordinal)
        return body if body is not None else self._add_accounts(snap, [ordinal])[ordinal]

    def accounts(self, snap: Snapshot, ordinals: Sequence[int]) -> list[bytes]:
        """Return the Account entities of accounts, in order; those that do not exist left out."""
        found = {ordinal: self._accounts.get(ordinal) for ordinal in ordinals}
        missing = [ordinal for ordinal, body in found.items() if body is None]
        if missing:
            found |= self._add_accounts(snap, missing)
        return [body for ordinal in ordinals if (body := found[ordinal]) is not None]

    def _add_accounts(self, snap: Snapshot, ordinals: Sequence[int]) -> dict[int, bytes]:
        made = {}
        for ordinal, view in hydration.account_views(snap, ordinals).items():
            made[ordinal] = encode(self._renderer.account(view, snap))
            self._accounts.keep(ordinal, made[ordinal])
        return made

    # -- statuses --------------------------------------------------------------------------------

    def status(
        self, snap: Snapshot, viewer: int | None, status_id: int
    ) -> tuple[bytes | None, int]:
        """Return the Status entity for a viewer (None: it is gone) and how long it holds (ms)."""
        found, until = self.statuses_by_id(snap, viewer, [status_id])
        return found.get(status_id), until

    def statuses(
        self, snap: Snapshot, viewer: int | None, ids: Sequence[int]
    ) -> tuple[list[bytes], int]:
        """Return the Status entities for a viewer, in their order, and until when (ms) they hold.

        Args:
            snap: the view that chose ``ids``; whoever calls has asked the gate about each of them.
            viewer: an ordinal, or None for anybody.
            ids: ids of statuses; those that are gone are left out.
        """
        found, until = self.statuses_by_id(snap, viewer, ids)
        return [found[status_id] for status_id in ids if status_id in found], until

    def statuses_by_id(
        self, snap: Snapshot, viewer: int | None, ids: Iterable[int]
    ) -> tuple[dict[int, bytes], int]:
        """Return the Status entities for a viewer by id, and until when (ms) they hold."""
        parts = self._parts(snap, ids)
        joining = Joining(self, snap, viewer)
        wanted = []
        quoting = {}
        for id_, part in parts.items():
            shown = part.boosted or part
            wanted.append(part.reblog or id_)
            if shown.quote is not None:
                quoting[part.reblog or id_] = shown
        if quoting:
            joining.quoted = self._quotes_in(joining, quoting)
            wanted += [
                found.standing.status.id
                for found in joining.quoted.values()
                if found.standing.status is not None
            ]
        if viewer is not None:
            joining.flags = self._flags_of(snap, viewer, wanted)
            joining.filter(self._filtering.of(snap, viewer))
        found = {}
        for status_id, part in parts.items():
            out: list[bytes] = []
            joining.add(out, status_id, part)
            found[status_id] = b"".join(out)
        return found, joining.until

    def _quotes_in(self, joining: Joining, quoting: dict[int, StatusPart]) -> dict[int, Quoted]:
        """Return what statuses quote, by their ids."""
        standings = {id_: joining.standing(part) for id_, part in quoting.items()}
        wanted = [found.status.id for found in standings.values() if found.status is not None]
        parts = self._parts(joining.snap, wanted)
        return {
            id_: Quoted(found, None if found.status is None else parts.get(found.status.id))
            for id_, found in standings.items()
        }

    def _parts(self, snap: Snapshot, ids: Iterable[int]) -> dict[int, StatusPart]:
        """Return the parts of statuses, in order; those of what they boost are kept as well.

        A boost is made again with what it boosts, as it has the same words.
        """
        wanted = list(ids)
        parts: dict[int, StatusPart] = {}
        missing = []
        for status_id in wanted:
            part = self._statuses.get(status_id)
            if part is None or (
                part.reblog is not None and self._statuses.get(part.reblog) is not part.boosted
            ):
                missing.append(status_id)
            else:
                parts[status_id] = part
        if not missing:
            return parts
        for status_id, view in hydration.status_views(snap, missing).items():
            parts[status_id] = self._add_status(view)
        return {status_id: parts[status_id] for status_id in wanted if status_id in parts}

    def _add_status(self, view: StatusView) -> StatusPart:
        status_id = view.status.id
        if view.reblog is not None:
            boosted = self._statuses.get(view.reblog.status.id) or self._add_status(view.reblog)
            part = status_part(self._renderer, view, boosted)
            self._statuses.keep(status_id, part)
            return part
        part = status_part(self._renderer, view)
        self._statuses.keep(status_id, part)
        self._replies.keep(status_id, view.replies)
        self._counts.keep(status_id, counts(view.replies, view.boosts, view.likes, view.quotes))
        if view.poll is not None:
            self._polls.keep(status_id, poll_part(self._renderer, view.poll))
        return part

    def filters(self, snap: Snapshot, viewer: int) -> bool:
        """Return whether a viewer filters anything."""
        return self._filtering.of(snap, viewer) is not None

    def basis(
        self,
        viewer: int | None,
        ids: Sequence[int],
        *,
        follows: BitMap | None = None,
        public: bool = False,
    ) -> Basis | None:
        """Return what the Status entities just made for a viewer were made from, if that is known.

        Args:
            viewer: who was shown them.
            ids: ids of statuses.
            follows: whose new statuses belong among them.
            public: whether those of everybody do.
        """
        accounts, shown = set(), set(ids)
        for status_id in ids:
            part = self._statuses.get(status_id)
            if part is not None and part.reblog is not None:
                shown.add(part.reblog)
        for status_id in tuple(shown):
            part = self._statuses.get(status_id)
            if part is not None and part.quote is not None:
                shown.add(part.quote)
        for status_id in shown:
            part = self._statuses.get(status_id)
            if part is None or (part.quote is not None and part.quote not in shown):
                return None
            accounts.add(part.author)
        return Basis(frozenset(accounts), frozenset(shown), viewer, follows, public)

    def counts(self, snap: Snapshot, status_id: int) -> bytes:
        """Return the counts of a status that is no boost."""
        body = self._counts.get(status_id)
        if body is None:
            replies = self._replies.get(status_id)
            if replies is None:
                replies = hydration.reply_count(snap, status_id)
                self._replies.keep(status_id, replies)
            boosts, likes = hydration.boost_and_like_counts(snap, status_id)
            body = counts(replies, boosts, likes, quotes.count(snap, status_id))
            self._counts.keep(status_id, body)
        return body

    # -- polls -----------------------------------------------------------------------------------

    def poll(self, snap: Snapshot, viewer: int | None, poll_id: int) -> tuple[bytes | None, int]:
        """Return the Poll entity for a viewer (None: it is gone) and how long it holds (ms)."""
        part = self._parts(snap, [poll_id]).get(poll_id)
        if part is None or not part.poll:
            return None, NEVER
        poll = self.poll_part(snap, poll_id)
        if viewer is None:
            return poll.body + b"}", poll.until
        flags = self._flags_of(snap, viewer, [poll_id])[poll_id]
        return poll.body + choice(flags.own_votes, own=part.author == viewer), poll.until

    def poll_part(self, snap: Snapshot, poll_id: int) -> PollPart:
        """Return the poll of a status that has one.

        Raises:
            NotFound: it has none.
        """
        poll = self._polls.get(poll_id)
        if poll is None or snap.now >= poll.until:
            status = snap.statuses.get(poll_id)
            view = polls.view(snap, status) if status is not None else None
            if view is None:
                raise NotFound
            poll = poll_part(self._renderer, view)
            self._polls.keep(poll_id, poll)
        return poll

    # -- what is the viewer's --------------------------------------------------------------------

    def _flags_of(self, snap: Snapshot, viewer: int, ids: Iterable[int]) -> dict[int, ViewerFlags]:
        """Return what each status (no boosts) is to the viewer."""
        flags: dict[int, ViewerFlags] = {}
        missing = []
        for status_id in ids:
            by_viewer = self._flags.get(status_id)
            known = by_viewer.get(viewer) if by_viewer is not None else None
            if known is None:
                missing.append(status_id)
            else:
                flags[status_id] = known
        if missing:
            found = hydration.viewer_flags(snap, viewer, missing)
            for status_id in missing:
                flags[status_id] = found.get(status_id, NO_FLAGS)
                self._keep_flags(status_id, viewer, flags[status_id])
        return flags

    def _keep_flags(self, status_id: int, viewer: int, flags: ViewerFlags) -> None:
        by_viewer = self._flags.get(status_id)
        if by_viewer is None or len(by_viewer) >= VIEWERS_KEPT:
            by_viewer = {}
            self._flags.keep(status_id, by_viewer)
            self._note_thread(status_id, flags.root)
        by_viewer[viewer] = flags

    def _note_thread(self, status_id: int, root: int) -> None:
        """Note that the flags of a status go when somebody mutes the thread it is in."""
        if root in (0, status_id):
            return
        if len(self._threads) >= STATUSES_KEPT:
            self._threads.clear()
            self._flags.clear()
        self._threads.setdefault(root, set()).add(status_id)
