"""Cues: each begins at its place in the plan, lasts its seconds and is taken back; people's hands go before it."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.controls import TABLE
from synth.preset import CUES, Cue, Phase, load_preset
from synth.steering.cues import LANDMARK_S, Cues
from synth.steering.lead import Lead
from synth.steering.plan import make_plan

KINDS = {
    "breath": Cue("breath", 1.5, 60.0, 3.0),
    "ground": Cue("ground", 1.5, 40.0),
    "tempo": Cue("tempo", 1.5, 240.0, -4.0),
    "stem_in": Cue("stem_in", 1.5, 50.0, stem="bells"),
    "stem_out": Cue("stem_out", 1.5, 50.0, stem="melody"),
    "silence": Cue("silence", 1.5, 20.0),
}
MOVES = {"ground": "landmark", "stem_in": "level_bells_db", "stem_out": "level_melody_db", "silence": "rest"}
THERE = {"landmark": 1.0, "level_bells_db": 0.0, "level_melody_db": -60.0, "rest": 1.0}


def preset_of(*cues: Cue, minutes: float = 10.0, **controls: float):
    """A plan that stays where it is but for its `cues`: two minutes, then the phase that has them."""
    settle = load_preset("settle")
    moods = (settle.controls["arousal"], settle.controls["valence"], settle.controls["tension"])
    phases = (Phase("baseline", 2.0, *moods), Phase("lead", minutes - 2.0, *moods, cues=cues))
    ranges = {name: span for name, span in settle.ranges.items() if name != "tempo_bpm"} | {"tempo_bpm": (54, 70)}
    return replace(settle, phases=phases, minutes=minutes, controls={**settle.controls, **controls}, ranges=ranges)


@pytest.mark.parametrize("kind", CUES)
def test_it_begins_at_its_place_lasts_its_seconds_and_says_both(session, kind):
    cue = KINDS[kind]
    run, told = session(preset_of(cue, level_bells_db=-60.0)), []
    for t in range(600):
        run.go(1)
        told += [(t, *text) for text in run.steering.cues.told]
    assert [(t, name) for t, name, _ in told] == [(210, kind), (210 + cue.seconds, kind)]
    assert f"for {cue.seconds:g} s, as planned" in told[0][2] and told[1][2].endswith(" ends")
    assert run.said(told[0][2]) and run.said(told[1][2]), "and in words"


@pytest.mark.parametrize("kind", MOVES)
def test_what_it_moves_goes_there_and_back_at_the_controls_own_rate(session, kind):
    name, cue = MOVES[kind], KINDS[kind]
    run = session(preset_of(cue, level_bells_db=-60.0)).go(600)
    row, start, values = TABLE[name], run.preset.controls[name], run.of(name)
    ends = 210 + round(cue.seconds)
    assert set(values[:211]) == {start} and values[ends] == pytest.approx(THERE[name])
    assert values[-1] == pytest.approx(start)
    rate = max(row.rate_loop, row.rate_down or row.rate_hand)
    assert max(abs(b - a) for a, b in zip(values, values[1:], strict=False)) <= rate + 1e-6
    asked = [(t, request.value) for t, request in run.asked if request.control == name]
    assert asked == [(210, THERE[name]), (ends, start)], "two requests and no more"
    assert {request.by for _, request in run.asked if request.control == name} == {"plan"}
    assert all(request.reason for _, request in run.asked)


def test_a_tempo_shift_reaches_its_percent_and_comes_back(session):
    run = session(preset_of(KINDS["tempo"])).go(600)
    tempo = run.of("tempo_bpm")
    assert tempo[210] == pytest.approx(66.0, abs=1e-6)
    assert tempo[449] == pytest.approx(66.0 * 0.96, abs=0.05)
    assert tempo[-1] == pytest.approx(66.0, abs=0.05)
    ratio = max(abs(math.log2(b / a)) for a, b in zip(tempo, tempo[1:], strict=False))
    assert ratio <= math.log2(1.001) * 66.0 / 60.0 + 1e-9, "a tenth of a percent a beat"
    reasons = [request.reason for _, request in run.asked if request.control == "tempo_bpm"]
    assert "a tempo shift of -4 %, as planned" in reasons[0]


def test_two_tempo_shifts_multiply(session):
    cues = Cues(preset := preset_of(KINDS["tempo"], Cue("tempo", 1.5, 240.0, 5.0)))
    cues.step(300.0, make_plan(preset, 600.0), (1, 180.0), False, frozenset())
    assert cues.tempo_ratio == pytest.approx(0.96 * 1.05)


def test_a_breathing_cue_deepens_the_wave_and_leaves_a_deeper_one(session):
    run = session(preset_of(KINDS["breath"])).go(600)
    depth = run.of("breath_depth_db")
    assert max(depth[:211]) == 0.0 and depth[265] == pytest.approx(3.0) and depth[-1] == 0.0
    assert any(request.reason == "a breathing cue" for _, request in run.asked)
    deep = preset_of(KINDS["breath"], breath_depth_db=5.0)
    deep = replace(deep, phases=tuple(replace(phase, breath_depth_db=5.0) for phase in deep.phases))
    assert min(session(deep).go(400).of("breath_depth_db")) == pytest.approx(5.0)


def test_holding_puts_off_its_beginning_and_not_its_end(session):
    run = session(preset_of(Cue("silence", 1.5, 20.0), Cue("ground", 3.0, 30.0))).go(205)
    run.go(30, verbs=["hold"])
    assert max(run.of("rest")) == 0.0
    run.go(20, verbs=["hold"])
    assert run.of("rest")[-1] == 1.0, "plan time stood still for 30 s, so it begins at 240 s"
    run.go(30, verbs=["hold"])
    assert run.of("rest")[-1] == 0.0
    run.go(400)
    assert max(run.of("landmark")) == 0.0
    run.go(200, verbs=["hold"])
    assert max(run.of("landmark")) == 1.0


@pytest.mark.parametrize("kind", MOVES)
def test_a_hand_that_holds_its_control_goes_before_it(session, kind):
    name = MOVES[kind]
    held = {"landmark": 0.0, "level_bells_db": -20.0, "level_melody_db": -3.0, "rest": 0.25}[name]
    run = session(preset_of(KINDS[kind], level_bells_db=-60.0)).go(190)
    run.hand(name, held)
    run.go(200)
    assert run.of(name)[-1] == pytest.approx(held)
    assert not [request for _, request in run.asked if request.control == name]
    assert run.said(f"is left out: someone holds {name}"), "and the record does not say that it came"


@pytest.mark.parametrize("kind", MOVES)
def test_a_hand_may_take_it_over_and_give_it_back_midway(session, kind):
    """Given back while the cue lasts it is the cue's again; when it is over, it goes back to the plan."""
    name, cue = MOVES[kind], replace(KINDS[kind], seconds=60.0)
    start = {"level_bells_db": -60.0}.get(name, 0.0)
    held = {"landmark": 0.0, "rest": 0.5}.get(name, -30.0)
    for given_back_s, then in ((240, THERE[name]), (300, start)):
        run = session(preset_of(cue, level_bells_db=-60.0)).go(225)
        run.hand(name, held)
        run.go(given_back_s - 225)
        assert run.of(name)[-1] == pytest.approx(held, abs=1e-6)
        run.bus.release(name)
        run.go(28)
        assert run.of(name)[-1] == pytest.approx(then, abs=1e-6)
        run.go(100)
        assert run.of(name)[-1] == pytest.approx(start)
    assert all(request.reason for _, request in run.asked)


