"""A scale of your own: a Scala file as a tuning, and a scene in another culture's scale, as a minute of music.

python examples/10_own_scale.py [FOLDER]
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from synth import load_preset
from synth.output.render import render_session
from synth.preset import Scene

SEPTIMAL = """\
! septimal.scl
Twelve notes in just intonation, with the seventh partial for its flat seventh
 12
!
 16/15
 9/8
 7/6
 5/4
 4/3
 7/5
 3/2
 14/9
 5/3
 7/4
 15/8
 2/1
"""


def main(folder: str = "example-scale") -> None:
    Path(folder).mkdir(exist_ok=True)
    scala = Path(folder) / "septimal.scl"
    scala.write_text(SEPTIMAL)
    preset = load_preset("settle")
    phases = tuple(replace(phase, scene="") for phase in preset.phases)

    own = Scene("own", "hymn", practice="modal", tuning=str(scala))
    raga = Scene("raga", "alap", scale="bhoopali")  # inspired by; `synth tunings` tells the source
    for scene in (own, raga):
        out = Path(folder) / scene.name
        render_session(replace(preset, scenes=(scene,), phases=phases), out, minutes=1, seed=1, overwrite=True)
        print(out / "mix.flac")


if __name__ == "__main__":
    main(*sys.argv[1:])
