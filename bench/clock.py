"""How well is a clock followed, and how evenly is one given?

    python bench/clock.py            on virtual time, a few minutes of real sessions each (a minute or two in all)
    python bench/clock.py --seeds 3  three times, each with jitter of its own
    python bench/clock.py --jack      also ticks through a real JACK server (needs jackd and the extra `jack`)

An outside MIDI clock comes in with 2 ms of jitter (Gaussian standard deviation, or half the width where it is
uniform); a real session, rendered without sound in blocks of 256 at 48 kHz, follows it within its limits. Of its beats:
how far they are from the outside's, and how far their tempo, once in phase. "In phase" is how long after the outside's
start, continue or end of a ramp the last beat came that was 5 ms off. A ramp is told of twice: all beats, and those
from ten beats into it to its end. The tempo of a beat stands for all of it, so in a ramp of 0.1 % a beat it is half of
that off when the beat begins, 0.03 bpm, however well it is known.
"""

from __future__ import annotations

import argparse
import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from synth import Session, load_preset
from synth.control.clock.clock_follower import ClockFollower
from synth.control.clock.servo import TempoLimits
from synth.live.clock_out import TICK, ClockOut
from synth.session.pulse import Pulse

Times = NDArray[np.float64]
LOCKED_S = 60.0  # from here on every run is in phase, unless it says otherwise
JITTER_S = 2e-3


def ticks(bpm: Callable[[float], float], seconds: float, start_s: float) -> Times:
    """True times of the outside's ticks."""
    at, times = start_s, []
    while at < seconds:
        times.append(at)
        at += 2.5 / bpm(len(times) / 24.0)
    return np.array(times)


def follow(
    true: Times,
    heard: Times,
    seconds: float,
    *,
    bpm: float = 66.0,
    profile: str = "default",
    messages: tuple[tuple[float, bytes], ...] = ((0.8, b"\xfa"),),
) -> tuple[Times, Times, Times]:
    """When each beat of a session began, how late it was in ms, and how far off its tempo in bpm."""
    preset = load_preset("settle")
    preset = replace(preset, profile=profile, controls={**preset.controls, "tempo_bpm": bpm})
    session = Session(preset, minutes=20, audio=False)
    follower = ClockFollower(TempoLimits.of(session.terms))
    coming = sorted([*((t, b"\xf8") for t in heard.tolist()), *messages], key=lambda m: m[0])
    beats: list[tuple[float, float]] = []
    number = -1
    while session.time_s < seconds:
        session.render(256)
        while coming and coming[0][0] <= session.time_s:
            at_s, data = coming.pop(0)
            follower.message(data, at_s)
        follower.step(session)
        if session.pulse.number != number:
            number = session.pulse.number
            beats.append((session.pulse.start_s, session.pulse.bpm))
    starts, bpms = np.array(beats).T
    place = np.interp(starts, true, np.arange(true.size) / 24.0, np.nan, np.nan)
    at = np.clip(np.searchsorted(true, starts), 1, true.size - 1)
    return starts, ((place + 0.5) % 1.0 - 0.5) * 60e3 / bpms, bpms - 2.5 / (true[at] - true[at - 1])


def jittered(true: Times, seed: int, kind: str = "gaussian") -> Times:
    rng = np.random.default_rng(seed)
    noise = rng.normal(0.0, JITTER_S, true.size) if kind == "gaussian" else rng.uniform(-JITTER_S, JITTER_S, true.size)
    return np.maximum.accumulate(true + noise)


def tell(name: str, starts: Times, late_ms: Times, off_bpm: Times, from_s: float, first_s: float) -> None:
    off = np.flatnonzero(np.abs(late_ms) > 5.0)
    lock_s = max(starts[min(off[-1] + 1, len(starts) - 1)] - first_s, 0.0) if off.size else 0.0
    late, tempo = np.abs(late_ms[starts > from_s]), np.abs(off_bpm[starts > from_s])
    late, tempo = late[~np.isnan(late)], tempo[~np.isnan(late)]
    print(
        f"{name:44s} in phase {lock_s:6.1f} s   phase p99 {np.quantile(late, 0.99):6.2f} max {late.max():6.2f} ms"
        f"   tempo p99 {np.quantile(tempo, 0.99):.3f} max {tempo.max():.3f} bpm",
        flush=True,
    )


def steady(seed: int) -> None:
    for profile, bpm, outside, kind in (
        *(("default", bpm, bpm, "gaussian") for bpm in (50.0, 60.0, 66.0, 72.0, 90.0, 110.0, 120.0)),
        ("default", 66.0, 66.0, "uniform"),
        ("default", 66.0, 72.0, "gaussian"),
        ("default", 66.0, 60.0, "gaussian"),
        ("relax", 66.0, 66.0, "gaussian"),
    ):
        true = ticks(lambda beat, outside=outside: outside, 190.0, 1.5 * 60 / bpm)
        start = (true[0] - 0.01, b"\xfa")
        result = follow(true, jittered(true, seed, kind), 180.0, bpm=bpm, profile=profile, messages=(start,))
        tell(f"{bpm:g} to {outside:g} bpm, half a beat off, {profile}, {kind}", *result, LOCKED_S, true[0])


