"""What a simulated body does while it feels: heart beats, breath and skin conductance.

- Heart rate goes with felt arousal at a slow and a quick pace (delay 2 s and 8 s for the sympathetic branch, 1.5 s for
  the vagal, after the constants of Ursino 1998), rises a little with any music (Koelsch & Jäncke 2015) and drifts.
- Beats about it: the difference equations of DeBoer, Karemaker & Strackee 1987 (Am. J. Physiol. 253:H680), the
  baroreflex on heart and vessels with breath in pulse pressure; constants of the paper but for less noise on the beat.
- Breath: a rate that arousal quickens and that may follow a wave of loudness if it is not far from it (the narrowness
  of that is assumed; that a wave at three quarters of one's own rate works best, Leslie et al. 2019, follows from it).
- Skin: a level that rises quickly and falls slowly, and responses at a rate that goes with arousal, each with the shape
  of Bach, Flandin, Friston & Dolan 2010 (constants of PsPM).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from synth.dsp._jit import kernel
from synth.simulate.felt import share
from synth.simulate.people import Floats, People, generator

STEPS = 8  # a second
BEATS = 4  # most a second
EDA_STEPS = 2  # samples of skin conductance are this many steps apart
FULL_DEPTH_DB = 4.0  # of the breath wave: deeper pulls no more
ELSEWHERE = 0.35  # how far off, as a share of the own rate, a wave may be and still pull by exp(-1)

_STEP_S = 1.0 / STEPS
_SLOW, _QUICK, _ONSET = (float(share(seconds)) for seconds in (8.0, 1.5, 20.0))
_BREATH = float(share(15.0, _STEP_S))
_SCL_UP, _SCL_DOWN = (float(share(seconds)) for seconds in (10.0, 60.0))
_KEEP_VLF = math.exp(-1.0 / 45.0)
_NEW_VLF = 1.6 * math.sqrt(1.0 - _KEEP_VLF**2)

_PRESSURE, _DIASTOLIC, _VESSEL_MS = 120.0, 75.0, 1425.0  # mmHg, mmHg, and the time constant they empty with
_SIGMOID, _STARLING, _BREATH_MMHG = 18.0, 0.016, 3.0
_BEAT_MS, _PULSE_MMHG = 12.0, 2.0  # noise; the paper's 25 ms makes resting hearts too uneven
_VAGAL_CALM = 0.4  # share of the vagal baroreflex that one of arousal takes away
_LAGS = 6  # beats

_EDA_HZ = STEPS / EDA_STEPS
RESPONSE_S = 60.0


def response() -> Floats:
    """A skin conductance response at the rate of the samples, peak 1."""
    t = np.arange(0.0, RESPONSE_S, 1.0 / _EDA_HZ)
    sudomotor = np.exp(-((t - 3.0745) ** 2) / (2.0 * 0.7013**2))
    decay = np.exp(-0.3176 * t) + np.exp(-0.0708 * t)
    shape = np.convolve(sudomotor, decay)[: t.size]
    return shape / shape.max()


# Rows of the state.
(SLOW, QUICK, ONSET, VLF, BEFORE, LONG_BEFORE, RATE, PHASE, SCL, NEXT_S, INTERVAL, SYSTOLIC, VESSEL, OLD) = range(14)
HEART, K_SLOW, K_QUICK, K_MUSIC, BARO, OWN, FOLLOWS, SCL0, K_SCL, SCR_PER_S, SCR_US = range(11)  # of the parameters
VLF_NOISE, SCR_CHANCE, SCR_WHEN, SCR_SIZE, BEAT_NOISE = range(5)  # and of the noise, where beats take the rest


@kernel
def _live(  # type: ignore[no-untyped-def]
    first,
    count,
    felt,
    sound,
    wave_bpm,
    depth,
    startle_db,
    noise,
    people,
    state,
    skin,
    shape,
    beat_s,
    beat_ms,
    breath,
    eda,
):
    """`count` seconds from `first` on; `beat_ms` is 0 where there was no beat."""
    for t in range(count):
        for i in range(state.shape[1]):
            a = felt[t, i]
            state[SLOW, i] += (state[LONG_BEFORE, i] - state[SLOW, i]) * _SLOW
            state[LONG_BEFORE, i], state[BEFORE, i] = state[BEFORE, i], a
            state[QUICK, i] += (a - state[QUICK, i]) * _QUICK
            state[ONSET, i] += (sound[t, i] - state[ONSET, i]) * _ONSET
            state[VLF, i] = _KEEP_VLF * state[VLF, i] + _NEW_VLF * noise[first + t, VLF_NOISE, i]
            bpm = people[HEART, i] + people[K_SLOW, i] * state[SLOW, i] + people[K_QUICK, i] * state[QUICK, i]
            bpm += people[K_MUSIC, i] * state[ONSET, i] + state[VLF, i]
            mean_ms = 60000.0 / min(max(bpm, 38.0), 180.0)

            goal = people[SCL0, i] + people[K_SCL, i] * a
            state[SCL, i] += (goal - state[SCL, i]) * (_SCL_UP if goal > state[SCL, i] else _SCL_DOWN)
            at = (first + t) * (STEPS // EDA_STEPS) % shape.size
            size = people[SCR_US, i] * math.exp(0.5 * noise[first + t, SCR_SIZE, i])
            chance = -math.expm1(-people[SCR_PER_S, i] * math.exp(a))
            answers = size if noise[first + t, SCR_CHANCE, i] < chance else 0.0
            answers += size * startle_db[t, i] / 10.0
            if answers > 0.0:
                later = int(noise[first + t, SCR_WHEN, i] * (STEPS // EDA_STEPS))
                for k in range(shape.size - later):
                    skin[(at + later + k) % shape.size, i] += answers * shape[k]

            beats = 0
            for k in range(BEATS):
                beat_ms[t, k, i] = 0.0
            for step in range(STEPS):
                now_s = first + t + step * _STEP_S
                away = (wave_bpm[t, i] / state[RATE, i] - 1.0) / ELSEWHERE
                led = people[FOLLOWS, i] * depth[t, i] * (wave_bpm[t, i] - state[RATE, i]) * math.exp(-away * away)
                goal = people[OWN, i] * (1.0 + 0.2 * a) + led
                state[RATE, i] = min(max(state[RATE, i] + (goal - state[RATE, i]) * _BREATH, 3.0), 40.0)
                breath[t, step, i] = math.sin(2.0 * math.pi * state[PHASE, i])
                while state[NEXT_S, i] < now_s + _STEP_S:
                    turn = state[PHASE, i] + state[RATE, i] / 60.0 * (state[NEXT_S, i] - now_s)
                    last_ms, systolic = state[INTERVAL, i], state[SYSTOLIC, i]
                    keep = _DIASTOLIC / (_PRESSURE * math.exp(-mean_ms / _VESSEL_MS))
                    diastolic = keep * systolic * math.exp(-last_ms / state[VESSEL, i])
                    systolic = diastolic + _STARLING * (last_ms - mean_ms) + _PRESSURE - _DIASTOLIC
                    slot = BEAT_NOISE + 2 * min(beats, BEATS - 1)
                    systolic += _BREATH_MMHG * math.sin(2.0 * math.pi * turn) + _PULSE_MMHG * noise[first + t, slot, i]
                    sensed = _SIGMOID * math.atan((systolic - _PRESSURE) / _SIGMOID)
                    one, two, three = state[OLD + 1, i], state[OLD + 2, i], state[OLD + 3, i]
                    four, five = state[OLD + 4, i], state[OLD + 5, i]
                    slow = one + 2.0 * two + 3.0 * three + 2.0 * four + five
                    vagal = people[BARO, i] * (1.0 - _VAGAL_CALM * a)
                    next_ms = mean_ms + vagal * sensed + slow + _BEAT_MS * noise[first + t, slot + 1, i]
                    if beats < BEATS:
                        beat_s[t, beats, i], beat_ms[t, beats, i] = state[NEXT_S, i], last_ms
                        beats += 1
                    state[INTERVAL, i] = min(max(next_ms, 300.0), 2000.0)
                    state[SYSTOLIC, i] = systolic
                    state[VESSEL, i] = _VESSEL_MS - 2.0 * slow
                    for lag in range(_LAGS - 1, 0, -1):
                        state[OLD + lag, i] = state[OLD + lag - 1, i]
                    state[OLD, i] = sensed
                    state[NEXT_S, i] += 0.001 * state[INTERVAL, i]
                state[PHASE, i] = (state[PHASE, i] + state[RATE, i] / 60.0 * _STEP_S) % 1.0
                if step % EDA_STEPS == 0:
                    place = (at + step // EDA_STEPS) % shape.size
                    eda[t, step // EDA_STEPS, i] = max(state[SCL, i], 0.2) + skin[place, i]
                    skin[place, i] = 0.0


@dataclass(frozen=True, slots=True)
class Signals:
    """What bodies did, without any sensor. A row a second, a column a person: `beat_s` and `beat_ms` (seconds, 4, n)
    time and length of the intervals that ended (0 ms: none), `breath` (seconds, 8, n), `eda` in uS (seconds, 4, n)."""

    beat_s: Floats
    beat_ms: Floats
    breath: Floats
    eda: Floats

    def beats(self, i: int = 0) -> tuple[Floats, Floats]:
        """Times (s) and intervals (ms) of person `i`."""
        there = self.beat_ms[:, :, i] > 0.0
        return self.beat_s[:, :, i][there], self.beat_ms[:, :, i][there]


class Body:
    """Bodies of `people` for up to `seconds`; noise is a stream of each person's own."""

    def __init__(self, people: People, seconds: int) -> None:
        n = len(people)
        self.people = people
        self.seconds = seconds
        self.now_s = 0
        self._shape = response()
        self._skin = np.zeros((self._shape.size, n))
        self._noise = np.empty((seconds, BEAT_NOISE + 2 * BEATS, n))
        self._state = np.zeros((OLD + _LAGS, n))
        for i, index in enumerate(people.index):
            rng = generator(people.seed, int(index), "body")
            self._noise[:, :, i] = rng.standard_normal(self._noise.shape[:2])
            for row in (SCR_CHANCE, SCR_WHEN):
                self._noise[:, row, i] = rng.random(seconds)
            self._state[VLF, i], self._state[PHASE, i] = 1.6 * rng.standard_normal(), rng.random()
        start = people.start
        self._state[[SLOW, QUICK, BEFORE, LONG_BEFORE]] = start
        self._state[RATE] = people.breath_bpm * (1.0 + 0.2 * start)
        self._state[SCL] = people.scl_us + people.scl_answer_us * start
        bpm = people.heart_bpm + (people.slow_bpm + people.quick_bpm) * start
        self._state[INTERVAL], self._state[SYSTOLIC], self._state[VESSEL] = 60000.0 / bpm, _PRESSURE, _VESSEL_MS
        heart = (people.heart_bpm, people.slow_bpm, people.quick_bpm, people.music_bpm, people.baroreflex)
        skin = (people.scl_us, people.scl_answer_us, people.scr_per_min / 60.0, people.scr_us)
        self._people = np.array([*heart, people.breath_bpm, people.breath_follows, *skin])

    def live(
        self,
        felt: Floats,
        sound: ArrayLike = 1.0,
        wave_bpm: ArrayLike = 8.0,
        wave_depth_db: ArrayLike = 0.0,
        startle_db: ArrayLike = 0.0,
    ) -> Signals:
        """What happens while arousal is `felt` (seconds, n); what is heard is (seconds, n), one column or a number.

        ValueError when more seconds are asked for than are left.
        """
        count, n = felt.shape
        if self.now_s + count > self.seconds:
            raise ValueError(f"{count} s were asked for, {self.seconds - self.now_s} are left: make Body longer")
        depth = np.minimum(np.asarray(wave_depth_db, dtype=np.float64) / FULL_DEPTH_DB, 1.0)
        heard = (felt, sound, wave_bpm, depth, startle_db)
        full = [np.broadcast_to(np.asarray(x, dtype=np.float64), (count, n)).copy() for x in heard]
        beat_s, beat_ms = np.zeros((count, BEATS, n)), np.zeros((count, BEATS, n))
        breath, eda = np.empty((count, STEPS, n)), np.empty((count, STEPS // EDA_STEPS, n))
        own = (self._noise, self._people, self._state, self._skin, self._shape)
        arrays: tuple[Floats, ...] = (*full, *own, beat_s, beat_ms, breath, eda)
        _live(self.now_s, count, *arrays)
        self.now_s += count
        return Signals(beat_s, beat_ms, breath, eda)
