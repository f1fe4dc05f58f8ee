"""The map as a file: what people write in it stays, and nothing bad in it stops a session."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import synth.control.midi as midi
from synth.control.midi.mapfile import MapFile, default_path, read_map, with_binding, written_binding
from synth.control.midi.mapping import ACTIONS, Binding, MidiError, MidiMap, Source
from synth.controls import CONTROLS

FOLDER = Path(midi.__file__).parent
SPACE = Binding(Source("cc", 20, 1), "space")
SOURCES = st.one_of(
    st.builds(Source, st.sampled_from(("cc", "note", "nrpn")), st.integers(0, 127), st.none() | st.integers(1, 16)),
    st.builds(
        lambda kind, channel: Source(kind, 0, channel), st.sampled_from(("bend", "pressure")), st.integers(1, 16)
    ),
)


@st.composite
def bindings(draw: st.DrawFn) -> Binding:
    source = draw(SOURCES)
    if draw(st.booleans()):
        return Binding(source, draw(st.sampled_from((*ACTIONS, "nothing"))))
    row = draw(st.sampled_from(CONTROLS))
    ends = st.none() | st.floats(row.low, row.high).map(lambda x: float(round(x)) if row.choices else x)
    low, high = draw(ends), draw(ends)
    return Binding(source, row.name, low, high, takeover=draw(st.sampled_from((None, "jump", "pickup"))))


@given(st.lists(bindings(), max_size=8))
def test_what_is_saved_is_loaded(saved: list[Binding]) -> None:
    text, expected = "schema = 1\n", MidiMap()
    for binding in saved:
        text, expected = with_binding(text, binding), expected.bound(binding)
    loaded, told = read_map(text)
    assert not told and set(loaded.bindings) == set(expected.bindings)


def test_learning_leaves_the_rest_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "midi.toml"
    path.write_text(
        "# our own\nschema = 1 # one\ntakeover = 'jump'\n\n# left hand\n[[binding]] # pad\ntarget = 'hold'\n"
        "note = 36\n\n# right hand\n[[binding]]\n# the big knob\ncc = 20\nchannel = 1\ntarget = 'motion'\n\n"
        "# the last\n[[binding]]\ntarget = 'panic'\nnote = 37\n"
    )
    before = path.read_text()
    assert MapFile(path).save(SPACE) == ()
    text = path.read_text()
    changed = set(before.splitlines()) ^ set(text.splitlines())
    assert changed == {"target = 'motion'", 'target = "space"'}
    assert text.index("# right hand") < text.index("# the big knob") < text.index("space") < text.index("# the last")
    mapping, told = MapFile(path).load()
    assert not told and mapping.takeover == "jump"
    assert [b.target for b in mapping.bindings] == ["hold", "space", "panic"]
    assert [p.name for p in tmp_path.iterdir()] == ["midi.toml"]


def test_a_new_file_is_made_with_its_folder(tmp_path: Path) -> None:
    file = MapFile(tmp_path / "deep" / "er" / "midi.toml")
    assert file.load() == (MidiMap(), ())
    file.save(SPACE)
    assert file.load() == (MidiMap((SPACE,)), ()) and tomllib.loads(file.path.read_text())["schema"] == 1


@pytest.mark.parametrize("content", ["[[binding]\n", "schema = 2\n", "schema = 'one'\n", "\x00", "a = " + "[" * 9999])
def test_a_file_that_cannot_be_read_is_told_of_and_kept(tmp_path: Path, content: str) -> None:
    file = MapFile(tmp_path / "midi.toml")
    file.path.write_text(content)
    mapping, (line,) = file.load()
    assert mapping == MidiMap() and str(file.path) in line and "default map" in line
    (told,) = file.save(SPACE)
    assert "midi.toml.bad" in told and (tmp_path / "midi.toml.bad").read_text() == content
    assert file.load() == (MidiMap((SPACE,)), ())
    file.path.write_text(content)
    file.save(SPACE)
    assert (tmp_path / "midi.toml.bad1").exists(), "the first one is not written over"


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    file = MapFile(tmp_path / "midi.toml")
    file.path.write_bytes(b"\xff\xfe\x00")
    assert file.load()[0] == MidiMap() and len(file.load()[1]) == 1
    file.save(SPACE)
    assert (tmp_path / "midi.toml.bad").read_bytes() == b"\xff\xfe\x00"


def test_a_folder_in_its_place_is_told_of(tmp_path: Path) -> None:
    mapping, (line,) = MapFile(tmp_path).load()
    assert mapping == MidiMap() and "cannot be read" in line
    with pytest.raises(MidiError, match="cannot be written"):
        MapFile(tmp_path).save(SPACE)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ('target = "spaec"\ncc = 1', "space"),
        ("cc = 1", "target is missing"),
        ('target = "space"', "give one of cc, note"),
        ('target = "space"\ncc = 1\nnote = 2', "give one of cc, note"),
        ('target = "space"\ncc = "1"', "whole number"),
        ('target = "space"\ncc = 200', "0 to 127"),
        ('target = "space"\ncc = 1\nchannel = 0', "1 to 16"),
        ('target = "space"\ncc = 1\nmin = 0', "min is not known"),
        ('target = "space"\ncc = 1\nlow = true', "give a number"),
        ('target = "space"\ncc = 1\nhigh = 2', "0 to 1"),
        ('target = "space"\nbend = 3', "true or false"),
    ],
)
def test_a_bad_binding_is_left_out_with_its_line(entry: str, words: str) -> None:
    good = written_binding(SPACE)
    text = f"schema = 1\n\n[[binding]]\n{entry}\n\n{good}"
    mapping, (line,) = read_map(text, "midi.toml")
    assert mapping.bindings == (SPACE,) and "midi.toml, line 3" in line and words in line
    assert f"[[binding]]\n{entry}\n" in with_binding(text, Binding(Source("cc", 9), "motion")), "it is not lost"


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("takeover = 'soft'", "pickup, jump"),
        ("notes = 4", "text in quotes"),
        ("colour = 1", "there are schema"),
        ("program_channel = 77", "0 to 16"),
        ("defaults = 0", "true or false"),
        ("binding = 4", r"\[\[binding\]\]"),
    ],
)
def test_a_bad_option_is_left_as_it_was(option: str, words: str) -> None:
    import re

    mapping, (line,) = read_map(option)
    assert mapping == MidiMap() and re.search(words, line)


@given(st.text(max_size=200) | st.lists(st.sampled_from("[]binding=\"'\n# cc1.\\"), max_size=60).map("".join))
def test_no_text_does_more_than_be_told_of(text: str) -> None:
    try:
        mapping, _ = read_map(text)
    except MidiError:
        return
    assert isinstance(mapping, MidiMap)


def test_half_a_file_is_never_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = MapFile(tmp_path / "midi.toml")
    file.save(SPACE)
    before = file.path.read_text()

    def full(*paths: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(MidiError, match="no space left"):
        file.save(Binding(Source("cc", 9), "motion"))
    assert [p.name for p in tmp_path.iterdir()] == ["midi.toml"] and file.path.read_text() == before


def test_bindings_written_in_a_row_are_not_spoiled(tmp_path: Path) -> None:
    path = tmp_path / "midi.toml"
    path.write_text('takeover = "jump"\nbinding = [{target = "hold", note = 36}]\n')
    assert MapFile(path).load()[0].at("note", 36, 1).target == "hold"
    (told,) = MapFile(path).save(SPACE)
    assert "midi.toml.bad" in told and "hold" in (tmp_path / "midi.toml.bad").read_text()
    mapping, told = MapFile(path).load()
    assert [b.target for b in mapping.bindings] == ["hold", "space"] and mapping.takeover == "jump" and not told


def test_the_example_says_what_it_means() -> None:
    mapping, told = MapFile(FOLDER / "example.toml").load()
    assert not told and len(mapping.bindings) >= 6
    assert {"panic", "hold", "release"} <= {binding.target for binding in mapping.bindings}


def test_the_file_has_a_place_of_its_own() -> None:
    assert default_path().name == "midi.toml" and "isotone" in str(default_path())
