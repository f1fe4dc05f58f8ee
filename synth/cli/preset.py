"""`synth presets` and `synth preset`: what there is to play, and presets of one's own."""

from __future__ import annotations

import argparse
import difflib
import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from synth.cli.arguments import add_command, minutes

if TYPE_CHECKING:
    from synth.cli.arguments import Commands
    from synth.preset import Phase, Preset

_NEW = """\
  synth preset new evening                                  settle under another name, to be changed
  synth preset new evening --from sleep --minutes 25 --title "Our evenings"

the copy keeps the comments of the original; phases are scaled to the new length as a session would scale them
"""
_CHECK = "  synth preset check mine.toml yours.toml\n"
_MIGRATE = """\
  synth preset migrate mine.toml --dry-run      what would change
  synth preset migrate *.toml                   each file's earlier text stays beside it as FILE.bak
"""


def add(commands: Commands) -> None:
    """Add the two commands."""
    command = add_command(commands, "presets", "list the presets", "  synth presets\n")
    command.set_defaults(run=presets)

    command = add_command(commands, "preset", "make, check and update presets of your own", _NEW + _CHECK + _MIGRATE)
    actions = command.add_subparsers(title="actions", metavar="ACTION", required=True)
    action = add_command(actions, "new", "copy a preset, with its comments, to make it your own", _NEW)
    action.add_argument("name", metavar="NAME", help="of the new preset: small letters, digits, - and _")
    action.add_argument(
        "--from", dest="origin", default="settle", metavar="PRESET", help="name or file to copy (default settle)"
    )
    action.add_argument("--minutes", type=minutes, metavar="M", help="length; as the original if not given")
    action.add_argument("--title", metavar="TEXT", help="as people read it; made from NAME if not given")
    action.add_argument("--out", type=Path, metavar="FILE", help="the file to write (default NAME.toml)")
    action.add_argument("--overwrite", action="store_true", help="replace a file that is there already")
    action.set_defaults(run=new)
    action = add_command(actions, "check", "read presets, say what is wrong with them, and show their plans", _CHECK)
    action.add_argument("files", metavar="FILE", nargs="+", type=Path, help="preset files (TOML)")
    action.set_defaults(run=check)
    action = add_command(actions, "migrate", "bring presets of earlier versions up to date", _MIGRATE)
    action.add_argument("files", metavar="FILE", nargs="+", type=Path, help="preset files (TOML)")
    action.add_argument("--dry-run", action="store_true", help="only show what would change")
    action.set_defaults(run=migrate)


def presets(arguments: argparse.Namespace) -> int:
    """List the presets."""
    from synth.preset import load_preset, preset_names

    for name in preset_names():
        preset = load_preset(name)
        notes = [preset.summary]
        notes += ["Someone must be there."] if preset.supervision else []
        notes += ["No wearable."] if preset.wearable == "refused" else []
        print(f"{name:16} {preset.minutes:3g} min  {preset.goal:9}{' '.join(notes)}")
    return 0


def new(arguments: argparse.Namespace) -> int:
    """Write a copy of a preset."""
    from synth.preset import PresetError, load_preset, preset_names
    from synth.preset.copies import with_values
    from synth.preset.files import find_preset, preset_from_text
    from synth.preset.migrate import migrated_text
    from synth.preset_file import read_text

    out = arguments.out or Path(f"{arguments.name}.toml")
    if arguments.name in preset_names():
        raise PresetError(f"there is a preset called {arguments.name} already: choose another name")
    if out.exists() and not arguments.overwrite:
        raise PresetError(f"{out} is there already: choose another --out, or --overwrite it")
    path = find_preset(arguments.origin)
    preset = load_preset(path)
    title = arguments.title or arguments.name.replace("-", " ").replace("_", " ").capitalize()
    text = with_values(migrated_text(read_text(path)), {("name",): arguments.name, ("title",): title})
    if arguments.minutes is not None and arguments.minutes != preset.minutes:
        text = _at_length(text, preset, arguments.minutes)
    made = preset_from_text(text, out.name)
    with open(out, "w" if arguments.overwrite else "x", encoding="utf-8") as file:
        file.write(text)
    print(f"{out}: {made.title}, {made.minutes:g} minutes, made from {preset.name}")
    print(f"change it as you like, then: synth preset check {out}")
    return 0


