"""Guests that speak NoteSequence or MIDI files: context in as a primer, the phrase back out of the answer."""

from __future__ import annotations

import io
import sys
from functools import partial

import mido
import pretty_midi
import pytest

from synth.composer.guests import Written, heard
from synth.composer.guests.notesequence import (
    MagentaGuest,
    MidiGuest,
    NoteSequenceGuest,
    from_midi,
    from_notesequence,
    to_midi,
    to_notesequence,
)

LINE = [Written(2.0 * i, 1.5, pitch, 64 / 127) for i, pitch in enumerate((62, 64, 65, 67, 65, 64, 62))]


def continued(primer, invitation, start_s=None):
    """The primer and, after it, LINE: as models answer."""
    beat_s = 60.0 / invitation.tempo_bpm
    start_s = primer.total_time if start_s is None else start_s
    for note in LINE:
        begin = start_s + note.beat * beat_s
        primer.notes.add(start_time=begin, end_time=begin + note.beats * beat_s, pitch=note.pitch, velocity=64)
    return primer


def alone(primer, invitation):
    """LINE alone, from 0."""
    del primer.notes[:]
    return continued(primer, invitation, 0.0)


def quantized(primer, invitation):
    del primer.notes[:]
    primer.quantization_info.steps_per_quarter = 4
    for note in LINE:
        begin = round(4 * note.beat)
        end = begin + round(4 * note.beats)
        primer.notes.add(quantized_start_step=begin, quantized_end_step=end, pitch=note.pitch, velocity=64)
    return primer


def midi_back(primer, invitation):
    """Adds LINE to a MIDI file with pretty_midi."""
    midi = pretty_midi.PrettyMIDI(io.BytesIO(primer))
    beat_s = 60.0 / invitation.tempo_bpm
    for note in LINE:
        begin = (4.0 + note.beat) * beat_s
        midi.instruments[0].notes.append(pretty_midi.Note(64, note.pitch, begin, begin + note.beats * beat_s))
    out = io.BytesIO()
    midi.write(out)
    return out.getvalue()


def same(notes, within=0.01):
    assert [n.pitch for n in notes] == [n.pitch for n in LINE]
    for a, b in zip(notes, LINE, strict=True):
        assert (a.beat, a.beats, a.velocity) == pytest.approx((b.beat, b.beats, b.velocity), abs=within)
    return True


@pytest.mark.parametrize("tempo_bpm", [60.0, 87.3])
def test_a_notesequence_goes_round(invitation, tempo_bpm):
    asked = invitation(tempo_bpm=tempo_bpm)
    assert same(NoteSequenceGuest(continued).write(asked), 1e-6)
    assert same(NoteSequenceGuest(alone, from_zero=True).write(asked), 1e-6)
    assert same(NoteSequenceGuest(quantized, from_zero=True).write(asked), 1e-6)
    assert heard(asked, NoteSequenceGuest(continued).write(asked)).text == "plays 7 notes"


def test_the_primer_tells_what_was_heard_and_ends_where_the_phrase_begins(invitation):
    sequence, start = to_notesequence(invitation(tempo_bpm=120.0))
    assert start == 4.0 and sequence.total_time == 2.0
    assert [(n.start_time, n.end_time, n.pitch) for n in sequence.notes] == [(0.0, 0.5, 62), (0.75, 1.75, 65)]
    assert (sequence.tempos[0].qpm, sequence.time_signatures[0].numerator) == (120.0, 4)
    signature = sequence.key_signatures[0]
    assert (signature.key, signature.mode) == (2, signature.MINOR)
    assert from_notesequence(sequence, invitation(tempo_bpm=120.0), start) == []
    held, _ = to_notesequence(invitation(heard=(Written(-1.0, 3.0, 64),)))
    assert held.notes[0].end_time == held.total_time == 4.0
    empty, start = to_notesequence(invitation(heard=()))
    assert start == 0.0 and empty.total_time == 0.0


def test_note_seq_itself_can_read_the_primer(invitation):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import note_seq

        sequence, _ = to_notesequence(invitation())
        assert len(note_seq.quantize_note_sequence(sequence, 4).notes) == 2


def test_drums_are_no_part_of_an_answer(invitation):
    sequence, start = to_notesequence(invitation(heard=()))
    sequence.notes.add(start_time=0.0, end_time=1.0, pitch=36, velocity=80, is_drum=True)
    assert from_notesequence(sequence, invitation(), start) == []


class Generator:
    """Stands in for a Magenta sequence generator."""

    def __init__(self):
        self.options = None

    def generate(self, sequence, options):
        self.options = options
        section = options.generate_sections[0]
        assert (section.start_time, section.end_time) == (4.0, 20.0)
        assert options.args["temperature"].float_value == pytest.approx(0.9)
        return continued(sequence, SixtyBpm, section.start_time)


class SixtyBpm:
    tempo_bpm = 60.0


def test_a_magenta_generator_is_asked_in_its_own_words(invitation):
    assert same(partial(MagentaGuest, Generator, temperature=0.9)().write(invitation()), 1e-6)


def test_without_note_seq_a_guest_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "note_seq.protobuf", None)
    with pytest.raises(ImportError, match=r'pip install "isotone\[magenta\]"'):
        NoteSequenceGuest(continued)


def test_midi_files_go_round(invitation):
    """Out with mido, in and out with pretty_midi, in again with mido."""
    assert same(MidiGuest(midi_back).write(invitation(tempo_bpm=100.0)))


def test_a_midi_primer_is_a_file_that_others_read(invitation):
    data, start = to_midi(invitation(tempo_bpm=120.0))
    read = pretty_midi.PrettyMIDI(io.BytesIO(data))
    assert start == 4.0
    notes = [(round(n.start, 3), round(n.end, 3), n.pitch) for n in read.instruments[0].notes]
    assert notes == [(0.0, 0.5, 62), (0.75, 1.75, 65)]
    assert round(read.get_tempo_changes()[1][0]) == 120
    assert mido.MidiFile(file=io.BytesIO(data)).length == pytest.approx(2.0)


@pytest.mark.parametrize("data", [b"", b"nonsense", b"MThd\x00\x00\x00\x06\x00\x01\x00\x01\xe7\x28"])
def test_a_broken_midi_answer_says_so(invitation, data):
    with pytest.raises(ValueError, match="its answer c"):
        from_midi(data, invitation(), 0.0)


def test_through_the_desk(desks, invitation):
    desk, told = desks("visiting:speaks_notesequence", budget_s=60.0)
    desk.invite(invitation())
    assert [n.pitch for n in desk.take("melody", 2)] == [62, 64, 65, 67, 69, 71, 72, 74]
    assert (told[0].name, told[0].text) == ("visiting:speaks_notesequence", "plays 8 notes")
