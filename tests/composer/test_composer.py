"""The contract: the same asks give the same bars, each a continuation of the last, and nothing grows with time."""

from __future__ import annotations

import pickle
import tracemalloc

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from synth.composer.composer import Composer
from synth.composer.styles import ARCHETYPES
from synth.controls import TABLE
from synth.score.model import TICKS_PER_BEAT, Ask

ALL = ("settle", "sleep", "focus", "energise", "drone", "walk", "waltz")
MOST_AT_ONCE = {"pad": 9, "bass": 1, "melody": 2, "bells": 4, "percussion": 2}


@pytest.mark.parametrize("name", ALL)
def test_a_seed_is_a_piece(music, name):
    preset = music.PRESETS[name]
    once, again, other = (music.perform(preset, seed, 3.0, ends=True) for seed in (5, 5, 6))
    assert once.bars == again.bars
    assert once.bars != other.bars
    assert [n.pitch for n in once.notes] != [n.pitch for n in other.notes]


@pytest.mark.parametrize("name", ALL)
def test_bars_follow_each_other_without_a_gap(pieces, name):
    piece = pieces(name, 1)
    tick = 0
    for bar in piece.bars:
        assert bar.tick == tick and bar.beats >= 1
        tick += bar.beats * TICKS_PER_BEAT
        for note in bar.notes:
            assert bar.tick - TICKS_PER_BEAT <= note.tick < bar.tick + bar.beats * TICKS_PER_BEAT
            assert note.tick >= 0 and note.duration >= 1 and 0.0 < note.velocity <= 1.0
        assert all(bar.tick <= marker.tick < tick for marker in bar.markers)
        assert all(0.0 <= level <= 1.0 for level in bar.swell)
    for before, after in zip(piece.bars, piece.bars[1:], strict=False):
        assert before.swell[1] == pytest.approx(after.swell[0], abs=0.02) or after.swell[0] == 0.0


def test_what_was_answered_does_not_depend_on_what_is_asked_later(music):
    """The first minutes are the same whatever the controls do after them."""
    preset = music.PRESETS["settle"]

    def later(at_s):
        return {"density_hz": 3.0, "key": 9.0, "tonal_tension": 0.8} if at_s >= 90.0 else {}

    plain, moved = music.perform(preset, 2, 3.0), music.perform(preset, 2, 3.0, later)
    early = [bar for bar in plain.bars if plain.seconds(bar.tick) < 86.0]
    assert moved.bars[: len(early)] == early
    assert moved.bars != plain.bars


def test_a_composer_goes_on_from_where_it_was_saved(music):
    preset = music.PRESETS["walk"]
    composer, asks, bars = Composer(preset, 4), [], []
    controls = dict(preset.controls)
    for number in range(60):
        asks.append(Ask(number, number * 4 * TICKS_PER_BEAT, number * 2.8, None, controls))
    for ask in asks[:25]:
        bars.append(composer.bar(ask))
    saved = pickle.dumps(composer)
    rest = [composer.bar(ask) for ask in asks[25:]]
    woken = pickle.loads(saved)
    assert [woken.bar(ask) for ask in asks[25:]] == rest


@pytest.mark.parametrize("name", ALL)
def test_a_stem_never_plays_more_at_once_than_its_instrument_has_voices(pieces, name):
    for seed in range(3):
        held: dict[str, list] = {}
        for note in pieces(name, seed).notes:
            voices = held.setdefault(note.stem, [])
            voices[:] = [other for other in voices if other.tick + other.duration > note.tick]
            assert all(other.pitch != note.pitch for other in voices), (note, voices)
            voices.append(note)
            overlap = TICKS_PER_BEAT // 8  # legato
            assert sum(v.tick + v.duration > note.tick + overlap for v in voices) <= MOST_AT_ONCE[note.stem]


def test_only_the_stems_of_the_preset_play(music):
    preset = music.make_preset("walk" if "walk" in ARCHETYPES else "folk", stems=("pad", "bass"), density_hz=2.0)
    assert {note.stem for note in music.perform(preset, 1, 3.0).notes} == {"pad", "bass"}


