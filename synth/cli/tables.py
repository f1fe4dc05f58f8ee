"""`synth controls` and `synth instruments`: the tables of what can be moved and what can be played."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from synth.cli.arguments import add_command
from synth.controls import STEMS

if TYPE_CHECKING:
    from synth.cli.arguments import Commands
    from synth.controls import Control

_CONTROLS = """\
  synth controls
  synth controls --json         for programs
  synth controls --markdown     for documents
"""

_INSTRUMENTS = """\
  synth instruments
  synth instruments melody      those that suit a stem
  synth instruments --json      for programs
"""


def add(commands: Commands) -> None:
    """Add the commands."""
    command = add_command(commands, "controls", "print the table of controls", _CONTROLS)
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", dest="form", action="store_const", const="json", help="as JSON")
    form.add_argument("--markdown", dest="form", action="store_const", const="markdown", help="as a Markdown table")
    command.set_defaults(run=controls)
    command = add_command(commands, "instruments", "print what a preset may put into each stem", _INSTRUMENTS)
    command.add_argument("stem", nargs="?", choices=STEMS, metavar="STEM", help=f"one of {', '.join(STEMS)}")
    command.add_argument("--json", action="store_true", help="as JSON")
    command.set_defaults(run=instruments)


def controls(arguments: argparse.Namespace) -> int:
    """Print the table of controls."""
    from synth.controls import CONTROLS

    write = {None: _as_text, "json": _as_json, "markdown": _as_markdown}[arguments.form]
    print(write(CONTROLS))
    return 0


def instruments(arguments: argparse.Namespace) -> int:
    """Print the catalogue of instruments, all or those for a stem."""
    import json

    from synth.instruments import INSTRUMENTS

    chosen = [one for one in INSTRUMENTS if arguments.stem is None or arguments.stem in one.stems]
    if arguments.json:
        rows = [
            {"name": one.name, "help": one.help, "stems": one.stems, "sounds": one.sounds, "slides": one.slides}
            for one in chosen
        ]
        print(json.dumps(rows, indent=2))
        return 0
    for stem in STEMS:
        suited = [one for one in chosen if one.stems[0] == stem]
        if suited:
            print(f"{stem}:")
        for one in suited:
            also = f" Also for {', '.join(one.stems[1:])}." if one.stems[1:] else ""
            print(f"  {one.name:16}{one.help}{also}")
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
