"""A person plays along: at once, answered, followed, kept within the limits, and held in record and score."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.composer.scales import Scale, pitch_classes
from synth.instruments.base import OFF, ON, QUANTUM
from synth.score.clock import Clock
from synth.score.model import TICKS_PER_BEAT, Note, Score
from synth.session import Session, SessionError, TermsError
from synth.session.played import LONGEST_S, MOST_AT_ONCE

BLOCK = 256
CALL = [(0, 1.0), (2, 1.0), (4, 1.5), (3, 0.5), (2, 1.0), (1, 1.0), (0, 2.0)]  # steps of the scale, beats


class Person:
    """A session without sound, and someone who plays in it, on the beat."""

    def __init__(self, preset: str = "settle", seed: int = 3, minutes: float = 6.0, **options: Any) -> None:
        self.lines: list[dict[str, Any]] = []
        self.session = Session(preset, seed=seed, minutes=minutes, audio=False, record=self.lines.append, **options)

    def wait(self, until_s: float) -> None:
        while self.session.time_s < until_s and not self.session.finished:
            self.session.render(BLOCK)

    def rest(self, beats: float) -> None:
        self.wait(self.session.time_s + beats * self.session.pulse.length_s)

    def to_beat(self, index: int = 0) -> None:
        """On to the next beat number `index` of a bar."""
        self.rest(0.1)
        while self.session.pulse.index != index:
            self.session.render(BLOCK)

    def sound(self, beats: float, *keys: float, stem: str = "melody") -> None:
        for key in keys:
            self.session.play(key, 0.6, stem)
        self.rest(0.92 * beats)
        for key in keys:
            self.session.play(key, 0.0, stem)
        self.rest(0.08 * beats)

    def sing(self, tune: list[tuple[int, float]], scale: Scale | None = None, stem: str = "melody") -> None:
        here = scale or Scale(self.session.pulse.key, self.session.pulse.mode)
        home = here.step(64)
        home -= home % here.size
        for step, beats in tune:
            self.sound(beats, here.pitch(home + step), stem=stem)

    def played(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["type"] == "played"]

    def told(self, kind: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["type"] == kind]


def others(score: Score, person: Person, stem: str | None = None) -> list[Note]:
    """The composer's notes: those of the score that no line of the record holds."""
    ticks = {}
    for line in person.played():
        if line["velocity"]:
            ticks.setdefault((line["stem"], line["velocity"]), []).append(line["pitch"])
    own = [n for n in score.notes if n.pitch in ticks.get((n.stem, n.velocity), ())]
    found = [n for n in score.notes if not any(n is o for o in own)]
    return [n for n in found if stem in (None, n.stem)]


def beats(ticks: float) -> float:
    return ticks / TICKS_PER_BEAT


@pytest.fixture(scope="module")
def called() -> tuple[Person, float, float]:
    """Someone sings a phrase at 75 s and is silent from then on; the beats of its beginning and end."""
    person = Person()
    person.wait(73.0)
    person.to_beat()
    first = person.session.pulse.number
    person.sing(CALL)
    last = first + 8.0
    person.wait(240.0)
    return person, float(first), last


# -- notes -----------------------------------------------------------------------------------------------------------


def test_notes_stand_in_record_and_score_as_they_were_played(called):
    person, first, _ = called
    lines = person.played()
    assert len(lines) == 2 * len(CALL) and [line["velocity"] for line in lines] == [0.6, 0.0] * len(CALL)
    assert {(line["stem"], line["by"]) for line in lines} == {("melody", "hand")}
    score = person.session.score
    own = [n for n in score.notes if n.stem == "melody" and n.velocity == 0.6]
    assert [n.pitch for n in own] == [line["pitch"] for line in lines[::2]]
    clock, rate = Clock(score), person.session.sample_rate
    for note, on, off in zip(own, lines[::2], lines[1::2], strict=True):
        assert clock.seconds(note.tick) == pytest.approx(on["quantum"] * 64 / rate, abs=0.002)
        assert clock.seconds(note.tick + note.duration) == pytest.approx(off["quantum"] * 64 / rate, abs=0.002)


def test_a_stem_that_is_not_there_cannot_be_played():
    person = Person(minutes=0.2)
    with pytest.raises(SessionError, match="no stem 'trumpet' to play: one of .*melody"):
        person.session.play(60, 0.5, stem="trumpet")
    with pytest.raises(TermsError, match="one of as_played, in_scale"):
        Person(minutes=0.2, played="in tune")


