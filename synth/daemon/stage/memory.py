"""The memory that API process and worker share for one session: a board, a ring each way, and its sound."""

from __future__ import annotations

from pathlib import Path

from synth.daemon.stage.sound import Sound
from synth.live.board import BYTES, Board
from synth.live.ring import Ring, Shared

IN_BYTES, OUT_BYTES = 1 << 16, 1 << 19
_BOARD = BYTES + (-BYTES % 64)
_SOUND = _BOARD + IN_BYTES + OUT_BYTES


class SessionMemory:
    """Maps the file `path`; `new` makes it. `stems` are those whose sound is in it beside the mix's."""

    def __init__(
        self, path: Path, sample_rate: int, block_frames: int, stems: tuple[str, ...] = (), *, new: bool = False
    ) -> None:
        self._shared = Shared(_SOUND + Sound.size(block_frames, len(stems)), path, new=new)
        whole = self._shared.memory
        self.path = path
        self.board = Board(whole[:BYTES])
        self.inbox = Ring(whole[_BOARD : _BOARD + IN_BYTES])
        self.outbox = Ring(whole[_BOARD + IN_BYTES : _SOUND])
        self.sound = Sound(whole[_SOUND:], sample_rate, block_frames, stems)

    @property
    def parts(self) -> tuple[Board, Ring, Ring]:
        """Board, ring in and ring out."""
        return self.board, self.inbox, self.outbox

    def forget(self) -> None:
        """Take the file away; the memory stays as long as somebody maps it."""
        self._shared.forget()
