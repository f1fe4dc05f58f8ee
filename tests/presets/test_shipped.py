"""What ships: presets that load, lie within their limits, reach what their plans say, and use plain words."""

from __future__ import annotations

import re

import numpy as np
import pytest

from synth import Session, TermsError
from synth.controls import STEMS, TABLE
from synth.preset import GOALS, bounds_of, check_preset, load_preset, preset_names
from synth.preset.arc import stage_minutes
from synth.resources import presets_folder
from synth.safety.control_guard import ControlGuard
from synth.safety.limits import control_range, limits
from synth.steering.mapping import AROUSAL, CueMap
from synth.steering.meeting import meet, starting_controls
from synth.steering.plan import make_plan

NOT_OUR_WORDS = (
    r"anxi|depress|insomn|stress|trauma|ptsd|autis|adhd|dementia|\bpain\b|disorder|disease|syndrome|patient|treat"
    r"|therap|clinic|medic|symptom|\bcure|\bheal|diagnos|\bdose|panic|\bprescri|rehab|gait"
)
MOODS = ("arousal", "valence", "tension")
RATE = 22_050
every = pytest.mark.parametrize("name", preset_names())


@every
def test_it_is_sound_and_complete(name):
    assert check_preset(name) == []
    preset = load_preset(name)
    drums = set() if "no percussion" in preset.constraints else {"percussion"}
    usual = set(STEMS) - {"percussion", "drone", "texture", "pulse"} | drums
    assert preset.name == name and usual <= set(preset.stems) <= usual | {"drone", "texture"}
    assert preset.phases[0].kind == "baseline" and preset.phases[0].minutes >= 1.25
    assert make_plan(preset, None).notes == make_plan(preset, preset.minutes * 60).notes == ()


@every
def test_at_half_its_length_no_phase_is_steeper_than_the_limits(name):
    preset = load_preset(name)
    plan = make_plan(preset, preset.minutes * 30)
    assert sum(phase.minutes for phase in plan.phases) == pytest.approx(preset.minutes / 2)
    per_min = [limits(preset.profile)[f"{mood}_per_min"] for mood in MOODS]
    before = plan.start
    for phase in plan.phases:
        for mood, most in zip(MOODS, per_min, strict=True):
            move = getattr(phase, mood) - getattr(before, mood)
            assert stage_minutes(move, most, phase.step, phase.dwell_s) <= phase.minutes * 1.0001, (phase.kind, mood)
        before = phase


@every
def test_it_starts_and_stays_within_the_table_and_its_profile(name):
    preset = load_preset(name)
    bounds = limits(preset.profile)
    for control, value in preset.controls.items():
        low, high = control_range(control, TABLE[control].low, TABLE[control].high, bounds)
        assert low <= value <= high, control
        assert low <= preset.ranges.get(control, (value, value))[0] <= value, control
        assert value <= preset.ranges.get(control, (value, value))[1] <= high, control
    assert ControlGuard(bounds_of(preset)).start(preset.controls) == (dict(preset.controls), ())


@every
def test_its_cues_reach_the_arousal_of_its_plan(name):
    preset = load_preset(name)
    cues = CueMap(preset)
    for phase in preset.phases:
        wanted = cues.wanted(phase.arousal, phase.valence, phase.tension)
        moved = sum(cue.arousal * cue.size(wanted[cue.control], preset.controls[cue.control]) for cue in AROUSAL)
        assert preset.controls["arousal"] + moved == pytest.approx(phase.arousal, abs=0.02), phase.kind


@every
def test_it_keeps_to_wellness_words(name):
    text = (presets_folder() / f"{name}.toml").read_text(encoding="utf-8")
    assert not re.search(NOT_OUR_WORDS, text, re.IGNORECASE)


