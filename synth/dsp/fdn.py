"""A feedback delay network of 16 lines, after Jot & Chaigne (AES Convention 90, 1991).

in -> high-pass, low-pass -> early reflections, and pre-delay -> 4 allpass diffusers a side -> 16 delays of prime
length, half of them slowly modulated -> an absorbing one-pole each -> Hadamard matrix -> back. Every delay is longer
than a quantum, so all stages but the one-poles run over a quantum's samples as vectors.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.butterworth import butterworth
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
EARLY_SHARE = 0.2  # of the energy that returns
HIGH_HZ = 8000.0  # where `t60_high_s` holds
MIDDLE_HZ = 700.0  # where the return has the energy of the send
EXCURSION_S = 6.0 / 48000.0  # of a modulated line about its mean
RATES_HZ = (0.1, 0.9)

INPUTS = LINES  # the rings: the lines, two inputs, the diffusers
ALLPASSES = LINES + 2
RINGS = ALLPASSES + len(DIFFUSERS)
OFFSET, LENGTH, WRITE, DELAY = range(4)  # rows of `places`: each ring in the memory they share
EXCURSION, DEPTH, PHASE, RATE, FEED, POLE, LAST = range(7)  # rows of `lines`
MIRROR = 2 * QUANTUM  # each ring's start is repeated after its end, so that no read needs to wrap
IDLE = -1

F0, F1, F2, F4 = (np.float32(c) for c in (0.0, 1.0, 2.0, 4.0))
QUARTER, HALF, HALF_LINES = np.float32(0.25), np.float32(0.5), np.float32(LINES // 2)
RAMP = np.arange(QUANTUM, dtype=np.float32) / np.float32(QUANTUM)
SPAN, U1 = np.uint64(QUANTUM), np.uint64(1)  # a signed index may be negative, which keeps a loop from being vectorised
FLUSH = np.float32(1e-9)
WILD = np.float32(1e6)
LONGEST_PASS = np.float32(0.999)
DB60_OCTAVES = np.float32(-3.0 * math.log2(10.0))


@kernel
def _absorptions(places, lines, decay, stretch):  # type: ignore[no-untyped-def]
    """One-pole of each line: 60 dB lost in `decay[0]` samples at DC, in `decay[1]` at the frequency of `decay[2]`."""
    for i in range(LINES):
        passes = DB60_OCTAVES * (np.float32(places[DELAY, i]) + lines[DEPTH, i]) / stretch
        at_dc = exp2(passes / decay[0])
        ratio2 = exp2(F2 * passes * (F1 / decay[1] - F1 / decay[0]))
        u, v = F1 - ratio2, F1 - ratio2 * decay[2]
        pole = u / (v + np.sqrt(v * v - u * u))
        lines[POLE, i] = pole
        lines[FEED, i] = QUARTER * at_dc * (F1 - pole)  # a quarter makes the Hadamard matrix orthonormal
    pass_energy = min(exp2(F2 * DB60_OCTAVES * decay[4] / (decay[3] * stretch)), LONGEST_PASS)
    return np.sqrt((F1 - pass_energy) / (HALF_LINES * pass_energy))


@kernel
def _feed(memory, places, ring, rows, i):  # type: ignore[no-untyped-def]
    """Write one quantum, `rows[i]`, into `ring` and step it on."""
    write = places[WRITE, ring]
    at = np.uint64(places[OFFSET, ring] + write)
    for n in range(SPAN):
        memory[at + n] = rows[i, n]
    if write < MIRROR:
        at = np.uint64(places[OFFSET, ring] + places[LENGTH, ring] + write)
        for n in range(SPAN):
            memory[at + n] = rows[i, n]
    write += QUANTUM
    places[WRITE, ring] = write if write < places[LENGTH, ring] else 0


@kernel
def _behind(places, ring, delay):  # type: ignore[no-untyped-def]
    """Index in memory of the sample `delay` before the ring's next write."""
    at = places[WRITE, ring] - delay
    return np.uint64(places[OFFSET, ring] + (at if at >= 0 else at + places[LENGTH, ring]))


