"""The tune takes what a person gives and what guests write, and leaves room for answers."""

from __future__ import annotations

import statistics

import pytest

from synth.composer.composer import Composer
from synth.composer.guests import Invitation, Reception, Written
from synth.composer.guests.check import Heard
from synth.composer.scales import Scale
from synth.score.model import TICKS_PER_BEAT

GIVEN = ((0.0, 2.0, 0), (2.0, 1.0, 2), (3.0, 1.0, 4), (4.0, 2.0, 5), (6.0, 2.0, 4), (8.0, 1.0, 3), (9.0, 3.0, 2))


class Fake(Reception):
    """A desk whose guest writes at once; phrases in `refuses` it leaves to the built-in composer."""

    def __init__(self, refuses=lambda phrase: False) -> None:
        super().__init__(("melody",))
        self.refuses = refuses
        self.invitations: list[Invitation] = []
        self.wrote: dict[int, tuple[Written, ...]] = {}

    def _pass_on(self, invitation):
        self.invitations.append(invitation)

    def _came(self, invitation, now):
        if self.refuses(now.phrase):
            return "fake", Heard(None, "was not in the mood")
        pitches = now.pitches[3:7]
        notes = tuple(Written(1.0 * i, 0.75, pitch, 0.7) for i, pitch in enumerate(pitches))
        self.wrote[now.phrase] = notes
        return "fake", Heard(notes, f"plays {len(notes)} notes")


def by_phrase(piece):
    """(number, start tick, tones of the melody) of each phrase."""
    marks = piece.markers("phrase")
    ends = [mark.tick for mark in marks[1:]] + [10**9]
    return [
        (int(mark.text.split()[1]), mark.tick, [n for n in piece.of("melody") if mark.tick - 60 <= n.tick < end - 60])
        for mark, end in zip(marks, ends, strict=True)
    ]


@pytest.fixture(scope="module")
def visited(music):
    desk = Fake(refuses=lambda phrase: phrase % 3 == 0)
    return desk, music.perform(music.PRESETS["settle"], 11, 6.0, composer=Composer(music.PRESETS["settle"], 11, desk))


def test_a_guest_is_invited_one_phrase_ahead_of_each_phrase(visited):
    desk, piece = visited
    numbers = [invitation.phrase for invitation in desk.invitations]
    assert numbers == list(range(2, 2 + len(numbers))) and len(numbers) >= len(piece.markers("phrase")) - 1
    assert all(i.stem == "melody" and i.low < i.high and i.notes >= 3.0 for i in desk.invitations)


def test_what_a_guest_wrote_sounds_and_the_rest_is_built_in(visited):
    desk, piece = visited
    same, own = [], 0
    for number, start, tones in by_phrase(piece):
        if number in desk.wrote:
            written = [(note.beat, note.pitch) for note in desk.wrote[number]]
            sung = [(round((n.tick - start) / TICKS_PER_BEAT * 2) / 2, int(n.pitch)) for n in tones]
            assert [beat for beat, _ in sung] == [beat for beat, _ in written]
            same += [a == b for a, b in zip(written, sung, strict=True)]
        else:
            own += bool(tones)
    assert len(same) > 20 and statistics.mean(same) > 0.7, "but for tones that would rub"
    assert own >= 2


def test_the_score_says_what_the_guest_did(visited):
    desk, piece = visited
    told = [marker.text for marker in piece.markers("guest")]
    assert "fake: plays 4 notes" in told and any("not in the mood" in text for text in told)


def test_a_desk_for_another_stem_changes_nothing(music):
    desk = Fake()
    desk.stems = frozenset(("bells",))
    preset = music.PRESETS["settle"]
    assert (
        music.perform(preset, 11, 3.0, composer=Composer(preset, 11, desk)).notes
        == music.perform(preset, 11, 3.0).notes
    )
    assert desk.invitations == []


def test_a_given_tune_is_sung_first_and_known_again(music):
    """Its rhythm is there, and most of its scale steps; it comes back later in the section."""
    preset, kept, rhythms, again = music.PRESETS["settle"], [], [], 0
    for seed in range(11, 17):
        composer = Composer(preset, seed)
        composer._planner._setting(0).memory.start_from((GIVEN,), 4)
        piece = music.perform(preset, seed, 6.0, composer=composer)
        sung = [(number, start, tones) for number, start, tones in by_phrase(piece) if tones]
        _, start, tones = sung[0]
        scale = Scale(piece.bars[0].key, piece.bars[0].mode)
        steps = [scale.step(int(n.pitch)) for n in tones]
        beats = [round((n.tick - start) / TICKS_PER_BEAT) for n in tones]
        common = min(len(steps), len(GIVEN))
        rhythms.append(beats[: common - 1] == [round(beat) for beat, _, _ in GIVEN][: common - 1])
        moves = [b - a for a, b in zip(steps, steps[1:], strict=False)]
        given = [b[2] - a[2] for a, b in zip(GIVEN, GIVEN[1:], strict=False)]
        kept.append(statistics.mean(a == b for a, b in zip(moves, given, strict=False)))
        mark = next(m for m in piece.markers("phrase") if m.tick == start).text.split()[-1]
        names = [m.text.split()[-1].rstrip("'") for m in piece.markers("phrase") if m.tick > start]
        again += mark in names
    assert statistics.mean(rhythms) >= 0.8 and statistics.median(kept) >= 0.6
    assert again >= 4


def test_bells_answer_in_the_room_that_the_tune_leaves(music, pieces):
    """Where bells play beside a tune they come after its gestures in most of the phrases, mostly while it rests."""
    answered, alone = [], []
    for seed in range(6):
        piece = pieces("settle", seed)
        bells = piece.of("bells")
        for _, start, tones in by_phrase(piece):
            if len(tones) < 3:
                continue
            end = max(n.tick + n.duration for n in tones) + 4 * TICKS_PER_BEAT
            strokes = [n for n in bells if start <= n.tick < end]
            if strokes:
                answered.append(any(n.tick > tones[0].tick for n in strokes))
                alone += [not any(t.tick < n.tick < t.tick + 0.8 * t.duration for t in tones) for n in strokes]
    assert len(answered) >= 10 and statistics.mean(answered) > 0.9
    assert statistics.mean(alone) > 0.5