@pytest.mark.parametrize(("name", "value"), [("rest", 1.0), ("rest", 0.3), ("landmark", 1.0)])
def test_a_silence_or_landmark_by_hand_ends_when_it_is_handed_back(session, name, value):
    run = session(preset_of()).go(100)
    run.hand(name, value)
    run.go(30)
    assert run.of(name)[-1] == pytest.approx(value)
    run.bus.release(name)
    run.go(10)
    assert run.of(name)[-1] == 0.0
    assert [request.reason for _, request in run.asked if request.control == name] == ["handed back"]


def test_a_level_by_hand_stays_where_it_was_left(session):
    run = session(preset_of()).go(100)
    run.hand("level_pad_db", -12.0)
    run.go(30)
    run.bus.release("level_pad_db")
    run.go(60)
    assert run.of("level_pad_db")[-1] == pytest.approx(-12.0)


@pytest.mark.parametrize("kind", ["silence", "ground", "stem_out"])
def test_where_two_overlap_the_first_end_does_not_end_the_second(session, kind):
    cues = (replace(KINDS[kind], seconds=40.0), replace(KINDS[kind], at_minutes=2.0, seconds=40.0))
    run = session(preset_of(*cues)).go(600)
    name = MOVES[kind]
    assert [(t, request.value) for t, request in run.asked if request.control == name] == [
        (210, THERE[name]),
        (280, run.preset.controls[name]),
    ]


def test_the_last_begun_has_a_stem_that_comes_and_goes(session):
    cues = (Cue("stem_out", 1.0, 180.0, stem="bells"), Cue("stem_in", 2.0, 30.0, stem="bells"))
    level = session(preset_of(*cues, level_bells_db=-10.0)).go(600).of("level_bells_db")
    assert level[239] == -60.0 and level[269] == pytest.approx(0.0, abs=20.0) and level[269] > -20.0
    assert level[355] == -60.0 and level[-1] == pytest.approx(-10.0)


