"""Hosts, as settings and requests name them."""

from __future__ import annotations

import ipaddress


def is_address(host: str) -> bool:
    """Whether `host` is an address, which no name server can turn elsewhere."""
    return _address(host) is not None


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`. A name other than localhost may be anywhere."""
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
