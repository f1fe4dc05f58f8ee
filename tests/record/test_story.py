"""Reasons in words: like things told once, in order, with what they moved."""

from __future__ import annotations

from typing import Any

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
