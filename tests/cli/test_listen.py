"""Listening to a live source: what is shown and kept of it is what a session would hear."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import stat
import subprocess
import sys
import tarfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from synth.cli import listen as command
from synth.cli.listen import bar, follow, plain, printable, screen
from synth.cli.listening import MOST_METERS, Listening, Meter
from synth.estimator.run import estimates
from synth.estimator.state import State
from synth.wearables.live import has_ended, open_live
from synth.wearables.packet import Packet
from synth.wearables.recording import open_recording
from synth.wearables.samples import Samples

ARCHIVE = Path(__file__).parents[1] / "estimator" / "data" / "faults.tar.xz"
SECONDS = 200


@pytest.fixture(scope="module")
def clean() -> list[bytes]:
    """The lines of the first minutes of a real wrist, as received."""
    with tarfile.open(ARCHIVE) as archive:
        lines = archive.extractfile("clean.jsonl").read().splitlines(keepends=True)  # type: ignore[union-attr]
    return [line for line in lines if json.loads(line)["recv"] < SECONDS]


class Sender:
    """Standard input on which lines come when a clock made of nothing gets to the time at which they were received."""

    def __init__(self, lines: list[bytes]) -> None:
        self.now_s = 0.0
        self._lines = deque((float(json.loads(line)["recv"]), line) for line in lines)
        self._handed: bytes | None = None
        self._reading = False
        self._change = threading.Condition()

    def clock(self) -> float:
        return self.now_s

    def readline(self, size: int) -> bytes:
        """Called by the thread that reads, when it is done with the line before."""
        with self._change:
            self._reading = True
            self._change.notify_all()
            assert self._change.wait_for(lambda: self._handed is not None, 30.0)
            line, self._handed, self._reading = self._handed, None, False
            assert line is not None
            return line

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        end_s = self.now_s + seconds
        while self._lines and self._lines[0][0] <= end_s:
            self.now_s, line = self._lines.popleft()
            self._hand(line)
        if not self._lines:
            self._hand(b"")
            next(thread for thread in threading.enumerate() if thread.name == "json lines").join(30.0)
        self.now_s = end_s

    def _hand(self, line: bytes) -> None:
        with self._change:
            assert self._change.wait_for(lambda: self._reading, 30.0)
            self._handed = line
            self._change.notify_all()
            if line:
                assert self._change.wait_for(lambda: self._reading and self._handed is None, 30.0)


class Heard(Listening):
    """Keeps every state."""

    def tick(self) -> State:
        self.states = [*getattr(self, "states", []), super().tick()]
        return self.states[-1]


def test_what_is_heard_live_is_what_the_log_says_and_what_is_saved_says_it_again(
    clean: list[bytes], tmp_path: Path
) -> None:
    (tmp_path / "sent.jsonl").write_bytes(b"".join(clean))
    sender, shown = Sender(clean), []
    live = open_live("-", sender.clock, stdin=sender)  # type: ignore[arg-type]
    with live, open(tmp_path / "saved.jsonl", "w") as file:
        heard = Heard(live, file.write)
        follow(heard, sender.clock, sender.wait, lambda listening: shown.append(listening.seconds))
        heard.finish()
    assert has_ended(live) and heard.repairs == {}
    assert len(heard.states) == SECONDS and shown == [0, *range(SECONDS + 1)]
    assert heard.states[-1].confidence > 0.3 and heard.states[-1].hr_bpm is not None
    assert heard.states == list(estimates(open_recording(tmp_path / "sent.jsonl")))
    assert heard.states == list(estimates(open_recording(tmp_path / "saved.jsonl")))
    assert heard.lines == len((tmp_path / "saved.jsonl").read_text().splitlines()) == len(clean)
