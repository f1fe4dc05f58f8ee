"""The whole estimator: from the past alone, unsure when it should be, and unharmed by whatever a sensor says."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from synth.estimator.estimator import Estimator
from synth.estimator.state import State
from synth.wearables.samples import CHANNELS, Samples

Channel = tuple[NDArray[np.float64], NDArray[np.float64]]
Stream = dict[str, Channel]
Run = Callable[[Mapping[str, Channel]], list[State]]
Where = Callable[[NDArray[np.float64]], NDArray[np.bool_]]
Column = Callable[[Iterable[State], str], NDArray[np.float64]]


def changed(
    stream: Stream, channel: str, where: Callable[[NDArray[np.float64]], NDArray[np.bool_]], to: object
) -> Stream:
    """The stream with the values of `channel` at the times `where` replaced; a number or a function of the values."""
    t, value = stream[channel]
    value = value.copy()
    at = where(t)
    value[at] = to(value[at]) if callable(to) else to
    return {**stream, channel: (t, value)}


def without(stream: Stream, channels: Iterable[str], from_s: float, to_s: float = math.inf) -> Stream:
    """The stream with the samples of `channels` from `from_s` to `to_s` left out."""
    kept = dict(stream)
    for channel in channels:
        t, value = stream[channel]
        stays = (t < from_s) | (t >= to_s)
        kept[channel] = (t[stays], value[stays])
    return kept


def after(from_s: float, to_s: float = math.inf) -> Where:
    """The times from `from_s` to `to_s`."""
    return lambda t: (t >= from_s) & (t < to_s)


def assert_sound(states: Iterable[State]) -> None:
    """Every number finite and in range, moves bounded, at least one reason."""
    before = None
    for state in states:
        for field in fields(state):
            value = getattr(state, field.name)
            if isinstance(value, float):
                assert math.isfinite(value), field.name
        assert -1.0 <= state.arousal <= 1.0 and 0.0 <= state.confidence <= 1.0 and 0.0 <= state.p_elevated <= 1.0
        assert 1 <= len(state.reasons) <= 4
        if before is not None:
            assert abs(state.arousal - before.arousal) <= 0.0201 * (state.t_s - before.t_s)
        before = state


def chunked(stream: Stream, chunk_s: float, seconds: int = 480) -> list[State]:
    """Ticks every second, samples handed over in chunks that may reach ahead of the tick."""
    estimator = Estimator()
    states = []
    fed_s = 0.0
    for now_s in range(1, seconds + 1):
        while fed_s < now_s:
            for channel, (t, value) in stream.items():
                due = (t >= fed_s) & (t < fed_s + chunk_s)
                estimator.feed(Samples.of(channel, t[due], value[due]))
            fed_s += chunk_s
        states.append(estimator.tick(float(now_s)))
    return states


def test_strain_raises_arousal_and_rest_lets_it_fall(listener: Stream, run: Run, column: Column) -> None:
    states = run(listener)
    assert_sound(states)
    arousal, p = column(states, "arousal"), column(states, "p_elevated")
    rest, strain, later = slice(150, 240), slice(280, 362), slice(430, 480)
    assert arousal[strain].mean() > arousal[rest].mean() + 0.3
    assert arousal[later].mean() < arousal[strain].mean() - 0.3
    assert p[strain].mean() > 0.6 > 0.45 > p[rest].mean()


def test_the_measures_are_those_of_the_listener(listener: Stream, run: Run) -> None:
    state = run(listener)[239]
    t, bpm = listener["hr"]
    assert state.hr_bpm == pytest.approx(bpm[(t >= 228) & (t < 238)].mean(), abs=0.5)
    assert state.hr_baseline_bpm == pytest.approx(bpm[10:180].mean(), abs=0.5)
    rr = listener["rr_ms"]
    minute = rr[1][(rr[0] > 178) & (rr[0] <= 238)]
    assert state.rmssd_ms == pytest.approx(float(np.sqrt(np.mean(np.diff(minute) ** 2))), rel=0.05)
    assert state.resp_bpm is None or state.resp_bpm == pytest.approx(15.0, abs=1.0)
    assert state.scl_us == pytest.approx(2.1, abs=0.3)
    assert state.motion == pytest.approx(0.05, abs=0.03)


@pytest.mark.parametrize("chunk_s", [0.1, 5.0, 37.0, 240.0, 1000.0])
def test_the_size_of_the_chunks_changes_nothing(listener: Stream, run: Run, chunk_s: float) -> None:
    assert chunked(listener, chunk_s) == run(listener)


@pytest.mark.parametrize("cut_s", [100, 241, 333])
def test_what_comes_later_changes_nothing_before(listener: Stream, run: Run, cut_s: int) -> None:
    whole = run(listener)
    assert run(without(listener, listener, cut_s))[:cut_s] == whole[:cut_s]
    wild = {channel: (t, np.where(t < cut_s, value, 7.0 * value + 50.0)) for channel, (t, value) in listener.items()}
    assert run(wild)[:cut_s] == whole[:cut_s]
    assert run(wild)[cut_s + 20] != whole[cut_s + 20]


def test_small_delays_within_two_seconds_change_nothing(listener: Stream, run: Run) -> None:
    rng = np.random.default_rng(5)
    packets = [
        (float(moment + rng.uniform(0.0, 0.95)), channel, float(moment), float(x))
        for channel, (t, value) in listener.items()
        for moment, x in zip(t, value, strict=True)
    ]
    packets.sort()
    estimator, states, i = Estimator(), [], 0
    for now_s in range(1, 481):
        while i < len(packets) and packets[i][0] < now_s:
            _, channel, moment, x = packets[i]
            estimator.feed(Samples.of(channel, moment, x))
            i += 1
        states.append(estimator.tick(float(now_s)))
    assert states == run(listener)
    assert estimator.repairs == ()


def test_a_tick_that_does_not_go_on_changes_nothing() -> None:
    estimator = Estimator()
    first = estimator.tick(5.0)
    assert estimator.tick(5.0) is first and estimator.tick(2.0) is first


def test_nothing_is_believed_before_75_s_and_little_before_the_baseline_settles(
    listener: Stream, run: Run, column: Column
) -> None:
    states = run(listener)
    arousal, confidence = column(states, "arousal"), column(states, "confidence")
    assert (arousal[:75] == 0.0).all() and (confidence[:75] == 0.0).all()
    assert all("getting to know your baseline" in states[i].reasons[0] for i in (10, 40, 70))
    assert 0.2 < confidence[120] and confidence[:182].max() <= 0.5
    assert "baseline still settling" in states[150].reasons
    assert confidence[300] > 0.65


@pytest.mark.parametrize(
    ("lost", "reason"),
    [
        (("hr", "rr_ms"), "heart rate missing"),
        (("eda",), "skin conductance missing"),
        (("hr", "rr_ms", "eda"), "no signal from heart or skin"),
    ],
)
def test_a_lost_sensor_is_named_costs_confidence_and_is_trusted_again(
    listener: Stream, run: Run, column: Column, lost: tuple[str, ...], reason: str
) -> None:
    clean = column(run(listener), "confidence")
    states = run(without(listener, lost, 300.0, 360.0))
    assert_sound(states)
    confidence = column(states, "confidence")
    assert any(reason in said for said in states[330].reasons)
    assert not any(reason in said for said in states[420].reasons)
    assert confidence[355] < clean[355] - 0.1
    assert (np.diff(confidence[310:355]) <= 0.0).all()
    assert confidence[470] == pytest.approx(clean[470], abs=0.05)


def test_losing_everything_for_good_ends_at_the_baseline_with_no_confidence(listener: Stream, run: Run) -> None:
    states = run(without(listener, listener, 300.0))
    assert_sound(states)
    assert states[308].arousal == pytest.approx(states[300].arousal, abs=0.05)  # held at first
    assert states[419].confidence == 0.0
    assert abs(states[479].arousal) < 0.03


@pytest.mark.parametrize("channel", ["hr", "rr_ms", "eda", "acc"])
@pytest.mark.parametrize("how", ["missing", "empty"])
def test_any_channel_may_be_missing(listener: Stream, run: Run, channel: str, how: str) -> None:
    t, value = listener[channel]
    stream = {**listener, channel: (t[:0], value[:0])}
    if how == "missing":
        del stream[channel]
    states = run(stream)
    assert_sound(states)
    assert states[-1].confidence > 0.35  # one witness is left at the least
    if channel == "hr":
        assert states[-1].hr_bpm is not None  # told by the beats
    if channel == "eda":
        assert "skin conductance missing" in states[-1].reasons and states[-1].scr_per_min is None


def test_without_any_channel_it_says_so(run: Run) -> None:
    state = run({})[-1]
    assert (state.arousal, state.confidence) == (0.0, 0.0)
    assert state.reasons == ("no signal from heart or skin",)
    assert state.hr_bpm is state.rmssd_ms is state.scr_per_min is state.resp_bpm is state.motion is None


def test_movement_gates_the_heart_and_never_votes(listener: Stream, run: Run, column: Column) -> None:
    still = run(listener)
    moving = run(changed(listener, "acc", after(100, 220), lambda x: x + 0.5 * np.sin(2.1 * np.arange(x.size))))
    assert_sound(moving)
    assert "you are moving, so heart rate counts less" in moving[180].reasons
    assert moving[180].motion == 1.0
    assert moving[180].confidence < still[180].confidence - 0.1
    flat = {**listener, "hr": (listener["hr"][0], 70.0 + 0.5 * np.sin(listener["hr"][0])), "eda": listener["eda"]}
    del flat["rr_ms"]
    rise = changed(flat, "hr", after(200, 320), lambda x: x + 15.0 * np.minimum(np.arange(x.size) / 15.0, 1.0))
    walk = changed(rise, "acc", after(195, 320), lambda x: x + 0.5 * np.sin(2.1 * np.arange(x.size)))
    base, alone, walked = (column(run(each), "arousal") for each in (flat, rise, walk))
    part = slice(240, 318)
    assert (alone - base)[part].mean() > 0.05
    assert np.abs(walked - base)[part].max() < 0.02


@pytest.mark.parametrize("wave", ["flat", "noise", "gone after two minutes"])
def test_a_wave_that_shows_no_heart_gives_way_to_the_heart_rate_channel(listener: Stream, run: Run, wave: str) -> None:
    t = np.arange(480 * 32) / 32.0
    x = np.sin(2.0 * np.pi * 1.13 * t) + 0.4 * np.sin(4.0 * np.pi * 1.13 * t)
    if wave == "flat":
        x = np.full(t.size, 3.0)
    elif wave == "noise":
        x = np.random.default_rng(1).normal(0.0, 1.0, t.size)
    else:
        t, x = t[: 120 * 32], x[: 120 * 32]
    states = run({**without(listener, ["rr_ms"], 0.0), "bvp": (t, x)})
    assert_sound(states)
    second, bpm = listener["hr"]
    if wave != "noise":
        told = np.array([states[i].hr_bpm for i in range(200, 470)], dtype=np.float64)
        true = np.array([bpm[i - 11 : i - 1].mean() for i in range(200, 470)])
        assert np.abs(told - true).max() < 1.0
    assert states[460].heart_trouble == ""


def test_a_dead_sensor_is_named_and_set_aside(listener: Stream, run: Run) -> None:
    off = run(changed(listener, "eda", after(200, 300), 0.0))
    assert_sound(off)
    assert "skin sensor not in contact, so it is set aside" in off[260].reasons
    assert off[260].scr_per_min is None and off[260].scl_us is None
    frozen = run(changed(listener, "hr", after(200, 300), 71.3))
    assert "heart rate stands still, so it is set aside" in frozen[260].reasons
    assert frozen[260].confidence < run(listener)[260].confidence


def test_a_changed_sensor_is_noticed_and_doubted_for_a_minute(listener: Stream, run: Run, column: Column) -> None:
    swapped = {**without(listener, ["rr_ms"], 0.0)}
    swapped = changed(swapped, "hr", after(390), lambda x: x + 30.0)
    states = run(swapped)
    assert_sound(states)
    assert any("change of sensor" in said for said in states[410].reasons)
    assert column(states, "confidence")[440:460].max() <= 0.5
    clean = column(run(without(listener, ["rr_ms"], 0.0)), "arousal")
    assert np.abs(column(states, "arousal") - clean).max() < 0.15


def test_duplicates_and_disorder_within_two_seconds_leave_the_estimate_as_it_is(listener: Stream, run: Run) -> None:
    rng = np.random.default_rng(9)
    estimator, states = Estimator(), []
    for now_s in range(1, 481):
        for channel, (t, value) in listener.items():
            due = np.flatnonzero((t >= now_s - 1) & (t < now_s))
            again = np.concatenate((due, rng.choice(due, due.size // 2) if due.size else due))
            rng.shuffle(again)
            estimator.feed(Samples.of(channel, t[again], value[again]))
        states.append(estimator.tick(float(now_s)))
    assert states == run(listener)
    twice = next(repair for repair in estimator.repairs if repair.startswith("eda: "))
    assert twice == "eda: 960 samples came twice; counted once"


@pytest.mark.parametrize(
    ("channel", "garbage"),
    [("hr", 0.0), ("hr", 255.0), ("hr", math.nan), ("rr_ms", 10000.0), ("rr_ms", 0.0), ("rr_ms", math.nan)]
    + [("eda", math.nan), ("eda", math.inf), ("acc", 1e300), ("acc", math.nan)],
)
def test_a_tenth_of_garbage_hardly_moves_the_estimate(
    listener: Stream, run: Run, column: Column, channel: str, garbage: float
) -> None:
    rng = np.random.default_rng(3)
    states = run(changed(listener, channel, lambda t: rng.random(t.size) < 0.1, garbage))
    assert_sound(states)
    assert np.abs(column(states, "arousal") - column(run(listener), "arousal")).max() < 0.05
    assert states[300].confidence > 0.5


def test_garbage_is_counted_and_told() -> None:
    estimator = Estimator()
    for second in range(60):
        estimator.feed(Samples.of("hr", second, 0.0 if second % 6 == 0 else 70.0 + second % 2))
        estimator.feed(Samples.of("eda", second, 1e9 if second == 30 else 2.0 + 0.01 * (second % 2)))
        estimator.tick(float(second + 1))
    assert "hr: 10 samples set aside as not from a body" in estimator.repairs
    assert any(repair.startswith("eda: ") and "set aside" in repair for repair in estimator.repairs)


def test_a_self_report_counts_at_once_and_fades() -> None:
    estimator, states = Estimator(), []
    estimator.feed(Samples.of("self_arousal", 10.0, 0.6))
    for second in range(1, 900):
        states.append(estimator.tick(float(second)))
    assert_sound(states)
    assert "you told +0.6" in states[30].reasons
    assert max(state.arousal for state in states) > 0.4 and states[60].confidence > 0.3
    assert abs(states[-1].arousal) < 0.05 and states[-1].confidence < 0.02


def test_a_channel_it_makes_nothing_of_is_passed_over() -> None:
    estimator = Estimator()
    estimator.feed(Samples.of("temp", [0.0, 1.0], [33.0, 33.1]))
    estimator.feed(Samples.of("bvp", [0.0, 1.0], [1.0, 2.0]))
    assert estimator.tick(3.0).reasons == ("no signal from heart or skin",)


anything = st.floats(allow_nan=True, allow_infinity=True)
times = st.one_of(st.floats(-5.0, 130.0), anything)
batches = st.lists(
    st.tuples(st.sampled_from(list(CHANNELS)), st.lists(st.tuples(times, anything), max_size=6)), max_size=12
)


@settings(max_examples=80)
@given(st.lists(batches, max_size=6))
def test_whatever_comes_the_state_is_sound(seconds: list[list[tuple[str, list[tuple[float, float]]]]]) -> None:
    estimator, states = Estimator(), []
    for i in range(130):
        now_s = float(i + 1)
        estimator.feed(Samples.of("hr", i, 70.0 + i % 3))
        estimator.feed(Samples.of("eda", np.arange(4) / 4 + i, 2.0 + 0.01 * np.arange(4)))
        if i >= 100 and i - 100 < len(seconds):
            for channel, pairs in seconds[i - 100]:
                t, value = zip(*pairs, strict=True) if pairs else ((), ())
                estimator.feed(Samples.of(channel, t, value))
        states.append(estimator.tick(now_s))
    assert_sound(states)
