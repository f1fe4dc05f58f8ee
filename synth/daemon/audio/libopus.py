"""Opus by the system's libopus (Debian: libopus0), whose calls let other threads run meanwhile.

A stereo stream of music at 96 kbit/s costs 0.48 % of a core (2.1 GHz, complexity 5) to 0.88 % (complexity 9); the
libsndfile that comes with soundfile 0.14 takes 3.1 %, as its build of Opus has no vector instructions.
"""

from __future__ import annotations

import ctypes
from ctypes.util import find_library
from functools import cache

import numpy as np
from numpy.typing import NDArray

from synth.daemon.audio.ogg import CHANNELS, RATE_HZ, OggOpus

NAMES = ("libopus.so.0", "libopus.0.dylib", "opus.dll", "libopus-0.dll")
PACKET_FRAMES = 960  # 20 ms
PACKETS_A_PAGE = 10  # 200 ms: at 510 kbit/s they take 60 of the 255 segments
COMPLEXITY = 5  # of 10
_MOST_BYTES = 1500  # a packet's most is 1,275: RFC 6716, section 3.4
_AUDIO = 2049  # OPUS_APPLICATION_AUDIO
_SET_BITRATE, _SET_COMPLEXITY, _GET_LOOKAHEAD = 4002, 4010, 4027


@cache
def library() -> ctypes.CDLL | None:
    """libopus, None where this system has none."""
    for name in (*NAMES, find_library("opus")):
        try:
            found = ctypes.CDLL(name) if name else None
        except OSError:
            continue
        if found is not None:
            return _typed(found)
    return None


def _typed(found: ctypes.CDLL) -> ctypes.CDLL:
    pointer, number = ctypes.c_void_p, ctypes.c_int
    found.opus_encoder_create.restype = pointer
    found.opus_encoder_create.argtypes = [ctypes.c_int32, number, number, ctypes.POINTER(number)]
    found.opus_encoder_ctl.argtypes = [pointer, number]  # and one more: variadic, which some systems pass otherwise
    found.opus_encode_float.argtypes = [pointer, pointer, number, ctypes.c_char_p, ctypes.c_int32]
    found.opus_encoder_destroy.argtypes = [pointer]
    return found


class LibOpus:
    """An endless Ogg Opus stream; `headers` come before its first page and before that of whoever comes late."""

    def __init__(self, bitrate_bps: int, serial: int) -> None:
        opus = library()
        assert opus is not None
        self._opus = opus
        error = ctypes.c_int()
        self._encoder = ctypes.c_void_p(opus.opus_encoder_create(RATE_HZ, CHANNELS, _AUDIO, ctypes.byref(error)))
        if error.value:
            raise MemoryError(f"libopus made no encoder ({error.value})")
        opus.opus_encoder_ctl(self._encoder, _SET_BITRATE, ctypes.c_int32(bitrate_bps))
        opus.opus_encoder_ctl(self._encoder, _SET_COMPLEXITY, ctypes.c_int32(COMPLEXITY))
        lookahead = ctypes.c_int32()
        opus.opus_encoder_ctl(self._encoder, _GET_LOOKAHEAD, ctypes.byref(lookahead))
        self._packet = ctypes.create_string_buffer(_MOST_BYTES)
        self._pages = OggOpus(serial, lookahead.value)
        self._left = np.zeros((0, CHANNELS), np.float32)
        self.headers = self._pages.headers

    def encode(self, audio: NDArray[np.float32], last: bool = False) -> bytes:
        """Pages of `audio`, (frames, 2) at 48 kHz; what fills no packet is kept for the next call, or with `last`
        filled up with silence."""
        audio = np.concatenate((self._left, audio))
        short = -len(audio) % PACKET_FRAMES
        if last and short:
            audio = np.pad(audio, ((0, short), (0, 0)))
        audio = np.ascontiguousarray(audio, np.float32)
        count = len(audio) // PACKET_FRAMES
        self._left = audio[count * PACKET_FRAMES :].copy()
        packets = [self._encode(audio, number * PACKET_FRAMES) for number in range(count)]
        starts = range(0, count, PACKETS_A_PAGE) if not (last and not count) else range(1)
        return b"".join(
            self._page(packets[start : start + PACKETS_A_PAGE], last and start + PACKETS_A_PAGE >= count)
            for start in starts
        )

    def _page(self, packets: list[bytes], last: bool) -> bytes:
        return self._pages.page(packets, len(packets) * PACKET_FRAMES, last)

    def _encode(self, audio: NDArray[np.float32], first: int) -> bytes:
        at = audio.ctypes.data + first * audio.strides[0]
        length = self._opus.opus_encode_float(self._encoder, at, PACKET_FRAMES, self._packet, _MOST_BYTES)
        if length < 0:
            raise RuntimeError(f"libopus did not encode ({length})")
        return self._packet.raw[:length]

    def close(self) -> None:
        """Let go of the encoder."""
        if self._encoder:
            self._opus.opus_encoder_destroy(self._encoder)
            self._encoder = ctypes.c_void_p()
