"""Who may come in: applications, tokens, sessions, factors, mailed links, and tries at secrets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from msgspec import Struct

from rostra.domain.factors import Challenge, OneTime, Passkey
from rostra.domain.mail import MailPurpose, MailToken
from rostra.domain.throttle import Tries


class Application(Struct, frozen=True, kw_only=True):
    """An OAuth client. ``client_secret`` is the SHA-256 of the secret."""

    id: int
    client_id: str
    client_secret: bytes
    name: str
    website: str | None
    redirect_uris: tuple[str, ...]
    scopes: str
    created_at: int


class Token(Struct, frozen=True, kw_only=True):
    """An access token, known by its SHA-256; ``account`` None: the application itself.

    ``code`` is the SHA-256 of the authorization code it was exchanged for. A ``probe`` is one of
    the server's own, lent for minutes: nothing made for it is kept.
    """

    hash: bytes
    account: int | None
    application: int | None
    scopes: str
    created_at: int
    code: bytes | None = None
    probe: bool = False


class AuthorizationCode(Struct, frozen=True, kw_only=True):
    """A code waiting to be exchanged for a token (RFC 6749 §4.1, RFC 7636)."""

    hash: bytes
    account: int
    application: int
    redirect_uri: str
    scopes: str
    code_challenge: str | None
    expires_at: int
    used_at: int | None = None


class Session(Struct, frozen=True, kw_only=True):
    """A session of the pages, known by its SHA-256; times in ms."""

    hash: bytes
    account: int
    created_at: int
    expires_at: int
    user_agent: str
    address: str
    used_at: int


Counted = tuple[str, int]
"""A name and how many there are of it."""


class Access(Protocol):
    """OAuth applications, codes and tokens, and the sessions of the pages."""

    def application(self, application_id: int) -> Application | None:
        """Return an application by its id."""

    def application_by_client_id(self, client_id: str) -> Application | None:
        """Return an application by the name it presents."""

    def token(self, token_hash: bytes) -> Token | None:
        """Return the access token with a SHA-256."""

    def code(self, code_hash: bytes) -> AuthorizationCode | None:
        """Return the authorization code with a SHA-256, expired or not."""

    def session(self, session_hash: bytes) -> int | None:
        """Return the ordinal of the account whose unexpired session has a SHA-256."""

    def session_used_at(self, session_hash: bytes) -> int | None:
        """Return when a use of an unexpired session was last noted (ms)."""

    def sessions(self, account: int) -> list[Session]:
        """Return the unexpired sessions of an account."""

    def tokens(self, account: int) -> list[Token]:
        """Return the access tokens of an account, oldest first."""

    def service_account(self) -> int | None:
        """Return the account the server probes itself with (its ordinal), when it has been made."""

    def is_lent(self, account: int) -> bool:
        """Return whether there is a token, lent for a probe, of an account."""


class AccessWriter(Access, Protocol):
    """Changes to OAuth applications, codes, tokens and sessions."""

    def create_application(self, application: Application) -> None:
        """Register an application."""

    def create_token(self, token: Token) -> None:
        """Hand out an access token."""

    def revoke_token(self, token_hash: bytes) -> bool:
        """Take an access token back; return whether there was one."""

    def create_code(self, code: AuthorizationCode) -> None:
        """Hand out an authorization code, and clear away those that expired."""

    def use_code(self, code_hash: bytes, used_at: int) -> None:
        """Note that an authorization code was spent, as it is good for one exchange."""

    def revoke_code_tokens(self, code_hash: bytes) -> None:
        """Take back the tokens that a code was exchanged for."""

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
        """Begin a session of the pages; times in ms."""

    def touch_session(
        self, session_hash: bytes, used_at: int, *, user_agent: str, address: str
    ) -> None:
        """Note when a session was used, with what and from where."""

    def delete_session(self, session_hash: bytes) -> None:
        """End a session."""

    def revoke_all(self, account: int) -> None:
        """Take back every token and code of an account, and end its sessions."""

    def name_service_account(self, account: int) -> None:
        """Note which account the server probes itself with."""

    def lend(self, token_hash: bytes, account: int, scopes: str, expires_at: int) -> None:
        """Lend a token of an account for a probe, until a time (ms)."""

    def take_back(self, token_hashes: Iterable[bytes]) -> None:
        """Take back tokens that were lent for a probe."""

    def take_back_expired(self) -> int:
        """Take back the lent tokens whose time is over; return how many there were."""

    def take_back_all(self) -> int:
        """Take back every token that was lent for a probe; return how many there were."""


class MailTokens(Protocol):
    """What the links in mails are good for, by their SHA-256."""

    def token(self, token_hash: bytes) -> MailToken | None:
        """Return an unexpired token."""

    def wanted_email(self, account: int) -> str | None:
        """Return the address an account wants instead of its own, when it is not confirmed yet."""


class MailTokensWriter(MailTokens, Protocol):
    """Changes to what the links in mails are good for."""

    def create(self, token: MailToken) -> None:
        """Hand out a token, and clear away those that expired."""

    def spend(self, account: int, purpose: MailPurpose) -> None:
        """Take back every token of an account for a purpose."""

    def want_email(self, account: int, email: str, created_at: int) -> None:
        """Keep the address an account wants, in place of an earlier one."""

    def forget_email(self, account: int) -> None:
        """Forget the address an account wanted."""


class Factors(Protocol):
    """One-time passwords, recovery codes, passkeys, and what is in the middle of being proved."""

    def one_time(self, account: int) -> OneTime | None:
        """Return the one-time passwords of an account, those not confirmed yet included."""

    def recovery_codes(self, account: int) -> set[bytes]:
        """Return the hashes of the recovery codes an account has left."""

    def passkeys(self, account: int) -> list[Passkey]:
        """Return the passkeys of an account, oldest first."""

    def passkey(self, id_: bytes) -> Passkey | None:
        """Return a passkey by its id."""

    def handle(self, account: int) -> bytes | None:
        """Return what the passkeys of an account know it by."""

    def challenge(self, hash_: bytes) -> Challenge | None:
        """Return something that was begun and has not expired."""


class FactorsWriter(Factors, Protocol):
    """Changes to second factors."""

    def put_one_time(self, one_time: OneTime) -> None:
        """Set the one-time passwords of an account."""

    def delete_one_time(self, account: int) -> None:
        """Forget the one-time passwords of an account."""

    def set_recovery_codes(self, account: int, hashes: Iterable[bytes]) -> None:
        """Replace the recovery codes of an account."""

    def spend_recovery_code(self, account: int, hash_: bytes) -> None:
        """Take a recovery code away, as it is good for one use."""

    def put_passkey(self, passkey: Passkey) -> None:
        """Add a passkey, or replace what is kept of it."""

    def delete_passkey(self, account: int, id_: bytes) -> None:
        """Forget a passkey of an account."""

    def put_handle(self, account: int, handle: bytes) -> None:
        """Set what the passkeys of an account know it by."""

    def begin(self, challenge: Challenge) -> None:
        """Keep something that was begun, and clear away what expired."""

    def end(self, hash_: bytes) -> None:
        """Forget something that was begun."""

    def end_all(self, account: int) -> None:
        """Forget whatever was begun for an account."""

    def forget(self, account: int) -> None:
        """Forget every factor of an account."""


class TriesCount(Protocol):
    """How often secrets were tried, by the keys of ``services.authentication.throttling``."""

    def get(self, key: bytes) -> Tries:
        """Return how often the thing named by ``key`` was tried."""


class TriesCountWriter(TriesCount, Protocol):
    """Changes to how often secrets were tried."""

    def put(self, key: bytes, tries: Tries, forget_at: int) -> None:
        """Keep how often something was tried until ``forget_at`` (ms)."""

    def forget(self, key: bytes) -> None:
        """Forget how often something was tried."""
