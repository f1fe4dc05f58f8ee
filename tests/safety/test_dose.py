"""Dose after WHO-ITU H.870: the formula by hand, a week of a ledger, and what is done at 80 and 100 %."""

from __future__ import annotations

import json
import math
import os
import pickle
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.preset import GOALS
from synth.safety.dose import ADVICE, Calibration, CalibrationError, Dose, dose_percent
from synth.safety.ledger import Heard, append_ledger, in_week, read_ledger

TODAY = date(2026, 11, 22)
AT_80 = Calibration(77.0, "meter at the ear")


def mean_square(lufs: float) -> float:
    return 10.0 ** ((lufs + 0.691) / 10.0)


def listened(hours: float, lufs: float, calibration: Calibration | None = AT_80, **options) -> Dose:
    dose = Dose(calibration, **options)
    for _ in range(round(hours * 60)):
        dose.step(60.0, mean_square(lufs), lufs)
    return dose


@pytest.mark.parametrize(
    ("heard", "weekly_dba", "percent"),
    [
        ([(40.0, 80.0)], 80.0, 100.0),
        ([(40.0, 75.0)], 75.0, 100.0),
        ([(40.0, 75.0)], 80.0, 31.62),
        ([(20.0, 83.01)], 80.0, 100.0),
        ([(10.0, 80.0), (4.0, 90.0)], 80.0, 125.0),
        ([], 80.0, 0.0),
    ],
)
def test_the_formula_by_hand(heard, weekly_dba, percent):
    assert dose_percent(heard, weekly_dba) == pytest.approx(percent, rel=1e-3)


@given(st.floats(40.0, 100.0), st.floats(0.1, 20.0))
def test_ten_decibels_are_ten_times_the_time_and_three_about_twice(level, hours):
    assert dose_percent([(hours, level + 10.0)]) == pytest.approx(dose_percent([(10.0 * hours, level)]))
    assert dose_percent([(hours, level + 3.0)]) == pytest.approx(dose_percent([(2.0 * hours, level)]), rel=0.01)


def test_a_dose_is_what_the_seconds_sum_to():
    """-17 LUFS is 80 dB SPL here: 2 of 40 hours."""
    dose = listened(2.0, -17.0)
    assert dose.percent == pytest.approx(5.0, rel=1e-4)
    assert dose.take_line() == {"percent": pytest.approx(5.0, rel=1e-4), "level_db_spl": 80.0}
    assert dose.take_line() is None, "nothing more was heard"
    assert listened(2.0, -17.0, weekly_dba=75.0).percent == pytest.approx(15.81, rel=1e-3)
    assert listened(2.0, -20.0).percent == pytest.approx(2.506, rel=1e-3)
    silence = Dose(AT_80)
    assert silence.step(60.0, 0.0, -26.0) == ([], ()) and silence.percent == 0.0 and silence.take_line() is None


def test_without_a_calibration_nothing_is_said():
    dose = Dose(None, week=[Heard(TODAY, 1000.0)], today=TODAY)
    assert dose.step(3600.0, mean_square(0.0), -23.0) == ([], ())
    assert dose.percent is None and dose.take_line() is None and dose.take_heard(TODAY) is None


