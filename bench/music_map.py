"""Does the music do what arousal, valence and tension ask of it?

    python bench/music_map.py [PRESET ...] [--proxies PRESET] [--training 3] [--unseen 5] [--json FILE]

Signs: each of the three is raised step by step over the preset's own range. Asked: whether any control moves the wrong
way anywhere on a grid of all three. Measured, on sound and MIDI by tools that the engine does not share
(`music_features.py`), every control held by hand at what the map asks for so that rates do not matter: whether the
cue rises (or falls) as it is to, from end to end and at each step.

Stuck: after a hand moves arousal by half of its whole range, in a session that runs, whether loudness, tempo and
density have moved with it within a minute, against the same session left alone.

Proxies: on a grid of 7 arousals and 7 valences, tension left alone, a linear model of the cues is fitted to the music
of some seeds and predicts, from the cues alone, what was commanded of the music of others. R2 is that of each unseen
seed, its interval a bootstrap over them. It tells that the commands can be read off the music; it is NOT a listening
test, and tells nothing of what people hear.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from music_features import RATE, Written, attack_oct, sound_cues
from numpy.typing import NDArray

from synth import Session
from synth.controls import TABLE
from synth.preset import Preset, bounds_of, load_preset, preset_names
from synth.score.midi import write_midi
from synth.steering.mapping import CUES, CueMap, loop_range

AXES = ("arousal", "valence", "tension")
SKIP_S, LISTEN_S = 60.0, 90.0  # the opening, in which stems come in one by one, and what is measured
SCORE_S = 240.0  # and where only the score is read
GRID = 7
FIRST_SEED = 101
# What is measured on each axis: the control that asks for it, the sign, and what a step may err by unheard.
ARROWS: Mapping[str, Mapping[str, tuple[str, int, float]]] = {
    "arousal": {
        "loudness_lufs": ("dynamics_db", 1, 0.5),
        "tempo_bpm": ("tempo_bpm", 1, 0.5),
        "density_hz": ("density_hz", 1, 0.1),
        "centroid_oct": ("brightness_oct", 1, 0.15),
        "attack_oct": ("attack_ms", -1, 0.3),
        "articulation": ("articulation", -1, 0.05),
        "percussion_share": ("percussiveness", 1, 0.03),
    },
    "valence": {"mode_brightness": ("mode", 1, 0.5), "melody_note": ("register_note", 1, 0.5)},
    "tension": {"dissonance": ("tonal_tension", 1, 0.02)},
}
SIGNS = {  # of what is asked, as the table of the map has it
    "arousal": {
        "dynamics_db": 1, "tempo_bpm": 1, "density_hz": 1, "brightness_oct": 1, "percussiveness": 1,
        "articulation": -1, "attack_ms": -1,
    },
    "valence": {"mode": -1, "register_note": 1},
    "tension": {"tonal_tension": 1, "roughness": 1, "regularity": -1, "predictability": -1},
}  # fmt: skip
READ = {  # what each proxy reads; the last one reads nothing but sound
    "arousal": ("loudness_lufs", "centroid_oct", "tempo_bpm", "density_hz", "percussion_share"),
    "valence": ("mode_brightness", "melody_note", "pad_note", "bells_note"),
    "arousal by sound": ("loudness_lufs", "centroid_oct"),
}
LOGARITHMIC = ("tempo_bpm", "density_hz")

Moods = Mapping[str, float]


def starting(preset: Preset) -> dict[str, float]:
    return {axis: preset.controls[axis] for axis in AXES}


def span(preset: Preset, axis: str, steps: int) -> list[float]:
    """`steps` values of an axis from end to end of what the preset allows."""
    return [float(value) for value in np.linspace(*loop_range(preset, axis, bounds_of(preset)), steps)]


def settings(preset: Preset, moods: Moods) -> dict[str, float]:
    """The controls, held by hand, that a session of `preset` comes to rest at while `moods` are held."""
    asked = CueMap(preset).wanted(*(moods[axis] for axis in AXES))
    return {**moods, **{name: round(value) if TABLE[name].choices else value for name, value in asked.items()}}


def cues(preset: Preset, seed: int, moods: Moods, of: str = "sound", listen_s: float = LISTEN_S) -> dict[str, float]:
    """What can be read of the music of `preset` held at `moods`: `of` its "score", "sound" too, or "stems" too."""
    session = Session(
        preset,
        seed=seed,
        minutes=math.inf,
        settings=settings(preset, moods),
        stems=of == "stems",
        audio=of != "score",
        supervised=True,
    )
    session.render(round(SKIP_S * RATE))
    frames = round(listen_s * RATE)
    stems = session.render_audio(frames) if of == "stems" else None
    mix = session.render(frames) if stems is None else stems.mix
    with tempfile.TemporaryDirectory() as folder:
        write_midi(session.score, path := Path(folder) / "score.mid")
        written = Written(path, SKIP_S, SKIP_S + listen_s)
        found = written.cues() | ({"dissonance": written.dissonance()} if of == "score" else {})
    if of != "score":
        found |= sound_cues(mix)
    if stems is not None:
        found["attack_oct"] = attack_oct(stems.stems["pad"], written.onsets_s("pad"))
    return found


# -- signs ------------------------------------------------------------------------------------------------------------


def asked_wrongly(preset: Preset, steps: int = 9) -> list[str]:
    """Every step over the grid of arousal, valence and tension at which a control moves the wrong way."""
    found, wanted = [], CueMap(preset).wanted
    for axis, signs in SIGNS.items():
        grids = [np.linspace(-1.0, 1.0, steps).tolist() for other in AXES]
        which = AXES.index(axis)
        for moods in np.stack(np.meshgrid(*grids), -1).reshape(-1, 3).tolist():
            higher = [*moods]
            higher[which] = moods[which] + 2.0 / (steps - 1)
            if higher[which] > 1.0 + 1e-9:
                continue
            low, high = wanted(*moods), wanted(*higher)
            found += [f"{name} at {moods}" for name, sign in signs.items() if sign * (high[name] - low[name]) < -1e-6]
    return found


def silent_arrows(preset: Preset) -> list[str]:
    """Axes that move no control over the preset's whole range of them."""
    ends = {
        axis: [CueMap(preset).wanted(*(starting(preset) | {axis: v}).values()) for v in span(preset, axis, 2)]
        for axis in AXES
    }
    return [
        axis for axis, (low, high) in ends.items() if all(abs(high[c.control] - low[c.control]) < 1e-9 for c in CUES)
    ]


