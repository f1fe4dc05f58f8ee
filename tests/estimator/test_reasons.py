"""Reasons: plain words, four at most, trouble never crowded out."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.estimator.reasons import MOST, Facts, explain

number = st.one_of(st.none(), st.floats(-60.0, 60.0))
heart = st.sampled_from(["", "missing", "frozen"])
skin = st.sampled_from(["", "missing", "off", "frozen", "disturbed"])


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (Facts(), "close to your baseline"),
        (Facts(heart="missing"), "heart rate missing"),
        (Facts(heart="frozen"), "heart rate stands still"),
        (Facts(skin="missing"), "skin conductance missing"),
        (Facts(skin="off"), "skin sensor not in contact"),
        (Facts(skin="frozen"), "skin conductance stands still"),
        (Facts(skin="disturbed"), "skin conductance disturbed"),
        (Facts(heart="missing", skin="missing"), "no signal from heart or skin"),
        (Facts(warm_up_left_s=41.0, settled=False), "getting to know your baseline, 45 s to go"),
        (Facts(settled=False), "baseline still settling"),
        (Facts(hr_above_bpm=7.6), "heart rate 8 above your baseline"),
        (Facts(hr_above_bpm=-7.6), "heart rate 8 below your baseline"),
        (Facts(trend=1.0), "skin conductance rising over two minutes"),
        (Facts(trend=-1.0), "skin conductance falling over two minutes"),
        (Facts(trend=0.1, level=0.4), "skin conductance above your baseline"),
        (Facts(level=-0.4), "skin conductance below your baseline"),
        (Facts(scr_change=2.0), "responses doubled in 60 s"),
        (Facts(scr_change=0.5), "responses halved in 60 s"),
        (Facts(moving=True), "you are moving, so heart rate counts less"),
        (Facts(swapped=True), "taken for a change of sensor"),
        (Facts(corrected=True), "many beats had to be left out"),
        (Facts(told=-0.5), "you told -0.5"),
    ],
)
def test_each_fact_has_its_words(facts: Facts, words: str) -> None:
    assert any(words in reason for reason in explain(facts))


def test_small_changes_are_not_worth_a_word() -> None:
    assert explain(Facts(hr_above_bpm=2.0, trend=0.3, level=0.1, scr_change=1.2)) == ("close to your baseline",)


any_facts = st.builds(
    Facts, st.floats(0.0, 75.0), st.booleans(), number, number, number, number, heart, skin,
    st.booleans(), st.booleans(), st.booleans(), st.one_of(st.none(), st.floats(-1.0, 1.0)),
)  # fmt: skip


@given(any_facts)
def test_there_is_always_one_and_never_more_than_four(facts: Facts) -> None:
    reasons = explain(facts)
    assert 1 <= len(reasons) <= MOST
    assert len(set(reasons)) == len(reasons)
    for reason in reasons:
        assert re.fullmatch(r"[a-z0-9 ,+.\-]+", reason) and not re.search(r"stress|anxi|disorder|nan|None", reason)
    if facts.heart == facts.skin == "":
        assert not any(re.search("missing|no signal|set aside|waiting", reason) for reason in reasons)
    elif not (facts.moving or facts.swapped):
        assert any(re.search("missing|no signal|set aside|waiting", reason) for reason in reasons)
