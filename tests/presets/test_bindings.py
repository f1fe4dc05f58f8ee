"""Scenes with instruments of their own: read, refused, replaced by a palette, and heard."""

from __future__ import annotations

import numpy as np
import pytest

from synth import Session
from synth.controls import STEMS, Request
from synth.engine import Engine
from synth.instruments.base import MAX_QUANTA, QUANTUM
from synth.preset import Preset, PresetError, allowed, load_preset, preset_from_dict, preset_to_dict, sliding_stems
from synth.safety.screening import gates

RATE = 22_050
EVERYTHING = gates({"none_of_these": True})


def bound(**instruments: str) -> dict:
    made = preset_to_dict(load_preset("settle"))
    made["scenes"][1]["instruments"] = instruments
    return made


def preset(**instruments: str) -> Preset:
    return preset_from_dict(bound(**instruments))


def test_a_scene_keeps_its_instruments_through_a_file():
    played = preset(melody="harp", nature="stream")
    assert [dict(scene.instruments) for scene in played.scenes] == [{}, {"melody": "harp", "nature": "stream"}]
    assert preset_from_dict(preset_to_dict(played)) == played
    assert "instruments" not in preset_to_dict(load_preset("settle"))["scenes"][0]


@pytest.mark.parametrize(
    ("instruments", "said"),
    [
        ({"melody": "ocean"}, "'ocean' does not fit here; give one of felt_piano"),
        ({"texture": "cloud"}, "texture: is not a stem of this preset"),
        ({"reverb": "harp"}, "reverb: is not a stem of this preset"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(instruments, said):
    with pytest.raises(PresetError, match=f"scenes 2 instruments.*{said}"):
        preset(**instruments)


def test_a_palette_plays_its_stems_in_every_scene():
    played = preset(melody="harp", nature="stream").with_palette("wood")
    assert dict(played.scenes[1].instruments) == {"nature": "stream"} and played.stems["melody"].instrument != "harp"


def test_what_a_person_refuses_is_not_bound_by_a_scene():
    played = preset(melody="harp", pad="glass_pad", nature="stream")
    kept = allowed(played, EVERYTHING, ["no glass", "no plucks"])
    assert dict(kept.scenes[1].instruments) == {"nature": "stream"}
    assert dict(allowed(played, EVERYTHING, ["no harp"]).scenes[1].instruments) == {
        "pad": "glass_pad",
        "nature": "stream",
    }
    session = Session(played, minutes=1, sample_rate=RATE, constraints=["no glass"])
    assert dict(session.preset.scenes[1].instruments) == {"melody": "harp", "nature": "stream"}


def test_stems_that_slide_are_those_whose_instruments_do():
    played = preset(melody="flute")
    assert "melody" not in sliding_stems(played, played.scenes[0])
    assert "melody" in sliding_stems(played, played.scenes[1])


def heard(played: Preset, seconds: float, scene_at_s: float, quanta: int = MAX_QUANTA) -> dict[str, np.ndarray]:
    """Stems and pre-master of a session in which a person asks for the second scene, in blocks of `quanta`."""
    engine, at = Engine(played, 3, RATE), round(scene_at_s * RATE / QUANTUM)
    blocks, quantum = [], 0
    while quantum < seconds * RATE / QUANTUM:
        if quantum == at:
            engine.bus.request(Request("scene", 1.0, "hand", "test"), quantum)
        take = min(quanta, at - quantum) if quantum < at else quanta
        block = engine.render(quantum, take)
        blocks.append((block.stems.copy(), block.premaster.copy()))
        quantum += take
    frames = round(seconds * RATE)
    stems = np.concatenate([stems for stems, _ in blocks], axis=2)[:, :, :frames]
    premaster = np.concatenate([premaster for _, premaster in blocks], axis=1)[:, :frames]
    return {**dict(zip(engine.stems, stems, strict=True)), "premaster": premaster}


def test_a_scene_change_turns_to_its_instruments_and_the_stems_still_null():
    own = heard(preset(), 60.0, 10.0)
    other = heard(preset(nature="stream"), 60.0, 10.0)
    same = np.flatnonzero(np.abs(own["nature"] - other["nature"]).max(axis=0) > 0.0)
    assert 10.0 < same[0] / RATE < 50.0  # alike until the other scene begins
    power = [float((x["nature"][:, -10 * RATE :] ** 2).mean()) for x in (own, other)]
    assert 0.1 < power[1] / power[0] < 10.0
    total = sum(other[stem].astype(np.float64) for stem in other if stem != "premaster")
    assert np.abs(total - other["premaster"]).max() < 1e-6


def test_bindings_do_not_depend_on_blocks():
    played = preset(nature="stream", melody="harp", pad="glass_pad")
    whole, parts = heard(played, 45.0, 10.0), heard(played, 45.0, 10.0, 11)
    assert all(np.array_equal(whole[name], parts[name]) for name in whole)


def test_every_stem_muted_is_silence_and_nothing_is_lifted():
    muted = preset_from_dict(
        {**bound(), "controls": {**bound()["controls"], **{f"level_{s}_db": -60.0 for s in STEMS}}}
    )
    engine, loudest, gain = Engine(muted, 3, RATE), 0.0, 0.0
    for number in range(240):
        block = engine.render(number * MAX_QUANTA, MAX_QUANTA)
        loudest, gain = max(loudest, float(np.abs(block.mix).max())), max(gain, float(block.gain.max()))
    assert loudest == 0.0 and np.isfinite(gain) and gain < 8.0
