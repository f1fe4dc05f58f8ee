"""OSCQuery: the address space described over HTTP, its values over a WebSocket, found by name when asked for."""

from __future__ import annotations

from synth.control.oscquery.app import OscQuery
from synth.control.oscquery.server import PORT, OscQueryServer

__all__ = ["PORT", "OscQuery", "OscQueryServer"]
