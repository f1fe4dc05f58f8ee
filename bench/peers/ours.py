"""isotone itself: its instruments, kernels and engine as they are."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from workloads import ATTACK_S, DECAY_S, PAD_LFO, PAD_Q, RATE, RELEASE_S, SUSTAIN, bells, main, pad, write

from synth import Session, __version__
from synth.controls import CONTROLS, EDGE_COLUMNS
from synth.dsp._jit import kernel
from synth.dsp.fdn import Fdn
from synth.dsp.grains import TableGrains, grain_settings
from synth.dsp.modal import ModalBank
from synth.dsp.noise import bipolar, xorshift32
from synth.dsp.wavetable import saw, tables
from synth.instruments.base import EVENT_COLUMNS, MAX_EVENTS, MAX_FRAMES, MAX_QUANTA, ON
from synth.instruments.nature import Nature
from synth.instruments.pad import Pad
from synth.instruments.scenes import SCENES
from synth.instruments.subtractive import VOICES, Subtractive
from synth.instruments.voicing import Voicing

WARM_S = 1.0  # rendered first and left out: it compiles, and starts the notes
SESSION_WARM_S = 90.0  # after which every stem has entered
PRESET = "focus"  # the preset whose melody is plucked
LEVEL = np.float32(0.1)  # of the noise of W3
Stereo = NDArray[np.float32]  # (2, frames)


def timed(blocks: Iterator[Stereo], warm_s: float, seconds: float, wav: Path | None) -> float:
    """CPU seconds of making `seconds` of `blocks`, after `warm_s` of them."""
    ahead = 0
    while ahead < warm_s * RATE:
        ahead += next(blocks).shape[1]
    used, frames, kept = 0.0, 0, []
    while frames < seconds * RATE:
        before = time.process_time()
        block = next(blocks)
        used += time.process_time() - before
        frames += block.shape[1]
        if wav:
            kept.append(block.T.copy())
    if wav:
        write(wav, np.concatenate(kept)[: round(seconds * RATE)])
    return used * seconds * RATE / frames


def default_edges() -> NDArray[np.float32]:
    edges = np.zeros((MAX_QUANTA + 1, EDGE_COLUMNS), np.float32)
    edges[:, : len(CONTROLS)] = [c.default for c in CONTROLS]
    return edges


PATCH = Voicing(  # W1's voice: its LFO is the corner's drift
    level_db=-18.0,
    side=0.6,
    stereo=False,
    steep=False,
    centre=0.6,
    pan=0.8,
    detune_cents=4.0,
    attack_factor=1.0,
    attack_low_s=ATTACK_S,
    attack_high_s=ATTACK_S,
    decay_s=DECAY_S,
    sustain=SUSTAIN,
    release_s=RELEASE_S,
    corner_hz=1800.0,
    corner_max_hz=12_000.0,
    tracking=0.5,
    velocity_oct=0.0,
    opening_oct=1.0,
    damping=1.0 / PAD_Q,
    drift_cents=2.0,
    drift_corner_cents=1200.0 * math.log2(1.0 + PAD_LFO),
    drift_s=5.0,
    vibrato_cents=3.0,
)


def pads(make: Callable[[int], Subtractive]) -> Iterator[Stereo]:
    """As many instruments as it takes for 64 voices, all of them held."""
    instruments = [make(seed) for seed in range(64 // VOICES)]
    edges = default_edges()
    starts = np.zeros((len(instruments), MAX_EVENTS, EVENT_COLUMNS))
    for i, voice in enumerate(pad(64)):
        starts[i // VOICES, i % VOICES] = 0, ON, i, voice.pitch, 0.7, i / 64
    out = np.zeros((2, MAX_FRAMES), np.float32)
    total = np.zeros_like(out)
    count = VOICES
    while True:
        total[:] = 0.0
        for instrument, events in zip(instruments, starts, strict=True):
            instrument.render(events, count, edges, MAX_QUANTA, out)
            total += out
        count = 0
        if any(instrument.sounding != VOICES for instrument in instruments):
            raise RuntimeError("not all voices of the pads sound")
        yield total


def w1(seconds: float, wav: Path | None) -> float:
    return timed(pads(lambda seed: Subtractive(RATE, seed, saw, PATCH)), WARM_S, seconds, wav)


def w1_pad(seconds: float, wav: Path | None) -> float:
    return timed(pads(lambda seed: Pad(RATE, seed)), WARM_S, seconds, wav)


def w2(seconds: float, wav: Path | None) -> float:
    bank = ModalBank(RATE, 16, 128)
    out = np.zeros((2, MAX_FRAMES), np.float32)
    end = (seconds + WARM_S + 1.0) * RATE

    def blocks() -> Iterator[Stereo]:
        for b, partials in enumerate(bells()):
            hz, amplitude, t60_s = np.array(partials).T
            slot = bank.strike(0, hz, amplitude, np.maximum(t60_s, 4.0 * seconds), pan=b / 8.0 - 1.0)
            if slot is None or np.count_nonzero(bank.ends[slot] > end) != len(partials):
                raise RuntimeError("not all partials ring to the end")
        while True:
            bank.begin(out)
            bank.play(bank.clock + MAX_FRAMES)
            yield out

    return timed(blocks(), WARM_S, seconds, wav)


@kernel
def white(states: NDArray[np.uint32], out: Stereo) -> None:
    """Fill `out` with noise, from as many generators a channel as fill a vector."""
    lanes = states.shape[1]
    for c in range(2):
        for n in range(0, out.shape[1], lanes):
            for k in range(lanes):
                states[c, k] = xorshift32(states[c, k])
                out[c, n + k] = LEVEL * bipolar(states[c, k])


def w3(seconds: float, wav: Path | None) -> float:
    reverb = Fdn(RATE)
    states = np.arange(1, 65, dtype=np.uint32).reshape(2, 32) * np.uint32(2_654_435_761)
    send, out = np.zeros((2, MAX_FRAMES), np.float32), np.zeros((2, MAX_FRAMES), np.float32)

    def blocks() -> Iterator[Stereo]:
        while True:
            white(states, send)
            reverb.render(send, MAX_QUANTA, out)
            yield out

    return timed(blocks(), WARM_S, seconds, wav)


def w4(seconds: float, wav: Path | None) -> float:
    """Wind, whose bands of noise wander, and four clouds of 16 grains from a table."""
    wind = Nature(RATE, 1, [scene.name for scene in SCENES].index("wind"))
    clouds = [TableGrains(RATE, seed, tables(RATE, saw)) for seed in range(4)]
    settings = [
        grain_settings(MAX_QUANTA + 1, gain=0.1, length_s=0.1, overlap=16.0, pitch=hz, width=1.0)
        for hz in (220.0, 330.0, 440.0, 550.0)
    ]
    edges, no_events = default_edges(), np.zeros((MAX_EVENTS, EVENT_COLUMNS))
    out, total = np.zeros((2, MAX_FRAMES), np.float32), np.zeros((2, MAX_FRAMES), np.float32)
    sounding: list[int] = []

    def blocks() -> Iterator[Stereo]:
        while True:
            wind.render(no_events, 0, edges, MAX_QUANTA, total)
            for cloud, setting in zip(clouds, settings, strict=True):
                cloud.render(setting, MAX_QUANTA, out)
                np.add(total, out, out=total)
            sounding.append(sum(cloud.sounding for cloud in clouds))
            yield total

    used = timed(blocks(), WARM_S, seconds, wav)
    if (mean := float(np.mean(sounding))) < 60.0:
        raise RuntimeError(f"{mean:.1f} grains at once on average, not 64")
    return used


def whole_session(block: int) -> Callable[[float, Path | None], float]:
    """W5 in blocks of `block` frames: composer, bus, estimator, steering, stems, mix, master and guard."""

    def run(seconds: float, wav: Path | None) -> float:
        session = Session(PRESET, seed=1, minutes=seconds / 60.0 + 10.0)
        heard: set[str] = set()

        def blocks() -> Iterator[Stereo]:
            while True:
                rendered = session.render(block).T
                if session.time_s < SESSION_WARM_S:
                    heard.update(stem for stem, voices in session.engine.sounding().items() if voices)
                yield rendered

        used = timed(blocks(), SESSION_WARM_S, seconds, wav)
        if missing := {"pad", "bass", "melody", "bells", "percussion", "nature"} - heard:
            raise RuntimeError(f"the session of {PRESET} did not play {', '.join(sorted(missing))}")
        return used

    return run


def version() -> str:
    return f"isotone {__version__}"


if __name__ == "__main__":
    main(
        version,
        {
            "W1": w1,
            "W1_pad": w1_pad,
            "W2": w2,
            "W3": w3,
            "W4": w4,
            "W5": whole_session(4096),
            "W5_few": whole_session(4096),
            "W5_256": whole_session(256),
        },
    )
