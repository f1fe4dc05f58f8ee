"""What a run of samples says, sample by sample: taken, late, or refused and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.api.signals import Signal
from synth.daemon.ingest.channels import VECTORS, UnknownName, channel_named, is_of_the_body, unit_named
from synth.estimator.estimator import REORDER_S
from synth.wearables.channels import KINDS, ends_before
from synth.wearables.clock import EARLY_S, FARTHEST_S
from synth.wearables.packet import Packet
from synth.wearables.samples import CHANNELS, Samples

TOO_OLD_S = 300.0  # nothing that is measured looks further back
MOST_SAMPLES, MOST_RUNS = 400, 16  # of a packet: what it is sent through is small, and blocks are short
UNKNOWN = "(unknown)"  # what the log says of a channel that there is not: the name may be anything
Times = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Now:
    """The moment at which runs came: in session time, and by the daemon's own steady wall clock."""

    session_s: float
    wall_s: float


@dataclass(slots=True)
class Read:
    """A run that was read: `samples` are those taken (None: none), `timed` whether by a device's own clock. `refused`
    counts the others by their reason's code, `words` say the reasons."""

    asked: str
    channel: str
    samples: Samples | None = None
    device: str = ""
    timed: bool = False
    late: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    words: list[str] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        """Samples that were taken, late ones too."""
        return 0 if self.samples is None else len(self.samples)

    def refuse(self, code: str, count: int, words: str) -> None:
        """Count `count` samples as refused."""
        self.refused[code] += count
        self.words.append(words)


def read(signal: Signal, now: Now, takes_the_body: bool) -> Read:
    """`signal` as samples in the channel's own unit."""
    try:
        channel = channel_named(signal.channel)
        found = Read(signal.channel, channel)
        unit = unit_named(channel, signal.unit)
        value = _values(signal, channel)
    except UnknownName as error:
        found = Read(signal.channel, UNKNOWN if error.code == "unknown_channel" else channel)
        found.refuse(error.code, len(signal), str(error))
        return found
    if is_of_the_body(channel) and not takes_the_body:
        words = f"{channel}: this preset listens to what the person says, not to their body"
        found.refuse("not_taken_by_preset", len(signal), words)
        return found
    value = value * unit.scale + unit.offset
    times = _times(signal, value.size, now)
    if channel == "rr_ms" and not isinstance(signal.t_s, list) and not isinstance(signal.at, list):
        times -= ends_before(value)
    found.timed = signal.device is not None and signal.t_s is not None
    found.device = signal.device or ""
    good = _sound(found, value, times)
    good &= _of_this_device(found, times, good) if found.timed else _in_time(found, times, good, now.session_s)
    if good.any():
        quality = np.broadcast_to(np.asarray(signal.quality, dtype=np.float64), value.shape)
        found.samples = Samples(channel, times[good], value[good], quality[good])
    return found


def packets(runs: Iterable[Read], received_s: float) -> list[Packet]:
    """What was taken, in packets: those of each device with a clock of its own together, and all the rest. Runs of one
    channel keep their order, and no packet holds more than MOST_SAMPLES in MOST_RUNS runs."""
    together: dict[tuple[str, bool], list[Samples]] = {}
    for run in runs:
        if run.samples is not None:
            together.setdefault((run.device, run.timed), []).extend(_pieces(run.samples))
    return [
        packet for (device, timed), found in together.items() for packet in _packed(device, timed, found, received_s)
    ]


def _pieces(run: Samples) -> Iterator[Samples]:
    for at in range(0, len(run), MOST_SAMPLES):
        part = slice(at, at + MOST_SAMPLES)
        yield Samples(run.channel, run.t_s[part], run.value[part], run.quality[part])


