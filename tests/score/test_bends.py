"""Fine pitches as bends: what a player hears of them, channel by channel, when many notes overlap."""

from __future__ import annotations

import warnings
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise

import mido
import pretty_midi
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synth.score.bends import TAIL, bent, lanes, played
from synth.score.midi import read_midi, write_midi
from synth.score.model import MINOR_MODES, KeyChange, Note, Score, Slide, Tempo
from synth.score.notesequence import write_notesequence
from synth.score.plain import read_json, write_json
from synth.tuning.scale import TunedScale
from synth.tuning.tuning import TUNINGS, tuning_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import note_seq
    from note_seq.protobuf import music_pb2

FINE = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
NEAR = 0.02


def sounded(notes, stem) -> list[tuple[int, int, float]]:
    """Start, end and pitch of a stem's notes."""
    return [(n.tick, n.tick + n.duration, n.pitch) for n in notes if n.stem == stem]


def assert_near(found, expected) -> None:
    """Each note of `expected` is among those `found`, with the same start and end, and nothing else is."""
    left = list(found)
    for note in expected:
        same = [n for n in left if abs(n[0] - note[0]) < 1e-5 and abs(n[1] - note[1]) < 1e-5]
        nearest = min(same, key=lambda heard: abs(heard[2] - note[2]), default=None)
        assert nearest is not None and abs(nearest[2] - note[2]) < NEAR
        left.remove(nearest)
    assert not left


def heard_by_a_player(path) -> dict[str, list[tuple[int, int, float]]]:
    """What an instrument with 16 channels a port sounds: each note's pitch all along, bends of its channel included.

    A note that is bent while it sounds fails the test. The name is that of the track it came from.
    """
    midi = mido.MidiFile(path, charset="utf-8")
    events = []
    for number, track in enumerate(midi.tracks[1:]):
        tick, port = 0, 0
        for order, message in enumerate(track):
            tick += message.time
            if message.type == "midi_port":
                port = message.port
            elif not message.is_meta:
                events.append((tick, number, order, port, track.name, message))
    events.sort(key=lambda event: event[:3])
    bends: dict[tuple[int, int], int] = defaultdict(int)
    spans: dict[tuple[int, int], float] = defaultdict(lambda: 2.0)
    chosen: dict[tuple[int, int], dict[int, int]] = defaultdict(dict)
    owner: dict[tuple[int, int], str] = {}
    sounding: dict[tuple[int, int], dict[int, list[tuple[int, float]]]] = defaultdict(lambda: defaultdict(list))
    notes: dict[str, list[tuple[int, int, float]]] = defaultdict(list)
    for tick, _, _, port, name, message in events:
        place = port, message.channel
        assert owner.setdefault(place, name) == name, "two stems on one channel"
        if message.type == "control_change":
            chosen[place][message.control] = message.value
            if message.control == 6 and (chosen[place][101], chosen[place][100]) == (0, 0):
                spans[place] = float(message.value)
        elif message.type == "pitchwheel":
            assert not any(sounding[place].values()), "bent while a note sounds"
            bends[place] = message.pitch
        elif message.type == "note_on":
            pitch = message.note + bends[place] / 8192 * spans[place]
            sounding[place][message.note].append((tick, pitch))
        elif message.type == "note_off":
            start, pitch = sounding[place][message.note].pop(0)
            notes[name].append((start, tick, pitch))
    assert not any(open_notes for channel in sounding.values() for open_notes in channel.values())
    return {name: sorted(found) for name, found in notes.items()}


