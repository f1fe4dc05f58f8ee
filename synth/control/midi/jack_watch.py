"""Whether the JACK server lives. rtmidi does not tell: of a server that is no more it still lists the ports."""

from __future__ import annotations

import contextlib
import threading
from typing import Any


class JackWatch:
    """A client that does nothing but notice the end of the server, with JACK-Client; without that it sees no end."""

    def __init__(self, name: str) -> None:
        self._name = f"{name} watch"
        self._client: Any = None
        self._ended = threading.Event()

    def alive(self) -> bool:
        """Whether the server has lived on since this was asked last; False once after it ended and came back."""
        try:
            import jack
        except (ImportError, OSError):
            return True
        if self._client is not None and self._ended.is_set():
            self.close()
            return False
        if self._client is None:
            self._ended.clear()
            try:
                self._client = jack.Client(self._name, no_start_server=True)
            except jack.JackError:
                return False
            self._client.set_shutdown_callback(lambda status, reason: self._ended.set())
        return True

    def close(self) -> None:
        """Leave the server."""
        if self._client is not None:
            with contextlib.suppress(Exception):  # one that has ended cannot be left any more
                self._client.close(ignore_errors=True)
            self._client = None
