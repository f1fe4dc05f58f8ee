"""Plays a recorded session again: bit for bit from its commits, or from its sensors to compare decisions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from synth.output.render import Progress, Summary, render_session
from synth.preset import preset_from_dict
from synth.record.keeping import Keeping
from synth.record.reader import Record, read_record
from synth.safety.ledger import Heard
from synth.session.ahead import MOVES, by_a_person
from synth.wearables.samples import Samples

_TERMS = ("policy", "constraints", "gates", "supervised", "self_report", "calibration", "delivery", "haptic", "played")
_COMPARED = ("quantum", "control", "new", "by")


@dataclass(slots=True)
class Replayed:
    """A replay's summary; `difference` says where the loop first decided otherwise (None: nowhere), `breaks` what is
    not as it was written in the record that was replayed."""

    summary: Summary
    difference: str | None = None
    breaks: tuple[str, ...] = ()


class RecordedSensors:
    """The samples of a record, handed out at the ticks at which they were taken; stands in for a Recording."""

    repairs: tuple[str, ...] = ()

    def __init__(self, record: Record) -> None:
        self.meta = {"id": record.header.get("recording") or "record"}
        self._taken: dict[float, list[Samples]] = {}
        for line in record.of("samples"):
            columns = (np.array(line[key], dtype=np.float64) for key in ("t_s", "value", "quality"))
            self._taken.setdefault(line["tick_s"], []).append(Samples(line["channel"], *columns))
        self.channels = {run.channel for runs in self._taken.values() for run in runs}

    def between(self, start_s: float, end_s: float) -> list[Samples]:
        """The samples that the session took at its tick `end_s`."""
        return self._taken.get(end_s, [])


def replay_session(
    folder: str | Path,
    out: str | Path,
    *,
    from_sensors: bool = False,
    progress: Progress = lambda done_s, total_s: None,
    overwrite: bool = False,
    keeping: Keeping | None = None,
    **render_options: Any,
) -> Replayed:
    """Render the session recorded in `folder` again into `out`.

    From its commits the samples are the same, bit for bit, on the same machine. `from_sensors` runs estimator and
    policy again on the recorded samples, keeping only what people did, and reports the first difference.
    """
    record = read_record(Path(folder) / "session.jsonl", keeping.key if keeping else None)
    summary = render_session(
        out=out,
        wearable=RecordedSensors(record) if from_sensors and record.sensed else None,
        frames=frames_of(record),
        progress=progress,
        overwrite=overwrite,
        keeping=keeping,
        repairs=[f"of the record that is replayed: {text}" for text in record.breaks],
        **as_asked(record, from_sensors=from_sensors),
        **render_options,
    )
    difference = first_difference(record, read_record(Path(out) / "session.jsonl")) if from_sensors else None
    return Replayed(summary, difference, record.breaks)


def as_asked(record: Record, *, from_sensors: bool = False) -> dict[str, Any]:
    """The keywords of a Session that plays a record again, from its commits or, for what people did not do, deciding
    again."""
    moves = [line for line in record.of(*MOVES) if not line.get("at_once")]
    if from_sensors:
        moves = [m for m in moves if by_a_person(m)]
    header = record.header
    return {
        "preset": preset_from_dict(header["preset"]),
        "minutes": header["minutes"],
        "seed": header["seed"],
        "sample_rate": header["sample_rate"],
        "settings": header["settings"],
        "context": header.get("context"),
        "tune": header.get("tune"),
        **{name: header[name] for name in _TERMS if name in header},
        "week": [Heard(date.min, header.get("heard_hours_at_80_dba", 0.0))],
        "moves": moves,
        "steer": from_sensors,
    }


def frames_of(record: Record) -> int:
    """How many frames the session came to; up to its last line where it broke off."""
    if ends := record.of("end"):
        return int(ends[-1]["frames"])
    return math.ceil(record.length_s * record.header["sample_rate"])


def first_difference(was: Record, now: Record) -> str | None:
    """Where two records first hold another commit, in words; None when they agree."""
    before, after = (record.of("commit") for record in (was, now))
    for a, b in zip(before, after, strict=False):
        if any(a[key] != b[key] for key in _COMPARED):
            return (
                f"at {a['t_s']:.2f} s: {a['control']} to {a['new']:g} ({a['by']}, {a['reason']}) was recorded, "
                f"{b['control']} to {b['new']:g} ({b['by']}, {b['reason']}) came out"
            )
    if len(before) != len(after):
        return f"{len(before)} commits were recorded, {len(after)} came out"
    return None