def heard_by_pretty_midi(path) -> dict[str, list[tuple[float, float, float]]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        midi = pretty_midi.PrettyMIDI(str(path))
    return by_instrument(midi)


def by_instrument(midi: pretty_midi.PrettyMIDI) -> dict[str, list[tuple[float, float, float]]]:
    notes: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for instrument in midi.instruments:
        bends = sorted(instrument.pitch_bends, key=lambda bend: bend.time)
        for note in instrument.notes:
            before = [bend.pitch for bend in bends if bend.time <= note.start + 1e-9]
            during = {bend.pitch for bend in bends if note.start + 1e-9 < bend.time < note.end - 1e-9}
            bend = before[-1] if before else 0
            assert during <= {bend}, "bent while a note sounds"
            pitch = note.pitch + pretty_midi.pitch_bend_to_semitones(bend)
            notes[instrument.name].append((note.start, note.end, pitch))
    return {name: sorted(found) for name, found in notes.items()}


def assert_heard_everywhere(score: Score, folder, seconds) -> None:
    path = folder / "score.mid"
    write_midi(score, path)
    player, pretty, back = heard_by_a_player(path), heard_by_pretty_midi(path), read_midi(path)
    assert back.stems == score.stems
    for stem in score.stems:
        expected = sounded(score.notes, stem)
        assert_near(player.get(stem, []), expected)
        assert_near(sounded(back.notes, stem), expected)
        in_seconds = [(seconds(start), seconds(end), pitch) for start, end, pitch in expected]
        assert_near(pretty.get(stem, []), in_seconds)


@FINE
@given(data=st.data())
def test_every_reader_hears_the_pitch_of_any_score(data, score_kit, tmp_path):
    score = data.draw(score_kit.scores(fine=True))
    assert_heard_everywhere(score, tmp_path, score_kit.seconds_of(score))


def chord(stem: str, count: int, tick: int = 0, low: float = 40.0) -> list[Note]:
    """Notes that begin together, each with a bend of its own."""
    return [Note(stem, tick, 1920, low + 1.03 * i, 0.5) for i in range(count)]


def channels(path) -> dict[str, list[tuple[int | None, set[int]]]]:
    """Port and channels of each track, by name."""
    found: dict[str, list[tuple[int | None, set[int]]]] = defaultdict(list)
    for track in mido.MidiFile(path, charset="utf-8").tracks[1:]:
        port = next((m.port for m in track if m.type == "midi_port"), None)
        found[track.name].append((port, {m.channel for m in track if not m.is_meta}))
    return dict(found)


STEMS = ("pad", "bass", "melody", "bells", "percussion", "nature")


def test_a_stem_takes_channels_that_no_other_needs(tmp_path, score_kit):
    score = Score(STEMS, [*chord("pad", 5), *chord("melody", 2), Note("bass", 0, 960, 36, 0.5)], [Tempo(0, 500_000)])
    score.end_tick = 1920
    write_midi(score, tmp_path / "score.mid")
    used = channels(tmp_path / "score.mid")
    assert [port for tracks in used.values() for port, _ in tracks] == [None] * 6
    flat = [channel for tracks in used.values() for _, taken in tracks for channel in taken]
    assert len(flat) == len(set(flat)) == 6 - 1 + 4 + 1  # the drums play nothing and have no program
    assert used["pad"][0][1] == {0, 4, 6, 7, 8} and used["melody"][0][1] == {2, 10} and used["bass"][0][1] == {1}
    assert_heard_everywhere(score, tmp_path, score_kit.seconds_of(score))


def test_when_sixteen_channels_are_too_few_each_stem_that_bends_has_a_port(tmp_path, score_kit):
    notes = [*chord("pad", 6), *chord("melody", 5), *chord("bells", 18), Note("bass", 0, 960, 36, 0.5)]
    score = Score(STEMS, notes, [Tempo(0, 500_000)], end_tick=1920)
    write_midi(score, tmp_path / "score.mid")
    used = channels(tmp_path / "score.mid")
    assert [port for port, _ in used["pad"]] == [1] and [port for port, _ in used["melody"]] == [2]
    assert [(port, len(taken)) for port, taken in used["bells"]] == [(3, 15), (4, 3)]
    assert [port for port, _ in used["bass"]] == [0] and [port for port, _ in used["percussion"]] == [0]
    assert not any(9 in taken for stem in used for _, taken in used[stem])
    assert read_midi(tmp_path / "score.mid").stems == STEMS
    assert_heard_everywhere(score, tmp_path, score_kit.seconds_of(score))


@pytest.mark.parametrize("name", ["just", "meantone", "harmonic-series", "slendro"])
def test_a_composed_session_is_heard_in_any_tuning(name, composed, tmp_path, score_kit):
    slendro = TunedScale("slendro", "gamelan", (0.0, 228.0, 484.0, 728.0, 960.0), 1208.0)
    tuning = tuning_of(slendro) if name == "slendro" else TUNINGS[name]
    notes = [
        note if note.stem == "percussion" else replace(note, pitch=tuning.pitch(round(note.pitch), 2))
        for note in composed.score.notes
    ]
    score = replace(composed.score, notes=notes)
    assert_heard_everywhere(score, tmp_path, score_kit.seconds_of(score))


def test_a_channel_is_not_bent_again_while_its_last_note_rings_if_there_are_channels_enough():
    def line(gap: int) -> list[Note]:
        return [Note("melody", i * (480 + gap), 480, 60.3 + 1.03 * i, 0.5) for i in range(4)]

    assert [how.lane for how in bent(line(0))] == [0, 1, 2, 3]
    assert [how.lane for how in bent(line(TAIL))] == [0, 0, 0, 0]
    assert [how.lane for how in bent(line(0), tail=0)] == [0, 0, 0, 0]
    held = [Note("pad", 0, 4000, 60.25, 0.5), Note("pad", 0, 100, 64.25, 0.5), Note("pad", 2200, 100, 67.4, 0.5)]
    assert [how.lane for how in bent(held)] == [0, 0, 1]  # the longest of a channel's notes holds it


def test_channels_are_bent_again_sooner_before_further_ports_are_used(tmp_path):
    crowd = [note for stem in STEMS[:4] for note in (Note(stem, 480 * i, 480, 60 + 1.03 * i, 0.5) for i in range(9))]
    score = Score(STEMS, crowd, [Tempo(0, 500_000)], end_tick=9600)
    assert sum(lanes(notes) for notes in played(score).values()) > 16
    assert sum(lanes(notes) for notes in played(score, 0).values()) == 6
    write_midi(score, tmp_path / "score.mid")
    assert [tracks[0][0] for tracks in channels(tmp_path / "score.mid").values()] == [None] * 6


def test_notes_of_one_bend_share_a_channel_and_are_bent_once(tmp_path):
    notes = [Note("pad", 240 * i, 960, 60.25 + i, 0.5) for i in range(12)]
    assert lanes(list(zip(notes, bent(notes), strict=True))) == 1
    assert [how.turn for how in bent(notes)] == [True, *[False] * 11]
    write_midi(Score(("pad",), notes, [Tempo(0, 500_000)], end_tick=9600), tmp_path / "score.mid")
    track = mido.MidiFile(tmp_path / "score.mid").tracks[1]
    assert [m.pitch for m in track if m.type == "pitchwheel"] == [1024]


def test_the_range_of_bends_is_told_before_the_first_on_channels_that_bend_only(tmp_path):
    notes = [Note("pad", 0, 960, 60.4, 0.5), Note("bass", 0, 960, 36.0, 0.5)]
    write_midi(Score(("pad", "bass"), notes, [Tempo(0, 500_000)], end_tick=960), tmp_path / "score.mid")
    pad, bass = mido.MidiFile(tmp_path / "score.mid").tracks[1:]
    told = [(m.control, m.value) for m in pad if m.type == "control_change"]
    assert told == [(101, 0), (100, 0), (6, 2), (38, 0), (101, 127), (100, 127)]
    kinds = [m.type for m in pad if not m.is_meta]
    assert kinds == ["program_change", *["control_change"] * 6, "pitchwheel", "note_on", "note_off"]
    assert [m.type for m in bass if not m.is_meta] == ["program_change", "note_on", "note_off"]


def test_order_of_the_list_does_not_matter(tmp_path, score_kit):
    notes = chord("melody", 3, 960) + chord("melody", 3, 0, 41.5) + [Note("melody", 480, 100, 70.2, 0.5)]
    notes += [Note("melody", tick, 100, 80.35, 0.5) for tick in (8000, 7000)]
    score = Score(("melody",), notes, [Tempo(0, 500_000)], end_tick=9600)
    assert_heard_everywhere(score, tmp_path, score_kit.seconds_of(score))


def test_drums_keys_at_the_ends_and_between_are_played(tmp_path):
    notes = [Note("percussion", 0, 480, 38.4, 0.5), Note("pad", 0, 480, 127.6, 0.5), Note("pad", 960, 480, -0.4, 0.5)]
    write_midi(Score(("percussion", "pad"), notes, [Tempo(0, 500_000)], end_tick=1920), tmp_path / "score.mid")
    back = {(note.stem, note.tick): note.pitch for note in read_midi(tmp_path / "score.mid").notes}
    assert back["percussion", 0] == 38.0
    assert back["pad", 0] == pytest.approx(127.6, abs=NEAR) and back["pad", 960] == pytest.approx(-0.4, abs=NEAR)


@FINE
@given(data=st.data())
def test_a_notesequence_holds_the_same_bends(data, score_kit, tmp_path):
    score = data.draw(score_kit.scores(fine=True))
    write_notesequence(score, tmp_path / "score.pb")
    sequence = music_pb2.NoteSequence()
    sequence.ParseFromString((tmp_path / "score.pb").read_bytes())
    names = {info.instrument: info.name for info in sequence.instrument_infos}
    bends: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for bend in sequence.pitch_bends:
        bends[bend.instrument].append((bend.time, bend.bend))
    for told, note in zip(sequence.notes, score.notes, strict=True):
        assert names[told.instrument] == note.stem
        before = sorted(b for b in bends[told.instrument] if b[0] <= told.start_time)
        assert not any(told.start_time < time < told.end_time for time, _ in bends[told.instrument])
        pitch = told.pitch + (max(before, key=lambda b: b[0])[1] if before else 0) / 4096
        assert pitch == pytest.approx(note.pitch, abs=NEAR)


def test_note_seq_turns_its_bends_into_midi_that_sounds_the_same(tmp_path, score_kit):
    notes = [*chord("pad", 5), *chord("pad", 5, 2880, 41.7), *chord("melody", 2, 960)]
    score = Score(("pad", "melody"), sorted(notes, key=lambda n: n.tick), [Tempo(0, 500_000)], end_tick=9600)
    write_notesequence(score, tmp_path / "score.pb")
    sequence = music_pb2.NoteSequence()
    sequence.ParseFromString((tmp_path / "score.pb").read_bytes())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        heard = by_instrument(note_seq.note_sequence_to_pretty_midi(sequence))
    found = sorted(note for stem in heard.values() for note in stem)
    seconds = score_kit.seconds_of(score)
    expected = [(seconds(n.tick), seconds(n.tick + n.duration), n.pitch) for n in score.notes]
    assert_near(found, expected)


# -- names of scales -----------------------------------------------------------------------------------------------


def test_markers_carry_the_names_of_scales_beyond_the_modes(tmp_path):
    scales = ("lydian", "ionian", "mixolydian", "dorian", "aeolian", "phrygian", "bayati", "rast")
    keys = [KeyChange(0, 2, 6), KeyChange(960, 0, 7), KeyChange(1920, 9, 4), KeyChange(2880, 7, 6)]
    score = Score(("pad",), [], [Tempo(0, 500_000)], keys, end_tick=3840, scales=scales, minor=MINOR_MODES | {"bayati"})
    write_midi(score, tmp_path / "score.mid")
    conductor = mido.MidiFile(tmp_path / "score.mid").tracks[0]
    assert [m.text for m in conductor if m.type == "marker"] == [
        *("key: D bayati", "key: C rast", "key: A aeolian", "key: G bayati")
    ]
    assert [m.key for m in conductor if m.type == "key_signature"] == ["Dm", "C", "Am", "Gm"]
    back = read_midi(tmp_path / "score.mid")
    assert [(k.tick, k.key, back.scales[k.mode]) for k in back.keys] == [(k.tick, k.key, scales[k.mode]) for k in keys]
    assert "bayati" in back.minor and "rast" not in back.minor
    write_notesequence(score, tmp_path / "score.pb")
    sequence = music_pb2.NoteSequence()
    sequence.ParseFromString((tmp_path / "score.pb").read_bytes())
    kinds = [music_pb2.NoteSequence.KeySignature.Mode.Name(k.mode) for k in sequence.key_signatures]
    assert kinds == ["NOT_SPECIFIED", "NOT_SPECIFIED", "MINOR", "NOT_SPECIFIED"]
    assert [a.text for a in sequence.text_annotations] == ["key: D bayati", "key: C rast", "key: G bayati"]
    write_midi(back, tmp_path / "again.mid")
    assert (tmp_path / "again.mid").read_bytes() == (tmp_path / "score.mid").read_bytes()


def test_a_note_that_slides_is_bent_all_the_way_and_shares_its_channel_with_none(tmp_path):
    notes = [
        Note("melody", 960, 1920, 62.0, 0.5, (Slide(240, 60.0, 480), Slide(960, 61.0, 240))),
        Note("melody", 960, 1920, 67.0, 0.5),
    ]
    score = Score(("melody",), notes, [Tempo(0, 500_000)], end_tick=3840)
    write_midi(score, tmp_path / "score.mid")
    track, tick, heard = mido.MidiFile(tmp_path / "score.mid").tracks[1], 0, []
    channels = {}
    for message in track:
        tick += message.time
        if message.type == "note_on":
            channels[message.note] = message.channel
        elif message.type == "pitchwheel":
            heard.append((tick, message.channel, message.pitch / 8192 * 2.0))
    assert channels[62] != channels[67] and {channel for _, channel, _ in heard} == {channels[62]}
    at = {tick: bend for tick, _, bend in heard}
    assert at[960 + 240 + 240] == pytest.approx(-1.0, abs=0.01)  # half-way along a raised cosine
    assert at[960 + 720] == pytest.approx(-2.0, abs=0.01) and at[960 + 1200] == pytest.approx(-1.0, abs=0.01)
    assert max(b[0] - a[0] for a, b in pairwise(h for h in heard if h[0] <= 960 + 720)) <= 960 / 32
    write_json(score, tmp_path / "score.json")
    assert read_json(tmp_path / "score.json").notes == notes
