"""The log: a JSON object a line or a line for people, and nothing in it that somebody sent."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.daemon.logs import KEPT, Logs, say

SECRET = "brassheron 73.4718"
ours, theirs = logging.getLogger("synth.daemon.tested"), logging.getLogger("uvicorn.error")


def logged(write: Callable[[], object], level: str = "info", form: str = "json") -> list[str]:
    out = io.StringIO()
    with Logs(level, form, out):
        write()
    return out.getvalue().splitlines()


def test_a_line_is_an_object_with_time_level_part_event_session_and_fields() -> None:
    (line,) = logged(lambda: say(ours, "warning", "a session waits", session="s1", worker=2, share=0.5, of=None))
    told = json.loads(line)
    assert told.pop("time").endswith("Z") and len(line) < 200
    wanted = {"level": "warning", "part": "tested", "event": "a session waits", "session": "s1"}
    assert told == {**wanted, "worker": 2, "share": 0.5, "of": None}


def test_extra_fields_are_fields_too_but_cannot_pass_for_others() -> None:
    (line,) = logged(lambda: ours.info("heard", extra={"session": "s2", "event": "forged", "level": "error"}))
    told = json.loads(line)
    assert (told["event"], told["level"], told["session"]) == ("heard", "info", "s2")


def test_in_a_terminal_it_is_a_line_for_people() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for form, out in (("auto", Terminal()), ("text", io.StringIO())):
        with Logs("info", form, out):
            say(ours, "info", "listening", url="http://127.0.0.1:1/", odd="a\x1b[2Jb")
        assert out.getvalue()[9:] == "info    tested: listening  url=http://127.0.0.1:1/ odd=a [2Jb\n"


def test_less_severe_lines_are_left_out_and_the_level_can_change() -> None:
    out = io.StringIO()
    with Logs("warning", "json", out) as logs:
        ours.info("first")
        logs.set_level("debug")
        ours.debug("second")
    assert [json.loads(line)["event"] for line in out.getvalue().splitlines()] == ["second"]


def _raise() -> None:
    try:
        raise ValueError(SECRET)
    except ValueError:
        ours.exception("it broke")


def _thread() -> None:
    def work() -> None:
        raise KeyError(SECRET)

    thread = threading.Thread(target=work, name="worker")
    thread.start()
    thread.join()


TRACE = f'Traceback (most recent call last):\n  File "a/b/c/d.py", line 7, in work\n    x\nRuntimeError: {SECRET}'


@pytest.mark.parametrize(
    ("write", "wanted"),
    [
        (_raise, {"error": "ValueError", "event": "it broke"}),
        (_thread, {"error": "KeyError", "event": "a thread broke", "thread": "worker"}),
        (lambda: ours.error("a worker ended", extra={"words": TRACE}), {"words": "RuntimeError < b/c/d.py:7 work"}),
        (
            lambda: ours.error("it failed:\n%s", TRACE),
            {"event": "it failed:", "more": "RuntimeError < b/c/d.py:7 work"},
        ),
        (lambda: theirs.warning("Invalid %s", SECRET), {"event": "Invalid", "part": "uvicorn.error"}),
        (lambda: theirs.error(f"Bad value '{SECRET}'"), {"event": "Bad value"}),
        (lambda: theirs.error(f"Task failed\nfuture: {SECRET}"), {"event": "Task failed"}),
    ],
)
def test_of_what_others_raise_or_say_only_kind_and_place_are_written(
    write: Callable[[], object], wanted: dict[str, Any]
) -> None:
    (line,) = logged(write)
    assert json.loads(line).items() >= wanted.items()
    assert SECRET not in line and SECRET.split()[0] not in line


def test_what_others_tell_of_every_request_is_not_written() -> None:
    def write() -> None:
        theirs.info('127.0.0.1 - "GET /?ticket=x" 200')
        logging.getLogger("uvicorn.access").info("x")
        logging.getLogger("websockets.server").debug("x")

    assert logged(write, "debug") == []


def test_a_log_that_nobody_reads_holds_nothing_up_and_tells_what_it_lost() -> None:
    class Stuck(io.StringIO):
        def __init__(self) -> None:
            super().__init__()
            self.go_on = threading.Event()

        def write(self, text: str) -> int:
            self.go_on.wait(60.0)
            return super().write(text)

    out = Stuck()
    with Logs("info", "json", out):
        for _ in range(KEPT + 50):
            ours.info("again")
        out.go_on.set()
        while "again" not in out.getvalue():
            pass
        ours.info("last")
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    lost = sum(line.get("lines", 0) for line in lines)
    assert lost >= 49 and sum(line["event"] == "again" for line in lines) + lost == KEPT + 50
    assert lines[-1]["event"] == "last"


def test_logging_is_as_before_when_it_is_closed() -> None:
    root = logging.getLogger()
    before = root.handlers[:], root.level, threading.excepthook
    logged(lambda: ours.info("x"))
    assert (root.handlers, root.level, threading.excepthook) == before


@settings(max_examples=50)
@given(
    st.text(), st.dictionaries(st.text(min_size=1), st.none() | st.text() | st.floats() | st.binary() | st.integers())
)
def test_whatever_is_logged_is_one_line_of_json(event: str, fields: dict[str, Any]) -> None:
    (line,) = logged(lambda: ours.info("%s", event, extra={"fields": fields}))
    assert set(json.loads(line, parse_constant=pytest.fail)) >= {"time", "level", "part", "event"}
