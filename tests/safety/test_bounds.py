"""Bounds: profile, safety questions and constraints together only ever narrow, for whoever asks."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.bus import Bus
from synth.controls import CONTROLS, TABLE, Request, defaults
from synth.safety.bounds import Bounds
from synth.safety.constraints import Constraint, ConstraintError, parse
from synth.safety.control_guard import ControlGuard
from synth.safety.limits import INTENSITY, PROFILES, control_range, limits

ASKERS = ("plan", "policy", "mapping", "script", "hand", "hand:ann")
ALL = (*ASKERS, "safety")
numbers = [c for c in CONTROLS if c.curve != "choice"]


def within(name: str, share: float) -> float:
    row = TABLE[name]
    return float(f"{row.low + share * (row.high - row.low):.4f}")


sentences = st.tuples(
    st.sampled_from([c.name for c in numbers]), st.sampled_from(["most", "least"]), st.floats(0.02, 0.98)
).map(lambda drawn: f"{drawn[0]} at {drawn[1]} {within(drawn[0], drawn[2]):.4f}")


@given(st.sampled_from(PROFILES), st.booleans(), st.lists(sentences, max_size=5))
@settings(max_examples=80)
def test_every_further_sentence_narrows_or_is_refused(profile, screened, texts):
    wide, said = Bounds(profile, screened=screened), []
    for text in texts:
        try:
            narrow = Bounds(profile, screened=screened, constraints=[*said, parse(text)])
        except ConstraintError:
            continue
        said.append(parse(text))
        for name in TABLE:
            for by in ("loop", "hand"):
                (low, high), (least, most) = wide.range(name, by), narrow.range(name, by)
                assert low <= least <= most <= high, (name, by)
        assert narrow.limits["programme_lufs"] <= wide.limits["programme_lufs"]
        wide = narrow
    assert wide.constraints == tuple(constraint.text for constraint in said)


@pytest.mark.parametrize("by", ASKERS)
@pytest.mark.parametrize("name", [c.name for c in numbers])
def test_a_constraint_binds_whoever_asks_on_every_control(name, by):
    least, most = within(name, 0.4), within(name, 0.6)
    low, high = control_range(name, TABLE[name].low, TABLE[name].high, limits())
    least, most = max(least, low), min(most, high)
    said = [parse(f"{name} at least {least:.4f}"), parse(f"{name} at most {most:.4f}")]
    guard = ControlGuard(Bounds(constraints=said))
    values, _ = guard.start(defaults() | {name: least})
    if name in ("dynamics_db", "loudness_lufs"):  # together under the programme: what is louder is asked apart
        values |= {"dynamics_db": -12.0, "loudness_lufs": -40.0, name: least}
    bus = Bus(48_000, 64, guard, values)
    for asked in (TABLE[name].high, TABLE[name].low):
        commit = bus.request(Request(name, asked, by, "test"), 0)
        assert least - 1e-4 <= commit.value <= most + 1e-4 and commit.repair
        assert least - 1e-4 <= bus.values(10**7)[name] <= most + 1e-4


@pytest.mark.parametrize("by", ASKERS)
def test_what_may_not_change_does_not(by):
    said = [Constraint("nothing changes", still=tuple(TABLE))]
    bus = Bus(48_000, 64, ControlGuard(Bounds(constraints=said)), defaults())
    for row in CONTROLS:
        for asked in (row.low, row.high):
            bus.request(Request(row.name, asked, by, "test"), 0)
    assert bus.values(10**7) == pytest.approx(defaults(), rel=1e-12)


def test_safety_may_calm_whatever_was_agreed_and_excites_nothing():
    said = [Constraint("nothing changes", still=tuple(TABLE)), parse("arousal at least 0")]
    for name, sign in INTENSITY.items():
        row, now = TABLE[name], defaults()[name]
        guard = ControlGuard(Bounds(constraints=said))
        for asked in (row.low, row.high):
            value = guard.admit(Request(name, asked, "safety", "test"), defaults()).value
            assert sign * value <= sign * now
            if sign * asked < sign * now:
                assert sign * value < sign * now, name
    for name in TABLE.keys() - INTENSITY.keys():
        assert guard.admit(Request(name, TABLE[name].high, "safety", "test"), defaults()).value == defaults()[name]


def test_safety_stays_within_the_profile():
    guard = ControlGuard(Bounds("sensitive"))
    assert guard.admit(Request("attack_ms", 5.0, "safety", "test"), defaults() | {"attack_ms": 200.0}).value == 80.0


def test_contradictions_name_both_sides():
    with pytest.raises(
        ConstraintError, match="'tempo_bpm at least 80' leaves tempo_bpm nowhere to be: nothing above 60"
    ):
        Bounds(constraints=[parse("nothing above 60 bpm"), parse("tempo_bpm at least 80")])
    with pytest.raises(ConstraintError, match="'tempo_bpm at least 100'.*relax allows 44 to 90 bpm"):
        Bounds("relax", constraints=[parse("tempo_bpm at least 100")])
    assert Bounds(constraints=[parse("nothing above 60 bpm"), parse("tempo_bpm at least 60")]).range("tempo_bpm") == (
        60.0,
        60.0,
    )


def test_silent_stems_have_one_place_to_be_and_a_reason():
    bounds = Bounds(silent={"bells": "no bells"})
    assert bounds.range("level_bells_db") == (-60.0, -60.0) and bounds.why("level_bells_db") == "no bells"
    assert bounds.why("level_pad_db") == "default"
    for by in ASKERS:
        guard = ControlGuard(bounds)
        admitted = guard.admit(Request("level_bells_db", 0.0, by, "test"), defaults() | {"level_bells_db": -60.0})
        assert admitted.value == -60.0 and "no bells" in admitted.repair


@pytest.mark.parametrize("by", ALL)
def test_only_a_screened_hand_goes_under_six_breaths(by):
    hand = by.startswith(("hand", "script"))
    values = defaults() | {"breath_rate_bpm": 6.0}
    for screened, least in ((False, 6.0), (True, 4.5 if hand else 6.0)):
        guard = ControlGuard(Bounds(screened=screened))
        assert guard.admit(Request("breath_rate_bpm", 4.5, by, "test"), values).value == least


def test_a_constraint_on_the_breath_binds_a_screened_hand_too():
    def least(*texts: str) -> float:
        return Bounds(screened=True, constraints=[parse(text) for text in texts]).range("breath_rate_bpm", "hand")[0]

    assert least("breath_rate_bpm at least 5") == 5.0
    assert least("breath_rate_bpm at least 7") == 7.0
    assert least("breath_rate_bpm at most 9") == 4.5
    bounds = Bounds(screened=True, constraints=[parse("breath_rate_bpm at least 6")])
    assert bounds.range("breath_rate_bpm", "hand")[0] == 6.0 and bounds.why("breath_rate_bpm").endswith("at least 6")


def test_a_quieter_programme_is_a_limit_of_the_output_too():
    bounds = Bounds(constraints=[parse("nothing louder than -30 LUFS")])
    assert ControlGuard(bounds).output_limits["programme_lufs"] == -30.0
    values, repairs = ControlGuard(bounds).start(defaults() | {"dynamics_db": 3.0})
    assert values["loudness_lufs"] + values["dynamics_db"] <= -30.0
    assert any("nothing louder than -30 LUFS" in repair for repair in repairs)


def test_an_unknown_profile_is_an_error():
    with pytest.raises(ValueError, match="one of default, relax, sensitive"):
        Bounds("loose")
