"""Loudness and true peak: ITU-R BS.1770-4 and EBU Tech 3341/3342 at any sample rate.

The K-weighting's two sections are designed from their analogue prototypes, so 44.1 and 96 kHz read as 48 kHz
does (0.04 dB at worst up to 192 kHz). Audio here is (channels, frames), or (frames,) for one channel.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel

MOMENTARY_S = 0.4
SHORT_TERM_S = 3.0
OFFSET_LU = -0.691  # BS.1770: a 997 Hz full-scale sine in one channel reads -3.01
ABSOLUTE_GATE_LUFS = -70.0
NO_SOUND = 1e30  # energy that no audio has
FLUSH = 1e-15  # filter memory below this is silence
_HOP_S = 0.1
_STRETCH = 64


def k_weighting(sample_rate: float) -> NDArray[np.float64]:
    """(2, 5) rows b0 b1 b2 a1 a2: the head's high shelf, then the high-pass (BS.1770-4 annex 1, bilinear)."""
    k = math.tan(math.pi * 1681.974450955533 / sample_rate)
    q, high = 0.7071752369554196, 10.0 ** (3.999843853973347 / 20.0)
    band = high**0.4996667741545416
    a0 = 1.0 + k / q + k * k
    shelf = [
        (high + band * k / q + k * k) / a0,
        2.0 * (k * k - high) / a0,
        (high - band * k / q + k * k) / a0,
        2.0 * (k * k - 1.0) / a0,
        (1.0 - k / q + k * k) / a0,
    ]
    k = math.tan(math.pi * 38.13547087602444 / sample_rate)
    q = 0.5003270373238773
    a0 = 1.0 + k / q + k * k
    highpass = [1.0, -2.0, 1.0, 2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0]
    return np.array([shelf, highpass])


@kernel
def k_energy(audio, start, frames, weighting, state):  # type: ignore[no-untyped-def]
    """Sum over both channels of the K-weighted squares of `audio[:, start : start + frames]`.

    `audio` is (2, ...); `state` (2, 4) float64 holds two transposed direct-form sections a channel.
    """
    b0, b1, b2 = weighting[0, 0], weighting[0, 1], weighting[0, 2]
    a1, a2 = weighting[0, 3], weighting[0, 4]
    c1, c2 = weighting[1, 3], weighting[1, 4]
    p1, p2, q1, q2 = state[0, 0], state[0, 1], state[0, 2], state[0, 3]
    r1, r2, s1, s2 = state[1, 0], state[1, 1], state[1, 2], state[1, 3]
    left = right = 0.0
    for n in range(start, start + frames):
        x = np.float64(audio[0, n])
        y = b0 * x + p1
        p1 = b1 * x - a1 * y + p2
        p2 = b2 * x - a2 * y
        z = y + q1
        q1 = q2 - 2.0 * y - c1 * z
        q2 = y - c2 * z
        left += z * z
        x = np.float64(audio[1, n])
        y = b0 * x + r1
        r1 = b1 * x - a1 * y + r2
        r2 = b2 * x - a2 * y
        z = y + s1
        s1 = s2 - 2.0 * y - c1 * z
        s2 = y - c2 * z
        right += z * z
    state[0, 0], state[0, 1], state[0, 2], state[0, 3] = p1, p2, q1, q2
    state[1, 0], state[1, 1], state[1, 2], state[1, 3] = r1, r2, s1, s2
    energy = left + right
    if not energy < NO_SOUND:  # as what is not a number is not; it must not stay in the filters
        state[:] = 0.0
        return 0.0
    if energy < FLUSH:
        for c in range(2):
            for i in range(4):
                if abs(state[c, i]) < FLUSH:
                    state[c, i] = 0.0
    return energy


@kernel
def slide(rings, row, at, value, total):  # type: ignore[no-untyped-def]
    """Put `value` into ring `row` at `at`; the ring's sum, kept as `total` and taken afresh at each turn."""
    total += value - rings[row, at]
    rings[row, at] = value
    if at == 0:
        total = 0.0
        for i in range(rings.shape[1]):
            total += rings[row, i]
    return max(total, 0.0)


@kernel
def _hop_energies(audio, hop, weighting, state, out):  # type: ignore[no-untyped-def]
    for i in range(out.shape[0]):
        out[i] = k_energy(audio, i * hop, hop, weighting, state)


@kernel
def _peak(audio, channel, phases, reach, peak):  # type: ignore[no-untyped-def]
    """Largest magnitude on `phases` between the samples of one channel, or `peak` if that is larger.

    `reach` bounds what interpolation can add, so that only stretches near the peak are interpolated.
    """
    count, taps = phases.shape
    for start in range(taps - 1, audio.shape[1], _STRETCH):
        stop = min(start + _STRETCH, audio.shape[1])
        largest = 0.0
        for n in range(start - taps + 1, stop):
            largest = max(largest, abs(np.float64(audio[channel, n])))
        if largest * reach > peak:
            for n in range(start, stop):
                for p in range(count):
                    y = 0.0
                    for k in range(taps):
                        y += phases[p, k] * audio[channel, n - k]
                    peak = max(peak, abs(y))
    return peak


