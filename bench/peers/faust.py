"""Faust in DawDreamer (GPL: needed by this benchmark alone), one program a workload, every control at audio rate.

W1 also comes with its controls at a period of 64 frames ("W1_control_rate"): envelope and LFO are then parameters that
the host sets once a buffer, and what the filters need is computed from them once a buffer.
"""

from __future__ import annotations

import math
import time
from importlib.metadata import version as package_version
from pathlib import Path

import dawdreamer
import numpy as np
from workloads import (
    ATTACK_S,
    BELL_RATIOS,
    BLOCK,
    DECAY_S,
    EVERY_S,
    LEAD_S,
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
    write,
)

BUFFER = 512  # frames; no control depends on it
VECTOR = ("-vec",)  # faster for W3 and W4, slower for the others
PRELUDE = 'import("stdfaust.lib");\n'

PAD = f"""
envelope = en.adsr({ATTACK_S}, {DECAY_S}, {SUSTAIN}, {RELEASE_S}, 1);
voice(a, b, c, corner, lfo, pan) = os.sawtooth(a) + os.sawtooth(b) + os.sawtooth(c)
  : fi.resonlp(40 + corner * envelope * (1 + {PAD_LFO} * os.osc(lfo)), {PAD_Q}, 1)
  : *(envelope) : sp.panner(pan);
"""

NOISE_LAYERS = """
layers = no.multinoise(4) : par(n, 4, layer(n)) :> _, _;
layer(n) = fi.resonbp(hz(n) + 0.3 * hz(n) * os.osc(0.1 + 0.03 * n), 1.4, 1)
  : sp.panner(0.5 + 0.5 * os.osc(0.05 + 0.02 * n));
hz(n) = ba.take(n + 1, (300, 800, 2000, 5000));
"""

GRAINS = """
grains = par(i, 64, grain(i)) :> _, _;
length = 4800;
source = ba.time / ma.SR : \\(t).(sin(2 * ma.PI * 300 * t) + 0.5 * sin(2 * ma.PI * 601 * t)) : /(2);
grain(i) = rdtable(65536, source, int(start + at)) * 0.5 * (1 - cos(2 * ma.PI * at / length)) : sp.panner(place)
with {
  at = (ba.time + int(i * length / 64)) % length;
  start = ba.sAndH(at == 0, 25000 + 20000 * (no.multinoise(2) : _, !));
  place = ba.sAndH(at == 0, 0.5 + 0.5 * (no.multinoise(2) : !, _));
};
"""


def panned(pan: float) -> float:
    return (pan + 1.0) / 2.0


def pad_program(voices: int) -> str:
    calls = ", ".join(
        f"voice({', '.join(map(repr, v.hz))}, {v.corner_hz}, {v.lfo_hz}, {panned(v.pan)})" for v in pad(voices)
    )
    return f"{PAD}\npad = {calls} :> _, _;\n"


def render(
    programs: list[str],
    seconds: float,
    wav: Path | None,
    *,
    buffer: int = BUFFER,
    flags: tuple[str, ...] = (),
    automation: dict[str, np.ndarray] | None = None,
) -> float:
    """CPU seconds of `seconds` of the sum of `programs`, whose parameters follow `automation`."""
    engine = dawdreamer.RenderEngine(RATE, buffer)
    graph = []
    for n, program in enumerate(programs):
        faust = engine.make_faust_processor(f"faust{n}")
        faust.compile_flags = list(flags)
        faust.set_dsp_string(PRELUDE + program)
        if not faust.compile():
            raise RuntimeError("Faust did not compile the program")
        for name, values in (automation or {}).items():
            faust.set_automation(f"/dawdreamer/{name}", values)
        graph.append((faust, []))
    if len(programs) > 1:
        names = [f"faust{n}" for n in range(len(programs))]
        graph.append((engine.make_add_processor("sum", [1.0] * len(names)), names))
    engine.load_graph(graph)
    engine.render(LEAD_S)
    before = time.process_time()
    engine.render(seconds)
    used = time.process_time() - before
    if wav:
        write(wav, engine.get_audio().T)
    return used


def w1(seconds: float, wav: Path | None) -> float:
    return render([pad_program(64) + "process = pad : *(0.03), *(0.03);"], seconds, wav)


def w1_control_rate(seconds: float, wav: Path | None) -> float:
    """The same with one envelope and two LFOs a quarter apart, from which each voice mixes an LFO of its own phase."""
    calls = ", ".join(
        f"voice({', '.join(map(repr, v.hz))}, {v.corner_hz}, {n * 0.098}, {panned(v.pan)})"
        for n, v in enumerate(pad(64))
    )
    program = f"""
envelope = hslider("envelope", 0, 0, 1, 0.0001);
sine = hslider("sine", 0, -1, 1, 0.0001);
cosine = hslider("cosine", 0, -1, 1, 0.0001);
voice(a, b, c, corner, turn, pan) = os.sawtooth(a) + os.sawtooth(b) + os.sawtooth(c)
  : fi.resonlp(40 + corner * envelope * (1 + {PAD_LFO} * (sine * cos(turn) + cosine * sin(turn))), {PAD_Q}, 1)
  : *(envelope) : sp.panner(pan);
process = {calls} :> *(0.03), *(0.03);
"""
    t = np.arange(round((seconds + LEAD_S) * RATE)) / RATE
    fall = SUSTAIN + (1.0 - SUSTAIN) * np.exp(-(t - ATTACK_S) * 4.0 / DECAY_S)
    automation = {
        "envelope": np.where(t < ATTACK_S, t / ATTACK_S, fall),
        "sine": np.sin(2.0 * np.pi * 0.3 * t),
        "cosine": np.cos(2.0 * np.pi * 0.3 * t),
    }
    return render([program], seconds, wav, buffer=BLOCK, automation=automation)


