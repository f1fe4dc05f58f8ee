"""Sessions put away and taken up: they sound on bit for bit, and come to where their record ends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from synth import Session
from synth.session.snapshot import SnapshotError, catch_up, put_away, take_up

BLOCK = 1920
Line = dict[str, Any]


def put_away_at(session: Session, seconds: float) -> bytes:
    """The session from the first moment after so many seconds at which it can be put away."""
    while session.time_s < seconds:
        session.render(BLOCK)
    while (data := put_away(session)) is None:
        session.render(BLOCK)
    return data


def lived_through(session: Session, seconds: float) -> np.ndarray:
    """Audio of so many seconds with hands and a heart, which begins where the session stands."""
    blocks = []
    for number in range(round(seconds * 25)):
        if number % 25 == 3:
            session.feed("hr", 64.0 + number % 7)
        if number == 60:
            session.request("brightness_oct", -1.0, by="hand:test")
        if number == 90:
            session.verb("more")
            session.play(64.0, 0.6)
        if number == 110:
            session.play(64.0, 0.0)
            session.release("brightness_oct")
        if number == 130:
            session.feed("self_valence", 0.4)
        blocks.append(session.render(BLOCK))
    return np.concatenate(blocks)


@pytest.mark.parametrize("preset", ["settle", "focus"])
def test_what_was_put_away_sounds_on_bit_for_bit(preset: str) -> None:
    lines: list[Line] = []
    again: list[Line] = []
    session = Session(preset, seed=3, minutes=10, record=lines.append)
    session.feed("hr", 70.0)
    data = put_away_at(session, 8.0)
    told = session.told
    twin = take_up(data, again.append)
    assert np.array_equal(lived_through(session, 8.0), lived_through(twin, 8.0))
    assert again == lines[told:] and twin.told == session.told == len(lines)


def test_every_stem_of_what_was_put_away_sounds_on() -> None:
    session = Session("settle", seed=3, minutes=10, stems=True)
    twin = take_up(put_away_at(session, 4.0), lambda line: None)
    one, other = session.render_audio(48_000), twin.render_audio(48_000)
    assert one.stems.keys() == other.stems.keys() and np.any(one.stems["pad"])
    for stem, audio in one.stems.items():
        assert np.array_equal(audio, other.stems[stem])


@pytest.mark.parametrize("put_away_s", [None, 5.0])
def test_the_record_brings_a_session_to_where_it_was(put_away_s: float | None) -> None:
    lines: list[Line] = []
    session = Session("settle", seed=3, minutes=10, record=lines.append)
    session.feed("hr", 70.0)
    data = None if put_away_s is None else put_away_at(session, put_away_s)
    known = session.told
    lived_through(session, 9.08)  # past the second at which the last sample was taken up, and with it recorded
    frames, lost = session.position, 5
    kept = lines[: len(lines) - lost]

    later: list[Line] = []
    if data is None:
        twin = Session("settle", seed=3, minutes=10)
        catch_up(twin, kept[1:], frames, later.append)
    else:
        twin = take_up(data, later.append)
        catch_up(twin, kept[known:], frames, later.append)
    assert later == lines[len(kept) :] and len(later) == lost
    assert twin.position == frames and twin.controls == session.controls and twin.reasons == session.reasons
    assert np.array_equal(lived_through(session, 6.0), lived_through(twin, 6.0))
    assert later == lines[len(kept) :]


def test_a_session_that_is_working_something_out_waits() -> None:
    session = Session("settle", seed=3, minutes=10)
    seen = set()
    for _ in range(200):
        session.render(256)
        seen.add(put_away(session) is None)
    assert seen == {True, False}
    session.request("brightness_oct", -1.0)
    assert put_away(session) is None


def test_what_is_torn_or_of_another_version_is_told() -> None:
    session = Session("settle", seed=3, minutes=10)
    data = put_away_at(session, 0.5)
    other = data.replace(data.split(b" ")[3], b"0.0.0", 1)
    for broken in (b"", data[:-1], data[: len(data) // 2], other, b"x" + data, data[:-9] + b"x" + data[-8:]):
        with pytest.raises(SnapshotError, match="torn|another version"):
            take_up(broken, lambda line: None)
