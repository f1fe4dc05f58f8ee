"""The lead under people's words: every verb, twice, in silly orders, while grounded, at the start and at the end."""

from __future__ import annotations

import math
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.controls import TABLE
from synth.estimator.state import State
from synth.preset import load_preset
from synth.safety.limits import limits
from synth.steering.lead import MOODS, NUDGE_MOST, SCENES, Lead

VERBS = ("more", "less", "hold", "advance", "pull_back", "ground", "like", "skip")
SAYS = {
    "more": "a little more, as asked",
    "less": "a little less, as asked",
    "hold": "holding here, as asked",
    "advance": "on to the",
    "pull_back": "back to the",
    "ground": "grounding: grounding was asked for",
    "like": "more of this, as asked",
    "skip": "something else, as asked",
}


def jumps(run, name: str) -> float:
    curve = math.log2 if TABLE[name].curve == "log" else float
    values = [curve(value) for value in run.of(name)]
    return max((abs(b - a) for a, b in zip(values, values[1:], strict=False)), default=0.0)


def sound(run) -> bool:
    """Every request has its reason, none moves faster than a control may, arousal stays where the preset lets it."""
    low, high = run.preset.ranges["arousal"]
    assert all(request.reason for _, request in run.asked)
    assert all(low - 1e-6 <= value <= high + 1e-6 or value < low for value in run.of("arousal"))
    for name in (*MOODS, "tempo_bpm", "dynamics_db", "density_hz", "brightness_oct"):
        row = TABLE[name]
        assert jumps(run, name) <= max(row.rate_hand, row.rate_down or 0.0) + 1e-9, name
    return True


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("at_s", [0, 1, 400, 1190])
def test_each_is_answered_in_words_at_any_time(session, verb, at_s):
    run = session("settle", minutes=20).go(at_s)
    run.go(9, verbs=[verb])
    assert run.said(SAYS[verb]) and sound(run)


@pytest.mark.parametrize("verb", VERBS)
def test_twice_is_twice_and_no_more(session, verb):
    run = session("settle", minutes=20).go(170)
    run.go(60, verbs=[verb, verb])
    steering = run.steering
    assert not steering.holding and steering.grounded == (verb == "ground")
    assert run.phases[-1] == {"advance": "plateau", "pull_back": "baseline"}.get(verb, "match")
    scenes = [request.value for _, request in run.asked if request.control == "scene"]
    assert scenes == {"skip": [2.0], "advance": [1.0]}.get(verb, []) and sound(run)


@pytest.mark.parametrize("verb", VERBS)
def test_while_grounded(session, verb):
    """More, less and the words that move on end it; hold, like and skip do not, and nothing leaps."""
    run = session("energise", minutes=20).go(300)
    run.go(20, verbs=["ground"])
    low = run.values[-1]["arousal"]
    run.go(60, verbs=[verb])
    assert run.steering.grounded == (verb in ("hold", "ground", "like", "skip"))
    assert run.bus.held == frozenset() and sound(run)
    assert run.of("landmark")[-1] == float(run.steering.grounded)
    if run.steering.grounded:
        assert run.of("arousal")[-1] == pytest.approx(low, abs=0.01)


def test_more_and_less_are_bounded_however_often_they_are_said(session):
    run = session("energise", minutes=20).go(60)
    planned = run.planned[-1][0]
    run.go(90, verbs=["more"] * 20)
    assert run.of("arousal")[-1] == pytest.approx(run.planned[-1][0] + NUDGE_MOST, abs=0.02)
    run.go(90, verbs=["less"] * 6)
    assert run.of("arousal")[-1] < planned and sound(run)


def test_pull_back_gives_the_phase_again_and_grounding_its_end(session):
    run = session("settle", minutes=20).go(500)
    assert run.phases[-1] == "lead"
    run.go(10, verbs=["ground"])
    run.go(5, verbs=["pull_back"])
    assert run.phases[-1] == "match" and not run.steering.grounded


def test_at_the_last_phase_there_is_nothing_to_advance_to(session):
    run = session("settle", minutes=20).go(1190)
    assert run.phases[-1] == "return"
    run.go(9, verbs=["advance", "advance"])
    assert run.phases[-1] == "return" and sound(run)


def test_skips_count_round_the_scenes(session):
    run = session("settle", minutes=20).go(20)
    run.go(3, verbs=["skip"])
    assert run.of("scene")[-1] == 1.0
    run.hand("scene", SCENES - 1.0)
    run.go(3)
    run.go(3, verbs=["skip"])
    assert run.of("scene")[-1] == SCENES - 1.0, "a hand holds it"
    run.bus.release("scene")
    run.go(3)
    run.go(3, verbs=["skip"])
    assert run.of("scene")[-1] == 0.0


@given(
    st.lists(
        st.tuples(
            st.integers(0, 40),
            st.lists(st.sampled_from(VERBS), max_size=4),
            st.none() | st.tuples(st.sampled_from([c for c in TABLE if c != "loudness_lufs"]), st.floats(0.0, 1.0)),
            st.none() | st.sampled_from(list(TABLE)),
            st.sampled_from([None, "calm", "racing"]),
        ),
        max_size=8,
    ),
    st.sampled_from(["settle", "energise", "sleep"]),
)
@settings(max_examples=30)
def test_no_order_of_words_hands_and_signs_breaks_a_limit(session_of, done, name):
    run = session_of(name, minutes=5)
    rows = limits(run.preset.profile)

    def listener(t_s: float, values: dict[str, float]) -> State:
        fast = 30.0 if signs == "racing" else 0.0
        return State(t_s, values["arousal"], 0.8, hr_bpm=65.0 + fast, hr_baseline_bpm=65.0, motion=0.0)

    for seconds, verbs, taken, given_back, signs in done:
        if taken:
            row = TABLE[taken[0]]
            run.hand(row.name, row.low + taken[1] * (row.high - row.low))
        if given_back:
            run.bus.release(given_back)
        run.go(seconds, listener if signs else None, verbs)
    for name in TABLE:
        run.bus.release(name)
    run.go(5)
    assert all(request.reason for _, request in run.asked)
    assert all(
        values["dynamics_db"] + values["loudness_lufs"] <= rows["programme_lufs"] + 1e-9 for values in run.values
    )
    for name, row in TABLE.items():
        if row.curve != "choice":
            assert jumps(run, name) <= max(row.rate_hand, row.rate_loop, row.rate_down or 0.0) + 1e-9, name
    planned = [arousal for arousal, _, _ in run.planned]
    assert all(-1.0 <= arousal <= 1.0 for arousal in planned)


@pytest.fixture(scope="module")
def session_of(session):
    return session


def test_what_was_said_survives_pickling():
    one = Lead(load_preset("settle"), 1200.0)
    values = dict(load_preset("settle").controls)
    for t in range(100):
        one.tick(float(t), None, values, frozenset())
    for verb in VERBS:
        one.say(verb)
    two = pickle.loads(pickle.dumps(one))
    later = [[lead.tick(float(t), None, values, frozenset()) for t in range(100, 140)] for lead in (one, two)]
    assert later[0] == later[1] and any(later[0])
