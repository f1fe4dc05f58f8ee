"""What `synth play` shows: where the music is, why, how the device bears up, and who has hands on it."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import Group

    from synth.cli.hands import Hands
    from synth.live import LiveSession

PLAIN_S = 10.0  # between two lines
LATELY = 5  # words kept in sight


class Show(Protocol):
    """Shows a live session as it goes."""

    def say(self, text: str) -> None:
        """Something worth a line of its own."""

    def look(self, live: LiveSession, hands: Hands) -> None:
        """Show how things stand."""


@contextlib.contextmanager
def console(plain: bool) -> Iterator[Show]:
    """A panel in a terminal, or with `plain`, or where there is none, lines."""
    if plain or not sys.stdout.isatty():
        yield Lines()
        return
    from rich.live import Live

    with Live(refresh_per_second=4, transient=True) as screen:
        yield Panel(screen)


class Lines:
    """A line every PLAIN_S seconds, and one for each word."""

    def __init__(self) -> None:
        self._next_s = 0.0

    def say(self, text: str) -> None:
        """A line."""
        print(text, flush=True)

    def look(self, live: LiveSession, hands: Hands) -> None:
        """Words at once, how things stand now and then."""
        while live.words:
            self.say(live.words.popleft())
        for word in hands.take_words():
            self.say(word)
        now_s = time.monotonic()
        if now_s >= self._next_s:
            self._next_s = now_s + PLAIN_S
            self.say(" ".join(f"{name}={value}" for name, value in standing(live).items()))


class Panel:
    """A few lines that are drawn again and again."""

    def __init__(self, screen: object) -> None:
        self._screen = screen
        self._said: list[str] = []

    def say(self, text: str) -> None:
        """Keep it in sight for a while."""
        self._said = [*self._said, text][-LATELY:]

    def look(self, live: LiveSession, hands: Hands) -> None:
        """Draw."""
        while live.words:
            self.say(live.words.popleft())
        for word in hands.take_words():
            self.say(word)
        self._screen.update(_drawn(live, hands, self._said))  # type: ignore[attr-defined]


def standing(live: LiveSession) -> dict[str, str]:
    """How things stand, as short words by name."""
    from synth.controls import KEYS, MODES

    seen, pulse = live.seen, live.pulse
    rate = seen.sample_rate or 48_000.0
    return {
        "time": f"{int(seen.time_s) // 60}:{int(seen.time_s) % 60:02d}",
        "phase": live.phase.replace(" ", "_") or "-",
        "tempo": f"{pulse.bpm:.1f}",
        "beat": f"{pulse.index + 1}/{pulse.beats}",
        "key": f"{KEYS[pulse.key]}_{MODES[pulse.mode]}" if pulse.mode < len(MODES) else KEYS[pulse.key],
        "load": f"{100.0 * seen.load:.0f}%",
        "xruns": f"{seen.xruns:.0f}",
        "late": f"{seen.late:.0f}",
        "latency": f"{1000.0 * (seen.latency_frames + seen.block) / rate:.0f}ms",
        "device": live.setup.device if seen.connected else f"{live.setup.device}_lost",
    }


def _drawn(live: LiveSession, hands: Hands, said: list[str]) -> Group:
    from rich.console import Group
    from rich.text import Text

    now = {name: value.replace("_", " ") for name, value in standing(live).items()}
    controls = live.controls
    held = ", ".join(f"{name} {controls[name]:g}" for name in sorted(live.held)) or "nothing"
    return Group(
        Text(f"{live.setup.preset.title}   {now['time']}   {now['phase']}", style="bold"),
        Text(f"{now['tempo']} bpm, beat {now['beat']}, {now['key']}"),
        Text(f"{now['device']}: load {now['load']}, {now['xruns']} xruns, latency {now['latency']}"),
        Text("; ".join(live.reasons) or "the plan leads", style="italic"),
        Text(f"held by hand: {held}"),
        *(Text(line, style="dim") for line in (*hands.lines(), *said)),
    )
