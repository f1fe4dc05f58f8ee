"""`synth tunings`: the scales and tunings there are, and what is in a Scala file."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from synth.cli.arguments import add_command
from synth.controls import KEYS
from synth.units import note_to_hz

if TYPE_CHECKING:
    from synth.cli.arguments import Commands
    from synth.tuning.scale import TunedScale
    from synth.tuning.tuning import Tuning

_EXAMPLES = """\
  synth tunings                              all scales and tunings
  synth tunings maqam                        the scales of one culture
  synth tunings werckmeister-3               one tuning or scale
  synth tunings mine.scl                     check a Scala file and show what it makes of the keys
  synth tunings mine.scl --kbm mine.kbm      with a keyboard mapping
  synth tunings --json                       for programs
"""
_INDENT = " " * 22


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(commands, "tunings", "list scales and tunings, or check a Scala file", _EXAMPLES)
    command.add_argument("tuning", metavar="NAME|FILE.scl", nargs="?", help="a tuning, scale, culture or Scala file")
    command.add_argument("--kbm", type=Path, metavar="FILE", help="a Scala keyboard mapping for FILE.scl")
    command.add_argument("--json", action="store_true", help="as JSON")
    command.set_defaults(run=tunings)


def tunings(arguments: argparse.Namespace) -> int:
    """List what there is, or show one. TuningError for a file that cannot be used."""
    from synth.tuning.catalogue import catalogue, tuning
    from synth.tuning.catalogue import tunings as known
    from synth.tuning.scala import TuningError

    show = _print_json if arguments.json else _print_text
    if arguments.tuning is None:
        if arguments.kbm is not None:
            raise TuningError(f"{arguments.kbm} maps the notes of a .scl file: name that file too")
        show(catalogue().values(), tuple(known().values()))
        return 0
    culture = [scale for scale in catalogue().values() if scale.culture == arguments.tuning]
    if culture and arguments.kbm is None:
        show(culture, [])
        return 0
    found = tuning(arguments.tuning, arguments.kbm)
    scale = None if arguments.tuning in known() else catalogue().get(arguments.tuning)
    if arguments.json:
        _print_json([scale] if scale else [], [found])
    else:
        print("\n".join([_scale_text(scale), *_use(scale)] if scale else [_head(found) + _told(found)]))
        print("\n".join(_keys(found)))
    return 0


def _print_json(scales: Iterable[TunedScale], tunings: Collection[Tuning]) -> None:
    import json
    from dataclasses import asdict

    data = {
        "scales": [{**asdict(scale), "brightness": scale.brightness} for scale in scales],
        "tunings": [{**asdict(tuning), "cents": tuning.cents} for tuning in tunings],
    }
    print(json.dumps(data, indent=2, ensure_ascii=False))


def _print_text(scales: Iterable[TunedScale], tunings: Collection[Tuning]) -> None:
    print("scales: cents above the tonic; each culture's from bright to dark")
    for culture, members in _by_culture(scales).items():
        print("\n".join(["", culture, *(f"  {_scale_text(scale)}" for scale in members)]))
    if not tunings:
        return
    print("\ntunings: cents of twelve keys and the octave\n")
    print("\n".join(f"  {_head(tuning)}\n{_INDENT}{_cents(tuning.cents)}{_told(tuning)}" for tuning in tunings))


def _by_culture(scales: Iterable[TunedScale]) -> dict[str, list[TunedScale]]:
    cultures: dict[str, list[TunedScale]] = {}
    for scale in sorted(scales, key=lambda scale: (scale.culture, -scale.brightness, scale.name)):
        cultures.setdefault(scale.culture, []).append(scale)
    return cultures


def _scale_text(scale: TunedScale) -> str:
    period = "" if scale.period_cents == 1200.0 else f" | {scale.period_cents:g}"
    return f"{scale.name:20}{_cents(scale.cents)}{period}{_told(scale)}"


def _told(what: TunedScale | Tuning) -> str:
    """Title, source and credit."""
    return "".join(f"\n{_INDENT}{line}" for line in (what.title, what.source, what.credit) if line)


def _use(scale: TunedScale) -> Iterator[str]:
    """How a scale is used, degrees counted from 0."""
    for name in ("ascent", "descent", "chief", "drone"):
        if degrees := getattr(scale, name):
            yield f"{_INDENT}{name}: {' '.join(map(str, degrees))}"
    if scale.ornaments:
        yield f"{_INDENT}ornaments: {', '.join(f'{degree} {how}' for degree, how in scale.ornaments.items())}"
    if scale.ombak_hz:
        yield f"{_INDENT}paired instruments beat at {scale.ombak_hz:g} Hz"


def _head(tuning: Tuning) -> str:
    place = "around the tonic" if tuning.anchor is None else f"on {KEYS[tuning.anchor]} in every key"
    return f"{tuning.name:20}{place}"


def _keys(tuning: Tuning) -> Iterator[str]:
    """The twelve keys and the octave, from the first of them, or from C where the first is the tonic."""
    first = tuning.anchor or 0
    yield "\nkey     cents   off equal         Hz"
    for place, cents in enumerate(tuning.cents):
        key = 60 + first + place
        pitch = tuning.pitch(key, first)
        yield f"{KEYS[key % 12]:3}{cents:10.3f}{100.0 * (pitch - key):+12.3f}{note_to_hz(pitch):11.3f}"


def _cents(values: Sequence[float]) -> str:
    return " ".join(f"{value:.1f}".removesuffix(".0") for value in values)
