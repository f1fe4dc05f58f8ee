"""Does the music take any request, at any time?  python bench/turns.py [--requests N] [--first SEED] [--json]

Sessions of random presets without sound; every 6 to 40 s a person asks for a random control at a random value, now and
then for several at once or for contradictory ones, and gives some back. Then everything is held against what must hold:
each note lies in the scale that sounds at its onset, no control moved faster than its rate (a tempo leaps where the
record says so, and nowhere else), and each request was met within its deferral, or softened with a reason. What was met
is read from the score and from the controls as committed second by second, not from the composer.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from synth import Session, load_preset, preset_names
from synth.controls import CONTROLS, TABLE
from synth.score.clock import Clock
from synth.score.model import KeyChange, Score
from synth.tuning.catalogue import catalogue

RATE, QUANTUM = 48_000, 64
MINUTES = 8.0
APART_S = (6.0, 40.0)
SLACK_S = 12.0  # the phrases of a passage, where something else is on its way as well
OFF_CENTS = 3.0
_HARMONY = ("key", "mode", "scene", "tempo_by")


@dataclass
class Asked:
    """A request, and what became of it."""

    t_s: float
    control: str
    value: float
    repair: str | None = None
    taken: bool = True
    over_s: float = math.inf  # when the same control was asked for again or given back


@dataclass
class Heard:
    """One session: what was asked, the controls each second, the score and the record's leaps."""

    preset: str
    seed: int
    asked: list[Asked] = field(default_factory=list)
    seconds: list[dict[str, float]] = field(default_factory=list)
    leaps: list[dict[str, Any]] = field(default_factory=list)
    score: Score = field(default_factory=lambda: Score(()))


def play(seed: int) -> Heard:
    """A session in which a person asks for one thing after the other."""
    rng = random.Random(seed)
    preset = load_preset(rng.choice(preset_names()))
    lines: list[dict[str, Any]] = []
    session = Session(preset, seed=seed, minutes=MINUTES, audio=False, record=lines.append, supervised=True)
    heard = Heard(preset.name, seed)
    next_s = rng.uniform(*APART_S)
    held: set[str] = set()
    while not session.finished:
        if session.time_s >= next_s and session.time_s < MINUTES * 60.0 - 75.0:
            next_s += rng.uniform(*APART_S)
            for _ in range(rng.choice((1, 1, 1, 2, 3))):
                row = rng.choice(CONTROLS)
                value = rng.uniform(row.low, row.high)
                value = float(round(value)) if row.choices or row.curve == "choice" else value
                session.request(row.name, value, by="hand:bench")
                held.add(row.name)
            if held and rng.random() < 0.3:
                given_back = rng.choice(sorted(held))
                held.remove(given_back)
                session.release(given_back)
        session.render(RATE)
        heard.seconds.append(session.controls)
    for line in lines:
        if line["type"] == "commit" and line["by"] == "hand:bench":
            _over(heard, line)
            heard.asked.append(Asked(line["t_s"], line["control"], line["new"], line.get("repair"), line["accepted"]))
        elif line["type"] == "release":
            _over(heard, line)
        elif line["type"] == "leap":
            heard.leaps.append(line)
    heard.score = session.score
    return heard


def _over(heard: Heard, line: dict[str, Any]) -> None:
    for asked in heard.asked:
        if asked.control == line["control"] and asked.over_s == math.inf:
            asked.over_s = line["t_s"]


def strangers(score: Score) -> list[str]:
    """Notes whose onset is not in the scale that sounds then."""
    found = []
    keys = score.keys
    at = 0
    for note in sorted(score.notes, key=lambda n: n.tick):
        while at + 1 < len(keys) and keys[at + 1].tick <= note.tick:
            at += 1
        if note.stem != "percussion" and not _belongs(note.pitch, keys[at], score.scales):
            found.append(f"{note.stem} {note.pitch:.2f} at beat {note.tick / 960:.1f} in {score.scales[keys[at].mode]}")
    return found


def _belongs(pitch: float, key: KeyChange, scales: tuple[str, ...]) -> bool:
    scale = catalogue()[scales[key.mode]]
    if scale.culture == "western":
        return abs(pitch - round(pitch)) < 0.3 and (round(pitch) - key.key) % 12 in scale.semitones
    for octave in range(-1, 11):
        tonic = 100.0 * (key.key + 60) + (octave - 5) * scale.period_cents
        beats = 1200.0 * math.log2(1.0 + scale.ombak_hz / 27.5)  # a pair's upper tone, at the lowest
        for cents in scale.cents:
            if -OFF_CENTS <= 100.0 * pitch - tonic - cents <= OFF_CENTS + beats * 2.0 ** (-(pitch - 21.0) / 12.0):
                return True
    return False


