"""Any sequence of acts, packs, restarts and moves of the clock agrees with the oracle.

Hypothesis makes up the sequences, among few people, with limits so small that every set is large,
and shortens those that fail.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from tests.contract.checks import differences

from rostra.config import Settings
from rostra.domain.account_set import SERVER, SetKey, SetKind
from rostra.domain.accounts import Account
from rostra.domain.enforcement import ActionKind, LiftReason, State
from rostra.domain.errors import RostraError
from rostra.ports import Context, Snapshot, Transaction
from rostra.services import accounts, statuses
from rostra.services.moderation import enforcing
from rostra.services.publishing import editing, marking, polls
from rostra.services.publishing.polls import PollDraft
from rostra.services.social_graph import relationships
from rostra.services.statuses import Draft
from rostra.services.work import HANDLERS
from rostra.storage import packed, packer
from rostra.storage.packer import Packer, pack_everything
from rostra.storage.store import SqliteStore
from rostra.testing.clock import FakeClock
from rostra.testing.oracle import Oracle, Refused

T = TypeVar("T")

PEOPLE = 6
HOUR_MS = 3_600_000
POLL_SECONDS = 2_000_000
LIMITS = {
    packed: {"SMALL_MAX": 1, "SEGMENT": 2},
    packer: {"SWEEP_FROM": 2, "CHUNKS_A_STEP": 1, "SEGMENTS_A_STEP": 1},
}
BETWEEN = (
    "follow",
    "unfollow",
    "remove_follower",
    "block",
    "unblock",
    "mute",
    "unmute",
)
ON_STATUS = {
    "favourite": statuses.favourite,
    "unfavourite": statuses.unfavourite,
    "reblog": statuses.reblog,
    "unreblog": statuses.unreblog,
    "bookmark": statuses.bookmark,
    "unbookmark": statuses.unbookmark,
    "pin": marking.pin,
    "unpin": marking.unpin,
}
TAKEN = (ActionKind.SUSPEND, ActionKind.LIMIT, ActionKind.FREEZE, ActionKind.SENSITIVE)

people = st.integers(0, PEOPLE - 1)
stores = st.integers(0, 1)


class AnySequence(RuleBasedStateMachine):
    """Two stores on one folder, as two processes have it, and the oracle."""

    posts = Bundle("posts")
    questions = Bundle("questions")

    def __init__(self) -> None:
        super().__init__()
        self.limits = pytest.MonkeyPatch()
        for module, limits in LIMITS.items():
            for name, value in limits.items():
                self.limits.setattr(module, name, value)
        self.folder = Path(tempfile.mkdtemp(prefix="rostra-sequence-"))
        self.clock = FakeClock()
        self.oracle = Oracle()
        self.loop = asyncio.Runner()
        self.packer = Packer(eager=True)
        self.open()

    def open(self) -> None:
        self.contexts = [
            Context(
                Settings(data=self.folder),
                SqliteStore.open(self.folder, self.clock),
                self.clock,
                Random(1),
            )
            for _ in range(2)
        ]

    def store(self, which: int) -> SqliteStore:
        store = self.contexts[which].store
        assert isinstance(store, SqliteStore)
        return store

    def close(self) -> None:
        for which in range(2):
            self.store(which).close_now()

    def teardown(self) -> None:
        self.close()
        try:
            assert differences(self.folder) == []
        finally:
            self.loop.close()
            shutil.rmtree(self.folder)
            self.limits.undo()

    @initialize(locked=st.sets(people, max_size=2))
    def settle(self, locked: set[int]) -> None:
        self.oracle.now = self.clock.now()

        def change(tx: Transaction) -> None:
            first = tx.accounts.reserve_ordinals(PEOPLE)
            for number in range(PEOPLE):
                ordinal = first + number
                tx.accounts.create(
                    Account(
                        ordinal=ordinal,
                        id=tx.next_id(),
                        username=f"p{number}",
                        created_at=tx.now,
                        locked=number in locked,
                    )
                )
                if number in locked:
                    tx.sets.add(SetKey(SERVER, SetKind.LOCKED), ordinal)
                self.oracle.arrive(ordinal, locked=number in locked)

        self.store(0).write_now(change)

    # -- acts ----------------------------------------------------------------------------------

    def who(self, number: int) -> int:
        return self.oracle.accounts[number]

    def agree(
        self, which: int, expected: Refused | None, act: Callable[[Context], Awaitable[Any]]
    ) -> None:
        """Do what the oracle did, and be refused as it said."""

        refused = None
        try:
            self.run(which, act(self.contexts[which]))
        except RostraError as error:
            refused = type(error)
        assert refused is expected

    def run(self, which: int, act: Awaitable[T]) -> T:
        """Wait for an act, and until nothing is on its way in its store."""

        async def alone() -> T:
            try:
                return await act
            finally:
                await self.contexts[which].store.write(lambda tx: None)

        return self.loop.run(alone())

    @rule(which=stores, name=st.sampled_from(BETWEEN), actor=people, other=people)
    def between(self, which: int, name: str, actor: int, other: int) -> None:
        actor, target = self.who(actor), self.who(other)
        service = getattr(relationships, name)
        expected = getattr(self.oracle, name)(actor, target)
        self.agree(which, expected, lambda ctx: service(ctx, actor=actor, target=target))

    @rule(which=stores, accept=st.booleans(), actor=people, follower=people)
    def answer(self, which: int, accept: bool, actor: int, follower: int) -> None:
        actor, follower = self.who(actor), self.who(follower)
        name = "authorize" if accept else "reject"
        service = getattr(relationships, f"{name}_request")
        expected = getattr(self.oracle, name)(actor, follower)
        self.agree(which, expected, lambda ctx: service(ctx, actor=actor, follower=follower))

    @rule(target=posts, which=stores, author=people)
    def post(self, which: int, author: int) -> int | None:
        return self.written(which, self.who(author), None)

    @rule(target=questions, which=stores, author=people)
    def ask(self, which: int, author: int) -> int | None:
        poll = PollDraft(options=("a", "b"), expires_in_s=POLL_SECONDS)
        return self.written(which, self.who(author), poll)

    def written(self, which: int, author: int, poll: PollDraft | None) -> int | None:
        try:
            draft = Draft(text="words", poll=poll)
            id_ = self.run(which, statuses.post(self.contexts[which], actor=author, draft=draft))
        except RostraError:
            assert not self.oracle._may_act(author)
            return None
        assert self.oracle._may_act(author)
        self.oracle.post(id_, author, options=2 if poll else 0)
        return id_

    @rule(which=stores, name=st.sampled_from(sorted(ON_STATUS)), actor=people, status=posts)
    def on_status(self, which: int, name: str, actor: int, status: int | None) -> None:
        if status is None:
            return
        actor, service = self.who(actor), ON_STATUS[name]
        expected = getattr(self.oracle, name)(actor, status)
        self.agree(which, expected, lambda ctx: service(ctx, actor=actor, status_id=status))

    @rule(which=stores, actor=people, status=posts, text=st.sampled_from(("words", "more", "#tag")))
    def edit(self, which: int, actor: int, status: int | None, text: str) -> None:
        if status is None:
            return
        actor = self.who(actor)
        expected = self.oracle.edit(actor, status, text)
        self.agree(
            which,
            expected,
            lambda ctx: editing.edit(ctx, actor=actor, status_id=status, draft=Draft(text=text)),
        )

    @rule(which=stores, actor=people, poll=questions, option=st.integers(0, 2))
    def vote(self, which: int, actor: int, poll: int | None, option: int) -> None:
        if poll is None:
            return
        actor = self.who(actor)
        expected = self.oracle.vote(actor, poll, option)
        self.agree(
            which,
            expected,
            lambda ctx: polls.vote(ctx, actor=actor, poll_id=poll, choices=[option]),
        )

    # -- moderation ----------------------------------------------------------------------------

    @rule(
        which=stores,
        account=people,
        kind=st.sampled_from(TAKEN),
        lasts=st.none() | st.integers(1, HOUR_MS),
    )
    def take(self, which: int, account: int, kind: ActionKind, lasts: int | None) -> None:
        target = self.who(account)
        until = None if lasts is None else self.clock.now() + lasts
        expected = self.oracle.act(target, kind, until)
        self.agree(
            which,
            expected,
            lambda ctx: enforcing.act(
                ctx, moderator=None, target=target, kind=kind, ground="chance", until=until
            ),
        )

    @rule(which=stores, account=people, kind=st.sampled_from(TAKEN))
    def lift(self, which: int, account: int, kind: ActionKind) -> None:
        target = self.who(account)
        expected = self.oracle.lift(target, kind)
        self.agree(
            which,
            expected,
            lambda ctx: enforcing.lift(
                ctx, moderator=None, target=target, kind=kind, reason=LiftReason.OVERTURNED
            ),
        )

    @rule(which=stores, account=people)
    def delete(self, which: int, account: int) -> None:
        target = self.who(account)
        expected = self.oracle.delete(target)
        self.agree(
            which, expected, lambda ctx: accounts.delete_account(ctx, by=None, target=target)
        )

    # -- time and machinery --------------------------------------------------------------------

    @rule(ms=st.sampled_from((1, 40, 60_000, HOUR_MS)))
    def wait(self, ms: int) -> None:
        self.oracle.now = self.clock.advance(ms)

    @rule(which=stores)
    def do_jobs(self, which: int) -> None:
        self.oracle.jobs_done()
        self.run(which, self._jobs(self.contexts[which]))

    async def _jobs(self, context: Context) -> None:
        while True:
            with context.store.read() as snapshot:
                due = snapshot.jobs.due(self.clock.now(), limit=100)
            if not due:
                return
            for job in due:
                await HANDLERS[job.name](context, **job.payload)
                await context.store.write(lambda tx, id_=job.id: tx.jobs.finish(id_))

    @rule(which=stores)
    def record_expired(self, which: int) -> None:
        self.run(which, enforcing.record_expired(self.contexts[which]))

    @rule(which=stores)
    def pack_a_step(self, which: int) -> None:
        self.store(which).write_now(self.packer.step)

    @rule(which=stores)
    def pack(self, which: int) -> None:
        pack_everything(self.store(which).write_now)

    @rule()
    def restart(self) -> None:
        self.close()
        self.packer = Packer(eager=True)
        self.open()

    # -- what must be so -----------------------------------------------------------------------

    @invariant()
    def every_count_list_order_and_relationship_agrees(self) -> None:
        for which in range(2):
            with self.store(which).read() as snapshot:
                for account in self.oracle.accounts:
                    self.compare_account(snapshot, account)
                for status in self.oracle.authors:
                    self.compare_status(snapshot, status)

    def compare_account(self, snapshot: Snapshot, account: int) -> None:
        oracle = self.oracle
        for kind, stored in oracle.sets_of(account):
            shown = oracle.shown_of(account, stored)
            self.compare_set(snapshot, SetKey(account, kind), stored, shown)
        for kind, collected in oracle.collected_by(account):
            page = snapshot.collected.page(account, kind, limit=99)
            assert [status for _, status in page] == collected
        assert set(snapshot.statuses.pinned(account)) == oracle.pins.get(account, set())
        kinds = {kind: oracle.is_under(account, kind) for kind in ActionKind}
        assert snapshot.gate.state(account) == State(
            suspended=kinds[ActionKind.SUSPEND],
            deleted=kinds[ActionKind.DELETE],
            limited=kinds[ActionKind.LIMIT],
            frozen=kinds[ActionKind.FREEZE],
            sensitive=kinds[ActionKind.SENSITIVE],
        )
        found = {
            one.target: one
            for one in relationships.relationships(snapshot, account, oracle.accounts)
        }
        for target in oracle.accounts:
            if target != account:
                tie, told = oracle.tie(account, target), found.get(target)
                assert (told is None) == (tie is None)
                if tie is not None:
                    names = tie.__struct_fields__
                    assert [getattr(told, name) for name in names] == [
                        getattr(tie, name) for name in names
                    ]

    def compare_status(self, snapshot: Snapshot, status: int) -> None:
        oracle = self.oracle
        found = snapshot.statuses.get(status)
        assert found is not None
        assert found.text == oracle.words.get(status, "words")
        relations = {
            SetKind.LIKES: oracle.likes,
            SetKind.BOOSTS: oracle.boosts,
            SetKind.BOOKMARKS: oracle.bookmarks,
        }
        relations |= {SetKind.VOTES + n: relation for n, relation in oracle.votes.items()}
        for kind, relation in relations.items():
            stored = relation.members(status)
            self.compare_set(snapshot, SetKey(status, kind), stored, oracle.shown(stored))

    def compare_set(
        self, snapshot: Snapshot, key: SetKey, stored: list[int], shown: list[int]
    ) -> None:
        sets, gate = snapshot.sets, snapshot.gate
        assert [entry.member for entry in sets.newest(key, limit=99)] == stored
        assert [entry.member for entry in sets.oldest(key, limit=99)] == stored[::-1]
        assert set(sets.bitmap(key)) == set(stored)
        assert gate.true_count(key) == len(stored)
        assert gate.visible_count(key) == len(shown)
        page = gate.visible_page(key, limit=2)
        assert [entry.member for entry in page] == shown[:2]
        if len(page) == 2:
            rest = gate.visible_page(key, limit=2, max_id=page[-1].position)
            assert [entry.member for entry in rest] == shown[2:4]


@pytest.mark.filterwarnings("default")
def test_any_sequence_agrees_with_the_oracle() -> None:
    machine = settings(
        max_examples=50,
        stateful_step_count=50,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(AnySequence, settings=machine)
