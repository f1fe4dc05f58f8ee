"""Where nobody plays, the composer writes what it wrote before it could play along."""

from __future__ import annotations

import hashlib

import pytest

# Of the notes of three minutes, seed 7. Written before the composer listened; renew them when it is changed on purpose.
DIGESTS = {
    "settle": "cfbbd19b3bd94ba1",
    "focus": "e5104db23eb819ae",
    "energise": "3277dfb29dbe34d4",
    "drone": "54c366e50170760e",
    "waltz": "502dd83d7b612e7e",
}


@pytest.mark.parametrize("name", DIGESTS)
def test_the_music_is_what_it_was(name: str, music):
    piece = music.perform(music.PRESETS[name], 7, 3.0)
    notes = [(n.stem, n.tick, n.duration, n.pitch, n.velocity, n.slides) for n in piece.notes]
    assert hashlib.sha256(repr(notes).encode()).hexdigest()[:16] == DIGESTS[name]
