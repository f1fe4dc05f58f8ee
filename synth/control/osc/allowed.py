"""Who may send: this machine, and the networks that were named."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

from synth.addresses import is_loopback
from synth.control.osc.errors import OscError


class Allowed:
    """Networks in CIDR notation ("192.168.1.0/24") besides this machine itself.

    OscError when one is malformed, or when `host`, where one listens, can be reached from elsewhere and none is named.
    """

    def __init__(self, host: str, networks: Iterable[str] = ()) -> None:
        self.networks = tuple(map(_network, networks))
        self._admits = lru_cache(maxsize=1024)(self._admits_anew)  # asked for every packet
        if not self.networks and not is_loopback(host):
            raise OscError(
                f"OSC: {host} can be reached from other machines: say which may send, "
                'as networks ("192.168.1.0/24"), or listen on 127.0.0.1'
            )

    def __contains__(self, host: object) -> bool:
        """Whether the address `host` (a number, not a name) may send."""
        return self._admits(str(host))

    def _admits_anew(self, host: str) -> bool:
        try:
            address = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        return address.is_loopback or any(address in network for network in self.networks)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text.strip())
    except ValueError as error:
        raise OscError(f'OSC: {text!r} is no network ({error}): write it as "192.168.1.0/24"') from None