@pytest.mark.parametrize("name", ["settle", "gentle", "drift-and-return", "breathe", "pace", "short-break"])
def test_its_cues_come_and_go(name, course):
    ran, preset = course(name), load_preset(name)
    assert {line["kind"] for line in ran.lines if line["type"] == "cue"} == {
        cue.kind for phase in preset.phases for cue in phase.cues
    }
    assert [line["text"] for line in ran.lines if line["type"] == "refusal"] == []
    silences = ran.cues("silence")
    for begins, ends in zip(silences[::2], silences[1::2], strict=True):
        rest = ran.controls["rest"][int(begins) : int(ends) + 6]
        assert 10 <= ends - begins <= 20
        assert (rest == 1.0).sum() >= ends - begins - 5 and rest[-1] == 0.0, "silent between two fades"
    assert ran.controls["landmark"][-1] == 0.0


def test_each_goes_its_own_way():
    arcs = {name: [phase.arousal for phase in load_preset(name).phases] for name in preset_names()}
    assert arcs["settle"][0] - min(arcs["settle"]) >= 0.5
    assert arcs["sleep"][-1] == min(arcs["sleep"]) <= -0.9
    assert max(arcs["focus"]) - min(arcs["focus"]) <= 0.15
    assert max(arcs["energise"]) >= 0.6 and arcs["energise"][-1] <= max(arcs["energise"]) - 0.3
    assert load_preset("sleep").controls["level_percussion_db"] == -60.0


def test_each_has_a_goal_a_key_and_instruments_of_its_own():
    presets = [load_preset(name) for name in preset_names()]
    assert {preset.goal for preset in presets} == set(GOALS)
    assert len({(preset.controls["key"], preset.controls["mode"]) for preset in presets}) == len(presets)
    bands = [tuple(preset.stems[stem].instrument for stem in ("pad", "melody", "bells")) for preset in presets]
    assert len(set(bands)) == len(bands)
    assert len({scene.archetype for preset in presets for scene in preset.scenes}) >= 9


def palettes() -> list[tuple[str, str]]:
    return [(name, palette) for name in preset_names() for palette in load_preset(name).palettes]


@every
def test_there_is_a_choice_of_instruments(name):
    preset = load_preset(name)
    assert 1 <= len(preset.palettes) <= 2
    for palette in preset.palettes:
        assert preset.with_palette(palette).stems != preset.stems


@pytest.mark.parametrize(("name", "palette"), palettes())
def test_each_palette_sounds(name, palette):
    session = Session(name, minutes=0.4, palette=palette, supervised=True, sample_rate=RATE, stems=True)
    audio = session.render_audio(10 * RATE)
    changed = load_preset(name).palettes[palette]
    for stem in {"pad", "melody", "nature"} & changed.keys():
        assert np.isfinite(audio.stems[stem]).all() and np.abs(audio.stems[stem]).max() > 1e-3, stem
    assert np.abs(audio.mix).max() <= 10 ** (-3 / 20)


# -- what each promises ------------------------------------------------------------------------------------------


def test_settle_meets_a_person_as_far_up_as_a_half():
    preset = load_preset("settle")
    start = meet(preset, bounds_of(preset), 0.5, None)
    assert start is not None and start.arousal == 0.5
    controls = starting_controls(preset, bounds_of(preset), start)
    expressed = sum(cue.arousal * cue.size(controls[cue.control], preset.controls[cue.control]) for cue in AROUSAL)
    assert expressed == pytest.approx(0.5, abs=0.05)
    assert 80 <= controls["tempo_bpm"] <= 84 and controls["dynamics_db"] <= 2


def test_nobody_is_louder_for_a_settle_that_can_meet_them(course):
    """The room above the start is for a person who is met; the plan itself only goes down."""
    ran = course("settle").controls
    for control in ("arousal", "tempo_bpm", "density_hz", "dynamics_db", "brightness_oct", "percussiveness"):
        assert ran[control].max() == ran[control][0], control


def test_gentle_never_grows(course):
    ran = course("gentle").controls
    for control in (*MOODS[::2], "dynamics_db", "density_hz", "brightness_oct", "tonal_tension", "roughness"):
        assert ran[control].max() == ran[control][0], control
    assert ran["attack_ms"].min() == ran["attack_ms"][0] >= 80
    assert np.ptp(ran["tempo_bpm"]) == np.ptp(ran["key"]) == 0.0
    assert ran["arousal"].min() >= -0.3


