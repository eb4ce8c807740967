"""Accounts: opening, profiles, finding and deleting them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from rostra.domain.account_set import SERVER, SetKey, SetKind
from rostra.domain.accounts import (
    MAX_DISPLAY_NAME,
    MAX_FIELD,
    MAX_FIELDS,
    MAX_NOTE,
    Account,
    Credentials,
    Field,
    Role,
    check_username,
    local_name,
)
from rostra.domain.errors import Invalid, NotFound, Told, told
from rostra.domain.ids import snowflake
from rostra.domain.statuses import QuotePolicy, Visibility
from rostra.domain.text import exceeds, outgrows
from rostra.ports import Context, Snapshot, Transaction
from rostra.services import text
from rostra.services.authentication import passwords
from rostra.services.discovery.account_search import accounts as search
from rostra.services.membership.account_deletion import delete_account, purge_edges
from rostra.services.social_graph import relationships

__all__ = [
    "delete_account",
    "lookup",
    "purge_edges",
    "register",
    "search",
    "show",
    "update_profile",
]

EMAIL: Final = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f.]+(\.[^@\s\x00-\x1f.]+)*\Z")
MAX_EMAIL: Final = 254

# -- signing up ------------------------------------------------------------------------------------


async def register(
    ctx: Context,
    *,
    username: str,
    email: str,
    password: str,
    role: Role = Role.USER,
    locked: bool = False,
    display_name: str = "",
    created_at: int | None = None,
) -> Account:
    """Create an account that can sign in.

    Args:
        ctx: the ports.
        username: the handle, 1 to 30 letters, digits and underscores.
        email: where the person can be reached.
        password: at least 8 characters; only an argon2id hash of it is stored.
        role: what the account may do.
        locked: whether followers must ask.
        display_name: the name shown.
        created_at: ms since 1970; now when not given.

    Raises:
        Invalid: a name, address or password breaks a rule or is taken, in Mastodon's words.
    """
    check_username(username)
    _check_email(email)
    passwords.check(password)
    display_name = _checked_name(display_name)
    hashed = await passwords.hashed(password)

    def change(tx: Transaction) -> Account:
        if tx.accounts.by_username(username) is not None:
            raise Invalid("Validation failed: Username has already been taken")
        if tx.accounts.credentials_by_email(email) is not None:
            raise Invalid("Validation failed: Email has already been taken")
        ordinal = tx.accounts.reserve_ordinals(1)
        account = Account(
            ordinal=ordinal,
            id=_new_id(tx, created_at, ordinal),
            username=username,
            created_at=tx.now if created_at is None else created_at,
            display_name=display_name,
            locked=locked,
            role=role,
        )
        tx.accounts.create(account)
        tx.accounts.set_credentials(Credentials(ordinal=ordinal, email=email, password_hash=hashed))
        if locked:
            tx.sets.add(SetKey(SERVER, SetKind.LOCKED), ordinal)
        return account

    return await ctx.store.write(change)


def _new_id(tx: Transaction, created_at: int | None, ordinal: int) -> int:
    if created_at is None:
        return tx.next_id()
    id_ = snowflake(created_at, ordinal & 0xFFFF)
    while tx.accounts.by_id(id_) is not None:
        id_ += 1
    return id_


def _check_email(email: str) -> None:
    if len(email) > MAX_EMAIL or not EMAIL.match(email):
        raise Invalid("Validation failed: Email must be a valid e-mail address")


# -- profiles --------------------------------------------------------------------------------------


async def update_profile(ctx: Context, *, actor: int, **changes: Any) -> Account:
    """Change the actor's profile, and return it.

    Args:
        ctx: the ports.
        actor: whose profile.
        changes: what to change, None leaving a thing as it is: ``display_name``, ``note``,
            ``locked``, ``bot``, ``discoverable``, ``indexable``, ``hide_collections``, ``avatar``,
            ``header``, ``fields`` (``Field``s or pairs of name and value), ``source_privacy`` (a
            ``Visibility`` or its label), ``source_sensitive``, ``source_language``. Unlocking
            accepts the requests that wait, as Mastodon does.

    Raises:
        Invalid: a value breaks a rule.
        Forbidden: the actor may not act.
    """
    asked = _checked({name: value for name, value in changes.items() if value is not None})

    def change(tx: Transaction) -> Account:
        tx.gate.require_may_act(actor)
        before = tx.accounts.get(actor)
        if before is None:
            raise NotFound
        after = msgspec.structs.replace(before, **asked)
        if after == before:
            return before
        tx.accounts.update(after)
        if after.locked != before.locked:
            _set_locked(tx, after)
        return after

    return await ctx.store.write(change)


def _set_locked(tx: Transaction, account: Account) -> None:
    key = SetKey(SERVER, SetKind.LOCKED)
    if account.locked:
        tx.sets.add(key, account.ordinal)
    else:
        tx.sets.remove(key, account.ordinal)
        relationships.accept_waiting(tx, account.ordinal)


_PLAIN: Final = frozenset(
    ("locked", "bot", "discoverable", "indexable", "hide_collections", "avatar", "header")
)
_SOURCE: Final = {
    "source_privacy": "default_visibility",
    "source_sensitive": "default_sensitive",
    "source_language": "default_language",
    "source_quote_policy": "default_quote_policy",
}


def _checked(changes: dict[str, Any]) -> dict[str, Any]:
    asked: dict[str, Any] = {}
    for name, value in changes.items():
        if name in _PLAIN:
            asked[name] = value
        elif name == "display_name":
            asked[name] = _checked_name(value)
        elif name == "note":
            asked[name] = value
            _check_note(value)
        elif name == "fields":
            asked[name] = _checked_fields(value)
        elif name in _SOURCE:
            asked[_SOURCE[name]] = _checked_source(name, value)
        else:
            raise TypeError(f"a profile has no {name}")
    return asked


def _checked_name(name: str) -> str:
    """Return a display name; one that nobody could see is none, and the handle is shown instead."""
    name = name.strip()
    _check_length(told("Display name"), name, MAX_DISPLAY_NAME)
    return name if any(unicodedata.category(one)[0] not in "CZ" for one in name) else ""


def _check_length(label: Told, value: str, limit: int) -> None:
    if exceeds(value, limit):
        raise Invalid(
            "Validation failed: %(field)s is too long (maximum is %(num)s characters)",
            field=label,
            num=limit,
        )


def _check_note(note: str) -> None:
    if outgrows(note, MAX_NOTE) or text.parse(note, domain="").length > MAX_NOTE:
        raise Invalid("Validation failed: Note character limit of %(num)s exceeded", num=MAX_NOTE)


def _checked_fields(fields: Iterable[Field | tuple[str, str]]) -> tuple[Field, ...]:
    rows = [row if isinstance(row, Field) else Field(*row) for row in fields]
    rows = [Field(row.name.strip(), row.value.strip()) for row in rows]
    rows = [row for row in rows if row.name or row.value]
    if len(rows) > MAX_FIELDS:
        raise Invalid(
            "Validation failed: Fields can't contain more than %(num)s rows", num=MAX_FIELDS
        )
    if any(len(row.name) > MAX_FIELD or len(row.value) > MAX_FIELD for row in rows):
        raise Invalid(
            "Validation failed: Fields can't be longer than %(num)s characters", num=MAX_FIELD
        )
    if any(not row.name for row in rows):
        raise Invalid("Validation failed: Fields need a label for each content")
    return tuple(rows)


def _checked_source(name: str, value: Any) -> Any:
    if name == "source_privacy":
        label = value.label if isinstance(value, Visibility) else str(value)
        if label not in ("public", "unlisted", "private"):
            raise Invalid("Validation failed: Default privacy must be public, unlisted or private")
        return label
    if name == "source_quote_policy":
        if value not in (policy.label for policy in QuotePolicy):
            raise Invalid(
                "Validation failed: Default quote policy must be public, followers or nobody"
            )
        return value
    if name == "source_language":
        if value:
            text.check_language(value)
        return value or None
    return bool(value)


# -- finding ---------------------------------------------------------------------------------------


def show(snap: Snapshot, viewer: int | None, account_id: int) -> Account:
    """Return an account by its public id; of a suspended one only its state may be shown.

    Raises:
        NotFound: there is none, not yet or no longer.
    """
    return snap.gate.require_present(snap.accounts.by_id(account_id))


def lookup(snap: Snapshot, acct: str, *, domain: str | None = None) -> Account:
    """Return an account by its handle, ``name`` or ``name@domain``, with or without an @ before it.

    Args:
        snap: the view.
        acct: the handle.
        domain: the domain of this server; when not given, whatever the handle names is taken for
            it.

    Raises:
        NotFound: there is none, it was deleted, or it is of another server.
    """
    return snap.gate.require_present(snap.accounts.by_username(local_name(acct, domain)))
