"""A live sensor into a session: packets over OSC, each device by its own clock.

A made-up phone sends heart rate and skin conductance to this machine alone. Its clock is years off and runs a little
fast; the session follows it. With a real sensor, leave `send` out and take another source: `BleHeartRate(None, clock)`.

python examples/06_live_sensor.py
"""

from __future__ import annotations

import math
import socket
import time

from synth import Session
from synth.wearables.osc import OscSource
from synth.wire.osc import encode

RATE = 48_000


def send(phone: socket.socket, port: int, second: int) -> None:
    """What the phone says at a second of the session."""
    its_time = 7e8 + 1.0002 * second
    for channel, value in (("hr", 70.0 + 4.0 * math.sin(second / 9.0)), ("eda", 2.0 + 0.2 * math.sin(second / 20.0))):
        message = encode(f"/isotone/phone/{channel}", (value, its_time), "fd")
        phone.sendto(message, ("127.0.0.1", port))


def main(minutes: float = 2.0) -> None:
    session = Session("settle", seed=6, minutes=minutes)
    with (
        OscSource(0, "generic", clock=lambda: session.time_s) as sensor,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone,
    ):
        second = 0
        while not session.finished:
            send(phone, sensor.port, second)
            time.sleep(0.005)  # a live session takes its second; this one is rendered as fast as it goes
            for packet in sensor.packets():
                session.hear(packet)
            session.render(RATE)
            second += 1
        print(f"{sensor.status}; mended: {sensor.repairs or 'nothing'}")
    state = session.state
    print(f"heart rate {state.hr_bpm:.0f}, arousal {state.arousal:+.2f}, confidence {state.confidence:.2f}")
    print("; ".join(session.reasons))


if __name__ == "__main__":
    main()
