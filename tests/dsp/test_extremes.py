"""Every unit at the edges of what it may be given: sample rates, what is no number or far too large in its audio and in
each of its controls, nobody to play, and far more notes than voices. It stays finite and bounded, and is quiet again.

Units and what to give them are found by introspection: a class that renders, by the names of its parameters.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil

import numba
import numpy as np
import pytest
from scipy import signal

import synth.dsp
from synth.dsp.ambisonics import Place
from synth.dsp.dynamics import Compressor
from synth.dsp.grains import SETTINGS, grain_settings
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
QUIET = 1e-4

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
    "places": (Place(),),
    "ceiling_dbtp": -1.0,
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
    "slope_db": -3.0,
    "stretch": 1.0,
    "t60_s": 0.2,
    "threshold_db": -20.0,
    "tilt_db": 3.0,
}
LOUDNESS = {"amplitude", "gain"}  # of what sounds by itself
AUDIO = {"x", "send"}
UNITS = sorted(
    {
        c
        for info in pkgutil.iter_modules(synth.dsp.__path__)
        for name, c in vars(importlib.import_module(f"synth.dsp.{info.name}")).items()
        if inspect.isclass(c) and c.__module__.startswith("synth.dsp.") and hasattr(c, "render") and name[0] != "_"
    },
    key=lambda c: c.__name__,
)


def asked(cls):
    return inspect.signature(cls.render).parameters.keys() - {"self"}


def inputs(cls):
    """Names of what a unit is given a value of at a time."""
    for name in sorted(asked(cls) - {"quanta", "out"}):
        if name == "settings":
            yield from (f"settings[{column}]" for column in range(SETTINGS))
        else:
            yield "audio" if name in AUDIO else name


class Rig:
    """A unit with all it is given for `sound` quanta of sound and `tail` of silence."""

    def __init__(self, cls, rate, sound, tail, lanes=LANES):
        made = inspect.signature(cls).parameters
        given = MADE | {"sample_rate": rate, "voices": lanes, "partials": lanes}
        given["tables"] = tables(rate, saw) if "tables" in made else None
        self.unit = cls(**{name: given[name] for name in made if name in given})
        self.quanta, self.asked = sound + tail, asked(cls)
        self.abreast = "voices" in made  # a column a voice, or two rows
        shape = (self.quanta * QUANTUM, lanes) if self.abreast else (2, self.quanta * QUANTUM)
        self.audio = np.random.default_rng(1).normal(0.0, 0.2, shape).astype(np.float32)
        self.quanta_of(self.audio, sound)[:] = 0.0
        self.controls = {}
        for name in self.asked - AUDIO - {"quanta", "out"}:
            if name == "settings":
                rows = grain_settings(self.quanta + 1, pitch=1.0 if "x" in self.asked else 330.0, delay_s=0.1)
                rows[sound:, 0] = 0.0
            else:
                assert name in SET, f"{cls.__name__}: say in SET what to give as {name}"
                width = (lanes,) if made.keys() & {"voices", "partials"} else ()
                rows = np.full((self.quanta + 1, *width), SET[name], np.float32)
                rows[sound:] *= name not in LOUDNESS
            self.controls[name] = rows

    def quanta_of(self, x, first, last=None):
        span = slice(first * QUANTUM, None if last is None else last * QUANTUM)
        return x[span] if self.abreast else x[:, span]

    def spoil(self, name, apart):
        """Put each of WILD into an input, from its third quantum on."""
        for i, wild in enumerate(WILD):
            q = 2 + i * apart
            if name == "audio":
                self.quanta_of(self.audio, q, q + 1)[(5, 0) if self.abreast else (i % 2, 5)] = wild
            elif name.startswith("settings"):
                self.controls["settings"][q, int(name[9:-1])] = wild
            else:
                self.controls[name][q] = wild

    def play(self):
        rows = getattr(self.unit, "channels", self.audio.shape[0])
        out = np.zeros(self.audio.shape if self.abreast else (rows, self.audio.shape[1]), np.float32)
        for start in range(0, self.quanta, BLOCK):
            count = min(BLOCK, self.quanta - start)
            given = {name: rows[start : start + count + 1] for name, rows in self.controls.items()}
            piece = np.ascontiguousarray(self.quanta_of(self.audio, start, start + count))
            given |= {
                "quanta": count,
                "x": piece,
                "send": piece,
                "out": np.zeros_like(self.quanta_of(out, start, start + count)),
            }
            with np.errstate(over="ignore", invalid="ignore"):  # as plain Python, NumPy would warn
                self.unit.render(**{name: given[name] for name in self.asked})
            self.quanta_of(out, start, start + count)[:] = given["out" if "out" in self.asked else "x"]
        return out


@functools.cache
def spared(cls, rate, sound, tail):
    """What a unit makes when nothing is spoilt."""
    return Rig(cls, rate, sound, tail).play()


def level(x):
    return np.sqrt((x.astype(float) ** 2).mean())


def test_every_unit_can_be_spoilt():
    assert len(UNITS) >= 19 and sum(len(list(inputs(cls))) for cls in UNITS) > 50


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("cls", UNITS, ids=lambda cls: cls.__name__)
def test_a_unit_sounds_at_any_rate_and_ends(cls, rate):
    sound, tail = (round(0.3 * rate / QUANTUM), round(2.0 * rate / QUANTUM)) if COMPILED else (12, 2)
    rig = Rig(cls, rate, sound, tail)
    out = rig.play()
    assert np.isfinite(out).all() and np.abs(out).max() < LOUDEST
    if COMPILED:
        assert np.abs(rig.quanta_of(out, sound // 2, sound)).max() > 1e-3
        assert np.abs(rig.quanta_of(out, sound + tail - 4)).max() < QUIET


@pytest.mark.parametrize(
    "cls, name",
    [pytest.param(cls, name, id=f"{cls.__name__}-{name}") for cls in UNITS for name in inputs(cls)],
)
def test_what_is_no_number_does_no_lasting_harm(cls, name):
    """Each of WILD in an input: finite, bounded, in the end as loud as without it, and then quiet."""
    rate = RATES[0]
    sound, tail, apart = (round(0.5 * rate / QUANTUM), round(1.5 * rate / QUANTUM), 4) if COMPILED else (9, 2, 1)
    rig = Rig(cls, rate, sound, tail)
    rig.spoil(name, apart)
    out = rig.play()
    assert np.isfinite(out).all()
    assert np.abs(out).max() < LOUDEST
    if COMPILED:
        after, wanted = (level(rig.quanta_of(y, sound - 30, sound)) for y in (out, spared(cls, rate, sound, tail)))
        assert abs(20.0 * np.log10(after / wanted)) < 3.0
        assert np.abs(rig.quanta_of(out, sound + tail - 4)).max() < QUIET


@pytest.mark.parametrize(
    "cls", [cls for cls in UNITS if {"voices", "partials"} & inspect.signature(cls).parameters.keys()]
)
def test_nobody_is_silent(cls):
    """No columns at all."""
    out = Rig(cls, RATES[0], 3, 0, 0).play()
    assert not out.any()


@pytest.mark.parametrize("rate", RATES)
def test_gains_stay_gains(rate):
    """Of what limits and compresses, whatever it hears."""
    loud = np.random.default_rng(2).normal(0.0, 3.0, (2, 40 * QUANTUM)).astype(np.float32)
    loud[0, 70 : 70 + 5 * 300 : 300] = WILD
    loud[:, 30 * QUANTUM :] = 0.0
    limiter, compressor, gain = Limiter(rate, -1.0), Compressor(rate, -20.0), np.zeros(QUANTUM, np.float32)
    for n in range(0, 20 * QUANTUM, QUANTUM):
        for unit in (limiter, compressor):
            quantum = np.ascontiguousarray(loud[:, n : n + QUANTUM])
            with np.errstate(over="ignore", invalid="ignore"):
                unit.gain(quantum, gain) if unit is limiter else unit.gain(quantum, 1, gain)
            assert np.isfinite(gain).all() and gain.min() > -1e-30 and gain.max() <= 1.0


@pytest.mark.parametrize("rate", RATES)
def test_drift_stays_near(rate):
    unit = Drift(rate, LANES, 1)
    for _ in range(200):
        unit.step()
    assert np.abs([unit.pitch_oct * 1200.0, unit.gain_db * 4.0, unit.corner_oct * 30.0]).max() < 12.0


BANKS = {
    "modal": (
        lambda rate, voices: ModalBank(rate, voices, 2),
        lambda bank, frame, hz: bank.strike(frame, [hz, 2.7 * hz], [0.1, 0.02], [0.4, 0.2], rise_s=0.004),
    ),
    "string": (
        lambda rate, voices: StringBank(rate, voices, 50.0),
        lambda bank, frame, hz: bank.pluck(frame, hz, pluck(bank.sample_rate), 0.4, 0.2),
    ),
}


def pluck(rate):
    """8 ms up and 8 ms down again: no corner."""
    half = 0.1 * np.hanning(round(0.008 * rate))
    return np.concatenate((half, -half))


def struck(kind, rate, voices, frames, seconds):
    """(2, frames) of notes at `frames`, and how many of them got a voice."""
    made, strike = BANKS[kind]
    bank, draw = made(rate, voices), np.random.default_rng(4)
    pitches, taken = draw.uniform(60.0, 150.0, len(frames)), 0
    pieces = []
    for start in range(0, round(seconds * rate), BLOCK * QUANTUM):
        out = np.zeros((2, BLOCK * QUANTUM), np.float32)
        bank.begin(out)
        for frame, hz in zip(frames, pitches, strict=True):
            if start <= frame < start + BLOCK * QUANTUM:
                taken += strike(bank, int(frame), hz) is not None
        bank.play(start + BLOCK * QUANTUM)
        pieces.append(out)
    assert bank.sounding == 0 or not COMPILED
    return np.concatenate(pieces, axis=1).astype(float), taken


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("kind", BANKS)
def test_stealing_does_not_click(kind, rate):
    """Two voices for low notes 20 ms apart make no larger step than a voice for each (1.2 times), and no more of what
    lies above 2 kHz, where a click would be (1.5 times; a fade of 3 ms in place of 8 would make twice as much)."""
    many, seconds = (25, 2.0) if COMPILED else (5, 0.13)
    frames = (np.arange(many) * 0.02 * rate).astype(int) + 37
    stolen, taken = struck(kind, rate, 2, frames, seconds)
    whole, all_taken = struck(kind, rate, many, frames, seconds)
    assert taken == all_taken == many
    assert np.abs(stolen - whole).max() > 0.03  # notes have been cut short
    assert np.abs(np.diff(stolen)).max() < 1.2 * np.abs(np.diff(whole)).max()
    high = signal.butter(4, 2000.0, "high", fs=rate, output="sos")
    assert np.abs(signal.sosfilt(high, stolen)).max() < 1.5 * np.abs(signal.sosfilt(high, whole)).max()


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("kind", BANKS)
def test_far_too_many_notes_are_bounded_and_end(kind, rate):
    """Thousands in a second: those for which even the spare voices are taken are left out."""
    many, voices = (3000, 8) if COMPILED else (60, 2)
    frames = np.sort(np.random.default_rng(5).integers(0, rate if COMPILED else rate // 50, many))
    out, taken = struck(kind, rate, voices, frames, 3.0 if COMPILED else 0.05)
    assert 0 < taken < many
    assert np.isfinite(out).all() and 0.01 < np.abs(out).max() < 0.3 * (voices + SPARE_SLOTS)
    assert not COMPILED or not out[:, -QUANTUM:].any()


@pytest.mark.parametrize("kind", BANKS)
def test_no_notes_are_silent(kind):
    assert not struck(kind, RATES[0], 4, [], 0.2)[0].any()
