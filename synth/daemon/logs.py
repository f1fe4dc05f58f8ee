"""The daemon's log on standard error: a JSON object a line, or lines for people in a terminal; never personal data.

What is logged is said by who writes the line: an event in words, a session's id and plain fields. What others raise or
log may hold what a person sent, so of an exception only its kind and its place in the code are written, and of other
packages' lines only the words that stand in their source. A line is written by a thread: a log that nobody reads never
makes the event loop wait, it loses lines and says so.
"""

from __future__ import annotations

import json
import logging
import math
import queue
import re
import sys
import threading
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO

KEPT = 10_000  # lines that wait to be written
LONGEST = 500  # characters of a field
OURS = ("synth", "isotone")
OTHERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi", "websockets", "asyncio", "starlette", "httpx")
_TRACE = "Traceback (most recent call last)"
_PLACE = re.compile(r'File "([^"]+)", line (\d+), in (\S+)')
_KIND = re.compile(r"^([A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit|Warning))\b", re.MULTILINE)
_VALUES = re.compile(r"[(<'\"\[{%:\n]")
_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message", "websocket"}


class Logs:
    """Takes over logging until it is closed. `form` is "json", "text" or "auto", which is text in a terminal."""

    def __init__(self, level: str = "info", form: str = "auto", out: TextIO | None = None) -> None:
        out = sys.stderr if out is None else out
        text = form == "text" or (form == "auto" and out.isatty())
        self._writer = _Writer(out)
        self._writer.setFormatter(_Text() if text else _Json())
        self._root = logging.getLogger()
        self._before = self._root.handlers[:], self._root.level
        self._root.handlers = [self._writer]
        self._root.setLevel(logging.WARNING)
        for name in OTHERS:
            other = logging.getLogger(name)
            other.handlers, other.propagate = [], True
            other.setLevel(logging.WARNING)  # below that they tell addresses and URLs with tickets in them
        self._hook, threading.excepthook = threading.excepthook, _thread_broke
        self.set_level(level)

    def set_level(self, level: str) -> None:
        """Write lines of `level` ("debug", "info", "warning", "error") and above."""
        for name in OURS:
            logging.getLogger(name).setLevel(level.upper())

    def close(self) -> None:
        """Write what waits and give logging back."""
        threading.excepthook = self._hook
        self._root.handlers, level = self._before
        self._root.setLevel(level)
        for name in OURS:
            logging.getLogger(name).setLevel(logging.NOTSET)
        self._writer.close()

    def __enter__(self) -> Logs:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()


def say(logger: logging.Logger, level: str, event: str, session: str | None = None, **fields: Any) -> None:
    """Log an `event`, of a `session` where there is one; `fields` are numbers and short words, nothing personal."""
    given = fields if session is None else {"session": session, **fields}
    logger.log(logging.getLevelNamesMapping()[level.upper()], "%s", event, extra={"fields": given})


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


def _thread_broke(broken: threading.ExceptHookArgs) -> None:
    """A thread of ours ended by an exception."""
    name = broken.thread.name if broken.thread else ""
    place = _raised(broken.exc_type, broken.exc_traceback)
    say(logging.getLogger(__name__), "error", "a thread broke", thread=name, **place)


def told(record: logging.LogRecord) -> dict[str, Any]:
    """What is written of `record`."""
    ours = record.name.partition(".")[0] in OURS
    line: dict[str, Any] = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "part": re.sub(r"^(synth\.daemon|synth|isotone)\.", "", record.name),
        "event": (record.getMessage().partition("\n")[0] if ours else _words(record))[:LONGEST],
    }
    if ours:
        extra = {name: value for name, value in vars(record).items() if name not in _PLAIN}
        fields = extra.pop("fields", {})
        line = _short({**extra, **(fields if isinstance(fields, Mapping) else {})}, line)
        line |= _rest(record.getMessage().partition("\n")[2])
    if record.exc_info and record.exc_info[0] is not None:
        line |= _raised(record.exc_info[0], record.exc_info[2])
    return line


def _rest(text: str) -> dict[str, str]:
    """Further lines of a message, such as where in the code something happened."""
    return {"more": _without_words(text.strip())} if text.strip() else {}


def _without_words(text: str) -> str:
    """A field as it is, but of a traceback the places and the kind alone."""
    if _TRACE not in text and "\n" not in text:
        return text[:LONGEST]
    places = [f"{_file(file)}:{line} {name}" for file, line, name in _PLACE.findall(text)]
    kinds = _KIND.findall(text)
    return " < ".join([*kinds[-1:], *reversed(places[-12:])])[: 4 * LONGEST]


def _words(record: logging.LogRecord) -> str:
    """The words of somebody else's line up to where values may begin."""
    return _VALUES.split(str(record.msg), maxsplit=1)[0].strip() or "(untold)"


def _short(fields: Mapping[str, Any], line: dict[str, Any]) -> dict[str, Any]:
    """`line` with `fields` after what it has."""
    plain = {name: value if _is_plain(value) else _without_words(str(value)) for name, value in fields.items()}
    return {**line, **{name: value for name, value in plain.items() if name not in line}}


def _raised(kind: type[BaseException], where: TracebackType | None) -> dict[str, str]:
    """An exception's kind and place, without its words."""
    steps = traceback.extract_tb(where)[-12:]
    places = [f"{_file(step.filename)}:{step.lineno} {step.name}" for step in steps]
    return {"error": kind.__name__, "where": " < ".join(reversed(places))}


def _file(path: str) -> str:
    """A source file as its package knows it."""
    return "/".join(path.replace("\\", "/").rsplit("/", 3)[-3:])


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(told(record), separators=(",", ":"), default=str)


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = told(record)
        time, level, part, event = (line.pop(name) for name in ("time", "level", "part", "event"))
        fields = " ".join(f"{name}={value}" for name, value in line.items())
        head = f"{time[11:19]} {level:7} {part}: {event}"
        return _printable(f"{head}  {fields}" if fields else head)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


class _Writer(logging.Handler):
    """Hands lines to a thread that writes them."""

    def __init__(self, out: TextIO) -> None:
        super().__init__()
        self._out = out
        self._lines: queue.Queue[str | None] = queue.Queue(KEPT)
        self._lost = 0
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._lines.put_nowait(self.format(record))
        except queue.Full:
            self._lost += 1
        except Exception:  # a field that cannot be shown must not end what was being done
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        self._lost += 1

    def close(self) -> None:
        if self._thread.is_alive():
            try:
                self._lines.put(None, timeout=1.0)
            except queue.Full:
                return
            self._thread.join(timeout=2.0)
        super().close()

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            lost, self._lost = self._lost, 0
            try:
                if lost:
                    self._out.write(self._tell_lost(lost) + "\n")
                self._out.write(line + "\n")
                if self._lines.empty():
                    self._out.flush()
            except (OSError, ValueError):  # nobody reads it any more
                self._lost = lost + 1

    def _tell_lost(self, lost: int) -> str:
        fields = {"fields": {"lines": lost}}
        record = logging.makeLogRecord({"name": __name__, "levelname": "WARNING", "msg": "lines of the log were lost"})
        vars(record).update(fields)
        return self.format(record)
