"""Where the time of a block goes: calls of each part timed from outside, less the timed calls inside them.

Blocks of the asked size and of 4096 frames take turns; all figures are microseconds of CPU time for as many frames as
one block of the asked size holds, medians over turns. What the timing itself takes is measured on a call that does
nothing, and taken off.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from common import LONGEST, RATE, Options, main, opened, warmed

from synth.bus import Bus
from synth.composer.composer import Composer
from synth.estimator.estimator import Estimator
from synth.expression import Expression
from synth.mix import Master, Mixer
from synth.safety.output import OutputGuard
from synth.session import Session
from synth.steering.steering import Steering
from synth.transport import Transport

TURN_S = 10.0  # of music
CALLS, TRIALS = 20_000, 7
REST = "session and engine, the rest"
PARTS: tuple[tuple[type, str, str], ...] = (
    (Composer, "bar", "composer"),
    (Transport, "walk", "transport"),
    (Transport, "take", "transport"),
    (Bus, "edges", "bus"),
    (Bus, "request", "bus"),
    (Expression, "write", "expression"),
    (Estimator, "feed", "second tick: estimator"),
    (Estimator, "tick", "second tick: estimator"),
    (Steering, "tick", "second tick: steering"),
    (Session, "_on_tick", "second tick: the rest"),
    (Mixer, "render", "mix"),
    (Master, "render", "master"),
    (OutputGuard, "render", "guard"),
    (Session, "render", REST),
)


class Meter:
    """Adds up nanoseconds by name in `spent`, those of a call less those of wrapped calls inside it.

    `within` and `around` are what the timing adds to a call's own time and to its caller's.
    """

    def __init__(self, clock: Callable[[], int] = time.thread_time_ns) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self.within = self.around = 0.0
        self._clock = clock
        self._inside = [0.0]

    def wrap(self, owner: Any, method: str, name: str) -> None:
        """Time every call of `method` of `owner`, an object or a class, as `name`."""
        inner, clock, inside = getattr(owner, method), self._clock, self._inside

        def call(*args: Any, **named: Any) -> Any:
            inside.append(0.0)
            start = clock()
            try:
                return inner(*args, **named)
            finally:
                took = clock() - start
                self.spent[name] += took - inside.pop() - self.within
                inside[-1] += took + self.around

        setattr(owner, method, call)


class Nothing:
    def call(self) -> None:
        """Do nothing."""


def calibrated() -> Meter:
    """A meter that knows what its timing takes: the least of several trials."""
    meter, plain, timed = Meter(), Nothing(), Nothing()
    meter.wrap(timed, "call", "nothing")

    def each_ns(call: Callable[[], None]) -> float:
        start = time.thread_time_ns()
        for _ in range(CALLS):
            call()
        return (time.thread_time_ns() - start) / CALLS

    trials = []
    for _ in range(TRIALS):
        meter.spent.clear()
        bare, whole = each_ns(plain.call), each_ns(timed.call)
        own = meter.spent["nothing"] / CALLS
        trials.append((max(own - bare, 0.0), max(whole - own, 0.0)))
    meter.within, meter.around = (min(column) for column in zip(*trials, strict=True))
    return meter


def wrap_all(meter: Meter, playing: Session) -> None:
    """Time a session's instruments by stem, and whatever its mixer renders with, by the mixer's own name for it."""
    for stem, instrument in playing.engine.instruments.items():
        meter.wrap(instrument, "render", f"stem {stem}")
    for name, unit in vars(playing.engine.mixer).items():
        if callable(getattr(unit, "render", None)):
            meter.wrap(unit, "render", name.strip("_").replace("_", " "))


def measure(options: Options) -> dict[str, Any]:
    """Microseconds by part and block size, and mean voices by stem."""
    sizes = tuple(dict.fromkeys((options.block, LONGEST)))
    warmed(options.preset, *sizes)
    meter = calibrated()
    for part in PARTS:
        meter.wrap(*part)
    sessions = {}
    for size in sizes:
        sessions[size] = opened(options.preset, options.seconds / 60.0 + 10.0)
        wrap_all(meter, sessions[size])
    turns: dict[int, list[dict[str, float]]] = {size: [] for size in sizes}
    voices: dict[str, list[int]] = defaultdict(list)
    for _ in range(max(round(options.seconds / TURN_S), 1)):
        for size, playing in sessions.items():
            meter.spent.clear()
            start = playing.position
            while playing.position < start + TURN_S * RATE:
                playing.render(size)
            blocks = (playing.position - start) / options.block
            turns[size].append({name: ns / 1e3 / blocks for name, ns in meter.spent.items()})
            for stem, count in playing.engine.sounding().items():
                voices[stem].append(count)
    return {
        "parts": {size: medians(found) for size, found in turns.items()},
        "voices": {stem: statistics.fmean(counts) for stem, counts in voices.items()},
    }


def medians(turns: list[dict[str, float]]) -> dict[str, float]:
    """Of each part, the median over turns; a part that did not run in a turn took nothing there."""
    names = dict.fromkeys(name for turn in turns for name in turn)
    return {name: statistics.median(turn.get(name, 0.0) for turn in turns) for name in names}


if __name__ == "__main__":
    main(measure)
