"""Open Sound Control packets, taken apart and put together.

Decoding follows OSC 1.0 with the types of 1.1 (opensoundcontrol.stanford.edu/spec-1_0.html and spec-1_1.html; Freed &
Schmeder, NIME 2009) and forgives what senders get wrong: it raises on no bytes at all, and tells in words what it had
to guess or leave out.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

MAX_DEPTH = 8  # of bundles in bundles and of arrays in arrays
UNIX_FROM_NTP_S = 2_208_988_800  # 1900 to 1970
NTP_ERA_S = 2**32
IMMEDIATELY = 1
_BUNDLE = b"#bundle\x00"
_FIXED = {"i": ">i", "f": ">f", "h": ">q", "d": ">d", "t": ">Q", "c": ">I"}

Arg: TypeAlias = "int | float | str | bytes | bool | None | list[Arg]"
_EMPTY: dict[str, Arg] = {"T": True, "F": False, "N": None, "I": math.inf}


class Message(NamedTuple):
    """One message. `timetag`: seconds since 1970 told by the bundle about it, None when at once.

    `types` are the type tags as they stand. An argument of type t is in seconds since 1970, None for at once; of r and
    m four bytes; I is infinity; what stands between [ and ] is a list.
    """

    timetag: float | None
    address: str
    args: tuple[Arg, ...]
    types: str


def decode(packet: bytes) -> tuple[list[Message], list[str]]:
    """The messages of a packet in their order, and what was malformed, a few words each."""
    messages: list[Message] = []
    troubles: list[str] = []
    if packet:
        _element(packet, None, 0, messages, troubles)
    else:
        troubles.append("empty packet")
    return messages, troubles


def encode(address: str, args: Sequence[Arg] = (), types: str | None = None) -> bytes:
    """A message. Without `types` floats go as f, integers as i, or h beyond 32 bits; lists as arrays.

    ValueError or struct.error for what does not fit its type.
    """
    tags, data = _encoded(args) if types is None else (types, _encoded_as(args, types))
    return _padded(address.encode()) + _padded(b"," + tags.encode()) + data


def bundle(elements: Iterable[bytes], timetag_s: float | None = None) -> bytes:
    """A bundle of messages and bundles, to be taken at `timetag_s` seconds since 1970 (None: at once)."""
    parts = [_BUNDLE, struct.pack(">Q", _to_ntp(timetag_s))]
    for element in elements:
        parts += (struct.pack(">i", len(element)), element)
    return b"".join(parts)


def _element(data: bytes, timetag: float | None, depth: int, messages: list[Message], troubles: list[str]) -> None:
    if not data.startswith(b"#bundle"):
        _message(data, timetag, messages, troubles)
        return
    if not data.startswith(_BUNDLE) or len(data) < 16:
        troubles.append("a bundle's head is cut short or wrong")
        return
    if depth >= MAX_DEPTH:
        troubles.append("bundles nested too deep; left out")
        return
    timetag = _from_ntp(struct.unpack_from(">Q", data, 8)[0])
    at = 16
    while at + 4 <= len(data):
        size = struct.unpack_from(">i", data, at)[0]
        at += 4
        if size < 0 or size > len(data) - at:
            troubles.append("a bundle's element is longer than the packet")
            size = len(data) - at
        if size:
            _element(data[at : at + size], timetag, depth + 1, messages, troubles)
        at += size
    if at < len(data):
        troubles.append("bytes left over in a bundle")


def _message(data: bytes, timetag: float | None, messages: list[Message], troubles: list[str]) -> None:
    address, at, whole = _string(data, 0)
    if not address:
        troubles.append("a message without an address")
        return
    if not whole:
        troubles.append("an address without its end")
    if not address.startswith("/"):
        troubles.append("an address without its leading slash")
    if at >= len(data):
        messages.append(Message(timetag, address, (), ""))
        return
    if data[at] != ord(","):
        troubles.append("no type tags; numbers guessed")
        args = _guessed(data[at:])
        messages.append(Message(timetag, address, args, "".join("f" if isinstance(x, float) else "i" for x in args)))
        return
    tags, at, whole = _string(data, at)
    if not whole:
        troubles.append("type tags without their end")
    args = tuple(_Arguments(data, at, troubles).read(tags[1:]))
    messages.append(Message(timetag, address, args, tags[1:]))


class _Arguments:
    """Reads the arguments of one message; what is cut short or of an unknown type ends them, with a word."""

    def __init__(self, data: bytes, at: int, troubles: list[str]) -> None:
        self._data, self._at, self._troubles = data, at, troubles

    def read(self, tags: str) -> list[Arg]:
        """The arguments that `tags` (without the comma) announce."""
        found: list[Arg] = []
        open_lists = [found]
        for tag in tags:
            if tag == "[":
                if len(open_lists) > MAX_DEPTH:
                    self._troubles.append("arrays nested too deep; the rest is left out")
                    return found
                inner: list[Arg] = []
                open_lists[-1].append(inner)
                open_lists.append(inner)
            elif tag == "]":
                if len(open_lists) == 1:
                    self._troubles.append("an array is closed that was not opened")
                else:
                    open_lists.pop()
            elif tag in _EMPTY:
                open_lists[-1].append(_EMPTY[tag])
            elif not self._one(tag, open_lists[-1]):
                return found
        if len(open_lists) > 1:
            self._troubles.append("an array is not closed")
        return found

    def _one(self, tag: str, into: list[Arg]) -> bool:
        """Read one argument of some bytes; False when it cannot be."""
        data, at = self._data, self._at
        if tag in _FIXED:
            size = struct.calcsize(_FIXED[tag])
            if at + size > len(data):
                return self._cut_short()
            number = struct.unpack_from(_FIXED[tag], data, at)[0]
            self._at = at + size
            if tag == "t":
                number = _from_ntp(number)
            elif tag == "c":
                number = chr(number) if number < 0xD800 or 0xE000 <= number < 0x110000 else "\ufffd"
            into.append(number)
        elif tag in ("s", "S"):
            if at >= len(data):
                return self._cut_short()
            text, self._at, whole = _string(data, at)
            if not whole:
                self._troubles.append("a string without its end")
            into.append(text)
        elif tag == "b":
            size = struct.unpack_from(">i", data, at)[0] if at + 4 <= len(data) else -1
            if size < 0 or at + 4 + size > len(data):
                return self._cut_short()
            into.append(data[at + 4 : at + 4 + size])
            self._at = _aligned(at + 4 + size)
        elif tag in ("r", "m"):
            if at + 4 > len(data):
                return self._cut_short()
            into.append(data[at : at + 4])
            self._at = at + 4
        else:
            self._troubles.append("an argument of a type that is not OSC's; it and the rest are left out")
            return False
        return True

    def _cut_short(self) -> bool:
        self._troubles.append("an argument is cut short; it and the rest are left out")
        return False


def _string(data: bytes, at: int) -> tuple[str, int, bool]:
    """The string at `at`, where the next thing begins, and whether the string had an end."""
    end = data.find(0, at)
    if end < 0:
        return data[at:].decode("utf-8", "replace"), len(data), False
    return data[at:end].decode("utf-8", "replace"), _aligned(end + 1), True


def _guessed(data: bytes) -> tuple[Arg, ...]:
    """Numbers of a sender that tells no types: a whole number where it is small, else a float of ordinary size."""
    words = data[: len(data) // 4 * 4]
    pairs = zip(struct.iter_unpack(">i", words), struct.iter_unpack(">f", words), strict=True)
    return tuple(real if abs(whole) > 2**20 and 1e-9 < abs(real) < 1e9 else whole for (whole,), (real,) in pairs)


def _encoded(args: Sequence[Arg]) -> tuple[str, bytes]:
    """Type tags and bytes of arguments by their Python types."""
    tags, parts = "", b""
    for arg in args:
        if isinstance(arg, list):
            inner_tags, inner = _encoded(arg)
            tags, parts = f"{tags}[{inner_tags}]", parts + inner
        else:
            tag = _tag(arg)
            tags, parts = tags + tag, parts + _packed(tag, arg)
    return tags, parts


def _encoded_as(args: Sequence[Arg], types: str) -> bytes:
    """Bytes of `args` as `types` says; types without bytes and the brackets of arrays take no argument."""
    with_bytes = [tag for tag in types if tag not in "TFNI[]"]
    if len(with_bytes) != len(args):
        raise ValueError(f"{len(args)} arguments for the OSC types {types!r}")
    return b"".join(_packed(tag, arg) for tag, arg in zip(with_bytes, args, strict=True))


def _tag(arg: Arg) -> str:
    if isinstance(arg, bool):
        return "T" if arg else "F"
    if isinstance(arg, int):
        return "i" if -(2**31) <= arg < 2**31 else "h"
    for kind, tag in ((float, "f"), (str, "s"), (bytes, "b"), (type(None), "N")):
        if isinstance(arg, kind):
            return tag
    raise ValueError(f"{arg!r} has no OSC type")


def _packed(tag: str, arg: Arg) -> bytes:
    if tag in _EMPTY:
        return b""
    if tag == "t" and (arg is None or isinstance(arg, int | float)):
        return struct.pack(">Q", _to_ntp(arg))
    if tag == "c" and isinstance(arg, str):
        return struct.pack(">I", ord(arg))
    if tag in ("s", "S") and isinstance(arg, str):
        return _padded(arg.encode())
    if tag == "b" and isinstance(arg, bytes):
        return struct.pack(">i", len(arg)) + arg + bytes(-len(arg) % 4)
    if tag in ("r", "m") and isinstance(arg, bytes) and len(arg) == 4:
        return arg
    if tag in ("i", "h", "f", "d") and isinstance(arg, int | float):
        return struct.pack(_FIXED[tag], arg)
    raise ValueError(f"{arg!r} cannot be sent as OSC type {tag!r}")


def _padded(text: bytes) -> bytes:
    if b"\x00" in text:
        raise ValueError("an OSC string cannot hold a NUL")
    return text + bytes(4 - len(text) % 4)


def _aligned(at: int) -> int:
    return at + -at % 4


def _from_ntp(timetag: int) -> float | None:
    """Seconds since 1970 of an NTP time tag; the era after 2036 is told by the first bit (RFC 4330 section 3)."""
    if timetag == IMMEDIATELY:
        return None
    seconds = timetag / 2**32
    return seconds + (NTP_ERA_S if seconds < NTP_ERA_S / 2 else 0) - UNIX_FROM_NTP_S


def _to_ntp(unix_s: float | None) -> int:
    if unix_s is None:
        return IMMEDIATELY
    return round((unix_s + UNIX_FROM_NTP_S) * 2**32) % 2**64
