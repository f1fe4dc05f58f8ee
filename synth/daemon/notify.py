"""Tells the service manager how the daemon stands (sd_notify(3)): one datagram of VARIABLE=VALUE lines."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import MutableMapping


class Notify:
    """Speaks to the socket that NOTIFY_SOCKET names: a path, or with a leading @ a name in Linux's abstract namespace.

    Without a manager every call does nothing; one that does not answer is never waited for. The variables are taken out
    of `environment`, so that the render workers do not speak in the daemon's name.
    """

    def __init__(self, environment: MutableMapping[str, str] | None = None) -> None:
        given = os.environ if environment is None else environment
        address = given.pop("NOTIFY_SOCKET", "")
        pid, period_us = given.pop("WATCHDOG_PID", ""), given.pop("WATCHDOG_USEC", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        mine = pid in ("", str(os.getpid())) and period_us.isdigit() and int(period_us) > 0
        self.watchdog_s = int(period_us) / 1e6 if self._address and mine else None
        """Seconds within which the manager wants to hear `alive`, None if it does not watch."""

    def ready(self, status: str) -> None:
        """Started, or done with reloading."""
        self._send("READY=1", f"STATUS={status}")

    def starting(self, status: str, more_s: float) -> None:
        """Still starting; the manager is asked to wait `more_s` more from now."""
        self._send(f"STATUS={status}", f"EXTEND_TIMEOUT_USEC={round(more_s * 1e6)}")

    def reloading(self) -> None:
        """Reading the settings again; `ready` is to follow."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}", "STATUS=reading settings again")

    def stopping(self, status: str) -> None:
        """Ending."""
        self._send("STOPPING=1", f"STATUS={status}")

    def status(self, status: str) -> None:
        """How things stand, in a line for people."""
        self._send(f"STATUS={status}")

    def alive(self) -> None:
        """Feeds the watchdog."""
        self._send("WATCHDOG=1")

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.setblocking(False)
            out.sendto("\n".join(line.replace("\n", " ") for line in lines).encode(), self._address)
