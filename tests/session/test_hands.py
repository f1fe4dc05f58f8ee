"""Hands and verbs: any control can be taken and is given back without a bump, any word may come at any time."""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.controls import CONTROLS, TABLE, ControlError
from synth.preset import load_preset
from synth.safety.limits import INTENSITY
from synth.session import VERBS, Session, SessionError

RATE = 22_050
STEP = 8 * 64  # frames between looks at the controls
TAKEN_S, RELEASED_S, LAST_S = 5.0, 25.0, 100.0
MAPPED = (
    "tempo_bpm", "density_hz", "dynamics_db", "brightness_oct", "articulation", "attack_ms", "percussiveness",
    "tonal_tension", "roughness", "regularity", "predictability", "register_note",
)  # fmt: skip
BACK_TO_PLAN = {"rest": 0.0, "landmark": 0.0}


def session(preset: str = "settle", **options: Any) -> tuple[Session, list[dict[str, Any]]]:
    lines: list[dict[str, Any]] = []
    options = {"seed": 5, "sample_rate": RATE, "audio": False, "minutes": 20.0, **options}
    return Session(preset, record=lines.append, **options), lines


def of(lines: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["type"] == kind]


def other(name: str) -> float:
    """Somewhere else than settle has it."""
    row, now = TABLE[name], load_preset("settle").controls[name]
    if row.curve == "choice":
        return 0.0 if now else min(row.high, 7.0)
    if name in ("loudness_lufs", "dynamics_db"):
        return now - 4.0
    return 0.6 * now + 0.4 * (row.low if row.high - now < now - row.low else row.high)


class Held:
    """A session in which every control was taken by a hand at once, and given back one a second."""

    def __init__(self) -> None:
        played, self.lines = session()
        self.values: dict[str, list[float]] = {name: [] for name in TABLE}
        self.released_s = {name: RELEASED_S + i for i, name in enumerate(TABLE)}
        done: set[str] = set()
        for i in range(round(LAST_S * RATE / STEP)):
            t_s = i * STEP / RATE
            for name in TABLE:
                if t_s >= TAKEN_S and name not in done and (name, "taken") not in done:
                    played.request(name, other(name))
                    done.add((name, "taken"))
                if t_s >= self.released_s[name] and name not in done:
                    played.release(name)
                    done.add(name)
            played.render(STEP)
            for name, value in played.controls.items():
                self.values[name].append(value)

    def at(self, name: str, t_s: float) -> float:
        return self.values[name][round(t_s * RATE / STEP)]

    def commits(self, name: str) -> list[dict[str, Any]]:
        return [line for line in of(self.lines, "commit") if line["control"] == name]


@pytest.fixture(scope="module")
def held() -> Held:
    return Held()


@pytest.mark.parametrize("name", [row.name for row in CONTROLS])
def test_a_hand_has_it_at_once_and_the_loop_leaves_it_alone(held, name):
    (taken,) = (line for line in held.commits(name) if line["by"] == "hand")
    assert taken["accepted"] and taken["requested"] == other(name)
    assert taken["new"] == pytest.approx(other(name)) or taken["repair"]
    assert held.at(name, TAKEN_S + 0.3) != held.at(name, TAKEN_S - 0.3), "it moves"
    between = [line for line in held.commits(name) if TAKEN_S < line["t_s"] < held.released_s[name] - 0.1]
    assert between == [taken]


@pytest.mark.parametrize("name", [row.name for row in CONTROLS])
def test_it_is_handed_back_without_a_bump(held, name):
    """From the moment it is taken on it never moves faster than its asker may, given back not faster than the loop."""
    row = TABLE[name]
    if row.curve == "choice":
        later = held.values[name][round(TAKEN_S * RATE / STEP) + 2 :]
        if name == "mode":
            assert max(abs(b - a) for a, b in zip(later, later[1:], strict=False)) <= 1.0
        else:
            assert set(later) <= {other(name), BACK_TO_PLAN.get(name)}
        return
    curve = math.log2 if row.curve == "log" else float
    values = [curve(value) for value in held.values[name]]
    quicker = row.rate_hand if row.rate_down is None else row.rate_down
    released = round((held.released_s[name] + 1.1) * RATE / STEP)  # the loop asks at its next second
    sign = INTENSITY.get(name, 0)
    for i, (a, b) in enumerate(zip(values, values[1:], strict=False)):
        moved, seconds = b - a, STEP / RATE
        rate = row.rate_loop if i > released else max(row.rate_hand, row.rate_loop)
        if sign * moved < 0:
            rate = max(rate, quicker)
        assert abs(moved) <= rate * seconds * 1.001 + 1e-9, (i * STEP / RATE, moved)


