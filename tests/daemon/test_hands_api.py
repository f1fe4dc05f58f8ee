"""Hands on a session over HTTP: controls, verbs, feedback, notes, another plan; and what came of them."""

from __future__ import annotations

import pytest

from synth.api import ControlsTaken, ControlsView, ControlTaken, ControlView, Done, FeedbackTaken
from synth.controls import TABLE
from tests.daemon.asking import started, told, until, wrong

pytestmark = pytest.mark.usefixtures("quiet")


def test_a_control_is_taken_clamped_and_given_back(api, house, playing):
    path = playing + "/controls/brightness_oct"
    taken = told(api.put(path, json={"value": -0.5}), ControlTaken)
    assert (taken.taken, taken.clamped, taken.accepted, taken.why) == (-0.5, False, True, "") and taken.t_s is not None
    clamped = told(api.patch(path, json={"value": 99}), ControlTaken)
    assert clamped.taken == 1.5 and clamped.clamped and clamped.asked == 99.0 and "1.5 is allowed" in clamped.why
    assert told(api.get(path), ControlView).held
    commit = house.sessions.get(playing.rpartition("/")[2]).latest["commit"]
    assert commit["by"] == "hand:operator" and commit["reason"] == "asked for over the API"
    assert told(api.delete(path), Done).done
    until(lambda: not told(api.get(path), ControlView).held)
    assert told(api.delete(path), Done) == Done(asked="release brightness_oct", done=True)


def test_controls_are_taken_together_and_by_name(api, playing):
    taken = told(api.patch(playing + "/controls", json={"controls": {"mode": "minor", "space": 0.9}}), ControlsTaken)
    assert {one.name: (one.taken, one.text) for one in taken.controls} == {
        "mode": (4.0, "aeolian"),
        "space": (0.9, "0.9"),
    }
    views = told(api.get(playing + "/controls"), ControlsView).controls
    assert [view.name for view in views] == list(TABLE)
    assert {view.name for view in views if view.held} >= {"mode", "space"}


def test_controls_that_cannot_be_are_told(api, playing):
    assert "tempo_bpm" in wrong(api.put(playing + "/controls/tempo", json={"value": 60}), 404).detail
    for value in ("loud", True, None, [1], {}):
        wrong(api.put(playing + "/controls/space", json={"value": value}), 422)
    assert wrong(api.put(playing + "/controls/key", json={"value": "H"}), 422).errors[0].where == "body.value"
    assert wrong(api.patch(playing + "/controls", json={"controls": {"key": "H"}}), 422).errors[0].where.endswith("key")
    wrong(api.patch(playing + "/controls", json={"controls": {}}), 422)
    assert wrong(api.patch(playing + "/controls", json={"controls": {"tempo": 1}}), 422).errors
    wrong(
        api.put(playing + "/controls/space", content=b'{"value": NaN}', headers={"Content-Type": "application/json"}),
        400,
    )


@pytest.mark.parametrize("verb", ["more", "less", "hold", "advance", "pull_back", "ground", "like", "skip"])
def test_verbs_reach_the_music(api, house, playing, verb):
    assert told(api.post(playing + "/verbs", json={"verb": verb}), Done).done
    assert house.sessions.get(playing.rpartition("/")[2]).latest["verb"]["verb"] == verb


def test_feedback_is_taken_and_words_are_not_kept(api, house, playing, caplog):
    hosted = house.sessions.get(playing.rpartition("/")[2])
    said = "this is a wonderful zebra"
    taken = told(api.post(playing + "/feedback", json={"valence": 0.3, "liked": -0.25, "words": said}), FeedbackTaken)
    assert taken.taken["valence"] == 0.3 and taken.taken["liked"] == -0.25 and 0.3 < taken.taken["words"] <= 1.0
    until(lambda: len([line for line in hosted.lines if line["type"] == "feedback"]) >= 3)
    channels = [line["channel"] for line in hosted.lines if line["type"] == "feedback"]
    assert channels.count("self_valence") == 2 and "feedback" in channels
    assert "zebra" not in (hosted.folder / "session.jsonl").read_text() + caplog.text
    nothing = told(api.post(playing + "/feedback", json={"words": "the table"}), FeedbackTaken)
    assert nothing.taken == {} and "no word" in nothing.note
    for body in ({}, {"valence": 2}, {"mood": 0}, {"words": ""}, {"words": "x" * 2001}):
        problem = wrong(api.post(playing + "/feedback", json=body), 422)
        assert "xxx" not in problem.model_dump_json()


def test_notes_are_played(api, house, playing):
    chord = {"notes": [{"pitch": 62, "velocity": 0.5}, {"pitch": 65.5, "velocity": 0.4, "stem": "pad"}]}
    assert told(api.post(playing + "/notes", json=chord), Done).done
    hosted = house.sessions.get(playing.rpartition("/")[2])
    until(lambda: [line["pitch"] for line in hosted.lines if line["type"] == "played"][:2] == [62.0, 65.5])
    problem = wrong(
        api.post(playing + "/notes", json={"notes": [{"pitch": 62, "velocity": 0.5, "stem": "drone"}]}), 422
    )
    assert problem.errors[0].where == "body.notes.0.stem"
    wrong(api.post(playing + "/notes", json={"notes": [{"pitch": 62, "velocity": 0.5}] * 33}), 422)


def test_a_plan_is_edited_or_all_that_is_wrong_with_it_told(api, house, playing):
    phases = [{"kind": "lead", "minutes": 10, "arousal": -0.2}, {"kind": "plateau", "minutes": 10}]
    assert told(api.put(playing + "/plan", json={"phases": phases}), Done).done
    edit = house.sessions.get(playing.rpartition("/")[2]).latest["edit"]
    assert [phase["kind"] for phase in edit["phases"]] == ["lead", "plateau"]
    phases = [{"kind": "lead", "minutes": 0.2, "arousal": -1}, {"kind": "plateau", "minutes": 1, "scene": "nowhere"}]
    problem = wrong(api.put(playing + "/plan", json={"phases": phases}), 422)
    assert [error.where for error in problem.errors] == [
        "body.phases.0.arousal",
        "body.phases.0.arousal",
        "body.phases.1.scene",
    ]
    assert "out of range" in problem.errors[0].what and "too quick" in problem.errors[1].what


def test_a_session_that_does_not_answer_is_waited_for_only_a_while(api, house, monkeypatch):
    begun = started(api, preset="settle")
    hosted = house.sessions.get(begun.session_id)
    monkeypatch.setattr("synth.daemon.outcome.WAIT_S", 0.2)
    hosted.paused = True
    until(lambda: hosted.lines)
    path = begun.links.session
    taken = told(api.put(path + "/controls/space", json={"value": 0.25}), ControlTaken)
    assert taken.taken is None and not taken.accepted and "not answered yet" in taken.why
    for rest, body in (("/verbs", {"verb": "more"}), ("/notes", {"notes": [{"pitch": 60, "velocity": 1}]})):
        assert not told(api.post(path + rest, json=body), Done).done
    hosted.paused = False
    until(lambda: told(api.get(path + "/controls/space"), ControlView).held)