def too_fast(heard: Heard) -> list[str]:
    """Controls that moved further in a second than their rates let them."""
    found = []
    for t_s, (before, now) in enumerate(zip(heard.seconds, heard.seconds[1:], strict=False), 1):
        for row in CONTROLS:
            if row.curve == "choice" or before[row.name] == now[row.name]:
                continue
            log = row.curve == "log"
            moved = math.log2(now[row.name] / before[row.name]) if log else now[row.name] - before[row.name]
            most = max(row.rate_loop, row.rate_hand, row.rate_down or 0.0) * 1.002 + 1e-6
            if row.name == "tempo_bpm":
                leaps = [
                    math.log2(x["bpm"] / x["before_bpm"]) for x in heard.leaps if t_s - 1.0 <= x["t_s"] <= t_s + 1.5
                ]
                moved = min((moved - leap for leap in (0.0, *leaps)), key=abs)
            if abs(moved) > most:
                found.append(f"{row.name} {before[row.name]:g} to {now[row.name]:g} at {t_s} s")
    return found


def late(heard: Heard) -> list[str]:
    """Requests that were neither met in time nor softened with a reason."""
    clock = Clock(heard.score)
    found = []
    for asked in heard.asked:
        row = TABLE[asked.control]
        until_s = asked.t_s + row.defer_s + SLACK_S
        if not asked.taken or asked.repair is not None or asked.over_s <= until_s:
            continue  # told why, or no longer asked for
        if until_s > MINUTES * 60.0 - 30.0:
            continue  # the ending has begun
        if asked.control in _HARMONY:
            if not _changed(heard, clock, asked, until_s):
                found.append(f"{asked.control} = {row.text(asked.value)} asked at {asked.t_s:.0f} s")
        elif abs(_at(heard, until_s, asked.control) - asked.value) > _short(heard, asked, until_s):
            found.append(f"{asked.control} = {row.text(asked.value)} asked at {asked.t_s:.0f} s has not come")
    return found


def _at(heard: Heard, t_s: float, name: str) -> float:
    return heard.seconds[min(int(t_s), len(heard.seconds) - 1)][name]


def _short(heard: Heard, asked: Asked, until_s: float) -> float:
    """How far a control may still be from what was asked, on its way there at its own rate."""
    row = TABLE[asked.control]
    now, earlier = _at(heard, until_s, asked.control), _at(heard, until_s - 5.0, asked.control)
    nearer = abs(now - asked.value) < abs(earlier - asked.value)
    return math.inf if nearer else 1e-3 * (row.high - row.low)


def _changed(heard: Heard, clock: Clock, asked: Asked, until_s: float) -> bool:
    """Whether the score shows what was asked for: the key, a step of mode, another scene."""
    score = heard.score
    sounding = [key for key in score.keys if clock.seconds(key.tick) <= until_s]
    before = [key for key in score.keys if clock.seconds(key.tick) <= asked.t_s] or score.keys[:1]
    if asked.control == "key":
        return any(key.key == round(asked.value) for key in sounding[max(len(before) - 1, 0) :])
    if asked.control == "mode":
        scale = catalogue()[score.scales[before[-1].mode]]
        modes = [key.mode for key in sounding[len(before) - 1 :]]
        return scale.culture != "western" or round(asked.value) == modes[0] or len(set(modes)) > 1
    if asked.control == "scene":
        names = [scene.name for scene in load_preset(heard.preset).scenes]
        marks = [(clock.seconds(m.tick), m.text) for m in score.markers if m.kind == "scene"]
        sounds = [names[0], *(text for at, text in marks if at <= asked.t_s)][-1]
        if sounds == names[round(asked.value) % len(names)]:
            return True  # another idea of the same kind
        return any(asked.t_s <= at <= until_s for at, _ in marks)
    return True


def main() -> int:
    """Play until so many requests were made, and print what broke."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--first", type=int, default=9001)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    seed, asked = arguments.first, 0
    broken: dict[str, list[str]] = {"outside the scale": [], "too fast": [], "late": []}
    ways: Counter[str] = Counter()
    while asked < arguments.requests:
        heard = play(seed)
        asked += len(heard.asked)
        ways["asked"] += len(heard.asked)
        ways["keys, modes and scenes"] += sum(a.control in _HARMONY for a in heard.asked)
        ways["softened with a reason"] += sum(a.repair is not None for a in heard.asked)
        ways["tempo leaps"] += len(heard.leaps)
        ways["passages"] += sum(m.kind == "passage" for m in heard.score.markers)
        ways["notes"] += len(heard.score.notes)
        for kind, found in zip(broken, (strangers(heard.score), too_fast(heard), late(heard)), strict=True):
            broken[kind] += [f"{heard.preset}, seed {seed}: {what}" for what in found]
        seed += 1
    if arguments.json:
        print(json.dumps({"counts": ways, "broken": broken}))
    else:
        print(", ".join(f"{name} {count}" for name, count in ways.items()))
        for kind, found in broken.items():
            print(f"{kind}: {len(found)}")
            for what in found[:20]:
                print(f"  {what}")
    return int(any(broken.values()))


if __name__ == "__main__":
    sys.exit(main())
