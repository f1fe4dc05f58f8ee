"""Reads a preset's tables: what belongs into each, within the limits of its profile; knows nothing of files."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from synth.controls import STEMS, TABLE, Control, ControlError, defaults
from synth.preset.arc import stage_minutes
from synth.preset.model import (
    CUES,
    CULTURES,
    GOALS,
    PHASES,
    POLICIES,
    PRACTICES,
    SCHEMA,
    WEARABLE,
    Cue,
    Phase,
    Preset,
    Scene,
    Space,
    StemSetting,
)
from synth.preset.rules import bounds_of, mix_of
from synth.preset.seats import Seat, seat
from synth.preset_file import Section, Sheet, checked_number, near, shown
from synth.safety.constraints import ConstraintError
from synth.safety.limits import PROFILES, control_range, limits

MINUTES = (1.0, 240.0)
SILENCE_S = (4.0, 120.0)
LANDMARK_S = (8.0, 300.0)  # a motif begins with a bar
LEAST_STEP = 0.01  # of arousal
_MOODS = ("arousal", "valence", "tension")


def read(sheet: Sheet, data: Mapping[str, Any], source: str) -> Preset:
    """Read every section; what is wrong is noted in `sheet`."""
    top = Section(sheet, data)
    if not top.has("schema") or top.get("schema") != SCHEMA:
        given = f"{shown(top.get('schema'))} is not known" if top.has("schema") else "is missing"
        top.say("schema", f"{given}: this version reads schema = {SCHEMA}")
    name = top.text("name")
    if name and not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
        top.say("name", f"{shown(name)}: use small letters, digits, - and _")
    title, summary, goal = top.text("title"), top.text("summary"), top.word("goal", tuple(GOALS))
    minutes = top.number("minutes", *MINUTES, unit="minutes")
    profile = top.word("profile", PROFILES, "default")
    bounds = limits(profile)
    controls = _controls(top.section("controls"), bounds)
    ranges = _ranges(top.section("ranges"), controls, bounds)
    stems = _stems(top.section("stems"), goal)
    scenes = _scenes(top, stems)
    phases = read_phases(top, controls, ranges, tuple(stems), bounds, tuple(scene.name for scene in scenes))
    _fill(top, phases, minutes)
    preset = Preset(
        name,
        title,
        summary,
        goal,
        minutes,
        controls,
        ranges,
        phases,
        stems,
        scenes=scenes,
        space=_space(top.section("space")),
        profile=profile,
        policy=top.word("policy", POLICIES, "L2"),
        wearable=top.word("wearable", WEARABLE, "welcome"),
        supervision=top.flag("supervision"),
        constraints=top.texts("constraints"),
        palettes=_palettes(top.section("palettes"), stems),
        source=source,
    )
    try:
        bounds_of(preset)
    except ConstraintError as error:
        top.say("constraints", str(error))
    top.finish()
    return preset


def _controls(section: Section, bounds: Mapping[str, float]) -> dict[str, float]:
    """Starting values: those given, the table's defaults for the rest, all within the profile's limits."""
    values = defaults()
    for name in section.keys():
        if row := _row(section, name):
            values[name] = _control(section, name, row, section.get(name), bounds)
    for name, row in TABLE.items():
        if name not in section.keys():
            low, high = control_range(name, row.low, row.high, bounds)
            values[name] = min(max(values[name], low), high)
    _loudness(section, "loudness_lufs", values["dynamics_db"], values, bounds)
    return values


def _row(section: Section, name: str) -> Control | None:
    """The control called `name`; a problem when there is none."""
    section.has(name)
    if name not in TABLE:
        section.say(name, f"is not a control{near(name, list(TABLE))}; `synth controls` lists all")
    return TABLE.get(name)


def _control(section: Section, name: str, row: Control, value: Any, bounds: Mapping[str, float]) -> float:
    """A control's value as written: a number in range, or the name of a key or mode."""
    if row.choices:
        try:
            return row.parse(value if isinstance(value, str) else shown(value))
        except ControlError as error:
            section.say(name, str(error))
            return row.default
    low, high = control_range(name, row.low, row.high, bounds)
    return checked_number(section, name, value, low, high, row.unit)


