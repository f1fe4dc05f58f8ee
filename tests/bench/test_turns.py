"""The bench of random requests: sessions hold, and what would break is found."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture
def turns(program: Callable[[str], ModuleType]) -> ModuleType:
    return program("turns")


HEARD: dict[int, Any] = {}


def played(turns: ModuleType, seed: int) -> Any:
    """What was heard of a session, for the test to change; each is played once."""
    if seed not in HEARD:
        HEARD[seed] = turns.play(seed)
    return deepcopy(HEARD[seed])


@pytest.mark.parametrize("seed", [31, 32, 34])
def test_whatever_is_asked_is_met_or_softened(turns: ModuleType, seed: int) -> None:
    heard = played(turns, seed)
    assert len(heard.asked) >= 10 and len(heard.score.notes) > 50
    assert turns.strangers(heard.score) == []
    assert turns.too_fast(heard) == []
    assert turns.late(heard) == []


def test_what_breaks_is_found(turns: ModuleType) -> None:
    heard = played(turns, 31)
    score = heard.score
    pitched = next(i for i, note in enumerate(score.notes) if note.stem == "pad")
    kept = score.notes[pitched]
    for wrong in (0.4, 0.5):
        score.notes[pitched] = replace(kept, pitch=kept.pitch + wrong)
        assert len(turns.strangers(score)) == 1
    score.notes[pitched] = kept
    heard.seconds[100]["dynamics_db"] = heard.seconds[99]["dynamics_db"] + 3.0
    assert any("dynamics_db" in words for words in turns.too_fast(heard))


def test_a_request_that_never_comes_is_late(turns: ModuleType) -> None:
    heard = played(turns, 31)
    unmet = turns.Asked(20.0, "key", float((heard.score.keys[0].key + 6) % 12))
    heard.asked, heard.score.keys = [unmet], heard.score.keys[:1]
    assert turns.late(heard) == [f"key = {turns.TABLE['key'].text(unmet.value)} asked at 20 s"]
    assert turns.late(replace(heard, asked=[replace(unmet, repair="the person wants no key changes")])) == []
    far = turns.Asked(20.0, "brightness_oct", 1.4)
    still = [{**second, "brightness_oct": -1.0} for second in heard.seconds]
    assert turns.late(replace(heard, asked=[far], seconds=still)) != []
