"""Accounts, the credentials behind them, and the options one account keeps about another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

import msgspec
from pyroaring import BitMap

from rostra.domain.accounts import Account, Credentials
from rostra.domain.events import (
    AccountChanged,
    AnyEvent,
    EverythingReplaced,
    NotificationsChanged,
    OptionsChanged,
)
from rostra.domain.relationships import FollowOptions, Kept, MuteOptions
from rostra.storage.account_rows import COLUMNS, INSERT, UPDATE, decode, encode_row
from rostra.storage.database.sqlite import Database, Params
from rostra.storage.rows import CHUNK, Announce, Cache, chunked, escape_like, marks

T = TypeVar("T")

CACHED: Final = 50_000

_encode = msgspec.json.encode
_follow = msgspec.json.Decoder(FollowOptions)
_mute = msgspec.json.Decoder(MuteOptions)


class AccountStore:
    """Accounts as one connection sees them; rows read are kept until an event names them.

    Args:
        database: a connection whose every change reaches ``apply`` before the next read.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: Cache[int, Account] | None = Cache(CACHED)
        self._ordinals_by_id: Cache[int, int] = Cache(CACHED)
        self._ordinals_by_name: Cache[str, int] = Cache(CACHED)
        self._all: BitMap | None = None

    def apply(self, event: AnyEvent) -> None:
        """Forget what an event of the change feed says is no longer so."""
        if isinstance(event, AccountChanged):
            if self._kept is not None:
                self._kept.drop(event.ordinal)
            if self._all is not None:
                self._all.add(event.ordinal)
        elif isinstance(event, EverythingReplaced):
            if self._kept is not None:
                self._kept.clear()
            self._all = None

    def get(self, ordinal: int) -> Account | None:
        """Return an account by its ordinal."""
        if self._kept is not None and (account := self._kept.get(ordinal)) is not None:
            return account
        return self._one("ordinal = ?", ordinal)

    def many(self, ordinals: Iterable[int]) -> dict[int, Account]:
        """Return the accounts there are of ``ordinals``, in their order."""
        wanted = dict.fromkeys(ordinals)
        found: dict[int, Account] = {}
        missing = []
        for ordinal in wanted:
            account = None if self._kept is None else self._kept.get(ordinal)
            if account is None:
                missing.append(ordinal)
            else:
                found[ordinal] = account
        if not missing:
            return found
        for holes, lot in chunked(missing):
            for account in self._query(f"ordinal IN ({holes})", lot):
                found[account.ordinal] = account
        return {ordinal: found[ordinal] for ordinal in wanted if ordinal in found}

    def by_id(self, account_id: int) -> Account | None:
        """Return an account by its public id."""
        ordinal = self._ordinals_by_id.get(account_id)
        if ordinal is not None:
            return self.get(ordinal)
        return self._one("id = ?", account_id)

    def by_username(self, username: str) -> Account | None:
        """Return an account by its name, in whatever case that is written."""
        key = username.lower()
        ordinal = self._ordinals_by_name.get(key)
        if ordinal is not None and (account := self.get(ordinal)) is not None:
            if account.username.lower() == key:
                return account
            self._ordinals_by_name.drop(key)
        return self._one("username_key = ?", key)

    def search(self, prefix: str, *, limit: int, offset: int = 0) -> list[Account]:
        """Return accounts whose name begins with ``prefix``, then those that have it anywhere in
        their name or display name; an empty prefix finds nobody.
        """
        key = prefix.lower()
        if not key or limit <= 0:
            return []
        span = (key, key + "\U0010ffff")
        begins = "username_key >= ? AND username_key < ?"
        found = self._query(
            f"{begins} ORDER BY username_key LIMIT ? OFFSET ?", (*span, limit, offset)
        )
        if len(found) == limit:
            return found
        before = self._database.value(f"SELECT COUNT(*) FROM accounts WHERE {begins}", span)
        # LOWER knows ASCII letters only in SQLite, so the text is also sought as it was typed.
        lowered, typed = (f"%{escape_like(text)}%" for text in (key, prefix))
        return found + self._query(
            f"NOT ({begins}) AND (username_key LIKE ? ESCAPE '\\' "
            "OR LOWER(display_name) LIKE ? ESCAPE '\\' OR display_name LIKE ? ESCAPE '\\') "
            "ORDER BY ordinal LIMIT ? OFFSET ?",
            (*span, lowered, lowered, typed, limit - len(found), max(0, offset - before)),
        )

    def page(
        self,
        *,
        limit: int,
        max_id: int | None = None,
        min_id: int | None = None,
        staff: bool = False,
    ) -> list[Account]:
        """Return accounts in order of id, newest first.

        Args:
            limit: how many at most.
            max_id: only those below this id.
            min_id: only those above this id, the nearest to it.
            staff: only moderators and owners.
        """
        conditions, params = ["role > 0" if staff else "id > 0"], []
        if max_id is not None:
            conditions.append("id < ?")
            params.append(max_id)
        if min_id is not None:
            conditions.append("id > ?")
            params.append(min_id)
        order = "DESC" if min_id is None else "ASC"
        found = self._query(
            f"{' AND '.join(conditions)} ORDER BY id {order} LIMIT ?", (*params, limit)
        )
        return found if min_id is None else found[::-1]

    def count(self) -> int:
        """Return how many accounts there are, hidden ones included."""
        if self._kept is None:
            return int(self._database.value("SELECT COUNT(*) FROM accounts"))
        if self._all is None:
            rows = self._database.iterate("SELECT ordinal FROM accounts")
            self._all = BitMap([row[0] for row in rows])
        return len(self._all)

    def first_since(self, low: int) -> int | None:
        """Return the ordinal of the first account with an id from ``low`` on."""
        found = self._database.value(
            "SELECT ordinal FROM accounts WHERE id >= ? ORDER BY id LIMIT 1", (low,)
        )
        return None if found is None else int(found)

    def created_between(self, low: int, high: int) -> int:
        """Return how many accounts have ids from ``low`` to before ``high``."""
        return int(
            self._database.value(
                "SELECT COUNT(*) FROM accounts WHERE id >= ? AND id < ?", (low, high)
            )
        )

    def credentials(self, ordinal: int) -> Credentials | None:
        """Return how an account signs in."""
        return self._credentials("ordinal = ?", ordinal)

    def credentials_by_email(self, email: str) -> Credentials | None:
        """Return how the account with an e-mail address, in whatever case, signs in."""
        return self._credentials("email = ?", email.lower())

    def follow_options(self, account: int, targets: Sequence[int]) -> dict[int, FollowOptions]:
        """Return how ``account`` follows ``targets``, where that is not the default."""
        return self._options("follow", FollowOptions, account, targets)

    def options_toward(self, target: int, accounts: Sequence[int]) -> dict[int, FollowOptions]:
        """Return how ``accounts`` follow ``target``, where that is not the default."""
        found: dict[int, FollowOptions] = {}
        for holes, lot in chunked(accounts):
            rows = self._database.rows(
                "SELECT account, follow FROM relationship_options "
                f"WHERE target = ? AND follow IS NOT NULL AND account IN ({holes})",
                (target, *lot),
            )
            found.update((account, _follow.decode(follow)) for account, follow in rows)
        return found

    def mute_options(self, account: int, targets: Sequence[int]) -> dict[int, MuteOptions]:
        """Return how ``account`` mutes ``targets``, where that is not the default."""
        return self._options("mute", MuteOptions, account, targets)

    def ordinals(self, usernames: Iterable[str]) -> dict[str, int]:
        """Return the ordinals of accounts by their names; names nobody has are left out."""
        keys: dict[str, list[str]] = {}
        for name in usernames:
            keys.setdefault(name.lower(), []).append(name)
        wanted = list(keys)
        found: dict[str, int] = {}
        for start in range(0, len(wanted), CHUNK):
            lot = tuple(wanted[start : start + CHUNK])
            for key, ordinal in self._database.rows(
                f"SELECT username_key, ordinal FROM accounts WHERE username_key IN ({marks(lot)})",
                lot,
            ):
                found.update(dict.fromkeys(keys[key], ordinal))
        return found

    def ids_between(self, low: int, high: int) -> set[int]:
        """Return the ids of accounts from ``low`` to before ``high``."""
        return {
            row[0]
            for row in self._database.iterate(
                "SELECT id FROM accounts WHERE id >= ? AND id < ?", (low, high)
            )
        }

    def kept(self, account: int, targets: Sequence[int]) -> dict[int, Kept]:
        """Return what ``account`` keeps about ``targets``, where any of it is not the default."""
        return {
            target: Kept(
                follow=_follow.decode(follow) if follow else FollowOptions(),
                mute=_mute.decode(mute) if mute else MuteOptions(),
                note=note,
            )
            for target, follow, mute, note in self._about("follow, mute, note", account, targets)
        }

    def bells(self, author: int, *, above: int, limit: int) -> list[int]:
        """Return who wants to be told of each status of ``author``, in order of ordinal.

        Args:
            author: the followed.
            above: only ordinals above this one.
            limit: how many at most.
        """
        rows = self._database.rows(
            "SELECT account FROM relationship_options WHERE target = ? AND account > ? "
            "AND follow IS NOT NULL AND follow LIKE '%\"notify\":true%' ORDER BY account LIMIT ?",
            (author, above, limit),
        )
        return [row[0] for row in rows]

    def next_ordinal(self) -> int:
        """Return the lowest ordinal not given out yet; the first is 1, as 0 names the server."""
        value = self._database.value("SELECT value FROM meta WHERE key = 'next_ordinal'")
        return 1 if value is None else int(value)

    def _one(self, condition: str, param: Any) -> Account | None:
        found = self._query(condition, (param,))
        return found[0] if found else None

    def _query(self, condition: str, params: Params) -> list[Account]:
        rows = self._database.rows(f"SELECT {COLUMNS} FROM accounts WHERE {condition}", params)
        accounts = [decode(row) for row in rows]
        if self._kept is not None:
            for account in accounts:
                self._kept.put(account.ordinal, account)
                self._ordinals_by_id.put(account.id, account.ordinal)
                self._ordinals_by_name.put(account.username.lower(), account.ordinal)
        return accounts

    def _credentials(self, condition: str, param: Any) -> Credentials | None:
        row = self._database.row(
            f"SELECT ordinal, email, password_hash FROM credentials WHERE {condition}", (param,)
        )
        return row and Credentials(ordinal=row[0], email=row[1], password_hash=row[2])

    def _options(
        self, column: str, kind: type[T], account: int, targets: Sequence[int]
    ) -> dict[int, T]:
        return {
            target: msgspec.json.decode(options, type=kind)
            for target, options in self._about(column, account, targets)
            if options is not None
        }

    def _about(self, column: str, account: int, targets: Sequence[int]) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = []
        for holes, lot in chunked(targets):
            found += self._database.rows(
                f"SELECT target, {column} FROM relationship_options "
                f"WHERE account = ? AND target IN ({holes})",
                (account, *lot),
            )
        return found