def disturbed(seed: int) -> None:
    true = ticks(lambda beat: 66.0, 190.0, 1.0)
    heard = jittered(true, 20 + seed)
    tell("2 s without ticks", *follow(true, heard[(heard < 90.0) | (heard > 92.0)], 180.0), LOCKED_S, true[0])
    rng = np.random.default_rng(30 + seed)
    some = heard[(rng.random(heard.size) > 0.03) | (heard < 4.0)]
    some = np.sort(np.concatenate((some, some[rng.random(some.size) < 0.03] + 0.001)))
    tell("3 % of the ticks lost, 3 % doubled", *follow(true, some, 180.0), LOCKED_S, true[0])
    first, second = true[true < 60.0], ticks(lambda beat: 66.0, 190.0, 67.77)
    start, stop, on = (0.8, b"\xfa"), (first[-1] + 0.015, b"\xfc"), (second[0] - 0.015, b"\xfb")
    both = np.concatenate((first, second))
    heard = np.concatenate((jittered(first, 40 + seed), jittered(second, 50 + seed)))
    tell("stop, 7.8 s, continue", *follow(both, heard, 180.0, messages=(start, stop, on)), 105.0, second[0])
    moved = (start, stop, (66.0, b"\xf2\x06\x00"), on)  # to the middle of a beat
    tell("stop, song position, continue", *follow(second[12:], heard, 180.0, messages=moved), 105.0, second[0])
    slower = ticks(lambda beat: 65.0, 190.0, 67.77)
    heard = np.concatenate((jittered(first, 40 + seed), jittered(slower, 50 + seed)))
    result = follow(np.concatenate((first, slower)), heard, 180.0, messages=(start, stop, on))
    tell("stop, 7.8 s, continue at 65 bpm", *result, 115.0, second[0])
    stepped = ticks(lambda beat: 66.0 if beat < 70 else 66.7, 190.0, 1.0)
    result = follow(stepped, jittered(stepped, 60 + seed), 180.0)
    tell("a step to 66.7 bpm", *result, 100.0, stepped[70 * 24])


def ramps(seed: int) -> None:
    for name, a_beat, beats in (
        ("66 to 70 bpm, 0.05 % a beat", 1.0005, 118),
        ("66 to 72 bpm, 0.1 % a beat", 1.001, 87),
        ("66 to 72 bpm, 0.2 % a beat", 1.002, 44),
        ("72 to 66 bpm, 0.1 % a beat", 0.999, 87),
        ("66 to 72 bpm, 0.3 % a beat (the limit)", 1.003, 30),
        ("66 to 74 bpm, 0.6 % a beat (twice the limit)", 1.006, 20),
    ):
        bpm = 66.0 if a_beat > 1.0 else 72.0
        true = ticks(lambda beat, a=bpm, r=a_beat, n=beats: a * r ** min(max(beat - 70, 0), n), 250.0, 1.0)
        starts, late_ms, off_bpm = follow(true, jittered(true, 60 + seed), 240.0, bpm=bpm)
        ended_s = true[(70 + beats) * 24]
        tell(name, starts, late_ms, off_bpm, LOCKED_S, ended_s)
        within = starts < ended_s
        if a_beat < 1.0025:
            tell("    from ten beats into it", starts[within], late_ms[within], off_bpm[within], true[80 * 24], ended_s)


def over_jack(bpm: float, beats: int) -> None:
    """Ticks written by one client's port and read by another's, in the frames of a real server."""
    import jack

    name = f"clock{os.getpid()}"
    os.environ |= {"JACK_DEFAULT_SERVER": name, "JACK_NO_AUDIO_RESERVATION": "1", "JACK_NO_START_SERVER": "1"}
    command = ["jackd", "--name", name, "-r", "-S", "-t", "5000", "-d", "dummy", "-r", "48000", "-p", "256"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(2.0)
        sender, reader = jack.Client("clock_out"), jack.Client("clock_reader")
        out, into = sender.midi_outports.register("out"), reader.midi_inports.register("in")
        length_us = round(60e6 / bpm)
        clock, due, starts = ClockOut(48_000), [], []
        got: queue.SimpleQueue[tuple[int, bytes]] = queue.SimpleQueue()
        connected = threading.Event()

        @sender.set_process_callback
        def send(frames: int) -> None:
            out.clear_buffer()
            if not connected.is_set():
                return
            starts.append(sender.last_frame_time)
            start = starts[-1] - starts[0]
            number = (start + frames - 1) * 1_000_000 // (48_000 * length_us)
            pulse = Pulse(number, number * length_us / 1e6, length_us / 1e6, 0, 4, 0, 0)
            due.extend(clock.take(pulse, start + frames))
            while due and due[0].frame < start + frames:
                sent = due.pop(0)
                out.write_midi_event(max(sent.frame - start, 0), sent.data)

        @reader.set_process_callback
        def read(frames: int) -> None:
            for offset, data in into.incoming_midi_events():
                got.put((reader.last_frame_time + offset, bytes(data)))

        with sender, reader:
            sender.connect(out, into)
            connected.set()
            heard = [got.get(timeout=30.0) for _ in range(1 + beats * 24)]
    finally:
        server.terminate()
        server.wait()
    frames = np.array([frame for frame, data in heard if data == TICK])
    off = frames - frames[0] - np.arange(frames.size) * length_us * 48_000 / 24e6
    print(f"out over JACK, {bpm:g} bpm, {frames.size} ticks: {off.min():+.2f} to {off.max():+.2f} frames of their time")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jack", action="store_true", help="also through a real JACK server")
    parser.add_argument("--seeds", type=int, default=1, help="how often, each with jitter of its own (1)")
    arguments = parser.parse_args()
    for seed in range(1, arguments.seeds + 1):
        steady(seed)
        disturbed(seed)
        ramps(seed)
    if arguments.jack:
        over_jack(72.5, 24)


if __name__ == "__main__":
    main()
