"""Written music read by music21: the notes of the score, at their places, in values that fill every bar."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from fractions import Fraction
from types import ModuleType
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.composer.scales import NAMES, Scale, sharps
from synth.output.notation.engrave import EngraveError, engrave, write_pages
from synth.output.notation.musicxml import NotationError, musicxml
from synth.output.notation.quantise import UNITS, quantise
from synth.output.notation.spelling import altered, key_of, key_text, name_of, root_name, signature
from synth.output.notation.values import VALUES, pieces
from synth.score.model import TICKS_PER_BEAT, Note, Score
from synth.score.outline import outline

STEM_OF = {"Melody": "melody", "Bells": "bells", "Chords": "pad", "Bass": "bass"}
TOLERANCE = 0.13  # of a beat: half a sixteenth


@pytest.fixture(scope="module")
def music21() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import music21
    return music21


def read(music21: ModuleType, document: str):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return music21.converter.parseData(document, format="musicxml")


def struck(part) -> list[tuple[float, int]]:
    """(beat, MIDI note) of what begins in a part: what is tied from before does not."""
    found = []
    for note in part.flatten().notes:
        if "Harmony" in note.classes:
            continue
        for head in note.notes if note.isChord else (note,):
            if head.tie is None or head.tie.type == "start":
                found.append((float(note.offset), head.pitch.midi))
    return sorted(found)


@pytest.mark.parametrize("which", ["settle", "waltz"])
def test_the_notes_are_those_of_the_score(which: str, music21: ModuleType, request: pytest.FixtureRequest) -> None:
    score: Score = request.getfixturevalue(which)
    until = max(m.tick + m.beats * TICKS_PER_BEAT for m in outline(score).measures if m.tick <= outline(score).last)
    stream = read(music21, musicxml(score, "title"))
    assert {STEM_OF[part.partName] for part in stream.parts} == {n.stem for n in score.notes} & set(STEM_OF.values())
    for part in stream.parts:
        stem = STEM_OF[part.partName]
        written = struck(part)
        played = {
            (n.tick / TICKS_PER_BEAT, round(n.pitch)) for n in score.notes if n.stem == stem and n.tick < until - 120
        }
        assert len(written) == len(played)
        for beat, pitch in played:
            assert any(abs(b - beat) <= TOLERANCE and p == pitch for b, p in written), (stem, beat, pitch)


@pytest.mark.parametrize("which", ["settle", "waltz"])
def test_every_voice_fills_its_bar_and_the_rests_are_told_once(which: str, request: pytest.FixtureRequest) -> None:
    root = ET.fromstring(musicxml(request.getfixturevalue(which)))
    for part in root.iter("part"):
        beats = 0
        for bar in part.iter("measure"):
            beats = int(bar.findtext("attributes/time/beats", str(beats)))
            filled: dict[str, int] = {}
            for note in bar.iter("note"):
                if note.find("chord") is None:
                    voice = note.findtext("voice", "")
                    filled[voice] = filled.get(voice, 0) + int(note.findtext("duration", "0"))
            assert set(filled.values()) == {beats * UNITS}, bar.get("number")


def test_keys_metres_chords_phrases_and_cadences_are_written(waltz: Score, music21: ModuleType) -> None:
    stream = read(music21, musicxml(waltz, "Short break"))
    top, bottom = stream.parts[0], stream.parts[-1]
    first = Scale(waltz.keys[0].key, waltz.keys[0].mode)
    assert next(iter(top.flatten().getElementsByClass("KeySignature"))).sharps == sharps(first)
    assert next(iter(top.flatten().getElementsByClass("TimeSignature"))).ratioString == "3/4"
    plan = outline(waltz)
    marks = [mark.content for mark in top.flatten().getElementsByClass("RehearsalMark")]
    assert marks == [phrase.text.replace("'", "\u2032") for phrase in plan.phrases]
    chords = list(top.flatten().getElementsByClass("ChordSymbol"))
    assert len(chords) == len(plan.chords)
    assert [float(c.offset) for c in chords] == [c.tick / TICKS_PER_BEAT for c in plan.chords]
    words = [word.content for word in bottom.flatten().getElementsByClass("TextExpression")]
    assert words == [f"{cadence.text} cad." for cadence in plan.cadences]
    assert stream.metadata.title == "Short break"


def test_a_change_of_key_has_its_signature(settle: Score, music21: ModuleType) -> None:
    assert len(settle.keys) > 1
    top = read(music21, musicxml(settle)).parts[0]
    told = [key.sharps for key in top.flatten().getElementsByClass("KeySignature")]
    assert told == [sharps(Scale(k.key, k.mode)) for k in settle.keys]


def test_syncopations_ties_triplets_and_accidentals(made: Callable[..., Score], music21: ModuleType) -> None:
    third = 1 / 3
    score = made(
        ("melody", 0.0, third, 60),
        ("melody", third, third, 62),
        ("melody", 2 * third, third, 64),
        ("melody", 1.5, 1.0, 66),
        ("melody", 2.5, 0.5, 66),
        ("melody", 3.0, 3.0, 65),
    )
    document = musicxml(score)
    assert document.count("<accidental>sharp</accidental>") == 1, "once a bar"
    assert document.count("<accidental>natural</accidental>") == 1
    assert document.count('<tuplet type="start"') == document.count('<tuplet type="stop"') == 1
    notes = read(music21, document).parts[0].flatten().notesAndRests
    told = [(Fraction(n.offset), Fraction(n.quarterLength)) for n in notes if n.isNote]
    assert told[:3] == [(Fraction(k, 3), Fraction(1, 3)) for k in range(3)]
    assert [float(length) for _, length in told[3:]] == [0.5, 0.5, 0.5, 1.0, 2.0], (
        "the middle of the bar stays in sight"
    )


def test_quarter_tones_are_written(made: Callable[..., Score], music21: ModuleType) -> None:
    score = made(("melody", 0.0, 1.0, 63.5), ("melody", 1.0, 1.0, 65.14), ("melody", 2.0, 1.0, 65.5))
    part = read(music21, musicxml(score)).parts[0]
    pitches = [note.pitch.ps for note in part.flatten().notes if note.isNote]
    assert pitches == [63.5, 65.0, 65.5]


def test_held_chords_are_tied_and_what_moves_has_a_voice_of_its_own(made: Callable[..., Score]) -> None:
    held = [("pad", 0.02 * i, 7.9, pitch) for i, pitch in enumerate((55, 60, 64))]
    root = ET.fromstring(musicxml(made(*held, ("pad", 1.0, 1.0, 67), ("pad", 2.0, 2.0, 72))))
    first, second = root.iter("measure")
    assert [n.findtext("voice") for n in first.iter("note") if n.find("pitch") is not None].count("2") == 3
    rests = [note for bar in (first, second) for note in bar.iter("note") if note.find("rest") is not None]
    assert rests and all(rest.get("print-object") == "no" for rest in rests), "no rest where something sounds"
    assert len(first.findall(".//tie[@type='start']")) == 3 == len(second.findall(".//tie[@type='stop']"))


def test_a_score_without_pitches_is_refused(made: Callable[..., Score]) -> None:
    with pytest.raises(NotationError, match="no pitched notes"):
        musicxml(made(("percussion", 0.0, 0.5, 36)))


@given(start=st.integers(0, 47), length=st.integers(1, 48), beats=st.sampled_from((2, 3, 4, 5, 6)), rest=st.booleans())
def test_pieces_fill_and_can_be_written(start: int, length: int, beats: int, rest: bool) -> None:
    """On a sixteenth grid every stretch is made of values that exist, and none hides the middle of a bar of four."""
    start, end = 3 * start % (beats * UNITS), 3 * start % (beats * UNITS) + 3 * length
    end = min(end, beats * UNITS)
    found = pieces(start, end, beats, (), rest=rest)
    assert sum(n for _, n in found) == end - start and all(n in VALUES for _, n in found)
    assert [place for place, _ in found] == [start + sum(n for _, n in found[:i]) for i in range(len(found))]
    for place, n in found:
        if beats == 4 and place < 2 * UNITS < place + n:
            assert place % UNITS == 0 and n >= 2 * UNITS, "only long notes on a beat reach over it"


@given(st.lists(st.tuples(st.integers(0, 30_000), st.integers(1, 9000), st.integers(40, 80)), max_size=30))
def test_voices_never_overlap_and_keep_every_onset(notes: list[tuple[int, int, int]]) -> None:
    played = [Note("pad", tick, duration, pitch, 0.5) for tick, duration, pitch in notes]
    for single in (True, False):
        written = quantise(played, single=single)
        for voice in written.voices:
            assert all(a.end <= b.start and a.end > a.start for a, b in zip(voice, voice[1:], strict=False))
        begins = {(c.start, p) for voice in written.voices for c in voice for p in c.pitches if p not in c.before}
        for note in played:
            place = note.tick * UNITS / TICKS_PER_BEAT
            assert any(abs(start - place) <= 2.01 and pitch == note.pitch for start, pitch in begins)


def test_names_follow_the_key() -> None:
    d_major, ab_major, gb_major = (key_of(Scale(key, 1)) for key in (2, 8, 6))
    assert [name_of(p, d_major)[:2] for p in (61, 66)] == [("C", 1), ("F", 1)]
    assert [name_of(p, ab_major)[:2] for p in (61, 66, 68)] == [("D", -1), ("G", -1), ("A", -1)]
    assert root_name("Gb", gb_major) == ("F", 1) and root_name("Bb", key_of(Scale(10, 1))) == ("B", -1)
    for key in range(12):
        for mode in range(6):
            scale = Scale(key, mode)
            assert signature(scale) == sharps(scale)
            degrees = [name_of(60 + key + s, key_of(scale)) for s in scale.semitones]
            assert all(n.alter == altered(n.step, signature(scale)) for n in degrees), "no accidentals in the scale"
            assert len({n.step for n in degrees}) == 7
            assert all(name_of(pitch, key_of(scale)).pitch == pitch for pitch in range(24, 109))
    assert key_text(Scale(10, 0)) == "B\u266d lydian"


def test_scales_with_a_gap_are_spelled_a_letter_a_degree() -> None:
    for name, letters in (("hijaz", "DEbF#GABbC"), ("harmonic_minor", "DEFGABbC#"), ("bhairav", "DEbF#GABbC#")):
        scale = Scale(2, NAMES.index(name))
        names = [name_of(62 + s, key_of(scale)) for s in scale.semitones]
        assert "".join(n.step + {1: "#", -1: "b"}.get(int(n.alter), "") for n in names) == letters


def test_engraved_pages_are_svg_with_every_note(waltz: Score, tmp_path) -> None:
    document = musicxml(waltz, "Short break")
    (tmp_path / "score-07.svg").write_text("an older page")
    files = write_pages(document, tmp_path)
    assert files and not (tmp_path / "score-07.svg").exists()
    heads = sum(path.read_text().count('class="notehead"') for path in files)
    assert heads == document.count("<pitch>")
    assert all(ET.parse(path).getroot().tag.endswith("svg") for path in files)
    assert engrave(document) == [path.read_text() for path in files], "the same score, the same pages"


def test_without_verovio_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synth.output.notation.engrave.find_spec", lambda name: None)
    with pytest.raises(EngraveError, match=r"isotone\[engrave\]"):
        engrave("")
