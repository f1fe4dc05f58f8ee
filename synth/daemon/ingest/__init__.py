"""Signals on their way in: read, bounded, accounted for, and handed over in order."""

from __future__ import annotations

from synth.daemon.ingest.errors import Busy, Over, TooMany
from synth.daemon.ingest.ingest import Ingest

__all__ = ["Busy", "Ingest", "Over", "TooMany"]