def _loudness(
    section: Section, key: str, dynamics_db: float, values: Mapping[str, float], bounds: Mapping[str, float]
) -> None:
    most = bounds["programme_lufs"]
    if values["loudness_lufs"] + dynamics_db > most:
        section.say(
            key,
            f"loudness_lufs {values['loudness_lufs']:g} with dynamics_db {dynamics_db:g} is over {most:g} LUFS: "
            "lower one of them",
        )


def _ranges(
    section: Section, controls: Mapping[str, float], bounds: Mapping[str, float]
) -> dict[str, tuple[float, float]]:
    """Where the loop may move each control; the starting value lies inside."""
    ranges = {}
    for name in section.keys():
        row, given = _row(section, name), section.get(name)
        if row is None:
            continue
        if not isinstance(given, Sequence) or isinstance(given, str) or len(given) != 2:
            section.say(name, f"{shown(given)}: give the lowest and the highest value, as [{row.low:g}, {row.high:g}]")
            continue
        low, high = sorted(_control(section, name, row, value, bounds) for value in given)
        ranges[name] = (low, high)
        if not low <= controls[name] <= high:
            start = row.text(controls[name])
            section.say(name, f"the session starts at {name} = {start}: widen the range or change [controls]")
    if "dynamics_db" in ranges:
        _loudness(section, "dynamics_db", ranges["dynamics_db"][1], controls, bounds)
    return ranges


def read_phases(
    top: Section,
    controls: Mapping[str, float],
    ranges: Mapping[str, tuple[float, float]],
    stems: Sequence[str],
    bounds: Mapping[str, float],
    scenes: Sequence[str],
) -> tuple[Phase, ...]:
    """The phases of a plan that starts from `controls`, through some of the `scenes`; each arc has time enough."""
    phases: list[Phase] = []
    before = {name: controls[name] for name in _MOODS}
    breath_bpm = controls["breath_rate_bpm"]
    for section in top.sections("phases"):
        kind, lasts = section.word("kind", PHASES), section.number("minutes", 0.1, 240.0, unit="minutes")
        moods = {name: section.number(name, *ranges.get(name, (-1.0, 1.0)), before[name]) for name in before}
        depth = section.number("breath_depth_db", *ranges.get("breath_depth_db", (0.0, 8.0)), 0.0, unit="dB")
        rate = None
        if section.has("breath_rate_bpm"):
            rate = section.number("breath_rate_bpm", bounds["breath_rate_bpm"], 20.0, unit="breaths a minute")
            _breath_in_time(section, breath_bpm, rate, lasts, bounds)
            breath_bpm = rate
        step = section.number("step", 0.0, 1.0, 0.0)
        if 0.0 < step < LEAST_STEP:
            section.say("step", f"{step:g} is too fine: give 0 for one arc, or {LEAST_STEP:g} and more")
            step = 0.0
        dwell_s = section.number("dwell_s", 0.0, 600.0, 60.0 if step else 0.0, "s")
        for name, value in moods.items():
            needed = stage_minutes(abs(value - before[name]), bounds[f"{name}_per_min"], step, dwell_s)
            if needed > lasts + 1e-9:
                move = f"from {before[name]:g} to {value:g} in {lasts:g} minutes is too quick"
                section.say(name, f"{move}: give the phase {math.ceil(10 * needed) / 10:g} minutes, or a nearer value")
        cues = tuple(_cue(cue, lasts, stems, controls["tempo_bpm"], bounds) for cue in section.sections("cues"))
        scene = section.word("scene", scenes) if section.has("scene") else ""
        section.finish()
        before = moods
        phases.append(
            Phase(
                kind,
                lasts,
                **moods,
                breath_depth_db=depth,
                breath_rate_bpm=rate,
                step=step,
                dwell_s=dwell_s,
                cues=cues,
                scene=scene,
            )
        )
    return tuple(phases)


def _breath_in_time(section: Section, before: float, rate: float, lasts: float, bounds: Mapping[str, float]) -> None:
    """The breath wave has time to go from `before` to `rate` breaths a minute."""
    octaves_per_min = min(60.0 * TABLE["breath_rate_bpm"].rate_loop, math.log2(1.0 + bounds["breath_change_per_min"]))
    needed = abs(math.log2(rate / before)) / octaves_per_min
    if needed > lasts + 1e-9:
        move = f"from {before:g} to {rate:g} breaths a minute in {lasts:g} minutes is too quick"
        section.say("breath_rate_bpm", f"{move}: give the phase {math.ceil(10 * needed) / 10:g} minutes")


