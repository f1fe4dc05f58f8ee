"""Simulated people: who they are, drawn one by one from streams of their own, and the worlds they live in.

Nobody knows how music moves a person from moment to moment, so there are several worlds, and what is said to work
should work in each. They differ in the gate: how quickly music loses its pull as it departs from where the person is
(the iso principle of Davis, Gfeller & Thaut 2008 as a hypothesis; only Starcke et al. 2021 tested it, with a small
effect). Figures without a source here are assumptions of the project.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from synth.rng import stream_seed

Floats = NDArray[np.float64]

SETTLE_S = 400.0  # left alone, a person settles from how they came to how they are
FOLLOW_S = 150.0  # in the pace world, how long going along takes
PACE_SPREAD = 0.6  # of the natural logarithm of a person's own pace


@dataclass(frozen=True, slots=True)
class World:
    """How music pulls. `width` of the gate about the place where a person can be met, in arousal; infinite: no gate.

    Without `own_pace` that place is the felt arousal itself. With it (an assumption; that such inertia differs
    between people is found by Kuppens, Allen & Sheeber 2010, Psychological Science 21:984) each person has a pace: one
    factor on all their slow changes. They settle by themselves over SETTLE_S times that factor, and the place where
    they can be met moves, over FOLLOW_S times it, towards the music as far as the gate is open and back to what they
    feel as far as it is shut. Music that runs ahead shuts the gate and loses the person until it is near again; music
    that lags behind a person who settles quickly is on the other side of the same gate.
    """

    name: str
    width: float
    own_pace: bool = False


WORLDS = (
    World("strong gating", 0.4),
    World("weak gating", 1.2),
    World("no gating", math.inf),
    World("own pace", 0.4, own_pace=True),
)


@dataclass(frozen=True, slots=True)
class People:
    """Parameters of people, each (n,); `seed` and `index` name their streams of noise.

    Felt arousal -1..1: `start` at the session's beginning (most come strained), `trait` where they settle, `pull` of
    music (for a few it is negative: music moves them the other way), `width` of the gate, `up_s` and `down_s` of felt
    arousal, `pace` the factor on slow changes (1 outside the pace world) and `own_pace` whether the gate has a place of
    its own. Body: resting heart rate, its answer to arousal (slow sympathetic, quick vagal, a minute for 1 of arousal)
    and to any music, baroreflex in ms/mmHg, own breaths a minute and how readily they follow a wave, skin conductance
    level and its answer in uS, responses a minute and their size in uS.
    """

    seed: int
    index: NDArray[np.int64]
    start: Floats
    trait: Floats
    pull: Floats
    width: Floats
    up_s: Floats
    down_s: Floats
    pace: Floats
    own_pace: Floats
    heart_bpm: Floats
    slow_bpm: Floats
    quick_bpm: Floats
    music_bpm: Floats
    baroreflex: Floats
    breath_bpm: Floats
    breath_follows: Floats
    scl_us: Floats
    scl_answer_us: Floats
    scr_per_min: Floats
    scr_us: Floats

    def __len__(self) -> int:
        return int(self.index.size)

    def among(self, which: Sequence[int] | NDArray[np.int64]) -> People:
        """Some of them, in this order."""
        at = np.asarray(which)
        return People(self.seed, *(getattr(self, field.name)[at] for field in fields(self)[1:]))


def generator(seed: int, index: int, stream: str) -> np.random.Generator:
    """The generator of listener `index` for the stream called `stream`."""
    return np.random.default_rng(stream_seed(seed, "listener", index, stream))


def draw_people(seed: int, count: int, world: World | None = None, first: int = 0) -> People:
    """People `first` to `first + count` of `seed`; the same ones in every world but for what the world says.

    Without a `world` each has a gate of their own, 0.4 to 1.2 wide.
    """
    index = np.arange(first, first + count)
    rows = np.array([_draw(generator(seed, int(i), "person")) for i in index]).reshape(count, -1).T
    start, trait, pull, width, up_s, down_s, pace, *body = rows
    if world is not None:
        width = np.full(count, world.width)
    own = world is not None and world.own_pace
    pace = pace if own else np.ones(count)
    return People(seed, index, start, trait, pull, width, up_s, down_s, pace, np.full(count, float(own)), *body)


def _draw(rng: np.random.Generator) -> tuple[float, ...]:
    def lognormal(median: float, spread: float) -> float:
        return median * math.exp(rng.normal(0.0, spread))

    return (
        rng.uniform(-0.2, 0.8),
        rng.normal(-0.1, 0.2),
        min(max(rng.normal(0.35, 0.25), -0.2), 1.2),
        rng.uniform(0.4, 1.2),
        lognormal(15.0, 0.3),
        lognormal(45.0, 0.3),
        lognormal(1.0, PACE_SPREAD),
        rng.normal(70.0, 9.0),
        lognormal(9.0, 0.35),
        4.0,
        rng.normal(1.2, 1.2),
        lognormal(9.0, 0.35),
        rng.normal(14.5, 2.5),
        rng.normal(0.5, 0.3),
        lognormal(5.0, 0.5),
        lognormal(1.2, 0.3),
        lognormal(3.0, 0.5),
        lognormal(0.2, 0.3),
    )
