"""Rendered parts: the bytes of accounts and statuses, kept until an event outdates them.

A status is kept as bytes before and after its account, so that a new follower of the author costs
the author's own bytes anew and nothing else. What depends on the viewer is appended when parts are
joined.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Generic, TypeVar

from msgspec import Struct

from rostra.api.messages import encode
from rostra.api.rendering import Renderer
from rostra.domain.account_set import SetKind
from rostra.domain.events import (
    AccountChanged,
    ActionTaken,
    AnyEvent,
    EverythingReplaced,
    SetChanged,
    SetReplaced,
    StatusChanged,
    StatusCreated,
    StatusDeleted,
)
from rostra.ports import Snapshot
from rostra.services import hydration
from rostra.services.hydration import StatusView, ViewerFlags

K = TypeVar("K")
V = TypeVar("V")

ACCOUNTS_KEPT: Final = 50_000
STATUSES_KEPT: Final = 50_000
NEVER: Final = 2**63
_POLL: Final = b',"reblog":null,"poll":'
VIEWERS_KEPT: Final = 2_000
"""For how many viewers the flags of one status are kept."""

NO_FLAGS: Final = ViewerFlags(
    favourited=False, reblogged=False, bookmarked=False, muted=False, own_votes=None
)
_COUNTED: Final = frozenset({SetKind.FOLLOWERS, SetKind.FOLLOWING})
_ABOUT_STATUS: Final = frozenset({SetKind.LIKES, SetKind.BOOSTS})


class Kept(Generic[K, V]):
    """A dict in two generations: what nobody asked for while ``limit`` others came is forgotten."""

    __slots__ = ("_limit", "_old", "_young")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """Return what is kept under ``key``."""
        value = self._young.get(key)
        if value is None and self._old:
            value = self._old.pop(key, None)
            if value is not None:
                self.keep(key, value)
        return value

    def keep(self, key: K, value: V) -> None:
        """Keep ``value`` under ``key``."""
        if len(self._young) >= self._limit:
            self._old, self._young = self._young, {}
        self._young[key] = value

    def drop(self, key: K) -> None:
        """Forget what is kept under ``key``."""
        self._young.pop(key, None)
        self._old.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self._young, self._old = {}, {}


class StatusPart(Struct, frozen=True):
    """The bytes of a status, in the order they are joined in.

    ``head``, the author's bytes, ``tail``, then for a boost the boosted status, then for a poll
    what the viewer chose and ``}``, then what the viewer did and ``}``; good until ``until`` (ms).
    """

    head: bytes
    author: int
    tail: bytes
    reblog: int | None
    poll: bool
    pinnable: bool
    until: int


class Joined:
    """Joins the parts of statuses for one viewer; ``until`` is how long they hold (ms)."""

    __slots__ = ("flags", "parts", "snap", "until", "viewer")

    def __init__(
        self, parts: PartCache, snap: Snapshot, viewer: int | None, flags: dict[int, ViewerFlags]
    ) -> None:
        self.parts = parts
        self.snap = snap
        self.viewer = viewer
        self.flags = flags
        self.until = NEVER

    def add(self, out: list[bytes], part: StatusPart, status_id: int) -> bool:
        """Append the bytes of a status to ``out``; False when what it boosts is gone."""
        out += (part.head, self.parts.account(self.snap, part.author), part.tail)
        self.until = min(self.until, part.until)
        if part.reblog is not None:
            boosted = self.parts.part(part.reblog)
            if boosted is None or not self.add(out, boosted, part.reblog):
                return False
        if self.viewer is None:
            out.append(b"}}" if part.poll else b"}")
            return True
        flags = self.flags.get(
            part.reblog or status_id, NO_FLAGS
        )  # a boost has those of its original
        if part.poll:
            out.append(_choice(flags.own_votes, own=part.author == self.viewer))
        own = part.pinnable and part.author == self.viewer
        out.append(_FLAGS[flags.favourited, flags.reblogged, flags.muted, flags.bookmarked, own])
        return True


def _flag_bytes() -> dict[tuple[bool, bool, bool, bool, bool], bytes]:
    both = (False, True)
    return {
        (favourited, reblogged, muted, bookmarked, own): b","
        + encode(
            {
                "favourited": favourited,
                "reblogged": reblogged,
                "muted": muted,
                "bookmarked": bookmarked,
                **({"pinned": False} if own else {}),
                "filtered": [],
            }
        )[1:]
        for favourited in both
        for reblogged in both
        for muted in both
        for bookmarked in both
        for own in both
    }


_FLAGS: Final = _flag_bytes()


def _choice(votes: tuple[int, ...] | None, *, own: bool) -> bytes:
    """Return what a viewer voted, as the end of a Poll entity; the author counts as one who has."""
    return b"," + encode({"voted": own or bool(votes), "own_votes": list(votes or ())})[1:]


class PartCache:
    """The rendered parts of one process.

    Args:
        renderer: makes the entities.
    """

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self._accounts: Kept[int, bytes] = Kept(ACCOUNTS_KEPT)
        self._statuses: Kept[int, StatusPart] = Kept(STATUSES_KEPT)
        self._flags: Kept[int, dict[int, ViewerFlags]] = Kept(STATUSES_KEPT)
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
        self._accounts.clear()
        self._statuses.clear()
        self._flags.clear()

    def apply(self, event: AnyEvent) -> None:
        """Forget what an event of the change feed outdates."""
        match event:
            case SetChanged(owner=owner, kind=kind):
                if kind in _COUNTED:
                    self._accounts.drop(owner)
                elif kind in _ABOUT_STATUS or kind >= SetKind.VOTES:
                    self._statuses.drop(owner)
                    self._flags.drop(owner)
                elif kind == SetKind.BOOKMARKS:
                    self._flags.drop(owner)
            case StatusCreated(author=author, in_reply_to=parent, reblog_of=boosted):
                self._status_moved(author, parent, boosted)
            case StatusDeleted(id=id_, author=author, in_reply_to=parent, reblog_of=boosted):
                self._statuses.drop(id_)
                self._status_moved(author, parent, boosted)
            case StatusChanged(id=id_):
                self._statuses.drop(id_)
            case AccountChanged(ordinal=ordinal):
                self._accounts.drop(ordinal)
            case EverythingReplaced() | SetReplaced() | ActionTaken():
                self.clear()
            case _:
                pass

    def _status_moved(self, author: int, parent: int | None, boosted: int | None) -> None:
        self._accounts.drop(author)
        for id_ in (parent, boosted):
            if id_ is not None:
                self._statuses.drop(id_)

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

    def part(self, status_id: int) -> StatusPart | None:
        """Return the part of a status when it is kept."""
        return self._statuses.get(status_id)

    def status(
        self, snap: Snapshot, viewer: int | None, status_id: int
    ) -> tuple[bytes | None, int]:
        """Return the Status entity for a viewer (None: it is gone) and how long it holds (ms)."""
        bodies, until = self.statuses(snap, viewer, [status_id])
        return (bodies[0] if bodies else None), until

    def statuses(
        self, snap: Snapshot, viewer: int | None, ids: Sequence[int]
    ) -> tuple[list[bytes], int]:
        """Return the Status entities for a viewer, in their order, and until when (ms) they hold.

        Args:
            snap: the view that chose ``ids``; whoever calls has asked the gate about each of them.
            viewer: an ordinal, or None for anybody.
            ids: ids of statuses; those that are gone are left out.
        """
        found, until = self._joined(snap, viewer, ids)
        return [found[status_id] for status_id in ids if status_id in found], until

    def statuses_by_id(
        self, snap: Snapshot, viewer: int | None, ids: Sequence[int]
    ) -> dict[int, bytes]:
        """Return the Status entities for a viewer by id; those that are gone are left out."""
        return self._joined(snap, viewer, ids)[0]

    def poll(self, snap: Snapshot, viewer: int | None, poll_id: int) -> tuple[bytes | None, int]:
        """Return the Poll entity for a viewer (None: it is gone) and how long it holds (ms)."""
        part = self._parts(snap, [poll_id]).get(poll_id)
        if part is None or not part.poll:
            return None, NEVER
        body = part.tail[len(_POLL) :]
        if viewer is None:
            return body + b"}", part.until
        flags = self._flags_of(snap, viewer, [poll_id])[poll_id]
        return body + _choice(flags.own_votes, own=part.author == viewer), part.until

    def _joined(
        self, snap: Snapshot, viewer: int | None, ids: Sequence[int]
    ) -> tuple[dict[int, bytes], int]:
        parts = self._parts(snap, ids)
        flags: dict[int, ViewerFlags] = {}
        if viewer is not None:
            shown = [part.reblog or id_ for id_, part in parts.items()]
            flags = self._flags_of(snap, viewer, shown)
        joined = Joined(self, snap, viewer, flags)
        found = {}
        for status_id, part in parts.items():
            out: list[bytes] = []
            if joined.add(out, part, status_id):
                found[status_id] = b"".join(out)
        return found, joined.until

    def _flags_of(
        self, snap: Snapshot, viewer: int, ids: Sequence[int]
    ) -> dict[int, ViewerFlags]:
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
        by_viewer[viewer] = flags

    def _parts(self, snap: Snapshot, ids: Iterable[int]) -> dict[int, StatusPart]:
        """Return the parts of statuses; those of what they boost are kept as well."""
        now = snap.now
        parts: dict[int, StatusPart] = {}
        missing = []
        for status_id in ids:
            part = self._fresh(status_id, now)
            if part is None or (part.reblog is not None and not self._fresh(part.reblog, now)):
                missing.append(status_id)
            else:
                parts[status_id] = part
        if missing:
            for view in hydration.status_views(snap, missing).values():
                parts[view.status.id] = self._add_status(view)
        return parts

    def _fresh(self, status_id: int, now: int) -> StatusPart | None:
        part = self._statuses.get(status_id)
        return part if part is not None and now < part.until else None

    def _add_status(self, view: StatusView) -> StatusPart:
        boosted = self._add_status(view.reblog) if view.reblog is not None else None
        part = self._made(view, boosted)
        self._statuses.keep(view.status.id, part)
        return part

    def _made(self, view: StatusView, boosted: StatusPart | None) -> StatusPart:
        poll = view.poll if boosted is None else None
        until = NEVER
        if poll is not None and not poll.expired and poll.poll.expires_at is not None:
            until = poll.poll.expires_at
        if boosted is not None:
            tail = b',"poll":null,"reblog":'
        elif poll is not None:
            tail = _POLL + encode(self._renderer.poll(poll))[:-1]
        else:
            tail = b',"reblog":null,"poll":null'
        return StatusPart(
            head=encode(self._renderer.status_head(view))[:-1] + b',"account":',
            author=view.status.author,
            tail=tail,
            reblog=view.status.reblog_of if boosted is not None else None,
            poll=poll is not None,
            pinnable=boosted is None and view.status.visibility.label != "direct",
            until=until,
        )
