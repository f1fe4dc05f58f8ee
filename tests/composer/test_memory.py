"""What comes back, when, and as what; what a person likes or gives."""

from __future__ import annotations

import statistics

import pytest

from synth.composer.melody import Tone
from synth.composer.memory import CALLBACK_S, RESTATE_S, Memory, Return
from synth.composer.moment import Idea
from synth.rng import stream

PHRASE_S = 12.0
TUNE = (
    ((0.0, 1.0, 0), (1.0, 1.0, 2), (2.0, 1.0, 4), (3.0, 3.0, 3)),
    ((0.0, 1.0, 4), (1.0, 1.0, 2), (2.0, 2.0, 1), (4.0, 4.0, 0)),
    ((0.0, 2.0, 7), (2.0, 6.0, 4)),
)


def memory(seed: int = 1, returns=(0.2, 0.2, 0.15)) -> Memory:
    return Memory(stream(seed, "test"), [0], returns, 0.4)


def line(seed: int, tones: int = 6) -> list[Tone]:
    rng = stream(seed, "line")
    made = [Tone(2.0 * i, 2.0, "a", i, 35 + rng.randint(-4, 6)) for i in range(tones)]
    made[-1].closing = True
    return made


def played(
    mind: Memory, phrases: int, sung=lambda i: True, bars=lambda i: 4, section: int = 12, predictable: float = 0.5
) -> list[tuple[float, Return, Idea]]:
    """(time, return, idea) of each phrase; new phrases get lines of their own where they are sung."""
    found = []
    for i in range(phrases):
        time_s = i * PHRASE_S
        if i % section == 0:
            mind.new_section(time_s)
        back = mind.relate(time_s, bars(i), True, predictable)
        idea = Idea(mind.name(back), i, bars(i), time_s)
        mind.keep(idea, back)
        if sung(i):
            idea.line = back.source.line if back.source and back.relation == "exact" else line(i)
        found.append((time_s, back, idea))
    return found


def test_about_half_of_the_phrases_come_back_and_most_of_them_soon():
    related, lags = [], []
    for seed in range(20):
        ideas = [idea.family for _, _, idea in played(memory(seed), 25)]
        for i, family in enumerate(ideas):
            related.append(family in ideas[:i])
            if related[-1]:
                lags.append(i - max(j for j in range(i) if ideas[j] == family))
    assert 0.4 <= statistics.mean(related) <= 0.7
    assert statistics.mean(lag <= 4 for lag in lags) >= 0.75


def test_the_idea_of_a_section_is_heard_again_every_one_to_two_minutes():
    gaps = []
    for seed in range(10):
        times = [time_s for time_s, back, _ in played(memory(seed), 60) if back.after_s is not None]
        assert len(times) >= 6
        gaps += [b - a for a, b in zip(times, times[1:], strict=False)]
    assert min(gaps) > 0.0 and statistics.median(gaps) <= 120.0
    assert statistics.mean(RESTATE_S[0] - PHRASE_S <= gap <= 150.0 for gap in gaps) >= 0.75


def test_what_is_planned_to_return_is_an_idea_that_was_sung_and_fits():
    for seed in range(10):
        bars = [4, 8, 2][seed % 3 :] + [4]
        found = played(memory(seed), 80, sung=lambda i: i % 3 != 1, bars=lambda i, b=bars: b[i % len(b)])
        for _, back, idea in found:
            if back.after_s is not None:
                assert back.source.line and (back.source.bars == idea.bars or 2 * back.source.bars <= idea.bars)


def test_a_planned_return_that_was_not_sung_is_planned_again():
    mind = memory(3)
    found = played(mind, 12, sung=lambda i: i < 4)
    due = [time_s for time_s, back, _ in found if back.after_s is not None]
    assert len(due) >= 3 and min(b - a for a, b in zip(due, due[1:], strict=False)) <= 2 * PHRASE_S


def test_an_earlier_section_returns_after_six_to_ten_minutes():
    called = 0
    for seed in range(10):
        for time_s, back, _ in played(memory(seed), 150):
            if back.source is not None and back.after_s is not None and time_s - back.source.time_s >= CALLBACK_S[0]:
                called += 1
    assert called >= 8


def test_two_ideas_follow_each_other_once_only():
    """Said again in the same order, two long phrases would be a loop."""
    for seed in range(12):
        ideas = [idea.family for _, _, idea in played(memory(seed, (0.5, 0.2, 0.1)), 60, predictable=1.0)]
        pairs = list(zip(ideas, ideas[1:], strict=False))
        assert len(pairs) == len(set(pairs))


