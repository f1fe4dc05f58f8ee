"""Screening: each answer closes what it must, no answer is the cautious one, and a session keeps to what is left."""

from __future__ import annotations

import math
from dataclasses import asdict, fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.controls import TABLE, Request
from synth.preset import GOALS, PresetError, load_preset
from synth.record.lines import decode, encode
from synth.safety.limits import PROFILES
from synth.safety.screening import DROWSY, QUESTIONS, Gates, ScreeningError, allow, gates
from synth.score.model import TICKS_PER_BEAT
from synth.session import Session, TermsError, agree

RATE = 22_050
KEYS = [question.key for question in QUESTIONS]
OPEN = gates({"none_of_these": True})
CLOSED_BY = {
    "pulse_sensitive": {"pulse": False},
    "loses_touch": {"pulse": False, "most_minutes": 20.0, "alone": False, "landmark_every_s": 240.0},
    "startles": {"profile": "sensitive"},
    "sounds_hurt": {"profile": "sensitive", "weekly_dba": 75.0},
    "ringing": {"weekly_dba": 75.0},
    "implant": {"haptic": False},
    "pregnant": {"haptic": False, "slow_breath": False},
    "breath_trouble": {"slow_breath": False},
    "driving": {"drowsy": False},
}


def closed(gate: Gates) -> dict[str, Any]:
    """What `gate` closes, against answers that close nothing."""
    return {name: value for name, value in asdict(gate).items() if name != "words" and value != getattr(OPEN, name)}


def width(gate: Gates) -> tuple[float, ...]:
    """How wide each gate is: more is wider."""
    return (
        -PROFILES.index(gate.profile),
        *map(float, (gate.slow_breath, gate.pulse, gate.haptic, gate.drowsy, gate.alone)),
        math.inf if gate.most_minutes is None else gate.most_minutes,
        math.inf if gate.landmark_every_s is None else gate.landmark_every_s,
        gate.weekly_dba,
    )


def no_wider(one: Gates, other: Gates) -> bool:
    return all(a <= b for a, b in zip(width(one), width(other), strict=True))


def test_no_to_everything_opens_everything():
    assert asdict(OPEN) == asdict(Gates(slow_breath=True, pulse=True, haptic=True))
    assert gates(dict.fromkeys(KEYS, False)) == OPEN and OPEN.words == ()
    assert len(width(OPEN)) == len(fields(Gates)) - 1, "every gate is looked at here"


@pytest.mark.parametrize("key", KEYS)
def test_yes_closes_what_the_question_is_about_and_says_so(key):
    gate = gates({"none_of_these": None, **dict.fromkeys(KEYS, False), key: True})
    assert closed(gate) == CLOSED_BY[key]
    assert gate.words and all(key.replace("_", " ") in words for words in gate.words)


@pytest.mark.parametrize("key", KEYS)
def test_no_answer_is_the_cautious_one(key):
    cautious = {"pulse_sensitive", "implant", "pregnant", "breath_trouble"}
    gate = gates({**dict.fromkeys(KEYS, False), key: None})
    assert gate == gates({name: False for name in KEYS if name != key})
    assert closed(gate) == (CLOSED_BY[key] if key in cautious else {})
    assert all("not answered" in words for words in gate.words)


def test_nothing_answered_is_the_floor_of_breath_no_pulse_no_haptic():
    for nothing in (None, {}, dict.fromkeys(KEYS), {"age": None, "none_of_these": None}, {"none_of_these": False}):
        assert closed(gates(nothing)) == {"slow_breath": False, "pulse": False, "haptic": False}
    assert set(gates().silent) == {"pulse", "haptic"} and not OPEN.silent


answers = st.fixed_dictionaries({}, optional={key: st.sampled_from([None, True, False]) for key in KEYS})


@given(answers, st.sampled_from(KEYS), st.sampled_from([None, False]), st.sampled_from([None, 12, 40]))
@settings(max_examples=200)
def test_one_more_yes_never_opens_anything(given_answers, key, before, age):
    try:
        less = gates({**given_answers, key: before, "age": age})
        more = gates({**given_answers, key: True, "age": age})
    except ScreeningError:
        assert given_answers.get("pregnant") or key == "pregnant", "nothing else contradicts"
        return
    assert no_wider(more, less) and no_wider(less, OPEN)
    assert no_wider(gates({**given_answers, key: None}), gates({**given_answers, key: False}))