def test_gentle_matches_nobody():
    session = Session("gentle", policy="L2", self_report={"arousal": 0.9, "valence": -0.9}, audio=False)
    assert session.controls == pytest.approx(load_preset("gentle").controls)


def test_gentle_comes_back_to_its_landmark(course):
    begun = course("gentle").cues("ground")[::2]
    assert len(begun) == 5 and max(np.diff(begun)) <= 240


def test_drift_and_return_draws_a_u(course):
    tempo = course("drift-and-return").controls["tempo_bpm"]
    low = int(np.argmin(tempo))
    assert 84 <= tempo[0] <= 90 and tempo.min() == pytest.approx(50, abs=0.5) and 70 <= tempo[-1] <= 78
    assert 10 <= low / 60 <= 13
    assert (np.diff(tempo[:low]) <= 1e-9).all() and (np.diff(tempo[low + 90 :]) >= -1e-9).all()


def test_breathe_slows_to_six_and_no_further(course):
    ran = course("breathe").controls
    rate = ran["breath_rate_bpm"]
    assert rate[0] == pytest.approx(7.2) and rate.min() == 6.0 and (rate[-240:] == 6.0).all()
    assert np.abs(np.diff(np.log(rate))).max() * 60 <= np.log(1.03) + 1e-6
    assert 4 <= ran["breath_depth_db"][:-60].min() and ran["breath_depth_db"].max() <= 8


def test_breathe_keeps_sixteen_beats_to_two_breaths(course):
    ran = course("breathe").controls
    beats_a_breath = ran["tempo_bpm"] / ran["breath_rate_bpm"]
    assert beats_a_breath == pytest.approx(np.full(len(beats_a_breath), 8.0), rel=0.035)


def test_pace_goes_five_and_ten_in_a_hundred_quicker(course):
    ran = course("pace").controls
    tempo = ran["tempo_bpm"]
    minute = lambda m: tempo[int(60 * m)]  # noqa: E731
    assert [minute(m) for m in (0, 8.9, 17, 26)] == pytest.approx([100, 100, 105, 110], abs=0.6)
    assert tempo.max() <= 110.01
    assert (np.abs(np.diff(np.log(tempo))) <= np.log(1.001) * tempo[1:] / 60 * 1.01).all()
    assert ran["regularity"].min() == 1.0


def test_pace_has_a_drum_on_every_beat(course):
    score = course("pace").score
    drums = np.array(sorted({note.tick for note in score.notes if note.stem == "percussion"}))
    beats = np.arange(60, 2400) * 960
    near = np.array([np.abs(drums - beat).min() for beat in beats])
    assert (near <= 30).mean() >= 0.9


def test_pace_wants_someone_there():
    with pytest.raises(TermsError, match="someone is with the person"):
        Session("pace", audio=False)


def test_short_break_takes_no_signals_of_the_body():
    with pytest.raises(TermsError, match="not to their body"):
        Session("short-break", audio=False, recording=presets_folder().parent / "assets" / "recording")
    session = Session("short-break", audio=False, self_report={"arousal": 0.3})
    with pytest.raises(TermsError, match="not to their body"):
        session.feed("hr", 70.0)
    session.feed("self_arousal", 0.2)
    assert session.controls["arousal"] == pytest.approx(0.3)


def test_self_directed_stays_where_it_is_put(course):
    assert len({(p.arousal, p.valence, p.tension) for p in load_preset("self-directed").phases}) == 1
    session = Session("self-directed", audio=False, sample_rate=RATE)
    before = session.controls
    session.render(60 * RATE)
    assert session.controls == before
    session.request("arousal", 0.7)
    session.render(60 * RATE)
    after = session.controls
    assert after["arousal"] == pytest.approx(0.7)
    assert after["tempo_bpm"] > 68 and after["density_hz"] > 2 and after["dynamics_db"] > 0
