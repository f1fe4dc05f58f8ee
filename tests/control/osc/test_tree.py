"""The address space holds to the table of controls, and the page to both."""

from __future__ import annotations

import pytest

from synth.control.osc.page import PAGE, page
from synth.control.osc.tree import READ, WRITE, Tree
from synth.control.osc.view import fader_of, value_at
from synth.controls import CONTROLS, STEMS, TABLE
from synth.session import REPORTS, VERBS

NODES = Tree().nodes


def test_every_control_has_its_addresses() -> None:
    for row in CONTROLS:
        assert NODES[row.osc].name == NODES[f"/fader/{row.name}"].name == row.name
        assert NODES[row.osc].access == READ | WRITE
        assert NODES[row.osc].help == row.help
        if not row.choices:
            (limits,) = NODES[row.osc].ranges
            assert limits is not None and (limits.low, limits.high) == (row.low, row.high)
        assert f"{row.osc}/release" in NODES


def test_every_verb_stem_and_report_has_its_own() -> None:
    assert [a.removeprefix("/verb/") for a in NODES if a.startswith("/verb/")] == list(VERBS)
    assert [a.split("/")[2] for a in NODES if a.startswith("/stem/") and a.endswith("/mute")] == list(STEMS)
    assert [a.removeprefix("/feedback/") for a in NODES if a.startswith("/feedback/")] == list(REPORTS)
    assert "/stem/reverb/solo" not in NODES and "/stem/reverb/pan" not in NODES


def test_types_units_and_ranges_are_of_the_same_number() -> None:
    for node in NODES.values():
        for told in (node.units, node.ranges):
            assert len(told) in (0, len(node.types)), node.address


def test_a_pattern_finds_what_it_means_and_nothing_else() -> None:
    found = [node.address for node in Tree().find("/stem/{pad,bass}/[ms]*")]
    assert found == ["/stem/pad/mute", "/stem/pad/solo", "/stem/bass/mute", "/stem/bass/solo"]
    assert Tree().find("/stem/pad") == () and Tree().find("/nothing*") == ()


def test_the_page_is_that_of_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "write it again: python -m synth.control.osc.page"


@pytest.mark.parametrize("name", ["tempo_bpm", "attack_ms", "level_pad_db", "density_hz", "key", "scene"])
def test_a_fader_goes_along_the_curve(name: str) -> None:
    row = TABLE[name]
    assert value_at(row, 0.0) == pytest.approx(row.low) and value_at(row, 1.0) == pytest.approx(row.high)
    assert value_at(row, -3.0) == pytest.approx(row.low) and value_at(row, 7.0) == pytest.approx(row.high)
    middle = (row.low * row.high) ** 0.5 if row.curve == "log" else (row.low + row.high) / 2.0
    assert value_at(row, 0.5) == pytest.approx(row.clamp(middle))
    for fader in (0.0, 0.2, 0.77, 1.0):
        value = value_at(row, fader)
        assert value_at(row, fader_of(row, value)) == pytest.approx(value)
        if row.curve != "choice":
            assert fader_of(row, value) == pytest.approx(fader)
