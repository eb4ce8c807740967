"""The checks of the ledger: its chain, and what it tells against what is stored.

Damage is named and never written over: what was sealed stays as it is found. Only an act that the
ledger says nothing of can be mended, by an entry that says it was added later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any, Final

import msgspec

from rostra.domain import ledger
from rostra.domain.enforcement import Action, Lifting
from rostra.domain.ledger import LedgerKind, of_action, of_lifting
from rostra.domain.ledger_chain import Break, Chain, Fault
from rostra.domain.reports import Evidence
from rostra.storage.database.sqlite import Database
from rostra.storage.differences import Difference, Problem
from rostra.storage.enforcement import ACTION, LIFTING, action_of, lifting_of
from rostra.storage.ledger import LedgerStoreWriter, named

PROBLEMS: Final = {
    Fault.MISSING: Problem.LEDGER_MISSING,
    Fault.UNREADABLE: Problem.LEDGER_BROKEN,
    Fault.BROKEN: Problem.LEDGER_BROKEN,
    Fault.MOVED: Problem.LEDGER_ORDER,
    Fault.MISFILED: Problem.LEDGER_BROKEN,
    Fault.HEAD: Problem.LEDGER_MISSING,
}
_ROWS: Final = (
    "SELECT l.number, l.account, l.moderator, l.content, l.hash, a.id, m.id FROM ledger l "
    "LEFT JOIN accounts a ON a.ordinal = l.account "
    "LEFT JOIN accounts m ON m.ordinal = l.moderator ORDER BY l.number"
)
_evidence = msgspec.json.Decoder(tuple[Evidence, ...])

Told = dict[str, Any]
"""What an entry says, as JSON has it."""


def ledger_differences(database: Database) -> Iterator[Difference]:
    """Yield each thing that is wrong with the ledger, or between it and what it tells of."""
    for found in chain_breaks(database):
        yield _difference(PROBLEMS[found.fault], found.detail, found.number)
    yield from _against_enforcement(database)
    yield from _against_reports(database)


def chain_breaks(database: Database, head: tuple[int, bytes] | None = None) -> Iterator[Break]:
    """Yield each place where the chain does not hold.

    Args:
        database: a connection.
        head: a number and the hash that stood there when it was noted, to be there still.
    """
    chain = Chain()
    for number, account, moderator, content, hash_, account_id, moderator_id in database.iterate(
        _ROWS
    ):
        found = list(chain.follow(number, content, hash_))
        yield from found
        if head is not None and number == head[0]:
            yield from chain.ends_at(*head)
        if not found:
            said = ledger.read(content)
            if said.account not in (named(account, account_id), named(account, None)) or (
                said.moderator not in (named(moderator, moderator_id), named(moderator, None))
            ):
                detail = f"entry {number} is filed under another account than the one it names"
                yield Break(number, Fault.MISFILED, detail)
    if head is not None and chain.number < head[0]:
        yield from chain.ends_at(*head)


def _difference(
    problem: Problem, detail: str, place: int | None = None, *, repairable: bool = False
) -> Difference:
    return Difference(set=None, problem=problem, detail=detail, repairable=repairable, place=place)


# -- against the record of enforcement -------------------------------------------------------------


def _against_enforcement(database: Database) -> Iterator[Difference]:
    """Compare what each account's actions and liftings are with what the ledger says of them."""
    told = _by_account(
        database,
        "SELECT account, content, number FROM ledger WHERE account IS NOT NULL "
        "ORDER BY account, number",
    )
    actions = _by_account(database, f"SELECT account, {ACTION} FROM actions a ORDER BY account, id")
    ends = _by_account(
        database, f"SELECT account, {LIFTING} FROM liftings ORDER BY account, action"
    )
    for account, (entries, taken, lifted) in _merged(told, actions, ends):
        yield from _of_account(
            account,
            [row[1:] for row in entries],
            {row[1]: action_of(row[1:]) for row in taken},
            {row[1]: lifting_of(row[1:]) for row in lifted},
        )


Rows = tuple[int, list[Any]]


def _by_account(database: Database, sql: str) -> Iterator[Rows]:
    for account, rows in groupby(database.iterate(sql), key=lambda row: int(row[0])):
        yield account, list(rows)


def _merged(*sources: Iterator[Rows]) -> Iterator[tuple[int, list[list[Any]]]]:
    """Yield each account that any source has, with what each has of it."""
    heads = [next(source, None) for source in sources]
    while any(head is not None for head in heads):
        account = min(head[0] for head in heads if head is not None)
        row: list[list[Any]] = []
        for place, source in enumerate(sources):
            head = heads[place]
            if head is not None and head[0] == account:
                row.append(head[1])
                heads[place] = next(source, None)
            else:
                row.append([])
        yield account, row


