"""Whom probes ask as: sampled accounts, by tokens lent for minutes, and an account of the server's.

A token that was lent is no app of anybody's, leaves no trace of its use, and is taken back at the
end; what a probe that was killed left behind is put right by ``begin_anew`` and ``sweep``.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.accounts import Account
from rostra.domain.errors import RostraError
from rostra.domain.probes import SERVICE_HANDLE
from rostra.ports import Context, Transaction, View
from rostra.services.authentication.oauth import sha256
from rostra.services.social_graph.relationships import untie

LENT_MS: Final = 5 * 60_000
READING: Final = "read"
FOLLOWING: Final = "read write:follows"
LEFT_AT_ONCE: Final = 500

_NOTE: Final = (
    "This server looks at itself with this account: it follows and unfollows accounts that come "
    "back from a suspension, to see that this works. Nobody reads what is sent to it."
)


async def service_account(ctx: Context) -> Account:
    """Return the account the server probes itself with, which is made the first time, and anew when
    somebody deleted it.

    It has no address and no password, so nobody can sign in to it.
    """
    with ctx.store.read() as snap:
        found = _named(snap)
    return found if found is not None else await ctx.store.write(_make)


def is_able(view: View, service: Account) -> bool:
    """Return whether the account that the server probes itself with may act."""
    try:
        view.gate.require_may_act(service.ordinal)
    except RostraError:
        return False
    return True


def not_able(service: Account) -> str:
    """Return what is said of one that may not."""
    return f"@{service.username}, the server's own account, may not act: lift what is in its way"


def _named(view: View) -> Account | None:
    ordinal = view.access.service_account()
    if ordinal is None or view.gate.state(ordinal).deleted:
        return None
    return view.accounts.get(ordinal)


def _make(tx: Transaction) -> Account:
    found = _named(tx)
    if found is not None:
        return found
    account = Account(
        ordinal=tx.accounts.reserve_ordinals(1),
        id=tx.next_id(),
        username=_free_handle(tx),
        created_at=tx.now,
        display_name="Rostra",
        note=_NOTE,
        bot=True,
        discoverable=False,
        hide_collections=True,
    )
    tx.accounts.create(account)
    tx.access.name_service_account(account.ordinal)
    return account


def _free_handle(tx: Transaction) -> str:
    """Return the reserved handle, or one beside it where somebody had it before it was reserved."""
    handle, number = SERVICE_HANDLE, 1
    while tx.accounts.by_username(handle) is not None:
        number += 1
        handle = f"{SERVICE_HANDLE}_{number}"
    return handle


@asynccontextmanager
async def lent(
    ctx: Context, accounts: Iterable[int], *, service: int | None = None
) -> AsyncIterator[dict[int, str]]:
    """Lend a token of each account that may act, for as long as the context is open.

    Args:
        ctx: the ports.
        accounts: whose tokens; they can read.
        service: the account that can follow as well.
    """
    tokens = {account: secrets.token_urlsafe(32) for account in accounts}
    if service is not None:
        tokens[service] = secrets.token_urlsafe(32)

    def lend(tx: Transaction) -> dict[int, str]:
        able = {}
        for account, text in tokens.items():
            try:
                tx.gate.require_may_act(account)
            except RostraError:
                continue  # it was frozen or went away meanwhile
            scopes = FOLLOWING if account == service else READING
            tx.access.lend(sha256(text), account, scopes, tx.now + LENT_MS)
            able[account] = text
        return able

    able = await ctx.store.write(lend)
    try:
        yield able
    finally:
        hashes = [sha256(text) for text in able.values()]
        await ctx.store.write(lambda tx: tx.access.take_back(hashes))


async def begin_anew(ctx: Context) -> None:
    """Take back at once what a killed process left; for the one process that probes, before it
    does: whatever is still lent then is in nobody's hands.
    """
    with ctx.store.read() as snap:
        service = snap.access.service_account()
    if service is None:
        return
    await ctx.store.write(lambda tx: tx.access.take_back_all())
    while await ctx.store.write(lambda tx: forget_ties(tx, service)):
        pass


async def sweep(ctx: Context) -> bool:
    """Take back what probes that were killed left: tokens, and follows by the service account.

    While a token of it is still lent a probe may be at work, and its follows are left alone.
    Return whether there is more.
    """
    with ctx.store.read() as snap:
        service = snap.access.service_account()
        if service is None:
            return False
        if not snap.access.is_lent(service):
            left = any(snap.sets.size(SetKey(service, kind)) for kind in _TIES)
        else:
            left = False

    def change(tx: Transaction) -> bool:
        tx.access.take_back_expired()
        if not left or tx.access.is_lent(service):
            return False
        return forget_ties(tx, service)

    return await ctx.store.write(change)


_TIES: Final = (SetKind.FOLLOWING, SetKind.FOLLOW_REQUESTED)


def forget_ties(tx: Transaction, service: int) -> bool:
    """End follows of the service account; return whether there are more."""
    found = [
        entry.member
        for kind in _TIES
        for entry in tx.sets.newest(SetKey(service, kind), limit=LEFT_AT_ONCE)
    ]
    for followed in found:
        untie(tx, service, followed)
    return len(found) >= LEFT_AT_ONCE
