"""The score against real music and against itself in disorder: it has memory, agrees with itself, and does not loop.

Bands are the 5th percentile and up of calm piano pieces, chorales and slow songs on the same measures.
"""

from __future__ import annotations

import statistics
from random import Random

import pytest

BARRED = ("settle", "sleep", "energise", "walk", "waltz")
SEEDS = range(6)


@pytest.fixture(scope="module")
def pages(music, pieces):
    return {
        name: [music.sheet(pieces(name, seed), music.PRESETS[name].scenes[0].metre) for seed in SEEDS]
        for name in (*BARRED, "focus", "drone")
    }


@pytest.mark.parametrize("name", (*BARRED, "focus", "drone"))
def test_stems_agree_and_chords_are_chords(music, pages, name):
    for page in pages[name]:
        assert music.clash(page) <= 0.2
        assert music.chord_fit(page) >= 0.83 - (name == "drone") * 0.02
        assert music.track_agreement(page) >= 0.27


@pytest.mark.parametrize("name", BARRED)
def test_there_is_memory_in_it(music, pages, name):
    """Alike at distances of phrases, tones that tell of the next, lines that walk over the bar line."""
    assert statistics.median(music.phrase_period(page) for page in pages[name]) >= 0.05
    assert statistics.median(music.melodic_information(page) for page in pages[name]) >= 0.4
    assert statistics.median(music.seam_step(page) for page in pages[name]) >= 0.35
    assert statistics.median(music.motif_return(page) for page in pages[name]) >= 0.03


def test_in_disorder_it_is_worse(music, pages):
    """Bars shuffled: phrases lose their period, lines their way over the bar line, motifs their return."""
    rng = Random(1)
    for measure, least in ((music.phrase_period, 0.75), (music.seam_step, 0.75), (music.motif_return, 0.6)):
        wins = []
        for name in BARRED:
            for page in pages[name]:
                order = list(range(page.bars))
                rng.shuffle(order)
                own, shuffled = measure(page), measure(page.reordered(order))
                wins.append(1.0 if own > shuffled else 0.5 if own == shuffled else 0.0)
        assert statistics.mean(wins) >= least, measure.__name__


@pytest.mark.parametrize("name", (*BARRED, "focus", "drone"))
def test_it_never_loops(music, pages, name):
    for page in pages[name]:
        assert music.repeated_runs(page, 1) <= 0.55
        assert music.repeated_runs(page, 4) <= 0.3


def test_a_loop_would_be_found_out(music, pages):
    page = pages["settle"][0]
    loop = page.reordered([16, 17, 18, 19] * 20)
    assert music.repeated_runs(loop, 4) > 0.75 and music.repeated_runs(loop, 1) > 0.9


def test_stems_moved_apart_would_be_found_out(music, pages):
    for name in BARRED:
        for page in pages[name]:
            apart = type(page)([(s, d, p + (stem == "melody"), stem) for s, d, p, stem in page.notes], page.bar_units)
            assert music.clash(apart) > music.clash(page) + 0.05
