"""Beams: short notes of a beat, or plain eighths of half a bar, under one beam."""

from __future__ import annotations

from itertools import groupby

from synth.output.notation.quantise import UNITS
from synth.output.notation.staff import Item
from synth.output.notation.values import VALUES

_BEAMS = {"eighth": 1, "16th": 2}


def beams(items: list[Item], beats: int) -> list[tuple[str, ...]]:
    """For each item the state of its beams, the longest first: begin, continue, end, forward or backward hook."""
    marks: list[tuple[str, ...]] = [()] * len(items)
    levels = [_BEAMS.get(VALUES[item.length].type, 0) if item.pitches else 0 for item in items]
    group_of = _groups(items, levels, beats)
    for (_, beamed), run in groupby(range(len(items)), key=lambda i: (group_of[i], levels[i] > 0)):
        places = list(run)
        if beamed and len(places) > 1:
            for i in places:
                marks[i] = tuple(_state(places, i, level, levels) for level in range(1, levels[i] + 1))
    return marks


def _groups(items: list[Item], levels: list[int], beats: int) -> list[int]:
    """The beat of each item; two beats of an even bar are one where they hold nothing but plain eighths."""
    of = [item.start // UNITS for item in items]
    if beats % 2 == 0:
        for beat in range(0, beats, 2):
            held = [i for i, b in enumerate(of) if b in (beat, beat + 1)]
            if len(held) == 4 and all(levels[i] == 1 and items[i].length == UNITS // 2 for i in held):
                for i in held:
                    of[i] = beat
    return of


def _state(places: list[int], i: int, level: int, levels: list[int]) -> str:
    before = i > places[0] and levels[i - 1] >= level
    after = i < places[-1] and levels[i + 1] >= level
    if before and after:
        return "continue"
    if before:
        return "end"
    if after:
        return "begin"
    return "forward hook" if i == places[0] else "backward hook"
