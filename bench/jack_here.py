"""A JACK server on the dummy driver, and a tape that records ports of its clients. For benches and tests."""

from __future__ import annotations

import contextlib
import glob
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import jack
import numpy as np
from numpy.typing import NDArray

PRIORITY = 70
PROBE = "import jack; jack.Client('probe', no_start_server=True).close()"


@contextlib.contextmanager
def jack_server(name: str = "", block: int = 256, *flags: str) -> Iterator[str]:
    """A server called `name` (a new name if not given), 48 kHz, from when it takes clients; gives the name.

    Its clients need JACK_DEFAULT_SERVER with that name, or to ask for it.
    """
    name = name or f"here{uuid.uuid4().hex[:12]}"
    command = ["jackd", "--name", name, "-r", *flags, "-d", "dummy", "-r", "48000", "-p", str(block)]
    quiet = {"JACK_NO_AUDIO_RESERVATION": "1", "JACK_NO_START_SERVER": "1", "JACK_DEFAULT_SERVER": name}
    server = _started(command, {**os.environ, **quiet})
    try:
        yield name
        if server.poll() is not None:
            raise RuntimeError(f"the JACK server ended by itself ({server.poll()})")
    finally:
        _end(server)


def realtime() -> tuple[str, ...]:
    """The flags of a server that runs, and lets its clients run, before all else; none where the system forbids it."""
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    except PermissionError:
        return ()
    os.sched_setscheduler(0, *before)
    return "-R", "-P", str(PRIORITY)


def _started(command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """The server, when it answers; a second attempt forgets those that were killed, whose places stay taken."""
    for _ in range(2):
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        until = time.monotonic() + 20.0
        while server.poll() is None and time.monotonic() < until:
            if subprocess.run([sys.executable, "-c", PROBE], capture_output=True, env=environment).returncode == 0:
                return server
            time.sleep(0.05)
        _end(server)
        if not _running():
            Path("/dev/shm/jack-shm-registry").unlink(missing_ok=True)
    raise RuntimeError(f"jackd does not start (it ended with {server.returncode}): {' '.join(command)}")


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(15.0)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _running() -> bool:
    """Whether any server runs on this machine."""
    for path in glob.glob("/proc/[0-9]*/comm"):
        with contextlib.suppress(OSError):
            if Path(path).read_text() == "jackd\n":
                return True
    return False


class Tape:
    """Records `ports` from `start` on, sample by sample; `frame` is where it is, by its own count."""

    def __init__(self, ports: Sequence[str], seconds: float = 30.0, server: str | None = None) -> None:
        self._client = jack.Client("tape", no_start_server=True, servername=server)
        self.rate = int(self._client.samplerate)
        self._ports = list(ports)
        self._inputs = [self._client.inports.register(f"in_{i}") for i in range(len(self._ports))]
        self._audio = np.zeros((len(self._ports), round(seconds * self.rate)), np.float32)
        self._frames = 0
        self._first: int | None = None  # by the server's count
        self._closed = False
        self._client.set_process_callback(self._process)

    def start(self) -> None:
        """Begin."""
        self._client.activate()
        for port, own in zip(self._ports, self._inputs, strict=True):
            self._client.connect(port, own)

    @property
    def seconds(self) -> float:
        """How long it has recorded."""
        return self._frames / self.rate

    @property
    def frame(self) -> int:
        """The frame of the tape that is being played now, between the blocks as well."""
        return int(self._client.frame_time) - (self._first or 0)

    def stop(self) -> NDArray[np.float32]:
        """(ports, frames) of what was heard."""
        self.close()
        return self._audio[:, : self._frames]

    def close(self) -> None:
        """Leave the server, while it is there: a client that is found by the garbage collector later may crash."""
        if not self._closed:
            self._closed = True
            self._client.deactivate()
            self._client.close()

    def _process(self, frames: int) -> None:
        if self._first is None:
            self._first = int(self._client.last_frame_time)
        at = self._frames
        if at + frames <= self._audio.shape[1]:
            for i, port in enumerate(self._inputs):
                self._audio[i, at : at + frames] = port.get_array()
            self._frames += frames


def aligned(heard: NDArray[np.float32], wanted: NDArray[np.float32], within: float = 0.0) -> int:
    """Frames by which `heard` (frames,) begins later in the session than `wanted` does; from half a second on both are
    the same samples, `within` what share of the loudest. AssertionError when they are not."""
    at = int(np.flatnonzero(heard)[0]) + 24_000
    probe, most = heard[at:], within * np.abs(heard).max()
    places = np.flatnonzero(np.abs(wanted - probe[0]) <= most)
    for place in places[places + probe.size <= wanted.size]:
        if np.abs(wanted[place : place + probe.size] - probe).max() <= most:
            return int(place) - at
    raise AssertionError("what was heard is not what is rendered")
