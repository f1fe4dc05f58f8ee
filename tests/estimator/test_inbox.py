"""The inbox: whatever order samples come in, out they come sorted, once, with every repair counted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.estimator.inbox import LONGEST_STALE_S, MOST_WAITING, STALE_S, Inbox
from synth.wearables.samples import Samples


def put(inbox: Inbox, t: object, value: object = None) -> None:
    times = np.atleast_1d(np.asarray(t, dtype=np.float64))
    inbox.put(Samples.of("hr", times, times if value is None else value))


def every_second(inbox: Inbox, from_s: int, to_s: int, ahead_s: float = 0.0) -> list[float]:
    """Times taken when one sample a second comes with its time `ahead_s` off."""
    got: list[float] = []
    for second in range(from_s, to_s):
        put(inbox, second + ahead_s)
        got += inbox.take(second - 1.0)[0].tolist()
    return got


def test_each_is_handed_over_once_when_its_time_has_come() -> None:
    inbox = Inbox()
    put(inbox, [0.0, 0.5, 1.0, 1.5])
    assert inbox.take(1.0)[0].tolist() == [0.0, 0.5, 1.0]
    assert inbox.take(1.0)[0].size == 0
    assert inbox.take(9.0)[0].tolist() == [1.5]


@given(st.permutations(range(12)), st.lists(st.integers(0, 11), max_size=8), st.integers(1, 12))
def test_order_repeats_and_packets_do_not_matter(order: list[int], again: list[int], size: int) -> None:
    inbox = Inbox()
    times = [*order, *again]
    for first in range(0, len(times), size):
        put(inbox, times[first : first + size])
    t, value, quality = inbox.take(100.0)
    assert t.tolist() == value.tolist() == list(range(12))
    assert (quality == 1.0).all()
    assert (inbox.duplicates, inbox.late, inbox.refused) == (len(again), 0, 0)


def test_the_first_of_two_with_one_time_counts() -> None:
    inbox = Inbox()
    put(inbox, [1.0, 1.0], [70.0, 90.0])
    put(inbox, 1.0, 100.0)
    assert inbox.take(2.0)[1].tolist() == [70.0]
    put(inbox, 1.0, 110.0)
    assert inbox.take(3.0)[1].size == 0
    assert inbox.duplicates == 3


def test_a_quality_that_is_no_number_is_none() -> None:
    inbox = Inbox()
    inbox.put(Samples.of("hr", [0.0, 1.0], [70.0, 71.0], [np.nan, 0.5]))
    assert inbox.take(2.0)[2].tolist() == [0.0, 0.5]


def test_what_comes_after_later_ones_were_used_is_dropped_and_counted() -> None:
    inbox = Inbox()
    put(inbox, [1.0, 3.0])
    inbox.take(3.0)
    put(inbox, [2.0, 4.0])
    assert inbox.take(5.0)[0].tolist() == [4.0]
    assert (inbox.late, inbox.duplicates) == (1, 0)


@pytest.mark.parametrize("time", [np.nan, np.inf, -np.inf])
def test_a_time_that_is_no_number_moves_nothing(time: float) -> None:
    inbox = Inbox()
    got = every_second(inbox, 0, 200)
    put(inbox, time)
    put(inbox, [time, 200.0, time])
    got += every_second(inbox, 201, 220)
    assert got == list(range(219))
    assert (inbox.refused, inbox.late, inbox.duplicates) == (0, 0, 0)


def test_a_recording_may_be_handed_over_ahead_of_time() -> None:
    inbox = Inbox()
    got = []
    for start in range(0, 3000, 600):
        put(inbox, np.arange(start, start + 600.0))
        got += inbox.take(start + 1.0)[0].tolist()
    assert got + inbox.take(3000.0)[0].tolist() == list(range(3000))


def test_what_waits_is_bounded() -> None:
    inbox = Inbox()
    put(inbox, np.arange(MOST_WAITING - 10.0))
    put(inbox, np.arange(100.0) + MOST_WAITING)
    assert inbox.refused == 100
    assert inbox.take(1e12)[0].size == MOST_WAITING - 10
    put(inbox, [1e13])
    assert inbox.take(1e14)[0].tolist() == [1e13]


def test_staleness_follows_the_usual_wait_within_bounds() -> None:
    quick, bursts, seldom = Inbox(), Inbox(), Inbox()
    for second in range(1, 600):
        put(quick, second)
        if second % 5 == 0:
            put(bursts, np.arange(second - 5.0, second))
        if second % 60 == 0:
            put(seldom, second)
        for inbox in (quick, bursts, seldom):
            inbox.take(float(second))
    assert quick.stale_s == STALE_S
    assert bursts.stale_s == pytest.approx(12.5, abs=0.5)
    assert seldom.stale_s == pytest.approx(LONGEST_STALE_S, abs=6.0)
