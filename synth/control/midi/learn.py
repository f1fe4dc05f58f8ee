"""MIDI learn: the next knob that is moved or pad that is hit is the one."""

from __future__ import annotations

from dataclasses import replace

from synth.control.midi.knobs import DATA, DATA_FINE, NRPN, NRPN_FINE, PAIR_S, RPN, RPN_FINE
from synth.control.midi.mapping import Binding, Source
from synth.wire.midi import Message, join14

_MODE_MESSAGES = 120


class Learner:
    """Waits for what `wanted`, a binding whose source does not matter, is to be bound to; `any_channel` as well.

    Of a pair of 14 bits the coarser half is bound, whichever comes first: the finer one is heard with it.
    """

    def __init__(self, wanted: Binding, any_channel: bool = False) -> None:
        self.wanted = wanted
        self._any_channel = any_channel
        self._heard: tuple[Source, float] | None = None
        self._select: dict[tuple[int, int], int] = {}
        self._parameter: dict[int, int] = {}

    def offer(self, message: Message, now_s: float) -> Binding | None:
        """Hear a message; the binding once it is clear."""
        channel = message.channel + 1
        if message.kind == "note_on" and message.value:
            return self._found(Source("note", message.number, channel))
        if message.kind in ("pitch_bend", "pressure"):
            return self._found(Source("bend" if message.kind == "pitch_bend" else "pressure", 0, channel))
        if message.kind == "control_change" and message.number < _MODE_MESSAGES:
            return self._controller(channel, message.number, message.value, now_s)
        return self.settle(now_s)

    def settle(self, now_s: float) -> Binding | None:
        """The binding of a controller whose other half did not come in time."""
        if self._heard is not None and now_s - self._heard[1] > PAIR_S:
            return self._found(self._heard[0])
        return None

    def _controller(self, channel: int, number: int, value: int, now_s: float) -> Binding | None:
        if number in (NRPN, NRPN_FINE):
            self._select[channel, number] = value
            halves = (self._select.get((channel, half), 0) for half in (NRPN, NRPN_FINE))
            self._parameter[channel] = join14(*halves)
            return None
        if number in (RPN, RPN_FINE):
            self._parameter.pop(channel, None)
            return None
        if number in (DATA, DATA_FINE) and channel in self._parameter:
            return self._found(Source("nrpn", self._parameter[channel], channel))
        if self._heard is None:
            source = Source("cc", number, channel)
            if number >= 64:
                return self._found(source)
            self._heard = source, now_s
            return None
        first, since = self._heard
        if now_s - since <= PAIR_S and first.channel == channel and abs(first.number - number) == 32:
            return self._found(Source("cc", min(first.number, number), channel))
        return self._found(first)

    def _found(self, source: Source) -> Binding:
        return replace(self.wanted, source=replace(source, channel=None) if self._any_channel else source)
