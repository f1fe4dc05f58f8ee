"""Where live sound goes: one device a file, each asking for a block when it wants one."""

from __future__ import annotations

from collections.abc import Callable

from synth.live.devices.device import Device, DeviceError
from synth.live.player import Player
from synth.live.setup import DEVICES, Setup

__all__ = ["Device", "DeviceError", "open_device"]


def open_device(setup: Setup, player: Player) -> Device:
    """The device that `setup` names, ready to start. DeviceError says what is missing and what to do."""
    return _opener(setup.device)(setup, player)


def _opener(name: str) -> Callable[[Setup, Player], Device]:
    match name:
        case "jack":
            from synth.live.devices.jack import JackDevice

            return JackDevice
        case "pyo":
            from synth.live.devices.pyo import PyoDevice

            return PyoDevice
        case "portaudio":
            from synth.live.devices.portaudio import PortAudioDevice

            return PortAudioDevice
        case "null":
            from synth.live.devices.null import NullDevice

            return NullDevice
    raise DeviceError(f"no device called {name!r}: one of {', '.join(DEVICES)}")
