"""Every unit at the edges of what it may be given: sample rates, what is no number or far too large in its audio and in
each of its controls, nobody to play, and far more notes than voices. It stays finite and bounded, and is quiet again.

Units and what to give them are found by introspection: a class that renders, by the names of its parameters.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import numba
import numpy as np
import pytest

import synth.dsp
from synth.dsp.additive import AdditiveBank
from synth.dsp.dynamics import Compressor
from synth.dsp.grains import grain_settings
from synth.dsp.limiter import Limiter
from synth.dsp.modal import ModalBank
from synth.dsp.string import StringBank
from synth.dsp.unison import Drift
from synth.dsp.voices import SPARE_SLOTS
from synth.dsp.wavetable import saw, tables

QUANTUM, BLOCK = 64, 64
COMPILED = not numba.config.DISABLE_JIT
RATES = (22050, 44100, 96000, 192000) if COMPILED else (22050,)
WILD = np.array([np.nan, np.inf, -np.inf, 3e38, -3e38], np.float32)
LANES = 16 if COMPILED else 2
LOUDEST = 300.0  # of anything, from noise of RMS 0.2 and waves of 0.3

# What constructors are given when they ask for it, and what is set at quantum edges, by name; short tails.
MADE = {
    "voices": LANES,
    "partials": LANES,
    "seed": 1,
    "longest_s": 0.5,
    "response": 0.5 ** np.arange(60.0),
    "t60_s": 0.2,
    "t60_high_s": 0.1,
    "hz": (330.0, 495.0),
}
SET = {
    "amplitude": 0.3,
    "coupling": 0.25,
    "cutoff_hz": 900.0,
    "delay_s": 0.05,
    "depth": 0.5,
    "drive_db": 6.0,
    "feedback": 0.2,
    "follower_hz": 900.0,
    "gain": 0.3,
    "hz": 330.0,
    "index": 1.0,
    "leader_hz": 330.0,
    "pan": 0.2,
    "place": 0.5,
    "ratio": 2.0,
    "resonance": 0.5,
    "shimmer_db": -14.0,
    "stretch": 1.0,
    "t60_s": 0.2,
    "threshold_db": -20.0,
    "tilt_db": 3.0,
}
LOUDNESS = ("amplitude", "gain")  # of what sounds by itself
UNITS = sorted(
    {
        c
        for info in pkgutil.iter_modules(synth.dsp.__path__)
        for name, c in vars(importlib.import_module(f"synth.dsp.{info.name}")).items()
        if inspect.isclass(c) and c.__module__.startswith("synth.dsp.") and hasattr(c, "render") and name[0] != "_"
    },
    key=lambda c: c.__name__,
)


class Rig:
    """A unit, and what it is given: audio and controls for `quanta`, whose first `sound` are not silent."""

    def __init__(self, cls, rate, quanta, sound, lanes=LANES):
        made = inspect.signature(cls).parameters
        given = MADE | {"sample_rate": rate, "voices": lanes, "partials": lanes}
        given["tables"] = tables(rate, saw) if "tables" in made else None
        self.unit = cls(**{name: given[name] for name in made if name in given})
        self.quanta, self.asked = quanta, list(inspect.signature(self.unit.render).parameters)
        self.across = made.keys() & {"voices"}
        width = (lanes,) if made.keys() & {"voices", "partials"} else ()
        shape = (quanta * QUANTUM, lanes) if self.across else (2, quanta * QUANTUM)
        self.audio = np.random.default_rng(1).normal(0.0, 0.2, shape).astype(np.float32)
        self.out = np.zeros(shape, np.float32)
        self.controls = {}
        for name in self.asked:
            if name == "settings":
                self.controls[name] = grain_settings(quanta + 1, pitch=1.0 if "x" in self.asked else 330.0, delay_s=0.1)
                self.controls[name][sound:, 0] = 0.0
            elif name not in ("x", "send", "quanta", "out"):
                assert name in SET, f"{cls.__name__}: say in SET what to give as {name}"
                self.controls[name] = np.full((quanta + 1, *width), SET[name], np.float32)
                self.controls[name][sound:] *= name not in LOUDNESS
        if self.across:
            self.audio[sound * QUANTUM :] = 0.0
        else:
            self.audio[:, sound * QUANTUM :] = 0.0

    def inputs(self):
        """Names of what may be spoilt; a grain's settings are one by one."""
        for name, rows in self.controls.items():
            yield from ([(name, i) for i in range(rows.shape[1])] if name == "settings" else [(name, None)])
        if {"x", "send"} & set(self.asked) or self.asked[0] == "x":
            yield ("audio", None)

    def spoil(self, name, column, first, apart):
        """Put each of WILD into an input, `apart` quanta from one to the next."""
        for i, wild in enumerate(WILD):
            q = first + i * apart
            if name == "audio":
                self.audio[(q * QUANTUM + 5, 0) if self.across else (i % 2, q * QUANTUM + 5)] = wild
            elif column is None:
                self.controls[name][q] = wild
            else:
                self.controls[name][q, column] = wild

    def play(self):
        for start in range(0, self.quanta, BLOCK):
            count = min(BLOCK, self.quanta - start)
            frames, at = slice(start * QUANTUM, (start + count) * QUANTUM), slice(start, start + count + 1)
            cut = (frames,) if self.across else (slice(None), frames)
            given = {name: rows[at] for name, rows in self.controls.items()} | {"quanta": count}
            given |= {"x": np.ascontiguousarray(self.audio[cut]), "send": np.ascontiguousarray(self.audio[cut])}
            given["out"] = np.zeros_like(given["x"])
            self.unit.render(**{name: given[name] for name in self.asked})
            self.out[cut] = given["out"] if "out" in self.asked else given["x"]
        return self.out


def frames_of(out, first, last=None):
    """Quanta `first` to `last` of what is (2, frames) or (frames, voices)."""
    span = slice(first * QUANTUM, None if last is None else last * QUANTUM)
    return out[:, span] if out.shape[0] == 2 else out[span]


CASES = [(cls, rate) for cls in UNITS for rate in RATES]
NAMES = [f"{cls.__name__}-{rate}" for cls, rate in CASES]


@pytest.mark.parametrize("cls, rate", CASES, ids=NAMES)
def test_what_is_no_number_does_no_lasting_harm(cls, rate):
    """Each of WILD in each input in turn: finite, bounded, as loud as ever afterwards, and quiet in the end."""
    sound, tail = (60, round(1.5 * rate / QUANTUM)) if COMPILED else (16, 4)
    clean = frames_of(Rig(cls, rate, sound + 1, sound).play(), sound - 10, sound)
    assert np.isfinite(clean).all() and 1e-3 < np.abs(clean).max() < LOUDEST
    for name, column in Rig(cls, rate, 1, 1).inputs():
        rig = Rig(cls, rate, sound + tail, sound)
        rig.spoil(name, column, 5, 3 if COMPILED else 1)
        out = rig.play()
        assert np.isfinite(out).all(), f"{name} {column or ''}"
        assert np.abs(out).max() < LOUDEST, f"{name} {column or ''}"
