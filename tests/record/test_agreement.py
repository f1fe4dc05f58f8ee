"""The report's words agree with the record: read back from the page, held against the lines of real sessions.

Nothing here uses what made the page: the page is parsed as HTML, the record as JSON.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synth.controls import TABLE
from synth.output.controls_csv import ControlsCsv
from synth.output.render import render_session
from synth.preset import load_preset, preset_to_dict
from synth.record import RecordWriter
from synth.record.pages import write_pages
from synth.record.story import Move
from synth.session import Session
from synth.wearables.samples import Samples

WHO = {"plan": "Plan", "policy": "Loop", "mapping": "Loop", "script": "Script", "hand": "Person", "safety": "Safety"}
NUMBER = re.compile(r"[-+\u2212]?\d+(?:\.\d+)?")


@dataclass
class Told:
    """An event as the page tells it."""

    start_s: float = 0.0
    end_s: float = 0.0
    who: str = ""
    text: str = ""
    times: int = 1
    moves: list[str] = field(default_factory=list)

    def covers(self, t_s: float) -> bool:
        return self.start_s - 0.51 <= t_s <= self.end_s + 0.51  # times are told in whole seconds


class Page(HTMLParser):
    """The events of each section, and the figures of the tiles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sections: dict[str, list[Told]] = {}
        self.tiles: dict[str, str] = {}
        self._section = self._place = self._name = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kind = dict(attrs).get("class") or ""
        if tag == "section" and dict(attrs).get("id"):
            self._section = str(dict(attrs)["id"])
            self.sections[self._section] = []
        elif tag == "li" and self._section in EVENTS:
            self.sections[self._section].append(Told())
        self._place = {"times": "times", "moves": "moves"}.get(kind, "who" if kind.startswith("who") else tag)
        if tag == "span" and not kind and self.events:
            self.events[-1].moves.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("p", "time", "span", "dd", "dt", "small", "h2"):
            self._place = "p" if tag == "small" else ""

    @property
    def events(self) -> list[Told]:
        return self.sections.get(self._section, [])

    def handle_data(self, data: str) -> None:
        if self._place == "dt":
            self._name = data
        elif self._place == "dd":
            self.tiles.setdefault(self._name, data.strip())
        if not self.events:
            return
        event = self.events[-1]
        match self._place:
            case "time":
                ends = [seconds(part) for part in data.split(" to ")]
                event.start_s, event.end_s = ends[0], ends[-1]
            case "who":
                event.who += data
            case "p":
                event.text += data
            case "times":
                event.times = int(data.removesuffix(" times"))
            case "span" if event.moves:
                event.moves[-1] += data


EVENTS = ("moved", "believed", "safety", "incidents", "refused", "repairs")


def seconds(clock: str) -> float:
    total = 0
    for part in clock.split(":"):
        total = 60 * total + int(part)
    return float(total)


def who(by: str) -> str:
    kind, _, name = by.partition(":")
    return WHO[kind] + (f" ({name})" if name else "")


def same(told: str, text: str) -> bool:
    """Whether a sentence is this one, but for its first letter's case and its numbers."""
    return NUMBER.sub("#", told).strip().casefold() == NUMBER.sub("#", text).strip().casefold()


def exactly(told: str, text: str) -> bool:
    return told.strip() == text[:1].upper() + text[1:].rstrip() or told.strip() == text.strip()


def control_name(control: str) -> str:
    for unit in ("_bpm", "_hz", "_db", "_lu", "_oct", "_note", "_ms", "_lufs"):
        control = control.removesuffix(unit)
    return control.replace("_", " ")


@dataclass
class Case:
    lines: list[dict[str, Any]]
    page: Page

    def of(self, *types: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["type"] in types]

    @property
    def taken(self) -> list[dict[str, Any]]:
        return [line for line in self.of("commit") if line.get("accepted", True)]


def opened(folder: Path) -> Case:
    lines = [json.loads(line) for line in (folder / "session.jsonl").read_text(encoding="utf-8").splitlines()]
    return Case(lines, Page((folder / "report.html").read_text(encoding="utf-8")))


