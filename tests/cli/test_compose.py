"""`synth compose`: scores of any length, as files that other programs open."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import mido
import pretty_midi
import pytest

from synth.output.compose import KINDS, _of_bars, bars_of, compose_score
from synth.score.midi import read_midi
from synth.score.model import TICKS_PER_BEAT, Metre, Note, Score
from synth.score.plain import read_json


def refused(result: SimpleNamespace, *words: str) -> None:
    assert result.code == 2 and result.out == "" and "Traceback" not in result.err
    assert 1 <= len(result.err.strip().splitlines()) <= 2
    for word in words:
        assert word in result.err


def test_all_files_hold_the_same_notes(run: Callable, tmp_path: Path) -> None:
    out = tmp_path / "piece"
    result = run("compose", "settle", "--minutes", "1", "--seed", "2", "--out", out, *(f"--{kind}" for kind in KINDS))
    assert result.code == 0, result.err
    names = {path.name for path in out.iterdir()}
    assert names == {"score.mid", "score.json", "score.pb", "roll.svg", "score.musicxml", "score.svg"}
    assert all(f"  {out / name}" in result.out for name in names)
    for told in ("1:0", "phrase", "cadences:", "keys: D ionian", "a minute", "composed in"):
        assert told in result.out
    plain = read_json(out / "score.json")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        heard = pretty_midi.PrettyMIDI(str(out / "score.mid"))
    assert sum(len(i.notes) for i in heard.instruments) == len(plain.notes) > 0
    assert 55 < mido.MidiFile(out / "score.mid").length < 75
    back = read_midi(out / "score.mid")
    assert sorted((n.stem, n.tick) for n in back.notes) == sorted((n.stem, n.tick) for n in plain.notes)
    for name in ("roll.svg", "score.svg", "score.musicxml"):
        ET.parse(out / name)


def test_only_what_is_chosen_is_written(run: Callable, tmp_path: Path) -> None:
    result = run("compose", "settle", "--minutes", "0.5", "--no-midi", "--out", tmp_path / "a")
    assert result.code == 0 and [p.name for p in (tmp_path / "a").iterdir()] == ["score.json"]
    assert json.loads((tmp_path / "a" / "score.json").read_text())["seconds"] == pytest.approx(30.0, abs=2.0)
    alone = tmp_path / "alone.mid"
    assert run("compose", "settle", "--minutes", "0.5", "--out", alone).code == 0 and alone.is_file()
    refused(run("compose", "settle", "--no-midi", "--no-json", "--out", tmp_path / "b"), "nothing", "--roll")
    assert not (tmp_path / "b").exists()


def test_the_same_seed_is_the_same_file_and_another_is_another(run: Callable, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        out = tmp_path / name
        assert (
            run("compose", "focus", "--minutes", "0.5", "--seed", seed, "--roll", "--musicxml", "--out", out).code == 0
        )
    files = {path.name for path in (tmp_path / "a").iterdir()}
    assert files == {"score.mid", "score.json", "roll.svg", "score.musicxml"}
    for file in files:
        a, b, c = ((tmp_path / name / file).read_bytes() for name in "abc")
        assert a.replace(b"seed 1", b"") == b.replace(b"seed 1", b"") and a != c


@pytest.mark.parametrize(("preset", "bars"), [("settle", 8), ("short-break", 13), ("energise", 21)])
def test_a_length_in_bars(run: Callable, tmp_path: Path, preset: str, bars: int) -> None:
    out = tmp_path / "out"
    result = run("compose", preset, "--bars", bars, "--out", out)
    assert result.code == 0 and f"{bars} bars" in result.out
    score = read_json(out / "score.json")
    assert bars_of(score) == bars
    last = next(m.tick for m in score.markers if m.kind == "end")
    assert last < score.end_tick and any(m.kind == "cadence" and m.tick == last for m in score.markers)


def test_bars_are_met_where_the_tempo_moves() -> None:
    """A third slower than the tempo it begins in, as a long session may be: the length is found all the same."""

    def slower(minutes: float) -> Score:
        bars = round(minutes * 60.0 / 4.0 * 0.75)
        return Score(("pad",), metres=[Metre(0, 4)], end_tick=bars * 4 * TICKS_PER_BEAT)

    for bars in (5, 40, 333):
        assert bars_of(_of_bars(bars, 4.0, slower)) == bars


def test_hours_are_composed_bar_by_bar(run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three hours reach the session as they are asked for; a small score stands in for theirs."""
    asked: list[float] = []

    class Short:
        length_frames, sample_rate, time_s, finished = 48_000.0, 48_000, 0.0, False

        def __init__(self, preset: object, *, minutes: float, **options: object) -> None:
            asked.append(minutes)
            self.score = Score(("pad",), [Note("pad", 0, 960, 60.0, 0.5)], end_tick=4 * TICKS_PER_BEAT)

        def render(self, frames: int) -> None:
            self.time_s, self.finished = 1.0, True

        def close(self) -> None:
            pass

    monkeypatch.setattr("synth.output.compose.Session", Short)
    assert run("compose", "sleep", "--minutes", "180", "--out", tmp_path / "a").code == 0
    assert run("compose", "sleep", "--minutes", str(3 * 1440), "--out", tmp_path / "b").code == 0
    assert asked == [180.0, 4320.0]


