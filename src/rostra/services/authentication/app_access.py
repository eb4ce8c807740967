"""The applications an account has let in: listed, and shut out again."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from rostra.domain.errors import NotFound
from rostra.ports import Application, Context, Snapshot, Token, Transaction


class Authorized(Struct, frozen=True):
    """An application that may use an account; None: tokens made on the command line."""

    application: Application | None
    scopes: tuple[str, ...]
    since: int
    latest: int

    @property
    def name(self) -> str:
        """What it is shut out by."""
        return str(self.application.id) if self.application else "0"


def authorized(snap: Snapshot, account: int) -> list[Authorized]:
    """Return the applications that may use an account, those let in last first."""
    by_application: dict[int | None, list[Token]] = {}
    for token in snap.access.tokens(account):
        by_application.setdefault(token.application, []).append(token)
    found = [
        Authorized(
            application=snap.access.application(number) if number is not None else None,
            scopes=_scopes(tokens),
            since=min(token.created_at for token in tokens),
            latest=max(token.created_at for token in tokens),
        )
        for number, tokens in by_application.items()
    ]
    return sorted(found, key=lambda one: one.latest, reverse=True)


def _scopes(tokens: Iterable[Token]) -> tuple[str, ...]:
    return tuple(sorted({scope for token in tokens for scope in token.scopes.split()}))


async def shut_out(ctx: Context, *, actor: int, name: str) -> None:
    """Take back every token of the actor that an application has.

    Raises:
        NotFound: it has none.
    """

    def change(tx: Transaction) -> None:
        theirs = [token for token in tx.access.tokens(actor) if str(token.application or 0) == name]
        if not theirs:
            raise NotFound("This application was shut out already. Reload the page.")
        for token in theirs:
            tx.access.revoke_token(token.hash)

    await ctx.store.write(change)