def with_people(folder: Path) -> None:
    """A session in which people say and move things, give them back, and stop it before its time."""
    with RecordWriter(folder / "session.jsonl") as record:
        session = Session("energise", seed=5, minutes=4.0, audio=False, record=record.write)
        controls = ControlsCsv(folder / "controls.csv", session.sample_rate)
        session.on_block = lambda block: controls.add(block, session.phase)
        acts = {
            20: lambda: session.verb("less"),
            23: lambda: session.verb("less"),
            40: lambda: session.request("space", 0.9, by="hand:ann", reason="wider"),
            44: lambda: session.request("tempo_bpm", 500.0, by="hand:ann"),
            70: lambda: session.release("space"),
            75: lambda: session.verb("hold"),
            90: lambda: session.verb("advance"),
            100: lambda: session.request("key", 7.0),
            104: lambda: session.request("key", 0.0),
            110: lambda: session.feed("self_valence", 0.5),
            115: lambda: session.edit(preset_to_dict(session.preset)["phases"]),
            120: lambda: session.verb("ground"),
            140: lambda: session.panic(),
            150: lambda: session.stop(),
        }
        for second in range(240):
            acts.get(second, lambda: None)()
            if not session.finished:
                session.render(session.sample_rate)
        session.close()
        controls.close()
    write_pages(folder)


class Rising:
    """A recording of someone at rest whose heart climbs by 45 a minute from 90 s on."""

    meta = {"id": "rising"}
    repairs: tuple[str, ...] = ()

    def between(self, start_s: float, end_s: float) -> list[Samples]:
        t_s = np.arange(math.ceil(start_s), math.ceil(end_s), dtype=np.float64)
        if not t_s.size:
            return []
        hr = 65.0 + 45.0 * np.clip((t_s - 90.0) / 40.0, 0.0, 1.0) + t_s * 7.0 % 5.0
        return [Samples.of("hr", t_s, hr), Samples.of("eda", t_s, 4.0 + 0.01 * (t_s % 7.0))]


@pytest.fixture(scope="module", params=["steered by signals", "with people", "a short break"])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    folder = tmp_path_factory.mktemp("agreement")
    if request.param == "with people":
        with_people(folder)
    else:
        steered = request.param.startswith("steered")
        script = [
            (20.0, "brightness_oct", -1.0),
            (60.0, "space", 0.9),
            (65.0, "space", 0.2),
            (80.0, "tempo_bpm", 900.0),
        ]
        render_session(
            load_preset("settle" if steered else "short-break"),
            folder,
            minutes=3.5 if steered else 5.0,
            seed=1,
            sample_rate=22_050,
            stems=False,
            wearable=Rising() if steered else None,
            script=script,
        )
    yield opened(folder)


def test_every_commit_that_is_heard_is_told_with_who_and_why(case: Case) -> None:
    heard = [line for line in case.taken if Move(line["control"], line["old"], line["new"]).seen]
    assert len(heard) >= 5
    for line in heard:
        told = [
            event
            for event in case.page.sections["moved"]
            if event.who == who(line["by"])
            and same(event.text, line["reason"])
            and event.covers(line["t_s"])
            and any(move.startswith(control_name(line["control"]) + " ") for move in event.moves)
        ]
        assert told, line


def test_every_commit_that_was_taken_has_a_reason(case: Case) -> None:
    assert case.taken and all(line["reason"].strip() for line in case.taken)


def test_what_moved_is_told_with_the_records_numbers(case: Case) -> None:
    moves = 0
    for event in case.page.sections["moved"]:
        if not event.moves:
            continue
        lines = [
            line
            for line in case.taken
            if who(line["by"]) == event.who and same(event.text, line["reason"]) and event.covers(line["t_s"])
        ]
        assert lines and exactly(event.text, lines[-1]["reason"]), event
        for move in event.moves:
            own = [line for line in lines if move.startswith(control_name(line["control"]) + " ")]
            assert own, move
            row = TABLE[own[0]["control"]]
            told = move.removeprefix(control_name(row.name)).strip()
            if row.choices:
                first, last = told.partition(" by way of ")[0].split(" to ")
                assert (first, last) == (row.text(own[0]["old"]), row.text(own[-1]["new"]))
                continue
            assert row.unit in told
            first, last, *ways = NUMBER.findall(told.replace("1/s", "").replace("1/min", ""))
            values = [own[0]["old"], own[-1]["new"]]
            for number, value in zip((first, last), values, strict=True):
                half = 0.5 * 10.0 ** -len(number.partition(".")[2]) + 1e-9
                assert abs(float(number.replace("\u2212", "-")) - value) <= half, (move, value)
            between = {round(x, 6) for line in own for x in (line["old"], line["new"])}
            for way in ways:
                assert any(abs(float(way.replace("\u2212", "-")) - x) <= 0.51 for x in between), move
            moves += 1
    assert moves >= 3


