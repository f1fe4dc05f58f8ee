"""How good are an hour's notes?  python bench/composer.py [PRESET ...] [--minutes M] [--seeds N] [--first SEED] [--json]

Sessions without sound are composed, exported as MIDI and read back; everything is measured on that file, with
partitura, music21 and pretty_midi where they have the measure, and set against what the composer must reach. One
table a preset: target, median over the seeds, the worst seed, met or missed. What each figure is stands in the
docstrings of bench/scores/.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from scores import cadence, clarity, craft, motif, repetition, tension, voices
from scores.made import Made, compose

TENSE = 0.5  # planned tension from which on a semitone clash is meant
PULSELESS = ("drone", "bells", "bloom", "alap", "taqsim", "heartbeat")
MODAL = ("drone", "alap", "taqsim", "gamelan", "interlock")  # no key to be clear about


@dataclass
class Row:
    """A figure of one preset: per seed, with its target in words and whether each seed meets it (None: no target)."""

    name: str
    target: str
    values: list[float]
    met: bool | None

    @property
    def worst(self) -> float:
        return min(self.values, default=math.nan)


def measure(made: Made, archetype: str) -> dict[str, float]:
    """Every figure of one session."""
    page = made.page
    found: dict[str, float] = {}
    chords = tension.moments(page, made.planned)
    follow = tension.following(chords)
    found["tension_r_within"], found["tension_r_across"] = follow.within, follow.across
    found["tension_windows"] = follow.windows
    for name, part in chords.parts.items():
        found[f"tension_r_{name}"] = tension.correlation(chords.planned, part)
    found["tension_r_all"] = tension.correlation(chords.planned, chords.heard)
    closes = cadence.closes(page)
    found["cadence_gap_s"], found["cadence_kept_gap_s"] = closes.gap_s, closes.kept_gap_s
    found["cadence_kept"] = closes.kept
    clear = clarity.clarity(page)
    found["key_clarity"], found["key_clarity_p10"], found["key_own"] = clear
    alike, sung = repetition.most_alike(page), repetition.most_alike(page, stem=page.tune)
    found["alike_16"], found["alike_16_melody"] = alike.likeness, sung.likeness
    found["alike_16_share"], found["alike_16_melody_share"] = alike.share, sung.share
    for minutes, value in repetition.self_similarity(page).items():
        found[f"self_similarity_{minutes}"] = value
    rest, back = motif.rests(page), motif.recalls(page)
    found["rests"], found["rests_p10"], found["rests_p90"] = rest.overall, rest.low, rest.high
    found["rests_of_all_time"] = rest.of_all_time
    found["returns"], found["returns_kept"] = back.count, back.kept
    found["returns_likeness"], found["others_likeness"] = back.likeness, back.others
    found["recalls"], found["recalls_kept"] = back.marked, back.marked_kept
    lead = voices.leading(page)
    found["motion"], found["motion_p95"], found["inner_leap"] = lead.median, lead.p95, lead.leap
    clashes = voices.clashes(page)
    found["clashes"] = len(clashes)
    found["clashes_unplanned"] = sum(made.planned_at(pair.beat) < TENSE for pair in clashes)
    found["crowded"] = len(voices.crowded(page))
    found |= craft_of(made)
    found["compose_s_per_hour"] = sum(made.calls_s) * 3600.0 / page.seconds(page.end)
    ordered = sorted(made.calls_s)
    found["slice_ms_longest"], found["slice_ms_p99"] = 1e3 * ordered[-1], 1e3 * ordered[int(0.99 * len(ordered))]
    return found


def craft_of(made: Made) -> dict[str, float]:
    """The eight measures, repetition of bars, and what shuffling the bars does to measures 3, 5 and 8."""
    page = craft.first_bars(made.page)
    found = {f"craft_{name}": value for name, value in craft.measures(page).items()}
    found["craft_ending"] = craft.ending(craft.last_bars(made.page))
    for bars in craft.RUNS:
        found[f"runs_{bars}"] = craft.repeated_runs(page, bars)
    mixed = [craft.measures(craft.shuffled(page, seed)) for seed in range(3)]
    for name in ("motif_return", "phrase_period", "seam_step"):
        found[f"drop_{name}"] = found[f"craft_{name}"] - statistics.median(one[name] for one in mixed)
    return found


def table(archetype: str, figures: list[dict[str, float]]) -> list[Row]:
    """Figures of a preset's seeds against their targets."""

    def values(name: str) -> list[float]:
        return [one.get(name, math.nan) for one in figures]

    rows: list[Row] = []

    def row(name: str, target: str, good: Callable[[float], bool] | None, *, every: bool = False) -> None:
        got = [v for v in values(name) if not math.isnan(v)]
        met = None
        if good is not None and got:
            met = all(map(good, got)) if every else good(statistics.median(got))
        rows.append(Row(name, target, got, met))

    tonal, pulse = archetype not in MODAL, archetype not in PULSELESS
    row("tension_r_within", ">= .5", (lambda v: v >= 0.5) if tonal else None)
    row("tension_r_across", ">= .5", (lambda v: v >= 0.5) if tonal else None)
    for name in ("tension_windows", "tension_r_all", "tension_r_cloud_diameter", "tension_r_tensile_strain"):
        row(name, "", None)
    row("tension_r_roughness", "", None)
    row("cadence_gap_s", "<= 45 each", (lambda v: v <= 45.0) if pulse else None, every=True)
    row("cadence_kept_gap_s", "<= 45 each", (lambda v: v <= 45.0) if pulse else None, every=True)
    row("cadence_kept", "", None)
    row("key_clarity", ">= .7", (lambda v: v >= 0.7) if tonal else None)
    row("key_clarity_p10", "", None)
    row("key_own", "", None)
    row("alike_16", "< .9 each", lambda v: v < 0.9, every=True)
    row("alike_16_share", "", None)
    row("alike_16_melody", "< .9 each", lambda v: v < 0.9, every=True)
    row("alike_16_melody_share", "", None)
    for minutes in repetition.MINUTES:
        row(f"self_similarity_{minutes}", ".35 - .75", lambda v: 0.35 <= v <= 0.75)
    row("recalls", ">= 1 each", lambda v: v >= 1, every=True)
    row("recalls_kept", ">= .9", lambda v: v >= 0.9)
    for name in ("returns", "returns_kept", "returns_likeness", "others_likeness"):
        row(name, "", None)
    row("rests", ".1 - .4", lambda v: 0.1 <= v <= 0.4)
    for name in ("rests_p10", "rests_p90", "rests_of_all_time"):
        row(name, "", None)
    row("motion", "<= 4", lambda v: v <= 4)
    row("motion_p95", "<= 12", lambda v: v <= 12)
    row("inner_leap", "<= 5 each", lambda v: v <= 5, every=True)
    row("clashes", "", None)
    row("clashes_unplanned", "0 each", lambda v: v == 0, every=True)
    row("crowded", "0 each", lambda v: v == 0, every=True)
    corpus = craft.CORPUS.get(archetype)
    for number, name in enumerate(craft.MEASURES):
        bands = [craft.BANDS[corpus][number]] if corpus else []
        least = min(craft.BANDS[c][number].low for c in craft.BANDS)
        if not bands:
            row(f"craft_{name}", "", None)
            continue
        low, middle, high = bands[0]
        row(
            f"craft_{name}",
            f"{low:g} - {high:g} ({corpus})",
            lambda v, low=low, high=high, least=least: low <= v <= high and v >= least,
        )
    for bars, (gate, _) in craft.RUNS.items():
        row(f"runs_{bars}", f"<= {gate:g} each", lambda v, gate=gate: v <= gate, every=True)
    for name in ("motif_return", "phrase_period", "seam_step"):
        row(f"drop_{name}", "> 0", lambda v: v > 0)
    row("compose_s_per_hour", "<= 3", lambda v: v <= 3)
    row("slice_ms_longest", "<= 0.5 each", lambda v: v <= 0.5, every=True)
    row("slice_ms_p99", "", None)
    return rows


