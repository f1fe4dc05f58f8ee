"""Packets as lines of a log that `synth.wearables.packet_log` reads: what was heard live can be heard again.

A log tells when a line was received and at what time of its device's clock its samples were taken. A device without a
clock has its samples in session time, which serves as one; so `as_logged` makes of any packet what its lines will say.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np

from synth.wearables.clock import FARTHEST_S
from synth.wearables.json_lines import LARGEST
from synth.wearables.packet import Packet
from synth.wearables.samples import Samples

LINE_SAMPLES = 1000
DEVICE_LETTERS = 64
UNTIMED = ", as received"  # a clock of its own, beside that of a device that tells times now and then


def as_logged(packet: Packet, zero_s: float) -> Packet:
    """The packet as its lines tell it in a log that begins at session time `zero_s`."""
    device, runs = packet.device, packet.samples
    if not packet.timed:
        device += UNTIMED
        runs = tuple(Samples(run.channel, run.t_s - zero_s, run.value, run.quality) for run in runs)
    return Packet(device[-DEVICE_LETTERS:], packet.received_s - zero_s, runs)


def lines_of(packet: Packet) -> Iterator[str]:
    """Lines of strict JSON, without their newlines, for a packet `as_logged`.

    A value that is no number, or larger than anything that is measured, is null; times that no clock tells are left
    out.
    """
    for run in packet.samples:
        known = np.abs(run.t_s) < FARTHEST_S
        t, value, quality = run.t_s[known], run.value[known], np.nan_to_num(run.quality[known])
        cuts = {*range(0, t.size, LINE_SAMPLES), *(np.flatnonzero(np.diff(quality)) + 1).tolist(), t.size}
        edges = sorted(cuts)
        for start, end in zip(edges, edges[1:], strict=False):
            values = [v if abs(v) < LARGEST else None for v in value[start:end].tolist()]
            times = t[start:end].tolist()
            one = end - start == 1
            line = {
                "recv": packet.received_s,
                "device": packet.device,
                "ch": run.channel,
                "t": times[0] if one else times,
                "v": values[0] if one else values,
            }
            yield json.dumps(line | ({} if quality[start] == 1.0 else {"quality": float(quality[start])}))