def test_grounding_keeps_its_landmark_over_a_cue_that_ends(session):
    run = session(preset_of(KINDS["ground"])).go(220)
    run.go(60, verbs=["ground"])
    assert min(run.of("landmark")[212:]) == 1.0
    run.go(10, verbs=["advance"])
    assert run.of("landmark")[-1] == 0.0
    asked = [(request.by, request.value) for _, request in run.asked if request.control == "landmark"]
    assert asked == [("plan", 1.0), ("policy", 0.0)]


def test_a_cue_outlasts_a_grounding_that_ends_first(session):
    run = session(preset_of(replace(KINDS["ground"], seconds=120.0))).go(220)
    run.go(20, verbs=["ground"])
    run.go(20, verbs=["advance"])
    assert run.of("landmark")[-1] == 1.0
    run.go(120)
    assert run.of("landmark")[-1] == 0.0


def test_a_landmark_every_so_often_whatever_the_plan_does():
    preset = preset_of()
    lead, values, on = Lead(preset, 1200.0, landmark_every_s=240.0), dict(preset.controls), []
    for t in range(1000):
        if t == 400:
            lead.say("hold")
        for request in lead.tick(float(t), None, values, frozenset()):
            if request.control == "landmark":
                values["landmark"] = request.value
                on.append((t, request.value))
    starts = [240, 480, 720, 960]
    assert on == [(t + late, value) for t in starts for late, value in ((0, 1.0), (int(LANDMARK_S), 0.0))]


@pytest.mark.parametrize("minutes", [4.0, 20.0])
def test_a_scaled_plan_scales_their_times_and_not_their_length(session, minutes):
    preset = preset_of(Cue("silence", 2.0, 20.0), Cue("ground", 6.0, 30.0))
    plan = make_plan(preset, minutes * 60.0)
    baseline_s, lead_s = (60.0 * phase.minutes for phase in plan.phases)
    run = session(preset, minutes=minutes).go(round(60 * minutes))
    for name, place, seconds in (("rest", 2.0 / 8.0, 20.0), ("landmark", 6.0 / 8.0, 30.0)):
        at, ends = (t for t, request in run.asked if request.control == name)
        assert at == pytest.approx(baseline_s + place * lead_s, abs=1.0) and ends - at == seconds


def test_in_a_short_session_a_cue_ends_in_its_phase_or_is_left_out_aloud():
    preset = preset_of(Cue("silence", 7.0, 60.0), Cue("ground", 1.0, 400.0))
    plan = make_plan(preset, 200.0)
    (cue,) = plan.phases[1].cues
    assert cue.kind == "silence" and cue.seconds == 60.0
    assert 60.0 * cue.at_minutes + cue.seconds == pytest.approx(60.0 * plan.phases[1].minutes)
    assert "the lead phase has no room for its ground cue" in plan.notes


_CUES = st.builds(
    lambda kind, at, seconds: replace(KINDS[kind], at_minutes=at, seconds=seconds),
    st.sampled_from([kind for kind in KINDS if kind != "tempo"]),
    st.floats(0.0, 6.0),
    st.floats(4.0, 100.0),
)
_DONE = st.lists(
    st.tuples(
        st.integers(1, 90),
        st.sampled_from(["hold", "advance", "pull_back", "ground", "skip", "take", "give", "edit"]),
        st.sampled_from(sorted(THERE)),
    ),
    max_size=8,
)


@given(st.lists(_CUES, max_size=5), _DONE)
@settings(max_examples=25)
def test_whatever_happens_between_all_is_taken_back_in_the_end(session_of, cues, done):
    preset = preset_of(*cues, level_bells_db=-60.0)
    run = session_of(preset)
    for seconds, what, name in done:
        if what == "take":
            run.hand(name, THERE[name])
        elif what == "give":
            run.bus.release(name)
        elif what == "edit":
            run.steering.edit(preset.phases)
        run.go(seconds, verbs=[] if what in ("take", "give", "edit") else [what])
    for name in THERE:
        run.bus.release(name)
    if run.steering.holding or run.steering.grounded:
        run.go(1, verbs=["advance"])
    run.go(700)
    moved = {name for _, what, name in done if what == "take"}
    for name in THERE.keys() - {name for name in moved if name.startswith("level_")}:
        assert run.of(name)[-1] == pytest.approx(preset.controls[name]), name
    assert all(request.reason for _, request in run.asked)


@pytest.fixture(scope="module")
def session_of(session):
    return session


def test_it_can_be_pickled_midway():
    preset = preset_of(KINDS["silence"], KINDS["ground"])
    plan, cues = make_plan(preset, 600.0), Cues(preset, 240.0)
    for t in range(215):
        cues.step(float(t), plan, (1, t - 120.0) if t >= 120 else (0, float(t)), False, frozenset())
    copy = pickle.loads(pickle.dumps(cues))
    later = [
        [c.step(float(t), plan, (1, t - 120.0), False, frozenset()) for t in range(215, 400)] for c in (cues, copy)
    ]
    assert later[0] == later[1] and any(later[0])
