"""What one thread asks for together, gathered until it is whole, while other threads ask as ever."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Gathering(Generic[T]):
    """Keeps what a thread has to give inside `together`, and then gives it as one."""

    def __init__(self) -> None:
        self._mine = threading.local()

    @contextmanager
    def together(self, give: Callable[[list[T]], object]) -> Iterator[None]:
        """What this thread hands to `keep` meanwhile goes to `give` at the end; inside another, at the other's end."""
        if self._kept() is not None:
            yield
            return
        kept: list[T] = []
        self._mine.kept = kept
        try:
            yield
        finally:
            self._mine.kept = None
            if kept:
                give(kept)

    def keep(self, one: T) -> bool:
        """Whether `one` is kept, to be given with others."""
        kept = self._kept()
        if kept is None:
            return False
        kept.append(one)
        return True

    def _kept(self) -> list[T] | None:
        return getattr(self._mine, "kept", None)

    def __reduce__(self) -> tuple[Any, ...]:
        return Gathering, ()  # a session is put away between what it is asked
