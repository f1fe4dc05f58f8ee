"""Questionnaires: published scores from published answers, someone told at once of danger, and nothing out of range."""

from __future__ import annotations

import asyncio
import math
import re
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.record import RecordWriter, read_record
from synth.record.questionnaires import MOMENTS, Questionnaire, Risk, Score, Slider, imported, vas
from synth.record.scale import FOLDER, ScaleError, load_scale, scale_names

DAY = date(2026, 11, 22)
WITH_ITEMS = ["GAD-7", "PHQ-8", "PHQ-9"]
SCORE_ONLY = {"STAI-S6": (20, 80), "PSQI": (0, 21), "ISI": (0, 28), "PCL-5": (0, 80)}


def nobody(risk: Risk) -> None:
    raise AssertionError("nothing was to be told")


def opened(name: str, **options: Any) -> Questionnaire:
    return Questionnaire(name, on=DAY, on_risk=nobody, **options)


def test_these_are_shipped_with_source_and_licence() -> None:
    assert scale_names() == sorted([*WITH_ITEMS, *SCORE_ONLY])
    for name in scale_names():
        scale = load_scale(name)
        assert scale.name == name and scale.licence and re.search(r"\((19|20)\d\d\)\. ", scale.source)
        assert bool(scale.items) == (name in WITH_ITEMS), "no items of scales that others own"


@pytest.mark.parametrize(
    ("name", "items", "cuts", "loinc"),
    [
        ("PHQ-9", 9, (5, 10, 15, 20), "44261-6"),  # Kroenke, Spitzer & Williams (2001)
        ("PHQ-8", 8, (5, 10, 15, 20), ""),  # Kroenke et al. (2009)
        ("GAD-7", 7, (5, 10, 15), "70274-6"),  # Spitzer et al. (2006)
    ],
)
def test_totals_and_cut_points_are_the_published_ones(
    name: str, items: int, cuts: tuple[float, ...], loinc: str
) -> None:
    questionnaire = opened(name)
    scale = questionnaire.scale
    assert len(scale.items) == items and scale.cut_points == cuts and scale.loinc == loinc and scale.days == 14
    assert scale.options == ("Not at all", "Several days", "More than half the days", "Nearly every day")
    for total in range(3 * (items - 1) + 1):
        answers = [min(3, max(0, total - 3 * i)) for i in range(items - 1)] + [0]
        score = questionnaire.score(answers)
        assert score.score == total and score.band == sum(total >= cut for cut in cuts)
        assert (score.low, score.high) == (0, 3 * items) and score.on == DAY


def test_phq_8_is_phq_9_without_its_ninth() -> None:
    assert load_scale("PHQ-8").items == load_scale("PHQ-9").items[:8] and load_scale("PHQ-8").risk_item == 0


def test_phq_9_is_not_opened_without_someone_to_tell() -> None:
    async def later(risk: Risk) -> None: ...

    for nobody_there in (None, "help@example.org", 5, later):
        with pytest.raises(ScaleError, match="give on_risk.*or ask PHQ-8"):
            Questionnaire("PHQ-9", on=DAY, on_risk=nobody_there)
    Questionnaire("PHQ-8", on=DAY)
    Questionnaire("GAD-7", on=DAY)


@given(st.lists(st.integers(0, 3), min_size=9, max_size=9))
def test_any_answer_to_item_nine_tells_someone_once_before_the_score(answers: list[int]) -> None:
    told: list[Risk] = []
    questionnaire = Questionnaire("PHQ-9", on=DAY, on_risk=told.append)
    score = questionnaire.score(answers)
    assert score.risk_flag is (answers[8] > 0) and score.score == sum(answers)
    assert told == ([Risk("PHQ-9", 9, answers[8], DAY)] if answers[8] else [])
    assert questionnaire.score(answers) == score and len(told) == bool(answers[8]), "never twice"


def test_someone_is_told_even_when_the_rest_has_no_score() -> None:
    told: list[Risk] = []
    questionnaire = Questionnaire("PHQ-9", on=DAY, on_risk=told.append)
    with pytest.raises(ScaleError, match="item 3 is not answered"):
        questionnaire.score([0, 0, None, 0, 0, 0, 0, 0, 1])
    assert len(told) == 1
    assert questionnaire.score([0] * 8 + [1]).risk_flag and len(told) == 1


