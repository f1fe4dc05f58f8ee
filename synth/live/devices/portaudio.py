"""PortAudio, through sounddevice: the mix, into whatever sound card the system has."""

from __future__ import annotations

import threading
from typing import Any

from numpy.typing import NDArray

from synth.live.devices.device import ELSEWHERE, DeviceError, quiet
from synth.live.player import Player
from synth.live.setup import Setup


class PortAudioDevice:
    """Output `setup.device_name` (a number, or part of a name; None: the usual one)."""

    def __init__(self, setup: Setup, player: Player) -> None:
        try:
            with quiet():
                import sounddevice
        except (ImportError, OSError) as error:
            raise DeviceError(
                f"PortAudio cannot be used ({error}): pip install 'isotone[audio]' and the system's libportaudio2, "
                f"or {ELSEWHERE}"
            ) from None
        self._player = player
        self._closing = False
        self.lost = threading.Event()
        self.xruns = 0
        name = setup.device_name
        try:
            with quiet():
                self._stream = sounddevice.OutputStream(
                    device=int(name) if name is not None and name.isdigit() else name,
                    samplerate=setup.sample_rate,
                    blocksize=setup.frames,
                    channels=2,
                    dtype="float32",
                    latency="low",
                    callback=self._fill,
                    finished_callback=self._on_finished,
                )
        except (sounddevice.PortAudioError, ValueError) as error:
            which = "no output that is usual here" if name is None else f"output {name!r}"
            raise DeviceError(f"PortAudio: {which} cannot be opened ({error}): {ELSEWHERE}") from None
        self.sample_rate = int(self._stream.samplerate)
        self.latency_frames = round(float(self._stream.latency) * self.sample_rate)

    def start(self) -> None:
        """Begin to play."""
        self._stream.start()

    def close(self) -> None:
        """Let go of the card."""
        self._closing = True
        self._stream.close(ignore_errors=True)

    def _fill(self, out: NDArray[Any], frames: int, times: Any, status: Any) -> None:
        self.xruns += bool(status.output_underflow)
        out[:] = self._player.block(frames).mix

    def _on_finished(self) -> None:
        if not self._closing:
            self.lost.set()
