"""Other composers take the melody: one written here in ten lines, and one that speaks NoteSequence.

Each runs in a process of its own, is invited to every phrase one phrase ahead, and is checked before it sounds; where
it fails, the built-in composer plays. The second needs the extra `magenta` (pip install "isotone[magenta]"): put a
Magenta model in place of `backwards`.

python examples/09_guest_composer.py
"""

from __future__ import annotations

from random import Random
from typing import Any

from synth import Session
from synth.composer.guests import Desk, Invitation, Written
from synth.composer.guests.notesequence import NoteSequenceGuest

SECOND = 48_000


def wanders(invitation: Invitation) -> list[Written]:
    """Even notes that wander up and down the scale, and come to rest low."""
    rng, pitches = Random(invitation.seed), invitation.pitches
    count = max(round(invitation.notes), 1)
    apart = invitation.closing_beat / count
    place, notes = len(pitches) // 2, []
    for i in range(count):
        place = min(max(place + rng.choice((-2, -1, 1, 2)), 0), len(pitches) - 1)
        notes.append(Written(i * apart, 0.9 * apart, pitches[place]))
    return [*notes, Written(invitation.closing_beat, 1.5, pitches[1])]


def backwards(primer: Any, invitation: Invitation) -> Any:
    """What was heard last, backwards; a turn around the middle where nothing was."""
    beat_s = 60.0 / invitation.tempo_bpm
    count = max(round(invitation.notes), 1)
    pitches = [note.pitch for note in primer.notes][: -count - 1 : -1] or list(invitation.pitches[3:6])
    for i in range(count):
        begin = primer.total_time + i * invitation.closing_beat / count * beat_s
        primer.notes.add(pitch=pitches[i % len(pitches)], velocity=74, start_time=begin, end_time=begin + beat_s / 2)
    return primer


def speaks_notesequence() -> NoteSequenceGuest:
    return NoteSequenceGuest(backwards)


def main(minutes: float = 3.0) -> None:
    for guest in (wanders, speaks_notesequence):

        def tell(line: dict[str, Any]) -> None:
            if line["type"] == "guest":
                print(f"{line['t_s']:6.1f} s  phrase {line['phrase']}  {line['name']}: {line['text']}")

        # `audio=False` writes the score alone. A session that is heard live takes guests={"melody": wanders}, and
        # never waits for them.
        desk = Desk({"melody": guest}, wait=True)
        session = Session("settle", seed=3, minutes=minutes, audio=False, guests=desk, record=tell)
        while not session.finished:
            session.render(SECOND)
        session.close()
        print(f"{len(session.score.notes)} notes, of which the melody has", end=" ")
        print(sum(note.stem == "melody" for note in session.score.notes))


if __name__ == "__main__":  # a guest's process imports this file: nothing may start by itself
    main()
