"""The dry run of an amnesty: whom it is for and what it brings, as of one snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct, structs
from pyroaring import BitMap

from rostra.domain.account_set import SERVER, SetKey, SetKind
from rostra.domain.amnesty import (
    Amnesty,
    Entry,
    Exclusion,
    Figures,
    manifest_hash,
    wave_sizes,
)
from rostra.domain.labels import KNOWN
from rostra.domain.reckoning import Reckoning
from rostra.domain.selector_parser import parse
from rostra.ports import Snapshot
from rostra.services.amnesty.selecting import Asked, Chosen, Tell, select

LARGEST: Final = 20
"""How many of the accounts whose counts change most are named."""


class Draft(Struct, frozen=True):
    """What a dry run found: the amnesty with its figures and hash, and its accounts in order."""

    amnesty: Amnesty
    entries: list[Entry]


def draft(
    snap: Snapshot, amnesty: Amnesty, listed: Sequence[int] | None, dormant_days: int, tell: Tell
) -> Draft:
    """Return what an amnesty would bring, as of a snapshot.

    Those with the fewest followers come first, so that the first waves touch the fewest people.

    Args:
        snap: the snapshot.
        amnesty: what is asked for.
        listed: the accounts of a list, when there is no selector.
        dormant_days: a setting: for how many days one may be away and keep all follows.
        tell: is told how far it is; what it raises ends it.

    Raises:
        Invalid: a selector cannot be read, or the waves leave accounts out.
    """
    labels = {*KNOWN, *snap.labels.known()}
    asked = Asked(
        kind=amnesty.kind,
        where=parse(amnesty.where, labels=labels) if listed is None else None,
        except_=parse(amnesty.except_, labels=labels) if amnesty.except_ else None,
        listed=None if listed is None else tuple(listed),
        include=frozenset(map(Exclusion, amnesty.include)),
        dormant_days=dormant_days,
    )
    selection = select(snap, asked, tell)
    chosen = sorted(selection.chosen, key=lambda one: (one.followers, one.account))
    sizes = wave_sizes(amnesty.waves, len(chosen))
    waves = [wave for wave, size in enumerate(sizes, start=1) for _ in range(size)]
    reckoning = reckon(snap, chosen, waves, tell)
    others, largest = reckoning.others(LARGEST)
    entries = []
    for n, (one, wave) in enumerate(zip(chosen, waves, strict=True), start=1):
        then, finally_ = reckoning.expected(one.account)
        entries.append(
            Entry(
                n=n,
                account=one.account,
                wave=wave,
                actions=one.actions,
                then=then,
                finally_=finally_,
            )
        )
    figures = Figures(
        listed=len(listed) if listed is not None else 0,
        found=selection.found,
        selected=len(chosen),
        excluded={why.value: count for why, count in sorted(selection.excluded.items())},
        edges=reckoning.edges,
        others=others,
        largest=largest,
        conflicts=dict(sorted(selection.conflicts.items())),
        clashes=tuple(selection.clashes),
    )
    whole = structs.replace(amnesty, sizes=sizes, figures=figures, seq=snap.seq)
    return Draft(structs.replace(whole, hash=manifest_hash(whole, entries)), entries)


def reckon(snap: Snapshot, chosen: list[Chosen], waves: list[int], tell: Tell) -> Reckoning:
    """Return what comes alive when accounts are lifted, from their edges as of a snapshot."""
    highest = snap.accounts.next_ordinal() - 1
    everybody = BitMap(range(1, highest + 1))
    accounts = [one.account for one in chosen]
    reckoning = Reckoning(
        highest=highest,
        waves=dict(zip(accounts, waves, strict=True)),
        returning=BitMap([one.account for one in chosen if one.returns]),
        hidden=snap.gate.hidden_in(everybody),
        locked=snap.sets.bitmap(SetKey(SERVER, SetKind.LOCKED)),
        dormant=BitMap([one.account for one in chosen if one.dormant and one.returns]),
    )
    accounts.sort()  # in the order they are stored
    done, total = 0, sum(one.followers + one.following for one in chosen)
    for account, members in snap.sets.stream(SetKind.FOLLOWERS, accounts):
        tell("edges", done, total)
        reckoning.add_followers(account, members)
        done += len(members)
    for account, members in snap.sets.stream(SetKind.FOLLOWING, accounts):
        tell("edges", done, total)
        reckoning.add_following(account, members)
        done += len(members)
    tell("edges", done, total)
    return reckoning
