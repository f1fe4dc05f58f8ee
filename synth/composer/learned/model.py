"""How likely each next tone is: a gated recurrent network (Cho et al. 2014) with plain numpy.

The tones are read one by one into a hidden state. The time to the next tone is said first, from the state and what
`features` tells of the place; then the pitch, given that time. `bench/train_melody.py` trained it; `README.md` has
data, licence, figures and limits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.composer.learned import features
from synth.composer.learned.events import IOIS, WIDEST, Event, Metre, interval, ioi_class
from synth.composer.learned.features import INTERVALS, Past
from synth.resources import assets_folder

VERSION = 1
METRES = (3, 4, 6, 9, 12)
Numbers = NDArray[np.float64]
_DIGITS = 7  # of a probability: sums differ by machine beyond these


@dataclass(frozen=True)
class Chains:
    """First-order probabilities, for looking ahead.

    `times` (metre of METRES, quarter beat of the bar, of IOIS), `moves` (degree, of INTERVALS), `first` and `last`
    (degree) of a strain and of a phrase.
    """

    times: Numbers
    moves: Numbers
    first: Numbers
    last: Numbers


class Model:
    """The network's weights, by the names in `SHAPES`, and the chains."""

    def __init__(self, weights: Mapping[str, Any], chains: Chains) -> None:
        self.weights = {name: np.asarray(values, np.float64) for name, values in weights.items()}
        self.chains = chains

    @property
    def hidden(self) -> int:
        """Numbers in the state."""
        return int(self.weights["nh"].shape[0])


class Reader:
    """A strain being read: its past and the network's state."""

    def __init__(self, model: Model, past: Past) -> None:
        self.past = past
        self._w = model.weights
        self._h = np.zeros(model.hidden)

    def add(self, event: Event) -> None:
        """Read the next tone."""
        self.past.add(event)
        w, h = self._w, self._h
        x = np.array(features.read(self.past))
        gates = 1.0 / (1.0 + np.exp(-(x @ w["gx"] + h @ w["gh"] + w["gb"])))
        keep, reset = gates[: h.size], gates[h.size :]
        self._h = (1.0 - keep) * np.tanh(x @ w["nx"] + (reset * h) @ w["nh"] + w["nb"]) + keep * h

    def times(self, beat: float) -> list[float]:
        """Probability of each of `IOIS` from the tone at `beat` to the one after it."""
        return self._said("t", features.told(self.past, beat))

    def intervals(self, beat: float, ioi: float) -> list[float]:
        """Probability of each of `INTERVALS` from the last tone to that at `beat`, which lasts `ioi`."""
        told = features.told(self.past, beat) + features.told_pitch(self.past, beat, ioi)
        return self._said("p", told)

    def _said(self, head: str, told: list[float]) -> list[float]:
        w = self._w
        x = np.concatenate((self._h, told))
        z = np.maximum(x @ w[f"{head}1"] + w[f"{head}b"], 0.0) @ w[f"{head}2"]
        odds = np.exp(z - z.max())
        return [max(p, 0.1**_DIGITS) for p in np.round(odds / odds.sum(), _DIGITS).tolist()]


def surprise(model: Model, metre: Metre, air: bool, strain: Sequence[Event]) -> list[tuple[float, float]]:
    """Bits of (time, pitch) of each tone of a strain after the first."""
    reader, found = Reader(model, Past(metre, air)), []
    for event in strain:
        if reader.past.events:
            time = reader.times(event.beat)[ioi_class(event.ioi)]
            moved = interval(reader.past.events[-1].step, event.step) + WIDEST
            pitch = reader.intervals(event.beat, event.ioi)[moved]
            found.append((-math.log2(time), -math.log2(pitch)))
        reader.add(event)
    return found


def to_arrays(model: Model) -> dict[str, NDArray[Any]]:
    """The model as named arrays, weights in half precision."""
    arrays: dict[str, NDArray[Any]] = {"version": np.array(VERSION)}
    arrays |= {f"weights.{name}": values.astype(np.float16) for name, values in model.weights.items()}
    chains = model.chains
    for name in ("times", "moves", "first", "last"):
        arrays[f"chains.{name}"] = getattr(chains, name).astype(np.float32)
    return arrays


def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> Model:
    """The model that `to_arrays` wrote; raises ValueError for another version."""
    version = int(arrays["version"])
    if version != VERSION:
        raise ValueError(f"melody weights of version {version}, and this reads version {VERSION}")
    shapes = {
        "times": (len(METRES), 4 * max(METRES), len(IOIS)),
        "moves": (7, len(INTERVALS)),
        "first": (7,),
        "last": (7,),
    }
    chains = {name: np.asarray(arrays[f"chains.{name}"], np.float64) for name in shapes}
    for name, shape in shapes.items():
        if chains[name].shape != shape:
            raise ValueError(f"melody weights: {name} is {chains[name].shape}, not {shape}")
    names = ("gx", "gh", "gb", "nx", "nh", "nb", "t1", "tb", "t2", "p1", "pb", "p2")
    return Model({name: arrays[f"weights.{name}"] for name in names}, Chains(**chains))


@cache
def shipped() -> Model:
    """The model that ships."""
    with np.load(assets_folder() / "melodies" / "melody.npz") as arrays:
        return from_arrays(arrays)
