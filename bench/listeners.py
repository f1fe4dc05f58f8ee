"""Labelled recordings run through the estimator, second by second: what both the figures and the training are made of.

A folder holds one recording a folder with labelled segments in its `meta.json` (Stress-Predict, Iqbal et al. 2022,
Sensors 22:8135, github.com/italha-d/Stress-Predict-Dataset, MIT). Each runs through the estimator from its raw
streams, so that a feature at a second knows nothing later than that second.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth.estimator.estimator import Estimator
from synth.estimator.model import BOUND
from synth.wearables.recording import Recording, RecordingError, open_recording
from synth.wearables.samples import Samples

FEATURES = ("recent", "longer", "level", "heart")
BALANCED = ("interview_tsst", "relax1", "relax2")
STRAIN = ("stroop", "interview_tsst", "hyperventilation")
TASKS = ("balanced", "inside", "official")
INSIDE_S = 60.0
HOP_S = 10


@dataclass(frozen=True)
class Person:
    """One recording second by second.

    `features` (n, 4) bounded, 0 where not known; `says` (n, 2) of heart and skin; `p`, `confidence` and `hr_bpm` (n,)
    as the estimator told them; `fits` its flag; `device_hr_bpm` (n,) the device's own heart rate.
    """

    name: str
    meta: Mapping[str, object]
    features: NDArray[np.float64]
    says: NDArray[np.float64]
    p: NDArray[np.float64]
    confidence: NDArray[np.float64]
    fits: NDArray[np.bool_]
    device_hr_bpm: NDArray[np.float64]
    scl_us: NDArray[np.float64]
    task: NDArray[np.str_]
    since_s: NDArray[np.float64]

    @property
    def strain(self) -> NDArray[np.bool_]:
        """Whether each second is one of strain."""
        return np.isin(self.task, STRAIN)

    def mask(self, task: str) -> NDArray[np.bool_]:
        """Which seconds belong to a task of TASKS."""
        second = np.arange(1, self.task.size + 1)
        if task == "official":
            return (self.task != "") & (second >= 75)
        balanced = np.isin(self.task, BALANCED)
        return balanced & (self.since_s >= INSIDE_S) if task == "inside" else balanced


def _observe(path: Path, withhold: tuple[str, ...], disturb: int | None) -> Person | None:
    """Run one recording; None when it holds no interview with rest before it."""
    try:
        recording = open_recording(path)
    except RecordingError:
        return None
    if not isinstance(recording, Recording):
        return None
    if not {"interview_tsst", "relax1"} <= {segment.task for segment in recording.segments}:
        return None
    channels = dict(recording.channels)
    if disturb is not None:
        channels = disturbed(channels, recording.duration_s, disturb)
    kept = {name: run for name, run in channels.items() if name not in withhold}
    played = Recording(recording.path, recording.meta, kept, ())
    estimator = Estimator()
    rows = []
    for second in range(1, int(recording.duration_s) + 1):
        for samples in played.between(second - 1.0, float(second)):
            estimator.feed(samples)
        state = estimator.tick(float(second))
        known = estimator.features
        bounded = [float(np.clip(getattr(known, name) or 0.0, -BOUND, BOUND)) for name in FEATURES]
        rows.append((*bounded, *estimator.says, state.p_elevated, state.confidence, state.fits, state.scl_us or np.nan))
    table = np.array(rows, dtype=np.float64)
    t = np.arange(1, len(rows) + 1, dtype=np.float64)
    task = np.full(t.shape, "", dtype="<U32")
    since = np.zeros(t.shape)
    for segment in recording.segments:
        inside = (t >= segment.start_s) & (t < segment.end_s)
        task[inside] = segment.task
        since[inside] = t[inside] - segment.start_s
    hr = recording.channels["hr"]
    latest = np.searchsorted(hr.t_s, t, side="right") - 1
    device_hr = np.where(latest >= 0, hr.value[np.maximum(latest, 0)], np.nan)
    return Person(
        path.name, recording.meta, table[:, :4], table[:, 4:6], table[:, 6], table[:, 7], table[:, 8] != 0.0, device_hr,
        table[:, 9], task, since,
    )  # fmt: skip


def observe_all(folder: Path, withhold: tuple[str, ...] = (), disturb: int | None = None) -> list[Person]:
    """Everyone in `folder` whose recording holds the interview and rest, `disturb` a seed for made-up trouble."""
    paths = sorted(path for path in folder.iterdir() if path.is_dir())
    with ProcessPoolExecutor() as pool:
        found = pool.map(partial(_observe, withhold=withhold, disturb=disturb), paths)
        return [person for person in found if person is not None]


def disturbed(channels: Mapping[str, Samples], seconds: float, seed: int) -> dict[str, Samples]:
    """The same recording with trouble: every source lost for spells, sensor noise, skin conductance drifting."""
    rng = np.random.default_rng(seed)
    out = {}
    for name in sorted(channels):
        run = channels[name]
        value, keep = run.value.copy(), np.ones(len(run), dtype=bool)
        for _ in range(rng.poisson(seconds / 300.0)):
            start, length = rng.uniform(0.0, seconds), rng.uniform(10.0, 60.0)
            keep &= (run.t_s < start) | (run.t_s > start + length)
        if name == "eda":
            drift = rng.normal(0.0, 0.3) * run.t_s / seconds + 0.1 * np.sin(run.t_s / rng.uniform(100.0, 400.0))
            value = value * np.exp(drift) + rng.normal(0.0, 0.005, value.size)
        elif name == "bvp":
            value = value + rng.normal(0.0, 0.5 * float(np.std(value)), value.size)
        elif name == "hr":
            value = value + rng.normal(0.0, 2.0, value.size)
        out[name] = Samples(name, run.t_s[keep], value[keep], run.quality[keep])
    return out