def test_long_phrases_never_come_back_as_they_were():
    backs = [back for seed in range(8) for _, back, _ in played(memory(seed), 40, bars=lambda i: 16)]
    assert any(back.source for back in backs) and not any(back.relation == "exact" for back in backs)


def test_a_varied_return_says_how():
    backs = [back for seed in range(10) for _, back, _ in played(memory(seed), 40) if back.relation == "varied"]
    told = {back.way for back in backs}
    assert len(told - {""}) >= 4
    inverted = Return("varied", Idea("A", 1, 4, 0.0), 60.0, "inverted")
    assert inverted.said == "A inverted" and Return("exact", Idea("B'", 1, 4, 0.0)).said == "B'"
    assert Return().said == ""


def test_what_is_forgotten_does_not_come_back():
    mind = memory(2)
    before = {idea.family for _, _, idea in played(mind, 20)}
    mind.forget()
    after = {idea.family for _, _, idea in played(mind, 20)}
    assert not before & after


def test_over_hours_what_can_never_come_back_is_let_go_of_and_the_rest_goes_on_as_ever():
    class Hoarding(Memory):
        def _let_fade(self, time_s: float) -> None:
            pass

    for seed in range(2):
        kinds = (memory(seed), Hoarding(stream(seed, "test"), [0], (0.2, 0.2, 0.15), 0.4))
        light, hoarding = (
            [(idea.name, back.relation, back.after_s, back.way) for _, back, idea in played(kind, 900)]
            for kind in kinds
        )
        assert light == hoarding and len({name for name, *_ in light}) > 300
        assert len(kinds[0]._leads) < 10 and len(kinds[0]._followed) < 60 < len(kinds[1]._followed)


def test_what_a_person_likes_comes_back_more_often():
    def heard(likes: bool) -> int:
        count = 0
        for seed in range(30):
            mind = memory(seed)
            found = played(mind, 4, section=99)
            liked = found[-1][2]
            if likes:
                mind.like()
            for i in range(4, 16):
                back = mind.relate(i * PHRASE_S, 4, True, 0.5)
                idea = Idea(mind.name(back), i, 4, i * PHRASE_S, line=line(i))
                mind.keep(idea, back)
                count += idea.family == liked.family
        return count

    assert heard(True) > 1.3 * heard(False)


# --- a tune that is given ---------------------------------------------------------------------------------------------


def first_phrases(bars: int, sung=lambda i: True, phrases: int = 8) -> list[tuple[float, Return, Idea]]:
    mind = memory(4)
    mind.start_from(TUNE, 4)
    return played(mind, phrases, sung, lambda i: bars)


def test_a_given_tune_is_said_first_and_in_order():
    (_, one, first), (_, two, second), *others = first_phrases(4)
    assert one.relation == two.relation == "exact" and first.name == "A" and second.name == "B"
    assert [(t.beat, t.beats, t.step - 35) for t in one.source.line] == [
        *TUNE[0],
        *((8.0 + beat, beats, step) for beat, beats, step in TUNE[1]),
    ]
    assert [(t.beat, t.step - 35) for t in two.source.line] == [(beat, step) for beat, _, step in TUNE[2]]
    assert [t.closing for t in one.source.line] == [False] * 7 + [True]
    assert not any(back.source is one.source for _, back, _ in others), "from here on it is an idea like others"


def test_in_short_phrases_it_is_said_one_by_one():
    backs = [back for _, back, _ in first_phrases(2)][:3]
    assert [len(back.source.line) for back in backs] == [len(phrase) for phrase in TUNE]


def test_what_was_not_sung_of_it_is_said_later():
    found = first_phrases(4, sung=lambda i: i >= 3)
    assert [len(back.source.line) for _, back, _ in found[:4]] == [8, 8, 8, 8]
    assert len(found[4][1].source.line) == 2


def test_a_given_tune_leads_its_section():
    found = first_phrases(4, phrases=24)
    returns = [back for time_s, back, _ in found if back.after_s is not None and time_s < 12 * PHRASE_S]
    assert returns and returns[0].source.family == "A"


@pytest.mark.parametrize("phrases", [(), ((), ())])
def test_an_empty_tune_is_none(phrases):
    mind = memory(1)
    mind.start_from(phrases, 4)
    assert mind.relate(0.0, 4, True, 0.5) == Return()
