"""Every kind of damage is found, named, and put right from what is intact."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from tests.contract.checks import NOW, change, differences
from tests.contract.sets_worlds import make_limits_small

from rostra.domain.account_set import SERVER, SetKey, SetKind
from rostra.domain.accounts import Account
from rostra.domain.enforcement import Action, ActionKind, Lifting, LiftReason
from rostra.domain.errors import StoreCorrupt
from rostra.domain.packing import ADD, REMOVE, pack_change
from rostra.domain.statuses import Status, Visibility
from rostra.ports import Transaction
from rostra.storage.database.sqlite import Database
from rostra.storage.packer import pack_everything
from rostra.storage.repair import repair
from rostra.storage.store import DATABASE_FILE, SqliteStore
from rostra.storage.verifier import Problem, verify
from rostra.testing.clock import START, FakeClock

STAR = SetKey(1, SetKind.FOLLOWERS)
LIKES = SetKey(7 << 40, SetKind.LIKES)
SHUNNED = SetKey(60, SetKind.BLOCKED_BY)
FANS = [number * 900 for number in range(10, 300)]
BLOCKERS = range(10, 15)

Order = dict[SetKey, list[int]]


def populate(store: SqliteStore) -> None:
    """Make a large mirrored set, a large one without mirror and many small ones, part of each in
    the journal."""

    def first(tx: Transaction) -> None:
        tx.sets.add_many(STAR, FANS)
        tx.sets.remove_many(STAR, FANS[::7])
        tx.sets.add_many(STAR, FANS[::21])
        tx.sets.add_many(LIKES, FANS)
        for blocker in BLOCKERS:
            tx.sets.add_many(SetKey(blocker, SetKind.BLOCKING), [60, 61])

    def second(tx: Transaction) -> None:
        tx.sets.remove_many(STAR, FANS[::7])
        tx.sets.add_many(STAR, FANS[::14])
        tx.sets.remove_many(LIKES, FANS[::9])

    store.write_now(first)
    pack_everything(store.write_now)
    store.write_now(lambda tx: tx.sets.remove_many(STAR, FANS[1:3]))
    pack_everything(store.write_now)  # leaves their tombstones: too few to be swept
    store.write_now(lambda tx: tx.sets.add(STAR, FANS[1]))
    pack_everything(store.write_now)
    store.write_now(second)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with sets of every form, and no store open on it."""
    make_limits_small(monkeypatch)
    folder = tmp_path / "data"
    store = SqliteStore.open(folder, FakeClock())
    populate(store)
    store.close_now()
    return folder


def order(folder: Path) -> Order:
    """Return the members of the sets in question, oldest first, as a fresh store reads them."""
    keys = [STAR, LIKES, SHUNNED, *(SetKey(fan, SetKind.FOLLOWING) for fan in FANS)]
    store = SqliteStore.open(folder, FakeClock())
    with store.read() as snapshot:
        found = {
            key: [entry.member for entry in snapshot.sets.oldest(key, limit=999)] for key in keys
        }
    store.close_now()
    return found


def damage(folder: Path, sql: str, *params: object) -> None:
    database = Database(folder / DATABASE_FILE, writable=True)
    database.run(sql, params)
    database.close()


def mended(folder: Path) -> list[str]:
    """Repair what is found; return what the repair told, nothing being wrong any more."""
    lines = repair(folder, differences(folder), now=NOW)
    assert differences(folder) == []
    return lines


def flip(table: str, where: str) -> str:
    """Return the statement that changes one byte in the middle of a row's data."""
    middle = "LENGTH(data) / 2"
    return (
        f"UPDATE {table} SET data = CAST(SUBSTR(data, 1, {middle}) || "
        f"CASE SUBSTR(data, {middle} + 1, 1) WHEN x'55' THEN x'AA' ELSE x'55' END || "
        f"SUBSTR(data, {middle} + 2) AS BLOB) WHERE {where}"
    )


# -- what is whole -----------------------------------------------------------------------------


def test_a_sound_folder_has_no_differences(folder: Path) -> None:
    assert differences(folder) == []
    for seed in range(5):
        assert differences(folder, sample=0.3, seed=seed) == []


def test_a_folder_is_checked_while_a_server_writes(folder: Path) -> None:
    store = SqliteStore.open(folder, FakeClock())
    database = Database(folder / DATABASE_FILE, writable=False)
    found = verify(database, random=Random(1), now=NOW)
    store.write_now(lambda tx: tx.sets.add(LIKES, 3))
    assert list(found) == []
    store.write_now(lambda tx: tx.sets.add(LIKES, 4))
    assert list(verify(database, random=Random(1), now=NOW)) == []
    database.close()
    store.close_now()


