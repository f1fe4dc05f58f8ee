"""What the block benchmarks compute from their timings, on timings that are known."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synth import Session

Program = Callable[[str], ModuleType]


def test_quantiles_are_times_that_were_measured(program: Program) -> None:
    found = program("common").quantiles([float(n) for n in range(1, 2001)], deadline=1990.0)
    assert found == {"p50": 1000.0, "p99": 1980.0, "p99_9": 1998.0, "max": 2000.0, "late": 10, "count": 2000}


def test_a_block_of_256_frames_has_5333_microseconds(program: Program) -> None:
    assert program("common").deadline_us(256) == pytest.approx(5333.33, abs=0.01)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(holds=st.integers(0, 600))
def test_the_most_sessions_are_found_by_doubling_and_halving(program: Program, holds: int) -> None:
    tried: list[int] = []

    def passes(count: int) -> bool:
        tried.append(count)
        return count <= holds

    limit = 512
    found = program("sessions").most(passes, limit)
    most = min(holds, limit)
    assert most - max(most // 16, 1) < found <= most
    assert max(tried) <= min(max(2 * holds, 1), limit) and len(tried) <= 16


def test_a_part_is_charged_for_its_own_time_alone(program: Program) -> None:
    now = [0]

    class Part:
        def outer(self) -> str:
            now[0] += 5
            self.inner()
            self.inner()
            return "played"

        def inner(self) -> None:
            now[0] += 10

    meter = program("parts").Meter(clock=lambda: now[0])
    meter.wrap(Part, "inner", "inside")
    meter.wrap(Part, "outer", "outside")
    assert Part().outer() == "played"
    assert meter.spent == {"inside": 20, "outside": 5}
    meter.spent.clear()
    meter.within, meter.around = 1.0, 2.0
    Part().outer()
    assert meter.spent == {"inside": 20 - 2 * 1, "outside": 5 - 2 * 2 - 1}


def test_the_median_turn_counts_a_part_that_rests_as_nothing(program: Program) -> None:
    turns = [{"pad": 3.0}, {"pad": 1.0, "composer": 6.0}, {"pad": 2.0}]
    assert program("parts").medians(turns) == {"pad": 2.0, "composer": 0.0}


def test_arrays_in_tuples_are_counted_too(program: Program) -> None:
    one = np.zeros(1)
    assert program("allocations").arrays((one, 3, (one, [one, None]), "text")) == 3


def test_what_happens_in_a_block_is_told_once(program: Program) -> None:
    playing = Session("energise", seed=1, minutes=1.0)
    watch = program("live").Watch(playing)
    first: dict[str, list[int]] = {}
    notes = 0
    for block in range(12 * 48_000 // 1024):
        playing.render(1024)
        happened = watch.since()
        notes += sum(int(part.split()[0]) for part in happened.get("notes start", "").split(", ") if part)
        for what in happened:
            first.setdefault(what, []).append(block)
    tempo_bpm, beats = 100, 4
    assert len(first["second tick"]) == 12
    assert len(first["bar starts"]) == pytest.approx(12 / (beats * 60 / tempo_bpm), abs=1.01)
    assert len(first["bar composed"]) == pytest.approx(len(first["bar starts"]), abs=1.01)
    assert len(first["phase"]) == 1 and "other instruments" not in first
    tick = playing.engine.transport.beat.tick
    assert notes == pytest.approx(sum(note.tick <= tick for note in playing.score.notes), abs=3)
    assert not watch.since().keys() - {"garbage collected"}, "each but once; garbage is collected when Python likes"
