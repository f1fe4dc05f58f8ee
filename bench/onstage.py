"""Does a live session answer at once and never stumble?

python bench/onstage.py [--minutes M] [--trials N] [--preset P] [--measure answer hour] [--json]

answer: how long after an OSC message its change is heard, the first dB of a move of 6 dB and more: a level, and a
filter. Every sample is recorded from a real JACK server (dummy driver, 256 frames, as clients see it) and set against
a rendering of the same record without the move. hour: a session for M minutes under jackd with another scene each
minute, OSC, a subscriber and a stream of heart beats and skin conductance, beside two idle clients on servers of their
own at the same time, as even those differ: xruns of all, what blocks cost in processor time, late blocks. As a busy
host books its own stalls as a thread's time, the hour is then rendered again from its sensors and hands, block by
block, REPEATS times, and each block's least time taken as its own cost. Needs jackd; figures move with the machine.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from jack_here import Tape, aligned, jack_server, realtime
from numpy.typing import NDArray
from scipy import signal

from synth import Session
from synth.control.osc import OscServer
from synth.live import LiveSession, Setup
from synth.output.replay import RecordedSensors, as_asked, frames_of
from synth.preset import load_preset
from synth.record.reader import Record, read_record
from synth.record.writer import RecordWriter
from synth.wire.osc import encode

RATE, BLOCK = 48_000, 256
REPEATS = 3
IDLE_CLIENTS = 2
SHARES = {"p50": 0.5, "p99": 0.99, "p999": 0.999, "worst": 1.0}
MOVED = {"level_pad_db": -6.0, "brightness_oct": -1.5}  # there and back
IDLE = """
import jack, sys, time
worst = 0.0
client = jack.Client("idle", no_start_server=True, servername=sys.argv[1])
port, late = client.outports.register("out"), 0
def count(delayed):
    global late
    late += 1
client.set_xrun_callback(count)
def process(frames):
    global worst
    began = time.thread_time()
    port.get_array().fill(0.0)
    worst = max(worst, time.thread_time() - began)
