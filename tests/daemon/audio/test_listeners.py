"""Listening over WebSockets: real sockets, real uvicorn, sessions whose every sample is known."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from synth.daemon.audio import listeners as module
from synth.daemon.audio.pcm import FULL_SCALE, HEADER, HEADER_BYTES, RESUMED, message
from synth.daemon.audio.wire import wire_of
from tests.daemon.audio.stand import BLOCK, RATE, Stand, stand, tone

PATIENCE_S = 30.0


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with stand(tmp_path_factory.mktemp("stand"), max_sessions=8) as hall:
        hall.call(lambda: hall.sessions.add("mix"))
        hall.call(lambda: hall.sessions.add("stems", stems=("pad", "bass")))
        yield hall


def listen(hall: Stand, session_id: str, query: str = "", **given: Any) -> ClientConnection:
    url = f"{hall.socket_url}/api/v1/sessions/{session_id}/audio{query}"
    return connect(url, compression=None, max_size=None, **given)


def heard(client: ClientConnection, blocks: int) -> list[tuple[int, int, int, bytes]]:
    """First frame, lead in microseconds, flags and samples of the next blocks."""
    found = [client.recv(PATIENCE_S) for _ in range(blocks)]
    return [(*HEADER.unpack_from(one), one[HEADER_BYTES:]) for one in found]


def wait(is_so: Callable[[], Any]) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < until_s, "it never came true"
        time.sleep(0.01)


def test_the_hello_tells_what_comes_and_each_frame_comes_once_and_in_order(hall: Stand) -> None:
    with listen(hall, "mix") as client:
        hello = json.loads(client.recv(PATIENCE_S))
        told = {"type": "hello", "session_id": "mix", "sample_rate": RATE, "channels": 2, "block_frames": BLOCK}
        assert hello.items() >= {**told, "format": "s16", "stem": "mix", "stems": []}.items()
        blocks = heard(client, 12)
    firsts = [first for first, *_ in blocks]
    assert firsts == list(range(firsts[0], firsts[0] + 12 * BLOCK, BLOCK))
    assert firsts[0] == hello["next_frame"] - BLOCK or firsts[0] == hello["next_frame"] == 0
    for first, lead_us, flags, raw in blocks:
        audio = np.frombuffer(raw, "<i2").reshape(-1, 2) / FULL_SCALE
        assert np.abs(audio - tone(first, BLOCK)).max() <= 1.5 / FULL_SCALE
        assert lead_us <= 80_000 and flags == 0


def test_the_hello_places_frames_on_the_services_clock(hall: Stand) -> None:
    with listen(hall, "mix") as client:
        hello = json.loads(client.recv(PATIENCE_S))
    sound = hall.sessions.get("mix").sound
    assert hello["play_origin_s"] == pytest.approx(sound.play_time_s(0), abs=1e-3)
    assert 0.0 <= time.monotonic() - hello["clock_s"] < PATIENCE_S


@pytest.mark.parametrize("stem", ["pad", "bass", "mix"])
def test_a_stem_is_that_stem_and_f32_is_exact(hall: Stand, stem: str) -> None:
    with listen(hall, "stems", f"?stem={stem}&format=f32") as client:
        hello = json.loads(client.recv(PATIENCE_S))
        assert (hello["stem"], hello["format"], hello["stems"]) == (stem, "f32", ["pad", "bass"])
        for first, _, _, raw in heard(client, 3):
            audio = np.frombuffer(raw, "<f4").reshape(-1, 2)
            assert np.array_equal(audio, tone(first, BLOCK, None if stem == "mix" else stem))


def test_listeners_of_one_block_get_the_same_bytes(hall: Stand) -> None:
    with listen(hall, "mix") as one, listen(hall, "mix") as other:
        one.recv(PATIENCE_S), other.recv(PATIENCE_S)
        mine, theirs = ({block[0]: block[3] for block in heard(client, 10)} for client in (one, other))
    common = mine.keys() & theirs.keys()
    assert len(common) >= 5 and all(mine[first] == theirs[first] for first in common)


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("nobody/audio", 404, "no session"),
        ("mix/audio?stem=pad", 409, "stems = true"),
        ("stems/audio?stem=drone", 404, "pad, bass"),
        ("stems/audio?stem=violin", 422, "wrong with the query"),
        ("mix/audio?format=mp3", 422, "wrong with the query"),
    ],
)
def test_what_cannot_be_heard_is_said_before_the_socket_opens(hall: Stand, path: str, status: int, words: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        connect(f"{hall.socket_url}/api/v1/sessions/{path}").close()
    assert refused.value.response.status_code == status
    assert words in json.loads(refused.value.response.body)["detail"]


def test_without_an_upgrade_it_says_that_it_is_a_websocket(hall: Stand) -> None:
    assert httpx.get(f"{hall.url}/api/v1/sessions/mix/audio").status_code == 426


def test_a_client_that_talks_is_closed(hall: Stand) -> None:
    with listen(hall, "mix") as client:
        client.send("louder")
        with pytest.raises(ConnectionClosed):
            while True:
                client.recv(PATIENCE_S)
        assert client.close_code == module.NOTHING_TAKEN
    wait(lambda: hall.listeners.of("mix") == 0)


@pytest.mark.parametrize(("status", "code"), [("finished", module.FINISHED), ("failed", module.BROKEN)])
def test_a_session_that_is_over_ends_its_sockets_with_a_word(hall: Stand, status: str, code: int) -> None:
    session = hall.call(lambda: hall.sessions.add(status))
    with listen(hall, status) as client:
        client.recv(PATIENCE_S)
        heard(client, 3)
        hall.call(lambda: setattr(session, "status", status))
        said: list[Any] = []
        with pytest.raises(ConnectionClosed):
            while True:
                said.append(client.recv(PATIENCE_S))
        assert json.loads(said[-1]) == {"type": "end", "code": code, "why": f"the session has {status}"}
        assert client.close_code == code
    with pytest.raises(InvalidStatus) as refused:
        listen(hall, status).close()
    assert refused.value.response.status_code == 409


def test_a_session_taken_up_again_goes_on_and_says_so(hall: Stand) -> None:
    session = hall.call(lambda: hall.sessions.add("broken"))
    with listen(hall, "broken") as client:
        client.recv(PATIENCE_S)
        heard(client, 5)
        back = 2 * BLOCK
        hall.call(lambda: setattr(session, "sound", session.new_sound(back)))
        blocks = heard(client, 30)
    resumed = [number for number, (_, _, flags, _) in enumerate(blocks) if flags & RESUMED]
    assert len(resumed) == 1 and blocks[resumed[0]][0] in (back, back + BLOCK)
    later = [first for first, *_ in blocks[resumed[0] :]]
    assert later == list(range(later[0], later[0] + len(later) * BLOCK, BLOCK))


def test_only_heard_sessions_are_pumped_and_leaving_is_noticed(hall: Stand) -> None:
    wait(lambda: hall.listeners.count == 0)
    assert hall.sessions.ticks == []
    with listen(hall, "mix") as client:
        client.recv(PATIENCE_S)
        wait(lambda: hall.listeners.of("mix") == 1)
        assert len(hall.sessions.ticks) == 1
    wait(lambda: hall.listeners.count == 0 and hall.sessions.ticks == [])


def test_a_pump_that_came_late_goes_on_with_what_there_is(hall: Stand) -> None:
    session = hall.call(lambda: hall.sessions.add("late"))
    missed = hall.listeners.counts.missed
    with listen(hall, "late") as client:
        client.recv(PATIENCE_S)
        last = heard(client, 3)[-1][0]
        hall.call(lambda: [session.render() for _ in range(40)])
        firsts = [first for first, *_ in heard(client, 20)]
    gaps = [b - a for a, b in zip([last, *firsts], firsts, strict=False) if b - a != BLOCK]
    assert len(gaps) == 1 and gaps[0] > BLOCK
    assert hall.listeners.counts.missed - missed == gaps[0] // BLOCK - 1


def test_no_more_listeners_than_allowed(hall: Stand) -> None:
    hall.house.config.limits.max_listeners, usual = 2, hall.house.config.limits.max_listeners
    try:
        with listen(hall, "mix") as one, listen(hall, "mix") as other:
            one.recv(PATIENCE_S), other.recv(PATIENCE_S)
            wait(lambda: hall.listeners.of("mix") == 2)
            with pytest.raises(InvalidStatus) as refused:
                listen(hall, "mix").close()
            assert refused.value.response.status_code == 503 and refused.value.response.headers["Retry-After"]
    finally:
        hall.house.config.limits.max_listeners = usual


def deaf(hall: Stand, session_id: str) -> socket.socket:
    """A client that opens the WebSocket and reads no more."""
    host, port = hall.url.removeprefix("http://").split(":")
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect((host, int(port)))
    upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    head = f"GET /api/v1/sessions/{session_id}/audio HTTP/1.1\r\nHost: {host}:{port}\r\n{upgrade}{key}\r\n"
    client.sendall(head.encode())
    return client


def test_a_client_that_takes_nothing_is_skipped_then_closed_and_others_hear_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BEHIND_S", 0.6)
    monkeypatch.setattr(module, "CLOSING_S", 0.2)
    with stand(tmp_path) as hall:
        hall.call(lambda: hall.sessions.add("mix"))
        with deaf(hall, "mix"), listen(hall, "mix") as quick:
            quick.recv(PATIENCE_S)
            counts = hall.listeners.counts
            firsts = []
            while not counts.closed:
                firsts.append(heard(quick, 1)[0][0])
                assert len(firsts) < 1000, "the slow one was never closed"
            assert firsts == list(range(firsts[0], firsts[0] + len(firsts) * BLOCK, BLOCK))
            assert counts.skipped * BLOCK / RATE >= 0.6
            wait(lambda: hall.listeners.of("mix") == 1)
            wait(lambda: hall.connections == 1)  # what the slow one did not take is not waited for


class Stuck:
    """A WebSocket whose client takes nothing until it is let."""

    def __init__(self) -> None:
        self.scope: dict[str, Any] = {}
        self.let, self.sent = asyncio.Event(), []

    async def send_bytes(self, payload: bytes) -> None:
        await self.let.wait()
        self.sent.append(payload)


def test_under_another_server_what_waits_is_counted_and_sent_in_order() -> None:
    async def go() -> None:
        stuck = Stuck()
        wire = wire_of(stuck)  # type: ignore[arg-type]
        blocks = [message(tone(first, 64), "s16", first, 0.0) for first in range(0, 640, 64)]
        for block in blocks:
            wire.write(block)
        assert wire.waiting_bytes == sum(len(block.payload) for block in blocks)
        stuck.let.set()
        async with asyncio.timeout(PATIENCE_S):
            while wire.waiting_bytes:
                await asyncio.sleep(0.01)
        assert stuck.sent == [block.payload for block in blocks]
        wire.write(blocks[0])
        wire.abort()
        assert wire.waiting_bytes == 0

    asyncio.run(go())


def test_under_another_server_it_is_heard_too(tmp_path: Path) -> None:
    with stand(tmp_path, ws="websockets-sansio") as hall:
        hall.call(lambda: hall.sessions.add("mix"))
        with listen(hall, "mix") as client:
            client.recv(PATIENCE_S)
            firsts = [first for first, *_ in heard(client, 5)]
    assert firsts == list(range(firsts[0], firsts[0] + 5 * BLOCK, BLOCK))


def test_everybody_is_let_go_when_the_service_stops(tmp_path: Path) -> None:
    with stand(tmp_path) as hall:
        hall.call(lambda: hall.sessions.add("mix"))
        with listen(hall, "mix") as client:
            client.recv(PATIENCE_S)
            asyncio.run_coroutine_threadsafe(hall.listeners.close(), hall.loop).result(PATIENCE_S)
            with pytest.raises(ConnectionClosed):
                while True:
                    client.recv(PATIENCE_S)
            assert client.close_code == module.GOING_AWAY
