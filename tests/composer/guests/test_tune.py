"""Start from this tune: the melody of a MIDI file in scale degrees of its own key, or a sentence about why not."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import mido
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synth.composer.guests import Motif, TuneError, read_tune
from synth.composer.guests.tune import key_of, skyline

# Ode to Joy (Beethoven 1824), in C: (beats, MIDI key)
ODE = [(1, p) for p in (64, 64, 65, 67, 67, 65, 64, 62, 60, 60, 62, 64)] + [(1.5, 64), (0.5, 62), (2, 62)]
ODE += [(1, p) for p in (64, 64, 65, 67, 67, 65, 64, 62, 60, 60, 62, 64)] + [(1.5, 62), (0.5, 60), (2, 60)]
ODE_STEPS = [2, 2, 3, 4, 4, 3, 2, 1, 0, 0, 1, 2, 2, 1, 1, 2, 2, 3, 4, 4, 3, 2, 1, 0, 0, 1, 2, 1, 0, 0]
AS_PLAYED = 0.03  # beats


def track(notes, name="", channel=0, extra=(), late=None):
    """A track of (beats, key) one after the other; key None is a rest."""
    made = mido.MidiTrack([mido.MetaMessage("track_name", name=name, time=0), *extra])
    at, now = 0.0, 0
    for beats, key in notes:
        if key is not None:
            for kind, beat in (("note_on", at), ("note_off", at + beats * 0.95)):
                tick = max(round((beat + (late.uniform(0, AS_PLAYED) if late else 0.0)) * 480), now)
                made.append(mido.Message(kind, note=key, velocity=64, channel=channel, time=tick - now))
                now = tick
        at += beats
    return made


def midi(*tracks, kind=1, ticks=480):
    return mido.MidiFile(type=kind, ticks_per_beat=ticks, tracks=list(tracks))


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Path]:
    def save(file: mido.MidiFile | bytes, name: str = "an_ode.mid") -> Path:
        path = tmp_path / name
        if isinstance(file, bytes):
            path.write_bytes(file)
        else:
            file.save(str(path))
        return path

    return save


def steps(motif: Motif) -> list[int]:
    return [step for phrase in motif.phrases for _, _, step in phrase]


def test_a_tune_in_degrees_of_its_own_key(saved):
    motif = read_tune(saved(midi(track(ODE))))
    assert (motif.title, motif.key, motif.mode, motif.beats, motif.altered) == ("an ode", 0, "ionian", 4, 0)
    assert steps(motif) == ODE_STEPS
    assert [len(phrase) for phrase in motif.phrases] == [15, 15]
    assert motif.phrases[0][:2] == ((0.0, 1.0, 2), (1.0, 1.0, 2))
    assert motif.phrases[0][-3:] == ((12.0, 1.5, 2), (13.5, 0.5, 1), (14.0, 2.0, 1))
    assert motif.text == "an ode, C ionian, 2 phrases, 30 notes"


@pytest.mark.parametrize("up", range(-6, 6))
def test_in_every_key_it_is_the_same_tune(saved, up):
    motif = read_tune(saved(midi(track([(beats, key + up) for beats, key in ODE]))))
    assert (motif.key, motif.mode) == (up % 12, "ionian")
    assert steps(motif) == ODE_STEPS


def test_as_played_it_is_put_on_the_grid(saved):
    motif = read_tune(saved(midi(track(ODE, late=random.Random(1)))))
    assert steps(motif) == ODE_STEPS
    assert {beat % 0.25 for phrase in motif.phrases for beat, _, _ in phrase} == {0.0}


def test_triplets_stay_triplets(saved):
    turns = [(1 / 3, key) for key in (60, 62, 64, 62, 64, 65, 64, 65, 67, 65, 64, 62)] + [(4, 60)]
    motif = read_tune(saved(midi(track(turns))))
    assert [round(beat * 3, 2) for beat, _, _ in motif.phrases[0]][:12] == list(range(12))


def test_a_minor_tune(saved):
    # Greensleeves' first bars (16th century), natural sixth and seventh, in A
    notes = [(1, 57), (2, 60), (1, 62), (1.5, 64), (0.5, 65), (1, 64), (2, 62), (1, 59), (1.5, 55), (0.5, 57), (1, 59)]
    notes += [(2, 60), (1, 57), (1.5, 57), (0.5, 55), (1, 57), (2, 59), (1, 55), (3, 52), (3, 57)]
    motif = read_tune(saved(midi(track(notes, extra=[mido.MetaMessage("time_signature", numerator=6, denominator=8)]))))
    assert (motif.key, motif.mode, motif.beats) == (9, "aeolian", 3)


def test_the_signature_counts_where_the_notes_bear_it_out(saved):
    """D dorian notes, written as A minor; and the signature of C that many programs write whatever they play."""
    scale = [(1, key) for key in (62, 64, 65, 67, 69, 67, 65, 64)] * 3 + [(4, 62)]
    written = mido.MetaMessage("key_signature", key="Am")
    assert read_tune(saved(midi(track(scale, extra=[written])))).key == 9
    assert read_tune(saved(midi(track(scale)))).key == 2
    wrong = [(beats, key + 6) for beats, key in ODE]
    assert read_tune(saved(midi(track(wrong, extra=[mido.MetaMessage("key_signature", key="C")])))).key == 6


def test_a_tone_outside_its_scale_goes_to_the_nearest_degree_and_is_counted(saved):
    motif = read_tune(saved(midi(track([*ODE[:5], (1, 66), *ODE[6:]]))))
    assert motif.altered == 1 and len(steps(motif)) == len(ODE_STEPS)
    assert all(isinstance(step, int) for step in steps(motif))


def test_phrases_end_at_rests_and_start_in_their_own_bar(saved):
    motif = read_tune(saved(midi(track([(4, None), (1, 60), (1, 62), (2, 64), (3, None), (1, 67), (4, 60)]))))
    assert [[beat for beat, _, _ in phrase] for phrase in motif.phrases] == [[0.0, 1.0, 2.0], [3.0, 4.0]]


def test_a_line_without_a_rest_is_cut_into_phrases(saved):
    motif = read_tune(saved(midi(track([(0.5, 60 + i % 5 * 2) for i in range(400)]))), phrase_bars=2)
    assert len(motif.phrases) == 8
    assert all(phrase[-1][0] < 8.0 for phrase in motif.phrases)


def test_the_melody_is_found_above_its_accompaniment(saved):
    chords = mido.MidiTrack([mido.MetaMessage("track_name", name="strings")])
    for _ in range(8):
        for key in (48, 52, 55):
            chords.append(mido.Message("note_on", note=key, time=0))
        for i, key in enumerate((48, 52, 55)):
            chords.append(mido.Message("note_off", note=key, time=1920 * (i == 0)))
    bass = track([(1, 36 + 7 * (i % 2)) for i in range(32)], "bass", 2)
    drums = track([(0.5, 76) for _ in range(64)], "kit", 9)
    assert steps(read_tune(saved(midi(chords, bass, drums, track(ODE, "flute", 1))))) == ODE_STEPS
    one = mido.merge_tracks([chords, track(ODE, channel=3)])
    assert steps(read_tune(saved(midi(one, kind=0)))) == ODE_STEPS
    named = midi(track([(1, 84)] * 32, "glitter", 4), track(ODE, "Lead vocal", 1))
    assert steps(read_tune(saved(named))) == ODE_STEPS


def test_on_a_piano_the_upper_line_is_the_melody(saved):
    piano = mido.merge_tracks([track(ODE), track([(0.5, 43 + 4 * (i % 3)) for i in range(64)])])
    assert steps(read_tune(saved(midi(piano, kind=0)))) == ODE_STEPS
    pausing = mido.merge_tracks([track([*ODE[:15], (2, None), *ODE[15:]]), track([(0.5, 43)] * 68)])
    assert steps(read_tune(saved(midi(pausing, kind=0)))) == ODE_STEPS
    assert skyline([(0.0, 4.0, 72), (1.0, 2.0, 60), (3.0, 5.0, 76)]) == [(0.0, 3.0, 72), (3.0, 5.0, 76)]


def test_track_and_channel_may_be_chosen(saved):
    low = [(beats, key - 24) for beats, key in ODE[15:]]
    path = saved(midi(track(ODE, "Flute", 1), track(low, "Bassoon", 2)))
    assert steps(read_tune(path)) == ODE_STEPS
    for chosen in ({"track": "bassoon"}, {"track": 1}, {"channel": 3}):
        assert steps(read_tune(path, **chosen)) == ODE_STEPS[15:]
    with pytest.raises(TuneError, match=r"no such melody; there are Flute \(channel 2\), Bassoon \(channel 3\)"):
        read_tune(path, track="oboe")


def test_it_comes_back_from_a_record(saved):
    import json

    path = saved(midi(track(ODE)))
    motif = read_tune(path)
    assert Motif.of(json.loads(json.dumps(motif.as_dict()))) == motif == Motif.of(path) == Motif.of(motif)
    assert Motif.of(None) is None
    with pytest.raises(TuneError, match="no tune as a record keeps it"):
        Motif.of({"title": "x", "phrases": [[1]]})


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "cannot be read as a MIDI file"),
        (b"ID3 not a MIDI file at all", "cannot be read as a MIDI file"),
        (b"MThd\x00\x00\x00\x06\x00\x01\x00\x01\x01\xe0MTrk\x00\x00\xff\xff\x00\x90", "cannot be read as a MIDI file"),
        (b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\xe7\x28MTrk\x00\x00\x00\x04\x00\xff\x2f\x00", "counts in film frames"),
        (midi(mido.MidiTrack()), "holds no notes: give a MIDI file with a melody"),
        (midi(), "holds no notes"),
        (midi(track([(1, 36)] * 8, "kit", 9)), "holds drums only"),
        (midi(track([(7200.0, 60), (7200.0, 62)])), "lasts 1.9 hours, and a tune may last 30 minutes"),
        (b"MThd" + bytes(1_000_001), "has 1.0 MB: cut the tune out"),
    ],
)
def test_a_file_that_gives_no_tune_says_so(saved, content, why):
    with pytest.raises(TuneError, match=why):
        read_tune(saved(content))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(TuneError, match="there is no file"):
        read_tune(tmp_path / "none.mid")
    with pytest.raises(TuneError, match="cannot be read"):
        read_tune(tmp_path)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=8), st.integers(0, 400))
def test_a_damaged_file_gives_a_tune_or_a_sentence(tmp_path, changes, kept):
    path = tmp_path / "damaged.mid"
    midi(track(ODE, "ode", extra=[mido.MetaMessage("key_signature", key="C")])).save(str(path))
    content = bytearray(path.read_bytes())
    for place, value in changes:
        content[place % len(content)] = value
    path.write_bytes(bytes(content[: max(len(content) - kept, 0)] if kept < 40 else content))
    try:
        motif = read_tune(path)
    except TuneError as error:
        assert str(path) in str(error)
    else:
        assert steps(motif) and all(beats > 0.0 for phrase in motif.phrases for _, beats, _ in phrase)


@pytest.mark.parametrize("key", range(12))
def test_profiles_find_the_key_of_plain_cadences(key):
    """I IV V I in every major and i iv v i in every minor key."""
    major = [(key + p, 1.0) for chord in ((0, 4, 7), (5, 9, 12), (7, 11, 14), (7, 4, 0)) for p in chord]
    minor = [(key + p, 1.0) for chord in ((0, 3, 7), (5, 8, 12), (7, 10, 14), (7, 3, 0)) for p in chord]
    assert key_of(major) == (key, "ionian") and key_of(minor) == (key, "aeolian")


def test_where_a_line_ends_tells_between_two_keys_that_fit():
    line = [(key, 1.0) for key in (64, 67, 57, 59, 55, 55, 55, 60, 55)]
    assert key_of([*line, (60, 1.0)]) == (0, "ionian") and key_of([*line[:7], (60, 1.0), (60, 1.0), (55, 1.0)])[0] == 7
