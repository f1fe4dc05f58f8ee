"""Who sent a message, and how they are answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

Post: TypeAlias = Callable[[bytes, str, int], None]


@dataclass(frozen=True, slots=True)
class Sender:
    """One end of a conversation. `post` brings a packet to a host and port; `fixed`: there is no other port, for this
    is the end of a connection."""

    host: str
    port: int
    post: Post = field(compare=False, repr=False)
    fixed: bool = False

    def send(self, packet: bytes) -> None:
        """Answer."""
        self.post(packet, self.host, self.port)

    def at(self, port: int) -> Sender:
        """The same host at another port."""
        return self if self.fixed else replace(self, port=port)
