"""A plan edited while it runs: from where the moods are, at the same time, within the limits, and aloud."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.estimator.state import State
from synth.output.render import render_session
from synth.output.replay import replay_session
from synth.preset import Cue, Phase, PresetError, load_preset, phase_to_dict, phases_from
from synth.record.reader import read_record
from synth.resources import assets_folder
from synth.safety.bounds import Bounds
from synth.session import Session
from synth.steering.lead import Lead

RATE = 22_050
SETTLE = load_preset("settle")
UP = [
    {"kind": "baseline", "minutes": 2},
    {"kind": "lead", "minutes": 8, "arousal": 0.1, "valence": 0.4, "tension": -0.2},
    {"kind": "plateau", "minutes": 10, "arousal": 0.1, "valence": 0.4, "tension": -0.2},
]


def session(**options: Any) -> tuple[Session, list[dict[str, Any]]]:
    lines: list[dict[str, Any]] = []
    return Session("settle", seed=3, sample_rate=RATE, audio=False, record=lines.append, **options), lines


def of(lines: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["type"] == kind]


def test_it_goes_on_from_where_it_is_and_arrives_at_the_new_end():
    played, lines = session(minutes=20)
    played.render(500 * RATE)
    before = played.planned
    played.edit(UP)
    played.render(2 * RATE)
    assert played.planned == pytest.approx(before, abs=0.01), "no jump"
    played.render(698 * RATE)
    assert played.planned == pytest.approx((0.1, 0.4, -0.2), abs=0.02)
    assert played.phase == "plateau" and played.controls["arousal"] == pytest.approx(0.1, abs=0.03)
    (edit,) = of(lines, "edit")
    assert edit["by"] == "hand" and edit["t_s"] == pytest.approx(500.0, abs=0.01) and len(edit["phases"]) == 3
    words = [text for line in of(lines, "plan") for text in line["words"]]
    assert "the plan was changed, as asked" in words
    planned = [line["arousal"] for line in of(lines, "plan")]
    assert max(b - a for a, b in zip(planned, planned[1:], strict=False)) <= 0.15 / 60.0 + 1e-6


def test_it_keeps_the_time_since_the_beginning():
    played, _ = session(minutes=20)
    played.render(130 * RATE)
    assert played.phase == "match"
    played.edit(UP)
    played.render(RATE)
    assert played.phase == "lead", "which is running 130 s after the new plan's beginning"


@pytest.mark.parametrize(
    ("phases", "told"),
    [
        ([], "phases: are missing: give at least one"),
        ("baseline", "phases"),
        (None, "phases"),
        ([5], "phases"),
        ([{}], "phases 1 kind: is missing"),
        ([{"kind": "lead"}], "phases 1 minutes: is missing"),
        ([{"kind": "leed", "minutes": 20}], "did you mean lead"),
        ([{"kind": "lead", "minutes": math.nan}], "nan is out of range"),
        ([{"kind": "lead", "minutes": -4}], "-4 is out of range"),
        ([{"kind": "lead", "minutes": 20, "arousal": math.inf}], "inf is out of range"),
        ([{"kind": "lead", "minutes": 20, "arousal": "low"}], "'low' is not a number"),
        ([{"kind": "lead", "minutes": 1, "arousal": -0.6}], "is too quick: give the phase"),
        ([{"kind": "lead", "minutes": 20, "loud": 1}], "loud: is not a key here"),
        ([{"kind": "lead", "minutes": 20, "breath_rate_bpm": 4.5}], "give 6 to 20 breaths a minute"),
        ([{"kind": "lead", "minutes": 20, "cues": [{"kind": "gong"}]}], "phases 1 cues 1 kind: 'gong'"),
        (
            [
                {
                    "kind": "lead",
                    "minutes": 20,
                    "cues": [{"kind": "stem_in", "at_minutes": 1, "seconds": 9, "stem": "tuba"}],
                }
            ],
            "'tuba'",
        ),
        (
            [{"kind": "lead", "minutes": 1, "cues": [{"kind": "silence", "at_minutes": 0.9, "seconds": 30}]}],
            "go beyond",
        ),
        (
            [{"kind": "lead", "minutes": 9, "cues": [{"kind": "tempo", "at_minutes": 1, "seconds": 9, "percent": 9}]}],
            "too quick",
        ),
    ],
)
def test_phases_that_cannot_be_change_nothing(phases, told):
    plain, plain_lines = session(minutes=20)
    played, lines = session(minutes=20)
    for one in (plain, played):
        one.render(20 * RATE)
    with pytest.raises(PresetError, match=told) as refused:
        played.edit(phases)
    assert str(refused.value).startswith("plan")
    for one in (plain, played):
        one.render(20 * RATE)
    assert lines == plain_lines


def test_all_that_is_wrong_is_told_at_once():
    played, _ = session()
    with pytest.raises(PresetError) as refused:
        played.edit([{"kind": "leed", "minutes": 0}, {"kind": "lead", "minutes": 3, "valence": 9}])
    assert len(str(refused.value).splitlines()) == 3


def test_the_profile_of_the_session_binds_the_edit():
    """Not that of the preset: a sensitive session allows less steep arcs."""
    arc = [{"kind": "baseline", "minutes": 2}, {"kind": "lead", "minutes": 6, "arousal": -0.5}]
    session()[0].edit(arc)
    with pytest.raises(PresetError, match="too quick"):
        session(screening={"startles": True})[0].edit(arc)


def test_an_edit_too_quick_for_the_session_is_softened_aloud():
    played, lines = session(minutes=5)
    played.render(10 * RATE)
    played.edit([{"kind": "baseline", "minutes": 5}, {"kind": "lead", "minutes": 15, "arousal": -0.6}])
    played.render(3 * RATE)
    words = [text for line in of(lines, "plan") for text in line["words"]]
    assert any("as its arc needs" in text or "too short for the whole arc" in text for text in words[1:])


def test_new_cues_come_and_what_lies_behind_does_not():
    played, lines = session(minutes=20)
    cues = [
        {"kind": "ground", "at_minutes": 1, "seconds": 20},
        {"kind": "silence", "at_minutes": 5, "seconds": 20},
    ]
    played.render(300 * RATE)
    played.edit([{"kind": "baseline", "minutes": 2}, {"kind": "plateau", "minutes": 18, "cues": cues}])
    played.render(200 * RATE)
    begun = [(line["kind"], line["t_s"]) for line in of(lines, "cue") if not line["text"].endswith("ends")]
    assert [kind for kind, _ in begun if _ >= 300.0] == ["silence"]
    assert dict(begun)["silence"] == pytest.approx(420.0, abs=1.0)


def test_an_edit_downwards_takes_the_right_to_raise_from_signals():
    """energise may trim upwards; once its plan leads down it may not, whatever the body says."""
    preset = load_preset("energise")
    start = (preset.controls["arousal"], preset.controls["valence"], preset.controls["tension"])
    down = (Phase("baseline", 2.0, *start), Phase("lead", 18.0, start[0] - 0.3, *start[1:]))
    trims = {}
    for name, phases in (("kept", preset.phases), ("edited", down)):
        lead = Lead(preset, 1200.0, policy="L2")
        values = dict(preset.controls)
        for t in range(500):
            if t == 200:
                lead.edit(phases)
            drowsy = State(float(t), lead.planned[0] - 0.35, 0.9)
            asked = lead.tick(float(t), drowsy, values, frozenset())
            values |= {request.control: request.value for request in asked}
        trims[name] = values["arousal"] - lead.planned[0]
    assert trims["kept"] > 0.03 and trims["edited"] <= 0.01


def test_phases_survive_their_tables():
    preset = load_preset("settle")
    cues = (Cue("breath", 1.0, 60.0, 2.5), Cue("tempo", 2.0, 300.0, -3.0), Cue("stem_out", 1.0, 9.0, stem="bells"))
    phases = tuple(
        replace(p, cues=cues if p.minutes > 8 else (), step=0.2 if p.minutes > 8 else 0.0) for p in preset.phases
    )
    tables = json.loads(json.dumps([phase_to_dict(phase) for phase in phases]))
    assert phases_from(preset, tables, Bounds()) == phases


tables = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.sampled_from(["lead", "silence", "pad", 2, 0.5]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["kind", "minutes", "arousal", "step", "dwell_s", "cues", "stem", "x"]), inner
        )
    ),
    max_leaves=12,
)


@given(tables)
@settings(max_examples=200)
def test_any_tables_are_phases_or_refused(given_tables):
    try:
        phases = phases_from(SETTLE, given_tables, Bounds())
    except PresetError:
        return
    assert phases and all(math.isfinite(phase.minutes) and phase.minutes > 0 for phase in phases)


def moves() -> list[dict[str, Any]]:
    """What people did in a session of half a minute, as lines of a record."""
    silence = {"kind": "silence", "at_minutes": 3.0, "seconds": 6}
    hand = {"control": "tempo_bpm", "requested": 70.0, "by": "hand:ann", "reason": "asked for", "confidence": None}
    done = [
        (8.0, {"type": "edit", "phases": UP[1:]}),
        (10.0, {"type": "verb", "verb": "more"}),
        (14.0, {"type": "commit", **hand}),
        (18.0, {"type": "edit", "phases": [{"kind": "plateau", "minutes": 5, "cues": [silence]}]}),
        (24.5, {"type": "release", "control": "tempo_bpm"}),
        (26.0, {"type": "verb", "verb": "skip"}),
    ]
    return [{"quantum": math.ceil(at_s * RATE / 64), **move} for at_s, move in done]


def test_a_replay_repeats_it(tmp_path):
    """Bit for bit from the commits, and decision for decision from what people did."""
    options = {"minutes": 0.6, "seed": 5, "sample_rate": RATE, "stems": False}
    wearable = assets_folder() / "recording"
    render_session("settle", tmp_path / "first", wearable=wearable, moves=moves(), **options)
    heard = soundfile.read(tmp_path / "first" / "mix.flac")[0]
    record = read_record(tmp_path / "first")
    assert len(record.of("edit")) == 2 and [cue["kind"] for cue in record.of("cue")] == ["silence", "silence"]
    replay_session(tmp_path / "first", tmp_path / "commits", stems=False)
    assert np.array_equal(soundfile.read(tmp_path / "commits" / "mix.flac")[0], heard)
    replayed = replay_session(tmp_path / "first", tmp_path / "sensors", from_sensors=True, stems=False)
    assert replayed.difference is None
    assert np.array_equal(soundfile.read(tmp_path / "sensors" / "mix.flac")[0], heard)
    again = read_record(tmp_path / "sensors")
    assert [line["phases"] for line in again.of("edit")] == [line["phases"] for line in record.of("edit")]
    unedited = [move for move in moves() if move["type"] != "edit"]
    render_session("settle", tmp_path / "other", wearable=wearable, moves=unedited, **options)
    assert not np.array_equal(soundfile.read(tmp_path / "other" / "mix.flac")[0], heard), "the edits are heard"