@pytest.mark.parametrize("name", [row.name for row in CONTROLS])
def test_from_there_the_loop_goes_on(held, name):
    released_s = held.released_s[name]
    left = held.at(name, released_s - 0.1)
    later = [line for line in held.commits(name) if line["t_s"] > released_s]
    if name in BACK_TO_PLAN:
        assert held.at(name, released_s + 7.0) == BACK_TO_PLAN[name] and later[0]["reason"] == "handed back"
    elif name in MAPPED:
        assert later and later[0]["by"] == "mapping" and later[0]["t_s"] <= released_s + 1.1
        assert later[0]["old"] == pytest.approx(left, rel=0.01, abs=0.01), "from where the hand left it"
    elif name in ("arousal", "valence", "tension"):
        assert later and later[0]["by"] == "plan" and later[0]["old"] == pytest.approx(left, abs=0.11)
        least, most = load_preset("settle").ranges[name]
        assert least - 1e-6 <= held.values[name][-1] <= most + 1e-6
    elif not later:
        low, high = sorted((left, other(name)))
        assert low - 1e-6 <= held.values[name][-1] <= high + 1e-6, "what the plan does not move stays with the hand"


def test_every_release_is_a_line(held):
    assert [line["control"] for line in of(held.lines, "release")] == list(TABLE)


