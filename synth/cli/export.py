"""`synth export`: a rendered session for a DAW."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from synth.cli.arguments import add_command

if TYPE_CHECKING:
    from synth.cli.arguments import Commands

FORMATS = ("dawproject", "reaper", "ardour", "wav", "midi")
_EXAMPLES = """\
  synth export session --to dawproject            session.dawproject: Bitwig Studio, Cubase, Studio One
  synth export session --to reaper                session-reaper/: a project with its audio beside it
  synth export session --to ardour --out take-1   take-1/: a session for Ardour 7 and later
  synth export session --to wav                   session-wav/: stems with markers, for any DAW
  synth export session --to midi                  session.mid: notes, markers, and the controls as controllers

DIR is a folder that `synth render` wrote; one that `synth play` wrote has no stems yet: `synth replay DIR --out NEW`
makes them. Every stem has a track of its own from 0 on, with every fader at 0 dB: what the session did to levels and
filters is in the audio. Mix, premaster, notes and controls come along muted
"""


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(commands, "export", "hand a rendered session to a DAW", _EXAMPLES)
    command.add_argument("session", metavar="DIR", type=Path, help="a session's folder")
    command.add_argument("--to", dest="format", choices=FORMATS, required=True, help="what to write")
    command.add_argument(
        "--out", type=Path, metavar="PATH", help="the file or folder to write (default: beside DIR, under its name)"
    )
    command.add_argument("--overwrite", action="store_true", help="replace an export that is there already")
    command.set_defaults(run=export)


def export(arguments: argparse.Namespace) -> int:
    """Export a session, and say what it became."""
    from synth.cli.progress import music_progress
    from synth.output.export.export import export_session

    with music_progress(f"exporting {arguments.session}") as progress:
        done = export_session(
            arguments.session, arguments.format, arguments.out, overwrite=arguments.overwrite, progress=progress
        )
    for remark in done.remarks:
        print(f"synth: {remark}", file=sys.stderr)
    for path in done.files:
        print(f"  {path}")
    project = done.project
    if arguments.format != "midi":
        muted = ", ".join(take.name for take in project.references)
        print(f"{len(project.stems)} stems that sum to the {project.total}, and for comparison: {muted}")
    if len(done.files) > 1 and arguments.format != "wav":
        print(f"open {done.files[0]}")
    return 0
