"""The owner of time: wires sensors, estimator, steering, bus and engine, and keeps the record.

Time in a session is frames rendered. `feed`, `request`, `release`, `verb`, `play`, `edit`, `stop` and `panic` may be
called from any thread; they take effect at the next quantum rendered. `render` belongs to one thread.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from synth import __version__
from synth.controls import Request, control
from synth.engine import Block, Engine
from synth.estimator.context import Context, context_of
from synth.estimator.estimator import Estimator
from synth.estimator.state import State
from synth.instruments.base import MAX_QUANTA, QUANTUM
from synth.preset import Preset, load_preset, phases_from, preset_to_dict
from synth.score.model import Score
from synth.session.ahead import Ahead
from synth.session.asking import SAMPLE_RATES, VERBS, SessionError, TermsError
from synth.session.deeds import Deeds
from synth.session.gathering import Gathering
from synth.session.guests import Guests, Motif, reception, told_in
from synth.session.handout import Audio, Handout
from synth.session.lines import Teller
from synth.session.pulse import Pulse, first_pulse, pulse_of
from synth.session.terms import Asked, agree
from synth.session.thinking import Thinking
from synth.session.watch import Watch
from synth.steering.steering import Steering
from synth.wearables.incoming import Incoming, fed
from synth.wearables.packet import Packet
from synth.wearables.samples import REPORTS, Samples, Source
from synth.wearables.words import valence_of


class Session:
    """A session of `preset` (name, file or Preset).

    `minutes`: its length (None: the preset's own; math.inf: until `stop`). `recording`: a folder or Recording whose
    samples are fed as time passes. `context` is what earlier sessions tell of the person. `settings` are controls set
    by hand from the start, `script` requests as (time_s, control, value). `record` is called with each line of the
    record. `stems=False` keeps only the mix; `audio=False` renders silence and writes the score alone;
    `keep_score=False` keeps its last bars only, as a session without an end needs, whose record makes it again. `moves`
    are lines of a record to be carried out again at their quantum; with `steer=False` they take the place of estimator
    and steering. `guests` write the phrases of stems (`synth.composer.guests`): those of a mapping from stem to guest
    never keep the music waiting, those of a `Desk(..., wait=True)` are waited for; without them the lines of `moves`
    answer. `tune`, a MIDI file or what was read from one, is what the melody starts from. `asked` are terms
    (`synth.session.terms.Asked`): policy, palette, constraints, screening, self_report, supervised, calibration, week,
    delivery, haptic, played.

    Raises SessionError, TermsError, PresetError, ControlError, ScreeningError, ConstraintError, RecordingError,
    GuestError or TuneError with what to change.
    """

    def __init__(
        self,
        preset: str | Path | Preset,
        *,
        seed: int = 0,
        sample_rate: int = 48_000,
        minutes: float | None = None,
        recording: str | Path | Source | None = None,
        context: Context | Mapping[str, Any] | None = None,
        settings: Mapping[str, float] | None = None,
        script: Iterable[tuple[float, str, float]] = (),
        record: Callable[[dict[str, Any]], None] | None = None,
        stems: bool = False,
        audio: bool = True,
        keep_score: bool = True,
        moves: Iterable[Mapping[str, Any]] = (),
        steer: bool = True,
        guests: Guests | None = None,
        tune: str | Path | Motif | Mapping[str, Any] | None = None,
        **asked: Unpack[Asked],
    ) -> None:
        preset = preset if isinstance(preset, Preset) else load_preset(preset)
        if not SAMPLE_RATES[0] <= sample_rate <= SAMPLE_RATES[1]:
            raise SessionError(f"sample_rate = {sample_rate}: give {SAMPLE_RATES[0]} to {SAMPLE_RATES[1]} Hz")
        minutes = preset.minutes if minutes is None else minutes
        if not 0.1 <= minutes:
            raise SessionError(f"minutes = {minutes:g}: give 0.1 or more")
        self._incoming = Incoming(recording)
        self.terms = terms = agree(preset, minutes, wearable=self._incoming.of_the_body, **asked)
        self.preset = terms.preset
        settings = {name: control(name).check(value) for name, value in (settings or {}).items()}
        self.seed, self.sample_rate, self.minutes = seed, sample_rate, minutes
        length_s = None if math.isinf(minutes) else minutes * 60.0
        moves = list(moves)
        tune = Motif.of(tune)
        self._guests = reception(guests, moves, self.preset)
        plugged: dict[str, Any] = {} if self._guests is None else {"desk": self._guests}
        plugged |= {} if tune is None else {"tune": tune}
        self.engine = Engine(
            self.preset,
            seed,
            sample_rate,
            length_s,
            bounds=terms.bounds,
            controls={**terms.controls, **settings},
            delivery=terms.delivery,
            haptic=terms.haptic,
            held=tuple(settings),
            audio=audio,
            stems=stems,
            keep_score=keep_score,
            **plugged,
        )
        self.latency_frames = self.engine.latency_frames
        self.on_block: Callable[[Block], None] | None = None
        self._position = 0
        self._handout = Handout(self._advance, self.engine.stems if stems else ())
        self._stems = stems
        self._inbox: deque[Callable[[], None]] = deque()
        self._gathering: Gathering[Callable[[], None]] = Gathering()
        self._note = Teller(record)
        if self._guests is not None:
            self._guests.on_told = told_in(self._note, self.engine.transport, sample_rate)
        context = context_of(context) if isinstance(context, Mapping) else context
        self._estimator = Estimator(context)
        self._steering = Steering(
            self.preset,
            length_s,
            policy=terms.policy,
            bounds=terms.bounds,
            start=terms.start,
            landmark_every_s=terms.gates.landmark_every_s,
        )
        self._steer = steer
        self._note(
            {
                "type": "session",
                "engine_version": __version__,
                "preset": preset_to_dict(self.preset),
                "seed": seed,
                "sample_rate": sample_rate,
                "minutes": minutes,
                "settings": settings,
                "recording": self._incoming.name,
                "context": None if context is None else asdict(context),
                "tune": None if tune is None else tune.as_dict(),
                **terms.as_dict(),
            }
        )
        for text in (*terms.notes, *self.engine.start_repairs, *self._incoming.start_repairs):
            self._note({"type": "repair", "t_s": 0.0, "text": str(text)})
        watch = Watch(self.engine, terms.dose, self._note)
        self._thinking = Thinking(sample_rate, self._incoming, self._estimator, self._steering, watch, self._note)
        moves = [move for move in moves if move["type"] != "guest"]
        self._ahead = Ahead(script, moves, self._thinking.quantum_at)
        length_frames = math.inf if length_s is None else round(length_s * sample_rate)
        self._deeds = Deeds(self.engine, self._steering, terms, steer, length_frames, self._note)
        for name, value in settings.items():
            self._deeds.commit(Request(name, value, "hand", "set at the start"), at_once=True)

    # -- what happens ------------------------------------------------------------------------------------------

    def feed(
        self,
        channel: str,
        value: float | Sequence[float],
        t_s: float | Sequence[float] | None = None,
        device: str | None = None,
    ) -> None:
        """Hand over samples of a channel of `synth.wearables.samples.CHANNELS`.

        `t_s` is session time (None: now), or with `device` the time of that device's own clock, from whatever start:
        its offset, drift and restarts are followed. TermsError for signals of a body that this preset does not take;
        what a person says that is no number from -1 to 1 is refused, and recorded.
        """
        self.hear(fed(channel, value, t_s, device, self.time_s))

    def tell(self, text: str) -> float | None:
        """What a person says of how they feel: its valence -1..1 counts as their report, the words are not kept.

        None when no word in it tells. Needs the extra `text`; raises SourceError without it.
        """
        valence = valence_of(text)
        if valence is not None:
            self.feed("self_valence", valence)
        return valence

    def hear(self, packet: Packet) -> None:
        """Hand over what a live source received (`synth.wearables.packet`), `received_s` in session time."""
        body = [run.channel for run in packet.samples if run.channel not in REPORTS]
        if body and self.preset.wearable == "refused":
            raise TermsError(
                f"{self.preset.name} listens to what the person says, not to their body: {', '.join(body)} is refused"
            )
        runs = tuple(self._taken(run) if run.channel in REPORTS else run for run in packet.samples)
        if any(len(run) for run in runs):
            self._incoming.hear(replace(packet, samples=runs))

    def _taken(self, run: Samples) -> Samples:
        """What a person said, kept in the record; what is no number from -1 to 1 is left out, and told of."""
        sound = (run.value >= -1.0) & (run.value <= 1.0)
        for value, taken in zip(run.value.tolist(), sound.tolist(), strict=True):
            if taken:
                self._ask(partial(self._deeds.tell, "feedback", channel=run.channel, value=value))
            else:
                text = f"{run.channel} {value}: no number from -1 to 1, so it was not taken"
                self._ask(partial(self._deeds.tell, "refusal", text=text))
        return Samples(run.channel, run.t_s[sound], run.value[sound], run.quality[sound])

    def request(self, name: str, value: float, by: str = "hand", reason: str = "asked for") -> None:
        """A person takes control `name` to `value`: it holds until `release`. Out of range is clamped, and recorded.

        `by` says which hand: "hand", "hand:<who>" or "script"; whatever else it is counts as the name of a hand.
        """
        asked = Request(control(name).name, float(value), _hand(by), reason)
        self._ask(partial(self._deeds.commit, asked))

    def release(self, name: str) -> None:
        """Give control `name` back to the plan, which moves on smoothly from where it is; what safety holds stays."""
        row = control(name).name
        self._ask(partial(self._deeds.release, row, "hand"))

    def verb(self, name: str) -> None:
        """One of VERBS: more, less, hold (again: go on), advance, pull_back, ground, like, skip, stop."""
        if name not in VERBS:
            raise SessionError(f"no verb called {name!r}: one of {', '.join(VERBS)}")
        self._ask(partial(self._deeds.verb, name))

    def play(self, pitch: float, velocity: float, stem: str = "melody", by: str = "hand") -> None:
        """A person's note on `stem`, MIDI note number `pitch`, `velocity` 0 to 1 (0: it ends). It sounds at once, and
        the music goes along: the tune leaves room and answers, chord, bass and key follow. Odd values are mended."""
        if stem not in self._deeds.playing.stems:
            raise SessionError(f"{self.preset.name} has no stem {stem!r} to play: one of {self._deeds.playing.stems}")
        self._ask(partial(self._deeds.play, float(pitch), float(velocity), stem, _hand(by)))

    def edit(self, phases: Sequence[Mapping[str, Any]]) -> None:
        """Go on by other `phases` (tables as in a preset), scaled to the session's length, from the time that it is.

        PresetError with everything that is wrong with them."""
        edited = phases_from(self.preset, phases, self.terms.bounds)
        self._ask(partial(self._deeds.edit, edited))

    def stop(self) -> None:
        """Fade out over a few seconds and finish."""
        self._ask(self._deeds.stop)

    def panic(self) -> None:
        """Silence within 250 ms; it waits for nothing that is asked together."""
        self._inbox.append(self._deeds.panic)

    def together(self) -> AbstractContextManager[None]:
        """What this thread asks inside `with session.together():` is done in one quantum."""
        return self._gathering.together(lambda calls: self._inbox.append(partial(_each, calls)))

    def _ask(self, call: Callable[[], None]) -> None:
        if not self._gathering.keep(call):
            self._inbox.append(call)

    # -- what can be seen ----------------------------------------------------------------------------------------

    @property
    def position(self) -> int:
        """Frames that were handed out."""
        return self._position

    @property
    def time_s(self) -> float:
        """Session time that was handed out."""
        return self._position / self.sample_rate

    @property
    def length_frames(self) -> float:
        """Frames of the whole session, fewer once it was stopped."""
        return self._deeds.length_frames

    @property
    def panicked(self) -> bool:
        """Whether it was silenced for good."""
        return self._deeds.panicked

    @property
    def finished(self) -> bool:
        """Whether the session's length, with the master's look-ahead, was handed out."""
        return self._position >= self.length_frames + self.latency_frames

    @property
    def controls(self) -> dict[str, float]:
        """Every control's committed value now."""
        return self.engine.bus.values(self._deeds.quantum)

    @property
    def state(self) -> State:
        """What is believed of the listener."""
        return self._thinking.state

    @property
    def keeps_stems(self) -> bool:
        """Whether it was made with `stems=True`."""
        return self._stems

    @property
    def held(self) -> frozenset[str]:
        """The controls that a person or safety holds."""
        return self.engine.bus.held

    @property
    def phase(self) -> str:
        """The plan's phase."""
        return self.engine.transport.phase

    @property
    def planned(self) -> tuple[float, float, float]:
        """Arousal, valence and tension that the plan wants now."""
        return self._steering.planned

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the music is as it is, in words: what is believed, then what the plan did about it."""
        return (*self.state.reasons, *self._steering.words)

    @property
    def pulse(self) -> Pulse:
        """The beat that is being rendered."""
        return pulse_of(self.engine.transport.beat) if self._deeds.quantum else first_pulse(self.controls)

    @property
    def score(self) -> Score:
        """The score so far; with `keep_score=False` its last bars."""
        self.engine.transport.last(int(min(self._deeds.quantum * QUANTUM, self.length_frames)))
        return self.engine.score

    # -- rendering -----------------------------------------------------------------------------------------------

    def render(self, frames: int) -> NDArray[np.float32]:
        """The next `frames` of the mix, (frames, 2) float32; zeros after the end."""
        mix = self._handout.mix(frames)
        self._position += frames
        return mix

    def render_audio(self, frames: int) -> Audio:
        """The next `frames` with pre-master, stems and master gain; needs `stems=True`."""
        if not self._stems:
            raise SessionError("this session keeps only its mix: make it with stems=True")
        audio = self._handout.audio(frames)
        self._position += frames
        return audio

    def _advance(self, wanted: int) -> Block:
        """Render up to `wanted` quanta, ending where the next tick, script line or replayed commit is due."""
        deeds = self._deeds
        while self._inbox:
            self._inbox.popleft()()
        for move in self._ahead.take(deeds.quantum):
            deeds.carry_out(move)
        if self._steer and (decision := self._thinking.step(deeds.quantum, wanted, self._values, self._held)):
            deeds.carry(decision)
        deeds.playing.step(deeds.quantum)
        due = [*deeds.playing.due, *([self._thinking.due] if self._steer else [])]
        quanta = min([wanted, MAX_QUANTA, *(q - deeds.quantum for q in (*due, *self._ahead.next()))])
        block = self.engine.render(deeds.quantum, quanta)
        for leap in self.engine.leaps:
            self._note({"type": "leap", "t_s": leap.quantum * QUANTUM / self.sample_rate, **leap._asdict()})
        self.engine.leaps.clear()
        deeds.quantum += quanta
        if self.on_block:
            self.on_block(block)
        return block

    def _values(self) -> dict[str, float]:
        return self.engine.bus.values(self._deeds.quantum)

    def _held(self) -> frozenset[str]:
        return self.engine.bus.held

    # -- put away and taken up (`synth.session.snapshot`) -------------------------------------------------------------

    @property
    def settled(self) -> bool:
        """Whether nothing is half worked out, so that it can be put away."""
        return not self._inbox and self._thinking.settled and self.engine.transport.settled

    @property
    def told(self) -> int:
        """Lines of the record so far."""
        return self._note.count

    def tell_to(self, record: Callable[[dict[str, Any]], None]) -> None:
        """From now on the lines of the record go to `record`."""
        self._note.to(record)

    def recall(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Do again, each at its time, what sensors and hands did by `lines` of this session's record from now on."""
        lines = list(lines)
        self._incoming.recall(lines)
        self._ahead.recall(lines)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "on_block": None}

    def close(self, why: str = "finished") -> None:
        """Write the record's last lines: what the estimator had to set aside, and the end; let the guests go."""
        for text in (*self._incoming.repairs, *self._estimator.repairs):
            self._note({"type": "repair", "t_s": round(self.time_s, 4), "text": text})
        self._note({"type": "end", "frames": self._position, "t_s": round(self.time_s, 4), "reason": why})
        if self._guests is not None:
            self._guests.close()


def _each(calls: Iterable[Callable[[], None]]) -> None:
    for call in calls:
        call()


def _hand(by: str) -> str:
    """The name of a hand."""
    return by if by.partition(":")[0] in ("hand", "script") else f"hand:{by}"
