"""Telling moderators of new accounts."""

from __future__ import annotations

from typing import Final

from rostra.domain.notifications import NotificationType
from rostra.ports import Context, Transaction
from rostra.services import mail
from rostra.services.notifying import notifications

STAFF: Final = 200
"""How many moderators are told at most, the newest accounts among them first."""


async def announce_sign_up(ctx: Context, *, account: int) -> None:
    """Notify moderators of a new account, and write to them when it waits for approval."""

    def change(tx: Transaction) -> None:
        found = tx.accounts.get(account)
        if found is None or tx.gate.state(account).deleted:
            return
        pending = tx.standings.get(account).pending_at is not None
        for moderator in tx.accounts.page(limit=STAFF, staff=True):
            new = notifications.store(
                tx,
                account=moderator.ordinal,
                type_=NotificationType.ADMIN_SIGN_UP,
                source=account,
                created_at=found.created_at,
            )
            if new and pending:
                mail.queue(ctx, tx, "sign_up_pending", moderator.ordinal, applicant=found.username)

    await ctx.store.write(change)
