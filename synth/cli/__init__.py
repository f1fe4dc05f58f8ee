"""The `synth` command (also `isotone`): one file a group of commands, each imported only as far as it is used."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from synth import __version__
from synth.cli import (
    compose,
    devices,
    doctor,
    estimate,
    export,
    listen,
    midi,
    play,
    preset,
    record,
    render,
    report,
    serve,
    tables,
    terms,
    tunings,
    warmup,
)

USAGE_ERROR, INTERRUPTED, BUG = 2, 130, 1

_DESCRIPTION = "Adaptive generative music, synthesized while it plays and steered by what a wearable senses."
_EPILOG = """\
start here:
  synth presets                                     what there is to play
  synth render settle --minutes 5 --out session     five minutes of music, with score and report
  synth render settle --wearable PATH               the same, steered by a recording
  synth play settle                                 live, through the sound of this machine
  synth listen ble                                  what a live sensor says, and what is believed of it
  synth COMMAND --help                              each command with examples
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and where to read more."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE_ERROR, f"{self.prog}: {message}\n(`{self.prog} --help` shows how it is used)\n")


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = _Parser(
        prog="synth",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"isotone {__version__}")
    top.add_argument("--debug", action="store_true", help="show the whole traceback of an error")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)
    for group in (
        render,
        play,
        serve,
        midi,
        compose,
        preset,
        tables,
        tunings,
        estimate,
        listen,
        record,
        report,
        export,
        terms,
        warmup,
        doctor,
        devices,
    ):
        group.add(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code: 0 done, 2 something to change, 130 interrupted, 1 a fault of ours."""
    try:
        arguments = parser().parse_args(argv)
    except SystemExit as done:
        return int(done.code or 0)
    try:
        return int(arguments.run(arguments))
    except KeyboardInterrupt as stop:
        print(f"synth: stopped. {stop}".rstrip(), file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of a pipe, such as `head`, has seen enough
        sys.stderr.close()
        return 0
    except Exception as error:
        if arguments.debug:
            raise
        told = _for_people(error)
        if told:
            print(f"synth: {told}", file=sys.stderr)
            return USAGE_ERROR
        print(f"synth: a fault in isotone itself: {type(error).__name__}: {error}", file=sys.stderr)
        print("please report it, with what `synth --debug` and the same command prints", file=sys.stderr)
        return BUG


def _for_people(error: Exception) -> str:
    """What a person can do something about: our own errors say it, the system's say what failed where; else nothing."""
    if type(error).__module__.partition(".")[0] == "synth":
        return str(error)
    if isinstance(error, OSError):
        where = "" if error.filename is None else f"{error.filename}: "
        return f"{where}{error.strerror or error}"
    return ""
