"""Approval of new accounts by moderators."""

from __future__ import annotations

from typing import Final

import msgspec

from rostra.domain.accounts import Account
from rostra.domain.errors import Forbidden
from rostra.ports import Context, Snapshot, Transaction, View
from rostra.services import mail
from rostra.services.membership import account_deletion
from rostra.services.roles import require_may_moderate

ANNOUNCEMENT: Final = "announce_sign_up"
"""The name of the job that tells moderators of a new account."""


def announce(tx: Transaction, account: int) -> None:
    """Have moderators told of a new account, once its address is confirmed."""
    tx.jobs.enqueue(ANNOUNCEMENT, {"account": account}, tx.now)


def pending(snap: Snapshot, *, limit: int, below: int | None = None) -> list[Account]:
    """Return the accounts that wait for approval, newest first; ``below`` is an ordinal."""
    return list(snap.accounts.many(snap.standings.pending(limit=limit, below=below)).values())


def _require_pending(view: View, target: int) -> Account:
    account = view.gate.require_account(view.accounts.get(target))
    if view.standings.get(target).pending_at is None:
        raise Forbidden
    return account


async def approve(ctx: Context, *, moderator: int | None, target: int) -> None:
    """Let an account in that waits for approval, and tell its owner.

    Args:
        ctx: the ports.
        moderator: who decides; None: the server itself.
        target: the account.

    Raises:
        NotFound: there is no such account.
        Forbidden: it does not wait for approval, or the moderator may not act on it.
    """

    def change(tx: Transaction) -> None:
        require_may_moderate(tx, moderator, _require_pending(tx, target))
        standing = tx.standings.get(target)
        tx.standings.put(msgspec.structs.replace(standing, pending_at=None))
        if standing.unconfirmed_at is None:
            mail.queue(ctx, tx, "approved", target)

    await ctx.store.write(change)


async def reject(ctx: Context, *, moderator: int | None, target: int) -> None:
    """Turn down an account that waits for approval: it is deleted, and its owner told.

    Raises:
        NotFound: there is no such account.
        Forbidden: it does not wait for approval, or the moderator may not act on it.
    """

    def change(tx: Transaction) -> None:
        require_may_moderate(tx, moderator, _require_pending(tx, target))
        credentials = tx.accounts.credentials(target)
        if credentials is not None:
            mail.queue(ctx, tx, "rejected", target, email=credentials.email)
        about = {"sign_up": True}
        account_deletion.erase(tx, target, by=moderator, ground="sign-up turned down", about=about)
        account_deletion.free_name(tx, target)  # nobody ever saw it

    await ctx.store.write(change)
