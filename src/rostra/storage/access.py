"""OAuth applications, codes and tokens, and the sessions of the pages."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from rostra.domain.events import AnyEvent, EverythingReplaced, TokenChanged
from rostra.ports import Application, AuthorizationCode, Session, Token
from rostra.storage.database.sqlite import Database
from rostra.storage.rows import Announce, Cache

CACHED: Final = 50_000

APPLICATION: Final = (
    "id, client_id, client_secret, name, website, redirect_uris, scopes, created_at"
)
TOKEN: Final = "hash, account, application, scopes, created_at, code"
CODE: Final = "hash, account, application, redirect_uri, scopes, code_challenge, expires_at"
SESSION: Final = "hash, account, created_at, expires_at, user_agent, address, used_at"

_HANDED_OUT: Final = ("tokens", "authorization_codes", "web_sessions", "push_subscriptions")

_addresses = msgspec.json.Decoder(tuple[str, ...])


def wall_clock() -> int:
    """Return the time in ms since 1970."""
    return time.time_ns() // 1_000_000


def _token(row: tuple[Any, ...]) -> Token:
    return Token(
        hash=row[0],
        account=row[1],
        application=row[2],
        scopes=row[3],
        created_at=row[4],
        code=row[5],
    )


class AccessStore:
    """What was handed out to sign in with, as one connection sees it.

    Tokens read are kept until an event revokes them; applications for good: nothing changes one.

    Args:
        database: a connection whose every change reaches ``apply`` before the next read.
        now: returns the time in ms, for what expires.
    """

    def __init__(self, database: Database, now: Callable[[], int] = wall_clock) -> None:
        self._database = database
        self._now = now
        self._keeps = True
        self._forget()

    def _forget(self) -> None:
        self._tokens: Cache[bytes, Token] = Cache(CACHED)
        self._applications: Cache[int, Application] = Cache(1_000)

    def apply(self, event: AnyEvent) -> None:
        """Forget the tokens an event of the change feed revokes."""
        if isinstance(event, TokenChanged):
            if event.account is None:
                self._tokens.drop(event.hash)
            else:  # rare, and to look through all would take longer than to read some again
                self._tokens.clear()
        elif isinstance(event, EverythingReplaced):
            self._forget()

    def application(self, application_id: int) -> Application | None:
        """Return an application by its id."""
        found = self._applications.get(application_id) if self._keeps else None
        return found or self._application("id = ?", application_id)

    def application_by_client_id(self, client_id: str) -> Application | None:
        """Return an application by the name it presents."""
        return self._application("client_id = ?", client_id)

    def token(self, token_hash: bytes) -> Token | None:
        """Return the access token with a SHA-256."""
        token = self._tokens.get(token_hash) if self._keeps else None
        if token is not None:
            return token
        row = self._database.row(f"SELECT {TOKEN} FROM tokens WHERE hash = ?", (token_hash,))
        if row is None:
            return self._lent(token_hash)
        token = _token(row)
        if self._keeps:
            self._tokens.put(token_hash, token)
        return token

    def _lent(self, token_hash: bytes) -> Token | None:
        """Return a token lent for a probe. It is read each time, so its end needs no event."""
        row = self._database.row(
            "SELECT account, scopes FROM probe_tokens WHERE hash = ? AND expires_at > ?",
            (token_hash, self._now()),
        )
        return row and Token(
            hash=token_hash,
            account=row[0],
            application=None,
            scopes=row[1],
            created_at=self._now(),
            probe=True,
        )

    def service_account(self) -> int | None:
        """Return the account the server probes itself with, when it has been made."""
        account: int | None = self._database.value(
            "SELECT value FROM meta WHERE key = 'service_account'"
        )
        return account

    def is_lent(self, account: int) -> bool:
        """Return whether there is a token, lent for a probe, of an account."""
        row = self._database.row(
            "SELECT 1 FROM probe_tokens WHERE account = ? AND expires_at > ? LIMIT 1",
            (account, self._now()),
        )
        return row is not None

    def code(self, code_hash: bytes) -> AuthorizationCode | None:
        """Return the authorization code with a SHA-256, expired or not."""
        row = self._database.row(
            f"SELECT {CODE}, used_at FROM authorization_codes WHERE hash = ?", (code_hash,)
        )
        return row and AuthorizationCode(
            hash=row[0],
            account=row[1],
            application=row[2],
            redirect_uri=row[3],
            scopes=row[4],
            code_challenge=row[5],
            expires_at=row[6],
            used_at=row[7],
        )

    def tokens(self, account: int) -> list[Token]:
        """Return the access tokens of an account, oldest first."""
        rows = self._database.rows(
            f"SELECT {TOKEN} FROM tokens WHERE account = ? ORDER BY created_at", (account,)
        )
        return [_token(row) for row in rows]

    def session(self, session_hash: bytes) -> int | None:
        """Return the ordinal of the account whose unexpired session has a SHA-256."""
        account: int | None = self._database.value(
            "SELECT account FROM web_sessions WHERE hash = ? AND expires_at > ?",
            (session_hash, self._now()),
        )
        return account

    def session_used_at(self, session_hash: bytes) -> int | None:
        """Return when a use of an unexpired session was last noted (ms)."""
        used_at: int | None = self._database.value(
            "SELECT used_at FROM web_sessions WHERE hash = ? AND expires_at > ?",
            (session_hash, self._now()),
        )
        return used_at

    def sessions(self, account: int) -> list[Session]:
        """Return the unexpired sessions of an account."""
        rows = self._database.rows(
            f"SELECT {SESSION} FROM web_sessions WHERE account = ? AND expires_at > ?",
            (account, self._now()),
        )
        return [
            Session(
                hash=row[0],
                account=row[1],
                created_at=row[2],
                expires_at=row[3],
                user_agent=row[4],
                address=row[5],
                used_at=row[6],
            )
            for row in rows
        ]

    def _application(self, condition: str, param: Any) -> Application | None:
        row = self._database.row(
            f"SELECT {APPLICATION} FROM applications WHERE {condition}", (param,)
        )
        if row is None:
            return None
        application = Application(
            id=row[0],
            client_id=row[1],
            client_secret=row[2],
            name=row[3],
            website=row[4],
            redirect_uris=_addresses.decode(row[5]),
            scopes=row[6],
            created_at=row[7],
        )
        if self._keeps:
            self._applications.put(application.id, application)
        return application


class AccessStoreWriter(AccessStore):
    """What is handed out to sign in with, within a transaction. Nothing is kept here.

    Args:
        database: the connection that writes.
        announce: adds an event to the change feed entry of the transaction.
        now: returns the time in ms, for what expires.
    """

    def __init__(
        self, database: Database, announce: Announce, now: Callable[[], int] = wall_clock
    ) -> None:
        super().__init__(database, now)
        self._keeps = False
        self._announce = announce

    def create_application(self, application: Application) -> None:
        """Register an application."""
        self._database.run(
            f"INSERT INTO applications ({APPLICATION}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                application.id,
                application.client_id,
                application.client_secret,
                application.name,
                application.website,
                msgspec.json.encode(application.redirect_uris).decode(),
                application.scopes,
                application.created_at,
            ),
        )

    def create_token(self, token: Token) -> None:
        """Hand out an access token."""
        self._database.run(
            f"INSERT INTO tokens ({TOKEN}) VALUES (?, ?, ?, ?, ?, ?)",
            (
                token.hash,
                token.account,
                token.application,
                token.scopes,
                token.created_at,
                token.code,
            ),
        )

    def revoke_token(self, token_hash: bytes) -> bool:
        """Take an access token back; return whether there was one."""
        if not self._database.row("SELECT 1 FROM tokens WHERE hash = ?", (token_hash,)):
            return False
        self._database.run("DELETE FROM tokens WHERE hash = ?", (token_hash,))
        self._database.run("DELETE FROM push_subscriptions WHERE token = ?", (token_hash,))
        self._announce(TokenChanged(None, token_hash))
        return True

    def create_code(self, code: AuthorizationCode) -> None:
        """Hand out an authorization code, and clear away those that expired."""
        self._database.run("DELETE FROM authorization_codes WHERE expires_at <= ?", (self._now(),))
        self._database.run(
            f"INSERT INTO authorization_codes ({CODE}) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                code.hash,
                code.account,
                code.application,
                code.redirect_uri,
                code.scopes,
                code.code_challenge,
                code.expires_at,
            ),
        )

    def use_code(self, code_hash: bytes, used_at: int) -> None:
        """Note that an authorization code was spent, as it is good for one exchange."""
        self._database.run(
            "UPDATE authorization_codes SET used_at = ? WHERE hash = ?", (used_at, code_hash)
        )

    def revoke_code_tokens(self, code_hash: bytes) -> None:
        """Take back the tokens that a code was exchanged for."""
        rows = self._database.rows("SELECT hash FROM tokens WHERE code = ?", (code_hash,))
        for (token_hash,) in rows:
            self.revoke_token(token_hash)

    def create_session(
        self,
        session_hash: bytes,
        account: int,
        created_at: int,
        expires_at: int,
        *,
        user_agent: str = "",
        address: str = "",
    ) -> None:
        """Begin a session of the pages, and clear away those of the account that expired."""
        self._database.run(
            "DELETE FROM web_sessions WHERE account = ? AND expires_at <= ?", (account, self._now())
        )
        self._database.run(
            f"INSERT INTO web_sessions ({SESSION}) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (session_hash, account, created_at, expires_at, user_agent, address, created_at),
        )

    def touch_session(
        self, session_hash: bytes, used_at: int, *, user_agent: str, address: str
    ) -> None:
        """Note when a session was used, with what and from where."""
        self._database.run(
            "UPDATE web_sessions SET used_at = ?, user_agent = ?, address = ? WHERE hash = ?",
            (used_at, user_agent, address, session_hash),
        )

    def delete_session(self, session_hash: bytes) -> None:
        """End a session."""
        self._database.run("DELETE FROM web_sessions WHERE hash = ?", (session_hash,))
        self._announce(TokenChanged(None, session_hash))

    def revoke_all(self, account: int) -> None:
        """Take back every token and code of an account, and end its sessions."""
        for table in (*_HANDED_OUT, "probe_tokens"):
            self._database.run(f"DELETE FROM {table} WHERE account = ?", (account,))
        self._announce(TokenChanged(account))

    def name_service_account(self, account: int) -> None:
        """Note which account the server probes itself with."""
        self._database.run(
            "INSERT INTO meta (key, value) VALUES ('service_account', ?) "
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (account,),
        )

    def lend(self, token_hash: bytes, account: int, scopes: str, expires_at: int) -> None:
        """Lend a token of an account for a probe, until a time (ms)."""
        self._database.run(
            "INSERT INTO probe_tokens (account, hash, scopes, expires_at) VALUES (?, ?, ?, ?)",
            (account, token_hash, scopes, expires_at),
        )

    def take_back(self, token_hashes: Iterable[bytes]) -> None:
        """Take back tokens that were lent for a probe."""
        self._database.run_many(
            "DELETE FROM probe_tokens WHERE hash = ?", [(each,) for each in token_hashes]
        )

    def take_back_expired(self) -> int:
        """Take back the lent tokens whose time is over; return how many there were."""
        self._database.run("DELETE FROM probe_tokens WHERE expires_at <= ?", (self._now(),))
        return self._database.changes

    def take_back_all(self) -> int:
        """Take back every token that was lent for a probe; return how many there were."""
        self._database.run("DELETE FROM probe_tokens")
        return self._database.changes
