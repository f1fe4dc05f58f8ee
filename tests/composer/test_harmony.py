"""Chords, voicings, bass and the moves from key to key and mode to mode."""

from __future__ import annotations

import statistics
from bisect import bisect_right

import pytest

from synth.composer import harmony, voicing
from synth.composer.scales import Scale, pitch_classes, sharps
from synth.controls import KEYS, MODES
from synth.score.model import TICKS_PER_BEAT

ALL = ("settle", "sleep", "focus", "energise", "drone", "walk", "waltz")
SEEDS = range(4)


@pytest.mark.parametrize("name", ALL)
def test_no_note_lies_outside_the_sounding_scale(pieces, name):
    for seed in SEEDS:
        piece = pieces(name, seed)
        scale = music_scale(piece)
        assert all(int(note.pitch) % 12 in scale(note.tick) for note in piece.notes if note.stem != "percussion")


def music_scale(piece):
    ticks = [bar.tick for bar in piece.bars]

    def at(tick):
        bar = piece.bars[max(bisect_right(ticks, tick) - 1, 0)]
        return pitch_classes(Scale(bar.key, bar.mode))

    return at


@pytest.mark.parametrize("name", ALL)
def test_the_low_register_stays_open(music, pieces, name):
    for seed in range(8):
        assert music.crowded(pieces(name, seed)) == []


@pytest.mark.parametrize("name", ALL)
def test_there_is_one_bass_and_only_it_plays_low(pieces, name):
    for seed in SEEDS:
        piece = pieces(name, seed)
        pitched = [note for note in piece.notes if note.stem != "percussion"]
        assert min(note.pitch for note in pitched if note.stem != "bass") >= 52
        bass = piece.of("bass")
        assert all(voicing.BASS_LOW <= note.pitch <= voicing.BASS_HIGH for note in bass)
        legato = TICKS_PER_BEAT // 8
        assert all(b.tick >= a.tick + a.duration - legato for a, b in zip(bass, bass[1:], strict=False))
        pad_low = [n for n in piece.of("pad") if n.pitch < voicing.LONE_BELOW]
        for a, b in zip(pad_low, pad_low[1:], strict=False):
            assert b.tick >= a.tick + a.duration - TICKS_PER_BEAT // 4


@pytest.mark.parametrize("name", ALL)
def test_the_bass_stands_on_the_chord_or_the_tonic(pieces, name):
    piece = pieces(name, 1)
    chords = piece.markers("chord")
    bass = piece.of("bass")
    for chord, until in zip(chords, chords[1:], strict=False):
        root = chord.text[:2] if chord.text[1:2] == "b" else chord.text[:1]
        bar = next(b for b in piece.bars if b.tick <= chord.tick < b.tick + b.beats * TICKS_PER_BEAT)
        held = [n for n in bass if chord.tick - 60 <= n.tick < until.tick - 60]
        if held:
            assert int(held[0].pitch) % 12 in (KEYS.index(root), bar.key)


@pytest.mark.parametrize("name", ALL)
def test_voices_move_little_and_never_cross(music, pieces, name):
    """Median at most 6 semitones for all voices together, 12 at the 95th percentile; mostly a tone stays."""
    totals, each, kept, parallel = [], [], [], []
    for seed in SEEDS:
        piece = pieces(name, seed)
        chords = music.voicings(piece)
        assert all(low < high for chord in chords for low, high in zip(chord, chord[1:], strict=False))
        for a, b in zip(chords, chords[1:], strict=False):
            if a != b:
                totals.append(music.motion(a, b))
                each.append(music.motion(a, b) / len(b))
                kept.append(bool(set(a) & set(b)))
        parallel += outer_parallels(piece)
    assert statistics.median(totals) <= 6
    assert sorted(totals)[int(0.95 * len(totals))] <= 12
    assert statistics.mean(each) <= 2.4
    assert statistics.mean(kept) >= 0.5
    assert statistics.mean(parallel) <= 0.15


def outer_parallels(piece):
    """For each chord change where both bass and top of the pad move: whether by parallel fifths or octaves."""
    found, before = [], None
    for marker in piece.markers("chord"):
        at = marker.tick + TICKS_PER_BEAT // 2
        low = [n.pitch for n in piece.of("bass") if n.tick <= at < n.tick + n.duration]
        high = [n.pitch for n in piece.of("pad") if n.tick <= at < n.tick + n.duration]
        now = (min(low), max(high)) if low and high else None
        if before and now and before[0] % 12 != now[0] % 12 and before[1] != now[1]:
            apart = (now[1] - now[0]) % 12
            found.append(apart in (0, 7) and (before[1] - before[0]) % 12 == apart)
        before = now
    return found


