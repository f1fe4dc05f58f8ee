"""Draws the pictures of composed scores that the documents show: piano rolls, a map and engraved pages.

    pip install "isotone[engrave]"
    python assets/make_pictures.py

Writes `assets/composer/`. The same engine gives the same pictures; run it again when the composer changes.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from synth.output.compose import compose_score, write_composition
from synth.output.pictures.overview import write_overview
from synth.preset import load_preset

OUT = Path(__file__).parent / "composer"
SEED = 3
SHOWN = (("settle", 2.0), ("short-break", 2.0))  # a roll and the first engraved page of each
MAPPED = ("drift-and-return", 60.0)


def main() -> None:
    OUT.mkdir(exist_ok=True)
    for old in OUT.glob("*.svg"):
        old.unlink()
    for name, minutes in SHOWN:
        title = load_preset(name).title
        score = compose_score(name, minutes=minutes, seed=SEED)
        with TemporaryDirectory() as folder:
            files = write_composition(score, Path(folder), ("roll", "engrave"), title, f"isotone, seed {SEED}")
            pictures = {path.stem.removesuffix("-01"): path for path in reversed(files) if path.suffix == ".svg"}
            for kind, path in pictures.items():
                if kind in ("roll", "score"):
                    (OUT / f"{name}-{kind}.svg").write_bytes(path.read_bytes())
    name, minutes = MAPPED
    write_overview(compose_score(name, minutes=minutes, seed=SEED), OUT / f"{name}-map.svg", load_preset(name).title)


if __name__ == "__main__":
    main()