@kernel
def _condition(send, at, filters, front, side):  # type: ignore[no-untyped-def]
    """High-pass and low-pass of one quantum of the send into `side`; what is not a number stays out."""
    hp, hq, hr, ht, hk = filters[0, 0], filters[0, 1], filters[0, 2], filters[0, 3], filters[0, 4]
    lp, lq, lr, lt = filters[1, 0], filters[1, 1], filters[1, 2], filters[1, 3]
    s1, s2, s3, s4 = front[0, 0], front[0, 1], front[0, 2], front[0, 3]
    r1, r2, r3, r4 = front[1, 0], front[1, 1], front[1, 2], front[1, 3]
    for n in range(SPAN):
        v, w = send[0, at + n], send[1, at + n]
        t1, u1 = hp * s1 - hq * s2 + hq * v, hp * r1 - hq * r2 + hq * w
        t2, u2 = hq * s1 + hr * s2 + ht * v, hq * r1 + hr * r2 + ht * w
        v -= HALF * (hk * (s1 + t1) + s2 + t2)
        w -= HALF * (hk * (r1 + u1) + r2 + u2)
        s1, s2, r1, r2 = t1, t2, u1, u2
        t1, u1 = lp * s3 - lq * s4 + lq * v, lp * r3 - lq * r4 + lq * w
        t2, u2 = lq * s3 + lr * s4 + lt * v, lq * r3 + lr * r4 + lt * w
        side[0, n], side[1, n] = HALF * (s4 + t2), HALF * (r4 + u2)
        s3, s4, r3, r4 = t1, t2, u1, u2
    level = abs(s1) + abs(s2) + abs(s3) + abs(s4) + abs(r1) + abs(r2) + abs(r3) + abs(r4)
    if not level < WILD:
        side[:] = F0
    if not FLUSH <= level < WILD:
        front[:] = F0
    else:
        front[0, 0], front[0, 1], front[0, 2], front[0, 3] = s1, s2, s3, s4
        front[1, 0], front[1, 1], front[1, 2], front[1, 3] = r1, r2, r3, r4


@kernel
def _reflect(memory, places, early, out, at):  # type: ignore[no-untyped-def]
    for t in range(early.shape[1]):
        tap = _behind(places, INPUTS + t % 2, QUANTUM + np.int64(early[0, t]))
        left, right = early[1, t], early[2, t]
        for n in range(SPAN):
            out[0, at + n] += left * memory[tap + n]
        for n in range(SPAN):
            out[1, at + n] += right * memory[tap + n]


@kernel
def _diffuse(memory, places, filters, side, x):  # type: ignore[no-untyped-def]
    """Pre-delay and the four allpasses of each side, into `side`."""
    for c in range(2):
        tap = _behind(places, INPUTS + c, QUANTUM + places[DELAY, INPUTS + c])
        for n in range(SPAN):
            side[c, n] = memory[tap + n]
        for d in range(4):
            ring = ALLPASSES + 4 * c + d
            tap = _behind(places, ring, places[DELAY, ring])
            g = filters[2, d]
            for n in range(SPAN):
                x[0, n] = side[c, n] + g * memory[tap + n]
            for n in range(SPAN):
                side[c, n] = memory[tap + n] - g * x[0, n]
            _feed(memory, places, ring, x, 0)


@kernel
def _read(memory, places, lines, x):  # type: ignore[no-untyped-def]
    """One quantum of every line's output; a modulated line is read between samples, linearly."""
    for i in range(LINES):
        start = lines[EXCURSION, i]
        phase = lines[PHASE, i] + lines[RATE, i]
        phase -= F1 if phase >= F1 else F0
        u = F2 * phase - F1
        stop = lines[DEPTH, i] * (F1 + F4 * u * (F1 - abs(u)))  # two parabolas: near enough to a sine
        lines[PHASE, i], lines[EXCURSION, i] = phase, stop
        whole = max(np.int64(start), np.int64(stop))
        tap = _behind(places, i, places[DELAY, i] + whole + 1)
        start, stop = start - np.float32(whole), stop - np.float32(whole)
        slope = stop - start
        if start >= F0 and stop >= F0:
            for n in range(SPAN):
                f = start + slope * RAMP[n]
                x[i, n] = memory[tap + n + U1] * (F1 - f) + memory[tap + n] * f
        else:  # the delay crosses a whole sample within the quantum
            for n in range(SPAN):
                f = start + slope * RAMP[n]
                k = tap + n
                if f < F0:
                    k, f = k + U1, f + F1
                x[i, n] = memory[k + U1] * (F1 - f) + memory[k] * f


