"""Free time: notes placed in seconds, on no grid, for music without a pulse."""

from __future__ import annotations

from random import Random

from synth.composer.moment import Moment

APART_S = 0.25  # attacks nearer than this are heard as one stroke or as a pulse


def beat_at(now: Moment, time_s: float) -> float | None:
    """The beat of the phrase that sounds at `time_s` of the session; None when that is not in this bar.

    A time that went by while another bar was written counts as this bar's start.
    """
    if time_s >= now.time_s + now.bar_s:
        return None
    return now.start + max(time_s - now.time_s, 0.0) / now.beat_s


def time_of(now: Moment, beat: float) -> float:
    """Second of the session at which `beat` of the phrase sounds."""
    return now.time_s + (beat - now.start) * now.beat_s


def gap_s(rng: Random, mean_s: float, evenness: float = 0.5) -> float:
    """A wait of about `mean_s`, never under `APART_S`: 0 is as chance would have it, 1 always the same."""
    spread = max(1.0 - min(max(evenness, 0.0), 1.0), 1e-3)
    shape = 1.0 / spread**2  # of a gamma distribution with that spread
    if mean_s <= APART_S:
        return APART_S
    return APART_S + (mean_s - APART_S) * rng.gammavariate(shape, 1.0 / shape)
