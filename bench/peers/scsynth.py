"""scsynth, offline, block 64. Its binary SynthDefs and scores are written here, so sclang is not needed.

https://doc.sccode.org/Reference/Synth-Definition-File-Format.html and Server-Command-Reference.html.
"""

from __future__ import annotations

import struct
import subprocess
import tempfile
from pathlib import Path

from workloads import (
    ATTACK_S,
    BELL_RATIOS,
    BLOCK,
    DECAY_S,
    LEAD_S,
    PAD_LFO,
    PAD_Q,
    PAD_VOICES,
    PAD_VOICES_FEW,
    RATE,
    RELEASE_S,
    SUSTAIN,
    bells,
    main,
    pad,
    program_cpu_s,
    session,
)

CONTROL, AUDIO = 1, 2
OPERATORS = {"+": 0, "-": 1, "*": 2}
FREE = 2.0  # done action: the synth ends with its envelope
HEAD, TAIL = 0, 1
DRY, PAD, NATURE = 10.0, 12.0, 14.0  # buses of W5
Input = "Signal | float"


class Signal:
    """An output of a unit generator in a SynthDef that is being written."""

    def __init__(self, synth: SynthDef, unit: int, output: int, rate: int) -> None:
        self.synth, self.unit, self.output, self.rate = synth, unit, output, rate

    def _binary(self, sign: str, other: Input) -> Signal:
        rate = max(self.rate, other.rate) if isinstance(other, Signal) else self.rate
        return self.synth.unit("BinaryOpUGen", rate, self, other, special=OPERATORS[sign])[0]

    def __add__(self, other: Input) -> Signal:
        return self._binary("+", other)

    def __mul__(self, other: Input) -> Signal:
        return self._binary("*", other)


class SynthDef:
    """A graph of unit generators; `parameters` are its controls with their defaults."""

    def __init__(self, name: str, **parameters: float) -> None:
        self.name, self._parameters = name, parameters
        self._constants: dict[float, int] = {}
        self._units: list[bytes] = []
        controls = self.unit("Control", CONTROL, outputs=len(parameters)) if parameters else []
        self.control = dict(zip(parameters, controls, strict=True))

    def unit(self, kind: str, rate: int, *inputs: Input, outputs: int = 1, special: int = 0) -> list[Signal]:
        """Add a unit generator; its outputs."""
        wires = b""
        for source in inputs:
            if isinstance(source, Signal):
                wires += struct.pack(">ii", source.unit, source.output)
            else:
                wires += struct.pack(">ii", -1, self._constants.setdefault(float(source), len(self._constants)))
        head = _pascal(kind) + struct.pack(">biih", rate, len(inputs), outputs, special)
        self._units.append(head + wires + bytes([rate] * outputs))
        return [Signal(self, len(self._units) - 1, n, rate) for n in range(outputs)]

    def ar(self, kind: str, *inputs: Input) -> Signal:
        return self.unit(kind, AUDIO, *inputs)[0]

    def kr(self, kind: str, *inputs: Input) -> Signal:
        return self.unit(kind, CONTROL, *inputs)[0]

    def out(self, bus: float, *channels: Signal) -> None:
        self.unit("Out", AUDIO, bus, *channels, outputs=0)

    def envelope(self, *segments: tuple[float, float], done: float = 0.0) -> Signal:
        """A control-rate envelope from 0 through (level, seconds) in turn, exponential."""
        shape = [0.0, float(len(segments)), -99.0, -99.0]
        for level, seconds in segments:
            shape += [level, seconds, 5.0, -4.0]
        return self.kr("EnvGen", 1.0, 1.0, 0.0, 1.0, done, *shape)

    def encode(self) -> bytes:
        """The SynthDef file, version 2."""
        names = list(self._parameters)
        parts = [b"SCgf", struct.pack(">ih", 2, 1), _pascal(self.name)]
        parts.append(struct.pack(f">i{len(self._constants)}f", len(self._constants), *self._constants))
        parts.append(struct.pack(f">i{len(names)}f", len(names), *self._parameters.values()))
        parts.append(struct.pack(">i", len(names)))
        parts += [_pascal(name) + struct.pack(">i", i) for i, name in enumerate(names)]
        parts += [struct.pack(">i", len(self._units)), *self._units, struct.pack(">h", 0)]
        return b"".join(parts)


