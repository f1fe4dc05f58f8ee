"""A session live in a process of its own, played over OSC and MIDI bytes; here through no device, for ten seconds.

With a sound card or a JACK server, give its name: "pyo", "portaudio" or "jack".

python examples/12_live.py [DEVICE]
"""

from __future__ import annotations

import sys
import time

from synth.control.midi.hands import MidiHands
from synth.control.osc import OscServer
from synth.live import LiveSession, Setup
from synth.preset import load_preset


def main(device: str = "null", seconds: float = 10.0) -> None:
    live = LiveSession(Setup(load_preset("settle"), {"seed": 7, "minutes": 5}, device=device))
    with live, OscServer(live, port=0) as osc:
        print(osc.words)  # oscsend localhost PORT /control/brightness_oct f -0.5
        knobs = MidiHands(live)
        knobs.hear(bytes((0xB0, 7, 100)), time.monotonic())  # channel 1, CC 7: the pad's level, once it is picked up
        live.request("density_hz", 2.0)  # as any hand
        live.play(74, 0.6)  # and a note, which the melody's instrument plays
        live.wait(seconds)
        seen = live.seen
        print(f"{seen.time_s:.1f} s played, load {100 * seen.load:.0f} %, {seen.late:.0f} late blocks")
        print("; ".join(live.reasons))


if __name__ == "__main__":
    main(*sys.argv[1:2])
