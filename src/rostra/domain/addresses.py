"""The address a request comes from, through the proxies this server trusts."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, MutableMapping
from functools import lru_cache
from typing import Any, Final

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

UNKNOWN: Final = "unknown"
_IPV6_SITE: Final = 64
"""Bits of an IPv6 address that name a site: one person has all addresses below them."""


def client_address(trusted: Iterable[Network]) -> Callable[[MutableMapping[str, Any]], str]:
    """Return what tells the address a request (an ASGI scope) comes from.

    ``X-Forwarded-For`` is believed from the right, and only as far as its hops are ``trusted``:
    what stands before them could be anybody's word.

    Args:
        trusted: the networks of the proxies before this server.
    """
    proxies = tuple(trusted)

    def address_of(scope: MutableMapping[str, Any]) -> str:
        client = scope.get("client")
        address = str(client[0]) if client else UNKNOWN
        if not proxies or not _within(address, proxies):
            return address
        for hop in reversed(_forwarded(scope["headers"])):
            if _parsed(hop) is None:
                break
            address = hop
            if not _within(address, proxies):
                break
        return address

    return address_of


@lru_cache(maxsize=16_384)
def site(address: str) -> str:
    """Return what is counted as one visitor: an IPv4 address, or the /64 of an IPv6 one."""
    parsed = _parsed(address)
    if parsed is None or parsed.version == 4:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _IPV6_SITE), strict=False))


def _forwarded(headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    values = [value.decode("latin-1") for name, value in headers if name == b"x-forwarded-for"]
    return [hop.strip() for value in values for hop in value.split(",")]


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(address)
    except ValueError:
        return None


def _within(address: str, trusted: Iterable[Network]) -> bool:
    parsed = _parsed(address)
    if parsed is None:
        return False
    if parsed.version == 6 and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in trusted)
