"""Plots: no peak is lost, gaps stay gaps, and labels are round numbers."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.record.plots import (
    MAX_POINTS,
    Lane,
    Line,
    Panel,
    Span,
    clock,
    panel,
    strip,
    thin,
    ticks,
    time_axis,
    time_ticks,
)


@given(st.integers(0, 20_000), st.integers(0, 2**32 - 1))
def test_thinning_bounds_the_points_and_keeps_the_extremes(size: int, seed: int) -> None:
    value = np.random.default_rng(seed).normal(size=size)
    t, v = thin(np.arange(size, dtype=np.float64), value)
    assert t.size == v.size <= MAX_POINTS
    assert np.all(np.diff(t) > 0)
    if size:
        assert v.max() == value.max() and v.min() == value.min()


def test_thinning_keeps_gaps() -> None:
    value = np.sin(np.arange(30_000) / 100)
    value[10_000:12_000] = np.nan
    t, v = thin(np.arange(30_000.0), value)
    assert np.isnan(v[(t > 10_050) & (t < 11_950)]).all() and np.isfinite(v[t < 9_900]).all()


@given(st.floats(-1e4, 1e4), st.floats(1e-3, 1e4))
def test_ticks_are_round_few_and_inside(low: float, width: float) -> None:
    marks = ticks(low, low + width, 3)
    assert 2 <= len(marks) <= 16
    assert all(low - 1e-6 * width <= m <= low + width * (1 + 1e-6) for m in marks)
    step = marks[1] - marks[0]
    assert np.isclose(step / 10 ** np.floor(np.log10(step * 1.0001)), [1, 2, 5]).any()


@pytest.mark.parametrize("length_s", [6, 45, 180, 720, 2700, 30_000])
def test_time_ticks_start_at_nought_and_are_few(length_s: int) -> None:
    marks = time_ticks(length_s)
    assert marks[0] == 0.0 and marks[-1] <= length_s and 2 <= len(marks) <= 9


def test_clock() -> None:
    assert [clock(t) for t in (0, 59.6, 61, 3599, 3661)] == ["0:00", "1:00", "1:01", "59:59", "1:01:01"]


def line(value: list[float], **options: object) -> Line:
    return Line("pulse", np.arange(len(value), dtype=np.float64), np.array(value), "one", "bpm", **options)  # type: ignore[arg-type]


def test_a_line_breaks_where_nothing_was_known() -> None:
    svg = panel(Panel("Pulse", "bpm", (line([60.0, 61.0, np.nan, 63.0]),)), 4.0, [])
    (path,) = re.findall(r'<path class="line one" d="([^"]*)"', svg)
    assert path.count("M") == 2


def test_a_line_breaks_at_a_long_gap() -> None:
    t = np.array([0.0, 1.0, 50.0, 51.0])
    svg = panel(Panel("Pulse", "", (Line("pulse", t, t, "one", gap_s=5.0),)), 60.0, [])
    (path,) = re.findall(r'<path class="line one" d="([^"]*)"', svg)
    assert path.count("M") == 2


def test_the_plot_spans_its_range_and_tells_values_on_hover() -> None:
    svg = panel(Panel("Pulse", "bpm", (line([0.0, 10.0]),), 0.0, 10.0), 1.0, [])
    assert "M0.0 100.0" in svg and "1000.0 0.0" in svg
    assert "<title>0:00 \u00b7 pulse 0.0 bpm</title>" in svg


def test_a_band_is_as_wide_as_its_spread() -> None:
    svg = panel(Panel("Arousal", "", (line([0.0, 0.0], spread=np.array([0.25, 0.5])),), -1.0, 1.0), 1.0, [])
    assert 'class="band one" d="M0.0 37.5L1000.0 25.0L1000.0 75.0L0.0 62.5Z"' in svg


def laned(*spans: Span, length_s: float = 1000.0) -> str:
    return panel(Panel("Pulse", "", (line([1.0, 2.0]),), lane=Lane("set aside", spans)), length_s, [])


def test_a_lane_shows_when_and_tells_why_and_how_long() -> None:
    svg = laned(Span(100, 150, "missing", "grey"), Span(150, 160, "off", "red"), Span(500, 520, "missing", "grey"))
    assert '<span class="grey" style="left:10.000%;width:5.000%" title="1:40 to 2:30: missing">' in svg
    assert '<span class="red" style="left:15.000%;width:1.000%" title="2:30 to 2:40: off">' in svg
    assert '<li class="grey">missing 1:10</li><li class="red">off 0:10</li>' in svg
    assert 'role="img" aria-label="set aside: missing 1:10, off 0:10"' in svg


def test_stretches_that_all_but_touch_are_drawn_as_one_but_counted_as_they_are() -> None:
    svg = laned(*(Span(t, t + 1.0, "missing", "grey") for t in range(100, 200, 2)), length_s=10_000.0)
    assert svg.count('<span class="grey"') == 1 and "width:0.990%" in svg and "missing 0:50" in svg
    apart = laned(*(Span(t, t + 1.0, "missing", "grey") for t in range(100, 200, 20)))
    assert apart.count('<span class="grey"') == 5


def test_no_stretches_no_lane() -> None:
    assert "lane" not in laned() and "lane" not in panel(Panel("Pulse", "", (line([1.0, 2.0]),)), 2.0, [])


def test_text_is_escaped_everywhere() -> None:
    nasty = "<b>&\"'"
    made = panel(Panel(nasty, nasty, (Line(nasty, np.zeros(1), np.zeros(1), "one"), line([1.0]))), 1.0, [])
    made += laned(Span(0, 1, nasty)) + strip(nasty, [Span(0, 1, nasty)], 1.0) + time_axis(1.0, [Span(0, 1, nasty)])
    assert "<b>" not in made and "&lt;b&gt;" in made


def test_flat_and_empty_lines_still_make_a_plot() -> None:
    for value in ([5.0, 5.0], [np.nan], [0.0]):
        assert "<svg" in panel(Panel("Flat", "", (line(value),)), 2.0, [])
