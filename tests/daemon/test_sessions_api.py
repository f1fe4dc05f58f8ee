"""Sessions over HTTP: started in two shapes, seen, played with, stopped; what cannot be is told, never broken."""

from __future__ import annotations

import itertools
import json

import httpx
import pytest

from synth import preset_names
from synth.api import (
    ControlTable,
    Done,
    PresetList,
    SessionList,
    SessionView,
    StateView,
)
from synth.controls import CONTROLS, TABLE
from synth.daemon.config import Config
from synth.daemon.security import Caller, Role
from tests.daemon.asking import ALL, MINE, started, told, until, wrong
from tests.daemon.fakes import OpenGate, fake_service

HEALTH_APP = {
    "user_id": "a.person@example.org",
    "session_id": "8f14e45f-ceea-467f-a8b8-7c6a1b2d3e4f",
    "signals": {"hr": 74, "hrv": 42.5, "accelerometer": {"x": 0.01, "y": 0.02, "z": 0.99}},
    "context": {"time_of_day": "evening"},
}
CALLERS = {
    "mine": Caller(Role.LISTENER, "mine", "a listener"),
    "own": Caller(Role.THERAPIST, "own", "a therapist of one session"),
    "therapist": Caller(Role.THERAPIST, None, "a therapist"),
}
pytestmark = pytest.mark.usefixtures("quiet")
names = (f"s{i}" for i in itertools.count())


# -- started ---------------------------------------------------------------------------------------------------------


def test_a_health_app_gets_music_for_its_signals_and_is_told_why(api, house, caplog):
    begun = started(api, **HEALTH_APP)
    assert begun.session_id == HEALTH_APP["session_id"] and begun.preset == "settle" and begun.chosen
    assert begun.reasons[:2] == ["it is evening where you are", "so Settle was chosen: come to rest"]
    assert 0.0 < begun.confidence <= 0.3 and any("confidence is low" in reason for reason in begun.reasons)
    hosted = house.sessions.get(begun.session_id)
    until(lambda: {"hr", "acc"} <= {line["channel"] for line in hosted.lines if line["type"] == "samples"})
    samples = {line["channel"]: line["value"] for line in hosted.lines if line["type"] == "samples"}
    assert samples["hr"] == [74.0] and samples["acc"] == pytest.approx([0.9903], abs=1e-3)
    everything = caplog.text + (hosted.folder / "session.jsonl").read_text() + json.dumps(dict(hosted.asked))
    assert "example.org" not in everything and "a.person" not in everything
    assert api.get(begun.links.session).status_code == 200


def test_playback_is_a_stream_and_says_how_it_sounds(api):
    begun = started(api, goal="breathe", minutes=2, stems=True)
    play = begun.playback
    assert begun.preset == "breathe" and play.sample_rate == 48_000 and play.channels == 2 and play.lasts_s == 120.0
    assert (play.key, play.mode, play.tempo_bpm) == ("Ab", "ionian", pytest.approx(57.6))
    assert -40.0 <= play.loudness_lufs <= -23.0 and 0.0 <= play.begins_in_s < 5.0 and "pad" in play.stems
    pcm, opus = play.streams
    host = str(api.base_url).removeprefix("http://").rstrip("/")
    assert pcm.protocol == "websocket" and pcm.url == f"ws://{host}{begun.links.audio}"
    assert opus.protocol == "http" and opus.url == f"http://{host}{begun.links.opus}" and "opus" in opus.media_type
    assert started(api, minutes="endless").playback.lasts_s is None


@pytest.mark.parametrize(
    ("asked", "preset", "why"),
    [
        ({"goal": "pace", "supervised": True}, "pace", "the preset for the goal pace"),
        ({}, "gentle", "nothing was said"),
        ({"context": {"time_of_day": "23:30"}}, "sleep", "it is night"),
        ({"context": {"hour": 3.5}}, "sleep", "it is night"),
        ({"context": {"time_of_day": "morning"}}, "energise", "it is morning"),
        ({"context": {"time_of_day": "midday"}, "signals": {"hr": [70, 71]}}, "focus", "it is daytime"),
        ({"context": {"time_of_day": "midday"}, "signals": {"hr": [101, 99]}}, "settle", "your heart is quick"),
        (
            {
                "context": {"time_of_day": "midday"},
                "signals": {"hr": 120, "accelerometer": [[0, 0, 9.8], [3, 2, 14]], "accelerometer_unit": "m/s2"},
            },
            "focus",
            "you move",
        ),
        ({"context": {"hour": 20}, "screening": {"driving": True}}, "focus", "nothing that makes drowsy"),
    ],
)
def test_a_preset_is_chosen_by_goal_then_time_then_body(api, asked, preset, why):
    begun = started(api, **asked)
    assert begun.preset == preset and begun.chosen
    assert any(why in reason for reason in begun.reasons), begun.reasons
    told(api.post(begun.links.session + "/panic"), Done)


