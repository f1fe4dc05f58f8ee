"""`synth doctor`: what is installed on this machine, what is missing, and what each missing part costs."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import platform
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synth.cli.arguments import add_command

if TYPE_CHECKING:
    from synth.cli.arguments import Commands

TESTED = ((3, 11), (3, 13))  # first and last Python that the tests run on
CORE = ("numpy", "numba", "soundfile", "mido", "pretty_midi", "rich", "platformdirs")


@dataclass(frozen=True, slots=True)
class Part:
    """An optional part: its extra, distribution and module, what is lost without it, and what it needs from the system.

    `library` is a shared library with the Debian package that brings it; `last_python` the newest Python it
    has a wheel for.
    """

    extra: str
    distribution: str
    module: str
    costs: str
    library: tuple[str, str] | None = None
    last_python: tuple[int, int] | None = None


PARTS = (
    Part("magenta", "note-seq", "note_seq", "no score.pb (NoteSequence); score.mid is written all the same"),
    Part("recordings", "pyarrow", "pyarrow", "no Parquet recordings; CSV recordings are read all the same"),
    Part("audio", "sounddevice", "sounddevice", "no sound card through PortAudio", ("portaudio", "libportaudio2")),
    Part("jack", "JACK-Client", "jack", "no JACK ports for the stems", ("jack", "libjack-jackd2-0")),
    Part("pyo", "pyo", "pyo", "no output through pyo"),
    Part("midi", "python-rtmidi", "rtmidi", "no MIDI ports; MIDI files are written all the same", last_python=(3, 12)),
    Part("osc", "starlette", "starlette", "no OSCQuery; OSC itself needs nothing"),
    Part("server", "uvicorn", "uvicorn", "no `synth serve`; `synth play` and rendering need nothing of it"),
    Part("client", "httpx", "httpx", "no synth.client; any HTTP client talks to the service all the same"),
    Part("link", "aalink", "aalink", "no Ableton Link (GPL-3, so in no other extra); MIDI clock all the same"),
    Part("ble", "bleak", "bleak", "no heart rate sensors over Bluetooth"),
    Part("lsl", "pylsl", "pylsl", "no streams of the Lab Streaming Layer"),
    Part("pdf", "weasyprint", "weasyprint", "no PDF of a report; HTML is written all the same"),
    Part("text", "vaderSentiment", "vaderSentiment", "no mood from a person's own words"),
)


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(commands, "doctor", "say what is installed, missing or unsupported here", "  synth doctor\n")
    command.set_defaults(run=doctor)


def doctor(arguments: argparse.Namespace) -> int:
    """Say how this machine is."""
    from synth import __version__

    print(f"isotone {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}")
    if not TESTED[0] <= sys.version_info[:2] <= TESTED[1]:
        first, last = (".".join(map(str, version)) for version in TESTED)
        print(f"  this Python is not among those tested: {first} to {last}")
    print("core")
    for name in CORE:
        print(f"  {name:14} {_core_text(name)}")
    print("optional")
    for part in PARTS:
        print(f"  {part.distribution:14} {part_text(part)}")
    print("files")
    print(f"  presets        {_presets()}")
    print(f"  kernels        {_kernels()}")
    return 0


def part_text(part: Part, python: tuple[int, int] = sys.version_info[:2]) -> str:
    """How it stands with an optional part, in one line."""
    if importlib.util.find_spec(part.module) is None:
        if part.last_python and python > part.last_python:
            last = ".".join(map(str, part.last_python))
            return f"unsupported: it has no wheel after Python {last}; {part.costs}"
        return f"missing: {part.costs} (pip install 'isotone[{part.extra}]')"
    version = _version(part.distribution) or ""
    if part.library and not _has_library(part.library[0], part.module):
        return (
            f"{version}, without its library {part.library[0]}: {part.costs} (on Debian: apt install {part.library[1]})"
        )
    return version


def _core_text(name: str) -> str:
    """How it stands with a part that the engine cannot do without."""
    try:
        importlib.import_module(name)
    except Exception as error:  # a broken install fails in ways of its own, and the doctor must still speak
        return f"cannot be used ({type(error).__name__}: {error}): install isotone again"
    return _version(name) or ""


def _has_library(name: str, module: str) -> bool:
    from ctypes.util import find_library

    if find_library(name):
        return True
    bundled = importlib.util.find_spec(f"_{module}_data")  # sounddevice's wheels for macOS and Windows bring their own
    return bundled is not None


def _version(distribution: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _presets() -> str:
    from synth.preset import preset_names
    from synth.resources import presets_folder

    try:
        presets_folder()
    except FileNotFoundError as error:
        return str(error)
    return f"{', '.join(preset_names())} (in {presets_folder()})"


def _kernels() -> str:
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return "not compiled: NUMBA_DISABLE_JIT is set, so rendering is thousands of times slower"
    try:
        from synth.dsp._jit import CACHE, compiled_kernels
    except ImportError:
        return "none: numba cannot be used"
    compiled, _ = compiled_kernels()
    if not compiled:
        return f"cold: the first render compiles them, or `synth warmup` now (to {CACHE})"
    return f"warm: {compiled} compiled (in {CACHE})"
