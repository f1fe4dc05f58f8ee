"""Spatial sound of a session: its stems, each from where it belongs, as AmbiX or for headphones.

It is made of what the stems are in the mix, delayed and times its gain, padded down by `PADS`, and held under the
true-peak ceiling by a gain over time of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from synth.dsp.ambisonics import Encoder, Place
from synth.dsp.head import Head
from synth.dsp.headroom import Headroom
from synth.engine import Block
from synth.instruments.base import MAX_FRAMES, QUANTUM
from synth.preset import StemSetting

# Left stays left: what is behind is in front with its sides drawn round.
PLACES: Mapping[str, Place] = MappingProxyType(
    {
        "pad": Place(0.0, 12.0, 60.0),
        "bass": Place(0.0, 0.0, 10.0),
        "drone": Place(0.0, 0.0, 25.0),
        "melody": Place(0.0, 5.0, 20.0),
        "bells": Place(0.0, 45.0, 75.0),
        "percussion": Place(-35.0, 0.0, 15.0),
        "nature": Place(0.0, 15.0, 105.0),
        "texture": Place(0.0, 10.0, 140.0),
        "pulse": Place(30.0, 0.0, 15.0),
        "reverb": Place(0.0, 20.0, 90.0),
    }
)
KINDS = ("ambix", "binaural")
CHANNELS: Mapping[str, int] = MappingProxyType({"ambix": 4, "binaural": 2})
PADS: Mapping[str, float] = MappingProxyType({"ambix": 0.5, "binaural": 10.0 ** (-4.5 / 20.0)})
TOLD: Mapping[str, str] = MappingProxyType(
    {
        "ambix": "AmbiX: first order, channels W Y Z X (ACN), SN3D, 6 dB down: W + Y and W - Y are left and right",
        "binaural": "binaural, for headphones: spherical head of 87.5 mm, first reflections of a room",
    }
)


def places_of(stems: Mapping[str, StemSetting], names: Sequence[str]) -> tuple[Place, ...]:
    """Where the stems called `names` are: by their role, or where their settings in `stems` say."""
    places = []
    for name in names:
        place, setting = PLACES[name], stems.get(name)
        if setting is not None and setting.azimuth_deg is not None:
            place = replace(place, azimuth_deg=setting.azimuth_deg)
        if setting is not None and setting.elevation_deg is not None:
            place = replace(place, elevation_deg=setting.elevation_deg)
        places.append(place)
    return tuple(places)


class Spatial:
    """Renders stems at `places` as `kind` "ambix" (4 channels) or "binaural" (2), `latency_frames` late."""

    def __init__(self, sample_rate: int, places: Sequence[Place], kind: str, ceiling_dbtp: float = -3.0) -> None:
        self.kind, self.channels = kind, CHANNELS[kind]
        self._unit = (Encoder if kind == "ambix" else Head)(sample_rate, places)
        self.move = self._unit.move
        self._headroom = Headroom(sample_rate, ceiling_dbtp, self.channels)
        self.latency_frames = self._headroom.latency_frames
        self._pad = np.float32(PADS[kind])
        self._gain = np.zeros(MAX_FRAMES, np.float32)
        self._stems = np.zeros((len(places), 2, MAX_FRAMES), np.float32)

    def render(self, stems: NDArray[np.float32], gain: NDArray[np.float32], out: NDArray[np.float32]) -> None:
        """Overwrite `out` (channels, MAX_FRAMES), as far as `stems` (stems, 2, whole quanta) with their gain go."""
        frames = gain.shape[0]
        np.multiply(gain, self._pad, out=self._gain[:frames])
        with np.errstate(invalid="ignore", over="ignore"):  # what is no number becomes 0 behind
            np.multiply(stems, self._gain[:frames], out=self._stems[:, :, :frames])
        self._unit.render(self._stems.reshape(-1, MAX_FRAMES), frames // QUANTUM, out)
        self._headroom.render(out, frames // QUANTUM)


class Follower:
    """Renders a session's blocks as they come, and hands out as many frames as the mix has, in step with it."""

    def __init__(self, spatial: Spatial, skip: int) -> None:
        """`skip` frames of the blocks come before the first that is wanted."""
        self.kind = spatial.kind
        self._spatial = spatial
        self._skip = skip + spatial.latency_frames
        self._out = np.zeros((spatial.channels, MAX_FRAMES), np.float32)
        self._waiting = np.zeros((spatial.channels, 0), np.float32)
        self._owed = 0

    def add(self, block: Block) -> None:
        """Render a block of the session, which follows the last."""
        self._render(block.stems, block.gain)

    def take(self, frames: int) -> NDArray[np.float32]:
        """(n, channels): what there is of the frames asked for so far, of which these are `frames` more."""
        self._owed += frames
        taken = self._waiting[:, : self._owed]
        self._waiting = self._waiting[:, taken.shape[1] :]
        self._owed -= taken.shape[1]
        return taken.T

    def rest(self) -> NDArray[np.float32]:
        """What is still owed at the end."""
        silence = np.zeros((1, 2, MAX_FRAMES), np.float32)
        while self._waiting.shape[1] < self._owed:
            self._render(silence, silence[0, 0])
        return self.take(0)

    def _render(self, stems: NDArray[np.float32], gain: NDArray[np.float32]) -> None:
        self._spatial.render(stems, gain, self._out)
        made = self._out[:, : gain.shape[0]]
        self._waiting = np.concatenate((self._waiting, made[:, self._skip :]), axis=1)
        self._skip = max(0, self._skip - gain.shape[0])
