"""`synth estimate`: what a recording says about its wearer, second by second, as the engine would believe it live."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from synth.cli.arguments import add_command

if TYPE_CHECKING:
    from synth.cli.arguments import Commands

COLUMNS = ("t_s", "arousal", "confidence", "p_elevated", "hr_bpm", "rmssd_ms", "scr_per_min", "resp_bpm", "motion")
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
    import csv
    import sys

    from synth.estimator.estimator import Estimator
    from synth.wearables.recording import open_recording

    recording = open_recording(arguments.recording)
    for repair in recording.repairs:
        print(f"synth: repaired: {repair}", file=sys.stderr)
    estimator = Estimator()
    with arguments.out.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(COLUMNS)
        seconds = 0
        for now_s, batch in recording.batches():
            for samples in batch:
                estimator.feed(samples)
            state = estimator.tick(now_s)
            out.writerow([f"{now_s:g}", *(_cell(getattr(state, name)) for name in COLUMNS[1:])])
            seconds += 1
    print(f"{arguments.out}: {seconds} seconds of state")
    return 0


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