def sweep(preset: Preset, axis: str, seeds: Sequence[int], steps: int = 5) -> dict[str, Any]:
    """Each cue of an axis step by step, (seeds, steps), and what of it was asked for."""
    points = [starting(preset) | {axis: value} for value in span(preset, axis, steps)]
    of, listen_s = ("stems", LISTEN_S) if axis == "arousal" else ("score", SCORE_S)
    rows = [[cues(preset, seed, moods, of, listen_s) for moods in points] for seed in seeds]
    found = {}
    for cue, (control, sign, least) in ARROWS[axis].items():
        asked = [settings(preset, moods)[control] for moods in points]
        read = np.array([[row[cue] for row in of_seed] for of_seed in rows])
        found[cue] = {"asked": asked, **verdict(read, sign, least, abs(asked[-1] - asked[0]) > 1e-9)}
    return found


def verdict(read: NDArray[np.float64], sign: int, least: float, moves: bool) -> dict[str, Any]:
    """Whether a cue (seeds, steps) follows: its ends apart the right way, no step of the mean back by over `least`."""
    mean = np.array([np.nan if np.isnan(column).all() else np.nanmean(column) for column in read.T])
    steps = sign * np.diff(mean[~np.isnan(mean)])
    if not moves or not steps.size:
        return {"means": mean.tolist(), "holds": None}
    return {"means": mean.tolist(), "holds": bool(steps.sum() > 0.0 and steps.min() >= -least)}


def stuck(preset: Preset, seed: int, move: float) -> dict[str, float]:
    """Loudness (LU), tempo and density (ratios) half a minute to a minute after a hand moved arousal by `move`."""
    apart, goal = [], min(max(preset.controls["arousal"] + move, -1.0), 1.0)
    for script in ([(SKIP_S, "arousal", goal)], []):
        session = Session(preset, seed=seed, minutes=math.inf, script=script, supervised=True)
        session.render(round((SKIP_S + 30.0) * RATE))
        mix = session.render(round(30.0 * RATE))
        apart.append({**session.controls, "loudness_lufs": sound_cues(mix)["loudness_lufs"]})
    moved, alone = apart
    return {
        "loudness_lufs": moved["loudness_lufs"] - alone["loudness_lufs"],
        "tempo_bpm": moved["tempo_bpm"] / alone["tempo_bpm"],
        "density_hz": moved["density_hz"] / alone["density_hz"],
    }


# -- proxies ----------------------------------------------------------------------------------------------------------


def grid(preset: Preset, seed: int, size: int = GRID, listen_s: float = LISTEN_S) -> Iterator[dict[str, float]]:
    """The cues of each point of the grid, and under "asked arousal" and "asked valence" what was commanded."""
    for arousal in span(preset, "arousal", size):
        for valence in span(preset, "valence", size):
            moods = starting(preset) | {"arousal": arousal, "valence": valence}
            found = cues(preset, seed, moods, listen_s=listen_s)
            yield {**found, "asked arousal": arousal, "asked valence": valence, "seed": seed}


