"""The last second of a session's sound, in memory: the worker writes block after block, anyone reads what is there.

As with the rings, a count is moved after the samples that it tells of are there; who reads looks at it again
afterwards, since the oldest block may have been written over meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

BLOCKS = 24  # that are kept
_HEAD_BYTES = 64


class Sound:
    """`memory` of `size(...)` bytes. `stems` are kept beside the mix, mastered, so that they sum to it."""

    def __init__(self, memory: memoryview, sample_rate: int, block_frames: int, stems: tuple[str, ...] = ()) -> None:
        self.sample_rate, self.block_frames, self.stems = sample_rate, block_frames, stems
        self.capacity_frames = BLOCKS * block_frames
        self._head = memory[:8].cast("q")
        self._origin = memory[8:16].cast("d")
        tracks = np.frombuffer(memory, np.float32, offset=_HEAD_BYTES)[: (1 + len(stems)) * self.capacity_frames * 2]
        self._tracks = tracks.reshape(1 + len(stems), self.capacity_frames, 2)
        self._place = {name: 1 + i for i, name in enumerate(stems)}

    @staticmethod
    def size(block_frames: int, stems: int) -> int:
        """Bytes that it takes."""
        return _HEAD_BYTES + (1 + stems) * BLOCKS * block_frames * 2 * 4

    @property
    def frames(self) -> int:
        """Frames of the session up to the end of the newest block."""
        return self._head[0]

    def play_time_s(self, frame: int) -> float:
        """When a frame is to be played, by time.monotonic(); it may move on where a worker was held up for long."""
        return self._origin[0] + frame / self.sample_rate

    def read(self, start: int, frames: int, stem: str | None = None) -> NDArray[np.float32] | None:
        """Frames from `start` on of the mix or of `stem`, (frames, 2); None when they are not there yet, or not any
        more. KeyError for a stem that is not kept."""
        track = self._tracks[0 if stem is None else self._place[stem]]
        oldest = self.frames - self.capacity_frames + self.block_frames  # the one after may be being written
        if start < max(oldest, 0) or start + frames > self.frames:
            return None
        at = start % self.capacity_frames
        first = min(frames, self.capacity_frames - at)
        audio = np.concatenate((track[at : at + first], track[: frames - first]))
        return audio if start >= self.frames - self.capacity_frames + self.block_frames else None

    # -- the worker's side -----------------------------------------------------------------------------------------

    def begin(self, frame: int, play_time_s: float) -> None:
        """The next block begins at `frame`, a whole number of blocks, which is to be played at `play_time_s`."""
        self._origin[0] = play_time_s - frame / self.sample_rate
        self._head[0] = frame

    def write(self, mix: NDArray[np.float32], stems: Mapping[str, NDArray[np.float32]]) -> None:
        """A block: the mix and the mastered stems, (block_frames, 2) each; a stem that is not there is silent."""
        at = self._head[0] % self.capacity_frames
        block = slice(at, at + self.block_frames)
        self._tracks[0, block] = mix
        for name, place in self._place.items():
            self._tracks[place, block] = stems.get(name, 0.0)
        self._head[0] += self.block_frames
