"""Felt arousal, second by second, and what an estimator may make of it.

Felt arousal a follows, at its own speeds up and down, the weighted mean of where it would be left alone and where the
music m is: a* = (a_alone + g m) / (1 + g), with the pull g = pull * exp(-((m - centre) / width)^2) while music sounds.
Left alone it settles towards the person's trait, with slow drift on top. A sudden rise in loudness adds a startle that
fades in seconds (Blumenthal 1988; its size is an assumption). `synth.simulate.people` says what centre and width are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from synth.dsp._jit import kernel
from synth.estimator.state import State
from synth.simulate.people import FOLLOW_S, SETTLE_S, Floats, People, generator

DRIFT_SD, DRIFT_S = 0.12, 60.0
STARTLE_PER_DB, STARTLE_S = 0.02, 8.0
SLOW_RISE_DB = 1.0  # a second; no slower rise startles
REPORT_SD = 0.15
WARM_UP_S = 60.0
CONFIDENCE_S = 20.0
DROPOUT_EVERY_S, DROPOUT_S = 600.0, (5.0, 60.0)

_KEEP_DRIFT = math.exp(-1.0 / DRIFT_S)
_NEW_DRIFT = DRIFT_SD * math.sqrt(1.0 - _KEEP_DRIFT**2)
_KEEP_STARTLE = math.exp(-1.0 / STARTLE_S)

FELT, ALONE, CORE, DRIFT, STARTLE, CENTRE = range(6)  # rows of the state
TRAIT, PULL, WIDTH, UP, DOWN, SETTLE, FOLLOW, OWN_PACE = range(8)  # rows of the parameters


@kernel
def _feel(first, count, arousal, sound, startle_db, noise, people, state, felt):  # type: ignore[no-untyped-def]
    """`count` seconds from `first` on, a row a second and a column a person."""
    for t in range(count):
        for i in range(state.shape[1]):
            now = state[FELT, i]
            music = arousal[t, i]
            centre = state[CENTRE, i] if people[OWN_PACE, i] > 0.0 else now
            away = (music - centre) / people[WIDTH, i]
            gate = math.exp(-away * away) * sound[t, i]
            pull = people[PULL, i] * gate
            state[CENTRE, i] = centre + (now + gate * (music - now) - centre) * people[FOLLOW, i]

            state[ALONE, i] += (people[TRAIT, i] - state[ALONE, i]) * people[SETTLE, i]
            state[DRIFT, i] = _KEEP_DRIFT * state[DRIFT, i] + _NEW_DRIFT * noise[first + t, i]
            wanted = (state[ALONE, i] + state[DRIFT, i] + pull * music) / (1.0 + pull)
            speed = people[UP, i] if wanted > state[CORE, i] else people[DOWN, i]
            state[CORE, i] += (wanted - state[CORE, i]) * speed
            state[STARTLE, i] = _KEEP_STARTLE * state[STARTLE, i] + STARTLE_PER_DB * startle_db[t, i]
            state[FELT, i] = min(max(state[CORE, i] + state[STARTLE, i], -1.0), 1.0)
            felt[t, i] = state[FELT, i]


def share(seconds: ArrayLike, step_s: float = 1.0) -> Floats:
    """How far towards its goal something with a time constant of `seconds` gets in `step_s`."""
    return -np.expm1(-step_s / np.asarray(seconds, dtype=np.float64))


def startles(loudness_db: ArrayLike) -> Floats:
    """What a listener may start at in a loudness each second (seconds, ...): by how much it rose too quickly, dB."""
    level = np.asarray(loudness_db, dtype=np.float64)
    return np.maximum(np.diff(level, axis=0, prepend=level[:1]) - SLOW_RISE_DB, 0.0)


class Felt:
    """Felt arousal of `people` for up to `seconds`. Noise is a stream of each person's own, whatever they hear."""

    def __init__(self, people: People, seconds: int) -> None:
        self.people = people
        self.seconds = seconds
        self.now_s = 0
        self._noise = np.empty((seconds, len(people)))
        self._state = np.zeros((CENTRE + 1, len(people)))
        self._state[[FELT, ALONE, CORE, CENTRE]] = people.start
        for i, index in enumerate(people.index):
            rng = generator(people.seed, int(index), "felt")
            self._state[DRIFT, i] = DRIFT_SD * rng.standard_normal()
            self._noise[:, i] = rng.standard_normal(seconds)
        up, down = share(people.up_s), share(people.down_s)
        settle, follow = share(SETTLE_S * people.pace), share(FOLLOW_S * people.pace)
        rows = (people.trait, people.pull, people.width, up, down, settle, follow, people.own_pace)
        self._people = np.array(rows)

    @property
    def now(self) -> Floats:
        """Felt arousal now (n,)."""
        return self._state[FELT].copy()

    def hear(self, arousal: ArrayLike, sound: ArrayLike = 1.0, startle_db: ArrayLike = 0.0) -> Floats:
        """Felt arousal (seconds, n) while music of this `arousal` -1..1 sounds (`sound` 0..1, 0 is silence).

        Each is (seconds, n), or one column for all, or a number; `arousal` says how many seconds. ValueError when
        that is more than are left.
        """
        music = np.atleast_2d(np.asarray(arousal, dtype=np.float64))
        shape = (music.shape[0], len(self.people))
        if self.now_s + shape[0] > self.seconds:
            raise ValueError(f"{shape[0]} s were asked for, {self.seconds - self.now_s} are left: make Felt longer")
        heard = [np.broadcast_to(np.asarray(x, dtype=np.float64), shape).copy() for x in (music, sound, startle_db)]
        felt = np.empty(shape)
        arrays: tuple[Floats, ...] = (*heard, self._noise, self._people, self._state, felt)
        _feel(self.now_s, shape[0], *arrays)
        self.now_s += shape[0]
        return felt


