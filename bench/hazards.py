"""Thousands of random sessions: whatever is asked, fed, edited or broken off, does any limit break?

    python bench/hazards.py                    10,000 sessions, 60 of them with sound (--sessions, --heard)
    python bench/hazards.py --only 4711        one of them again (--sound: with sound)

A session has a random preset, profile, screening, constraints, policy and seed. Each second it may be asked for any
control at any value, NaN, infinities and 1e300 among them; given verbs, plan edits, garbage and gaps for sensors,
feedback that is no number; stopped or panicked. After each second every control is held against the table of limits,
and how far it moved in the second. Of a sample the sound that leaves is measured (`heard.py`). The checks are written
from the table's rows alone and share no code with the guards; a request that is refused with a clear error is no
violation, any other exception is one. Everything follows from the session's number.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import heard
import numpy as np

from synth import Session, load_preset, preset_names
from synth.controls import CONTROLS, STEMS, TABLE, control
from synth.preset import POLICIES, phase_to_dict
from synth.safety.limits import LIMITS, PROFILES
from synth.safety.screening import QUESTIONS
from synth.session import VERBS
from synth.wearables.samples import CHANNELS

QUIET_RATE = 22_050
SECONDS, HEARD_SECONDS = 30, 24
EXTREME = (math.nan, math.inf, -math.inf, 1e300, -1e300, 0.0, -0.0, 5e-324, 1e6, -1e6)
ASKERS = ("hand", "hand:ann", "plan", "policy", "mapping", "script", "safety", "", "someone else")
SLACK = 1.001  # for rounding

# Sentences, and what each means for a session's controls.
CONSTRAINTS: dict[str, Callable[[dict[str, float], dict[str, float]], bool]] = {
    "no bass": lambda now, first: now["level_bass_db"] == -60.0,
    "no birds": lambda now, first: True,
    "nothing above 70 bpm": lambda now, first: now["tempo_bpm"] <= 70.0 + 1e-6,
    "no key changes": lambda now, first: now["key"] == first["key"],
    "no breath wave": lambda now, first: now["breath_depth_db"] == 0.0,
    "nothing louder than -30 lufs": lambda now, first: now["loudness_lufs"] <= -30.0 + 1e-6,
    "density_hz at most 2": lambda now, first: now["density_hz"] <= 2.0 + 1e-6,
    "no silences": lambda now, first: now["rest"] == 0.0,
}
# Upwards only, units (or octaves) a second; the row that bounds it.
CLIMBS = {
    "dynamics_db": "crescendo_lu_per_s",
    "loudness_lufs": "crescendo_lu_per_s",
    "brightness_oct": "hand_brightening_oct_per_s",
    **{f"level_{stem}_db": "hand_stem_rise_db_per_s" for stem in STEMS},
}


@dataclass(frozen=True)
class Result:
    """What one session came to: `kinds` of what happened, and each broken limit once with words."""

    number: int
    kinds: Counter[str]
    broken: dict[str, str]


class Checker:
    """Holds a session's controls against the rows of the table of limits, second by second."""

    def __init__(self, profile: str, slow_breath: bool, constraints: list[str], first: dict[str, float]) -> None:
        self.rows = {row.name: getattr(row, profile) for row in LIMITS}
        self.slow_breath, self.constraints, self.first = slow_breath, constraints, first
        self.before = first
        self.leaps: list[float] = []  # announced, in octaves
        self.broken: dict[str, str] = {}

    def note(self, limit: str, words: str) -> None:
        self.broken.setdefault(limit, words)

    def values(self, now: dict[str, float], t_s: float) -> None:
        """Every value within its range."""
        for name, value in now.items():
            row = TABLE[name]
            if not (math.isfinite(value) and row.low - 1e-9 <= value <= row.high + 1e-9):
                self.note(f"range of {name}", f"{value} at {t_s:g} s")
        for limit in LIMITS:
            if not limit.control:
                continue
            value, bound = now[limit.control], self.rows[limit.name]
            if limit.name == "breath_rate_bpm" and self.slow_breath:
                bound = 4.5
            over = value - bound if limit.side == "most" else bound - value
            if over > 1e-6 * max(1.0, abs(bound)):
                self.note(limit.name, f"{value:g} at {t_s:g} s, {limit.side} {bound:g}")
        together = now["dynamics_db"] + now["loudness_lufs"]
        if together > self.rows["programme_lufs"] + 1e-6:
            self.note("programme_lufs", f"{together:g} together at {t_s:g} s")
        for text in self.constraints:
            if not CONSTRAINTS[text](now, self.first):
                self.note(f"constraint {text!r}", f"at {t_s:g} s")

    def moves(self, now: dict[str, float], seconds: float, t_s: float) -> None:
        """No control moved further in `seconds` than its row of the controls and the limits let it."""
        before, self.before = self.before, now
        for row in CONTROLS:
            old, new = before[row.name], now[row.name]
            if row.curve == "choice" or old == new:
                continue
            moved = math.log2(new / old) if row.curve == "log" else new - old
            most = max(row.rate_loop, row.rate_hand, row.rate_down or 0.0)
            faster = max(old, new)
            if row.name == "tempo_bpm":
                beat = max(self.rows["loop_tempo_per_beat"], self.rows["hand_tempo_per_beat"])
                most = min(most, math.log2(1.0 + beat) * faster / 60.0)
            elif row.name == "breath_rate_bpm":
                most = min(most, math.log2(1.0 + self.rows["breath_change_per_min"]) / 60.0)
            elif row.name == "density_hz" and moved > 0.0:
                beats_s = 1.05 * max(before["tempo_bpm"], now["tempo_bpm"]) / 60.0  # beats as when it was asked for
                most = min(most, self.rows["density_oct_per_beat"] * beats_s)
            elif row.name in CLIMBS and moved > 0.0:
                most = min(most, self.rows[CLIMBS[row.name]])
            allowed = most * seconds * SLACK + 1e-6
            if row.name == "tempo_bpm" and abs(moved) > allowed and self.leaps:
                moved -= self.leaps.pop(0)
            if abs(moved) > allowed:
                limit = CLIMBS.get(row.name, f"speed of {row.name}") if moved > 0.0 else f"speed of {row.name}"
                self.note(limit, f"{row.name} {old:g} to {new:g} in {seconds:g} s at {t_s:g} s")

    def leap(self, line: dict[str, Any]) -> None:
        """The tempo leaps once, as announced, and only for people whom no leap may startle."""
        octaves = math.log2(line["bpm"] / line["before_bpm"])
        self.leaps.append(octaves)
        if abs(octaves) > self.rows["tempo_leap_oct"] + 1e-9:
            self.note("tempo_leap_oct", f"{line['before_bpm']:g} to {line['bpm']:g} at {line['t_s']:g} s")

    def commit(self, line: dict[str, Any]) -> None:
        """Safety makes nothing louder or faster."""
        name = line["control"]
        if line["type"] == "commit" and line["by"] == "safety" and line["accepted"]:
            return_to_calm = name in ("loudness_lufs", "tempo_bpm", "dynamics_db", "density_hz", "arousal", "tension")
            if return_to_calm and line["reason"] != "asked for" and line["new"] > line["old"] + 1e-6:
                self.note("safety calms", f"{name} {line['old']:g} to {line['new']:g}: {line['reason']}")


