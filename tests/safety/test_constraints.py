"""Constraints: every sentence that is understood, clear words for the others, and sessions that keep them in sound."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pyloudnorm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.controls import STEMS, TABLE
from synth.instruments import CATALOGUE
from synth.preset import bounds_of, load_preset
from synth.safety.constraints import SOUNDS, ConstraintError, parse
from synth.session import Session

RATE = 22_050


# -- what is understood ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "control", "span"),
    [
        ("nothing above 70 bpm", "tempo_bpm", (44, 70)),
        ("Nothing  over 70.5 BPM.", "tempo_bpm", (44, 70.5)),
        ("nothing faster than 70bpm", "tempo_bpm", (44, 70)),
        ("nothing below 60 bpm", "tempo_bpm", (60, 140)),
        ("nothing under 60 bpm", "tempo_bpm", (60, 140)),
        ("nothing slower than 60 bpm", "tempo_bpm", (60, 140)),
        ("nothing louder than -30 LUFS", "loudness_lufs", (-40, -30)),
        ("nothing above -30 lufs", "loudness_lufs", (-40, -30)),
        ("density_hz at most 2", "density_hz", (0.1, 2)),
        ("density_hz at least 0.5", "density_hz", (0.5, 8)),
        ("tension at most -0.2", "tension", (-1, -0.2)),
        ("no breath wave", "breath_depth_db", (0, 0)),
        ("no silences", "rest", (0, 0)),
        ("no silence", "rest", (0, 0)),
        ("no landmarks", "landmark", (0, 0)),
    ],
)
def test_a_sentence_about_a_control_is_a_span_of_it(text, control, span):
    understood = parse(text)
    assert understood.spans == {control: span} and understood.text == text
    assert understood.still == understood.silent == ()


@pytest.mark.parametrize(
    ("thing", "controls"),
    [
        ("key", {"key"}),
        ("mode", {"mode"}),
        ("tempo", {"tempo_bpm"}),
        ("loudness", {"loudness_lufs", "dynamics_db"}),
        ("mood", {"arousal", "valence", "tension"}),
    ],
)
def test_no_changes_holds_controls_still(thing, controls):
    for text in (f"no {thing} changes", f"No {thing} change."):
        assert set(parse(text).still) == controls


@pytest.mark.parametrize("name", [*STEMS, *SOUNDS])
def test_every_stem_and_kind_of_sound_can_be_refused(name):
    assert parse(f"no {name}").silent == (name,)


def test_instruments_can_be_refused_as_people_write_them():
    assert {parse(f"no {name}", tuple(CATALOGUE)).silent for name in CATALOGUE} == {(name,) for name in CATALOGUE}
    assert parse("no felt piano", tuple(CATALOGUE)).silent == ("felt_piano",)
    assert parse("no drum").silent == ("drums",), "one of them is all of them"
    assert parse("no flutes", tuple(CATALOGUE)).silent == ("flutes",) != parse("no flute", tuple(CATALOGUE)).silent


def test_instruments_only_say_sounds_that_people_can_refuse():
    assert {sound for entry in CATALOGUE.values() for sound in entry.sounds} <= set(SOUNDS)


def test_all_that_is_blown_is_flutes():
    blown = {entry.name for entry in CATALOGUE.values() if "flutes" in entry.sounds}
    assert blown == {"flute", "shakuhachi", "ney", "bansuri"}
    assert all("breath" in CATALOGUE[name].sounds for name in blown)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("be nice", "write it as 'no percussion'"),
        ("", "is not understood"),
        ("no bird song", "no sound called 'bird song' is known"),
        ("no percusion", "near it: percussion"),
        ("no weather changes", "one of key, mode, tempo, loudness, mood"),
        ("nothing above 70 mph", "give a number of bpm or LUFS"),
        ("nothing above 700 bpm", "give 44 to 140 bpm"),
        ("nothing louder than -20 LUFS", "give -40 to -23 LUFS"),
        ("tempo at most 70", "no control called tempo; near it: tempo_by, tempo_bpm"),
        ("density_hz at most 99", "give 0.1 to 8 1/s"),
        ("mode at most 1.5", "give one of lydian"),
    ],
)
def test_what_is_not_understood_is_refused_with_what_is(text, told):
    with pytest.raises(ConstraintError) as refused:
        parse(text)
    assert told in str(refused.value) and repr(text) in str(refused.value)


_WORDS = ("no", "nothing", "above", "below", "louder", "than", "at", "most", "least", "changes", "bpm", "LUFS", "-30")
_SENTENCES = st.lists(
    st.sampled_from([*_WORDS, "70", "1e9", "nan", "٣", "wave", *STEMS, *SOUNDS[:4], *TABLE]), max_size=6
).map(" ".join)


@given(st.text() | _SENTENCES)
@settings(max_examples=300)
def test_any_text_is_understood_or_refused(text):
    """And what is understood only ever narrows."""
    try:
        understood = parse(text, tuple(CATALOGUE))
    except ConstraintError:
        return
    assert understood.spans or understood.still or understood.silent
    for name, (low, high) in understood.spans.items():
        assert TABLE[name].low <= low <= high <= TABLE[name].high
    assert set(understood.still) <= TABLE.keys()
    assert pickle.loads(pickle.dumps(understood)) == understood


# -- what a session makes of them --------------------------------------------------------------------------------------


def played(preset: str, constraints: list[str], seconds: int, script=(), **options: Any):
    lines: list[dict[str, Any]] = []
    asked = {"constraints": constraints, "script": script, "record": lines.append, **options}
    session = Session(preset, seed=2, minutes=1, sample_rate=RATE, stems=True, **asked)
    return session, session.render_audio(seconds * RATE), lines


LOUD_SCRIPT = [(8.0, "level_nature_db", 0.0), (8.0, "level_percussion_db", 6.0), (10.0, "loudness_lufs", -23.0)]


@pytest.fixture(scope="module")
def kept():
    """A session that was asked for everything its constraints forbid; and the same without constraints."""
    forbidden = ["no percussion", "no wind", "nothing louder than -30 LUFS", "no birds"]
    options = {"settings": {"percussiveness": 0.5, "dynamics_db": 0.0, "scene": 1}}
    return {
        "kept": played("energise", forbidden, 45, LOUD_SCRIPT, **options),
        "free": played("energise", [], 45, LOUD_SCRIPT, **options),
    }


@pytest.mark.parametrize("stem", ["percussion", "nature"])
def test_what_may_not_sound_is_exactly_silent(kept, stem):
    assert not kept["kept"][1].stems[stem].any()
    assert np.abs(kept["free"][1].stems[stem]).max() > 1e-3, "it would sound"
    assert np.abs(kept["kept"][1].stems["pad"]).max() > 1e-3


def test_the_record_says_why_a_stem_is_silent(kept):
    texts = [line["text"] for line in kept["kept"][2] if line["type"] == "repair"]
    assert "percussion stays out of the way: no percussion" in texts
    assert "nature stays out of the way: no wind" in texts
    refused = [line for line in kept["kept"][2] if line["type"] == "commit" and line["by"] == "script"]
    assert len(refused) == 3 and all(line["repair"] for line in refused)
    assert "no wind" in refused[0]["repair"] and "no percussion" in refused[1]["repair"]


def test_nothing_louder_is_measured_in_the_sound(kept):
    meter = pyloudnorm.Meter(RATE)
    quiet, free = (meter.integrated_loudness(kept[name][1].mix[20 * RATE :].astype(float)) for name in ("kept", "free"))
    assert -33.0 < quiet < -29.5
    assert free > -26.0


def test_a_kind_of_sound_silences_every_stem_that_makes_it():
    preset = load_preset("settle")
    bells = replace(preset.stems["melody"], instrument="vibraphone")
    preset = replace(preset, stems={**preset.stems, "melody": bells})
    bounds = bounds_of(preset, constraints=["no metal"])
    assert bounds.range("level_bells_db") == bounds.range("level_melody_db") == (-60.0, -60.0)
    assert bounds.range("level_pad_db") == (-60.0, 6.0)


@pytest.mark.parametrize("by", ["hand", "hand:ann", "script"])
def test_no_key_changes_holds_against_a_hand(by):
    lines: list[dict[str, Any]] = []
    session = Session(
        "settle", seed=2, minutes=3, sample_rate=RATE, audio=False, constraints=["no key changes"], record=lines.append
    )
    session.request("key", 9.0, by=by)
    session.render(100 * RATE)
    assert session.controls["key"] == load_preset("settle").controls["key"]
    assert {change.key for change in session.score.keys} == {2}
    (refused,) = (line for line in lines if line["type"] == "commit" and line["control"] == "key")
    assert "no changes are wanted" in refused["repair"]


def test_the_plan_keeps_them_too():
    """settle would go to 54 bpm, breathe and grow calmer."""
    constraints = ["nothing below 62 bpm", "no breath wave", "arousal at least -0.1", "no mode changes"]
    lines: list[dict[str, Any]] = []
    session = Session("settle", minutes=10, sample_rate=RATE, audio=False, constraints=constraints, record=lines.append)
    while not session.finished:
        session.render(RATE)
        now = session.controls
        assert now["tempo_bpm"] >= 62.0 - 1e-9 and now["breath_depth_db"] == 0.0 and now["arousal"] >= -0.1
    assert now["arousal"] == pytest.approx(-0.1, abs=0.01) and {change.mode for change in session.score.keys} == {1}
    assert not [line for line in lines if line["type"] == "commit" and line["repair"]], "the plan knows them beforehand"


def test_a_still_loudness_is_still_and_safety_may_still_soften():
    constraints = ["no loudness changes", "no mood changes"]
    session = Session("energise", minutes=10, sample_rate=RATE, audio=False, constraints=constraints)
    start = session.controls
    still = ("loudness_lufs", "dynamics_db", "arousal", "valence", "tension")
    session.request("dynamics_db", -3.0)
    session.render(240 * RATE)
    session.release("dynamics_db")
    assert {name: session.controls[name] for name in still} == {name: start[name] for name in still}
    session.verb("ground")
    session.render(12 * RATE)
    assert session.controls["dynamics_db"] == pytest.approx(start["dynamics_db"] - 6.0, abs=0.1)


@pytest.mark.parametrize(
    ("constraints", "told"),
    [
        (["nothing above 60 bpm", "tempo_bpm at least 80"], "nothing above 60 bpm allows 44 to 60 bpm"),
        (["tempo_bpm at least 80", "nothing above 60 bpm"], "tempo_bpm at least 80 allows 80 to 140 bpm"),
        (["level_pad_db at least -10", "no pad"], "leaves level_pad_db nowhere to be"),
        (["no breath wave", "breath_depth_db at least 2"], "leaves breath_depth_db nowhere to be"),
        (["attack_ms at most 10"], "default allows 25 to 2000 ms"),
        (["sing loudly"], "is not understood"),
        ("sing loudly", "'sing loudly' is not understood"),
    ],
)
def test_constraints_that_cannot_be_kept_are_refused(constraints, told):
    with pytest.raises(ConstraintError, match=told):
        Session("settle", audio=False, constraints=constraints)


def test_a_preset_brings_its_own_and_a_session_adds_to_them():
    preset = replace(load_preset("settle"), constraints=("nothing above 60 bpm",))
    session = Session(preset, audio=False, constraints=["no percussion", "nothing above 60 bpm"])
    assert session.terms.as_dict()["constraints"] == ["nothing above 60 bpm", "no percussion"]
    assert session.controls["tempo_bpm"] == pytest.approx(60.0) and session.controls["level_percussion_db"] == -60.0
