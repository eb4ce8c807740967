"""Enforcement: the append-only record of actions and liftings, and the sets that follow it.

Whatever is recorded here is appended to the ledger in the same call, so that no caller can forget.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from rostra.domain.account_set import SERVER, MemberSetsWriter, SetKey, SetKind
from rostra.domain.enforcement import (
    Action,
    ActionKind,
    Lifting,
    LiftReason,
    Record,
    fold,
    in_force,
)
from rostra.domain.errors import Conflict, NotFound
from rostra.domain.events import ActionTaken
from rostra.domain.ids import snowflake
from rostra.domain.ledger import LedgerKind, of_action, of_lifting
from rostra.storage.database.sqlite import Database, Params
from rostra.storage.ledger import LedgerStoreWriter
from rostra.storage.rows import Announce, chunked

ACTION: Final = (
    "a.id, a.account, a.kind, a.ground, a.moderator, a.taken_at, a.starts_at, a.until, a.text, "
    "a.restores"
)
LIFTING: Final = "action, account, reason, moderator, lifted_at"
NOT_LIFTED: Final = (
    "NOT EXISTS (SELECT 1 FROM liftings l WHERE l.account = a.account AND l.action = a.id)"
)

_SETS: Final = tuple(
    (SetKey(SERVER, kind), name)
    for kind, name in (
        (SetKind.SUSPENDED, "suspended"),
        (SetKind.LIMITED, "limited"),
        (SetKind.FROZEN, "frozen"),
        (SetKind.SENSITIVE, "sensitive"),
        (SetKind.DELETED, "deleted"),
    )
)
"""The server's sets, and which part of a state each says."""


def action_of(row: tuple[Any, ...]) -> Action:
    return Action(
        id=row[0],
        account=row[1],
        kind=ActionKind(row[2]),
        ground=row[3],
        moderator=row[4],
        taken_at=row[5],
        starts_at=row[6],
        until=row[7],
        text=row[8],
        restores=row[9],
    )


def lifting_of(row: tuple[Any, ...]) -> Lifting:
    return Lifting(
        action=row[0],
        account=row[1],
        reason=LiftReason(row[2]),
        moderator=row[3],
        lifted_at=row[4],
    )


