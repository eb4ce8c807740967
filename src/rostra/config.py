"""Settings: frozen, from a TOML file and ``ROSTRA_*`` variables.

Each has its heading in docs/operate.md.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import force_setattr

from rostra.domain.errors import RostraError

FILE_NAME: Final = "rostra.toml"
PREFIX: Final = "ROSTRA_"
FILE_VARIABLE: Final = "ROSTRA_CONFIG"
FOREIGN_PREFIXES: Final = ("ROSTRA_TEST_", "ROSTRA_BENCH_")
"""Variables of the tests and benchmarks, which are no settings."""


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class SettingsError(RostraError):
    """A setting is unknown or wrong; the message says which, where, and what is allowed."""


class Settings(Struct, frozen=True, kw_only=True):
    """How this server runs.

    Every field is a setting of the same name (``ROSTRA_<NAME>`` in the environment); the text of
    its ``Meta`` says in messages what is allowed.
    """

    data: Annotated[Path, Meta(description="the path of a folder")] = Path("data")
    host: Annotated[
        str,
        Meta(min_length=1, max_length=253, description="an address or the name of this machine"),
    ] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 8000  # 0: a free one
    workers: Annotated[int, Meta(ge=0, le=256)] = 0  # 0: one a core
    domain: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$",
            max_length=259,
            description="a domain name, such as social.example",
        ),
    ] = "localhost"
    base_url: Annotated[
        str,
        Meta(
            pattern=r"^(https?://[^\s/?#@]+(/[^\s?#]*)?)?$",
            description="an address that begins with http:// or https://, or nothing",
        ),
    ] = ""  # empty: http://host:port
    title: Annotated[str, Meta(max_length=200, description="text of at most 200 characters")] = (
        "Rostra"
    )
    description: Annotated[str, Meta(description="text")] = ""
    contact_email: Annotated[
        str, Meta(pattern=r"^([^@\s]+@[^@\s]+)?$", description="an e-mail address, or nothing")
    ] = ""
    contact_account: Annotated[
        str, Meta(pattern=r"^@?[A-Za-z0-9_]{0,30}$", description="the handle of an account here")
    ] = ""
    source_url: Annotated[
        str,
        Meta(
            pattern=r"^(https?://[^\s]+)?$",
            description="an address that begins with http:// or https://, or nothing",
        ),
    ] = ""  # empty: what the package says
    languages: Annotated[
        str,
        Meta(
            pattern=r"^\s*[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*(\s*,\s*[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*)*\s*$",
            description="codes of languages separated by commas, such as en, pt-BR",
        ),
    ] = "en"
    registrations_open: bool = True
    registrations: Annotated[
        str,
        Meta(pattern=r"^(open|approval|closed|)$", description="one of open, approval, closed"),
    ] = ""  # empty: what registrations_open says
    min_age: Annotated[int, Meta(ge=0, le=150)] = 0  # 0: nobody is asked
    smtp_server: Annotated[
        str, Meta(pattern=r"^[^\s@/]*$", description="the name of a mail server, or nothing")
    ] = ""
    smtp_port: Annotated[int, Meta(ge=1, le=65_535)] = 587
    smtp_security: Annotated[
        str, Meta(pattern=r"^(starttls|tls|none)$", description="one of starttls, tls, none")
    ] = "starttls"
    smtp_login: Annotated[str, Meta(description="text")] = ""
    smtp_password: Annotated[str, Meta(description="text")] = ""
    mail_from: Annotated[
        str, Meta(pattern=r"^([^@\s]+@[^@\s]+)?$", description="an e-mail address, or nothing")
    ] = ""
    max_characters: Annotated[int, Meta(ge=1, le=100_000)] = 500
    max_body_bytes: Annotated[int, Meta(ge=1_024, le=1_073_741_824)] = 1_048_576
    max_image_bytes: Annotated[int, Meta(ge=1_024, le=1_073_741_824)] = 16_777_216
    max_film_bytes: Annotated[int, Meta(ge=1_024, le=10_737_418_240)] = 103_809_024
    max_archive_bytes: Annotated[int, Meta(ge=1_048_576, le=1_099_511_627_776)] = 5_368_709_120
    dormant_days: Annotated[int, Meta(ge=0, le=36_500)] = 30
    appeal_days: Annotated[int, Meta(ge=1, le=184)] = 14
    appeal_window_days: Annotated[int, Meta(ge=184, le=36_500)] = 184  # six months at least
    amnesty_plan_days: Annotated[int, Meta(ge=1, le=365)] = 7
    log_level: Annotated[
        str,
        Meta(
            pattern=r"^(debug|info|warning|error)$",
            description="one of debug, info, warning, error",
        ),
    ] = "info"
    drain_seconds: Annotated[int, Meta(ge=0, le=3_600)] = 10
    metrics_public: bool = False
    fetch_private: Annotated[
        str,
        Meta(
            pattern=r"^\s*(([0-9.]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}(\s+|$))*$",
            description="pairs of address and port, such as 10.0.0.5:8080 [::1]:80, or nothing",
        ),
    ] = ""
    cache_purge_url: Annotated[
        str,
        Meta(
            pattern=r"^(https?://[^\s/?#@]+(/[^\s#]*)?)?$",
            description="an address that begins with http:// or https://, or nothing",
        ),
    ] = ""
    alert_urls: Annotated[
        str,
        Meta(
            pattern=r"^\s*([A-Za-z][A-Za-z0-9+.-]*://\S+(\s+|$))*$",
            description="addresses that begin like slack:// or json://, separated by white space, "
            "or nothing",
        ),
    ] = ""
    rate_limit: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 300  # 0: none
    trusted_proxies: Annotated[
        str,
        Meta(
            description="addresses or networks, separated by commas, such as 10.0.0.0/8",
        ),
    ] = "127.0.0.0/8, ::1"

    def __post_init__(self) -> None:
        """Let ``registrations`` and the older ``registrations_open`` say the same."""
        if self.registrations:
            force_setattr(self, "registrations_open", self.registrations != "closed")
        else:
            force_setattr(self, "registrations", "open" if self.registrations_open else "closed")

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no log may show, wherever it comes up."""
        return (*self.alert_urls.split(), self.smtp_password)

    @property
    def sends_mail(self) -> bool:
        """Whether mail can be sent."""
        return bool(self.smtp_server)

    @property
    def sender(self) -> str:
        """The address that mail comes from."""
        return self.mail_from or f"notifications@{self.domain.partition(':')[0]}"

    @property
    def url(self) -> str:
        """The address visitors use, without a slash at the end."""
        return self.base_url.rstrip("/") or f"http://{self.address}"

    @property
    def proxies(self) -> tuple[Network, ...]:
        """The networks of ``trusted_proxies``."""
        return networks(self.trusted_proxies)

    @property
    def address(self) -> str:
        """``host:port`` as it stands in an address."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def networks(text: str) -> tuple[Network, ...]:
    """Return the networks and addresses of a list that is separated by commas.

    Raises:
        ValueError: one of them is neither.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    return tuple(ipaddress.ip_network(name) for name in names)


