"""What the role of an account lets it do, and to whom."""

from __future__ import annotations

from rostra.domain.accounts import Account, Role
from rostra.domain.errors import Forbidden
from rostra.ports import View


def is_moderator(view: View, account: int) -> bool:
    """Return whether an account is a moderator or an owner."""
    found = view.accounts.get(account)
    return found is not None and found.role >= Role.MODERATOR


def require_moderator(view: View, actor: int) -> Account:
    """Return the account of a moderator or an owner who may act.

    Raises:
        Forbidden: the account is neither, or may not act.
    """
    view.gate.require_may_act(actor)
    account = view.accounts.get(actor)
    if account is None or account.role < Role.MODERATOR:
        raise Forbidden
    return account


def require_may_moderate(view: View, moderator: int | None, target: Account) -> None:
    """Refuse acting on an account to who is no moderator, on themselves, or on an owner to others.

    ``moderator`` None is the server itself, which may.

    Raises:
        Forbidden: with why not.
    """
    if moderator is None:
        return
    account = require_moderator(view, moderator)
    if moderator == target.ordinal:
        raise Forbidden("Nobody may act on their own account: ask another moderator")
    if target.role > account.role or (target.role == account.role == Role.MODERATOR):
        raise Forbidden("This account has a role: only an owner may act on it")
