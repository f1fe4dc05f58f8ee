"""A live source of Open Sound Control over UDP: apps that pass on what a wearable senses, each in its own dialect."""

from __future__ import annotations

import math
import socket
import threading
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from synth.wearables.channels import Units, channel_of, ends_before, quality_of
from synth.wearables.dialect import Dialect, Rule, load_dialect
from synth.wearables.json_lines import number, time_s
from synth.wearables.packet import Clock, Mailbox, Packet, Posted, SourceError
from synth.wearables.samples import Samples
from synth.wearables.tally import within
from synth.wire.osc import Arg, Message, decode

BUFFER_BYTES = 4 << 20  # asked for, so that a burst survives a busy second; the system may give less
DATAGRAM_BYTES = 65_535
POLL_S = 0.2
LONGEST_PAUSE_S = 10.0
MAX_ADDRESS = 256
MAX_DEVICES = 64
HEARD_S = 5.0  # for so long the better of two rules for one channel counts alone
FLOAT32_TIME_S = 1e5  # a float32 tells later times in steps of 8 ms and more


class Listener:
    """Turns messages into packets by a dialect; remembers contact, units and even rates of each device."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self._units = Units()
        self._devices: set[str] = set()
        self._heard: dict[tuple[str, str], tuple[int, float]] = {}
        self._touching: dict[tuple[str, str], bool] = {}
        self._axes: dict[tuple[str, str], dict[str, NDArray[np.float64]]] = {}
        self._even: dict[tuple[str, str], EvenTimes] = {}

    def hear(self, message: Message, received_s: float) -> tuple[Packet | None, list[str]]:
        """What a message says, None when nothing of use; and what is wrong with it, in words."""
        if len(message.address) > MAX_ADDRESS:
            return None, ["addresses longer than any that means something; left out"]
        rules, ignored = self.dialect.meaning(message.address)
        for place, part, channel in rules:
            device = f"{self.dialect.name}:{part[:32]}" if part else self.dialect.name
            said = _Said(self.dialect.rules[place], message)
            if said.meant:
                if device not in self._devices and len(self._devices) >= MAX_DEVICES:
                    return None, [f"more than {MAX_DEVICES} devices; those after are left out"]
                self._devices.add(device)
                return self._packet(said, place, device, channel, received_s)
        if ignored:
            return None, []
        why = "with arguments this dialect does not expect" if rules else f"not of the dialect {self.dialect.name}"
        return None, [f"{_printable(message.address)}: {why}; left out"]

    def _packet(
        self, said: _Said, place: int, device: str, named: str, received_s: float
    ) -> tuple[Packet | None, list[str]]:
        rule, troubles = said.rule, list(said.troubles)
        values = self._touched(rule, device, said.values())
        if rule.axis:
            if (whole := self._vector(rule, device, values)) is None:
                return None, troubles
            values = whole
        samples = []
        for i, channel in enumerate(rule.channels):
            own = channel_of(named) if channel == "{channel}" else channel
            if own is None:
                troubles.append(f"{_printable(named)!r} is not a channel this reads; left out")
                continue
            run = values[i : i + 1] if len(rule.channels) > 1 else values
            if not run.size or not self._counts(device, own, place, run, received_s):
                continue
            if rule.units:
                run, note = self._units.own(device, own, named or own, run)
                troubles += [note] if note else []
            run = run * rule.scale + rule.offset
            t = self._times(rule, device, own, run, said.time_s, received_s)
            samples.append(Samples(own, t, run, quality_of(own, run)))
        if not samples:
            return None, troubles
        return Packet(device, received_s, tuple(samples), timed=said.time_s is not None), troubles

    def _touched(self, rule: Rule, device: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """`values` reduced, those of electrodes that do not touch missing; learns which touch where the rule tells."""
        if len(values) == len(rule.sites):
            if rule.tells_contact:
                told = zip(rule.sites, values.tolist(), strict=True)
                self._touching |= {(device, site): not value < 0.5 for site, value in told}
            else:
                touching = [self._touching.get((device, site), True) for site in rule.sites]
                values = np.where(touching, values, np.nan)
        return _reduced(rule, values)

    def _vector(self, rule: Rule, device: str, values: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """The length of a vector of which this is one axis, None while others are to come."""
        axes = self._axes.setdefault((device, rule.channels[0]), {})
        axes[rule.axis] = values
        if len(axes) < 3:
            return None
        count = min(map(len, axes.values()))
        length = np.sqrt(sum((axis[:count] ** 2 for axis in axes.values()), np.zeros(count)))
        axes.clear()
        return length

    def _counts(self, device: str, channel: str, place: int, run: NDArray[np.float64], received_s: float) -> bool:
        """Whether no better rule for this channel was heard of late."""
        best, heard_s = self._heard.get((device, channel), (place, received_s))
        if best < place and received_s - heard_s < HEARD_S:
            return False
        if np.isfinite(run).any():
            self._heard[device, channel] = (place, received_s)
        return True

    def _times(
        self, rule: Rule, device: str, channel: str, run: NDArray[np.float64], told_s: float | None, received_s: float
    ) -> NDArray[np.float64]:
        """Times of a run: the device's, else those of arrival, evened out where the rate is known."""
        if channel == "rr_ms":
            return (received_s if told_s is None else told_s) - ends_before(run)
        if rule.rate_hz is None:
            return np.full(run.size, received_s if told_s is None else told_s)
        if told_s is not None:
            return told_s - np.arange(run.size)[::-1] / rule.rate_hz
        even = self._even.setdefault((device, channel), EvenTimes(rule.rate_hz))
        return even.times(run.size, received_s)


