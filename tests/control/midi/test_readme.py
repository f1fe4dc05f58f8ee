"""What the page beside the code says is what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import synth.control.midi as midi
from synth.control.midi.mapfile import _FIELDS, _OPTIONS, _SOURCES
from synth.control.midi.mapping import ACTIONS, PLAYED, MidiMap, default_bindings, table
from synth.controls import STEMS
from synth.score.channels import home_channels

PAGE = Path(midi.__file__).with_name("README.md").read_text()
EXAMPLE = Path(midi.__file__).with_name("example.toml").read_text()


def test_the_table_of_the_default_map() -> None:
    shown = PAGE.split("<!-- default map -->\n")[1].split("<!-- end of the default map -->")[0]
    assert shown == table(default_bindings()), "write synth.control.midi.mapping.table(default_bindings()) there"


def test_channels() -> None:
    page = " ".join(PAGE.split())
    assert ", ".join(f"{n} {stem}" for n, stem in enumerate(STEMS, 1)) in page
    homes = home_channels(STEMS)
    assert ", ".join(f"{stem} {homes[stem] + 1}" for stem in PLAYED) in page
    assert f"program change on channel {MidiMap().program_channel}" in page


def test_every_key_of_the_file_is_told() -> None:
    keys = set(re.findall(r"`(\w+)`", PAGE))
    assert {*_FIELDS, *_SOURCES, "channel", *ACTIONS, "nothing"} <= keys
    for key in (*_OPTIONS, *_SOURCES, *_FIELDS, "channel", "schema"):
        assert re.search(rf"^{key} = ", EXAMPLE, re.MULTILINE) or key in ("bend", "curve", "pressure"), key