def _answers(rng: np.random.Generator) -> dict[str, Any] | None:
    """Answers to some of the safety questions; some contradict each other."""
    if rng.random() < 0.3:
        return None
    answers: dict[str, Any] = {q.key: bool(rng.random() < 0.15) for q in QUESTIONS if rng.random() < 0.6}
    if rng.random() < 0.4:
        answers["age"] = float(rng.integers(1, 100))
    if rng.random() < 0.1:
        answers["none_of_these"] = True
    return answers


def _value(rng: np.random.Generator, name: str) -> float:
    """Any number at all, or one from the control's range."""
    row = control(name)
    match rng.integers(0, 4):
        case 0:
            return float(rng.choice(EXTREME))
        case 1:
            return float(rng.choice([row.low, row.high]))
        case 2:
            return float(rng.uniform(-200.0, 200.0))
    return float(rng.uniform(row.low, row.high))


def _phases(rng: np.random.Generator, session: Session) -> list[dict[str, Any]]:
    """A plan of random steepness, or one that makes no sense."""
    phases = [phase_to_dict(phase) for phase in session.preset.phases]
    for phase in phases:
        for name in ("arousal", "valence", "tension", "minutes"):
            if rng.random() < 0.4:
                phase[name] = float(rng.choice([rng.uniform(-1.0, 1.0), rng.uniform(0.0, 20.0), math.nan, 1e300, -3.0]))
    return phases[: rng.integers(0, len(phases) + 1)] if rng.random() < 0.2 else phases


