"""Live sound: a session in a process of its own that renders for a device, and its proxy here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synth.lazily import lazily

if TYPE_CHECKING:
    from synth.live.devices.device import DeviceError
    from synth.live.live_session import LiveError, LiveSession
    from synth.live.seek import first_device
    from synth.live.setup import DEVICES, Setup
else:
    # With devices and the engine behind them, which take their time to load.
    __getattr__ = lazily(
        __name__,
        {
            "DEVICES": "synth.live.setup",
            "DeviceError": "synth.live.devices.device",
            "LiveError": "synth.live.live_session",
            "LiveSession": "synth.live.live_session",
            "Setup": "synth.live.setup",
            "first_device": "synth.live.seek",
        },
    )

__all__ = ["DEVICES", "DeviceError", "LiveError", "LiveSession", "Setup", "first_device"]
