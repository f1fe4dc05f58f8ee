"""A preset file's text with some values replaced: its comments, order and everything else stay."""

from __future__ import annotations

import re
from collections.abc import Mapping

from synth.preset.model import PresetError
from synth.preset_file import Place, key_lines

_ENTRY = re.compile(r"""^(\s*[\w-]+\s*=\s*)("(?:[^"\\]|\\.)*"|'[^']*'|[^\s#"']+)(\s*)(#.*)?$""")


def with_values(text: str, values: Mapping[Place, float | str]) -> str:
    """`text` with these values, each in the place of the one that stands there: ("name",), ("phases", 0, "minutes").

    A comment behind a value stays in its column where there is room. PresetError when a value does not stand on a line
    of its own.
    """
    lines, found = text.splitlines(), key_lines(text)
    for place, value in values.items():
        number = found.get(place, 0)
        entry = _ENTRY.match(lines[number - 1]) if number else None
        if entry is None:
            name = " ".join(str(part + 1) if isinstance(part, int) else part for part in place)
            raise PresetError(
                f"{name} does not stand on a line of its own, so it cannot be changed here: edit the copy"
            )
        lines[number - 1] = _line(entry, _written(value))
    return "\n".join(lines) + "\n"


def _line(entry: re.Match[str], value: str) -> str:
    head, old, space, comment = entry.groups()
    if not comment:
        return head + value
    return head + value + " " * max(len(old) + len(space) - len(value), 2) + comment


def _written(value: float | str) -> str:
    """`value` as TOML."""
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return f"{value:.10g}"