def test_progress_is_told_up_to_the_end(folder: Path) -> None:
    database = Database(folder / DATABASE_FILE, writable=False)
    told: list[tuple[int, int]] = []
    list(verify(database, random=Random(1), now=NOW, progress=lambda *at: told.append(at)))
    rows = database.value("SELECT COUNT(*) FROM packed")
    database.close()
    assert told[-1] == (rows, rows)


# -- damage ------------------------------------------------------------------------------------

SEGMENT_4 = "first = (SELECT first FROM segments WHERE kind = {0} LIMIT 1 OFFSET 4)"
FOLLOWERS_SEGMENT = f"kind = 0 AND {SEGMENT_4.format(0)}"
THREE_SEGMENTS = "kind = 0 AND first IN (SELECT first FROM segments WHERE kind = 0 LIMIT 3)"

DAMAGES: dict[str, tuple[str, Problem]] = {
    "a chunk": (flip("chunks", "kind = 0 AND chunk = 1"), Problem.DAMAGED_CHUNK),
    "every chunk": ("UPDATE chunks SET data = x'03'", Problem.DAMAGED_CHUNK),
    "a chunk gone": ("DELETE FROM chunks WHERE kind = 0 AND chunk = 1", Problem.MEMBERSHIP),
    "a chunk misplaced": (
        "UPDATE chunks SET chunk = 900 WHERE kind = 0 AND chunk = 1",
        Problem.MEMBERSHIP,
    ),
    "a segment": (flip("segments", FOLLOWERS_SEGMENT), Problem.DAMAGED_SEGMENT),
    "three segments": (flip("segments", THREE_SEGMENTS), Problem.DAMAGED_SEGMENT),
    "a segment gone": (f"DELETE FROM segments WHERE {FOLLOWERS_SEGMENT}", Problem.SIZE),
    "the oldest segment gone": (
        "DELETE FROM segments WHERE kind = 0 AND first = "
        "(SELECT MIN(first) FROM segments WHERE kind = 0)",
        Problem.SIZE,
    ),
    "a header": (flip("packed", "kind = 0 AND owner = 1 AND part = 0"), Problem.DAMAGED_HEADER),
    "the tag of a header": (
        "UPDATE packed SET data = CAST(x'00' || SUBSTR(data, 2) AS BLOB) "
        "WHERE kind = 0 AND part = 0",
        Problem.DAMAGED_HEADER,
    ),
    "a header emptied": (
        "UPDATE packed SET data = x'' WHERE kind = 0 AND owner = 1",
        Problem.DAMAGED_HEADER,
    ),
    "a header gone": ("DELETE FROM packed WHERE kind = 0", Problem.DAMAGED_HEADER),
    "a part of a header gone": (
        "DELETE FROM packed WHERE kind = 0 AND part = 1",
        Problem.DAMAGED_HEADER,
    ),
    "a row": (flip("packed", "kind = 5 AND owner = 60"), Problem.DAMAGED_ROW),
    "a row of one member": (flip("packed", "kind = 1 AND owner = 9900"), Problem.DAMAGED_ROW),
    "a row gone": ("DELETE FROM packed WHERE kind = 5 AND owner = 60", Problem.MIRROR),
    "all rows of a kind gone": ("DELETE FROM packed WHERE kind = 5", Problem.MIRROR),
    "a journal row": (
        "UPDATE journal SET entries = SUBSTR(entries, 1, 20) WHERE kind = 0",
        Problem.DAMAGED_JOURNAL,
    ),
}


@pytest.mark.parametrize("name", list(DAMAGES))
def test_damage_is_found_named_and_repaired(folder: Path, name: str) -> None:
    sql, problem = DAMAGES[name]
    before = order(folder)
    damage(folder, sql)
    found = differences(folder)
    assert problem in {difference.problem for difference in found}
    assert all(difference.repairable for difference in found)
    mended(folder)
    assert order(folder) == before


def test_header_and_chunks_damaged_together_come_back_from_the_mirrors(folder: Path) -> None:
    before = order(folder)
    damage(folder, "DELETE FROM packed WHERE kind = 0")
    damage(folder, flip("chunks", "kind = 0"))
    mended(folder)
    assert order(folder) == before


def test_header_and_segment_damaged_together_come_back_from_the_chunks(folder: Path) -> None:
    before = order(folder)
    damage(folder, flip("packed", "kind = 0"))
    damage(folder, flip("segments", FOLLOWERS_SEGMENT))
    mended(folder)
    assert order(folder) == before


