"""What a live process is started with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from synth.preset import Preset

DEVICES = ("jack", "pyo", "portaudio", "null")
FRAMES = (32, 8192)


@dataclass(frozen=True, slots=True)
class Setup:
    """`session`: the keywords of `synth.Session` beside preset, sample rate and record. `device`: one of DEVICES;
    `device_name`: which of its outputs (JACK: the server, PortAudio and pyo: a number or part of a name; None: usual).
    `frames` in a block, where the device leaves that open. `client`: its name in JACK. `connect`: to the
    loudspeakers, where the device does not by itself. `wait`: silent until `LiveSession.begin`. `notes_out`: None,
    "channels" or "mpe"; `clock_out`: whether MIDI clock is sent (JACK).
    """

    preset: Preset
    session: Mapping[str, Any] = field(default_factory=dict)
    device: str = "null"
    device_name: str | None = None
    frames: int = 256
    sample_rate: int = 48_000
    client: str = "isotone"
    connect: bool = True
    wait: bool = False
    notes_out: str | None = None
    clock_out: bool = False
