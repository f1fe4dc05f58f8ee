"""pyo, offline, buffers of 256, its own default: every control is an audio-rate stream, so shorter ones only cost."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("PYO_GUI_WX", "0")

import pyo  # noqa: E402
from workloads import (  # noqa: E402
    ATTACK_S,
    BELL_RATIOS,
    DECAY_S,
    EVERY_S,
    PAD_LFO,
    PAD_Q,
    PAD_VOICES,
    PAD_VOICES_FEW,
    PITCHES,
    RATE,
    RELEASE_S,
    RING_S,
    SUSTAIN,
    bells,
    hertz,
    main,
    overlap,
    pad,
)

BUFFER = 256
NOISE_HZ = (300, 800, 2000, 5000)
WAV, RAW, FLOAT = 0, 3, 3


def render(build: Callable[[], list[Any]], seconds: float, wav: Path | None) -> float:
    """CPU seconds of `seconds` of what `build` makes; the list it returns keeps the objects alive."""
    server = pyo.Server(sr=RATE, nchnls=2, buffersize=BUFFER, audio="offline")
    server.setVerbosity(1)
    server.boot()
    target = (str(wav), WAV) if wav else (os.devnull, RAW)
    server.recordOptions(dur=seconds, filename=target[0], fileformat=target[1], sampletype=FLOAT)
    kept = build()
    before = time.process_time()
    server.start()
    used = time.process_time() - before
    kept.clear()
    return used


def pad_voices(count: int, level: float) -> tuple[list[Any], Any]:
    """What to keep, and the pad: band-limited saw tables, a table for each voice's number of harmonics."""
    voices = pad(count)
    made: dict[int, Any] = {}
    tables, hz = [], []
    for voice in voices:
        order = min(int(0.5 * RATE / voice.hz[2]), 300)
        made.setdefault(order, pyo.SawTable(order, 2048))
        for f in voice.hz:
            tables.append(made[order])
            hz.append(f)
    saws = pyo.Osc(tables, hz).mix(count)
    envelope = pyo.Adsr(ATTACK_S, DECAY_S, SUSTAIN, RELEASE_S).play()
    lfo = pyo.Sine([v.lfo_hz for v in voices], mul=PAD_LFO, add=1.0)
    corner = lfo * envelope * [v.corner_hz for v in voices] + 40.0
    low = pyo.Biquad(saws, corner, PAD_Q, mul=envelope * level)
    # a pan of one value a voice; `mix(2)` adds up the left and the right ones
    return [tables, saws, envelope, lfo, corner, low], pyo.SPan(low, 2, [(v.pan + 1) / 2 for v in voices]).mix(2)


def w1(seconds: float, wav: Path | None) -> float:
    def build() -> list[Any]:
        kept, out = pad_voices(64, 0.02)
        return [kept, out.out()]

    return render(build, seconds, wav)


def strike(seconds: float) -> tuple[Any, Any]:
    """A single impulse at the start."""
    table = pyo.DataTable(size=BUFFER, init=[1.0] + [0.0] * (BUFFER - 1))
    reader = pyo.TableRead(table, freq=RATE / BUFFER, loop=0).play()
    return table, reader


def w2(seconds: float, wav: Path | None) -> float:
    def build() -> list[Any]:
        partials = [p for bell in bells() for p in bell]
        table, hit = strike(seconds)
        modes = pyo.ComplexRes(
            hit,
            [p.hz for p in partials],
            [p.t60_s / 6.9078 for p in partials],
            mul=[p.amplitude for p in partials],
        )
        return [table, hit, modes, modes.mix(2).out()]

    return render(build, seconds, wav)


def w3(seconds: float, wav: Path | None) -> float:
    def build() -> list[Any]:
        noise = pyo.Noise([0.1, 0.1])
        return [noise, pyo.WGVerb(noise, feedback=0.85, cutoff=8000, bal=1.0).out()]

    return render(build, seconds, wav)


def noise_layers(level: float) -> tuple[list[Any], Any]:
    noise = pyo.Noise([1.0] * len(NOISE_HZ))
    centre = pyo.Sine([0.1 + 0.03 * n for n in range(4)], mul=[0.3 * hz for hz in NOISE_HZ], add=list(NOISE_HZ))
    band = pyo.Biquad(noise, centre, 1.4, type=2, mul=level)
    place = pyo.Sine([0.05 + 0.02 * n for n in range(4)], mul=0.5, add=0.5)
    return [noise, centre, band, place], pyo.SPan(band, 2, place).mix(2)


