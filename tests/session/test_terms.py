"""The terms of a session: who may listen to what, whose word counts, and a start that is heard from the first sound."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import soundfile

from synth.controls import TABLE
from synth.output.render import render_session
from synth.output.replay import replay_session
from synth.preset import PresetError, load_preset, preset_names
from synth.record import RecordWriter
from synth.record.reader import read_record
from synth.resources import assets_folder
from synth.safety.limits import control_range, limits
from synth.session import Session, TermsError, agree
from synth.steering.meeting import MeetingError

RATE = 22_050
SETTLE = load_preset("settle")
WIDE = replace(
    SETTLE,
    ranges={name: control_range(name, TABLE[name].low, TABLE[name].high, limits()) for name in SETTLE.ranges}
    | {"dynamics_db": (-6.0, 3.0)},
)


def session(preset: Any = SETTLE, **options: Any) -> Session:
    return Session(preset, **{"sample_rate": RATE, "audio": False, "seed": 3, **options})


# -- who and what ------------------------------------------------------------------------------------------------------


def test_supervision_must_be_said():
    watched = replace(SETTLE, supervision=True)
    with pytest.raises(TermsError, match="someone is with the person: say so"):
        session(watched)
    assert session(watched, supervised=True).terms.supervised
    assert not session().terms.supervised


def test_a_refused_wearable_is_no_part_of_the_session():
    preset = replace(SETTLE, wearable="refused")
    with pytest.raises(TermsError, match="leave the wearable out"):
        session(preset, recording=assets_folder() / "recording")
    played = session(preset)
    with pytest.raises(TermsError, match="hr is refused"):
        played.feed("hr", 70.0)
    assert session(SETTLE, recording=assets_folder() / "recording")


@pytest.mark.parametrize("name", preset_names())
def test_every_shipped_preset_plays_each_of_its_palettes(name):
    preset = load_preset(name)
    for palette, chosen in preset.palettes.items():
        played = session(preset, palette=palette, supervised=True).preset
        assert {stem: played.stems[stem].instrument for stem in chosen} == dict(chosen)
        assert all(played.stems[stem] == preset.stems[stem] for stem in preset.stems.keys() - chosen.keys())
        assert all(played.stems[stem].level_lu == preset.stems[stem].level_lu for stem in chosen)
    with pytest.raises(PresetError, match="has no palette called 'none-such'"):
        session(preset, palette="none-such", supervised=True)


def test_a_palette_is_bound_by_constraints_too():
    preset = replace(SETTLE, palettes={"wet": {"nature": "rain"}, "dry": {"nature": "wind"}})
    levels = {
        palette: session(preset, palette=palette, constraints=["no water"]).controls["level_nature_db"]
        for palette in ("wet", "dry", None)
    }
    assert levels == {"wet": -60.0, "dry": 0.0, None: -60.0}


@pytest.mark.parametrize("policy", ["L0", "L1", "L2"])
def test_policies_have_names(policy):
    played = session(policy=policy)
    assert played.terms.policy == policy == played.terms.as_dict()["policy"]
    assert played._steering.policy.name == policy


def test_a_presets_policy_is_the_usual_one_and_others_are_refused():
    assert session(replace(SETTLE, policy="L1")).terms.policy == "L1"
    assert session(replace(SETTLE, policy="L1"), policy="L0").terms.policy == "L0"
    for wrong in ("L3", "l2", "bandit"):
        with pytest.raises(TermsError, match="one of L0, L1, L2"):
            session(policy=wrong)


def test_the_timed_arc_is_deaf_and_the_paced_one_is_not():
    def commits(policy: str, sensed: bool) -> list[dict[str, Any]]:
        lines: list[dict[str, Any]] = []
        played = session(WIDE, policy=policy, minutes=8, record=lines.append)
        for second in range(240):
            if sensed:
                played.feed("hr", 66.0 + 8.0 * min(second / 90.0, 1.0))
                played.feed("eda", 2.0 + 0.02 * second)
            played.render(RATE)
        kept = ("control", "new", "by", "quantum")
        return [{k: line[k] for k in kept} for line in lines if line["type"] == "commit"]

    assert commits("L0", True) == commits("L0", False) == commits("L1", True)
    assert commits("L2", True) != commits("L2", False)


# -- where the person is -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "report", "met"),
    [
        ("L0", {"arousal": 0.4}, None),
        ("L1", {"arousal": 0.4}, (0.4, 0.2)),
        ("L2", {"arousal": 0.4, "valence": -0.3}, (0.4, -0.3)),
        ("L2", {"valence": -0.3}, (0.0, -0.3)),
        ("L1", {"arousal": 0.65}, (0.59, 0.2)),
        ("L1", {"arousal": 1.0}, (0.6, 0.2)),
        ("L1", {"arousal": -1.0}, (-0.6, 0.2)),
        ("L2", {}, None),
        ("L2", None, None),
    ],
)
def test_who_is_met_and_where(policy, report, met):
    terms = agree(WIDE, 20.0, policy=policy, self_report=report)
    assert (terms.start is None) == (met is None)
    if met:
        assert terms.start[:2] == pytest.approx(met) and terms.start.tension <= 0.3
        assert "starts where the person says they are" in terms.notes
        assert terms.controls["arousal"] == terms.start.arousal
    else:
        assert terms.controls == WIDE.controls
    assert terms.as_dict()["self_report"] == (report or {})


def test_sensitive_listeners_are_told_that_they_are_not_matched():
    terms = agree(replace(WIDE, profile="sensitive"), 20.0, self_report={"arousal": 0.9})
    assert terms.start is None and "starts as planned: nobody is matched here" in terms.notes
    screened = agree(WIDE, 20.0, self_report={"arousal": 0.9}, screening={"startles": True})
    assert screened.start is None


@pytest.mark.parametrize(
    ("report", "error", "told"),
    [
        ({"arousal": math.nan}, MeetingError, "arousal = nan: give how one feels from -1 to 1"),
        ({"arousal": 1.5}, MeetingError, "arousal = 1.5"),
        ({"valence": -math.inf}, MeetingError, "valence = -inf"),
        ({"mood": 0.1}, TermsError, "self_report holds mood"),
        ({"arousal": "high"}, TermsError, "self_report arousal = 'high': give a number"),
        ({"arousal": True}, TermsError, "self_report arousal = True"),
        ({"valence": None}, TermsError, "self_report valence = None"),
    ],
)
def test_reports_that_say_nothing_are_refused(report, error, told):
    with pytest.raises(error, match=told):
        session(self_report=report)


def test_a_matched_start_is_what_sounds_first():
    """Controls, score and level at the first frame are those of the match; nothing travels there."""
    lines: list[dict[str, Any]] = []
    played = session(WIDE, self_report={"arousal": 0.9, "valence": -0.2}, record=lines.append)
    edges: list[np.ndarray] = []
    played.on_block = lambda block: edges.append(block.edges.copy())
    met, start = played.controls, played.terms.start
    assert (met["arousal"], met["valence"]) == pytest.approx((0.6, -0.2))
    played.render(64)
    plain = session(WIDE).controls
    for name in ("tempo_bpm", "density_hz", "brightness_oct", "dynamics_db"):
        assert met[name] > plain[name], name
    assert met["dynamics_db"] <= 2.0 + 1e-9
    assert played.score.tempos[0].bpm == pytest.approx(met["tempo_bpm"], abs=1e-3)
    row = dict(zip(TABLE, edges[0][0].tolist(), strict=False))
    assert row["arousal"] == pytest.approx(start.arousal) and row["brightness_oct"] == pytest.approx(
        met["brightness_oct"]
    )
    played.render(60 * RATE)
    assert played.planned[0] == pytest.approx(start.arousal, abs=0.01), "and stays there for a while"
    for name in ("tempo_bpm", "arousal", "density_hz"):
        assert played.controls[name] == pytest.approx(met[name], rel=0.02)
    assert {"type": "repair", "t_s": 0.0, "text": "starts where the person says they are"} in lines


# -- kept in the record ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked",
    [
        {"self_report": {"arousal": 0.6, "valence": 0.5}, "policy": "L1"},
        {"screening": {"startles": True}, "constraints": ["no bells", "nothing above 60 bpm"]},
        {"palette": "dark", "supervised": True, "screening": {"loses_touch": True, "none_of_these": None}},
    ],
    ids=["matched", "sensitive", "palette"],
)
def test_a_replay_needs_nothing_but_the_record(tmp_path, asked):
    """Bit for bit from the commits and from what people did, with the terms as they were agreed."""
    preset = replace(WIDE, palettes={"dark": {"pad": "warm", "nature": "wind"}})
    options = {"minutes": 0.3, "seed": 9, "sample_rate": RATE, "stems": False}
    render_session(preset, tmp_path / "first", **options, **asked)
    heard = soundfile.read(tmp_path / "first" / "mix.flac")[0]
    header = read_record(tmp_path / "first").header
    for from_sensors in (False, True):
        folder = tmp_path / f"again-{from_sensors}"
        replayed = replay_session(tmp_path / "first", folder, from_sensors=from_sensors, stems=False)
        assert replayed.difference is None
        assert np.array_equal(soundfile.read(folder / "mix.flac")[0], heard)
        again = read_record(folder).header
        for name in ("policy", "constraints", "gates", "supervised", "self_report", "profile", "preset"):
            assert again[name] == header[name], name
    render_session(preset, tmp_path / "plain", **options)
    assert not np.array_equal(soundfile.read(tmp_path / "plain" / "mix.flac")[0], heard)


def test_a_session_that_refused_the_body_replays_from_what_was_said(tmp_path):
    preset = replace(SETTLE, wearable="refused")
    lines: list[dict[str, Any]] = []
    (tmp_path / "first").mkdir()
    with RecordWriter(tmp_path / "first" / "session.jsonl") as writer:

        def record(line: dict[str, Any]) -> None:
            lines.append(line)
            writer.write(line)

        played = session(preset, minutes=0.5, record=record, audio=True)
        for second in range(30):
            if second == 5:
                played.feed("self_arousal", -0.4)
            played.render(RATE)
        played.close()
    replayed = replay_session(tmp_path / "first", tmp_path / "again", from_sensors=True, stems=False)
    assert replayed.difference is None


def test_the_record_keeps_gates_and_no_answers():
    lines: list[dict[str, Any]] = []
    session(screening={"pregnant": True, "age": 33}, record=lines.append)
    header = lines[0]
    assert header["gates"]["haptic"] is False and "screening" not in header and "age" not in header["gates"]