@kernel
def _damp(lines, x):  # type: ignore[no-untyped-def]
    """The one-poles, eight recursions abreast."""
    for i in range(0, LINES, 8):
        g0, g1, g2, g3 = lines[FEED, i], lines[FEED, i + 1], lines[FEED, i + 2], lines[FEED, i + 3]
        g4, g5, g6, g7 = lines[FEED, i + 4], lines[FEED, i + 5], lines[FEED, i + 6], lines[FEED, i + 7]
        p0, p1, p2, p3 = lines[POLE, i], lines[POLE, i + 1], lines[POLE, i + 2], lines[POLE, i + 3]
        p4, p5, p6, p7 = lines[POLE, i + 4], lines[POLE, i + 5], lines[POLE, i + 6], lines[POLE, i + 7]
        y0, y1, y2, y3 = lines[LAST, i], lines[LAST, i + 1], lines[LAST, i + 2], lines[LAST, i + 3]
        y4, y5, y6, y7 = lines[LAST, i + 4], lines[LAST, i + 5], lines[LAST, i + 6], lines[LAST, i + 7]
        for n in range(SPAN):
            y0, y1 = g0 * x[i, n] + p0 * y0, g1 * x[i + 1, n] + p1 * y1
            y2, y3 = g2 * x[i + 2, n] + p2 * y2, g3 * x[i + 3, n] + p3 * y3
            y4, y5 = g4 * x[i + 4, n] + p4 * y4, g5 * x[i + 5, n] + p5 * y5
            y6, y7 = g6 * x[i + 6, n] + p6 * y6, g7 * x[i + 7, n] + p7 * y7
            x[i, n], x[i + 1, n], x[i + 2, n], x[i + 3, n] = y0, y1, y2, y3
            x[i + 4, n], x[i + 5, n], x[i + 6, n], x[i + 7, n] = y4, y5, y6, y7
        lines[LAST, i], lines[LAST, i + 1], lines[LAST, i + 2], lines[LAST, i + 3] = y0, y1, y2, y3
        lines[LAST, i + 4], lines[LAST, i + 5], lines[LAST, i + 6], lines[LAST, i + 7] = y4, y5, y6, y7


