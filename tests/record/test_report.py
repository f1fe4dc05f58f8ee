"""The report: one page that stands alone and tells the session in its own words."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

import synth
from synth.record import RecordWriter, read_record
from synth.record.pages import write_pages
from synth.record.plots import MAX_POINTS
from synth.record.report import DISCLAIMER, write_report
from synth.record.unknown import ESTIMATE


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


PAGES: dict[str, str] = {}  # made once for all tests


@pytest.fixture
def make_page(make_session: Callable[..., Path]) -> Callable[..., str]:
    def make(**options: object) -> str:
        if repr(options) not in PAGES:
            folder = make_session(**options)
            write_report(read_record(folder), folder / "controls.csv", folder / "report.html")
            PAGES[repr(options)] = (folder / "report.html").read_text(encoding="utf-8")
        return PAGES[repr(options)]

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
    assert "tempo 72.0 to 71.2 bpm" in reasons and "Person (osc)" in reasons
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


def section(text: str, name: str) -> str:
    """What the section called `name` says, tags taken out."""
    start = text.index(f'<section id="{name}"')
    return " ".join(Page(text[start : text.index("</section>", start) + len("</section>")]).text)


def test_everything_that_happened_has_its_place(make_page: Callable[..., str]) -> None:
    text = make_page(full=True)
    moved = section(text, "moved")
    assert "A breathing cue for 60 s" in moved and "A breathing cue ends" in moved and "A silence" in moved
    assert "Person (ann)" in moved and "Changed the plan to lead 8.5 min" in moved
    assert "Asked for \u201cpull back\u201d" in moved and "2 times" in moved
    assert "Rise held to 2 LU in 3 s" in section(text, "safety") and "2 times" in section(text, "safety")
    incidents = section(text, "incidents")
    assert "A guard stepped in" in incidents and "Too loud, from the music presented" in incidents
    assert "Tempo 160 is over the limit" in section(text, "refused")
    assert "Asked how it was" in section(text, "notes")


def test_how_the_session_was_set_is_told_in_words(make_page: Callable[..., str]) -> None:
    text = make_page(full=True)
    plan, screening, setting = (section(text, name) for name in ("plan", "screening", "setting"))
    assert "L2, responsive" in plan and "no percussion; nothing above 70 bpm" in plan
    assert "sensitive, the narrowest limits" in plan  # the screening's, stricter than the preset's
    closed, opened = screening.split("Open")
    assert "nothing pulses" in closed and "someone must be with the person" in closed and "20 minutes at most" in closed
    assert "taken the cautious way pulse sensitive" in screening and "loses touch" not in text  # no answer is told
    assert "one is open and taken the cautious way" in section(text, "not-known")
    assert "a landmark sounds every 4 minutes" in closed and "haptic output is allowed" in opened
    assert "Headphones or speakers headphones" in setting and "the person, freely" in setting
    assert "Not told: content" in setting and "who controls the volume" in setting
    told = section(text, "told")
    assert "PHQ-9 0 to 27 12 (2 of 4 cut-points) \u2013 \u2013" in told and "calm 0 to 100 30 62 +32" in told
    assert "PHQ-9: an answer told of danger" in told and "0.5 at 0:30; \u22120.6 at 10:00" in told


def test_levels_are_told_only_with_a_calibration(make_page: Callable[..., str]) -> None:
    level = section(make_page(full=True), "level")
    assert "72 dB SPL at \u221220 LUFS; how it was found: sound level meter" in level
    assert "59.2 dB SPL" in level and "60.0 dB SPL" in level and "0.22 %" in level
    for page in (make_page(), make_page_without(make_page)):
        assert "dB SPL" not in page and "dBA" not in page and "and no dose is counted" in section(page, "level")
        assert "was not calibrated" in section(page, "not-known")


def make_page_without(make_page: Callable[..., str]) -> str:
    """A page of a record that has doses, a level in its setting and no calibration: none of them may be told."""
    return make_page(full=True, older=True, calibration=None, setting={"level_db_spl": 61.0})


@pytest.mark.parametrize("name", ["level_db_spl"])
def test_a_level_that_was_measured_for_the_setting_is_told_as_such(make_page: Callable[..., str], name: str) -> None:
    text = make_page(setting={name: 61.0, "calibrated": True})
    assert "61 dB SPL" in section(text, "setting") and "as measured for the setting" in section(text, "level")


def test_what_is_not_known_is_counted_from_the_record(make_page: Callable[..., str]) -> None:
    told = section(make_page(), "not-known")
    assert "natural settling cannot be told from an effect" in told
    assert "How the person was for 1:09 of 12:00" in told  # 0:34 until it is sure enough, 0:35 with a weak sensor
    assert "What the heart did for 0:39" in told and "What the skin did for 0:40" in told
    assert "What the estimate means for 2:40" in told and "not checked against anything the person told" in told
    assert "it was not told" in told and "By which policy" in told and "safety questions" in told
    assert "They were not asked" in told or "they were not asked" in told
    full = section(make_page(full=True), "not-known")
    assert "The person told how activated they felt 2 times" in full and "not calibrated" not in full
    assert "By which policy" not in full and "what the safety questions left open" not in full


def test_without_sensors_it_says_that_the_body_was_not_asked(make_page: Callable[..., str]) -> None:
    told = section(make_page(sensed=False), "not-known")
    assert "nothing was sensed" in told and "22 people" not in told


def test_the_estimators_limits_are_those_of_its_model_card() -> None:
    card = " ".join((Path(synth.__file__).parent / "estimator" / "MODEL_CARD.md").read_text().split())
    for words in ("22 people", "no music was playing", "About one person in seven is told badly", "one wrist device"):
        assert words in card
    assert "22 people" in ESTIMATE and "one person in seven is told badly" in ESTIMATE


def test_the_record_tells_whether_it_is_whole(make_session: Callable[..., Path]) -> None:
    folder = make_session(minutes=1.0)

    def told() -> tuple[str, str]:
        write_report(read_record(folder), folder / "controls.csv", folder / "report.html")
        text = (folder / "report.html").read_text(encoding="utf-8")
        return section(text, "record"), section(text, "not-known")

    whole, unknown = told()
    assert "Every line is in place" in whole and "broken or missing" not in unknown
    path = folder / "session.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:40] + [lines[40].replace(b"0", b"1", 1)] + lines[41:]))
    broken, unknown = told()
    assert "ine 41 was changed" in broken and "Every line is in place" not in broken and "broken or missing" in unknown
    path.write_bytes(b"".join(lines[:-1]))
    assert "There is no end" in told()[0]


@pytest.mark.parametrize("where", [0, 1])
def test_no_text_in_a_record_becomes_markup(make_session: Callable[..., Path], where: int) -> None:
    """Every text and every name of the session's own, at its beginning or at its end."""
    nasty = "<script>alert('x')</script>\"&"

    def spoil(value: object, key: str = "") -> object:
        if isinstance(value, dict):
            own = key in ("gates", "setting", "calibration", "settings", "preset")
            spoiled = {name: spoil(item, name) for name, item in value.items()}
            return spoiled | ({nasty: nasty} if own else {})
        if isinstance(value, list):
            return [spoil(item) for item in value]
        if isinstance(value, str) and key not in ("type", "started"):
            return value + nasty if where else nasty + value
        return value

    folder = make_session(minutes=2.0, full=True, calibration={"source": "meter"}, settings={"space": 0.5})
    record = read_record(folder)
    with RecordWriter(folder / "session.jsonl", overwrite=True, free_text=True) as out:
        for line in (record.header, *record.lines):
            out.write({name: spoil(v, name) for name, v in line.items() if name not in ("schema", "integrity")})
    for page in write_pages(folder):
        text = page.read_text(encoding="utf-8")
        assert Page(text).open == [] and "script" not in Page(text).tags and "&lt;script&gt;" in text
        assert not [name for name, _ in Page(text).attributes if name.startswith("on")]


def test_pages_are_for_their_owner_only(make_session: Callable[..., Path]) -> None:
    folder = make_session(minutes=0.5)
    (folder / "report.html").write_text("old")
    (folder / "report.html").chmod(0o644)
    assert [page.stat().st_mode & 0o777 for page in write_pages(folder)] == [0o600, 0o600]
