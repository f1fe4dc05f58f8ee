"""score.mid, read back by its own reader, by mido and by pretty_midi."""

from __future__ import annotations

import hashlib
import warnings
from collections import Counter
from dataclasses import replace

import mido
import pretty_midi
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synth.controls import KEYS, MODES
from synth.score.midi import read_midi, write_midi
from synth.score.model import TICKS_PER_BEAT, KeyChange, Marker, Metre, Note, Score, Tempo

ANY_SCORE = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def opened(path) -> pretty_midi.PrettyMIDI:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # it would like tempo changes on the first track of type 0
        return pretty_midi.PrettyMIDI(str(path))


def whole(note: Note) -> tuple[str, int, int, int, int]:
    return note.stem, note.tick, note.duration, round(note.pitch), round(note.velocity * 127)


def assert_same(back: Score, score: Score) -> None:
    assert back.stems == score.stems and back.end_tick == score.end_tick
    assert back.tempos == score.tempos and back.metres == score.metres
    assert back.keys == score.keys
    assert Counter(back.markers) == Counter(score.markers)
    assert Counter(map(whole, back.notes)) == Counter(map(whole, score.notes))


@ANY_SCORE
@given(data=st.data())
def test_any_score_comes_back(data, score_kit, tmp_path):
    score = data.draw(score_kit.scores())
    write_midi(score, tmp_path / "score.mid")
    assert_same(read_midi(tmp_path / "score.mid"), score)


@ANY_SCORE
@given(data=st.data())
def test_pretty_midi_hears_the_same_notes_at_the_same_time(data, score_kit, tmp_path):
    score = data.draw(score_kit.scores())
    write_midi(score, tmp_path / "score.mid")
    midi, seconds = opened(tmp_path / "score.mid"), score_kit.seconds_of(score)
    for stem in score.stems:
        heard = [n for i in midi.instruments if i.name == stem for n in i.notes]
        heard.sort(key=lambda n: (n.start, n.pitch))
        written = sorted((n for n in score.notes if n.stem == stem), key=lambda n: (n.tick, n.pitch))
        assert len(heard) == len(written)
        for a, b in zip(heard, written, strict=True):
            assert (a.pitch, a.velocity) == (b.pitch, round(b.velocity * 127))
            assert a.start == pytest.approx(seconds(b.tick), abs=1e-6)
            assert a.end == pytest.approx(seconds(b.tick + b.duration), abs=1e-6)
    times, bpm = midi.get_tempo_changes()
    expected = [tempo.bpm for i, tempo in enumerate(score.tempos) if not i or tempo.bpm != score.tempos[i - 1].bpm]
    assert list(bpm) == pytest.approx(expected)
    assert times[0] == 0.0


@ANY_SCORE
@given(data=st.data())
def test_every_track_is_named_closed_and_as_long_as_the_session(data, score_kit, tmp_path):
    score = data.draw(score_kit.scores())
    write_midi(score, tmp_path / "score.mid")
    midi = mido.MidiFile(tmp_path / "score.mid", charset="utf-8")
    assert midi.type == 1 and midi.ticks_per_beat == TICKS_PER_BEAT
    assert [track.name for track in midi.tracks] == ["conductor", *score.stems]
    assert midi.length == pytest.approx(score_kit.seconds_of(score)(score.end_tick), abs=1e-6)
    for track in midi.tracks:
        open_notes: Counter[tuple[int, int]] = Counter()
        assert sum(message.time for message in track) == score.end_tick
        for message in track:
            if message.type == "note_on":
                open_notes[message.channel, message.note] += 1
                assert open_notes[message.channel, message.note] == 1  # ended before it is struck again
            elif message.type == "note_off":
                open_notes[message.channel, message.note] -= 1
                assert open_notes[message.channel, message.note] >= 0
        assert not +open_notes
    channels = {
        track.name: {message.channel for message in track if hasattr(message, "channel")} for track in midi.tracks[1:]
    }
    assert all(len(used) <= 1 for used in channels.values())
    assert all((9 in used) == (name == "percussion") for name, used in channels.items() if used)
    assert len([c for used in channels.values() for c in used]) == len({c for used in channels.values() for c in used})


@pytest.mark.parametrize("mode", range(len(MODES)))
def test_every_key_has_a_signature_on_its_tonic_and_its_mode_in_words(mode, tmp_path):
    score = Score(("pad",), tempos=[Tempo(0, 1_000_000)], end_tick=12 * TICKS_PER_BEAT)
    score.keys = [KeyChange(key * TICKS_PER_BEAT, key, mode) for key in range(12)]
    write_midi(score, tmp_path / "score.mid")
    heard = opened(tmp_path / "score.mid").key_signature_changes
    minor = MODES[mode] in ("dorian", "aeolian", "phrygian")
    assert [(k.key_number % 12, k.key_number >= 12) for k in heard] == [(key, minor) for key in range(12)]
    texts = [m.text for m in mido.MidiFile(tmp_path / "score.mid").tracks[0] if m.type == "marker"]
    assert texts == [f"key: {name} {MODES[mode]}" for name in KEYS]
    assert read_midi(tmp_path / "score.mid").keys == score.keys


