"""MIDI bytes, taken apart and put together.

After the MIDI 1.0 Detailed Specification (MIDI Association, 1996): a status may be left out where it is the one before
(running status), real-time bytes may stand anywhere, even inside another message. Decoding raises on no bytes at all.
"""

from __future__ import annotations

from typing import NamedTuple

MAX_SYSEX = 65_536  # bytes of one system exclusive message that are kept
_CHANNEL = {
    0x80: ("note_off", 2),
    0x90: ("note_on", 2),
    0xA0: ("poly_pressure", 2),
    0xB0: ("control_change", 2),
    0xC0: ("program_change", 1),
    0xD0: ("pressure", 1),
    0xE0: ("pitch_bend", 2),
}
_COMMON = {0xF1: ("time_code", 1), 0xF2: ("song_position", 2), 0xF3: ("song_select", 1), 0xF6: ("tune_request", 0)}
_REAL_TIME = {0xF8: "clock", 0xFA: "start", 0xFB: "continue", 0xFC: "stop", 0xFE: "sensing", 0xFF: "reset"}
_STATUS = {kind: status for status, (kind, _) in (_CHANNEL | _COMMON).items()}
_STATUS |= {kind: status for status, kind in _REAL_TIME.items()}
_SIZE = {kind: size for kind, size in (_CHANNEL | _COMMON).values()}
_SYSEX, _END_OF_SYSEX = 0xF0, 0xF7


class Message(NamedTuple):
    """One message. `channel` is 0 to 15, -1 for messages to no channel.

    `number` is a key, a controller or a program; `value` a velocity, a controller's or pressure's value, a bend -8192
    to 8191, a song position in sixteenths, a song or a quarter frame's byte. `data` is what stands inside a "sysex".
    """

    kind: str
    channel: int = -1
    number: int = 0
    value: int = 0
    data: bytes = b""


class Decoder:
    """The bytes of one stream, in pieces of any size. Of a message longer than `max_sysex` nothing is kept."""

    def __init__(self, max_sysex: int = MAX_SYSEX) -> None:
        self._max_sysex = max_sysex
        self._status = 0  # 0: none
        self._data = bytearray()
        self._too_long = False

    def feed(self, data: bytes | bytearray) -> tuple[list[Message], list[str]]:
        """The messages that end in `data`, in their order, and what was malformed, a few words each kind of fault."""
        messages: list[Message] = []
        troubles: dict[str, None] = {}
        for byte in data:
            if byte in _REAL_TIME:
                messages.append(Message(_REAL_TIME[byte]))
            elif byte >= 0xF8:
                troubles["a real-time byte that is not defined"] = None
            elif byte >= 0x80:
                self._on_status(byte, messages, troubles)
            else:
                self._on_data(byte, messages, troubles)
        return messages, list(troubles)

    def _on_status(self, byte: int, messages: list[Message], troubles: dict[str, None]) -> None:
        if self._status == _SYSEX and byte == _END_OF_SYSEX:
            if self._too_long:
                troubles[f"a system exclusive message longer than {self._max_sysex} bytes; left out"] = None
            else:
                messages.append(Message("sysex", data=bytes(self._data)))
            self._begin(0)
            return
        if self._status == _SYSEX or self._data:
            troubles["a message is cut short; left out"] = None
        self._begin(byte if byte < 0xF0 or byte == _SYSEX or byte in _COMMON else 0)
        if self._status == _STATUS["tune_request"]:
            messages.append(Message("tune_request"))
            self._begin(0)
        elif not self._status:
            troubles["a status byte that is not defined, or an end without a beginning"] = None

    def _on_data(self, byte: int, messages: list[Message], troubles: dict[str, None]) -> None:
        if self._status == _SYSEX:
            self._too_long |= len(self._data) >= self._max_sysex
            if not self._too_long:
                self._data.append(byte)
            return
        if not self._status:
            troubles["data bytes without a status; left out"] = None
            return
        self._data.append(byte)
        kind, size = _COMMON[self._status] if self._status >= 0xF0 else _CHANNEL[self._status & 0xF0]
        if len(self._data) == size:
            messages.append(_message(kind, self._status, self._data))
            self._begin(self._status if self._status < 0xF0 else 0)

    def _begin(self, status: int) -> None:
        self._status, self._too_long = status, False
        self._data.clear()


