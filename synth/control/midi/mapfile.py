"""The map as a file that people can read and change: TOML, with a `[[binding]]` for each knob.

Learning changes the one binding concerned and leaves everything else in the file, comments too, as it stands.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import platformdirs

from synth.control.midi.mapping import KINDS, Binding, MidiError, MidiMap, Source

SCHEMA = 1
_HEADER = re.compile(r"^\s*\[\[\s*binding\s*\]\]\s*(#.*)?$")
_OPTIONS = {"takeover": str, "notes": str, "all_sound_off": str, "program_channel": int, "defaults": bool}
_FIELDS = {"target": str, "low": float, "high": float, "curve": str, "takeover": str}
_SOURCES = {"cc": int, "note": int, "nrpn": int, "bend": bool, "pressure": bool}
_KINDS_OF_VALUE = {str: "a text in quotes", int: "a whole number", float: "a number", bool: "true or false"}
_NEW = f"""# What knobs, pads and keys move. `synth/control/midi/README.md` tells what may stand here.
schema = {SCHEMA}
"""


def default_path() -> Path:
    """Where the map of this person's machine is kept."""
    return Path(platformdirs.user_config_dir("isotone")) / "midi.toml"


class MapFile:
    """A map in a file. One that cannot be read is never written over: it is kept beside the new one."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def load(self) -> tuple[MidiMap, tuple[str, ...]]:
        """The map, and what of it could not be used, each with what to do. Never raises: at worst, the default map."""
        try:
            text = self._text()
        except (OSError, UnicodeDecodeError) as error:
            return MidiMap(), (f"{self.path} cannot be read ({error}): the default map is used",)
        try:
            return read_map(text, str(self.path))
        except MidiError as error:
            return MidiMap(), (f"{error}; until then the default map is used",)

    def save(self, binding: Binding) -> tuple[str, ...]:
        """Put `binding` into the file, whole or not at all; what there is to tell. MidiError where it cannot be."""
        told: tuple[str, ...] = ()
        try:
            known, text = MidiMap(), ""
            try:
                text = self._text()
                known, _ = read_map(text, str(self.path))
                text = with_binding(text or _NEW, binding)
            except (MidiError, UnicodeDecodeError):
                told = (f"{self.path} could not be added to as it was; it is kept as {self._set_aside()}",)
                text = written_map(known.bound(binding))
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _replace(self.path, text)
        except OSError as error:
            raise MidiError(f"{self.path} cannot be written ({error}): what was learned lasts until the end") from None
        return told

    def _text(self) -> str:
        try:
            return self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    def _set_aside(self) -> Path:
        numbers = (f".bad{n or ''}" for n in range(1_000_000))
        kept = next(p for p in (self.path.with_name(self.path.name + n) for n in numbers) if not p.exists())
        os.replace(self.path, kept)
        return kept


def read_map(text: str, name: str = "the map") -> tuple[MidiMap, tuple[str, ...]]:
    """The map that `text` tells, and a line for each thing in it that could not be used.

    MidiError where it is no TOML or of another schema, so that nothing of it can be.
    """
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise MidiError(f"{name} is no TOML: {error}; mend it there, or move the file away") from None
    if table.get("schema", SCHEMA) != SCHEMA:
        raise MidiError(f"{name}: schema = {table['schema']!r} is not known here: give {SCHEMA}, or update isotone")
    told: list[str] = []
    options = _options(table, name, told)
    entries = table.get("binding", [])
    if not isinstance(entries, list):
        told.append(f"{name}: binding: write [[binding]], a table for each knob")
        entries = []
    lines = [number for number, line in enumerate(text.splitlines(), 1) if _HEADER.match(line)]
    bindings = []
    for place, entry in enumerate(entries):
        where = f"{name}, line {lines[place]}" if len(lines) == len(entries) else f"{name}, binding {place + 1}"
        try:
            bindings.append(_binding(entry))
        except MidiError as error:
            told.append(f"{where}: {error}; this binding is left out")
    return MidiMap(tuple(bindings), **options), tuple(told)


def with_binding(text: str, binding: Binding) -> str:
    """`text` of a map with `binding` in the place of the last of the same source, else at the end.

    MidiError where it cannot be added because bindings are not written as `[[binding]]` tables.
    """
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if _HEADER.match(line)]
    entries = tomllib.loads(text).get("binding", [])
    written = written_binding(binding).splitlines()
    if len(starts) == len(entries):
        for start, entry in reversed(list(zip(starts, entries, strict=True))):
            if _source_or_none(entry) == binding.source:
                end = next((i for i in range(start + 1, len(lines)) if lines[i].lstrip().startswith("[")), len(lines))
                while not _is_entry(lines[end - 1]):
                    end -= 1
                comments = [line for line in lines[start + 1 : end] if line.lstrip().startswith("#")]
                return "\n".join([*lines[: start + 1], *comments, *written[1:], *lines[end:]]) + "\n"
    added = "\n".join([*lines, "", *written]) + "\n"
    read_map(added)
    return added


def written_map(mapping: MidiMap) -> str:
    """A whole map as TOML: what differs from the default one."""
    text = _NEW
    for key in _OPTIONS:
        if (value := getattr(mapping, key)) != getattr(MidiMap(), key):
            text += f"{key} = {json.dumps(value)}\n"
    return text + "".join(f"\n{written_binding(binding)}" for binding in mapping.bindings)


def written_binding(binding: Binding) -> str:
    """A binding as TOML."""
    source = binding.source
    on = "true" if KINDS[source.kind] == 0 else str(source.number)
    lines = ["[[binding]]", f'target = "{binding.target}"', f"{source.kind} = {on}"]
    if source.channel is not None:
        lines.append(f"channel = {source.channel}")
    for key, value in (("low", binding.low), ("high", binding.high)):
        if value is not None:
            lines.append(f"{key} = {float(value)!r}")
    for key, word in (("curve", binding.curve), ("takeover", binding.takeover)):
        if word is not None:
            lines.append(f'{key} = "{word}"')
    return "\n".join(lines) + "\n"


def _options(table: Mapping[str, Any], name: str, told: list[str]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for key, value in table.items():
        if key in ("schema", "binding"):
            continue
        try:
            if key not in _OPTIONS:
                raise MidiError(f"{key} is not known: there are {', '.join(('schema', *_OPTIONS, 'binding'))}")
            MidiMap(**{key: _typed(key, value, _OPTIONS[key])})
            options[key] = value
        except MidiError as error:
            told.append(f"{name}: {error}; it is left as it was")
    return options


def _binding(entry: Any) -> Binding:
    if not isinstance(entry, dict):
        raise MidiError('write [[binding]], then target = "..." and cc = ... on lines of their own')
    unknown = [key for key in entry if key not in (*_FIELDS, *_SOURCES, "channel")]
    if unknown:
        known = ", ".join(("target", *_SOURCES, "channel", *list(_FIELDS)[1:]))
        raise MidiError(f"{unknown[0]} is not known: there are {known}")
    if "target" not in entry:
        raise MidiError('target is missing: give a control, a verb, "panic", "release" or "nothing"')
    fields = {key: _typed(key, entry[key], kind) for key, kind in _FIELDS.items() if key in entry}
    return Binding(_source(entry), **fields)


def _source(entry: Mapping[str, Any]) -> Source:
    named = [kind for kind in _SOURCES if entry.get(kind, False) is not False]
    if len(named) != 1:
        raise MidiError(f"give one of {', '.join(_SOURCES)}")
    kind = named[0]
    number = _typed(kind, entry[kind], _SOURCES[kind])
    channel = _typed("channel", entry["channel"], int) if "channel" in entry else None
    return Source(kind, 0 if _SOURCES[kind] is bool else number, channel)


def _source_or_none(entry: Any) -> Source | None:
    try:
        return _source(entry) if isinstance(entry, dict) else None
    except MidiError:
        return None


def _typed(key: str, value: Any, kind: type) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not kind:
        raise MidiError(f"{key} = {value!r}: give {_KINDS_OF_VALUE[kind]}")
    return value


def _is_entry(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _replace(path: Path, text: str) -> None:
    """The file anew, whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