class Proxy:
    """A linear model of standardised cues; one that cannot be read counts as its mean over the training music."""

    def __init__(self, rows: Sequence[Mapping[str, float]], names: Sequence[str], axis: str) -> None:
        self._names, self._axis = names, axis
        read = self._read(rows)
        self._mean = np.nanmean(read, axis=0)
        self._sd = np.nanstd(read, axis=0) + 1e-9
        self._weights = np.linalg.lstsq(self._standard(rows), self.asked(rows), rcond=None)[0]

    def _read(self, rows: Sequence[Mapping[str, float]]) -> NDArray[np.float64]:
        return np.array([[math.log2(row[n]) if n in LOGARITHMIC else row[n] for n in self._names] for row in rows])

    def _standard(self, rows: Sequence[Mapping[str, float]]) -> NDArray[np.float64]:
        return np.column_stack([np.ones(len(rows)), np.nan_to_num((self._read(rows) - self._mean) / self._sd)])

    def asked(self, rows: Sequence[Mapping[str, float]]) -> NDArray[np.float64]:
        return np.array([row[f"asked {self._axis}"] for row in rows])

    def r2(self, rows: Sequence[Mapping[str, float]]) -> float:
        """Share of the commanded values' variance that is predicted, 1 at best."""
        asked = self.asked(rows)
        missed = asked - self._standard(rows) @ self._weights
        return float(1.0 - (missed @ missed) / np.sum((asked - asked.mean()) ** 2))


def explained(rows: Sequence[Mapping[str, float]], training: Sequence[int]) -> dict[str, tuple[float, float, float]]:
    """R2 of each proxy, fitted to the `training` seeds, on the others: mean and 95 % interval over seeds."""
    known = [row for row in rows if row["seed"] in training]
    unseen = sorted({row["seed"] for row in rows} - set(training))
    found = {}
    for name, read in READ.items():
        proxy = Proxy(known, read, name.split()[0])
        each = np.array([proxy.r2([row for row in rows if row["seed"] == seed]) for seed in unseen])
        draws = np.random.default_rng(1).choice(each, (2000, each.size)).mean(axis=1)
        found[name] = (float(each.mean()), float(np.percentile(draws, 2.5)), float(np.percentile(draws, 97.5)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("presets", nargs="*", metavar="PRESET", help="whose signs are measured; all if none is named")
    parser.add_argument("--proxies", metavar="PRESET", default="self-directed", help='(self-directed; "none": none)')
    parser.add_argument("--signs", type=int, default=4, help="seeds of each sweep (4; 0: no signs)")
    parser.add_argument("--training", type=int, default=3, help="seeds that the proxies are fitted to (3)")
    parser.add_argument("--unseen", type=int, default=5, help="seeds that they are tried on (5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep everything that was measured")
    options = parser.parse_args()
    kept: dict[str, Any] = {"signs": {}, "stuck": {}}
    seeds = range(FIRST_SEED, FIRST_SEED + options.signs)
    for preset in (load_preset(name) for name in (options.presets or preset_names()) if options.signs):
        wrong = asked_wrongly(preset)
        print(f"\n{preset.name}: {len(wrong)} steps of the map are asked the wrong way", *wrong[:3])
        if silent := silent_arrows(preset):
            print("  no control expresses:", *silent)
        kept["signs"][preset.name] = {axis: sweep(preset, axis, seeds) for axis in ARROWS}
        for axis, found in kept["signs"][preset.name].items():
            for cue, of in found.items():
                word = {None: "not asked", True: "holds", False: "DOES NOT HOLD"}[of["holds"]]
                print(f"  {axis:8} {cue:17} {word:14}", *(f"{value:8.2f}" for value in of["means"]))
        for move in (-0.5, 0.5):
            kept["stuck"][f"{preset.name} {move:+}"] = found = stuck(preset, FIRST_SEED, move)
            print(f"  a hand moves arousal {move:+}: " + ", ".join(f"{k} {v:+.2f}" for k, v in found.items()))
    if options.proxies != "none":
        training = range(FIRST_SEED, FIRST_SEED + options.training)
        preset, every = load_preset(options.proxies), range(FIRST_SEED, training.stop + options.unseen)
        kept["grid"] = [row for seed in every for row in grid(preset, seed)]
        print(
            f"\nproxies, not a listening test: {preset.name}, {options.training} seeds fitted, {options.unseen} unseen"
        )
        for name, (mean, low, high) in explained(kept["grid"], training).items():
            print(f"  {name:17} R2 {mean:.3f} [{low:.3f}, {high:.3f}]")
    if options.json:
        options.json.write_text(json.dumps(kept, indent=1))


if __name__ == "__main__":
    main()