class EvenTimes:
    """Arrival times of samples that a device takes at an even rate, freed of the bursts of their transport.

    A first-order loop follows the arrivals: each run begins where the last ended, and the end is drawn a little
    towards its arrival. After a gap, or where the rate is not what was said, arrivals count as they are.
    """

    GAIN = 0.005
    GAP_S = 0.5

    def __init__(self, rate_hz: float) -> None:
        self._period_s = 1.0 / rate_hz
        self._last_s = -math.inf

    def times(self, count: int, received_s: float) -> NDArray[np.float64]:
        """Rising times of the next `count` samples, which came at `received_s`."""
        length_s = count * self._period_s
        late_s = received_s - self._last_s - length_s
        begin_s = self._last_s
        if late_s > self.GAP_S:
            begin_s, end_s = received_s - length_s, received_s
        elif late_s < -self.GAP_S:
            end_s = max(received_s, begin_s + 1e-3 * length_s)
        else:
            end_s = begin_s + max(length_s + self.GAIN * late_s, 0.1 * length_s)
        self._last_s = end_s
        return begin_s + (end_s - begin_s) * np.arange(1, count + 1) / count


class _Said:
    """One message as a rule reads it; `meant` is False when the rule is not for it."""

    def __init__(self, rule: Rule, message: Message) -> None:
        self.rule = rule
        self.troubles: list[str] = []
        args, self.time_s = list(message.args), message.timetag
        if rule.stamp and (stamp := _stamp(args)) is not None:
            del args[-2:]
            self.time_s = stamp
        if rule.time is not None and rule.time < len(args):
            self._tell_time(args.pop(rule.time), message.types, rule.time)
        self._picked = self._pick(args)
        self.meant = bool(self._picked) and self._is_kind() and self._is_between()

    def values(self) -> NDArray[np.float64]:
        """The values picked, in the units of the rule before `scale`, NaN for missing ones."""
        raw = np.array([_raw(arg) for arg in self._picked])
        raw[np.isin(raw, self.rule.missing)] = np.nan
        if self.rule.values is not None:
            raw = np.array([self.rule.values.get(value, np.nan) for value in raw.tolist()])
        return raw

    def _pick(self, args: list[Arg]) -> list[Arg]:
        rule = self.rule
        if rule.args is not None:
            return [args[i] for i in rule.args] if max(rule.args) < len(args) else []
        if len(rule.channels) > 1:
            return args[: len(rule.channels)] if len(args) >= len(rule.channels) else []
        if rule.reduce == "first":
            return args[:1]
        flat = [item for arg in args for item in (arg if isinstance(arg, list) else [arg])]
        return flat[: len(rule.sites)] if rule.sites else flat

    def _is_kind(self) -> bool:
        kind = {"int": int, "float": float}.get(self.rule.kind)
        return kind is None or all(isinstance(arg, kind) and not isinstance(arg, bool) for arg in self._picked)

    def _is_between(self) -> bool:
        raw = np.array([_raw(arg) for arg in self._picked])
        if self.rule.reduce == "length":
            raw = _reduced(self.rule, raw)
        low, high = self.rule.between
        return not bool(((raw < low) | (raw > high)).any())

    def _tell_time(self, told: Arg, types: str, place: int) -> None:
        tag = types[place : place + 1] if "[" not in types else ""
        if tag == "f" and isinstance(told, float) and abs(told) > FLOAT32_TIME_S:
            self.troubles.append("times sent as float32 are too coarse; when they came counts")
        elif isinstance(told, int | float | str) and not isinstance(told, bool):
            time = time_s(told)
            if math.isfinite(time):
                self.time_s = time
            else:
                self.troubles.append("times that are none; when they came counts")


