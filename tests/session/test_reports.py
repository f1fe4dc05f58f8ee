"""What people say of themselves: numbers are kept and met, everything else is refused aloud and changes nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from synth.preset import Cue, load_preset
from synth.session import REPORTS, Session, TermsError
from synth.wearables.packet import Packet
from synth.wearables.samples import Samples

RATE = 22_050
Acts = dict[int, Callable[[Session], Any]]


def played(acts: Acts, seconds: int = 40, audio: bool = False, preset: Any = "settle", **options: Any):
    """A session in which people do something at a second; its sound and its record."""
    lines: list[dict[str, Any]] = []
    session = Session(preset, seed=4, minutes=20, sample_rate=RATE, audio=audio, record=lines.append, **options)
    blocks = []
    for second in range(seconds):
        if second in acts:
            acts[second](session)
        blocks.append(session.render(RATE))
    return np.concatenate(blocks), lines, session


def of(lines: list[dict[str, Any]], *kinds: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["type"] in kinds]


@pytest.fixture(scope="module")
def plain():
    return played({}, audio=True)


@pytest.mark.parametrize("channel", REPORTS)
@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf, 1.01, -300.0])
def test_what_is_no_report_is_refused_and_nothing_else_changes(plain, channel, wrong):
    _, lines, _ = played({10: lambda session: session.feed(channel, wrong)})
    (refusal,) = of(lines, "refusal")
    assert (
        channel in refusal["text"] and str(wrong) in refusal["text"] and refusal["t_s"] == pytest.approx(10, abs=0.01)
    )
    assert [line for line in lines if line is not refusal] == plain[1]


def test_nor_is_it_heard(plain):
    acts = {
        5: lambda session: session.feed("self_arousal", math.nan),
        9: lambda session: session.feed("feedback", [math.inf, -9.0]),
        12: lambda session: session.feed("self_valence", 2.0, t_s=3.0, device="watch"),
    }
    heard, lines, _ = played(acts, audio=True)
    np.testing.assert_array_equal(heard, plain[0])
    assert np.abs(heard).max() > 0.01 and len(of(lines, "refusal")) == 4


def test_of_several_the_sound_ones_count(plain):
    _, lines, _ = played({10: lambda session: session.feed("feedback", [0.5, math.nan, -0.25])})
    assert [line["value"] for line in of(lines, "feedback")] == [0.5, -0.25]
    (taken,) = of(lines, "samples")
    assert taken["value"] == [0.5, -0.25] and len(of(lines, "refusal")) == 1


@pytest.mark.parametrize("channel", REPORTS)
def test_what_a_person_says_is_a_line_of_the_record(channel):
    _, lines, _ = played({10: lambda session: session.feed(channel, -0.4)}, seconds=15)
    (said,) = of(lines, "feedback")
    assert (said["channel"], said["value"]) == (channel, -0.4) and said["t_s"] == pytest.approx(10, abs=0.01)


def test_a_live_source_is_heard_alike():
    packet = Packet("phone", 10.0, (Samples.of("feedback", [9.0, 9.5], [0.3, math.nan]), Samples.of("hr", 9.0, 70.0)))
    _, lines, _ = played({10: lambda session: session.hear(packet)}, seconds=15)
    assert [line["value"] for line in of(lines, "feedback")] == [0.3] and len(of(lines, "refusal")) == 1
    assert {line["channel"] for line in of(lines, "samples")} == {"feedback", "hr"}


REFUSING = replace(load_preset("settle"), wearable="refused")


def test_a_preset_that_refuses_the_body_still_listens():
    def signals(session: Session) -> None:
        for channel in ("hr", "eda", "bvp"):
            with pytest.raises(TermsError, match=f"{channel} is refused"):
                session.feed(channel, 70.0)
        with pytest.raises(TermsError, match="not to their body: hr, eda"):
            runs = (Samples.of("hr", 0.0, 70.0), Samples.of("self_arousal", 0.0, 0.5), Samples.of("eda", 0.0, 2.0))
            session.hear(Packet("strap", 0.0, runs))

    acts = {5: signals, 10: lambda session: session.feed("self_arousal", -0.3)}
    _, lines, session = played(acts, seconds=150, preset=REFUSING)
    assert [line["channel"] for line in of(lines, "samples")] == ["self_arousal"] and not of(lines, "refusal")
    assert session.planned[0] < -0.1


def test_a_report_in_the_first_minutes_is_met_gradually_and_told():
    def arousal(value: float) -> tuple[list[float], list[dict[str, Any]]]:
        _, lines, _ = played({20: lambda session: session.feed("self_arousal", value)}, seconds=225)
        return [line["arousal"] for line in of(lines, "plan")], lines

    planned, lines = arousal(-0.3)
    assert planned[20] == pytest.approx(0.0, abs=0.002) and planned[-1] == pytest.approx(-0.3, abs=0.03)
    assert max(abs(b - a) for a, b in zip(planned, planned[1:], strict=False)) <= 1.5 * 0.15 / 60.0 + 1e-6
    words = [text for line in of(lines, "plan") for text in line["words"]]
    assert "the plan begins where the person says they are" in words
    high, _ = arousal(1.0)
    assert 0.1 < high[-1] <= min(0.6, REFUSING.ranges["arousal"][1]) + 1e-6, "agitation is met half-way"


def test_two_reports_after_each_other_both_count():
    acts = {20: lambda s: s.feed("self_arousal", -0.3), 25: lambda s: s.feed("self_valence", 0.45)}
    _, _, session = played(acts, seconds=225)
    assert session.planned[:2] == pytest.approx((-0.3, 0.45), abs=0.03)


def test_on_the_timed_arc_reports_are_kept_and_met_by_nobody(plain):
    timed, silent = (
        played({20: lambda session, value=value: session.feed("self_arousal", value)}, 150, policy="L0")[1]
        for value in (-0.5, math.nan)
    )
    assert len(of(timed, "feedback")) == 1
    assert of(timed, "commit") == of(silent, "commit")


def test_everything_that_is_heard_has_a_reason():
    """Whoever moved it: every commit that counted says why, and who."""
    settle = load_preset("settle")
    cues = tuple(Cue(kind, 0.2 + 0.1 * i, 8.0) for i, kind in enumerate(("ground", "silence", "ground")))
    preset = replace(settle, phases=(replace(settle.phases[0], cues=cues), *settle.phases[1:]))
    acts = {
        3: lambda s: s.request("tempo_bpm", 60.0),
        4: lambda s: s.request("rest", 0.2, by="hand:ann"),
        6: lambda s: s.release("rest"),
        8: lambda s: s.verb("ground"),
        30: lambda s: s.verb("advance"),
        40: lambda s: s.feed("self_arousal", 0.2),
        45: lambda s: s.verb("more"),
        50: lambda s: s.verb("skip"),
        55: lambda s: s.release("tempo_bpm"),
        60: lambda s: s.edit([{"kind": "lead", "minutes": 20, "arousal": -0.3}]),
        70: lambda s: s.verb("pull_back"),
    }
    script = [(12.0, "space", 0.9), (20.0, "key", 4.0)]
    _, lines, _ = played(acts, 300, preset=preset, script=script, settings={"motion": 0.5})
    commits = of(lines, "commit")
    assert len(commits) > 60
    for commit in commits:
        assert commit["reason"].strip() and commit["by"], commit
    assert {commit["by"].split(":")[0] for commit in commits} >= {
        "hand",
        "plan",
        "mapping",
        "policy",
        "safety",
        "script",
    }
