"""`synth devices`: where sound could go on this machine."""

from __future__ import annotations

import argparse
import importlib.util
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from synth.cli.arguments import add_command

if TYPE_CHECKING:
    from synth.cli.arguments import Commands


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(commands, "devices", "list the audio outputs of this machine", "  synth devices\n")
    command.set_defaults(run=devices)


def devices(arguments: argparse.Namespace) -> int:
    """List outputs by the library that reaches them."""
    for title, module, extra, look in (
        ("PortAudio", "sounddevice", "audio", _portaudio),
        ("JACK", "jack", "jack", _jack),
        ("pyo", "pyo", "pyo", _pyo),
    ):
        print(f"{title}:")
        if importlib.util.find_spec(module) is None:
            print(f"  not installed (pip install 'isotone[{extra}]')")
            continue
        for line in _looked(look):
            print(f"  {line}")
    print("files:\n  always: `synth render` needs no device")
    return 0


def _looked(look: Callable[[], list[str]]) -> list[str]:
    """What `look` finds, or why it cannot; the sound libraries' own chatter on stderr is dropped."""
    from synth.live.devices.device import quiet

    try:
        with quiet():
            return look() or ["no outputs: this machine shows no sound card"]
    except Exception as error:  # each library has errors of its own for the same thing
        return [f"not usable here: {error}"]


def _portaudio() -> list[str]:
    import sounddevice

    default = sounddevice.default.device[1]
    return [
        f"{i}: {device['name']}, {device['max_output_channels']} channels, {device['default_samplerate']:.0f} Hz"
        + (" (default)" if i == default else "")
        for i, device in enumerate(sounddevice.query_devices())
        if device["max_output_channels"] > 0
    ]


def _jack() -> list[str]:
    import jack

    try:
        client = jack.Client("isotone-devices", no_start_server=True)
    except jack.JackOpenError:
        return ["no JACK server is running"]
    try:
        ports = client.get_ports(is_audio=True, is_input=True, is_physical=True)
        return [f"{port.name}, {client.samplerate} Hz" for port in ports]
    finally:
        client.close()


def _pyo() -> list[str]:
    os.environ.setdefault("PYO_GUI_WX", "0")
    import pyo

    names, numbers = pyo.pa_get_output_devices()
    return [f"{number}: {name}" for name, number in zip(names, numbers, strict=True)]
