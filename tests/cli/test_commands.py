"""Commands that need no session: what they print, and how little they load."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections.abc import Callable

import pytest

from synth import __version__
from synth.cli import doctor
from synth.cli.doctor import PARTS, Part, part_text
from synth.controls import CONTROLS

COMMANDS = (
    "render",
    "compose",
    "replay",
    "presets",
    "preset",
    "controls",
    "instruments",
    "estimate",
    "listen",
    "warmup",
    "doctor",
    "devices",
)


def test_help_names_every_command_and_starts_the_reader_off(run: Callable) -> None:
    result = run("--help")
    assert result.code == 0
    for command in COMMANDS:
        assert re.search(rf"\n    {command}\s", result.out)
    assert "start here" in result.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_teaches_by_examples(run: Callable, command: str) -> None:
    result = run(command, "--help")
    assert result.code == 0 and f"examples:\n  synth {command}" in result.out


def test_version(run: Callable) -> None:
    assert run("--version").out == f"isotone {__version__}\n"


def test_help_loads_no_engine() -> None:
    code = (
        "import sys; from synth.cli import main; code = main(['render', '--help']);"
        "print([m for m in ('numpy', 'numba', 'rich', 'soundfile', 'note_seq') if m in sys.modules]); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_presets_are_listed_with_their_length(run: Callable) -> None:
    lines = run("presets").out.splitlines()
    assert {line.split()[0] for line in lines} >= {"settle", "sleep", "focus", "energise"}
    assert all(" min  " in line for line in lines)


def test_shipped_presets_pass_their_own_check(run: Callable) -> None:
    from synth.resources import presets_folder

    files = sorted(presets_folder().glob("*.toml"))
    result = run("preset", "check", *files)
    assert result.code == 0 and result.out.count(": good.") == len(files) >= 4


def test_controls_as_text_lists_every_row(run: Callable) -> None:
    lines = run("controls").out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [c.name for c in CONTROLS]


def test_controls_as_json_is_strict_and_whole(run: Callable) -> None:
    def refuse(word: str) -> float:
        raise AssertionError(word)

    rows = json.loads(run("controls", "--json").out, parse_constant=refuse)
    assert [row["name"] for row in rows] == [c.name for c in CONTROLS]
    for row, control in zip(rows, CONTROLS, strict=True):
        assert (row["low"], row["high"], row["default"], row["osc"]) == (
            control.low,
            control.high,
            control.default,
            control.osc,
        )
        assert row["rate_hand"] is None if math.isinf(control.rate_hand) else row["rate_hand"] == control.rate_hand


def test_controls_as_markdown_is_a_table(run: Callable) -> None:
    lines = run("controls", "--markdown").out.splitlines()
    assert len(lines) == len(CONTROLS) + 2
    assert {line.count("|") for line in lines} == {lines[0].count("|")}


def test_doctor_tells_of_every_part_and_is_never_a_failure(run: Callable) -> None:
    result = run("doctor")
    assert result.code == 0
    for name in ("numba", "soundfile", "presets", "kernels", *(part.distribution for part in PARTS)):
        assert f"\n  {name} " in result.out


def test_doctor_knows_the_extras_that_live_sensors_take() -> None:
    extras = {part.extra: part for part in PARTS}
    assert extras["ble"].module == "bleak" and extras["lsl"].module == "pylsl"


def test_doctor_says_what_a_missing_part_costs() -> None:
    part = Part("osc", "no-such-thing", "no_such_thing", "no OSC in and out")
    assert part_text(part) == "missing: no OSC in and out (pip install 'isotone[osc]')"


def test_doctor_says_when_a_part_is_unsupported_here() -> None:
    part = Part("midi", "no-such-thing", "no_such_thing", "no MIDI ports", last_python=(3, 12))
    assert part_text(part, python=(3, 12)).startswith("missing")
    assert part_text(part, python=(3, 13)) == "unsupported: it has no wheel after Python 3.12; no MIDI ports"


def test_doctor_says_which_system_library_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    part = Part("audio", "numpy", "numpy", "no sound card", ("portaudio", "libportaudio2"))
    assert "without its library portaudio: no sound card (on Debian: apt install libportaudio2)" in part_text(part)


def test_doctor_speaks_even_when_the_core_is_broken(run: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "CORE", ("numpy", "no_such_core"))
    result = run("doctor")
    assert result.code == 0 and "no_such_core   cannot be used (ModuleNotFoundError" in result.out


def test_devices_lists_each_way_out_and_names_what_is_missing(run: Callable) -> None:
    result = run("devices")
    assert result.code == 0
    for title in ("PortAudio:", "JACK:", "pyo:"):
        assert title in result.out.splitlines()
    assert result.err == ""


def test_instruments_are_listed_by_the_stem_they_suit_first(run: Callable) -> None:
    out = run("instruments").out
    assert out.startswith("pad:\n  strings") and "\ndrone:\n" in out
    assert "  felt_piano      Piano with felt under the hammers. Also for bells.\n" in out
    assert set(run("instruments", "nature").out.split(":")[0].split()) == {"nature"}
    rows = json.loads(run("instruments", "melody", "--json").out)
    assert all("melody" in row["stems"] for row in rows) and {"harp", "felt_piano"} <= {row["name"] for row in rows}
    assert run("instruments", "kazoo").code == 2
