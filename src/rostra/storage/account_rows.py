"""Accounts as rows: the columns, and a row to an account and back."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from rostra.domain.accounts import Account, Field, Role
from rostra.storage.database.sqlite import Params
from rostra.storage.rows import marks

COLUMNS: Final = (
    "ordinal, id, username, display_name, note, fields, avatar, header, locked, bot, discoverable, "
    "indexable, hide_collections, role, default_visibility, default_sensitive, default_language, "
    "default_quote_policy, created_at"
)
# 'username_key' comes last: it is written, never read back.
INSERT: Final = f"INSERT INTO accounts ({COLUMNS}, username_key) VALUES ({marks(range(20))})"
UPDATE: Final = (
    "UPDATE accounts SET "
    + ", ".join(f"{name} = ?" for name in COLUMNS.split(", ")[1:])
    + ", username_key = ? WHERE ordinal = ?"
)

_fields = msgspec.json.Decoder(tuple[Field, ...])


def decode(row: tuple[Any, ...]) -> Account:
    """Return the account in a row of ``COLUMNS``."""
    return Account(
        ordinal=row[0],
        id=row[1],
        username=row[2],
        display_name=row[3],
        note=row[4],
        fields=() if row[5] == "[]" else _fields.decode(row[5]),
        avatar=row[6],
        header=row[7],
        locked=bool(row[8]),
        bot=bool(row[9]),
        discoverable=bool(row[10]),
        indexable=bool(row[11]),
        hide_collections=bool(row[12]),
        role=Role(row[13]),
        default_visibility=row[14],
        default_sensitive=bool(row[15]),
        default_language=row[16],
        default_quote_policy=row[17],
        created_at=row[18],
    )


def encode_row(account: Account) -> Params:
    """Return the parameters of ``INSERT``; those of ``UPDATE`` put the first of them last."""
    return (
        account.ordinal,
        account.id,
        account.username,
        account.display_name,
        account.note,
        msgspec.json.encode(account.fields).decode(),
        account.avatar,
        account.header,
        int(account.locked),
        int(account.bot),
        int(account.discoverable),
        int(account.indexable),
        int(account.hide_collections),
        int(account.role),
        account.default_visibility,
        int(account.default_sensitive),
        account.default_language,
        account.default_quote_policy,
        account.created_at,
        account.username.lower(),
    )
