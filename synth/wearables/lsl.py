"""Streams of the Lab Streaming Layer, live: what any lab program or device bridge offers on the local network.

Types, labels and units of a stream's channels are read as the meta-data conventions of XDF have them
(github.com/sccn/xdf/wiki/Meta-Data).
"""

from __future__ import annotations

import re
import threading
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from synth.wearables.channels import KINDS, Unit, Units, channel_of, quality_of
from synth.wearables.packet import Clock, Mailbox, Packet, Posted, SourceError
from synth.wearables.samples import EEG_SITES, Samples

POLL_S = 0.05
CHUNK = 1024  # samples taken from a stream at once
BUFFER_S = 30
OPEN_S = 0.3
CORRECTION_S = 0.02
CORRECTION_WAIT_S = 5.0  # after which a stream's own times must do
FORGET_S = 5.0  # a stream not announced for so long is gone
SILENT_S = 15.0  # or so long without a sample, when it is not announced either
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0

_LOST = "lost, looking for it again"
_SHUT = "found but cannot be opened, trying again"
_NAMES = {
    "heartrate": "hr", "ppi": "rr_ms", "rrinterval": "rr_ms", "rrintervals": "rr_ms", "electrodermalactivity": "eda",
    "skintemperature": "temp", "acceleration": "acc",
}  # fmt: skip
_ACC_AXIS = re.compile(r"acc(?:el|eleration|elerometer)?[xyz]")
_UNIT_WORDS = {
    "beatsperminute": "bpm", "milliseconds": "ms", "msec": "ms", "seconds": "s", "sec": "s", "hertz": "hz",
    "microsiemens": "us", "nanosiemens": "ns", "siemens": "s", "celsius": "c", "degreescelsius": "c",
    "fahrenheit": "f", "degreesfahrenheit": "f", "kelvin": "k", "microvolts": "uv", "microvolt": "uv",
    "millivolts": "mv", "millivolt": "mv", "volts": "v", "volt": "v",
}  # fmt: skip


class Told(NamedTuple):
    """What a stream's description tells of one of its channels, "" where it does not."""

    label: str = ""
    type: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """Where in a stream a channel of ours is, `at` one place or three axes, and the `unit` it comes in, if told."""

    channel: str
    at: tuple[int, ...]
    unit: Unit | None

    def samples(
        self, device: str, t_s: NDArray[np.float64], rows: NDArray[np.float64], units: Units
    ) -> tuple[Samples, str]:
        """The channel's samples of `rows` (n, channels) at `t_s` (n,), and what was taken for granted of their unit.

        What is no number is left out. A unit that is not told is judged by `units`.
        """
        value = rows[:, self.at[0]] if len(self.at) == 1 else np.sqrt(np.sum(rows[:, self.at] ** 2, axis=1))
        note = ""
        if self.unit is None:
            value, note = units.own(device, self.channel, self.channel, value)
        else:
            value = value * self.unit.scale + self.unit.offset
        known = np.isfinite(value) & np.isfinite(t_s)
        value = value[known]
        return Samples(self.channel, t_s[known], value, quality_of(self.channel, value)), note


def columns_of(stream_type: str, told: Sequence[Told]) -> list[Column]:
    """Which of a stream's channels, described by `told`, are channels of ours; the first of several alike.

    A channel's label counts before its type, and that before the type of the stream. Sites of EEG go by label only,
    and acceleration takes three axes, or one channel for the length of the vector.
    """
    of_stream = _meaning(stream_type)
    own = [_own_meaning(channel, stream_type) for channel in told]
    places: dict[str, list[int]] = {}
    for at, meaning in enumerate(own):
        channel = meaning or (of_stream if of_stream not in own else "")
        if channel:
            places.setdefault(channel, []).append(at)
    columns = []
    for channel, found in places.items():
        axes = 3 if channel == "acc" and len(found) > 1 else 1
        if len(found) >= axes:
            columns.append(Column(channel, tuple(found[:axes]), _unit_told(channel, told[found[0]].unit)))
    return columns


def _own_meaning(told: Told, stream_type: str) -> str:
    """The channel that one channel's own label or type means, "" for none."""
    if (told.type or stream_type).strip().casefold() == "eeg":
        site = _compact(told.label).removeprefix("eeg")
        return f"eeg_{site}" if site in EEG_SITES else ""
    return _meaning(told.label) or _meaning(told.type)


