"""Which addresses of the network this server may ask: those of the public internet.

What is private to a machine, a provider or a protocol is refused, in whatever form it is written:
an address a visitor gives must not reach what only this machine can (server-side request forgery).
Sources: the IANA special-purpose address registries (RFC 6890), RFC 6052, RFC 8215 (NAT64),
RFC 3056 (6to4), RFC 4380 (Teredo), RFC 6598 (shared addresses of providers).
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

Address = IPv4Address | IPv6Address

_GLOBAL_V6: Final = IPv6Network("2000::/3")
_REFUSED_V6: Final = (
    IPv6Network("2001::/23"),  # protocol assignments; Teredo carries an IPv4 address
    IPv6Network("2001:db8::/32"),  # documentation
    IPv6Network("2002::/16"),  # 6to4 carries an IPv4 address
    IPv6Network("3fff::/20"),  # documentation
)
_REFUSED_V4: Final = (
    IPv4Network("192.0.0.0/24"),  # protocol assignments
    IPv4Network("192.88.99.0/24"),  # relays of 6to4
)


def is_public(address: Address) -> bool:
    """Return whether an address is one of the public internet.

    IPv6 addresses that stand for an IPv4 one (mapped, NAT64, 6to4, Teredo) are never: who means
    that address can write it plainly.
    """
    if address.is_multicast or not address.is_global:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_V4)
    if address.scope_id is not None or address not in _GLOBAL_V6:
        return False
    return not any(address in network for network in _REFUSED_V6)


class Allowed:
    """The addresses and ports this server may ask.

    Args:
        exceptions: pairs ``address:port`` that are allowed though they are not public.
        ports: the ports allowed at public addresses.
    """

    def __init__(self, exceptions: Iterable[str] = (), ports: Iterable[int] = (80, 443)) -> None:
        self._exceptions = {_pair(text) for text in exceptions}
        self._ports = frozenset(ports)

    def port(self, port: int) -> bool:
        """Return whether a port may be asked at any address at all."""
        return port in self._ports or any(port == one for _, one in self._exceptions)

    def address(self, address: Address, port: int) -> bool:
        """Return whether an address may be asked at a port."""
        if (address, port) in self._exceptions:
            return True
        return port in self._ports and is_public(address)


def _pair(text: str) -> tuple[Address, int]:
    host, _, port = text.rpartition(":")
    return ip_address(host.strip("[]")), int(port)
