"""PCM messages of a session's blocks, as all listeners of them get them.

A message is a header of HEADER_BYTES, little-endian (uint64 first frame, uint32 microseconds until that frame is to be
played, uint32 flags), then interleaved stereo samples: int16 ("s16", 32,768 is full scale) or float32 ("f32").

Samples of 16 bits get triangular dither of two steps in all, which makes their error a steady noise at -96 dBFS that
does not follow the music; plain rounding turns the end of each fade into distortion (Lipshitz, Wannamaker and
Vanderkooy, "Quantization and dither: a theoretical survey", JAES 40(5), 1992). The dither comes from the frame's
number, so a block has the same bytes for everyone and each time. Silence stays silence.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Format = Literal["s16", "f32"]
CHANNELS = 2
HEADER = struct.Struct("<QII")
HEADER_BYTES = HEADER.size
RESUMED = 1  # flag: frames before this one were lost, as the session was taken up again after a failure
FULL_SCALE = 32_768.0
SAMPLE_BYTES = {"s16": 2, "f32": 4}
LONGEST_LEAD_US = 2**32 - 1
_LONG, _LONGER = 126, 127  # lengths of 16 and 64 bits: RFC 6455, section 5.2
_BINARY = 0x82  # final frame of a binary message
_STEP = 7919  # between the dither of two frames that follow: a prime, so that no two blocks sound alike for minutes


def _triangular(frames: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(9)
    return (rng.random((frames, CHANNELS)) - rng.random((frames, CHANNELS))).astype(np.float32)


_SPARE = 16_384
_dither = _triangular(2 * _SPARE)


@dataclass(frozen=True, slots=True)
class Message:
    """One binary message: `frame` is all its bytes as a server sends them (RFC 6455: unmasked, hence alike for all),
    of which the first `head` are the frame's own."""

    frame: bytearray
    head: int

    @property
    def payload(self) -> bytes:
        """Header and samples."""
        return bytes(memoryview(self.frame)[self.head :])


def message(audio: NDArray[np.float32], form: Format, first_frame: int, lead_s: float, flags: int = 0) -> Message:
    """The message of `audio`, (frames, 2) float32, which begins with `first_frame` and plays in `lead_s`."""
    length = HEADER_BYTES + audio.size * SAMPLE_BYTES[form]
    opening = _opening(length)
    frame = bytearray(len(opening) + length)
    frame[: len(opening)] = opening
    lead_us = min(max(round(lead_s * 1e6), 0), LONGEST_LEAD_US)
    HEADER.pack_into(frame, len(opening), first_frame, lead_us, flags)
    samples = memoryview(frame)[len(opening) + HEADER_BYTES :]
    if form == "f32":
        np.frombuffer(samples, "<f4").reshape(audio.shape)[:] = audio
    else:
        _quantize(audio, first_frame, np.frombuffer(samples, "<i2").reshape(audio.shape))
    return Message(frame, len(opening))


def _opening(length: int) -> bytes:
    if length < _LONG:
        return bytes((_BINARY, length))
    if length < 1 << 16:
        return struct.pack("!BBH", _BINARY, _LONG, length)
    return struct.pack("!BBQ", _BINARY, _LONGER, length)


def _quantize(audio: NDArray[np.float32], first_frame: int, out: NDArray[np.int16]) -> None:
    if not audio.any():
        return  # `out` is zeros
    scaled = audio * np.float32(FULL_SCALE)
    scaled += _noise(first_frame, len(audio))
    np.rint(scaled, out=scaled)
    np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1.0, out=scaled)
    out[:] = scaled


def _noise(first_frame: int, frames: int) -> NDArray[np.float32]:
    if frames > _SPARE:
        return np.resize(_dither, (frames, CHANNELS))
    start = first_frame * _STEP % _SPARE
    return _dither[start : start + frames]