def _packed(device: str, timed: bool, runs: Sequence[Samples], received_s: float) -> Iterator[Packet]:
    """Parts of what a device sent at once count as received when their newest sample was taken, so that all of them
    tell of the same offset of its clock."""
    newest_s = max(float(run.t_s.max()) for run in runs)
    held: list[Samples] = []
    for run in runs:
        if held and (sum(map(len, held)) + len(run) > MOST_SAMPLES or len(held) == MOST_RUNS):
            yield _packet(device, timed, held, received_s, newest_s)
            held = []
        held.append(run)
    yield _packet(device, timed, held, received_s, newest_s)


def _packet(device: str, timed: bool, runs: Sequence[Samples], received_s: float, newest_s: float) -> Packet:
    if timed:
        received_s -= newest_s - max(float(run.t_s.max()) for run in runs)
    return Packet(device, received_s, tuple(runs), timed)


def _values(signal: Signal, channel: str) -> Times:
    value: Any = signal.value
    if isinstance(value, list) and isinstance(value[0], list):
        if channel not in VECTORS:
            raise UnknownName("no_vector", f"{channel} has no [x, y, z]: give numbers")
        return np.asarray(np.linalg.norm(np.array(value, dtype=np.float64), axis=1))
    return np.atleast_1d(np.array(value, dtype=np.float64))  # None is not a number


def _times(signal: Signal, count: int, now: Now) -> Times:
    if signal.at is not None:
        given = signal.at if isinstance(signal.at, list) else [signal.at]
        told = np.array([_seconds(at) for at in given]) - now.wall_s + now.session_s
    else:
        told = np.asarray(now.session_s if signal.t_s is None else signal.t_s, dtype=np.float64)
    return np.array(np.broadcast_to(told, (count,)))


def _seconds(at: datetime) -> float:
    try:
        return at.timestamp()
    except (OverflowError, ValueError):  # the first and the last day there is, beyond it by their offset
        return np.nan


def _sound(found: Read, value: Times, times: Times) -> NDArray[np.bool_]:
    """Which have a value that a body can give, and a time at all."""
    kind = KINDS[found.channel]
    finite = np.isfinite(value) & np.isfinite(times)
    inside = finite & (value >= kind.low) & (value <= kind.high)
    if missing := int(np.count_nonzero(~finite)):
        found.refuse("not_finite", missing, f"{missing} without a value or a time")
    if outside := int(np.count_nonzero(finite & ~inside)):
        own = CHANNELS[found.channel].partition(",")[0]
        words = f"{outside} out of range: {found.channel} is {kind.low:g} to {kind.high:g}, in {own}"
        found.refuse("out_of_range", outside, words)
    return np.asarray(inside)


def _of_this_device(found: Read, times: Times, good: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which times a device's clock may show, and belong together."""
    known = np.abs(times) < FARTHEST_S
    newest = float(times[good & known].max(initial=-np.inf))
    return _kept(found, good, known, "too_far_ahead", "at a time that no clock shows") & _kept(
        found, good & known, times >= newest - TOO_OLD_S, "too_old", _old_words("the newest of the run")
    )


def _in_time(found: Read, times: Times, good: NDArray[np.bool_], now_s: float) -> NDArray[np.bool_]:
    """Which are of about now; those of the future, but not by much, are."""
    ahead_words = f"more than {EARLY_S:g} s ahead of the session: is the clock right?"
    kept = _kept(found, good, times <= now_s + EARLY_S, "too_far_ahead", ahead_words)
    kept &= _kept(found, good, times >= now_s - TOO_OLD_S, "too_old", _old_words("the session"))
    found.late = int(np.count_nonzero(good & kept & (times < now_s - REORDER_S)))
    return kept


def _old_words(what: str) -> str:
    return f"more than {TOO_OLD_S:g} s behind {what}"


def _kept(found: Read, good: NDArray[np.bool_], kept: NDArray[np.bool_], code: str, words: str) -> NDArray[np.bool_]:
    if lost := int(np.count_nonzero(good & ~kept)):
        found.refuse(code, lost, f"{lost} {words}")
    return kept
