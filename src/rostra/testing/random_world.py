"""A data folder under random acts through the services, held against the oracle all along.

Two stores are open on the folder, as in two processes; acts come in lots that are committed
together, through the one or the other; in between the packer runs, the clock moves, jobs are done
and the stores are closed and opened again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec
from msgspec import Struct

from rostra.config import Settings
from rostra.domain.account_set import SERVER, SetKey, SetKind
from rostra.domain.accounts import Account
from rostra.domain.enforcement import LiftReason
from rostra.domain.errors import RostraError
from rostra.ports import Context, Snapshot, Transaction
from rostra.services import accounts, statuses
from rostra.services.moderation import enforcing
from rostra.services.publishing import polls
from rostra.services.publishing.favourites import collect
from rostra.services.publishing.polls import PollDraft
from rostra.services.social_graph import relationships
from rostra.services.statuses import Draft
from rostra.services.work import HANDLERS
from rostra.storage.packer import Packer
from rostra.storage.store import SqliteStore
from rostra.testing.clock import FakeClock
from rostra.testing.oracle import KINDS, Oracle, Refused, Relation, Tie

HOUR_MS: Final = 3_600_000
POLL_SECONDS: Final = 2_000_000
Operation = tuple[Refused | None, Callable[[Context], Awaitable[object]]]
"""Why the oracle says an act is refused (None: it is not), and the act itself."""


class Shape(Struct, frozen=True, kw_only=True):
    """How large a random world is; ``crowd`` members begin in each of a few large sets."""

    accounts: int = 4_000
    statuses: int = 60
    polls: int = 10
    crowd: int = 2_500
    lot: int = 200


class Disagreement(AssertionError):
    """The store and the oracle do not say the same; the message says about what."""


class RandomWorld:
    """A world made of chance; the same for the same seed.

    Args:
        folder: the data folder, made new.
        seed: what chance begins with.
        shape: how large it is.
        oracle: what is to be so; one that knows what this class does, when none is given.
    """

    def __init__(
        self,
        folder: Path,
        *,
        seed: int,
        shape: Shape | None = None,
        oracle: Oracle | None = None,
    ) -> None:
        self.random = Random(seed)
        self.shape = shape or Shape()
        self.oracle = oracle or Oracle()
        self.operations = 0
        self.refused = 0
        self.compared = 0
        self._folder = folder
        self._clock = FakeClock()
        self._contexts: list[Context] = []
        self._polls: list[int] = []
        self._statuses: list[int] = []

    # -- its life ------------------------------------------------------------------------------

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[RandomWorld]:
        """Open the stores for as long as the context is."""
        self._open()
        try:
            yield self
        finally:
            await self._close()

    def _open(self) -> None:
        settings = self._settings()
        self._contexts = [
            Context(settings, SqliteStore.open(self._folder, self._clock), self._clock, Random(1))
            for _ in range(2)
        ]

    def _settings(self) -> Settings:
        return Settings(data=self._folder)

    async def _close(self) -> None:
        for store in self.stores:
            await store.close()

    @property
    def stores(self) -> list[SqliteStore]:
        """The stores that are open on the folder."""
        found = [context.store for context in self._contexts]
        return [store for store in found if isinstance(store, SqliteStore)]

    @property
    def context(self) -> Context:
        """The ports, on one of the stores that are open."""
        return self._contexts[0]

    async def populate(self) -> None:
        """Make the accounts, statuses and polls, and the sets that begin large."""
        self.oracle.now = self._clock.now()
        shape, random = self.shape, self.random
        await self.stores[0].write(lambda tx: self._settle(tx, shape.accounts))
        for _ in range(shape.statuses):
            await self._post(None)
        for _ in range(shape.polls):
            poll = PollDraft(options=("a", "b", "c"), expires_in_s=POLL_SECONDS)
            await self._post(poll)
        for rank in range(3):
            owner, status = self.oracle.accounts[rank], self._statuses[rank]
            crowd = random.sample(self.oracle.accounts[3:], min(shape.crowd, shape.accounts - 3))
            await self.stores[1].write(
                lambda tx, owner=owner, status=status, crowd=crowd: (  # type: ignore[misc]
                    tx.sets.add_many(SetKey(owner, SetKind.FOLLOWERS), crowd),
                    [collect(tx, one, status, SetKind.LIKES) for one in crowd],
                )
            )
            for member in crowd:
                self.oracle.follows.add(owner, member)
                self.oracle.likes.add(status, member)

    def _settle(self, tx: Transaction, count: int) -> None:
        first = tx.accounts.reserve_ordinals(count)
        for number in range(count):
            ordinal = first + number
            locked = number >= 3 and self.random.random() < 0.1
            account = Account(
                ordinal=ordinal,
                id=tx.next_id(),
                username=f"p{ordinal}",
                created_at=tx.now,
                locked=locked,
            )
            tx.accounts.create(account)
            if locked:
                tx.sets.add(SetKey(SERVER, SetKind.LOCKED), ordinal)
            self.oracle.arrive(ordinal, locked=locked)

    async def _post(self, poll: PollDraft | None) -> None:
        author = self.random.choice(self.oracle.accounts)
        draft = Draft(text="words", poll=poll)
        id_ = await statuses.post(self._context(), actor=author, draft=draft)
        self.oracle.post(id_, author, options=len(poll.options) if poll else 0)
        (self._polls if poll else self._statuses).append(id_)

    def _context(self) -> Context:
        return self.random.choice(self._contexts)

    # -- acts ----------------------------------------------------------------------------------

    async def step(self) -> int:
        """Do a lot of acts, something else now and then, and compare; return how many acts.

        Raises:
            Disagreement: the store refused what it must not, or shows what is not so.
        """
        await self._between_lots()
        return await self.lot(self.random.randint(1, self.shape.lot))

    async def lot(self, count: int) -> int:
        """Do so many acts that are committed together, and compare some accounts and statuses.

        Raises:
            Disagreement: as ``step`` does.
        """
        self.oracle.now = self._clock.now()
        context = self._context()
        lot = [self._operation() for _ in range(count)]
        found = await asyncio.gather(*(_outcome(act(context)) for _, act in lot))
        for number, ((expected, _), refused) in enumerate(zip(lot, found, strict=True)):
            if refused is not expected:
                raise Disagreement(
                    f"act {self.operations + number}: refused with {refused}, not {expected}"
                )
            self.refused += refused is not None
        self.operations += len(lot)
        self.compare(self._some(8), self._some_statuses(3))
        return len(lot)

    async def _between_lots(self) -> None:
        random = self.random
        self._clock.advance(random.randint(0, 40))
        chance = random.random()
        if chance < 0.02:
            self._clock.advance(random.randint(1, 4 * HOUR_MS))
        elif chance < 0.06:
            await self._do_jobs()
        elif chance < 0.10:
            packer, store = Packer(eager=True), self.stores[random.randrange(2)]
            while await store.write(packer.step):
                pass
        elif chance < 0.20:
            await self.stores[0].write(Packer(eager=True).step)
        elif chance < 0.205:
            await self._close()
            self._open()
        elif chance < 0.22:
            await self.stores[1].write(lambda tx: self._settle(tx, 1))

    async def _do_jobs(self) -> None:
        context = self._context()
        store = context.store
        self.oracle.jobs_done()
        while True:
            with store.read() as snapshot:
                due = snapshot.jobs.due(self._clock.now(), limit=100)
            if not due:
                return
            for job in due:
                await HANDLERS[job.name](context, **job.payload)
                await store.write(lambda tx, id_=job.id: tx.jobs.finish(id_))  # type: ignore[misc]

    def _one(self) -> int:
        """Return an account: often one of few, so that things happen between the same people."""
        count = len(self.oracle.accounts)
        return self.oracle.accounts[min(int(self.random.paretovariate(0.35)) - 1, count - 1)]

    def _anybody(self) -> int:
        return self.random.choice(self.oracle.accounts)

    def _operation(self) -> Operation:
        names = self.random.choices(list(ACTS), weights=list(WEIGHTS))
        return ACTS[names[0]](self)

    def _pair(self, name: str) -> Operation:
        actor, target = self._anybody(), self._one()
        if self.random.random() < 0.3:
            actor, target = target, actor
        service: Callable[..., Awaitable[object]] = getattr(relationships, name)
        expected: Refused | None = getattr(self.oracle, name)(actor, target)
        return expected, lambda ctx: service(ctx, actor=actor, target=target)

    def _request(self, name: str) -> Operation:
        actor = self.random.choice([*self.oracle.locked, self._one()])
        asking = self.oracle.requests.members(actor)
        follower = self.random.choice(asking) if asking else self._anybody()
        service: Callable[..., Awaitable[object]] = getattr(relationships, f"{name}_request")
        expected: Refused | None = getattr(self.oracle, name)(actor, follower)
        return expected, lambda ctx: service(ctx, actor=actor, follower=follower)

    def _on_status(self, name: str) -> Operation:
        actor, status = self._anybody(), self._some_statuses(1)[0]
        service: Callable[..., Awaitable[object]] = getattr(statuses, name)
        expected: Refused | None = getattr(self.oracle, name)(actor, status)
        return expected, lambda ctx: service(ctx, actor=actor, status_id=status)

    def _vote(self) -> Operation:
        actor, poll = self._anybody(), self.random.choice(self._polls)
        option = self.random.randrange(4)
        expected = self.oracle.vote(actor, poll, option)
        return expected, lambda ctx: polls.vote(ctx, actor=actor, poll_id=poll, choices=[option])

    def _take(self) -> Operation:
        target, kind = self._one(), self.random.choice(KINDS)
        timed = self.random.random() < 0.4
        until = self._clock.now() + self.random.randint(1, HOUR_MS) if timed else None
        expected = self.oracle.act(target, kind, until)
        return expected, lambda ctx: enforcing.act(
            ctx, moderator=None, target=target, kind=kind, ground="chance", until=until
        )

    def _lift(self) -> Operation:
        under = [one for one in self._some(60) if not self.oracle.active(one)]
        target = self.random.choice(under) if under else self._one()
        kind = self.random.choices(KINDS, weights=(4, 1, 1))[0]
        expected = self.oracle.lift(target, kind)
        return expected, lambda ctx: enforcing.lift(
            ctx, moderator=None, target=target, kind=kind, reason=LiftReason.OVERTURNED
        )

    def _delete(self) -> Operation:
        target = self._anybody()
        expected = self.oracle.delete(target)
        return expected, lambda ctx: accounts.delete_account(ctx, by=None, target=target)

    # -- comparing -----------------------------------------------------------------------------

    def _some(self, count: int) -> list[int]:
        return [self._one() if n % 2 else self._anybody() for n in range(count)]

    def _some_statuses(self, count: int) -> list[int]:
        few = self._statuses[:5]
        return [self.random.choice(few if n % 2 else self._statuses) for n in range(count)]

    def compare_all(self) -> None:
        """Compare every account, every status, and the ties between many.

        Raises:
            Disagreement: something is not so.
        """
        self.compare(self.oracle.accounts, [*self._statuses, *self._polls])

    def compare(self, people: list[int], posts: list[int]) -> None:
        """Compare every count, list and order of some accounts and statuses, in both stores.

        Raises:
            Disagreement: something is not so.
        """
        for store in self.stores:
            with store.read() as snapshot:
                for account in people:
                    self._compare_account(snapshot, account)
                for status in posts:
                    self._compare_status(snapshot, status)
                self._compare_ties(snapshot, people)

    def _compare_account(self, snapshot: Snapshot, account: int) -> None:
        oracle = self.oracle
        for kind, members in oracle.sets_of(account):
            shown = oracle.shown_of(account, members)
            self._compare_set(snapshot, SetKey(account, kind), members, shown)
        for kind, liked in oracle.collected_by(account):
            # Their order is that of their positions, which in a crowd run ahead of the clock.
            page = snapshot.collected.page(account, kind, limit=len(liked) + 1)
            found = sorted(status for _, status in page)
            self.same(found, sorted(liked), "list of", (account, kind.name))

    def _compare_status(self, snapshot: Snapshot, status: int) -> None:
        oracle = self.oracle
        relations: dict[int, Relation] = {
            SetKind.LIKES: oracle.likes,
            SetKind.BOOSTS: oracle.boosts,
            SetKind.BOOKMARKS: oracle.bookmarks,
        }
        relations |= {SetKind.VOTES + option: votes for option, votes in oracle.votes.items()}
        for kind, relation in relations.items():
            members = relation.members(status)
            self._compare_set(snapshot, SetKey(status, kind), members, oracle.shown(members))

    def _compare_set(
        self, snapshot: Snapshot, key: SetKey, members: list[int], shown: list[int]
    ) -> None:
        gate = snapshot.gate
        self.same(gate.true_count(key), len(members), "true count of", key)
        self.same(gate.visible_count(key), len(shown), "visible count of", key)
        limit = self.random.randint(1, 90)
        page = gate.visible_page(key, limit=limit)
        self.same([one.member for one in page], shown[:limit], "first page of", key)
        if page and len(shown) > limit:
            rest = gate.visible_page(key, limit=limit, max_id=page[-1].position)
            expected = shown[limit : 2 * limit]
            self.same([one.member for one in rest], expected, "second page of", key)
            back = gate.visible_page(key, limit=limit, min_id=rest[-1].position)
            expected = shown[: len(expected) - 1 + limit][-limit:] if expected else []
            self.same([one.member for one in back], expected, "the way back in", key)

    def _compare_ties(self, snapshot: Snapshot, people: list[int]) -> None:
        viewer = self.random.choice(people)
        targets = list(dict.fromkeys(self.random.choices(people, k=20)))
        found = {one.target: one for one in relationships.relationships(snapshot, viewer, targets)}
        for target in targets:
            if target == viewer:
                continue
            told = found.get(target)
            tie = told and msgspec.convert(told, Tie, from_attributes=True)
            self.same(tie, self.oracle.tie(viewer, target), "what is told of", (viewer, target))

    def same(self, found: Any, expected: Any, what: str, of: object) -> None:
        """Hold what was found of something to what is expected.

        Raises:
            Disagreement: it is something else.
        """
        self.compared += 1
        if found != expected:
            raise Disagreement(
                f"after {self.operations} acts: {what} {of} is {found}, and should be {expected}"
            )


async def _outcome(act: Awaitable[object]) -> Refused | None:
    try:
        await act
    except RostraError as error:
        return type(error)
    return None


_Maker = Callable[[RandomWorld], Operation]
ACTS: Final[dict[str, _Maker]] = {
    **{
        name: lambda world, name=name: world._pair(name)  # type: ignore[misc]
        for name in ("follow", "unfollow", "remove_follower", "block", "unblock", "mute", "unmute")
    },
    **{
        name: lambda world, name=name: world._request(name)  # type: ignore[misc]
        for name in ("authorize", "reject")
    },
    **{
        name: lambda world, name=name: world._on_status(name)  # type: ignore[misc]
        for name in ("favourite", "unfavourite", "reblog", "unreblog", "bookmark", "unbookmark")
    },
    "vote": RandomWorld._vote,
    "take": RandomWorld._take,
    "lift": RandomWorld._lift,
    "delete": RandomWorld._delete,
}
WEIGHTS: Final = (30, 10, 2, 3, 3, 2, 2, 5, 2, 18, 6, 5, 2, 6, 2, 5, 1.5, 2.5, 0.02)
