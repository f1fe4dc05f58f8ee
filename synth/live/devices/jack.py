"""JACK: a pair of ports for the mix, the pre-master and each stem, MIDI in and out.

Names of ports are the same whatever is played, so that a DAW finds them again: `mix_1`, `mix_2`, `premaster_1`,
`pad_1`...
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from synth.controls import STEMS
from synth.live.devices.device import ELSEWHERE, DeviceError, quiet
from synth.live.player import Player
from synth.live.setup import Setup

PAIRS = ("mix", "premaster", *STEMS)


class JackDevice:
    """A client of the JACK server `setup.device_name` (None: the usual one), at the server's rate and block size."""

    def __init__(self, setup: Setup, player: Player) -> None:
        try:
            import jack
        except (ImportError, OSError) as error:
            raise DeviceError(
                f"JACK cannot be used ({error}): pip install 'isotone[jack]' and the system's libjack, or {ELSEWHERE}"
            ) from None
        self._player = player
        self._connect = setup.connect
        self._closing = False
        self.lost = threading.Event()
        self.xruns = 0
        try:
            with quiet():
                self._client = jack.Client(setup.client, no_start_server=True, servername=setup.device_name)
        except jack.JackOpenError:
            server = f" called {setup.device_name!r}" if setup.device_name else ""
            raise DeviceError(
                f"no JACK server{server} is running: start it (jackd, QjackCtl, PipeWire), or {ELSEWHERE}"
            ) from None
        self.sample_rate = int(self._client.samplerate)
        self.latency_frames = int(self._client.blocksize)  # at least; the library does not tell the card's
        self._ports = [
            [self._client.outports.register(f"{name}_{side}", is_terminal=True) for side in (1, 2)] for name in PAIRS
        ]
        self._midi_in = self._client.midi_inports.register("midi_in")
        self._midi_out = self._client.midi_outports.register("midi_out")
        self._client.set_process_callback(self._process)
        self._client.set_xrun_callback(self._on_xrun)
        self._client.set_shutdown_callback(self._on_shutdown)

    def start(self) -> None:
        """Begin to play, into the loudspeakers where there are any and that was asked for."""
        self._client.activate()
        if self._connect:
            speakers = self._client.get_ports(is_audio=True, is_input=True, is_physical=True)
            for port, speaker in zip(self._ports[0], speakers, strict=False):
                self._client.connect(port, speaker)

    def close(self) -> None:
        """Leave the server."""
        self._closing = True
        if not self.lost.is_set():
            self._client.deactivate()
        self._client.close()

    def _process(self, frames: int) -> None:
        heard = [(int(offset), bytes(data)) for offset, data in self._midi_in.incoming_midi_events()]
        audio = self._player.block(frames, heard)
        pairs = {"mix": audio.mix, "premaster": audio.premaster, **audio.stems}
        for name, ports in zip(PAIRS, self._ports, strict=True):
            samples = pairs.get(name)
            for side, port in enumerate(ports):
                out = np.frombuffer(port.get_buffer(), np.float32)
                if samples is None:
                    out.fill(0.0)
                else:
                    out[:] = samples[:, side]
        self._midi_out.clear_buffer()
        for offset, data in self._player.midi(frames):
            self._midi_out.write_midi_event(offset, data)

    def _on_xrun(self, delayed_us: float) -> None:
        self.xruns += 1

    def _on_shutdown(self, status: Any, reason: str) -> None:
        if not self._closing:
            self.lost.set()