def _message(kind: str, status: int, data: bytes | bytearray) -> Message:
    channel = status & 0x0F if status < 0xF0 else -1
    if kind == "pitch_bend":
        return Message(kind, channel, value=join14(data[1], data[0]) - 8192)
    if kind == "song_position":
        return Message(kind, channel, value=join14(data[1], data[0]))
    if kind == "program_change":
        return Message(kind, channel, number=data[0])
    if len(data) == 2:
        return Message(kind, channel, data[0], data[1])
    return Message(kind, channel, value=data[0])


def encode(message: Message) -> bytes:
    """The bytes of a message, with its status. ValueError for what MIDI cannot say."""
    kind, channel, number, value, data = message
    if kind == "sysex":
        if any(byte > 127 for byte in data):
            raise ValueError("a system exclusive message holds bytes 0 to 127 only")
        return bytes((_SYSEX, *data, _END_OF_SYSEX))
    if kind not in _STATUS:
        raise ValueError(f"no MIDI message is called {kind!r}")
    status, size = _STATUS[kind], _SIZE.get(kind, 0)
    if status < 0xF0:
        if not 0 <= channel <= 15:
            raise ValueError(f"channel {channel}: 0 to 15")
        status += channel
    body: tuple[int, ...]
    if kind in ("pitch_bend", "song_position"):
        msb, lsb = split14(value + 8192 if kind == "pitch_bend" else value)
        body = (lsb, msb)
    elif size == 2:
        body = (number, value)
    else:
        body = (number if kind == "program_change" else value,)[:size]
    if not all(0 <= byte <= 127 for byte in body):
        raise ValueError(f"{kind} {number} {value}: out of MIDI's range")
    return bytes((status, *body))


def control_change(channel: int, number: int, value: int) -> bytes:
    """Controller `number` 0..127 of `channel` 0..15 is at `value` 0..127."""
    return encode(Message("control_change", channel, number, value))


def parameter(channel: int, number: int, value: int, registered: bool = True) -> tuple[bytes, ...]:
    """Parameter `number` (RPN, or NRPN where not `registered`) of `channel` becomes `value`, both 0 to 16383.

    Afterwards no parameter is chosen, so that a stray data entry changes nothing.
    """
    select = (101, 100) if registered else (99, 98)
    steps = (*zip(select, split14(number), strict=True), *zip((6, 38), split14(value), strict=True))
    return tuple(control_change(channel, *step) for step in (*steps, (101, 127), (100, 127)))


def join14(msb: int, lsb: int) -> int:
    """A value of 14 bits, 0 to 16383."""
    return msb << 7 | lsb


def split14(value: int) -> tuple[int, int]:
    """Most and least significant seven bits. ValueError outside 0 to 16383."""
    if not 0 <= value < 1 << 14:
        raise ValueError(f"{value} does not fit into 14 bits")
    return value >> 7, value & 0x7F


def to_share(value: int, bits: int = 7) -> float:
    """0 to 1 of a controller's value: its ends are the ends, and MIDI's centre (64 of 7 bits) is exactly the middle.

    As values are translated in MIDI 2.0 (M2-115-U, Bit Scaling and Resolution, min-centre-max).
    """
    centre = 1 << (bits - 1)
    return 0.5 * value / centre if value <= centre else 0.5 + 0.5 * (value - centre) / (centre - 1)


def from_share(share: float, bits: int = 7) -> int:
    """The value nearest to `share` (held in 0 to 1): the inverse of `to_share`."""
    share = min(max(share, 0.0), 1.0)
    centre = 1 << (bits - 1)
    return round(2.0 * share * centre) if share <= 0.5 else centre + round((2.0 * share - 1.0) * (centre - 1))
