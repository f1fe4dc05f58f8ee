"""Numbers that a worker shows of itself, in memory that the API process maps too."""

from __future__ import annotations

from pathlib import Path

from synth.live.ring import Shared

# fmt: off
FIELDS = (
    "ready",     # 1 when the kernels of every preset are loaded
    "beat_s",    # time.monotonic() when it last looked what to do
    "sessions",  # that it plays
    "load",      # share of its time that it works, over the last second
    "blocks",    # rendered
    "late",      # of these after their play time
    "slips",     # times at which it was held up so long that play times were moved on
    "put_away",  # sessions put away so far
)
# fmt: on
BYTES = 8 * len(FIELDS)


class WorkerBoard:
    """The numbers in the file `path`, by the names of FIELDS; `new` makes it. Each is written as a whole."""

    def __init__(self, path: Path, *, new: bool = False) -> None:
        self._shared = Shared(BYTES, path, new=new)
        self._numbers = self._shared.memory.cast("d")

    def __getitem__(self, name: str) -> float:
        return self._numbers[FIELDS.index(name)]

    def __setitem__(self, name: str, value: float) -> None:
        self._numbers[FIELDS.index(name)] = value

    def forget(self) -> None:
        """Take the file away."""
        self._shared.forget()
