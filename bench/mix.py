"""Does the mix of each shipped preset measure as its plan says?  python bench/mix.py [--seconds S] [--seed N]
[--preset P ...] [--json]

Renders the beginning of each preset and prints, against `synth.mix.plan`: the share of energy between 150 and 400 Hz,
the slope of the long-term spectrum, how alike left and right are below 200 Hz and over all, what is lost in mono, and
a row for each stem: its loudness against the sum of all, what it loses in mono, and its energy where the melody has
most of its own, while the melody plays, against the melody's. "!" marks what is beyond the plan. Last, where a preset's
numbers depart from its goal's.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from synth.dsp.loudness import integrated_lufs
from synth.engine import Engine
from synth.instruments.base import MAX_QUANTA, QUANTUM
from synth.mix import plan
from synth.preset import Preset, load_preset, preset_names
from synth.preset.seats import mix_plan

RATE = 48_000
FRAME = 8192  # of the spectra, Hann, half overlapped
BAND_SHARE = 0.7  # of the melody's energy that its band holds
PLAYS_DB = 15.0  # under its loudest tenth the melody counts as resting
THIRDS = 1000.0 * 2.0 ** (np.arange(-10, 11) / 3.0)  # middles of third-octaves, 100 Hz to 10 kHz

Audio = NDArray[np.float32]
Bins = NDArray[np.floating]


@dataclass(frozen=True)
class Stem:
    """`level_lu` against the sum; `masking_db` against the melody, None where there is none."""

    level_lu: float
    mono_loss_db: float
    masking_db: float | None


@dataclass(frozen=True)
class Figures:
    """What a mix measures."""

    mud_share: float
    slope_db_oct: float
    low_correlation: float
    correlation: float
    mono_loss_db: float
    stems: dict[str, Stem]


def rendered(preset: Preset, seconds: float, seed: int = 1) -> tuple[dict[str, Audio], Audio]:
    """The stems (2, frames) by name, and their sum."""
    engine = Engine(preset, seed, RATE)
    quanta = round(seconds * RATE / QUANTUM)
    stems = np.zeros((len(engine.stems), 2, quanta * QUANTUM), np.float32)
    whole = np.zeros((2, quanta * QUANTUM), np.float32)
    for quantum in range(0, quanta, MAX_QUANTA):
        block = engine.render(quantum, min(MAX_QUANTA, quanta - quantum))
        span = slice(quantum * QUANTUM, quantum * QUANTUM + block.frames)
        stems[:, :, span], whole[:, span] = block.stems, block.premaster
    return dict(zip(engine.stems, stems, strict=True)), whole


def spectra(audio: Audio) -> NDArray[np.float64]:
    """Power of left, right and their cross-spectrum's real part: (3, frames of the analysis, bins)."""
    window = np.hanning(FRAME)
    pieces = np.lib.stride_tricks.sliding_window_view(audio, FRAME, axis=1)[:, :: FRAME // 2]
    left, right = np.fft.rfft(pieces * window, axis=-1)
    return np.stack([np.abs(left) ** 2, np.abs(right) ** 2, (left * right.conj()).real])


def measured(stems: dict[str, Audio], whole: Audio) -> Figures:
    """The figures of a mix of `stems`."""
    hz = np.fft.rfftfreq(FRAME, 1.0 / RATE)
    power = spectra(whole).sum(axis=1)
    energy = power[0] + power[1]
    audible = hz > 20.0
    total_lufs = integrated_lufs(whole, RATE)
    masking = maskings(stems, hz)
    return Figures(
        float(energy[(hz >= plan.MUD_HZ[0]) & (hz < plan.MUD_HZ[1])].sum() / energy.sum()),
        slope_db_oct(energy, hz),
        correlation(power[:, audible & (hz < plan.LOW_HZ)]),
        correlation(power[:, audible]),
        mono_loss_db(power[:, audible]),
        {
            name: Stem(
                integrated_lufs(stem, RATE) - total_lufs,
                mono_loss_db(spectra(stem).sum(axis=1)),
                masking.get(name),
            )
            for name, stem in stems.items()
            if stem.any()
        },
    )


def correlation(power: NDArray[np.float64]) -> float:
    """Of left and right, from `power` (3, bins) as `spectra` gives it."""
    left, right, cross = power.sum(axis=1)
    return float(cross / math.sqrt(left * right)) if left * right > 0.0 else 1.0


def mono_loss_db(power: NDArray[np.float64]) -> float:
    """How much softer (L + R) / 2 is than L and R on average, in dB; 3 for sides that do not know each other."""
    left, right, cross = power.sum(axis=1)
    mono = 0.25 * (left + right + 2.0 * cross)
    return max(10.0 * math.log10(0.5 * (left + right) / mono), 0.0) if mono > 0.0 else 0.0


def slope_db_oct(energy: Bins, hz: Bins) -> float:
    """Of the spectrum's density, by third-octaves from 100 Hz to 10 kHz."""
    density = [energy[inside(hz, centre)].mean() for centre in THIRDS]
    return float(np.polyfit(np.log2(THIRDS), 10.0 * np.log10(np.array(density) + 1e-30), 1)[0])


def inside(hz: Bins, centre: float) -> NDArray[np.bool_]:
    """The bins of a third-octave."""
    return (hz >= centre * 2.0 ** (-1 / 6)) & (hz < centre * 2.0 ** (1 / 6))


def maskings(stems: dict[str, Audio], hz: Bins) -> dict[str, float]:
    """Each other stem's energy in the melody's band while the melody plays, in dB against the melody's there."""
    if "melody" not in stems or not stems["melody"].any():
        return {}
    melody = spectra(stems["melody"])[:2].sum(axis=0)
    loudness = melody.sum(axis=1)
    plays = loudness > np.quantile(loudness, 0.9) * 10.0 ** (-PLAYS_DB / 10.0)
    thirds = np.array([melody[plays][:, inside(hz, centre)].sum() for centre in THIRDS])
    loudest = np.argsort(-thirds)
    count = int(np.searchsorted(np.cumsum(thirds[loudest]), BAND_SHARE * thirds.sum())) + 1
    band = np.any([inside(hz, THIRDS[i]) for i in loudest[:count]], axis=0)
    own = melody[plays][:, band].sum()
    return {
        name: 10.0 * math.log10(spectra(stem)[:2].sum(axis=0)[plays][:, band].sum() / own + 1e-12)
        for name, stem in stems.items()
        if name != "melody"
    }


def beyond(figures: Figures, goal: str) -> Iterator[str]:
    """Which figures are beyond the plan of `goal`, by name."""
    wanted = mix_plan(goal)
    for name, is_beyond in (
        ("mud", figures.mud_share > plan.MUD_SHARE),
        ("slope", abs(figures.slope_db_oct - wanted.slope_db_oct) > plan.SLOPE_SLACK_DB_OCT),
        ("low correlation", figures.low_correlation < plan.LOW_CORRELATION),
        ("correlation", figures.correlation < plan.CORRELATION),
        ("mono", figures.mono_loss_db > plan.MONO_LOSS_DB),
    ):
        if is_beyond:
            yield name
    for name, stem in figures.stems.items():
        if stem.mono_loss_db > plan.MONO_LOSS_DB:
            yield f"mono {name}"
        if stem.masking_db is not None and stem.masking_db > wanted.margin_db:
            yield f"masking {name}"


def lines(preset: Preset, figures: Figures) -> Iterable[str]:
    over = set(beyond(figures, preset.goal))

    def mark(name: str) -> str:
        return "!" if name in over else " "

    yield (
        f"{preset.name:17}150-400 Hz {100 * figures.mud_share:4.0f} %{mark('mud')}  "
        f"slope {figures.slope_db_oct:5.1f}{mark('slope')} ({mix_plan(preset.goal).slope_db_oct:g}) dB/oct  "
        f"L-R {figures.low_correlation:4.2f}{mark('low correlation')} low {figures.correlation:5.2f}"
        f"{mark('correlation')} all  mono -{figures.mono_loss_db:3.1f}{mark('mono')} dB"
    )
    for name, stem in figures.stems.items():
        masking = "" if stem.masking_db is None else f"{stem.masking_db:10.1f}{mark(f'masking {name}')}"
        planned = preset.stems[name].level_lu if name in preset.stems else math.nan
        yield (
            f"  {name:12}{stem.level_lu:7.1f} LU ({planned:g} asked)".ljust(38)
            + f"mono -{stem.mono_loss_db:3.1f}{mark(f'mono {name}')}{masking}"
        )
    yield from (f"  {words}" for words in plan.problems(preset))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--preset", nargs="*", default=None)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = {}
    for name in options.preset or preset_names():
        preset = load_preset(name)
        figures = measured(*rendered(preset, options.seconds, options.seed))
        found[name] = asdict(figures) | {"beyond": list(beyond(figures, preset.goal))}
        if not options.json:
            print("\n".join(lines(preset, figures)), flush=True)
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