def _reduced(rule: Rule, values: NDArray[np.float64]) -> NDArray[np.float64]:
    if rule.reduce == "length":
        return np.array([math.hypot(*values.tolist())])
    if rule.reduce == "mean":
        finite = values[np.isfinite(values)]
        return np.array([finite.mean() if finite.size else np.nan])
    return values[:1] if rule.reduce == "first" and len(rule.channels) == 1 else values


def _raw(arg: Arg) -> float:
    """An argument as a number, true as 1; NaN for what is none."""
    return float(arg) if isinstance(arg, bool) else number(arg)


def _stamp(args: list[Arg]) -> float | None:
    """The time that two whole numbers at the end tell, seconds and us since 1970; None when they do not."""
    if len(args) < 3 or any(type(arg) is not int for arg in args[-2:]):
        return None
    seconds, micro = map(number, args[-2:])
    return seconds + micro * 1e-6 if seconds > 1e8 and 0 <= micro < 1_000_000 else None


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:64])


class OscSource(Posted):
    """Listens on a UDP port for messages of a dialect (a name, a TOML file or a Dialect); `port` None is the dialect's.

    SourceError when the dialect is wrong or, on entering, when the port cannot be had. Whatever arrives is survived
    and told in `repairs`; a socket that breaks is opened again.
    """

    def __init__(self, port: int | None, dialect: str | Path | Dialect, clock: Clock, host: str = "127.0.0.1") -> None:
        self.dialect = dialect if isinstance(dialect, Dialect) else load_dialect(dialect)
        self.host, self.port = host, self.dialect.port if port is None else port
        self._clock = clock
        self._mailbox = Mailbox()
        self._listener = Listener(self.dialect)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="OSC", daemon=True)
        self._status = "not listening"

    def __enter__(self) -> Self:
        self._socket = self._open()
        self.port = self._socket.getsockname()[1]
        self._status = f"listening for {self.dialect.name} on {self.host}:{self.port}"
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._stop.set()
        self._thread.join(1.0)
        self._socket.close()
        self._status = "not listening"

    def _open(self) -> socket.socket:
        try:
            family = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_DGRAM)[0][0]
            opened = socket.socket(family, socket.SOCK_DGRAM)
        except (OSError, OverflowError, UnicodeError) as error:
            raise SourceError(f"OSC: {self.host}:{self.port} is no address of this machine ({error})") from None
        try:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        except OSError:
            pass  # some systems refuse instead of giving less
        try:
            opened.bind((self.host, self.port))
        except (OSError, OverflowError) as error:
            opened.close()
            raise SourceError(
                f"OSC: cannot listen on {self.host}:{self.port} ({error}): "
                "end the program that has this port, or send to another and name that"
            ) from None
        opened.settimeout(POLL_S)
        return opened

    def _listen(self) -> None:
        pause_s = POLL_S
        while not self._stop.is_set():
            try:
                datagram = self._socket.recv(DATAGRAM_BYTES)
            except TimeoutError:
                continue
            except OSError as error:
                self._repair(f"the socket broke ({error}); opened again")
                self._stop.wait(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                self._reopen()
                continue
            pause_s = POLL_S
            self._take(datagram, self._clock())

    def _take(self, datagram: bytes, received_s: float) -> None:
        messages, troubles = decode(datagram)
        for trouble in troubles:
            self._repair(trouble)
        for message in messages:
            packet, troubles = self._listener.hear(message, received_s)
            for trouble in troubles:
                self._repair(trouble)
            if packet is not None:
                self._mailbox.put(packet)
                self._status = f"hearing {packet.device} on {self.host}:{self.port}"

    def _reopen(self) -> None:
        self._socket.close()
        try:
            self._socket = self._open()
        except SourceError as error:
            self._status = str(error)

    def _repair(self, what: str) -> None:
        self._mailbox.repair(within(self._mailbox.repairs, what))
