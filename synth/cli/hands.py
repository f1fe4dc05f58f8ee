"""Hands on a live session, on the command line: OSC, OSCQuery, MIDI, clocks."""

from __future__ import annotations

import argparse
import contextlib
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synth.live import LiveSession
    from synth.wearables.packet import Live

OSC_PORT = 9100


class Hands:
    """Who plays: what is told of each part, on lines that are drawn again, and once in words."""

    def __init__(self) -> None:
        self.sensor: Live | None = None
        self.parts: list[Callable[[], str]] = []
        self.words: deque[str] = deque()

    def lines(self) -> list[str]:
        """A line for each part."""
        sensor = [f"sensor: {self.sensor.status}"] if self.sensor is not None else []
        return [*(line() for line in self.parts), *sensor]

    def take_words(self) -> list[str]:
        """What is worth a line of its own, once."""
        taken = list(self.words)
        self.words.clear()
        return taken


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
    group.add_argument("--midi-in", metavar="PORT", help="part of a port's name, or 'virtual' for one of our own")
    group.add_argument("--midi-out", metavar="PORT", help="where notes, clock and feedback go, as --midi-in")
    group.add_argument("--midi-map", metavar="TOML", help="what was learned; read, and written when learning")
    group.add_argument("--notes", choices=("channels", "mpe"), help="send what is composed as MIDI notes")
    group.add_argument(
        "--clock",
        choices=("in", "out", "link"),
        help="in: follow MIDI clock within the limits; out: send it; link: follow Ableton Link (extra `link`)",
    )
    group.add_argument("--wait", action="store_true", help="begin when the other side's transport starts")


@contextlib.contextmanager
def hands_of(arguments: argparse.Namespace, live: LiveSession) -> Iterator[Hands]:
    """The hands that were asked for, as long as this lasts."""
    hands = Hands()
    with contextlib.ExitStack() as open_parts:
        if arguments.osc is not None or arguments.oscquery is not None:
            _osc(arguments, live, hands, open_parts)
        yield hands


def _osc(arguments: argparse.Namespace, live: LiveSession, hands: Hands, open_parts: contextlib.ExitStack) -> None:
    from synth.control.osc import OscServer

    port = OSC_PORT if arguments.osc is None else arguments.osc
    server = OscServer(live, port, arguments.host, arguments.allow, preset=live.setup.preset.name)
    open_parts.enter_context(server)
    hands.words.append(server.words)
    hands.parts.append(lambda: f"{server.words}: {server.received} messages, {server.subscribers} subscribers")
    if arguments.oscquery is not None:
        from synth.control.oscquery import OscQueryServer

        query = OscQueryServer(server, arguments.oscquery, announce=arguments.announce)
        open_parts.enter_context(query)
        hands.words.append(query.words)
