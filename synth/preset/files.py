"""Presets by name or file: found, read, and everything that is wrong with them told at once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from synth.preset.migrate import is_earlier, migrated, renamed
from synth.preset.model import Phase, Preset, PresetError
from synth.preset.reader import read, read_phases
from synth.preset_file import Section, Sheet, near, read_text
from synth.resources import presets_folder
from synth.safety.bounds import Bounds


def preset_names() -> list[str]:
    """Names of the presets that ship with the engine."""
    return sorted(path.stem for path in presets_folder().glob("*.toml"))


def load_preset(name_or_path: str | Path) -> Preset:
    """A shipped preset by name, or a preset file by path. PresetError tells all that is wrong with it."""
    preset, problems = _read(find_preset(name_or_path))
    if preset is None or problems:
        raise PresetError("\n".join(problems))
    return preset


def check_preset(name_or_path: str | Path) -> list[str]:
    """Everything that is wrong with a preset file, each with its place and what to write; empty when it is sound."""
    try:
        return _read(find_preset(name_or_path))[1]
    except PresetError as error:
        return [str(error)]


def preset_from_text(text: str, file: str) -> Preset:
    """The preset that `text` says, in any schema known; `file` is its name for people. PresetError as above."""
    preset, problems = _parse(text, file, "")
    if preset is None:
        raise PresetError("\n".join(problems))
    return preset


def preset_from_dict(data: Mapping[str, Any]) -> Preset:
    """The preset that `preset_to_dict` wrote, in this or an earlier schema. PresetError as for a file."""
    sheet = Sheet("preset")
    preset = read(sheet, migrated(data), "")
    if sheet.problems:
        raise PresetError("\n".join(sheet.problems))
    return preset


def phases_from(preset: Preset, tables: Sequence[Mapping[str, Any]], bounds: Bounds) -> tuple[Phase, ...]:
    """The phases that `tables` describe, for a plan of `preset` within `bounds`. PresetError with all that is wrong."""
    sheet = Sheet("plan")
    top = Section(sheet, {"phases": tables})
    scenes = tuple(scene.name for scene in preset.scenes)
    phases = read_phases(top, preset.controls, preset.ranges, tuple(preset.stems), bounds.limits, scenes)
    if not phases and not sheet.problems:
        top.say("phases", "are missing: give at least one, with kind and minutes")
    if sheet.problems:
        raise PresetError("\n".join(sheet.problems))
    return phases


def find_preset(name_or_path: str | Path) -> Path:
    """The file that a name or a path means; PresetError when there is no preset of that name."""
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
    except (OSError, ValueError) as error:
        return None, [str(error)]
    return _parse(text, path.name, str(path))


def _parse(text: str, file: str, source: str) -> tuple[Preset | None, list[str]]:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return None, [f"{file}: not TOML: {error}"]
    except (ValueError, RecursionError):
        return None, [f"{file}: nested too deeply for a preset, or with a number too long"]
    sheet = Sheet(file, renamed(text) if is_earlier(data) else text)
    preset = read(sheet, migrated(data), source)
    return (None if sheet.problems else preset), sheet.problems
