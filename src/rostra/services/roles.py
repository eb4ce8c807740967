"""What the role of an account lets it do, and to whom; and giving it another."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace
from pyroaring import BitMap

from rostra.domain.accounts import Account, Role
from rostra.domain.errors import Conflict, Forbidden, NotFound
from rostra.domain.ledger import LedgerKind
from rostra.ports import Context, Transaction, View
from rostra.services.moderation import ledger

STAFF: Final = 1_000
"""Among how many moderators and owners another owner is looked for."""


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


def require_there(view: View, target: int) -> Account:
    """Return an account that something can be decided about: any that was not deleted.

    Raises:
        NotFound: there is none; of one that was deleted it says so, since moderators may know.
    """
    account = view.accounts.get(target)
    if account is not None and view.gate.state(target).deleted:
        raise NotFound("This account was deleted: nothing about it can be decided any more")
    return view.gate.require_account(account)


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


async def change(ctx: Context, *, by: int | None, target: int, role: Role) -> Account:
    """Give an account another role, and return it; the same role changes nothing.

    Args:
        ctx: the ports.
        by: the owner who decides; None: whoever has the server's command line.
        target: whose role it is.
        role: the new one.

    Raises:
        Forbidden: who decides is no owner, or the account is the server's own.
        Conflict: nobody else would be an owner.
        NotFound: there is no such account.
    """

    def work(tx: Transaction) -> Account:
        if by is not None:
            _require_owner(tx, by)
        account = require_there(tx, target)
        if account.role == role:
            return account
        if account.ordinal == tx.access.service_account():
            raise Forbidden("This is the server's own account, nobody's: choose a person's")
        if account.role == Role.OWNER and not _other_owner(tx, account.ordinal):
            raise Conflict(
                "@%(name)s is the only owner who may act: make somebody else one first",
                name=account.username,
            )
        changed = replace(account, role=role)
        tx.accounts.update(changed)
        about = {"text": f"{account.role.name.lower()} → {role.name.lower()}"}
        ledger.record(tx, kind=LedgerKind.ROLE_CHANGED, account=target, moderator=by, about=about)
        return changed

    return await ctx.store.write(work)


def _require_owner(view: View, actor: int) -> None:
    view.gate.require_may_act(actor)
    account = view.accounts.get(actor)
    if account is None or account.role < Role.OWNER:
        raise Forbidden(
            "Only an owner may change roles: ask one, or use rostra account role without --by on "
            "the server"
        )


def _other_owner(view: View, account: int) -> bool:
    staff = view.accounts.page(limit=STAFF, staff=True)
    owners = BitMap(
        one.ordinal for one in staff if one.role == Role.OWNER and one.ordinal != account
    )
    return bool(owners - view.gate.barred(owners))
