"""Writing whole sets anew: folded again leniently, or from what else tells of their members."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from rostra.domain.account_set import MIRRORS, SetKey, SetKind
from rostra.domain.errors import StoreCorrupt
from rostra.domain.ids import ticks
from rostra.domain.packing import (
    ADD,
    Members,
    Positions,
    decode_entries,
    decode_header,
    is_header,
    pack_additions,
    spread,
)
from rostra.domain.words import how_many
from rostra.storage.database.sqlite import Database
from rostra.storage.integrity.index_checks import tag_followers
from rostra.storage.integrity.mending import insert
from rostra.storage.integrity.server_checks import ACTIONS, folded, locked
from rostra.storage.integrity.set_checks import SegmentCheck, has_rows
from rostra.storage.integrity.walk import Walk
from rostra.storage.packed import as_arrays, packed_record, store_set
from rostra.storage.packer import PackingTransaction
from rostra.storage.sets import journal_changes, load


class TimedTransaction(PackingTransaction, Protocol):
    """What a repair needs of a transaction."""

    now: int


def write_whole(
    tx: PackingTransaction, key: SetKey, positions: Positions, members: Members
) -> None:
    """Write a set in its packed form, in place of all there was of it.

    Args:
        tx: the transaction.
        key: the set.
        positions: [n] ticks, in any order; raised where two are the same.
        members: [n] ordinals, each once.
    """
    for table in ("journal", "segments", "chunks", "packed"):
        tx.database.run(f"DELETE FROM {table} WHERE owner = ? AND kind = ?", tuple(key))
    order = np.argsort(positions, kind="stable")
    positions, members = spread(positions[order]), members[order]
    store_set(key, positions, members, tx.database)


def fold_again(tx: PackingTransaction, key: SetKey) -> str:
    """Fold what is stored of a set, the later of two entries winning, and write it anew.

    Raises:
        StoreCorrupt: some of it is damaged.
    """
    positions, members = stored_entries(key, tx.database)
    write_whole(tx, key, positions, members)
    return f"{how_many(len(members), 'member')} folded again from what is stored"


def stored_entries(key: SetKey, database: Database) -> tuple[Positions, Members]:
    """Return (positions [n], members [n], each once) of a set, however badly it is ordered.

    Raises:
        StoreCorrupt: some of it is damaged.
    """
    positions, members = packed_entries(key, database)
    joined: dict[int, int] = {}
    touched = []
    for op, member, position in journal_changes(key, database):
        touched.append(member)
        joined.pop(member, None)
        if op == ADD:
            joined[member] = position
    kept = ~np.isin(members, np.array(touched, dtype=np.uint32))
    later_positions, later_members = as_arrays(joined)
    return (
        np.concatenate((positions[kept], later_positions)),
        np.concatenate((members[kept], later_members)),
    )


def packed_entries(key: SetKey, database: Database) -> tuple[Positions, Members]:
    """Return (positions [n], members [n]) of the packed form, of each member the newest entry."""
    record = packed_record(key, database)
    if record is None:
        if has_rows(key, "segments", database):
            raise StoreCorrupt("The server's data is damaged", log=f"{key} has no header")
        return as_arrays({})
    if not is_header(record):
        positions, members = decode_entries(record)
    else:
        check = SegmentCheck(key, decode_header(record), database, lambda difference: None)
        blocks = [as_arrays({})]
        for (data,) in database.rows(
            "SELECT data FROM segments WHERE owner = ? AND kind = ? ORDER BY first", tuple(key)
        ):
            positions, members = decode_entries(data)
            counts = check.counts(positions, members)
            blocks.append((positions[counts], members[counts]))
        positions, members = map(np.concatenate, zip(*blocks, strict=True))
    order = np.argsort(positions, kind="stable")[::-1]
    _, newest = np.unique(members[order], return_index=True)
    return positions[order][newest], members[order][newest]


# -- from elsewhere ----------------------------------------------------------------------------


def told(tx: TimedTransaction, key: SetKey) -> dict[int, int]:
    """Return member → position of a set, as what else is stored tells it."""
    database = tx.database
    if key.kind == SetKind.BOOSTS:
        rows = database.rows(
            "SELECT author, created_at FROM statuses WHERE reblog_of = ? ORDER BY id DESC",
            (key.owner,),
        )
        return {author: ticks(created_at) for author, created_at in rows}
    if key.kind == SetKind.TAG_FOLLOWERS:
        return tag_followers(key.owner, database)
    if key.kind == SetKind.LOCKED:
        return dict.fromkeys(locked(database), ticks(tx.now))
    for kind in ACTIONS:
        if key.kind == kind:
            return dict.fromkeys(folded(kind, database, tx.now), ticks(tx.now))
    raise ValueError(f"nothing tells the members of {key}")


def replace_with(tx: PackingTransaction, key: SetKey, members: dict[int, int]) -> None:
    """Give a set these members (→ position); one it can be read to have keeps its place."""
    try:
        positions, had = stored_entries(key, tx.database)
    except StoreCorrupt:
        positions, had = as_arrays({})
    kept = dict(zip(had.tolist(), positions.tolist(), strict=True))
    whole = {member: kept.get(member, at) for member, at in members.items()}
    write_whole(tx, key, *as_arrays(whole))


def from_mirrors(tx: PackingTransaction, keys: Sequence[SetKey]) -> Iterator[tuple[SetKey, str]]:
    """Write sets of one mirrored kind anew from the other sides of their edges, in one pass."""
    kind = keys[0].kind
    owners = np.array([key.owner for key in keys], dtype=np.uint32)
    found: dict[SetKey, dict[int, int]] = {key: {} for key in keys}
    walk = Walk(tx.database, lambda difference: None, lambda owners, kinds: kinds == MIRRORS[kind])
    for edges in walk.edges():
        ours = np.isin(edges.members, owners)
        for other, owner in zip(
            edges.owners[ours].tolist(), edges.members[ours].tolist(), strict=True
        ):
            position = load(SetKey(other, MIRRORS[kind]), tx.database).position(owner, tx.database)
            found[SetKey(owner, kind)][other] = position or 0
    for key, entries in found.items():
        write_whole(tx, key, *as_arrays(entries))
        written = how_many(len(entries), "member")
        yield key, f"{written} written anew from {SetKind.label(MIRRORS[kind])}"
    for key in sorted(walk.damaged):
        yield key, "is damaged too: an edge that stood in both is lost; restore a backup"


# -- edges that one side lacks -----------------------------------------------------------------


def add_missing(
    tx: PackingTransaction, edges: Sequence[tuple[SetKey, int]]
) -> Iterator[tuple[SetKey, int]]:
    """Add members that only the other side of their edge has; yield (set, how many)."""
    at = positions_of(edges, tx.database)
    missing: dict[SetKey, dict[int, int]] = {}
    for key, member in edges:
        position = at.get((key, member))
        if position is not None and not load(key, tx.database).contains(member, tx.database):
            missing.setdefault(key, {})[member] = position
    for key, entries in missing.items():
        add_entries(tx, key, entries)
        yield key, len(entries)


def positions_of(
    edges: Sequence[tuple[SetKey, int]], database: Database
) -> dict[tuple[SetKey, int], int]:
    """Return the positions edges have on their other side, each of those sets read once."""
    wanted: dict[SetKey, list[int]] = {}
    for key, member in edges:
        wanted.setdefault(key.mirror(member), []).append(key.owner)
    found: dict[tuple[SetKey, int], int] = {}
    for mirror, owners in wanted.items():
        for positions, members in load(mirror, database).blocks(database):
            ours = np.isin(members, np.array(owners, dtype=np.uint32))
            for position, owner in zip(
                positions[ours].tolist(), members[ours].tolist(), strict=True
            ):
                found[mirror.mirror(owner), mirror.owner] = position
    return found


def add_entries(tx: PackingTransaction, key: SetKey, entries: dict[int, int]) -> None:
    """Add members (→ position) to a set that lacks them, at their places in its order."""
    record = packed_record(key, tx.database)
    if record is None or not is_header(record):
        positions, members = stored_entries(key, tx.database)
        more_positions, more_members = as_arrays(entries)
        write_whole(
            tx,
            key,
            np.concatenate((positions, more_positions)),
            np.concatenate((members, more_members)),
        )
        return
    newest = decode_header(record).newest
    touched = {change.member for change in journal_changes(key, tx.database)}
    late = {m: at for m, at in entries.items() if m in touched or at > newest}
    insert(tx, key, {member: at for member, at in entries.items() if member not in late})
    _append(tx, key, late)


def _append(tx: PackingTransaction, key: SetKey, entries: dict[int, int]) -> None:
    """Add members (→ position) by the journal: as the newest, whatever it says of them before."""
    if not entries:
        return
    positions, members = as_arrays(dict(sorted(entries.items(), key=lambda entry: entry[1])))
    last = load(key, tx.database).last
    tx.database.run(
        "INSERT INTO journal (owner, kind, seq, entries) VALUES (?, ?, ?, ?)",
        (*key, tx.seq + 1, pack_additions(spread(positions, last), members)),
    )