client.set_process_callback(process)
client.activate()
print("ready", flush=True)
sys.stdin.read()
client.deactivate()
print(late, worst, flush=True)
"""


def answer(preset: str, trials: int) -> dict[str, Any]:
    """Milliseconds from a message to the first dB, for a level and for a filter."""
    asked = {"seed": 4, "minutes": 30.0}
    lines: list[dict[str, Any]] = []
    rng = random.Random(1)
    sent: list[tuple[str, int]] = []
    with jack_server("", BLOCK, "-S") as server:
        live = LiveSession(Setup(load_preset(preset), asked, device="jack", device_name=server), record=lines.append)
        live.start()
        try:
            with OscServer(live, port=0) as osc, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
                tape = Tape(["isotone:pad_1"], 30.0 + 4.0 * trials, server)
                tape.start()
                while tape.seconds < 20.0:
                    time.sleep(0.1)
                for number in range(2 * trials):
                    name = list(MOVED)[number // trials]
                    value = MOVED[name] * ((number + 1) % 2)
                    time.sleep(0.7 + rng.random() * 0.3)
                    sent.append((name, tape.frame))
                    out.sendto(encode(f"/control/{name}", (value,)), ("127.0.0.1", osc.port))
                time.sleep(1.0)
                heard = tape.stop()[0]
        finally:
            live.kill()
    moves = [x for x in lines if x["type"] in ("commit", "release", "phase", "verb") and not x.get("at_once")]
    ours = [i for i, x in enumerate(moves) if x.get("control") in MOVED and x["by"].startswith("hand")]
    frames = heard.size + 30 * RATE

    def rendered(which: list[dict[str, Any]]) -> NDArray[np.float32]:
        again = Session(load_preset(preset), stems=True, moves=which, steer=False, **asked)
        return again.render_audio(frames).stems["pad"][:, 0]

    late = aligned(heard, rendered(moves))
    taken: dict[str, list[float]] = {name: [] for name in MOVED}
    waited: list[float] = []
    for place, (name, frame) in zip(ours, sent, strict=True):
        rest = [x for i, x in enumerate(moves) if i < place or i not in ours]
        waited.append(1000.0 * (moves[place]["quantum"] * 64 - late - frame) / RATE)
        without = rendered(rest)[late : late + heard.size]
        if (first := _first_db(heard, without, frame, name)) is not None:
            taken[name].append(first)
    taken["taken by the bus"] = waited
    return {name: _quantiles(values) for name, values in taken.items()}


def _first_db(heard: NDArray[np.float32], without: NDArray[np.float32], frame: int, name: str) -> float | None:
    """Milliseconds from `frame` until what is heard is 1 dB away from what it would be without the move; None where the
    whole move comes to less than 6 dB there, as in a rest."""
    around = slice(frame - 4800, frame + 14_400)
    pair = [x[around].astype(np.float64) for x in (heard, without)]
    window = 24
    if name == "brightness_oct":  # where the filter moves by 6 dB and more
        band = signal.butter(2, (1500.0, 4000.0), "bandpass", fs=RATE, output="sos")
        pair, window = [signal.sosfilt(band, x) for x in pair], 64
    power = [signal.lfilter(np.full(window, 1.0 / window), 1.0, x**2) + 1e-16 for x in pair]
    change_db = np.abs(10.0 * np.log10(power[0] / power[1]))[4800:]
    if np.median(change_db[4800:]) < 5.9:
        return None
    return 1000.0 * float(np.argmax(change_db >= 1.0)) / RATE


def _quantiles(values: list[float]) -> dict[str, float]:
    q = np.percentile(values, [50, 99, 100]) if values else (np.nan,) * 3
    return {"moves": len(values), "p50_ms": float(q[0]), "p99_ms": float(q[1]), "max_ms": float(q[2])}


def hour(preset: str, minutes: float) -> dict[str, Any]:
    """Xruns beside an idle client, and what blocks cost."""
    first = realtime()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "session.jsonl"
        with RecordWriter(path) as record:
            found = _live_hour(preset, minutes, first, record)
        own = own_cost_ms(read_record(path))
    return {**found, "own_ms": {name: float(np.quantile(own, q)) for name, q in SHARES.items()}}


def own_cost_ms(record: Record) -> NDArray[np.float64]:
    """Processor time of each block of a record when it is rendered again, the least of REPEATS."""
    costs = np.full(frames_of(record) // BLOCK, np.inf)
    for _ in range(REPEATS):
        session = Session(recording=RecordedSensors(record), stems=True, **as_asked(record, from_sensors=True))
        for block in range(costs.size):
            began = time.thread_time()
            session.render_audio(BLOCK)
            costs[block] = min(costs[block], 1000.0 * (time.thread_time() - began))
    return costs


def _live_hour(preset: str, minutes: float, first: tuple[str, ...], record: RecordWriter) -> dict[str, Any]:
    with contextlib.ExitStack() as servers:
        busy, *quiet = [servers.enter_context(jack_server("", BLOCK, *first)) for _ in range(1 + IDLE_CLIENTS)]
        idle = [_idle(server) for server in quiet]
        asked = {"seed": 4, "minutes": minutes + 1.0}
        setup = Setup(load_preset(preset), asked, device="jack", device_name=busy)
        live = LiveSession(setup, record=record.write)
        live.start()
        try:
            with OscServer(live, port=0) as osc, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
                _play(live, ("127.0.0.1", osc.port), out, minutes)
            seen = live.seen
        finally:
            live.kill()
            told = [client.communicate()[0].split() for client in idle]
    return {
        "minutes": minutes,
        "realtime": bool(first),
        "blocks": int(seen.blocks),
        "late": int(seen.late),
        "xruns": int(seen.xruns),
        "xruns_idle": [int(xruns) for xruns, _ in told],
        "worst_idle_ms": 1000.0 * max(float(worst_s) for _, worst_s in told),
        "worst_cpu_ms": seen.worst_us / 1000.0,
        "cpu_ms": {name: getattr(seen, name) / 1000.0 for name in ("p50_us", "p99_us", "p999_us")},
        "deadline_ms": 1000.0 * BLOCK / RATE,
    }


def _idle(server: str) -> subprocess.Popen[str]:
    """A client that does nothing, in a process of its own; at its end it tells its xruns and its longest block."""
    client = subprocess.Popen(
        [sys.executable, "-c", IDLE, server], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert client.stdout is not None
    client.stdout.readline()
    return client


def _play(live: LiveSession, to: tuple[str, int], out: socket.socket, minutes: float) -> None:
    """Hands and sensors for `minutes`: messages as a surface and a sensor send them."""
    rng = random.Random(2)
    out.bind(("127.0.0.1", 0))
    out.setblocking(False)

    def send(address: str, *args: Any) -> None:
        out.sendto(encode(address, args), to)

    send("/subscribe", "/control/*")
    began, beat_s, second, minute = time.monotonic(), 0.0, -1, 0
    while (t_s := time.monotonic() - began) < 60.0 * minutes:
        if t_s >= beat_s:
            rr_ms = rng.gauss(900.0, 40.0)
            beat_s += rr_ms / 1000.0
            send("/feed/rr_ms", rr_ms)
        if int(t_s) != second:
            second = int(t_s)
            send("/feed/hr", 66.0 + rng.gauss(0.0, 2.0))
            for _ in range(4):
                send("/feed/eda", 4.0 + rng.gauss(0.0, 0.05))
            if second % 5 == 0:
                send("/control/brightness_oct", rng.uniform(-1.0, 0.5))
                send("/stem/pad/level_db", rng.uniform(-6.0, 0.0))
        if int(t_s / 60.0) != minute:
            minute = int(t_s / 60.0)
            send("/control/scene", minute % 100)
        try:
            while True:
                out.recv(65_535)
        except BlockingIOError:
            time.sleep(0.01)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--preset", default="settle")
    parser.add_argument("--measure", nargs="+", choices=("answer", "hour"), default=["answer", "hour"])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found: dict[str, Any] = {}
    if "answer" in options.measure:
        found["answer"] = answer(options.preset, options.trials)
    if "hour" in options.measure:
        found["hour"] = hour(options.preset, options.minutes)
    if options.json:
        print(json.dumps(found, indent=1))
        return
    for name, q in found.get("answer", {}).items():
        print(
            f"{name:18} first dB heard after {q['p50_ms']:.1f} ms (median), {q['p99_ms']:.1f} (99 %), "
            f"{q['max_ms']:.1f} (worst of {q['moves']}), at the port"
        )
    if "hour" in found:
        h = found["hour"]
        cpu = h["cpu_ms"]
        print(
            f"{h['minutes']:g} min of {options.preset}: {h['blocks']} blocks of {BLOCK} frames, {h['late']} late; "
            f"{'real-time' if h['realtime'] else 'usual'} priority; "
            f"{h['xruns']} xruns, idle clients beside it {' and '.join(map(str, h['xruns_idle']))}"
        )
        print(
            f"processor time of a block, ms: {cpu['p50_us']:.2f} median, {cpu['p99_us']:.2f} 99 %, "
            f"{cpu['p999_us']:.2f} 99.9 %, {h['worst_cpu_ms']:.2f} worst ({h['worst_idle_ms']:.2f} an idle client's); "
            f"half the deadline {h['deadline_ms'] / 2:.2f}"
        )
        own = h["own_ms"]
        print(
            f"the same blocks rendered again, the least of {REPEATS}, ms: {own['p50']:.2f} median, "
            f"{own['p99']:.2f} 99 %, {own['p999']:.2f} 99.9 %, {own['worst']:.2f} worst"
        )


if __name__ == "__main__":
    main()
