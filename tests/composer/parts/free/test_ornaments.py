"""Gliding ornaments: where a note begins, that it comes back to its tone, and that the score says so."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.composer.parts.ornaments import MOST_SEMITONES, glides
from synth.preset import Scene, StemSetting, load_preset
from synth.score.model import TICKS_PER_BEAT


@given(
    ornament=st.sampled_from(("meend", "kan", "turn", "andolan")),
    semitones=st.floats(0.5, MOST_SEMITONES),
    seconds=st.floats(0.6, 8.0),
)
def test_a_glide_ends_on_its_tone_and_within_it(ornament, semitones, seconds):
    begins, moves = glides(ornament, semitones, seconds)
    assert begins in (0.0, semitones)
    assert not moves or moves[-1].semitones == 0.0
    now = 0.0
    for move in moves:
        assert move.after_s >= now - 1e-9 and move.seconds > 0.05 and 0.0 <= move.semitones <= semitones
        now = move.after_s + move.seconds
    assert now <= seconds + 1e-9


def test_a_swing_stays_under_its_neighbour_and_a_short_tone_is_plain():
    begins, moves = glides("andolan", 2.0, 5.0)
    assert begins == 0.0 and [m.semitones for m in moves] == [0.8, 0.0] * 3
    assert glides("andolan", 2.0, 1.0) == (0.0, ()) == glides("", 2.0, 5.0)


def raga(instrument: str, archetype: str, scale: str):
    settle = load_preset("settle")
    stems = {**settle.stems, "melody": StemSetting(instrument), "drone": StemSetting("tanpura")}
    scene = Scene("main", archetype, "modal", 4, 8, 2.0, "raga" if archetype == "alap" else "maqam", scale)
    return replace(settle, stems=stems, scenes=(scene,), phases=())


@pytest.mark.parametrize(("archetype", "scale"), [("alap", "yaman"), ("taqsim", "rast")])
def test_what_can_glide_does_and_what_cannot_touches(music, archetype, scale):
    gliding = music.perform(raga("bansuri", archetype, scale), 3, 6.0)
    struck = music.perform(raga("felt_piano", archetype, scale), 3, 6.0)
    slid = [note for note in gliding.of("melody") if note.slides]
    assert len(slid) >= 3 and not any(note.slides for note in struck.notes)
    for note in slid:
        assert note.slides[-1].after + note.slides[-1].ticks <= note.duration
        assert all(abs(slide.pitch - note.pitch) <= MOST_SEMITONES + 0.5 for slide in note.slides)


def test_a_drone_holds_the_tonic_and_no_bass_is_beside_it(music):
    piece = music.perform(raga("bansuri", "alap", "malkauns"), 3, 6.0)
    held = piece.of("drone")
    assert not piece.of("bass") and {round(n.pitch) % 12 for n in held} == {2, 7}  # malkauns rests on its fourth
    tonic = sorted((n for n in held if round(n.pitch) % 12 == 2), key=lambda n: n.tick)
    assert 33 <= tonic[0].pitch < 45
    gaps = [b.tick - a.tick - a.duration for a, b in zip(tonic, tonic[1:], strict=False)]
    assert max(gaps, default=0) <= TICKS_PER_BEAT // 8
    assert music.crowded(piece) == []
