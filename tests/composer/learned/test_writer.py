"""Phrases of the learned composer: one for a seed, in scale and register, as many notes as asked, closed as asked."""

from __future__ import annotations

import pickle
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.composer.guests.check import heard
from synth.composer.guests.guest import Invitation, Written
from synth.composer.learned import LearnedMelody
from synth.composer.learned.events import letter_above
from synth.composer.learned.writer import STABLE, InvitationError

IONIAN, PENTATONIC, HIJAZ, WHOLE = (0, 2, 4, 5, 7, 9, 11), (0, 2, 4, 7, 9), (0, 1, 4, 5, 7, 8, 10), (0, 2, 4, 6, 8, 10)
GUEST = LearnedMelody()
KNOWN_BEATS = [0.0, 1.0, 1.5, 2.0, 3.0, 3.75, 4.0, 10.0, 11.5, 12.0]
KNOWN_PITCHES = [69, 69, 69, 69, 67, 66, 64, 64, 64, 62]


def invitation(**changed: Any) -> Invitation:
    plain = Invitation(
        stem="melody",
        phrase=3,
        bars=4,
        beats=4,
        tempo_bpm=66.0,
        key=2,
        scale="D ionian",
        semitones=IONIAN,
        low=60,
        high=76,
        notes=10.0,
        closing_beat=12.0,
        controls={"regularity": 0.5, "articulation": 0.95},
        seed=11,
    )
    return replace(plain, **changed)


def session(phrases: int, **changed: Any) -> list[tuple[Written, ...]]:
    """Phrase after phrase, each hearing the two before."""
    found: list[tuple[Written, ...]] = []
    for number in range(phrases):
        asked = invitation(phrase=number, **changed)
        before = [
            replace(note, beat=note.beat - back * asked.length)
            for back, notes in ((2, found[-2:-1]), (1, found[-1:]))
            for phrase in notes
            for note in phrase
        ]
        found.append(GUEST.write(replace(asked, heard=tuple(before))))
    return found


def test_a_seed_has_one_phrase_and_another_seed_another() -> None:
    assert GUEST.write(invitation()) == GUEST.write(invitation()) == LearnedMelody().write(invitation())
    others = {GUEST.write(invitation(seed=seed)) for seed in range(20)}
    assert len(others) > 15
    assert GUEST.write(invitation()) != GUEST.write(invitation(phrase=4))


def test_the_notes_of_a_seed_stay_what_they_are() -> None:
    """Alike on every Python and machine: a change of these is a change of the music people keep seeds of."""
    written = GUEST.write(invitation())
    assert [note.beat for note in written] == KNOWN_BEATS
    assert [note.pitch for note in written] == KNOWN_PITCHES


@settings(max_examples=60, deadline=None)
@given(
    bars=st.integers(1, 9),
    beats=st.integers(1, 13),
    close=st.floats(0.0, 0.999),
    notes=st.floats(0.3, 60.0),
    tempo=st.floats(40.0, 150.0),
    key=st.integers(0, 11),
    semitones=st.sampled_from((IONIAN, PENTATONIC, HIJAZ, WHOLE, (0, 5, 7, 10))),
    low=st.integers(40, 80),
    span=st.integers(6, 30),
    seed=st.integers(0, 2**31),
    before=st.lists(st.tuples(st.floats(-40.0, -0.01), st.integers(36, 96)), max_size=12),
)
def test_whatever_is_asked_it_stays_in_scale_register_and_phrase(
    bars: int,
    beats: int,
    close: float,
    notes: float,
    tempo: float,
    key: int,
    semitones: tuple[int, ...],
    low: int,
    span: int,
    seed: int,
    before: list[tuple[float, int]],
) -> None:
    asked = invitation(
        bars=bars,
        beats=beats,
        closing_beat=round(close * bars * beats, 2) if close * bars * beats < bars * beats - 0.01 else 0.0,
        notes=notes,
        tempo_bpm=tempo,
        key=key,
        semitones=semitones,
        low=low,
        high=low + span,
        seed=seed,
        heard=tuple(Written(beat, 0.5, pitch) for beat, pitch in before),
    )
    written = GUEST.write(asked)
    assert 1 <= len(written) <= max(1, round(1.3 * round(notes)))
    assert {n.pitch for n in written} <= set(asked.pitches)
    assert written[-1].beat == pytest.approx(asked.closing_beat)
    assert all(n.beats > 0.0 and 0.05 <= n.velocity <= 0.9 for n in written)
    assert written[-1].beat + written[-1].beats <= asked.length + 1e-6
    for a, b in zip(written, written[1:], strict=False):
        assert a.beat + a.beats <= b.beat + 1e-3
        assert (b.beat - a.beat) * 60.0 / tempo >= 0.2 or len(written) <= 2