def printed(preset: str, archetype: str, rows: list[Row]) -> str:
    lines = [f"{preset} ({archetype})", f"  {'figure':<28}{'target':>26}{'median':>9}{'least':>9}{'most':>9}"]
    for row in rows:
        if not row.values:
            lines.append(f"  {row.name:<28}{row.target:>26}{'none':>9}")
            continue
        figures = (statistics.median(row.values), min(row.values), max(row.values))
        word = "" if row.met is None else "  met" if row.met else "  MISSED"
        lines.append(f"  {row.name:<28}{row.target:>26}" + "".join(f"{v:>9.3g}" for v in figures) + word)
    return "\n".join(lines)


def main() -> None:
    from synth.preset import load_preset, preset_names

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("presets", nargs="*", metavar="PRESET", help="all if none is named")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=9001, help="the first seed (9001)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result: dict[str, Any] = {}
    for name in options.presets or preset_names():
        archetype = load_preset(name).style.archetype
        figures = []
        for seed in range(options.first, options.first + options.seeds):
            started = time.perf_counter()
            made = compose(name, seed, options.minutes)
            composed = time.perf_counter()
            figures.append(measure(made, archetype))
            took = f"composed in {composed - started:.1f} s, measured in {time.perf_counter() - composed:.1f} s"
            print(f"{name} {seed}: {took}", file=sys.stderr)
        rows = table(archetype, figures)
        result[name] = [asdict(row) for row in rows]
        if not options.json:
            print(printed(name, archetype, rows), flush=True)
    if options.json:
        print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
