"""A session that only keeps what was asked of it."""

from __future__ import annotations

from typing import Any

import pytest

from synth.controls import TABLE, control, defaults


class AskedHands:
    """Hands whose controls go where they are asked at the rate of a person's hand, when `pass_s` lets time pass."""

    def __init__(self) -> None:
        self.controls = defaults()
        self.held: frozenset[str] = frozenset()
        self.calls: list[tuple[Any, ...]] = []
        self.targets: dict[str, float] = {}
        self.refused: frozenset[str] = frozenset()  # stems that cannot be played

    def request(self, name: str, value: float, by: str = "hand", reason: str = "asked for") -> None:
        self.targets[control(name).name] = TABLE[name].clamp(value)
        self.calls.append(("request", name, value, by, reason))

    def release(self, name: str) -> None:
        self.held -= {name}
        self.targets.pop(name, None)
        self.calls.append(("release", name))

    def verb(self, name: str) -> None:
        self.calls.append(("verb", name))

    def panic(self) -> None:
        self.calls.append(("panic",))

    def play(self, pitch: float, velocity: float, stem: str = "melody", by: str = "hand") -> None:
        if stem in self.refused and velocity:
            raise ValueError(f"{stem} cannot be played")
        self.calls.append(("play", pitch, velocity, stem, by))

    def pass_s(self, seconds: float) -> None:
        for name, target in self.targets.items():
            step, way = TABLE[name].rate_hand * seconds, target - self.controls[name]
            self.controls[name] += min(max(way, -step), step)
            self.held |= {name}

    def asked(self, name: str) -> list[float]:
        return [call[2] for call in self.calls if call[:2] == ("request", name)]

    def played(self) -> list[tuple[float, float, str]]:
        return [(call[1], round(call[2], 3), call[3]) for call in self.calls if call[0] == "play"]


@pytest.fixture
def hands() -> AskedHands:
    return AskedHands()
