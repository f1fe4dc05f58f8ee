"""Ogg pages of an Opus stream (RFC 3533; RFC 7845)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

from synth import __version__

CHANNELS = 2
RATE_HZ = 48_000  # of granule positions, whatever the encoder was given
MOST_SEGMENTS = 255
_PAGE = struct.Struct("<4sBBqIIIB")  # capture pattern, version, type, granule, serial, sequence, checksum, segments
_CHECKSUM_AT = 22
_FIRST, _LAST = 2, 4
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class OggOpus:
    """Writes pages of one logical stream, whose decoder leaves out the first `pre_skip` frames."""

    def __init__(self, serial: int, pre_skip: int) -> None:
        self._serial, self._sequence, self._granule = serial, 0, 0
        head = struct.pack("<8sBBHIhB", b"OpusHead", 1, CHANNELS, pre_skip, RATE_HZ, 0, 0)
        vendor = f"isotone {__version__}".encode()
        tags = b"OpusTags" + struct.pack("<I", len(vendor)) + vendor + struct.pack("<I", 0)
        self.headers = self._page([head], _FIRST) + self._page([tags])

    def page(self, packets: Sequence[bytes], frames: int, last: bool = False) -> bytes:
        """A page of whole `packets` that decode to `frames`; they must need at most 255 segments of 255 bytes."""
        self._granule += frames
        return self._page(packets, _LAST if last else 0)

    def _page(self, packets: Sequence[bytes], kind: int = 0) -> bytes:
        lacing = b"".join(b"\xff" * (len(packet) // 255) + bytes((len(packet) % 255,)) for packet in packets)
        if len(lacing) > MOST_SEGMENTS:
            raise ValueError(f"{len(lacing)} segments do not fit into a page")
        start = _PAGE.pack(b"OggS", 0, kind, self._granule, self._serial, self._sequence, 0, len(lacing))
        page = bytearray(b"".join((start, lacing, *packets)))
        struct.pack_into("<I", page, _CHECKSUM_AT, checksum(page))
        self._sequence += 1
        return bytes(page)


def checksum(page: bytes | bytearray) -> int:
    """RFC 3533, section 6: CRC-32 by 0x04C11DB7, highest bit first, from 0. zlib has that of mirrored bits."""
    mirrored = zlib.crc32(page.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(mirrored.to_bytes(4, "little").translate(_MIRRORED), "big")