SETTINGS: Final[tuple[str, ...]] = Settings.__struct_fields__
SECRETS: Final = frozenset({"alert_urls", "smtp_password"})
"""Settings whose values no message and no log may show."""

_TYPES: Final[dict[str, Any]] = get_type_hints(Settings, include_extras=True)


def load(
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Settings:
    """Return the settings: the file's, over them the environment's, over those the command line's.

    Args:
        path: the file; when not given ``ROSTRA_CONFIG``, else ``rostra.toml`` in the data folder
            or, when there is none, in the working directory.
        environ: the environment.
        overrides: what the command line says; None values say nothing.

    Raises:
        SettingsError: a setting is unknown or wrong, or the file cannot be read.
    """
    environ = environ or {}
    given = {name: value for name, value in (overrides or {}).items() if value is not None}
    variables = dict(_from_environment(environ))
    flags = {
        name: _convert(name, value, f"the option --{name.replace('_', '-')}")
        for name, value in given.items()
    }
    if path is None and environ.get(FILE_VARIABLE):
        path = Path(environ[FILE_VARIABLE])
    if path is None:
        data = flags.get("data") or variables.get("data") or Settings().data
        path = next((file for file in (data / FILE_NAME, Path(FILE_NAME)) if file.is_file()), None)
    settings = dict(_from_file(path)) if path is not None else {}
    return Settings(**(settings | variables | flags))


def _from_file(path: Path) -> Iterable[tuple[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except OSError as error:
        raise SettingsError(f"{path}: the settings cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: the settings are not UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not valid TOML: {error}") from error
    for name, value in values.items():
        where = f"{path}, line {_line(text, name)}"
        yield _known(name, name, where, SETTINGS), _convert(name, value, where)


def _from_environment(environ: Mapping[str, str]) -> Iterable[tuple[str, Any]]:
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or variable.startswith(FOREIGN_PREFIXES):
            continue
        if variable == FILE_VARIABLE:
            continue
        known = [f"{PREFIX}{name.upper()}" for name in SETTINGS]
        _known(variable, variable, "the environment", known)
        name = variable.removeprefix(PREFIX).lower()
        yield name, _convert(name, environ[variable], f"the variable {variable}", text=True)


def _known(name: str, shown: str, where: str, known: Iterable[str]) -> str:
    names = list(known)
    if name in names:
        return name
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known are: {', '.join(names)}"
    raise SettingsError(f"{shown} in {where} is not a setting; {hint}")


def _convert(name: str, value: Any, where: str, *, text: bool = False) -> Any:
    """Return ``value`` as the type of the setting; ``text``: it comes from the environment."""
    if text and _plain(name) is bool:
        value = value.lower()
    try:
        converted = msgspec.convert(value, _TYPES[name], strict=not text, dec_hook=_path)
        if name == "trusted_proxies":
            networks(converted)
        return converted
    except (msgspec.ValidationError, ValueError) as error:
        raise SettingsError(
            f"{name} in {where} must be {allowed(name)}, not {_shown(name, value)}"
        ) from error


def _path(kind: type[Any], value: Any) -> Any:
    if kind is Path and isinstance(value, str | Path) and str(value):
        return Path(value).expanduser()
    raise ValueError(f"not a {kind.__name__}")


def _plain(name: str) -> Any:
    kind = _TYPES[name]
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def allowed(name: str) -> str:
    """Return in words what a setting may be."""
    if _plain(name) is bool:
        return "true or false"
    meta: Meta = get_args(_TYPES[name])[1]
    if _plain(name) is int:
        return f"a whole number from {meta.ge} to {meta.le}"
    return str(meta.description)


def _shown(name: str, value: Any) -> str:
    if name in SECRETS:
        return "what is there"
    if isinstance(value, bool):
        return str(value).lower()
    shown = f'"{value}"' if isinstance(value, str) else str(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def _line(text: str, name: str) -> int:
    found = re.search(
        rf"^\s*[\"']?{re.escape(name)}[\"']?\s*[=.]|^\s*\[+\s*{re.escape(name)}\b", text, re.M
    )
    return 1 if found is None else text.count("\n", 0, found.start() + len(found[0])) + 1