@dataclass(frozen=True, slots=True)
class Estimating:
    """How an estimate differs from what is felt: a person's own bias, slow noise, lag; all assumptions.

    `about_baseline`: it tells arousal against the mean of the warm-up, as a wearable alone does, which never learns
    where a person was when they came. `gain` is how much of a change it tells; `confidence` what it says of itself
    while signals come.
    """

    bias_sd: float = 0.15
    noise_sd: float = 0.1
    noise_s: float = 20.0
    lag_s: float = 30.0
    about_baseline: bool = False
    gain: float = 1.0
    confidence: float = 0.7


class Listeners:
    """People who listen for up to `seconds` and are estimated once a second: `hear` a second, then ask `state`.

    The estimate is modelled by `estimating`, not computed from signals; for those see `synth.simulate.wearer`.
    """

    def __init__(self, people: People, seconds: int, estimating: Estimating | None = None) -> None:
        self.felt = Felt(people, seconds)
        self.how = estimating or Estimating()
        self._bias = np.empty(len(people))
        self._noise = np.empty((seconds, len(people)))
        self._seen = np.ones((seconds, len(people)), dtype=bool)
        self._told = np.empty(len(people))
        for i, index in enumerate(people.index):
            rng = generator(people.seed, int(index), "estimate")
            self._told[i], self._bias[i] = rng.standard_normal(2)
            self._noise[:, i] = rng.standard_normal(seconds)
            self._seen[:, i] = _without_dropouts(rng, seconds)
        self._slow = people.start.copy()
        self._wander = np.zeros(len(people))
        self._usual = np.zeros(len(people))
        self._confidence = np.zeros(len(people))
        self._arousal = np.zeros(len(people))

    def told(self, sd: float = REPORT_SD) -> Floats:
        """What people say of their arousal when they come (n,), -1..1."""
        return np.clip(self.felt.people.start + sd * self._told, -1.0, 1.0)

    def hear(self, arousal: ArrayLike, sound: ArrayLike = 1.0, startle_db: ArrayLike = 0.0) -> Floats:
        """One second of music; felt arousal after it (n,)."""
        t = self.felt.now_s
        felt = self.felt.hear(np.atleast_2d(arousal), sound, startle_db)[0]
        how = self.how
        self._slow += (felt - self._slow) * share(how.lag_s)
        keep = math.exp(-1.0 / how.noise_s)
        self._wander = keep * self._wander + how.noise_sd * math.sqrt(1.0 - keep**2) * self._noise[t]
        if how.about_baseline and t < WARM_UP_S:
            self._usual += (felt - self._usual) / (t + 1.0)
        seen = self._seen[t] & (t >= WARM_UP_S)
        told = np.clip(how.gain * (self._slow - self._usual) + how.bias_sd * self._bias + self._wander, -1.0, 1.0)
        self._arousal = np.where(seen, told, self._arousal)
        self._confidence += (how.confidence * seen - self._confidence) * share(CONFIDENCE_S)
        return felt

    def states(self) -> list[State]:
        """What is believed of each person now."""
        t_s = float(self.felt.now_s)
        pairs = zip(self._arousal.tolist(), self._confidence.tolist(), strict=True)
        return [State(t_s, arousal=arousal, confidence=sure) for arousal, sure in pairs]


def _without_dropouts(rng: np.random.Generator, seconds: int) -> np.ndarray:
    """Whether signals come, each second."""
    seen = np.ones(seconds, dtype=bool)
    at = rng.exponential(DROPOUT_EVERY_S)
    while at < seconds:
        lasting = rng.uniform(*DROPOUT_S)
        seen[int(at) : int(at + lasting)] = False
        at += lasting + rng.exponential(DROPOUT_EVERY_S)
    return seen