def test_odd_values_are_mended_and_told():
    person = Person(minutes=0.3)
    for pitch, velocity in ((math.nan, 0.5), (60, math.inf), (300, 0.5), (-5, 7.0)):
        person.session.play(pitch, velocity, by="foot")
    person.wait(1.0)
    assert [(line["pitch"], line["velocity"], line["by"]) for line in person.played()] == [
        (127.0, 0.5, "hand:foot"),
        (0.0, 1.0, "hand:foot"),
    ]
    assert sum("played: " in line["text"] for line in person.told("repair")) == 4


def test_a_note_that_is_never_let_go_ends_after_a_while_and_a_stop_ends_all():
    person = Person(minutes=2.0)
    person.wait(5.0)
    person.session.play(62, 0.5)
    person.wait(45.0)
    person.session.play(64, 0.5)
    person.wait(46.0)
    person.session.stop()
    person.wait(60.0)
    score = person.session.score
    clock = Clock(score)
    lasted = {
        n.pitch: clock.seconds(n.tick + n.duration) - clock.seconds(n.tick) for n in score.notes if n.velocity == 0.5
    }
    assert lasted[62.0] == pytest.approx(LONGEST_S, abs=0.01) and lasted[64.0] == pytest.approx(1.0, abs=0.02)
    assert any("was held for 30 s" in line["text"] for line in person.told("repair"))


def test_a_note_that_ends_at_once_is_heard_all_the_same_and_none_gets_stuck():
    person = Person(minutes=0.5)
    events: list[tuple[int, float]] = []
    person.session.on_block = lambda block: events.extend(
        (e.frame, e.kind) for e in block.events.get("melody", ()) if e.pitch == 61.25
    )
    person.wait(2.0)
    for _ in range(2):
        person.session.play(61.25, 0.5)
    person.session.play(61.25, 0.0)
    person.wait(3.0)
    (at, _), *_ = events
    assert sorted(events) == [(at, ON), (at, ON), (at + QUANTUM, OFF), (at + QUANTUM, OFF)]


def test_a_heap_of_notes_is_thinned():
    person = Person(minutes=0.5)
    person.wait(2.0)
    for i in range(500):
        person.session.play(30 + i % 80, 0.5)
    person.wait(3.0)
    assert len(person.played()) == MOST_AT_ONCE
    assert sum("at once" in line["text"] for line in person.told("repair")) == 1


def test_a_stem_that_is_to_be_silent_stays_silent():
    person = Person(minutes=0.5, constraints=["no bells"])
    person.session.play(80, 0.5, stem="bells")
    person.session.play(80, 0.0, stem="bells")
    person.wait(2.0)
    assert not person.played() and [line["text"] for line in person.told("refusal")] == [
        "bells is not played: no bells"
    ]


def test_in_scale_every_note_is_moved_to_a_tone_that_sounds_and_as_played_none():
    for way, kept in (("in_scale", False), ("as_played", True)):
        person = Person(minutes=1.0, played=way, seed=5)
        person.wait(3.0)
        for key in range(55, 79):
            person.sound(0.25, key)
        inside = set(pitch_classes(Scale(person.session.pulse.key, person.session.pulse.mode)))
        own = [n.pitch for n in person.session.score.notes if n.velocity == 0.6]
        assert (own == [float(key) for key in range(55, 79)]) is kept
        assert all(abs(pitch - key) <= 1.0 for pitch, key in zip(own, range(55, 79), strict=True))
        assert {round(pitch) % 12 <= 11 and round(pitch) % 12 in inside for pitch in own} == (
            {True, False} if kept else {True}
        )


# -- call and response -------------------------------------------------------------------------------------------------


def test_the_tune_rests_while_a_person_sings(called):
    person, first, last = called
    tune = others(person.session.score, person, "melody")
    before = [n for n in tune if first - 24 <= beats(n.tick) < first]
    during = [n for n in tune if first + 1 <= beats(n.tick) < last]
    assert len(before) >= 4 and not during
    held = [n for n in tune if n.tick < first * TICKS_PER_BEAT < n.tick + n.duration]
    assert all(beats(n.tick + n.duration) <= first + 1.01 for n in held)


