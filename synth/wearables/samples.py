"""Timed samples with a quality: the one form in which every source hands over what a sensor said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

EEG_SITES = ("tp9", "af7", "af8", "tp10", "fp1", "fp2", "o1", "o2")
EEG_BANDS = ("delta", "theta", "alpha", "beta", "gamma")
CHANNELS = {
    "hr": "bpm",
    "rr_ms": "ms, at the time of the beat that ends the interval",
    "eda": "uS",
    "temp": "degC",
    "acc": "g, length of the acceleration vector",
    "bvp": "arbitrary",
    "resp": "arbitrary, of a belt about the chest or belly",
    "resp_bpm": "breaths a minute, as a device tells it",
    **{f"eeg_{site}": "uV" for site in EEG_SITES},
    **{f"eeg_{band}": "log10 uV2, power of the band as a device tells it" for band in EEG_BANDS},
    "eeg_contact": "0..1, share of electrodes that touch, as a device tells it",
    "self_arousal": "-1..1, told by the person",
    "self_valence": "-1..1, told by the person",
    "feedback": "-1..1, how a person likes what is played",
}

REPORTS = ("self_arousal", "self_valence", "feedback")  # channels on which a person says something


@dataclass(frozen=True, slots=True)
class Samples:
    """A run of one channel: `t_s` seconds of session time, `value` in its unit, `quality` 0..1, all (n,) float64."""

    channel: str
    t_s: NDArray[np.float64]
    value: NDArray[np.float64]
    quality: NDArray[np.float64]

    @classmethod
    def of(cls, channel: str, t_s: object, value: object, quality: object = 1.0) -> Samples:
        """Samples from numbers or sequences; ValueError when lengths differ or the channel is unknown."""
        if channel not in CHANNELS:
            raise ValueError(f"no channel called {channel!r}: one of {', '.join(CHANNELS)}")
        t = np.atleast_1d(np.asarray(t_s, dtype=np.float64))
        v = np.atleast_1d(np.asarray(value, dtype=np.float64))
        if t.shape != v.shape or t.ndim != 1:
            raise ValueError(f"{channel}: {t.size} times but {v.size} values")
        return cls(channel, t, v, np.broadcast_to(np.asarray(quality, dtype=np.float64), t.shape))

    def __len__(self) -> int:
        return int(self.t_s.size)


class Source(Protocol):
    """Where a session takes recorded samples from: a Recording, or the samples kept in a record."""

    @property
    def meta(self) -> Mapping[str, object]:
        """What is known about it; "id" names it."""

    @property
    def repairs(self) -> Sequence[str]:
        """What was mended, in words."""

    def between(self, start_s: float, end_s: float) -> list[Samples]:
        """Samples with `start_s` <= t < `end_s`."""
