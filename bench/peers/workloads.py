"""The five workloads in numbers, the same for every peer, and the command line that every peer's program has.

W1 a pad of 64 voices, W2 16 bells of 128 partials, W3 a reverb on stereo noise, W4 four layers of filtered noise and
64 grains, W5 a whole session. A peer's program is run as `python PEER.py WORKLOAD SECONDS [--check]` and prints one
line of JSON. Start-up and compiling are not timed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

RATE = 48_000
BLOCK = 64
LEAD_S = 0.5  # of audio rendered and left out, so that start-up is not timed

# A workload renders `seconds` of stereo and returns the CPU seconds it took, or, given a path, writes it there instead.
Workload = Callable[[float, Path | None], float]


class PadVoice(NamedTuple):
    """One voice of W1: frequencies of its three saws, corner, and rate of the LFO on the corner."""

    pitch: int
    hz: tuple[float, float, float]
    corner_hz: float
    lfo_hz: float
    pan: float  # -1 to 1


ATTACK_S, DECAY_S, SUSTAIN, RELEASE_S = 0.3, 2.0, 0.85, 1.8
PAD_Q = 1.4
PAD_LFO = 0.3  # share of the corner


def hertz(pitch: float) -> float:
    """Frequency of a MIDI note."""
    return 440.0 * 2.0 ** ((pitch - 69.0) / 12.0)


def pad(voices: int = 64) -> list[PadVoice]:
    """`voices` voices held from the start, each with a pitch of its own from C2 to D#7."""
    pitches = [36 + 3 * (i % 16) + i // 16 for i in range(voices)]
    detune = 2.0 ** (4.0 / 1200.0)
    return [
        PadVoice(
            pitch,
            (hertz(pitch) / detune, hertz(pitch), hertz(pitch) * detune),
            min(1800.0 * (hertz(pitch) / 261.6) ** 0.5, 12_000.0),
            0.2 + 0.01 * i,
            -0.8 + 1.6 * i / (voices - 1),
        )
        for i, pitch in enumerate(pitches)
    ]


class Partial(NamedTuple):
    hz: float
    amplitude: float
    t60_s: float


def bells(count: int = 16, partials: int = 128) -> list[list[Partial]]:
    """Bells whose partials stay under 18 kHz and ring so long that all of them sound to the end."""
    draw = random.Random(2)
    return [
        [
            Partial(
                hz=base * (1.0 + m * (18_000.0 / base - 1.0) / partials), amplitude=0.004, t60_s=draw.uniform(60, 120)
            )
            for m in range(partials)
        ]
        for base in (hertz(48 + 2 * b) for b in range(count))
    ]


class Note(NamedTuple):
    """A note of W5; what it does to each peer's instrument is the peer's."""

    start_s: float
    stem: str  # "bass", "melody", "bells" or "percussion"
    hz: float
    ring_s: float


PAD_VOICES = 16  # of W5
PAD_VOICES_FEW = 4  # as many as the composer of isotone holds
BELL_RATIOS = tuple(1.0 + 0.71 * m for m in range(24))
EVERY_S = {"bass": 2.0, "melody": 0.5, "bells": 2.0, "percussion": 0.5}  # time from note to note
RING_S = {"bass": 2.0, "melody": 2.0, "bells": 8.0, "percussion": 0.25}  # so many overlap as fit
PITCHES = {"bass": (36, 41, 43), "melody": (72, 74, 76, 79, 81), "bells": (72, 79, 84), "percussion": (60, 72)}


def overlap(stem: str) -> int:
    """Voices of a stem of W5 that sound at once."""
    return max(1, round(RING_S[stem] / EVERY_S[stem]))


def session(seconds: float) -> list[Note]:
    """The notes of W5 in the order of their starts."""
    draw = random.Random(5)
    notes = [
        Note(n * every, stem, hertz(draw.choice(PITCHES[stem])), RING_S[stem])
        for stem, every in EVERY_S.items()
        for n in range(int(seconds / every) + 1)
    ]
    return sorted(note for note in notes if note.start_s < seconds)


def main(version: Callable[[], str], workloads: Mapping[str, Workload]) -> None:
    """Run what the command line asks for and print {"cpu_s": ...}, or with --check what the output is like."""
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=["version", *workloads])
    parser.add_argument("seconds", type=float, nargs="?", default=30.0)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    if options.workload == "version":
        result: dict[str, object] = {"version": version()}
    elif options.check:
        with tempfile.TemporaryDirectory() as folder:
            wav = Path(folder) / "out.wav"
            workloads[options.workload](options.seconds, wav)
            result = sound(wav, options.seconds)
    else:
        result = {"cpu_s": workloads[options.workload](options.seconds, None)}
    print(json.dumps(result), flush=True)


def sound(wav: Path, seconds: float) -> dict[str, object]:
    """Levels of a render; raises ValueError when it is silent, not finite or not `seconds` long."""
    import numpy as np
    import soundfile

    audio, rate = soundfile.read(wav, dtype="float32", always_2d=True)
    if rate != RATE or audio.shape[1] != 2 or abs(len(audio) / rate - seconds) > 0.1:
        raise ValueError(f"rendered {audio.shape} at {rate} Hz, not {seconds} s of stereo at {RATE} Hz")
    if not np.isfinite(audio).all():
        raise ValueError("rendered what is not a number")
    tail = audio[len(audio) * 9 // 10 :]
    rms, tail_rms = (float(np.sqrt(np.mean(np.square(x, dtype=np.float64)))) for x in (audio, tail))
    if min(rms, tail_rms) < 1e-4 or not all(channel.any() for channel in audio.T):
        raise ValueError(f"rendered silence: RMS {rms:.1e}, of the last tenth {tail_rms:.1e}")
    return {"rms": rms, "tail_rms": tail_rms, "peak": float(np.abs(audio).max())}


def program_cpu_s(command: Sequence[str | Path]) -> float:
    """CPU seconds, user and system, of a program run to its end; raises RuntimeError with its output if it fails."""
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen([str(word) for word in command], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            log.seek(0)
            raise RuntimeError(f"{command[0]} ended with {process.returncode}:\n{log.read()[-2000:]}")
    return usage.ru_utime + usage.ru_stime


def write(wav: Path, audio: object) -> None:
    """Write (frames, 2) float audio."""
    import soundfile

    soundfile.write(wav, audio, RATE, subtype="FLOAT")