def w4(seconds: float, wav: Path | None) -> float:
    def build() -> list[Any]:
        kept, layers = noise_layers(0.2)
        source = pyo.HarmTable([0.0] * 299 + [1.0] + [0.0] * 299 + [0.5] + [0.0] * 300 + [0.3], size=65536)
        window = pyo.HannTable()
        place = pyo.Randi(6000, 60000, 3)
        grains = pyo.Granulator(source, window, [1.0, 1.001], place, 0.1, grains=32, basedur=0.1, mul=0.01)
        return [kept, source, window, place, layers.out(), grains.out()]

    return render(build, seconds, wav)


def notes(stem: str) -> tuple[list[Any], Any, Any]:
    """(what to keep, triggers, pitches) of a stem; as many streams as its notes overlap, one started after another."""
    beat = pyo.Metro(EVERY_S[stem], overlap(stem)).play()
    return [beat], beat, pyo.TrigChoice(beat, [hertz(p) for p in PITCHES[stem]], init=hertz(PITCHES[stem][0]))


def fall(trigger: Any, attack_s: float, ring_s: float) -> tuple[Any, Any]:
    """An envelope for each trigger: up in `attack_s`, down by the end of `ring_s`."""
    top = max(1, int(8192 * attack_s / ring_s))
    table = pyo.ExpTable([(0, 0.0), (top, 1.0), (8191, 0.0)], exp=4, size=8192)
    return table, pyo.TrigEnv(trigger, table, ring_s)


def w5(seconds: float, wav: Path | None, pad_size: int = PAD_VOICES) -> float:
    def build() -> list[Any]:
        kept_pad, held = pad_voices(pad_size, 0.05)

        kept_bass, beat, hz = notes("bass")
        table_bass, envelope = fall(beat, 0.03, RING_S["bass"])
        saw = pyo.SawTable(200, 2048)
        bass = pyo.Biquad(pyo.Osc(saw, hz), 500.0, 1.0, mul=envelope * 0.2).mix(1)

        kept_melody, beat, hz = notes("melody")
        table_melody, envelope = fall(beat, 0.001, 0.005)
        melody = pyo.Waveguide(pyo.Noise(envelope), hz, 2.0, minfreq=50, mul=0.2).mix(1)

        kept_bells, beat, hz = notes("bells")
        each = range(overlap("bells"))
        modes = [(v, m, r) for v in each for m, r in enumerate(BELL_RATIOS)]
        bell_hz = [hz[v] * r for v, _, r in modes]
        ring = [6.0 / (1 + 0.2 * m) / 6.9078 for _, m, _ in modes]
        struck = [beat[v] for v, _, _ in modes]
        bell = pyo.ComplexRes(struck, bell_hz, ring, mul=[1.0 / (m + 1) for _, m, _ in modes]).mix(1)

        kept_hits, beat, hz = notes("percussion")
        table_hits, envelope = fall(beat, 0.003, RING_S["percussion"])
        hit = pyo.Biquad(pyo.Noise(envelope * 0.2), hz, 1.3, type=2).mix(1)

        kept_nature, nature = noise_layers(0.05)
        delay = pyo.Sine([0.5, 0.53], mul=0.0015, add=0.008)
        chorus = pyo.Delay(held, delay, maxdelay=0.03, mul=0.5)
        sent = held + chorus + (bass + melody + bell + hit)
        room = pyo.WGVerb(sent, feedback=0.85, cutoff=8000, bal=1.0, mul=0.3)
        pressed = pyo.Compress(sent + room + nature, thresh=-12, ratio=2, risetime=0.01, falltime=0.2)
        limited = pyo.Compress(pressed, thresh=-1, ratio=100, risetime=0.001, falltime=0.1).out()
        return [dict(locals())]

    return render(build, seconds, wav)


def w5_few(seconds: float, wav: Path | None) -> float:
    return w5(seconds, wav, PAD_VOICES_FEW)


def version() -> str:
    return f"pyo {pyo.PYO_VERSION}"


if __name__ == "__main__":
    main(version, {"W1": w1, "W2": w2, "W3": w3, "W4": w4, "W5": w5, "W5_few": w5_few})
