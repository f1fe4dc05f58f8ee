"""Does a session that plays for hours keep growing?  python bench/memory.py [PRESET] [--hours H] [--touched] [--json]

A session without an end is rendered as the live process renders it (blocks of 1,920 frames, its score not kept), as
fast as it goes. Every simulated half hour it prints the memory this process holds (resident, and its largest), the
blocks of memory Python has in use, down to single numbers and texts, and how many times real time the half hour took.
`--touched`: a wearer's signals come each second, and hands play, turn knobs, say verbs and edit the plan all the time.
What is added after the first hour is told at the end; in a session that is flat it is about nothing.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import random
import resource
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from synth import Session

RATE, BLOCK = 48_000, 1_920
PART_S = 1800
SETTLED_PARTS = 2  # within these tables, windows and caches fill
VERBS = ("more", "less", "like", "skip", "ground", "advance", "pull_back")
KEYS = range(55, 68)


class Look(NamedTuple):
    """What was in use at a time of the session; `speed` is times real time since the look before."""

    hours: float
    rss_mb: float
    most_mb: float
    blocks: int
    speed: float

    @property
    def words(self) -> str:
        """A line for people."""
        now, most = f"{self.rss_mb:7.1f} MB now", f"{self.most_mb:7.1f} MB at most"
        return f"{self.hours:5.1f} h {now} {most} {self.blocks:10,} blocks {self.speed:5.0f} x"


def touch(session: Session, second: int, rng: random.Random) -> None:
    """What sensors and hands do in a second."""
    from synth.preset import phase_to_dict

    if session.preset.wearable != "refused":
        session.feed("rr_ms", 850.0 + rng.gauss(0.0, 30.0))
        session.feed("eda", 2.0 + math.sin(second / 40.0) + 0.05 * rng.random())
        session.feed("acc", 1.0 + 0.01 * rng.random())
    stem = "melody" if "melody" in session.engine.stems else session.engine.stems[0]
    if second % 7 == 0:
        session.play(float(rng.choice(KEYS)), 0.5, stem)
        session.request("brightness_oct", rng.uniform(-1.0, 1.0))
    if second % 7 == 3:
        for key in KEYS:
            session.play(float(key), 0.0, stem)
        session.release("brightness_oct")
    if second % 90 == 0:
        session.feed("self_valence", rng.uniform(-1.0, 1.0))
        session.verb(rng.choice(VERBS))
    if second % 600 == 300:
        session.edit([phase_to_dict(phase) for phase in session.preset.phases])


def look(seconds: int, spent_s: float) -> Look:
    """What is in use now."""
    import psutil

    gc.collect()
    rss = psutil.Process().memory_info().rss / 2**20
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    return Look(seconds / 3600.0, rss, most, sys.getallocatedblocks(), PART_S / spent_s)


def measure(preset: str, hours: float, touched: bool) -> list[Look]:
    """A look every half hour, printed as it comes."""
    from synth import Session

    session = Session(preset, seed=1, minutes=math.inf, supervised=True, keep_score=False)
    rng, looks = random.Random(1), []
    began_s = time.process_time()
    for second in range(round(hours * 3600)):
        if touched:
            touch(session, second, rng)
        for _ in range(RATE // BLOCK):
            session.render(BLOCK)
        if (second + 1) % PART_S == 0:
            looks.append(look(second + 1, time.process_time() - began_s))
            print(looks[-1].words, flush=True)
            began_s = time.process_time()
    session.close("ended")
    return looks


def main() -> None:
    from synth.preset import preset_names

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("preset", nargs="?", default="settle", choices=preset_names())
    parser.add_argument("--hours", type=float, default=8.0)
    parser.add_argument("--touched", action="store_true", help="signals, notes, knobs, verbs and edits all the time")
    parser.add_argument("--json", action="store_true", help="once more at the end, as JSON")
    options = parser.parse_args()
    if options.hours < 2.0:
        parser.error("give --hours 2 or more: within the first hour tables fill")
    looks = measure(options.preset, options.hours, options.touched)
    settled, last = looks[SETTLED_PARTS - 1], looks[-1]
    grown = last.rss_mb - settled.rss_mb
    print(f"{options.preset}: {grown:+.1f} MB and {last.blocks - settled.blocks:+,} blocks after the first hour")
    if options.json:
        print(json.dumps([one._asdict() for one in looks]))


if __name__ == "__main__":
    main()
