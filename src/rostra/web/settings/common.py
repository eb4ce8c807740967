"""What the settings pages share: who opens them, and how they are shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from rostra.domain.errors import RostraError, TooMany
from rostra.ports import Context
from rostra.web.render import plain_words, render
from rostra.web.visits import Submission, Visitor

Show = Callable[..., Response]


def show(
    ctx: Context,
    request: Request,
    template: str,
    visitor: Visitor,
    *,
    here: str,
    message: str = "",
    error: RostraError | None = None,
    **values: Any,
) -> Response:
    """Return a settings page, with what was done or why it was not."""
    response = render(
        ctx,
        request,
        f"settings/{template}.html",
        visitor,
        status=error.status if error else 200,
        section="settings",
        tab=here,
        message=message,
        error=plain_words(error) if error else "",
        **values,
    )
    response.headers["Cache-Control"] = "no-store"
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


async def attempt(act: Callable[[], Awaitable[Any]]) -> tuple[Any, RostraError | None]:
    """Return what an act gives, or why it was refused, for the page to tell."""
    try:
        return await act(), None
    except RostraError as error:
        if error.status in (401, 403) or error.status >= 500:
            raise
        return None, error


def field(sent: Submission, name: str) -> str:
    """Return a field of a form, empty when it was not sent."""
    return sent.form.get(name, "")
