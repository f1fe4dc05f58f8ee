"""Another scene: from the next phrase on nothing of the music before comes back."""

from __future__ import annotations

import pytest

SKIP_S = 240.0


def skipped(music, name: str, seed: int, scene: float = 1.0):
    """Eight minutes, with another scene asked for in the fourth; and the same without."""
    preset = music.PRESETS[name]
    other = music.perform(preset, seed, 8.0, lambda at_s: {"scene": scene if at_s >= SKIP_S else 0.0})
    return other, music.perform(preset, seed, 8.0)


def phrases(piece) -> list[tuple[float, str]]:
    """Start and idea of each phrase; a variation has the name of what it varies."""
    return [(piece.seconds(m.tick), m.text.split()[-1].rstrip("'")) for m in piece.markers("phrase")]


def cells(piece, start_s: float, end_s: float) -> list[tuple[tuple[int, int], ...]]:
    """Runs of four melody intervals with their rhythm in eighths."""
    notes = [n for n in piece.of("melody") if start_s <= piece.seconds(n.tick) < end_s]
    steps = [(int(b.pitch - a.pitch), round((b.tick - a.tick) / 240)) for a, b in zip(notes, notes[1:], strict=False)]
    return [tuple(steps[i : i + 4]) for i in range(len(steps) - 3)]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", ["settle", "energise", "walk"])
def test_from_the_next_phrase_on_every_idea_is_new(music, name, seed):
    other, _ = skipped(music, name, seed)
    before = {idea for at_s, idea in phrases(other) if at_s <= SKIP_S}
    after = [idea for at_s, idea in phrases(other) if at_s > SKIP_S + 2.0]
    assert after and not before & set(after)


@pytest.mark.parametrize("name", ["settle", "energise", "walk"])
def test_without_it_ideas_come_back(music, name):
    came_back = 0
    for seed in range(4):
        _, plain = skipped(music, name, seed)
        before = {idea for at_s, idea in phrases(plain) if at_s <= SKIP_S}
        came_back += sum(idea in before for at_s, idea in phrases(plain) if at_s > SKIP_S)
    assert came_back >= 3


def test_the_notes_are_new_as_well(music):
    """Of the melody's cells far fewer were heard before than would have been."""
    again = {"other": 0, "plain": 0}
    for name in ("settle", "walk", "waltz"):
        for seed in range(6):
            for which, piece in zip(again, skipped(music, name, seed), strict=True):
                heard = set(cells(piece, 0.0, SKIP_S))
                again[which] += sum(cell in heard for cell in cells(piece, SKIP_S + 20.0, 420.0))
    assert again["plain"] > 30 and again["other"] < 0.35 * again["plain"]


def test_up_to_the_skip_nothing_changes(music):
    other, plain = skipped(music, "settle", 1)
    kept = [[n for n in piece.notes if piece.seconds(n.tick) < SKIP_S] for piece in (other, plain)]
    assert kept[0] == kept[1]
    later = [[n for n in piece.notes if piece.seconds(n.tick) > SKIP_S + 40.0] for piece in (other, plain)]
    assert later[0] != later[1]


def test_every_skip_is_another_one(music):
    preset = music.PRESETS["settle"]
    piece = music.perform(preset, 2, 8.0, lambda at_s: {"scene": float(at_s // 60.0)})
    ideas = phrases(piece)
    by_minute = [{idea for at_s, idea in ideas if 60.0 * m + 25.0 < at_s <= 60.0 * (m + 1)} for m in range(8)]
    assert all(not a & b for i, a in enumerate(by_minute) for b in by_minute[:i])


def test_back_in_an_earlier_scene_its_ideas_come_back(music):
    came_back = 0
    for seed in range(6):
        piece = music.perform(
            music.PRESETS["settle"], seed, 8.0, lambda at_s: {"scene": 3.0 if 120.0 <= at_s < 240.0 else 0.0}
        )
        ideas = phrases(piece)
        first = {idea for at_s, idea in ideas if at_s <= 120.0}
        assert not first & {idea for at_s, idea in ideas if 150.0 < at_s < 240.0}
        came_back += bool(first & {idea for at_s, idea in ideas if at_s > 240.0})
    assert came_back >= 4


def test_a_preset_may_begin_in_any_scene(music):
    preset = music.PRESETS["settle"]
    piece = music.perform(preset, 1, 4.0, {"scene": 7.0})
    assert piece.markers("scene") == piece.markers("passage") == [], "only a change of it counts"
    assert piece.notes == music.perform(preset, 1, 4.0, {"scene": 7.0}).notes
    assert len({idea for _, idea in phrases(piece)}) < len(phrases(piece)), "ideas come back"
