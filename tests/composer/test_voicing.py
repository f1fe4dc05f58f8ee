"""Where a chord's tones lie and how voices walk."""

from __future__ import annotations

import statistics

from hypothesis import given
from hypothesis import strategies as st

from synth.composer import voicing
from synth.composer.harmony import KINDS, Chord, chord_pcs, is_usable
from synth.composer.scales import Scale
from synth.composer.tension import dissonance

SCALES = st.builds(Scale, st.integers(0, 11), st.integers(0, 5))
CHORDS = st.builds(Chord, st.integers(0, 6), st.sampled_from(list(KINDS)), played=st.just(()))
WALK = (52, 76)


def test_outer_voices_shun_parallel_fifths_and_octaves():
    scale = Scale(0, 1)

    def parallels(told):
        count = 0
        for first in range(7):
            for second in range(7):
                if first == second:
                    continue
                low, then = (voicing.bass_note(chord_pcs(Chord(d), scale)[0], None) for d in (first, second))
                a = voicing.lead((), chord_pcs(Chord(first), scale), (52, 74), 3, low, 66.0)
                b = voicing.lead(a, chord_pcs(Chord(second), scale), (52, 74), 3, then, 66.0, low if told else None)
                apart = (b[-1] - then) % 12
                count += a[-1] != b[-1] and apart in (0, 7) and (a[-1] - low) % 12 == apart
        return count

    assert parallels(False) >= 3 and parallels(True) == 0


@given(
    pcs=st.tuples(st.integers(0, 11), st.integers(0, 5), st.integers(0, 6)),
    bass=st.none() | st.integers(28, 43),
    voices=st.integers(1, 5),
    top=st.floats(60.0, 76.0),
)
def test_any_voicing_is_clear_and_in_the_chord(pcs, bass, voices, top):
    tones = chord_pcs(Chord(pcs[2]), Scale(pcs[0], pcs[1]))
    chosen = voicing.lead((), tones, (52, 76), voices, bass, top)
    assert chosen and len(chosen) <= voices and list(chosen) == sorted(set(chosen))
    assert {pitch % 12 for pitch in chosen} <= set(tones)
    assert voicing.is_clear(chosen) and all(voicing.is_apart(p, chosen) for p in chosen)
    assert bass is None or chosen[0] - bass >= voicing.min_gap(bass)


@given(scale=SCALES, chords=st.lists(CHORDS, min_size=2, max_size=6), voices=st.lists(st.integers(2, 4), min_size=6))
def test_inner_voices_never_leap(scale, chords, voices):
    """Whatever follows what, and however many voices enter or leave: a fourth at most."""
    before = ()
    for chord, count in zip(chords, voices, strict=False):
        pcs = chord_pcs(chord, scale)
        after = voicing.lead(before, pcs, WALK, count, voicing.bass_note(pcs[0], None), 66.0)
        if before and len(before) == len(after):
            assert all(abs(a - b) <= 5 for a, b in zip(before[:-1], after[:-1], strict=True))
        assert not before or voicing.leaps(before, after, bass=True) == 0
        before = after


@given(scale=SCALES, chord=CHORDS, voices=st.integers(2, 4), lean=st.floats(-1.0, 1.0))
def test_no_semitone_or_minor_ninth_within_a_chord(scale, chord, voices, lean):
    if not is_usable(scale.mode, chord):
        return
    pcs = chord_pcs(chord, scale)
    bass = voicing.bass_note(pcs[0], None)
    chosen = (bass, *voicing.lead((), pcs, WALK, voices, bass, 66.0, lean=lean))
    assert not any(b - a in (1, 13) for i, a in enumerate(chosen) for b in chosen[i + 1 :])


def test_what_leans_sounds_rougher_than_what_rests():
    apart = []
    for key in range(12):
        for degree in range(7):
            pcs = chord_pcs(Chord(degree), Scale(key, 1))
            bass = voicing.bass_note(pcs[0], None)
            calm, tense = (dissonance(voicing.lead((), pcs, WALK, 3, bass, 66.0, lean=lean)) for lean in (-1.0, 1.0))
            assert calm <= tense
            apart.append(tense / calm)
    assert statistics.mean(apart) > 1.15


def test_without_a_bass_the_pad_stands_on_root_or_fifth():
    for key in range(12):
        for mode in range(6):
            for degree in range(7):
                pcs = chord_pcs(Chord(degree), Scale(key, mode))
                assert voicing.lead((), pcs, WALK, 3, None, 66.0)[0] % 12 in pcs[:2]


def test_leaps_are_counted_as_voices_go():
    assert voicing.leaps((52, 59, 64), (52, 59, 76), bass=True) == 0, "the top may"
    assert voicing.leaps((52, 59, 64), (59, 62, 67), bass=True) == 1, "the lowest may not"
    assert voicing.leaps((52, 59, 64), (59, 62, 67), bass=False) == 0, "but where it is the bass"
    assert voicing.leaps((52, 59, 71), (52, 66, 71), bass=True) == 1
    assert voicing.leaps((57, 64), (57, 60, 64), bass=True) == 0, "one enters"


@given(SCALES, st.integers(0, 6), st.integers(2, 3))
def test_no_triad_rubs_against_its_keys_tonic_and_fifth_beside(scale, degree, voices):
    tonic = 72 + scale.key
    beside = (tonic, tonic + 7, tonic + 12)
    chosen = voicing.lead((), chord_pcs(Chord(degree), scale), WALK, voices, None, 66.0, beside=beside)
    assert not any(abs(pitch - other) in voicing.RUBS for pitch in chosen for other in beside)