def test_a_stem_that_is_off_is_silent_and_its_notes_go_elsewhere(music):
    preset = music.PRESETS["settle"]
    without = music.perform(preset, 1, 6.0, {"level_melody_db": -60.0})
    assert not without.of("melody") and music.perform(preset, 1, 6.0).of("melody")
    mean = sum(music.densities(without)) / len(music.densities(without))
    assert mean == pytest.approx(preset.controls["density_hz"], rel=0.15)


def test_an_unknown_archetype_is_named_with_those_there_are(music):
    with pytest.raises(ValueError, match="'waltzer'.*chorale"):
        Composer(music.make_preset("waltzer"), 0)


def test_composing_for_an_hour_keeps_no_more_than_composing_for_ten_minutes(music):
    preset = music.PRESETS["walk"]
    composer, sizes = Composer(preset, 1), []
    controls = dict(preset.controls)
    tracemalloc.start()
    try:
        for number in range(1400):
            composer.bar(Ask(number, number * 4 * TICKS_PER_BEAT, number * 2.86, None, controls))
            if number in (500, 1399):
                sizes.append((len(pickle.dumps(composer)), tracemalloc.get_traced_memory()[0]))
    finally:
        tracemalloc.stop()
    (early, early_bytes), (late, late_bytes) = sizes
    assert late < 1.3 * early
    assert late_bytes < early_bytes + 400_000


@pytest.mark.parametrize("archetype", sorted(ARCHETYPES))
def test_another_key_is_reached_whatever_is_played(music, archetype):
    """Db mixolydian has no chord in common with C ionian, so that it takes a phrase that leads there."""
    preset = music.make_preset(archetype)
    piece = music.perform(preset, 848, 4.0, lambda at_s: {} if at_s < 50.0 else {"key": 1, "mode": 3})
    assert (piece.bars[-1].key, piece.bars[-1].mode) == (1, 3)


RANGES = {
    name: st.floats(TABLE[name].low, TABLE[name].high)
    for name in ("tempo_bpm", "density_hz", "register_note", "tonal_tension", "roughness", "regularity")
    + ("predictability", "percussiveness", "articulation")
}


LOWEST = {name: TABLE[name].low for name in RANGES}
HIGHEST = {name: TABLE[name].high for name in RANGES}


@settings(max_examples=60)
@example("alap", "functional", 6, 2, 0.5, 0, True, LOWEST, {**LOWEST, "key": 0, "mode": 0})
@example("heartbeat", "transformational", 4, 4, 2.0, 848, True, LOWEST, {**HIGHEST, "key": 1, "mode": 3})
@example("phase", "modal", 4, 2, 2.0, 445, True, LOWEST, {**LOWEST, "key": 5, "mode": 1})
@given(
    archetype=st.sampled_from(sorted(ARCHETYPES)),
    practice=st.sampled_from(("functional", "modal", "transformational")),
    metre=st.integers(2, 7),
    phrase_bars=st.sampled_from((2, 3, 4, 8)),
    chord_bars=st.sampled_from((0.5, 1.0, 2.0)),
    seed=st.integers(0, 999),
    ends=st.booleans(),
    first=st.fixed_dictionaries(RANGES),
    then=st.fixed_dictionaries({**RANGES, "key": st.integers(0, 11), "mode": st.integers(0, 5)}),
)
def test_whatever_is_asked_for_the_bars_are_sound(
    music, archetype, practice, metre, phrase_bars, chord_bars, seed, ends, first, then
):
    """Any style, from any setting to any other: notes in the scale, the low register clear, an end in time."""
    preset = music.make_preset(archetype, practice, metre, phrase_bars, chord_bars)
    piece = music.perform(preset, seed, 2.0, lambda at_s: first if at_s < 50.0 else then, ends=ends)
    scale = music.scale_of(piece)
    for note in piece.notes:
        assert note.duration >= 1 and 0.0 < note.velocity <= 1.0
        if note.stem != "percussion":
            assert int(note.pitch) % 12 in scale(note.tick), note
    assert music.crowded(piece) == []
    if ends:
        assert piece.bars[-1].final
        assert sum(bar.final for bar in piece.bars) == 1
