"""Sound for those who listen: PCM over WebSockets at once, Ogg Opus over HTTP seconds later."""

from __future__ import annotations

from synth.daemon.audio.listeners import Counts, Listeners

__all__ = ["Counts", "Listeners"]
