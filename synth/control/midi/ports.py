"""MIDI ports of this machine: opened by a part of their name, missed when they vanish, taken up when they come back.

Ports are polled from a thread of our own rather than called from the driver's: under JACK that would be the thread
in which audio is due, and Python would keep it waiting.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from synth.control.midi.jack_watch import JackWatch
from synth.control.midi.mapping import MidiError

POLL_S = 0.001
TICK_S = 0.03
LOOK_S = 0.5  # how often the names of ports are looked through
_QUEUE = 8192  # messages that wait while Python is busy elsewhere
_CLOCK = frozenset((0xF2, 0xF8, 0xFA, 0xFB, 0xFC))
_ALSA_NUMBERS = re.compile(r" \d+:\d+$")  # they change from one plugging in to the next


class Heard(Protocol):
    """What the ports play: `MidiHands`."""

    def hear(self, message: bytes, now_s: float, port: str = "") -> None: ...
    def tick(self, now_s: float) -> list[bytes]: ...
    def lost(self, port: str) -> None: ...
    def show(self) -> None: ...


def api_names() -> tuple[str, ...]:
    """The systems of MIDI that are built in: "LINUX_ALSA", "UNIX_JACK", "MACOSX_CORE", "WINDOWS_MM"."""
    rtmidi = _rtmidi()
    names = {getattr(rtmidi, name): name[4:] for name in dir(rtmidi) if name.startswith("API_")}
    return tuple(names[api] for api in rtmidi.get_compiled_api())


def port_names(api: str | None = None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of inputs and of outputs that may be opened. MidiError when there is no MIDI here."""
    found = []
    for kind in ("MidiIn", "MidiOut"):
        client = _client(kind, api, "isotone names")
        found.append(tuple(client.get_ports()))
        client.delete()
    return found[0], found[1]


