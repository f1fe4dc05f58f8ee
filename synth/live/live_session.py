"""A session that plays through a device of this machine, in a process of its own that is started and ended here."""

from __future__ import annotations

import contextlib
import pickle
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

from synth.live.far_session import FarSession, Line
from synth.live.process import SIZE, parts
from synth.live.ring import Shared
from synth.live.setup import Setup
from synth.preset import Preset, load_preset
from synth.session import SessionError

LOOK_S = 0.004
START_S = 300.0  # the first start compiles its kernels
FINISH_S = 20.0
QUIT_S = 3.0


class LiveError(RuntimeError):
    """A live session that cannot start or has broken; the message says why and what to do."""


class LiveSession(FarSession):
    """Starts `setup` in a process of its own; what it tells is heard in a thread of this object."""

    def __init__(self, setup: Setup, record: Callable[[Line], None] | None = None) -> None:
        self._shared = Shared(SIZE)
        super().__init__(parts(self._shared.memory), setup.preset, setup.sample_rate, record)
        self.setup = setup
        self._begun = (setup.preset, dict(setup.session))
        self._ready, self._ended = threading.Event(), threading.Event()
        self._trouble = ""
        self._errors = tempfile.TemporaryFile()
        self._process: subprocess.Popen[bytes] | None = None
        self._reader = threading.Thread(target=self._read, name="live session", daemon=True)

    # -- from start to end ---------------------------------------------------------------------------------------

    def start(self, timeout_s: float = START_S) -> None:
        """Start the process and wait until it plays. LiveError when it cannot."""
        command = [sys.executable, "-m", "synth.live"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=self._errors, stderr=self._errors)
        assert self._process.stdin is not None
        sent = pickle.dumps((str(self._shared.path), self.setup))
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(len(sent).to_bytes(8, "little") + sent)
            self._process.stdin.flush()
        self._reader.start()
        if not self._ready.wait(timeout_s):
            self.kill()
            raise LiveError(f"the live process did not start within {timeout_s:g} s")
        self._shared.forget()
        if self._trouble:
            self._reader.join()
            raise LiveError(self._trouble)

    def begin(self, at_s: float | None = None) -> None:
        """Let a session that waits (`Setup.wait`) begin, so that its first frame is heard at `at_s` by
        time.monotonic() (None: with the next block)."""
        seen = self.seen
        latency_s = seen.latency_frames / (seen.sample_rate or self.setup.sample_rate)
        self._send("begin", None if at_s is None else at_s - latency_s)

    def change(self, preset: str | Preset, **asked: Any) -> None:
        """Fade this session out and begin one of `preset`, in the same process and through the same device; `asked` are
        keywords of `Session` where they differ. Its record begins with a line of type "session". PresetError on an
        unknown preset."""
        preset = preset if isinstance(preset, Preset) else load_preset(preset)
        self._begun = (preset, {**self.setup.session, **asked})
        self._send("change", *self._begun)

    def again(self) -> None:
        """Begin the preset that was played last again, as it was asked for, after a panic. SessionError while it plays,
        and when the session is over, as its process has gone with it."""
        if self.finished:
            raise SessionError("the session is over: make a new one")
        if not self._panicked:
            raise SessionError("the session is playing: it begins again after a panic")
        self._panicked = False  # pressed twice, it begins once
        self._send("change", *self._begun)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the session is over; whether it is. LiveError when it broke."""
        over = self._ended.wait(timeout_s)
        if over and self._trouble:
            raise LiveError(self._trouble)
        return over

    def close(self) -> None:
        """Fade out, and wait until the process has ended; closing twice does nothing."""
        if self._process is None:
            self._errors.close()
            self._shared.forget()
            return
        self.stop()
        if not self._ended.wait(FINISH_S):
            self.kill()
        self._reader.join()

    def kill(self) -> None:
        """End the process at once, without a fade."""
        if self._process is None:
            self.close()
            return
        self._send("quit")
        if not self._ended.wait(QUIT_S) and self._process.poll() is None:
            self._process.kill()
        self._reader.join()

    def __enter__(self) -> LiveSession:
        self.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    @property
    def finished(self) -> bool:
        """Whether the session is over, and its process with it."""
        return self._ended.is_set()

    # -- what comes and goes -----------------------------------------------------------------------------------------

    def _read(self) -> None:
        """Take what the process tells until it is over, then let go of it."""
        assert self._process is not None and self._process.stdin is not None
        while not self._over:
            gone = self._process.poll() is not None
            if not self.take():
                if gone:
                    self._break()
                    break
                time.sleep(LOOK_S)
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()
        self._errors.close()
        self._shared.forget()
        self._ended.set()
        self._ready.set()

    def _hear(self, kind: str, said: Any) -> None:
        if kind == "ready":
            self._ready.set()
        elif kind == "failed" or (kind == "refused" and not self._ready.is_set()):
            self._trouble = said
        else:
            super()._hear(kind, said)

    def _break(self) -> None:
        """The process has ended without a word."""
        assert self._process is not None
        self._errors.seek(0)
        last = self._errors.read().decode(errors="replace").strip().splitlines()[-5:]
        self._trouble = "\n".join([f"the live process ended by itself ({self._process.returncode})", *last])
