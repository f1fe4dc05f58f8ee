"""The session in the local network's list of services: `_oscjson._tcp` (OSCQuery) and `_osc._udp` (OSC 1.1)."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from typing import Any

from synth.control.osc.errors import OscError

HTTP_TYPE, OSC_TYPE = "_oscjson._tcp.local.", "_osc._udp.local."
TEXT = {"txtvers": "1", "version": "1.1"}


class Announcement:
    """Tells the network, by multicast DNS, that `name` can be reached on `host`. OscError when zeroconf is missing."""

    def __init__(self, name: str, host: str) -> None:
        self.name, self.host = name, host
        self._zeroconf: Any = None

    def start(self, http_port: int, osc_port: int) -> None:
        """Announce both services; of two of the same name the later one gets a number."""
        try:
            from zeroconf import ServiceInfo, Zeroconf
        except ImportError as error:
            raise OscError(f'being found by name needs {error.name}: pip install "isotone[osc]"') from None

        addresses = _addresses(self.host)
        try:
            self._zeroconf = Zeroconf(interfaces=addresses)
            for kind, port in ((HTTP_TYPE, http_port), (OSC_TYPE, osc_port)):
                info = ServiceInfo(
                    kind, f"{self.name}.{kind}", port, properties=TEXT, parsed_addresses=addresses,
                    server=f"{socket.gethostname().partition('.')[0]}.local.",
                )  # fmt: skip
                self._zeroconf.register_service(info, allow_name_change=True)
        except OSError as error:
            self.close()
            raise OscError(f"zeroconf: {self.host} cannot be announced ({error}): go on without") from None

    def close(self) -> None:
        """Announce no more."""
        if self._zeroconf is not None:
            with contextlib.suppress(OSError):
                self._zeroconf.close()
            self._zeroconf = None


def _addresses(host: str) -> list[str]:
    """`host` as addresses; all that this machine has when it listens on all."""
    if not ipaddress.ip_address(socket.gethostbyname(host)).is_unspecified:
        return [socket.gethostbyname(host)]
    try:
        found = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    except OSError:
        found = set()
    return sorted(str(address) for address in found) or ["127.0.0.1"]
