"""Hands on a live session, on the command line: OSC, OSCQuery, MIDI, clocks."""

from __future__ import annotations

import argparse
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synth.control.clock.clock_in import ClockIn
    from synth.control.clock.link import LinkFollower
    from synth.control.clock.servo import TempoLimits
    from synth.control.midi.hands import MidiHands
    from synth.live import LiveSession
    from synth.wearables.packet import Live

OSC_PORT = 9100
VIRTUAL = "virtual"
CLOCK = frozenset((0xF2, 0xF8, 0xFA, 0xFB, 0xFC))  # song position, clock, start, continue, stop
AHEAD_S = 0.05  # a session that waits begins on a beat no nearer than this
LOOK_S = 0.005


def add_hands(command: argparse.ArgumentParser) -> None:
    """The arguments that let hands in."""
    group = command.add_argument_group("hands")
    group.add_argument(
        "--osc", type=int, nargs="?", const=OSC_PORT, metavar="PORT", help=f"take OSC (usual port {OSC_PORT})"
    )
    group.add_argument("--host", default="127.0.0.1", metavar="H", help="address for OSC; usually this machine alone")
    group.add_argument(
        "--allow", action="append", default=[], metavar="NET", help="who else may send, such as 192.168.1.0/24"
    )
    group.add_argument(
        "--oscquery", type=int, nargs="?", const=OSC_PORT + 1, metavar="PORT", help="tell surfaces what they may move"
    )
    group.add_argument("--announce", action="store_true", help="and announce it on the network (zeroconf)")
    group.add_argument(
        "--midi-in",
        action="append",
        default=[],
        metavar="PORT",
        help=f"part of a port's name (`synth midi ports`), or {VIRTUAL!r} for one of our own; may be given again",
    )
    group.add_argument(
        "--midi-out", action="append", default=[], metavar="PORT", help="where notes, clock and feedback go"
    )
    group.add_argument("--midi-map", metavar="TOML", help="what was learned (`synth midi learn`)")
    group.add_argument(
        "--played",
        choices=("as_played", "in_scale"),
        default="as_played",
        help="a person's notes sound as they are (usual), or each at the nearest tone of the sounding scale",
    )
    group.add_argument("--notes", choices=("channels", "mpe"), help="send what is composed as MIDI notes")
    group.add_argument(
        "--clock",
        choices=("in", "out", "link"),
        help="in: follow MIDI clock within the limits; out: send it; link: follow Ableton Link (extra `link`)",
    )
    group.add_argument("--wait", action="store_true", help="with --clock in: begin on the beat when the clock starts")


class Hands:
    """Who plays: what is told of each part, on lines that are drawn again, and once in words.

    `hear` takes the lines of the record, `started` is called when the session plays. `begun` is set once session time
    goes on.
    """

    def __init__(self) -> None:
        self.sensor: Live | None = None
        self.parts: list[Callable[[], str]] = []
        self.words: deque[str] = deque()
        self.told: list[deque[str]] = []
        self.hear: Callable[[dict[str, Any]], None] = lambda line: None
        self.started: Callable[[], None] = lambda: None
        self.begun = threading.Event()

    def lines(self) -> list[str]:
        """A line for each part."""
        sensor = [f"sensor: {self.sensor.status}"] if self.sensor is not None else []
        return [*(line() for line in self.parts), *sensor]

    def take_words(self) -> list[str]:
        """What is worth a line of its own, once."""
        taken: list[str] = []
        for words in (self.words, *self.told):
            while words:
                taken.append(words.popleft())
        return taken


@contextlib.contextmanager
def hands_of(arguments: argparse.Namespace, live: LiveSession, limits: TempoLimits) -> Iterator[Hands]:
    """The hands that were asked for, as long as this lasts; ports are open before the session starts."""
    hands = Hands()
    with contextlib.ExitStack() as parts:
        if arguments.osc is not None or arguments.oscquery is not None:
            _osc(arguments, live, hands, parts)
        clock = _clock(arguments, live, hands, limits, parts)
        _midi(arguments, live, hands, clock, parts)
        yield hands


def _osc(arguments: argparse.Namespace, live: LiveSession, hands: Hands, parts: contextlib.ExitStack) -> None:
    from synth.control.osc import OscServer

    port = OSC_PORT if arguments.osc is None else arguments.osc
    server = OscServer(live, port, arguments.host, arguments.allow, preset=live.setup.preset.name)
    parts.enter_context(server)
    hands.words.append(server.words)
    hands.parts.append(lambda: f"{server.words}: {server.received} messages, {server.subscribers} subscribers")
    if arguments.oscquery is not None:
        from synth.control.oscquery import OscQueryServer

        query = OscQueryServer(server, arguments.oscquery, announce=arguments.announce)
        parts.enter_context(query)
        hands.words.append(query.words)


