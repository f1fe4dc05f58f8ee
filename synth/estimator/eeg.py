"""Band powers of the EEG over the sites that touch, from raw samples or as a device tells them.

Welch's method (1967) on Hann windows of 2 s, one a second, averaged over the last eight; the classic bands, gamma
only to 44 Hz, clear of the mains. A window is left out when its site does not touch (flat, wild, or mostly mains) or
the eye blinks in it (over 100 uV, a common limit in event-related work: Luck 2014, chapter 6). A band is told as log10
uV2, as headbands do, by the median over sites.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.estimator.spectrum import Floats, band_power, density

BANDS = ("delta", "theta", "alpha", "beta", "gamma")
EDGES_HZ = (1.0, 4.0, 8.0, 13.0, 30.0, 44.0)
RATE_RANGE_HZ = (100.0, 1100.0)  # of a sensor that can show gamma
WINDOW_S = 2.0
EVERY_S = 0.9  # a window a second, also for ticks that come a little early
WINDOWS = 8
LEAST_WINDOWS = 2
WAIT_S = 1.5  # for samples, until a window is no longer of now
FORGET_S = 10.0
HELD = 4096  # samples a site
GAP_S = 0.1  # longer without a sample is a gap; radio stamps stray by a few samples

FLAT_UV = 0.5  # deviation under that of any head
WILD_UV = 200.0  # deviation of an electrode that does not touch
BLINK_UV = 100.0
MAINS_HZ = (48.0, 52.0, 58.0, 62.0)
MAINS_SHARE = 0.7  # of the power from 1 Hz
LARGEST_UV = 1e5
FLOOR_UV2 = 1e-6


@dataclass(frozen=True, slots=True)
class Brain:
    """Power of each band in log10 uV2 (0 is 1 uV2), None where not known; `contact` 0..1, how far the electrodes
    touch; `sites` whose raw samples the powers are made of, 0 when a device told them."""

    delta: float | None = None
    theta: float | None = None
    alpha: float | None = None
    beta: float | None = None
    gamma: float | None = None
    contact: float | None = None
    sites: int = 0


def touches(windows: Floats, hz: Floats, power: Floats) -> NDArray[np.bool_]:
    """Which `windows` (m, n) uV with densities `power` (m, k) at `hz` (k,) come from a site that touches, (m,)."""
    deviation = windows.std(axis=-1)
    mains = ((hz >= MAINS_HZ[0]) & (hz <= MAINS_HZ[1])) | ((hz >= MAINS_HZ[2]) & (hz <= MAINS_HZ[3]))
    hum = power[:, mains].sum(axis=-1) > MAINS_SHARE * power[:, hz >= EDGES_HZ[0]].sum(axis=-1)
    return (deviation >= FLAT_UV) & (deviation <= WILD_UV) & ~hum


class Site:
    """One electrode: its latest samples and what the last windows said."""

    def __init__(self) -> None:
        self.heard_s = -math.inf
        self.touched: deque[bool] = deque(maxlen=WINDOWS)
        self.powers: deque[tuple[float, Floats]] = deque(maxlen=WINDOWS)  # time s and uV2 of each band
        self._t: Floats = np.empty(0)
        self._uv: Floats = np.empty(0)
        self._window_s = -math.inf

    def add(self, t_s: Floats, uv: Floats, quality: ArrayLike = 1.0) -> None:
        """The next samples (n,) in order of time; what is no number or said to be bad is no contact."""
        good = (np.asarray(quality, dtype=np.float64) >= 0.5) & (np.abs(uv) < LARGEST_UV)
        t = np.concatenate((self._t, t_s))[-HELD:]
        x = np.concatenate((self._uv, np.where(good, uv, np.nan)))[-HELD:]
        if t.size:
            self.heard_s = float(t[-1])
            recent = t > self.heard_s - WINDOW_S - 0.5
            self._t, self._uv = t[recent], x[recent]

    def window(self, now_s: float) -> tuple[float, Floats] | None:
        """Rate in Hz and samples (n,) of the last two seconds, once a second; None with gaps or nothing new."""
        if self._t.size < 2 or now_s - self.heard_s > WAIT_S or self.heard_s < self._window_s + EVERY_S:
            return None
        span_s = float(self._t[-1] - self._t[0])
        rate_hz = (self._t.size - 1) / max(span_s, 1e-9)
        n = round(WINDOW_S * rate_hz)
        if not RATE_RANGE_HZ[0] <= rate_hz <= RATE_RANGE_HZ[1] or n > self._t.size:
            return None
        if float(np.diff(self._t[-n:]).max()) > GAP_S:
            return None
        self._window_s = self.heard_s
        return rate_hz, self._uv[-n:]

    def forget(self, before_s: float) -> None:
        """Let go of windows older than `before_s`."""
        while self.powers and self.powers[0][0] < before_s:
            self.powers.popleft()


class Eeg:
    """The EEG channels: raw sites (`eeg_tp9` ...), bands (`eeg_alpha` ...) and `eeg_contact` told by a device."""

    def __init__(self) -> None:
        self._sites: dict[str, Site] = {}
        self._told: dict[str, tuple[float, float]] = {}

    def add(self, channel: str, t_s: Floats, value: Floats, quality: ArrayLike = 1.0) -> None:
        """The next samples (n,) of a channel in order of time: uV, log10 uV2 of a band, or 0..1 of contact."""
        name = channel.removeprefix("eeg_")
        if name not in BANDS and name != "contact":
            self._sites.setdefault(name, Site()).add(t_s, value, quality)
            return
        good = np.flatnonzero((np.asarray(quality, dtype=np.float64) >= 0.5) & (np.abs(value) < 100.0))
        if good.size:
            self._told[name] = (float(t_s[good[-1]]), float(value[good[-1]]))

    def tick(self, now_s: float) -> Brain | None:
        """What is known at `now_s`, to be asked once a second; None when nothing was heard for ten seconds."""
        self._measure(now_s)
        live = [site for site in self._sites.values() if now_s - site.heard_s <= FORGET_S]
        told = {name: x for name, (t_s, x) in self._told.items() if now_s - t_s <= FORGET_S}
        contact = told.pop("contact", None)
        if live:
            contact = sum(sum(site.touched) / max(len(site.touched), 1) for site in live) / len(live)
        elif contact is not None:
            contact = min(max(contact, 0.0), 1.0)
        known = [site for site in live if len(site.powers) >= LEAST_WINDOWS and site.touched[-1]]
        if known:
            means = [np.add.reduce([uv2 for _, uv2 in site.powers]) / len(site.powers) for site in known]
            delta, theta, alpha, beta, gamma = np.log10(np.maximum(np.median(means, axis=0), FLOOR_UV2)).tolist()
            return Brain(delta, theta, alpha, beta, gamma, contact, len(known))
        if not told and contact is None:
            return None
        delta, theta, alpha, beta, gamma = (told.get(band) for band in BANDS)
        return Brain(delta, theta, alpha, beta, gamma, contact)

    def _measure(self, now_s: float) -> None:
        """Take the new windows of all sites, those of equal length at once."""
        alike: dict[int, list[tuple[Site, float, Floats]]] = {}
        for site in self._sites.values():
            site.forget(now_s - FORGET_S)
            found = site.window(now_s)
            if found is not None:
                alike.setdefault(found[1].size, []).append((site, *found))
        for group in alike.values():
            windows = np.array([uv for _, _, uv in group])
            windows[np.isnan(windows).any(axis=-1)] = 0.0  # flat, so no contact
            windows -= windows.mean(axis=-1, keepdims=True)
            hz, power = density(windows, group[0][1])
            touch = touches(windows, hz, power)
            calm = touch & (np.abs(windows).max(axis=-1) <= BLINK_UV)
            bands = band_power(hz, power, EDGES_HZ)
            for (site, _, _), touched, use, uv2 in zip(group, touch.tolist(), calm.tolist(), bands, strict=True):
                site.touched.append(touched)
                if use:
                    site.powers.append((now_s, uv2))
