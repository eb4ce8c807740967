"""Of whom an account hears: whom it blocks or mutes, and what its policy holds back.

All of it is asked when the list is read. A policy that is changed, a follow or an end of a mute is
at once true of everything that ever happened, nothing is rewritten and nothing is lost: what was
filtered or dropped is there again when the policy lets it through.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import cached_property
from typing import Final

import numpy as np
from pyroaring import BitMap

from rostra.domain.account_set import Entry, SetKey, SetKind
from rostra.domain.ids import snowflake, ticks
from rostra.domain.notifications import (
    FILTERABLE,
    NEW_ACCOUNT_MS,
    NEW_FOLLOWER_MS,
    Notification,
    NotificationType,
    Policy,
    Verdict,
)
from rostra.domain.relationships import MuteOptions
from rostra.domain.statuses import Status, Visibility
from rostra.ports import View
from rostra.services.reading.threads import ancestors
from rostra.services.roles import is_moderator

HOUR_MS: Final = 3_600_000
END: Final = 2**62
"""Above every position and ordinal."""

SPARSE_FROM: Final = 4096
SPARSE: Final = 8
"""A set of more members than that, of which one in so many is heard of, is looked at in blocks."""

NOBODY: Final = BitMap()


class Hearing:
    """What one account hears of, in one view.

    Args:
        view: the view.
        viewer: the account.
        everything: also what the policy filters; what it drops stays away.
    """

    def __init__(self, view: View, viewer: int, *, everything: bool = False) -> None:
        self._view = view
        self.viewer = viewer
        self._everything = everything

    @cached_property
    def policy(self) -> Policy:
        return self._view.notifications.policy(self.viewer)

    def _set(self, kind: SetKind) -> BitMap:
        return self._view.sets.bitmap(SetKey(self.viewer, kind))

    # -- accounts --------------------------------------------------------------------------------

    @cached_property
    def _blocked(self) -> BitMap:
        """Itself, those it blocks or is blocked by, and the account the server probes itself with,
        whose follows nobody is to hear of.
        """
        kinds = (SetKind.BLOCKING, SetKind.BLOCKED_BY)
        found = BitMap([self.viewer]).union(*(self._set(kind) for kind in kinds))
        service = self._view.access.service_account()
        if service is not None:
            found.add(service)
        return found

    @cached_property
    def _muting(self) -> BitMap:
        return self._set(SetKind.MUTING)

    @cached_property
    def _following(self) -> BitMap:
        return self._set(SetKind.FOLLOWING)

    def silenced(self, accounts: BitMap) -> BitMap:
        """Return those of ``accounts`` that the viewer hears nothing of: itself, blocked ones, and
        those muted with their notifications.
        """
        found = accounts & self._blocked
        muted = accounts & self._muting if self._muting else NOBODY
        if muted:
            options = self._view.accounts.mute_options(self.viewer, list(muted))
            for account in muted:
                mute = options.get(account, MuteOptions())
                if mute.notifications and (mute.until is None or self._view.now < mute.until):
                    found.add(account)
        return found

    def unheard(self, accounts: BitMap) -> BitMap:
        """Return those of ``accounts`` whose likes, boosts and follows are not in the list."""
        found = self.silenced(accounts)
        dropped, filtered = self._caught
        for verdict in (dropped,) if self._everything else (dropped, filtered):
            if verdict:
                found |= self._catch(accounts, verdict)
        return found

    @cached_property
    def _caught(self) -> tuple[frozenset[str], frozenset[str]]:
        """The parts of the policy that drop, and those that filter."""
        policy = self.policy
        rules = ("not_following", "not_followers", "new_accounts", "limited_accounts")

        def that(verdict: Verdict) -> frozenset[str]:
            return frozenset(rule for rule in rules if getattr(policy, rule) == verdict)

        return that(Verdict.DROP), that(Verdict.FILTER)

    def _catch(self, accounts: BitMap, rules: frozenset[str]) -> BitMap:
        """Return those of ``accounts`` that rules of the policy are about."""
        found = BitMap()
        if "not_following" in rules:
            found |= accounts - self._following
        if "not_followers" in rules:
            found |= accounts - self._set(SetKind.FOLLOWERS)
            found |= accounts & self._new_followers
        if "new_accounts" in rules and self._first_new is not None:
            rest = BitMap(accounts)
            rest.remove_range(0, self._first_new)
            found |= rest - self._following
        if "limited_accounts" in rules:
            limited = self._view.gate.limited_in(accounts)
            if limited:
                found |= limited - self._following
        return found - self._set(SetKind.HEEDING) if found else found

    @cached_property
    def _first_new(self) -> int | None:
        """The first account of the last thirty days, to the hour; those after it are new too."""
        since = (self._view.now - NEW_ACCOUNT_MS) // HOUR_MS * HOUR_MS
        return self._view.accounts.first_since(snowflake(max(0, since)))

    @cached_property
    def _new_followers(self) -> BitMap:
        """Who follows the viewer for less than three days, to the hour."""
        since = (self._view.now - NEW_FOLLOWER_MS) // HOUR_MS * HOUR_MS
        key = SetKey(self.viewer, SetKind.FOLLOWERS)
        return self._view.sets.between(key, above=ticks(since), below=END)

    # -- notifications ---------------------------------------------------------------------------

    def verdicts(
        self, found: list[Notification], statuses: dict[int, Status]
    ) -> dict[int, Verdict]:
        """Return by id what the policy does with notifications, stored or not.

        Args:
            found: notifications.
            statuses: the statuses they are about, for those that mention.
        """
        sources = BitMap([one.source for one in found if one.type in FILTERABLE])
        dropped, filtered = self._caught
        drop = self._catch(sources, dropped) if dropped else NOBODY
        filter_ = self._catch(sources, filtered) if filtered else NOBODY
        verdicts = {}
        for one in found:
            verdict = Verdict.ACCEPT
            if one.type in FILTERABLE:
                if one.source in drop:
                    verdict = Verdict.DROP
                elif one.source in filter_:
                    verdict = Verdict.FILTER
                status = statuses.get(one.status) if one.status is not None else None
                if one.type == NotificationType.MENTION and status is not None:
                    verdict = self._of_mention(one, status, verdict)
            verdicts[one.id] = verdict
        return verdicts

    def _of_mention(self, one: Notification, status: Status, verdict: Verdict) -> Verdict:
        if verdict != Verdict.DROP and self.policy.private_mentions > verdict:
            private = status.visibility == Visibility.DIRECT and self._is_unasked(status)
            if private and not self._is_known(one.source):
                verdict = self.policy.private_mentions
        if verdict != Verdict.ACCEPT and is_moderator(self._view, one.source):
            return Verdict.ACCEPT  # who moderates can always reach whom it is about
        return verdict

    def _is_known(self, source: int) -> bool:
        sets = self._view.sets
        kinds = (SetKind.FOLLOWING, SetKind.HEEDING)
        return any(sets.contains(SetKey(self.viewer, kind), source) for kind in kinds)

    def _is_unasked(self, status: Status) -> bool:
        """Whether a private mention answers nothing the viewer wrote to its author."""
        if status.in_reply_to is None:
            return True
        return not any(
            above.author == self.viewer and status.author in above.mentions
            for above in ancestors(self._view, status)
        )

    def is_heard(self, verdict: Verdict) -> bool:
        """Return whether what a policy says of a notification leaves it in the list."""
        return verdict == Verdict.ACCEPT or (self._everything and verdict == Verdict.FILTER)


class HeardMembers:
    """The members of one set that an account hears of, and how many: likes, boosts, follows.

    Args:
        hearing: what the account hears of.
        view: the view.
        key: the set.
        above: only members of higher positions: what came before was dismissed.
        below: only members of lower positions.
    """

    def __init__(
        self, hearing: Hearing, view: View, key: SetKey, *, above: int = -1, below: int = END
    ) -> None:
        self._view = view
        self.key = key
        self._above = above
        self._below = below
        self._whole = above < 0 and below == END
        self.hearing = hearing

    @cached_property
    def _all(self) -> BitMap:
        sets = self._view.sets
        if self._whole:
            return sets.bitmap(self.key)
        return sets.between(self.key, above=self._above, below=self._below)

    @cached_property
    def _unheard(self) -> BitMap:
        return self.hearing.unheard(self._all)

    @cached_property
    def count(self) -> int:
        """How many there are, exactly."""
        gate = self._view.gate
        size = gate.size_active(self.key) if self._whole else gate.active_in(self._all)
        return size - gate.active_in(self._unheard) if self._unheard else size

    def page(
        self,
        *,
        limit: int,
        below: int | None = None,
        above: int | None = None,
        rising: bool = False,
    ) -> list[Entry]:
        """Return some of them by position, falling, or the lowest ones rising.

        Args:
            limit: how many at most.
            below: only those of lower positions.
            above: only those of higher positions.
            rising: those nearest to ``above``, lowest first.
        """
        low = max(self._above, -1 if above is None else above)
        high = min(self._below, END if below is None else below)
        if self._is_sparse:
            return self._pick(low, high, limit, rising=rising)
        found = self._view.gate.visible_page(
            self.key,
            limit=limit,
            max_id=high if high != END else None,
            since_id=None if rising else low,
            min_id=low if rising else None,
            besides=self._unheard,
        )
        return found[::-1] if rising else found

    @cached_property
    def _is_sparse(self) -> bool:
        """Whether most members are hidden, so that walking past them would take long."""
        size = self._view.sets.size(self.key)
        return size > SPARSE_FROM and self.count * SPARSE < size and self._whole

    @cached_property
    def _picked(self) -> list[Entry]:
        """All of them, rising, found by looking at the set in blocks."""
        heard = np.array(self._view.gate.present(self._all - self._unheard), dtype=np.uint32)
        found: list[Entry] = []
        for positions, members in self._view.sets.entries(self.key):
            here = np.isin(members, heard)
            found += map(Entry, positions[here].tolist(), members[here].tolist())
        return found

    def _pick(self, low: int, high: int, limit: int, *, rising: bool) -> list[Entry]:
        if not self.count:
            return []
        first = bisect_right(self._picked, low, key=lambda entry: entry.position)
        end = bisect_left(self._picked, high, key=lambda entry: entry.position)
        lot = self._picked[first:end]
        return lot[:limit] if rising else lot[::-1][:limit]
