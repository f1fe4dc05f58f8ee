"""Render blocks into one's own audio callback, as an app with its own sound system does.

The "sound system" here is a loop that asks for blocks of odd sizes and writes them to a WAV file.

python examples/02_own_audio_callback.py [FILE]
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import soundfile

from synth import Session


def sound_system(callback: Callable[[np.ndarray], None], path: str, seconds: float, sample_rate: int) -> None:
    """Stands in for a sound card: asks `callback` to fill buffers, as drivers do."""
    rng = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", sample_rate, 2, "PCM_24") as file:
        written = 0
        while written < seconds * sample_rate:
            buffer = np.zeros((int(rng.integers(64, 1024)), 2), np.float32)
            callback(buffer)
            file.write(buffer)
            written += len(buffer)


def main(path: str = "example-callback.wav", seconds: float = 20) -> None:
    session = Session("focus", seed=3, minutes=10)

    def callback(buffer: np.ndarray) -> None:
        buffer[:] = session.render(len(buffer))

    sound_system(callback, path, seconds, session.sample_rate)
    print(f"{session.time_s:.1f} s rendered to {path}; {session.latency_frames} frames of latency inside")


if __name__ == "__main__":
    main(*sys.argv[1:2])
