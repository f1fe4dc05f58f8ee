"""Csound, offline, ksmps 64."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterable
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

HEADER = f'sr = {RATE}\nksmps = {BLOCK}\nnchnls = 2\n0dbfs = 1\ninstr End\n  event_i "e", 0\nendin\n'
NOISE_HZ = (300, 800, 2000, 5000)

PAD = f"""
instr Pad
  aA vco2 1, p4
  aB vco2 1, p5
  aC vco2 1, p6
  kEnvelope madsr {ATTACK_S}, {DECAY_S}, {SUSTAIN}, {RELEASE_S}
  kLfo lfo {PAD_LFO}, p8
  aLow lowpass2 aA + aB + aC, 40 + p7 * kEnvelope * (1 + kLfo), {PAD_Q}
  aLeft, aRight pan2 aLow * (kEnvelope * p10), p9
  TARGET
endin
"""

NOISE_LAYERS = "".join(
    f"""
  aNoise{n} noise 1, 0
  kCentre{n} lfo {0.3 * hz}, {0.1 + 0.03 * n}
  aBand{n} butterbp aNoise{n}, {hz} + kCentre{n}, {0.7 * hz}
  kPlace{n} lfo 0.5, {0.05 + 0.02 * n}
  aLeft{n}, aRight{n} pan2 aBand{n}, 0.5 + kPlace{n}
"""
    for n, hz in enumerate(NOISE_HZ)
)
NOISE_LEFT, NOISE_RIGHT = (" + ".join(f"a{side}{n}" for n in range(len(NOISE_HZ))) for side in ("Left", "Right"))


def render(orchestra: str, score: list[str], seconds: float, wav: Path | None) -> float:
    """CPU seconds for `seconds` of the score, those for LEAD_S of it taken off."""
    if wav:
        return _run(orchestra, score, seconds, "-W", "-f", "-o", str(wav))
    return _run(orchestra, score, seconds + LEAD_S, "-n") - _run(orchestra, score, LEAD_S, "-n")


def _run(orchestra: str, score: list[str], seconds: float, *output: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "peer.csd"
        lines = "\n".join([*score, f'i "End" {seconds} 1'])  # an `e` of the score would wait for all notes
        path.write_text(
            "<CsoundSynthesizer>\n<CsInstruments>\n" + HEADER + orchestra + "</CsInstruments>\n"
            "<CsScore>\n" + lines + "\n</CsScore>\n</CsoundSynthesizer>\n"
        )
        return program_cpu_s(["csound", "-d", "-m0", "-j1", *output, str(path)])


def play_pad(voices: int, seconds: float, level: float) -> list[str]:
    return [
        f'i "Pad" 0 {seconds + 10} {v.hz[0]} {v.hz[1]} {v.hz[2]} {v.corner_hz} {v.lfo_hz} {(v.pan + 1) / 2} {level}'
        for v in pad(voices)
    ]


def table(name: str, values: Iterable[float]) -> str:
    numbers = list(values)
    return f"{name} ftgen 0, 0, {-len(numbers)}, -2, {', '.join(f'{x:.10g}' for x in numbers)}\n"


def w1(seconds: float, wav: Path | None) -> float:
    return render(PAD.replace("TARGET", "outs aLeft, aRight"), play_pad(64, seconds, 0.02), seconds, wav)


def w2(seconds: float, wav: Path | None) -> float:
    """A bank of oscillators a bell, whose levels fall once a control period: faster than a `mode` each."""
    orchestra = "giSine ftgen 0, 0, 16384, 10, 1\n"
    for b, partials in enumerate(bells()):
        orchestra += table(f"giHertz{b}", (p.hz for p in partials))
        orchestra += table(f"giLevel{b}", (p.amplitude for p in partials))
        orchestra += table(f"giFall{b}", (10.0 ** (-3.0 * BLOCK / RATE / p.t60_s) for p in partials))
        orchestra += f"""
instr Bell{b}
  vmultv giLevel{b}, giFall{b}, {len(partials)}
  aSum adsynt2 1, 1, giSine, giHertz{b}, giLevel{b}, {len(partials)}
  aLeft, aRight pan2 aSum, {b / 15}
  outs aLeft, aRight
endin
"""
    score = [f'i "Bell{b}" 0 {seconds + 10}' for b in range(16)]
    return render(orchestra, score, seconds, wav)


def w3(seconds: float, wav: Path | None) -> float:
    orchestra = """
instr Reverb
  aNoiseLeft noise 0.1, 0
  aNoiseRight noise 0.1, 0
  aLeft, aRight reverbsc aNoiseLeft, aNoiseRight, 0.9, 8000
  outs aLeft, aRight
endin
"""
    return render(orchestra, [f'i "Reverb" 0 {seconds + 10}'], seconds, wav)


def w4(seconds: float, wav: Path | None) -> float:
    orchestra = f"""
