"""Which device a machine has, when nobody said which to take."""

from __future__ import annotations

import importlib.util

from synth.live.devices.device import ELSEWHERE, DeviceError, quiet


def first_device() -> str:
    """ "jack" where a server runs, else "pyo" or "portaudio" where that finds a sound card.

    DeviceError when there is none, with what to do.
    """
    for name, module, found in (
        ("jack", "jack", _jack),
        ("pyo", "pyo", _pyo),
        ("portaudio", "sounddevice", _portaudio),
    ):
        if importlib.util.find_spec(module) is not None and found():
            return name
    raise DeviceError(
        "no sound device here: no JACK server runs, and neither pyo nor PortAudio finds a sound card; start one, "
        f"pip install 'isotone[audio]' or 'isotone[jack]', or {ELSEWHERE}"
    )


def _jack() -> bool:
    import jack

    try:
        with quiet():
            jack.Client("isotone-seeks", no_start_server=True).close()
    except jack.JackOpenError:
        return False
    return True


def _pyo() -> bool:
    import os

    os.environ.setdefault("PYO_GUI_WX", "0")
    with quiet():
        import pyo

        return bool(pyo.pa_get_output_devices()[1])


def _portaudio() -> bool:
    with quiet():
        import sounddevice

        return any(device["max_output_channels"] for device in sounddevice.query_devices())
