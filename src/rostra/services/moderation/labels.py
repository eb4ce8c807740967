"""Labels of accounts: given and taken by moderators, for themselves and for amnesties."""

from __future__ import annotations

from rostra.domain.errors import Conflict, Invalid, told
from rostra.domain.labels import MOST, Label, check_label
from rostra.domain.ledger import LedgerKind
from rostra.ports import Context, Transaction, View
from rostra.services.moderation import ledger
from rostra.services.roles import require_moderator, require_there


def of(view: View, account: int) -> list[Label]:
    """Return the labels of an account, in order of their names."""
    return view.labels.of_account(account)


async def give(ctx: Context, *, moderator: int, target: int, name: str) -> list[Label]:
    """Give an account a label, and return all it has; one it has already stays as it was.

    Raises:
        Invalid: it is no label, or the account has too many.
        NotFound: there is no such account.
        Forbidden: the moderator is none.
    """
    spelt = check_label(name)

    def change(tx: Transaction) -> list[Label]:
        require_moderator(tx, moderator)
        require_there(tx, target)
        had = of(tx, target)
        if any(label.name == spelt for label in had):
            return had
        if len(had) >= MOST:
            raise Invalid("This account has %(num)s labels: take one away first", num=MOST)
        made = Label(account=target, name=spelt, moderator=moderator, given_at=tx.now)
        tx.labels.put(made)
        _record(tx, LedgerKind.LABEL_GIVEN, made, moderator)
        return of(tx, target)

    return await ctx.store.write(change)


async def take(ctx: Context, *, moderator: int, target: int, name: str) -> list[Label]:
    """Take a label from an account, and return those that are left.

    Raises:
        Conflict: it does not have it.
        Invalid: it is no label.
        NotFound: there is no such account.
        Forbidden: the moderator is none.
    """
    spelt = check_label(name)

    def change(tx: Transaction) -> list[Label]:
        require_moderator(tx, moderator)
        require_there(tx, target)
        had = {label.name: label for label in of(tx, target)}
        if spelt not in had:
            names = ", ".join(had) or told("none")
            raise Conflict(
                'The account has no label "%(words)s"; it has %(among)s', words=spelt, among=names
            )
        tx.labels.remove(target, spelt)
        _record(tx, LedgerKind.LABEL_TAKEN, had[spelt], moderator)
        return of(tx, target)

    return await ctx.store.write(change)


def _record(tx: Transaction, kind: LedgerKind, label: Label, moderator: int) -> None:
    about = {"text": label.name}
    ledger.record(tx, kind=kind, account=label.account, moderator=moderator, about=about)
