"""score.pb: a NoteSequence as note-seq itself reads it, against score.mid as pretty_midi reads it."""

from __future__ import annotations

import sys
import warnings

import pretty_midi
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synth.controls import MODES
from synth.score.midi import write_midi
from synth.score.model import KeyChange, Score, Tempo
from synth.score.notesequence import write_notesequence

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import note_seq
    from note_seq.protobuf import music_pb2

Mode = music_pb2.NoteSequence.KeySignature


def read(path) -> music_pb2.NoteSequence:
    sequence = music_pb2.NoteSequence()
    sequence.ParseFromString(path.read_bytes())
    return sequence


def stems(sequence) -> dict[int, str]:
    return {info.instrument: info.name for info in sequence.instrument_infos}


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_score_is_told_in_seconds(data, score_kit, tmp_path):
    score = data.draw(score_kit.scores())
    write_notesequence(score, tmp_path / "score.pb")
    sequence, seconds = read(tmp_path / "score.pb"), score_kit.seconds_of(score)
    assert tuple(stems(sequence)[i] for i in range(len(score.stems))) == score.stems
    assert len(sequence.notes) == len(score.notes)
    for told, note in zip(sequence.notes, score.notes, strict=True):
        assert stems(sequence)[told.instrument] == note.stem and told.is_drum == (note.stem == "percussion")
        assert (told.pitch, told.velocity) == (note.pitch, round(note.velocity * 127))
        assert told.start_time == pytest.approx(seconds(note.tick), abs=1e-9)
        assert told.end_time == pytest.approx(seconds(note.tick + note.duration), abs=1e-9)
    assert [(t.time, t.qpm) for t in sequence.tempos] == [
        (pytest.approx(seconds(t.tick)), pytest.approx(t.bpm)) for t in score.tempos
    ]
    assert [(m.time, m.numerator, m.denominator) for m in sequence.time_signatures] == [
        (pytest.approx(seconds(m.tick)), m.beats, 4) for m in score.metres
    ]
    assert [(k.time, k.key) for k in sequence.key_signatures] == [
        (pytest.approx(seconds(k.tick)), k.key) for k in score.keys
    ]
    assert [a.text for a in sequence.text_annotations] == [f"{m.kind}: {m.text}" for m in score.markers]
    assert sequence.total_time == pytest.approx(seconds(score.end_tick))


def test_modes_have_the_names_that_a_notesequence_has_for_them(tmp_path):
    score = Score(("pad",), tempos=[Tempo(0, 500_000)], keys=[KeyChange(960 * m, 2, m) for m in range(len(MODES))])
    write_notesequence(score, tmp_path / "score.pb")
    told = {MODES[i]: Mode.Mode.Name(k.mode) for i, k in enumerate(read(tmp_path / "score.pb").key_signatures)}
    assert told == {
        "lydian": "MAJOR",
        "ionian": "MAJOR",
        "mixolydian": "MIXOLYDIAN",
        "dorian": "DORIAN",
        "aeolian": "MINOR",
        "phrygian": "PHRYGIAN",
    }


def test_note_seq_and_pretty_midi_agree_on_a_composed_session(composed, tmp_path):
    write_notesequence(composed.score, tmp_path / "score.pb")
    ours = read(tmp_path / "score.pb")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        midi = pretty_midi.PrettyMIDI(str(composed.path))
        theirs = note_seq.midi_file_to_note_sequence(str(composed.path))
        again = note_seq.note_sequence_to_pretty_midi(ours)

    def notes(sequence):
        return sorted((n.start_time, n.end_time, n.pitch, n.velocity, n.is_drum) for n in sequence.notes)

    def played(file):
        return sorted((n.start, n.end, n.pitch, n.velocity, i.is_drum) for i in file.instruments for n in i.notes)

    expected = notes(ours)
    assert len(expected) == len(composed.score.notes) > 50
    for found in (notes(theirs), played(midi), played(again)):
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            assert a == pytest.approx(b, abs=1e-3)
    assert ours.total_time == pytest.approx(midi.get_end_time(), abs=4.0)
    assert [t.qpm for t in theirs.tempos] == pytest.approx([t.qpm for t in ours.tempos])


def test_it_can_be_quantised_and_cut_by_note_seq(composed, tmp_path):
    write_notesequence(composed.score, tmp_path / "score.pb")
    sequence = read(tmp_path / "score.pb")
    half = note_seq.extract_subsequence(sequence, 0.0, sequence.total_time / 2)
    assert 0 < len(half.notes) < len(sequence.notes)
    steps = note_seq.quantize_note_sequence_absolute(sequence, steps_per_second=50)
    assert len(steps.notes) == len(sequence.notes)
    assert max(n.quantized_start_step for n in steps.notes) <= 50 * sequence.total_time


def test_without_note_seq_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "note_seq.protobuf", None)
    with pytest.raises(ImportError, match=r"isotone\[magenta\]"):
        write_notesequence(Score(("pad",), tempos=[Tempo(0, 500_000)]), tmp_path / "score.pb")
    assert not list(tmp_path.iterdir())


def test_two_tempos_on_either_side_of_a_note_are_both_counted(tmp_path, score_kit):
    score = Score(("pad",), tempos=[Tempo(0, 500_000), Tempo(960, 1_000_000)], end_tick=2880)
    write_notesequence(score, tmp_path / "score.pb")
    assert read(tmp_path / "score.pb").total_time == 0.5 + 2.0
    write_midi(score, tmp_path / "score.mid")
    assert score_kit.seconds_of(score)(2880) == 2.5
