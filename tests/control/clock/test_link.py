"""Ableton Link: real peers on this machine; a session follows them, or leads."""

from __future__ import annotations

import asyncio
import fcntl
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from synth.control.clock.link import LinkBeat, LinkError, LinkFollower
from synth.control.clock.servo import TempoLimits
from synth.session.pulse import Pulse

OLDER_S = 1.0  # of sessions begun within half a second of each other Link keeps either's tempo; else the older one's


class Peer(threading.Thread):
    """Someone else on Link, at 132 bpm."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.link: Any = None
        self.ended = threading.Event()
        self.there = threading.Event()

    def run(self) -> None:
        async def live() -> None:
            import aalink

            self.link = aalink.Link(132.0)
            self.link.enabled = True
            self.there.set()
            while not self.ended.is_set():
                await asyncio.sleep(0.01)
            self.link.enabled = False

        asyncio.run(live())


@pytest.fixture
def alone() -> Iterator[None]:
    """One test at a time on this machine: peers find each other whoever started them."""
    with open(Path(tempfile.gettempdir(), "isotone-link.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
def peer(alone: None) -> Iterator[Peer]:
    peer = Peer()
    peer.start()
    assert peer.there.wait(60.0)
    older_s = time.monotonic() + OLDER_S
    until(lambda: time.monotonic() > older_s)
    yield peer
    peer.ended.set()
    peer.join()


class Running:
    """A session whose time is the machine's: what Link needs of one, with the tempo that was asked for at once."""

    finished = False
    held: frozenset[str] = frozenset()

    def __init__(self, bpm: float) -> None:
        self.began_s, self.bpm, self.asked = time.monotonic(), bpm, []
        self._pulse = Pulse(0, 0.0, 60.0 / bpm, 0, 4, 0, 0)

    def session_time(self, at_s: float) -> float:
        return at_s - self.began_s

    @property
    def time_s(self) -> float:
        return self.session_time(time.monotonic())

    @property
    def controls(self) -> dict[str, float]:
        return {"tempo_bpm": self.bpm}

    @property
    def pulse(self) -> Pulse:
        while self.time_s > self._pulse.start_s + self._pulse.length_s:
            p = self._pulse
            self._pulse = Pulse(p.number + 1, p.start_s + p.length_s, 60.0 / self.bpm, 0, 4, 0, 0)
        return self._pulse

    def request(self, name: str, value: float, by: str, reason: str) -> None:
        self.asked.append((name, value, by, reason))
        self.bpm, self.held = value, frozenset({name})

    def release(self, name: str) -> None:
        self.held = frozenset()


class Quick(TempoLimits):
    """The tempo may move by a tenth of an octave a second, so as to be there soon."""

    def octaves_per_s(self, bpm: float) -> float:
        return 0.1


def until(true: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it does not come about"
        time.sleep(0.02)


def apart(running: Running, peer: Peer) -> float:
    """Beats between the session's and its peer's."""
    pulse, at_s = running.pulse, time.monotonic()
    beats = peer.link.beat + (running.began_s + pulse.start_s - at_s) * peer.link.tempo / 60.0
    return float(abs((beats + 0.5) % 1.0 - 0.5))


def test_a_session_follows_its_peer_in_tempo_and_beat(peer: Peer) -> None:
    running = Running(128.0)
    link = LinkFollower(running, running.session_time, Quick())  # type: ignore[arg-type]
    link.start()
    link.start()
    try:
        until(lambda: link.peers == 1)
        until(lambda: abs(running.bpm - 132.0) < 0.5 and abs(link.follower.phase_error_s) < 0.01)
        assert link.bpm == pytest.approx(132.0, abs=0.01)
        assert link.words.startswith("1 other on Link, following 132.0 bpm")
        until(lambda: apart(running, peer) < 0.02)
        assert running.asked[0][0] == "tempo_bpm" and running.asked[0][2] == "hand:link"
        assert running.asked[-1][3].startswith("Link: following 13")
    finally:
        link.close()
    assert not running.held
    until(lambda: peer.link.num_peers == 0)
    link.close()


def test_a_session_that_leads_takes_its_peer_along(peer: Peer) -> None:
    running = Running(124.0)
    link = LinkFollower(running, running.session_time, leads=True)  # type: ignore[arg-type]
    link.start()
    try:
        until(lambda: link.peers == 1)
        until(lambda: abs(peer.link.tempo - 124.0) < 1.0 and apart(running, peer) < 0.02)
        running.bpm = 128.0
        until(lambda: abs(peer.link.tempo - 128.0) < 1.0 and apart(running, peer) < 0.02)
        assert not running.asked
        assert link.words.startswith("1 other on Link, leading at 12")
    finally:
        link.close()


def test_alone_it_asks_for_nothing() -> None:
    beat = LinkBeat()
    assert not beat.alive(0.0)
    beat.read(10.0, 4.5, 60.0, 1)
    assert beat.alive(0.0) and beat.beats_at(11.0) == 5.5 and beat.beat_s(0.0) == 1.0


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aalink", None)
    running = Running(66.0)
    with pytest.raises(LinkError, match=r"pip install 'isotone\[link\]'"):
        LinkFollower(running, running.session_time)  # type: ignore[arg-type]