class EnforcementStore:
    """The record of enforcement as one connection sees it.

    Args:
        database: the connection.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_account(self, account: int) -> Record:
        """Return the actions ever taken against an account, oldest first, and their liftings."""
        actions = self._actions("a.account = ? ORDER BY a.id", (account,))
        liftings = self._database.rows(
            f"SELECT {LIFTING} FROM liftings WHERE account = ? ORDER BY action", (account,)
        )
        return actions, [lifting_of(row) for row in liftings]

    def of_accounts(self, accounts: Sequence[int]) -> dict[int, Record]:
        """Return the same of many accounts, those alone that there are actions against."""
        found: dict[int, Record] = {}
        for holes, lot in chunked(accounts):
            for action in self._actions(f"a.account IN ({holes}) ORDER BY a.account, a.id", lot):
                found.setdefault(action.account, ([], []))[0].append(action)
            for row in self._database.rows(
                f"SELECT {LIFTING} FROM liftings WHERE account IN ({holes}) "
                "ORDER BY account, action",
                lot,
            ):
                found[row[1]][1].append(lifting_of(row))
        return found

    def recent(self, *, limit: int, max_id: int | None = None) -> list[Action]:
        """Return actions against anybody, newest first, those below ``max_id`` only."""
        condition, params = ("1 = 1", ()) if max_id is None else ("a.id < ?", (max_id,))
        return self._actions(f"{condition} ORDER BY a.id DESC LIMIT ?", (*params, limit))

    def pending_expiry(self, now: int) -> list[Action]:
        """Return the actions whose time was over at ``now`` (ms), their end not recorded yet."""
        over = self._actions(f"a.until IS NOT NULL AND a.until <= ? AND {NOT_LIFTED}", (now,))
        # Sorted here: ordered by id, SQLite would read every action there ever was instead.
        return sorted(over, key=lambda action: action.id)

    def timed(self) -> list[int]:
        """Return the accounts under actions that the clock begins or ends and that are not lifted.

        For these the server's sets hold the fold as of the last record, not as of now.
        """
        rows = self._database.rows(
            "SELECT DISTINCT a.account FROM actions a "
            f"WHERE (a.until IS NOT NULL OR a.starts_at > a.taken_at) AND {NOT_LIFTED} "
            "ORDER BY a.account"
        )
        return [row[0] for row in rows]

    def veiled(self, follower: int, author: int, at: int) -> bool:
        """Return whether followers-only statuses of ``author`` made at ``at`` (ms) stay hidden from
        ``follower``.
        """
        found = self._database.value(
            "SELECT 1 FROM veils WHERE follower = ? AND author = ? AND since <= ? AND until > ?",
            (follower, author, at, at),
        )
        return found is not None

    def returned(self, since: int, now: int) -> dict[int, int]:
        """Return whose suspension ended from ``since`` to ``now`` (ms), and when it last did."""
        suspend = int(ActionKind.SUSPEND)
        rows = self._database.rows(
            "SELECT account, MAX(ended) FROM ("
            "SELECT l.account, l.lifted_at AS ended FROM liftings l JOIN actions a "
            "ON a.account = l.account AND a.id = l.action WHERE l.lifted_at >= ?1 AND a.kind = ?2"
            " UNION ALL SELECT a.account, a.until FROM actions a "
            f"WHERE a.until BETWEEN ?1 AND ?3 AND a.kind = ?2 AND {NOT_LIFTED}"
            ") GROUP BY account",
            (since, suspend, now),
        )
        return dict(rows)

    def touched_since(self, since: int) -> set[int]:
        """Return whose state something taken, lifted, begun or over from ``since`` (ms) on may have
        changed; more than those may be among them.
        """
        rows = self._database.rows(
            "SELECT account FROM actions WHERE id >= ?1 UNION "
            "SELECT account FROM liftings WHERE lifted_at >= ?2 UNION "
            "SELECT account FROM actions WHERE (until IS NOT NULL OR starts_at > taken_at) "
            "AND (until >= ?2 OR starts_at >= ?2)",
            (snowflake(since), since),
        )
        return {row[0] for row in rows}

    def _actions(self, condition: str, params: Params) -> list[Action]:
        rows = self._database.rows(f"SELECT {ACTION} FROM actions a WHERE {condition}", params)
        return [action_of(row) for row in rows]


class EnforcementStoreWriter(EnforcementStore):
    """Appends to the record within a transaction, and keeps the server's sets equal to the fold.

    Args:
        database: the connection that writes.
        announce: adds an event to the change feed entry of the transaction.
        sets: the account sets of the transaction.
        now: returns the time of the transaction in ms.
    """

    def __init__(
        self,
        database: Database,
        announce: Announce,
        sets: MemberSetsWriter,
        now: Callable[[], int],
    ) -> None:
        super().__init__(database)
        self._announce = announce
        self._sets = sets
        self._now = now
        self._ledger = LedgerStoreWriter(database, now)

    def take(
        self,
        action: Action,
        *,
        about: Mapping[str, object] | None = None,
        record: Record | None = None,
    ) -> Record:
        """Record an action, in the ledger too, and return the account's record with it.

        Args:
            action: what is done.
            about: what its entry in the ledger tells besides.
            record: the account's record so far, when this transaction has read it.
        """
        actions, liftings = record or self.of_account(action.account)
        self._database.run(
            "INSERT INTO actions "
            "(id, account, kind, ground, moderator, taken_at, starts_at, until, text, restores) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                action.id,
                action.account,
                int(action.kind),
                action.ground,
                action.moderator,
                action.taken_at,
                action.starts_at,
                action.until,
                action.text,
                action.restores,
            ),
        )
        self._ledger.append(
            LedgerKind.ACTION,
            account=action.account,
            moderator=action.moderator,
            about={**(about or {}), **of_action(action)},
        )
        return self._settled(action.account, ([*actions, action], liftings))

    def lift(
        self,
        lifting: Lifting,
        *,
        about: Mapping[str, object] | None = None,
        record: Record | None = None,
    ) -> Record:
        """Record the end of an action, in the ledger too, and return the account's record with it.

        Args:
            lifting: what ends which action.
            about: what its entry in the ledger tells besides.
            record: the account's record so far, when this transaction has read it.

        Raises:
            NotFound: the account has no such action.
            Conflict: the action was lifted before.
        """
        actions, liftings = record or self.of_account(lifting.account)
        lifted = next((one for one in actions if one.id == lifting.action), None)
        if lifted is None:
            raise NotFound
        if any(one.action == lifting.action for one in liftings):
            raise Conflict("This action was lifted before; reload to see what is in force now")
        self._database.run(
            f"INSERT INTO liftings ({LIFTING}) VALUES (?, ?, ?, ?, ?)",
            (
                lifting.action,
                lifting.account,
                str(lifting.reason),
                lifting.moderator,
                lifting.lifted_at,
            ),
        )
        self._ledger.append(
            LedgerKind.LIFTING,
            account=lifting.account,
            moderator=lifting.moderator,
            about={**(about or {}), **of_lifting(lifting, lifted)},
        )
        return self._settled(
            lifting.account, (actions, sorted([*liftings, lifting], key=lambda one: one.action))
        )

    def settle(self, account: int) -> None:
        """Make the server's sets say of an account what is in force at the transaction's time."""
        self._settled(account, self.of_account(account))

    def _settled(self, account: int, record: Record) -> Record:
        state = fold(in_force(*record, self._now()))
        for key, name in _SETS:
            if getattr(state, name):
                self._sets.add(key, account)
            else:
                self._sets.remove(key, account)
        self._announce(ActionTaken(account))
        return record

    def veil(self, follower: int, author: int, since: int, until: int) -> None:
        """Hide from ``follower`` for good the followers-only statuses of ``author`` made from
        ``since`` to before ``until`` (ms).
        """
        self._database.run(
            "INSERT INTO veils (follower, author, since, until) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (follower, author, since) DO UPDATE SET until = excluded.until "
            "WHERE excluded.until > veils.until",
            (follower, author, since, until),
        )

    def prolong_veils(self, follower: int, since: int, until: int) -> None:
        """Let what ``veil`` hid from ``follower`` from ``since`` on be hidden to ``until`` (ms)."""
        self._database.run(
            "UPDATE veils SET until = ?3 WHERE follower = ?1 AND since = ?2 AND until < ?3",
            (follower, since, until),
        )
