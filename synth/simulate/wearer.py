"""One simulated person who wears sensors: what is heard goes in, second by second, and samples come out.

Sensors add what real ones add: jitter and ectopic beats to a chest strap; lag, noise, outliers and dropouts to a wrist;
noise and jumps by movement to skin conductance. What they measure stands in `synth.simulate.body`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from synth.simulate.body import EDA_STEPS, STEPS, Body, Signals
from synth.simulate.felt import Felt, share
from synth.simulate.people import Floats, People, generator
from synth.wearables.samples import Samples

JITTER_MS, ECTOPIC = 2.0, 0.001
EARLY = 0.6  # of its interval, after which an ectopic beat comes; the next makes up for it
WRIST_LAG_S, WRIST_BPM = 10.0, 2.0
OUTLIER, OUTLIER_BPM = 0.02, 25.0
DROPOUT_EVERY_S, DROPOUT_S = 300.0, (5.0, 60.0)
EDA_US = 0.01
BUMP_EVERY_S, BUMP_US, BUMP_S = 600.0, 0.15, 30.0


class ChestStrap:
    """Beat intervals (`rr_ms`)."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._late_ms = 0.0

    def samples(self, second: int, signals: Signals) -> list[Samples]:
        """What it sends for one second of `signals`."""
        times, intervals = signals.beats()
        rr_ms = intervals + JITTER_MS * self._rng.standard_normal(times.size)
        for k in range(times.size):
            rr_ms[k] += self._late_ms
            times[k] -= 0.001 * self._late_ms if self._late_ms < 0.0 else 0.0
            self._late_ms = 0.0
            if self._rng.random() < ECTOPIC:
                early_ms = (1.0 - EARLY) * rr_ms[k]
                rr_ms[k] -= early_ms
                times[k] -= 0.001 * early_ms
                self._late_ms = early_ms
        return [Samples.of("rr_ms", times, rr_ms)] if times.size else []


class Wristband:
    """Heart rate (`hr`) each second, smoothed, with outliers, and gone now and then."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._bpm = math.nan
        self._gone_until_s = 0.0

    def samples(self, second: int, signals: Signals) -> list[Samples]:
        """What it sends for one second of `signals`."""
        _, intervals = signals.beats()
        noise, chance, away, gone, lasting = self._rng.standard_normal(), *self._rng.random(4)
        if intervals.size:
            bpm = float(np.mean(60000.0 / intervals))
            self._bpm = bpm if math.isnan(self._bpm) else self._bpm + (bpm - self._bpm) * float(share(WRIST_LAG_S))
        if gone < 1.0 / DROPOUT_EVERY_S:
            self._gone_until_s = second + DROPOUT_S[0] + (DROPOUT_S[1] - DROPOUT_S[0]) * lasting
        if second < self._gone_until_s or math.isnan(self._bpm):
            return []
        shown = self._bpm + WRIST_BPM * noise
        shown += OUTLIER_BPM * (1.0 if away < 0.5 else -1.0) if chance < OUTLIER else 0.0
        return [Samples.of("hr", second + 1.0, shown)]


class SkinSensor:
    """Skin conductance (`eda`) at 4 Hz, with jumps when the hand moves."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._bump_us = 0.0

    def samples(self, second: int, signals: Signals) -> list[Samples]:
        """What it sends for one second of `signals`."""
        us = signals.eda[0, :, 0]
        noise, bump, size = self._rng.standard_normal(us.size), self._rng.random(), self._rng.standard_normal()
        self._bump_us -= self._bump_us * float(share(BUMP_S))
        self._bump_us += BUMP_US * size if bump < 1.0 / BUMP_EVERY_S else 0.0
        t_s = second + np.arange(us.size) * (EDA_STEPS / STEPS)
        return [Samples.of("eda", t_s, np.maximum(us + EDA_US * noise + self._bump_us, 0.05))]


class Belt:
    """Movement of the chest (`resp`), without noise."""

    def __init__(self, rng: np.random.Generator) -> None:
        pass

    def samples(self, second: int, signals: Signals) -> list[Samples]:
        """What it sends for one second of `signals`."""
        return [Samples.of("resp", second + np.arange(STEPS) / STEPS, signals.breath[0, :, 0])]


class Sensor(Protocol):
    """A sensor of one person."""

    def samples(self, second: int, signals: Signals) -> list[Samples]:
        """What it sends for one second of `signals`."""


SENSORS: dict[str, Callable[[np.random.Generator], Sensor]] = {
    "chest": ChestStrap,
    "wrist": Wristband,
    "skin": SkinSensor,
    "belt": Belt,
}


class Wearer:
    """The first of `people`, for up to `seconds`, wearing some of SENSORS.

    ValueError on another sensor. Deterministic; sensors have streams of their own, so that wearing one more or hearing
    something else changes no other sensor's noise.
    """

    def __init__(self, people: People, seconds: int, sensors: tuple[str, ...] = ("chest", "skin")) -> None:
        person = people.among([0])
        self.felt = Felt(person, seconds)
        self.body = Body(person, seconds)
        self._worn: list[Sensor] = []
        for name in sensors:
            if name not in SENSORS:
                raise ValueError(f"no sensor called {name!r}: one of {', '.join(SENSORS)}")
            self._worn.append(SENSORS[name](generator(person.seed, int(person.index[0]), name)))

    @property
    def arousal(self) -> float:
        """What is felt now, -1..1."""
        return float(self.felt.now[0])

    def hear(self, values: Mapping[str, float], sound: float = 1.0, startle_db: float = 0.0) -> list[Samples]:
        """Samples of the next second, in which the music has the control `values` (arousal and breath wave)."""
        second = self.felt.now_s
        felt: Floats = self.felt.hear(values["arousal"], sound, startle_db)
        wave = values.get("breath_rate_bpm", 8.0), values.get("breath_depth_db", 0.0)
        signals = self.body.live(felt, sound, *wave, startle_db)
        return [samples for sensor in self._worn for samples in sensor.samples(second, signals)]