def _of_account(
    account: int,
    entries: list[tuple[str, int]],
    actions: Mapping[int, Action],
    liftings: Mapping[int, Lifting],
) -> Iterator[Difference]:
    expected: dict[tuple[str, str], Told] = {}
    for action in actions.values():
        expected[(LedgerKind.ACTION, str(action.id))] = of_action(action)
    for lifting in liftings.values():
        if lifting.action in actions:
            told = of_lifting(lifting, actions[lifting.action])
            expected[(LedgerKind.LIFTING, str(lifting.action))] = told
    seen = set()
    for content, number in entries:
        said = _said(content)
        if said is None or said.kind not in (LedgerKind.ACTION, LedgerKind.LIFTING):
            continue
        name = (said.kind, str(said.about.get("action")))
        seen.add(name)
        yield from _compared(account, number, name, said.about, expected.get(name))
    for kind, action_id in expected.keys() - seen:
        detail = f"the ledger does not tell of the {kind} {action_id} of account {account}"
        yield _difference(Problem.LEDGER_LACKS, detail, int(action_id), repairable=True)


def _compared(
    account: int, number: int, name: tuple[str, str], said: Told, stands: Told | None
) -> Iterator[Difference]:
    kind, action_id = name
    if stands is None:
        detail = f"entry {number} tells of the {kind} {action_id} of account {account}: it is gone"
        yield _difference(Problem.LEDGER_UNTRUE, detail, number)
        return
    differs = [key for key in stands if key in said and said[key] != stands[key]]
    if differs:
        what = ", ".join(sorted(differs))
        detail = f"entry {number} and the {kind} {action_id} of account {account} differ in {what}"
        yield _difference(Problem.LEDGER_UNTRUE, detail, number)


def _said(content: str) -> ledger.Content | None:
    try:
        return ledger.read(content)
    except msgspec.DecodeError:
        return None  # named by the check of the chain


# -- against the evidence --------------------------------------------------------------------------


def _against_reports(database: Database) -> Iterator[Difference]:
    """Compare the evidence of reports with the digests that entries froze of it."""
    for number, content in database.iterate(
        "SELECT number, content FROM ledger WHERE instr(content, '\"evidence\":') > 0 "
        "ORDER BY number"
    ):
        said = _said(content)
        frozen = said.about.get("evidence") if said is not None else None
        if not isinstance(frozen, dict):
            continue
        report = str(frozen.get("report"))
        number_of_report = int(report) if report.isdecimal() else -1
        stored = database.value("SELECT evidence FROM reports WHERE id = ?", (number_of_report,))
        if stored is None:
            detail = f"entry {number} rests on report {report}: it is gone"
            yield _difference(Problem.LEDGER_UNTRUE, detail, number)
        elif ledger.of_evidence(_evidence.decode(stored)) != frozen.get("statuses"):
            detail = f"the evidence of report {report} is not what entry {number} froze"
            yield _difference(Problem.LEDGER_UNTRUE, detail, number)


# -- mending ---------------------------------------------------------------------------------------


def append_lacking(database: Database, now: int) -> list[str]:
    """Append an entry for each action and lifting that the ledger says nothing of, marked as added
    by a repair; return what was done.
    """
    store = LedgerStoreWriter(database, lambda: now)
    lacking = [
        int(found.place)
        for found in _against_enforcement(database)
        if found.problem == Problem.LEDGER_LACKS and found.place is not None
    ]
    lines = []
    for action_id in dict.fromkeys(lacking):
        lines += _append(database, store, action_id)
    return lines


def _append(database: Database, store: LedgerStoreWriter, action_id: int) -> list[str]:
    row = database.row(f"SELECT {ACTION} FROM actions a WHERE a.id = ?", (action_id,))
    action = action_of(row)
    ended = database.row(
        f"SELECT {LIFTING} FROM liftings WHERE account = ? AND action = ?",
        (action.account, action_id),
    )
    wanted: list[tuple[LedgerKind, int | None, Told]] = [
        (LedgerKind.ACTION, action.moderator, of_action(action))
    ]
    if ended is not None:
        lifting = lifting_of(ended)
        wanted.append((LedgerKind.LIFTING, lifting.moderator, of_lifting(lifting, action)))
    told = {
        (entry.kind, entry.about.get("action")) for entry in store.iterate(account=action.account)
    }
    lines = []
    for kind, who, about in wanted:
        if (kind, str(action_id)) not in told:
            marked = {**about, "added_by_repair": True}
            number = store.append(kind, account=action.account, moderator=who, about=marked)
            lines.append(f"ledger: entry {number} added for the {kind} {action_id}, marked so")
    return lines
