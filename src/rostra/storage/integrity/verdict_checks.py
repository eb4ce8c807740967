"""The checks of polls that decide and of appeals: what is stored against what the ledger tells.

Both are rows that something hangs on: whether an account may come back, and what a person was told.
Whoever changes one in the database is told of; nothing here mends one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any, Final

import msgspec

from rostra.domain import ledger
from rostra.domain.appeals import Appeal, AppealState
from rostra.domain.decision_polls import Decision, DecisionState, recorded
from rostra.domain.ledger import LedgerKind
from rostra.storage.appeals import APPEALS, appeal_of
from rostra.storage.database.sqlite import Database
from rostra.storage.decisions import decision_in
from rostra.storage.differences import Difference, Problem

SETTLED: Final[Mapping[DecisionState, LedgerKind]] = {
    DecisionState.OPEN: LedgerKind.POLL_BOUND,
    DecisionState.REACHED: LedgerKind.POLL_DECIDED,
    DecisionState.MISSED: LedgerKind.POLL_DECIDED,
    DecisionState.VOID: LedgerKind.POLL_VOID,
    DecisionState.UNBOUND: LedgerKind.POLL_UNBOUND,
}
"""The last entry that the ledger has of a decision left to a poll, by its state."""

ENDED: Final[Mapping[AppealState, LedgerKind]] = {
    AppealState.ACCEPTED: LedgerKind.APPEAL_ACCEPTED,
    AppealState.REJECTED: LedgerKind.APPEAL_REJECTED,
    AppealState.WITHDRAWN: LedgerKind.APPEAL_WITHDRAWN,
    AppealState.MOOT: LedgerKind.APPEAL_MOOT,
}
"""The entry that says how an appeal ended, by its state."""

_POLLS: Final = frozenset(SETTLED.values())
_ENDS: Final = frozenset(ENDED.values())
_SAID: Final = frozenset({LedgerKind.APPEAL_MADE, LedgerKind.APPEAL_EDITED})

Entry = tuple[int, str, dict[str, Any]]
"""Its number, its kind, and what it says."""


def verdict_differences(database: Database) -> Iterator[Difference]:
    """Yield each decision left to a poll, and each appeal, that is not what the ledger says."""
    yield from _polls(database, _by(database, "poll_", "decision", _POLLS))
    yield from _appeals(database, _by(database, "appeal_", "appeal", _ENDS | _SAID))


def _by(database: Database, begins: str, name: str, kinds: Iterable[str]) -> dict[str, list[Entry]]:
    """Return the entries of some kinds by the id each names, oldest first."""
    found: dict[str, list[Entry]] = {}
    for number, content in database.iterate(
        f'SELECT number, content FROM ledger WHERE instr(content, \'"kind":"{begins}\') > 0 '
        "ORDER BY number"
    ):
        try:
            said = ledger.read(content)
        except msgspec.DecodeError:
            continue  # named by the check of the chain
        if said.kind in kinds:
            found.setdefault(str(said.about.get(name)), []).append((number, said.kind, said.about))
    return found


def _untrue(number: int, what: str, differs: Iterable[str]) -> Difference:
    return Difference(
        set=None,
        problem=Problem.LEDGER_UNTRUE,
        detail=f"entry {number} and {what} differ in {', '.join(sorted(differs))}",
        repairable=False,
        place=number,
    )


def _untold(what: str) -> Difference:
    return Difference(
        set=None,
        problem=Problem.LEDGER_UNTRUE,
        detail=f"the ledger does not tell how {what} came to be as it is stored",
        repairable=False,
    )


def _gone(
    what: str, told: Mapping[str, list[Entry]], stored: Collection[str]
) -> Iterator[Difference]:
    for name in sorted(told.keys() - set(stored)):
        number = told[name][-1][0]
        yield Difference(
            set=None,
            problem=Problem.LEDGER_UNTRUE,
            detail=f"entry {number} tells of the {what} {name}: it is gone",
            repairable=False,
            place=number,
        )


# -- polls that decide -----------------------------------------------------------------------------


def _polls(database: Database, told: Mapping[str, list[Entry]]) -> Iterator[Difference]:
    stored = set()
    for state, data in database.iterate("SELECT state, data FROM decisions ORDER BY id"):
        decision = decision_in(data)
        stored.add(str(decision.id))
        what = f"the decision {decision.id} left to a poll"
        entries = told.get(str(decision.id))
        if not entries:
            yield _untold(what)
            continue
        number, kind, about = entries[-1]
        differs = _unlike(decision, about)
        if state != decision.state or kind != SETTLED[decision.state]:
            differs.add("state")
        if differs:
            yield _untrue(number, what, differs)
    yield from _gone("decision left to a poll", told, stored)


def _unlike(decision: Decision, about: Mapping[str, Any]) -> set[str]:
    stands: dict[str, Any] = msgspec.to_builtins(recorded(decision))
    stands["why"] = decision.why
    said = {"why": "", **about}
    return {name for name, value in stands.items() if said.get(name) != value}


# -- appeals ---------------------------------------------------------------------------------------


def _appeals(database: Database, told: Mapping[str, list[Entry]]) -> Iterator[Difference]:
    stored = set()
    for row in database.iterate(f"SELECT {APPEALS} FROM appeals ORDER BY id"):
        appeal = appeal_of(row)
        stored.add(str(appeal.id))
        entries = told.get(str(appeal.id), [])
        what = f"the appeal {appeal.id}"
        if not entries:
            yield _untold(what)
            continue
        yield from _how_it_ended(appeal, what, entries)
        yield from _what_it_said(appeal, what, entries)
    yield from _gone("appeal", told, stored)


def _how_it_ended(appeal: Appeal, what: str, entries: list[Entry]) -> Iterator[Difference]:
    ends = [entry for entry in entries if entry[1] in _ENDS]
    if not ends:
        if appeal.state is not AppealState.OPEN:
            yield _untold(what)
        return
    number, kind, about = ends[-1]
    differs = set()
    if kind != ENDED.get(appeal.state):
        differs.add("state")
    if about.get("reply", "") != appeal.reply:
        differs.add("reply")
    if about.get("action") != str(appeal.action):
        differs.add("action")
    if differs:
        yield _untrue(number, what, differs)


def _what_it_said(appeal: Appeal, what: str, entries: list[Entry]) -> Iterator[Difference]:
    """Compare the text and the evidence with their digests, unless they were erased with the
    account.
    """
    if not appeal.text:
        return
    written = [entry for entry in entries if entry[1] in _SAID]
    text = sha256(appeal.text.encode()).hexdigest()
    if written and written[-1][2].get("text_sha256") != text:
        yield _untrue(written[-1][0], what, ["text"])
    evidence = sha256(msgspec.json.encode(appeal.evidence)).hexdigest()
    if written and written[0][2].get("evidence_sha256") != evidence:
        yield _untrue(written[0][0], what, ["evidence"])
