"""The terms of a session on the command line: asked for, refused with what to change, and in the record."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from synth.cli.terms import read_answers
from synth.record.reader import read_record
from synth.safety.screening import QUESTIONS, gates


def test_the_questions_are_a_file_to_fill_in(run, tmp_path):
    told = run("screening")
    assert told.code == 0 and tomllib.loads(told.out) == {}
    filled = told.out
    for question in QUESTIONS:
        filled = filled.replace(f"# {question.key} = false", f"{question.key} = false")
    path = tmp_path / "answers.toml"
    path.write_text(filled.replace("# age = 30", "age = 30"))
    assert read_answers(path) == {"age": 30} | {question.key: False for question in QUESTIONS}
    assert gates(read_answers(path)).words == ()


def test_terms_reach_the_session_and_its_record(run, tmp_path):
    answers = tmp_path / "answers.toml"
    answers.write_text("startles = true\nage = 12\n")
    ledger, out = tmp_path / "week.jsonl", tmp_path / "out"
    done = run(
        "render", "settle", "--minutes", "0.2", "--no-stems", "--policy", "L1", "--feeling", "0.3,-0.2",
        "--constraint", "no percussion", "--constraint", "nothing above 70 bpm", "--screening", answers,
        "--calibration", "70", "--ledger", ledger, "--retention-days", "30", "--out", out,
    )  # fmt: skip
    assert done.code == 0, done.err
    header = read_record(out).header
    assert header["policy"] == "L1" and header["profile"] == "sensitive" and header["retention_days"] == 30
    assert header["constraints"] == ["no percussion", "nothing above 70 bpm"]
    assert header["self_report"] == {"arousal": 0.3, "valence": -0.2}
    assert header["gates"]["weekly_dba"] == 75.0 and not any("startles" in w for w in header["gates"]["words"])
    assert header["calibration"]["db_spl_at_minus_20_lufs"] == 70.0
    assert json.loads(ledger.read_text())["seconds"] > 5.0
    assert ledger.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--feeling", "2"), "each from -1 to 1"),
        (("--feeling", "calm"), "each from -1 to 1"),
        (("--feeling", "nan"), "each from -1 to 1"),
        (("--constraint", "no penguins"), "no sound called 'penguins'"),
        (("--policy", "L9"), "invalid choice"),
        (("--palette", "velvet"), "no palette called 'velvet'"),
        (("--calibration", "900"), "30 to 110 dB SPL"),
        (("--ledger", "week.jsonl"), "needs --calibration"),
        (("--screening", "nowhere.toml"), "no answers can be read"),
        (("--setting", "nowhere.toml"), "nowhere.toml"),
        (("--key-file", "nowhere.key"), "nowhere.key"),
        (("--retention-days", "-3"), "retention_days"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(run, tmp_path, arguments, says):
    done = run("render", "settle", "--minutes", "0.2", "--out", tmp_path / "out", *arguments)
    assert done.code == 2 and says in done.err and "Traceback" not in done.err
    assert not (tmp_path / "out" / "mix.flac").exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("driving = true", "driving"),
        ("driving = 'no'", "answer true or false"),
        ("dirving = true", "did you mean driving"),
    ],
)
def test_answers_that_close_a_session_say_why(run, tmp_path, text, says):
    answers = tmp_path / "answers.toml"
    answers.write_text(text)
    done = run("render", "settle", "--minutes", "0.2", "--screening", answers, "--out", tmp_path / "out")
    assert done.code == 2 and says in done.err


def test_pace_needs_company_and_a_short_break_no_wearable(run, tmp_path):
    out = tmp_path / "out"
    assert "--supervised" in run("render", "pace", "--minutes", "0.2", "--out", out).err
    recording = Path(__file__).parents[2] / "assets" / "recording"
    refused = run("render", "short-break", "--minutes", "0.2", "--wearable", recording, "--out", out)
    assert refused.code == 2 and "not to their body" in refused.err