def test_the_answer_comes_within_a_bar_after_the_rest_and_is_like_the_call():
    alike, chance, late, kept = [], [], [], []
    for seed in range(6):
        person = Person(seed=seed, minutes=4.0)
        person.wait(60.0 + 5 * seed)
        person.to_beat(seed % 4)
        rng = Random(seed)
        steps = [0]
        for _ in range(6):
            steps.append(steps[-1] + rng.choice((-2, -1, 1, 2)))
        call = [(step, rng.choice((0.5, 1.0, 1.0, 1.5))) for step in steps]
        first = person.session.pulse.number
        person.sing(call)
        end = first + sum(lasts for _, lasts in call)
        person.rest(24)
        tune = [n for n in others(person.session.score, person, "melody") if beats(n.tick) > end]
        late.append(beats(tune[0].tick) - (end + 1.0))
        answer = tune[: len(call)]
        alike.append(direction(steps, [n.pitch for n in answer]))
        chance += [direction([rng.choice((-1, 1)) for _ in range(7)], [n.pitch for n in answer]) for _ in range(20)]
        paces = [lasts for _, lasts in call[:-1]]
        answered = [beats(b.tick - a.tick) for a, b in zip(answer, answer[1:], strict=False)]
        kept.append(sum(abs(a - b) < 0.2 for a, b in zip(paces, answered, strict=False)) / len(paces))
    assert max(late) <= 4.25, late  # the bar that begins after the rest has been heard
    assert sum(alike) / len(alike) >= 0.6 > sum(chance) / len(chance) + 0.2, (alike, chance)
    assert sum(kept) / len(kept) >= 0.85, kept


def direction(steps: list[float], pitches: list[float]) -> float:
    """Share of moves that go the same way, the first half right side up, the second either way round."""

    def share(a: list[float], b: list[float], turn: int) -> float:
        moves = [((y - x) > 0) - ((y - x) < 0) for x, y in zip(a, a[1:], strict=False)]
        theirs = [turn * (((y - x) > 0) - ((y - x) < 0)) for x, y in zip(b, b[1:], strict=False)]
        return sum(m == t for m, t in zip(moves, theirs, strict=False)) / max(len(moves), 1)

    half = len(steps) // 2 + 1
    head = share(steps[:half], pitches[:half], 1)
    tail = max(share(steps[half - 1 :], pitches[half - 1 :], turn) for turn in (1, -1))
    return (head + tail) / 2


def test_the_answer_ends_on_a_tone_of_its_chord_and_the_score_says_that_it_answers(called):
    person, _, last = called
    score = person.session.score
    told = [m for m in score.markers if m.kind == "reply"]
    assert len(told) == 1 and told[0].text.startswith("melody replies to 7 notes ")
    tune = [n for n in others(score, person, "melody") if n.tick >= told[0].tick - 60][: len(CALL)]
    closing = tune[-1]
    sounding = {
        round(n.pitch) % 12
        for n in others(score, person)
        if n.stem in ("pad", "bass") and n.tick - 60 <= closing.tick < n.tick + n.duration
    }
    assert round(closing.pitch) % 12 in sounding


def test_what_was_sung_comes_back_minutes_later(called):
    person, first, _ = called
    score = person.session.score
    clock = Clock(score)
    sung_s = clock.seconds(round(first * TICKS_PER_BEAT))
    recalls = [m for m in score.markers if m.kind == "recall" and clock.seconds(m.tick) > sung_s + 45.0]
    assert recalls and recalls[0].text.endswith("s later")
    said_s = float(recalls[0].text.split(", ")[1].split()[0])
    assert clock.seconds(recalls[0].tick) - said_s == pytest.approx(sung_s, abs=15.0)  # that, and nothing else
    tune = [n.pitch for n in others(score, person, "melody") if n.tick >= recalls[0].tick - 60][: len(CALL)]
    assert direction([float(step) for step, _ in CALL], tune) >= 0.6


def test_notes_of_a_person_leave_fewer_for_the_composer():
    counts = {}
    for plays in (False, True):
        person = Person("focus", seed=4, minutes=3.0)
        person.wait(60.0)
        while person.session.time_s < 110.0:
            if plays:
                person.sound(0.25, 60 + person.session.position % 7, stem="pad")
            else:
                person.rest(0.25)
        clock = Clock(person.session.score)
        notes = others(person.session.score, person)
        counts[plays] = sum(65.0 <= clock.seconds(n.tick) < 110.0 for n in notes)
    assert counts[True] < 0.9 * counts[False], counts


def test_a_voice_does_not_rub_with_what_a_person_holds():
    begun = 0
    for seed in range(5):
        person = Person("drift-and-return", seed=seed, minutes=3.0)
        person.wait(70.0)
        person.to_beat()
        here = Scale(person.session.pulse.key, person.session.pulse.mode)
        key = here.pitch(35 + 2 + seed)
        number = person.session.pulse.number
        person.sound(12.0, key, stem="pad")
        for note in others(person.session.score, person):
            if note.stem in ("melody", "bells") and number + 5 <= beats(note.tick) < number + 11:
                begun += 1
                assert abs(round(note.pitch) - key) not in (1, 13), (seed, note, key)
    assert begun >= 10


