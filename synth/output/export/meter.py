"""Loudness of a whole file, measured as it is read: the five figures that a broadcast WAV states of itself."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth.dsp.loudness import ABSOLUTE_GATE_LUFS, MOMENTARY_S, OFFSET_LU, SHORT_TERM_S, k_energy, k_weighting
from synth.dsp.loudness import true_peak_dbtp as _true_peak_dbtp

_HOPS_PER_S = 10
_REACH = 64  # frames of the block before that the reading between samples needs


class Figures(NamedTuple):
    """EBU R 128; None for what there is too little sound for."""

    integrated_lufs: float | None
    range_lu: float | None
    true_peak_dbtp: float | None
    momentary_lufs: float | None
    short_term_lufs: float | None


class Meter:
    """Adds up a file of 1 or 2 channels block by block: ITU-R BS.1770-4, EBU Tech 3341 and 3342."""

    def __init__(self, sample_rate: int) -> None:
        self._hop = sample_rate // _HOPS_PER_S
        self._weighting = k_weighting(sample_rate)
        self._state = np.zeros((2, 4))
        self._rest = np.zeros((2, 0), np.float32)
        self._before = np.zeros((2, _REACH), np.float32)
        self._energies: list[float] = []
        self._peak_dbtp = -math.inf

    def add(self, audio: NDArray[np.float32]) -> None:
        """The next (channels, frames)."""
        if audio.shape[0] == 1:
            audio = np.concatenate((audio, np.zeros_like(audio)))
        seen = np.concatenate((self._before, audio), axis=1)
        self._peak_dbtp = max(self._peak_dbtp, _true_peak_dbtp(seen))
        self._before = seen[:, -_REACH:]
        audio = np.ascontiguousarray(np.concatenate((self._rest, audio), axis=1))
        hops = audio.shape[1] // self._hop
        for start in range(0, hops * self._hop, self._hop):
            self._energies.append(k_energy(audio, start, self._hop, self._weighting, self._state))
        self._rest = audio[:, hops * self._hop :]

    def figures(self) -> Figures:
        """Of all that was added."""
        momentary, short_term = self._powers(MOMENTARY_S), self._powers(SHORT_TERM_S)
        return Figures(
            _lufs(_over(momentary, -10.0).mean()) if momentary.size and _over(momentary, -10.0).size else None,
            _range_lu(_over(short_term, -20.0)) if short_term.size else None,
            self._peak_dbtp if math.isfinite(self._peak_dbtp) else None,
            _lufs(momentary.max()) if momentary.size else None,
            _lufs(short_term.max()) if short_term.size else None,
        )

    def _powers(self, window_s: float) -> NDArray[np.float64]:
        """Mean power of windows every 100 ms."""
        hops = round(window_s * _HOPS_PER_S)
        if len(self._energies) < hops:
            return np.zeros(0)
        windows = np.lib.stride_tricks.sliding_window_view(np.array(self._energies), hops)
        powers: NDArray[np.float64] = windows.sum(axis=1) / (hops * self._hop)
        return powers


def _lufs(power: float) -> float | None:
    return OFFSET_LU + 10.0 * math.log10(power) if power > 0.0 else None


def _over(powers: NDArray[np.float64], gate_lu: float) -> NDArray[np.float64]:
    """Those over the absolute gate, and over the one that stands `gate_lu` from their mean."""
    powers = powers[powers >= 10.0 ** ((ABSOLUTE_GATE_LUFS - OFFSET_LU) / 10.0)]
    return powers[powers >= powers.mean() * 10.0 ** (gate_lu / 10.0)] if powers.size else powers


def _range_lu(powers: NDArray[np.float64]) -> float | None:
    if not powers.size:
        return None
    low, high = np.percentile(10.0 * np.log10(powers), (10, 95))
    return float(high - low)
