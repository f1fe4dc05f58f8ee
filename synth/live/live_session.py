"""A session that plays in a process of its own, as seen from outside: what may be asked of it, and what it tells.

Satisfies `synth.control.hands.Hands`, as `synth.Session` does.
"""

from __future__ import annotations

import contextlib
import pickle
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from synth.bus import rank
from synth.controls import control, defaults
from synth.live.board import Seen
from synth.live.process import SIZE, parts
from synth.live.ring import Shared
from synth.live.setup import Setup
from synth.preset import Preset, load_preset
from synth.session import VERBS, SessionError
from synth.session.pulse import Pulse, first_pulse
from synth.wearables.packet import Packet
from synth.wearables.words import valence_of

LOOK_S = 0.004
START_S = 300.0  # the first start compiles its kernels
FINISH_S = 20.0
QUIT_S = 3.0
KEPT = 200  # words that nobody has taken yet
Line = dict[str, Any]


class LiveError(RuntimeError):
    """A live session that cannot start or has broken; the message says why and what to do."""


class LiveSession:
    """Starts `setup` in a process of its own.

    `record` is called with each line of its record. `on_midi` may be set: it is called with what came in through the
    device's own MIDI port, (session time, message); `on_send` with messages for another port, where the device has
    none. All three are called from a thread of this object. `words` are what is worth telling: a device lost and found,
    what was refused.
    """

    def __init__(self, setup: Setup, record: Callable[[Line], None] | None = None) -> None:
        self.setup = setup
        self.words: deque[str] = deque(maxlen=KEPT)
        self._record = record or (lambda line: None)
        self.on_midi: Callable[[float, bytes], None] = lambda t_s, message: None
        self.on_send: Callable[[bytes], None] = lambda message: None
        self._shared = Shared(SIZE)
        self._board, self._inbox, self._outbox = parts(self._shared.memory)
        self._held: set[str] = set()
        self._phase, self._planned = "", (0.0, 0.0, 0.0)
        self._state_reasons: tuple[str, ...] = ()
        self._plan_words: tuple[str, ...] = ()
        self._ready, self._over = threading.Event(), threading.Event()
        self._trouble = ""
        self._told_over = False
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
        self._send("change", preset, {**self.setup.session, **asked})

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the session is over; whether it is. LiveError when it broke."""
        over = self._over.wait(timeout_s)
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
        if not self._over.wait(FINISH_S):
            self.kill()
        self._reader.join()

    def kill(self) -> None:
        """End the process at once, without a fade."""
        if self._process is None:
            self.close()
            return
        self._send("quit")
        if not self._over.wait(QUIT_S) and self._process.poll() is None:
            self._process.kill()
        self._reader.join()

    def __enter__(self) -> LiveSession:
        self.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    # -- what hands may ask ----------------------------------------------------------------------------------------

    def request(self, name: str, value: float, by: str = "hand", reason: str = "asked for") -> None:
        """As `Session.request`."""
        self._send("request", control(name).name, float(value), by, reason)

    def release(self, name: str) -> None:
        """As `Session.release`."""
        self._send("release", control(name).name)

    def verb(self, name: str) -> None:
        """As `Session.verb`."""
        if name not in VERBS:
            raise SessionError(f"no verb called {name!r}: one of {', '.join(VERBS)}")
        self._send("verb", name)

    def feed(
        self,
        channel: str,
        value: float | Sequence[float],
        t_s: float | Sequence[float] | None = None,
        device: str | None = None,
    ) -> None:
        """As `Session.feed`."""
        self._send("feed", channel, value, t_s, device)

    def tell(self, text: str) -> float | None:
        """As `Session.tell`."""
        valence = valence_of(text)
        if valence is not None:
            self.feed("self_valence", valence)
        return valence

    def hear(self, packet: Packet) -> None:
        """As `Session.hear`."""
        self._send("hear", packet)

    def play(self, pitch: float, velocity: float, stem: str = "melody", by: str = "hand") -> None:
        """As `Session.play`."""
        self._send("play", float(pitch), float(velocity), stem, by)

    def edit(self, phases: Sequence[Mapping[str, Any]]) -> None:
        """As `Session.edit`."""
        self._send("edit", [dict(phase) for phase in phases])

    def stop(self) -> None:
        """Fade out over a few seconds and finish."""
        self._send("stop")

    def panic(self) -> None:
        """Silence within 250 ms."""
        self._send("panic")

    # -- what can be seen ------------------------------------------------------------------------------------------

    @property
    def seen(self) -> Seen:
        """The numbers of this moment (`synth.live.board.FIELDS`)."""
        return self._board.read()

    @property
    def time_s(self) -> float:
        """Session time handed to the device."""
        return self.seen.time_s

    def session_time(self, monotonic_s: float) -> float:
        """Session time of what is handed to the device at a moment of time.monotonic(); it is heard
        `seen.latency_frames` later."""
        seen = self.seen
        rate = seen.sample_rate or float(self.setup.sample_rate)
        return (seen.frames - seen.block) / rate + (monotonic_s - seen.at_s)

    @property
    def controls(self) -> Mapping[str, float]:
        """Every control's value now; before the first sound those that the preset starts with."""
        seen = self.seen
        return seen.controls if seen.frames else {**defaults(), **self.setup.preset.controls}

    @property
    def held(self) -> frozenset[str]:
        """Controls that a person or safety holds."""
        return frozenset(self._held)

    @property
    def phase(self) -> str:
        """The plan's phase."""
        return self._phase

    @property
    def planned(self) -> tuple[float, float, float]:
        """Arousal, valence and tension that the plan wants now."""
        return self._planned

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the music is as it is, in words."""
        return (*self._state_reasons, *self._plan_words)

    @property
    def pulse(self) -> Pulse:
        """The beat that is being rendered."""
        seen = self.seen
        return seen.pulse if seen.frames else first_pulse(self.controls)

    @property
    def finished(self) -> bool:
        """Whether the session is over."""
        return self._over.is_set()

    # -- what comes and goes -----------------------------------------------------------------------------------------

    def _send(self, word: str, *args: Any, **kwargs: Any) -> None:
        message = pickle.dumps((word, args, kwargs), protocol=pickle.HIGHEST_PROTOCOL)
        if not self._inbox.put(message):
            self.words.append(f"{word} was not taken: the live process has not answered for a while")

    def _read(self) -> None:
        """Take what the process tells until it is over, then let go of it."""
        assert self._process is not None and self._process.stdin is not None
        while not self._told_over:
            gone = self._process.poll() is not None
            messages = self._outbox.take()
            for message in messages:
                kind, said = pickle.loads(message)
                self._hear(kind, said)
            if not messages:
                if gone:
                    self._break()
                    break
                time.sleep(LOOK_S)
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()
        self._errors.close()
        self._shared.forget()
        self._over.set()
        self._ready.set()

    def _hear(self, kind: str, said: Any) -> None:
        match kind:
            case "line":
                self._take(said)
                self._record(said)
            case "midi":
                for t_s, message in said:
                    self.on_midi(t_s, message)
            case "send":
                for message in said:
                    self.on_send(message)
            case "ready":
                self._ready.set()
            case "device":
                self.words.append(said)
            case "refused" if self._ready.is_set():
                self.words.append(said)
            case "refused" | "failed":
                self._trouble = said
            case "over":
                self._told_over = True

    def _break(self) -> None:
        """The process has ended without a word."""
        assert self._process is not None
        self._errors.seek(0)
        last = self._errors.read().decode(errors="replace").strip().splitlines()[-5:]
        self._trouble = "\n".join([f"the live process ended by itself ({self._process.returncode})", *last])

    def _take(self, line: Line) -> None:
        """Keep what is shown of a line of the record."""
        match line["type"]:
            case "session":
                self._held = set()
            case "commit" if line["accepted"] and rank(line["by"]) > 0:
                self._held.add(line["control"])
            case "release":
                self._held.discard(line["control"])
            case "phase":
                self._phase = line["text"]
            case "plan":
                self._planned = line["arousal"], line["valence"], line["tension"]
                self._plan_words = tuple(line["words"])
            case "state":
                self._state_reasons = tuple(line["reasons"])
