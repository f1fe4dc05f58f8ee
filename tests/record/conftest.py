"""A session as it would be recorded, made of plain curves, for the tests of record and report."""

from __future__ import annotations

import csv
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synth.controls import CONTROLS, defaults
from synth.record import RecordWriter

PRESET = {"name": "settle", "title": "Settle", "summary": "Meets you where you are & slows down.", "minutes": 12.0}
PHASES = (("baseline", 0.0), ("match", 120.0), ("lead", 240.0), ("plateau", 480.0), ("return", 640.0))


SINCE = ("valence", "fits", "scl_us", "heart_trouble", "skin_trouble")  # fields of a state that older records lack


def heart_trouble(t: int) -> str:
    return "missing" if 395 <= t < 420 or t < 2 else "frozen" if 600 <= t < 612 else ""


def skin_trouble(t: int) -> str:
    return "off" if 500 <= t < 520 else "disturbed" if 520 <= t < 530 or 540 <= t < 550 else ""


def lines(minutes: float, sensed: bool) -> list[dict[str, Any]]:
    """The lines of a session of `minutes` minutes."""
    rng = random.Random(3)
    made: list[dict[str, Any]] = [
        {
            "type": "session",
            "engine_version": "0.1.0",
            "preset": PRESET,
            "seed": 7,
            "sample_rate": 48_000,
            "minutes": minutes,
            "recording": "walk" if sensed else None,
        }
    ]
    tempo = 72.0
    for t in range(round(minutes * 60)):
        phase = [name for name, start in PHASES if start <= t][-1]
        if t in [start for _, start in PHASES]:
            made.append({"type": "phase", "quantum": t * 750, "t_s": float(t), "text": phase})
        calm = 1 / (1 + math.exp(-(t - 300) / 70))
        if sensed:
            heart = 82 - 14 * calm + 2 * math.sin(t / 9) + rng.gauss(0, 0.7)
            quality = 0.2 if 395 <= t < 420 else 1.0
            made.append(
                {"type": "samples", "tick_s": t, "channel": "hr", "t_s": [t], "value": [heart], "quality": [quality]}
            )
            rr = [60_000 / heart, 380.0 if t % 40 == 0 else 60_000 / heart]
            made.append(
                {
                    "type": "samples",
                    "tick_s": t,
                    "channel": "rr_ms",
                    "t_s": [t, t + 0.7],
                    "value": rr,
                    "quality": [1.0, 1.0],
                }
            )
            eda_t = [t - 1 + k / 4 for k in range(4)]
            eda = [4.2 - 1.5 * calm + 0.5 * max(0.0, math.sin(x / 17)) ** 8 + rng.gauss(0, 0.01) for x in eda_t]
            made.append(
                {"type": "samples", "tick_s": t, "channel": "eda", "t_s": eda_t, "value": eda, "quality": [1.0] * 4}
            )
            confidence = (0.25 if 395 <= t < 430 else 0.8) * min(1.0, t / 90)
            made.append(
                {
                    "type": "state",
                    "t_s": float(t),
                    "arousal": 0.5 - 0.9 * calm,
                    "confidence": confidence,
                    "p_elevated": 0.85 - 0.7 * calm,
                    "fits": False if t >= 560 else None,
                    "valence": 0.4 * math.exp(-(t - 450) / 300) if t >= 450 else None,
                    "hr_bpm": None if heart_trouble(t) else heart + 1.5,
                    "rmssd_ms": None,
                    "scl_us": None if skin_trouble(t) else 4.2 - 1.5 * calm,
                    "heart_trouble": heart_trouble(t),
                    "skin_trouble": skin_trouble(t),
                    "hr_baseline_bpm": 76.0 if t > 120 else None,
                    "reasons": [f"heart rate is {heart - 76:.0f} bpm from your own baseline"],
                }
            )
        made.append(
            {
                "type": "plan",
                "t_s": float(t),
                "phase": phase,
                "arousal": 0.3 - 0.8 * calm,
                "valence": 0.1 + 0.2 * calm,
                "tension": -0.1 - 0.4 * calm,
                "words": ["holding: the sensor is weak"] if 400 <= t < 430 else [],
            }
        )
        if t % 5 == 0:
            target = 72 - 12 * calm
            made.append(
                {
                    "type": "commit",
                    "quantum": t * 750,
                    "t_s": float(t),
                    "control": "tempo_bpm",
                    "old": tempo,
                    "new": target,
                    "requested": target,
                    "by": "plan",
                    "reason": f"the plan's phase is {phase}",
                    "confidence": None,
                    "repair": None,
                    "accepted": True,
                }
            )
            tempo = target
        if t % 16 == 0:
            made.append({"type": "marker", "t_s": float(t), "kind": "phrase", "text": f"{'AB'[t // 16 % 2]}{t // 64}"})
    hand = {"quantum": 1, "old": 0.0, "by": "hand:osc", "reason": "moved by hand", "confidence": None}
    made += [
        {**hand, "type": "commit", "t_s": 200.0, "control": "mode", "old": 1, "new": 3, "requested": 3, "repair": None},
        {
            **hand,
            "type": "commit",
            "t_s": 210.0,
            "control": "dynamics_db",
            "new": 8.0,
            "requested": 99.0,
            "repair": "99 is out of range: 8",
        },
        {"type": "verb", "quantum": 2, "t_s": 300.0, "verb": "pull_back"},
        {"type": "safety", "t_s": 230.0, "text": "rise held to 1 LU in 3 s"},
        {"type": "repair", "t_s": 0.0, "text": "hr: 3 times out of order were sorted"},
        {"type": "end", "frames": round(minutes * 60) * 48_000, "t_s": minutes * 60, "reason": "finished"},
    ]
    return made