def test_a_key_change_waits_for_a_phrase_and_comes_by_a_chord_of_both_keys(music):
    """The new scale begins with a phrase, on a chord of the old one too; nothing of it sounds early or stays late."""
    shared = total = 0
    for seed in range(6):
        for target in (7.0, 5.0, 9.0):
            preset = music.make_preset(tempo_bpm=66, density_hz=1.2, key=0)
            piece = music.perform(preset, seed, 3.0, lambda at_s, to=target: {"key": to if at_s > 62.0 else 0.0})
            keys = [bar.key for bar in piece.bars]
            change = keys.index(int(target))
            assert set(keys[change:]) == {int(target)} and set(keys[:change]) == {0}
            assert any(marker.kind == "phrase" for marker in piece.bars[change].markers)
            assert 62.0 < piece.seconds(piece.bars[change].tick) < 62.0 + 60.0
            old = pitch_classes(Scale(0, 1))
            first = [n for n in piece.bars[change].notes if n.stem == "pad" and n.tick < piece.bars[change].tick + 480]
            total += 1
            shared += all(int(n.pitch) % 12 in old for n in first)
            late = [
                n
                for n in piece.notes
                if n.stem != "percussion"
                and n.tick < piece.bars[change].tick < n.tick + n.duration - TICKS_PER_BEAT // 4
                and int(n.pitch) % 12 not in pitch_classes(Scale(int(target), 1))
            ]
            assert late == []
    assert shared >= 0.9 * total


def test_the_mode_moves_one_degree_a_phrase(music):
    preset = music.make_preset(tempo_bpm=80, density_hz=1.5, mode=0)
    piece = music.perform(preset, 3, 5.0, lambda at_s: {"mode": 5.0 if at_s > 30.0 else 0.0})
    modes = [bar.mode for bar in piece.bars]
    assert modes[0] == 0 and modes[-1] == 5
    for before, after in zip(piece.bars, piece.bars[1:], strict=False):
        assert after.mode - before.mode in (0, 1)
        if after.mode != before.mode:
            assert any(marker.kind == "phrase" for marker in after.markers)


@pytest.mark.parametrize("practice", ["functional", "modal"])
@pytest.mark.parametrize("mode", range(6))
def test_each_mode_is_heard_as_itself(music, practice, mode):
    """The tonic is the commonest root, and the mode's own degree sounds."""
    own = {0: 3, 1: 3, 2: 6, 3: 5, 4: 5, 5: 1}[mode]  # degree that tells the mode from its neighbour
    roots: list[int] = []
    heard = 0
    for seed in SEEDS:
        piece = music.perform(music.make_preset(practice=practice, mode=mode, key=2, density_hz=2.0), seed, 6.0)
        pcs = pitch_classes(Scale(2, mode))
        heard += sum(int(n.pitch) % 12 == pcs[own] for n in piece.notes if n.stem != "percussion")
        for marker in piece.markers("chord"):
            name = marker.text[:2] if marker.text[1:2] == "b" else marker.text[:1]
            roots.append(pcs.index(KEYS.index(name)))
    assert max(set(roots), key=roots.count) == 0
    assert heard > 10


def test_more_tonal_tension_means_tenser_chords(music):
    def mean(tension):
        found = []
        for seed in SEEDS:
            preset = music.make_preset(tonal_tension=tension, density_hz=2.0, key=0)
            piece = music.perform(preset, seed, 6.0)
            palette = harmony.palette(1, (1.0,) * 7, dict.fromkeys(harmony.KINDS, 1.0))
            by_name = {harmony.symbol(c, Scale(0, 1)): t for c, t in zip(palette.chords, palette.tension, strict=True)}
            found += [by_name[marker.text] for marker in piece.markers("chord")]
        return statistics.mean(found)

    assert mean(0.05) < mean(0.3) - 0.03 < mean(0.7) - 0.06


def test_more_roughness_means_rougher_chords(music):
    def share_of_sevenths(rough):
        texts = []
        for seed in SEEDS:
            piece = music.perform(music.make_preset(roughness=rough, density_hz=2.0), seed, 6.0)
            texts += [marker.text for marker in piece.markers("chord")]
        return sum(any(mark in text for mark in ("7", "9", "6")) for text in texts) / len(texts)

    assert share_of_sevenths(0.0) + 0.1 < share_of_sevenths(0.5)


@pytest.mark.parametrize("mode", range(6))
@pytest.mark.parametrize("practice", ["functional", "modal", "transformational"])
def test_succession_tables_are_chances_and_lead_where_they_should(mode, practice):
    table = harmony.succession(mode, practice)
    assert all(sum(row) == pytest.approx(1.0) and min(row) >= 0.0 for row in table)
    for steps in (1, 2, 3):
        reach = harmony.arrivals(mode, practice, 4, steps)
        assert sum(reach) == pytest.approx(7.0)
        if steps == 1:
            column = [row[4] for row in table]
            assert reach == pytest.approx([7.0 * x / sum(column) for x in column])


def test_scales_are_the_six_modes_with_their_signatures():
    assert pitch_classes(Scale(0, MODES.index("dorian"))) == (0, 2, 3, 5, 7, 9, 10)
    assert [sharps(Scale(KEYS.index(k), 1)) for k in ("C", "G", "D", "F", "Bb", "Eb")] == [0, 1, 2, -1, -2, -3]
    for key in range(12):
        for mode in range(6):
            scale = Scale(key, mode)
            assert scale.pitch(35) % 12 == key and 60 <= scale.pitch(35) <= 71
            assert [scale.step(scale.pitch(step)) for step in range(25, 60)] == list(range(25, 60))
