"""Roles, and those who call in them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Role(IntEnum):
    """What one may do; each may all that a lower one may."""

    LISTENER = 1
    THERAPIST = 2
    OPERATOR = 3

    @property
    def word(self) -> str:
        """As it is written: "listener"."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> Role:
        """The role of a word; ValueError names those there are."""
        try:
            return cls[word.upper()] if word == word.lower() else cls(0)
        except (KeyError, ValueError):
            raise ValueError(f"{word[:40]!r} is no role: give one of {', '.join(one.word for one in cls)}") from None


@dataclass(frozen=True)
class Caller:
    """Who calls. `session_id` is the one session that they may reach, None for any; `name` is that of their key."""

    role: Role
    session_id: str | None
    name: str

    def covers(self, role: Role, session_id: str | None) -> bool:
        """Whether these rights are within the caller's own."""
        return role <= self.role and self.session_id in (None, session_id)
