"""The attack rule, measured on what leaves: with another filter, another envelope, and no code of the guard's."""

from __future__ import annotations

from dataclasses import replace

import heard
import numpy as np
import pytest
from numpy.typing import NDArray

from synth.controls import COLUMN, CONTROLS, EDGE_COLUMNS, FADE
from synth.mix import Master
from synth.safety.limits import PROFILES, limits
from synth.safety.output import OutputGuard, OutputLimits

RATE = 48000
BLOCK = 4096
KINDS = ("noise", "1 kHz", "bass", "square", "click")


def short_level(mix: NDArray[np.floating]) -> NDArray[np.float64]:
    """Level of 20 ms in LUFS, every millisecond, of (2, frames)."""
    return heard.level_lufs(mix.T, 0.020, 0.001)


def attacks(mix: NDArray[np.floating], programme_lufs: float) -> NDArray[np.float64]:
    """Time in s, dB by which it stands out and rise time in ms of every attack in (2, frames)."""
    return heard.attacks(mix.T, programme_lufs)


def at_lufs(x: NDArray[np.float64], lufs: float) -> NDArray[np.float64]:
    """`x` at a loudness, from its mean."""
    power = np.mean(10.0 ** (short_level(x)[200:] / 10.0))
    return x * 10.0 ** (lufs / 20.0) / np.sqrt(power)


