"""Four minutes of music as a score: MIDI, JSON, a piano roll, and engraved pages where Verovio is installed.

python examples/08_compose.py [PRESET] [FOLDER]
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from synth.output.compose import compose_score, summary_of, write_composition


def main(preset: str = "settle", folder: str = "example-composition") -> None:
    score = compose_score(preset, minutes=4, seed=3, settings={"density_hz": 1.2})
    print(*summary_of(score), sep="\n")

    kinds = ["midi", "json", "roll", "musicxml"]
    if find_spec("verovio"):  # pip install "isotone[engrave]"
        kinds.append("engrave")
    Path(folder).mkdir(exist_ok=True)
    for path in write_composition(score, Path(folder), kinds, title=preset.capitalize(), subtitle="isotone, seed 3"):
        print(path)

    highest = max((note for note in score.notes if note.stem == "melody"), key=lambda note: note.pitch)
    print(f"the melody's highest note: {highest.pitch:.0f} at beat {highest.tick / 960:.1f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
