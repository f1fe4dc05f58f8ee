"""MIDI messages become what a person asks of a session: knobs move controls, pads are verbs, keys are notes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from synth.control.hands import Hands
from synth.control.midi.feedback import Feedback
from synth.control.midi.keys import Keys
from synth.control.midi.knobs import Knobs
from synth.control.midi.learn import Learner
from synth.control.midi.mapfile import MapFile
from synth.control.midi.mapping import NOTHING, PANIC, RELEASE, Binding, MidiError, MidiMap, Source
from synth.control.midi.takeover import Grip
from synth.wire.midi import Decoder, Message, to_share

SUSTAIN, ALL_SOUND_OFF, RESET_CONTROLLERS, ALL_NOTES_OFF = 64, 120, 121, 123
_MODE_MESSAGES = range(ALL_NOTES_OFF, 128)  # the mode messages behind "all notes off" end all notes too
_WORDS = 200  # lines kept for a terminal


class _Raw(Protocol):
    def bytes(self) -> Sequence[int]: ...


class MidiHands:
    """Hears MIDI and plays `hands`. `mapping` (None: as `file` tells, else the default map) says what moves what.

    What is learned goes into `file`. `on_program(n)` is called for program n (from 0), of as many as there are names in
    `programs`. Reads no clock: every method is told the time, in seconds of any one clock. Safe from any thread.
    `received` counts messages, `troubles` what could not be done, `words` are lines for a terminal, newest last.
    """

    def __init__(
        self,
        hands: Hands,
        mapping: MidiMap | None = None,
        *,
        file: MapFile | None = None,
        programs: Sequence[str] = (),
        on_program: Callable[[int], None] | None = None,
        by: str = "hand:midi",
    ) -> None:
        self.received = self.troubles = 0
        self.words: deque[str] = deque(maxlen=_WORDS)
        self._hands, self._file, self._by = hands, file, by
        self._programs, self._on_program = tuple(programs), on_program
        self._lock = threading.RLock()
        self._learner: Learner | None = None
        self._decoders: dict[str, Decoder] = {}
        self._knobs: dict[tuple[str, int], Knobs] = {}
        self._grips: dict[tuple[str, Source], tuple[Binding, Grip]] = {}
        self._pressed: dict[tuple[str, Source], bool] = {}
        self._taken: set[str] = set()
        self._keys = Keys(self._play)
        self._feedback = Feedback()
        if mapping is None:
            mapping, told = file.load() if file is not None else (MidiMap(), ())
            for line in told:
                self._trouble(line)
        self.mapping = mapping

    # -- what is heard -------------------------------------------------------------------------------------------

    def hear(self, message: bytes | bytearray | Message | _Raw, now_s: float, port: str = "") -> None:
        """Take in a message, or bytes as they come from `port`. Never raises for what it hears."""
        with self._lock:
            if isinstance(message, Message):
                self._hear(message, now_s, port)
                return
            raw = message if isinstance(message, bytes | bytearray) else bytes(message.bytes())
            messages, troubles = self._decoders.setdefault(port, Decoder()).feed(raw)
            for trouble in troubles:
                self._trouble(f"{port or 'MIDI'}: {trouble}")
            for found in messages:
                self._hear(found, now_s, port)

    def _hear(self, message: Message, now_s: float, port: str) -> None:
        self.received += 1
        if self._learner is not None and message.channel >= 0 and not _ends(message):
            self._learned(self._learner.offer(message, now_s))
            return
        try:
            self._act(message, now_s, port)
        except ValueError as error:  # a name or value that the session does not take
            self._trouble(str(error))

    def _act(self, message: Message, now_s: float, port: str) -> None:
        channel = message.channel + 1
        place = port, channel
        match message.kind:
            case "note_on" if message.value:
                self._note(Source("note", message.number, channel), message.value, port, now_s)
            case "note_on" | "note_off":
                self._keys.off(place, message.number)
            case "control_change":
                self._control_change(message.number, message.value, place, now_s)
            case "pitch_bend":
                position = to_share(message.value + 8192, 14)
                self._move(port, Source("bend", 0, channel), position, True, now_s)
            case "pressure":
                self._move(port, Source("pressure", 0, channel), to_share(message.value), False, now_s)
            case "program_change" if self.mapping.program_channel in (0, channel):
                self._program(message.number)

    def _note(self, source: Source, velocity: int, port: str, now_s: float) -> None:
        binding = self.mapping.at(*_where(source))
        share = velocity / 127.0
        if binding is None:
            self._keys.on((port, source.channel or 1), source.number, share, self.mapping.stem(source.channel or 1))
        elif binding.moves_control:
            self._request(binding, share, source)
        else:
            self._do(binding.target)

    def _control_change(self, number: int, value: int, place: tuple[str, int], now_s: float) -> None:
        port, channel = place
        if self.mapping.at("cc", number, channel) is None:
            if number == SUSTAIN:
                self._keys.pedal(place, value >= 64)
                return
            if number == ALL_SOUND_OFF and self.mapping.all_sound_off == PANIC:
                self._do(PANIC)
                return
            if number == RESET_CONTROLLERS:
                self._keys.pedal(place, False)
                return
            if number == ALL_SOUND_OFF or number in _MODE_MESSAGES:
                self._keys.end(port, channel)
                return
        if place not in self._knobs:
            self._knobs[place] = Knobs(lambda number: self.mapping.at("cc", number, channel) is not None)
        for move in self._knobs[place].hear(number, value, now_s):
            self._move(port, Source(move.kind, move.number, channel), move.position, move.fine, now_s)

    def _program(self, number: int) -> None:
        if number >= len(self._programs):
            there = f"there are {len(self._programs)}" if self._programs else "there are none"
            self._trouble(f"program {number + 1} is asked for; {there}")
            return
        self.words.append(f"program {number + 1}: {self._programs[number]}")
        if self._on_program is not None:
            self._on_program(number)

    # -- what follows ----------------------------------------------------------------------------------------------

    def _move(self, port: str, source: Source, position: float, fine: bool, now_s: float) -> None:
        binding = self.mapping.at(*_where(source))
        if binding is None:
            return
        echo = self._feedback.heard(source, position, fine, now_s)
        if not binding.moves_control:
            was, self._pressed[port, source] = self._pressed.get((port, source), False), position >= 0.5
            if position >= 0.5 and not was:
                self._do(binding.target)
            return
        if echo:
            return
        grip = self._grip(port, source, binding)
        present = binding.position(self._hands.controls[binding.target])
        snapped = binding.position(binding.value(position))
        if grip.move(snapped, present, binding.target in self._hands.held, now_s):
            self._request(binding, position, source)

    def _grip(self, port: str, source: Source, binding: Binding) -> Grip:
        known = self._grips.get((port, source))
        if known is None or known[0] != binding:
            known = binding, Grip((binding.takeover or self.mapping.takeover) == "jump")
            self._grips[port, source] = known
        return known[1]

    def _request(self, binding: Binding, position: float, source: Source) -> None:
        self._hands.request(binding.target, binding.value(position), by=self._by, reason=source.text)
        self._taken.add(binding.target)

    def _do(self, action: str) -> None:
        if action == PANIC:
            self._hands.panic()
            self._keys.end()
            self.words.append("panic")
        elif action == RELEASE:
            self.release()
        else:
            self._hands.verb(action)
            self.words.append(action)

    def release(self) -> None:
        """Give back every control that MIDI took."""
        with self._lock:
            for name in sorted(self._taken):
                self._hands.release(name)
            for binding, grip in self._grips.values():
                if binding.target in self._taken:
                    grip.let_go()
            if self._taken:
                self.words.append(f"given back: {', '.join(sorted(self._taken))}")
            self._taken.clear()

    def _play(self, pitch: float, velocity: float, stem: str) -> None:
        try:
            self._hands.play(pitch, velocity, stem, by=self._by)
        except ValueError as error:
            if velocity:
                raise
            self._trouble(str(error))

    # -- time and ports --------------------------------------------------------------------------------------------

    def tick(self, now_s: float) -> list[bytes]:
        """Some twenty times a second: what time settles, and what to send to controllers that show their knobs."""
        with self._lock:
            if self._learner is not None:
                self._learned(self._learner.settle(now_s))
            for (port, channel), knobs in self._knobs.items():
                for move in knobs.settle(now_s):
                    source = Source(move.kind, move.number, channel)
                    try:
                        self._move(port, source, move.position, move.fine, now_s)
                    except ValueError as error:
                        self._trouble(str(error))
            controls, held = self._hands.controls, self._hands.held
            for binding, grip in self._grips.values():
                grip.look(binding.position(controls[binding.target]), binding.target in held, now_s)
            moved = {source for (_, source), (_, grip) in self._grips.items() if grip.has}
            return self._feedback.changes(self.mapping, controls, moved.__contains__, now_s)

    def show(self) -> None:
        """A controller that shows its knobs has come: the next `tick` tells where all controls are."""
        with self._lock:
            self._feedback.forget()

    @property
    def sounding(self) -> int:
        """Played notes that sound."""
        return self._keys.sounding

    def lost(self, port: str) -> None:
        """`port` has vanished: its notes end, and where its knobs stood is forgotten."""
        with self._lock:
            self._decoders.pop(port, None)
            self._knobs = {place: knobs for place, knobs in self._knobs.items() if place[0] != port}
            self._grips = {key: grip for key, grip in self._grips.items() if key[0] != port}
            self._pressed = {key: pressed for key, pressed in self._pressed.items() if key[0] != port}
            if ended := self._keys.end(port):
                self.words.append(f"{port}: {ended} held {'note' if ended == 1 else 'notes'} ended")

    def close(self) -> None:
        """End all notes."""
        with self._lock:
            self._keys.end()

    # -- learning --------------------------------------------------------------------------------------------------

    @property
    def learning(self) -> str | None:
        """What waits for a knob, None for nothing."""
        return None if self._learner is None else self._learner.wanted.target

    def learn(
        self,
        target: str,
        *,
        low: float | None = None,
        high: float | None = None,
        curve: str | None = None,
        takeover: str | None = None,
        any_channel: bool = False,
    ) -> None:
        """The next knob or pad moves `target`: a control, a verb, "panic" or "release" (or "nothing", to silence it).

        MidiError for what cannot be bound. Nothing that is heard until then moves anything.
        """
        wanted = Binding(Source("cc"), target, low, high, curve, takeover)
        with self._lock:
            self._learner = Learner(wanted, any_channel)
            self.words.append(f"{target}: move a knob or hit a pad")

    def stop_learning(self) -> None:
        """Wait for no knob any more."""
        with self._lock:
            self._learner = None

    def _learned(self, binding: Binding | None) -> None:
        if binding is None:
            return
        self._learner = None
        self.mapping = mapping = self.mapping.bound(binding)
        kept = ((key, grip) for key, grip in self._grips.items() if mapping.at(*_where(key[1])) == grip[0])
        self._grips = dict(kept)
        means = "moves nothing" if binding.target == NOTHING else f"is now {binding.target}"
        self.words.append(f"{binding.source.text} {means}")
        if self._file is not None:
            try:
                self.words.extend(self._file.save(binding))
            except MidiError as error:
                self._trouble(str(error))

    def _trouble(self, text: str) -> None:
        self.troubles += 1
        if not self.words or self.words[-1] != text:
            self.words.append(text)


def _where(source: Source) -> tuple[str, int, int]:
    return source.kind, source.number, source.channel or 1


def _ends(message: Message) -> bool:
    """Whether a message lets something go: a key or the pedal."""
    pedal = message.kind == "control_change" and message.number == SUSTAIN
    return message.kind == "note_off" or ((message.kind == "note_on" or pedal) and message.value == 0)
