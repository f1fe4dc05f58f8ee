"""EEG: band powers against SciPy, eyes closed against open, contact, and what a device tells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import signal

from synth.estimator.eeg import BANDS, Brain, Eeg

RECORDINGS = np.load(Path(__file__).parent / "data" / "recordings.npz")
EDGES_HZ = (1.0, 4.0, 8.0, 13.0, 30.0, 44.0)
BITALINO_UV = 3.3e6 / 40000 / 1024  # a count of its 10-bit converter behind a gain of 40 000
Array = NDArray[np.float64]


def head(seconds: float, rate_hz: float = 256.0, alpha_uv: float = 8.0, seed: int = 1) -> tuple[Array, Array]:
    """Pink background of about 8 uV and an alpha rhythm that comes in bursts."""
    rng = np.random.default_rng(seed)
    n = int(seconds * rate_hz)
    t = np.arange(n) / rate_hz
    spectrum = np.fft.rfft(rng.normal(0, 1, n)) / np.sqrt(np.maximum(np.arange(n // 2 + 1), 1) / seconds + 0.5)
    background = np.fft.irfft(spectrum, n)
    burst = 0.5 + 0.5 * np.sin(2 * np.pi * 0.3 * t)
    return t, 8.0 * background / background.std() + alpha_uv * burst * np.sin(2 * np.pi * 10.0 * t)


def fed(sites: dict[str, tuple[Array, Array]], quality: float = 1.0) -> tuple[list[Brain | None], Eeg]:
    """What is known each second."""
    eeg, told = Eeg(), []
    end_s = int(np.ceil(max(t[-1] for t, _ in sites.values())))
    for second in range(end_s):
        for name, (t, uv) in sites.items():
            due = (t >= second) & (t < second + 1)
            eeg.add(name, t[due], uv[due], np.full(int(due.sum()), quality))
        told.append(eeg.tick(second + 1.0))
    return told, eeg


def powers(brain: Brain | None) -> Array:
    assert brain is not None
    return np.array([getattr(brain, band) for band in BANDS], dtype=np.float64)


@pytest.mark.parametrize("rate_hz", [128.0, 200.0, 256.0, 512.0])
def test_the_powers_are_those_of_scipys_welch(rate_hz: float) -> None:
    t, uv = head(9.0, rate_hz)
    told, _ = fed({"eeg_af7": (t, uv)})
    n = int(2 * rate_hz)
    hz, density = signal.welch(uv, rate_hz, "hann", n, n // 2)
    for band, lo, hi in zip(BANDS, EDGES_HZ[:-1], EDGES_HZ[1:], strict=True):
        inside = (hz >= lo) & (hz <= hi)
        expected = np.log10(np.trapezoid(density[inside], hz[inside]))
        assert getattr(told[-1], band) == pytest.approx(expected, abs=0.002)


def test_alpha_bursts_show_in_alpha_alone() -> None:
    calm, _ = fed({"eeg_o1": head(12.0, alpha_uv=0.0)})
    bursting, _ = fed({"eeg_o1": head(12.0, alpha_uv=12.0)})
    rise = powers(bursting[-1]) - powers(calm[-1])
    assert rise[2] > 0.8
    assert np.abs(rise[[0, 1, 3, 4]]).max() < 0.15


def test_recorded_alpha_is_larger_with_the_eyes_closed() -> None:
    medians = {}
    for name in ("eeg_closed", "eeg_open"):
        uv = RECORDINGS[name] * BITALINO_UV
        told, _ = fed({"eeg_o1": (np.arange(uv.size) / 125.0, uv)})
        medians[name] = np.median([powers(each) for each in told[5:] if each and each.alpha is not None], axis=0)
        assert told[-1] is not None and told[-1].contact > 0.9
    assert medians["eeg_closed"][2] > medians["eeg_open"][2] + 0.2


def test_sites_are_told_by_their_median() -> None:
    t, uv = head(8.0)
    sites = {name: (t, gain * uv) for name, gain in (("eeg_af7", 1.0), ("eeg_af8", 2.0), ("eeg_tp9", 4.0))}
    middle, _ = fed({"eeg_af8": sites["eeg_af8"]})
    told, _ = fed(sites)
    np.testing.assert_allclose(powers(told[-1]), powers(middle[-1]))
    assert told[-1] is not None and told[-1].sites == 3 and told[-1].contact == 1.0


@pytest.mark.parametrize("fault", ["flat", "wild", "mains 50", "mains 60", "said to be bad"])
def test_a_site_that_does_not_touch_is_left_out(fault: str) -> None:
    t, uv = head(10.0)
    bad = {
        "flat": np.zeros(t.size),
        "wild": np.random.default_rng(2).normal(0, 300, t.size),
        "mains 50": uv + 60.0 * np.sin(2 * np.pi * 50.0 * t),
        "mains 60": uv + 60.0 * np.sin(2 * np.pi * 60.0 * t),
        "said to be bad": np.full(t.size, np.nan),
    }[fault]
    alone, _ = fed({"eeg_af7": (t, uv)})
    told, _ = fed({"eeg_af7": (t, uv), "eeg_af8": (t, bad)})
    np.testing.assert_allclose(powers(told[-1]), powers(alone[-1]))
    assert told[-1] is not None and (told[-1].sites, told[-1].contact) == (1, 0.5)
    nothing, _ = fed({"eeg_af8": (t, bad)})
    assert nothing[-1] == Brain(contact=0.0)


def test_a_site_that_comes_loose_is_left_out_at_once() -> None:
    t, uv = head(14.0)
    loose = np.where(t < 10.0, uv, np.random.default_rng(2).normal(0, 300, t.size))
    told, _ = fed({"eeg_af7": (t, uv), "eeg_af8": (t, loose)})
    assert [each.sites for each in told[8:12] if each] == [2, 2, 1, 1]
    assert told[-1] is not None and 0.5 < told[-1].contact < 1.0


def test_samples_of_no_quality_are_no_contact() -> None:
    told, _ = fed({"eeg_af7": head(8.0)}, quality=0.2)
    assert told[-1] == Brain(contact=0.0)


def test_blinks_are_left_out_of_powers_but_touch() -> None:
    t, uv = head(16.0)
    blinks = sum(180.0 * np.exp(-0.5 * ((t - moment) / 0.08) ** 2) for moment in (3.5, 7.5, 11.5))
    calm, _ = fed({"eeg_af7": (t, uv)})
    told, _ = fed({"eeg_af7": (t, uv + blinks)})
    assert told[-1] is not None and told[-1].contact == 1.0
    assert np.abs(powers(told[-1]) - powers(calm[-1])).max() < 0.3
    always, _ = fed({"eeg_af7": (t, uv + sum(180.0 * np.exp(-0.5 * ((t - k) / 0.08) ** 2) for k in range(17)))})
    assert always[-1] == Brain(contact=1.0)


def test_gaps_and_stray_stamps() -> None:
    t, uv = head(20.0)
    keep = ~((t > 8.5) & (t < 9.5))
    told, eeg = fed({"eeg_af7": (t[keep], uv[keep])})
    assert told[7] is not None and told[7].alpha is not None
    assert powers(told[-1])[2] == pytest.approx(powers(fed({"eeg_af7": (t, uv)})[0][-1])[2], abs=0.3)
    assert eeg.tick(31.0) is None
    stamped = np.repeat(t[::12], 12)[: t.size] + np.tile(np.arange(12) * 0.003, t.size // 12 + 1)[: t.size]
    strayed, _ = fed({"eeg_af7": (stamped, uv)})
    assert strayed[-1] is not None and strayed[-1].sites == 1
    assert np.abs(powers(strayed[-1]) - powers(fed({"eeg_af7": (t, uv)})[0][-1])).max() < 0.1


def test_too_slow_a_sensor_tells_nothing() -> None:
    t, uv = head(10.0, 64.0)
    told, _ = fed({"eeg_af7": (t, uv)})
    assert told[-1] == Brain(contact=0.0)


def test_what_a_device_tells_is_passed_on() -> None:
    eeg = Eeg()
    assert eeg.tick(0.0) is None
    eeg.add("eeg_alpha", np.array([0.5, 0.9]), np.array([0.7, 0.8]))
    eeg.add("eeg_theta", np.array([0.9]), np.array([np.nan]))
    eeg.add("eeg_contact", np.array([0.9]), np.array([1.4]))
    assert eeg.tick(1.0) == Brain(alpha=0.8, contact=1.0)
    assert eeg.tick(12.0) is None
    t, uv = head(4.0)
    eeg.add("eeg_tp9", t + 12.0, uv)
    eeg.add("eeg_alpha", np.array([16.0]), np.array([0.1]))
    known = eeg.tick(16.0)
    assert known is not None and known.alpha == 0.1 and known.contact == 1.0  # one window is too few


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.floats(), st.floats(), st.floats()), max_size=20),
    st.integers(0, 2**32 - 1),
    st.sampled_from([1.0, 60.0, 128.0, 256.0, 3000.0]),
)
def test_any_samples_give_powers_or_none(wild: list[tuple[float, float, float]], seed: int, rate_hz: float) -> None:
    rng = np.random.default_rng(seed)
    eeg = Eeg()
    t, uv, quality = np.array(wild, dtype=np.float64).reshape(-1, 3).T
    for name in ("eeg_tp9", "eeg_alpha", "eeg_contact"):
        eeg.add(name, t, uv, quality)
    eeg.tick(0.0)
    even_s = np.arange(int(4 * rate_hz)) / rate_hz
    for second in range(4):
        due = (even_s >= second) & (even_s < second + 1)
        eeg.add("eeg_af7", even_s[due], rng.choice([0.0, 1e5, -9e4, np.nan, np.inf, 1e-300, 5.0], int(due.sum())))
        known = eeg.tick(second + 1.0)
        if known is not None:
            assert known.contact is None or 0.0 <= known.contact <= 1.0
            values = [getattr(known, band) for band in BANDS]
            assert all(value is None or np.isfinite(value) for value in values)
