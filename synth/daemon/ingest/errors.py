"""Why signals are not taken at all."""

from __future__ import annotations


class Busy(RuntimeError):
    """No room: nothing was kept. Send it again after `retry_after_s`."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"too many samples of this session wait: send these again in {retry_after_s:g} s")
        self.retry_after_s = retry_after_s


class TooMany(ValueError):
    """More at once than may ever wait."""


class Over(RuntimeError):
    """The session is over, and takes nothing more."""

    def __init__(self) -> None:
        super().__init__("the session is over and takes no more signals")
