"""What comes over the audio WebSocket: a hello, then blocks of samples, then why there are no more."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from websockets.exceptions import InvalidStatus

from synth.client.errors import StreamEnded

Format = Literal["s16", "f32"]
Block = tuple[int, NDArray[np.float32]]
CHANNELS = 2
FINISHED = 1000
_HEADER = struct.Struct("<QII")  # first frame, microseconds until it plays, flags
_RESUMED = 1


@dataclass(frozen=True, slots=True)
class Hello:
    """What the daemon says first. Frame n is to be played at `play_origin_s` + n / sample_rate by its own clock, which
    showed `clock_s` when this was sent."""

    session_id: str
    sample_rate: int
    channels: int
    block_frames: int
    format: str
    stem: str
    stems: tuple[str, ...]
    next_frame: int
    play_origin_s: float
    clock_s: float

    @classmethod
    def of(cls, said: dict[str, Any]) -> Hello:
        """Out of the message; what a newer daemon says beside it is passed over."""
        known = {one.name: said[one.name] for one in fields(cls)}
        return cls(**{**known, "stems": tuple(known["stems"])})


class Heard:
    """Reads the messages of a stream in `form`.

    `hello` is there before the first block; `lead_s` is how long before its play time the last block was sent,
    `resumed` whether frames before it were lost as the session was taken up again; `over`: the session has ended.
    """

    def __init__(self, form: Format) -> None:
        self._form = form
        self.hello: Hello | None = None
        self.lead_s = 0.0
        self.resumed = self.over = False

    def take(self, message: str | bytes) -> Block | Hello | None:
        """The block in a message, or the hello. StreamEnded when the daemon says that it ends for another reason
        than the session's end."""
        if isinstance(message, bytes):
            return self._block(message)
        said = json.loads(message)
        if said["type"] == "hello":
            self.hello = Hello.of(said)
            return self.hello
        if said["type"] == "end":
            if said["code"] != FINISHED:
                raise StreamEnded(said["code"], said["why"])
            self.over = True
        return None

    def is_past(self, error: Exception) -> bool:
        """Whether a connection was refused as the session has ended meanwhile."""
        ended = isinstance(error, InvalidStatus) and error.response.status_code in (404, 409)
        return ended and self.hello is not None

    def _block(self, message: bytes) -> Block:
        frame, lead_us, flags = _HEADER.unpack_from(message)
        self.lead_s, self.resumed = lead_us * 1e-6, bool(flags & _RESUMED)
        if self._form == "f32":
            samples = np.frombuffer(message, "<f4", offset=_HEADER.size).astype(np.float32)
        else:
            samples = np.frombuffer(message, "<i2", offset=_HEADER.size).astype(np.float32) / np.float32(32_768.0)
        return frame, samples.reshape(-1, CHANNELS)
