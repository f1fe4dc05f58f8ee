"""A scale that lies between the keys is heard there: the sound of a stem against the fine pitch of its notes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from synth import Session, load_preset
from synth.preset import Scene
from synth.score.clock import Clock
from synth.units import note_to_hz

RATE = 22_050


def heard_cents(sound: np.ndarray, hz: float) -> float:
    """How far from `hz`, in cents, the strongest partial within 60 cents of it lies."""
    padded = 2**19
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), padded))
    low, high = (int(hz * 2.0 ** (by / 12.0) * padded / RATE) for by in (-0.6, 0.6))
    peak = low + int(np.argmax(spectrum[low:high]))
    a, b, c = np.log(spectrum[peak - 1 : peak + 2] + 1e-12)
    found = (peak + 0.5 * (a - c) / (a - 2.0 * b + c)) * RATE / padded
    return 1200.0 * math.log2(found / hz)


@pytest.mark.parametrize(
    "scene",
    [Scene("a", "taqsim", scale="rast"), Scene("b", "lullaby", tuning="just"), Scene("c", "alap", scale="todi")],
)
def test_the_melody_sounds_where_its_scale_has_it(scene: Scene) -> None:
    preset = load_preset("settle")
    phases = tuple(replace(phase, scene="") for phase in preset.phases)
    stems = {**preset.stems, "melody": replace(preset.stems["melody"], instrument="nylon_guitar", settings={})}
    preset = replace(preset, scenes=(scene,), phases=phases, stems=stems)
    session = Session(preset, seed=4, minutes=5, sample_rate=RATE, stems=True, settings={"motion": 0.0})
    sound = session.render_audio(290 * RATE).stems["melody"].mean(axis=1)
    at = Clock(session.score).seconds
    notes = [n for n in session.score.notes if n.stem == "melody" and at(n.tick + n.duration) < 288.0]
    assert len(notes) >= 6
    errors, between = [], 0
    for note in notes:
        start, end = at(note.tick) + 0.15, at(note.tick + note.duration)
        others = [n for n in notes if n is not note and abs(n.pitch - note.pitch) < 1.2]
        alone = all(at(n.tick) > end or at(n.tick + n.duration) < start - 0.6 for n in others)
        if end - start < 0.4 or not alone:
            continue
        between += abs(note.pitch - round(note.pitch)) > 0.03
        errors.append(abs(heard_cents(sound[int(start * RATE) : int(end * RATE)], note_to_hz(note.pitch))))
    assert len(errors) >= 4 and between >= 1
    assert np.median(errors) < 3.0 and max(errors) < 12.0
