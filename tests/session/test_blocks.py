"""Contract 2: the samples do not depend on the block size, the run, or the cut of a render."""

from __future__ import annotations

import numpy as np
import pytest

from synth import Session
from synth.resources import assets_folder

SCRIPT = [(1.0, "brightness_oct", 1.0), (2.5, "tempo_bpm", 90.0), (3.3, "level_pad_db", -20.0), (5.0, "key", 3.0)]


def session(preset: str = "settle", seed: int = 4, **options) -> Session:
    recording = assets_folder() / "recording"
    return Session(preset, seed=seed, minutes=0.2, recording=recording, script=SCRIPT, **options)


def audio(sizes, **options) -> np.ndarray:
    s, blocks = session(**options), []
    for size in sizes:
        if s.finished:
            break
        blocks.append(s.render(size))
    return np.concatenate(blocks)


FRAMES = 12 * 48_000


@pytest.mark.parametrize("preset", ["settle", "focus", "energise", "sleep"])
def test_block_sizes_give_identical_samples(preset):
    whole = audio([4096] * (FRAMES // 4096), preset=preset)
    assert np.abs(whole).max() > 0.01
    for sizes in ([100] * (FRAMES // 100), np.random.default_rng(1).integers(1, 9000, 200)):
        cut = audio(sizes, preset=preset)
        n = min(len(whole), len(cut))
        np.testing.assert_array_equal(whole[:n], cut[:n])


def test_single_frames_give_identical_samples():
    frames = 4 * 48_000
    np.testing.assert_array_equal(audio([1] * frames), audio([4096] * 47)[:frames])


def test_another_seed_is_another_session():
    one, two = (audio([48_000] * 8, seed=seed) for seed in (4, 5))
    assert np.abs(one - two).max() > 0.01


def test_stems_do_not_change_the_mix():
    plain = audio([4096] * 50)
    s = session(stems=True)
    np.testing.assert_array_equal(plain, np.concatenate([s.render_audio(4096).mix for _ in range(50)]))