@pytest.mark.parametrize(
    ("bars", "beats", "notes"), [(4, 4, 10), (4, 3, 9), (8, 4, 14), (4, 6, 12), (2, 4, 6), (4, 4, 20)]
)
def test_it_writes_as_many_notes_as_are_wanted_and_the_desk_takes_them_as_they_are(
    bars: int, beats: int, notes: int
) -> None:
    for seed in range(12):
        asked = invitation(bars=bars, beats=beats, notes=notes, closing_beat=float((bars - 1) * beats), seed=seed)
        written = GUEST.write(asked)
        assert len(written) == notes
        assert heard(asked, written).notes == written


def test_it_goes_to_a_process_of_its_own_and_writes_the_same_there() -> None:
    assert pickle.loads(pickle.dumps(GUEST)).write(invitation()) == GUEST.write(invitation())


def test_phrases_close_on_stable_tones_mostly_the_tonic() -> None:
    closes = Counter(letter_above(GUEST.write(invitation(seed=seed))[-1].pitch - 2) % 7 for seed in range(60))
    assert set(closes) <= set(STABLE)
    assert 0.3 < closes[0] / 60 < 0.95 and len(closes) > 1


def silent(asked: Invitation, written: tuple[Written, ...]) -> float:
    return 1.0 - sum(note.beats for note in written) / asked.length


def test_there_are_rests_even_in_a_full_phrase_that_closes_late() -> None:
    full = {"notes": 20.0, "closing_beat": 15.0, "controls": {"regularity": 0.5, "articulation": 1.0}}
    for seed in range(20):
        calm, busy = invitation(seed=seed), invitation(seed=seed, **full)
        assert 0.1 <= silent(calm, GUEST.write(calm)) <= 0.6
        assert 0.1 <= silent(busy, GUEST.write(busy)) <= 0.6


def test_a_line_breathes_after_its_long_tones() -> None:
    asked = invitation(notes=8.0, controls={"regularity": 0.5, "articulation": 1.0})
    breaths = []
    for seed in range(20):
        written = GUEST.write(replace(asked, seed=seed))
        breaths.append(max(b.beat - a.beat - a.beats for a, b in zip(written, written[1:], strict=False)))
    assert sum(breath >= 0.5 for breath in breaths) >= 15


def test_it_moves_as_tunes_do_mostly_by_step_and_by_no_wide_leap() -> None:
    phrases = session(40)
    moves = [abs(b.pitch - a.pitch) for phrase in phrases for a, b in zip(phrase, phrase[1:], strict=False)]
    assert sum(move in (1, 2) for move in moves) / len(moves) > 0.5
    assert sum(move > 7 for move in moves) / len(moves) < 0.08


def again(phrases: list[tuple[Written, ...]]) -> float:
    """Share of phrases of which more than half the tones stand as in one of the two before."""
    kept = [{(note.beat, note.pitch) for note in phrase} for phrase in phrases]
    return sum(
        max(len(kept[i] & before) for before in kept[max(i - 2, 0) : i]) > 0.5 * len(kept[i])
        for i in range(1, len(kept))
    ) / (len(kept) - 1)


def test_phrases_come_back_more_often_the_more_regular_the_music() -> None:
    free, regular = (
        again(session(40, controls={"regularity": regularity, "articulation": 1.0})) for regularity in (0.0, 1.0)
    )
    assert free < regular
    assert 0.05 < again(session(40)) < 0.6


def test_articulation_shortens_notes_and_moves_none() -> None:
    long = GUEST.write(invitation(controls={"regularity": 0.5, "articulation": 1.0}))
    short = GUEST.write(invitation(controls={"regularity": 0.5, "articulation": 0.5}))
    assert [(n.beat, n.pitch) for n in short] == [(n.beat, n.pitch) for n in long]
    assert all(s.beats == pytest.approx(0.5 * n.beats, abs=1e-3) for s, n in zip(short, long, strict=True))


def test_what_was_heard_matters() -> None:
    tune = tuple(Written(-16.0 + i, 1.0, 62 + 2 * (i % 2)) for i in range(12))
    assert GUEST.write(invitation(heard=tune)) != GUEST.write(invitation())


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"bars": 0}, "0 bars of 4 beats"),
        ({"bars": 100}, "100 bars"),
        ({"closing_beat": 16.0}, "closing_beat 16.0 is not in a phrase of 16 beats"),
        ({"closing_beat": -1.0}, "closing_beat -1.0"),
        ({"closing_beat": float("nan")}, "closing_beat nan"),
        ({"tempo_bpm": 0.0}, "tempo_bpm 0.0"),
        ({"tempo_bpm": float("inf")}, "tempo_bpm inf"),
        ({"notes": 0.0}, "0.0 notes"),
        ({"notes": float("nan")}, "nan notes"),
        ({"low": 70, "high": 60}, "no tone of D ionian lies between 70 and 60"),
        ({"semitones": ()}, "no tone of"),
    ],
)
def test_an_invitation_without_an_answer_is_refused_with_the_reason(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(InvitationError, match=why):
        GUEST.write(invitation(**changed))
