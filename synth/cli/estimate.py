"""`synth estimate`: what a recording says about its wearer, second by second, as the engine would believe it live."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from synth.cli.arguments import add_command

if TYPE_CHECKING:
    from synth.cli.arguments import Commands

_EXAMPLES = """\
  synth estimate assets/recording --out state.csv

each row uses only what was sensed up to its second; a measure that cannot be told is left empty
"""


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands, "estimate", "estimate the wearer's state over a recording, once a second", _EXAMPLES
    )
    command.add_argument("recording", metavar="PATH", type=Path, help="a recording: a folder, as `--wearable` takes")
    command.add_argument("--out", type=Path, required=True, metavar="CSV", help="the file to write")
    command.set_defaults(run=estimate)


def estimate(arguments: argparse.Namespace) -> int:
    """Write the state at each second."""
    from synth.estimator.run import write_estimates
    from synth.wearables.recording import open_recording

    recording = open_recording(arguments.recording)
    for repair in recording.repairs:
        print(f"synth: repaired: {repair}", file=sys.stderr)
    seconds = write_estimates(recording, arguments.out)
    print(f"{arguments.out}: {seconds} seconds of state")
    return 0
