"""A person plays along: a phrase that is answered, chords that the harmony takes, and a tune that leads into its key.

Here a script plays; in your program it is a keyboard (`session.play(note, velocity)`, velocity 0 where the note ends).
`audio=False` writes the score alone: leave it out to hear it.

python examples/11_play_along.py
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from synth import Session
from synth.controls import KEYS

BLOCK = 256


class Pianist:
    """Plays in time with `session`."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def wait(self, beats: float) -> None:
        end_s = self.session.time_s + beats * self.session.pulse.length_s
        while self.session.time_s < end_s:
            self.session.render(BLOCK)

    def bar(self) -> None:
        """On to the next bar."""
        self.wait(0.1)
        while self.session.pulse.index:
            self.session.render(BLOCK)

    def hold(self, keys: Iterable[int], beats: float) -> None:
        for key in keys:
            self.session.play(key, 0.6)
        self.wait(0.9 * beats)
        for key in keys:
            self.session.play(key, 0.0)
        self.wait(0.1 * beats)

    def sing(self, tonic: int, tune: Iterable[tuple[int, float]]) -> None:
        for semitones, beats in tune:
            self.hold((tonic + semitones,), beats)


PHRASE = ((0, 1.0), (4, 1.0), (7, 1.5), (5, 0.5), (4, 1.0), (2, 1.0), (0, 2.0))
TUNE = ((0, 1.0), (2, 1.0), (4, 1.0), (0, 1.0), (5, 1.0), (4, 1.0), (2, 2.0), (11, 1.0), (9, 1.0), (7, 1.0), (4, 1.0))


def main() -> None:
    def tell(line: dict[str, Any]) -> None:
        if line["type"] == "commit" and line["by"] == "hand:played" and line["control"] == "key":
            print(f"{line['t_s']:5.0f} s  the music goes to {KEYS[int(line['new'])]}: {line['reason']}")

    session = Session("settle", seed=3, minutes=4, audio=False, record=tell)
    pianist = Pianist(session)
    while session.time_s < 40.0:
        session.render(BLOCK)
    tonic = 60 + session.pulse.key

    pianist.bar()
    pianist.sing(tonic, PHRASE)
    pianist.wait(12)

    for root in (tonic - 7, tonic - 5, tonic - 3):  # with a low note: the bass goes along
        pianist.bar()
        pianist.hold((root - 12, root, root + 4, root + 7), 4.0)
    pianist.wait(4)

    for _ in range(4):
        pianist.sing(tonic + 2, (*TUNE, (12, 2.0)))
        pianist.wait(2)
    while not session.finished:
        session.render(BLOCK)

    for marker in session.score.markers:
        if marker.kind == "reply":
            print(f"at beat {marker.tick / 960:.0f}: {marker.text}")
    print(f"from {KEYS[tonic % 12]} to {KEYS[session.score.keys[-1].key]}")
    session.close()


if __name__ == "__main__":
    main()
