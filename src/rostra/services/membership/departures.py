"""Leaving: putting one's account away for a while, and deleting it for good.

Deleting hides the account at once and frees its e-mail address; what it held is erased by a job, in
steps. Its name is never given to anybody else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from rostra.domain.accounts import Account
from rostra.domain.errors import Forbidden, Invalid, NotFound
from rostra.domain.mail import MailPurpose
from rostra.ports import Context, Transaction, View
from rostra.services import appeals, mail
from rostra.services.authentication import factors
from rostra.services.membership import account_deletion
from rostra.services.moderation import decision_results
from rostra.services.publishing import status_deletion

DAY_MS: Final = 24 * 60 * 60 * 1000
RETURN_DAYS: Final = 30
"""How long an account that was put away can be brought back, in days."""

UNCONFIRMED_DAYS: Final = 2
STATUSES_AT_ONCE: Final = 20
AT_ONCE: Final = 50


async def deactivate(ctx: Context, *, actor: int, password: str) -> None:
    """Put an account away: hidden from all, signed out everywhere, deleted after 30 days.

    Raises:
        Invalid: the password is another.
        Forbidden: the account may not act.
        TooMany: the password was tried too often.
    """
    proof = await factors.require_password(ctx, actor=actor, password=password)

    def change(tx: Transaction) -> None:
        tx.gate.require_may_act(actor)
        proof.require(tx)
        standing = tx.standings.get(actor)
        tx.standings.put(msgspec.structs.replace(standing, deactivated_at=tx.now))
        mail.queue(ctx, tx, "deactivated", actor)
        tx.access.revoke_all(actor)

    await ctx.store.write(change)


async def come_back(ctx: Context, *, actor: int) -> None:
    """Bring an account back that its owner put away, as it was.

    Raises:
        Invalid: it was not put away.
    """

    def change(tx: Transaction) -> None:
        standing = tx.standings.get(actor)
        if standing.deactivated_at is None or tx.gate.state(actor).deleted:
            raise Invalid("This account is not deactivated.")
        decision_results.before_return(tx)
        tx.standings.put(msgspec.structs.replace(standing, deactivated_at=None))

    await ctx.store.write(change)


async def delete(ctx: Context, *, actor: int, password: str, code: str = "") -> None:
    """Delete one's own account, for good. A suspended account may be deleted by its owner too.

    Args:
        ctx: the ports.
        actor: whose.
        password: its password.
        code: a one-time password or recovery code, where it has one-time passwords.

    Raises:
        Invalid: the password or the code is not right.
        Forbidden: the account is frozen.
        TooMany: too many were tried.
    """
    proof = await factors.require_password(ctx, actor=actor, password=password)
    with ctx.store.read() as snap:
        needs_code = factors.overview(snap, actor).one_time
        _require_thawed(snap, actor)
    if needs_code:
        await factors.require_code(ctx, account=actor, code=code)

    def change(tx: Transaction) -> None:
        credentials = tx.accounts.credentials(actor)
        if credentials is None or tx.gate.state(actor).deleted:
            raise NotFound
        proof.require(tx)
        _require_thawed(tx, actor)
        mail.queue(ctx, tx, "deleted", actor, email=credentials.email)
        account_deletion.erase(tx, actor, by=actor, ground="deleted by its owner")

    await ctx.store.write(change)


def _require_thawed(view: View, account: int) -> None:
    if view.gate.state(account).frozen:
        raise Forbidden("A frozen account cannot be deleted. Ask the moderators first.")


# -- what jobs do --------------------------------------------------------------------------------


async def erase_data(ctx: Context, *, account: int) -> None:
    """Erase what a deleted account held: profile, factors, mail, and its statuses one by one."""
    await ctx.store.write(lambda tx: _erase_profile(tx, account))
    while await _erase_statuses(ctx, account):
        pass


def _erase_profile(tx: Transaction, account: int) -> None:
    found = tx.accounts.get(account)
    if found is None or not tx.gate.state(account).deleted:
        return
    blank = Account(
        ordinal=found.ordinal,
        id=found.id,
        username=found.username,
        created_at=found.created_at,
        discoverable=False,
    )
    if blank != found:
        tx.accounts.update(blank)
    appeals.forget(tx, account)
    tx.factors.forget(account)
    tx.standings.forget(account)
    tx.mail_tokens.forget_email(account)
    for purpose in MailPurpose:
        tx.mail_tokens.spend(account, purpose)


async def _erase_statuses(ctx: Context, account: int) -> bool:
    def change(tx: Transaction) -> bool:
        if not tx.gate.state(account).deleted:
            return False
        found = tx.statuses.by_author(account, limit=STATUSES_AT_ONCE)
        for status in found:
            status_deletion.remove(tx, status)
        return bool(found)

    return await ctx.store.write(change)


async def sweep(ctx: Context) -> bool:
    """Delete accounts put away 30 days ago, and those never confirmed; return whether more are."""
    with ctx.store.read() as snap:
        away = snap.standings.deactivated_before(snap.now - RETURN_DAYS * DAY_MS, limit=AT_ONCE)
        never = snap.standings.unconfirmed_before(
            snap.now - UNCONFIRMED_DAYS * DAY_MS, limit=AT_ONCE
        )
    for account in away:
        await ctx.store.write(_deletion(account, "deactivated_at", RETURN_DAYS))
    for account in never:
        await ctx.store.write(_deletion(account, "unconfirmed_at", UNCONFIRMED_DAYS))
    return len(away) == AT_ONCE or len(never) == AT_ONCE


def _deletion(account: int, reason: str, days: int) -> Callable[[Transaction], Any]:
    def change(tx: Transaction) -> None:
        standing = tx.standings.get(account)
        since = getattr(standing, reason)
        if since is None or since >= tx.now - days * DAY_MS:
            return  # it came back meanwhile
        if appeals.holds_up_deletion(tx, account):
            return  # it is deleted once that is decided
        account_deletion.erase(tx, account, by=account, ground="left by its owner")
        if standing.unconfirmed_at is not None:
            account_deletion.free_name(tx, account)  # nobody ever saw it

    return change
