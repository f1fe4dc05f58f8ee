"""Phrases, cadences, openings and endings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.composer import form
from synth.composer.harmony import CADENCES
from synth.composer.scales import Scale, pitch_classes
from synth.controls import KEYS
from synth.rng import stream
from synth.score.model import TICKS_PER_BEAT

ALL = ("settle", "sleep", "focus", "energise", "drone", "walk", "waltz")
SEEDS = range(3)
OPENING_S = 40.0  # until all have entered, the pad stays on the open tonic


def root_of(symbol: str) -> int:
    name = symbol[:2] if symbol[1:2] == "b" else symbol[:1]
    return KEYS.index(name)


@pytest.mark.parametrize("name", ALL)
def test_every_phrase_closes_with_the_cadence_it_names(pieces, name):
    """Chord before and last chord are a pair of that cadence; the last one begins in the phrase's last half."""
    seen = set()
    for seed in SEEDS:
        piece = pieces(name, seed)
        phrases, cadences, chords = (piece.markers(kind) for kind in ("phrase", "cadence", "chord"))
        ends = [marker.tick for marker in phrases[1:]] + [piece.bars[-1].tick + piece.bars[-1].beats * TICKS_PER_BEAT]
        assert len(cadences) == len(phrases)
        for phrase, cadence, end in zip(phrases, cadences, ends, strict=True):
            assert phrase.tick <= cadence.tick < end
            own = [marker for marker in chords if phrase.tick <= marker.tick < end]
            assert own[0].tick == phrase.tick and own[-1].tick == cadence.tick
            assert cadence.tick - phrase.tick >= 0.4 * (end - phrase.tick) or len(own) == 1
            bar = next(b for b in piece.bars if b.tick <= phrase.tick < b.tick + b.beats * TICKS_PER_BEAT)
            pcs = pitch_classes(Scale(bar.key, bar.mode))
            degrees = tuple(pcs.index(root_of(marker.text)) for marker in own[-2:])
            if len(own) > 1 and piece.seconds(phrase.tick) > OPENING_S:
                assert degrees in CADENCES[bar.mode][cadence.text], (cadence.text, own[-2:])
                seen.add(cadence.text)
    assert len(seen) >= 2


@pytest.mark.parametrize(("name", "usual"), [("settle", 4), ("sleep", 4), ("focus", 8), ("energise", 4), ("walk", 4)])
def test_phrases_are_of_two_four_eight_or_sixteen_bars_and_mostly_the_usual(pieces, name, usual):
    lengths = []
    for seed in SEEDS:
        piece = pieces(name, seed)
        places = {bar.tick: number for number, bar in enumerate(piece.bars)}
        starts = [places[marker.tick] for marker in piece.markers("phrase")]
        lengths += [b - a for a, b in zip(starts, starts[1:], strict=False)][:-2]  # the last ones land on the end
    assert set(lengths) <= {2, 4, 8, 16}
    assert max(set(lengths), key=lengths.count) == usual
    assert sum(length == usual for length in lengths) >= 0.4 * len(lengths)


@pytest.mark.parametrize("name", ALL)
def test_the_session_ends_on_a_held_tonic_chord(pieces, name):
    for seed in SEEDS:
        piece = pieces(name, seed)
        last = piece.bars[-1]
        assert last.final and not any(bar.final for bar in piece.bars[:-1])
        assert [marker.text for marker in last.markers if marker.kind == "end"] == ["end"]
        assert piece.markers("cadence")[-1].text in ("authentic", "plagal", "modal")
        chord = [marker for marker in last.markers if marker.kind == "chord"]
        tonic = pitch_classes(Scale(last.key, last.mode))
        assert root_of(chord[0].text) == last.key
        sounding = [n for n in piece.notes if n.tick + n.duration > last.tick + 2 * TICKS_PER_BEAT]
        assert {int(n.pitch) % 12 for n in sounding} <= {tonic[0], tonic[2], tonic[4]}
        assert min(n.pitch for n in sounding) % 12 == last.key
        lead = 600.0 - piece.seconds(last.tick)
        assert form.FINAL_S - 2.5 <= lead <= form.FINAL_S + 2.5
        ends = [piece.seconds(n.tick) + n.duration / TICKS_PER_BEAT * piece.beats[-1][1] for n in sounding]
        assert 600.0 - 9.0 < max(ends) <= 600.0


@pytest.mark.parametrize("minutes", [0.3, 0.7, 1.0, 2.3])
@pytest.mark.parametrize("name", ["settle", "sleep", "focus", "energise"])
def test_short_sessions_end_in_time_too(music, name, minutes):
    piece = music.perform(music.PRESETS[name], 9, minutes, ends=True)
    assert piece.bars[-1].final
    lead = minutes * 60.0 - piece.seconds(piece.bars[-1].tick)
    assert 3.0 <= lead <= form.FINAL_S + 3.5
    assert min(n.pitch for n in piece.bars[-1].notes) % 12 == piece.bars[-1].key