def _midi(
    arguments: argparse.Namespace,
    live: LiveSession,
    hands: Hands,
    clock: ClockIn | None,
    parts: contextlib.ExitStack,
) -> None:
    """MIDI through the device's own ports where it has any, and through the system's where that was asked for."""
    ports_asked = arguments.midi_in or arguments.midi_out
    if live.setup.device != "jack" and not ports_asked:
        return
    played = _midi_hands(arguments, live, hands)
    parts.callback(played.close)

    def on_midi(t_s: float, message: bytes) -> None:
        if message[0] not in CLOCK:
            played.hear(message, time.monotonic(), "JACK")
        elif clock is not None and hands.begun.is_set():
            clock.heard(message, t_s)
        elif clock is not None:
            clock.on_clock(message, time.monotonic())

    live.on_midi = on_midi
    if ports_asked:
        from synth.control.midi.ports import MidiPorts

        def named(ports: list[str]) -> list[str]:
            return [port for port in ports if port != VIRTUAL]

        virtual = "isotone" if VIRTUAL in (*arguments.midi_in, *arguments.midi_out) else None
        ports = MidiPorts(
            played,
            inputs=named(arguments.midi_in),
            outputs=named(arguments.midi_out),
            feedback=named(arguments.midi_out),
            virtual=virtual,
            on_clock=clock.on_clock if clock is not None else None,
        )
        ports.start()
        parts.callback(ports.close)
        live.on_send = lambda message: ports.send(message)
        hands.told.append(ports.words)
        hands.parts.append(lambda: f"MIDI: {', '.join(ports.connected) or 'no port yet'}, {played.received} messages")


def _midi_hands(arguments: argparse.Namespace, live: LiveSession, hands: Hands) -> MidiHands:
    from synth.control.midi.hands import MidiHands
    from synth.control.midi.mapfile import MapFile, default_path
    from synth.preset import preset_names

    names = preset_names()
    file = MapFile(arguments.midi_map or default_path())
    played = MidiHands(live, file=file, programs=names, on_program=lambda number: live.change(names[number]))
    hands.told.append(played.words)
    return played


def _clock(
    arguments: argparse.Namespace,
    live: LiveSession,
    hands: Hands,
    limits: TempoLimits,
    parts: contextlib.ExitStack,
) -> ClockIn | None:
    """Who follows an outside clock: MIDI's, which is given back for MIDI to feed, or Link."""
    if arguments.clock == "in":
        from synth.control.clock.clock_in import ClockIn

        clock = ClockIn(live, live.session_time, limits, armed=arguments.wait)
        hands.hear = clock.hear
        hands.parts.append(lambda: f"clock: {clock.words}")
        hands.told.append(clock.troubles)
        hands.started = lambda: _start_clock(clock, live, hands, arguments.wait)
        parts.callback(clock.close)
        return clock
    if arguments.clock == "link":
        from synth.control.clock.link import LinkFollower

        link = LinkFollower(live, live.session_time, limits)
        hands.hear = link.hear
        hands.parts.append(lambda: link.words)
        hands.told.append(link.troubles)
        hands.started = lambda: _start_link(link, live)
        parts.callback(link.close)
    return None


def _latency_s(live: LiveSession) -> float:
    seen = live.seen
    return seen.latency_frames / seen.sample_rate


def _start_link(link: LinkFollower, live: LiveSession) -> None:
    link.follower.latency_s = _latency_s(live)
    link.start()


def _start_clock(clock: ClockIn, live: LiveSession, hands: Hands, waits: bool) -> None:
    clock.follower.latency_s = _latency_s(live)
    clock.start()
    if waits:
        threading.Thread(target=_begin, args=(clock, live, hands), name="waits for the clock", daemon=True).start()
    else:
        hands.begun.set()


def _begin(clock: ClockIn, live: LiveSession, hands: Hands) -> None:
    """Let the session be heard to begin on the clock's first beat."""
    while (at_s := clock.begin_s(time.monotonic() + AHEAD_S)) is None:
        if live.finished:
            return
        time.sleep(LOOK_S)
    live.begin(at_s)
    while not live.seen.frames and not live.finished:
        time.sleep(LOOK_S)
    clock.began(live.session_time, time.monotonic())
    hands.begun.set()