class Score:
    """Timed commands in the form that `scsynth -N` reads."""

    def __init__(self, *synths: SynthDef) -> None:
        self._bundles: list[tuple[float, bytes]] = []
        self._node = 1000
        for synth in synths:
            self.send(0.0, "/d_recv", synth.encode())

    def send(self, time_s: float, address: str, *arguments: object) -> None:
        tags, data = ",", b""
        for argument in arguments:
            if isinstance(argument, str):
                tags, data = tags + "s", data + _osc(argument.encode() + b"\0")
            elif isinstance(argument, bytes):
                tags, data = tags + "b", data + struct.pack(">i", len(argument)) + _osc(argument)
            elif isinstance(argument, int):
                tags, data = tags + "i", data + struct.pack(">i", argument)
            else:
                tags, data = tags + "f", data + struct.pack(">f", argument)
        message = _osc(address.encode() + b"\0") + _osc(tags.encode() + b"\0") + data
        self._bundles.append((time_s, message))

    def play(self, time_s: float, name: str, action: int = HEAD, **controls: float) -> None:
        """Start a synth of the definition `name`."""
        self._node += 1
        pairs = [item for name, value in controls.items() for item in (name, float(value))]
        self.send(time_s, "/s_new", name, self._node, action, 0, *pairs)

    def encode(self, seconds: float) -> bytes:
        data = b""
        for time_s, message in [b for b in self._bundles if b[0] < seconds] + [
            (seconds, _osc(b"/sync\0") + _osc(b",\0"))
        ]:
            stamp = struct.pack(">II", int(time_s), int(time_s % 1 * 2**32))
            bundle = b"#bundle\0" + stamp + struct.pack(">i", len(message)) + message
            data += struct.pack(">i", len(bundle)) + bundle
        return data


