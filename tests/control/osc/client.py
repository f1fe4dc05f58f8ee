"""A program that speaks OSC over UDP."""

from __future__ import annotations

import socket
from typing import Any

from synth.wire.osc import Message, decode, encode

LATE_S = 20.0


class Client:
    """A socket that talks to the server at `port` of this machine."""

    def __init__(self, port: int) -> None:
        self.to = ("127.0.0.1", port)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(LATE_S)
        self.port = self.socket.getsockname()[1]

    def say(self, address: str, *args: Any) -> None:
        self.socket.sendto(encode(address, args), self.to)

    def hear(self) -> Message:
        (message,), troubles = decode(self.socket.recv(65535))
        assert not troubles
        return message

    def ask(self, address: str, *args: Any) -> tuple[Any, ...]:
        self.say(address, *args)
        answer = self.hear()
        assert answer.address == address
        return answer.args
