"""Tokens that are good no longer before their time, kept on the disk so that a restart does not forget them."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

from synth.daemon.security.clock import SteadyClock
from synth.daemon.security.private import append_private, read_private, write_private

_LINE = re.compile(r"([0-9a-z.]{1,120}) ([0-9]{1,15})")
MANY = 4096  # after so many more the expired ones are swept out


class Revoked:
    """Ids of tokens, each with when it expires anyway. OSError where the file cannot be read."""

    def __init__(self, path: Path, clock: SteadyClock) -> None:
        self._path, self._clock = path, clock
        self._until_s: dict[str, int] = {}
        self._writing = threading.Lock()
        self._sweep_at = MANY
        self._load()

    def __contains__(self, token_id: object) -> bool:
        """Whether the token, or one that it was made from, was revoked."""
        return any(one in self._until_s for one in _line_of(str(token_id)))

    def add(self, token_id: str, until_s: float) -> None:
        """From now on the token is refused, and those made from it."""
        self._until_s[token_id] = max(int(until_s) + 1, self._until_s.get(token_id, 0))

    def keep(self, token_id: str) -> None:
        """Write to the disk that it was added; done when it is there. OSError. Blocks: not for an event loop."""
        with self._writing:
            append_private(self._path, f"{token_id} {self._until_s[token_id]}\n")
            if len(self._until_s) > self._sweep_at:
                self._sweep()

    def _load(self) -> None:
        try:
            text = read_private(self._path)
        except FileNotFoundError:
            return
        for line in text.splitlines():
            if found := _LINE.fullmatch(line):  # a line torn by a crash was never answered with "done"
                self.add(found[1], int(found[2]) - 1)
        self._sweep()

    def _sweep(self) -> None:
        """Forget what has expired, here and on the disk."""
        now_s = self._clock.now_s()
        late = [one for one, until_s in list(self._until_s.items()) if until_s < now_s]
        for one in late:
            self._until_s.pop(one, None)
        self._sweep_at = len(self._until_s) + MANY
        write_private(self._path, "".join(f"{one} {until_s}\n" for one, until_s in list(self._until_s.items())))


def _line_of(token_id: str) -> Iterator[str]:
    """The ids of a token and of those that it was made from: "key.a.b" was made from "key.a"."""
    parts = token_id.split(".")
    return (".".join(parts[:n]) for n in range(2, len(parts) + 1))