def test_nothing_is_told_that_the_record_does_not_hold(case: Case) -> None:
    said = [(line["t_s"], "Plan", text) for line in case.of("plan") for text in line.get("words", ())]
    said += [
        (line["t_s"], "Person", f"asked for \u201c{line['verb'].replace('_', ' ')}\u201d") for line in case.of("verb")
    ]
    given = [(line["t_s"], f"gave {control_name(line['control'])} back to the plan") for line in case.of("release")]
    said += [(line["t_s"], "Plan", line["text"]) for line in case.of("cue")]
    edits = [
        (line["t_s"], ", ".join(f"{p['kind']} {p['minutes']:g} min" for p in line["phases"]))
        for line in case.of("edit")
    ]
    for event in case.page.sections["moved"]:
        if event.moves:
            continue  # held against the commits above
        told = any(event.covers(t) and event.who == speaker and same(event.text, text) for t, speaker, text in said)
        told |= any(event.covers(t) and exactly(event.text, text) for t, text in given)
        told |= any(event.covers(t) and exactly(event.text, f"changed the plan to {text}") for t, text in edits)
        assert told, event
    believed = [(line["t_s"], text) for line in case.of("state") for text in line.get("reasons", ())]
    for event in case.page.sections["believed"] if "believed" in case.page.sections else ():
        assert any(abs(t - event.end_s) <= 0.51 and exactly(event.text, text) for t, text in believed), event
    for name, kind in (("repairs", "repair"), ("refused", "refusal")):
        for event in case.page.sections[name]:
            texts = [line["text"] for line in case.of(kind)]
            texts += [
                f"{control_name(line['control'])}: {line['repair']}" for line in case.of("commit") if line.get("repair")
            ]
            assert any(exactly(event.text, text) for text in texts), event


def test_everything_that_was_said_is_told(case: Case) -> None:
    for line in case.of("plan"):
        for text in line.get("words", ()):
            assert any(same(e.text, text) and e.covers(line["t_s"]) for e in case.page.sections["moved"]), text
    for line in case.of("cue"):
        assert any(same(e.text, line["text"]) and e.covers(line["t_s"]) for e in case.page.sections["moved"]), line
    assert sum(e.text.startswith("Changed the plan") for e in case.page.sections["moved"]) == len(case.of("edit"))
    for line in case.of("release"):
        text = f"gave {control_name(line['control'])} back to the plan"
        assert any(exactly(e.text, text) and e.covers(line["t_s"]) for e in case.page.sections["moved"]), line


def test_counts_agree(case: Case) -> None:
    verbs = Counter(f"Asked for \u201c{line['verb'].replace('_', ' ')}\u201d" for line in case.of("verb"))
    told: Counter[str] = Counter()
    for event in case.page.sections["moved"]:
        if event.text.strip() in verbs:
            told[event.text.strip()] += event.times
    assert told == verbs
    safety = case.page.sections["safety"]
    taken_back = [event for event in safety if event.text.startswith("The music was taken back")]
    assert sum(e.times for e in safety if e not in taken_back) == len(case.of("safety", "panic", "stop"))
    assert {same_reason(e.text.partition(": ")[2]) for e in taken_back} == {
        same_reason(line["reason"]) for line in case.taken if line["by"] == "safety"
    }
    assert sum(event.times for event in case.page.sections["refused"]) == len(case.of("refusal"))
    logged = [(line["kind"], line["t_s"]) for line in case.of("incident")]
    bare = [
        line
        for line in case.of("panic", "stop", "refusal")
        if not any(kind == line["type"] and abs(t_s - line["t_s"]) <= 1.0 for kind, t_s in logged)
    ]
    assert sum(event.times for event in case.page.sections["incidents"]) == len(case.of("incident")) + len(bare)
    softened = [line for line in case.of("commit") if line.get("repair")]
    assert sum(event.times for event in case.page.sections["repairs"]) == len(case.of("repair")) + len(softened)
    assert case.page.tiles["Requests taken"] == str(len(case.taken))


def same_reason(text: str) -> str:
    return NUMBER.sub("#", text).strip().casefold()


def test_the_cases_hold_what_they_are_to_show(case: Case) -> None:
    """So that the comparisons above are not empty."""
    if case.of("verb"):
        assert (
            case.of("release")
            and case.of("panic")
            and case.of("stop")
            and any(e.times == 2 for e in case.page.sections["moved"])
        )
    elif case.of("samples"):
        assert any(line["by"] == "safety" for line in case.taken)  # the heart rises at rest
    else:
        assert len(case.of("cue")) >= 2
    assert [line for line in case.of("commit") if line.get("repair")]