@kernel
def _mix(x):  # type: ignore[no-untyped-def]
    """Hadamard transform over the 16 lines, as two passes of four-way butterflies."""
    for span in (1, 4):
        for j in range(LINES // 4):
            i = j % span + (j // span) * 4 * span
            for n in range(SPAN):
                a, b = x[i, n] + x[i + span, n], x[i, n] - x[i + span, n]
                c, d = x[i + 2 * span, n] + x[i + 3 * span, n], x[i + 2 * span, n] - x[i + 3 * span, n]
                x[i, n], x[i + span, n] = a + c, b + d
                x[i + 2 * span, n], x[i + 3 * span, n] = a - c, b - d


@kernel
def _render(send, stretch, quanta, out, memory, places, lines, front, filters, early, decay, x, side, count):  # type: ignore[no-untyped-def]
    for q in range(quanta):
        at = np.uint64(q * QUANTUM)
        heard = False
        for n in range(SPAN):
            out[0, at + n] = F0
            out[1, at + n] = F0
            heard = heard or send[0, at + n] != F0 or send[1, at + n] != F0
        if not heard and count[0] == IDLE:
            continue
        if stretch[q + 1] != decay[5]:
            decay[5] = stretch[q + 1]
            decay[6] = decay[7] * _absorptions(places, lines, decay, stretch[q + 1])

        _condition(send, at, filters, front, side)
        for c in range(2):
            _feed(memory, places, INPUTS + c, side, c)
        _reflect(memory, places, early, out, at)
        _diffuse(memory, places, filters, side, x)
        _read(memory, places, lines, x)
        _damp(lines, x)
        for c in range(2):
            for n in range(SPAN):
                near = (x[c, n] - x[c + 2, n]) + (x[c + 4, n] - x[c + 6, n])
                far = (x[c + 8, n] - x[c + 10, n]) + (x[c + 12, n] - x[c + 14, n])
                out[c, at + n] += F4 * (near + far)

        if not heard:
            for i in range(LINES):
                for n in range(SPAN):
                    heard = heard or abs(x[i, n]) > FLUSH
        count[0] = 0 if heard else count[0] + 1
        if count[0] > count[1]:  # for as long as anything takes to pass nothing has come out
            count[0] = IDLE
            memory[:] = F0
            front[:] = F0
            lines[LAST] = F0
            continue
        _mix(x)
        gain = decay[6]
        for i in range(LINES):
            for n in range(SPAN):
                x[i, n] += gain * side[i % 2, n]
            _feed(memory, places, i, x, i)


class Fdn:
    """Reverb of a stereo send. With `stretch` 1 the tail loses 60 dB in `t60_s` at low frequencies and in `t60_high_s`
    (<= `t60_s`) at 8 kHz, or up to a fifth sooner where that is as long as 2 s; `math.inf` for both, without
    modulation, makes the loop lossless. Noise returns with the energy it was sent with, at 700 Hz. `sample_rate` from
    22050 on. `depth` scales the modulation, 0 is off.
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
        rates = stream(seed, "fdn")

        lines = np.zeros((LAST + 1, LINES), np.float32)
        for i in range(LINES):
            modulated = i % 4 in (1, 2)
            lines[DEPTH, i] = depth * EXCURSION_S * sample_rate if modulated else 0.0
            lines[PHASE, i] = rates.random()
            lines[RATE, i] = rates.uniform(*RATES_HZ) * QUANTUM / sample_rate
        lines[EXCURSION] = lines[DEPTH]

        reach = 2 * math.ceil(EXCURSION_S * sample_rate) + 2 * QUANTUM
        longest = [*(d + reach for d in delays), *2 * [max(predelay, *early) + reach], *(d + reach for d in allpasses)]
        places = np.zeros((4, RINGS), np.int64)
        places[LENGTH] = [math.ceil(n / QUANTUM) * QUANTUM for n in longest]
        places[OFFSET] = np.concatenate(([0], np.cumsum(places[LENGTH] + MIRROR)[:-1]))
        places[DELAY] = [*delays, predelay, predelay, *allpasses]

        middle_s = _middle_t60_s(float(np.mean(delays)), t60_s, t60_high_s, sample_rate)
        self._stretch = np.ones(65, np.float32)
        self._state = (
            np.zeros(int(places[OFFSET, -1] + places[LENGTH, -1]) + MIRROR, np.float32),
            places,
            lines,
            np.zeros((2, 4), np.float32),
            np.array(
                [butterworth(highpass_hz, sample_rate), butterworth(lowpass_hz, sample_rate), (*DIFFUSION, 0.0)],
                np.float32,
            ),
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
                ],
                np.float32,
            ),
            np.zeros((LINES, QUANTUM), np.float32),
            np.zeros((2, QUANTUM), np.float32),
            np.array([IDLE, sum(sorted(longest)[-4:]) // QUANTUM + len(longest)], np.int64),
        )

    def render(
        self,
        send: NDArray[np.float32],
        quanta: int,
        out: NDArray[np.float32],
        stretch: NDArray[np.float32] | None = None,
    ) -> None:
        """Overwrite `out[:, : quanta * 64]` with the return of `send` (both (2, frames) float32, C order).

        `stretch` multiplies both decay times, a float32 for each quantum edge.
        """
        _render(send, self._stretch if stretch is None else stretch, quanta, out, *self._state)

    @property
    def idle(self) -> bool:
        """True when the tail has ended and nothing is stored."""
        return bool(self._state[-1][0] == IDLE)


def _middle_t60_s(delay: float, low_s: float, high_s: float, sample_rate: int) -> float:
    """Decay at MIDDLE_HZ of a line of `delay` samples whose one-pole is exact at DC and HIGH_HZ."""
    if math.isinf(low_s):
        return low_s
    passes = -3.0 * delay / sample_rate
    ratio2 = 10.0 ** (2.0 * passes * (1.0 / high_s - 1.0 / low_s))
    u, v = 1.0 - ratio2, 1.0 - ratio2 * math.cos(2.0 * math.pi * HIGH_HZ / sample_rate)
    pole = u / (v + math.sqrt(v * v - u * u))
    w = 2.0 * math.pi * MIDDLE_HZ / sample_rate
    loss = 10.0 ** (passes / low_s) * (1.0 - pole) / math.sqrt(1.0 - 2.0 * pole * math.cos(w) + pole * pole)
    return passes / math.log10(loss)


def _early_taps(delays: list[int]) -> NDArray[np.float32]:
    """(3, taps): delay in samples, gain left and right; together EARLY_SHARE of the energy sent."""
    level = 10.0 ** (np.array(EARLY_DB) / 20.0)
    level *= math.sqrt(2.0 * EARLY_SHARE / np.sum(level**2))  # a tap hears one side, half the energy
    angle = (np.array(EARLY_PAN) + 1.0) * math.pi / 4.0
    return np.array([delays, level * np.cos(angle), level * np.sin(angle)], np.float32)


def _prime_near(x: float) -> int:
    n = round(x)
    while any(n % d == 0 for d in range(2, math.isqrt(n) + 1)):
        n += 1
    return n
