"""What ships: presets that load, lie within their limits, reach what their plans say, and use plain words."""

from __future__ import annotations

import re

import pytest

from synth.controls import STEMS, TABLE
from synth.preset import check_preset, load_preset, preset_names
from synth.resources import presets_folder
from synth.safety.control_guard import ControlGuard
from synth.safety.limits import control_range, limits
from synth.steering.mapping import AROUSAL, CueMap
from synth.steering.plan import make_plan

NOT_OUR_WORDS = (
    r"anxi|depress|insomn|stress|trauma|ptsd|autis|adhd|dementia|\bpain\b|disorder|disease|syndrome|patient|treat"
    r"|therap|clinic|medic|symptom|\bcure|\bheal|diagnos|\bdose|panic|\bprescri"
)
every = pytest.mark.parametrize("name", preset_names())


@every
def test_it_is_sound_and_complete(name):
    assert check_preset(name) == []
    preset = load_preset(name)
    assert preset.name == name and set(preset.stems) == set(STEMS)
    assert preset.phases[0].kind == "baseline" and preset.phases[0].minutes >= 1.25
    assert make_plan(preset, None).notes == make_plan(preset, preset.minutes * 60).notes == ()


@every
def test_it_starts_and_stays_within_the_table_and_its_profile(name):
    preset = load_preset(name)
    bounds = limits(preset.profile)
    for control, value in preset.controls.items():
        low, high = control_range(control, TABLE[control].low, TABLE[control].high, bounds)
        assert low <= value <= high, control
        assert low <= preset.ranges.get(control, (value, value))[0] <= value, control
        assert value <= preset.ranges.get(control, (value, value))[1] <= high, control
    assert ControlGuard(preset.profile).start(preset.controls) == (dict(preset.controls), ())


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


def test_each_goes_its_own_way():
    arcs = {name: [phase.arousal for phase in load_preset(name).phases] for name in preset_names()}
    assert arcs["settle"][0] - min(arcs["settle"]) >= 0.5
    assert arcs["sleep"][-1] == min(arcs["sleep"]) <= -0.9
    assert max(arcs["focus"]) - min(arcs["focus"]) <= 0.15
    assert max(arcs["energise"]) >= 0.6 and arcs["energise"][-1] <= max(arcs["energise"]) - 0.3
    assert load_preset("sleep").controls["level_percussion_db"] == -60.0
