"""Reasons in words: like things told once, in order, with what they moved."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from synth.record.story import Move, handovers, happenings, plain_name, reasons, sayings, who


def commit(
    t_s: float, control: str, old: float, new: float, reason: str, by: str = "plan", **more: Any
) -> dict[str, Any]:
    return {
        "type": "commit",
        "t_s": t_s,
        "control": control,
        "old": old,
        "new": new,
        "by": by,
        "reason": reason,
        **more,
    }


def test_a_run_of_like_changes_is_told_once_with_its_first_and_last_value() -> None:
    (event,) = reasons(commit(t, "tempo_bpm", 70 - t, 69 - t, f"{t} s into the lead") for t in range(10))
    assert (event.start_s, event.end_s, event.times) == (0.0, 9.0, 10)
    assert event.moves["tempo_bpm"].text == "tempo 70 to 60 bpm"
    assert event.text == "9 s into the lead"


def test_changes_with_one_reason_share_an_event_and_another_reason_starts_another() -> None:
    events = reasons(
        [
            commit(0, "tempo_bpm", 70, 60, "lead"),
            commit(0, "density_hz", 2, 1, "lead"),
            commit(1, "mode", 1, 3, "by hand", by="hand:osc"),
            commit(5, "tempo_bpm", 60, 66, "return"),
        ]
    )
    assert [(e.who, e.text, sorted(e.moves)) for e in events] == [
        ("Plan", "lead", ["density_hz", "tempo_bpm"]),
        ("Person (osc)", "by hand", ["mode"]),
        ("Plan", "return", ["tempo_bpm"]),
    ]
    assert events[1].moves["mode"].text == "mode ionian to dorian"


def test_the_same_reason_after_a_pause_is_told_again() -> None:
    assert len(reasons([commit(0, "space", 0.1, 0.5, "x"), commit(100, "space", 0.5, 0.9, "x")])) == 2


def test_what_was_not_taken_or_cannot_be_heard_is_left_out() -> None:
    refused = commit(0, "space", 0.1, 0.9, "x", accepted=False)
    tiny = commit(0, "space", 0.5, 0.501, "y")
    assert reasons([refused, tiny]) == []


def test_sentences_said_on_and_on_are_told_once() -> None:
    told = sayings((float(t), "Believed", [f"heart rate {t} above"] if t != 30 else ["sensor lost"]) for t in range(60))
    assert [(e.start_s, e.end_s, e.text) for e in told] == [
        (0.0, 59.0, "heart rate 59 above"),
        (30.0, 30.0, "sensor lost"),
    ]


def test_a_control_is_given_back_by_whoever_held_it() -> None:
    lines = [
        commit(0, "space", 0.1, 0.9, "x", by="hand:osc"),
        commit(1, "tension", 0.1, 0.0, "y", by="safety"),
        commit(2, "space", 0.9, 0.9, "z", by="plan", accepted=False),
        {"type": "release", "t_s": 3.0, "control": "space"},
        {"type": "release", "t_s": 4.0, "control": "tension"},
    ]
    assert [(e.start_s, e.who, e.text) for e in handovers(lines)] == [
        (3.0, "Person (osc)", "gave space back to the plan"),
        (4.0, "Safety", "gave tension back to the plan"),
    ]


def test_a_small_move_is_told_with_the_digits_that_show_it() -> None:
    assert Move("register_note", 67.0, 67.2).text == "register 67.0 to 67.2 MIDI note"
    assert Move("dynamics_db", -0.41, -0.51).text == "dynamics \u22120.4 to \u22120.5 dB"  # not 0 to -1
    assert Move("dynamics_db", -0.2, 0.3).text == "dynamics \u22120.2 to 0.3 dB"
    assert Move("dynamics_db", -4.0, -6.0).text == "dynamics \u22124 to \u22126 dB"


def test_happenings_keep_their_times() -> None:
    (event,) = happenings([{"t_s": 1, "text": "held 2 LU"}, {"t_s": 3, "text": "held 3 LU"}], "Safety")
    assert (event.start_s, event.end_s, event.times, event.who) == (1.0, 3.0, 2, "Safety")


def test_names_for_people() -> None:
    assert [plain_name(n) for n in ("tempo_bpm", "level_pad_db", "dynamic_range_lu", "mode")] == [
        "tempo",
        "level pad",
        "dynamic range",
        "mode",
    ]
    assert [who(by) for by in ("policy", "script", "safety", "hand")] == ["Loop", "Script", "Safety", "Person"]


def test_a_way_there_and_back_is_told_by_where_it_went() -> None:
    (tempo,) = reasons([commit(0, "tempo_bpm", 66, 70, "x"), commit(5, "tempo_bpm", 70, 66, "x")])
    assert tempo.moves["tempo_bpm"].text == "tempo 66 to 66 bpm by way of 70"
    (key,) = reasons([commit(0, "key", 0, 7, "x"), commit(5, "key", 7, 0, "x")])
    assert key.moves["key"].text == "key C to C by way of G"
    both = Move("dynamics_db", 0.0, 2.0)
    for value in (-4.0, 0.0):
        both.on(value)
    assert both.text == "dynamics 0 to 0 dB by way of \u22124 and 2"


@given(
    st.lists(
        st.tuples(
            st.integers(0, 40),
            st.sampled_from(["tempo_bpm", "key", "space", "unheard_of"]),
            st.sampled_from([44.0, 66.0, 66.2, 70.0, 0.0, 1.0, 7.0]),
            st.sampled_from(["plan", "policy", "hand:ann", "safety"]),
            st.sampled_from(["3 s in", "4 s in", "a wish"]),
        ),
        max_size=30,
    )
)
def test_no_move_that_is_seen_is_lost(steps: list[tuple[int, str, float, str, str]]) -> None:
    t_s, now, commits = 0.0, {"tempo_bpm": 66.0, "key": 0.0, "space": 0.5, "unheard_of": 0.0}, []
    for pause, control, new, by, reason in steps:
        t_s += pause
        commits.append(commit(t_s, control, now[control], new, reason, by=by))
        now[control] = new
    events = reasons(commits)
    for line in commits:
        if not Move(line["control"], line["old"], line["new"]).seen:
            continue
        told = [
            event.moves[line["control"]]
            for event in events
            if event.who == who(line["by"]) and event.start_s <= line["t_s"] <= event.end_s
            and event.text[1:] == line["reason"][1:] and line["control"] in event.moves
        ]  # fmt: skip
        assert any(
            move.low <= min(line["old"], line["new"]) and max(line["old"], line["new"]) <= move.high for move in told
        )