@pytest.mark.parametrize(
    ("answered", "told"),
    [
        ({"none_of_these": True, "ringing": True}, "none_of_these is answered yes, and so is ringing"),
        ({"none_of_these": True, "ringing": True, "driving": True}, "ringing, driving"),
        ({"pregnant": True, "age": 70}, "with an age of 70"),
        ({"pregnant": True, "age": 5}, "with an age of 5"),
        ({"rining": False}, r"did you mean ringing\?"),
        ({"epilepsy": True}, "no question called 'epilepsy'"),
        ({"ringing": "yes"}, "ringing = 'yes': answer true or false"),
        ({"ringing": 1}, "ringing = 1: answer true or false"),
        ({"ringing": math.nan}, "ringing = nan"),
        ({"none_of_these": "no"}, "none_of_these = 'no'"),
        ({"age": math.nan}, "age = nan: give years"),
        ({"age": math.inf}, "age = inf"),
        ({"age": -1}, "age = -1"),
        ({"age": 126}, "age = 126"),
        ({"age": "40"}, "age = '40'"),
        ({"age": True}, "age = True"),
        ({"age": 0}, "babies"),
    ],
)
def test_answers_that_cannot_be_are_refused(answered, told):
    with pytest.raises(ScreeningError, match=told):
        gates(answered)
    with pytest.raises(ScreeningError, match=told):
        Session("settle", audio=False, screening=answered)


def test_none_of_these_leaves_an_open_question_open():
    assert gates({"none_of_these": True, "implant": None}).haptic is False
    assert gates({"none_of_these": True, "implant": False}) == OPEN


@pytest.mark.parametrize(("age", "weekly", "slow"), [(15, 75.0, False), (15.9, 75.0, False), (16, 80.0, True)])
def test_children_are_kept_quieter_and_breathe_as_they_do(age, weekly, slow):
    gate = gates({"none_of_these": True, "age": age})
    assert (gate.weekly_dba, gate.slow_breath) == (weekly, slow)
    assert no_wider(gate, OPEN)


# -- what a session makes of them --------------------------------------------------------------------------------------


@pytest.mark.parametrize("goal", GOALS)
def test_nothing_that_makes_drowsy_at_the_wheel(goal):
    driving = gates({"driving": True})
    if goal in DROWSY:
        with pytest.raises(ScreeningError, match="driving is answered yes: choose focus or energise"):
            allow(driving, goal, 10.0, True)
    else:
        allow(driving, goal, 10.0, False)
    allow(gates(), goal, 10.0, False)


def test_drowsy_goals_are_all_goals_that_lead_down():
    assert set(DROWSY) < set(GOALS) and {"focus", "energise", "pace"}.isdisjoint(DROWSY)
    with pytest.raises(ScreeningError, match="driving"):
        Session("sleep", audio=False, screening={"driving": True})
    Session("energise", audio=False, screening={"driving": True})


def test_who_loses_touch_is_not_alone_and_not_for_long():
    answered = {"loses_touch": True}
    with pytest.raises(ScreeningError, match="someone must be with the person"):
        Session("settle", minutes=10, audio=False, screening=answered)
    for minutes in (21.0, math.inf):
        with pytest.raises(ScreeningError, match="with the answers given at most 20"):
            Session("settle", minutes=minutes, audio=False, screening=answered, supervised=True)
    Session("settle", minutes=20, audio=False, screening=answered, supervised=True)
    with pytest.raises(TermsError, match="no landmarks"):
        agree(load_preset("settle"), 20.0, screening=answered, supervised=True, constraints=["no landmarks"])


