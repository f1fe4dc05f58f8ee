"""pyo's sound server: its callback fills a table, block by block, that a table reader plays."""

from __future__ import annotations

import os
import threading
from typing import Any

from synth.live.devices.device import ELSEWHERE, DeviceError, quiet
from synth.live.player import Player
from synth.live.setup import Setup

JACK = "jack"  # as a device's name: pyo's own JACK client


class PyoDevice:
    """A pyo server for the output `setup.device_name` (a number, part of a name, or "jack"; None: the usual one)."""

    def __init__(self, setup: Setup, player: Player) -> None:
        os.environ.setdefault("PYO_GUI_WX", "0")
        try:
            with quiet():
                import pyo
        except (ImportError, OSError) as error:
            raise DeviceError(f"pyo cannot be used ({error}): pip install 'isotone[pyo]', or {ELSEWHERE}") from None
        self._pyo, self._player = pyo, player
        self._frames = setup.frames
        self.sample_rate = setup.sample_rate
        self.lost = threading.Event()
        self.xruns = 0  # pyo does not count them
        self.latency_frames = 2 * setup.frames
        over_jack = setup.device_name == JACK
        output = None if over_jack else self._output(setup.device_name)
        with quiet():
            self._server: Any = pyo.Server(
                sr=setup.sample_rate,
                nchnls=2,
                buffersize=setup.frames,
                duplex=0,
                audio=JACK if over_jack else "portaudio",
                jackname=setup.client,
            )
            self._server.setVerbosity(0)
            if output is not None:
                self._server.setOutputDevice(output)
            self._server.setJackAuto(False, setup.connect)
            self._server.boot()
        if not self._server.getIsBooted():
            raise DeviceError(f"pyo's server cannot start on this output: {ELSEWHERE}")
        self.sample_rate = int(self._server.getSamplingRate())
        self._frames = int(self._server.getBufferSize())
        self._table = pyo.DataTable(size=self._frames, chnls=2)
        self._reader = pyo.TableRead(self._table, freq=self._table.getRate(), loop=True, interp=1)

    def start(self) -> None:
        """Begin to play."""
        self._reader.out()
        self._server.setCallback(self._fill)
        with quiet():
            self._server.start()

    def close(self) -> None:
        """Stop the server."""
        if self._server.getIsStarted():
            self._server.stop()
        if self._server.getIsBooted():
            self._server.shutdown()

    def _fill(self) -> None:  # not through table.getBuffer(): Python then crashes as it ends
        self._table.replace(self._player.block(self._frames).mix.T.tolist())

    def _output(self, name: str | None) -> int | None:
        """The number of an output that PortAudio knows. DeviceError where there is none."""
        with quiet():
            names, numbers = self._pyo.pa_get_output_devices()
        if not numbers:
            raise DeviceError(f"pyo finds no sound card on this machine: {ELSEWHERE}")
        if name is None:
            return None
        for known, number in zip(names, numbers, strict=True):
            if name == str(number) or name.lower() in known.lower():
                return int(number)
        raise DeviceError(f"pyo knows no output {name!r}: one of {', '.join(names)}; or {ELSEWHERE}")