def sound(kind: str, lufs: float, frames: int, seed: int = 0) -> NDArray[np.float64]:
    t = np.arange(RATE) / RATE
    waves = {"1 kHz": np.sin(2 * np.pi * 1000 * t), "bass": np.sin(2 * np.pi * 70 * t),
             "square": np.sign(np.sin(2 * np.pi * 100 * t) + 1e-9)}  # fmt: skip
    if kind in waves:
        x = np.tile(waves[kind], (2, 1))
    else:
        x = np.random.default_rng(seed).normal(size=(2, RATE))
    return np.tile(at_lufs(x, lufs), (1, -(-frames // RATE)))[:, :frames]


def bursts(kind: str, programme_lufs: float, bed_lu: float, seconds: float = 0.25) -> NDArray[np.float32]:
    """A bed at `bed_lu` re programme, out of which bursts at programme +6 LU start at once, anywhere in a quantum."""
    x = sound("noise", programme_lufs + bed_lu, 9 * RATE // BLOCK * BLOCK, seed=3)
    length = round((0.012 if kind == "click" else seconds) * RATE)
    for at in (6.0 * RATE + 17, 7.4 * RATE + 40, 8.3 * RATE + 5):
        x[:, int(at) : int(at) + length] += sound(kind, programme_lufs + 6.0 + 8.0 * (kind == "click"), length)
    return x.astype(np.float32)


def guarded(x: NDArray[np.float32], profile: str) -> NDArray[np.float32]:
    guard, out = OutputGuard(RATE, limits(profile)), x.copy()
    for start in range(0, x.shape[1], BLOCK):
        block = np.ascontiguousarray(x[:, start : start + BLOCK])
        guard.render(block, np.ones(BLOCK, np.float32), BLOCK // 64)
        out[:, start : start + BLOCK] = block
    return out


def mastered(
    x: NDArray[np.float32], profile: str, guard: bool = True, bounds: OutputLimits | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mix and gain of `x` behind a master that holds the programme, and the output guard."""
    table = limits(profile)
    master, last = Master(RATE, bounds or OutputLimits.of(table)), OutputGuard(RATE, table)
    edges = np.zeros((BLOCK // 64 + 1, EDGE_COLUMNS), np.float32)
    edges[:, : len(CONTROLS)] = [c.default for c in CONTROLS]
    edges[:, COLUMN["loudness_lufs"]], edges[:, FADE] = table["programme_lufs"], 1.0
    mix, gain = np.zeros_like(x), np.zeros(x.shape[1], np.float32)
    for start in range(0, x.shape[1], BLOCK):
        made, delayed = np.zeros((2, BLOCK), np.float32), np.zeros((2, BLOCK), np.float32)
        gains, block = np.zeros(BLOCK, np.float32), np.ascontiguousarray(x[:, start : start + BLOCK])
        master.render(block, edges, BLOCK // 64, delayed, gains, made)
        if guard:
            last.render(made, gains, BLOCK // 64)
        mix[:, start : start + BLOCK], gain[start : start + BLOCK] = made, gains
    return mix, gain


@pytest.mark.parametrize("ms", [25.0, 80.0])
def test_the_measure_reads_a_known_ramp(ms):
    """A linear ramp that takes 10 to 90 % of `ms` reads so, the window adding to it as squares."""
    x = sound("1 kHz", -20.0, RATE)
    ramp = np.clip((np.arange(RATE) - RATE // 2) / (ms / 0.8 * RATE / 1000.0), 0.001, 1.0)
    ((_, rise_db, read_ms),) = attacks(x * ramp, -20.0)
    assert rise_db == pytest.approx(60.0, abs=3.0) and read_ms == pytest.approx(np.hypot(ms, 18.0), rel=0.12)
    assert not attacks(x * ramp * 0.2, -20.0).size, "under the programme less 12 LU it does not count"


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("kind", KINDS)
def test_no_sudden_attack_leaves_the_guard(kind, profile):
    """At programme +6 LU, out of what is 36, 21 and 11 LU softer. Without the rule all are sudden."""
    table = limits(profile)
    programme, least_ms = table["programme_lufs"], table["attack_ms"]
    for bed_lu in (-30.0, -15.0, -8.0):
        x = bursts(kind, programme, bed_lu)
        came, left = attacks(x[:, 5 * RATE :], programme), attacks(guarded(x, profile)[:, 5 * RATE :], programme)
        assert len(came) >= 3 and came[:, 2].min() < 21.0
        assert not (left[:, 2] < least_ms).any()


@pytest.mark.parametrize("profile", ["default", "sensitive"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_master_softens_attacks_so_that_the_guard_need_not(kind, profile):
    table = limits(profile)
    programme, least_ms = table["programme_lufs"], table["attack_ms"]
    x = bursts(kind, programme, -8.0, seconds=0.06)
    mix = mastered(x, profile)[0]
    alone, its_gain = mastered(x, profile, guard=False)
    assert attacks(x[:, 5 * RATE :], programme)[:, 2].min() < 21.0
    for left in (mix, alone):
        assert not (attacks(left[:, 5 * RATE :], programme)[:, 2] < least_ms).any()
    steps_db = np.abs(np.diff(20.0 * np.log10(its_gain[5 * RATE :].astype(np.float64))))
    assert steps_db.max() < 0.2, "no step"


def test_a_strike_that_stands_out_a_little_passes_untouched():
    """5 dB over what sounds, at once."""
    x = sound("noise", -28.0, 9 * RATE // BLOCK * BLOCK)
    struck = x.copy()
    struck[:, 7 * RATE : 7 * RATE + RATE // 4] *= 10.0 ** (5.0 / 20.0)
    for guard in (True, False):
        gain = mastered(struck.astype(np.float32), "default", guard)[1][round(6.9 * RATE) : round(7.2 * RATE)]
        assert np.ptp(20.0 * np.log10(gain.astype(np.float64))) < 1.0  # the leveller's own ride


def test_the_level_comes_back_from_an_attack_along_a_line():
    """After the first 6 dB at once it goes up by about as much in each further attack time, without a jump."""
    x = sound("noise", -45.0, 9 * RATE // BLOCK * BLOCK).astype(np.float32)
    x[:, 7 * RATE :] *= np.float32(10.0 ** (16.0 / 20.0))
    any_rise = replace(OutputLimits.of(limits("default")), rise_lu=200.0)
    level = short_level(mastered(x, "default", False, any_rise)[0][:, round(6.9 * RATE) : round(7.4 * RATE)])
    assert (level[25:] - level[:-25]).max() < 9.0
    assert level[130:160].mean() < level[:90].mean() + 12.0 < level[300:].mean()
    assert np.diff(level[110:]).max() < 2.0
