"""Which stems play: as much of the time as they should, coming and going one at a time."""

from __future__ import annotations

import statistics

import pytest

from synth.composer.texture import Texture
from synth.rng import stream

STEMS = ("pad", "bass", "melody", "bells", "percussion")
PRESENCE = {"bass": 0.92, "melody": 0.85, "bells": 0.5}


def played(seed: int, phrases: int = 400, presence=PRESENCE, bars: int = 4) -> list[tuple[str, ...]]:
    texture = Texture(stream(seed, "test"), STEMS, presence)
    return [texture.next(bars) for _ in range(phrases)]


@pytest.mark.parametrize("stem", PRESENCE)
def test_a_stem_is_there_about_as_much_as_it_should_be(stem):
    share = statistics.mean(stem in stems for seed in range(5) for stems in played(seed))
    assert share == pytest.approx(PRESENCE[stem], abs=0.15)


def test_what_it_does_not_name_always_plays_but_for_the_drums_break():
    found = played(1)
    assert all("pad" in stems for stems in found)
    rests = [i for i, stems in enumerate(found) if "percussion" not in stems]
    assert rests and all(b - a >= 8 for a, b in zip(rests, rests[1:], strict=False)), "32 bars in between"


def test_one_stem_at_a_time_comes_or_goes():
    found = played(2)
    for before, after in zip(found, found[1:], strict=False):
        assert len((set(before) ^ set(after)) - {"percussion"}) <= 1


def test_the_last_voice_never_leaves():
    assert all({"melody", "bells"} & set(stems) for seed in range(4) for stems in played(seed))


def test_nothing_is_away_for_long():
    away = longest = 0
    for stems in played(3):
        away = 0 if "melody" in stems else away + 1
        longest = max(longest, away)
    assert 1 <= longest <= 3