class AccountStoreWriter(AccountStore):
    """Accounts within a transaction. Nothing is kept here: another process may have written last.

    Args:
        database: the connection that writes.
        announce: adds an event to the change feed entry of the transaction.
    """

    def __init__(self, database: Database, announce: Announce) -> None:
        super().__init__(database)
        self._kept = None
        self._announce = announce
        self.quietly: Callable[[Sequence[Account]], None] = lambda accounts: None
        """Told of accounts whose coming no event announces."""

    def create(self, account: Account) -> None:
        """Add an account with an ordinal from ``reserve_ordinals`` and a name nobody has."""
        self.create_many([account])

    def create_many(self, accounts: Sequence[Account], *, announce: bool = True) -> None:
        """Add accounts; without ``announce`` the caller announces that everything was replaced."""
        self._database.run_many(INSERT, (encode_row(account) for account in accounts))
        if announce:
            for account in accounts:
                self._announce(AccountChanged(account.ordinal))
        else:
            self.quietly(accounts)

    def update(self, account: Account) -> None:
        """Replace what is stored of an account."""
        ordinal, *values = encode_row(account)
        self._database.run(UPDATE, (*values, ordinal))
        self._announce(AccountChanged(account.ordinal))

    def set_credentials(self, credentials: Credentials) -> None:
        """Set how an account signs in; the address is kept in lower case."""
        self._database.run(
            "INSERT INTO credentials (ordinal, email, password_hash) VALUES (?, ?, ?) "
            "ON CONFLICT (ordinal) DO UPDATE "
            "SET email = excluded.email, password_hash = excluded.password_hash",
            (credentials.ordinal, credentials.email.lower(), credentials.password_hash),
        )
        self._announce(AccountChanged(credentials.ordinal))

    def remove_credentials(self, account: int) -> None:
        """Forget how an account signs in."""
        self._database.run("DELETE FROM credentials WHERE ordinal = ?", (account,))
        self._announce(AccountChanged(account))

    def reserve_ordinals(self, count: int) -> int:
        """Take ``count`` ordinals that follow each other, and return the first."""
        first = self.next_ordinal()
        self._database.run(
            "INSERT INTO meta (key, value) VALUES ('next_ordinal', ?) "
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (first + count,),
        )
        return first

    def set_follow_options(self, account: int, target: int, options: FollowOptions | None) -> None:
        """Set how ``account`` follows ``target``; None or the default forgets it."""
        plain = options is None or options == FollowOptions()
        self._set_about("follow", account, target, None if plain else _encode(options).decode())
        self._announce(OptionsChanged(account))

    def set_mute_options(self, account: int, target: int, options: MuteOptions | None) -> None:
        """Set how ``account`` mutes ``target``; None or the default forgets it."""
        plain = options is None or options == MuteOptions()
        self._set_about("mute", account, target, None if plain else _encode(options).decode())
        self._announce(NotificationsChanged(account))

    def set_note(self, account: int, target: int, note: str) -> None:
        """Set the private note of ``account`` on ``target``; an empty one forgets it."""
        self._set_about("note", account, target, note)

    def _set_about(self, column: str, account: int, target: int, value: str | None) -> None:
        self._database.run(
            f"INSERT INTO relationship_options (account, target, {column}) VALUES (?, ?, ?) "
            f"ON CONFLICT (account, target) DO UPDATE SET {column} = excluded.{column}",
            (account, target, value),
        )
        if not value:
            self._database.run(
                "DELETE FROM relationship_options WHERE account = ? AND target = ? "
                "AND follow IS NULL AND mute IS NULL AND note = ''",
                (account, target),
            )
