"""Waiting for workers of a server that was just started."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Final

from msgspec import structs

from rostra.ports import ANSWERING_SECONDS, Context, Missed, Party, Visitors

STARTING_SECONDS: Final = 60.0
"""How long a worker is waited for by work that is taken up anew: most likely the server was started
again just now, and on a slow machine with much data its workers need longer until they answer than
one that crashed amid others. What was right must not be rolled back, nor halted, for that."""


class Patient:
    """Visitors who wait for workers that are just starting; fulfils ``ports.Visitors``.

    Args:
        visitors: those who do not.
        missed: is told whom they wait for.
    """

    def __init__(self, visitors: Visitors, missed: Missed) -> None:
        self._visitors = visitors
        self._missed = missed

    def meet(
        self, *, patience: float = ANSWERING_SECONDS, missed: Missed | None = None
    ) -> AbstractAsyncContextManager[Party]:
        """Open a connection to every worker; see ``ports.Visitors.meet``."""
        return self._visitors.meet(
            patience=max(patience, STARTING_SECONDS), missed=missed or self._missed
        )


def patient(ctx: Context, missed: Missed) -> Context:
    """Return the ports with visitors who wait for workers that are just starting.

    Args:
        ctx: the ports.
        missed: is told whom they wait for.
    """
    return structs.replace(ctx, visitors=Patient(ctx.visitors, missed))


def waits_for(workers: tuple[str, ...]) -> str:
    """Return what people are told while some workers are waited for; nothing for none."""
    if not workers:
        return ""
    named = f"worker {', '.join(workers)}"
    return f"Waiting for {named} to answer, for up to {STARTING_SECONDS:.0f} seconds"
