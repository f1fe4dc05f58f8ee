"""What a record is made of: one JSON object a line, by type, with the fields each type must have.

Numbers keep every bit (shortest round-trip decimals, IEEE 754 double). Values JSON has no number for are the
strings "NaN", "Infinity" and "-Infinity", so that every line is strict JSON (RFC 8259). A line may have more fields
than its type requires. In a record of schema 2 each line also has `n`, its number from 0, and `chain`
(`synth.record.chain`), which are the record's own and no part of a line as it is written or read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

Line = dict[str, Any]

SCHEMA = 2
FILE_NAME = "session.jsonl"

REQUIRED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "session": ("engine_version", "preset", "seed", "sample_rate", "minutes"),
        "commit": ("quantum", "t_s", "control", "old", "new", "requested", "by", "reason"),
        "release": ("quantum", "t_s", "control"),
        "samples": ("channel", "t_s", "value", "quality"),
        "state": ("t_s", "arousal", "confidence", "p_elevated"),
        "plan": ("t_s", "arousal", "valence", "tension"),
        "phase": ("t_s", "text"),
        "marker": ("t_s", "text"),
        "verb": ("t_s", "verb"),
        "cue": ("t_s", "quantum", "kind", "text"),
        "edit": ("t_s", "quantum", "phases", "by"),
        "leap": ("t_s", "quantum", "before_bpm", "bpm"),
        "guest": ("t_s", "quantum", "stem", "phrase", "name", "notes", "text"),
        "played": ("t_s", "quantum", "pitch", "velocity", "stem", "by"),
        "feedback": ("t_s", "channel", "value"),
        "refusal": ("t_s", "text"),
        "dose": ("t_s", "percent", "level_db_spl"),
        "incident": ("t_s", "kind"),
        "note": ("t_s",),
        "scores": ("when", "name", "score"),
        "safety": ("t_s", "text"),
        "repair": ("t_s", "text"),
        "stop": ("t_s",),
        "panic": ("t_s",),
        "end": ("frames", "reason"),
    }
)


class RecordError(ValueError):
    """A record, or a key to one, that cannot be used; the message says where and what to do."""


_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def encode(line: Mapping[str, Any]) -> str:
    """`line` as one line of strict JSON without its newline."""
    try:
        return json.dumps(line, allow_nan=False, ensure_ascii=False, separators=(",", ":"), default=_plain)
    except ValueError:
        return json.dumps(_spelled(line), allow_nan=False, ensure_ascii=False, separators=(",", ":"), default=_plain)


def decode(text: str) -> Line:
    """The line that `encode` wrote; ValueError when it is not a JSON object."""
    line = json.loads(text)
    if not isinstance(line, dict):
        raise ValueError("not a JSON object")
    decoded: Line = _numbers(line) if any(f'"{word}"' in text for word in _WORDS) else line
    return decoded


def number(value: object) -> float | None:
    """`value` when it is a finite number, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e300 < value < 1e300:
        return None
    return float(value)


def _plain(value: object) -> object:
    """NumPy numbers and arrays, mappings and tuples as JSON's own kinds."""
    if isinstance(value, np.generic | np.ndarray):
        return _spelled(value.tolist())
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be written to a record")


def _spelled(value: object) -> object:
    match value:
        case Mapping():
            return {key: _spelled(item) for key, item in value.items()}
        case list() | tuple():
            return [_spelled(item) for item in value]
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _numbers(value: Any) -> Any:
    match value:
        case dict():
            return {key: _numbers(item) for key, item in value.items()}
        case list():
            return [_numbers(item) for item in value]
        case str():
            return _WORDS.get(value, value)
    return value
