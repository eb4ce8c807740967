"""One-time passwords, recovery codes, passkeys, and what is in the middle of being proved."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from rostra.domain.factors import Challenge, ChallengePurpose, OneTime, Passkey
from rostra.storage.database.sqlite import Database

PASSKEY: Final = "account, id, name, public_key, sign_count, transports, created_at, used_at"

_transports = msgspec.json.Decoder(tuple[str, ...])


def _passkey(row: tuple[Any, ...]) -> Passkey:
    return Passkey(
        account=row[0],
        id=row[1],
        name=row[2],
        public_key=row[3],
        sign_count=row[4],
        transports=_transports.decode(row[5]),
        created_at=row[6],
        used_at=row[7],
    )


class FactorStore:
    """The second factors as one connection sees them.

    Args:
        database: the connection.
        now: returns the time in ms, for what expires.
    """

    def __init__(self, database: Database, now: Callable[[], int]) -> None:
        self._database = database
        self._now = now

    def one_time(self, account: int) -> OneTime | None:
        """Return the one-time passwords of an account, those not confirmed yet included."""
        row = self._database.row(
            "SELECT secret, last_step, enabled_at FROM one_time_secrets WHERE account = ?",
            (account,),
        )
        return row and OneTime(account=account, secret=row[0], last_step=row[1], enabled_at=row[2])

    def recovery_codes(self, account: int) -> set[bytes]:
        """Return the hashes of the recovery codes an account has left."""
        rows = self._database.rows("SELECT hash FROM recovery_codes WHERE account = ?", (account,))
        return {row[0] for row in rows}

    def passkeys(self, account: int) -> list[Passkey]:
        """Return the passkeys of an account, oldest first."""
        rows = self._database.rows(
            f"SELECT {PASSKEY} FROM passkeys WHERE account = ? ORDER BY created_at, id", (account,)
        )
        return [_passkey(row) for row in rows]

    def passkey(self, id_: bytes) -> Passkey | None:
        """Return a passkey by its id."""
        row = self._database.row(f"SELECT {PASSKEY} FROM passkeys WHERE id = ?", (id_,))
        return row and _passkey(row)

    def handle(self, account: int) -> bytes | None:
        """Return what the passkeys of an account know it by."""
        handle: bytes | None = self._database.value(
            "SELECT handle FROM passkey_owners WHERE account = ?", (account,)
        )
        return handle

    def challenge(self, hash_: bytes) -> Challenge | None:
        """Return something that was begun and has not expired."""
        row = self._database.row(
            "SELECT hash, purpose, account, expires_at FROM challenges "
            "WHERE hash = ? AND expires_at > ?",
            (hash_, self._now()),
        )
        return row and Challenge(
            hash=row[0], purpose=ChallengePurpose(row[1]), account=row[2], expires_at=row[3]
        )


class FactorStoreWriter(FactorStore):
    """The second factors within a transaction."""

    def put_one_time(self, one_time: OneTime) -> None:
        """Set the one-time passwords of an account."""
        self._database.run(
            "INSERT OR REPLACE INTO one_time_secrets (account, secret, last_step, enabled_at) "
            "VALUES (?, ?, ?, ?)",
            (one_time.account, one_time.secret, one_time.last_step, one_time.enabled_at),
        )

    def delete_one_time(self, account: int) -> None:
        """Forget the one-time passwords of an account."""
        self._database.run("DELETE FROM one_time_secrets WHERE account = ?", (account,))

    def set_recovery_codes(self, account: int, hashes: Iterable[bytes]) -> None:
        """Replace the recovery codes of an account."""
        self._database.run("DELETE FROM recovery_codes WHERE account = ?", (account,))
        self._database.run_many(
            "INSERT INTO recovery_codes (account, hash) VALUES (?, ?)",
            [(account, one) for one in hashes],
        )

    def spend_recovery_code(self, account: int, hash_: bytes) -> None:
        """Take a recovery code away, as it is good for one use."""
        self._database.run(
            "DELETE FROM recovery_codes WHERE account = ? AND hash = ?", (account, hash_)
        )

    def put_passkey(self, passkey: Passkey) -> None:
        """Add a passkey, or replace what is kept of it."""
        self._database.run(
            f"INSERT OR REPLACE INTO passkeys ({PASSKEY}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                passkey.account,
                passkey.id,
                passkey.name,
                passkey.public_key,
                passkey.sign_count,
                msgspec.json.encode(passkey.transports).decode(),
                passkey.created_at,
                passkey.used_at,
            ),
        )

    def delete_passkey(self, account: int, id_: bytes) -> None:
        """Forget a passkey of an account."""
        self._database.run("DELETE FROM passkeys WHERE account = ? AND id = ?", (account, id_))

    def put_handle(self, account: int, handle: bytes) -> None:
        """Set what the passkeys of an account know it by."""
        self._database.run(
            "INSERT INTO passkey_owners (account, handle) VALUES (?, ?)", (account, handle)
        )

    def begin(self, challenge: Challenge) -> None:
        """Keep something that was begun, and clear away what expired."""
        self._database.run("DELETE FROM challenges WHERE expires_at <= ?", (self._now(),))
        self._database.run(
            "INSERT INTO challenges (hash, purpose, account, expires_at) VALUES (?, ?, ?, ?)",
            (challenge.hash, int(challenge.purpose), challenge.account, challenge.expires_at),
        )

    def end(self, hash_: bytes) -> None:
        """Forget something that was begun."""
        self._database.run("DELETE FROM challenges WHERE hash = ?", (hash_,))

    def end_all(self, account: int) -> None:
        """Forget whatever was begun for an account."""
        self._database.run("DELETE FROM challenges WHERE account = ?", (account,))

    def forget(self, account: int) -> None:
        """Forget every factor of an account."""
        for table in (
            "one_time_secrets",
            "recovery_codes",
            "passkeys",
            "passkey_owners",
            "challenges",
        ):
            self._database.run(f"DELETE FROM {table} WHERE account = ?", (account,))