def test_a_warning_once_then_three_decibels_softer_and_again_for_each_ten_percent():
    dose, now, asked, told = Dose(AT_80, [Heard(TODAY, 31.0)], TODAY), -23.0, [], []
    for _ in range(14 * 3600 // 60):
        requests, words = dose.step(60.0, mean_square(-17.0), now)
        asked += [(round(dose.percent), r) for r in requests]
        told += words
        now = requests[0].value if requests else now
    assert [w for w in told if "80 % of a week" in w] == [told[0]]
    assert [(percent, r.value) for percent, r in asked] == [(100, -26.0), (110, -29.0)]
    assert {(r.control, r.by) for _, r in asked} == {("loudness_lufs", "safety")}
    assert "softer, to -26 LUFS" in told[1] and len(told) == 3


def test_it_never_asks_for_less_than_the_row_allows_and_says_so():
    over = Dose(AT_80, [Heard(TODAY, 80.0)], TODAY)
    (request,), words = over.step(1.0, mean_square(-30.0), -26.0)
    assert request.value == -40.0 and "200 %" in words[0] and "softer" in words[1]
    requests, words = over.step(4.1 * 3600.0, mean_square(-17.0), -40.0)
    assert requests == [] and "as soft as it goes" in words[0]
    assert over.step(1.0, mean_square(-17.0), -40.0) == ([], ())


def test_seven_days_count():
    entries = [Heard(TODAY - timedelta(days=n), 4.0) for n in range(10)]
    assert Dose(AT_80, entries, TODAY).percent == pytest.approx(70.0)
    assert len(in_week(entries, TODAY)) == 7 and len(in_week(entries, None)) == 10
    assert Dose(AT_80, [Heard(TODAY + timedelta(days=1), 4.0)], TODAY).percent == pytest.approx(10.0)


def test_a_ledger_keeps_a_week_for_its_owner_alone(tmp_path):
    path = tmp_path / "dose.jsonl"
    for n in range(9, -1, -1):
        append_ledger(path, Heard(TODAY - timedelta(days=n), 1.5, 60.0))
    assert path.stat().st_mode & 0o777 == 0o600
    entries, words = read_ledger(path)
    assert [e.day for e in entries] == [TODAY - timedelta(days=n) for n in range(6, -1, -1)] and words == ()
    assert Dose(AT_80, path, TODAY).percent == pytest.approx(100.0 * 7 * 1.5 / 40.0)
    assert [p.name for p in tmp_path.iterdir()] == ["dose.jsonl"]
    assert read_ledger(tmp_path / "none.jsonl") == ([], ())


@pytest.mark.parametrize(
    "line",
    [
        "", "{", "null", "[]", '{"date": "2026-11-22"}', '{"date": "yesterday", "hours_at_80_dba": 1, "seconds": 1}',
        '{"date": "2026-11-22", "hours_at_80_dba": NaN, "seconds": 1}',
        '{"date": "2026-11-22", "hours_at_80_dba": -5, "seconds": 1}',
        '{"date": 5, "hours_at_80_dba": 5, "seconds": 1}', "\x00\xff", "[" * 20000,
    ],
)  # fmt: skip
def test_damaged_lines_are_told_and_left_out(line, tmp_path):
    path = tmp_path / "dose.jsonl"
    append_ledger(path, Heard(TODAY, 1.0))
    with path.open("ab") as file:
        file.write(line.encode("latin-1"))
    append_ledger(path, Heard(TODAY, 2.0))
    dose = Dose(AT_80, path, TODAY)
    assert dose.percent == pytest.approx(7.5)
    assert bool(dose.words) == bool(line) and all("line 2" in w and "may be higher" in w for w in dose.words)


def test_a_ledger_that_cannot_be_read_is_told(tmp_path):
    dose = Dose(AT_80, tmp_path, TODAY)
    assert dose.percent == 0.0 and "counts from nothing" in dose.words[0]


def test_a_ledger_is_not_written_through_a_link(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError):
        append_ledger(tmp_path / "link", Heard(TODAY, 1.0))
    assert os.listdir(tmp_path) == ["link"]


def test_what_was_heard_is_handed_to_the_ledger_once():
    dose = listened(1.0, -17.0)
    heard = dose.take_heard(TODAY)
    assert heard is not None and heard.hours_at_80_dba == pytest.approx(1.0, rel=1e-4) and heard.seconds == 3600.0
    assert dose.take_heard(TODAY) is None


def test_a_copy_goes_on_alike():
    dose = Dose(AT_80, [Heard(TODAY, 39.0)], TODAY)
    dose.step(1800.0, mean_square(-17.0), -23.0)
    copy = pickle.loads(pickle.dumps(dose))
    more = (3600.0, mean_square(-17.0), -23.0)
    assert dose.step(*more) == copy.step(*more) != ([], ())


def test_a_calibration_is_read_from_whatever_holds_it(tmp_path):
    fields = {"db_spl_at_minus_20_lufs": 70.0, "source": "meter"}
    (tmp_path / "c.json").write_text(json.dumps(fields))
    (tmp_path / "c.toml").write_text('[calibration]\ndb_spl_at_minus_20_lufs = 70.0\nsource = "meter"\n')
    for given_ in (fields, tmp_path / "c.json", str(tmp_path / "c.toml"), Calibration(70.0, "meter")):
        assert Calibration.of(given_) == Calibration(70.0, "meter")
    assert Calibration.of(70) == Calibration.of("70") == Calibration(70.0) and Calibration.of(None) is None
    assert Calibration(70.0).level_db_spl(mean_square(-26.0)) == pytest.approx(64.0)
    assert Calibration(70.0).level_db_spl(0.0) == -math.inf


@pytest.mark.parametrize(
    "wrong",
    [math.nan, math.inf, 200, 5, True, "loud", [], {}, {"source": "x"}, {"db_spl_at_minus_20_lufs": "70"},
     {"db_spl_at_minus_20_lufs": 70, "colour": 1}, {"db_spl_at_minus_20_lufs": 70, "source": 3}, "nowhere.toml"],
)  # fmt: skip
def test_a_wrong_calibration_is_refused_with_what_to_write(wrong):
    with pytest.raises(CalibrationError, match="calibration|give 30 to 110 dB SPL"):
        Calibration.of(wrong)


def test_only_the_standards_weekly_levels():
    with pytest.raises(ValueError, match="80 for adults, 75 for children"):
        Dose(None, weekly_dba=85.0)


def test_there_is_advice_for_every_goal():
    assert set(ADVICE) == set(GOALS)
    assert ADVICE["sleep"].words == "40 to 50 dBA" and ADVICE["focus"].words == "up to 70 dBA"
