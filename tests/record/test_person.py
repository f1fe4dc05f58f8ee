"""The person's page: plain words, few, from the record; no score of a questionnaire, no jargon."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from synth.record import RecordWriter, read_record
from synth.record.figure import read_controls
from synth.record.pages import write_pages
from synth.record.person import MOST_SENTENCES, NO_HEALTH, how_it_moved, plain

JARGON = re.compile(
    r"arousal|valence|tension|baseline|confidence|LUFS|dBTP|\bdB\b|\bHz\b|policy|mapping|phase|quantum|seed|RMSSD|"
    r"conductance|PHQ|GAD|STAI|symptom|score|patient|heal\b|cure",
    re.I,
)


def parts(folder: Path) -> dict[str, list[str]]:
    """The sentences of each part of the page, and all of its text as "all"."""
    write_pages(folder, person=True)
    text = (folder / "person.html").read_text(encoding="utf-8")
    body = text[text.index("<body>") :]
    found = {
        name: [re.sub("<[^>]+>", "", p) for p in re.findall("<p>(.*?)</p>", inside)]
        for name, inside in re.findall(r'<section id="(\w+)">(.*?)</section>', body)
    }
    words = re.sub("<title>.*?</title>|<[^>]+>", " ", body)
    return found | {"all": [re.sub(r"\s+", " ", words)]}


def test_it_tells_the_session_in_plain_words(make_session: Callable[..., Path]) -> None:
    page = parts(make_session(full=True))
    assert page["chosen"] == [
        "You chose Settle, with these wishes: no percussion; nothing above 70 bpm.",
        "It was 12 minutes long.",
    ]
    assert page["moved"] == [
        "It went by a plan: settling in, then meeting you where you were, then leading on, then staying there,"
        " then coming back.",
        "Its pulse slowed from about 72 to 60 beats a minute.",
        "What you wore was listened to all along.",
        "You, or someone with you, asked for \u201cpull back\u201d twice and moved 2 controls by hand.",
        "On the way there were a breathing cue and a silence.",
    ]
    assert page["told"] == [
        "Calm: 30 before and 62 after, from 0 to 100.",
        "You said you felt stirred at 0:30 and calm at 10:00.",
    ]
    assert page["safety"][-1] == "At 11:40 a stop was asked for: the music faded out."
    assert "whether the music did it" in page["cannot"][0] and len(page["cannot"]) == 2
    assert NO_HEALTH in page["all"][0] and "Your heart rate" in page["all"][0]


def test_it_holds_no_score_of_a_questionnaire_and_no_jargon(make_session: Callable[..., Path]) -> None:
    (words,) = parts(make_session(full=True))["all"]
    assert not JARGON.search(words), JARGON.search(words)
    assert "12 " not in words.replace("12 minutes", "") and "cut-points" not in words and "danger" not in words


def test_without_a_sensor_it_says_so_and_shows_the_plan(make_session: Callable[..., Path]) -> None:
    page = parts(make_session(sensed=False))
    assert "Nothing you wore was listened to: it went by the clock." in page["moved"]
    assert "How lively the music was meant to be" in page["all"][0] and "Your heart rate" not in page["all"][0]
    assert "nothing you wore" in page["cannot"][1] and "how loud it was" in page["cannot"][2]
    assert page["told"] == ["You were not asked how you felt, or did not say."]


def test_a_session_that_ended_before_its_time_says_so(make_session: Callable[..., Path]) -> None:
    assert parts(make_session(minutes=12.0, sensed=False))["chosen"][1] == "It was 12 minutes long."
    early = make_session(sensed=False)
    (early / "session.jsonl").write_text(
        "".join(
            line.replace('"frames":34560000', '"frames":14400000')
            for line in (early / "session.jsonl").read_text().splitlines(keepends=True)
        )
    )
    assert parts(early)["chosen"][1] == "It was planned for 12 minutes and ended after 5 minutes."
    broken = make_session(minutes=3.0, sensed=False)
    path = broken / "session.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    assert parts(broken)["chosen"][1].startswith("It broke off after ")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("holding here for a while: skin conductance above your baseline", "it waited where it was"),
        ("slowed the arc: heart rate 9 above your baseline", "it took more time"),
        ("quickened the arc: close to your baseline", "it went on a little sooner"),
    ],
)
def test_the_first_decision_for_what_was_sensed_is_told(
    make_session: Callable[..., Path], words: str, told: str
) -> None:
    folder = make_session()
    record = read_record(folder)
    with RecordWriter(folder / "session.jsonl", overwrite=True) as out:
        for line in (record.header, *record.lines):
            deciding = line["type"] == "plan" and line["t_s"] in (300.0, 360.0)
            out.write({**line, "words": [words]} if deciding else line)
    (sentence,) = [text for text in parts(folder)["moved"] if "listened" in text]
    assert sentence.startswith(f"What you wore was listened to. At 5:00 {told}: ")
    assert "your usual" in sentence and "(the first of 2 such moments)" in sentence


def test_no_more_than_five_sentences_whatever_happened(make_session: Callable[..., Path]) -> None:
    folder = make_session(full=True)
    record, played = read_record(folder), read_controls(folder / "controls.csv")
    assert len(how_it_moved(record, played)) == MOST_SENTENCES == 5


def test_the_engines_words_are_put_plainly() -> None:
    told = plain("the music was taken back: arousal rose by 0.31 in 90 s while the plan asks for no rise")
    assert told == "the music was taken back: your signals rose for 90 seconds"
    assert plain("heart rate over 25 a minute above its own resting rate").endswith("above your rate at rest")
    assert plain("skin conductance responses at over 3 times their own rate") == (
        "your skin's responses at over 3 times your usual"
    )


def test_what_was_told_is_no_sensor(make_session: Callable[..., Path]) -> None:
    folder = make_session(minutes=3.0, sensed=False)
    told = {"type": "samples", "channel": "self_valence", "t_s": [60.0], "value": [0.5], "quality": [1.0]}
    record = read_record(folder)
    with RecordWriter(folder / "session.jsonl", overwrite=True) as out:
        for line in (record.header, told, *record.lines):
            out.write(line)
    page = parts(folder)
    assert "Nothing you wore was listened to: it went by the clock." in page["moved"]
    assert page["told"] == ["You said your mood was good at 1:00."]
    write_pages(folder)
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert "only what the person told was taken in" in report and "could be relied on" not in report
    assert "nothing was sensed, and nothing is believed" in report
