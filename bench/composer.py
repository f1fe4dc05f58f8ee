"""How good are an hour's notes?  python bench/composer.py [PRESET ...] [--minutes M] [--seeds N] [--first SEED]
[--places] [--cost] [--json]; and: --checks [PRESET ...], --corpus

Sessions without sound are composed, exported as MIDI and read back; everything is measured on that file, with
partitura, music21 and pretty_midi where they have the measure, and set against what the composer must reach. One
table a preset: target, median, least and most over the seeds, and whether the target is met; "each" must hold for every
seed, the others for the median. What each figure is stands in bench/scores/. `--places` names the places that fail,
`--cost` renders 40 s with sound to see the composer's share. `--checks` runs each preset for 5 minutes with 20 seeds
against the bands of songs, chorales and calm piano music; `--corpus` shows that the measures give for Bach's chorales
what is known of them. Seeds from 9001 on are for this alone: do not tune with them.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from scores import cadence, checks, clarity, corpus, craft, motif, repetition, tension, voices
from scores.made import Made, compose, share_of_render
from scores.page import KEYS, Note, Page
from scores.table import Table

TENSE = 0.5  # planned tension from which on a semitone clash is meant
PULSELESS = ("drone", "bells", "bloom", "alap", "taqsim")
TONELESS = ("drone", "bloom", "alap", "taqsim", "heartbeat", "interlock")  # no key or no harmony that moves
SHUFFLES = 3


def measure(made: Made) -> dict[str, float]:
    """Every figure of one session."""
    page, found = made.page, {}
    moving = made.within(Others(TONELESS))
    chords = tension.moments(page, made.planned, moving)
    follow = tension.following(chords)
    found |= {"tension_r_within": follow.within, "tension_r_across": follow.across, "tension_windows": follow.windows}
    found["tension_r_all"] = tension.correlation(chords.planned, chords.heard)
    found |= {f"tension_r_{name}": tension.correlation(chords.planned, part) for name, part in chords.parts.items()}
    closes = cadence.closes(page, made.within(Others(PULSELESS)))
    found |= {"cadence_gap_s": closes.gap_s, "cadence_kept_gap_s": closes.kept_gap_s, "cadence_kept": closes.kept}
    clear = clarity.clarity(page, moving)
    found |= {"key_clarity": clear.median, "key_clarity_p10": clear.low, "key_own": clear.tonic}
    sung = Page(page.melody, keys=page.keys, metres=page.metres)
    for name, alike in (("", repetition.most_alike(page)), ("_melody", repetition.most_alike(sung))):
        found |= {f"alike_16{name}": alike.likeness, f"alike_16{name}_share": alike.share}
    found |= {f"self_similarity_{m}": value for m, value in repetition.self_similarity(page).items()}
    rest, back = motif.rests(page), motif.recalls(page)
    found |= {"rests": rest.overall, "rests_p10": rest.low, "rests_p90": rest.high, "no_melody": rest.of_all_time}
    found |= {"returns": back.returns, "returns_kept": back.kept, "returns_likeness": back.likeness}
    found |= {"others_likeness": back.others, "recalls": back.marked, "recalls_kept": back.marked_kept}
    lead, clashes = voices.leading(page), voices.clashes(page)
    found |= {"motion": lead.median, "motion_p95": lead.p95, "inner_leap": lead.leap, "clashes": len(clashes)}
    found["clashes_unplanned"] = sum(made.planned_at(pair.beat) < TENSE for pair in clashes)
    found["crowded"] = len(voices.crowded(page))
    found |= craft_of(made)
    ordered = sorted(made.calls_s)
    found["compose_s_per_hour"] = sum(ordered) * 3600.0 / page.seconds(page.end)
    found |= {"slice_ms_longest": 1e3 * ordered[-1], "slice_ms_p99": 1e3 * ordered[int(0.99 * len(ordered))]}
    return found


class Others(tuple[str, ...]):
    """Everything but these."""

    def __contains__(self, name: object) -> bool:
        return not super().__contains__(name)


def craft_of(made: Made) -> dict[str, float]:
    """The eight measures and literal repetition over stretches of the longest scene, their medians, and by how much
    shuffled bars lower measures 3, 5 and 8."""
    page = made.page
    low, high = max(made.within((made.archetype,)), key=lambda span: span[1] - span[0])
    plain, mixed, runs = [], [], []
    for part in craft.stretches(page.between(low, high)):
        plain.append(craft.measures(part, top_of(part, made.archetype)))
        runs.append({f"runs_{bars}": craft.repeated_runs(part, bars) for bars in craft.RUNS})
        for seed in range(SHUFFLES):
            other = craft.shuffled(part, seed)
            mixed.append(craft.measures(other, top_of(other, made.archetype)))
    found = {f"craft_{name}": _median(plain, name) for name in craft.MEASURES}
    found["craft_ending"] = craft.ending(craft.last_bars(page))
    for name in ("motif_return", "phrase_period", "seam_step"):
        found[f"drop_{name}"] = found[f"craft_{name}"] - _median(mixed, name)
    return found | {name: _median(runs, name) for name in runs[0]}


def top_of(page: Page, archetype: str) -> list[Note]:
    """What a chorale's soprano or a pianist's right hand has: the tune; with figures, all above pad and bass."""
    if craft.CORPUS.get(archetype) == "chorale":
        return page.melody
    return [note for note in page.notes if note.stem not in ("pad", "bass")]


def _median(rows: Sequence[Mapping[str, float]], name: str) -> float:
    values = [row[name] for row in rows if not math.isnan(row[name])]
    return statistics.median(values) if values else math.nan


def table(archetypes: Sequence[str], figures: Sequence[Mapping[str, float]]) -> Table:
    """Figures of a preset's seeds against their targets, as far as they are for what it plays."""
    made = Table(figures)
    tonal = any(name not in TONELESS for name in archetypes)
    if tonal:
        made.least("tension_r_within", 0.5)
        made.least("tension_r_across", 0.5)
    made.show("tension_windows", "tension_r_all", "tension_r_cloud_diameter", "tension_r_tensile_strain")
    made.show("tension_r_roughness")
    if any(name not in PULSELESS for name in archetypes):
        made.most("cadence_gap_s", 45.0)
        made.most("cadence_kept_gap_s", 45.0)
    made.show("cadence_kept")
    if tonal:
        made.least("key_clarity", 0.7)
    made.show("key_clarity_p10", "key_own")
    for name in ("alike_16", "alike_16_melody"):
        made.add(name, "< 0.9", lambda v: v < 0.9, each=True)
        made.show(f"{name}_share")
    for minutes in repetition.MINUTES:
        made.between(f"self_similarity_{minutes}", 0.35, 0.75)
    made.least("recalls", 1, each=True)
    made.least("recalls_kept", 0.9)
    made.show("returns", "returns_kept", "returns_likeness", "others_likeness")
    made.between("rests", 0.1, 0.4)
    made.show("rests_p10", "rests_p90", "no_melody")
    made.most("motion", 4, each=False)
    made.most("motion_p95", 12, each=False)
    made.most("inner_leap", 5)
    made.most("clashes_unplanned", 0)
    made.show("clashes")
    made.most("crowded", 0)
    band = craft.CORPUS.get(archetypes[0], "")
    for number, name in enumerate(craft.MEASURES):
        if band:
            low, _, high = craft.BANDS[band][number]
            least = min(bands[number].low for bands in craft.BANDS.values())
            made.between(f"craft_{name}", low, high, f" ({band})", least)
        else:
            made.show(f"craft_{name}")
    for bars, (gate, _) in craft.RUNS.items():
        made.most(f"runs_{bars}", gate)
    for name in ("motif_return", "phrase_period", "seam_step"):
        made.add(f"drop_{name}", "> 0", (lambda v: v > 0) if band else None)
    made.most("compose_s_per_hour", 3.0, each=False)
    made.most("slice_ms_longest", 0.5)
    made.show("slice_ms_p99")
    if any("share_of_render" in one for one in figures):
        made.most("share_of_render", 0.1)
    return made


