"""The small print of phrases: how they end, how they step, what comes back and how loud it is."""

from __future__ import annotations

import math
import statistics
import warnings
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from . import tension, voices
from .motif import LIKE, Phrase, likeness, phrases
from .page import Page

# Band of each; "share" means that the figure is a share of phrases, beats or time.
BANDS: dict[str, tuple[float, float]] = {
    "low_gap_share": (0.0, 0.05),
    "motion_median": (0.0, 6.0),
    "motion_p95": (0.0, 12.0),
    "end_density": (0.5, 0.9),
    "end_fall": (-5.0, -0.5),
    "tension_peak_part": (4.0, 7.0),
    "tension_last_is_lowest": (0.5, 1.0),
    "long_last_share": (0.6, 1.0),
    "down_over_up": (1.1, 2.0),
    "related_share": (0.4, 0.7),
    "near_returns": (0.8, 1.0),
    "velocity_per_semitone": (0.3, 0.9),
    "beat_exponent": (0.4, 1.2),
}
FREE_BANDS: dict[str, tuple[float, float]] = {
    "least_gap_ms": (250.0, math.inf),
    "lead_silence": (0.35, 1.0),
    "tonic_share": (0.7, 1.0),
}


def checks(page: Page) -> dict[str, float]:
    """All of `BANDS`, NaN where the page has not what it takes."""
    found = phrases(page)
    sung = [phrase for phrase in found if len(phrase.line) >= 4]
    lead = voices.leading(page)
    heard = tension.by_beat(page)["heard"]
    curve = np.full(8, np.nan)
    if found:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # an eighth that is silent in every phrase
            curve = np.nanmean([_eighths(heard, phrase) for phrase in found], axis=0)
    related = _related(sung)
    return {
        "low_gap_share": low_gaps(page),
        "motion_median": lead.median,
        "motion_p95": lead.p95,
        "end_density": _end_density(page, found),
        "end_fall": _mean(_last_pitch(phrase) for phrase in sung),
        "tension_peak_part": float(np.nanargmax(curve) + 1) if np.isfinite(curve).any() else math.nan,
        "tension_last_is_lowest": float(np.nanmin(curve) == curve[-1]) if np.isfinite(curve).any() else math.nan,
        "long_last_share": _mean(_long_last(phrase) for phrase in sung),
        "down_over_up": down_over_up(sung),
        "related_share": sum(lag > 0 for lag in related) / len(related) if related else math.nan,
        "near_returns": _mean(float(lag <= 4) for lag in related if lag),
        "velocity_per_semitone": _velocity_slope(page),
        "beat_exponent": exponent(page),
    }


def free_checks(page: Page) -> dict[str, float]:
    """All of `FREE_BANDS`, for scenes without a pulse: between attacks (a chord's tones within 60 ms are one), of the
    tune's stem, and of tonic or fifth sounding."""
    times: list[float] = []
    for note in page.pitched:
        at = page.seconds(note.start)
        if not times or at - times[-1] > 0.06:
            times.append(at)
    gaps = [b - a for a, b in zip(times, times[1:], strict=False)]
    home: set[int] = set()
    sung: set[int] = set()
    half_beats = range(math.ceil(2 * page.end))
    tune = {id(note) for note in page.melody}
    for note in page.pitched:
        covered = range(round(2 * note.start), max(round(2 * note.end), round(2 * note.start) + 1))
        if page.relative(note) in (0, 7):
            home.update(covered)
        if id(note) in tune:
            sung.update(covered)
    length = max(len(half_beats), 1)
    return {
        "least_gap_ms": 1e3 * min(gaps) if gaps else math.nan,
        "lead_silence": 1.0 - len(sung) / length,
        "tonic_share": len(home) / length,
    }


def _mean(values: Iterable[float]) -> float:
    listed = [v for v in values if not math.isnan(v)]
    return statistics.mean(listed) if listed else math.nan


