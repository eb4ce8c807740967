"""A small world on a real store, driven through the services; its clock is moved by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from rostra.config import Settings
from rostra.domain.account_set import SERVER, SetKey, SetKind
from rostra.domain.accounts import Account, Role
from rostra.domain.enforcement import Action, LiftReason
from rostra.domain.errors import RostraError
from rostra.domain.relationships import Relationship
from rostra.domain.statuses import Visibility
from rostra.ports import Context, Snapshot, Transaction
from rostra.services import statuses
from rostra.services.moderation import enforcing
from rostra.services.notifying import notifications
from rostra.services.reading import hydration
from rostra.services.social_graph import relationships
from rostra.services.statuses import Draft
from rostra.services.work import HANDLERS
from rostra.storage.store import SqliteStore
from rostra.testing.clock import FakeClock

DAY_MS = 86_400_000


class World:
    """Accounts by name, and the services as a person would use them."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.store = SqliteStore.open(folder, self.clock)
        self.settings = Settings(
            data=folder, domain="here.example", base_url="https://here.example"
        )
        self.ctx = Context(self.settings, self.store, self.clock, Random(1))

    def account(self, username: str, **fields: Any) -> int:
        """Create an account without credentials and return its ordinal."""

        def change(tx: Transaction) -> int:
            ordinal = tx.accounts.reserve_ordinals(1)
            tx.accounts.create(
                Account(
                    ordinal=ordinal,
                    id=tx.next_id(),
                    username=username,
                    created_at=tx.now,
                    **fields,
                )
            )
            if fields.get("locked"):
                tx.sets.add(SetKey(SERVER, SetKind.LOCKED), ordinal)
            return ordinal

        return self.store.write_now(change)

    def people(self, *names: str) -> list[int]:
        """Create several accounts and return their ordinals."""
        return [self.account(name) for name in names]

    def moderator(self, username: str = "mod") -> int:
        """Create a moderator."""
        return self.account(username, role=Role.MODERATOR)

    @contextmanager
    def read(self) -> Iterator[Snapshot]:
        """Open a view."""
        with self.store.read() as snap:
            yield snap

    def tick(self, ms: int = 10) -> None:
        """Let a little time pass, so that what follows is later."""
        self.clock.advance(ms)

    # -- acts ------------------------------------------------------------------------------------

    async def follow(self, actor: int, target: int, **options: Any) -> Relationship:
        """Follow."""
        self.tick()
        return await relationships.follow(self.ctx, actor=actor, target=target, **options)

    async def post(self, actor: int, text: str = "hello", **draft: Any) -> int:
        """Post a status."""
        self.tick()
        return await statuses.post(self.ctx, actor=actor, draft=Draft(text=text, **draft))

    async def like(self, actor: int, status_id: int) -> int:
        """Like a status."""
        self.tick()
        return await statuses.favourite(self.ctx, actor=actor, status_id=status_id)

    async def boost(self, actor: int, status_id: int, **options: Any) -> int:
        """Boost a status."""
        self.tick()
        return await statuses.reblog(self.ctx, actor=actor, status_id=status_id, **options)

    async def suspend(self, target: int, *, days: float | None = None) -> Action:
        """Suspend an account by the server itself."""
        self.tick()
        until = None if days is None else self.clock.now() + int(days * DAY_MS)
        return await enforcing.suspend(
            self.ctx, moderator=None, target=target, ground="spam", until=until
        )

    async def reinstate(self, target: int) -> list[Action]:
        """Lift the suspensions of an account."""
        self.tick()
        return await enforcing.reinstate(
            self.ctx, moderator=None, target=target, reason=LiftReason.OVERTURNED
        )

    async def jobs(self) -> list[str]:
        """Do the jobs that are due, and what they bring, and return their names."""
        done: list[str] = []
        while True:
            with self.read() as snap:
                due = snap.jobs.due(self.clock.now(), limit=100)
            if not due:
                return done
            for job in due:
                await HANDLERS[job.name](self.ctx, **job.payload)
                await self.store.write(lambda tx, id_=job.id: tx.jobs.finish(id_))
                done.append(job.name)

    # -- what is seen ----------------------------------------------------------------------------

    def followers(self, account: int) -> tuple[int, list[int]]:
        """Return the follower count as shown, and the list anybody sees, newest first."""
        with self.read() as snap:
            views = hydration.account_views(snap, [account])
            page = relationships.followers(snap, None, account, limit=80)
        count = views[account].followers if account in views else 0
        return count, [entry.member for entry in page]

    def following(self, account: int) -> tuple[int, list[int]]:
        """Return the following count as shown, and the list anybody sees, newest first."""
        with self.read() as snap:
            view = hydration.account_views(snap, [account])[account]
            page = relationships.following(snap, None, account, limit=80)
        return view.following, [entry.member for entry in page]

    def relationship(self, viewer: int, target: int, **options: Any) -> Relationship | None:
        """Return what a client is told, or None when it is left out."""
        with self.read() as snap:
            found = relationships.relationships(snap, viewer, [target], **options)
        return found[0] if found else None

    def notified(self, account: int, **options: Any) -> list[tuple[str, int]]:
        """Return the notifications of an account, newest first, as (type, source)."""
        options.setdefault("limit", 40)
        with self.read() as snap:
            page = notifications.page(snap, account, **options)
        return [(one.type.label, one.source) for one in page]

    def sees(self, viewer: int | None, status_id: int) -> bool:
        """Return whether a viewer can open a status."""
        with self.read() as snap:
            try:
                statuses.show(snap, viewer, status_id)
            except RostraError:
                return False
        return True


__all__ = ["DAY_MS", "Visibility", "World"]