def check(arguments: argparse.Namespace) -> int:
    """Read presets; say all that is wrong with them, or show what they plan."""
    from synth.preset import check_preset, load_preset
    from synth.preset_file import read_text

    bad = 0
    for file in arguments.files:
        problems = check_preset(file)
        if problems:
            bad += 1
            print("\n".join(problems), file=sys.stderr)
            continue
        preset = load_preset(file)
        print(f"{file}: good. {preset.title}, {preset.minutes:g} minutes, {', '.join(preset.stems)}")
        print("\n".join(f"  {line}" for line in _told(preset, read_text(file))))
    return 2 if bad else 0


def migrate(arguments: argparse.Namespace) -> int:
    """Rewrite presets of earlier schemas; what is broken stays as it is."""
    from synth.preset import PresetError

    bad = 0
    for file in arguments.files:
        try:
            print(_migrate(file, arguments.dry_run))
        except PresetError as error:
            bad += 1
            print(f"{error}\n{file}: left as it is", file=sys.stderr)
    return 2 if bad else 0


def _migrate(file: Path, dry_run: bool) -> str:
    """Migrate one file; what was done, in words."""
    from synth.preset import SCHEMA, load_preset
    from synth.preset.files import preset_from_text
    from synth.preset.migrate import migrated_text
    from synth.preset.model import PresetError
    from synth.preset_file import read_text

    preset = load_preset(file)
    old = read_text(file)
    text = migrated_text(old)
    if text == old:
        return f"{file}: current already (schema {SCHEMA})"
    try:
        same = preset_from_text(text, file.name) == preset
    except PresetError:
        same = False
    if not same:
        raise PresetError(f"{file.name}: not written as expected: put schema and goal on a line each")
    if dry_run:
        lines = difflib.unified_diff(
            old.splitlines(), text.splitlines(), str(file), f"{file} (schema {SCHEMA})", "", "", 0, ""
        )
        return "\n".join(lines)
    kept = file.with_name(file.name + ".bak")
    if kept.exists():
        raise PresetError(f"{kept} is there already: move it away, or it would be lost")
    os.replace(file, kept)
    file.write_text(text, encoding="utf-8")
    return f"{file}: now schema {SCHEMA}; as it was: {kept}"


# -- plans -------------------------------------------------------------------------------------------------------


def _at_length(text: str, preset: Preset, length: float) -> str:
    """The preset's text with phases and cues scaled to `length` minutes. PresetError when that is too short."""
    from synth.preset import PresetError
    from synth.preset.reader import MINUTES

    if not MINUTES[0] <= length <= MINUTES[1]:
        raise PresetError(f"a preset is {MINUTES[0]:g} to {MINUTES[1]:g} minutes long, not {length:g}")
    scaled = _scaled(text, preset, length)
    if scaled is None:
        least = _least_minutes(text, preset)
        raise PresetError(f"{length:g} minutes are too short for the arc of {preset.name}: give {least:g} or more")
    return scaled


def _least_minutes(text: str, preset: Preset) -> float:
    """The shortest length, in half minutes, in which the preset goes the whole way."""
    halves = range(2, math.ceil(2.0 * preset.minutes))
    return next((n / 2.0 for n in halves if _scaled(text, preset, n / 2.0)), preset.minutes)


