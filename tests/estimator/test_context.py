"""Earlier sessions as a prior: weak, bounded, by time of day, and off without them."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.estimator.context import MOST, WEIGHT, Context, Earlier, append_session, context_of, read_context


def sessions(*bpm: float, hour: float | None = None) -> tuple[Earlier, ...]:
    return tuple(Earlier(one, hour) for one in bpm)


def test_without_earlier_sessions_nothing_moves() -> None:
    assert Context().score(120.0) == 0.0 and Context().usual_bpm() is None


def test_more_sessions_weigh_more_and_beginning_higher_raises() -> None:
    one, many = Context(sessions(65.0)), Context(sessions(*[64.0, 66.0] * 5))
    assert 0.0 < one.score(75.0) < many.score(75.0)
    assert many.score(55.0) == pytest.approx(-many.score(75.0))
    assert many.score(65.0) == pytest.approx(0.0, abs=1e-9)


@given(st.lists(st.floats(20.0, 260.0), max_size=30), st.floats(20.0, 260.0))
def test_it_is_bounded(earlier: list[float], anchor: float) -> None:
    assert abs(Context(sessions(*earlier)).score(anchor)) <= WEIGHT * MOST


def test_sessions_at_a_like_time_of_day_count_most() -> None:
    earlier = (*sessions(60.0, 61.0, hour=23.0), *sessions(80.0, 81.0, hour=12.0))
    night, noon = Context(earlier, 0.5).usual_bpm(), Context(earlier, 12.0).usual_bpm()
    assert night is not None and noon is not None
    assert night[0] < 66.0 and noon[0] > 76.0
    blind = Context(earlier, None).usual_bpm()
    assert blind is not None and blind[0] == pytest.approx(70.5)


def test_a_file_keeps_sessions_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "person.jsonl"
    assert read_context(path, 9.0) == Context((), 9.0)
    append_session(path, Earlier(66.5, 21.0))
    append_session(path, Earlier(70.0))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_context(path).earlier == (Earlier(66.5, 21.0), Earlier(70.0))


@pytest.mark.parametrize(
    "line", ["", "[]", "{}", '{"hr_bpm": "x"}', '{"hr_bpm": 900}', '{"hr_bpm": 60, "hour": 99}', "no"]
)
def test_a_line_that_is_no_session_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "person.jsonl"
    path.write_text('{"hr_bpm": 60}\n' + line + "\n")
    with pytest.raises(ValueError, match="line 2: not an earlier session"):
        read_context(path)


def test_a_record_gives_it_back() -> None:
    line = {"earlier": [{"hr_bpm": 61.0, "hour": None}, {"hr_bpm": 62.0, "hour": 8.0}], "hour": 9.5}
    assert context_of(line) == Context((Earlier(61.0), Earlier(62.0, 8.0)), 9.5)
