"""The terms of a session on the command line, and `synth screening`: the questions before a first session."""

from __future__ import annotations

import argparse
import tomllib
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synth.cli.arguments import add_command

if TYPE_CHECKING:
    from synth.cli.arguments import Commands
    from synth.session.terms import Asked

_SCREENING = """\
  synth screening                           the questions, and what each answer closes
  synth screening > ann.toml                a file to fill in
  synth render settle --screening ann.toml
"""


def add(commands: Commands) -> None:
    """Add the command that prints the questions."""
    command = add_command(commands, "screening", "print the safety questions as a file to fill in", _SCREENING)
    command.set_defaults(run=screening)


def add_terms(command: argparse.ArgumentParser) -> None:
    """The arguments that say who listens, what they chose, and what is not to be."""
    group = command.add_argument_group("terms of the session")
    group.add_argument(
        "--policy",
        choices=("L0", "L1", "L2"),
        help="L0: the plan on time; L1: from a start that meets the person; L2: paced by their signals too (usual)",
    )
    group.add_argument("--palette", metavar="NAME", help="other instruments, one of the preset's own palettes")
    group.add_argument(
        "--constraint",
        dest="constraints",
        action="append",
        default=[],
        metavar="WORDS",
        help="'no percussion', 'no birds', 'nothing above 70 bpm', 'no key changes'; may be given again",
    )
    group.add_argument(
        "--feeling",
        type=_feeling,
        metavar="A[,V]",
        help="how the person feels now: arousal, and valence, from -1 to 1; the session starts there",
    )
    group.add_argument(
        "--screening", type=Path, metavar="FILE", help="answers to the safety questions (`synth screening`)"
    )
    group.add_argument(
        "--calibration",
        metavar="DB|FILE",
        help="dB SPL at the ear of -20 LUFS, as measured; without it nothing is told in dB SPL",
    )
    group.add_argument(
        "--ledger", type=Path, metavar="FILE", help="the person's week of sound so far; this session is added to it"
    )
    group.add_argument("--supervised", action="store_true", help="someone is with the person")
    group.add_argument(
        "--haptic",
        action="store_true",
        help="add haptic.flac, a low signal for a cushion or a wristband; the safety questions must have opened it",
    )


def asked(arguments: argparse.Namespace) -> Asked:
    """The terms that were given."""
    terms: Asked = {
        "policy": arguments.policy,
        "constraints": arguments.constraints,
        "self_report": arguments.feeling,
        "screening": read_answers(arguments.screening) if arguments.screening else None,
        "supervised": arguments.supervised,
        "haptic": arguments.haptic,
    }
    if arguments.calibration:
        terms["calibration"] = arguments.calibration
    if arguments.ledger:
        if not arguments.calibration:
            from synth.safety.dose import CalibrationError

            raise CalibrationError("--ledger counts a dose of sound, and needs --calibration for that")
        terms["week"], terms["today"] = arguments.ledger, date.today()
    if arguments.palette:
        terms["palette"] = arguments.palette
    return terms


def read_answers(path: Path) -> dict[str, Any]:
    """The answers in a TOML file. ScreeningError when it cannot be read."""
    from synth.preset_file import read_text
    from synth.safety.screening import ScreeningError

    try:
        return tomllib.loads(read_text(path))
    except (OSError, ValueError, RecursionError) as error:
        raise ScreeningError(f"{path}: no answers can be read from it: {error}") from None


def screening(arguments: argparse.Namespace) -> int:
    """Print the questions as TOML."""
    from synth.safety.screening import QUESTIONS

    print("# Answer true or false; what is left out is taken the cautious way. Answers only ever close something.\n")
    for question in QUESTIONS:
        closes = ", ".join(question.closes).replace("_", " ")
        unanswered = "yes or no answer" if question.cautious else "yes"
        print(f"# {question.text}\n# ({unanswered}: {closes})\n# {question.key} = false\n")
    print("# Age in years.\n# age = 30\n\n# No to every question above that is not answered.\n# none_of_these = true")
    return 0


def _feeling(text: str) -> dict[str, float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if not 1 <= len(values) <= 2 or not all(-1.0 <= value <= 1.0 for value in values):
        raise argparse.ArgumentTypeError(f"{text!r}: give arousal, or arousal,valence, each from -1 to 1")
    return dict(zip(("arousal", "valence"), values, strict=False))