def test_without_a_mirror_a_segment_comes_back_in_another_order(folder: Path) -> None:
    before = order(folder)
    damage(folder, flip("segments", f"kind = 8 AND {SEGMENT_4.format(8)}"))
    lines = mended(folder)
    assert any("the order of 4 of them is lost" in line for line in lines)
    after = order(folder)
    assert set(after[LIKES]) == set(before[LIKES])
    assert {key: after[key] for key in after if key != LIKES} == {
        key: before[key] for key in before if key != LIKES
    }


def test_what_nothing_else_tells_is_not_repaired_and_said_so(folder: Path) -> None:
    store = SqliteStore.open(folder, FakeClock())
    store.write_now(lambda tx: tx.sets.add(SetKey(9 << 40, SetKind.BOOKMARKS), 4))
    pack_everything(store.write_now)
    store.close_now()
    damage(folder, flip("packed", f"kind = {int(SetKind.BOOKMARKS)}"))
    (found,) = differences(folder)
    assert not found.repairable
    (line,) = repair(folder, [found], now=NOW)
    assert "restore a backup" in line
    assert differences(folder) == [found]


def test_a_damaged_page_of_the_file_is_named(folder: Path) -> None:
    database = Database(folder / DATABASE_FILE, writable=True)
    database.run("PRAGMA wal_checkpoint(TRUNCATE)")
    page, size = database.row(
        "SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_schema "
        "WHERE name = 'segments'"
    )
    database.close()
    with (folder / DATABASE_FILE).open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(bytes(size))
    found = differences(folder)
    assert Problem.DAMAGED_FILE in {difference.problem for difference in found}
    assert not any(
        difference.repairable for difference in found if difference.problem == Problem.DAMAGED_FILE
    )
    lines = repair(folder, found[:1], now=NOW)
    assert "restore a backup" in lines[0]


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / DATABASE_FILE).write_bytes(b"no database at all" * 1000)
    with pytest.raises(StoreCorrupt, match="restore a backup"):
        SqliteStore.open(tmp_path)


def test_reading_a_damaged_set_names_it(folder: Path) -> None:
    damage(folder, flip("chunks", "kind = 0"))
    damage(folder, flip("packed", "kind = 5 AND owner = 60"))
    store = SqliteStore.open(folder, FakeClock())
    with store.read() as snapshot:
        with pytest.raises(StoreCorrupt, match=r"chunk 0 of followers\(1\).*rostra doctor"):
            snapshot.sets.contains(STAR, FANS[3])
        with pytest.raises(StoreCorrupt, match=r"blocked_by\(60\).*rostra doctor"):
            snapshot.sets.size(SHUNNED)
        assert snapshot.sets.size(LIKES) > 0
    store.close_now()


# -- what does not add up ----------------------------------------------------------------------


def journal(folder: Path, key: SetKey, *entries: tuple[int, int, int]) -> None:
    """Write journal entries as no transaction would."""
    row = b"".join(pack_change(*entry) for entry in entries)
    damage(
        folder,
        "INSERT INTO journal (owner, kind, seq, entries) VALUES (?, ?, 999999, ?)",
        *key,
        row,
    )


def test_half_an_edge_is_made_whole(folder: Path) -> None:
    """An acknowledged write is never dropped: the side that is missing is added."""
    at = START * 10 + 5_000_000
    journal(folder, SetKey(50, SetKind.FOLLOWING), (ADD, 1, at))
    (found,) = differences(folder)
    assert (found.set, found.problem, found.place) == (STAR, Problem.MIRROR, 50)
    mended(folder)
    store = SqliteStore.open(folder, FakeClock())
    with store.read() as snapshot:
        assert snapshot.sets.position(STAR, 50) == at
        assert snapshot.gate.follows(50, 1)
    store.close_now()


def test_half_an_edge_is_found_in_a_sample_too(folder: Path) -> None:
    journal(folder, SetKey(50, SetKind.FOLLOWING), (ADD, 1, START * 10))
    found = [set(map(str, differences(folder, sample=0.5, seed=seed))) for seed in range(12)]
    assert any(found)
    assert len(set().union(*found)) == 1


def test_a_follower_whose_leaving_is_half_done_is_brought_back(folder: Path) -> None:
    journal(folder, SetKey(FANS[1], SetKind.FOLLOWING), (REMOVE, 1, START * 20))
    mended(folder)
    assert FANS[1] in order(folder)[STAR]
    assert order(folder)[SetKey(FANS[1], SetKind.FOLLOWING)] == [1]


