"""`synth compose`: a session's score alone, as files for other programs and as pictures."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from synth.cli.arguments import add_command, add_composition
from synth.cli.render import note_repairs
from synth.cli.terms import add_terms, asked

if TYPE_CHECKING:
    from synth.cli.arguments import Commands

_LONGEST_MIN = 31 * 24 * 60
_NEEDED_BYTES = 20_000_000
_COMPOSE = """\
  synth compose settle --minutes 10 --seed 3 --out piece
  synth compose focus --minutes 4 --roll --engrave --out piece       piano roll, MusicXML and engraved pages
  synth compose sleep --bars 32 --set key=F --out piece
  synth compose settle --tune lullaby.mid --out piece                the melody starts from a tune of yours
  synth compose focus --controls script.csv --out score.mid          the MIDI file alone

the folder holds score.mid and score.json (notes, tempo, keys and markers in plain words) and what else was chosen;
the pictures are SVG: open them in a browser
"""
_CHOICES = {
    "midi": "score.mid (default)",
    "json": "score.json (default)",
    "notesequence": "score.pb, a NoteSequence (extra magenta)",
    "roll": "roll.svg, a piano roll with form, chords and tension; over 5 minutes map.svg too",
    "musicxml": "score.musicxml: melody, bells, chords and bass for a notation program",
    "engrave": "that, and score.svg, a page a file (extra engrave)",
}
_DEFAULT = ("midi", "json")


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(commands, "compose", "write a session's score without its audio", _COMPOSE)
    add_composition(command, longest_min=_LONGEST_MIN)
    command.add_argument("--bars", type=int, metavar="N", help="length in bars, in place of minutes")
    command.add_argument("--tune", type=Path, metavar="FILE", help="a MIDI file whose tune the melody starts from")
    command.add_argument(
        "--out",
        type=Path,
        default=Path("composition"),
        metavar="DIR",
        help="folder to write (default composition), or a file.mid for the MIDI file alone",
    )
    command.add_argument("--overwrite", action="store_true", help="replace a score that is there already")
    group = command.add_argument_group("what is written")
    for kind, what in _CHOICES.items():
        group.add_argument(f"--{kind}", action=argparse.BooleanOptionalAction, default=kind in _DEFAULT, help=what)
    add_terms(command)
    command.set_defaults(run=compose)


def compose(arguments: argparse.Namespace) -> int:
    """Write a session's score."""
    from synth.cli.progress import music_progress
    from synth.cli.script import Script, read_script
    from synth.output.compose import check_kinds, compose_score, summary_of, write_composition
    from synth.output.folder import prepare_file, prepare_folder
    from synth.preset import load_preset
    from synth.score.midi import write_midi

    alone = arguments.out.suffix.lower() in (".mid", ".midi")
    kinds = [kind for kind in _CHOICES if getattr(arguments, kind)]
    check_kinds(kinds)
    script = read_script(arguments.controls) if arguments.controls else Script([], [])
    note_repairs(script.repairs)
    preset = load_preset(arguments.preset)
    if alone:
        prepare_file(arguments.out, overwrite=arguments.overwrite)
    else:
        prepare_folder(arguments.out, _NEEDED_BYTES, overwrite=arguments.overwrite)
    began = time.perf_counter()
    with music_progress(f"composing {arguments.preset}") as progress:
        score = compose_score(
            preset,
            minutes=arguments.minutes,
            bars=arguments.bars,
            seed=arguments.seed,
            settings=dict(arguments.settings),
            script=script.requests,
            progress=progress,
            tune=arguments.tune,
            **asked(arguments),
        )
    composed_s = time.perf_counter() - began
    if alone:
        write_midi(score, arguments.out)
        files = [arguments.out]
    else:
        files = write_composition(score, arguments.out, kinds, preset.title, f"isotone, seed {arguments.seed}")
    for line in summary_of(score):
        print(line)
    print(f"composed in {composed_s:.1f} s, written in {time.perf_counter() - began - composed_s:.1f} s")
    for path in files:
        print(f"  {path}")
    return 0
