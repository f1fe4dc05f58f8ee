"""Open Sound Control: the table of controls as an address space, and a server that plays a session by it."""

from __future__ import annotations

from synth.control.osc.errors import OscError
from synth.control.osc.server import PORT, OscServer
from synth.control.osc.tree import Tree

__all__ = ["PORT", "OscError", "OscServer", "Tree"]