def test_what_goes_wrong_in_telling_someone_is_not_swallowed() -> None:
    calls: list[Risk] = []

    def fails_first(risk: Risk) -> None:
        calls.append(risk)
        if len(calls) == 1:
            raise ConnectionError("nobody answers")

    questionnaire = Questionnaire("PHQ-9", on=DAY, on_risk=fails_first)
    with pytest.raises(ConnectionError, match="nobody answers"):
        questionnaire.score([0] * 8 + [2])
    assert questionnaire.score([0] * 8 + [2]).risk_flag and len(calls) == 2, "until somebody has been told"


def test_a_callback_that_only_promises_to_tell_is_refused() -> None:
    loop = asyncio.new_event_loop()
    future = loop.create_future()
    try:
        with pytest.raises(ScaleError, match="nobody was told"):
            Questionnaire("PHQ-9", on=DAY, on_risk=lambda risk: future).score([0] * 8 + [1])
    finally:
        loop.close()


@pytest.mark.parametrize("name", WITH_ITEMS)
@pytest.mark.parametrize(
    "wrong",
    [None, math.nan, math.inf, -1, 4, 1.5, "1", True, np.float64("nan"), 10**400, [1]],
    ids=lambda v: f"{v}"[:8],
)
def test_answers_that_are_none_are_refused(name: str, wrong: Any) -> None:
    questionnaire = opened(name)
    for item in range(len(questionnaire.scale.items)):
        answers = [0] * len(questionnaire.scale.items)
        answers[item] = wrong
        with pytest.raises(ScaleError, match=f"item {item + 1} is "):
            questionnaire.score(answers)


@pytest.mark.parametrize("name", WITH_ITEMS)
def test_too_few_and_too_many_answers_are_refused(name: str) -> None:
    questionnaire = opened(name)
    count = len(questionnaire.scale.items)
    for wrong in (0, count - 1, count + 1):
        with pytest.raises(ScaleError, match=f"has {count} items, and {wrong} answers"):
            questionnaire.score([0] * wrong)
    for nothing in ("0" * count, None, {i: 0 for i in range(count)}, 5, iter([0] * count)):
        with pytest.raises(ScaleError, match="list of numbers"):
            questionnaire.score(nothing)


def test_answers_may_be_any_numbers_that_are_whole() -> None:
    plain = opened("GAD-7").score([0, 1, 2, 3, 0, 1, 2])
    for answers in (
        np.array([0, 1, 2, 3, 0, 1, 2]),
        np.array([0, 1, 2, 3, 0, 1, 2.0]),
        (0, 1.0, np.int8(2), 3, 0, 1, 2),
    ):
        assert opened("GAD-7").score(answers) == plain


@pytest.mark.parametrize("name", WITH_ITEMS)
def test_it_is_not_asked_again_about_the_same_days(name: str) -> None:
    for days in (0, 1, 13):
        with pytest.raises(ScaleError, match=f"looks back on 14 days and was answered {days} days ago"):
            opened(name, last=DAY - timedelta(days=days))
    opened(name, last=DAY - timedelta(days=14))
    with pytest.raises(ScaleError, match="one of the two dates is wrong"):
        opened(name, last=DAY + timedelta(days=1))
    with pytest.raises(ScaleError, match="is no date"):
        opened(name, last="2026-11-01")
    opened(name, last=datetime(2026, 11, 8, 23, 59))


@pytest.mark.parametrize(("name", "ends"), SCORE_ONLY.items())
def test_scores_of_scales_that_others_own_are_taken_within_their_range(name: str, ends: tuple[int, int]) -> None:
    for value in ends:
        score = imported(name, value, "before", DAY)
        assert (score.score, score.low, score.high) == (value, *ends) and score.band is None and score.risk_flag is None
    for wrong in (ends[0] - 1, ends[1] + 1, math.nan, None, "20", True):
        with pytest.raises(ScaleError, match=f"{ends[0]} to {ends[1]}"):
            imported(name, wrong)
    with pytest.raises(ScaleError, match="has no items here"):
        opened(name)


def test_only_scores_that_can_be_fractions_are() -> None:
    assert imported("STAI-S6", 100 / 3).score == 100 / 3
    with pytest.raises(ScaleError, match="no whole number"):
        imported("ISI", 7.5)


def test_a_scale_with_items_is_answered_and_not_imported() -> None:
    for name in WITH_ITEMS:
        with pytest.raises(ScaleError, match="give its answers"):
            imported(name, 3)


