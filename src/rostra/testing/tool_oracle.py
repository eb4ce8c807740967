"""What must come of reinstatements, worked out in the plainest way there is.

To what ``oracle.Oracle`` knows it adds when each follow, action and lifting was made, so that it
can say who was away for so long that follows of locked accounts become requests, what a plan must
count, and what a rollback takes again. ``amnesty_oracle`` adds amnesties.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from rostra.domain.enforcement import ActionKind, LiftReason
from rostra.domain.errors import Conflict, Forbidden, Invalid, NotFound
from rostra.testing.oracle import Act, Oracle, Refused, Relation

DAY_MS: Final = 86_400_000
PREPARED_MS: Final = 60_000


class ToolAct(Act, kw_only=True):
    """An action with when (``began``, ms) and as which decision of all (``order``) it was taken.

    ``id`` is the store's; ``lifted_as`` is the order of its lifting, ``lifted_at`` its time.
    """

    account: int
    began: int
    order: int
    ground: str
    id: int = 0
    restores: ToolAct | None = None
    lifted_at: int | None = None
    lifted_as: int = 0
    reason: LiftReason | None = None
    noted: bool = False

    @property
    def end(self) -> float:
        """When it ends or ended."""
        known = [end for end in (self.until, self.lifted_at) if end is not None]
        return min(known, default=float("inf"))

    @property
    def decision(self) -> ToolAct:
        """The action that this one takes again, however often."""
        found = self
        while found.restores is not None:
            found = found.restores
        return found


class Dated(Relation):
    """Pairs of which it is known when (ms) they were made."""

    def __init__(self, oracle: Oracle) -> None:
        super().__init__()
        self._oracle = oracle
        self.made: dict[tuple[int, int], int] = {}

    def add(self, owner: int, member: int) -> bool:
        """Make a pair, and remember when; see ``Relation.add``."""
        if not super().add(owner, member):
            return False
        self.made[owner, member] = self._oracle.now
        return True


class ToolOracle(Oracle):
    """A world in which the tool runs.

    Args:
        dormant_days: for how many days one may be away and keep all follows.
        poll_ms: for how long polls are open.
    """

    def __init__(self, dormant_days: int, poll_ms: int) -> None:
        super().__init__()
        self._dormant_ms = dormant_days * DAY_MS
        self._poll_ms = poll_ms
        self._closes: dict[int, int] = {}
        self._order = 0
        self._timers: list[tuple[int, int, ToolAct | None]] = []
        self.follows = self.followed = Dated(self)
        self.blocks = self.blocked = Dated(self)
        self.labels: dict[int, set[str]] = {}
        self.last: ToolAct

    def stamp(self) -> int:
        """Return a number above all before: the order of decisions, whatever the clock says."""
        self._order += 1
        return self._order

    # -- polls ---------------------------------------------------------------------------------

    def post(self, status: int, author: int, *, options: int = 0) -> None:
        """Add a public status, or a poll that is open for some time."""
        super().post(status, author, options=options)
        self._closes[status] = self.now + self._poll_ms

    def vote(self, actor: int, status: int, option: int) -> Refused | None:
        """Vote for one option of a poll, unless it has ended."""
        if self.now < self._closes[status]:
            return super().vote(actor, status, option)
        if not self._may_act(actor):
            return Forbidden
        return Invalid if self._may_see(actor, status) else NotFound

    # -- actions -------------------------------------------------------------------------------

    def acts_of(self, account: int) -> list[ToolAct]:
        """Return all actions ever taken against an account, oldest first."""
        return [act for act in self._acts.get(account, ()) if isinstance(act, ToolAct)]

    def held(self, account: int) -> list[ToolAct]:
        """Return all its actions in force, oldest first."""
        return [
            act
            for act in self.acts_of(account)
            if not act.lifted and (act.until is None or self.now < act.until)
        ]

    def suspensions(self, account: int) -> list[ToolAct]:
        """Return its suspensions in force, oldest first."""
        return [act for act in self.held(account) if act.kind == ActionKind.SUSPEND]

    def act(
        self, target: int, kind: ActionKind, until: int | None, ground: str = "chance"
    ) -> Refused | None:
        """Take an action; it is ``last`` then."""
        if self.deleted(target):
            return NotFound
        self._take(target, kind, until, ground, None)
        return None

    def _take(
        self,
        target: int,
        kind: ActionKind,
        until: int | None,
        ground: str,
        restores: ToolAct | None,
    ) -> None:
        act = ToolAct(
            kind=kind,
            until=until,
            account=target,
            began=self.now,
            order=self.stamp(),
            ground=ground,
            restores=restores,
        )
        self._acts.setdefault(target, []).append(act)
        self.last = act
        if until is None:
            return
        since = self.away_since(target, self.now) if kind == ActionKind.SUSPEND else None
        self._timers.append((until, self.stamp(), None))
        if since is not None and until - since > self._dormant_ms:
            self._timers.append((until - PREPARED_MS, self.stamp(), act))

    def lift(
        self, target: int, kind: ActionKind, reason: LiftReason = LiftReason.OVERTURNED
    ) -> Refused | None:
        """Lift all actions of a kind in force."""
        if self.deleted(target):
            return NotFound
        found = [act for act in self.held(target) if act.kind == kind]
        if not found:
            return Conflict
        self.lift_these(found, reason)
        return None

    def lift_these(self, acts: list[ToolAct], reason: LiftReason) -> None:
        """Lift actions of one account; if it returns after long, its dormant follows ask again."""
        account = acts[0].account
        since = self.away_since(account, self.now)
        for act in acts:
            act.lifted, act.lifted_at, act.reason = True, self.now, reason
            act.lifted_as = self.stamp()
        if since is not None and not self.suspensions(account):
            self._ask_again(account, since, self.now)

    def restore(self, acts: list[ToolAct]) -> list[ToolAct]:
        """Take lifted actions again whose time is not over; return the new ones."""
        taken = []
        for act in acts:
            if act.until is None or act.until > self.now:
                self._take(act.account, act.kind, act.until, act.ground, act)
                taken.append(self.last)
        return taken

    def label(self, target: int, name: str) -> Refused | None:
        """Give a label."""
        if self.deleted(target):
            return NotFound
        self.labels.setdefault(target, set()).add(name)
        return None

    def unlabel(self, target: int, name: str) -> Refused | None:
        """Take a label."""
        if self.deleted(target):
            return NotFound
        self.labels[target].remove(name)
        return None

    def strikes(self, account: int) -> list[ToolAct]:
        """Return the decisions that count against an account."""
        acts = self.acts_of(account)
        found = []
        for act in acts:
            if act.restores is None and act.kind != ActionKind.DELETE:
                again = [one for one in acts if one.decision is act]
                if again[-1].reason != LiftReason.OVERTURNED:
                    found.append(act)
        return found

    # -- away and back -------------------------------------------------------------------------

    def away_since(self, account: int, at: int) -> int | None:
        """Return since when an account was suspended at a time, without a break; None: it was not.

        One who was suspended again by a rollback was never back.
        """
        spans = [
            (act.began if act.began > at else act.decision.began, act.end)
            for act in self.acts_of(account)
            if act.kind == ActionKind.SUSPEND
        ]
        starts = [start for start, end in spans if start <= at < end]
        if not starts:
            return None
        since = min(starts)
        while earlier := [start for start, end in spans if start < since <= end]:
            since = min(earlier)
        return since

    def dormant(self, account: int) -> set[int]:
        """Return the locked accounts whose follows become requests if it returned now."""
        since = self.away_since(account, self.now)
        if since is None or self.now - since <= self._dormant_ms:
            return set()
        return {one for one in self.follows.owners(account) if one in self.locked}

    def _ask_again(self, account: int, since: int, until: int) -> None:
        if until - since <= self._dormant_ms:
            return
        for author in sorted(self.follows.owners(account)):
            if author in self.locked and self.followed.made[author, account] < until:
                self.follows.remove(author, account)
                self.requests.add(author, account)

    def jobs_done(self) -> None:
        """Do what was put off, in the order it was put off to."""
        super().jobs_done()
        due = sorted((one for one in self._timers if one[0] <= self.now), key=lambda one: one[:2])
        self._timers = [one for one in self._timers if one[0] > self.now]
        noted = False
        for _, _, act in due:
            if act is None:
                noted = noted or self._note_ends()
            elif act in self.held(act.account) and act.until is not None:
                since = self.away_since(act.account, self.now)
                if since is not None:
                    self._ask_again(act.account, since, act.until)

    def _note_ends(self) -> bool:
        over = [
            (act.order, act, act.until)
            for account in self._acts
            for act in self.acts_of(account)
            if act.until is not None and act.until <= self.now and not act.lifted and not act.noted
        ]
        for _, act, until in sorted(over, key=lambda one: one[0]):
            act.noted = True
            if act.kind == ActionKind.SUSPEND:
                since = self.away_since(act.account, until - 1)
                if since is not None and self.away_since(act.account, until) is None:
                    self._ask_again(act.account, since, until)
        return True

    # -- what a plan must say ------------------------------------------------------------------

    def figures(self, account: int, stays: Collection[ToolAct]) -> dict[str, Any]:
        """Return the figures of a plan for an account some of whose suspensions stay."""
        followers, following = self.follows.members(account), self.follows.owners(account)
        deleted = [one for one in followers if self.deleted(one)]
        away = [one for one in followers if not self.active(one) and not self.deleted(one)]
        dormant = set() if stays else self.dormant(account)
        kept = [one for one in following if one not in dormant]
        since = self.away_since(account, self.now)
        made = self.blocked.made
        pairs = [(account, one) for one in self.blocks.members(account)]
        pairs += [(one, account) for one in self.blocks.owners(account)]
        asked = self.shown(self.requests.owners(account))
        return {
            "followers": len(self.shown(followers)),
            "followers_stored": len(followers),
            "followers_suspended": len(away),
            "followers_deleted": len(deleted),
            "followers_absent": 0,
            "following": len(self.shown(kept)),
            "following_stored": len(following),
            "following_hidden": len(kept) - len(self.shown(kept)),
            "dormant": len(dormant),
            "blocks_since": sum(made[pair] >= (since or 0) for pair in pairs),
            "requests_in": len(self.shown(self.requests.members(account))),
            "requests_out": len(asked) + len(self.shown(dormant)),
            "statuses": list(self.authors.values()).count(account)
            + len(self.boosts.owners(account)),
            "media": 0,
            "drafts": 0,
            "scheduled": 0,
            "mailbox_freed": False,
            "appeals": 0,
            "labels": tuple(sorted(self.labels.get(account, ()))),
        }