def w2(seconds: float, wav: Path | None) -> float:
    """A program a bell, its resonators' coefficients constants of it: one program of all would compile for minutes."""
    programs = []
    for b, partials in enumerate(bells()):
        modes = []
        for p in partials:
            radius, angle = 10.0 ** (-3.0 / (p.t60_s * RATE)), 2.0 * math.pi * p.hz / RATE
            modes.append(f"mode({2.0 * radius * math.cos(angle)}, {-(radius**2)}, {p.amplitude * math.sin(angle)})")
        programs.append(f"""
mode(c, d, g) = *(g) : (+ ~ (_ <: *(c), (mem : *(d)) :> _));
process = 1 - 1' <: {", ".join(modes)} :> sp.panner({b / 15});
""")
    return render(programs, seconds, wav)


def w3(seconds: float, wav: Path | None) -> float:
    program = "process = no.multinoise(2) : par(i, 2, *(0.1)) : re.zita_rev1_stereo(20, 200, 6000, 2.6, 2.0, 48000);"
    return render([program], seconds, wav, flags=VECTOR)


def w4(seconds: float, wav: Path | None) -> float:
    program = NOISE_LAYERS + GRAINS + "process = (layers : par(i, 2, *(0.2))), (grains : par(i, 2, *(0.02))) :> _, _;"
    return render([program], seconds, wav, flags=VECTOR)


def w5(seconds: float, wav: Path | None, pad_size: int = PAD_VOICES) -> float:
    """One program with a sequencer of its own: each voice is triggered when its turn comes."""

    def every(stem: str) -> str:
        period, voices = round(EVERY_S[stem] * RATE), overlap(stem)
        return f"beat(v) = (ba.time % {period * voices}) == {period} * v;"

    def scale(stem: str) -> str:
        hz = [hertz(p) for p in PITCHES[stem]]
        choice = " + ".join(f"{f} * (pick == {n})" for n, f in enumerate(hz))
        pick = f"int({len(hz) - 0.001} * (0.5 + 0.5 * no.noise))"
        return f"note(v) = ba.sAndH(beat(v), {choice}) with {{ pick = {pick}; }};"

    def fall(stem: str, attack_s: float) -> str:
        return f"fall(v) = en.ar({attack_s}, {RING_S[stem] - attack_s}, beat(v));"

    program = f"""
{pad_program(pad_size)}
{NOISE_LAYERS}
bass = os.sawtooth(note(0) : max(20)) : fi.resonlp(500, 1, 1) : *(fall(0) * 0.2)
with {{ {every("bass")} {scale("bass")} {fall("bass", 0.03)} }};
melody = par(v, {overlap("melody")}, string(v)) :> *(0.4)
with {{
  {every("melody")} {scale("melody")}
  string(v) = no.noise * en.ar(0.001, 0.004, beat(v))
    : (+ : de.fdelay4(2048, RATE / max(40, note(v)) - 1.5)) ~ (fi.pole(0.3) : *(0.7 * 0.996));
  RATE = {RATE};
}};
bell = par(v, {overlap("bells")}, tone(v)) :> _
with {{
  {every("bells")} {scale("bells")}
  tone(v) = beat(v) <: par(m, {len(BELL_RATIOS)}, mode(v, m)) :> _;
  mode(v, m) = pm.modeFilter(max(20, note(v)) * (1 + 0.71 * m), 6 / (1 + 0.2 * m), 0.02 / (m + 1));
}};
hit = no.noise * fall(0) * 0.2 : fi.resonbp(max(20, note(0)), 1.3, 1)
with {{ {every("percussion")} {scale("percussion")} {fall("percussion", 0.003)} }};
chorus(phase) = _ <: _, de.fdelay(2048, (0.008 + 0.0015 * os.oscp(0.5, phase)) * ma.SR) * 0.5 :> _;
sent = (pad : chorus(0), chorus(1.57)), ((bass + melody + bell + hit) <: _, _) :> _, _;
room = re.zita_rev1_stereo(20, 200, 6000, 2.6, 2.0, 48000) : *(0.3), *(0.3);
process = (sent : par(i, 2, *(0.1)) <: (_, _), room), (layers : par(i, 2, *(0.05)))
  :> co.compressor_stereo(2, -12, 0.01, 0.2) : co.limiter_1176_R4_stereo;
"""
    return render([program], seconds, wav)


def w5_few(seconds: float, wav: Path | None) -> float:
    return w5(seconds, wav, PAD_VOICES_FEW)


def version() -> str:
    return f"Faust in DawDreamer {package_version('dawdreamer')}"


if __name__ == "__main__":
    main(
        version,
        {"W1": w1, "W1_control_rate": w1_control_rate, "W2": w2, "W3": w3, "W4": w4, "W5": w5, "W5_few": w5_few},
    )
