"""The conditions of a session in words: setting, policy, constraints, safety questions, dose, and the record itself."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from synth.record import setting
from synth.record.account import plan_text
from synth.record.chain import KEYED
from synth.record.lines import number
from synth.record.markup import sentence
from synth.record.plots import clock
from synth.record.reader import Record

Rows = list[tuple[str, str]]

NOT_TOLD = "not told"
NOT_CALIBRATED = "not calibrated: how loud it was in the room or at the ear is not known, and no dose is counted"

POLICIES: Mapping[str, str] = {
    "L0": "timed: the plan runs by the clock, whatever is sensed",
    "L1": "matched start: the plan begins where the person says they are, then runs by the clock",
    "L2": "responsive: as a matched start; what is sensed may slow, hold or take back the plan and trim it a little",
}
_PROFILES: Mapping[str, str] = {
    "default": "the limits that hold for everyone",
    "relax": "narrower limits, for resting",
    "sensitive": "the narrowest limits: softer, slower onsets, nothing that builds",
}
_NOT_ANSWERED = re.compile(r"\((.*) not answered\)$")
_GATES: Mapping[str, tuple[str, str]] = {  # open, closed
    "slow_breath": ("breath may be paced under 6 a minute", "breath is not paced under 6 a minute"),
    "pulse": ("pulsing sound is allowed", "nothing pulses"),
    "haptic": ("haptic output is allowed", "nothing shakes"),
    "drowsy": ("settling and sleep are allowed", "nothing that makes drowsy"),
    "alone": ("the person may be alone", "someone must be with the person"),
}


def policy_of(record: Record) -> str:
    """The policy's name, or "" in a record that does not tell it."""
    return str(record.header.get("policy") or record.header["preset"].get("policy") or "")


def constraints_of(record: Record) -> list[str]:
    """The constraints in the person's own words."""
    given = record.header.get("constraints")
    if given is None:
        given = record.header["preset"].get("constraints") or ()
    texts = [given] if isinstance(given, str) else list(given)
    return [str(text.get("text", "")) if isinstance(text, Mapping) else str(text) for text in texts]


def gates_of(record: Record) -> Mapping[str, Any] | None:
    """What the safety questions left open, None in a record that does not tell it."""
    given = record.header.get("gates")
    return given if isinstance(given, Mapping) else None


def not_answered(gates: Mapping[str, Any]) -> list[str]:
    """Safety questions without an answer that closed something; the answers themselves are not for a page."""
    found = [_NOT_ANSWERED.search(str(text)) for text in gates.get("words") or ()]
    return list(dict.fromkeys(match[1] for match in found if match))


def calibrated(record: Record) -> bool:
    """Whether the level at the ear is known: to the engine, or as measured for the setting."""
    return record.header.get("calibration") is not None or bool(_setting(record).get("calibrated"))


def setting_rows(record: Record) -> Rows:
    """What is told of the setting (RG-MBI), and last what is not."""
    told = _setting(record)
    if not calibrated(record):
        told = {name: value for name, value in told.items() if name != "level_db_spl"}
    rows = [(sentence(row.asks), row.answer) for row in setting.rows(told, record.header) if row.answer]
    lacking: dict[str, list[str]] = {}
    for component, _, asks in (text.partition(": ") for text in setting.missing(told, record.header)):
        lacking.setdefault(component, []).append(asks)
    rows += [(f"Not told: {component.lower()}", "; ".join(asks)) for component, asks in lacking.items()]
    return rows if lacking else [*rows, ("Not told", "nothing that is asked for is missing")]


def plan_rows(record: Record) -> Rows:
    """Goal, policy, profile, company and constraints."""
    preset, header = record.header["preset"], record.header
    policy = policy_of(record)
    rows = [("Goal", str(preset.get("goal") or NOT_TOLD)), ("Policy", _named(policy, POLICIES))]
    rows.append(("Phases", plan_text(preset)))
    rows.append(("Limits", _named(_profile(record), _PROFILES)))
    constraints = constraints_of(record)
    rows.append(("Constraints", "; ".join(constraints) if constraints else "none"))
    supervised = header.get("supervised")
    rows.append(("Someone with the person", NOT_TOLD if supervised is None else "yes" if supervised else "no"))
    settings = header.get("settings") or {}
    if settings:
        rows.append(("Set by hand from the start", ", ".join(f"{name} {_number(v)}" for name, v in settings.items())))
    return rows


