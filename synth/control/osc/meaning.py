"""What a message means: what a person asks of a session, or wants to know of it."""

from __future__ import annotations

import math
from collections.abc import Callable

from synth.control.hands import Hands, Restarts
from synth.control.osc.newest import Deed
from synth.control.osc.pattern import is_pattern
from synth.control.osc.sender import Sender
from synth.control.osc.stems import Stems
from synth.control.osc.subscribers import ALL, RATE_HZ, Subscribers
from synth.control.osc.tree import PLAYED, READ, Node, Tree
from synth.control.osc.view import View, shown, value_at
from synth.controls import TABLE, Control, ControlError, control
from synth.wire.osc import Arg, Message, encode

LEVELS = {f"level_{stem}_db": stem for stem in (*PLAYED, "reverb")}
FED = ("/feed/", "/feedback/")
WORDS = 1000  # characters of what a person says


class Refusal(ValueError):
    """A message that asks for what there is not; the text says so to its sender."""


class Meaning:
    """Reads messages for a session that `hands` play, on behalf of the hand `by`.

    Questions are answered while they are read; what is to be done is handed back. Belongs to one thread.
    """

    def __init__(
        self, tree: Tree, hands: Hands, stems: Stems, subscribers: Subscribers, look: Callable[[], View], by: str
    ) -> None:
        self.tree = tree
        self._hands, self._stems, self._subscribers, self._look, self._by = hands, stems, subscribers, look, by
        self._taken: set[str] = set()

    def read(self, message: Message, sender: Sender, now_s: float) -> list[Deed]:
        """What is to be done. Refusal, ControlError or SubscriptionError when that cannot be told."""
        if message.types and not message.args:
            raise Refusal("its arguments cannot be read")  # and it must not pass for a question or a button pressed
        address = "/" + message.address.strip("/")
        nodes = self.tree.find(address)
        if not nodes and not is_pattern(address) and (channel := _channel(address)):
            self._feed(channel, message.args)
            return []
        if not nodes:
            raise Refusal("there is no such address; /subscribe and OSCQuery tell what there is")
        if is_pattern(address) and not message.args:  # a pattern alone asks, so that it cannot press a button
            nodes = [node for node in nodes if node.access & READ]
        deeds = []
        for node in nodes:
            deeds += self._read(node, message.args, sender, now_s)
        return deeds

    def _read(self, node: Node, args: tuple[Arg, ...], sender: Sender, now_s: float) -> list[Deed]:
        why = f"OSC {node.address} from {sender.host}"
        if node.access & READ and not args:
            sender.send(encode(node.address, node.value(self._look()) or ()))
            return []
        match node.kind:
            case "control":
                row = TABLE[node.name]
                value = _value(row, args)
                self._subscribers.said(sender, node.address, (shown(row, value),), now_s)
                return [self._request(row, value, why)]
            case "fader":
                row, fader = TABLE[node.name], _number(args)
                self._subscribers.said(sender, node.address, (fader,), now_s)
                return [self._request(row, value_at(row, fader), why)]
            case "mood":
                if len(args) != 2:
                    raise Refusal("give two numbers, valence and arousal")
                both = (_number(args[:1]), _number(args[1:]))
                self._subscribers.said(sender, node.address, both, now_s)
                names = ("valence", "arousal")
                return [self._request(TABLE[name], value, why) for name, value in zip(names, both, strict=True)]
            case "mute" | "solo":
                on = _number(args) != 0.0
                self._subscribers.said(sender, node.address, (int(on),), now_s)
                switch = self._stems.mute if node.kind == "mute" else self._stems.solo
                return [Deed(None, lambda: switch(node.name, on, why))]
            case "session":
                raise Refusal("this can only be read: send it without arguments")
            case "note":
                return [self._note(args)]
            case "release_all":
                return [Deed(None, self._release(args, why))]
            case "feed":
                self._feed(node.name, args)
            case "tell":
                self._tell(args, sender)
            case "ping":
                sender.send(encode("/pong", args))
            case "subscribe":
                pattern, port, rate_hz = _wish(args)
                to = sender if port is None else sender.at(port)
                self._subscribers.add(sender, to, pattern or ALL, rate_hz or RATE_HZ, now_s)
            case "unsubscribe":
                pattern, port, _ = _wish(args)
                if not self._subscribers.remove(sender if port is None else sender.at(port), pattern):
                    raise Refusal("nobody was told of changes there: give the port that was subscribed")
            case _:
                return self._press(node) if _pressed(args) else []
        return []

    def _press(self, node: Node) -> list[Deed]:
        match node.kind:
            case "verb":
                return [Deed(None, lambda: self._hands.verb(node.name))]
            case "release":
                return [Deed(None, lambda: self._release_one(node.name))]
            case "stop":
                return [Deed(None, self._hands.stop)]
            case "panic":
                return [Deed(None, self._hands.panic)]
            case "again":
                return [Deed(None, self._again)]
        raise AssertionError(node.kind)

    def _again(self) -> None:
        """Begin the same preset again, where the hands can: not all of them know how their session was made."""
        if not isinstance(self._hands, Restarts):
            raise Refusal("this session cannot begin again by itself: make a new one")
        self._hands.again()

    def _request(self, row: Control, value: float, why: str) -> Deed:
        def do() -> None:
            self._taken.add(row.name)
            if row.name in LEVELS:
                self._stems.level(LEVELS[row.name], value, why)
            else:
                self._hands.request(row.name, value, self._by, why)

        return Deed(row.name, do)

    def _release(self, args: tuple[Arg, ...], why: str) -> Callable[[], None]:
        names = [control(arg).name for arg in args if isinstance(arg, str)]
        if not names and not _pressed(args):
            return lambda: None

        def do() -> None:
            if not names:
                self._stems.clear(why)
            for name in names or sorted(self._taken | self._hands.held):
                self._release_one(name)

        return do

    def _release_one(self, name: str) -> None:
        self._taken.discard(name)
        if name in LEVELS:
            self._stems.release(LEVELS[name])
        else:
            self._hands.release(name)

    def _note(self, args: tuple[Arg, ...]) -> Deed:
        if len(args) not in (2, 3):
            raise Refusal("give a pitch, a velocity and perhaps a stem")
        pitch, velocity = _number(args[:1]), _number(args[1:2])
        stem = args[2] if len(args) == 3 else "melody"
        if not 0.0 <= pitch <= 127.0:
            raise Refusal("give a pitch from 0 to 127")
        if not isinstance(stem, str) or stem not in PLAYED:
            raise Refusal(f"give a stem, one of {', '.join(PLAYED)}")
        velocity = min(max(velocity / 127.0 if velocity > 1.0 else velocity, 0.0), 1.0)
        return Deed(None, lambda: self._hands.play(pitch, velocity, stem, self._by))

    def _feed(self, channel: str, args: tuple[Arg, ...]) -> None:
        flat = [item for arg in args for item in (arg if isinstance(arg, list) else [arg])]
        values = [_number((item,)) for item in flat]
        if not values:
            raise Refusal("give one sample or more")
        self._hands.feed(channel, values[0] if len(values) == 1 else values)

    def _tell(self, args: tuple[Arg, ...], sender: Sender) -> None:
        text = " ".join(arg for arg in args if isinstance(arg, str))[:WORDS].strip()
        if not text:
            raise Refusal("give words")
        valence = self._hands.tell(text)
        if valence is not None:
            sender.send(encode("/tell", (float(valence),)))


