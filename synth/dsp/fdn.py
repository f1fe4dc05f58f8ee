"""A feedback delay network of 16 lines, after Jot & Chaigne (AES Convention 90, 1991).

in -> high-pass, low-pass -> early reflections, and pre-delay -> 4 allpass diffusers a side -> 16 delays of prime
length, half of them slowly modulated -> an absorbing one-pole each -> Hadamard matrix -> back. Every delay is longer
than a quantum, so all stages run over a quantum's samples as vectors; so do the one-poles, by scattered look-ahead:
1 / (1 - p/z) = (1 + p/z)(1 + p^2/z^2)(1 + p^4/z^4) / (1 - p^8/z^8) (Parhi & Messerschmitt, IEEE TASSP 37, 1989).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.block_filter import BANK, band, filter_quantum, restless
from synth.dsp.clamp import clamp
from synth.dsp.fused import fma
from synth.dsp.mirrored import DELAY, LENGTH, SPAN, advance, behind
from synth.dsp.mirrored import lines as delay_lines
from synth.dsp.quantum import QUANTUM
from synth.dsp.sine import exp2
from synth.rng import stream

LINES = 16
HALL = (1447, 1567, 1693, 1847, 1987, 2153, 2333, 2531, 2741, 2969, 3217, 3491, 3779, 4091, 4441, 4801)  # at 48 kHz
ROOM = (967, 1031, 1093, 1171, 1249, 1361, 1423, 1523, 1619, 1723, 1847, 1973, 2099, 2237, 2383, 2549)
ROOM_BELOW_S = 1.2  # decays shorter than this take the shorter, denser set
DIFFUSERS = (229, 173, 613, 449, 241, 181, 599, 463)  # four left, four right, at 48 kHz
DIFFUSION = (0.75, 0.75, 0.625, 0.625)
EARLY_MS = (7.3, 11.9, 17.1, 21.7, 27.7, 34.1, 41.3, 49.9, 60.7, 73.1)
EARLY_DB = (-6.0, -7.5, -8.0, -9.5, -10.5, -12.0, -13.0, -14.5, -16.0, -18.0)
EARLY_PAN = (-0.6, 0.5, 0.9, -0.8, -0.2, 0.7, -0.9, 0.3, -0.5, 0.6)
TAPS = len(EARLY_MS)  # even ones of the left input, odd ones of the right
EARLY_SHARE = 0.2  # of the energy that returns
HIGH_HZ = 8000.0  # where `t60_high_s` holds
MIDDLE_HZ = 700.0  # where the return has the energy of the send
EXCURSION_S = 6.0 / 48000.0  # of a modulated line about its mean
RATES_HZ = (0.1, 0.9)

ALLPASSES = LINES  # delay lines: those of the network, the diffusers, two inputs
INPUTS = ALLPASSES + len(DIFFUSERS)
RINGS = INPUTS + 2
# Rows of `lines`; the absorbing one-pole is four taps (1, p, p^2, p^3) at the read and p^4 and p^8 at the write.
EXCURSION, WHOLE, DEPTH, PHASE, RATE, TAP_0, TAP_1, TAP_2, TAP_3, POLE_4, POLE_8 = range(11)
PAST = 8  # samples before each row of `fed`
FED = PAST + QUANTUM
WIDE = QUANTUM + 8  # samples read of each line, of which the first is before the quantum
MARGIN = 2 * QUANTUM  # what is read before what is being written
IDLE = -1

F0, F1, F2, F4 = (np.float32(c) for c in (0.0, 1.0, 2.0, 4.0))
QUARTER, HALF, HALF_LINES = np.float32(0.25), np.float32(0.5), np.float32(LINES // 2)
RAMP = np.arange(QUANTUM, dtype=np.float32) / np.float32(QUANTUM)
WIDE_ROW, FED_ROW = np.uint64(WIDE), np.uint64(FED)
ROW, ROW_2, ROW_3, ROW_4, ROW_8, ROW_12 = (np.uint64(QUANTUM * n) for n in (1, 2, 3, 4, 8, 12))
WIDE_1, WIDE_2, WIDE_3 = (np.uint64(WIDE * n) for n in (1, 2, 3))
FED_4, FED_8, FED_12 = (np.uint64(FED * n) for n in (4, 8, 12))
U1, U2, U3, U4, U8 = (np.uint64(n) for n in (1, 2, 3, 4, 8))
FLUSH = np.float32(1e-9)
WILD = np.float32(1e6)
LEAST_PASS, LONGEST_PASS = np.float32(0.01), np.float32(0.999)  # of the energy, in one turn
SHORTEST, LONGEST = np.float32(0.1), np.float32(10.0)  # of `stretch`
DB60_OCTAVES = np.float32(-3.0 * math.log2(10.0))


@kernel
def _absorptions(places, lines, decay, stretch):  # type: ignore[no-untyped-def]
    """One-pole of each line: 60 dB lost in `decay[0]` samples at DC, in `decay[1]` at the frequency of `decay[2]`.

    What reading between samples leaves of the power there, `decay[8]` on average, that line's one-pole makes up for.
    """
    for i in range(LINES):
        passes = DB60_OCTAVES * (np.float32(places[DELAY, i]) + lines[DEPTH, i]) / stretch
        at_dc = exp2(passes / decay[0])
        ratio2 = exp2(F2 * passes * (F1 / decay[1] - F1 / decay[0]))
        if lines[DEPTH, i] > F0:
            ratio2 = min(ratio2 / decay[8], F1 / (at_dc * at_dc))
        u, v = F1 - ratio2, F1 - ratio2 * decay[2]
        pole = u / (v + np.sqrt(v * v - u * u))
        squared = pole * pole
        feed = QUARTER * at_dc * (F1 - pole)  # a quarter makes the Hadamard matrix orthonormal
        lines[TAP_0, i], lines[TAP_1, i] = feed, feed * pole
        lines[TAP_2, i], lines[TAP_3, i] = feed * squared, feed * squared * pole
        lines[POLE_4, i] = squared * squared
        lines[POLE_8, i] = squared * squared * (squared * squared)
    pass_energy = clamp(exp2(F2 * DB60_OCTAVES * decay[4] / (decay[3] * stretch)), LEAST_PASS, LONGEST_PASS)
    return np.sqrt((F1 - pass_energy) / (HALF_LINES * pass_energy))


@kernel
def _condition(send, at, filters, front, side):  # type: ignore[no-untyped-def]
    """High-pass and low-pass of one quantum of the send into `side`; what is not a number stays out."""
    filter_quantum(filters, front, send, at, side)
    level = restless(front)
    if not level < WILD:
        side[:] = F0
    if not FLUSH <= level < WILD:
        front[:] = F0


@kernel
def _reflect(memory, places, early, wet):  # type: ignore[no-untyped-def]
    """The early reflections, five of each side's input, left and right in `wet`."""
    wet[:] = F0
    for t in range(0, TAPS, TAPS // 2):
        a, b = _early(places, early, t), _early(places, early, t + 1)
        c, d = _early(places, early, t + 2), _early(places, early, t + 3)
        e = _early(places, early, t + 4)
        la, lb, lc, ld, le = early[1, t], early[1, t + 1], early[1, t + 2], early[1, t + 3], early[1, t + 4]
        ra, rb, rc, rd, re = early[2, t], early[2, t + 1], early[2, t + 2], early[2, t + 3], early[2, t + 4]
        for n in range(SPAN):
            v, w, x, y, z = memory[a + n], memory[b + n], memory[c + n], memory[d + n], memory[e + n]
            wet[n] += fma(le, z, fma(lb, w, la * v) + fma(ld, y, lc * x))
            wet[n + ROW] += fma(re, z, fma(rb, w, ra * v) + fma(rd, y, rc * x))


@kernel
def _early(places, early, t):  # type: ignore[no-untyped-def]
    return behind(places, INPUTS + t // (TAPS // 2), QUANTUM + np.int64(early[0, t]))


@kernel
def _diffuse(memory, places, diffusion, side):  # type: ignore[no-untyped-def]
    """Pre-delay and the four allpasses of each side, into `side`."""
    for c in range(2):
        tap = behind(places, INPUTS + c, QUANTUM + places[DELAY, INPUTS + c])
        for n in range(SPAN):
            side[c, n] = memory[tap + n]
        for d in range(4):
            ring = ALLPASSES + 4 * c + d
            tap, at = behind(places, ring, places[DELAY, ring]), behind(places, ring, 0)
            g = diffusion[d]
            for n in range(SPAN):
                past = memory[tap + n]
                now = fma(g, past, side[c, n])
                memory[at + n] = now
                side[c, n] = fma(-g, now, past)


@kernel
def _absorb(memory, places, lines, x):  # type: ignore[no-untyped-def]
    """One quantum of every line, and the sample before it, through its taps."""
    for i in range(0, LINES, 2):
        j, row = i + 1, np.uint64(i) * WIDE_ROW
        k, m = behind(places, i, _delay(places, lines, i)), behind(places, j, _delay(places, lines, j))
        a, b, c, d = lines[TAP_0, i], lines[TAP_1, i], lines[TAP_2, i], lines[TAP_3, i]
        e, f, g, h = lines[TAP_0, j], lines[TAP_1, j], lines[TAP_2, j], lines[TAP_3, j]
        for n in range(WIDE_ROW):
            x[row + n] = fma(
                a, memory[k + n + U3], fma(b, memory[k + n + U2], fma(c, memory[k + n + U1], d * memory[k + n]))
            )
            x[row + n + WIDE_ROW] = fma(
                e, memory[m + n + U3], fma(f, memory[m + n + U2], fma(g, memory[m + n + U1], h * memory[m + n]))
            )


@kernel
def _delay(places, lines, i):  # type: ignore[no-untyped-def]
    """From the first sample that `_absorb` reads of line `i`."""
    return places[DELAY, i] + np.int64(lines[WHOLE, i]) + 4


@kernel
def _swung(phase):  # type: ignore[no-untyped-def]
    """Two parabolas, near enough to a sine."""
    u = F2 * phase - F1
    return F4 * u * (F1 - abs(u))


@kernel
def _swing(lines, i):  # type: ignore[no-untyped-def]
    """Move a modulated line's delay on by a quantum: how far past its whole sample it starts, and where it stops.

    It rests on a whole sample that it would cross until the quantum is over."""
    phase = lines[PHASE, i] + lines[RATE, i]
    phase -= F1 if phase >= F1 else F0
    wanted = lines[DEPTH, i] * (F1 + _swung(phase))
    start, whole = lines[EXCURSION, i], lines[WHOLE, i]
    stop = max(whole, min(wanted, whole + F1))
    lines[PHASE, i], lines[EXCURSION, i] = phase, stop
    if stop != wanted:
        lines[WHOLE, i] = max(whole + (F1 if wanted > stop else -F1), F0)
    return start - whole, stop - start


@kernel
def butterflies(p, q, r, t):  # type: ignore[no-untyped-def]
    """Hadamard's transform of four."""
    a, b, c, d = p + q, p - q, r + t, r - t
    return a + c, b + d, a - c, b - d


@kernel
def _leave(lines, x, wet, half):  # type: ignore[no-untyped-def]
    """The lines' outputs, the middle two of each four read between samples, into `wet` and through half the matrix."""
    for i in range(0, LINES, 4):
        start, slope = _swing(lines, i + 1)
        begin, rise = _swing(lines, i + 2)
        row, k = np.uint64(i) * ROW, np.uint64(i) * WIDE_ROW + U1
        for n in range(SPAN):
            m = k + n
            p, t = x[m], x[m + WIDE_3]
            q, r = x[m + WIDE_1], x[m + WIDE_2]
            q = fma(fma(slope, RAMP[n], start), x[m + WIDE_1 - U1] - q, q)
            r = fma(fma(rise, RAMP[n], begin), x[m + WIDE_2 - U1] - r, r)
            wet[n] = fma(F4, p - r, wet[n])
            wet[n + ROW] = fma(F4, q - t, wet[n + ROW])
            m = row + n
            half[m], half[m + ROW], half[m + ROW_2], half[m + ROW_3] = butterflies(p, q, r, t)


@kernel
def _enter(lines, half, side, gain, fed):  # type: ignore[no-untyped-def]
    """The other half of the matrix and each side's input, through the recursion of the lines' one-poles."""
    for i in range(LINES // 4):
        row, r, c = np.uint64(i) * ROW, np.uint64(i) * FED_ROW, i % 2
        p0, p1, p2, p3 = lines[POLE_8, i], lines[POLE_8, i + 4], lines[POLE_8, i + 8], lines[POLE_8, i + 12]
        for n in range(r, r + U8):
            fed[n], fed[n + FED_4] = fed[n + SPAN], fed[n + FED_4 + SPAN]
            fed[n + FED_8], fed[n + FED_12] = fed[n + FED_8 + SPAN], fed[n + FED_12 + SPAN]
        for n in range(SPAN):
            k, m = row + n, r + n
            a, b, d, e = butterflies(half[k], half[k + ROW_4], half[k + ROW_8], half[k + ROW_12])
            u = gain * side[c, n]
            fed[m + U8] = fma(p0, fed[m], a + u)
            fed[m + FED_4 + U8] = fma(p1, fed[m + FED_4], b + u)
            fed[m + FED_8 + U8] = fma(p2, fed[m + FED_8], d + u)
            fed[m + FED_12 + U8] = fma(p3, fed[m + FED_12], e + u)


@kernel
def _write(memory, places, lines, fed):  # type: ignore[no-untyped-def]
    for i in range(0, LINES, 2):
        j, r = i + 1, np.uint64(i) * FED_ROW
        at, to = behind(places, i, 0), behind(places, j, 0)
        p, q = lines[POLE_4, i], lines[POLE_4, j]
        for n in range(SPAN):
            m = r + n
            memory[at + n] = fma(p, fed[m + U4], fed[m + U8])
            memory[to + n] = fma(q, fed[m + U4 + FED_ROW], fed[m + U8 + FED_ROW])


@kernel
def _audible(rows, at, end):  # type: ignore[no-untyped-def]
    for n in range(at, end):
        if rows[0, n] != F0 or rows[1, n] != F0:
            return True
    return False


@kernel
def _render(  # type: ignore[no-untyped-def]
    send,
    stretch,
    quanta,
    out,
    memory,
    places,
    lines,
    front,
    filters,
    diffusion,
    early,
    decay,
    x,
    side,
    wet,
    half,
    fed,
    count,
):
    for q in range(quanta):
        at = np.uint64(q * QUANTUM)
        heard = _audible(send, at, at + SPAN)
        if not heard and count[0] == IDLE:
            for n in range(at, at + SPAN):
                out[0, n], out[1, n] = F0, F0
            continue
        asked = clamp(stretch[q + 1], SHORTEST, LONGEST)
        if asked != decay[5]:
            decay[5] = asked
            decay[6] = decay[7] * _absorptions(places, lines, decay, asked)

        _condition(send, at, filters, front, side)
        for c in range(2):
            k = behind(places, INPUTS + c, 0)
            for n in range(SPAN):
                memory[k + n] = side[c, n]
        advance(memory, places, INPUTS, RINGS)
        _reflect(memory, places, early, wet)
        _diffuse(memory, places, diffusion, side)
        _absorb(memory, places, lines, x)
        _leave(lines, x, wet, half)
        for n in range(SPAN):
            out[0, at + n], out[1, at + n] = wet[n], wet[n + ROW]

        if not heard:
            for n in range(LINES * QUANTUM):
                heard = heard or abs(half[n]) > FLUSH
        count[0] = 0 if heard else count[0] + 1
        if count[0] > count[1]:  # for as long as anything takes to pass nothing has come out
            count[0] = IDLE
            memory[:] = F0
            front[:] = F0
            fed[:] = F0
            continue
        _enter(lines, half, side, decay[6], fed)
        _write(memory, places, lines, fed)
        advance(memory, places, 0, INPUTS)


class Fdn:
    """Reverb of a stereo send. With `stretch` 1 the tail loses 60 dB in `t60_s` at low frequencies and in `t60_high_s`
    (<= `t60_s`) at 8 kHz, within 10 %; `math.inf` for both, without modulation, makes the loop lossless. Noise returns
    with the energy it was sent with, at 700 Hz. `sample_rate` from 22050 on. `depth` scales the modulation, 0 is off.
    """

    def __init__(
        self,
        sample_rate: int,
        t60_s: float = 2.6,
        t60_high_s: float = 0.8,
        predelay_s: float = 0.025,
        *,
        highpass_hz: float = 150.0,
        lowpass_hz: float = 7000.0,
        depth: float = 1.0,
        seed: int = 0,
    ) -> None:
        if sample_rate < 22050:
            raise ValueError(f"sample_rate = {sample_rate}: give 22050 or more, its delays are tuned for that")
        t60_high_s = min(t60_high_s, t60_s)
        scale = sample_rate / 48000.0
        delays = [_prime_near(m * scale) for m in (ROOM if t60_s < ROOM_BELOW_S else HALL)]
        allpasses = [_prime_near(m * scale) for m in DIFFUSERS]
        predelay = round(predelay_s * sample_rate)
        early = [round(ms * 1e-3 * sample_rate) for ms in EARLY_MS]
        draw = stream(seed, "fdn")

        lines = np.zeros((POLE_8 + 1, LINES), np.float32)
        for i in range(LINES):
            modulated = i % 4 in (1, 2)
            lines[DEPTH, i] = depth * EXCURSION_S * sample_rate if modulated else 0.0
            lines[PHASE, i] = draw.random()
            lines[RATE, i] = draw.uniform(*RATES_HZ) * QUANTUM / sample_rate
            lines[EXCURSION, i] = lines[DEPTH, i] * (1.0 + _swung(lines[PHASE, i]))
        lines[WHOLE] = np.floor(lines[EXCURSION])

        wander = 2 * math.ceil(EXCURSION_S * sample_rate)
        farthest = max(predelay, *early)
        memory, places = delay_lines(
            [*delays, *allpasses, predelay, predelay],
            [*[wander + MARGIN] * INPUTS, *[farthest - predelay + MARGIN] * 2],
        )
        longest = sum(sorted(places[LENGTH])[-4:]) // QUANTUM
        self._request = np.array(delays, np.float64), t60_s, t60_high_s, sample_rate
        middle_s = self.decay_s(MIDDLE_HZ)
        self._stretch = np.ones(65, np.float32)
        self._state = (
            memory,
            places,
            lines,
            np.zeros(BANK, np.float32),
            band(highpass_hz, lowpass_hz, sample_rate),
            np.array(DIFFUSION, np.float32),
            _early_taps(early),
            np.array(
                [
                    t60_s * sample_rate,
                    t60_high_s * sample_rate,
                    math.cos(2.0 * math.pi * HIGH_HZ / sample_rate),
                    middle_s * sample_rate,
                    float(np.mean(delays)),
                    0.0,  # stretch that the absorptions are set for
                    0.0,  # gain into the lines that goes with it
                    math.sqrt(1.0 - EARLY_SHARE),
                    1.0 - (1.0 - math.cos(2.0 * math.pi * HIGH_HZ / sample_rate)) / 3.0,
                ],
                np.float32,
            ),
            np.zeros(LINES * WIDE, np.float32),
            np.zeros((2, QUANTUM), np.float32),
            np.zeros(2 * QUANTUM, np.float32),
            np.zeros(LINES * QUANTUM, np.float32),
            np.zeros(LINES * FED, np.float32),
            np.array([IDLE, longest + RINGS], np.int64),
        )

    def render(
        self,
        send: NDArray[np.float32],
        quanta: int,
        out: NDArray[np.float32],
        stretch: NDArray[np.float32] | None = None,
    ) -> None:
        """Overwrite `out[:, : quanta * 64]` with the return of `send` (both (2, frames) float32, C order).

        `stretch`, 0.1 to 10, multiplies both decay times, a float32 for each quantum edge.
        """
        _render(send, self._stretch if stretch is None else stretch, quanta, out, *self._state)

    @property
    def idle(self) -> bool:
        """True when the tail has ended and nothing is stored."""
        return bool(self._state[-1][0] == IDLE)

    def decay_s(self, hz: float) -> float:
        """Seconds to lose 60 dB at `hz` with `stretch` 1: from `t60_s` to `t60_high_s` as one-poles go."""
        delays, low_s, high_s, sample_rate = self._request
        if math.isinf(low_s):
            return low_s
        passes = -3.0 * delays / sample_rate
        ratio2 = 10.0 ** (2.0 * passes * (1.0 / high_s - 1.0 / low_s))
        u, v = 1.0 - ratio2, 1.0 - ratio2 * math.cos(2.0 * math.pi * HIGH_HZ / sample_rate)
        pole = u / (v + np.sqrt(v * v - u * u))
        w = 2.0 * math.pi * hz / sample_rate
        loss = 10.0 ** (passes / low_s) * (1.0 - pole) / np.sqrt(1.0 - 2.0 * pole * math.cos(w) + pole * pole)
        return float(passes.sum() / np.log10(loss).sum())


def _early_taps(delays: list[int]) -> NDArray[np.float32]:
    """(3, taps): delay in samples, gain left and right; together EARLY_SHARE of the energy sent."""
    level = 10.0 ** (np.array(EARLY_DB) / 20.0)
    level *= math.sqrt(2.0 * EARLY_SHARE / np.sum(level**2))  # a tap hears one side, half the energy
    angle = (np.array(EARLY_PAN) + 1.0) * math.pi / 4.0
    taps = np.array([delays, level * np.cos(angle), level * np.sin(angle)], np.float32)
    return np.concatenate((taps[:, 0::2], taps[:, 1::2]), axis=1)


def _prime_near(x: float) -> int:
    n = round(x)
    while any(n % d == 0 for d in range(2, math.isqrt(n) + 1)):
        n += 1
    return n