def motifs(session: Session) -> list[float]:
    """Seconds at which tonic, fifth and tonic are struck on three beats of the bells, from a bar line on."""
    struck = {
        (round(note.tick / TICKS_PER_BEAT), int(note.pitch)) for note in session.score.notes if note.stem == "bells"
    }
    keys = {key.key for key in session.score.keys}
    beats = sorted(
        beat
        for beat, pitch in struck
        if pitch % 12 in keys and {(beat + 1, pitch + 7), (beat + 2, pitch + 12)} <= struck
    )
    tempos = session.score.tempos

    def seconds(beat: int) -> float:
        at_s, tick, index = 0.0, 0, 0
        while tick < beat * TICKS_PER_BEAT:
            index += index + 1 < len(tempos) and tempos[index + 1].tick <= tick
            at_s, tick = at_s + tempos[index].us_per_beat / 1e6, tick + TICKS_PER_BEAT
        return at_s

    return [seconds(beat) for beat in beats]


def test_a_landmark_sounds_every_four_minutes_also_while_held():
    def played(**asked: Any) -> list[float]:
        session = Session("settle", seed=1, minutes=20, sample_rate=RATE, audio=False, **asked)
        session.render(300 * RATE)
        session.verb("hold")
        session.render(240 * RATE)
        return motifs(session)

    marked = played(screening={"loses_touch": True}, supervised=True)
    first, second = ([t for t in marked if start <= t < start + 25.0] for start in (240.0, 480.0))
    assert first and second and len(first) + len(second) == len(marked)
    assert played() == []


@pytest.mark.parametrize("by", ["hand", "hand:ann", "plan", "policy", "mapping"])
def test_a_screened_hand_may_breathe_slower_and_nobody_else(by):
    def taken(**asked: Any) -> float:
        bus = Session("settle", sample_rate=RATE, audio=False, **asked).engine.bus
        return bus.request(Request("breath_rate_bpm", 4.5, by, "test"), 0).value

    assert taken(screening={"none_of_these": True}) == (4.5 if by.startswith("hand") else 6.0)
    assert taken() == taken(screening={**dict.fromkeys(KEYS, False), "breath_trouble": True}) == 6.0


def test_a_screened_breath_may_be_set_at_the_start_but_never_planned():
    settings = {"breath_rate_bpm": 4.5}
    screened = Session("settle", audio=False, settings=settings, screening={"none_of_these": True})
    assert screened.controls["breath_rate_bpm"] == pytest.approx(4.5)
    assert Session("settle", audio=False, settings=settings).controls["breath_rate_bpm"] == pytest.approx(6.0)
    with pytest.raises(PresetError, match="give 6 to 20 breaths a minute"):
        screened.edit([{"kind": "lead", "minutes": 20, "breath_rate_bpm": 5}])


def test_startling_makes_the_profile_sensitive():
    terms = agree(load_preset("energise"), 10.0, screening={"startles": True})
    assert terms.bounds.profile == "sensitive" and terms.as_dict()["profile"] == "sensitive"
    session = Session("energise", minutes=10, sample_rate=RATE, audio=False, screening={"startles": True})
    for second in range(300):
        session.render(RATE)
        now = session.controls
        assert now["arousal"] <= 0.3 and now["attack_ms"] >= 80.0, second
        assert now["loudness_lufs"] + now["dynamics_db"] <= -28.0 + 1e-9


@pytest.mark.parametrize(
    "answered",
    [None, {"none_of_these": True}, {"startles": True}, {"loses_touch": True, "ringing": True}, {"pregnant": True}],
)
def test_gates_in_a_record_give_the_same_bounds_again(answered):
    preset = load_preset("settle")
    terms = agree(preset, 10.0, screening=answered, supervised=True, constraints=["no birds", "nothing above 64 bpm"])
    kept = decode(encode(terms.as_dict()))
    again = agree(preset, 10.0, gates=kept["gates"], supervised=True, constraints=kept["constraints"])
    assert replace(again.gates, words=()) == replace(terms.gates, words=()) and again.as_dict() == terms.as_dict()
    assert again.bounds.limits == terms.bounds.limits
    for name in TABLE:
        for by in ("loop", "hand", "safety"):
            assert again.bounds.range(name, by) == terms.bounds.range(name, by)
    assert all("not answered" in words for words in kept["gates"]["words"]), "what was answered is not kept"


@pytest.mark.parametrize("kept", [{"loud": True}, {"profile": "loose"}])
def test_gates_of_a_damaged_record_are_refused(kept):
    with pytest.raises(ScreeningError, match="no kept gates"):
        Session("settle", audio=False, gates=kept)
