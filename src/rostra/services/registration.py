"""Signing up: an application creates an account for somebody, and gets a token of it."""

from __future__ import annotations

from typing import Any, Final

from rostra.domain.errors import Forbidden, Invalid
from rostra.ports import Context, Token
from rostra.services import accounts, oauth

BLANK: Final = [{"error": "ERR_BLANK", "description": "can't be blank"}]
UNACCEPTED: Final = [{"error": "ERR_ACCEPTED", "description": "must be accepted"}]


class Refused(Invalid):
    """Something is missing in a registration; ``details`` says what, by parameter."""

    def __init__(self, details: dict[str, Any]) -> None:
        reasons = [
            f"{name.capitalize()} {problems[0]['description']}"
            for name, problems in details.items()
        ]
        super().__init__(f"Validation failed: {', '.join(reasons)}")
        self.details = {"details": details}


async def sign_up(
    ctx: Context,
    *,
    username: str,
    email: str,
    password: str,
    agreement: bool,
    application: int | None,
    scopes: str,
) -> tuple[str, Token]:
    """Create an account and return a token of it (text and record) for the application.

    Raises:
        Forbidden: this server takes no new accounts.
        Invalid: something is missing, not accepted, or taken.
    """
    if not ctx.settings.registrations_open:
        raise Forbidden
    given = {"username": username.strip(), "email": email.strip(), "password": password}
    details: dict[str, Any] = {name: BLANK for name, value in given.items() if not value}
    if not agreement:
        details["agreement"] = UNACCEPTED
    if details:
        raise Refused(details)
    account = await accounts.register(
        ctx, username=given["username"], email=given["email"], password=password
    )
    return await oauth.grant_to_account(
        ctx, account=account.ordinal, application=application, scopes=scopes
    )
