"""What must be true after any sequence of acts, worked out in the plainest way there is.

Follows, requests, blocks and mutes are dictionaries of dictionaries; likes, boosts and votes are
dictionaries; what is in force is looked up action by action. Every count is the length of a list
made on the spot. There is no cache, no index and no clever step to be wrong in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from msgspec import Struct

from rostra.domain.account_set import SetKind
from rostra.domain.enforcement import ActionKind
from rostra.domain.errors import Conflict, Forbidden, Invalid, NotFound, RostraError

Refused = type[RostraError]
MOST_PINS: Final = 5


class Relation:
    """Pairs (owner, member), listed from either side in the order they were made."""

    def __init__(self) -> None:
        self._members: dict[int, dict[int, None]] = {}
        self._owners: dict[int, dict[int, None]] = {}

    def has(self, owner: int, member: int) -> bool:
        """Return whether the pair is there."""
        return member in self._members.get(owner, ())

    def add(self, owner: int, member: int) -> bool:
        """Make the pair the newest on both sides, unless it is there; return whether it was not."""
        if self.has(owner, member):
            return False
        self._members.setdefault(owner, {})[member] = None
        self._owners.setdefault(member, {})[owner] = None
        return True

    def remove(self, owner: int, member: int) -> bool:
        """Remove the pair; return whether it was there."""
        if not self.has(owner, member):
            return False
        del self._members[owner][member]
        del self._owners[member][owner]
        return True

    def members(self, owner: int) -> list[int]:
        """Return the members of an owner, newest first."""
        return list(self._members.get(owner, ()))[::-1]

    def owners(self, member: int) -> list[int]:
        """Return the owners a member is with, newest first."""
        return list(self._owners.get(member, ()))[::-1]

    def forget(self, account: int) -> None:
        """Remove all pairs an account is in, on either side."""
        for member in self.members(account):
            self.remove(account, member)
        for owner in self.owners(account):
            self.remove(owner, account)


class Act(Struct):
    """An enforcement action; ``until`` in ms since 1970, None until lifted."""

    kind: ActionKind
    until: int | None
    lifted: bool = False


class Tie(Struct, frozen=True):
    """What an account is told about another."""

    following: bool
    followed_by: bool
    requested: bool
    requested_by: bool
    blocking: bool
    blocked_by: bool
    muting: bool


class Oracle:
    """A world of accounts and statuses. Acts return why they were refused, or None.

    Suspensions here are shorter than the setting ``dormant_days``, so that follows come back as
    they were.
    """

    def __init__(self) -> None:
        self.now = 0
        self.accounts: list[int] = []
        self.locked: set[int] = set()
        self.authors: dict[int, int] = {}  # status → author
        self.options: dict[int, int] = {}  # status → number of options of its poll
        self.follows = Relation()  # (followed, follower)
        self.requests = Relation()  # (asked, asking)
        self.blocks = Relation()  # (blocking, blocked)
        self.mutes = Relation()  # (muting, muted)
        self.likes = Relation()  # (status, account)
        self.boosts = Relation()
        self.bookmarks = Relation()
        self.pins: dict[int, set[int]] = {}  # author → statuses
        self.words: dict[int, str] = {}  # status → text
        self.votes: dict[int, Relation] = {}  # option → (status, account)
        self._acts: dict[int, list[Act]] = {}
        self._gone: list[int] = []

    # -- what is in force ----------------------------------------------------------------------

    def in_force(self, account: int, kind: ActionKind) -> list[Act]:
        """Return the actions of a kind that hold now."""
        return [
            act
            for act in self._acts.get(account, ())
            if act.kind == kind and not act.lifted and (act.until is None or self.now < act.until)
        ]

    def is_under(self, account: int, kind: ActionKind) -> bool:
        """Return whether an action of a kind holds now."""
        return bool(self.in_force(account, kind))

    def deleted(self, account: int) -> bool:
        """Return whether an account is deleted."""
        return self.is_under(account, ActionKind.DELETE)

    def active(self, account: int) -> bool:
        """Return whether an account exists for others."""
        if account not in self._acts:
            return True
        return not self.is_under(account, ActionKind.SUSPEND) and not self.deleted(account)

    # -- accounts and statuses -----------------------------------------------------------------

    def arrive(self, account: int, *, locked: bool) -> None:
        """Add an account."""
        self.accounts.append(account)
        if locked:
            self.locked.add(account)

    def post(self, status: int, author: int, *, options: int = 0) -> None:
        """Add a public status."""
        self.authors[status] = author
        if options:
            self.options[status] = options

    def _may_act(self, actor: int) -> bool:
        return self.active(actor) and not self.is_under(actor, ActionKind.FREEZE)

    def _may_see(self, viewer: int, status: int) -> bool:
        author = self.authors[status]
        return self.active(author) and not self.blocks.has(author, viewer)

    # -- acts between two accounts -------------------------------------------------------------

    def follow(self, actor: int, target: int) -> Refused | None:
        """Follow, or ask to."""
        if self.deleted(target):
            return NotFound
        if not self._may_act(actor):
            return Forbidden
        if not self.active(target):
            return NotFound
        if actor == target or self.blocks.has(actor, target) or self.blocks.has(target, actor):
            return Forbidden
        if self.follows.has(target, actor) or self.requests.has(target, actor):
            return None
        asks = target in self.locked or self.is_under(actor, ActionKind.LIMIT)
        (self.requests if asks else self.follows).add(target, actor)
        return None

    def _between(self, actor: int, target: int, act: Callable[[], object]) -> Refused | None:
        if not self._may_act(actor):
            return Forbidden
        if self.deleted(target):
            return NotFound
        if actor == target:
            return Forbidden
        act()
        return None

    def _untie(self, follower: int, followed: int) -> None:
        self.follows.remove(followed, follower)
        self.requests.remove(followed, follower)

    def unfollow(self, actor: int, target: int) -> Refused | None:
        """Follow no longer, and ask no longer."""
        return self._between(actor, target, lambda: self._untie(actor, target))

    def remove_follower(self, actor: int, target: int) -> Refused | None:
        """Be followed no longer."""
        return self._between(actor, target, lambda: self.follows.remove(actor, target))

    def block(self, actor: int, target: int) -> Refused | None:
        """Block; follows and requests end both ways."""

        def act() -> None:
            self._untie(actor, target)
            self._untie(target, actor)
            self.blocks.add(actor, target)

        return self._between(actor, target, act)

    def unblock(self, actor: int, target: int) -> Refused | None:
        """Block no longer."""
        return self._between(actor, target, lambda: self.blocks.remove(actor, target))

    def mute(self, actor: int, target: int) -> Refused | None:
        """Mute."""
        return self._between(actor, target, lambda: self.mutes.add(actor, target))

    def unmute(self, actor: int, target: int) -> Refused | None:
        """Mute no longer."""
        return self._between(actor, target, lambda: self.mutes.remove(actor, target))

    def _answer(self, actor: int, follower: int, accept: bool) -> Refused | None:
        refused = self._between(actor, follower, lambda: None)
        if refused:
            return refused
        if not self.active(follower) or not self.requests.remove(actor, follower):
            return NotFound
        if accept:
            self.follows.add(actor, follower)
        return None

    def authorize(self, actor: int, follower: int) -> Refused | None:
        """Grant a request."""
        return self._answer(actor, follower, True)

    def reject(self, actor: int, follower: int) -> Refused | None:
        """Refuse a request."""
        return self._answer(actor, follower, False)

    # -- acts on statuses ----------------------------------------------------------------------

    def _join(self, relation: Relation, actor: int, status: int) -> Refused | None:
        if not self._may_act(actor):
            return Forbidden
        if not self._may_see(actor, status):
            return NotFound
        relation.add(status, actor)
        return None

    def _leave(self, relation: Relation, actor: int, status: int) -> Refused | None:
        if not self._may_act(actor):
            return Forbidden
        if not relation.remove(status, actor) and not self._may_see(actor, status):
            return NotFound
        return None

    def favourite(self, actor: int, status: int) -> Refused | None:
        """Like."""
        return self._join(self.likes, actor, status)

    def unfavourite(self, actor: int, status: int) -> Refused | None:
        """Like no longer."""
        return self._leave(self.likes, actor, status)

    def bookmark(self, actor: int, status: int) -> Refused | None:
        """Keep."""
        return self._join(self.bookmarks, actor, status)

    def unbookmark(self, actor: int, status: int) -> Refused | None:
        """Keep no longer."""
        return self._leave(self.bookmarks, actor, status)

    def pin(self, actor: int, status: int) -> Refused | None:
        """Show first on one's profile."""
        if not self._may_act(actor):
            return Forbidden
        if not self._may_see(actor, status):
            return NotFound
        pins = self.pins.setdefault(actor, set())
        if self.authors[status] != actor or len(pins | {status}) > MOST_PINS:
            return Invalid
        pins.add(status)
        return None

    def unpin(self, actor: int, status: int) -> Refused | None:
        """Show first no longer."""
        if not self._may_act(actor):
            return Forbidden
        if not self._may_see(actor, status):
            return NotFound
        self.pins.setdefault(actor, set()).discard(status)
        return None

    def edit(self, actor: int, status: int, text: str) -> Refused | None:
        """Say something else instead."""
        if not self._may_act(actor):
            return Forbidden
        if self.authors[status] != actor:
            return NotFound
        self.words[status] = text
        return None

    def reblog(self, actor: int, status: int) -> Refused | None:
        """Boost."""
        return self._join(self.boosts, actor, status)

    def unreblog(self, actor: int, status: int) -> Refused | None:
        """Boost no longer."""
        return self._leave(self.boosts, actor, status)

    def vote(self, actor: int, status: int, option: int) -> Refused | None:
        """Vote for one option of a poll that is open."""
        if not self._may_act(actor):
            return Forbidden
        if not self._may_see(actor, status):
            return NotFound
        voted = any(relation.has(status, actor) for relation in self.votes.values())
        if self.authors[status] == actor or option >= self.options[status] or voted:
            return Invalid
        self.votes.setdefault(option, Relation()).add(status, actor)
        return None

    # -- moderation ----------------------------------------------------------------------------

    def act(self, target: int, kind: ActionKind, until: int | None) -> Refused | None:
        """Take an action; it composes with others."""
        if self.deleted(target):
            return NotFound
        self._acts.setdefault(target, []).append(Act(kind, until))
        return None

    def lift(self, target: int, kind: ActionKind) -> Refused | None:
        """Lift all actions of a kind in force."""
        if self.deleted(target):
            return NotFound
        found = self.in_force(target, kind)
        for act in found:
            act.lifted = True
        return None if found else Conflict

    def delete(self, target: int) -> Refused | None:
        """Delete an account; its follows go when the jobs are done."""
        refused = self.act(target, ActionKind.DELETE, None)
        if not refused:
            self._gone.append(target)
        return refused

    def jobs_done(self) -> None:
        """Do what was put off."""
        for account in self._gone:
            self.follows.forget(account)
            self.requests.forget(account)
        self._gone.clear()

    # -- what is seen --------------------------------------------------------------------------

    def shown(self, members: Iterable[int]) -> list[int]:
        """Return those of ``members`` that are active, in their order."""
        return [member for member in members if self.active(member)]

    def sets_of(self, account: int) -> list[tuple[SetKind, list[int]]]:
        """Return the sets an account owns, each with the members stored in it."""
        return [
            (SetKind.FOLLOWERS, self.follows.members(account)),
            (SetKind.FOLLOWING, self.follows.owners(account)),
            (SetKind.FOLLOW_REQUESTS, self.requests.members(account)),
            (SetKind.FOLLOW_REQUESTED, self.requests.owners(account)),
            (SetKind.BLOCKING, self.blocks.members(account)),
            (SetKind.BLOCKED_BY, self.blocks.owners(account)),
            (SetKind.MUTING, self.mutes.members(account)),
            (SetKind.MUTED_BY, self.mutes.owners(account)),
        ]

    def collected_by(self, account: int) -> list[tuple[SetKind, list[int]]]:
        """Return what an account likes and keeps, newest first."""
        return [
            (SetKind.LIKES, self.likes.owners(account)),
            (SetKind.BOOKMARKS, self.bookmarks.owners(account)),
        ]

    def shown_of(self, owner: int, members: Iterable[int]) -> list[int]:
        """Return what anybody sees of a set of an account: nothing while it is away."""
        return self.shown(members) if self.active(owner) else []

    def tie(self, viewer: int, target: int) -> Tie | None:
        """Return what ``viewer`` is told about ``target``; None when it is left out."""
        if not self.active(target):
            return None
        return Tie(
            following=self.follows.has(target, viewer),
            followed_by=self.follows.has(viewer, target),
            requested=self.requests.has(target, viewer),
            requested_by=self.requests.has(viewer, target),
            blocking=self.blocks.has(viewer, target),
            blocked_by=self.blocks.has(target, viewer),
            muting=self.mutes.has(viewer, target),
        )


KINDS: Final = (ActionKind.SUSPEND, ActionKind.LIMIT, ActionKind.FREEZE)
"""The kinds of actions a random world takes and lifts."""
