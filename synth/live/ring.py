"""A ring of messages in memory that two processes share: one writes, one reads, and neither ever waits for the other.

Lamport, "Proving the correctness of multiprocess programs" (1977): with one writer and one reader, each moving a
counter of its own, no lock is needed. A counter is moved only after the bytes that it tells of are there.
"""

from __future__ import annotations

import mmap
import os
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Self

HEAD, TAIL, DATA = 0, 64, 128  # bytes: the counters lie in cache lines of their own
LENGTH = 4  # bytes before each message


class Ring:
    """`memory` of which DATA bytes are counters and the rest messages."""

    def __init__(self, memory: memoryview) -> None:
        self._head = memory[HEAD : HEAD + 8].cast("q")
        self._tail = memory[TAIL : TAIL + 8].cast("q")
        self._data = memory[DATA:]
        self._size = len(self._data)
        self._writing = threading.Lock()  # among the threads of the one process that writes

    def put(self, message: bytes) -> bool:
        """Leave a message; False, and nothing done, when there is no room."""
        with self._writing:
            head = self._head[0]
            if head - self._tail[0] + LENGTH + len(message) > self._size:
                return False
            self._copy_in(head, len(message).to_bytes(LENGTH, "little"))
            self._copy_in(head + LENGTH, message)
            self._head[0] = head + LENGTH + len(message)
        return True

    def take(self, most: int = 64) -> list[bytes]:
        """Up to `most` messages that wait, oldest first."""
        messages = self.look(most)
        self.drop(messages)
        return messages

    def look(self, most: int = 64) -> list[bytes]:
        """The same, but they stay until `drop`: whoever reads after a crash finds them again."""
        messages: list[bytes] = []
        tail, head = self._tail[0], self._head[0]
        while tail < head and len(messages) < most:
            length = int.from_bytes(self._copy_out(tail, LENGTH), "little")
            messages.append(self._copy_out(tail + LENGTH, length))
            tail += LENGTH + length
        return messages

    def drop(self, messages: Sequence[bytes]) -> None:
        """Be done with the oldest messages, those that `look` gave."""
        self._tail[0] += sum(LENGTH + len(message) for message in messages)

    def _copy_in(self, at: int, data: bytes) -> None:
        at %= self._size
        first = min(len(data), self._size - at)
        self._data[at : at + first] = data[:first]
        self._data[: len(data) - first] = data[first:]

    def _copy_out(self, at: int, length: int) -> bytes:
        at %= self._size
        first = min(length, self._size - at)
        return bytes(self._data[at : at + first]) + bytes(self._data[: length - first])


def shared_folder() -> str | None:
    """Where files live in memory; None where the system has no such place."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class Shared:
    """Memory that this process and another map, by the file `path` (None: a new one, which `forget` takes off the disk
    once the other has it too; `new`: one that is made there, readable by its owner only)."""

    def __init__(self, size: int, path: Path | None = None, *, new: bool = False) -> None:
        if path is None:
            handle, name = tempfile.mkstemp(prefix="isotone-", dir=shared_folder())
            os.ftruncate(handle, size)
            path = Path(name)
        elif new:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            os.ftruncate(handle, size)
        else:
            handle = os.open(path, os.O_RDWR)
        self.path = path
        try:
            self._map = mmap.mmap(handle, size)
        finally:
            os.close(handle)
        self.memory = memoryview(self._map)

    def forget(self) -> None:
        """Take the file off the disk; the memory stays as long as somebody maps it."""
        self.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.forget()
