"""Settings: frozen, from a TOML file and ``ROSTRA_*`` variables, each documented in docs/operate.md."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct


class Settings(Struct, frozen=True, kw_only=True):
    """How this server runs. Every field is a setting of the same name (``ROSTRA_<NAME>`` in the environment)."""

    data: Path = Path("data")
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 0  # 0: one a core
    domain: str = "localhost"
    base_url: str = ""  # empty: http://host:port
    title: str = "Rostra"
    description: str = ""
    contact_email: str = ""
    registrations_open: bool = True
    max_characters: int = 500
    max_body_bytes: int = 1_048_576
    dormant_days: int = 30
    log_level: str = "info"

    @property
    def url(self) -> str:
        """The address visitors use, without a slash at the end."""
        return self.base_url.rstrip("/") or f"http://{self.host}:{self.port}"
