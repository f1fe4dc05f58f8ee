"""The landmark: tonic, fifth and tonic at bar starts, in every key and mode, by a voice that can be heard."""

from __future__ import annotations

import pytest

from synth.composer.parts.landmark import EVERY_BARS, LOWEST, VOICES
from synth.composer.scales import Scale, pitch_classes
from synth.controls import KEYS, MODES
from synth.preset import load_preset
from synth.score.model import TICKS_PER_BEAT

ON = {"landmark": 1.0}
SILENT = {"bells": {}, "melody": {"level_bells_db": -60.0}}
SILENT["pad"] = {**SILENT["melody"], "level_melody_db": -60.0}


def motif(stem: str, key: int) -> tuple[int, int, int]:
    tonic = next(pitch for pitch in range(LOWEST[stem], LOWEST[stem] + 12) if pitch % 12 == key)
    return tonic, tonic + 7, tonic + 12


def strikes(piece, bar, stem: str, tones: tuple[int, ...]) -> bool:
    """Whether `stem` strikes `tones` on the first beats of `bar`, within a 16th."""
    found = [(note.tick - bar.tick, note.pitch) for note in piece.of(stem)]
    return all(
        any(abs(tick - i * TICKS_PER_BEAT) < TICKS_PER_BEAT / 4 and pitch == tone for tick, pitch in found)
        for i, tone in enumerate(tones)
    )


@pytest.mark.parametrize("mode", range(len(MODES)))
@pytest.mark.parametrize("key", [0, 5, 11])
def test_it_is_tonic_and_fifth_every_other_bar_in_every_key_and_mode(music, key, mode):
    preset = music.make_preset(key=float(key), mode=float(mode))
    piece = music.perform(preset, 1, 1.5, ON)
    assert {(bar.key, bar.mode) for bar in piece.bars} == {(key, mode)}
    tones = motif("bells", key)
    assert {tone % 12 for tone in tones} <= set(pitch_classes(Scale(key, mode)))
    bars = [strikes(piece, bar, "bells", tones) for bar in piece.bars]
    assert all(bars[::EVERY_BARS]) and len(bars) > 10, (KEYS[key], MODES[mode])
    plain = music.perform(preset, 1, 1.5)
    assert not any(strikes(plain, bar, "bells", tones) for bar in plain.bars)


def sounds(piece, bar, stem: str, tones: tuple[int, ...]) -> bool:
    """Whether each of `tones` is heard from its beat on, struck then or still held: what rings is not struck again."""
    beats = [bar.tick + (i + 0.25) * TICKS_PER_BEAT for i in range(len(tones))]
    notes = piece.of(stem)
    return all(
        any(note.tick <= at < note.tick + note.duration and note.pitch == tone for note in notes)
        for at, tone in zip(beats, tones, strict=True)
    )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("stem", VOICES)
def test_whoever_can_be_heard_says_it(music, stem, seed):
    preset = music.make_preset(key=2.0, stems=("pad", "bass", "melody", "bells"))
    piece = music.perform(preset, seed, 1.5, {**ON, **SILENT[stem]})
    plain = music.perform(preset, seed, 1.5, SILENT[stem])
    tones = motif(stem, 2)
    due = piece.bars[::EVERY_BARS]
    assert all(sounds(piece, bar, stem, tones) for bar in due)
    held = 4 if stem == "pad" else 1  # of these the tones may sound already
    assert sum(strikes(piece, bar, stem, tones) for bar in due) >= len(due) - held
    assert sum(strikes(plain, bar, stem, tones) for bar in plain.bars) <= 1
    others = {name for name in VOICES if name != stem}
    assert not any(strikes(piece, bar, name, motif(name, 2)) for bar in due for name in others)


def test_a_preset_without_bells_says_it_with_its_melody(music):
    piece = music.perform(music.make_preset(stems=("pad", "bass", "melody")), 1, 1.0, ON)
    assert all(strikes(piece, bar, "melody", motif("melody", 0)) for bar in piece.bars[::EVERY_BARS])


def test_without_a_voice_there_is_none(music):
    silent = {**ON, **SILENT["pad"], "level_pad_db": -60.0}
    piece = music.perform(music.make_preset(), 1, 1.0, silent)
    assert not any(strikes(piece, bar, stem, motif(stem, 0)) for stem in VOICES for bar in piece.bars)


def test_it_begins_with_the_next_bar_and_ends_with_one(music):
    preset = music.make_preset(tempo_bpm=60.0)
    on = (30.0, 50.0)
    piece = music.perform(preset, 1, 2.0, lambda at_s: {"landmark": float(on[0] <= at_s < on[1])})
    starts = [piece.seconds(bar.tick) for bar in piece.bars if strikes(piece, bar, "bells", motif("bells", 0))]
    bar_s = 4.0
    assert on[0] <= starts[0] <= on[0] + bar_s + 1.0 and on[1] - 2 * bar_s <= starts[-1] <= on[1] + 1.0
    assert all(b - a == pytest.approx(EVERY_BARS * bar_s, abs=0.1) for a, b in zip(starts, starts[1:], strict=False))


def test_it_stays_soft_and_the_last_chord_has_none(music):
    preset = music.make_preset()
    piece = music.perform(preset, 2, 2.0, ON, ends=True)
    assert piece.bars[-1].final
    tones = motif("bells", 0)
    assert not strikes(piece, piece.bars[-1], "bells", tones)
    assert max(n.velocity for n in piece.of("bells") if n.pitch in tones) < 0.75


@pytest.mark.parametrize("metre", [2, 3, 5])
def test_in_any_metre_it_stays_within_its_bar(music, metre):
    piece = music.perform(music.make_preset(metre=metre), 1, 1.0, ON)
    tones = motif("bells", 0)[:metre]
    assert all(strikes(piece, bar, "bells", tones) for bar in piece.bars[::EVERY_BARS])


def test_music_around_it_stays_clear(music):
    piece = music.perform(music.PRESETS["settle"], 1, 4.0, ON)
    plain = music.perform(music.PRESETS["settle"], 1, 4.0)
    assert len(music.crowded(piece)) <= len(music.crowded(plain)) + 3


def rubbing(piece, tones: tuple[int, ...]) -> int:
    """Tones of the pad that sound for half a beat and more with one of `tones` in the bells, and rub against it."""
    said = [note for note in piece.of("bells") if note.pitch in tones]
    return sum(
        abs(chord.pitch - note.pitch) in (1, 13)
        and min(chord.tick + chord.duration, note.tick + note.duration) - max(chord.tick, note.tick)
        >= TICKS_PER_BEAT / 2
        for note in said
        for chord in piece.of("pad")
    )


@pytest.mark.parametrize("seed", range(4))
def test_chords_do_not_rub_against_it(music, seed):
    preset = load_preset("gentle")
    piece = music.perform(preset, seed, 8.0, ON)
    assert rubbing(piece, motif("bells", int(preset.controls["key"]))) == 0


def test_nor_does_it_begin_where_one_would(music):
    """Asked for at any time, it waits for the end of what sounds."""
    preset = load_preset("gentle")
    tones = motif("bells", int(preset.controls["key"]))
    for begin_s in range(60, 240, 12):

        def asked(at_s, begin_s=begin_s):
            return {"landmark": float(at_s >= begin_s)}

        piece = music.perform(preset, 3, begin_s / 60.0 + 0.7, asked)
        assert any(strikes(piece, bar, "bells", tones) for bar in piece.bars)
        assert rubbing(piece, tones) == 0, begin_s