def _meaning(word: str) -> str:
    """The channel that a word means; one like "alpha" or "Fp1" can mean much beside EEG."""
    compact = _compact(word)
    channel = channel_of(word) or _NAMES.get(compact) or ("acc" if _ACC_AXIS.fullmatch(compact) else "")
    return "" if channel.startswith("eeg_") and not word.strip().casefold().startswith("eeg_") else channel


def _compact(word: str) -> str:
    return re.sub(r"[^a-z0-9/]", "", unicodedata.normalize("NFKC", word).casefold().replace("μ", "u"))


def _unit_told(channel: str, told: str) -> Unit | None:
    """The unit that a description's words mean."""
    word = _UNIT_WORDS.get(_compact(told), _compact(told))
    return next((u for u in KINDS[channel].units if word in {_compact(u.name), *u.suffixes}), None)


@dataclass(slots=True)
class _Stream:
    """A stream that is read."""

    name: str
    device: str
    inlet: Any
    columns: list[Column]
    opened_s: float
    heard_s: float
    correction_s: float = 0.0
    corrected: bool | None = None  # None while its clock is being asked


class LslSource(Posted):
    """All streams with this name, type or source id, in any case; with None all that hold a channel of ours.

    They are looked for in a thread of its own for as long as it is entered, so they may come, go and come back; one
    that cannot be opened is tried again after a pause that grows to 10 s. Packets carry the sender's times, moved to
    this machine's LSL clock; each run of an outlet is a device. SourceError when pylsl is not installed.
    """

    def __init__(self, wanted: str | None, clock: Clock) -> None:
        try:
            import pylsl
            import pylsl.util
        except ImportError as error:
            raise SourceError(f"LSL streams need pylsl ({error}): pip install 'isotone[lsl]'") from error
        except RuntimeError as error:  # pylsl is there, the library it calls is not
            raise SourceError(f"LSL streams need liblsl, and pylsl finds none: {error}") from error
        self._lsl = pylsl
        self._wanted = (wanted or "").strip()
        self._clock = clock
        self._mailbox = Mailbox()
        self._units = Units()
        self._streams: dict[str, _Stream] = {}  # by uid, as are the others
        self._useless: set[str] = set()
        self._tries: dict[str, tuple[float, float]] = {}  # (when to try again, pause after that)
        self._missed: dict[str, tuple[str, str]] = {}  # (name, what became of it)
        self._status = "not begun"
        self._leaving = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._leaving.clear()
        self._thread = threading.Thread(target=self._live, name="lsl", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        if self._thread is not None:
            self._leaving.set()
            self._thread.join(1.0)
            self._thread = None
            self._status = "left"

    def _live(self) -> None:
        try:
            resolver = self._lsl.ContinuousResolver(forget_after=FORGET_S)
        except RuntimeError as error:
            self._status = f"cannot look for LSL streams: {error}"
            return
        while not self._leaving.is_set():
            self._look(resolver.results())
            for uid in list(self._streams):
                try:
                    self._read(uid)
                except Exception:  # lost, or whatever else liblsl may raise
                    self._lose(uid)
            self._tell()
            self._leaving.wait(POLL_S)
        self._streams.clear()

    def _look(self, listed: list[Any]) -> None:
        """Open what is new in `listed`, and give up what is neither listed nor heard."""
        uids = {info.uid(): info for info in listed}
        now_s = time.monotonic()
        for uid, stream in list(self._streams.items()):
            if uid not in uids and now_s - stream.heard_s > SILENT_S:
                self._lose(uid)
        self._useless &= uids.keys()
        self._missed = {uid: missed for uid, missed in self._missed.items() if uid in uids or missed[1] == _LOST}
        self._tries = {uid: again for uid, again in self._tries.items() if uid in uids}
        for uid, info in uids.items():
            waits = now_s < self._tries.get(uid, (0.0, 0.0))[0]
            if uid in self._streams or uid in self._useless or waits or not self._is_wanted(info):
                continue
            if self._leaving.is_set():
                return
            _, pause_s = self._tries.get(uid, (0.0, FIRST_PAUSE_S))
            self._tries[uid] = (now_s + pause_s, min(2.0 * pause_s, LONGEST_PAUSE_S))
            try:
                self._open(uid, info)
            except Exception:
                self._missed.setdefault(uid, (info.name(), _SHUT))  # one just lost is announced for a while

    def _is_wanted(self, info: Any) -> bool:
        wanted = self._wanted.casefold()
        return not wanted or wanted in {info.name().casefold(), info.type().casefold(), info.source_id().casefold()}

    def _open(self, uid: str, info: Any) -> None:
        name = info.name()
        if info.channel_format() == self._lsl.cf_string:
            self._leave_out(uid, f"LSL stream {name} holds words, not numbers; left out")
            return
        inlet = self._lsl.StreamInlet(info, max_buflen=BUFFER_S, recover=False)
        told = _told(inlet.info(timeout=OPEN_S))
        columns = columns_of(info.type(), told)
        if not columns:
            self._leave_out(uid, f"LSL stream {name} of type {info.type()!r} has no channel this reads; left out")
            return
        inlet.open_stream(timeout=OPEN_S)
        if spare := len(told) - sum(len(column.at) for column in columns):
            self._mailbox.repair(f"LSL stream {name}: {spare} of {len(told)} channels not read")
        now_s = time.monotonic()
        self._streams[uid] = _Stream(name, f"{name} {uid[:8]}", inlet, columns, opened_s=now_s, heard_s=now_s)
        self._tries.pop(uid, None)
        self._missed = {uid: missed for uid, missed in self._missed.items() if missed != (name, _LOST)}
        self._missed.pop(uid, None)

    def _leave_out(self, uid: str, why: str) -> None:
        self._useless.add(uid)
        self._mailbox.repair(why)

    def _lose(self, uid: str) -> None:
        if stream := self._streams.pop(uid, None):
            self._missed[uid] = (stream.name, _LOST)
            self._mailbox.repair(f"LSL stream {stream.name} lost")
            self._tries[uid] = (time.monotonic() + FIRST_PAUSE_S, 2.0 * FIRST_PAUSE_S)

    def _read(self, uid: str) -> None:
        """Hand over what waits in the stream, once it is known how its clock stands to ours."""
        stream = self._streams[uid]
        self._ask_clock(stream)
        if stream.corrected is None:
            return
        rows, stamps = stream.inlet.pull_chunk(timeout=0.0, max_samples=CHUNK)
        if not stamps:
            return
        received_s = self._clock()
        stream.heard_s = time.monotonic()
        t_s = np.array(stamps, dtype=np.float64) + stream.correction_s
        values = np.array(rows, dtype=np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            read = [column.samples(stream.device, t_s, values, self._units) for column in stream.columns]
        for note in {note for _, note in read if note}:
            self._mailbox.repair(f"LSL stream {stream.name}: {note}")
        if any(len(run) < len(t_s) for run, _ in read):
            self._mailbox.repair(f"LSL stream {stream.name}: chunks with values that are no numbers, left out")
        if runs := tuple(run for run, _ in read if len(run)):
            self._mailbox.put(Packet(stream.device, received_s, runs))

    def _ask_clock(self, stream: _Stream) -> None:
        """Bring the stream's correction up to date; one that was not to be had in time is not asked again."""
        if stream.corrected is False:
            return
        try:
            stream.correction_s = stream.inlet.time_correction(timeout=CORRECTION_S)
            stream.corrected = True
        except self._lsl.util.TimeoutError:
            if stream.corrected is None and time.monotonic() - stream.opened_s > CORRECTION_WAIT_S:
                stream.corrected = False
                self._mailbox.repair(f"LSL stream {stream.name}: its clock gives no answer; its own times are used")

    def _tell(self) -> None:
        names = ", ".join(dict.fromkeys(stream.name for stream in self._streams.values()))
        missed = dict.fromkeys(" ".join(missed) for missed in self._missed.values())
        looking = f"looking for LSL streams {self._wanted}".strip()
        self._status = "; ".join([f"reading {names}", *missed] if names else missed) or looking


def _told(info: Any) -> list[Told]:
    """What the description tells of each channel."""
    found = []
    channel = info.desc().child("channels").child("channel")
    for _ in range(info.channel_count()):
        found.append(Told(*(channel.child_value(name) for name in ("label", "type", "unit"))))
        channel = channel.next_sibling("channel")
    return found