def checked(archetypes: Sequence[str], figures: Sequence[Mapping[str, float]]) -> Table:
    """The small print of phrases against its bands."""
    made = Table(figures)
    free = archetypes[0] in PULSELESS
    for name, (low, high) in checks.BANDS.items():
        if free:
            made.show(name)
        else:
            made.between(name, low, high)
    for name, (low, high) in checks.FREE_BANDS.items():
        if free:
            made.between(name, low, high)
    return made


def places(made: Made) -> Iterator[str]:
    """Where it fails, for people: time and notes."""
    page = made.page

    def at(beat: float) -> str:
        minutes, seconds = divmod(page.seconds(beat), 60.0)
        return f"{int(minutes):3d}:{seconds:04.1f} (beat {beat:.2f})"

    def note(one: Note) -> str:
        return f"{one.stem} {KEYS[one.pitch % 12]}{one.pitch // 12 - 1}"

    for pair in voices.clashes(page):
        planned = made.planned_at(pair.beat)
        two = f"{note(pair.low)} and {note(pair.high)}, {pair.beats:.2f} beats"
        yield f"clash    {at(pair.beat)} {two}, planned {planned:.2f}"
    for pair in voices.crowded(page):
        yield f"crowded  {at(pair.beat)} {note(pair.low)} and {note(pair.high)}, {pair.beats:.2f} beats"
    lead = voices.leading(page)
    if lead.leap > 5:
        yield f"leap     {at(lead.at)} an inner voice of the pad moves {lead.leap} semitones"
    closes = cadence.closes(page, made.within(Others(PULSELESS)))
    yield f"cadence  {closes.gap_s:.0f} s without one from {closes.gap_at_s:.0f} s on"
    yield f"cadence  {closes.kept_gap_s:.0f} s without one borne out by notes from {closes.kept_gap_at_s:.0f} s on"
    alike = repetition.most_alike(page)
    if not math.isnan(alike.likeness):
        yield f"alike    {alike.likeness:.2f}: 16 bars from {at(alike.first)} and from {at(alike.again)}"