def screening_rows(record: Record) -> Rows:
    """What the safety questions left open and closed; never the answers."""
    gates = gates_of(record)
    if gates is None:
        return [("Safety questions", "not in this record")]
    closed = [words[1] for name, words in _GATES.items() if gates.get(name) is False]
    left = [words[0] for name, words in _GATES.items() if gates.get(name) is True]
    if (minutes := number(gates.get("most_minutes"))) is not None:
        closed.append(f"a session lasts {minutes:g} minutes at most")
    if (seconds := number(gates.get("landmark_every_s"))) is not None:
        closed.append(f"a landmark sounds every {seconds / 60:g} minutes")
    rows = [("Closed", "; ".join(closed) if closed else "nothing"), ("Open", "; ".join(left) if left else "nothing")]
    if unanswered := not_answered(gates):
        rows.append(("Not answered, so taken the cautious way", ", ".join(unanswered)))
    if calibrated(record) and (level := number(gates.get("weekly_dba"))) is not None:
        rows.append(("A week's dose is counted at", f"{level:g} dBA for 40 hours"))
    return rows


def dose_rows(record: Record) -> Rows:
    """Level and dose where the output was calibrated; otherwise only that it was not."""
    if not calibrated(record):
        return [("Level and dose", NOT_CALIBRATED)]
    if record.header.get("calibration") is None:
        return [("Level", "as measured for the setting"), ("Dose", "not counted: the output was not calibrated")]
    rows = [("Calibration", _calibration(record.header["calibration"]))]
    doses = [line for line in record.of("dose")]
    levels = [level for line in doses if (level := number(line["level_db_spl"])) is not None]
    percents = [percent for line in doses if (percent := number(line["percent"])) is not None]
    if not levels or not percents:
        return [*rows, ("Level and dose", "calibrated, but the session was too short for a first figure")]
    energy = sum(10.0 ** (level / 10.0) for level in levels) / len(levels)
    rows.append(("Level, mean energy, K-weighted", f"{10.0 * math.log10(energy):.1f} dB SPL"))
    rows.append(("Level of the loudest minute", f"{max(levels):.1f} dB SPL"))
    rows.append(("Share of a week's dose, reached at the end", f"{percents[-1]:.3g} %"))
    return rows


def kept(record: Record) -> list[str]:
    """How long the record is kept, and whether it holds what people wrote, where it tells that."""
    told = []
    days = number(record.header.get("retention_days"))
    if days is not None:
        told.append(f"It is kept for {days:g} days.")
    if "free_text" in record.header:
        held = (
            "It holds what people wrote in their own words." if record.header["free_text"] else "It holds no free text."
        )
        told.append(held)
    return told


def integrity(record: Record) -> list[str]:
    """Whether the record is whole, in sentences; where it is not, only what broke."""
    told = [sentence(text) + "." for text in record.breaks]
    if record.cut:
        told.append("The last line was torn off; it is left out.")
    if record.end is None:
        told.append(f"There is no end: the record stops at {clock(record.length_s)}.")
    if told:
        return told
    if not record.integrity:
        return ["The record has a beginning and an end. It is of an older kind: a line changed since would not show."]
    if not record.checked:
        return [
            "Every line has its number. Whether one was changed cannot be told without the key it was written with."
        ]
    if record.integrity == KEYED:
        return ["Every line is in place, and the key shows that none was changed."]
    return ["Every line is in place. A change on purpose would show only in a record written with a key."]


def _setting(record: Record) -> Mapping[str, Any]:
    given = record.header.get("setting")
    return given if isinstance(given, Mapping) else {}


def _profile(record: Record) -> str:
    return str(record.header.get("profile") or record.header["preset"].get("profile") or "default")


def _named(name: str, words: Mapping[str, str]) -> str:
    if not name:
        return NOT_TOLD
    return f"{name}, {words[name]}" if name in words else name


def _calibration(value: Any) -> str:
    if isinstance(value, Mapping):
        level, source = value.get("db_spl_at_minus_20_lufs"), str(value.get("source") or NOT_TOLD)
        return f"{_number(level)} dB SPL at \u221220 LUFS; how it was found: {source}"
    return f"{_number(value)} dB SPL at \u221220 LUFS"


def _number(value: Any) -> str:
    known = number(value)
    return str(value) if known is None else f"{known:g}".replace("-", "\u2212")
