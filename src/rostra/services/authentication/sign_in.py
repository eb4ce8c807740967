"""Signing in with a password: throttled, and the same for accounts there are and there are not."""

from __future__ import annotations

from rostra.domain.accounts import Account, Credentials
from rostra.domain.errors import Forbidden, Unauthenticated, told
from rostra.ports import Context, Snapshot
from rostra.services.authentication import passwords, throttling
from rostra.services.authentication.factors import Proof
from rostra.services.membership import sign_up_blocks

WRONG = told("Invalid E-mail address or password.")


def _credentials(snap: Snapshot, login: str) -> Credentials | None:
    if "@" in login:
        return snap.accounts.credentials_by_email(login)
    named = snap.accounts.by_username(login)
    return None if named is None else snap.accounts.credentials(named.ordinal)


async def by_password(ctx: Context, *, login: str, password: str, address: str = "") -> Account:
    """Return the account that has a name or e-mail address and a password; see ``prove``."""
    proof = await prove(ctx, login=login, password=password, address=address)
    with ctx.store.read() as snap:
        account = snap.accounts.get(proof.account)
    if account is None:
        raise Unauthenticated(WRONG)
    return account


async def prove(ctx: Context, *, login: str, password: str, address: str = "") -> Proof:
    """Return the proof that somebody knows the password of who has a name or e-mail address.

    An unknown account takes as long, is counted alike and answered the same as a wrong password.
    Whether the account may act is not asked here.

    Args:
        ctx: the ports.
        login: a username or an e-mail address.
        password: as typed.
        address: where it comes from; tries are counted by it as well.

    Raises:
        Unauthenticated: there is no such account, or the password is another.
        Forbidden: nobody may sign in from this address.
        TooMany: it was tried too often; says when to try again.
        Unavailable: too many sign in at this moment.
    """
    guards = throttling.sign_in(ctx, login, address)
    await throttling.admit(ctx, guards)
    with ctx.store.read() as snap:
        if sign_up_blocks.no_access(snap, address):
            raise Forbidden("Nobody may sign in from your network. Ask those who run this server.")
        credentials = _credentials(snap, login)
    right = await passwords.matches(credentials.password_hash if credentials else None, password)
    if not right or credentials is None or credentials.password_hash is None:
        raise Unauthenticated(WRONG)
    proof = Proof(credentials.ordinal, credentials.password_hash)
    with ctx.store.read() as snap:
        if snap.gate.state(proof.account).deleted:
            raise Unauthenticated(WRONG)
    await ctx.store.write(lambda tx: throttling.succeed(tx, guards))
    return proof
