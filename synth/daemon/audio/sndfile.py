"""Opus by soundfile's own libsndfile, where the system has no libopus: the same stream for six times the work."""

from __future__ import annotations

import numpy as np
import soundfile as sf
from numpy.typing import NDArray
from soundfile import _ffi, _snd

from synth.daemon.audio.ogg import CHANNELS, RATE_HZ

_SET_COMPRESSION, _SET_PAGE_LATENCY_MS = 0x1301, 0x1302  # sndfile.h: SFC_SET_COMPRESSION_LEVEL, _OGG_PAGE_LATENCY_MS
PAGE_MS = 100.0
_LEAST_BPS, _RANGE_BPS = 6_000, 250_000  # of a channel, by which libsndfile maps its level to Opus' bit rate
_HEADER_PAGES = 2


class _Sink:
    """A file that is only written, and emptied meanwhile."""

    def __init__(self) -> None:
        self.written = bytearray()
        self._position = 0

    def write(self, data: bytes) -> int:
        self.written += data
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._position

    def tell(self) -> int:
        return self._position

    def take(self) -> bytes:
        taken, self.written = bytes(self.written), bytearray()
        return taken


class SndfileOpus:
    """As `synth.daemon.audio.libopus.LibOpus`; the stream's serial number is libsndfile's own choice."""

    def __init__(self, bitrate_bps: int) -> None:
        self._sink = _Sink()
        self._file = sf.SoundFile(self._sink, "w", RATE_HZ, CHANNELS, format="OGG", subtype="OPUS")
        self._command(_SET_PAGE_LATENCY_MS, PAGE_MS)
        level = 1.0 - (bitrate_bps / CHANNELS - _LEAST_BPS) / _RANGE_BPS
        self._command(_SET_COMPRESSION, min(max(level, 0.0), 1.0))
        self._file.write(np.zeros((0, CHANNELS), np.float32))
        self._first = b""
        self.headers = self._begin()

    def _command(self, number: int, value: float) -> None:
        given = _ffi.new("double*", value)
        _snd.sf_command(self._file._file, number, given, _ffi.sizeof("double"))

    def _begin(self) -> bytes:
        """Header pages are written with the first sound, so a packet of silence goes before the music."""
        self._file.write(np.zeros((960, CHANNELS), np.float32))
        written = self._sink.take()
        end = _after_pages(written, _HEADER_PAGES)
        self._first = written[end:]
        return written[:end]

    def encode(self, audio: NDArray[np.float32], last: bool = False) -> bytes:
        """Pages of `audio`; the last ones when the file is closed."""
        self._file.write(audio)
        if last:
            self._file.close()
        first, self._first = self._first, b""
        return first + self._sink.take()

    def close(self) -> None:
        """Let go of the encoder."""
        self._file.close()


def _after_pages(data: bytes, count: int) -> int:
    """Where the first `count` pages of `data` end (RFC 3533, section 6)."""
    at = 0
    for _ in range(count):
        segments = data[at + 26]
        at += 27 + segments + sum(data[at + 27 : at + 27 + segments])
    return at