def _feed(rng: np.random.Generator, session: Session, state: dict[str, Any]) -> None:
    """A second of sensors: honest, spiking, jumping in time, garbage, or nothing for a while."""
    if state["gap"] > 0:
        state["gap"] -= 1
        return
    if rng.random() < 0.05:
        state["gap"] = int(rng.integers(2, 15))
    for name in state["channels"]:
        usual = {"hr": 75.0, "rr_ms": 800.0, "eda": 4.0, "temp": 33.0, "resp_bpm": 14.0}.get(name, 0.2)
        value = usual * (1.0 + 0.1 * rng.normal())
        kind = rng.random()
        if kind < 0.1:
            value = float(rng.choice(EXTREME))
        elif kind < 0.2:
            value *= float(rng.choice([-50.0, 0.0, 3.0, 50.0]))
        t_s = None
        if rng.random() < 0.1:
            t_s = float(rng.choice([math.nan, -1e9, 1e12, session.time_s + 100.0, session.time_s - 5.0]))
        run = [value] * int(rng.integers(1, 6)) if t_s is None and rng.random() < 0.1 else value
        session.feed(name, run, t_s, device="strap" if rng.random() < 0.2 else None)


def _act(rng: np.random.Generator, session: Session, seconds: float) -> Iterator[str]:
    """What people, networks and programs do in a second; the kind of each, "refused" where it is refused in words."""
    doings: list[tuple[str, float, Callable[[], None]]] = [
        ("request", 0.9, lambda: session.request(str(name), _value(rng, str(name)), str(rng.choice(ASKERS)))),
        ("request", 0.5, lambda: session.request(str(loud), _value(rng, str(loud)))),
        ("unknown control", 0.02, lambda: session.request("volume", 1.0)),
        ("release", 0.3, lambda: session.release(str(name))),
        ("verb", 0.25, lambda: session.verb(str(rng.choice([v for v in VERBS if v != "stop"])))),
        ("edit", 0.08, lambda: session.edit(_phases(rng, session))),
        ("feedback", 0.1, lambda: session.feed(str(said), float(rng.choice([*EXTREME, 0.3, -0.8])))),
        ("stop", 0.004, session.stop),
        ("panic", 0.004, session.panic),
    ]
    for kind, share, do in doings:
        if rng.random() >= share:
            continue
        name = rng.choice([c.name for c in CONTROLS])
        loud = rng.choice(
            ["dynamics_db", "loudness_lufs", "arousal", "level_percussion_db", "percussiveness", "attack_ms"]
        )
        said = rng.choice(["self_arousal", "self_valence", "feedback"])
        try:
            do()
            yield kind
        except ValueError as error:  # PresetError, ControlError, TermsError and others of ours
            yield "refused"
            if not str(error).strip():
                raise AssertionError(f"{kind}: refused without words") from error


def one(number: int, sound: bool = False, seconds: int = 0) -> Result:
    """Session `number`, with or without sound."""
    rng, kinds = np.random.default_rng([number, 5]), Counter[str]()
    try:
        return _one(number, sound, seconds or (HEARD_SECONDS if sound else SECONDS), rng, kinds)
    except Exception as error:
        return Result(number, kinds, {"no exception": f"{type(error).__name__}: {error}"})