def test_a_named_preset_is_taken_with_all_that_was_asked(api, house):
    name = next(names)
    plan = [{"kind": "match", "minutes": 2, "arousal": 0.0}, {"kind": "plateau", "minutes": 3}]
    begun = started(
        api, preset="settle", seed=7, name=name, plan=plan, constraints=["no bells"],
        settings={"key": "F#", "space": 0.3},
        screening={"none_of_these": True, "age": 40}, self_report={"arousal": 0.1}, policy="L1",
        context={"hour": 9.5, "earlier": [{"hr_bpm": 62, "hour": 10}]}, played="in_scale", delivery="headphones",
        calibration_db_spl=65,
    )  # fmt: skip
    assert not begun.chosen and begun.session_id == name and begun.seed == 7 and begun.playback.lasts_s == 300.0
    assert begun.confidence == 0.0
    head = until(lambda: house.sessions.get(name).latest.get("session"))
    assert [phase["minutes"] for phase in head["preset"]["phases"]] == [2, 3] and head["seed"] == 7
    assert "no bells" in head["constraints"] and head["policy"] == "L1" and head["context"]["hour"] == 9.5
    assert head["settings"] == {"key": 6.0, "space": 0.3} and head["played"] == "in_scale"
    assert head["calibration"]["db_spl_at_minus_20_lufs"] == 65 and head["gates"]["slow_breath"]


@pytest.mark.parametrize(
    ("asked", "where", "what"),
    [
        ({"preset": "setle"}, "body.preset", "settle"),
        ({"preset": "../../etc/passwd"}, "body.preset", "pattern"),
        ({"goal": "cure"}, "body.goal", "give one of"),
        ({"preset": "pace"}, "body", "someone is with the person"),
        ({"constraints": ["less cowbell"]}, "body", "is not understood"),
        ({"settings": {"key": "H"}}, "body.settings.key", "one of C"),
        ({"settings": {"space": "large"}}, "body.settings.space", "0 to 1"),
        ({"settings": {"space": 3}}, "body", "space = 3"),
        ({"settings": {"reverb": 3}}, "body.settings.reverb.[key]", "no such control"),
        ({"screening": {"tired": True}}, "body", "no question called"),
        ({"goal": "sleep", "screening": {"driving": True}}, "body", "driving is answered yes"),
        ({"plan": [{"kind": "lead", "minutes": 0.5, "arousal": -1}]}, "body.plan.0.arousal", "too quick"),
        ({"plan": []}, "body.plan", "at least 1"),
        ({"minutes": 0}, "body.minutes.constrained-float", "greater than or equal to 0.1"),
        ({"signals": {"hr": 900}}, "body.signals.hr.constrained-float", "less than or equal to 260"),
        ({"signals": {"ecg": [1]}}, "body.signals.ecg", "not permitted"),
        ({"context": {"time_of_day": "25:00"}}, "body.context.time_of_day", "21:30"),
        ({"name": "a/b"}, "body.name", "pattern"),
        ({"name": "-a"}, "body.name", "pattern"),
        ({"name": "one", "session_id": "two"}, "body", "the same thing"),
        ({"seed": -1}, "body.seed", "greater"),
        ({"seed": "7"}, "body.seed", "integer"),
        ({"palette": "gold"}, "body", "palette"),
    ],
)
def test_what_cannot_be_started_is_told_by_its_place(api, house, asked, where, what):
    before = set(house.sessions.all)
    problem = wrong(api.post(ALL, json=asked), 422)
    assert [one for one in problem.errors if one.where == where and what in one.what], problem.errors
    assert set(house.sessions.all) == before


def test_a_name_is_given_once(api):
    name = next(names)
    started(api, session_id=name)
    assert "another" in wrong(api.post(ALL, json={"name": name}), 409).detail


def test_no_more_sessions_than_there_is_room_for(tmp_path):
    config = Config(state_dir=tmp_path, max_sessions=1)
    with fake_service(tmp_path, MINE, config=config) as served, httpx.Client(base_url=served.url, timeout=60.0) as api:
        started(api)
        answer = api.post(ALL, json={})
        assert wrong(answer, 503).title == "No room" and int(answer.headers["retry-after"]) > 0


def test_a_token_of_one_session_starts_and_sees_only_that(tmp_path):
    gate = OpenGate(CALLERS)
    with fake_service(tmp_path, MINE, gate=gate) as served, httpx.Client(base_url=served.url, timeout=60.0) as api:
        own, mine, therapist = ({"Authorization": f"Bearer {name}"} for name in ("own", "mine", "therapist"))
        wrong(api.post(ALL, json={}, headers=own), 403)
        wrong(api.post(ALL, json={"name": "mine"}, headers=mine), 403)
        for name, headers in (("own", own), ("mine", therapist)):
            assert api.post(ALL, json={"name": name}, headers=headers).status_code == 201
        seen = {who: SessionList.model_validate(api.get(ALL, headers=headers).json()).sessions
                for who, headers in (("own", own), ("mine", mine), ("therapist", therapist))}  # fmt: skip
        assert [one.id for one in seen["own"]] == ["own"] and [one.id for one in seen["mine"]] == ["mine"]
        assert {one.id for one in seen["therapist"]} == {"own", "mine"}
        wrong(api.get(f"{ALL}/own", headers=mine), 403)
        wrong(api.put(f"{ALL}/mine/controls/space", json={"value": 1}, headers=mine), 403)
        assert api.post(f"{ALL}/mine/verbs", json={"verb": "less"}, headers=mine).status_code == 200
        wrong(api.post(f"{ALL}/own/panic", headers=mine), 403)
        assert not served.house.sessions.get("own").hands.session.panicked