def _fill(top: Section, phases: Sequence[Phase], minutes: float) -> None:
    """Together the phases fill the session."""
    if not phases:
        top.say("phases", "are missing: write at least one [[phases]] table with kind and minutes")
    elif abs(sum(phase.minutes for phase in phases) - minutes) > 0.01:
        total = sum(phase.minutes for phase in phases)
        top.say("minutes", f"{minutes:g}, but the phases last {total:g} together: make them agree")


def _cue(section: Section, lasts: float, stems: Sequence[str], tempo_bpm: float, bounds: Mapping[str, float]) -> Cue:
    """A cue, which begins and ends within its phase of `lasts` minutes."""
    kind = section.word("kind", tuple(CUES))
    at = section.number("at_minutes", 0.0, 240.0, unit="minutes")
    least_s, most_s = {"silence": SILENCE_S, "ground": LANDMARK_S}.get(kind, (2.0, 1800.0))
    seconds = section.number("seconds", least_s, most_s, unit="s")
    amount, stem = 0.0, ""
    if kind == "breath":
        amount = section.number("depth_db", 0.5, 8.0, unit="dB")
    elif kind == "tempo":
        amount = section.number("percent", -10.0, 10.0, unit="%")
        drift = math.log2(1.0 + bounds["loop_tempo_per_beat"]) * tempo_bpm
        needed_s = 120.0 * abs(math.log2(1.0 + amount / 100.0)) / drift if drift else math.inf
        if needed_s > seconds:
            allowed = f"give it {needed_s:.0f} s" if drift else "this profile keeps the tempo"
            section.say("percent", f"{amount:g} % there and back in {seconds:g} s is too quick: {allowed}")
    elif kind in ("stem_in", "stem_out"):
        stem = section.word("stem", stems)
    if at + seconds / 60.0 > lasts + 1e-9:
        section.say("at_minutes", f"{at:g} and {seconds:g} s go beyond the phase's {lasts:g} minutes")
    section.finish()
    return Cue(kind, at, seconds, amount, stem)


def _palettes(section: Section, stems: Mapping[str, StemSetting]) -> dict[str, dict[str, str]]:
    """Other instruments for some of the stems, by the palette's name."""
    palettes = {}
    for name in section.keys():
        palettes[name] = _chosen(section.section(name), stems)
        section.has(name)
    return palettes


def _chosen(table: Section, stems: Mapping[str, StemSetting]) -> dict[str, str]:
    """Instruments by stem."""
    chosen = {}
    for stem in table.keys():
        if stem not in stems or stem == "reverb":
            table.has(stem)
            table.say(stem, f"is not a stem of this preset{near(stem, [s for s in stems if s != 'reverb'])}")
            continue
        chosen[stem] = table.word(stem, _suited(stem))
        for key, (low, high) in mix_of(chosen[stem]).items():
            if not low <= (value := getattr(stems[stem], key)) <= high:
                needed = f"{low:g}" if low == high else f"{low:g} to {high:g}"
                table.say(stem, f"{chosen[stem]} needs {key} = {needed}, and [stems.{stem}] has {value:g}")
    return chosen


def _stems(section: Section, goal: str) -> dict[str, StemSetting]:
    """What plays, placed as the goal's plan has it where it says no more; "reverb" is the return of the reverb and
    needs no instrument."""
    stems = {}
    for name in section.keys():
        if name not in STEMS:
            section.has(name)
            section.say(name, f"is not a stem{near(name, STEMS)}; the stems are {', '.join(STEMS)}")
            continue
        stem = section.section(name)
        instrument = stem.text("instrument", "reverb") if name == "reverb" else stem.word("instrument", _suited(name))
        number = partial(_kept, stem, seat(goal, name), mix_of(instrument))
        stems[name] = StemSetting(
            instrument=instrument,
            level_lu=number("level_lu", -40.0, 0.0, "LU"),
            send_db=number("send_db", -60.0, 0.0, "dB"),
            width=number("width", 0.0, 1.0),
            highpass_hz=number("highpass_hz", 20.0, 2000.0, "Hz"),
            lowpass_hz=number("lowpass_hz", 200.0, 20000.0, "Hz"),
            distance=number("distance", 0.0, 1.0),
            settings=_settings(stem.section("settings"), instrument),
            azimuth_deg=stem.number("azimuth_deg", -360.0, 360.0, unit="deg") if stem.has("azimuth_deg") else None,
            elevation_deg=stem.number("elevation_deg", -90.0, 90.0, unit="deg") if stem.has("elevation_deg") else None,
        )
        stem.finish()
    if not stems.keys() - {"reverb"}:
        section.say("", "no stem plays: write at least one table, as [stems.pad]")
    return stems


