"""The last second of sound in shared memory."""

from __future__ import annotations

import numpy as np
import pytest

from synth.daemon.stage.sound import BLOCKS, Sound

FRAMES = 64


def a_sound(stems: tuple[str, ...] = ()) -> Sound:
    return Sound(memoryview(bytearray(Sound.size(FRAMES, len(stems)))), 48_000, FRAMES, stems)


def block(number: int) -> np.ndarray:
    return np.full((FRAMES, 2), number, np.float32)


def test_what_was_written_is_read_across_the_seam() -> None:
    sound = a_sound()
    for number in range(BLOCKS + 3):
        sound.write(block(number), {})
    first = 5 * FRAMES
    audio = sound.read(first, sound.frames - first)
    assert audio is not None
    assert np.array_equal(audio[::FRAMES, 0], np.arange(5, BLOCKS + 3))


def test_neither_what_is_gone_nor_what_is_to_come_is_read() -> None:
    sound = a_sound()
    assert sound.read(0, 1) is None
    for number in range(BLOCKS + 3):
        sound.write(block(number), {})
    oldest = 4 * FRAMES  # of the one before the next would be written over first
    assert sound.read(oldest, FRAMES) is not None
    assert sound.read(oldest - 1, FRAMES) is None
    assert sound.read(sound.frames - 1, 2) is None
    assert sound.read(-1, 1) is None


def test_each_stem_has_its_own_and_who_is_not_there_is_silent() -> None:
    sound = a_sound(("pad", "bass"))
    sound.write(block(1), {"bass": block(7), "melody": block(9)})
    sound.write(block(2), {"pad": block(5)})
    heard = {stem: sound.read(0, 2 * FRAMES, stem) for stem in (None, "pad", "bass")}
    values = {stem: audio[::FRAMES, 1].tolist() for stem, audio in heard.items() if audio is not None}
    assert values == {None: [1, 2], "pad": [0, 5], "bass": [7, 0]}
    with pytest.raises(KeyError):
        sound.read(0, 1, "melody")


def test_both_sides_of_the_memory_see_the_same() -> None:
    memory = memoryview(bytearray(Sound.size(FRAMES, 0)))
    writer, reader = (Sound(memory, 48_000, FRAMES) for _ in range(2))
    writer.begin(FRAMES * 10, 100.0)
    writer.write(block(3), {})
    assert reader.frames == FRAMES * 11
    assert reader.play_time_s(FRAMES * 10) == pytest.approx(100.0)
    assert reader.play_time_s(FRAMES * 10 + 48_000) == pytest.approx(101.0)
    audio = reader.read(FRAMES * 10, FRAMES)
    assert audio is not None and np.all(audio == 3.0)
