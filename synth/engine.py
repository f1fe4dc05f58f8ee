"""The engine: preset, seed and committed controls in; stems, pre-master and mix out, a block of quanta at a time.

It cannot be built without the guards: the bus holds the control guard, and the output guard is its last stage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth.bus import Bus, new_edges
from synth.composer.composer import Composer
from synth.composer.guests import Motif, Reception
from synth.composer.scales import MINOR, NAMES, Scale, ladder, nearest_tone, rung, sounding
from synth.controls import STEMS
from synth.expression import Expression
from synth.instruments import make
from synth.instruments.base import (
    EVENT_COLUMNS,
    FRAME,
    KIND,
    MAX_EVENTS,
    MAX_FRAMES,
    MAX_QUANTA,
    NOTE_ID,
    PITCH,
    QUANTUM,
    SECONDS,
    VARIATION,
    VELOCITY,
    Instrument,
    Listening,
)
from synth.instruments.rack import Rack
from synth.mix import Delivery, HapticBus, Master, Mixer
from synth.preset import Preset, Scene, bounds_of
from synth.rng import stream_seed
from synth.safety.bounds import Bounds
from synth.safety.control_guard import ControlGuard
from synth.safety.output import OutputGuard, OutputLimits
from synth.score.model import Score
from synth.transport import SPAN, NoteEvent, Transport

TEXTURE_HEARS = ("pad", "melody", "bells")


@dataclass(slots=True)
class Block:
    """Views into the engine's buffers, valid until its next block; audio is (2, frames) float32.

    `mix` is `premaster` times `gain`; `premaster` is the sum of `stems`, (stems, 2, frames), none where they are not
    kept. `haptic` (frames,) is beside the sum, empty where it is off. All are late by `Engine.latency_frames`. `edges`
    are the controls as heard at the block's quantum edges, `events` the notes by stem, in frames of the session.
    """

    quantum: int
    frames: int
    mix: NDArray[np.float32]
    premaster: NDArray[np.float32]
    stems: NDArray[np.float32]
    gain: NDArray[np.float32]
    edges: NDArray[np.float32]
    haptic: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    events: Mapping[str, Sequence[NoteEvent]] = field(default_factory=dict)


class Leap(NamedTuple):
    """At `quantum` the tempo goes from one to another at once."""

    quantum: int
    before_bpm: float
    bpm: float


@dataclass(slots=True)
class _Buffers:
    stems: NDArray[np.float32]
    delayed_stems: NDArray[np.float32]
    premaster: NDArray[np.float32] = field(default_factory=lambda: np.zeros((2, MAX_FRAMES), np.float32))
    delayed: NDArray[np.float32] = field(default_factory=lambda: np.zeros((2, MAX_FRAMES), np.float32))
    mix: NDArray[np.float32] = field(default_factory=lambda: np.zeros((2, MAX_FRAMES), np.float32))
    gain: NDArray[np.float32] = field(default_factory=lambda: np.zeros(MAX_FRAMES, np.float32))
    events: NDArray[np.float64] = field(default_factory=lambda: np.zeros((MAX_EVENTS, EVENT_COLUMNS)))
    edges: NDArray[np.float32] = field(default_factory=lambda: new_edges(MAX_QUANTA))
    spans: NDArray[np.float64] = field(default_factory=lambda: np.zeros((MAX_QUANTA + 2, SPAN)))


class Engine:
    """One session's composer, instruments, mix and guards.

    `length_s`: the session ends there on a cadence (None: it goes on). `bounds` are those of the session (None: the
    preset's own), `controls` where they start (None: the preset's). `audio=False` writes the score only;
    `stems=False` leaves them out of its blocks. `delivery`: one of `synth.mix.delivery.PROFILES`. `haptic` makes the
    haptic bus; who asks for it has asked `synth.preset.haptic_closed`. `keep_score` as in `synth.transport`.
    """

    def __init__(
        self,
        preset: Preset,
        seed: int,
        sample_rate: int,
        length_s: float | None = None,
        *,
        bounds: Bounds | None = None,
        controls: Mapping[str, float] | None = None,
        held: tuple[str, ...] = (),
        audio: bool = True,
        stems: bool = True,
        desk: Reception | None = None,
        tune: Motif | None = None,
        delivery: str | None = None,
        haptic: bool = False,
        keep_score: bool = True,
    ) -> None:
        self.preset = preset
        self.sample_rate = sample_rate
        self.guard = ControlGuard(bounds or bounds_of(preset))
        initial, self.start_repairs = self.guard.start(controls or preset.controls)
        self.bus = Bus(sample_rate, QUANTUM, self.guard, initial, held)
        self.stems = (*(s for s in STEMS if s in preset.stems and s != "reverb"), "reverb")
        played = self.stems[:-1]
        score = Score(played, scales=NAMES, minor=MINOR)
        composer = Composer(preset, seed, desk, tune)
        self.transport = Transport(composer.compose, score, seed, sample_rate, length_s, composer.follow, keep_score)
        self.leaps: list[Leap] = []
        self.expression = Expression(sample_rate, length_s)
        self.audio = audio
        self.latency_frames = 0
        self._haptic: HapticBus | None = None
        self._held_frames = 0
        count = len(self.stems) if audio else 0
        self._kept = count if stems else 0
        self._buffers = _Buffers(np.zeros((count, 2, MAX_FRAMES), np.float32), np.zeros((0, 2, MAX_FRAMES), np.float32))
        if not audio:
            return
        self.instruments = {stem: self._instrument(stem, seed) for stem in played}
        self.mixer = Mixer(sample_rate, preset.stems, preset.space, stream_seed(seed, "mix"))
        assert self.mixer.names == self.stems
        self.delivery = Delivery(sample_rate, delivery, self._kept) if delivery else None
        limits = OutputLimits.of(self.guard.output_limits)
        self.master = Master(sample_rate, limits)
        self.output_guard = OutputGuard(sample_rate, limits)
        self.latency_frames = self.master.latency_frames
        if haptic:
            self._haptic = HapticBus(sample_rate, stream_seed(seed, "haptic"), self.latency_frames)
        self._buffers.delayed_stems = np.zeros((self._kept, 2, self.latency_frames + MAX_FRAMES), np.float32)

    @property
    def score(self) -> Score:
        """What was composed so far."""
        self.transport.finish()
        return self.transport.score

    @property
    def scale(self) -> Scale:
        """The scale of the bar that sounds."""
        bar = self.transport.bar
        if bar is not None:
            return Scale(bar.key, bar.mode)
        scene, controls = self._first_scene, self.bus.values(0)
        place = rung(scene.culture, scene.scale, round(controls["mode"]))
        return Scale(round(controls["key"]), ladder(scene.culture, scene.scale)[place])

    def in_scale(self, pitch: float) -> float:
        """The tone of the scale and tuning that sound which lies nearest to `pitch`."""
        bar = self.transport.bar
        return nearest_tone(self.scale, sounding(self.scale, bar.tuning if bar else self._first_scene.tuning), pitch)

    @property
    def _first_scene(self) -> Scene:
        return self.preset.scenes[round(self.bus.values(0)["scene"]) % len(self.preset.scenes)]

    def render(self, quantum: int, quanta: int) -> Block:
        """Render `quanta` (1 to MAX_QUANTA) quanta from `quantum` on; blocks must follow each other."""
        b, frames = self._buffers, quanta * QUANTUM
        self.bus.edges(quantum, quanta, b.edges)
        self.transport.tempo_asked_bpm = self.bus.tempo_asked_bpm()
        beats = self.transport.walk(quantum, quanta, b.edges, b.spans)
        self._leap()
        self._bind()
        self.expression.write(quantum, quanta, b.spans, beats, b.edges)
        events = self.transport.take(quantum * QUANTUM + frames)
        if self.audio:
            for i, (stem, instrument) in enumerate(self.instruments.items()):
                count = self._events(events[stem], quantum * QUANTUM) if stem in events else 0
                if stem == "texture" and isinstance(instrument, Listening):
                    self._listen(instrument, frames)
                instrument.render(b.events, count, b.edges, quanta, b.stems[i])
            self.mixer.render(b.stems, b.edges, quanta, b.premaster)
            if self.delivery:
                self.delivery.render(b.stems, b.premaster, quanta)
            self.master.render(b.premaster, b.edges, quanta, b.delayed, b.gain, b.mix)
            if self._haptic:
                self._haptic.render(b.edges, quanta, b.gain)
            self.output_guard.render(b.mix, b.gain, quanta)
            if self._haptic:
                self._haptic.follow(b.gain, quanta)
            if self._kept:
                self._delay_stems(frames)
        return Block(
            quantum,
            frames,
            b.mix[:, :frames],
            b.delayed[:, :frames],
            b.delayed_stems[:, :, :frames],
            b.gain[:frames],
            b.edges[: quanta + 1],
            self._haptic.heard[:frames] if self._haptic else b.gain[:0],
            events,
        )

    def _leap(self) -> None:
        """Let the tempo leap where the next bar says so; `leaps` tells of it until someone takes them."""
        if self.transport.leap is not None:
            frame, bpm = self.transport.leap
            self.transport.leap = None
            at = frame // QUANTUM
            before = self.bus.values(at)["tempo_bpm"]
            self.leaps.append(Leap(at, before, self.bus.leap(bpm, at)))

    def _listen(self, instrument: Listening, frames: int) -> None:
        """Let a texture hear the stems it may take from, which have been rendered before it."""
        heard, stems = instrument.heard[:, :frames], self._buffers.stems
        heard[:] = 0.0
        for i, stem in enumerate(self.stems):
            if stem in TEXTURE_HEARS:
                heard += stems[i, :, :frames]

    def _instrument(self, stem: str, seed: int) -> Instrument:
        """What plays a stem: its own instrument, or a rack of those that scenes bind."""
        setting, scenes = self.preset.stems[stem], self.preset.scenes
        others = dict.fromkeys(scene.instruments[stem] for scene in scenes if stem in scene.instruments)
        others.pop(setting.instrument, None)
        own = make(setting.instrument, self.sample_rate, stream_seed(seed, "instrument", stem), **setting.settings)
        if not others:
            return own
        made = {name: make(name, self.sample_rate, stream_seed(seed, "instrument", stem, name)) for name in others}
        return Rack({setting.instrument: own, **made}, setting.instrument, self.sample_rate)

    def _bind(self) -> None:
        """Let the racks turn to the instruments of a scene that has begun."""
        for frame, players in self.transport.players:
            chosen = dict(players)
            for stem, rack in self.instruments.items() if self.audio else ():
                if isinstance(rack, Rack):
                    rack.bind(chosen.get(stem, self.preset.stems[stem].instrument), frame // QUANTUM)
        self.transport.players.clear()

    def sounding(self) -> dict[str, int]:
        """Voices that sound now, by stem."""
        return {stem: instrument.sounding for stem, instrument in self.instruments.items()} if self.audio else {}

    def _events(self, taken: list[NoteEvent], start_frame: int) -> int:
        for row, event in zip(self._buffers.events, taken, strict=False):
            row[FRAME] = event.frame - start_frame
            row[KIND] = event.kind
            row[NOTE_ID] = event.note_id
            row[PITCH] = event.pitch
            row[VELOCITY] = event.velocity
            row[VARIATION] = event.variation
            row[SECONDS] = event.seconds
        return min(len(taken), MAX_EVENTS)

    def _delay_stems(self, frames: int) -> None:
        """Hold the stems back by the master's look-ahead, so that they line up with the mix."""
        late, latency = self._buffers.delayed_stems, self.latency_frames
        late[:, :, :latency] = late[:, :, self._held_frames : self._held_frames + latency].copy()
        late[:, :, latency : latency + frames] = self._buffers.stems[:, :, :frames]
        self._held_frames = frames
