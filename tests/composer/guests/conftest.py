"""An invitation as the composer writes it, and a module of guests, good and bad, that a process can import."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from synth.composer.guests import Desk, Invitation, Told, Written

MODULE = '''
import os, time, sys
from synth.composer.guests import Written

def climbs(invitation):
    pitches = invitation.pitches[2:9]
    return [Written(2.0 * i, 1.5, pitch) for i, pitch in enumerate(pitches)]

class Climber:
    """Counts its phrases."""
    def __init__(self):
        self.phrases = 0
    def write(self, invitation):
        self.phrases += 1
        return [Written(2.0 * i, 1.5, pitch, 0.1 * self.phrases) for i, pitch in enumerate(invitation.pitches[2:9])]

def raises(invitation):
    raise KeyError("no such\\nchord")

def sleeps(invitation):
    time.sleep(1e6)

def sleeps_once_in_two(invitation):
    if invitation.phrase % 2:
        time.sleep(1e6)
    return climbs(invitation)

def spins(invitation):
    while True:
        pass

def spins_deaf(invitation):
    import signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        pass

def dies(invitation):
    os._exit(3)

def leaves(invitation):
    sys.exit("bye")

def none(invitation):
    return None

def words(invitation):
    return ["C4", "D4"]

def text(invitation):
    return "C D E"

def nan(invitation):
    return [Written(0.0, float("nan"), 62)] * 8

def infinite(invitation):
    return [(float("inf"), 1.0, 62)] * 8

def huge(invitation):
    return [(10**400, 1.0, 62)] * 8

def thousands(invitation):
    return [Written(i / 7000, 0.1, 62) for i in range(100_000)]

def endless(invitation):
    while True:
        yield Written(0.0, 1.0, 62)

def elsewhere(invitation):
    return [Written(2.0 * i, 1.0, 13 + 17 * i) for i in range(7)]

def lambdas(invitation):
    return [lambda: 0] * 8

def nothing(invitation):
    return ()

def slow(invitation):
    time.sleep(0.6)
    return climbs(invitation)

class Unmakeable:
    def __init__(self):
        raise OSError("no weights here")

class Unspeakable(Exception):
    def __str__(self):
        raise ValueError

def unspeakable(invitation):
    raise Unspeakable

number = 7

def goes_on(primer, invitation):
    for i, pitch in enumerate(invitation.pitches[1:9]):
        begin = primer.total_time + i * 120.0 / invitation.tempo_bpm
        primer.notes.add(start_time=begin, end_time=begin + 1.0, pitch=pitch, velocity=70)
    return primer

def speaks_notesequence():
    from synth.composer.guests.notesequence import NoteSequenceGuest
    return NoteSequenceGuest(goes_on)
'''


def invite(**changes: Any) -> Invitation:
    """Four bars of D dorian in 4/4 at 60 bpm, eight notes wanted from 60 to 75."""
    given: dict[str, Any] = {
        "stem": "melody",
        "phrase": 2,
        "bars": 4,
        "beats": 4,
        "tempo_bpm": 60.0,
        "key": 2,
        "scale": "dorian",
        "semitones": (0, 2, 3, 5, 7, 9, 10),
        "low": 60,
        "high": 75,
        "notes": 8.0,
        "closing_beat": 14.0,
        "controls": {"arousal": 0.1},
        "seed": 5,
        "heard": (Written(-4.0, 1.0, 62), Written(-2.5, 2.0, 65)),
        **changes,
    }
    return Invitation(**given)


@pytest.fixture(scope="session")
def invitation() -> Callable[..., Invitation]:
    return invite


@pytest.fixture(scope="session")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plugins")
    (folder / "visiting.py").write_text(MODULE)
    return folder


class Desks:
    """Desks that are closed after the test, each with the list of what it told."""

    def __init__(self) -> None:
        self.open: list[Desk] = []

    def __call__(self, guest: Any, **options: Any) -> tuple[Desk, list[Told]]:
        desk = Desk({"melody": guest}, **{"wait": True, "budget_s": 1.0, **options})
        self.open.append(desk)
        told: list[Told] = []
        desk.on_told = told.append
        return desk, told


@pytest.fixture
def desks(plugins: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desks]:
    monkeypatch.syspath_prepend(str(plugins))
    made = Desks()
    yield made
    for desk in made.open:
        desk.close()
