"""What one listener costs: time a tick and memory over hours of every channel at once.

    python bench/estimator_cost.py [--hours H]

A made-up wearer with heart rate, beats, skin conductance, pulse wave (64 Hz), acceleration (32 Hz), a breathing belt
(25 Hz), temperature and four raw EEG sites (256 Hz) is heard in session time as fast as it goes. Printed are the share
of a core that a live listener would take, the quantiles of a tick (with and without EEG), and the size of all that the
estimator holds after the first and the last hour (simulated hours).
"""

from __future__ import annotations

import argparse
import pickle
import time

import numpy as np

from synth.estimator.estimator import Estimator
from synth.wearables.samples import Samples

EEG = ("eeg_tp9", "eeg_af7", "eeg_af8", "eeg_tp10")


def second(rng: np.random.Generator, now_s: float, eeg: bool) -> list[Samples]:
    """All channels of the second up to `now_s`."""

    def at(rate_hz: int) -> np.ndarray:
        return now_s - 1.0 + np.arange(rate_hz) / rate_hz

    bpm = 68.0 + 6.0 * np.sin(now_s / 300.0) + rng.normal(0.0, 0.5)
    wave = np.sin(2.0 * np.pi * bpm / 60.0 * at(64)) + 0.1 * rng.normal(size=64)
    runs = [
        Samples.of("hr", [now_s - 1.0], [bpm]),
        Samples.of("rr_ms", [now_s - 0.5], [60000.0 / bpm + rng.normal(0.0, 20.0)]),
        Samples.of("eda", at(4), 2.0 + 0.5 * np.sin(at(4) / 200.0) + 0.01 * rng.normal(size=4)),
        Samples.of("bvp", at(64), wave),
        Samples.of("acc", at(32), 1.0 + 0.01 * rng.normal(size=32)),
        Samples.of("resp", at(25), np.sin(2.0 * np.pi * 0.23 * at(25))),
        Samples.of("temp", at(4), 33.0 + 0.01 * rng.normal(size=4)),
    ]
    if eeg:
        runs += [Samples.of(site, at(256), 10.0 * rng.normal(size=256)) for site in EEG]
    return runs


def hear(hours: float, eeg: bool) -> None:
    """Print the figures of one listener."""
    rng, estimator, spent, sizes = np.random.default_rng(1), Estimator(), [], []
    for now in range(1, int(3600 * hours) + 1):
        runs = second(rng, float(now), eeg)
        start = time.perf_counter()
        for samples in runs:
            estimator.feed(samples)
        estimator.tick(float(now))
        spent.append(time.perf_counter() - start)
        if now % 3600 == 0:
            sizes.append(len(pickle.dumps(estimator)))
    us = 1e6 * np.array(spent)
    middle, high, most = np.percentile(us, (50, 99, 99.9))
    print(
        f"{'with EEG' if eeg else 'without EEG':12} {us.mean() / 1e4:.3f} % of a core; a tick {middle:.0f} us, "
        f"99 % under {high:.0f}, 99.9 % under {most:.0f}; holds {sizes[0] / 1024:.0f} kB after one hour, "
        f"{sizes[-1] / 1024:.0f} kB after {len(sizes)} (simulated)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=8.0)
    hours = parser.parse_args().hours
    if hours < 1.0:
        parser.error("give one hour or more")
    hear(hours, eeg=False)
    hear(hours, eeg=True)


if __name__ == "__main__":
    main()