def test_ten_minutes_hold_their_form_and_come_with_a_map(run: Callable, tmp_path: Path) -> None:
    result = run("compose", "sleep", "--minutes", "10", "--roll", "--out", tmp_path / "out")
    assert result.code == 0 and (tmp_path / "out" / "map.svg").is_file()
    score = read_json(tmp_path / "out" / "score.json")
    phrases = [m.tick for m in score.markers if m.kind == "phrase"]
    assert len(phrases) > 10 and score.markers[-1].kind == "end"


def test_controls_and_scripts_reach_the_music(run: Callable, tmp_path: Path) -> None:
    script = tmp_path / "script.csv"
    script.write_text("time_s,control,value\n5,tempo_bpm,80\n")
    arguments = ("compose", "settle", "--minutes", "1", "--set", "key=F", "--script", script)
    assert run(*arguments, "--out", tmp_path / "out").code == 0
    plain = json.loads((tmp_path / "out" / "score.json").read_text())
    assert plain["keys"][0]["tonic"] == "F" and max(t["bpm"] for t in plain["tempos"]) > 75


def test_a_tune_is_taken_up(run: Callable, tmp_path: Path) -> None:
    tune = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack()
    for pitch in (62, 64, 66, 69, 66, 64, 62, 62):
        track.append(mido.Message("note_on", note=pitch, velocity=70, time=0))
        track.append(mido.Message("note_off", note=pitch, velocity=0, time=480))
    tune.tracks.append(track)
    tune.save(str(tmp_path / "tune.mid"))
    for name, more in (("a", ()), ("b", ("--tune", tmp_path / "tune.mid"))):
        assert run("compose", "settle", "--minutes", "2", *more, "--out", tmp_path / name).code == 0
    a, b = (read_json(tmp_path / name / "score.json") for name in "ab")
    assert [n.pitch for n in a.notes if n.stem == "melody"] != [n.pitch for n in b.notes if n.stem == "melody"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--bars", "0"], ["0 bars", "1 to"]),
        (["--bars", "many"], ["many", "--bars"]),
        (["--bars", "8", "--minutes", "2"], ["bars", "minutes", "one of the two"]),
        (["--minutes", "0"], ["0", "more than 0"]),
        (["--minutes", "inf"], ["inf", "at most"]),
        (["--minutes", "0.01"], ["0.01", "0.1"]),
        (["--tune", "nowhere.mid"], ["nowhere.mid"]),
        (["--script", "nowhere.csv"], ["nowhere.csv"]),
        (["--set", "tempo_bpm=400"], ["tempo_bpm", "44 to 140"]),
        (["--seed", "x"], ["x"]),
        (["--out", "file"], ["file"]),
        (["--out", "nowhere/score.mid"], ["nowhere"]),
        (["--out", "old"], ["old", "--overwrite"]),
        (["--out", "old/score.mid"], ["score.mid", "--overwrite"]),
    ],
)
def test_what_cannot_be_done_is_said(
    run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("old").mkdir()
    Path("old/score.mid").touch()
    refused(run("compose", "settle", *arguments), *words)
    assert {str(path) for path in Path(".").rglob("*") if path.is_file()} == {"file", "old/score.mid"}


def test_overwriting_is_asked_for(run: Callable, tmp_path: Path) -> None:
    arguments = ("compose", "settle", "--minutes", "0.5", "--out", tmp_path / "out")
    assert run(*arguments).code == 0
    refused(run(*arguments), "--overwrite")
    assert run(*arguments, "--overwrite").code == 0


def test_an_extra_that_is_missing_is_named_before_anything_is_made(
    run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synth.output.notation.engrave.find_spec", lambda name: None)
    refused(run("compose", "settle", "--engrave", "--out", tmp_path / "out"), "isotone[engrave]")
    assert not (tmp_path / "out").exists()


def test_progress_reaches_the_end() -> None:
    told: list[tuple[float, float]] = []
    compose_score("settle", minutes=0.5, progress=lambda done, total: told.append((done, total)))
    assert told == sorted(told) and told[-1] == (30.0, 30.0)