def _one(number: int, sound: bool, seconds: int, rng: np.random.Generator, kinds: Counter[str]) -> Result:
    profile = str(rng.choice(PROFILES))
    preset = load_preset(str(rng.choice(preset_names())))
    preset = replace(preset, profile=PROFILES[max(PROFILES.index(profile), PROFILES.index(preset.profile))])
    answers, lines = _answers(rng), []
    constraints = [str(text) for text in CONSTRAINTS if rng.random() < 0.12]
    settings = {
        c.name: float(rng.uniform(c.low, c.high)) for c in CONTROLS if c.curve != "choice" and rng.random() < 0.05
    }
    try:
        session = Session(
            preset,
            seed=number,
            sample_rate=heard.RATE if sound else QUIET_RATE,
            minutes=float(rng.choice([0.3, 1.0, 10.0, math.inf])) if rng.random() < 0.5 else None,
            settings=settings,
            script=[(float(rng.uniform(0.0, seconds)), "arousal", float(rng.uniform(-1.0, 1.0)))],
            record=lines.append,
            audio=sound,
            screening=answers,
            constraints=constraints,
            policy=str(rng.choice(POLICIES)) if rng.random() < 0.7 else None,
            self_report={"arousal": float(rng.uniform(-1.0, 1.0))} if rng.random() < 0.3 else None,
            supervised=bool(rng.random() < 0.8),
        )
    except ValueError as error:
        kinds["session refused"] += 1
        return Result(number, kinds, {} if str(error).strip() else {"refusals have words": "none"})
    given = answers or {}
    strict = bool(given.get("startles") or given.get("sounds_hurt"))
    profile = "sensitive" if strict else preset.profile
    kinds[f"profile {profile}"] += 1
    checker = Checker(profile, session.terms.gates.slow_breath, constraints, session.controls)
    checker.values(session.controls, 0.0)
    channels = [c for c in rng.choice(list(CHANNELS), int(rng.integers(0, 4)), replace=False) if "self" not in c]
    state: dict[str, Any] = {"gap": 0, "channels": [] if preset.wearable == "refused" else channels}
    played: list[np.ndarray] = []
    rate, told = session.sample_rate, 0
    for second in range(seconds):
        for kind in _act(rng, session, seconds):
            kinds[kind] += 1
        _feed(rng, session, state)
        frames = rate if rng.random() < 0.7 else int(rng.integers(rate // 2, rate))
        mix = session.render(frames)
        if sound:
            played.append(mix)
        for line in lines[told:]:
            if line["type"] == "leap":
                checker.leap(line)
        told = len(lines)
        checker.values(session.controls, second + 1.0)
        checker.moves(session.controls, (frames + 64.0) / rate, second + 1.0)
    session.close()
    for line in lines:
        if line["type"] == "commit":
            checker.commit(line)
    if sound:
        kinds["heard"] += 1
        _listen(np.concatenate(played), checker)
    return Result(number, kinds, checker.broken)


def _listen(mix: np.ndarray, checker: Checker) -> None:
    """The limits of what leaves, on the sound."""
    rows = checker.rows
    if not np.isfinite(mix).all():
        checker.note("numbers", "not a number left the engine")
        return
    peak = heard.true_peak_dbtp(mix)
    if peak > rows["true_peak_dbtp"] + 0.1:
        checker.note("true_peak_dbtp", f"{peak:.2f} dBTP")
    floor = rows["programme_lufs"] + rows["silence_floor_lu"]
    rise = heard.largest_rise_lu(mix, rows["momentary_rise_window_s"], floor, rows["start_fade_s"])
    if rise > rows["momentary_rise_lu"] + 0.3:
        checker.note("momentary_rise_lu", f"{rise:.2f} LU")
    sudden = heard.attacks(mix, rows["programme_lufs"])
    if sudden.size and sudden[:, 2].min() < rows["attack_ms"]:
        worst = sudden[np.argmin(sudden[:, 2])]
        checker.note("attack_ms", f"{worst[2]:.0f} ms at {worst[0]:.2f} s, {worst[1]:.1f} dB")
    loud = heard.level_lufs(mix, 10.0, 1.0).max() if mix.shape[0] > 12 * heard.RATE else -150.0
    if loud > rows["programme_lufs"] + 1.0 + 0.5 * checker.before["dynamic_range_lu"]:
        checker.note("loudness", f"{loud:.1f} LUFS over ten seconds")
    start = np.sqrt(np.mean(mix[: heard.RATE // 10] ** 2))
    if start > 10.0 ** ((rows["programme_lufs"] - 20.0) / 20.0):
        checker.note("start_fade_s", f"{20 * np.log10(start):.1f} dBFS in the first tenth of a second")


def quiet(number: int) -> Result:
    return one(number)


def with_sound(number: int) -> Result:
    return one(number, sound=True)


def report(results: Iterator[Result], total: int, started: float) -> Counter[str]:
    """Count, telling of each broken limit as it comes."""
    kinds, broken = Counter[str](), Counter[str]()
    for done, result in enumerate(results, 1):
        kinds += result.kinds
        for limit, words in result.broken.items():
            broken[limit] += 1
            if broken[limit] <= 3:
                print(f"session {result.number}: {limit}: {words}", flush=True)
        if done % 500 == 0:
            print(f"{done} of {total}, {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    print(f"{total} sessions: " + ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())))
    print("broken limits: " + (", ".join(f"{k} {v}" for k, v in broken.most_common()) or "none"))
    return broken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--heard", type=int, default=60, help="how many of them with sound, which is measured")
    parser.add_argument("--first", type=int, default=0, help="number of the first")
    parser.add_argument("--only", type=int, help="this one alone")
    parser.add_argument("--sound", action="store_true", help="with --only: with sound")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    started = time.monotonic()
    if options.only is not None:
        sys.exit(bool(report(iter([one(options.only, options.sound)]), 1, started)))
    numbers = range(options.first, options.first + options.sessions)
    heard_ones, quiet_ones = numbers[: options.heard], numbers[options.heard :]
    if options.heard:
        one(numbers[0], sound=True, seconds=1)  # compiles, before two processes do it at once
    with ProcessPoolExecutor(options.processes) as pool:
        heard_results = pool.map(with_sound, heard_ones, chunksize=2)
        results = itertools.chain(heard_results, pool.map(quiet, quiet_ones, chunksize=20))
        broken = report(results, len(numbers), started)
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