# -- seen ------------------------------------------------------------------------------------------------------------


def test_a_session_is_seen_whole(api, playing):
    view = until(lambda: (seen := told(api.get(playing), SessionView)).time_s > 1.2 and seen)
    assert view.preset == "settle" and view.title == "Settle" and view.goal == "settle" and view.status == "playing"
    assert view.phase == "baseline" and view.minutes == 20.0 and view.seed == 1 and view.trouble == ""
    assert set(view.controls) == set(TABLE) and view.beat.key == "D" and 44.0 < view.beat.bpm < 140.0
    assert view.load.blocks > 0 and view.load.late == 0 and view.reasons and view.planned.arousal <= 0.1
    assert view.links.session == playing


def test_what_is_believed_is_the_estimators(api, house):
    begun = started(api, preset="settle", signals={"hr": 71})
    hosted = house.sessions.get(begun.session_id)
    line = until(lambda: hosted.latest.get("state"))
    state = told(api.get(begun.links.session + "/state"), StateView)
    assert state.state is not None and state.confidence == state.state.confidence
    assert state.state.heart_trouble == hosted.latest["state"]["heart_trouble"] and line["reasons"]
    silent = started(api, preset="settle")
    assert told(api.get(silent.links.session + "/state"), StateView).state is None


def test_sessions_are_listed_newest_first_and_by_status(api, playing):
    late = started(api)
    listed = told(api.get(ALL), SessionList).sessions
    assert [one.created for one in listed] == sorted((one.created for one in listed), reverse=True)
    assert {late.session_id, playing.rpartition("/")[2]} <= {one.id for one in listed}
    assert len(told(api.get(ALL, params={"limit": 1}), SessionList).sessions) == 1
    assert all(
        one.status == "finished" for one in told(api.get(ALL, params={"status": "finished"}), SessionList).sessions
    )
    for query in ({"status": "asleep"}, {"limit": 0}, {"limit": "x"}, {"page": 2}):
        wrong(api.get(ALL, params=query), 422)


@pytest.mark.parametrize("path", ["", "/state", "/controls", "/controls/space"])
def test_a_session_that_there_is_not_is_told(api, path):
    assert wrong(api.get(f"{ALL}/nothing{path}"), 404).title == "No such session"


def test_presets_and_controls_are_the_engines(api):
    presets = told(api.get("/api/v1/presets"), PresetList).presets
    assert [row.name for row in presets] == preset_names()
    settle = next(row for row in presets if row.name == "settle")
    assert settle.minutes == 20.0 and settle.goal_words == "come to rest" and "pad" in settle.stems and settle.scenes
    rows = told(api.get("/api/v1/controls"), ControlTable).controls
    assert [row.name for row in rows] == [row.name for row in CONTROLS]
    tempo = next(row for row in rows if row.name == "tempo_bpm")
    assert (tempo.unit, tempo.low, tempo.high, tempo.osc) == ("bpm", 44.0, 140.0, "/control/tempo_bpm")


# -- over ------------------------------------------------------------------------------------------------------------


def test_stop_fades_out_and_what_is_over_takes_no_more(api, house):
    begun = started(api, preset="settle", name=next(names))
    path = begun.links.session
    done = told(api.post(path + "/stop"), Done)
    assert done.done and done.asked == "stop"
    until(lambda: told(api.get(path), SessionView).status == "finished")
    for method, rest, body in (
        ("PUT", "/controls/space", {"value": 1}),
        ("PATCH", "/controls", {"controls": {"space": 1}}),
        ("DELETE", "/controls/space", None),
        ("POST", "/verbs", {"verb": "more"}),
        ("POST", "/feedback", {"valence": 0}),
        ("POST", "/notes", {"notes": [{"pitch": 60, "velocity": 1}]}),
        ("PUT", "/plan", {"phases": [{"kind": "plateau", "minutes": 1}]}),
    ):
        assert "finished" in wrong(api.request(method, path + rest, json=body), 409).detail
    assert told(api.post(path + "/stop"), Done).done and told(api.post(path + "/panic"), Done).done
    house.sessions.all.pop(begun.session_id).writer.close()  # as some time after its end, or a restart
    long_over = wrong(api.get(path), 404)
    assert long_over.title == "Session is over" and f"{path}/files" in long_over.detail


def test_panic_reaches_the_session(api, house):
    begun = started(api, preset="settle")
    assert told(api.post(begun.links.session + "/panic"), Done).done
    assert house.sessions.get(begun.session_id).hands.session.panicked
