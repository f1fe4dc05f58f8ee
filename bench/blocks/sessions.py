"""How many live sessions one core keeps up with, stepping in turn on the real clock in one process.

Every session gives a block a period; a block that is done after its period's end is late. The number doubles until more
than one block in a thousand is late, and the gap is halved from there. A stall of the host makes all sessions late at
once, so a number that fails is given two more chances, and counts by its best. Sessions have seeds of their own and
have played for a minute and a little longer each, so that neither seconds nor bars fall together.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from common import LONGEST, RATE, Options, main, session, warmed

from synth import Session

MOST_LATE = 0.001
CHANCES = 3
HOPELESS = 1.15  # of a core: so much work, by what fewer sessions took, is not tried
SETTLED_S, APART_S, PLACES = 60.0, 0.37, 61  # session n has played SETTLED_S + APART_S * (n % PLACES)
LIMIT = 512  # sessions
SIZES = (256, 1024)  # frames a block


class Trial(NamedTuple):
    """`late` and `busy` are shares, of blocks and of the core."""

    sessions: int
    late: float
    busy: float


def most(passes: Callable[[int], bool], limit: int) -> int:
    """The largest number up to `limit` that passes, found by doubling and halving; 0 when not even one does."""
    good, bad = 0, 1
    while bad <= limit and passes(bad):
        good, bad = bad, 2 * bad
    bad = min(bad, limit + 1)
    while bad - good > max(good // 16, 1):
        middle = (good + bad) // 2
        if passes(middle):
            good = middle
        else:
            bad = middle
    return good


class Pool:
    """Sessions in mid-play, made as they are needed."""

    def __init__(self, preset: str) -> None:
        self._preset = preset
        self._sessions: list[Session] = []

    def first(self, count: int) -> list[Session]:
        """`count` of them."""
        while len(self._sessions) < count:
            made = session(self._preset, 240.0, seed=len(self._sessions) + 1)
            ahead_s = SETTLED_S + APART_S * (len(self._sessions) % PLACES)
            while made.time_s < ahead_s:
                made.render(LONGEST)
            self._sessions.append(made)
        return self._sessions[:count]


def trial(sessions: list[Session], block: int, seconds: float) -> Trial:
    """Step `sessions` for about `seconds` on the real clock."""
    period_s = block / RATE
    periods = max(round(seconds / period_s), 1)
    late = 0
    cpu_s, start_s = time.process_time(), time.perf_counter()
    for period in range(periods):
        due_s = start_s + period * period_s
        if (early_s := due_s - time.perf_counter()) > 0.0:
            time.sleep(early_s)
        for playing in sessions:
            playing.render(block)
            late += time.perf_counter() > due_s + period_s
    busy = (time.process_time() - cpu_s) / (time.perf_counter() - start_s)
    return Trial(len(sessions), late / (periods * len(sessions)), busy)


def measure(options: Options) -> dict[str, Any]:
    """The most sessions at each block size, with what was tried."""
    pool = Pool(options.preset)
    found = {}
    for block in dict.fromkeys((options.block, *SIZES)):
        warmed(options.preset, block)
        tried: dict[int, Trial] = {}

        def passes(count: int, block: int = block, tried: dict[int, Trial] = tried) -> bool:
            if any(one.busy * count / one.sessions > HOPELESS for one in tried.values()):
                return False
            for _ in range(CHANCES):
                made = trial(pool.first(count), block, options.seconds)
                tried[count] = min(made, tried.get(count, made), key=lambda one: one.late)
                if tried[count].late <= MOST_LATE:
                    return True
            return False

        found[block] = {"most": most(passes, LIMIT), "tried": [tried[count]._asdict() for count in sorted(tried)]}
    return found


if __name__ == "__main__":
    main(measure)