SETTING = {
    "name": "Evening rest",
    "chosen_by": "person",
    "playback": "headphones",
    "place": "a quiet room",
    "unit": "individual",
}
GATES = {
    "profile": "sensitive", "slow_breath": False, "pulse": False, "haptic": True, "drowsy": True, "alone": False,
    "most_minutes": 20.0, "landmark_every_s": 240.0, "weekly_dba": 75.0,
    "words": ["nothing pulses (pulse sensitive not answered)", "someone is with the person (loses touch)"],
}  # fmt: skip
FULL = {
    "policy": "L2",
    "gates": GATES,
    "profile": "sensitive",
    "setting": SETTING,
    "calibration": {"db_spl_at_minus_20_lufs": 72.0, "source": "sound level meter"},
    "supervised": True,
    "constraints": ["no percussion", "nothing above 70 bpm"],
    "started": "2026-11-22T09:30:00+01:00",
}


def full_lines(minutes: float) -> list[dict[str, Any]]:
    """A session in which everything happened that a record has a line for."""
    header, *made = lines(minutes, sensed=True)
    end = made.pop()
    phq = {"name": "PHQ-9", "low": 0, "high": 27, "cut_points": [5, 10, 15, 20], "loinc": "44261-6"}
    calm = {"name": "calm", "low": 0, "high": 100}
    made += [
        {"type": "scores", "when": "before", "score": 12, "band": 2, "risk_flag": True, **phq},
        {"type": "scores", "when": "before", "score": 30, **calm},
        {"type": "scores", "when": "after", "score": 62, **calm},
        {"type": "feedback", "t_s": 30.0, "channel": "self_arousal", "value": 0.5},
        {"type": "feedback", "t_s": 600.0, "channel": "self_arousal", "value": -0.6},
        {"type": "cue", "t_s": 100.0, "quantum": 1, "kind": "breath", "text": "a breathing cue for 60 s"},
        {"type": "cue", "t_s": 160.0, "quantum": 1, "kind": "breath", "text": "a breathing cue ends"},
        {"type": "cue", "t_s": 400.0, "quantum": 2, "kind": "silence", "text": ""},
        {"type": "edit", "t_s": 250.0, "quantum": 3, "phases": [{"kind": "lead", "minutes": 8.5}], "by": "hand:ann"},
        {"type": "refusal", "t_s": 260.0, "text": "tempo 160 is over the limit"},
        {"type": "incident", "t_s": 231.0, "kind": "guard"},
        {"type": "incident", "t_s": 500.0, "kind": "harm", "source": "music", "by": "hand", "text": "too loud"},
        {"type": "note", "t_s": 501.0, "text": "asked how it was"},
        {"type": "safety", "t_s": 234.0, "text": "rise held to 2 LU in 3 s"},
        {"type": "verb", "quantum": 4, "t_s": 305.0, "verb": "pull_back"},
        {"type": "stop", "t_s": 700.0, "quantum": 5},
        *({"type": "dose", "t_s": 60.0 * k, "percent": 0.02 * k, "level_db_spl": 58.0 + k % 3} for k in range(1, 12)),
    ]
    return [header | FULL, *sorted(made, key=when), end]


def when(line: dict[str, Any]) -> float:
    """The moment of a line; samples carry a list."""
    t_s = line.get("t_s", 0.0 if line.get("when") == "before" else 1e9)
    return t_s[0] if isinstance(t_s, list) else t_s


def write_controls(path: Path, minutes: float) -> None:
    """A controls.csv at 10 Hz."""
    names = [c.name for c in CONTROLS]
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["t_s", *names, "planned_offset_lu", "target_lufs", "measured_lufs", "phase"])
        for k in range(round(minutes * 600)):
            t = k / 10
            calm = 1 / (1 + math.exp(-(t - 300) / 70))
            values = defaults() | {"tempo_bpm": 72 - 12 * calm, "dynamics_db": 1 - 3 * calm, "mode": 1 + 2 * (t > 205)}
            values |= {"density_hz": 2.2 - 1.3 * calm, "key": 0 if t < 420 else 7}
            offset = 2.2 * math.sin(t / 8)
            loudness = -26 + offset + 0.4 * math.sin(t * 1.7) if t > 1 else -120.0
            phase = [name for name, start in PHASES if start <= t][-1]
            out.writerow([t, *(c.text(values[c.name]) for c in CONTROLS), offset, -26.0, loudness, phase])


@pytest.fixture
def make_session(tmp_path: Path) -> Callable[..., Path]:
    """Writes a session's record and controls to a folder, and gives the folder."""

    def make(
        minutes: float = 12.0, sensed: bool = True, older: bool = False, full: bool = False, **header: object
    ) -> Path:
        folder = tmp_path / f"session-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        with RecordWriter(folder / "session.jsonl", free_text=full) as record:
            first, *rest = full_lines(minutes) if full else lines(minutes, sensed)
            for line in [first | header, *rest]:
                dropped = SINCE if older and line["type"] == "state" else ()
                record.write({name: value for name, value in line.items() if name not in dropped})
        write_controls(folder / "controls.csv", minutes)
        return folder

    return make
