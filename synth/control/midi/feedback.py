"""Feedback to controllers: motorised faders and rings of light stand where the controls are."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from synth.control.midi.mapping import Binding, MidiMap, Source
from synth.wire.midi import Message, control_change, encode, from_share, parameter, split14

ECHO_S = 0.5  # within which a device may send back what it was sent
_SENT_KINDS = ("cc", "nrpn", "bend")


class Feedback:
    """What each knob was last sent. A knob on any channel is answered on the one it was last heard on, else on 1."""

    def __init__(self) -> None:
        self._sent: dict[Source, tuple[int, float]] = {}
        self._channels: dict[tuple[str, int], int] = {}
        self._fine: set[Source] = set()
        self._mapping: MidiMap | None = None
        self._bindings: tuple[Binding, ...] = ()
        self._shown: dict[int, float] = {}  # by the binding's place: the control's value that needs no more sending

    def heard(self, source: Source, position: float, fine: bool, now_s: float) -> bool:
        """A knob is at `position`; whether this is its own device sending back what it was sent."""
        self._shown.clear()
        self._channels[source.kind, source.number] = source.channel or 1
        if fine and source.kind == "cc":
            self._fine.add(source)
        sent, sent_s = self._sent.get(source, (-1, -ECHO_S))
        echo = now_s - sent_s < ECHO_S and sent == from_share(position, self._bits(source))
        if not echo:
            self._sent.pop(source, None)  # the knob is no longer where it was sent
        return echo

    def forget(self) -> None:
        """Everything is sent again."""
        self._sent.clear()
        self._shown.clear()

    def changes(
        self, mapping: MidiMap, controls: Mapping[str, float], moved: Callable[[Source], bool], now_s: float
    ) -> list[bytes]:
        """What to send so that every knob stands where its control is, but for those that were `moved` by hand."""
        if mapping is not self._mapping:
            self._mapping, self._bindings = mapping, _answered(mapping)
            self._shown.clear()
        found: list[bytes] = []
        for place, binding in enumerate(self._bindings):
            present = controls[binding.target]
            if self._shown.get(place) == present:
                continue
            kind, number, channel = binding.source.kind, binding.source.number, binding.source.channel
            source = Source(kind, number, channel or self._channels.get((kind, number), 1))
            if moved(source):
                continue
            self._shown[place] = present
            if mapping.at(kind, number, source.channel or 1) != binding:
                continue  # on that channel the knob is another control's
            value = from_share(binding.position(present), self._bits(source))
            if value != self._sent.get(source, (-1, 0.0))[0]:
                self._sent[source] = value, now_s
                found += self._bytes(source, value)
        return found

    def _bits(self, source: Source) -> int:
        return 7 if source.kind == "cc" and source not in self._fine else 14

    def _bytes(self, source: Source, value: int) -> tuple[bytes, ...]:
        channel = (source.channel or 1) - 1
        if source.kind == "bend":
            return (encode(Message("pitch_bend", channel, value=value - 8192)),)
        if source.kind == "nrpn":
            return parameter(channel, source.number, value, registered=False)
        if source not in self._fine:
            return (control_change(channel, source.number, value),)
        halves = zip((source.number, source.number + 32), split14(value), strict=True)
        return tuple(control_change(channel, *half) for half in halves)


def _answered(mapping: MidiMap) -> tuple[Binding, ...]:
    """Bindings of knobs that can be shown where they stand."""
    return tuple(b for b in mapping.effective if b.moves_control and b.source.kind in _SENT_KINDS)
