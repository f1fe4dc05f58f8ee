"""The learned composer of lines against the rule-based one and against the tunes it learned from.

    python bench/melody.py [--corpus FOLDER] [--minutes 10] [--seeds 5] [--presets settle focus ...] [--only bits|lines]

Needs music21. First, bits a tone on the held-out test pieces (less is better; 95 % intervals over tune families): the
shipped network, Markov models of linked viewpoints trained on the same pieces, and the rule-based line, of which only
pitch given rhythm can be said. Then what can be counted of lines: the test pieces, sessions of the built-in composer,
and the learned composer invited to the same phrases (same place, length, number of tones, register and close).
These are figures of notes; nobody listened.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import melody_lines
import melody_rules
import numpy as np
from melody_corpus import Piece, bootstrap, read
from melody_ppm import Markov
from numpy.typing import NDArray

from synth.composer.learned import LearnedMelody
from synth.composer.learned.model import shipped, surprise

PRESETS = ("settle", "sleep", "drift-and-return", "gentle")
FIRST_SEED = 100
GIVEN = ("range", "tones", "last tone", "rests")  # the invitation's or the rules' doing: tunes are no goal for these
Numbers = NDArray[np.float64]


def bits(pieces: Sequence[Piece]) -> None:
    """The table of bits a tone."""
    training, valid, test = ([p for p in pieces if p.use == use] for use in ("train", "valid", "test"))
    network = np.array([pair for p in test for part in p.parts for pair in surprise(shipped(), p.metre, p.air, part)])
    markov = Markov(training, valid).surprise(test)
    owner = np.repeat(np.arange(len(test)), [sum(len(part) - 1 for part in p.parts) for p in test])
    pitch = {"network": network[:, 1], "Markov": markov[:, 1], "both, in equal parts": _mixed(network, markov)[:, 1]}
    for chord in melody_rules.CHORDS:
        pitch[f"rules, chord {chord}"] = melody_rules.surprise(valid, test, chord)
    time = {"network": network[:, 0], "Markov": markov[:, 0]}
    both = {"network": network.sum(axis=1), "Markov": markov.sum(axis=1)}
    for title, air in (("all test pieces", None), ("slow airs", True), ("dances", False)):
        chosen = [i for i, p in enumerate(test) if air is None or p.air == air]
        families = len({test[i].family for i in chosen})
        print(f"\n{title}: {len(chosen)} pieces of {families} families; bits a tone [95 %]")
        for what, said in (("time and pitch", both), ("time", time), ("pitch given rhythm", pitch)):
            for name, values in said.items():
                mean, low, high = _interval(values, owner, test, chosen)
                against = ""
                if name != "network":
                    apart = _interval(values - said["network"], owner, test, chosen)
                    against = f"   against the network {apart[0]:+.3f} [{apart[1]:+.3f}, {apart[2]:+.3f}]"
                print(f"  {what:20} {name:22} {mean:.3f} [{low:.3f}, {high:.3f}]{against}")


def _mixed(a: Numbers, b: Numbers) -> Numbers:
    return -np.log2(0.5 * 2.0**-a + 0.5 * 2.0**-b)


def _interval(
    values: Numbers, owner: NDArray[np.int64], test: Sequence[Piece], chosen: Sequence[int]
) -> tuple[float, float, float]:
    sums = np.bincount(owner, values, len(test))
    tones = np.bincount(owner, minlength=len(test))
    return bootstrap([(test[i].family, float(sums[i]), int(tones[i])) for i in chosen])


def lines(pieces: Sequence[Piece], presets: Sequence[str], seeds: int, minutes: float) -> None:
    """The table of what can be counted."""
    guest = LearnedMelody()
    rules, learned = [], []
    for preset in presets:
        for seed in range(FIRST_SEED, FIRST_SEED + seeds):
            line, invitations = melody_lines.of_rules(preset, seed, minutes)
            rules.append(line)
            learned.append(melody_lines.of_learned(line, invitations, guest))
    training, test = ([p for p in pieces if p.use == use] for use in ("train", "test"))
    groups = {
        "slow airs": melody_lines.of_tunes([p for p in test if p.air]),
        "all tunes": melody_lines.of_tunes(test),
        "rules": rules,
        "learned": learned,
    }
    columns = {name: melody_lines.measures(group) for name, group in groups.items()}
    for name, group in groups.items():
        columns[name]["runs of 8 steps in training tunes"] = melody_lines.copied(group, training)
    print(
        f"\nlines: {len(rules)} sessions of {minutes:g} minutes, {sum(map(len, rules))} phrases ({', '.join(presets)})"
    )
    print(f"  {'':34}" + "".join(f"{name:>11}" for name in columns) + "   nearer to the airs")
    for name in columns["learned"]:
        cells = "".join(f"{column[name]:11.2f}" if name in column else f"{'-':>11}" for column in columns.values())
        nearer = ""
        if name in columns["slow airs"] and not name.startswith(GIVEN):
            want = columns["slow airs"][name]
            apart = {who: abs(columns[who][name] - want) for who in ("rules", "learned")}
            nearer = "" if abs(apart["rules"] - apart["learned"]) < 0.01 else min(apart, key=lambda who: apart[who])
        print(f"  {name:34}{cells}   {nearer}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, help="music21's corpus folder, when not that of the installed package")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--presets", nargs="+", default=PRESETS)
    parser.add_argument("--only", choices=("bits", "lines"))
    arguments = parser.parse_args()
    pieces = read(arguments.corpus)
    if arguments.only != "lines":
        bits(pieces)
    if arguments.only != "bits":
        lines(pieces, arguments.presets, arguments.seeds, arguments.minutes)


if __name__ == "__main__":
    main()
