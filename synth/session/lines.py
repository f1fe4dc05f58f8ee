"""What a session writes into its record, line by line, as plain values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from synth.bus import Commit
from synth.estimator.state import State
from synth.wearables.samples import Samples

Line = dict[str, Any]


class Teller:
    """Hands the lines of a session to whoever keeps its record; who that is does not go with a session put away.

    `count` is how many lines it told.
    """

    def __init__(self, tell: Callable[[Line], None] | None) -> None:
        self.to(tell)
        self.count = 0

    def __call__(self, line: Line) -> None:
        """Tell a line."""
        self.count += 1
        self._tell(line)

    def to(self, tell: Callable[[Line], None] | None) -> None:
        """From now on tell `tell` (None: nobody)."""
        self._tell = tell or _nobody

    def __getstate__(self) -> int:
        return self.count

    def __setstate__(self, count: int) -> None:
        self.count = count
        self._tell = _nobody


def _nobody(line: Line) -> None:
    pass


def commit_line(commit: Commit, t_s: float, at_once: bool) -> Line:
    """A request as the bus took it, or did not."""
    request = commit.request
    return {
        "type": "commit",
        "quantum": commit.quantum,
        "t_s": round(t_s, 4),
        "control": request.control,
        "old": commit.old,
        "new": commit.value,
        "requested": request.value,
        "by": request.by,
        "reason": request.reason,
        "confidence": request.confidence,
        "repair": commit.repair,
        "accepted": commit.accepted,
        "at_once": at_once,
    }


def state_line(t_s: float, state: State) -> Line:
    """What is believed of the listener."""
    line = asdict(state)
    del line["t_s"]
    return {"type": "state", "t_s": t_s, **line, "reasons": list(state.reasons)}


def samples_line(tick_s: float, samples: Samples) -> Line:
    """What a sensor said, as it was taken up at `tick_s`."""
    columns = {name: getattr(samples, name).tolist() for name in ("t_s", "value", "quality")}
    return {"type": "samples", "tick_s": tick_s, "channel": samples.channel, **columns}
