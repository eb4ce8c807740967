"""Alerts by Apprise, each in a thread of its own, so that an address that hangs holds up nothing.

Apprise is imported when the first address is looked at: it brings some 200 modules with it. It is
given text alone, keeps nothing on disk, follows no redirects with what is secret in an address, and
what it logs stays here but for a reason in words of our own.
"""

from __future__ import annotations

import asyncio
import functools
import hmac
import logging
import re
import threading
import time
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from rostra.domain.alerts import Alert, AlertPlace, Undelivered, shown
from rostra.domain.words import noun

if TYPE_CHECKING:
    from apprise import NotifyBase

SECONDS: Final = 20.0
"""How long one try may take in all."""

READ_SECONDS: Final = 10.0
"""How long to wait for a byte of an answer, unless the address says otherwise (``?rto=``)."""

REST_SECONDS: Final = 15.0
"""How long an address that did not answer in time is left alone, so that others have the lanes."""

_loading: Final = threading.Lock()  # filters of warnings belong to the whole process
_STATUS: Final = re.compile(r"error=(\d{3})\b")
_REASONS: Final = (
    (re.compile(r"timed? ?out", re.IGNORECASE), "it did not answer in time"),
    (re.compile(r"refused", re.IGNORECASE), "nobody listens there"),
    (re.compile(r"resol|name or service|getaddrinfo", re.IGNORECASE), "its name is not known"),
    (re.compile(r"certificate|ssl", re.IGNORECASE), "the encrypted connection failed"),
    (re.compile(r"connection|socket", re.IGNORECASE), "the connection broke"),
)


class AppriseAlerts:
    """The addresses that are set.

    Args:
        addresses: in Apprise's form (https://github.com/caronc/apprise/wiki), or a service's own.
        key: what names of addresses are made with, so that nobody can guess one from its name.
        seconds: how long one try may take.
    """

    def __init__(self, addresses: Sequence[str], key: bytes, *, seconds: float = SECONDS) -> None:
        self._addresses: dict[str, str] = {}
        self._places: list[AlertPlace] = []
        self._seconds = seconds
        self._rest_until: dict[str, float] = {}
        for number, address in enumerate(addresses, 1):
            name = hmac.new(key, address.encode(), "sha256").hexdigest()[:32]
            if name not in self._addresses:
                self._addresses[name] = address
                self._places.append(AlertPlace(key=name, shown=shown(number, address)))

    def places(self) -> Sequence[AlertPlace]:
        """Return where alerts go."""
        return self._places

    async def send(self, key: str, alert: Alert, *, server: str) -> None:
        """Send an alert; see ``ports.Alerts.send``."""
        place = next((one for one in self._places if one.key == key), None)
        if place is None:
            raise Undelivered("This address for alerts is not set any more")
        if time.monotonic() < self._rest_until.get(key, 0.0):
            raise Undelivered(f"{place.shown}: it did not answer a moment ago")
        reason = await self._tried(key, alert, server)
        if reason:
            raise Undelivered(f"{place.shown}: {reason}")

    async def _tried(self, key: str, alert: Alert, server: str) -> str:
        """Return why an alert was not taken, and nothing when it was."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[str] = loop.create_future()

        def settle(reason: str) -> None:
            if not done.done():
                done.set_result(reason)

        def work() -> None:
            try:
                reason = _sent(self._addresses[key], alert, server)
            except Exception as error:  # whose text may quote the address
                reason = f"Apprise failed with {type(error).__name__}"
            try:
                loop.call_soon_threadsafe(settle, reason)
            except RuntimeError:  # the process ends, and waits for nobody's answer
                return

        # Not a thread of a pool: one that hangs would keep the process from ending.
        threading.Thread(target=work, name="alert", daemon=True).start()
        try:
            return await asyncio.wait_for(done, self._seconds)
        except TimeoutError:
            self._rest_until[key] = time.monotonic() + REST_SECONDS
            return f"it did not answer within {self._seconds:g} {noun(self._seconds, 'second')}"


def misunderstood(addresses: Sequence[str]) -> list[str]:
    """Return which addresses Apprise cannot make sense of, as they may be shown."""
    return [
        shown(number, address)
        for number, address in enumerate(addresses, 1)
        if _notifier(address) is None
    ]


@functools.cache
def _load() -> None:
    """Import Apprise and its services, quietly: what they say of themselves is for their people."""
    with _loading, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from apprise import Apprise

        Apprise.instantiate("json://localhost/")
    # What libraries log of addresses stays out of this process's log.
    for name in ("apprise", "urllib3", "requests"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL + 1)
        logger.propagate = False


def _notifier(address: str) -> NotifyBase | None:
    """Return what sends to an address, or None when there is no such service or form."""
    _load()
    from apprise import Apprise, AppriseAsset

    asset = AppriseAsset(
        app_id="Rostra",
        app_desc="Rostra",
        app_url="",
        image_url_mask="",
        image_url_logo="",
        http_redirects=False,
        storage_mode="memory",
        async_mode=False,
        pgp_autogen=False,
        pem_autogen=False,
        allow_templates=False,
    )
    try:
        found: NotifyBase | None = Apprise.instantiate(
            address, asset=asset, suppress_exceptions=False
        )
    except Exception:  # each service has errors of its own; they may quote the address
        return None
    if found is not None and "rto" not in address:
        found.socket_read_timeout = READ_SECONDS
    return found


def _sent(address: str, alert: Alert, server: str) -> str:
    """Send, in a thread; return why it failed, and nothing when it was taken."""
    from apprise import NotifyFormat, NotifyType

    notifier = _notifier(address)
    if notifier is None:
        return "Apprise does not understand it; compare it with Apprise's list of services"
    heard = _Heard()
    notifier.logger = heard.logger
    taken = notifier.notify(
        body=alert.body(server),
        title=f"{server}: {alert.subject}",
        notify_type=NotifyType.FAILURE if alert.grave else NotifyType.INFO,
        body_format=NotifyFormat.TEXT,
    )
    return "" if taken else heard.reason or "it was not taken"


class _Heard(logging.Handler):
    """Listens to what one notifier logs for a reason, and lets nothing of it through."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.reason = ""
        self.logger = logging.Logger("alert", logging.DEBUG)  # known to nobody, without a parent
        self.logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Note the reason in an entry, the most telling one."""
        text = record.getMessage()
        if status := _STATUS.search(text):
            self.reason = f"it answered with {status[1]}"
        elif not text.startswith(("Socket", "A Connection")):
            return
        else:
            found = (words for pattern, words in _REASONS if pattern.search(text))
            # The connection "broke" until an entry that comes later says how.
            self.reason = next(found, self.reason)
