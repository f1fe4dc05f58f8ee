"""The models of the HTTP contract: one with the engine, light to import, strict in what they take."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from synth.api import ContextAsked, NewSession, PhaseAsked, Signals, is_session_name
from synth.api.hands import PlayedStem, Verb
from synth.api.new_session import Delivery
from synth.api.views import Believed
from synth.daemon.choosing import choose, presets
from synth.daemon.starting import keywords, sensed
from synth.estimator.state import State
from synth.mix.delivery import PROFILES
from synth.preset import GOALS, load_preset, preset_names
from synth.safety.screening import QUESTIONS
from synth.session import VERBS
from synth.session.played import STEMS
from synth.session.terms import PLAYED


def test_names_are_the_engines():
    assert get_args(Delivery) == tuple(PROFILES) and get_args(Verb) == VERBS and get_args(PlayedStem) == STEMS
    assert get_args(NewSession.model_fields["played"].annotation) == PLAYED
    schema = NewSession.model_json_schema()
    answers = schema["properties"]["screening"]["anyOf"][0]["properties"]
    assert set(answers) == {*(question.key for question in QUESTIONS), "age", "none_of_these"}
    assert set(Believed.model_fields) <= set(State.__dataclass_fields__)


def test_the_contract_loads_without_engine_or_server():
    heavy = "{'numba', 'numpy', 'scipy', 'starlette', 'uvicorn', 'soundfile'}"
    check = f"import sys, synth.api; found = {heavy} & set(sys.modules); assert not found, found"
    subprocess.run([sys.executable, "-c", check], check=True, timeout=120)


@pytest.mark.parametrize("name", ["a", "A-1_b", "8f14e45f-ceea-467f-a8b8-7c6a1b2d3e4f", "x" * 64])
def test_names_of_sessions(name):
    assert is_session_name(name) and NewSession(name=name).asked_name == name


@pytest.mark.parametrize("name", ["", ".", "..", "-a", "_a", "a/b", "a\\b", "a b", "a\n", "ä", "x" * 65, "a\0", "a.b"])
def test_what_is_no_name_of_a_session(name):
    assert not is_session_name(name)
    with pytest.raises(ValidationError):
        NewSession(session_id=name)


@pytest.mark.parametrize(
    ("said", "hour"), [("21:30", 21.5), ("00:00", 0.0), ("evening", 20.0), ("night", 23.0), (None, None)]
)
def test_a_time_of_day_is_an_hour(said, hour):
    assert ContextAsked(time_of_day=said).local_hour == hour
    assert ContextAsked(time_of_day=said, hour=3.0).local_hour == 3.0


@pytest.mark.parametrize("said", ["24:00", "9:30", "12:60", "noonish", "", "21:30\n"])
def test_what_is_no_time_of_day(said):
    with pytest.raises(ValidationError):
        ContextAsked(time_of_day=said)


@pytest.mark.parametrize(
    ("given", "lengths"),
    [
        ({"accelerometer": [0.0, 3.0, 4.0]}, [5.0]),
        ({"accelerometer": {"x": 0.0, "y": 0.0, "z": 9.80665}, "accelerometer_unit": "m/s2"}, [1.0]),
        ({"accelerometer": [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]}, [1.0, 1.0]),
        ({"accelerometer": [{"x": 2.0, "y": 0.0, "z": 0.0}]}, [2.0]),
        ({}, []),
    ],
)
def test_acceleration_comes_in_several_shapes(given, lengths):
    assert Signals.model_validate(given).lengths_g == pytest.approx(lengths)


def test_of_many_values_the_latest_reach_the_session():
    asked = Signals.model_validate({"hr": [70, 71, 90], "hrv": [40.0, 41.0], "accelerometer": [0, 0, 1]})
    assert sensed(asked, load_preset("settle")) == {"hr": 90.0, "acc": 1.0}
    assert asked.rmssd_ms == [40.0, 41.0]


@pytest.mark.parametrize(
    "given",
    [
        {"hr": 0},
        {"hr": []},
        {"hr": math.nan},
        {"hr": "70"},
        {"hr": True},
        {"hr": [70] * 3601},
        {"accelerometer": [1, 2]},
        {"accelerometer": [1, 2, math.inf]},
        {"accelerometer": {"x": 1}},
        {"accelerometer": []},
        {"spo2": 97},
    ],
)
def test_signals_that_are_none(given):
    with pytest.raises(ValidationError):
        Signals.model_validate(given, strict=True)


def test_a_user_is_not_shown():
    asked = NewSession(user_id="a person", preset="settle")
    assert "a person" not in repr(asked) and "a person" not in str(keywords(asked))


def test_keywords_say_only_what_was_asked():
    assert keywords(NewSession(seed=3)) == {"seed": 3}
    assert keywords(NewSession(minutes="endless", seed=3))["minutes"] == math.inf
    assert len({keywords(NewSession())["seed"] for _ in range(8)}) > 1


def test_a_phase_is_as_in_a_preset():
    phase = PhaseAsked.model_validate(
        {"kind": "lead", "minutes": 5, "cues": [{"kind": "breath", "at_minutes": 1, "seconds": 60, "depth_db": 3}]}
    )
    assert phase.table() == {
        "kind": "lead",
        "minutes": 5.0,
        "cues": [{"kind": "breath", "at_minutes": 1.0, "seconds": 60.0, "depth_db": 3.0}],
    }


@pytest.mark.parametrize("goal", GOALS)
def test_every_goal_has_a_preset(goal):
    assert choose(NewSession(goal=goal)).preset.goal == goal


def test_every_preset_can_be_named():
    assert set(presets()) == set(preset_names())
    for name in preset_names():
        chosen = choose(NewSession(preset=name))
        assert chosen.preset.name == name and chosen.reasons == ()


@given(
    st.none() | st.floats(0.0, 24.0),
    st.lists(st.floats(20.0, 260.0), max_size=5),
    st.lists(st.lists(st.floats(-4.0, 4.0), min_size=3, max_size=3), max_size=5),
    st.booleans(),
)
def test_something_is_always_chosen_that_nobody_must_watch_over(hour, rates, vectors, drives):
    signals = Signals(hr=rates or None, accelerometer=vectors or None)
    screening = {"driving": True} if drives else None
    chosen = choose(NewSession(context=ContextAsked(hour=hour), signals=signals, screening=screening))
    assert not chosen.preset.supervision and len(chosen.reasons) >= 2
    assert not drives or chosen.preset.goal in ("focus", "energise")
