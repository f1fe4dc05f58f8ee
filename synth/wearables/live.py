"""Live sources by the name a person gives them."""

from __future__ import annotations

import io
import os
import stat
import sys
from pathlib import Path
from typing import IO, Any, Self, cast

from synth.wearables.json_lines import LINE_BYTES, JsonLines, Stream
from synth.wearables.packet import Clock, Live, SourceError

SOURCES = {
    "-": "JSON lines on standard input",
    "ble, ble:NAME": "a heart rate sensor over Bluetooth, the first heard or by its name or address",
    "lsl, lsl:NAME": "streams of the Lab Streaming Layer, all that are of use or by name, type or source id",
    "osc, osc:PORT": "Open Sound Control over UDP, at the dialect's own port or this one",
    "PATH": "a named pipe, or a file that JSON lines are being written to, from its end on",
}
DIALECT = "generic"
HOST = "127.0.0.1"
LAST_PORT = 65_535


def open_live(
    spec: str,
    clock: Clock,
    dialect: str | Path | None = None,
    stdin: Stream | None = None,
    host: str | None = None,
) -> Live:
    """The live source that `spec` names as in SOURCES, not yet connected; it stamps packets with `clock`.

    `dialect` (a name or a TOML file) and `host` are for OSC; `stdin` takes the place of standard input. SourceError
    when there is no such source, or it cannot be had here.
    """
    kind, colon, name = spec.partition(":")
    kind, name = kind.strip().lower(), name.strip()
    if kind != "osc" and not (dialect is None and host is None):
        raise SourceError(f"a dialect and a host are for osc, and {spec!r} is none: leave them out")
    if spec == "-":
        return EndingLines(_ending(stdin or _standard_input()), clock)
    if kind == "ble":
        from synth.wearables.ble import BleHeartRate

        return BleHeartRate(name or None, clock)
    if kind == "lsl":
        from synth.wearables.lsl import LslSource

        return LslSource(name or None, clock)
    if kind == "osc":
        from synth.wearables.osc import OscSource

        return OscSource(_port(spec, name), dialect or DIALECT, clock, host or HOST)
    path = Path(spec)
    if path.is_dir():
        raise SourceError(f"{spec}: a folder is a recording, no live source; {_known()}")
    if not path.exists():
        raise SourceError(f"{spec!r} is no live source nor a file that is there; {_known()}")
    return PathLines(path, clock)


def has_ended(live: Live) -> bool:
    """Whether nothing more can come of a source, and all that came is waiting in `packets()`."""
    return isinstance(live, EndingLines) and live.ended


class EndingLines(JsonLines):
    """JSON lines of a stream that comes to an end."""

    @property
    def ended(self) -> bool:
        """Whether it has, or has broken."""
        return self._thread.ident is not None and not self._thread.is_alive()


class PathLines(JsonLines):
    """JSON lines as they are written to a named pipe or a file, whoever writes and however often they begin again.

    SourceError, on entering, when it cannot be opened.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        super().__init__(io.BytesIO(), clock)
        self._path = path

    def __enter__(self) -> Self:
        try:
            self._file = self._stream = _opened(self._path)
        except OSError as error:
            raise SourceError(
                f"{self._path}: cannot be read ({error.strerror}): check the path and its permissions"
            ) from None
        return super().__enter__()

    def __exit__(self, *raised: object) -> None:
        super().__exit__(*raised)
        self._file.close()


def _opened(path: Path) -> IO[bytes]:
    """`path` for reading, a file from its last whole line on."""
    if path.is_fifo():  # opened to write as well, it does not wait for a writer nor end with one
        return os.fdopen(os.open(path, os.O_RDWR | os.O_NONBLOCK), "rb", buffering=0)
    file = path.open("rb", buffering=0)
    if path.is_file():
        start = max(file.seek(0, os.SEEK_END) - LINE_BYTES, 0)
        file.seek(start)
        file.seek(start + file.read(LINE_BYTES).rfind(b"\n") + 1)
    return file


def _standard_input() -> IO[bytes]:
    if sys.stdin is None:
        raise SourceError("-: standard input is closed: pipe JSON lines into this")
    return sys.stdin.buffer


def _ending(stream: Stream) -> Stream:
    """The stream so that it ends where it does even when it is a file, which is read on as it grows otherwise."""
    try:
        growing = stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (AttributeError, OSError):  # in memory
        return stream
    return cast(Stream, _Unfiled(stream)) if growing else stream


class _Unfiled:
    """What a stream says, without a word of its being a file."""

    def __init__(self, stream: Any) -> None:
        self.readline = stream.read


def _port(spec: str, text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text) <= LAST_PORT):
        raise SourceError(f"{spec}: {text!r} is no port: write osc:PORT with a number up to {LAST_PORT}, or osc alone")
    return int(text)


def _known() -> str:
    return "give one of " + "; ".join(f"{name} ({what})" for name, what in SOURCES.items())
