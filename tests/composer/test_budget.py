"""How a phrase's notes are shared: nothing is spent twice, and who does not play costs nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from synth.composer.budget import MOVING, share
from synth.composer.styles import ARCHETYPES

ALL = ("pad", "bass", "melody", "bells", "percussion")


def cost(shares, bars: int, has_bass: bool) -> float:
    """Notes a phrase takes when all parts use their share."""
    harmony = shares.voices + (shares.chords - 1) * MOVING
    moving = (shares.bass + shares.percussion + shares.figure + shares.fill) * bars
    return harmony + moving + shares.tune + shares.bells


@given(
    name=st.sampled_from(sorted(ARCHETYPES)),
    notes=st.floats(0.0, 120.0),
    bars=st.sampled_from((2, 4, 8, 16)),
    bar_s=st.floats(1.0, 5.0),
    stems=st.sets(st.sampled_from(ALL)),
    percussiveness=st.floats(0.0, 1.0),
)
def test_no_more_is_spent_than_there_is(name, notes, bars, bar_s, stems, percussiveness):
    playing = tuple(sorted(stems | {"pad"}))
    shares = share(ARCHETYPES[name], notes, bars, bar_s, bars, playing, percussiveness)
    least = 2 + MOVING + 2 * ("bass" in stems)  # the barest harmony sounds whatever is asked for
    assert cost(shares, bars, "bass" in stems) <= max(notes, least) + 1.6
    assert min(shares.bass, shares.percussion, shares.figure, shares.fill, shares.tune, shares.bells) >= 0.0
    assert 2 <= shares.chords <= max(bars, 2) and 2 <= shares.voices <= max(ARCHETYPES[name].voices, 2)


def test_who_does_not_play_costs_nothing():
    shares = share(ARCHETYPES["chorale"], 40.0, 4, 4.0, 4, ("pad",), 1.0)
    assert (shares.tune, shares.bells, shares.bass, shares.percussion, shares.figure) == (0.0,) * 5
    assert shares.fill > 0.0


def test_a_tune_is_worth_singing_or_none():
    style = ARCHETYPES["hymn"]
    sung = [share(style, notes / 4.0, 4, 4.0, 4, ("pad", "bass", "melody"), 0.0).tune for notes in range(0, 160)]
    assert sung[0] == 0.0 and all(tune == 0.0 or tune >= 3.0 for tune in sung)
    assert all(tune <= max(notes / 4.0 - 5.9, 0.0) + 1e-9 for notes, tune in enumerate(sung)), "what harmony leaves"
    assert sung == sorted(sung) and sung[-1] >= 2.0 * style.fewest
    assert max(sung) <= style.tune_hz * (1.0 - style.rest) * 16.0


def test_percussion_comes_with_percussiveness():
    def drums(percussiveness):
        return share(ARCHETYPES["groove"], 60.0, 4, 2.0, 4, ALL, percussiveness).percussion

    assert drums(0.0) == drums(0.04) == 0.0 < drums(0.2) < drums(0.9)
