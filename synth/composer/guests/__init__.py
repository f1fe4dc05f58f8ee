"""Other composers: each takes a stem a phrase at a time, in a process of its own, and is checked before it sounds."""

from __future__ import annotations

from synth.composer.guests.check import Heard, heard
from synth.composer.guests.desk import Desk, Reception, Replayed, Told
from synth.composer.guests.guest import Guest, Invitation, Written
from synth.composer.guests.tune import Motif, TuneError, read_tune

__all__ = [
    "Desk",
    "Guest",
    "Heard",
    "Invitation",
    "Motif",
    "Reception",
    "Replayed",
    "Told",
    "TuneError",
    "Written",
    "heard",
    "read_tune",
]