@given(pitch=st.floats(28.0, 96.0), second=st.integers(28, 96))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_a_pitch_between_the_keys_is_bent_and_the_next_is_straight(pitch, second, tmp_path):
    notes = [Note("melody", 0, 900, pitch, 0.5), Note("melody", 960, 900, float(second), 0.5)]
    write_midi(Score(("melody",), notes, [Tempo(0, 500_000)], end_tick=1920), tmp_path / "score.mid")
    back = read_midi(tmp_path / "score.mid").notes
    assert back[0].pitch == pytest.approx(pitch, abs=0.5 * 2.0 / 8192 + 1e-9)
    assert back[1].pitch == second


def test_a_note_struck_again_where_it_ends_is_two_notes(tmp_path):
    notes = [Note("pad", 0, 960, 60, 0.4), Note("pad", 960, 960, 60, 0.8)]
    write_midi(Score(("pad",), notes, [Tempo(0, 500_000)], end_tick=1920), tmp_path / "score.mid")
    heard = opened(tmp_path / "score.mid").instruments[0].notes
    assert [(n.start, n.end, n.velocity) for n in heard] == [(0.0, 0.5, 51), (0.5, 1.0, 102)]
    track = mido.MidiFile(tmp_path / "score.mid").tracks[1]
    assert [m.type for m in track if "note" in m.type] == ["note_on", "note_off", "note_on", "note_off"]


def test_velocities_stay_within_what_midi_has(tmp_path):
    notes = [Note("pad", i * 960, 960, 60, v) for i, v in enumerate((0.0, 1e-4, 1.0, 1.2))]
    write_midi(Score(("pad",), notes, [Tempo(0, 500_000)], end_tick=3840), tmp_path / "score.mid")
    assert [round(n.velocity * 127) for n in read_midi(tmp_path / "score.mid").notes] == [1, 1, 127, 127]


def test_a_composed_session_comes_back_whole(composed, score_kit):
    score = composed.score
    assert_same(read_midi(composed.path), score)
    assert len(score.tempos) > 20 and {k.key for k in score.keys} == {2, 7} and len({k.mode for k in score.keys}) > 1
    kinds = {marker.kind for marker in score.markers}
    assert kinds >= {"phrase", "cadence", "chord", "phase", "end"}
    length_s = mido.MidiFile(composed.path, charset="utf-8").length
    assert length_s == pytest.approx(score_kit.seconds_of(score)(score.end_tick), abs=1e-6)
    assert 90.0 - 1.0 < length_s < 90.0 + 4.0 * 60 / 54
    assert max(note.tick + note.duration for note in score.notes) <= score.end_tick


def test_the_same_score_is_the_same_file(composed, tmp_path):
    write_midi(composed.score, tmp_path / "score.mid")
    assert (tmp_path / "score.mid").read_bytes() == composed.path.read_bytes()


def test_a_score_on_the_keys_is_the_file_it_always_was(tmp_path):
    stems = ("pad", "bass", "melody", "bells", "percussion", "nature")
    notes = [
        Note(stem, (i * 700 + 240 * k) % 5000, 300 + 97 * i, 36 + 12 * k + (5 * i) % 12, 0.3 + 0.05 * i)
        for i in range(8)
        for k, stem in enumerate(stems)
    ]
    keys = [KeyChange(0, 2, 3), KeyChange(1920, 8, 4)]
    tempos = [Tempo(0, 800_000), Tempo(960, 750_000)]
    score = Score(stems, notes, tempos, keys, [Metre(0, 4)], [Marker(0, "phrase", "A")], 9600)
    write_midi(score, tmp_path / "score.mid")
    digest = hashlib.sha256((tmp_path / "score.mid").read_bytes()).hexdigest()
    assert digest == "fd3ecd006a2745380376f567f4ba545f963ecf7f0216ab15959da9ef6ecb5e2f"  # as it was


def test_writing_leaves_nothing_beside_the_file_and_replaces_it_in_one_step(tmp_path):
    score = Score(("pad",), tempos=[Tempo(0, 500_000)], end_tick=960)
    path = tmp_path / "score.mid"
    path.write_text("an older file")
    write_midi(replace(score, markers=[Marker(0, "phase", "lead")]), path)
    assert read_midi(path).markers == [Marker(0, "phase", "lead")]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "content", [b"", b"not a MIDI file", b"MThd\x00\x00\x00\x06\x00\x01\x00\x02\x03\xc0MTrk\x00\x00"]
)
def test_what_is_not_midi_is_refused_with_its_path(content, tmp_path):
    path = tmp_path / "score.mid"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="score.mid"):
        read_midi(path)


def test_a_file_without_a_tempo_is_refused(tmp_path):
    midi = mido.MidiFile(type=1)
    midi.tracks.append(mido.MidiTrack([mido.MetaMessage("track_name", name="conductor")]))
    midi.save(tmp_path / "score.mid")
    with pytest.raises(ValueError, match="no tempo"):
        read_midi(tmp_path / "score.mid")
    with pytest.raises(ValueError, match="nowhere.mid"):
        read_midi(tmp_path / "nowhere.mid")
