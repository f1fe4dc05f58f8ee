"""Live sound: a session in a process of its own that renders for a device, and its proxy here."""

from __future__ import annotations

from synth.live.devices.device import DeviceError
from synth.live.live_session import LiveError, LiveSession
from synth.live.seek import first_device
from synth.live.setup import DEVICES, Setup

__all__ = ["DEVICES", "DeviceError", "LiveError", "LiveSession", "Setup", "first_device"]
