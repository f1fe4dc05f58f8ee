"""What people ask for while it plays: keys, modes, scenes and tempo come by ways that do not jar, and are told of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from synth import Session, load_preset
from synth.preset import Preset, Scene
from synth.score.clock import Clock
from synth.score.model import Note

LEGATO_S = 0.3


class Run:
    """A session without sound, and its score in seconds."""

    def __init__(
        self,
        preset: str | Preset,
        script: Sequence[tuple[float, str, float]],
        minutes: float = 5.0,
        seed: int = 3,
        **asked: Any,
    ):
        self.lines: list[dict[str, Any]] = []
        session = Session(
            preset, seed=seed, minutes=minutes, audio=False, script=script, record=self.lines.append, **asked
        )
        while not session.finished:
            session.render(48_000)
        self.score = session.score
        self.at = Clock(self.score).seconds

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["type"] == kind]

    def marks(self, kind: str) -> list[tuple[float, str]]:
        return [(self.at(m.tick), m.text) for m in self.score.markers if m.kind == kind]

    def phrase_at(self, t_s: float) -> tuple[float, float]:
        """Start and end of the phrase that a moment lies in."""
        starts = [at for at, _ in self.marks("phrase")] + [math.inf]
        return next((a, b) for a, b in pairwise(starts) if a <= t_s + 1e-6 < b)

    def begins(self, start_s: float, end_s: float) -> list[Note]:
        return [n for n in self.score.notes if start_s - 0.05 <= self.at(n.tick) < end_s - 0.05]


def settle(*scenes: Scene, **controls: float) -> Preset:
    preset = load_preset("settle")
    phases = tuple(replace(phase, scene="") for phase in preset.phases)
    return replace(preset, scenes=scenes, phases=phases, controls={**preset.controls, **controls})


def tempos(run: Run, start_s: float, end_s: float) -> list[float]:
    return [t.bpm for t in run.score.tempos if start_s - 0.01 <= run.at(t.tick) < end_s]


@pytest.mark.parametrize("way", [1, 2])
def test_a_tempo_leaps_only_for_a_person_and_where_no_pulse_is(way: int) -> None:
    asked = [(60.0, "tempo_by", way), (70.0, "tempo_bpm", 96.0)]
    run = Run(settle(Scene("a", "folk")), asked, settings={"percussiveness": 0.5})
    (leap,) = run.of("leap")
    assert 70.0 < leap["t_s"] < 130.0 and leap["before_bpm"] < 75.0
    if way == 1:
        last, first = tempos(run, 0.0, leap["t_s"] - 0.1)[-1], tempos(run, leap["t_s"] - 0.1, leap["t_s"] + 2.0)[0]
        assert first / last == pytest.approx(1.5, rel=1e-5)
        assert any("of the beat before" in text for _, text in run.marks("passage"))
    else:
        assert leap["bpm"] == pytest.approx(96.0)
        start, end = run.phrase_at(leap["t_s"] - 1.0)
        assert end - start >= 8.0 and {note.stem for note in run.begins(start, end)} <= {"pad"}
    before, after = (
        tempos(run, leap["t_s"] - 20.0, leap["t_s"] - 0.05),
        tempos(run, leap["t_s"] - 0.05, leap["t_s"] + 9.0),
    )
    assert max(before) < 75.0 and abs(math.log2(after[0] / leap["bpm"])) < 0.01
    tempos_then = [t for t in run.score.tempos if run.at(t.tick) < 270.0]  # the ending slows down
    steps = [abs(math.log2(b.bpm / a.bpm)) for a, b in pairwise(tempos_then)]
    assert len([step for step in steps if step > 0.005]) == 1


@pytest.mark.parametrize("asked", [{"screening": {"tempo_sensitive": True}}, {}])
def test_the_loop_and_who_must_not_be_startled_get_a_ramp(asked: dict[str, Any]) -> None:
    script = [(60.0, "tempo_by", 2.0)]
    preset = settle(Scene("a", "folk"))
    if asked:
        preset, script = replace(preset, profile="relax"), [*script, (70.0, "tempo_bpm", 84.0)]
    assert Run(preset, script).of("leap") == []


@pytest.mark.parametrize("key", [7, 9, 6, 3, 4, 1])
def test_a_key_comes_over_a_pivot_or_a_chain_and_little_moves(key: int) -> None:
    run = Run(settle(Scene("a", "chorale"), key=0.0), [(60.0, "key", key)])
    assert [k.key for k in run.score.keys] == [0, key]
    changed = run.at(run.score.keys[1].tick)
    assert 60.0 < changed < 120.0
    held = [n for n in run.score.notes if n.stem == "pad" and n.duration > 960]

    def sounding(t_s: float) -> list[int]:
        return sorted(round(n.pitch) for n in held if run.at(n.tick) <= t_s < run.at(n.tick + n.duration))

    before, after = sounding(changed - 0.5), sounding(changed + 0.5)
    moved = [min(abs(a - b) for b in before) for a in after]
    assert sum(moved) <= 8 and max(moved) <= 5


def test_a_mode_moves_one_degree_a_phrase() -> None:
    run = Run(settle(Scene("a", "chorale"), mode=1.0), [(60.0, "mode", 4.0)], minutes=6.0)
    modes = [k.mode for k in run.score.keys]
    assert modes == [1, 2, 3, 4]
    starts = [at for at, _ in run.marks("phrase")]
    changes = [run.at(k.tick) for k in run.score.keys[1:]]
    assert all(min(abs(at - start) for start in starts) < 0.01 for at in changes)


def test_a_scene_is_left_and_entered_over_the_bed() -> None:
    run = Run(settle(Scene("a", "folk"), Scene("b", "chorale")), [(90.0, "scene", 1.0)])
    ((arrived, name),) = run.marks("scene")
    assert name == "b" and 90.0 < arrived <= 90.0 + 60.0
    start, end = run.phrase_at(arrived - 1.0)
    assert end - start >= 8.0
    assert {note.stem for note in run.begins(start, end)} <= {"pad", "bass"}
    assert {note.stem for note in run.begins(arrived, run.phrase_at(arrived)[1])} <= {"pad", "bass", "melody"}


def test_where_the_tuning_changes_only_tonic_and_fifth_are_heard_for_ten_seconds() -> None:
    run = Run(settle(Scene("a", "drone"), Scene("b", "taqsim", culture="maqam"), key=2.0), [(90.0, "scene", 1.0)])
    arrived = next(at for at, name in run.marks("scene") if name == "b")
    start, end = run.phrase_at(arrived - 1.0)
    assert end - start >= 10.0
    assert {round(note.pitch) % 12 for note in run.begins(start, end)} <= {2, 9}
    assert run.score.scales[run.score.keys[-1].mode] not in ("lydian", "ionian", "mixolydian")
    assert any(abs(note.pitch - round(note.pitch)) > 0.1 for note in run.begins(arrived, arrived + 90.0))


def test_what_is_liked_comes_back_more_often() -> None:
    def returns(script: list[tuple[float, str, float]], seed: int) -> int:
        run = Run(settle(Scene("a", "folk"), density_hz=2.0), script, minutes=12.0, seed=seed)
        names = [(at, text.split()[-1].rstrip("'")) for at, text in run.marks("phrase")]
        liked = next(name for at, name in reversed(names) if at <= 100.0)
        return sum(name == liked for at, name in names if at > 120.0)

    liked, plain = (sum(returns(script, seed) for seed in range(5)) for script in ([(100.0, "liked", 1.0)], []))
    assert liked > 1.5 * plain


def test_grounding_is_tonic_and_fifth_within_a_bar_and_what_was_begun() -> None:
    lines: list[dict[str, Any]] = []
    session = Session("settle", seed=3, minutes=8, audio=False, record=lines.append, settings={"key": 2})
    session.render(120 * 48_000)
    session.verb("ground")
    session.render(120 * 48_000)
    at = Clock(session.score).seconds
    pitched = [n for n in session.score.notes if n.stem != "percussion"]
    late = [n for n in pitched if 120.0 + 7.0 + 2.0 * 4 * 60 / 66 < at(n.tick) < 240.0]
    assert late and {round(n.pitch) % 12 for n in late} == {2, 9}
    assert {n.stem for n in late} <= {"pad", "bass", "bells", "melody"}