def _channel(address: str) -> str | None:
    """The channel of an address to be fed, None when it is none."""
    for head in FED:
        if address.startswith(head) and address[len(head) :].isidentifier():
            return address[len(head) :]
    return None


def _number(args: tuple[Arg, ...]) -> float:
    """The one finite number that the arguments are."""
    value = args[0] if len(args) == 1 else None
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            value = None
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise Refusal("give one finite number" if len(args) <= 1 else f"give one finite number, not {len(args)} values")
    return float(value)


def _value(row: Control, args: tuple[Arg, ...]) -> float:
    """The value asked for, of a choice by its index or its name."""
    word = args[0] if len(args) == 1 else None
    if row.choices and isinstance(word, str) and not word.strip().isdigit():
        return row.parse(word)
    try:
        return _number(args)
    except Refusal as refusal:
        raise ControlError(f"{refusal}: {row.range_text()}") from None


def _pressed(args: tuple[Arg, ...]) -> bool:
    """Whether a button was pressed, and not let go."""
    return not args or not (isinstance(args[0], int | float) and args[0] == 0)


def _wish(args: tuple[Arg, ...]) -> tuple[str | None, int | None, float | None]:
    """Pattern, port and rate in any order: a word, and numbers that cannot be taken for each other."""
    pattern: str | None = None
    port: int | None = None
    rate_hz: float | None = None
    for arg in args:
        if isinstance(arg, str):
            pattern = arg
            continue
        number = _number((arg,))
        if number > 60.0:
            if number != int(number) or number > 65535:
                raise Refusal(f"{number:g} is no port: give 1024 to 65535")
            port = int(number)
        elif number > 0.0:
            rate_hz = number
        else:
            raise Refusal("give a rate above 0 Hz")
    return pattern, port, rate_hz