def interpolator(phases: int, taps: int, beta: float) -> NDArray[np.float64]:
    """(phases, taps) polyphase branches of a Kaiser-windowed sinc that reads between samples, each of gain 1 at DC."""
    i = np.arange(phases * taps) - (phases * taps - 1) / 2.0
    h = np.sinc(i / phases) * np.kaiser(phases * taps, beta)
    branches: NDArray[np.float64] = h.reshape(taps, phases).T.copy()
    return branches / branches.sum(axis=1, keepdims=True)


def momentary_lufs(audio: NDArray[np.floating], sample_rate: int) -> NDArray[np.float64]:
    """Loudness of 400 ms windows every 100 ms (EBU Tech 3341), LUFS; -inf for silence."""
    return _lufs(_windows(audio, sample_rate, MOMENTARY_S))


def short_term_lufs(audio: NDArray[np.floating], sample_rate: int) -> NDArray[np.float64]:
    """Loudness of 3 s windows every 100 ms (EBU Tech 3341), LUFS; -inf for silence."""
    return _lufs(_windows(audio, sample_rate, SHORT_TERM_S))


def integrated_lufs(audio: NDArray[np.floating], sample_rate: int) -> float:
    """Gated loudness of the whole (BS.1770-4), LUFS; -inf when nothing passes the gate of -70 LUFS."""
    return _gated_lufs(_windows(audio, sample_rate, MOMENTARY_S), 10.0)


def loudness_range_lu(audio: NDArray[np.floating], sample_rate: int) -> float:
    """Loudness range (EBU Tech 3342): 10th to 95th percentile of gated 3 s loudness, LU; 0 for silence."""
    power = _windows(audio, sample_rate, SHORT_TERM_S)
    levels = _lufs(power)
    levels = levels[levels >= ABSOLUTE_GATE_LUFS]
    if not levels.size:
        return 0.0
    mean = 10.0 * math.log10(np.mean(10.0 ** (levels / 10.0)))
    low, high = np.percentile(levels[levels >= mean - 20.0], (10, 95))
    return float(high - low)


def true_peak_dbtp(audio: NDArray[np.floating]) -> float:
    """Largest magnitude between samples as well as on them, dBTP (BS.1770-4 annex 2, finer grid); -inf for silence.

    The signal is read on 8 phases of 48 taps: 0.05 dB under at worst for a quarter of the sample rate.
    """
    x = _channels(audio)
    x = np.concatenate((x, np.zeros((x.shape[0], 48), x.dtype)), axis=1)  # the last samples' in-between values too
    phases = interpolator(8, 48, 8.0)
    reach = float(np.abs(phases).sum(axis=1).max())
    peak = float(np.abs(x).max())
    for channel in range(x.shape[0]):
        peak = _peak(x, channel, phases, reach, peak)
    return 20.0 * math.log10(peak) if peak > 0.0 else -math.inf


def _channels(audio: NDArray[np.floating]) -> NDArray[np.float64]:
    x = np.atleast_2d(np.ascontiguousarray(audio, dtype=audio.dtype if audio.dtype == np.float32 else np.float64))
    if x.ndim != 2 or x.shape[0] > 2:
        raise ValueError(f"audio of shape {np.shape(audio)}: give (frames,), (1, frames) or (2, frames)")
    return x


def _windows(audio: NDArray[np.floating], sample_rate: int, window_s: float) -> NDArray[np.float64]:
    """Mean K-weighted power, summed over channels, of windows every 100 ms."""
    x = _channels(audio)
    if x.shape[0] == 1:
        x = np.concatenate((x, np.zeros_like(x)))
    hop = round(_HOP_S * sample_rate)
    energies = np.zeros(x.shape[1] // hop)
    _hop_energies(x, hop, k_weighting(sample_rate), np.zeros((2, 4)), energies)
    hops = round(window_s / _HOP_S)
    if energies.size < hops:
        raise ValueError(f"audio of {x.shape[1] / sample_rate:.2f} s: give at least {window_s:g} s")
    return np.lib.stride_tricks.sliding_window_view(energies, hops).sum(axis=1) / (hops * hop)


def _lufs(power: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore"):
        levels: NDArray[np.float64] = OFFSET_LU + 10.0 * np.log10(power)
    return levels


def _gated_lufs(power: NDArray[np.float64], gate_lu: float) -> float:
    power = power[_lufs(power) >= ABSOLUTE_GATE_LUFS]
    if not power.size:
        return -math.inf
    threshold = power.mean() * 10.0 ** (-gate_lu / 10.0)
    return float(OFFSET_LU + 10.0 * math.log10(power[power >= threshold].mean()))
