"""The plain form of a score: what it says is what the score holds, and it reads back."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synth.controls import KEYS
from synth.score.clock import Clock
from synth.score.model import TICKS_PER_BEAT, Marker, Metre, Score, Tempo
from synth.score.outline import family_of, idea_of, outline
from synth.score.plain import read_json, score_to_dict, write_json


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_is_written_reads_back(data, score_kit: SimpleNamespace, tmp_path):
    score = data.draw(score_kit.scores())
    write_json(score, tmp_path / "score.json")
    back = read_json(tmp_path / "score.json")
    assert (back.stems, back.metres, back.keys, back.markers) == (score.stems, score.metres, score.keys, score.markers)
    assert back.end_tick == score.end_tick and len(back.notes) == len(score.notes)
    for a, b in zip(back.notes, score.notes, strict=True):
        assert (a.stem, a.tick, a.duration) == (b.stem, b.tick, b.duration)
        assert a.pitch == pytest.approx(b.pitch, abs=1e-4) and a.velocity == pytest.approx(b.velocity, abs=1e-4)
    for a, b in zip(back.tempos, score.tempos, strict=True):
        assert a.tick == b.tick and abs(a.us_per_beat - b.us_per_beat) <= 1


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_clock_agrees_with_exact_sums(data, score_kit: SimpleNamespace):
    score = data.draw(score_kit.scores())
    clock, exact = Clock(score), score_kit.seconds_of(score)
    for tick in (0, score.end_tick, *(note.tick for note in score.notes)):
        assert clock.seconds(tick) == pytest.approx(exact(tick), abs=1e-9)


def test_the_plain_form_is_as_documented(composed: SimpleNamespace, tmp_path):
    score = composed.score
    write_json(score, tmp_path / "score.json", "settle")
    text = (tmp_path / "score.json").read_text(encoding="utf-8")
    plain = json.loads(text)
    assert plain == json.loads(json.dumps(score_to_dict(score, "settle")))
    assert (plain["format"], plain["version"], plain["title"]) == ("isotone-score", 1, "settle")
    assert plain["seconds"] == pytest.approx(90.0, abs=2.0)
    change = score.keys[-1]
    assert (plain["keys"][-1]["tonic"], plain["keys"][-1]["scale"]) == (KEYS[change.key], score.scales[change.mode])
    note, written = score.notes[-1], plain["notes"][-1]
    assert written["beat"] * TICKS_PER_BEAT == pytest.approx(note.tick, abs=0.01)
    assert written["time_s"] == pytest.approx(Clock(score).seconds(note.tick), abs=1e-3)
    assert len(text.splitlines()) > len(score.notes), "a note a line"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "isotone-score", "version": 2}', "\udcff"])
def test_what_is_no_score_is_refused(text: str, tmp_path):
    path = tmp_path / "score.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ValueError, match="score.json is not a score"):
        read_json(path)


def test_an_outline_tells_the_form():
    score = Score(("pad",), end_tick=11 * TICKS_PER_BEAT, tempos=[Tempo(0, 1_000_000)])
    score.metres = [Metre(0, 4), Metre(8 * TICKS_PER_BEAT, 3)]
    places = ((0, "phrase", "phrase 1 A"), (0, "chord", "C"), (0, "tension", "0.25"), (4, "phrase", "phrase 2 A'"))
    places += ((4, "tension", "much"), (8, "cadence", "plagal"), (8, "end", "end"))
    score.markers = [Marker(beat * TICKS_PER_BEAT, kind, text) for beat, kind, text in places]
    plan = outline(score)
    assert plan.measures == ((0, 4), (3840, 4), (7680, 3))
    assert [(p.text, p.tick, p.end) for p in plan.phrases] == [("A", 0, 3840), ("A'", 3840, 10560)]
    assert plan.tensions == ((0, 0.25),) and plan.last == 8 * TICKS_PER_BEAT
    assert [c.text for c in plan.cadences] == ["plagal"]
    assert family_of("AB''") == "AB" and idea_of("phrase 7 AB'") == "AB'"


def test_an_empty_score_has_an_outline():
    plan = outline(Score(("pad",)))
    assert not (plan.measures or plan.phrases or plan.keys) and plan.end == plan.last == 0
