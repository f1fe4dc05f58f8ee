"""Signals: what a wearable or an app hands over to a session, and what became of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, model_validator

from synth.api.model import Asks, Told, Unit

MOST_SAMPLES = 20_000  # of one request or message
MOST_RUNS = 256
Channel = Annotated[str, Field(min_length=1, max_length=64)]
Device = Annotated[str, Field(min_length=1, max_length=64)]
UnitName = Annotated[str, Field(min_length=1, max_length=32)]
Vector = Annotated[list[float], Field(min_length=3, max_length=3)]
Many = Field(min_length=1, max_length=MOST_SAMPLES)
Taken = Literal["accepted", "partly", "refused"]


class Signal(Asks):
    """A sample of a channel, or a run of them.

    `value`: one number, a list of them, or for acceleration a list of [x, y, z]; null is a sample that is missing.
    `unit`: that of the values where it is not the channel's own. When they were taken is told by `t_s`, seconds of
    session time, or with `device` of that device's own clock from whatever start; or by `at`, wall time with its offset
    from UTC; by neither: now. A run has a list of times, or the one time of all its samples; of beat intervals
    that at which the last one ended. `quality` is 0 to 1.
    """

    channel: Channel
    value: float | None | Annotated[list[float | None], Many] | Annotated[list[Vector], Many]
    t_s: float | Annotated[list[float], Many] | None = None
    at: AwareDatetime | Annotated[list[AwareDatetime], Many] | None = None
    device: Device | None = None
    quality: Unit | Annotated[list[Unit], Many] = 1.0
    unit: UnitName | None = None

    @model_validator(mode="after")
    def _fits(self) -> Signal:
        if self.t_s is not None and self.at is not None:
            raise ValueError("give t_s or at, not both")
        for name in ("t_s", "at", "quality"):
            told = getattr(self, name)
            if isinstance(told, list) and len(told) != len(self):
                raise ValueError(f"{name} holds {len(told)}, value {len(self)}: give as many, or one for all")
        return self

    def __len__(self) -> int:
        return len(self.value) if isinstance(self.value, list) else 1


class SignalBatch(Asks):
    """Runs of any channels, taken together: all of them find room, or none is kept."""

    runs: Annotated[list[Signal], Field(min_length=1, max_length=MOST_RUNS)]

    @model_validator(mode="after")
    def _bounded(self) -> SignalBatch:
        samples = sum(map(len, self.runs))
        if samples > MOST_SAMPLES:
            raise ValueError(f"{samples} samples: give {MOST_SAMPLES} at most, and the rest with the next")
        return self


class RunOutcome(Told):
    """What became of a run, in samples. Those that are `late` are among the accepted: they are kept in the record, but
    what is believed has gone on without them. `reasons` say why others were refused."""

    channel: str
    outcome: Taken
    accepted: int
    late: int
    refused: int
    reasons: list[str]


class SignalsOutcome(Told):
    """What became of all, and of each run. What was accepted reaches the session, in order, also when that is being
    restarted. `waiting` samples of this session are still on their way to it."""

    outcome: Taken
    accepted: int
    late: int
    refused: int
    waiting: int
    runs: list[RunOutcome]


class SignalMessage(Asks):
    """A message over the WebSocket: one run, as `signal`, or several, as `runs`. `seq` comes back with the answer; with
    `?stream=` in the URL it must rise, and what was taken already is not taken again."""

    seq: Annotated[int, Field(ge=0, lt=2**53)] | None = None
    signal: Signal | None = None
    runs: Annotated[list[Signal], Field(min_length=1, max_length=MOST_RUNS)] | None = None

    @model_validator(mode="after")
    def _one(self) -> SignalMessage:
        if (self.signal is None) == (self.runs is None):
            raise ValueError("give signal or runs")
        if self.runs is not None:
            SignalBatch(runs=self.runs)
        return self

    @property
    def all(self) -> list[Signal]:
        """The runs."""
        return self.runs if self.runs is not None else [self.signal] if self.signal is not None else []


class SignalsHello(Told):
    """The first message over the WebSocket: `last_seq` is what was taken last of the stream, null when nothing was."""

    hello: Literal["signals"] = "signals"
    last_seq: int | None


class SignalsAnswer(Told):
    """The answer to each message over the WebSocket. "busy": nothing of it was kept, send it again after
    `retry_after_s`; "repeated": it was taken before; "malformed": it could not be read, `detail` says why; "over": the
    session is, and the connection closes."""

    seq: int | None
    outcome: Literal["accepted", "partly", "refused", "busy", "repeated", "malformed", "over"]
    detail: str | None = None
    retry_after_s: float | None = None
    taken: SignalsOutcome | None = None


class SignalsSocket(Asks):
    """`stream` names a row of messages that goes on over connections, so that what is sent again counts once."""

    stream: Annotated[str, Field(min_length=1, max_length=64)] | None = None


class ToldOutcome(Told):
    """An entry of the outcome log: `samples` of `channel` that came by `by` at `t_s` of the session. No values."""

    t_s: float
    by: str
    channel: str
    outcome: Literal["accepted", "late", "refused", "busy"]
    samples: int
    reason: str | None = None


class SignalsReport(Told):
    """Samples of this session since the daemon was started, by what became of them; the last entries of the outcome
    log; how many samples wait, and for how many more there is room."""

    accepted: int
    late: int
    refused: int
    busy: int
    waiting: int
    room: int
    channels: dict[str, int]
    last: list[ToldOutcome]
