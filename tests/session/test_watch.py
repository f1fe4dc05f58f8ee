"""What is watched besides the music: the dose of sound, lost sensors and stop rules, each a line of the record."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from synth.output.render import render_session
from synth.output.replay import replay_session
from synth.record.incidents import incidents
from synth.record.reader import read_record
from synth.safety.dose import CalibrationError
from synth.safety.ledger import Heard
from synth.session import Session

RATE = 22_050
TODAY = date(2026, 11, 22)


def played(seconds: float, **options: Any) -> tuple[Session, list[dict[str, Any]]]:
    lines: list[dict[str, Any]] = []
    session = Session("settle", sample_rate=RATE, seed=3, minutes=5, record=lines.append, **options)
    session.render(round(seconds * RATE))
    return session, lines


def of(lines: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["type"] == kind]


def test_without_a_calibration_no_level_and_no_dose_is_told():
    session, lines = played(65)
    assert session.terms.dose.percent is None and not of(lines, "dose")
    assert lines[0]["calibration"] is None
    assert "spl" not in str(lines[1:]).lower()


def test_with_one_a_minute_is_told_as_it_was_heard():
    session, lines = played(65, calibration={"db_spl_at_minus_20_lufs": 74.0, "source": "ear simulator"})
    (line,) = of(lines, "dose")
    assert line["t_s"] == 60.0
    assert 74.0 - 12.0 < line["level_db_spl"] < 74.0 - 4.0, "six and more LU under -20 LUFS, and a fade in"
    expected = 100.0 * 60.0 / 3600.0 / 40.0 * 10.0 ** ((line["level_db_spl"] - 80.0) / 10.0)
    assert line["percent"] == pytest.approx(expected, abs=2e-4)
    assert lines[0]["calibration"] == {"db_spl_at_minus_20_lufs": 74.0, "source": "ear simulator"}


def test_a_full_week_is_told_and_softens_and_nobody_raises_it_again():
    week = [Heard(date(2026, 11, 20), 39.999)]
    session, lines = played(20, calibration=100.0, week=week, today=TODAY)
    asked = [line for line in of(lines, "commit") if line["by"] == "safety" and line["control"] == "loudness_lufs"]
    assert asked and asked[0]["new"] == pytest.approx(asked[0]["old"] - 3.0) and "week" in asked[0]["reason"]
    assert {line["kind"] for line in of(lines, "incident")} == {"dose"}
    session.request("loudness_lufs", -23.0)
    session.render(10 * RATE)
    assert not of(lines, "commit")[-1]["accepted"] or of(lines, "commit")[-1]["control"] != "loudness_lufs"
    assert session.controls["loudness_lufs"] <= asked[0]["new"] + 1e-6


def test_a_dose_decides_the_same_again_from_the_record(tmp_path):
    week = [Heard(date(2026, 11, 20), 39.999)]
    asked = {"minutes": 0.5, "stems": False, "calibration": 95.0, "week": week, "today": TODAY}
    render_session("settle", tmp_path / "one", sample_rate=RATE, **asked)
    again = replay_session(tmp_path / "one", tmp_path / "two", from_sensors=True, stems=False)
    assert again.difference is None
    assert (tmp_path / "one" / "mix.flac").read_bytes() == (tmp_path / "two" / "mix.flac").read_bytes()
    assert any(line["by"] == "safety" for line in read_record(tmp_path / "one").of("commit"))


@pytest.mark.parametrize("calibration", [float("nan"), 5.0, "no file", {"level": 70}, {}, True])
def test_a_calibration_that_is_none_is_refused(calibration):
    with pytest.raises(CalibrationError):
        Session("settle", calibration=calibration)


def test_lost_sensors_and_stop_rules_are_incidents():
    lines: list[dict[str, Any]] = []
    session = Session("settle", sample_rate=RATE, seed=3, minutes=20, record=lines.append, audio=False)
    for t in range(400):
        if t < 360:
            climbing = min(max((t - 230) / 40.0, 0.0), 1.0)  # a heart does not step
            session.feed("hr", 65.0 + 40.0 * climbing + t * 7 % 5, float(t))
            session.feed("eda", 4.0 + 0.01 * (t % 7), float(t))
        session.render(RATE)
    kinds = [line["kind"] for line in of(lines, "incident")]
    assert "stop_rule" in kinds and "sensor_loss" in kinds
    stop = next(line for line in of(lines, "incident") if line["kind"] == "stop_rule")
    assert stop["text"].startswith("heart rate over 25 a minute")
    assert any(line["by"] == "safety" and line["reason"] == stop["text"] for line in of(lines, "commit"))


def test_the_log_of_a_rendered_session_holds_them(tmp_path):
    week = [Heard(date(2026, 11, 20), 39.999)]
    render_session(
        "settle", tmp_path / "one", sample_rate=RATE, minutes=0.3, stems=False, calibration=95.0, week=week, today=TODAY
    )
    assert "dose" in {incident.kind for incident in incidents(read_record(tmp_path / "one"), "one")}
