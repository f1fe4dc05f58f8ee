"""A simulated outside clock, and a session that follows it block by block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from synth import Session
from synth.control.clock.clock_follower import ClockFollower

Times = NDArray[np.float64]


class Heard(NamedTuple):
    """The beats of a session: when they begin, how fast they are, and what the follower said then."""

    start_s: Times
    bpm: Times
    words: list[str]

    def late_ms(self, ticks_s: Times, latency_s: float = 0.0, ratio: float = 1.0) -> Times:
        """How much later than the outside's beats, of 24 of its true `ticks_s` each, to the nearest."""
        beats = np.interp(self.start_s + latency_s, ticks_s, np.arange(ticks_s.size) / 24.0 * ratio, np.nan, np.nan)
        return ((beats + 0.5) % 1.0 - 0.5) * 60e3 / self.bpm

    def off_bpm(self, ticks_s: Times, ratio: float = 1.0) -> Times:
        """How much faster than the outside is then."""
        at = np.clip(np.searchsorted(ticks_s, self.start_s), 1, ticks_s.size - 1)
        return self.bpm - ratio * 2.5 / (ticks_s[at] - ticks_s[at - 1])

    def since(self, t_s: float) -> Heard:
        """The beats from then on."""
        first = int(np.searchsorted(self.start_s, t_s))
        return Heard(self.start_s[first:], self.bpm[first:], self.words[first:])


@pytest.fixture
def clock_ticks() -> Callable[..., Times]:
    """True times of the ticks of `beats` beats from `start_s`, at `bpm` or as it tells the tempo of a beat."""

    def ticks(bpm: float | Callable[[float], float], beats: int, start_s: float) -> Times:
        at = np.arange(beats * 24) / 24.0
        bpms = np.array([bpm(beat) for beat in at]) if callable(bpm) else np.full(at.size, bpm)
        return start_s + np.concatenate(([0.0], np.cumsum(2.5 / bpms)[:-1]))

    return ticks


@pytest.fixture
def jittered() -> Callable[..., Times]:
    """Ticks as they come in, 2 ms about their true times."""

    def jittered(ticks_s: Times, seed: int = 1, kind: str = "gaussian") -> Times:
        rng = np.random.default_rng(seed)
        noise = rng.normal(0.0, 2e-3, ticks_s.size) if kind == "gaussian" else rng.uniform(-2e-3, 2e-3, ticks_s.size)
        return np.maximum.accumulate(ticks_s + noise)

    return jittered


@pytest.fixture
def play() -> Callable[..., Heard]:
    """Render a session in blocks of 256 up to `until_s` while `follower` hears `ticks_s` and other `messages`."""

    def play(
        session: Session,
        follower: ClockFollower,
        ticks_s: Sequence[float] | Times,
        until_s: float,
        messages: Sequence[tuple[float, bytes]] = (),
        hands: Sequence[tuple[float, Callable[[], None]]] = (),
    ) -> Heard:
        coming = sorted([*((float(t), b"\xf8") for t in ticks_s), *messages], key=lambda one: one[0])
        asks = sorted(hands, key=lambda one: one[0])
        coming = coming[next((i for i, one in enumerate(coming) if one[0] > session.time_s), len(coming)) :]
        beats: list[tuple[float, float, str]] = []
        number, at, asked = -1, 0, 0
        while session.time_s < until_s:
            session.render(256)
            while at < len(coming) and coming[at][0] <= session.time_s:
                follower.message(coming[at][1], coming[at][0])
                at += 1
            while asked < len(asks) and asks[asked][0] <= session.time_s:
                asks[asked][1]()
                asked += 1
            follower.step(session)
            pulse = session.pulse
            if pulse.number != number:
                number = pulse.number
                beats.append((pulse.start_s, pulse.bpm, follower.words))
        starts, bpms, words = zip(*beats, strict=True)
        return Heard(np.array(starts), np.array(bpms), list(words))

    return play
