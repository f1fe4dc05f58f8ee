"""The report: one page that stands alone and tells the session in its own words."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from synth.record import read_record
from synth.record.plots import MAX_POINTS
from synth.record.report import DISCLAIMER, write_report


class Page(HTMLParser):
    """Checks that tags close in order, and keeps text, attributes and tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.tags: set[str] = set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in {"meta"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-1:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture
def make_page(make_session: Callable[..., Path]) -> Callable[..., str]:
    def make(**options: object) -> str:
        folder = make_session(**options)
        write_report(read_record(folder), folder / "controls.csv", folder / "report.html")
        return (folder / "report.html").read_text(encoding="utf-8")

    return make


def test_the_page_is_well_formed_and_asks_nothing_of_the_network(make_page: Callable[..., str]) -> None:
    text = make_page()
    page = Page(text)
    assert page.open == []
    assert not page.tags & {"script", "link", "img", "iframe", "object", "embed"}
    assert not [name for name, _ in page.attributes if name in {"src", "href"} or name.startswith("on")]
    assert "url(" not in text and "@import" not in text and "://" not in text


def test_it_tells_what_was_sensed_believed_planned_and_played(make_page: Callable[..., str]) -> None:
    text = make_page()
    told = " ".join(Page(text).text)
    for heading in ("Sensed", "Believed", "Planned", "Played", "Why the music moved", "Safety", "Repairs"):
        assert heading in told
    for panel in ("Heart rate", "Skin conductance", "Arousal", "Targets", "Tempo", "Dynamics", "Loudness", "Density"):
        assert f"<h4>{panel}" in text
    for label in ("C ionian", "G dorian", "baseline", "plateau", "seed 7", "48 kHz", "12:00 long", "weak signal"):
        assert label in told
    assert DISCLAIMER in told


def plot(text: str, title: str) -> str:
    """The panel with this title."""
    start = text.index(f"<h4>{title}")
    return text[start : text.index("<h4>", start + 4)]


def test_what_was_sensed_left_out_and_believed_of_the_heart_is_told_apart(make_page: Callable[..., str]) -> None:
    heart = plot(make_page(), "Heart rate")
    legend = re.findall(r'<li class="([^"]*)">([^<]*)</li>', heart)
    assert legend[:6] == [
        ("faint dots", "beats left out"),
        ("four dots", "beats"),
        ("faint", "weak signal, set aside"),
        ("four thin", "device&#x27;s own"),
        ("two dashed", "own baseline"),
        ("one", "believed"),
    ]
    paths = dict(re.findall(r'<path class="line ([^"]*)" d="([^"]*)"', heart))
    assert paths["faint dots"].count(" 0.0h") == 18  # one in forty seconds comes early, beyond the axis
    assert paths["faint dots"].count("M") <= 36  # and may take the one after it along
    assert 1000 < paths["four dots"].count("M") < 2 * 720
    assert paths["one"].count("M") == 3  # it breaks where the heart was set aside
    shown = [float(mark) for mark in re.findall(r'<span style="top:[^"]*">(\d+)</span>', heart)]
    assert shown and max(shown) <= 90  # early beats of 158 bpm do not stretch the axis


def test_when_and_why_a_source_was_set_aside_is_shown_and_said(make_page: Callable[..., str]) -> None:
    text = make_page()
    heart, skin = plot(text, "Heart rate"), plot(text, "Skin conductance")
    assert 'aria-label="set aside: missing 0:25, stands still 0:12"' in heart
    assert 'title="6:35 to 7:00: missing"' in heart and 'title="10:00 to 10:12: stands still"' in heart
    assert 'aria-label="set aside: not in contact 0:20, disturbed 0:20"' in skin
    assert skin.count('<span class="disturbed"') == 2 and "slow part, believed" in skin
    assert len(re.findall(r"M", dict(re.findall(r'<path class="line ([^"]*)" d="([^"]*)"', skin))["one"])) == 3


def test_doubt_that_it_fits_and_mood_as_told_are_shown(make_page: Callable[..., str]) -> None:
    arousal = plot(make_page(), "Arousal")
    assert 'title="9:20 to 12:00: hardly answers so far"' in arousal and "hardly answers so far 2:40" in arousal
    assert "valence, as told" in arousal


def test_an_older_record_tells_what_it_holds(make_page: Callable[..., str]) -> None:
    text = make_page(older=True)
    assert Page(text).open == [] and 'class="lane"' not in text and "as told" not in text
    assert "believed" in plot(text, "Heart rate") and "slow part" not in plot(text, "Skin conductance")


def test_the_tile_tells_the_believed_heart_rate(make_page: Callable[..., str]) -> None:
    told = " ".join(Page(make_page()).text)
    assert "Heart rate, beginning and end 83 \u2192 70" in told  # the device says 82 and 69


def test_reasons_are_sentences_in_order_of_time(make_page: Callable[..., str]) -> None:
    text = make_page()
    reasons = text[text.index("Why the music moved") : text.index("What was believed, in words")]
    starts = [60 * int(m) + int(s) for m, s in re.findall(r"<time>(\d+):(\d\d)", reasons)]
    assert starts == sorted(starts) and len(starts) >= 6
    assert "tempo 72 to 71 bpm" in reasons and "Moved by hand" in reasons
    assert "Holding: the sensor is weak" in reasons and "pull back" in reasons


def test_safety_and_repairs_are_listed(make_page: Callable[..., str]) -> None:
    told = " ".join(Page(make_page()).text)
    assert "Rise held to 1 LU in 3 s" in told
    assert "hr: 3 times out of order were sorted" in told and "dynamics: 99 is out of range: 8" in told


def test_without_a_recording_it_says_open_loop(make_page: Callable[..., str]) -> None:
    told = " ".join(Page(make_page(sensed=False)).text)
    assert "No recording: the plan ran open-loop" in told
    assert "Heart rate" not in told and "Targets" in told


def test_no_line_has_more_points_than_a_screen_can_show(make_page: Callable[..., str]) -> None:
    paths = re.findall(r'<path class="line [^"]*" d="([^"]*)"', make_page())
    assert len(paths) >= 10
    assert max(len(re.findall("[MLH]", path)) for path in paths) <= MAX_POINTS


def test_a_session_that_broke_off_still_has_a_report(make_session: Callable[..., Path]) -> None:
    folder = make_session(minutes=3.0)
    record = folder / "session.jsonl"
    record.write_bytes(record.read_bytes()[: record.stat().st_size // 2])
    write_report(read_record(folder), folder / "controls.csv", folder / "report.html")
    assert "The session broke off" in (folder / "report.html").read_text(encoding="utf-8")


def test_names_in_a_record_cannot_become_markup(make_session: Callable[..., Path]) -> None:
    folder = make_session(minutes=0.5)
    record = folder / "session.jsonl"
    record.write_text(record.read_text().replace('"title":"Settle"', '"title":"<script>alert(1)</script>"'))
    write_report(read_record(folder), folder / "controls.csv", folder / "report.html")
    assert "<script" not in (folder / "report.html").read_text(encoding="utf-8")


def test_controls_alone_make_a_page_when_nothing_was_planned(tmp_path: Path, make_session: Callable[..., Path]) -> None:
    folder = make_session(minutes=0.5, sensed=False)
    lines = (folder / "session.jsonl").read_text().splitlines()
    (folder / "session.jsonl").write_text("\n".join([lines[0], lines[-1]]) + "\n")
    write_report(read_record(folder), folder / "controls.csv", folder / "report.html")
    assert "Nothing was moved in this session." in (folder / "report.html").read_text(encoding="utf-8")
