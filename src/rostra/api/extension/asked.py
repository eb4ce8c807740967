"""What operations of this server's own API are asked with, and what their ids name."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from rostra.api.messages import Call
from rostra.domain.accounts import Account
from rostra.domain.errors import NotFound
from rostra.domain.ids import parse_id
from rostra.ports import View

SHOWN: Final = 40
"""How much of an id that is none is told again."""


class Asked(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters in which a name that is not known is refused.

    Apps send Mastodon's API what other servers want of them, so there it is passed over. Here a
    misspelled ``except`` or ``require_headroom`` would be a guard left out without a word.
    """


def path_id(call: Call, what: str) -> int:
    """Return the id in the path, which is of ``what``, such as ``"run"``.

    Raises:
        NotFound: what stands there is no id.
    """
    text = call.path_params["id"]
    found = parse_id(text)
    if found is None:
        raise NotFound(f"There is no {what} {text[:SHOWN]}")
    return found


def any_account(view: View, text: str) -> Account:
    """Return the account that an id names, one that was deleted as well.

    Raises:
        NotFound: it names none.
    """
    number = parse_id(text)
    found = view.accounts.by_id(number) if number is not None else None
    if found is None:
        raise NotFound(f"There is no account {text[:SHOWN]}")
    return found


def account(view: View, text: str) -> Account:
    """Return the account that an id names, as moderators know it: away, or waiting, as well.

    Raises:
        NotFound: it names none, or one that was deleted.
    """
    found = any_account(view, text)
    if view.gate.state(found.ordinal).deleted:
        raise NotFound(f"The account {found.id} was deleted")
    return found
