"""A session that only remembers what was asked of it, and ends that remember what they were sent."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

import pytest

from synth.control.osc.desk import Desk
from synth.control.osc.sender import Sender
from synth.control.osc.tree import Tree
from synth.controls import TABLE, control, defaults
from synth.session import VERBS, SessionError
from synth.session.pulse import Pulse
from synth.wire.osc import Arg, Message, decode


class Played:
    """`synth.control.hands.Hands` whose controls are where they were asked to be, at once."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.groups: list[list[tuple[object, ...]]] = []  # what was asked together
        self.controls = defaults()
        self.taken: set[str] = set()
        self.time_s, self.phase, self.planned, self.finished = 12.5, "arrive", (0.1, 0.2, -0.3), False
        self.reasons = ("the heart is calm", "the plan goes on")
        self.pulse = Pulse(7, 12.0, 0.8, 3, 4, 6, 3)

    @property
    def held(self) -> frozenset[str]:
        return frozenset(self.taken)

    def request(self, name: str, value: float, by: str = "hand", reason: str = "asked for") -> None:
        self.calls.append(("request", control(name).name, value, by, reason))
        self.controls[name] = TABLE[name].clamp(value)
        self.taken.add(name)

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        self.groups.append([])
        yield
        self.groups[-1] += self.calls[sum(map(len, self.groups)) :]

    def release(self, name: str) -> None:
        self.calls.append(("release", name))
        self.taken.discard(name)

    def verb(self, name: str) -> None:
        if name not in VERBS:
            raise SessionError(name)
        self.calls.append(("verb", name))

    def feed(self, channel: str, value: object, t_s: object = None, device: str | None = None) -> None:
        if channel not in ("hr", "eda", "self_arousal", "self_valence", "feedback"):
            raise ValueError(f"no channel called {channel!r}")
        self.calls.append(("feed", channel, value))

    def tell(self, text: str) -> float | None:
        self.calls.append(("tell", text))
        return 0.5 if "good" in text else None

    def play(self, pitch: float, velocity: float, stem: str = "melody", by: str = "hand") -> None:
        self.calls.append(("play", pitch, round(velocity, 4), stem, by))

    def stop(self) -> None:
        self.calls.append(("stop",))

    def panic(self) -> None:
        self.calls.append(("panic",))

    @property
    def asked(self) -> list[tuple[object, object]]:
        """Controls and values of all requests."""
        return [(call[1], call[2]) for call in self.calls if call[0] == "request"]


class End:
    """Somebody who sends to a desk, at times that are told, and keeps what comes back."""

    def __init__(self, desk: Desk, port: int = 5000, host: str = "127.0.0.1") -> None:
        self.desk = desk
        self.got: list[tuple[int, str, tuple[Arg, ...]]] = []
        self.sender = Sender(host, port, self._post)

    def _post(self, packet: bytes, host: str, port: int) -> None:
        messages, troubles = decode(packet)
        assert not troubles
        self.got += [(port, message.address, message.args) for message in messages]

    def say(self, address: str, *args: Arg, at_s: float = 0.0, tag_s: float | None = None) -> None:
        """One message at `at_s`, which is also what the other clock says."""
        self.bundle([(address, *args)], at_s=at_s, tag_s=tag_s)

    def bundle(self, messages: list[tuple[Arg, ...]], at_s: float = 0.0, tag_s: float | None = None) -> None:
        """Several at once."""
        self.desk.take([Message(tag_s, str(m[0]), m[1:], "") for m in messages], self.sender, at_s, at_s)
        self.desk.turn(at_s)

    def heard(self) -> list[tuple[str, tuple[Arg, ...]]]:
        """What came since the last call, wherever it was sent."""
        got, self.got = self.got, []
        return [(address, args) for _, address, args in got]


@pytest.fixture
def hands() -> Played:
    return Played()


@pytest.fixture
def desk(hands: Played) -> Desk:
    return Desk(hands, Tree(), preset="settle")


@pytest.fixture
def end(desk: Desk) -> End:
    return End(desk)


@pytest.fixture
def another(desk: Desk) -> Callable[..., End]:
    """A function that makes further ends."""
    return lambda port, host="127.0.0.1": End(desk, port, host)


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    """A function that waits for something to be so."""

    def wait(found: Callable[[], object]) -> None:
        deadline = time.monotonic() + 20.0
        while not found():
            assert time.monotonic() < deadline, "nothing came"
            time.sleep(0.005)

    return wait