class MidiPorts:
    """Inputs that `heard` hears, and outputs.

    `inputs`, `outputs` and `feedback` are names, or parts of names, of ports: of inputs, of outputs for `send`, and of
    outputs that are shown where the knobs stand. `virtual` opens an input and an output of that name that others
    connect to. `api` is one of `api_names()` (None: the first that works). `on_clock` is called with the bytes of MIDI
    clock (F8, FA, FB, FC, and F2 with its two bytes) and their time; they go nowhere else. A port that is not there
    yet, or goes, is waited for. `words` are lines for a terminal, `received` and `troubles` count.
    """

    def __init__(
        self,
        heard: Heard | None = None,
        *,
        inputs: Sequence[str] = (),
        outputs: Sequence[str] = (),
        feedback: Sequence[str] = (),
        virtual: str | None = None,
        api: str | None = None,
        client: str = "isotone",
        on_clock: Callable[[bytes, float], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.received = self.troubles = 0
        self.words: deque[str] = deque(maxlen=200)
        self._heard, self._on_clock, self._clock = heard, on_clock, clock
        self._inputs = [_Port("MidiIn", name, api, client) for name in inputs]
        self._outputs = [_Port("MidiOut", name, api, client) for name in outputs]
        self._feedback = [_Port("MidiOut", name, api, client) for name in feedback]
        if virtual is not None:
            self._inputs.append(_Port("MidiIn", virtual, api, client, virtual=True))
            self._outputs.append(_Port("MidiOut", virtual, api, client, virtual=True))
        self._client = client
        self._watch: JackWatch | None = None
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def connected(self) -> tuple[str, ...]:
        """Full names of the ports that are open."""
        return tuple(port.opened for port in self._all if port.opened)

    def start(self) -> None:
        """Open what is there, and listen from now on. MidiError when MIDI cannot be had at all."""
        if self._thread is not None or self._closing.is_set():
            return
        _rtmidi()
        try:
            for port in self._all:
                port.make()
        except MidiError:
            self._close_ports()
            raise
        if any(port.on_jack for port in self._all):
            self._watch = JackWatch(self._client)
        self._look()
        self._thread = threading.Thread(target=self._run, name="midi", daemon=True)
        self._thread.start()

    def send(self, message: bytes) -> None:
        """Send one message to every output that is there."""
        for port in self._outputs:
            self._send(port, message)

    def close(self) -> None:
        """Close all ports; what they held ends."""
        self._closing.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(2.0)
        self._close_ports()

    # -- the thread ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        tick_s = look_s = self._clock()
        while not self._closing.wait(POLL_S if self._inputs else TICK_S):
            now_s = self._clock()
            for port in self._inputs:
                for message in port.take():
                    self._hear(message, now_s, port.opened)
            if now_s - tick_s >= TICK_S:
                tick_s = now_s
                self._tick(now_s)
            if now_s - look_s >= LOOK_S:
                look_s = now_s
                try:
                    self._look()
                except Exception as error:  # the library raises what the system tells it
                    self._trouble(f"{type(error).__name__}: {error}")
        self._close_ports()

    def _hear(self, message: bytes, now_s: float, port: str) -> None:
        self.received += 1
        try:
            if message[:1] and message[0] in _CLOCK:
                if self._on_clock is not None:
                    self._on_clock(message, now_s)
            elif self._heard is not None:
                self._heard.hear(message, now_s, port)
        except Exception as error:  # whatever it was, the next message is heard
            self._trouble(f"{port}: {type(error).__name__}: {error}")

    def _tick(self, now_s: float) -> None:
        if self._heard is None:
            return
        try:
            messages = self._heard.tick(now_s)
        except Exception as error:
            self._trouble(f"{type(error).__name__}: {error}")
            return
        for port in self._feedback:
            for message in messages:
                self._send(port, message)

    def _look(self) -> None:
        """See which ports came and which went."""
        shown_anew = False
        ended = self._watch is not None and not self._watch.alive()
        for port in self._all:
            if ended or port.vanished():
                if port.opened:
                    text = f"{port.what} {port.opened} has gone; it is taken up again when it comes back"
                    self._say(text, trouble=True)
                    if port in self._inputs:
                        self._lost(port.opened)
                port.drop()
            elif told := port.look():
                self._say(told, trouble=not port.opened)
                shown_anew |= bool(port.opened) and port in self._feedback
        if shown_anew and self._heard is not None:
            self._heard.show()

    def _say(self, text: str, trouble: bool) -> None:
        self.words.append(text)
        self.troubles += trouble

    def _send(self, port: _Port, message: bytes) -> None:
        try:
            port.send(message)
        except Exception as error:  # the library raises what the system tells it
            self._trouble(f"{port.opened}: {error}")

    def _lost(self, name: str) -> None:
        if self._heard is not None:
            self._heard.lost(name)

    def _trouble(self, text: str) -> None:
        self.troubles += 1
        if not self.words or self.words[-1] != text:
            self.words.append(text)

    def _close_ports(self) -> None:
        for port in self._all:
            if port.opened and port in self._inputs:
                self._lost(port.opened)
            port.drop()
        if self._watch is not None:
            self._watch.close()

    @property
    def _all(self) -> list[_Port]:
        return [*self._inputs, *self._outputs, *self._feedback]


class _Port:
    """One port: open, or waited for. `opened` is its full name while it is open, else ""."""

    def __init__(self, kind: str, wanted: str, api: str | None, client: str, virtual: bool = False) -> None:
        self.opened = ""
        self.what = "input" if kind == "MidiIn" else "output"
        self._kind, self._wanted, self._api, self._client_name, self._virtual = kind, wanted, api, client, virtual
        self._client: Any = None
        self._lock = threading.Lock()  # held for no longer than a message takes: to close a port may take seconds
        self._opened_before = self._told_missing = False

    def make(self) -> None:
        """A client of the MIDI system. MidiError where there is none."""
        self._client = _client(self._kind, self._api, self._client_name)
        if self._kind == "MidiIn":
            self._client.ignore_types(sysex=False, timing=False, active_sense=True)

    @property
    def on_jack(self) -> bool:
        """Whether the client is JACK's."""
        return self._client is not None and self._client.get_current_api() == _rtmidi().API_UNIX_JACK

    def drop(self) -> None:
        """Let port and client go."""
        with self._lock:
            client, self._client, self.opened = self._client, None, ""
        if client is not None:
            client.close_port()
            client.delete()

    def vanished(self) -> bool:
        """Whether the port is not there any more."""
        return bool(self.opened) and not self._virtual and self.opened not in self._client.get_ports()

    def look(self) -> str | None:
        """Open the port if it is there; what there is to tell."""
        if self.opened:
            return None
        try:
            if self._client is None:
                self.make()
            name = self._open()
        except MidiError as error:
            return self._missing(f"{self.what} {self._wanted}: {error}")
        except Exception as error:  # the library raises what the system tells it
            text = f"{self.what} {self._wanted} cannot be opened ({error}): is another program using it?"
            return self._missing(f"{text} It is tried again until it can be")
        if name is None:
            names = ", ".join(self._client.get_ports()) or "none"
            return self._missing(f"no {self.what} is called {self._wanted!r}; it is waited for (there: {names})")
        came_back, self.opened = self._opened_before, name
        self._opened_before, self._told_missing = True, False
        return f"{self.what} {name} is {'back' if came_back else 'open'}"

    def _open(self) -> str | None:
        if self._virtual:
            self._client.open_virtual_port(self._wanted)
            return self._wanted
        names = self._client.get_ports()
        name = matching(self._wanted, names)
        if name is not None:
            self._client.open_port(names.index(name), f"{self._client_name} {self.what}")
        return name

    def _missing(self, text: str) -> str | None:
        told, self._told_missing = self._told_missing or self._opened_before, True
        return None if told else text

    def take(self) -> list[bytes]:
        """The messages that came in."""
        found: list[bytes] = []
        while self.opened and (event := self._client.get_message()) is not None:
            found.append(bytes(event[0]))
        return found

    def send(self, message: bytes) -> None:
        """Send a message, if the port is open."""
        with self._lock:
            if self.opened:
                self._client.send_message(message)


def matching(wanted: str, names: Sequence[str]) -> str | None:
    """The port meant by `wanted`: its whole name, else the first that holds it, whatever the capitals.

    ALSA's numbers at the end of a name do not count.
    """
    if wanted in names:
        return wanted
    part = _ALSA_NUMBERS.sub("", wanted).casefold()
    return next((name for name in names if part in name.casefold()), None)


def _client(kind: str, api: str | None, name: str) -> Any:
    rtmidi = _rtmidi()
    if api is not None and api not in api_names():
        raise MidiError(f"no MIDI system is called {api!r} here: there are {', '.join(api_names())}")
    sizes = {"queue_size_limit": _QUEUE} if kind == "MidiIn" else {}
    reasons = []
    for one in (api,) if api is not None else api_names():
        try:
            return getattr(rtmidi, kind)(getattr(rtmidi, f"API_{one}"), name=name, **sizes)
        except Exception as error:  # the library raises what the system tells it
            reasons.append(f"{one}: {error}")
    raise MidiError(
        f"MIDI cannot be had here ({'; '.join(reasons)}): is the driver loaded, or the JACK server running?"
    )


def _rtmidi() -> Any:
    try:
        import rtmidi
    except ImportError as error:
        raise MidiError(f'MIDI ports need python-rtmidi: pip install "isotone[midi]" ({error})') from None
    return rtmidi
