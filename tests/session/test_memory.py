"""A session that is only played live takes no more memory as time goes on, and plays the same."""

from __future__ import annotations

import functools
import gc
import hashlib
import math
import sys
from collections.abc import Iterator
from random import Random

import numpy as np
import pytest

from synth import Session
from synth.preset import phase_to_dict
from synth.score.model import TICKS_PER_BEAT, Score
from synth.score.strokes import KEPT_BEATS

RATE = 48_000
LONG_S, PART_S = 1200, 150  # and between two looks
FEW_BLOCKS = 1500  # of memory; a score that is kept takes more in seven minutes


def endless(preset: str, **options) -> Session:
    return Session(preset, seed=1, minutes=math.inf, audio=False, **options)


def left_alone(session: Session, seconds: int) -> Iterator[int]:
    for second in range(seconds):
        session.render(RATE)
        yield second


def busy(session: Session, seconds: int) -> Iterator[int]:
    """Each of `seconds` in which the wearer's signals come and hands play, turn knobs, say how it is and edit."""
    rng, stem, wave = Random(1), session._deeds.playing.stems[-1], np.arange(0.0, 1.0, 1.0 / 32.0)
    plan = [phase_to_dict(phase) for phase in session.preset.phases]
    for second in range(seconds):
        session.feed("rr_ms", 850.0 + rng.gauss(0.0, 30.0))
        session.feed("eda", 2.0 + math.sin(second / 40.0) + 0.05 * rng.random())
        session.feed("acc", 1.0 + 0.01 * rng.random())
        session.feed("resp", np.sin(1.3 * (second + wave)), second + wave, device="belt")
        session.feed("temp", 33.0 + 0.2 * math.sin(second / 900.0))
        if second % 7 == 0:
            session.play(60.0 + rng.randint(-5, 7), 0.6, stem)
            session.request("brightness_oct", rng.uniform(-1.0, 1.0))
        if second % 7 == 3:
            for pitch in range(55, 68):
                session.play(float(pitch), 0.0, stem)
            session.release("brightness_oct")
        if second % 60 == 0:
            session.feed("self_valence", rng.uniform(-1.0, 1.0))
            session.verb(rng.choice(["more", "less", "like", "ground", "advance", "pull_back"]))
        if second % 600 == 300:
            session.edit(plan)
        session.render(RATE)
        yield second


def growth(passing: Iterator[int]) -> int:
    """How many blocks of memory more are in use at the last three looks than at those from the third on.

    They hold single numbers and texts, too; what the composer's tables hold by now is left out. The least of three
    looks counts, as what sounds and what is remembered comes and goes.
    """
    looks, tables = [], list[functools._lru_cache_wrapper]()
    for second in passing:
        if second % PART_S == PART_S - 1:
            tables = tables or [found for found in gc.get_objects() if type(found) is functools._lru_cache_wrapper]
            for table in tables:
                if str(table.__module__).startswith("synth.composer"):
                    table.cache_clear()
            gc.collect()
            looks.append(sys.getallocatedblocks())
    return min(looks[-3:]) - min(looks[2:5])


def tail(score: Score, tick: int) -> tuple[list, list]:
    """What of `score` is not over at `tick`."""
    notes = [note for note in score.notes if note.tick + note.duration >= tick]
    return notes, [marker for marker in score.markers if marker.tick >= tick]


class Alone:
    """Twenty minutes that nobody touches: all that was played in it, the score that is left and how memory grew."""

    def __init__(self, keep_score: bool) -> None:
        session, played = endless("settle", keep_score=keep_score), hashlib.sha256()
        session.on_block = lambda block: played.update(repr(block.events).encode())
        self.growth = growth(left_alone(session, LONG_S))
        self.played, self.score = played.hexdigest(), session.score


@pytest.fixture(scope="module")
def light() -> Alone:
    return Alone(keep_score=False)


@pytest.fixture(scope="module")
def kept() -> Alone:
    return Alone(keep_score=True)


def test_a_session_left_alone_takes_no_more_with_time(light: Alone, kept: Alone) -> None:
    assert light.growth < FEW_BLOCKS < kept.growth, "what a score takes shows, so nothing as large is overlooked"


def test_nor_does_one_that_is_fed_played_and_edited_all_the_time() -> None:
    assert growth(busy(endless("energise", keep_score=False), LONG_S)) < FEW_BLOCKS


def test_the_same_is_played_whether_the_score_is_kept_or_not(light: Alone, kept: Alone) -> None:
    assert light.played == kept.played


def test_the_last_bars_of_the_score_stay(light: Alone, kept: Alone) -> None:
    score, whole = light.score, kept.score
    since = score.end_tick - KEPT_BEATS * TICKS_PER_BEAT
    assert tail(score, since) == tail(whole, since)
    assert score.tempos[-1] == whole.tempos[-1] and score.keys[-1] == whole.keys[-1]
    assert 10 < len(score.notes) < 100 < len(whole.notes)
    assert min(change.tick for change in (score.tempos[0], score.keys[0], score.metres[0])) <= since


def test_a_note_that_a_hand_still_holds_stays_however_long_ago_it_began() -> None:
    session = endless("energise", keep_score=False)
    session.render(RATE)
    session.play(60.0, 0.6)
    session.render(28 * RATE)
    assert session.engine.transport.beat.tick > (KEPT_BEATS + 12) * TICKS_PER_BEAT
    (mine,) = [note for note in session.score.notes if note.velocity == 0.6 and note.pitch == 60.0]
    assert mine.duration > KEPT_BEATS * TICKS_PER_BEAT


@pytest.mark.parametrize("stems", [False, True])
def test_the_sound_is_the_same_bit_for_bit(stems: bool) -> None:
    sessions = [Session("settle", seed=5, minutes=math.inf, stems=stems, keep_score=keep) for keep in (True, False)]
    mixes = [session.render(40 * RATE) for session in sessions]
    assert np.array_equal(*mixes) and np.abs(mixes[0]).max() > 0.01