def test_it_still_lands_when_the_tempo_moves_late(music):
    preset = music.PRESETS["settle"]
    piece = music.perform(preset, 2, 4.0, lambda at_s: {"tempo_bpm": 66 if at_s < 200 else 54}, ends=True)
    assert piece.bars[-1].final
    assert 240.0 - piece.seconds(piece.bars[-1].tick) == pytest.approx(form.FINAL_S, abs=3.0)


def test_the_last_beats_before_the_end_slow_down_and_no_others(pieces):
    for name in ("settle", "energise"):
        piece = pieces(name, 0)
        slowed = [number for number, bar in enumerate(piece.bars) if bar.stretch]
        assert slowed == [len(piece.bars) - 2]
        stretch = piece.bars[-2].stretch
        assert list(stretch) == sorted(stretch) and 1.05 < stretch[-1] < 1.6


def test_after_the_final_bar_there_is_nothing(music):
    preset = music.PRESETS["settle"]
    piece = music.perform(preset, 1, 1.0, ends=True)
    assert piece.bars[-1].final
    from synth.composer.composer import Composer

    composer = Composer(preset, 1)
    for ask in piece.asks:
        composer.bar(ask)
    after = composer.bar(piece.asks[-1])
    assert after.notes == () and after.markers == ()


@pytest.mark.parametrize("name", ["settle", "sleep", "walk"])
def test_stems_enter_one_after_another(pieces, name):
    piece = pieces(name, 1)
    first = {stem: piece.seconds(piece.of(stem)[0].tick) for stem in ("pad", "bass", "melody")}
    assert first["pad"] < 1.0
    assert first["pad"] + 6.0 < first["bass"] < first["melody"] - 6.0
    assert first["melody"] < 90.0


@pytest.mark.parametrize("name", ["settle", "sleep", "energise"])
def test_the_swell_rises_and_falls_in_cycles_of_half_a_minute(pieces, name):
    gaps = []
    for seed in SEEDS:
        piece = pieces(name, seed)
        floors = [piece.seconds(bar.tick) for bar in piece.bars if bar.swell[0] == 0.0]
        gaps += [b - a for a, b in zip(floors, floors[1:], strict=False)][:-1]
        assert max(max(bar.swell) for bar in piece.bars) == pytest.approx(1.0)
    assert all(form.SHORTEST_S - 4.0 <= gap <= form.LONGEST_S + 4.0 for gap in gaps)
    assert len({round(gap) for gap in gaps}) > 1  # lengths differ, nothing loops


def test_phrases_follow_the_breath_when_there_is_one(music):
    preset = music.PRESETS["settle"]

    def off_breath(depth_db):
        off = []
        for seed in range(6):
            controls = {"breath_rate_bpm": 6.0, "breath_depth_db": depth_db, "tempo_bpm": 60.0}
            piece = music.perform(preset, seed, 8.0, controls)
            starts = [piece.seconds(marker.tick) for marker in piece.markers("phrase")]
            for a, b in zip(starts, starts[1:], strict=False):
                off.append(abs(((b - a) / 10.0 + 0.5) % 1.0 - 0.5))
        return sum(off) / len(off)

    assert off_breath(4.0) < off_breath(0.0) - 0.02


@given(
    bar_s=st.floats(0.9, 14.0), usual=st.sampled_from((2, 4, 8)), density=st.floats(0.1, 8.0), seed=st.integers(0, 99)
)
def test_a_cycle_lasts_about_half_a_minute_at_any_tempo(bar_s, usual, density, seed):
    lengths = form.cycle_lengths(stream(seed, "test"), bar_s, usual, density)
    assert lengths and all(bars >= 1 for bars in lengths)
    assert sum(lengths) * bar_s <= max(form.LONGEST_S, 2 * bar_s)
    assert sum(lengths) * bar_s >= form.SHORTEST_S - 2 * bar_s


@given(bars=st.integers(1, 16), beats=st.integers(2, 7), chords=st.integers(1, 12))
def test_chords_fill_their_phrase(bars, beats, chords):
    lengths = form.chord_lengths(bars, beats, chords)
    assert sum(lengths) == bars * beats and min(lengths) >= 1.0


@given(bars=st.integers(1, 60), usual=st.sampled_from((2, 3, 4, 8)))
def test_the_last_phrases_fill_the_bars_left(bars, usual):
    lengths = form.split(bars, usual)
    assert sum(lengths) == bars and max(lengths) <= 1.5 * usual + 1


@given(st.integers(0, 2000))
def test_ideas_are_lettered_in_order_and_differ(number):
    name = form.letter(number)
    assert name.isupper() and name != form.letter(number + 1)
    assert (len(name), name) < (len(form.letter(number + 1)), form.letter(number + 1))
