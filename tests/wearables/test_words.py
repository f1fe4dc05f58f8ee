"""Valence of a person's words."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.wearables import words
from synth.wearables.packet import SourceError


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("I feel calm and really happy today", 0.5, 1.0),
        ("This is awful, I hate it", -1.0, -0.5),
        ("not good", -0.6, -0.1),
    ],
)
def test_pleasant_and_unpleasant_words_are_told_apart(text: str, low: float, high: float) -> None:
    valence = words.valence_of(text)
    assert valence is not None and low <= valence <= high


@pytest.mark.parametrize("text", ["", "   ", "the table stands by the door", "12345", "\x00"])
def test_words_that_tell_nothing_are_no_evidence(text: str) -> None:
    assert words.valence_of(text) is None


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    valence = words.valence_of(text)
    assert valence is None or -1.0 <= valence <= 1.0


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vaderSentiment.vaderSentiment", None)
    words._reader.cache_clear()
    with pytest.raises(SourceError, match=r"isotone\[text\]"):
        words.valence_of("happy")
    words._reader.cache_clear()