def test_sliders_of_ones_own() -> None:
    tension = vas("tension", "none", "as strong as can be")
    assert tension.score(0, "before").score == 0 and tension.score(100.0, "after", DAY).high == 100
    mood = Slider("mood", "low", "high", -5, 5)
    assert mood.score(-2.5, "during").score == -2.5
    for wrong in (-5.1, 5.1, math.nan, None, "1"):
        with pytest.raises(ScaleError, match="-5 to 5"):
            mood.score(wrong, "during")
    for ends in ((1, 1), (2, 1), (math.nan, 1), (0, math.inf), ("0", 1)):
        with pytest.raises(ScaleError, match="no range"):
            Slider("mood", "low", "high", *ends)
    for name in ("", "  ", "a\nb", "x" * 201, 5):
        with pytest.raises(ScaleError, match="in words"):
            Slider(name, "low", "high")
    with pytest.raises(ScaleError, match="give one of before, during, after, apart"):
        mood.score(1, "later")


def every_score() -> list[Score]:
    return [
        Questionnaire("PHQ-9", on=DAY, on_risk=lambda risk: None).score([1] * 9, "before"),
        Questionnaire("GAD-7", on=datetime(2026, 11, 22, 9, 30)).score([3] * 7, "after"),
        imported("STAI-S6", 40, "before"),
        vas("calm", "not at all", "wholly").score(61.5, "after", DAY),
    ]


def test_a_score_is_a_line_of_numbers(tmp_path: Path) -> None:
    lines = [score.line() for score in every_score()]
    with RecordWriter(tmp_path / "session.jsonl") as record:
        record.write(
            {"type": "session", "engine_version": "0", "preset": {}, "seed": 1, "sample_rate": 48_000, "minutes": 1.0}
        )
        for line in lines:
            record.write(line)
    assert list(read_record(tmp_path).lines) == lines
    assert lines[0] == {
        "type": "scores",
        "when": "before",
        "name": "PHQ-9",
        "score": 9.0,
        "low": 0.0,
        "high": 27.0,
        "on": "2026-11-22",
        "cut_points": [5.0, 10.0, 15.0, 20.0],
        "band": 1,
        "loinc": "44261-6",
        "risk_flag": True,
    }
    assert lines[1]["on"] == "2026-11-22" and "risk_flag" not in lines[1] and "band" not in lines[2]
    assert {line["when"] for line in lines} <= set(MOMENTS)


SOUND = """\
name = "Own"
title = "Two questions"
source = "ourselves"
licence = "ours"
low = 0
high = 4
cut_points = [2]
instruction = "Today:"
options = ["no", "a little", "much"]
items = ["One", "Two"]
"""


def test_a_scale_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(SOUND)
    score = Questionnaire(load_scale(path), on=DAY).score([2, 1], "during")
    assert (score.name, score.score, score.band) == ("Own", 3, 1)


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("high = 4", "high = 5", 6, "is not what 2 items with 3 options add up to"),
        ("high = 4", "high = 0", 6, "is not above low"),
        ("[2]", "[3, 2]", 7, "numbers that rise"),
        ("[2]", "[9]", 7, "from 0 to 4"),
        ("[2]", '["2"]', 7, "numbers in square brackets"),
        ("[2]", "2", 7, "numbers in square brackets"),
        ('"ours"', '""', 4, "licence"),
        ('["One", "Two"]', "[1, 2]", 10, "give texts"),
        ("instruction", "instructions", 8, "did you mean instruction?"),
        ("cut_points = [2]", "risk_item = 3", 10, "the risk_item among them"),
        ('name = "Own"', "", 0, "name: is missing"),
        ("low = 0", "low = ", 0, "not TOML"),
        ("low = 0", "low = " + "[" * 5000, 0, "nested too deeply"),
    ],
)
def test_a_scale_that_is_wrong_says_where(tmp_path: Path, old: str, new: str, line: int, words: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(SOUND.replace(old, new, 1))
    with pytest.raises(ScaleError) as caught:
        load_scale(path)
    assert words in str(caught.value) and (f"own.toml, line {line}: " if line else "own.toml") in str(caught.value)


def test_a_scale_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ScaleError, match="did you mean PHQ-9.*GAD-7"):
        load_scale("PHQ9")
    with pytest.raises(ScaleError, match="cannot read .*none.toml"):
        load_scale(tmp_path / "none.toml")
    for name in ("../scales/phq-9", "", "/etc/passwd"):
        with pytest.raises(ScaleError, match="no questionnaire called"):
            load_scale(name)


def test_every_shipped_file_is_sound() -> None:
    for path in FOLDER.glob("*.toml"):
        scale = load_scale(path)
        assert bool(scale.risk_item) == bool(scale.without_risk) == (scale.name == "PHQ-9")
