"""Presets: a session's plan, palette and limits, read from TOML by control name and checked when read."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from synth.controls import STEMS, TABLE, Control, ControlError, defaults
from synth.preset_file import Section, Sheet, checked_number, near, read_text
from synth.resources import presets_folder
from synth.safety.limits import PROFILES, control_range, limits

SCHEMA = 1
PHASES = ("baseline", "match", "lead", "plateau", "return")
PRACTICES = ("functional", "modal")
MINUTES = (1.0, 240.0)


class PresetError(ValueError):
    """A preset that cannot be used; the message says where in the file and what to write instead."""


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase of the plan: it reaches its targets at its end. `kind`: baseline, match, lead, plateau or return."""

    kind: str
    minutes: float
    arousal: float
    valence: float
    tension: float
    breath_depth_db: float = 0.0


@dataclass(frozen=True, slots=True)
class StemSetting:
    """What plays a stem and how it sits in the mix. `level_lu`: its loudness against the programme's; `send_db` to the
    reverb (-60 is off); `width` 0 mono to 1; `settings` go to the instrument by name."""

    instrument: str
    level_lu: float = -8.0
    send_db: float = -12.0
    width: float = 0.6
    highpass_hz: float = 40.0
    lowpass_hz: float = 18000.0
    settings: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Style:
    """How the composer writes: `archetype` names a scene of its own, `practice` "functional" or "modal" harmony."""

    archetype: str = "chorale"
    practice: str = "functional"
    metre: int = 4
    phrase_bars: int = 4
    chord_bars: float = 1.0


@dataclass(frozen=True, slots=True)
class Space:
    """The reverb: decay of lows and highs (60 dB), pre-delay."""

    t60_s: float = 2.6
    t60_high_s: float = 0.8
    predelay_ms: float = 25.0


@dataclass(frozen=True, slots=True)
class Preset:
    """A preset as read: every control has a starting value; `ranges` bound what the loop may ask for."""

    name: str
    title: str
    summary: str
    goal: str
    minutes: float
    controls: Mapping[str, float]
    ranges: Mapping[str, tuple[float, float]]
    phases: tuple[Phase, ...]
    stems: Mapping[str, StemSetting]
    style: Style = Style()
    space: Space = Space()
    profile: str = "default"
    source: str = field(default="", compare=False)


def preset_names() -> list[str]:
    """Names of the presets that ship with the engine."""
    return sorted(path.stem for path in presets_folder().glob("*.toml"))


def load_preset(name_or_path: str | Path) -> Preset:
    """A shipped preset by name, or a preset file by path. PresetError tells all that is wrong with it."""
    path = _find(name_or_path)
    preset, problems = _read(path)
    if preset is None or problems:
        raise PresetError("\n".join(problems))
    return preset


def check_preset(name_or_path: str | Path) -> list[str]:
    """Everything that is wrong with a preset file, each with its place and what to write; empty when it is sound."""
    try:
        return _read(_find(name_or_path))[1]
    except PresetError as error:
        return [str(error)]


def preset_from_dict(data: Mapping[str, Any]) -> Preset:
    """The preset that `preset_to_dict` wrote. PresetError as for a file."""
    sheet = Sheet("preset")
    preset = _preset(sheet, data, "")
    if sheet.problems:
        raise PresetError("\n".join(sheet.problems))
    return preset


def preset_to_dict(preset: Preset) -> dict[str, Any]:
    """A preset as plain values in the shape of its file, for JSON; where it was read from is left out."""
    return {
        "schema": SCHEMA,
        "name": preset.name,
        "title": preset.title,
        "summary": preset.summary,
        "goal": preset.goal,
        "minutes": preset.minutes,
        "profile": preset.profile,
        "controls": {name: _plain(TABLE[name], value) for name, value in preset.controls.items()},
        "ranges": {name: [_plain(TABLE[name], v) for v in bounds] for name, bounds in preset.ranges.items()},
        "phases": [asdict(phase) for phase in preset.phases],
        "stems": {stem: {**asdict(s), "settings": dict(s.settings)} for stem, s in preset.stems.items()},
        "style": asdict(preset.style),
        "space": asdict(preset.space),
    }


def _plain(row: Control, value: float) -> float | str:
    return row.text(value) if row.choices else value


def _find(name_or_path: str | Path) -> Path:
    """The file that a name or a path means."""
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or text.endswith(".toml") or "/" in text or "\\" in text:
        return Path(name_or_path)
    names = preset_names()
    if text not in names:
        raise PresetError(f"no preset called {text!r}{near(text, names)}; there are {', '.join(names)}, or give a file")
    return presets_folder() / f"{text}.toml"


def _read(path: Path) -> tuple[Preset | None, list[str]]:
    try:
        text = read_text(path)
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return None, [f"{path.name}: not TOML: {error}"]
    except RecursionError:
        return None, [f"{path.name}: nested too deeply for a preset"]
    except (OSError, ValueError) as error:
        return None, [str(error)]
    sheet = Sheet(path.name, text)
    preset = _preset(sheet, data, str(path))
    return (None if sheet.problems else preset), sheet.problems


