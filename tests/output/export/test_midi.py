"""The MIDI file is the score, with people's markers and the controls, as others read it."""

from __future__ import annotations

import warnings
from dataclasses import replace

import mido
import pretty_midi
import pytest

from synth.output.export.export import export_session
from synth.output.export.midi import controls_channel, write_score_with_controls
from synth.output.export.parts import timed
from synth.output.export.project import Mark
from synth.score.midi import read_midi

BEAT = 960


@pytest.fixture
def path(project, tmp_path):
    write_score_with_controls(project, tmp_path / "x.mid", print)
    return tmp_path / "x.mid"


def test_the_scores_own_tracks_are_untouched(project, path):
    was, now = mido.MidiFile(project.source), mido.MidiFile(path)
    assert now.ticks_per_beat == BEAT and [t.name for t in now.tracks] == [*(t.name for t in was.tracks), "controls"]
    for a, b in zip(was.tracks[1:], now.tracks[1:-1], strict=True):
        assert timed(a)[:-1] == timed(b)[:-1]
    texts = [message.text for message in was.tracks[0] if message.type == "marker"]
    assert [m.text for m in now.tracks[0] if m.type == "marker" and m.text != "she hums"] == texts
    ((tick, _),) = [(t, m) for t, m in timed(now.tracks[0]) if m.type == "marker" and m.text == "she hums"]
    assert tick == 5 * BEAT
    score, again = read_midi(project.source), read_midi(path)
    assert (again.notes, again.tempos, again.metres, again.keys) == (
        score.notes,
        score.tempos,
        score.metres,
        score.keys,
    )


def test_controls_play_on_a_channel_without_notes(project, path):
    moves = [(t, m) for t, m in timed(mido.MidiFile(path).tracks[-1]) if not m.is_meta]
    assert {m.channel for _, m in moves} == {15} and {m.type for _, m in moves} == {"control_change"}
    assert [(t, m.value) for t, m in moves if m.control == 102] == [(0, 115), (3 * BEAT, 104)]
    brightness = [m.value for _, m in moves if m.control == 74]
    assert brightness == sorted(brightness) and brightness[0] == 0 and brightness[-1] > 120
    last = replace(project.parts[0], messages=((0, mido.Message("note_on", channel=15)),))
    assert controls_channel(replace(project, parts=(last,))) == 14
    full = replace(project.parts[0], messages=tuple((0, mido.Message("note_on", channel=c)) for c in range(16)))
    write_score_with_controls(replace(project, parts=(full,)), path, print)
    ports = [message for message in mido.MidiFile(path).tracks[-1] if message.type == "midi_port"]
    assert [message.port for message in ports] == [127]
    write_score_with_controls(replace(project, lanes=()), path, print)
    assert mido.MidiFile(path).tracks[-1].name == "percussion"


def test_peoples_markers_stand_among_the_others(project, path):
    early = Mark(480, 0.5, "marker", "early")
    write_score_with_controls(replace(project, markers=(early, *project.markers)), path, print)
    marked = [
        (tick, message.text) for tick, message in timed(mido.MidiFile(path).tracks[0]) if message.type == "marker"
    ]
    assert (480, "early") in marked and [tick for tick, _ in marked] == sorted(tick for tick, _ in marked)


def test_others_hear_the_same(project, path):
    read = pretty_midi.PrettyMIDI(str(path))
    times, bpms = read.get_tempo_changes()
    assert times == pytest.approx([0.0, 4.0]) and bpms == pytest.approx([60.0, 150.0])
    assert [(s.time, s.numerator) for s in read.time_signature_changes] == [(0.0, 4), (pytest.approx(4.0), 3)]
    assert sum(len(instrument.notes) for instrument in read.instruments) == 5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # partitura's own, of a deprecated module and of a part without notes
        import partitura

        performance = partitura.load_performance_midi(str(path))
    notes = sorted((float(n["note_on"]), int(n["midi_pitch"])) for part in performance for n in part.notes)
    assert notes == [(0.0, 38), (0.0, 60), (0.0, 64), (3.0, 60), (pytest.approx(4.0), 57)]


def test_no_stems_are_needed(made, tmp_path):
    folder = made()
    for audio in [*folder.glob("stems/*"), folder / "mix.wav"]:
        audio.unlink()
    done = export_session(folder, "midi")
    assert done.out == folder.with_name("made.mid") and read_midi(done.out).notes
