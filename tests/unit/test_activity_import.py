"""A log of activity in the store, held against figures counted from its text by other means."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from tests.unit.activity_truth import Truth, contents, first_lines

from rostra.config import Settings
from rostra.domain.account_set import SERVER, SetKey, SetKind
from rostra.domain.statuses import Status
from rostra.ports import Context, Snapshot, Transaction
from rostra.services import statuses
from rostra.services.moderation import enforcing
from rostra.services.notifying import notifications
from rostra.services.portability.activity import ActivityImport, Tally
from rostra.services.reading import hydration
from rostra.services.social_graph import relationships
from rostra.storage.store import SqliteStore
from rostra.testing.clock import FakeClock

SLICE = None if os.environ.get("ROSTRA_TEST_WHOLE_LOG") == "1" else 20_000
SMALL = 1_200


def open_context(folder: Path) -> Context:
    store = SqliteStore.open(folder, FakeClock())
    settings = Settings(data=folder, domain="here.example", base_url="https://here.example")
    return Context(settings, store, store.clock, Random(1))


@pytest.fixture
def ctx(tmp_path: Path) -> Iterator[Context]:
    context = open_context(tmp_path)
    yield context
    context.store.close_now()  # type: ignore[attr-defined]


def bring_in(
    ctx: Context,
    lines: list[str],
    *,
    name: str = "log",
    follows: bool = True,
    batches: int = 0,
    batch: int = 10_000,
) -> Tally:
    """Import lines; when ``batches`` is given, stop after so many."""
    work = ActivityImport(ctx, fingerprint=name, follow_implied=follows, batch=batch)
    done: list[Tally] = []
    return work.run(
        lines, on_batch=done.append, stopped=lambda: bool(batches) and len(done) >= batches
    )


def ordinals(snap: Snapshot, names: set[str]) -> dict[str, int]:
    found = snap.accounts.ordinals(names)
    assert found.keys() == names
    return found


def written(snap: Snapshot, author: int) -> list[Status]:
    """Return the statuses of an author that are no boosts, oldest first."""
    return snap.statuses.by_author(author, limit=100_000, exclude_reblogs=True)[::-1]


# -- against figures counted by other means --------------------------------------------------------


def test_everything_in_a_slice_of_the_real_log_is_there_once(ctx: Context) -> None:
    lines = first_lines(SLICE)
    truth = Truth(lines)
    tally = bring_in(ctx, lines)
    assert tally.events == len(lines)
    assert tally.malformed == tally.refused == tally.present == 0
    assert (tally.accounts, tally.made) == (len(truth.users), truth.made)
    assert (tally.boosts, tally.follows) == (truth.boosts, truth.edges)
    with ctx.store.read() as snap:
        assert snap.accounts.count() == len(truth.users)
        assert snap.statuses.count() == truth.boosts + sum(truth.written.values())
        people = ordinals(snap, truth.users)
        for name, account in people.items():
            check_edges(snap, truth, people, name, account)
            check_statuses(snap, truth, people, name, account)


def check_edges(
    snap: Snapshot, truth: Truth, people: dict[str, int], name: str, account: int
) -> None:
    followers = {people[other] for other in truth.followers.get(name, ())}
    following = {people[other] for other in truth.following.get(name, ())}
    assert set(snap.sets.bitmap(SetKey(account, SetKind.FOLLOWERS))) == followers
    assert set(snap.sets.bitmap(SetKey(account, SetKind.FOLLOWING))) == following
    assert snap.gate.visible_count(SetKey(account, SetKind.FOLLOWERS)) == len(followers)


def check_statuses(
    snap: Snapshot, truth: Truth, people: dict[str, int], name: str, account: int
) -> None:
    own = written(snap, account)
    assert len(own) == truth.written[name]
    for number, status in enumerate(own, 1):
        boosters = {people[other] for other in truth.boosters.get((name, number), ())}
        assert set(snap.sets.bitmap(SetKey(status.id, SetKind.BOOSTS))) == boosters
        assert len(snap.statuses.replies(status.id)) == truth.answers[name, number]


def test_the_whole_is_what_visitors_see(ctx: Context) -> None:
    lines = first_lines(3000)
    truth = Truth(lines)
    bring_in(ctx, lines)
    top = max(truth.followers, key=lambda name: len(truth.followers[name]))
    with ctx.store.read() as snap:
        people = ordinals(snap, truth.users)
        view = hydration.account_views(snap, [people[top]])[people[top]]
        assert view.followers == len(truth.followers[top])
        assert view.statuses == truth.written[top] + sum(
            top in boosters for boosters in truth.boosters.values()
        )
        first = written(snap, people[top])[0]
        shown = hydration.status_views(snap, [first.id])[first.id]
        assert shown.boosts == len(truth.boosters[top, 1])
        listed = relationships.followers(snap, None, people[top], limit=100_000)
        assert {entry.member for entry in listed} == {
            people[other] for other in truth.followers[top]
        }


def test_things_stand_at_the_times_of_the_log(ctx: Context) -> None:
    bring_in(ctx, ["1 2 1341100972 MT", "3 2 1341100980 RT", "1 2 1341100990 RE"])
    with ctx.store.read() as snap:
        one, two, three = snap.accounts.ordinals(["1", "2", "3"]).values()
        account = snap.accounts.by_username("3")
        assert account is not None
        assert account.created_at == 1341100980000
        assert [status.created_at for status in written(snap, one)] == [
            1341100972000,
            1341100990000,
        ]
        made = written(snap, two)
        assert [status.created_at for status in made] == [1341100980000]
        entries = snap.sets.newest(SetKey(two, SetKind.FOLLOWERS), limit=5)
        assert [(entry.member, entry.position // 10_000) for entry in entries] == [
            (three, 1341100980),
            (one, 1341100972),
        ]


def test_a_mention_is_a_status_with_markup_and_notifies(ctx: Context) -> None:
    bring_in(ctx, ["1 2 1341100972 MT", "1 2 1341100972 RE", "2 2 1341100973 MT"])
    with ctx.store.read() as snap:
        one, two = snap.accounts.ordinals(["1", "2"]).values()
        mention, reply = written(snap, one)
        assert mention.text.startswith("@2 ")
        assert 'href="https://here.example/@2"' in mention.content
        assert mention.mentions == reply.mentions == (two,)
        assert reply.in_reply_to == written(snap, two)[0].id
        assert reply.in_reply_to_author == two
        told = notifications.page(snap, two, limit=40)
        # What it did to itself is no news to it.
        assert {(one_.type.label, one_.source) for one_ in told} == {
            ("mention", one),
            ("follow", one),
        }


def test_a_repeated_boost_changes_nothing(ctx: Context) -> None:
    tally = bring_in(ctx, ["1 2 1341100972 RT", "1 2 1341100973 RT"])
    assert (tally.boosts, tally.repeated) == (1, 1)


def test_nobody_follows_themselves(ctx: Context) -> None:
    tally = bring_in(ctx, ["7 7 1341100972 MT", "7 7 1341100973 RT"])
    assert (tally.accounts, tally.follows, tally.boosts) == (1, 0, 1)


# -- again, and in pieces --------------------------------------------------------------------------


def test_importing_twice_changes_nothing(ctx: Context, tmp_path: Path) -> None:
    lines = first_lines(SMALL)
    first = bring_in(ctx, lines)
    before = contents(tmp_path)
    assert bring_in(ctx, lines) == first
    assert contents(tmp_path) == before


def test_an_overlapping_log_brings_in_only_what_is_new(tmp_path: Path) -> None:
    lines = first_lines(SMALL)
    whole, parts = open_context(tmp_path / "whole"), open_context(tmp_path / "parts")
    bring_in(whole, lines)
    bring_in(parts, lines[: SMALL // 3], name="head")
    bring_in(parts, lines, name="log")
    with whole.store.read() as one, parts.store.read() as other:
        assert one.statuses.count() == other.statuses.count()
    one_contents, other_contents = contents(tmp_path / "whole"), contents(tmp_path / "parts")
    assert {**one_contents, "progress": None} == {**other_contents, "progress": None}


@pytest.mark.parametrize("batch", [7, 100, 1000])
def test_an_import_in_pieces_is_the_same_as_in_one(tmp_path: Path, batch: int) -> None:
    lines = first_lines(SMALL)
    whole, parts = open_context(tmp_path / "whole"), open_context(tmp_path / "parts")
    uninterrupted = bring_in(whole, lines)
    tally = Tally()
    while tally.lines < len(lines):
        tally = bring_in(parts, lines, batches=2, batch=batch)
    assert tally == uninterrupted
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


def test_follows_can_be_asked_for_later(tmp_path: Path) -> None:
    lines = first_lines(SMALL)
    whole, later = open_context(tmp_path / "whole"), open_context(tmp_path / "later")
    bring_in(whole, lines)
    assert bring_in(later, lines, follows=False).follows == 0
    assert bring_in(later, lines) == bring_in(whole, lines)
    assert contents(tmp_path / "later")["journal"] == contents(tmp_path / "whole")["journal"]


def test_another_log_of_the_same_seconds_keeps_its_own_ids(ctx: Context) -> None:
    bring_in(ctx, ["1 2 1341100972 MT", "1 2 1341100972 RT"], name="one")
    tally = bring_in(ctx, ["5 6 1341100972 MT", "5 6 1341100972 RT"], name="other")
    assert (tally.accounts, tally.mentions, tally.boosts, tally.present) == (2, 1, 1, 0)
    with ctx.store.read() as snap:
        assert snap.statuses.count() == 6


# -- what else may be there ------------------------------------------------------------------------


async def test_a_block_stands_against_the_log(ctx: Context) -> None:
    bring_in(ctx, ["1 2 1341100972 MT"], name="before")
    with ctx.store.read() as snap:
        one, two = snap.accounts.ordinals(["1", "2"]).values()
    await relationships.block(ctx, actor=two, target=one)
    tally = bring_in(ctx, ["1 2 1341100982 RT", "1 2 1341100983 MT", "2 1 1341100984 RE"])
    assert (tally.refused, tally.follows, tally.boosts) == (3, 0, 0)


async def test_a_locked_account_is_asked(ctx: Context) -> None:
    bring_in(ctx, ["1 2 1341100972 MT"], name="before", follows=False)
    with ctx.store.read() as snap:
        one, two = snap.accounts.ordinals(["1", "2"]).values()

    def lock(tx: Transaction) -> None:
        tx.sets.add(SetKey(SERVER, SetKind.LOCKED), two)

    ctx.store.write_now(lock)
    tally = bring_in(ctx, ["1 2 1341100982 MT"])
    assert (tally.requests, tally.follows) == (1, 0)
    with ctx.store.read() as snap:
        waiting = relationships.follow_requests(snap, two, limit=5)
        assert [entry.member for entry in waiting] == [one]


async def test_the_suspended_are_brought_in_behind_the_mask(ctx: Context) -> None:
    bring_in(ctx, ["1 2 1341100972 MT"], name="before")
    with ctx.store.read() as snap:
        two = snap.accounts.ordinals(["2"])["2"]
    await enforcing.suspend(ctx, moderator=None, target=two, ground="spam")
    assert bring_in(ctx, ["3 2 1341100982 RT"]).follows == 1
    with ctx.store.read() as snap:
        followers = SetKey(two, SetKind.FOLLOWERS)
        assert (snap.gate.visible_count(followers), snap.gate.true_count(followers)) == (0, 2)


async def test_a_status_deleted_meanwhile_is_boosted_by_nobody(ctx: Context) -> None:
    work = ActivityImport(ctx, fingerprint="log")
    work.run(["2 9 1341100972 MT", "2 9 1341100973 MT"])
    with ctx.store.read() as snap:
        two = snap.accounts.ordinals(["2"])["2"]
        first, second = written(snap, two)
    await statuses.delete(ctx, actor=two, status_id=second.id)
    again = ActivityImport(ctx, fingerprint="log")
    again.run(["2 9 1341100972 MT", "2 9 1341100973 MT", "1 2 1341100974 RT"])
    with ctx.store.read() as snap:
        assert snap.gate.visible_count(SetKey(first.id, SetKind.BOOSTS)) == 1


def test_malformed_lines_are_counted_and_named(ctx: Context) -> None:
    damaged = Path(__file__).parents[1] / "data" / "damaged.log"
    with damaged.open(encoding="utf-8", errors="replace") as file:
        tally = bring_in(ctx, list(file))
    assert (tally.lines, tally.events, tally.malformed) == (20, 11, 8)
    assert [number for number, _ in tally.examples] == [2, 3, 4, 5, 7, 8, 9, 11]
    assert (tally.boosts, tally.repeated, tally.mentions, tally.replies) == (2, 1, 7, 1)