giSource ftgen 1, 0, 65536, 9, 300, 1, 0, 600, 0.5, 0, 901, 0.3, 0, 1500, 0.2, 0
giWindow ftgen 2, 0, 8192, 20, 2
instr Texture
  {NOISE_LAYERS}
  kPlace randomh 0.1, 0.9, 320
  aGrainsLeft syncgrain 0.05, 320, 1, 0.1, kPlace, giSource, giWindow, 40
  aGrainsRight syncgrain 0.05, 320, 1.001, 0.1, kPlace, giSource, giWindow, 40
  outs aGrainsLeft + 0.2 * ({NOISE_LEFT}), aGrainsRight + 0.2 * ({NOISE_RIGHT})
endin
"""
    return render(orchestra, [f'i "Texture" 0 {seconds + 10}'], seconds, wav)


def w5(seconds: float, wav: Path | None, pad_size: int = PAD_VOICES) -> float:
    send = "gaLeft += aLeft\n  gaRight += aRight"
    ratios = table("giRatio", BELL_RATIOS)
    falls = table("giFall", (10.0 ** (-3.0 * BLOCK / RATE * (1 + 0.2 * m) / 6.0) for m in range(len(BELL_RATIOS))))
    levels = ", ".join(f"{0.02 / (m + 1):.6f}" for m in range(len(BELL_RATIOS)))
    orchestra = f"""
giSine ftgen 0, 0, 16384, 10, 1
{ratios}{falls}
gaLeft init 0
gaRight init 0
gaPadLeft init 0
gaPadRight init 0
{PAD.replace("TARGET", "gaPadLeft += aLeft" + chr(10) + "  gaPadRight += aRight")}
instr Bass
  aSaw vco2 1, p4
  kEnvelope expseg 0.001, 0.03, 1, p3 - 0.03, 0.001
  aLow lowpass2 aSaw, 500, 1
  aLeft = aLow * kEnvelope * 0.2
  aRight = aLeft
  {send}
endin
instr Melody
  aString pluck 0.1, p4, p4, 0, 1
  kGate linseg 0, 0.002, 1, p3 - 0.1, 1, 0.098, 0
  aLeft, aRight pan2 aString * kGate, 0.5
  {send}
endin
instr Bells
  iLevel ftgentmp 0, 0, {-len(BELL_RATIOS)}, -2, {levels}
  vmultv iLevel, giFall, {len(BELL_RATIOS)}
  aSum adsynt2 1, p4, giSine, giRatio, iLevel, {len(BELL_RATIOS)}
  kGate linseg 1, p3 - 0.1, 1, 0.1, 0
  aLeft, aRight pan2 aSum * kGate, 0.65
  {send}
endin
instr Percussion
  aNoise noise 0.2, 0
  kEnvelope expseg 0.001, 0.003, 1, p3 - 0.003, 0.001
  aHit butterbp aNoise, p4, p4 * 0.8
  aLeft, aRight pan2 aHit * kEnvelope, 0.4
  {send}
endin
instr Mix
  {NOISE_LAYERS}
  aLfoLeft lfo 1.5, 0.5
  aLfoRight lfo 1.5, 0.53
  aChorusLeft vdelay gaPadLeft, a(8) + aLfoLeft, 30
  aChorusRight vdelay gaPadRight, a(8) + aLfoRight, 30
  aSentLeft = gaLeft + gaPadLeft + 0.5 * aChorusLeft
  aSentRight = gaRight + gaPadRight + 0.5 * aChorusRight
  aRoomLeft, aRoomRight reverbsc aSentLeft, aSentRight, 0.9, 8000
  aTotalLeft = aSentLeft + 0.3 * aRoomLeft + 0.05 * ({NOISE_LEFT})
  aTotalRight = aSentRight + 0.3 * aRoomRight + 0.05 * ({NOISE_RIGHT})
  aPressedLeft compress2 aTotalLeft, aTotalLeft, -90, -12, -8, 2, 0.01, 0.2, 0.005
  aPressedRight compress2 aTotalRight, aTotalRight, -90, -12, -8, 2, 0.01, 0.2, 0.005
  aLimitedLeft compress2 aPressedLeft, aPressedLeft, -90, -2, -1, 100, 0.001, 0.1, 0.005
  aLimitedRight compress2 aPressedRight, aPressedRight, -90, -2, -1, 100, 0.001, 0.1, 0.005
  outs aLimitedLeft, aLimitedRight
  clear gaLeft, gaRight, gaPadLeft, gaPadRight
endin
"""
    score = play_pad(pad_size, seconds, 0.03) + [f'i "Mix" 0 {seconds + 10}']
    score += [f'i "{n.stem.title()}" {n.start_s} {n.ring_s} {n.hz}' for n in session(seconds + LEAD_S)]
    return render(orchestra, score, seconds, wav)


def w5_few(seconds: float, wav: Path | None) -> float:
    return w5(seconds, wav, PAD_VOICES_FEW)


def version() -> str:
    log = subprocess.run(["csound", "--version"], capture_output=True, text=True, check=True)
    line = next(line for line in (log.stdout + log.stderr).splitlines() if "version" in line)
    return "Csound " + line.split("version")[1].split("(")[0].strip()


if __name__ == "__main__":
    main(version, {"W1": w1, "W2": w2, "W3": w3, "W4": w4, "W5": w5, "W5_few": w5_few})
