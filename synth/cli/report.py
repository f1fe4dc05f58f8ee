"""`synth report`: the pages of a session, made again from its record and its controls."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from synth.cli.arguments import add_command

if TYPE_CHECKING:
    from synth.cli.arguments import Commands

_EXAMPLES = """\
  synth report session                        report.html and person.html, made again
  synth report session --person --pdf         the page for the person, and as PDF (pip install 'isotone[pdf]')
  synth report session --out elsewhere        into another folder

DIR is a folder that `synth render` wrote: session.jsonl and controls.csv are read, nothing else; a session that
broke off has its pages up to there. They hold what the record holds of the person: only their owner may read them
"""


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands, "report", "make a session's pages again, for the professional and the person", _EXAMPLES
    )
    command.add_argument("session", metavar="DIR", type=Path, help="a session's folder")
    command.add_argument("--pdf", action="store_true", help="as PDF beside the HTML pages (extra `pdf`)")
    command.add_argument("--person", action="store_true", help="only the page for the person")
    command.add_argument("--out", type=Path, metavar="DIR", help="the folder to write to (default: the session's own)")
    command.add_argument("--key-file", type=Path, metavar="FILE", help="the key that the record was written with")
    command.set_defaults(run=report)


def report(arguments: argparse.Namespace) -> int:
    """Write the pages, and say which."""
    from synth.record.pages import write_pages

    out = arguments.session if arguments.out is None else arguments.out
    for path in write_pages(
        arguments.session, out, pdf=arguments.pdf, person=arguments.person, key=_key(arguments.key_file)
    ):
        print(path)
    return 0


def _key(path: Path | None) -> bytes | None:
    if path is None:
        return None
    from synth.record.chain import read_key

    key, warning = read_key(path)
    if warning:
        print(f"synth: {warning}", file=sys.stderr)
    return key
