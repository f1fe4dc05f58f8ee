"""The packet of a Bluetooth heart rate sensor: Heart Rate Measurement 0x2A37.

Heart Rate Service 1.0 section 3.1; layout of fields and flags in the GATT Specification Supplement.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

RR_PER_S = 1024  # an RR interval counts 1/1024 s

_WIDE = 0x01
_TOUCHES = 0x02
_TELLS_CONTACT = 0x04
_ENERGY = 0x08
_RR = 0x10


@dataclass(frozen=True, slots=True)
class HeartRate:
    """One notification: `bpm` 0..65535 and what the sensor tells beside it.

    `contact` says whether it touches skin and `energy_kj` 0..65535 what was spent, each None when not told. `rr_s`
    holds the intervals between beats since the last packet, oldest first, exact in 1/1024 s. `left_over` counts
    bytes at the end that fill no field: half an interval of a packet cut short.
    """

    bpm: int
    contact: bool | None = None
    energy_kj: int | None = None
    rr_s: tuple[float, ...] = ()
    left_over: int = 0


def decode(packet: bytes) -> HeartRate | None:
    """What `packet` tells; None when it is too short for the fields that its flags announce.

    Flags kept for later versions are passed over; of the intervals only whole ones are read.
    """
    if not packet:
        return None
    flags = packet[0]
    layout = "<" + ("H" if flags & _WIDE else "B") + ("H" if flags & _ENERGY else "")
    rr_at = 1 + struct.calcsize(layout)
    if len(packet) < rr_at:
        return None
    bpm, *energy = struct.unpack_from(layout, packet, 1)
    count = (len(packet) - rr_at) // 2 if flags & _RR else 0
    return HeartRate(
        bpm=bpm,
        contact=bool(flags & _TOUCHES) if flags & _TELLS_CONTACT else None,
        energy_kj=energy[0] if energy else None,
        rr_s=tuple(rr / RR_PER_S for rr in struct.unpack_from(f"<{count}H", packet, rr_at)),
        left_over=len(packet) - rr_at - 2 * count,
    )


def encode(beat: HeartRate) -> bytes:
    """The packet that tells `beat`, in as few bytes as can be; ValueError for a value that has no place in one."""
    flags, layout, fields = 0, "<BB", [beat.bpm]
    if beat.bpm > 255:
        flags, layout = _WIDE, "<BH"
    if beat.contact is not None:
        flags |= _TELLS_CONTACT | (_TOUCHES if beat.contact else 0)
    if beat.energy_kj is not None:
        flags |= _ENERGY
        layout += "H"
        fields.append(beat.energy_kj)
    if beat.rr_s:
        flags |= _RR
        layout += f"{len(beat.rr_s)}H"
        fields += [_ticks(rr_s) for rr_s in beat.rr_s]
    try:
        return struct.pack(layout, flags, *fields)
    except struct.error:
        raise ValueError(f"{beat}: bpm, energy_kj and rr_s * 1024 must be whole numbers in 0..65535") from None


def _ticks(rr_s: float) -> int:
    ticks = rr_s * RR_PER_S
    if ticks != ticks // 1:
        raise ValueError(f"an RR interval of {rr_s} s is no whole number of 1/1024 s: round it before")
    return int(ticks)
