"""`synth estimate`: what a recording says about its wearer, second by second, as the engine would believe it live."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from synth.cli.arguments import add_command

if TYPE_CHECKING:
    from synth.cli.arguments import Commands
    from synth.estimator.state import State

_EXAMPLES = """\
  synth estimate assets/recording --out state.csv
  synth estimate empatica-e4.zip --out state.csv
  synth estimate heard.jsonl.gz --out state.csv

PATH is a folder with a table a channel (hr.csv, ibi.csv, eda.csv, ...), one table with the columns time, channel and
value, an Empatica E4's folder or .zip, or a log in JSON lines such as `synth listen --save` writes

each row uses only what was sensed up to its second; a measure that cannot be told is left empty, and so is a
source's trouble when it has none
"""


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands, "estimate", "estimate the wearer's state over a recording, once a second", _EXAMPLES
    )
    command.add_argument("recording", metavar="PATH", type=Path, help="a recording, as `--wearable` takes")
    command.add_argument("--out", type=Path, required=True, metavar="CSV", help="the file to write")
    command.set_defaults(run=estimate)


def estimate(arguments: argparse.Namespace) -> int:
    """Write the state at each second."""
    from synth.estimator.estimator import Estimator
    from synth.estimator.run import estimates, write_states
    from synth.wearables.recording import open_recording

    recording = open_recording(arguments.recording)
    tell_repairs(recording.repairs)
    estimator, tally = Estimator(), Tally()
    seconds = write_states((tally.add(state) for state in estimates(recording, estimator)), arguments.out)
    tell_repairs(estimator.repairs)
    print(f"{arguments.out}: {seconds} seconds of state")
    print(tally.text)
    return 0


def tell_repairs(repairs: Iterable[str]) -> None:
    """Say on stderr what was mended."""
    for repair in repairs:
        print(f"synth: repaired: {repair}", file=sys.stderr)


class Tally:
    """What states, one a second, come to."""

    def __init__(self) -> None:
        self.seconds = 0
        self._confidence = 0.0
        self._aside: dict[str, dict[str, int]] = {"heart": {}, "skin": {}}

    def add(self, state: State) -> State:
        """Count a state, and hand it on."""
        self.seconds += 1
        self._confidence += state.confidence
        for source, trouble in (("heart", state.heart_trouble), ("skin", state.skin_trouble)):
            if trouble:
                self._aside[source][trouble] = self._aside[source].get(trouble, 0) + 1
        return state

    @property
    def text(self) -> str:
        """Minutes, mean confidence, and for how long each source was set aside and why, in one line."""
        if not self.seconds:
            return "nothing was heard"
        mean = self._confidence / self.seconds
        aside = ", ".join(f"{source} {_seconds(why)}" for source, why in self._aside.items())
        return f"{self.seconds / 60:.1f} minutes, mean confidence {mean:.2f}; set aside: {aside}"


def _seconds(why: dict[str, int]) -> str:
    if not why:
        return "never"
    parts = ", ".join(f"{trouble} {seconds} s" for trouble, seconds in sorted(why.items(), key=lambda item: -item[1]))
    return f"{sum(why.values())} s ({parts})"
