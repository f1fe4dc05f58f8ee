"""OSC that means no good, and OSC in a hurry: does anything break, get lost, or come late?

    python bench/osc.py [--packets N] [--through-sockets N] [--bursts N] [--requests N]

Fuzz: packets of noise, of well-meant messages with bytes changed, cut or put in, and of bundles in bundles go through
decoder and desk (a session that only counts stands in), some of them also through a real socket; what escapes is a
crash, and ends the program with 1. Bursts: 5,000 messages for one control as fast as they can be sent, from a process
of their own; printed are what arrived, how many requests the session got, and how long after the last was sent it had
the newest value. Latency: one message each few milliseconds, from send to request, alone and beside a sensor of 256
samples a second on four channels. All on the loopback.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import resource
import socket
import struct
import subprocess
import sys
import time
from collections import Counter

import numpy as np

from synth.control.osc import OscServer, Tree
from synth.control.osc.desk import Desk
from synth.control.osc.sender import Sender
from synth.controls import TABLE, defaults
from synth.session.pulse import first_pulse
from synth.wire.osc import Arg, bundle, decode, encode

BURST = 5_000
SEND_BURST = """
import socket, sys, time
from synth.wire.osc import encode
packets = [encode("/control/tempo_bpm", (50.0 + i / 128,)) for i in range({burst})]
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sys.stdin.readline()
for _ in range({bursts}):
    for packet in packets:
        out.sendto(packet, ("127.0.0.1", {port}))
    print(time.monotonic(), flush=True)
    sys.stdin.readline()
"""

_ARGS: tuple[Arg, ...] = (
    0, 1, -1, 2**31 - 1, 2**40, 1e38, float("nan"), float("inf"), True, False, None, "", "F#", "dorian", "\u2028\u00e9",
    b"\0\1", [1, [2.0]], "/control/*", 9000,
)  # fmt: skip


class Counting:
    """A session whose controls are where they were asked to be, and that keeps when."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, str, float]] = []
        self.calls = 0
        self.controls = defaults()
        self.held: frozenset[str] = frozenset()
        self.time_s, self.phase, self.planned, self.reasons, self.finished = 0.0, "arrive", (0.0, 0.0, 0.0), (), False
        self.pulse = first_pulse(self.controls)

    def request(self, name: str, value: float, by: str = "", reason: str = "") -> None:
        self.asked.append((time.monotonic(), name, value))
        self.controls[name] = TABLE[name].clamp(value)

    together = contextlib.nullcontext

    def __getattr__(self, name: str) -> object:
        return self._count

    def _count(self, *asked: object) -> None:
        self.calls += 1


def noise(rng: random.Random, addresses: list[str]) -> bytes:
    """One packet of the kinds told above."""
    kind = rng.random()
    if kind < 0.15:
        return rng.randbytes(rng.choice((0, 1, 3, 4, 7, 8, 16, 31, 64, 200)))
    packet = encode(_address(rng, addresses), [_arg(rng) for _ in range(rng.choice((0, 1, 1, 1, 2, 3)))])
    if kind < 0.35:
        return packet
    for _ in range(rng.randint(0, 2) if kind < 0.6 else 0):
        tag_s = rng.choice((None, 0.0, time.time() + rng.uniform(-2, 2), 1e9 * rng.random() * 4))
        packet = bundle([packet] * rng.choice((0, 1, 1, 2)), tag_s)
    return _spoilt(rng, packet)


def _spoilt(rng: random.Random, packet: bytes) -> bytes:
    changed = bytearray(packet)
    for _ in range(rng.choice((0, 1, 1, 2, 5))):
        if not changed:
            break
        at = rng.randrange(len(changed))
        match rng.randrange(5):
            case 0:
                changed[at] = rng.randrange(256)
            case 1:
                del changed[at:]
            case 2:
                changed[at:at] = rng.randbytes(rng.randint(1, 8))
            case 3:
                changed[at : at + 4] = struct.pack(">i", rng.choice((-1, 0, 2**31 - 1, -(2**31), 5)))
            case _:
                changed[at] = rng.choice(b",/#*?[]{}\0")
    return bytes(changed)


def _address(rng: random.Random, addresses: list[str]) -> str:
    address = rng.choice(addresses)
    if rng.random() < 0.2:
        parts = address.split("/")
        parts[rng.randrange(len(parts))] = rng.choice(("*", "?", "[a-z]*", "{pad,bass}", "", "x" * 300, "*a*b*c*", "{"))
        address = "/".join(parts)
    return address


def _arg(rng: random.Random) -> Arg:
    return rng.choice((rng.uniform(-2, 200), *_ARGS))


