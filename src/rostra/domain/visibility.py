"""The gate: the one place that answers who may see what, who may act, and how many count.

A gate belongs to one consistent view of the store. Nothing else reads the masks, so what a visitor
is shown, what a count says and what a list holds come from the same predicate::

    effective(a→b) = edge(a,b) ∧ ¬block(a,b) ∧ ¬block(b,a) ∧ active(a) ∧ active(b)

A block removes the edges, so the stored edge already implies the two middle terms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, Unpack

from pyroaring import BitMap

from rostra.domain.account_set import Entry, MemberSets, SetKey, SetKind
from rostra.domain.accounts import Account
from rostra.domain.enforcement import State
from rostra.domain.errors import Forbidden, NotFound, told
from rostra.domain.masks import Masks
from rostra.domain.pages import Page
from rostra.domain.statuses import Status, Visibility

ACCOUNT_KINDS = frozenset(
    {*range(SetKind.LIKES), SetKind.ENDORSING, SetKind.NOT_SUGGESTED, SetKind.HEEDING}
)
"""Kinds of sets owned by an account: they show nothing while their owner is inactive."""

Veiled = Callable[[int, int, int], bool]
"""(follower, author, time in ms) → a followers-only status of then stays hidden."""


def _unveiled(follower: int, author: int, at: int) -> bool:
    return False


class Hidden(NamedTuple):
    """How many accounts are not active: suspended, deleted, or absent in another way."""

    suspended: int
    deleted: int
    absent: int


class Gate:
    """What may be seen and done in one view of the store.

    Args:
        masks: the masks, as of the view.
        sets: the account sets, as of the view.
        veiled: tells which followers-only statuses a returned dormant follower must not see.
    """

    __slots__ = ("_masks", "_sets", "_veiled")

    def __init__(self, masks: Masks, sets: MemberSets, veiled: Veiled = _unveiled) -> None:
        self._masks = masks
        self._sets = sets
        self._veiled = veiled

    # -- accounts ------------------------------------------------------------------------------

    @property
    def epoch(self) -> int:
        """The epoch of the masks: what was computed under another one may be wrong now."""
        return self._masks.epoch

    def state(self, account: int) -> State:
        """Return what is in force for an account."""
        return self._masks.state(account)

    def active(self, account: int) -> bool:
        """Return whether an account exists for others (``State.active``)."""
        return account not in self._masks.inactive

    def require_account(self, account: Account | None) -> Account:
        """Return ``account`` unless it was deleted; one that is away in another way is known.

        Raises:
            NotFound: there is none, or it was deleted.
        """
        if account is None or account.ordinal in self._masks.deleted:
            raise NotFound
        return account

    def require_present(self, account: Account | None) -> Account:
        """Return ``account`` unless it is absent (``State.absent``); a suspended one is known.

        Raises:
            NotFound: there is none for others.
        """
        if account is None or self.state(account.ordinal).absent:
            raise NotFound
        return account

    def not_deleted(self, accounts: Iterable[int]) -> list[int]:
        """Return those of ``accounts`` that were not deleted, in their order."""
        deleted = self._masks.deleted
        return [account for account in accounts if account not in deleted]

    def active_among(self, accounts: Iterable[int]) -> list[int]:
        """Return those of ``accounts`` that are active, in their order."""
        inactive = self._masks.inactive
        return [account for account in accounts if account not in inactive]

    def active_in(self, accounts: BitMap) -> int:
        """Return how many of ``accounts`` are active."""
        return len(accounts) - accounts.intersection_cardinality(self._masks.inactive)

    def present(self, accounts: BitMap) -> BitMap:
        """Return those of ``accounts`` that are active; the size of the masks costs nothing."""
        return accounts - self._masks.inactive

    def limited_in(self, accounts: BitMap) -> BitMap:
        """Return those of ``accounts`` that are limited."""
        return accounts & self._masks.limited

    def hidden_in(self, accounts: BitMap) -> BitMap:
        """Return those of ``accounts`` that are not active."""
        return accounts & self._masks.inactive

    def why_hidden(self, accounts: BitMap) -> Hidden:
        """Return how many of ``accounts`` are not active, by why; each is counted once."""
        masks = self._masks
        deleted = accounts & masks.deleted
        suspended = accounts.intersection_cardinality(masks.suspended)
        suspended -= deleted.intersection_cardinality(masks.suspended)
        hidden = accounts.intersection_cardinality(masks.inactive)
        return Hidden(suspended, len(deleted), hidden - suspended - len(deleted))

    def active_count(self, total: int) -> int:
        """Return how many of the first ``total`` accounts (ordinals from 1 on) are active."""
        return total - self._masks.inactive.range_cardinality(1, total + 1)

    # -- counts and lists ------------------------------------------------------------------------

    def visible_count(self, key: SetKey) -> int:
        """Return the exact number of members anybody may see; 0 when the owner is inactive."""
        if key.kind in ACCOUNT_KINDS and not self.active(key.owner):
            return 0
        return self.size_active(key)

    def size_active(self, key: SetKey) -> int:
        """Return the exact number of active members, whatever the state of the set's owner."""
        size = self._sets.size(key)
        if not size or not self._masks.inactive:
            return size
        masks = self._masks
        return size - self._sets.hidden_count(key, masks.epoch, masks.inactive, masks.changed_since)

    def true_count(self, key: SetKey) -> int:
        """Return the number of members as stored, for moderators."""
        return self._sets.size(key)

    def visible_page(
        self,
        key: SetKey,
        *,
        viewer: int | None = None,
        besides: BitMap | None = None,
        **page: Unpack[Page],
    ) -> list[Entry]:
        """Return a page of the entries that may be seen, newest first.

        Args:
            key: the set.
            viewer: leave out those who block, or are blocked by, this account as well.
            besides: leave out these as well.
            page: how many at most, between which positions.
        """
        if key.kind in ACCOUNT_KINDS and not self.active(key.owner):
            return []
        without = self._masks.inactive
        if besides:
            without = without | besides
        if viewer is not None and (blocked := self.blocked_either_way(viewer)):
            without = without | blocked  # a copy: made for the few who block somebody
        limit, below, above = page["limit"], page.get("max_id"), page.get("min_id")
        if above is not None:
            entries = self._sets.oldest(key, limit=limit, above=above, below=below, without=without)
            return entries[::-1]
        above = page.get("since_id")
        return self._sets.newest(key, limit=limit, below=below, above=above, without=without)

    # -- relationships ---------------------------------------------------------------------------

    def follows(self, actor: int, target: int) -> bool:
        """Return whether the follow of ``target`` by ``actor`` is in effect now."""
        return (
            self.active(actor)
            and self.active(target)
            and self._sets.contains(SetKey(actor, SetKind.FOLLOWING), target)
        )

    def blocks(self, actor: int, target: int) -> bool:
        """Return whether ``actor`` blocks ``target``, whatever the state of either."""
        return self._sets.contains(SetKey(actor, SetKind.BLOCKING), target)

    def blocked_either_way(self, account: int) -> BitMap:
        """Return those who block ``account`` or are blocked by it."""
        return self._sets.bitmap(SetKey(account, SetKind.BLOCKING)) | self._sets.bitmap(
            SetKey(account, SetKind.BLOCKED_BY)
        )

    def unwanted_by(self, viewer: int) -> BitMap:
        """Return those ``viewer`` mutes or blocks."""
        return self._sets.bitmap(SetKey(viewer, SetKind.MUTING)) | self._sets.bitmap(
            SetKey(viewer, SetKind.BLOCKING)
        )

    def wanted(self, viewer: int, accounts: BitMap) -> BitMap:
        """Return ``accounts`` whose statuses may reach ``viewer``'s timelines.

        Those blocked either way, muted or inactive are left out; the size of the masks costs
        nothing.
        """
        wanted = accounts - self._masks.inactive
        for kind in (SetKind.MUTING, SetKind.BLOCKING, SetKind.BLOCKED_BY):
            wanted -= self._sets.bitmap(SetKey(viewer, kind))
        return wanted

    def listed(self, viewer: int | None, accounts: BitMap) -> BitMap:
        """Return ``accounts`` whose statuses may stand in public timelines and searches.

        For a ``viewer`` those it wants; limited accounts are left out, unless it follows them or is
        one. The size of the masks costs nothing.
        """
        limited = accounts & self._masks.limited
        if viewer is None:
            return accounts - self._masks.inactive - limited
        limited -= self._sets.bitmap(SetKey(viewer, SetKind.FOLLOWING))
        limited.discard(viewer)
        return self.wanted(viewer, accounts) - limited

    def findable(self, viewer: int | None, accounts: BitMap) -> BitMap:
        """Return ``accounts`` that a search by ``viewer`` may find.

        Those blocked either way and inactive ones are left out; so are limited ones, unless the
        viewer follows them or is one.
        """
        found = accounts - self._masks.inactive
        limited = found & self._masks.limited
        if viewer is not None:
            limited -= self._sets.bitmap(SetKey(viewer, SetKind.FOLLOWING))
            limited.discard(viewer)
            found -= self.blocked_either_way(viewer)
        return found - limited

    def members(self, key: SetKey, among: BitMap) -> BitMap:
        """Return those of ``among`` that are in a set, reading no more of a large one than that."""
        if self._sets.size(key) <= len(among):
            return among & self._sets.bitmap(key)
        there = self._sets.contains_many(key, list(among))
        return BitMap([account for account, is_in in zip(among, there, strict=True) if is_in])

    def barred(self, among: BitMap) -> BitMap:
        """Return those of ``among`` that may not act now: suspended, deleted or frozen."""
        return (among & self._masks.inactive) | (among & self._masks.frozen)

    # -- statuses --------------------------------------------------------------------------------

    def veiled(self, viewer: int, author: int, at: int) -> bool:
        """Return whether followers-only statuses of ``author`` made at ``at`` (ms) stay hidden from
        a follower that came back from being dormant.
        """
        return self._veiled(viewer, author, at)

    def may_see_status(self, viewer: int | None, status: Status) -> bool:
        """Return whether ``viewer`` (None: anybody) may see a status.

        Of a boost, ask for the original too.
        """
        author = status.author
        if not self.active(author):
            return False
        if viewer is None:
            return status.visibility <= Visibility.UNLISTED
        if viewer == author:
            return True
        if self.blocks(author, viewer):
            return False
        if status.visibility <= Visibility.UNLISTED:
            return True
        if viewer in status.mentions:
            return True
        return (
            status.visibility == Visibility.PRIVATE
            and self.follows(viewer, author)
            and not self._veiled(viewer, author, status.created_at)
        )

    def require_status(self, viewer: int | None, status: Status | None) -> Status:
        """Return ``status`` when ``viewer`` may see it.

        Raises:
            NotFound: there is none, or the viewer may not know of it.
        """
        if status is None or not self.may_see_status(viewer, status):
            raise NotFound
        return status

    # -- acting ----------------------------------------------------------------------------------

    def require_may_act(self, actor: int) -> None:
        """Refuse anything to an account that is not active, or frozen.

        Raises:
            Forbidden: with what the person can do about it.
        """
        masks = self._masks
        if actor in masks.inactive or actor in masks.frozen:
            self.require_not_barred(actor)
            if actor in masks.unconfirmed:
                raise Forbidden("Your login is missing a confirmed e-mail address")
            raise Forbidden("Your login is currently pending approval")

    def require_not_barred(self, actor: int) -> None:
        """Refuse what those may do who wait to be let in to an account that somebody has shut out.

        Raises:
            Forbidden: the account is suspended, deleted, deactivated or frozen.
        """
        masks, reason = self._masks, None
        if actor in masks.suspended or actor in masks.deleted:
            reason = told("suspended")
        elif actor in masks.deactivated:
            reason = told("deactivated")
        elif actor in masks.frozen:
            reason = told("frozen")
        if reason:
            raise Forbidden(
                "Your login is currently disabled: this account is %(reason)s", reason=reason
            )

    def require_may_approach(self, actor: int, target: int) -> None:
        """Refuse a new tie (follow, request) to one who is away, or where a block stands.

        Raises:
            NotFound: the target is not active.
            Forbidden: one of the two blocks the other, or they are the same.
        """
        self.require_may_act(actor)
        if not self.active(target):
            raise NotFound
        if actor == target or self.blocks(target, actor) or self.blocks(actor, target):
            raise Forbidden
