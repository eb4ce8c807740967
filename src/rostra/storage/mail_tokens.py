"""What the links in mails are good for, and addresses that wait to be confirmed."""

from __future__ import annotations

from collections.abc import Callable

from rostra.domain.mail import MailPurpose, MailToken
from rostra.storage.database.sqlite import Database


class MailTokenStore:
    """The tokens as one connection sees them.

    Args:
        database: the connection.
        now: returns the time in ms, for what expires.
    """

    def __init__(self, database: Database, now: Callable[[], int]) -> None:
        self._database = database
        self._now = now

    def token(self, token_hash: bytes) -> MailToken | None:
        """Return an unexpired token."""
        row = self._database.row(
            "SELECT hash, account, purpose, email, expires_at FROM mail_tokens "
            "WHERE hash = ? AND expires_at > ?",
            (token_hash, self._now()),
        )
        return row and MailToken(
            hash=row[0],
            account=row[1],
            purpose=MailPurpose(row[2]),
            email=row[3],
            expires_at=row[4],
        )

    def wanted_email(self, account: int) -> str | None:
        """Return the address an account wants instead of its own, when it is not confirmed yet."""
        email: str | None = self._database.value(
            "SELECT email FROM email_changes WHERE account = ?", (account,)
        )
        return email


class MailTokenStoreWriter(MailTokenStore):
    """The tokens within a transaction."""

    def create(self, token: MailToken) -> None:
        """Hand out a token, and clear away those that expired."""
        self._database.run("DELETE FROM mail_tokens WHERE expires_at <= ?", (self._now(),))
        self._database.run(
            "INSERT INTO mail_tokens (account, purpose, hash, email, expires_at) "
            "VALUES (?, ?, ?, ?, ?)",
            (token.account, int(token.purpose), token.hash, token.email, token.expires_at),
        )

    def spend(self, account: int, purpose: MailPurpose) -> None:
        """Take back every token of an account for a purpose."""
        self._database.run(
            "DELETE FROM mail_tokens WHERE account = ? AND purpose = ?", (account, int(purpose))
        )

    def want_email(self, account: int, email: str, created_at: int) -> None:
        """Keep the address an account wants, in place of an earlier one."""
        self._database.run(
            "INSERT OR REPLACE INTO email_changes (account, email, created_at) VALUES (?, ?, ?)",
            (account, email, created_at),
        )

    def forget_email(self, account: int) -> None:
        """Forget the address an account wanted."""
        self._database.run("DELETE FROM email_changes WHERE account = ?", (account,))
