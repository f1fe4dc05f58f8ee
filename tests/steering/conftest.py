"""A loop without sound: steering, guard and bus, second by second, with a listener who may be simulated."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pytest

from synth.bus import Bus, Commit
from synth.controls import Request
from synth.estimator.state import State
from synth.preset import Preset, load_preset
from synth.safety.control_guard import ControlGuard
from synth.steering.steering import Steering

SECOND = 750  # quanta of 64 frames at 48 kHz
Listener = Callable[[float, dict[str, float]], State | None]


@dataclass
class Run:
    """What happened: committed values a second, requests and words with their times."""

    preset: Preset
    steering: Steering
    bus: Bus
    values: list[dict[str, float]] = field(default_factory=list)
    asked: list[tuple[int, Request]] = field(default_factory=list)
    commits: list[Commit] = field(default_factory=list)
    planned: list[tuple[float, float, float]] = field(default_factory=list)
    phases: list[str] = field(default_factory=list)
    words: list[tuple[int, str]] = field(default_factory=list)

    def go(self, seconds: int, listener: Listener | None = None, verbs: Iterable[str] = ()) -> Run:
        """`seconds` more; `verbs` are said before the first of them."""
        for verb in verbs:
            self.steering.say(verb)
        for t in range(len(self.values), len(self.values) + seconds):
            now = self.bus.values(t * SECOND)
            state = listener(float(t), now) if listener else None
            requests = self.steering.tick(float(t), state, now, self.bus.held)
            for name in self.steering.releases:
                self.bus.release(name)
            self.commits += [self.bus.request(request, t * SECOND) for request in requests]
            self.asked += [(t, request) for request in requests]
            self.values.append(now)
            self.planned.append(self.steering.planned)
            self.phases.append(self.steering.phase)
            self.words += [(t, text) for text in self.steering.words]
        return self

    def hand(self, control: str, value: float) -> None:
        """A person takes a control now."""
        self.bus.request(Request(control, value, "hand", "test"), len(self.values) * SECOND)

    def of(self, control: str) -> list[float]:
        """A control's committed value each second."""
        return [values[control] for values in self.values]

    def said(self, text: str) -> bool:
        """Whether some sentence holds `text`."""
        return any(text in words for _, words in self.words)


@pytest.fixture(scope="session")
def session():
    def session(preset: str | Preset, minutes: float | None = None, policy: str | None = None) -> Run:
        preset = load_preset(preset) if isinstance(preset, str) else preset
        seconds = None if minutes is None else minutes * 60.0
        bus = Bus(48_000, 64, ControlGuard(preset.profile), preset.controls)
        return Run(preset, Steering(preset, seconds, policy=policy), bus)

    return session
