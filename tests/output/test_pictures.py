"""Pictures of scores: well-formed, drawn from the score's own notes and form, legible at any length."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest

from synth.output.pictures.overview import overview
from synth.output.pictures.roll import LINE_S, PAGE_S, roll, write_roll
from synth.output.pictures.svg import Drawing, text_width
from synth.score.clock import Clock
from synth.score.model import TICKS_PER_BEAT, Marker, Metre, Note, Score, Tempo
from synth.score.outline import outline

NS = "{http://www.w3.org/2000/svg}"


def parsed(drawing: Drawing) -> ET.Element:
    return ET.fromstring(str(drawing))


def of_class(root: ET.Element, name: str) -> list[ET.Element]:
    return [element for element in root.iter() if name in element.get("class", "").split()]


def words(root: ET.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{NS}text")]


@pytest.fixture
def long_score() -> Score:
    """Three hours: a phrase of 20 s after another, a note a second and a drum, keys and scenes that change."""
    beats = 3 * 3600
    score = Score(("melody", "percussion"), end_tick=beats * TICKS_PER_BEAT)
    score.tempos, score.metres = [Tempo(0, 1_000_000)], [Metre(0, 4)]
    for beat in range(beats):
        score.notes.append(Note("melody", beat * TICKS_PER_BEAT, 900, 60 + beat % 12, 0.2 + 0.06 * (beat % 12)))
        if beat % 4 == 0:
            score.notes.append(Note("percussion", beat * TICKS_PER_BEAT, 100, 36, 0.5))
        if beat % 20 == 0:
            tick = beat * TICKS_PER_BEAT
            score.markers.append(Marker(tick, "phrase", f"phrase {beat // 20 + 1} {'ABC'[beat // 20 % 3]}"))
            score.markers.append(Marker(tick, "tension", f"{beat % 100 / 100:.2f}"))
        if beat % 600 == 300:
            score.markers.append(Marker(beat * TICKS_PER_BEAT, "recall", "A, 300 s later"))
    return score


@pytest.mark.parametrize("which", ["settle", "waltz"])
def test_a_roll_holds_the_score(which: str, request: pytest.FixtureRequest) -> None:
    score: Score = request.getfixturevalue(which)
    plan = outline(score)
    (page,) = [parsed(drawing) for drawing in roll(score, "A & <B>")]
    lines = of_class(page, "line")
    ideas = [box.get("data-idea") for box in of_class(page, "phrase")]
    assert list(dict.fromkeys(ideas)) == list(dict.fromkeys(phrase.text for phrase in plan.phrases))
    assert len(lines) >= Clock(score).seconds(score.end_tick) / LINE_S
    bars = sum(rules.get("d", "").count("M") for rules in of_class(page, "bars"))
    assert bars == len(plan.measures)
    assert [c.text for c in of_class(page, "chord")] == [chord.text for chord in plan.chords]
    assert {"A & <B>", "key"} <= set(words(page))
    strokes = {stem: 0 for stem in score.stems}
    for path in of_class(page, "notes"):
        strokes[path.get("class", "").split()[1]] += path.get("d", "").count("M")
    starts = {line_start for line_start in _line_starts(score)}
    for stem, count in strokes.items():
        notes = [n for n in score.notes if n.stem == stem]
        again = sum(n.tick < start < n.tick + n.duration and start < score.end_tick for n in notes for start in starts)
        assert count == sum(n.tick < score.end_tick for n in notes) + again


def _line_starts(score: Score) -> list[int]:
    """Where lines begin: told apart by the times written before them."""
    clock = Clock(score)
    told = [t for t in words(parsed(roll(score)[0])) if re.fullmatch(r"\d+:\d\d", t)]
    bars = [m.tick for m in outline(score).measures]
    return [
        min(bars, key=lambda tick: abs(clock.seconds(tick) - (60 * int(t.split(":")[0]) + int(t[-2:])))) for t in told
    ]


def test_nothing_is_drawn_outside_the_sheet(settle: Score) -> None:
    for drawing in (*roll(settle), overview(settle)):
        root = parsed(drawing)
        for rect in root.iter(f"{NS}rect"):
            x, y = float(rect.get("x", "0")), float(rect.get("y", "0"))
            assert x >= 0 and x + float(rect.get("width", "0")) <= drawing.width + 0.1
            assert y >= 0 and y + float(rect.get("height", "0")) <= drawing.height + 0.1
        for text in root.iter(f"{NS}text"):
            size, x = float(text.get("font-size", "0")), float(text.get("x", "0"))
            wide = text_width(text.text or "", size)
            left = x - {"end": wide, "middle": wide / 2}.get(text.get("text-anchor", ""), 0.0)
            assert left >= -2 and left + wide <= drawing.width + 2, text.text


def test_words_in_a_row_do_not_touch(settle: Score, waltz: Score) -> None:
    for score in (settle, waltz):
        for drawing in (*roll(score), overview(score)):
            rows: dict[float, list[tuple[float, float, str]]] = {}
            for text in parsed(drawing).iter(f"{NS}text"):
                size, x = float(text.get("font-size", "0")), float(text.get("x", "0"))
                wide = 0.92 * text_width(text.text or "", size)
                left = x - {"end": wide, "middle": wide / 2}.get(text.get("text-anchor", ""), 0.0)
                rows.setdefault(float(text.get("y", "0")), []).append((left, left + wide, text.text or ""))
            for row in rows.values():
                row.sort()
                for (_, end, a), (start, _, b) in zip(row, row[1:], strict=False):
                    assert end <= start + 1.0, (a, b)


def test_tension_is_drawn_where_it_is_planned(made: Callable[..., Score]) -> None:
    score = made(("pad", 0.0, 8.0, 60))
    assert not of_class(parsed(roll(score)[0]), "tension")
    score.markers += [Marker(0, "tension", "0.00"), Marker(4 * TICKS_PER_BEAT, "tension", "1.00")]
    (curve,) = of_class(parsed(roll(score)[0]), "tension")
    first, _, second = re.fullmatch(r"M[\d.]+ ([\d.]+)H([\d.]+)V([\d.]+)H[\d.]+", curve.get("d", "")).groups()
    assert float(first) > float(second), "up is tense"


def test_names_that_would_touch_are_left_out(made: Callable[..., Score]) -> None:
    score = made(("pad", 0.0, 40.0, 60))
    score.markers += [Marker(beat * TICKS_PER_BEAT, "scene", f"scene {beat}") for beat in (0, 1, 20)]
    for drawing in (roll(score)[0], overview(score)):
        told = words(parsed(drawing))
        assert "scene 0" in told and "scene 20" in told and "scene 1" not in told


def test_hours_are_pages_and_one_map(long_score: Score, tmp_path) -> None:
    (tmp_path / "roll-99.svg").write_text("an older page")
    files = write_roll(long_score, tmp_path)
    assert len(files) == -(-3 * 3600 // PAGE_S) and sorted(tmp_path.glob("roll*")) == files
    pages = [ET.parse(path).getroot() for path in files]
    strokes = sum(path.get("d", "").count("M") for page in pages for path in of_class(page, "notes"))
    assert strokes == len(long_score.notes), "no note is held over a line here"
    chart = overview(long_score)
    assert chart.height < 3200
    root = parsed(chart)
    assert len(of_class(root, "row")) == 12 and len(of_class(root, "recall")) == 18
    stacks = "".join(path.get("d", "") for path in of_class(root, "density"))
    heights = [-float(h) for h in re.findall(r"v(-[\d.]+)h", stacks)]
    bins, panel_px, full_hz = 12 * 120, 64.0, 2.0
    assert sum(heights) / panel_px * full_hz / bins == pytest.approx(1.25, rel=0.01), "notes a second, on the whole"


def test_the_same_score_is_the_same_picture(settle: Score) -> None:
    assert [str(d) for d in roll(settle)] == [str(d) for d in roll(settle)]
    assert str(overview(settle)) == str(overview(settle))


def test_an_empty_score_can_be_drawn() -> None:
    for drawing in (*roll(Score(("pad",))), overview(Score(("pad",)))):
        assert parsed(drawing).tag == f"{NS}svg"