# -- chord, bass and key ----------------------------------------------------------------------------------------------


def pad_at(person: Person, tick: int, stem: str = "pad") -> set[int]:
    return {
        round(n.pitch) % 12 for n in others(person.session.score, person, stem) if n.tick <= tick < n.tick + n.duration
    }


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_harmony_takes_a_played_chord_on_the_next_beat(seed: int):
    person = Person(seed=seed, minutes=4.0)
    person.wait(60.0)
    for root in (7, 0, 5, 2):
        person.to_beat(root % 4)
        here = Scale(person.session.pulse.key, person.session.pulse.mode)
        home = 35 + root
        keys = [here.pitch(home + step) for step in (0, 2, 4)]
        number = person.session.pulse.number
        person.sound(3.0, *keys)
        heard = pad_at(person, round((number + 2.2) * TICKS_PER_BEAT))
        wanted = {key % 12 for key in keys}
        assert heard <= wanted and len(heard) >= 2, (root, heard, wanted)
        person.rest(6)


def test_a_broken_chord_leads_in_the_bar_it_is_broken_in():
    person = Person(seed=2, minutes=4.0)
    person.wait(60.0)
    person.to_beat()
    here = Scale(person.session.pulse.key, person.session.pulse.mode)
    keys = [here.pitch(35 + step) for step in (3, 5, 7)]
    number = person.session.pulse.number
    for key in keys:
        person.sound(1.0, key, stem="bells")
    person.rest(3)
    assert pad_at(person, round((number + 4.3) * TICKS_PER_BEAT)) <= {key % 12 for key in keys}


def test_a_chord_from_outside_the_scale_is_taken_and_nothing_else_leaves_the_scale():
    person = Person(seed=1, minutes=4.0)
    person.wait(60.0)
    person.to_beat()
    here = Scale(person.session.pulse.key, person.session.pulse.mode)
    inside = set(pitch_classes(here))
    root = (here.key + 4) % 12 + 60  # a major chord on the third degree: its third is no tone of the scale
    keys = [root, root + 4, root + 7]
    number = person.session.pulse.number
    person.sound(4.0, *keys)
    assert (root + 4) % 12 not in inside
    assert (root + 4) % 12 in pad_at(person, round((number + 2.3) * TICKS_PER_BEAT))
    person.rest(12)
    strangers = [n for n in others(person.session.score, person) if round(n.pitch) % 12 not in inside]
    assert strangers and all(
        n.stem == "pad" and round(n.pitch) % 12 == (root + 4) % 12 for n in strangers if n.stem != "percussion"
    )


def test_the_bass_goes_where_the_left_hand_goes():
    person = Person(seed=3, minutes=4.0)
    person.wait(70.0)
    person.to_beat()
    here = Scale(person.session.pulse.key, person.session.pulse.mode)
    low = here.pitch(35 + 5) - 24  # the third of the chord on the fourth degree
    number = person.session.pulse.number
    person.sound(4.0, low, here.pitch(35 + 3), here.pitch(35 + 7))
    assert pad_at(person, round((number + 2.3) * TICKS_PER_BEAT), "bass") == {low % 12}


def test_a_long_note_is_given_a_chord_that_holds_it():
    person = Person(seed=5, minutes=4.0)
    held = 0
    for round_ in range(4):
        person.wait(50.0 + 40.0 * round_)
        person.to_beat()
        here = Scale(person.session.pulse.key, person.session.pulse.mode)
        key = here.pitch(35 + (1, 5, 3, 6)[round_])
        number = person.session.pulse.number
        person.sound(8.0, key)
        heard = pad_at(person, round((number + 5.5) * TICKS_PER_BEAT))
        held += key % 12 in heard or all(abs((key - pc + 6) % 12 - 6) != 1 for pc in heard)
    assert held == 4


TUNE = [
    (0, 1),
    (1, 1),
    (2, 1),
    (0, 1),
    (2, 1),
    (3, 1),
    (4, 2),
    (5, 0.5),
    (4, 0.5),
    (3, 0.5),
    (2, 0.5),
    (1, 1),
    (6, 1),
    (7, 2),
]


def test_the_played_key_leads_and_goes_back_to_the_plan():
    person = Person(minutes=5.0)
    person.wait(60.0)
    away = Scale((person.session.pulse.key + 2) % 12, 1)
    for _ in range(3):
        person.sing([(step, float(lasts)) for step, lasts in TUNE], away)
        person.rest(2)
    asked = [line for line in person.told("commit") if line["by"] == "hand:played"]
    assert [line["new"] for line in asked if line["control"] == "key"] == [float(away.key)]
    assert "major: that fits 0." in asked[0]["reason"]
    assert {"key"} <= person.session.held
    person.wait(160.0)
    assert person.session.pulse.key == away.key
    person.wait(230.0)
    assert "key" not in person.session.held and "key" in [line["control"] for line in person.told("release")]


