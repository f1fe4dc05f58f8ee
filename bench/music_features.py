"""Cues of music as others would read them: from its sound with librosa and pyloudnorm, from its MIDI with pretty_midi.

Nothing here is told what the music was asked to be, nor shares a line with what made it.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

LOW_RATE = 24_000  # of the sound that librosa reads
FRAME, HOP = 2048, 512
HOP_S = 0.005  # of the envelope that attacks are read from
LOOK_S = 1.0  # after an onset, for its peak
LEAST_RISE_DB = 1.0
HIGH_STEMS = ("melody", "bells")
# Semitones above the tonic of the seven modes, bright to dark, and how bright each is (dorian: 0).
MODES = {
    3: (0, 2, 4, 6, 7, 9, 11),
    2: (0, 2, 4, 5, 7, 9, 11),
    1: (0, 2, 4, 5, 7, 9, 10),
    0: (0, 2, 3, 5, 7, 9, 10),
    -1: (0, 2, 3, 5, 7, 8, 10),
    -2: (0, 1, 3, 5, 7, 8, 10),
    -3: (0, 1, 3, 5, 6, 8, 10),
}
FOREIGN = 0.005  # share of sounding time that may lie outside a mode


def sound_cues(audio: NDArray[np.floating], rate: int) -> dict[str, float]:
    """Loudness, brightness, busyness and attack of `audio`, (frames, 2)."""
    import librosa
    import pyloudnorm

    loudness = pyloudnorm.Meter(rate).integrated_loudness(np.asarray(audio, np.float64))
    mono = librosa.resample(audio.mean(axis=1).astype(np.float32), orig_sr=rate, target_sr=LOW_RATE, res_type="polyphase")
    power = np.abs(librosa.stft(mono, n_fft=FRAME, hop_length=HOP)) ** 2
    centre_hz = float(librosa.fft_frequencies(sr=LOW_RATE, n_fft=FRAME) @ power.sum(axis=1) / power.sum())
    mel = librosa.feature.melspectrogram(S=power, sr=LOW_RATE)
    strength = librosa.onset.onset_strength(S=librosa.power_to_db(mel), sr=LOW_RATE, hop_length=HOP)
    return {
        "loudness_lufs": float(loudness),
        "centroid_oct": math.log2(centre_hz / 1000.0),
        "onset_strength_db": float(strength.mean()),
        "attack_oct": _attack_oct(mono, strength),
    }


def _attack_oct(mono: NDArray[np.float32], strength: NDArray[np.floating]) -> float:
    """Octaves over 1 ms of the median rise, 10 to 90 % of the way up in amplitude, at the onsets librosa finds."""
    import librosa

    hop = round(HOP_S * LOW_RATE)
    level = librosa.feature.rms(y=mono, frame_length=4 * hop, hop_length=hop)[0]
    found = librosa.onset.onset_detect(onset_envelope=strength, sr=LOW_RATE, hop_length=HOP, units="time")
    rises = []
    for at, until in zip(found, [*found[1:], math.inf], strict=True):
        first = max(round((at - 0.1) / HOP_S), 0)
        last = round(min(at + LOOK_S, until) / HOP_S)
        window = level[first : last + 1]
        if window.size < 3:
            continue
        peak = int(np.argmax(window))
        least = int(np.argmin(window[: peak + 1]))
        if window[peak] < window[least] * 10.0 ** (LEAST_RISE_DB / 20.0):
            continue
        way = (window[least : peak + 1] - window[least]) / (window[peak] - window[least])
        rises.append(max(int(np.argmax(way >= 0.9)) - int(np.flatnonzero(way <= 0.1)[-1]), 1) * 1000.0 * HOP_S)
    return math.log2(float(np.median(rises))) if rises else math.nan


def score_cues(midi: Path, start_s: float, end_s: float) -> dict[str, float]:
    """Tempo, density, articulation, register, mode and consonance of the MIDI file, from `start_s` to `end_s`."""
    import pretty_midi

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        score = pretty_midi.PrettyMIDI(str(midi))
    beats = score.get_beats()
    beats = beats[(beats >= start_s) & (beats < end_s)]
    tracks = {track.name: _within(track.notes, start_s, end_s) for track in score.instruments}
    pitched = [note for name, notes in tracks.items() if name not in ("percussion", "nature") for note in notes]
    onsets = sum(len(notes) for notes in tracks.values())
    tonic = next((k.key_number % 12 for k in reversed(score.key_signature_changes) if k.time <= end_s), 0)
    high = [note for name in HIGH_STEMS for note in tracks.get(name, ())]
    return {
        "tempo_bpm": 60.0 * (beats.size - 1) / float(beats[-1] - beats[0]),
        "density_hz": onsets / (end_s - start_s),
        "drums_share": len(tracks.get("percussion", ())) / max(onsets, 1),
        "articulation": _articulation(list(tracks.values())),
        "register_note": _mean_pitch([note for name, notes in tracks.items() if name not in ("percussion", "nature", "bass") for note in notes]),
        "melody_note": _mean_pitch(tracks.get("melody", ())),
        "bells_note": _mean_pitch(tracks.get("bells", ())),
        "pad_note": _mean_pitch(tracks.get("pad", ())),
        "high_note": _mean_pitch(high),
        "top_note": float(np.percentile([n.pitch for n in pitched],90)) if pitched else math.nan,
        "mode_brightness": _brightness(pitched, tonic),
        "rub_share": _rub(pitched),
    }


def _within(notes: Sequence[Any], start_s: float, end_s: float) -> list[Any]:
    return [note for note in notes if start_s <= note.start < end_s]


def _mean_pitch(notes: Sequence[Any]) -> float:
    return float(np.mean([note.pitch for note in notes])) if notes else math.nan


def _articulation(stems: Sequence[Sequence[Any]]) -> float:
    """Median length of a note over the time to the next one of its stem."""
    ratios = []
    for notes in stems:
        starts = sorted({round(note.start, 3) for note in notes})
        following = dict(zip(starts, starts[1:], strict=False))
        ratios += [(n.end - n.start) / (following[s] - s) for n in notes if (s := round(n.start, 3)) in following and following[s]-s>.05]
    return float(np.median(ratios)) if ratios else math.nan


def _brightness(notes: Sequence[Any], tonic: int) -> float:
    """How bright the mode is: the mean of the modes that hold the sounding time as well as the best does."""
    sounding = np.zeros(12)
    for note in notes:
        sounding[(note.pitch - tonic) % 12] += note.end - note.start
    inside = {place: float(sounding[list(mode)].sum() / max(sounding.sum(), 1e-9)) for place, mode in MODES.items()}
    return float(np.mean([place for place, share in inside.items() if share >= max(inside.values()) - FOREIGN]))


def _rub(notes: Sequence[Any]) -> float:
    """Share of the time two tones sound in which some are a semitone or a tritone apart, octaves put aside."""
    edges = sorted({t for note in notes for t in (note.start, note.end)})
    together = rough = 0.0
    held = sorted(notes, key=lambda n: n.start)
    for start, end in zip(edges, edges[1:]):
        pcs = {n.pitch % 12 for n in held if n.start <= start and n.end >= end}
        if len(pcs) > 1:
            together += end - start
            rough += (end - start) * any((pc + step) % 12 in pcs for pc in pcs for step in (1, 6))
    return rough / together if together else 0.0