@pytest.mark.parametrize(
    "entry",
    [(ADD, FANS[1], START * 20), (REMOVE, 5, START * 20), (ADD, 5, 3)],
    ids=["added twice", "removed in vain", "out of turn"],
)
def test_a_change_that_could_not_be_is_found(folder: Path, entry: tuple[int, int, int]) -> None:
    journal(folder, LIKES, entry)
    assert {found.problem for found in differences(folder)} == {Problem.JOURNAL}
    mended(folder)


def test_leftovers_of_a_large_form_are_found(folder: Path) -> None:
    damage(folder, "INSERT INTO chunks SELECT 60, 5, chunk, data FROM chunks WHERE kind = 8")
    before = order(folder)
    assert [found.problem for found in differences(folder)] == [Problem.LEFTOVERS]
    mended(folder)
    assert order(folder) == before


# -- what is told elsewhere --------------------------------------------------------------------


def suspend(tx: Transaction, account: int, *, until: int | None = None) -> Action:
    action = Action(
        id=tx.next_id(),
        account=account,
        kind=ActionKind.SUSPEND,
        ground="spam",
        moderator=None,
        taken_at=tx.now,
        starts_at=tx.now,
        until=until,
    )
    tx.enforcement.take(action)
    return action


def populate_server(tx: Transaction) -> None:
    for ordinal in (20, 21, 22):
        tx.accounts.create(
            Account(
                ordinal=ordinal,
                id=tx.next_id(),
                username=f"p{ordinal}",
                created_at=tx.now,
                locked=ordinal == 21,
            )
        )
    tx.sets.add(SetKey(SERVER, SetKind.LOCKED), 21)
    suspend(tx, 20)
    served = suspend(tx, 22)
    tx.enforcement.lift(
        Lifting(
            action=served.id, account=22, reason=LiftReason.SERVED, moderator=None, lifted_at=tx.now
        )
    )
    suspend(tx, 21, until=tx.now + 1)  # over by NOW, and nobody has recorded it
    status = Status(id=tx.next_id(), author=20, created_at=tx.now, visibility=Visibility.PUBLIC)
    tx.statuses.create(status)
    boost = Status(
        id=tx.next_id(),
        author=21,
        created_at=tx.now,
        visibility=Visibility.PUBLIC,
        reblog_of=status.id,
    )
    tx.statuses.create(boost)
    tx.sets.add(SetKey(status.id, SetKind.BOOSTS), 21)


@pytest.fixture
def served(folder: Path) -> Path:
    """A data folder with accounts, enforcement and a boost in it too."""
    store = SqliteStore.open(folder, FakeClock())
    store.write_now(populate_server)
    store.close_now()
    assert differences(folder) == []
    return folder


Breaking = Callable[[Transaction], object]
BREAKINGS: dict[str, tuple[Breaking, Problem]] = {
    "one too many suspended": (
        lambda tx: tx.sets.add(SetKey(SERVER, SetKind.SUSPENDED), 22),
        Problem.MASK,
    ),
    "one too few suspended": (
        lambda tx: tx.sets.remove(SetKey(SERVER, SetKind.SUSPENDED), 20),
        Problem.MASK,
    ),
    "one too many locked": (
        lambda tx: tx.sets.add(SetKey(SERVER, SetKind.LOCKED), 22),
        Problem.LOCKED,
    ),
    "one too few locked": (
        lambda tx: tx.sets.remove(SetKey(SERVER, SetKind.LOCKED), 21),
        Problem.LOCKED,
    ),
}


@pytest.mark.parametrize("name", list(BREAKINGS))
@pytest.mark.parametrize("sample", [1.0, 0.01])
def test_sets_of_the_server_are_held_against_their_source(
    served: Path, name: str, sample: float
) -> None:
    breaking, problem = BREAKINGS[name]
    store = SqliteStore.open(served, FakeClock())
    store.write_now(breaking)
    store.close_now()
    assert [found.problem for found in differences(served, sample=sample)] == [problem]
    mended(served)


def test_a_damaged_set_of_the_server_is_repaired_though_no_store_opens(served: Path) -> None:
    store = SqliteStore.open(served, FakeClock())
    pack_everything(store.write_now)
    store.close_now()
    damage(served, flip("packed", f"kind = {int(SetKind.SUSPENDED)}"))
    with pytest.raises(StoreCorrupt, match=r"suspended\(0\)"):
        SqliteStore.open(served, FakeClock())
    mended(served)
    store = SqliteStore.open(served, FakeClock())
    with store.read() as snapshot:
        assert not snapshot.gate.active(20)
        assert snapshot.gate.active(22)
    store.close_now()


