"""`synth midi`: the ports of this machine, what knobs move, and learning it; `synth layout` for control surfaces."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from synth.cli.arguments import add_command

if TYPE_CHECKING:
    from synth.cli.arguments import Commands

_MIDI = """\
  synth midi ports                                   what `--midi-in` and `--midi-out` may name
  synth midi map                                     what knobs, pads and keys move
  synth midi learn brightness_oct --midi-in nanoKONTROL   then turn the knob
  synth midi learn panic --midi-in nanoKONTROL       then hit the pad
"""
_LAYOUT = """\
  synth layout open-stage-control --out isotone.json
  synth layout touchosc --out isotone.tosc
"""
LEARN_S = 30.0


def add(commands: Commands) -> None:
    """Add both commands."""
    command = add_command(commands, "midi", "list MIDI ports, show what knobs move, learn a knob", _MIDI)
    command.add_argument("what", choices=("ports", "map", "learn"))
    command.add_argument(
        "target", nargs="?", metavar="TARGET", help="to learn: a control, a verb, panic, stop or release"
    )
    command.add_argument("--midi-in", metavar="PORT", help="part of a port's name")
    command.add_argument("--midi-map", metavar="TOML", help="file of the map; the person's own if not given")
    command.set_defaults(run=midi)
    command = add_command(commands, "layout", "write a layout for a control surface", _LAYOUT)
    command.add_argument("kind", metavar="KIND", help="open-stage-control or touchosc")
    command.add_argument("--out", type=Path, metavar="FILE", help="file to write (default isotone with its suffix)")
    command.set_defaults(run=layout)


def midi(arguments: argparse.Namespace) -> int:
    """Do one of the three."""
    return {"ports": _ports, "map": _map, "learn": _learn}[arguments.what](arguments)


def layout(arguments: argparse.Namespace) -> int:
    """Write a layout."""
    from synth.control.layouts import write_layout

    print(f"{write_layout(arguments.kind, arguments.out or Path('isotone'))}: open it in {arguments.kind}")
    return 0


def _ports(arguments: argparse.Namespace) -> int:
    from synth.control.midi.ports import port_names

    for title, names in zip(("inputs", "outputs"), port_names(), strict=True):
        print(f"{title}:")
        for name in names or ("none",):
            print(f"  {name}")
    return 0


def _map(arguments: argparse.Namespace) -> int:
    from synth.control.midi.mapfile import MapFile, default_path
    from synth.control.midi.mapping import default_bindings

    path = Path(arguments.midi_map or default_path())
    mapping, told = MapFile(path).load()
    for line in told:
        print(f"synth: {line}")
    print(f"{path}{'' if path.exists() else ' (not there yet: the usual map)'}")
    for binding in (*mapping.bindings, *(default_bindings() if mapping.defaults else ())):
        print(f"  {binding.source.text:24} {binding.target}")
    return 0


def _learn(arguments: argparse.Namespace) -> int:
    from synth.control.midi.hands import MidiHands
    from synth.control.midi.mapfile import MapFile, default_path
    from synth.control.midi.mapping import MidiError
    from synth.control.midi.ports import MidiPorts
    from synth.session import Session

    if not arguments.target or not arguments.midi_in:
        raise MidiError("give what is to be learned and --midi-in: `synth midi learn brightness_oct --midi-in nano`")
    path = Path(arguments.midi_map or default_path())
    nobody = Session("settle", minutes=1, audio=False)
    played = MidiHands(nobody, file=MapFile(path))
    ports = MidiPorts(played, inputs=[arguments.midi_in])
    played.learn(arguments.target)
    ports.start()
    try:
        print(f"move the knob or hit the pad for {arguments.target} ({LEARN_S:g} s)", flush=True)
        until = time.monotonic() + LEARN_S
        while played.learning and time.monotonic() < until:
            played.tick(time.monotonic())
            time.sleep(0.02)
        learned = not played.learning
    finally:
        ports.close()
        played.close()
    for line in (*ports.words, *played.words):
        print(line)
    if not learned:
        raise MidiError(f"nothing was heard on {arguments.midi_in!r} within {LEARN_S:g} s (`synth midi ports`)")
    print(f"kept in {path}")
    return 0