def low_gaps(page: Page) -> float:
    """Share of beats with a lowest tone under 48 that have another within 4 semitones above it."""
    on_beat: list[set[int]] = [set() for _ in range(math.ceil(page.end))]
    for note in page.pitched:
        for beat in range(math.ceil(note.start), min(math.ceil(note.end), len(on_beat))):
            on_beat[beat].add(note.pitch)
    low = [sorted(tones) for tones in on_beat if tones and min(tones) < 48]
    return sum(len(tones) > 1 and tones[1] - tones[0] <= 4 for tones in low) / len(low) if low else math.nan


def _end_density(page: Page, found: Sequence[Phrase]) -> float:
    """Onsets of all pitched stems in the last eighth of a phrase against their mean."""
    starts = np.array([note.start + 0.05 for note in page.pitched])
    last = mean = 0.0
    for phrase in found:
        length = phrase.end - phrase.start
        mean += ((starts >= phrase.start) & (starts < phrase.end)).sum() / 8
        last += ((starts >= phrase.end - length / 8) & (starts < phrase.end)).sum()
    return float(last / mean) if mean else math.nan


def _last_pitch(phrase: Phrase) -> float:
    """The pitch of a line's end (the notes of its last eighth in time) above its mean, in semitones."""
    first, last = phrase.line[0].start, phrase.line[-1].start
    end = [n.pitch for n in phrase.line if n.start >= last - (last - first) / 8]
    return statistics.mean(end) - statistics.mean(n.pitch for n in phrase.line)


def _long_last(phrase: Phrase) -> float:
    lengths = [n.end - n.start for n in phrase.line]
    return float(lengths[-1] >= 1.3 * statistics.median(lengths))


def down_over_up(sung: Sequence[Phrase]) -> float:
    """Steps (one or two semitones) down against steps up."""
    steps = [b.pitch - a.pitch for p in sung for a, b in zip(p.line, p.line[1:], strict=False)]
    up = sum(step in (1, 2) for step in steps)
    return sum(step in (-1, -2) for step in steps) / up if up else math.nan


def _related(sung: Sequence[Phrase]) -> list[int]:
    """For each phrase after the first how many phrases ago one like it was heard; 0 for never."""
    found = []
    for i, phrase in enumerate(sung[1:], 1):
        lags = [i - j for j in range(i - 1, -1, -1) if likeness(sung[j], phrase) >= LIKE]
        found.append(lags[0] if lags else 0)
    return found


def _eighths(curve: NDArray[np.float64], phrase: Phrase) -> list[float]:
    """Heard tension in the eight parts of a phrase."""
    length = phrase.end - phrase.start
    parts = []
    for part in range(8):
        low = phrase.start + part * length / 8
        inside = curve[round(low) : max(round(low + length / 8), round(low) + 1)]
        parts.append(float(np.nanmean(inside)) if np.isfinite(inside).any() else math.nan)
    return parts


def _velocity_slope(page: Page) -> float:
    """MIDI velocity against height, a semitone: over the tune's notes."""
    line = page.melody
    if len({n.pitch for n in line}) < 3:
        return math.nan
    return float(np.polyfit([n.pitch for n in line], [127 * n.velocity for n in line], 1)[0])


def exponent(page: Page, least: int = 64) -> float:
    """Of the spectrum of beat lengths as played: the time of the first note that starts on each beat (within a
    quarter beat), between neighbouring beats, its trend by a straight line in log-log."""
    firsts: dict[int, float] = {}
    for note in page.pitched:
        beat = round(note.start)
        if abs(note.start - beat) < 0.25 and beat not in firsts:
            firsts[beat] = page.seconds(note.start)
    beats = sorted(firsts)
    run: list[float] = []
    best: list[float] = []
    for a, b in zip(beats, beats[1:], strict=False):
        if b == a + 1:
            run.append(math.log(max(firsts[b] - firsts[a], 1e-3)))
        else:
            best, run = max(best, run, key=len), []
    best = max(best, run, key=len)
    if len(best) < least:
        return math.nan
    values = np.array(best) - np.mean(best)
    power = np.abs(np.fft.rfft(values * np.hanning(len(values))))[1:] ** 2
    hz = np.fft.rfftfreq(len(values))[1:]
    kept = (power > 0) & (hz < 0.25)
    return float(-np.polyfit(np.log(hz[kept]), np.log(power[kept]), 1)[0])
