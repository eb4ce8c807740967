"""Worlds to measure on: who follows whom and since when, the same for the same seed."""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Members = NDArray[np.uint32]
Times = NDArray[np.int64]

YEAR_MS: Final = 365 * 86_400_000
BEGIN_MS: Final = 1_577_836_800_000  # 2020-01-01T00:00:00Z


class Star(Struct, frozen=True):
    """One account's followers in the order they came, and when (ms since 1970, ascending)."""

    members: Members
    times: Times


class Edges(Struct, frozen=True):
    """Who (``owners``, ascending) follows whom (``members``) since when (ms since 1970)."""

    owners: Members
    members: Members
    times: Times


def sample(rng: np.random.Generator, count: int, first: int, last: int) -> Members:
    """Return ``count`` different ordinals of ``first … last``, all as likely, in random order.

    Raises:
        ValueError: there are not as many.
    """
    width = last - first + 1
    if count > width:
        raise ValueError(f"{count} of {width} ordinals: there are not as many")
    if count * 2 > width:
        return (rng.permutation(width)[:count] + first).astype(np.uint32)
    taken = np.zeros(width, dtype=bool)
    while missing := count - int(np.count_nonzero(taken)):
        taken[rng.integers(0, width, missing, dtype=np.uint32)] = True
    found = np.flatnonzero(taken).astype(np.uint32)
    found += np.uint32(first)
    rng.shuffle(found)
    return found


def arrivals(rng: np.random.Generator, count: int, *, years: float) -> Times:
    """Return ``count`` ascending times over some years, independent of each other."""
    gaps = rng.standard_exponential(count, dtype=np.float32).astype(np.float64)
    np.cumsum(gaps, out=gaps)
    gaps *= years * YEAR_MS / gaps[-1]
    gaps += BEGIN_MS
    return gaps.astype(np.int64)


def star(
    rng: np.random.Generator, followers: int, *, first: int, last: int, years: float = 4.0
) -> Star:
    """Return a star of ``followers`` random ordinals of ``first … last``."""
    members = sample(rng, followers, first, last)
    return Star(members=members, times=arrivals(rng, followers, years=years))


def zipf(
    rng: np.random.Generator, accounts: int, each: int, *, first: int = 1, years: float = 2.0
) -> Edges:
    """Return a world in which ``accounts`` accounts follow ``each`` others.

    Whom is drawn by Zipf's law (the account of rank k with weight 1/k), one after the other without
    repeating; ranks have nothing to do with ordinals, and times are spread evenly.

    Raises:
        ValueError: there are not enough accounts to follow.
    """
    if each >= accounts:
        raise ValueError(f"each of {accounts} accounts cannot follow {each} others")
    shares = np.cumsum(1.0 / np.arange(1, accounts + 1))
    shares /= shares[-1]
    by_rank = rng.permutation(accounts).astype(np.uint32)
    members = np.empty((accounts, each), dtype=np.uint32)
    block = max(1, 2_000_000 // each)
    for start in range(0, accounts, block):
        end = min(accounts, start + block)
        members[start:end] = _targets(rng, shares, by_rank, np.arange(start, end), each)
    times = rng.integers(BEGIN_MS, BEGIN_MS + int(years * YEAR_MS), accounts * each, dtype=np.int64)
    owners = np.repeat(np.arange(accounts, dtype=np.uint32), each) + np.uint32(first)
    return Edges(owners=owners, members=members.ravel() + np.uint32(first), times=times)


def _targets(
    rng: np.random.Generator,
    shares: NDArray[np.float64],
    by_rank: Members,
    owners: NDArray[np.int64],
    each: int,
) -> Members:
    """Return a row of different targets for each owner: what repeats is drawn again."""
    rows = np.full((len(owners), each), -1, dtype=np.int64)
    unfinished = np.arange(len(owners))
    wanted = rows < 0
    while len(unfinished):
        part = rows[unfinished]
        drawn = np.searchsorted(shares, rng.random(int(wanted.sum())))
        part[wanted] = by_rank[np.minimum(drawn, len(by_rank) - 1)]
        rows[unfinished] = part
        wanted = _repeated(part) | (part == owners[unfinished, None])
        again = wanted.any(axis=1)
        unfinished, wanted = unfinished[again], wanted[again]
    return rows.astype(np.uint32)


def _repeated(rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return where a value stands in a row that has it before, in the row's sorted order."""
    order = np.argsort(rows, axis=1, kind="stable")
    ordered = np.take_along_axis(rows, order, axis=1)
    again = np.zeros(rows.shape, dtype=bool)
    again[:, 1:] = ordered[:, 1:] == ordered[:, :-1]
    found = np.empty_like(again)
    np.put_along_axis(found, order, again, axis=1)
    return found
