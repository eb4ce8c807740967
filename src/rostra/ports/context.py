"""The one value that services are called with."""

from __future__ import annotations

from random import Random
from typing import Any

from msgspec import Struct

from rostra.config import Settings
from rostra.domain.errors import Unavailable
from rostra.ports.alerts import Alerts, NoAlerts
from rostra.ports.capacity import Machines
from rostra.ports.media import MediaFiles, MediaMaker
from rostra.ports.outside import Clock, Fetcher
from rostra.ports.views import Store
from rostra.ports.visitors import Visitors


class _Missing:
    """Stands for a port that a process was started without."""

    def __getattr__(self, name: str) -> Any:
        raise Unavailable("The server was started without what this needs")


_MISSING: Any = _Missing()


class Context(Struct, frozen=True):
    """What every use case is given: settings, the store, the clock, chance, and what is outside."""

    settings: Settings
    store: Store
    clock: Clock
    random: Random
    fetcher: Fetcher = _MISSING
    files: MediaFiles = _MISSING
    maker: MediaMaker = _MISSING
    visitors: Visitors = _MISSING
    alerts: Alerts = NoAlerts()
    machines: Machines = _MISSING