@pytest.mark.parametrize("held", [False, True])
def test_a_persons_fader_on_the_key_stands_against_what_is_played(held: bool):
    person = Person(minutes=4.0)
    person.wait(58.0)
    here = person.session.pulse.key
    if held:
        person.session.request("key", here, by="hand:fader")
    person.wait(60.0)
    away = Scale((here + 1) % 12, 4)
    for _ in range(4):
        person.sing([(step, float(lasts)) for step, lasts in TUNE], away)
        person.rest(2)
    asked = {line["control"] for line in person.told("commit") if line["by"] == "hand:played"}
    assert asked == (set() if held else {"key", "mode"})
    person.wait(160.0)
    assert (person.session.pulse.key == here) is held and "key" in person.session.held


def test_no_key_changes_means_none_for_what_is_played_either():
    person = Person(minutes=4.0, constraints=["no key changes"])
    person.wait(60.0)
    here = person.session.pulse.key
    for _ in range(3):
        person.sing([(step, float(lasts)) for step, lasts in TUNE], Scale((here + 2) % 12, 1))
        person.rest(2)
    person.wait(150.0)
    assert {change.key for change in person.session.score.keys} == {here}
    assert (
        len([line for line in person.told("commit") if line["by"] == "hand:played" and line["control"] == "key"]) <= 1
    )


# -- whatever is played -----------------------------------------------------------------------------------------------


@settings(max_examples=8)
@given(st.integers(0, 10_000), st.sampled_from(["settle", "focus", "energise", "drift-and-return", "breathe", "sleep"]))
def test_whatever_is_played_the_composer_keeps_to_its_scale(seed: int, preset: str):
    person = Person(preset, seed=seed, minutes=1.5)
    scribble(person, Random(seed))
    score = person.session.score
    keys = [change.tick for change in score.keys]
    allowed = {round(line["pitch"]) % 12 for line in person.played()}
    for note in others(score, person):
        if note.stem == "percussion":
            continue
        change = score.keys[max(bisect_right(keys, note.tick + 120) - 1, 0)]
        inside = pitch_classes(Scale(change.key, change.mode))
        pcs = {round(note.pitch) % 12, math.floor(note.pitch + 0.35) % 12, math.ceil(note.pitch - 0.35) % 12}
        assert pcs & set(inside) or (note.stem in ("pad", "bass", "bells") and pcs & allowed), note
    assert all(note.duration >= 1 and note.tick >= 0 for note in score.notes)
    assert score.end_tick >= max(note.tick for note in score.notes)


def scribble(person: Person, rng: Random) -> None:
    session = person.session
    stems = [stem for stem in ("pad", "bass", "melody", "bells", "percussion") if stem in session.preset.stems]
    held: list[tuple[int, str]] = []
    while not session.finished:
        if rng.random() < 0.2:
            stem = rng.choice([*stems, "melody"]) if "melody" in stems else rng.choice(stems)
            for _ in range(rng.choice((1, 1, 1, 3, 4))):
                held.append((rng.randint(30, 96), stem))
                session.play(held[-1][0], 0.61, stem)
        if rng.random() < 0.3 and held:
            session.play(held[0][0], 0.0, held.pop(0)[1])
        if rng.random() < 0.01:
            session.request(rng.choice(("key", "scene")), rng.randrange(3))
        session.render(rng.choice((64, 256, 1024, 4096, 20_000)))


def test_blocks_change_nothing():
    def performed(size: Callable[[], int]) -> tuple[Score, list[dict[str, Any]]]:
        lines: list[dict[str, Any]] = []
        session = Session("settle", seed=9, minutes=1.5, audio=False, record=lines.append, moves=moves, steer=False)
        while not session.finished:
            session.render(size())
        return session.score, lines

    person = Person(seed=9, minutes=1.5)
    scribble(person, Random(4))
    kinds = ("commit", "release", "phase", "played")
    moves = [line for line in person.lines if line["type"] in kinds and not line.get("at_once")]
    rng = Random(1)
    small, large = performed(lambda: rng.choice((64, 100, 640))), performed(lambda: 4096)
    assert small[0] == large[0] and small[0].notes == person.session.score.notes
    assert [line for line in small[1] if line["type"] == "played"] == person.played()
