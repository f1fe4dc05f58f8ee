"""What several commands share: kinds of arguments, and how a group of them is added."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

LONGEST_MIN = 24 * 60


def add_command(commands: Commands, name: str, what: str, examples: str) -> argparse.ArgumentParser:
    """A command with one line of help and examples that teach."""
    return commands.add_parser(
        name,
        help=what,
        description=what[:1].upper() + what[1:] + ".",
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def add_composition(command: argparse.ArgumentParser, longest_min: float = LONGEST_MIN) -> None:
    """The arguments that decide what is played, for at most `longest_min` minutes."""
    command.add_argument("preset", metavar="PRESET", help="a preset's name (`synth presets`) or a TOML file")
    command.add_argument(
        "--minutes",
        type=partial(minutes, longest=longest_min),
        metavar="M",
        help="length; the preset's own if not given",
    )
    command.add_argument("--seed", type=int, default=0, metavar="N", help="another number, another piece (default 0)")
    command.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        type=_setting,
        metavar="CONTROL=VALUE",
        help="hold a control (`synth controls`) at a value from the start; may be given again",
    )
    command.add_argument(
        "--controls",
        "--script",
        type=Path,
        metavar="CSV",
        help="a script of requests with the columns time_s,control,value; values out of range are clamped",
    )


def minutes(text: str, longest: float = LONGEST_MIN) -> float:
    """A length typed by a person."""
    try:
        length = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of minutes") from None
    if not 0.0 < length <= longest:
        raise argparse.ArgumentTypeError(f"{text} minutes: give more than 0 and at most {longest:g}")
    return length


def _setting(text: str) -> tuple[str, float]:
    from synth.controls import ControlError, control

    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r}: write CONTROL=VALUE, such as tempo_bpm=60")
    try:
        row = control(name.strip())
        return row.name, row.parse(value)
    except ControlError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