@pytest.mark.parametrize("name", ["arousal", "tempo_bpm", "rest", "level_pad_db"])
def test_taken_again_and_again_the_last_word_counts(name):
    played, _ = session()
    row = TABLE[name]
    for share in (0.9, 0.1, 0.5):
        played.request(name, row.low + share * (row.high - row.low))
        played.release(name)
        played.request(name, row.low + 0.5 * (row.high - row.low))
        played.render(RATE // 2)
    played.render(300 * RATE)
    assert played.controls[name] == pytest.approx(row.low + 0.5 * (row.high - row.low), rel=1e-3)


# -- verbs -------------------------------------------------------------------------------------------------------------


def test_there_are_nine_and_no_other():
    assert set(VERBS) == {"more", "less", "hold", "advance", "pull_back", "ground", "like", "skip", "stop"}
    with pytest.raises(SessionError, match="no verb called 'louder': one of more, less"):
        session()[0].verb("louder")


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("at_s", [0.0, 0.5, 30.0, 59.9, 61.0])
def test_each_at_any_time_is_a_line_and_the_session_ends(verb, at_s):
    """Before the first sound, between two seconds, in the last one, and when all is over."""
    played, lines = session(minutes=1.0)
    played.render(round(at_s * RATE))
    played.verb(verb)
    played.verb(verb)
    for _ in range(70):
        played.render(RATE)
    assert [line["verb"] for line in of(lines, "verb")] == [verb, verb]
    assert played.finished and all(line["reason"] for line in of(lines, "commit"))


@given(
    st.lists(
        st.tuples(st.floats(0.0, 9.0), st.sampled_from([*VERBS, "panic", "take", "give", "edit"])),
        min_size=1,
        max_size=8,
    )
)
@settings(max_examples=12)
def test_no_silly_order_breaks_a_session(acts):
    played, lines = session("energise", minutes=1.0)
    for seconds, act in acts:
        played.render(round(seconds * RATE))
        match act:
            case "panic":
                played.panic()
            case "take":
                played.request("tempo_bpm", 70.0)
                played.request("rest", 1.0)
            case "give":
                played.release("tempo_bpm")
                played.release("rest")
            case "edit":
                played.edit([{"kind": "plateau", "minutes": 1, "arousal": played.preset.controls["arousal"]}])
            case _:
                played.verb(act)
    while not played.finished:
        played.render(RATE)
    played.render(RATE)
    played.close()
    assert lines[-1]["type"] == "end" and all(line["reason"] for line in of(lines, "commit"))
    assert len(of(lines, "verb")) == sum(act in VERBS for _, act in acts)


@pytest.mark.parametrize("before", [(), ("hold",), ("ground",), ("skip", "more"), ("stop",)])
def test_stop_fades_out_and_ends(before):
    played, lines = session(audio=True)
    played.render(8 * RATE)
    for verb in before:
        played.verb(verb)
    played.render(2 * RATE)
    stopped_s = 8.0 if "stop" in before else 10.0
    played.verb("stop")
    blocks = []
    while not played.finished:
        blocks.append(played.render(RATE // 10))
    audio = np.concatenate(blocks)
    level = np.sqrt(np.mean(audio[: len(audio) // 2205 * 2205].reshape(-1, 2205, 2) ** 2, axis=(1, 2)))
    assert played.time_s == pytest.approx(stopped_s + 5.0, abs=0.2)
    assert level[0] > 1e-3 and level[-1] < 1e-4 and level[-12] < 0.25 * level.max()
    assert np.abs(np.diff(audio[:, 0])).max() < 0.1
    assert of(lines, "stop") and not played.render(RATE).any(), "and stays silent"


def test_an_endless_session_is_ended_by_stop():
    played, _ = session(minutes=math.inf)
    played.render(5 * RATE)
    assert not played.finished and math.isinf(played.length_frames)
    played.verb("stop")
    played.render(6 * RATE)
    assert played.finished


def test_skip_plays_something_else_from_the_next_phrase_on():
    played, lines = session(minutes=10.0)
    played.render(150 * RATE)
    played.verb("skip")
    played.render(150 * RATE)
    phrases = [marker for marker in played.score.markers if marker.kind == "phrase"]
    skipped_tick = next(line for line in of(lines, "commit") if line["control"] == "scene")
    assert skipped_tick["new"] == 1.0 and skipped_tick["reason"] == "something else was asked for"
    plain, _ = session(minutes=10.0)
    plain.render(300 * RATE)
    mine, theirs = ([(n.tick, n.stem, n.pitch) for n in s.score.notes] for s in (played, plain))
    first = next(i for i, (a, b) in enumerate(zip(mine, theirs, strict=False)) if a != b)
    starts = [marker.tick for marker in phrases]
    changed = mine[first][0]
    assert min(abs(changed - start) for start in starts) < 960, "at a phrase, and nothing before it"
    tempo = played.score.tempos[0].bpm
    assert 150.0 - 4.0 <= changed / 960 * 60.0 / tempo <= 150.0 + 45.0


def test_grounded_it_is_calm_in_sound_and_there_is_something_to_hold_on_to():
    played, _ = session("energise", minutes=10.0)
    played.render(120 * RATE)
    before = played.controls
    played.verb("ground")
    played.render(30 * RATE)
    after = played.controls
    assert after["landmark"] == 1.0 and after["dynamics_db"] == pytest.approx(before["dynamics_db"] - 6.0, abs=0.1)
    assert all(sign * after[name] <= sign * before[name] + 1e-6 for name, sign in INTENSITY.items())


def test_what_is_asked_together_is_done_in_one_quantum() -> None:
    played, lines = session()
    with played.together():
        played.request("space", 0.9)
        played.render(STEP)
        with played.together():
            played.request("motion", 0.9)
        other_thread = threading.Thread(target=played.request, args=("articulation", 0.9))
        other_thread.start()
        other_thread.join()
        played.render(STEP)
        played.release("articulation")
        assert [line["control"] for line in of(lines, "commit") if line["by"] == "hand"] == ["articulation"]
    played.request("density_hz", 1.0)
    played.render(STEP)
    done = {line["control"]: line["quantum"] for line in of(lines, "commit") if line["by"] == "hand"}
    assert done["space"] == done["motion"] == done["density_hz"] == of(lines, "release")[-1]["quantum"] == 2 * STEP / 64


def test_what_was_asked_of_a_group_that_failed_is_done_all_the_same() -> None:
    played, lines = session()
    with pytest.raises(ControlError), played.together():
        played.request("space", 0.9)
        played.request("no_such_control", 0.9)
    played.render(STEP)
    assert [line["control"] for line in of(lines, "commit") if line["by"] == "hand"] == ["space"]


def test_a_panic_waits_for_nothing() -> None:
    played, lines = session()
    with played.together():
        played.request("space", 0.9)
        played.panic()
        played.render(STEP)
        assert played.panicked and not [line for line in of(lines, "commit") if line["by"] == "hand"]