def fuzz(packets: int) -> int:
    """How many packets crashed decoder or desk."""
    rng = random.Random(8)
    addresses = list(Tree().nodes)
    crashes: Counter[str] = Counter()
    hands = Counting()
    desk = Desk(hands, Tree())  # type: ignore[arg-type]
    senders = [Sender(f"10.0.0.{i}", 9000 + i, lambda packet, host, port: None) for i in range(8)]
    begun_s, grown = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    before = grown
    for i in range(packets):
        packet = noise(rng, addresses)
        now_s = time.monotonic()
        try:
            messages, _ = decode(packet) if packet else ([], [])
            desk.take(messages, rng.choice(senders), now_s, time.time())
            desk.turn(now_s)
        except Exception as error:
            crashes[f"{type(error).__name__}: {error}"] += 1
        hands.asked.clear()
        if i == packets // 10:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    took_s = time.monotonic() - begun_s
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(f"fuzz: {packets:,} packets, {desk.received:,} messages in them, {sum(crashes.values())} crashes", end="")
    print(
        f" ({1e6 * took_s / packets:.0f} us each with making them; memory grew by {grown / 1024:.1f} MiB after a tenth)"
    )
    unexpected = {what: n for what, n in desk.troubles.items() if "Error" in what}
    for what, count in [*crashes.most_common(), *unexpected.items()]:
        print(f"  {count} x {what}")
    return sum(crashes.values())


def fuzz_sockets(packets: int) -> int:
    """How many times the server did not answer after a lot of noise."""
    rng = random.Random(9)
    addresses = list(Tree().nodes)
    silent = 0
    with OscServer(Counting(), 0) as osc, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:  # type: ignore[arg-type]
        out.settimeout(5.0)
        out.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)  # or answers to what is asked drown the pong
        to = ("127.0.0.1", osc.port)
        for i in range(packets):
            out.sendto(noise(rng, addresses), to)
            if i % 200 == 199:
                silent += not _answers(out, to, i)
        print(f"  {packets:,} through a socket: {osc.received:,} messages, unanswered pings {silent}")
        for what, count in sorted(osc.troubles.items(), key=lambda item: -item[1])[:6]:
            print(f"    {count} x {what}")
    return silent


def _answers(out: socket.socket, to: tuple[str, int], number: int) -> bool:
    out.sendto(encode("/ping", ("here", number)), to)
    try:
        while True:
            messages, _ = decode(out.recv(65_535))
            if any(message.address == "/pong" and message.args == ("here", number) for message in messages):
                return True
    except TimeoutError:
        return False


def bursts(count: int) -> None:
    """What arrives of BURST messages, `count` times."""
    hands = Counting()
    newest = 50.0 + (BURST - 1) / 128
    arrived, requests, late_ms = [], [], []
    with OscServer(hands, 0) as osc:  # type: ignore[arg-type]
        script = SEND_BURST.format(burst=BURST, bursts=count, port=osc.port)
        command = [sys.executable, "-c", script]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sender:
            assert sender.stdin is not None and sender.stdout is not None
            for _ in range(count):
                received, asked = osc.received, len(hands.asked)
                sender.stdin.write("\n")
                sender.stdin.flush()
                sent_s = float(sender.stdout.readline())
                until_s = time.monotonic() + 5.0
                while time.monotonic() < until_s and (osc.received - received < BURST or hands.asked[-1][2] != newest):
                    time.sleep(0.001)
                arrived.append(osc.received - received)
                requests.append(len(hands.asked) - asked)
                late_ms.append(1e3 * (hands.asked[-1][0] - sent_s))
            sender.stdin.write("\n" * count)
        given = osc.buffer_bytes / 2**20
    print(f"bursts: {count} of {BURST:,}, buffer {given:.1f} MiB: fewest arrived {min(arrived):,},", end=" ")
    print(f"requests passed on {min(requests)} to {max(requests)}, newest there", end=" ")
    print(f"{np.median(late_ms):.1f} ms (worst {max(late_ms):.1f}) after the last was sent")


def latency(count: int, sensor: bool) -> None:
    """From send to request of `count` messages, beside a sensor or alone."""
    hands = Counting()
    rng = random.Random(10)
    sent: list[float] = []
    with OscServer(hands, 0) as osc, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:  # type: ignore[arg-type]
        to = ("127.0.0.1", osc.port)
        samples = [encode(f"/feed/eeg_{site}", (1.0,)) for site in ("tp9", "af7", "af8", "tp10")]
        next_s = time.monotonic()
        for i in range(count):
            until_s = time.monotonic() + rng.uniform(0.006, 0.015)
            while time.monotonic() < until_s:
                if sensor and time.monotonic() >= next_s:
                    next_s += 1 / 256
                    for sample in samples:
                        out.sendto(sample, to)
                time.sleep(0.0005)
            packet = encode("/control/space", (i / count,))
            sent.append(time.monotonic())
            out.sendto(packet, to)
        time.sleep(0.2)
    arrived = [at_s for at_s, name, _ in hands.asked if name == "space"]
    if len(arrived) != count:
        print(f"latency: {len(arrived)} of {count} requests: some were put together")
        return
    late_ms = 1e3 * (np.array(arrived) - np.array(sent))
    median, p99, worst = np.quantile(late_ms, (0.5, 0.99, 1.0))
    beside = "beside 1,024 samples a second" if sensor else "alone"
    print(f"latency: {count} requests {beside}: median {median:.2f} ms, p99 {p99:.2f} ms, worst {worst:.2f} ms")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--packets", type=int, default=1_000_000)
    parser.add_argument("--through-sockets", type=int, default=50_000)
    parser.add_argument("--bursts", type=int, default=20)
    parser.add_argument("--requests", type=int, default=1_000)
    arguments = parser.parse_args()
    bursts(arguments.bursts)
    latency(arguments.requests, sensor=False)
    latency(arguments.requests, sensor=True)
    failed = fuzz_sockets(arguments.through_sockets) + fuzz(arguments.packets)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
