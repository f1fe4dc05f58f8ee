"""What a voice costs: pads, partials of struck bodies and plucked strings, from one to 512 at once, all held.

Pads are instruments of 16 voices as the engine makes them, so that more are more calls; partials are bodies of 32 in
one bank, strings one bank. Figures are CPU microseconds a block, medians of repeats that take turns.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from common import RATE, Options, main

from synth.controls import CONTROLS, EDGE_COLUMNS
from synth.dsp.modal import ModalBank
from synth.dsp.string import Pluck, StringBank
from synth.instruments.base import EVENT_COLUMNS, MAX_EVENTS, MAX_FRAMES, MAX_QUANTA, ON, QUANTUM
from synth.instruments.pad import Pad
from synth.instruments.subtractive import VOICES

COUNTS = tuple(2**n for n in range(10))
PARTIALS = 32  # of a body
REPEATS = 5
LOWEST_HZ, HIGHEST_HZ = 65.0, 18_000.0
FOREVER_S = 1e4
Render = Callable[[], None]  # of one block


def pitch(n: int) -> float:
    """Of the nth voice: five octaves from C2, none twice."""
    return 36.0 + (n * 7 % 60) + n / 512.0


def hertz(n: int) -> float:
    """The nth voice's frequency."""
    return 440.0 * 2.0 ** ((pitch(n) - 69.0) / 12.0)


def pads(count: int, quanta: int) -> Render:
    """`count` held voices of as many pads as they need."""
    edges = np.zeros((MAX_QUANTA + 1, EDGE_COLUMNS), np.float32)
    edges[:, : len(CONTROLS)] = [control.default for control in CONTROLS]
    instruments = [Pad(RATE, seed) for seed in range(math.ceil(count / VOICES))]
    events = np.zeros((MAX_EVENTS, EVENT_COLUMNS))
    out = np.zeros((2, MAX_FRAMES), np.float32)
    for i, instrument in enumerate(instruments):
        voices = range(i * VOICES, min((i + 1) * VOICES, count))
        for row, n in enumerate(voices):
            events[row] = 0, ON, n, pitch(n), 0.7, n / 512.0
        instrument.render(events, len(voices), edges, quanta, out)
    held("pads", count, sum(instrument.sounding for instrument in instruments))

    def render() -> None:
        for instrument in instruments:
            instrument.render(events, 0, edges, quanta, out)

    return render


def partials(count: int, quanta: int) -> Render:
    """`count` ringing partials in one bank."""
    bank = ModalBank(RATE, math.ceil(count / PARTIALS), min(count, PARTIALS))
    out = np.zeros((2, MAX_FRAMES), np.float32)
    bank.begin(out)
    for body in range(bank.voices):
        hz = np.linspace(hertz(body), HIGHEST_HZ, bank.ends.shape[1], endpoint=False)
        bank.strike(0, hz, np.full(hz.size, 1e-3), np.full(hz.size, FOREVER_S))
    held("partials", count, int(np.count_nonzero(bank.ends > 0)))
    return played(bank, out, quanta)


def strings(count: int, quanta: int) -> Render:
    """`count` ringing strings in one bank."""
    bank = StringBank(RATE, count, LOWEST_HZ)
    out = np.zeros((2, MAX_FRAMES), np.float32)
    bank.begin(out)
    for n in range(count):
        bank.pluck(0, hertz(n), 0.01 * Pluck(0.002, 0.3).wave(RATE, hertz(n)), FOREVER_S, FOREVER_S)
    held("strings", count, bank.sounding)
    return played(bank, out, quanta)


def played(bank: ModalBank | StringBank, out: np.ndarray[Any, np.dtype[np.float32]], quanta: int) -> Render:
    """A block of a bank's."""

    def render() -> None:
        bank.begin(out)
        bank.play(bank.clock + quanta * QUANTUM)

    return render


def held(what: str, wanted: int, sounding: int) -> None:
    """RuntimeError when not all voices sound."""
    if sounding != wanted:
        raise RuntimeError(f"{sounding} {what} sound, not {wanted}")


def block_us(render: Render, seconds: float) -> float:
    """CPU microseconds of a block, over about `seconds`."""
    blocks, spent = 0, 0.0
    start = time.thread_time()
    while spent < seconds:
        for _ in range(8):
            render()
        blocks, spent = blocks + 8, time.thread_time() - start
    return 1e6 * spent / blocks


def measure(options: Options) -> dict[str, Any]:
    """Microseconds a block, by kind and number of voices."""
    quanta = max(options.block // QUANTUM, 1)
    makers = {"pads": pads, "partials": partials, "strings": strings}
    cases = {(kind, count): make(count, quanta) for kind, make in makers.items() for count in COUNTS}
    for render in cases.values():
        render()
    taken: dict[tuple[str, int], list[float]] = {case: [] for case in cases}
    for _ in range(REPEATS):
        for case, render in cases.items():
            taken[case].append(block_us(render, options.seconds / (REPEATS * len(cases))))
    return {kind: {count: statistics.median(taken[kind, count]) for count in COUNTS} for kind in makers}


if __name__ == "__main__":
    main(measure)
