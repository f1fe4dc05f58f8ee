"""Cues as others read them: from the sound with SciPy and pyloudnorm, from the MIDI with pretty_midi and partitura.

Nothing here is told what the music was asked to be, nor shares a line with what made it. NaN: there is nothing to read.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

RATE = 48_000
FRAME = 2048  # of the spectrum
HOP_S = 0.005  # of the envelope that attacks are read from
LOOK_S = 2.0  # for the peak after an onset
LEAST_RISE_DB = 3.0
WINDOW_S = 1.0  # of tonal tension
LEAST_SOUNDS = 4  # notes of a stem that make a mean
# Modes by semitones above the tonic, and how bright each is, dorian 0.
MODES = {
    3: (0, 2, 4, 6, 7, 9, 11),
    2: (0, 2, 4, 5, 7, 9, 11),
    1: (0, 2, 4, 5, 7, 9, 10),
    0: (0, 2, 3, 5, 7, 9, 10),
    -1: (0, 2, 3, 5, 7, 8, 10),
    -2: (0, 1, 3, 5, 7, 8, 10),
}
FOREIGN = 0.005  # share of the sounding time by which a mode may hold less than the best
UNPITCHED = ("percussion", "nature")


def sound_cues(mix: NDArray[np.float32]) -> dict[str, float]:
    """Integrated loudness (BS.1770) and the power spectrum's centre, octaves over 1 kHz, of `mix` (frames, 2)."""
    import pyloudnorm
    from scipy import signal

    loudness = pyloudnorm.Meter(RATE).integrated_loudness(np.asarray(mix, np.float64))
    hz, power = signal.welch(mix.mean(axis=1), RATE, nperseg=FRAME, detrend=False)
    return {
        "loudness_lufs": float(loudness),
        "centroid_oct": math.log2(float(hz @ power / power.sum()) / 1000.0),
    }


def attack_oct(stem: NDArray[np.float32], onsets_s: Sequence[float]) -> float:
    """Median rise of `stem` (frames, 2), 10 to 90 % of the way up in amplitude, after each onset; octaves of 1 ms."""
    from scipy import ndimage

    hop = round(HOP_S * RATE)
    power = ndimage.uniform_filter1d(stem.mean(axis=1, dtype=np.float64) ** 2, 4 * hop, mode="constant")
    level = np.sqrt(np.maximum(power[::hop], 0.0))
    rises = []
    for at, until in zip(onsets_s, [*onsets_s[1:], math.inf], strict=True):
        first, last = max(round(at / HOP_S) - 4, 0), round(min(at + LOOK_S, until) / HOP_S)
        heard = level[first:last]
        if heard.size < 10:
            continue
        peak = int(np.argmax(heard))
        least = int(np.argmin(heard[: peak + 1]))
        if heard[peak] <= 1e-5 or heard[peak] < heard[least] * 10.0 ** (LEAST_RISE_DB / 20.0):
            continue
        way = (heard[least : peak + 1] - heard[least]) / (heard[peak] - heard[least])
        rises.append(1000.0 * HOP_S * (int(np.argmax(way >= 0.9)) - int(np.flatnonzero(way <= 0.1)[-1])))
    return math.log2(float(np.median(rises))) if len(rises) >= LEAST_SOUNDS else math.nan


class Written:
    """A MIDI file from `start_s` to `end_s`: notes by track, beats and tonic."""

    def __init__(self, path: Path, start_s: float, end_s: float) -> None:
        import pretty_midi

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            score = pretty_midi.PrettyMIDI(str(path))
        self.path, self.start_s, self.end_s = path, start_s, end_s
        self.tracks: Mapping[str, list[Any]] = {
            track.name: sorted((n for n in track.notes if start_s <= n.start < end_s), key=lambda n: n.start)
            for track in score.instruments
        }
        self.pitched = [n for name, notes in self.tracks.items() if name not in UNPITCHED for n in notes]
        beats = score.get_beats()
        self.beats_s = beats[(beats >= start_s) & (beats < end_s)]
        keys = [k.key_number % 12 for k in score.key_signature_changes if k.time < end_s]
        self.tonic = keys[-1] if keys else 0

    def onsets_s(self, stem: str) -> list[float]:
        """Times at which `stem` strikes, from `start_s` on; a chord counts once."""
        struck: list[float] = []
        for note in self.tracks.get(stem, ()):
            if not struck or note.start - self.start_s > struck[-1] + 0.06:
                struck.append(note.start - self.start_s)
        return struck

    def cues(self) -> dict[str, float]:
        """Tempo, density, articulation, share of percussion, register by stem, and mode."""
        onsets = sum(len(notes) for notes in self.tracks.values())
        return {
            "tempo_bpm": 60.0 * (self.beats_s.size - 1) / float(self.beats_s[-1] - self.beats_s[0]),
            "density_hz": onsets / (self.end_s - self.start_s),
            "articulation": _articulation(self.tracks.get("melody", [])),
            "percussion_share": len(self.tracks.get("percussion", ())) / max(onsets, 1),
            **{f"{stem}_note": _mean_note(self.tracks.get(stem, [])) for stem in ("melody", "bells", "pad")},
            "mode_brightness": _brightness(self.pitched, self.tonic),
        }

    def dissonance(self) -> float:
        """Mean cloud diameter: how far the tones of a second lie apart in Chew's spiral array (Herremans & Chew)."""
        import partitura

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            played = partitura.load_performance_midi(str(self.path))
            found = partitura.musicanalysis.estimate_tonaltension(played, ss=WINDOW_S)
        inside = (found["onset_sec"] >= self.start_s) & (found["onset_sec"] < self.end_s)
        return float(np.nanmean(found["cloud_diameter"][inside]))


def _mean_note(notes: Sequence[Any]) -> float:
    return float(np.mean([note.pitch for note in notes])) if len(notes) >= LEAST_SOUNDS else math.nan


def _articulation(line: Sequence[Any]) -> float:
    """Median length of a note over the time to the next one, rests of more than a second left out."""
    gaps = [
        (n.end - n.start, after.start - n.start, after.start - n.end) for n, after in zip(line, line[1:], strict=False)
    ]
    ratios = [length / apart for length, apart, rest in gaps if apart > 0.05 and rest < 1.0]
    return float(np.median(ratios)) if len(ratios) >= LEAST_SOUNDS else math.nan


def _brightness(notes: Sequence[Any], tonic: int) -> float:
    """How bright the mode is: the mean of those that hold the sounding time as well as the best one does."""
    sounding = np.zeros(12)
    for note in notes:
        sounding[(note.pitch - tonic) % 12] += note.end - note.start
    held = {bright: sounding[list(mode)].sum() / max(sounding.sum(), 1e-9) for bright, mode in MODES.items()}
    return float(np.mean([bright for bright, share in held.items() if share >= max(held.values()) - FOREIGN]))
