"""What the mix is delivered to: linear filters and a gain before the master, alike for every stem and for their sum.

So the master's loudness and true peak hold for what is delivered, and the stems still sum to it. A profile filters the
middle (L + R) / 2 of each stem and its side (L - R) / 2, so that left and right are treated alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.instruments.base import QUANTUM, Buffer

Section = tuple[float, float, float, float, float]  # b0 b1 b2 a1 a2

FLUSH, WILD = 1e-15, 1e9
HALF = 0.5
CROSSFEED_HZ, CROSSFEED_DB = 700.0, -9.5  # what an ear gets of the other side, at low frequencies against its own


@dataclass(frozen=True, slots=True)
class HighPass:
    """Second order, -3 dB at `hz`, with a peak of `q` there."""

    hz: float
    q: float = math.sqrt(0.5)

    def section(self, sample_rate: int) -> Section:
        """Bilinear, its corner where it says."""
        g, a0 = _second(self.hz, self.q, sample_rate)
        return 1.0 / a0, -2.0 / a0, 1.0 / a0, 2.0 * (g * g - 1.0) / a0, (1.0 - g / self.q + g * g) / a0


@dataclass(frozen=True, slots=True)
class LowPass:
    """Second order, -3 dB at `hz`, with a peak of `q` there."""

    hz: float
    q: float = math.sqrt(0.5)

    def section(self, sample_rate: int) -> Section:
        """Bilinear, its corner where it says."""
        g, a0 = _second(self.hz, self.q, sample_rate)
        b0 = g * g / a0
        return b0, 2.0 * b0, b0, 2.0 * (g * g - 1.0) / a0, (1.0 - g / self.q + g * g) / a0


@dataclass(frozen=True, slots=True)
class Shelf:
    """First order: `low` and `high` are the gains far below and above the pole at `hz`."""

    hz: float
    low: float
    high: float

    def section(self, sample_rate: int) -> Section:
        """Bilinear, its corner where it says."""
        g = math.tan(math.pi * self.hz / sample_rate)
        return (
            (self.high + g * self.low) / (1.0 + g),
            (g * self.low - self.high) / (1.0 + g),
            0.0,
            (g - 1.0) / (1.0 + g),
            0.0,
        )


def _second(hz: float, q: float, sample_rate: int) -> tuple[float, float]:
    g = math.tan(math.pi * hz / sample_rate)
    return g, 1.0 + g / q + g * g


def _db(db: float) -> float:
    return float(10.0 ** (db / 20.0))


Filter = HighPass | LowPass | Shelf


@dataclass(frozen=True, slots=True)
class Profile:
    """A kind of device: `both` filters middle and side, `side_only` the side, which keeps `width` of itself.

    `gain_db` makes up for what the filters take, `constraints` are sentences that hold with it, and with `shakes` it is
    for what is felt, not heard.
    """

    words: str
    both: tuple[Filter, ...] = ()
    side_only: tuple[Filter, ...] = ()
    width: float = 1.0
    gain_db: float = 0.0
    constraints: tuple[str, ...] = ()
    shakes: bool = False


def _crossfeed() -> Shelf:
    """Each side gets the other through a one-pole low-pass C, and of its own what is left, 1 - C: the middle stays as
    it is and the side becomes 1 - 2 C (Bauer, "Stereophonic earphones and binaural loudspeakers", JAES 9(2), 1961;
    Linkwitz, "Improved headphone listening", Audio, December 1971)."""
    share = 1.0 / (1.0 + _db(-CROSSFEED_DB))
    return Shelf(CROSSFEED_HZ, 1.0 - 2.0 * share, 1.0)


# A fourth order of Butterworth is two sections of these.
_Q4 = (0.54119610, 1.30656296)

PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "headphones": Profile(
            "each ear hears a little of the other side, under 700 Hz", side_only=(_crossfeed(),), gain_db=0.4
        ),
        "phone": Profile("no lows, and narrow: it is nearly mono", (HighPass(150.0),), width=0.5, gain_db=1.9),
        "smart_speaker": Profile("mono, no deep lows", (HighPass(60.0),), width=0.0, gain_db=1.3),
        "hearing_aid": Profile(
            "150 Hz to 8 kHz, a little brighter, and even in loudness",
            (HighPass(150.0), Shelf(1000.0, _db(-2.0), _db(2.0)), LowPass(8000.0)),
            gain_db=1.6,
            constraints=("dynamic_range_lu at most 4",),
        ),
        "tactile": Profile(
            "mono under 120 Hz, for what shakes",
            (HighPass(25.0), *(LowPass(120.0, q) for q in _Q4)),
            width=0.0,
            gain_db=8.0,
            shakes=True,
        ),
    }
)


@kernel
def _render(stems, count, premaster, quanta, sections, memory, z):  # type: ignore[no-untyped-def]
    """Filter `count` of `stems` (stems, 2, frames) and `premaster` (2, frames) in place.

    `z` (64, lanes) holds middle and side of each, the premaster's last; `sections` (sections, 5, lanes).
    """
    lanes = z.shape[1]
    for q in range(quanta):
        at = np.uint64(q * QUANTUM)
        for s in range(count):
            for n in range(np.uint64(QUANTUM)):
                left, right = np.float64(stems[s, 0, at + n]), np.float64(stems[s, 1, at + n])
                z[n, 2 * s], z[n, 2 * s + 1] = HALF * (left + right), HALF * (left - right)
        for n in range(np.uint64(QUANTUM)):
            left, right = np.float64(premaster[0, at + n]), np.float64(premaster[1, at + n])
            z[n, 2 * count], z[n, 2 * count + 1] = HALF * (left + right), HALF * (left - right)
        for k in range(sections.shape[0]):
            for n in range(QUANTUM):
                for v in range(lanes):
                    x = z[n, v]
                    y = sections[k, 0, v] * x + memory[k, 0, v]
                    memory[k, 0, v] = sections[k, 1, v] * x - sections[k, 3, v] * y + memory[k, 1, v]
                    memory[k, 1, v] = sections[k, 2, v] * x - sections[k, 4, v] * y
                    z[n, v] = y
            for v in range(lanes):
                held = abs(memory[k, 0, v]) + abs(memory[k, 1, v])
                if not FLUSH <= held < WILD:
                    memory[k, 0, v] = memory[k, 1, v] = 0.0
        for s in range(count):
            for n in range(np.uint64(QUANTUM)):
                stems[s, 0, at + n] = np.float32(z[n, 2 * s] + z[n, 2 * s + 1])
                stems[s, 1, at + n] = np.float32(z[n, 2 * s] - z[n, 2 * s + 1])
        for n in range(np.uint64(QUANTUM)):
            premaster[0, at + n] = np.float32(z[n, 2 * count] + z[n, 2 * count + 1])
            premaster[1, at + n] = np.float32(z[n, 2 * count] - z[n, 2 * count + 1])


class Delivery:
    """Filters `stems` stems and their sum as the profile called `name` has it (KeyError when there is none)."""

    def __init__(self, sample_rate: int, name: str, stems: int) -> None:
        profile = PROFILES[name]
        chains = [_chain(profile, side, sample_rate) for side in (False, True)]
        self._stems = stems
        self._sections = np.ascontiguousarray(np.tile(np.array(chains).transpose(1, 2, 0), (1, 1, stems + 1)))
        self._memory = np.zeros((len(chains[0]), 2, 2 * (stems + 1)))
        self._z = np.zeros((QUANTUM, 2 * (stems + 1)))

    def render(self, stems: NDArray[np.float32], premaster: Buffer, quanta: int) -> None:
        """Filter the first `quanta` quanta of the stems ((>= stems, 2, MAX_FRAMES)) and of `premaster`, in place."""
        _render(stems, self._stems, premaster, quanta, self._sections, self._memory, self._z)


def _chain(profile: Profile, side: bool, sample_rate: int) -> Sequence[Section]:
    """The sections of one path, with its gain in the first; both paths have as many."""
    gain = _db(profile.gain_db) * (profile.width if side else 1.0)
    through: Section = (1.0, 0.0, 0.0, 0.0, 0.0)
    own = [f.section(sample_rate) if side else through for f in profile.side_only]
    b0, b1, b2, a1, a2 = through
    return [(gain * b0, gain * b1, gain * b2, a1, a2), *own, *(f.section(sample_rate) for f in profile.both)]
