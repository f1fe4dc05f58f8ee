"""Trains the learned composer of lines on public-domain tunes out of music21's corpus.

    python bench/train_melody.py [--corpus FOLDER] [--write] [--seed 1]

Needs music21 (it brings the tunes) and the extra `train`. Prints what was read, what each epoch reached on the valid
pieces, and bits a tone of the trained network on the test pieces with a 95 % interval over tune families. `--write`
puts the weights, the list of pieces with their licence basis, and a few test pieces for the project's own tests into
`assets/melodies/`. The same seed, jax and machine give the same weights.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import melody_gru
import numpy as np
from melody_corpus import BASIS, YEARS, Piece, bootstrap, read

from synth.composer.learned.events import IOIS, WIDEST, interval, ioi_class
from synth.composer.learned.features import INTERVALS
from synth.composer.learned.model import METRES, Chains, Model, from_arrays, surprise, to_arrays
from synth.resources import assets_folder

TINY = 12  # test pieces that ship for the tests


def chains_of(pieces: Sequence[Piece]) -> Chains:
    """First-order counts, one added to each; a phrase is four bars."""
    times = np.ones((len(METRES), 4 * max(METRES), len(IOIS)))
    moves, first, last = np.ones((7, len(INTERVALS))), np.ones(7), np.ones(7)
    for piece in pieces:
        metre = METRES.index(piece.metre.beats)
        for part in piece.parts:
            first[next((e for e in part if e.beat >= 0.0), part[0]).step % 7] += 1
            for event, after in zip(part, [*part[1:], None], strict=False):
                four = 4 * piece.metre.beats
                if after is None or after.beat // four > event.beat // four:
                    last[event.step % 7] += 1
                times[
                    metre, round(event.beat % piece.metre.beats * 4) % (4 * piece.metre.beats), ioi_class(event.ioi)
                ] += 1
            for a, b in zip(part, part[1:], strict=False):
                moves[a.step % 7, interval(a.step, b.step) + WIDEST] += 1
    shares = [table / table.sum(axis=-1, keepdims=True) for table in (times, moves, first, last)]
    return Chains(*shares)


def bits_of(model: Model, pieces: Sequence[Piece]) -> list[tuple[float, float, int]]:
    """Bits of time and of pitch in all, and tones told, of each piece."""
    found = []
    for piece in pieces:
        bits = [pair for part in piece.parts for pair in surprise(model, piece.metre, piece.air, part)]
        found.append((sum(t for t, _ in bits), sum(p for _, p in bits), len(bits)))
    return found


def write(model: Model, pieces: Sequence[Piece], folder: Path) -> None:
    """Weights, list of pieces and the tests' few pieces into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / "melody.npz", **to_arrays(model))  # type: ignore[arg-type]
    with open(folder / "pieces.csv", "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("collection", "id", "title", "year", "licence basis", "family", "use"))
        for p in pieces:
            table.writerow((p.collection, p.number, p.title, YEARS[p.collection], BASIS[p.collection], p.family, p.use))
    tests = [p for p in pieces if p.use == "test"]
    tiny = tests[:: max(len(tests) // TINY, 1)][:TINY]
    told = [
        {
            "collection": p.collection,
            "id": p.number,
            "title": p.title,
            "air": p.air,
            "beats": p.metre.beats,
            "strains": [[[e.beat, round(e.ioi, 4), e.step] for e in part] for part in p.parts],
        }
        for p in tiny
    ]
    lines = ",\n".join(json.dumps(piece, ensure_ascii=False, separators=(",", ":")) for piece in told)
    (folder / "held_out.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, help="music21's corpus folder, when not that of the installed package")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="write the weights and lists into assets/melodies")
    arguments = parser.parse_args()
    pieces = read(arguments.corpus)
    by_use = {use: [p for p in pieces if p.use == use] for use in ("train", "valid", "test")}
    for use, some in by_use.items():
        counts = Counter(p.collection for p in some)
        told = ", ".join(f"{count} of {name}" for name, count in sorted(counts.items()))
        families, tones = len({p.family for p in some}), sum(p.notes for p in some)
        print(f"{use}: {len(some)} pieces ({told}), {families} families, {tones} tones")
    weights = melody_gru.train(by_use["train"], by_use["valid"], arguments.seed, print)
    model = from_arrays(to_arrays(Model(weights, chains_of(by_use["train"]))))
    print(f"{sum(w.size for w in weights.values())} weights; as they ship (half precision), on the test pieces:")
    bits = bits_of(model, by_use["test"])
    for title, some in (("all", by_use["test"]), ("slow airs", [p for p in by_use["test"] if p.air])):
        chosen = [(p, b) for p, b in zip(by_use["test"], bits, strict=True) if p in some]
        for name, column in (("time", 0), ("pitch", 1)):
            mean, low, high = bootstrap([(p.family, b[column], b[2]) for p, b in chosen])
            print(f"  {title}: {name} {mean:.3f} bits a tone [{low:.3f}, {high:.3f}]")
    if arguments.write:
        write(model, pieces, assets_folder() / "melodies")


if __name__ == "__main__":
    main()
