"""Where alerts to operators go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rostra.domain.alerts import Alert, AlertPlace, Undelivered


class Alerts(Protocol):
    """Sends alerts to the addresses that are set; nothing it returns or raises tells one."""

    def places(self) -> Sequence[AlertPlace]:
        """Return where alerts go."""

    async def send(self, key: str, alert: Alert, *, server: str) -> None:
        """Send an alert to the place with a key, in the name of a server.

        Raises:
            Undelivered: it was not taken, or not in time.
        """


class NoAlerts:
    """Where no address is set: nobody is told."""

    def places(self) -> Sequence[AlertPlace]:
        """Return nothing."""
        return ()

    async def send(self, key: str, alert: Alert, *, server: str) -> None:
        """Refuse: there is nowhere to send to."""
        raise Undelivered("No address for alerts is set")
