"""`synth controls`: the table of controls."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from synth.cli.arguments import add_command

if TYPE_CHECKING:
    from synth.cli.arguments import Commands
    from synth.controls import Control

_CONTROLS = """\
  synth controls
  synth controls --json         for programs
  synth controls --markdown     for documents
"""


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(commands, "controls", "print the table of controls", _CONTROLS)
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", dest="form", action="store_const", const="json", help="as JSON")
    form.add_argument("--markdown", dest="form", action="store_const", const="markdown", help="as a Markdown table")
    command.set_defaults(run=controls)


def controls(arguments: argparse.Namespace) -> int:
    """Print the table of controls."""
    from synth.controls import CONTROLS

    write = {None: _as_text, "json": _as_json, "markdown": _as_markdown}[arguments.form]
    print(write(CONTROLS))
    return 0


_HEADINGS = ("control", "range", "default", "lands on", "CC", "what it does")


def _cells(row: Control) -> tuple[str, ...]:
    allowed = ", ".join(row.choices) if row.choices else row.range_text()
    return row.name, allowed, row.text(row.default), row.grain, "" if row.cc is None else str(row.cc), row.help


def _as_text(rows: Sequence[Control]) -> str:
    cells = [_HEADINGS, *((name, _short(allowed), *rest) for name, allowed, *rest in map(_cells, rows))]
    widths = [max(len(line[i]) for line in cells) for i in range(len(_HEADINGS) - 1)]
    return "\n".join("  ".join([*(c.ljust(w) for c, w in zip(line, widths, strict=False)), line[-1]]) for line in cells)


def _short(allowed: str) -> str:
    """A list of names by its ends, so that the table keeps its shape."""
    names = allowed.split(", ")
    return allowed if len(names) < 3 else f"{names[0]} .. {names[-1]}"


def _as_markdown(rows: Sequence[Control]) -> str:
    lines = [f"| {' | '.join(_HEADINGS)} |", "|---" * len(_HEADINGS) + "|"]
    lines += [f"| `{name}` | {' | '.join(rest)} |" for name, *rest in map(_cells, rows)]
    return "\n".join(lines)


def _as_json(rows: Sequence[Control]) -> str:
    import json

    def finite(value: object) -> object:
        return None if isinstance(value, float) and math.isinf(value) else value

    return json.dumps([{key: finite(value) for key, value in row.as_dict().items()} for row in rows], indent=2)
