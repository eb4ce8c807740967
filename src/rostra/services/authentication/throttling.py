"""Throttling of what is tried at a secret: by what was tried, and by where it came from.

The count is written before the try is made, so that tries made at once cannot all slip through,
and stands in a table, so that all processes know it. Keys are hashes with a secret of the data
folder: nobody reads from the table which names and addresses were tried.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from msgspec import Struct

from rostra.domain.addresses import site
from rostra.domain.errors import TooMany, told
from rostra.domain.throttle import Limit, Tries
from rostra.ports import Context, Transaction, View

MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE

LOGIN: Final = Limit(free=6, first=2_000, longest=15 * MINUTE, memory=HOUR)
FACTOR: Final = Limit(free=5, first=5_000, longest=15 * MINUTE, memory=HOUR)
ADDRESS: Final = Limit(free=40, first=2_000, longest=HOUR, memory=2 * HOUR)
SIGN_UPS: Final = Limit(free=10, first=MINUTE, longest=HOUR, memory=2 * HOUR)
MAILS: Final = Limit(free=3, first=MINUTE, longest=6 * HOUR, memory=24 * HOUR)
MAILS_FROM: Final = Limit(free=15, first=MINUTE, longest=HOUR, memory=2 * HOUR)


class Guard(Struct, frozen=True):
    """One count that a try goes into: its key, its limit, and whether success clears it."""

    key: bytes
    limit: Limit
    cleared: bool = False


def guard(ctx: Context, limit: Limit, kind: str, name: str, *, cleared: bool = False) -> Guard:
    """Return the guard of ``name`` among things of a kind."""
    secret = ctx.store.secret("tries")
    text = f"{kind}\0{name}".encode("utf-8", "surrogateescape")
    return Guard(hmac.new(secret, text, sha256).digest()[:16], limit, cleared)


def sign_in(ctx: Context, login: str, address: str) -> tuple[Guard, ...]:
    """Return what counts tries to sign in: the name that was typed, and where from.

    It is the text that counts, and not the account: who finds two texts slowed down together would
    learn that they name one account.
    """
    return (
        guard(ctx, LOGIN, "login", login.strip().lower(), cleared=True),
        from_address(ctx, ADDRESS, "sign in", address),
    )


def from_address(ctx: Context, limit: Limit, kind: str, address: str) -> Guard:
    """Return what counts tries from the network of an address."""
    return guard(ctx, limit, f"{kind} from", site(address))


def too_many(wait: int) -> TooMany:
    """Return the refusal of what comes ``wait`` ms too early, with when to try again."""
    seconds = -(-wait // 1000)
    if seconds == 1:
        when = told("%(num)s second", num=seconds)
    elif seconds <= 90:
        when = told("%(num)s seconds", num=seconds)
    else:
        when = told("%(num)s minutes", num=-(-seconds // 60))
    return TooMany("Too many attempts. Try again in %(left)s.", left=when, retry_after=seconds)


def _wait(view: View, guards: Sequence[Guard]) -> int:
    return max((view.tries.get(one.key).wait(one.limit, view.now) for one in guards), default=0)


def require(view: View, guards: Sequence[Guard]) -> None:
    """Refuse a try that comes too early.

    Raises:
        TooMany: with when to try again.
    """
    wait = _wait(view, guards)
    if wait > 0:
        raise too_many(wait)


async def admit(ctx: Context, guards: Sequence[Guard]) -> None:
    """Count a try that is about to be made, in every one of ``guards``.

    Raises:
        TooMany: it comes too early; it is not counted.
    """
    with ctx.store.read() as snap:  # who knocks all the time costs no write
        require(snap, guards)

    def change(tx: Transaction) -> None:
        require(tx, guards)
        for one in guards:
            tries = tx.tries.get(one.key).after(one.limit, tx.now)
            tx.tries.put(one.key, tries, tx.now + one.limit.memory)

    await ctx.store.write(change)


def succeed(tx: Transaction, guards: Sequence[Guard]) -> None:
    """Forget the tries at what has been opened; the one that did is taken off the others."""
    for one in guards:
        tries = tx.tries.get(one.key)
        if one.cleared or tries.count <= 1:
            tx.tries.forget(one.key)
        else:
            tx.tries.put(
                one.key, Tries(tries.count - 1, tries.last_at), tries.last_at + one.limit.memory
            )


def forgive(ctx: Context, tx: Transaction, login: str) -> None:
    """Forget the tries to sign in under a name: who owns it has proved so in another way."""
    tx.tries.forget(sign_in(ctx, login, "")[0].key)
