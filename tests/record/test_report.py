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