def _scaled(text: str, preset: Preset, length: float) -> str | None:
    """As `_at_length`, None when it is too short."""
    from synth.preset import PresetError
    from synth.preset.copies import with_values
    from synth.preset.files import preset_from_text
    from synth.steering.plan import make_plan

    phases = make_plan(preset, length * 60.0).phases
    values: dict[tuple[str | int, ...], float | str] = {("minutes",): length}
    for i, (was, now, lasts) in enumerate(zip(preset.phases, phases, _rounded(phases, length), strict=True)):
        if not math.isclose(was.arousal, now.arousal, abs_tol=1e-9):
            return None
        values["phases", i, "minutes"] = lasts
        for j, cue in enumerate(was.cues):
            seconds = cue.seconds
            if cue.kind in ("stem_in", "stem_out"):
                values["phases", i, "cues", j, "seconds"] = seconds = math.floor(seconds * lasts / was.minutes)
            values["phases", i, "cues", j, "at_minutes"] = _place(cue.at_minutes * lasts / was.minutes, seconds, lasts)
    scaled = with_values(text, values)
    try:
        preset_from_text(scaled, preset.name)
    except PresetError:
        return None
    return scaled


def _place(at_minutes: float, seconds: float, lasts: float) -> float:
    """Where a cue begins: at its place, or as late as lets it end within its phase."""
    return math.floor(100.0 * max(min(at_minutes, lasts - seconds / 60.0), 0.0)) / 100.0


def _rounded(phases: tuple[Phase, ...], length: float) -> list[float]:
    """Their minutes in hundredths, none shorter than it must be; the longest plateau makes up the rest."""
    lasting = [math.ceil(round(100.0 * phase.minutes, 6)) / 100.0 for phase in phases]
    longest = max(range(len(phases)), key=lambda i: (phases[i].kind == "plateau", lasting[i]))
    lasting[longest] = round(lasting[longest] + length - sum(lasting), 2)
    return lasting


def _scenes_told(preset: Preset) -> Iterator[str]:
    """Each scene, with a word where it is played far from the tempo or mood that it is at home in."""
    from synth.composer.styles import archetype

    for scene in preset.scenes:
        style, far = archetype(scene.archetype), []
        for name, (low, high) in (
            ("tempo_bpm", style.tempo_bpm),
            ("arousal", style.arousal),
            ("valence", style.valence),
        ):
            least, most = preset.ranges.get(name, (preset.controls[name],) * 2)
            if most < low or least > high:
                far.append(f"{name} {low:g} to {high:g}")
        kind = "" if scene.name == scene.archetype else f" ({scene.archetype})"
        yield scene.name + kind + (f" [at home at {' and '.join(far)}]" if far else "")


def _told(preset: Preset, text: str) -> Iterator[str]:
    """A preset's goal, terms and plan, line by line."""
    from synth.preset import GOALS
    from synth.steering.plan import make_plan

    flags = ["only while someone is there"] if preset.supervision else []
    terms = [f"policy {preset.policy}", f"profile {preset.profile}", f"wearable {preset.wearable}", *flags]
    yield f"goal {preset.goal} ({GOALS[preset.goal]}); {', '.join(terms)}"
    if preset.constraints:
        yield f"constraints: {'; '.join(preset.constraints)}"
    if preset.palettes:
        yield f"palettes: {', '.join(preset.palettes)}"
    yield f"scenes: {', '.join(_scenes_told(preset))}"
    yield f"{'phase':10}{'minutes':>8}{'arousal':>9}{'valence':>9}{'tension':>9}{'breath':>14}  scene, cues"
    for phase in preset.phases:
        breath = f"{phase.breath_depth_db:g} dB" if phase.breath_depth_db else ""
        breath += f" at {phase.breath_rate_bpm:g}" if phase.breath_rate_bpm else ""
        cues = ", ".join(f"{cue.kind} at {cue.at_minutes:g}" for cue in phase.cues)
        moods = f"{phase.arousal:+9.2f}{phase.valence:+9.2f}{phase.tension:+9.2f}"
        told = "; ".join(filter(None, (f"scene {phase.scene}" if phase.scene else "", cues)))
        yield f"{phase.kind:10}{phase.minutes:8g}{moods}{breath:>14}  {told}".rstrip()
    yield from make_plan(preset, preset.minutes * 60.0).notes
    yield f"least: {_least_minutes(text, preset):g} minutes, to go the whole way"
