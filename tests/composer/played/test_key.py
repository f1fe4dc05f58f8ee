"""The key of what is played: found where it is clear, as music21 finds it, and not where it is not."""

from __future__ import annotations

from random import Random

import music21
import pytest

from synth.composer.played.key import KeySense
from synth.composer.scales import Scale, pitch_classes
from synth.controls import KEYS, MODES

# Tunes in C as (step of the major or harmonic-free minor scale, beats).
ODE = [(2, 1), (2, 1), (3, 1), (4, 1), (4, 1), (3, 1), (2, 1), (1, 1), (0, 1), (0, 1), (1, 1), (2, 1), (2, 1.5)]
ODE += [(1, 0.5), (1, 2), (2, 1), (2, 1), (3, 1), (4, 1), (4, 1), (3, 1), (2, 1), (1, 1), (0, 1), (0, 1), (1, 1)]
ODE += [(2, 1), (1, 1.5), (0, 0.5), (0, 2)]
FRERE = [(0, 1), (1, 1), (2, 1), (0, 1)] * 2 + [(2, 1), (3, 1), (4, 2)] * 2
FRERE += [(4, 0.5), (5, 0.5), (4, 0.5), (3, 0.5), (2, 1), (0, 1)] * 2 + [(0, 1), (-3, 1), (0, 2)] * 2
MINOR = [(0, 1), (1, 1), (2, 1), (0, 1), (4, 2), (3, 1), (2, 1), (1, 1), (0, 2), (2, 1), (4, 1), (5, 1), (4, 2)]
MINOR += [(3, 1), (2, 1), (1, 1), (0, 1), (-3, 1), (0, 3)]


def played(tune: list[tuple[int, float]], scale: Scale) -> list[tuple[int, float]]:
    return [(scale.pitch(35 + step), 0.7 * beats) for step, beats in tune]


def found(notes: list[tuple[int, float]], sounding: Scale) -> list[tuple[float, Scale]]:
    """What is found, second by second."""
    sense, now_s, told = KeySense(), 0.0, []
    for pitch, seconds in notes:
        before, now_s = now_s, now_s + seconds
        sense.hear(pitch, seconds, now_s)
        if int(now_s) > int(before) and (key := sense.find(sounding, now_s)):
            told.append((now_s, Scale(key.key, key.mode)))
    return told


@pytest.mark.parametrize("tonic", range(0, 12, 2))
@pytest.mark.parametrize(("tune", "mode"), [(ODE, 1), (FRERE, 1), (MINOR, 4)])
def test_a_tune_in_another_key_is_known_within_twenty_seconds_as_music21_knows_it(tune, mode, tonic):
    scale = Scale(tonic, mode)
    away = Scale((tonic + 6) % 12, 1)
    told = found(played(tune, scale), away)
    assert told and told[0][0] <= 20.0
    line = music21.stream.Stream()
    for pitch, seconds in played(tune, scale):
        line.append(music21.note.Note(pitch, quarterLength=seconds))
    independent = line.analyze("key")
    assert told[-1][1].key == independent.tonic.pitchClass == tonic
    assert ("minor" if told[-1][1].mode >= 3 else "major") == independent.mode


@pytest.mark.parametrize(("tune", "mode"), [(ODE, 1), (FRERE, 1), (MINOR, 4)])
def test_a_tune_in_the_key_that_sounds_leads_nowhere(tune, mode):
    for tonic in range(12):
        assert not found(played(tune, Scale(tonic, mode)), Scale(tonic, mode))


def test_a_mode_on_the_same_notes_stays_as_it_is():
    assert not found(played(ODE, Scale(0, 1)), Scale(0, 0))  # the tune has neither F sharp nor much F


def test_random_notes_lead_nowhere_for_most_of_the_time():
    hits = 0
    for seed in range(20):
        rng = Random(seed)
        hits += len(found([(rng.randint(48, 72), 0.5) for _ in range(80)], Scale(0, 1)))
    assert hits <= 0.05 * 20 * 40


def test_it_takes_seconds_of_notes_and_five_pitch_classes():
    assert not found([(61, 1.0), (65, 1.0), (68, 1.0)], Scale(0, 1))
    assert not found([(61, 1.0), (65, 1.0), (68, 1.0)] * 8, Scale(0, 1))


def test_the_mode_is_the_one_that_holds_the_notes():
    for mode in (3, 4):  # with a great sixth, and with a small one
        scale = Scale(2, mode)
        told = found(played([*MINOR, (4, 1), (5, 1), (4, 1), (3, 1), (2, 1), (1, 1), (0, 3)], scale), Scale(1, 1))
        assert told and told[-1][1] == scale
        assert set(pitch_classes(told[-1][1])) == set(pitch_classes(scale))


def test_the_reason_says_it_in_words():
    sense = KeySense()
    now_s = 0.0
    for pitch, seconds in played(ODE, Scale(9, 1)):
        now_s += seconds
        sense.hear(pitch, seconds, now_s)
        key = sense.find(Scale(3, 1), now_s)
    assert key is not None and key.reason.startswith(f"what is played is in {KEYS[9]} major: that fits 0.")
    assert MODES[key.mode] == "ionian"