def _preset(sheet: Sheet, data: Mapping[str, Any], source: str) -> Preset:
    """Read every section; what is wrong is noted in `sheet`."""
    top = Section(sheet, data)
    if not top.has("schema") or top.get("schema") != SCHEMA:
        given = f"{top.get('schema')!r} is not known" if top.has("schema") else "is missing"
        top.say("schema", f"{given}: this version reads schema = {SCHEMA}")
    name = top.text("name")
    if name and not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
        top.say("name", f"{name!r}: use small letters, digits, - and _")
    title, summary, goal = top.text("title"), top.text("summary"), top.text("goal")
    minutes = top.number("minutes", *MINUTES, unit="minutes")
    profile = top.word("profile", PROFILES, "default")
    bounds = limits(profile)
    controls = _controls(top.section("controls"), bounds)
    ranges = _ranges(top.section("ranges"), controls, bounds)
    phases = _phases(top, controls, ranges, minutes, bounds)
    stems = _stems(top.section("stems"))
    style, space = _style(top.section("style")), _space(top.section("space"))
    top.finish()
    return Preset(
        name, title, summary, goal, minutes, controls, ranges, phases, stems, style, space, profile, source
    )  # fmt: skip


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
            return row.parse(str(value))
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
            section.say(name, f"{given!r}: give the lowest and the highest value, as [{row.low:g}, {row.high:g}]")
            continue
        low, high = sorted(_control(section, name, row, value, bounds) for value in given)
        ranges[name] = (low, high)
        if not low <= controls[name] <= high:
            start = row.text(controls[name])
            section.say(name, f"the session starts at {name} = {start}: widen the range or change [controls]")
    if "dynamics_db" in ranges:
        _loudness(section, "dynamics_db", ranges["dynamics_db"][1], controls, bounds)
    return ranges


def _phases(
    top: Section,
    controls: Mapping[str, float],
    ranges: Mapping[str, tuple[float, float]],
    minutes: float,
    bounds: Mapping[str, float],
) -> tuple[Phase, ...]:
    """The plan; each arc has time enough, and together the phases fill the session."""
    phases: list[Phase] = []
    before = {name: controls[name] for name in ("arousal", "valence", "tension")}
    for section in top.sections("phases"):
        kind, lasts = section.word("kind", PHASES), section.number("minutes", 0.1, 240.0, unit="minutes")
        moods = {name: section.number(name, *ranges.get(name, (-1.0, 1.0)), before[name]) for name in before}
        depth = section.number("breath_depth_db", *ranges.get("breath_depth_db", (0.0, 8.0)), 0.0, unit="dB")
        section.finish()
        for name, value in moods.items():
            needed = math.pi / 2 * abs(value - before[name]) / bounds[f"{name}_per_min"]
            if needed > lasts + 1e-9:
                move = f"from {before[name]:g} to {value:g} in {lasts:g} minutes is too quick"
                section.say(name, f"{move}: give the phase {math.ceil(10 * needed) / 10:g} minutes, or a nearer value")
        before = moods
        phases.append(Phase(kind, lasts, **moods, breath_depth_db=depth))
    if not phases:
        top.say("phases", "are missing: write at least one [[phases]] table with kind and minutes")
    elif abs(sum(phase.minutes for phase in phases) - minutes) > 0.01:
        total = sum(phase.minutes for phase in phases)
        top.say("minutes", f"{minutes:g}, but the phases last {total:g} together: make them agree")
    return tuple(phases)


def _stems(section: Section) -> dict[str, StemSetting]:
    """What plays; "reverb" is the return of the reverb and needs no instrument."""
    stems = {}
    for name in section.keys():
        if name not in STEMS:
            section.has(name)
            section.say(name, f"is not a stem{near(name, STEMS)}; the stems are {', '.join(STEMS)}")
            continue
        stem = section.section(name)
        instrument = stem.text("instrument", "reverb") if name == "reverb" else stem.word("instrument", _suited(name))
        stems[name] = StemSetting(
            instrument=instrument,
            level_lu=stem.number("level_lu", -40.0, 0.0, -8.0, "LU"),
            send_db=stem.number("send_db", -60.0, 0.0, -12.0, "dB"),
            width=stem.number("width", 0.0, 1.0, 0.6),
            highpass_hz=stem.number("highpass_hz", 20.0, 2000.0, 40.0, "Hz"),
            lowpass_hz=stem.number("lowpass_hz", 200.0, 20000.0, 18000.0, "Hz"),
            settings=_settings(stem.section("settings"), instrument),
        )
        stem.finish()
    if not stems.keys() - {"reverb"}:
        section.say("", "no stem plays: write at least one table, as [stems.pad]")
    return stems


def _settings(section: Section, instrument: str) -> dict[str, float]:
    """An instrument's own settings by name; the instrument knows their ranges."""
    settings = {key: checked_number(section, key, section.get(key), -1e6, 1e6) for key in section.keys()}
    known = _open_settings(instrument) if settings else ()
    for key in (key for key in settings if key not in known):
        names = ", ".join(known) or "none"
        section.say(key, f"is not a setting of {instrument}{near(key, known)}; its settings are {names}")
    return settings


def _style(section: Section) -> Style:
    usual = Style()
    style = Style(
        archetype=section.word("archetype", _archetypes(), usual.archetype),
        practice=section.word("practice", PRACTICES, usual.practice),
        metre=section.whole("metre", 2, 12, usual.metre),
        phrase_bars=section.whole("phrase_bars", 1, 16, usual.phrase_bars),
        chord_bars=section.number("chord_bars", 0.25, 8.0, usual.chord_bars, "bars"),
    )
    section.finish()
    return style


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
