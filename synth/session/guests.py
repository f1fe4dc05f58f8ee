"""Guests of a session: the desk in front of its composer, or what a record holds; a line for each answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from synth.composer.guests import Desk, Motif, Reception, Replayed, Told
from synth.instruments.base import QUANTUM
from synth.preset import Preset
from synth.transport import Transport

__all__ = ["GuestError", "Guests", "Motif", "reception", "told_in", "waited_for"]

Guests = Mapping[str, Any] | Reception


class GuestError(ValueError):
    """A guest that cannot be asked at all; the message says what to change."""


def reception(guests: Guests | None, moves: Iterable[Mapping[str, Any]], preset: Preset) -> Reception | None:
    """Who answers the composer's invitations: `guests` (stem to guest, or a desk of one's own), else the "guest" lines
    among `moves`, else nobody. GuestError on a stem that the preset does not have."""
    if guests is None:
        lines = [move for move in moves if move["type"] == "guest"]
        return Replayed(lines) if lines else None
    stems = guests.stems if isinstance(guests, Reception) else guests.keys()
    if unknown := sorted(stems - preset.stems.keys()):
        raise GuestError(f"{preset.name} has no stem {unknown[0]!r} for a guest: one of {', '.join(preset.stems)}")
    return guests if isinstance(guests, Reception) else Desk(guests)


def waited_for(guests: Guests | None) -> Guests | None:
    """`guests` as music that is rendered ahead takes them: each is waited for."""
    return guests if guests is None or isinstance(guests, Reception) else Desk(guests, wait=True)


def told_in(note: Callable[[dict[str, Any]], None], transport: Transport, sample_rate: int) -> Callable[[Told], None]:
    """Writes by `note` what came of an invitation, at the quantum of the beat on which it was taken."""

    def tell(told: Told) -> None:
        start_us = transport.beat.start_us
        quantum = start_us * sample_rate // 1_000_000 // QUANTUM
        note({**told.as_line(), "quantum": quantum, "t_s": round(start_us / 1e6, 4)})

    return tell
