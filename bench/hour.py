"""How does an hour sound?  python bench/hour.py [PRESET ...] [--minutes M] [--seed N] [--json]

Renders each preset and measures every stem and the mix from outside: clicks in any stem (`clicks.py`), drift of
loudness against the plan (LU a minute), slope of the long-term spectrum from 100 Hz to 10 kHz (dB an octave, per Hz),
energy from 150 to 400 Hz (%), what a mono sum loses (dB), correlation of the sides, and audio seconds a CPU second of
the rendering. Wanted: no click, drift within 0.05, slope within -6.2 and -1.9, at most 45 %, at most 2.4 dB.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, field

import numpy as np
from clicks import AROUND_S, clicks
from heard import RATE, level_lufs
from numpy.typing import NDArray
from scipy import signal

from synth import Session
from synth.controls import COLUMN, EXPRESSION_DB, FADE
from synth.engine import Block
from synth.instruments.base import QUANTUM
from synth.preset import preset_names
from synth.session.handout import Audio

SECONDS = 30  # measured at a time
WANTED = {"clicks": (0, 0), "drift": (-0.05, 0.05), "slope": (-6.2, -1.9), "mud": (0.0, 45.0), "mono": (0.0, 2.4)}
OCTAVES_HZ = 100.0 * 2.0 ** np.arange(0.0, 6.7, 1.0)
PLANNED = (COLUMN["loudness_lufs"], COLUMN["dynamics_db"], EXPRESSION_DB)


@dataclass
class Hour:
    """What is summed up over a session: powers of left, right, both together and of a mono sum, others by name."""

    minutes: float
    speed: float = 0.0
    spectrum: NDArray[np.float64] = field(default_factory=lambda: np.zeros(4097))
    clicks: dict[str, list[float]] = field(default_factory=dict)
    heard_lufs: list[float] = field(default_factory=list)
    plan_lufs: list[float] = field(default_factory=list)
    left: float = 0.0
    right: float = 0.0
    product: float = 0.0
    tails: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    def take(self, audio: Audio, start_s: float) -> None:
        """Measure the next stretch, which begins at `start_s`."""
        for name, stem in audio.stems.items():
            mono = stem.mean(axis=1)
            before = self.tails.get(name, mono[:0])
            found = start_s - before.size / RATE + clicks(np.concatenate((before, mono)), RATE)
            self.clicks.setdefault(name, []).extend(float(t) for t in found)
            self.tails[name] = mono[-2 * round(AROUND_S * RATE) :]
        mix = audio.mix.astype(np.float64)
        self.left, self.right = self.left + mix[:, 0] @ mix[:, 0], self.right + mix[:, 1] @ mix[:, 1]
        self.product += mix[:, 0] @ mix[:, 1]
        self.spectrum += signal.welch(mix, RATE, nperseg=8192, axis=0)[1].sum(axis=1)
        self.heard_lufs += level_lufs(mix, 1.0, 1.0).tolist()

    def figures(self) -> dict[str, float]:
        """The figures of the table."""
        hz = np.fft.rfftfreq(8192, 1.0 / RATE)

        def power(low_hz: float, high_hz: float) -> float:
            return float(self.spectrum[(hz >= low_hz) & (hz < high_hz)].sum())

        octaves = [10.0 * np.log10(power(f / 2**0.5, f * 2**0.5) / f) for f in OCTAVES_HZ]
        return {
            "speed": self.speed,
            "clicks": sum(map(len, self.clicks.values())),
            "drift": self._drift(),
            "slope": float(np.polyfit(np.log2(OCTAVES_HZ), octaves, 1)[0]),
            "mud": 100.0 * power(150.0, 400.0) / power(20.0, 20_000.0),
            "mono": 10.0 * np.log10((self.left + self.right) / (0.5 * (self.left + self.right) + self.product)),
            "correlation": self.product / (self.left * self.right) ** 0.5,
        }

    def _drift(self) -> float:
        """LU a minute by which loudness leaves the plan, silences and both ends left out."""
        seconds = min(len(self.heard_lufs), len(self.plan_lufs))
        heard, plan = np.array(self.heard_lufs[:seconds]), np.array(self.plan_lufs[:seconds])
        short, planned = (
            10.0 * np.log10(np.convolve(10.0 ** (x / 10.0), np.ones(20) / 20.0, "valid")) for x in (heard, plan)
        )
        minutes = (np.arange(short.size) + 10.0) / 60.0
        sounding = (short > planned - 6.0) & (minutes > 1.0) & (minutes < self.minutes - 0.5)
        return float(np.polyfit(minutes[sounding], (short - planned)[sounding], 1)[0])


def listened(preset: str, minutes: float, seed: int) -> Hour:
    """A session of `preset`, heard to its end."""
    session, hour, used_s, start_s = (
        Session(preset, seed=seed, minutes=minutes, stems=True, supervised=True),
        Hour(minutes),
        0.0,
        0.0,
    )
    plan: list[float] = []

    def on_block(block: Block) -> None:
        edge = block.edges[0]
        fade_db = 20.0 * np.log10(max(edge[FADE], 1e-6))
        plan.append(sum(float(edge[c]) for c in PLANNED) + fade_db)
        second = block.quantum * QUANTUM // RATE
        if second > len(hour.plan_lufs):
            hour.plan_lufs.append(10.0 * float(np.log10(np.mean(10.0 ** (np.array(plan) / 10.0)))))
            plan.clear()

    session.on_block = on_block
    session.render(256)
    while not session.finished:
        began = time.process_time()
        audio = session.render_audio(SECONDS * RATE)
        used_s += time.process_time() - began
        hour.take(audio, start_s)
        start_s += SECONDS
    hour.speed = start_s / used_s
    return hour


def misses(figures: dict[str, float]) -> list[str]:
    """Names of the figures outside what is wanted."""
    return [name for name, (low, high) in WANTED.items() if not low <= figures[name] <= high]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("presets", nargs="*", metavar="PRESET", help="shipped presets; all of them without")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=9101)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    columns = ("speed", *WANTED, "correlation")
    print(f"{'':18}" + "".join(f"{name:>12}" for name in columns) + "  outside, clicks by stem")
    for preset in asked.presets or preset_names():
        hour = listened(preset, asked.minutes, asked.seed)
        figures = hour.figures()
        by_stem = {name: [round(t, 2) for t in times[:5]] for name, times in hour.clicks.items() if times}
        if asked.json:
            print(json.dumps({"preset": preset, **figures, "clicks_s": by_stem}), flush=True)
            continue
        row = "".join(f"{figures[name]:12.3g}" for name in columns)
        print(f"{preset:18}{row}  {', '.join(misses(figures))} {by_stem or ''}", flush=True)


if __name__ == "__main__":
    main()