@pytest.mark.parametrize("sample", [1.0, 0.99999])
@pytest.mark.parametrize("missing", [True, False])
def test_boosts_are_held_against_the_statuses(served: Path, missing: bool, sample: float) -> None:
    store = SqliteStore.open(served, FakeClock())
    with store.exclusive() as tx:
        original = tx.database.value("SELECT reblog_of FROM statuses WHERE reblog_of IS NOT NULL")
        key = SetKey(original, SetKind.BOOSTS)
        (tx.sets.remove if missing else tx.sets.add)(key, 21 if missing else 22)
    store.close_now()
    (found,) = differences(served, sample=sample)
    assert (found.set, found.problem) == (key, Problem.BOOST)
    mended(served)
    store = SqliteStore.open(served, FakeClock())
    with store.read() as snapshot:
        assert set(snapshot.sets.bitmap(key)) == {21}
    store.close_now()


def test_two_boosts_by_one_account_are_named(served: Path) -> None:
    damage(
        served,
        "INSERT INTO statuses (id, author, created_at, reblog_of) "
        "SELECT id + 1, author, created_at, reblog_of FROM statuses WHERE reblog_of IS NOT NULL",
    )
    (found,) = differences(served)
    assert found.problem == Problem.BOOST
    assert not found.repairable


# -- repairing under a running server ----------------------------------------------------------


def test_an_open_store_sees_what_was_repaired(folder: Path) -> None:
    before = order(folder)
    damage(folder, flip("packed", "kind = 5 AND owner = 60"))
    damage(folder, flip("chunks", "kind = 0"))
    store = SqliteStore.open(folder, FakeClock())
    with store.read() as snapshot, pytest.raises(StoreCorrupt):
        snapshot.sets.size(SHUNNED)
    mended(folder)
    with store.read() as snapshot:
        assert [entry.member for entry in snapshot.sets.oldest(SHUNNED, limit=9)] == before[SHUNNED]
        assert set(snapshot.sets.bitmap(STAR)) == set(before[STAR])
    store.write_now(lambda tx: tx.sets.add(STAR, 77))
    store.close_now()
    assert differences(folder) == []


def test_a_repair_done_twice_does_nothing_the_second_time(folder: Path) -> None:
    journal(folder, SetKey(50, SetKind.FOLLOWING), (ADD, 1, START * 10 + 5))
    found = differences(folder)
    repair(folder, found, now=NOW)
    before = order(folder)
    assert repair(folder, found, now=NOW) == []
    assert order(folder) == before


def test_what_a_server_wrote_meanwhile_stays(folder: Path) -> None:
    damage(folder, flip("chunks", "kind = 0"))
    found = differences(folder)
    store = SqliteStore.open(folder, FakeClock())
    change(store, "DELETE FROM progress")
    store.write_now(lambda tx: tx.sets.add(SetKey(61, SetKind.BLOCKED_BY), 99))
    store.close_now()
    repair(folder, found, now=NOW)
    assert differences(folder) == []
    store = SqliteStore.open(folder, FakeClock())
    with store.read() as snapshot:
        assert snapshot.sets.contains(SetKey(99, SetKind.BLOCKING), 61)
    store.close_now()


DAMAGING: list[Callable[[Random], str]] = [
    lambda random: flip("chunks", f"kind = 0 AND chunk = {random.randrange(4)}"),
    lambda random: f"DELETE FROM chunks WHERE kind = 0 AND chunk = {random.randrange(4)}",
    lambda random: flip("segments", _some_segment(random)),
    lambda random: f"DELETE FROM segments WHERE {_some_segment(random)}",
    lambda random: flip("packed", f"kind = 0 AND part = {random.randrange(2)}"),
    lambda random: f"DELETE FROM packed WHERE kind = 0 AND part = {random.randrange(2)}",
    lambda random: "DELETE FROM journal WHERE kind = 0",
    lambda random: "UPDATE journal SET entries = SUBSTR(entries, 1, 20) WHERE kind = 0",
]


def _some_segment(random: Random) -> str:
    which = random.randrange(60)
    return (
        "kind = 0 AND first = "
        f"(SELECT first FROM segments WHERE kind = 0 ORDER BY first LIMIT 1 OFFSET {which})"
    )


@pytest.mark.parametrize("seed", range(15))
def test_several_damages_at_once_lose_no_edge_the_mirrors_have(folder: Path, seed: int) -> None:
    random, before = Random(seed), order(folder)
    for _ in range(random.randrange(2, 5)):
        damage(folder, random.choice(DAMAGING)(random))
    for _ in range(3):  # what one repair brings to light is put right by the next
        repair(folder, differences(folder), now=NOW)
    assert differences(folder) == []
    assert set(before[STAR]) <= set(order(folder)[STAR])
