"""Address patterns of OSC 1.0."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.control.osc.pattern import MAX_PATTERN, is_pattern, matches


@pytest.mark.parametrize(
    ("pattern", "address"),
    [
        ("/stem/pad/mute", "/stem/pad/mute"),
        ("/stem/*/mute", "/stem/pad/mute"),
        ("/stem/p*d/m?te", "/stem/pad/mute"),
        ("/stem/[a-p]ad/mute", "/stem/pad/mute"),
        ("/stem/[!b]ad/mute", "/stem/pad/mute"),
        ("/stem/{bass,pad}/mute", "/stem/pad/mute"),
        ("/stem/{p,b}a{d,ss}/mute", "/stem/bass/mute"),
        ("/*/*/*", "/stem/pad/mute"),
        ("/control/*_db", "/control/level_pad_db"),
        ("/control/**b*_db", "/control/level_bass_db"),
        ("/x[-a]", "/x-"),
        ("/x[a-]", "/x-"),
        ("/x*", "/x"),
        ("/{,x}y", "/y"),
    ],
)
def test_these_are_meant(pattern: str, address: str) -> None:
    assert matches(pattern, address)


@pytest.mark.parametrize(
    ("pattern", "address"),
    [
        ("/stem/*", "/stem/pad/mute"),
        ("/*", "/stem/pad"),
        ("/stem/pad?", "/stem/pad"),
        ("/stem/[!p]ad", "/stem/pad"),
        ("/stem/[b-o]ad", "/stem/pad"),
        ("/stem/{bass,bells}", "/stem/pad"),
        ("/stem/[pad", "/stem/pad"),
        ("/stem/{pad", "/stem/pad"),
        ("/stem/pad*x", "/stem/pad"),
        ("/*/?/mute", "/stem/pad/mute"),
        ("/" + "?" * MAX_PATTERN, "/" + "a" * MAX_PATTERN),
        ("/" + "{a,b}" * 7, "/" + "a" * 7),  # 128 readings are more than anyone means
    ],
)
def test_and_these_are_not(pattern: str, address: str) -> None:
    assert not matches(pattern, address)


def test_what_stands_for_itself_is_no_pattern() -> None:
    assert not is_pattern("/control/tempo_bpm")
    assert all(map(is_pattern, ("/a?", "/a*", "/[ab]", "/{a,b}")))


@given(st.text("ab*?", max_size=12), st.text("ab", max_size=12))
def test_stars_and_question_marks_mean_what_they_mean_to_a_regular_expression(pattern: str, text: str) -> None:
    twin = pattern.replace("*", "[ab]*").replace("?", "[ab]")
    assert matches(f"/{pattern}", f"/{text}") == bool(re.fullmatch(twin, text))


def test_many_stars_take_no_longer_than_few() -> None:
    assert not matches("/" + "*a" * 100 + "b", "/" + "a" * 200)


@given(st.text(max_size=40), st.text(max_size=20))
def test_no_pattern_raises(pattern: str, address: str) -> None:
    matches(pattern, address)
