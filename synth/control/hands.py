"""What hands may ask of a session and what they may see of it, wherever it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, runtime_checkable

from synth.session.pulse import Pulse


class Hands(Protocol):
    """A session as those see it who play it: `synth.Session` itself, or `synth.live.LiveSession` beside it.

    Every method may be called from any thread and returns at once; what was asked takes effect at the next quantum
    rendered. Names that do not exist raise ControlError or SessionError; values out of range are clamped and recorded.
    """

    def request(self, name: str, value: float, by: str = "hand", reason: str = "asked for") -> None:
        """Take control `name` to `value` and hold it."""

    def release(self, name: str) -> None:
        """Give control `name` back to the plan."""

    def verb(self, name: str) -> None:
        """One of `synth.session.VERBS`."""

    def feed(
        self,
        channel: str,
        value: float | Sequence[float],
        t_s: float | Sequence[float] | None = None,
        device: str | None = None,
    ) -> None:
        """Hand over samples of a sensor channel."""

    def tell(self, text: str) -> float | None:
        """What a person says of how they feel."""

    def play(self, pitch: float, velocity: float, stem: str = "melody", by: str = "hand") -> None:
        """A person's note: MIDI note number `pitch`, `velocity` 0 to 1, 0 where it ends."""

    def edit(self, phases: Sequence[Mapping[str, Any]]) -> None:
        """Go on by other phases."""

    def stop(self) -> None:
        """Fade out and finish."""

    def panic(self) -> None:
        """Silence within 250 ms."""

    def together(self) -> AbstractContextManager[None]:
        """What this thread asks inside it takes effect in one quantum."""

    @property
    def time_s(self) -> float:
        """Session time that was handed out."""

    @property
    def controls(self) -> Mapping[str, float]:
        """Every control's value now."""

    @property
    def held(self) -> frozenset[str]:
        """Controls that a person or safety holds."""

    @property
    def phase(self) -> str:
        """The plan's phase."""

    @property
    def planned(self) -> tuple[float, float, float]:
        """Arousal, valence and tension that the plan wants now."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the music is as it is, in words."""

    @property
    def pulse(self) -> Pulse:
        """The beat that is being rendered."""

    @property
    def finished(self) -> bool:
        """Whether the session is over."""


@runtime_checkable
class Restarts(Protocol):
    """Hands of a session that can begin again in the same place."""

    def again(self) -> None:
        """Begin the same preset again after a panic or the end. SessionError while it plays, or when it cannot."""