def _pascal(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


def _osc(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def render(score: Score, seconds: float, wav: Path | None) -> float:
    """CPU seconds for `seconds` of the score, those for LEAD_S of it taken off."""
    if wav:
        return _run(score, seconds, str(wav), "WAV")
    return _run(score, seconds + LEAD_S, "/dev/null", "RAW") - _run(score, LEAD_S, "/dev/null", "RAW")


def _run(score: Score, seconds: float, output: str, header: str) -> float:
    with tempfile.NamedTemporaryFile(suffix=".osc") as file:
        file.write(score.encode(seconds))
        file.flush()
        options = ["-z", BLOCK, "-i", 0, "-o", 2, "-m", 262_144, "-n", 4096, "-w", 1024, "-D", 0, "-V", -1]
        return program_cpu_s(["scsynth", *map(str, options), "-N", file.name, "_", output, str(RATE), header, "float"])


def pad_synth(bus: float) -> SynthDef:
    synth = SynthDef("pad", a=100.0, b=100.0, c=100.0, corner=1000.0, lfo=0.3, pan=0.0, level=0.05)
    control = synth.control
    saws = synth.ar("Sum3", *(synth.ar("Saw", control[name]) for name in "abc"))
    envelope = synth.envelope((1.0, ATTACK_S), (SUSTAIN, DECAY_S), (SUSTAIN, 1e5), (0.0, RELEASE_S))
    opening = synth.kr("MulAdd", synth.kr("SinOsc", control["lfo"], 0.0), PAD_LFO, 1.0) * envelope
    low = synth.ar("RLPF", saws, opening * control["corner"] + 40.0, 1.0 / PAD_Q)
    synth.out(bus, *synth.unit("Pan2", AUDIO, low, control["pan"], envelope * control["level"], outputs=2))
    return synth


def play_pad(score: Score, voices: int, level: float) -> None:
    for voice in pad(voices):
        a, b, c = voice.hz
        score.play(
            0.0, "pad", a=a, b=b, c=c, corner=voice.corner_hz, lfo=voice.lfo_hz, pan=voice.pan, level=level
        )  # fmt: skip


def w1(seconds: float, wav: Path | None) -> float:
    score = Score(pad_synth(0.0))
    play_pad(score, 64, 0.03)
    return render(score, seconds, wav)


def w2(seconds: float, wav: Path | None) -> float:
    synths = []
    for b, partials in enumerate(bells()):
        synth = SynthDef(f"bell{b}")
        specs = [x for p in partials for x in (p.hz, p.amplitude, p.t60_s)]
        ring = synth.ar("Klank", synth.ar("Impulse", 0.0, 0.0), 1.0, 0.0, 1.0, *specs)
        synth.out(0.0, *synth.unit("Pan2", AUDIO, ring, b / 8.0 - 1.0, 1.0, outputs=2))
        synths.append(synth)
    score = Score(*synths)
    for synth in synths:
        score.play(0.0, synth.name)
    return render(score, seconds, wav)


def w3(seconds: float, wav: Path | None) -> float:
    synth = SynthDef("reverb")
    noise = [synth.ar("WhiteNoise") * 0.1 for _ in range(2)]
    synth.out(0.0, *synth.unit("FreeVerb2", AUDIO, *noise, 1.0, 0.9, 0.3, outputs=2))
    score = Score(synth)
    score.play(0.0, "reverb")
    return render(score, seconds, wav)


def noise_layers(synth: SynthDef, bus: float, level: float) -> None:
    """Four bands of noise of their own, whose centre and place wander."""
    for n, hz in enumerate((300.0, 800.0, 2000.0, 5000.0)):
        centre = synth.kr("MulAdd", synth.kr("SinOsc", 0.1 + 0.03 * n, 0.0), 0.3 * hz, hz)
        band = synth.ar("BPF", synth.ar("WhiteNoise"), centre, 0.7)
        place = synth.kr("SinOsc", 0.05 + 0.02 * n, 0.0)
        synth.out(bus, *synth.unit("Pan2", AUDIO, band, place, level, outputs=2))


def w4(seconds: float, wav: Path | None) -> float:
    synth = SynthDef("texture")
    noise_layers(synth, 0.0, 0.2)
    trigger = synth.ar("Impulse", 640.0, 0.0)  # of 0.1 s each: 64 at once
    place, position = synth.kr("LFNoise0", 640.0), synth.kr("MulAdd", synth.kr("LFNoise0", 640.0), 0.4, 0.5)
    grains = synth.unit(
        "GrainBuf", AUDIO, trigger, 0.1, 1.0, 1.0, position, 2.0, place, -1.0, 128.0, outputs=2
    )  # fmt: skip
    synth.out(0.0, *(channel * 0.05 for channel in grains))
    score = Score()
    score.send(0.0, "/b_alloc", 1, RATE, 1)
    score.send(0.0, "/b_gen", 1, "sine2", 5, 220.0, 1.0, 440.0, 0.5, 661.0, 0.3, 1100.0, 0.2)
    score.send(0.0, "/d_recv", synth.encode())
    score.play(0.0, "texture")
    return render(score, seconds, wav)


def w5(seconds: float, wav: Path | None, pad_size: int = PAD_VOICES) -> float:
    bass = SynthDef("bass", hz=60.0, ring=1.0)
    tone = bass.ar("RLPF", bass.ar("Saw", bass.control["hz"]), 500.0, 1.0)
    bass.out(DRY, *[tone * (bass.envelope((1.0, 0.03), (0.0, 1.97), done=FREE) * 0.2)] * 2)

    melody = SynthDef("melody", hz=440.0, ring=1.0, pan=0.0)
    burst = melody.ar("WhiteNoise") * melody.envelope((1.0, 0.001), (0.0, 0.004))
    string = melody.ar("Pluck", burst, 1.0, 0.02, melody.control["ring"], 2.0, 0.3)  # `ring` is a string's period
    gate = melody.envelope((1.0, 0.001), (1.0, 1.9), (0.0, 0.1), done=FREE)
    melody.out(DRY, *melody.unit("Pan2", AUDIO, string, melody.control["pan"], gate * 0.4, outputs=2))

    bell = SynthDef("bells", hz=440.0, ring=8.0)
    specs = [x for m, r in enumerate(BELL_RATIOS) for x in (r, 0.02 / (m + 1), 6.0 / (1 + 0.2 * m))]
    strike = bell.ar("Klank", bell.ar("Impulse", 0.0, 0.0), bell.control["hz"], 0.0, 1.0, *specs)
    life = bell.envelope((1.0, 0.001), (1.0, 7.9), (0.0, 0.1), done=FREE)
    bell.out(DRY, *bell.unit("Pan2", AUDIO, strike, 0.3, life, outputs=2))

    percussion = SynthDef("percussion", hz=440.0, ring=0.2)
    hit = percussion.ar("BPF", percussion.ar("WhiteNoise"), percussion.control["hz"], 0.8)
    fall = percussion.envelope((1.0, 0.003), (0.0, 0.22), done=FREE)
    percussion.out(DRY, *percussion.unit("Pan2", AUDIO, hit, -0.2, fall * 0.2, outputs=2))

    nature = SynthDef("nature")
    noise_layers(nature, NATURE, 0.05)

    mix = SynthDef("mix")
    dry, held, weather = (mix.unit("In", AUDIO, bus, outputs=2) for bus in (DRY, PAD, NATURE))
    sent = []
    for n in range(2):
        delay = mix.kr("MulAdd", mix.kr("SinOsc", 0.5, 1.57 * n), 0.0015, 0.008)
        sent.append(dry[n] + held[n] + mix.ar("DelayC", held[n], 0.03, delay) * 0.5)
    room = mix.unit("FreeVerb2", AUDIO, *sent, 1.0, 0.9, 0.3, outputs=2)
    total = [sent[n] + room[n] * 0.3 + weather[n] for n in range(2)]
    pressed = [mix.ar("Compander", x, x, 0.3, 1.0, 0.5, 0.01, 0.2) for x in total]
    mix.out(0.0, *(mix.ar("Limiter", x, 0.9, 0.005) for x in pressed))

    score = Score(pad_synth(PAD), bass, melody, bell, percussion, nature, mix)
    score.play(0.0, "mix", TAIL)
    score.play(0.0, "nature")
    play_pad(score, pad_size, 0.03)
    for note in session(seconds + LEAD_S):
        ring = 1.0 / note.hz if note.stem == "melody" else note.ring_s
        score.play(note.start_s, note.stem, hz=note.hz, ring=ring)
    return render(score, seconds, wav)


def w5_few(seconds: float, wav: Path | None) -> float:
    return w5(seconds, wav, PAD_VOICES_FEW)


def version() -> str:
    return subprocess.run(["scsynth", "-v"], capture_output=True, text=True, check=True).stdout.split(" (")[0].strip()


if __name__ == "__main__":
    main(version, {"W1": w1, "W2": w2, "W3": w3, "W4": w4, "W5": w5, "W5_few": w5_few})