def _kept(
    stem: Section,
    usual: Seat,
    kept: Mapping[str, tuple[float, float]],
    key: str,
    low: float,
    high: float,
    unit: str = "",
) -> float:
    """A number of the mix, within what the stem's instrument must be `kept` to; `usual` where the file has none."""
    low, high = kept.get(key, (low, high))
    return stem.number(key, low, high, min(max(getattr(usual, key), low), high), unit)


def _settings(section: Section, instrument: str) -> dict[str, float]:
    """An instrument's own settings by name; the instrument knows their ranges."""
    settings = {key: checked_number(section, key, section.get(key), -1e6, 1e6) for key in section.keys()}
    known = _open_settings(instrument) if settings else ()
    for key in (key for key in settings if key not in known):
        names = ", ".join(known) or "none"
        section.say(key, f"is not a setting of {instrument}{near(key, known)}; its settings are {names}")
    return settings


def _scenes(top: Section, stems: Mapping[str, StemSetting]) -> tuple[Scene, ...]:
    """The scenes; without any there is one, of the usual kind."""
    scenes: list[Scene] = []
    for section in top.sections("scenes"):
        scene = _scene(section, stems)
        if scene.name in (other.name for other in scenes):
            section.say("name", f"{shown(scene.name)} is taken by another scene: give each a name of its own")
        scenes.append(scene)
    return tuple(scenes) or (Scene(),)


def _scene(section: Section, stems: Mapping[str, StemSetting]) -> Scene:
    from synth.composer.scales import NAMES
    from synth.tuning.catalogue import tuning
    from synth.tuning.scala import TuningError

    usual = Scene()
    scene = Scene(
        name=section.text("name", usual.name),
        archetype=section.word("archetype", _archetypes(), usual.archetype),
        practice=section.word("practice", PRACTICES, usual.practice),
        metre=section.whole("metre", 2, 12, usual.metre),
        phrase_bars=section.whole("phrase_bars", 1, 16, usual.phrase_bars),
        chord_bars=section.number("chord_bars", 0.25, 8.0, usual.chord_bars, "bars"),
        culture=section.word("culture", CULTURES, usual.culture),
        scale=section.word("scale", NAMES) if section.has("scale") else usual.scale,
        tuning=section.text("tuning", usual.tuning),
        instruments=_chosen(section.section("instruments"), stems) if section.has("instruments") else {},
    )
    try:
        tuning(scene.tuning)
    except TuningError as error:
        section.say("tuning", str(error))
    section.finish()
    return scene


def _space(section: Section) -> Space:
    usual = Space()
    space = Space(
        t60_s=section.number("t60_s", 0.2, 20.0, usual.t60_s, "s"),
        t60_high_s=section.number("t60_high_s", 0.1, 20.0, usual.t60_high_s, "s"),
        predelay_ms=section.number("predelay_ms", 0.0, 200.0, usual.predelay_ms, "ms"),
    )
    if space.t60_high_s > space.t60_s:
        section.say("t60_high_s", f"{space.t60_high_s:g} s is longer than t60_s {space.t60_s:g} s: highs decay first")
    section.finish()
    return space


# The catalogues of instruments and styles are imported when a preset is read, and not before.


def _suited(stem: str) -> tuple[str, ...]:
    from synth.instruments import INSTRUMENTS

    return tuple(entry.name for entry in INSTRUMENTS if stem in entry.stems)


def _open_settings(instrument: str) -> tuple[str, ...]:
    from synth.instruments import CATALOGUE

    return CATALOGUE[instrument].open_settings() if instrument in CATALOGUE else ()


def _archetypes() -> tuple[str, ...]:
    from synth.composer.styles import ARCHETYPES

    return tuple(ARCHETYPES)