def of_corpus(count: int = 90) -> str:
    """The eight measures on chorales against their bands, and how alike long movements stay to themselves."""
    rows = []
    for page in corpus.chorales(count):
        rows.append(craft.measures(craft.stretches(page)[0]))
    lines = [f"{len(rows)} chorales, 5th, 50th and 95th percentile, and the bands"]
    for number, name in enumerate(craft.MEASURES):
        values = sorted(row[name] for row in rows if not math.isnan(row[name]))
        got = [values[round(q * (len(values) - 1))] for q in (0.05, 0.5, 0.95)]
        band = craft.BANDS["chorale"][number]
        lines.append(f"  {name:<16}" + "".join(f"{v:7.2f}" for v in (*got, *band)))
    lines.append("movements: self-similarity from 1 to 10 minutes, most alike 16 bars, key clarity")
    for title, page in corpus.movements():
        alike = repetition.self_similarity(page).values()
        same, clear = repetition.most_alike(page).likeness, clarity.clarity(page).median
        lines.append(f"  {title:<40}{min(alike):5.2f} to{max(alike):5.2f}{same:7.2f}{clear:7.2f}")
    return "\n".join(lines)


def main() -> None:
    from synth.preset import load_preset, preset_names

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("presets", nargs="*", metavar="PRESET", help="all if none is named")
    parser.add_argument("--minutes", type=float, help="of each session (60; checks: 5)")
    parser.add_argument("--seeds", type=int, help="how many (5; checks: 20)")
    parser.add_argument("--first", type=int, default=9001, help="the first seed (9001)")
    parser.add_argument("--places", action="store_true", help="name the places that fail")
    parser.add_argument("--cost", action="store_true", help="render some sound, too, for the composer's share")
    parser.add_argument("--checks", action="store_true", help="the small print of phrases")
    parser.add_argument("--corpus", action="store_true", help="the measures on music by others")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.corpus:
        print(of_corpus())
        return
    minutes = options.minutes or (5.0 if options.checks else 60.0)
    seeds = range(options.first, options.first + (options.seeds or (20 if options.checks else 5)))
    result = {}
    for name in options.presets or preset_names():
        archetypes = [scene.archetype for scene in load_preset(name).scenes]
        figures: list[dict[str, float]] = []
        for seed in seeds:
            started = time.perf_counter()
            made = compose(name, seed, minutes)
            if options.checks:
                figures.append(checks.checks(made.page) | checks.free_checks(made.page))
            else:
                figures.append(measure(made))
            if options.cost and seed == seeds[0]:
                figures[-1]["share_of_render"] = share_of_render(name, seed)
            print(f"{name}, seed {seed}: {time.perf_counter() - started:.1f} s", file=sys.stderr)
            if options.places:
                print(f"{name}, seed {seed}", *places(made), sep="\n  ")
        rows = checked(archetypes, figures) if options.checks else table(archetypes, figures)
        result[name] = [asdict(row) for row in rows.rows]
        if not options.json:
            print(f"{name} ({', '.join(archetypes)})\n{rows}", flush=True)
    if options.json:
        print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
