"""Sockets that are open: how many there may be, how idle they may be, and how they are ended."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from synth.daemon.security import Gate, Role, visits, wire
from synth.daemon.security.wire import MOST_WAITING
from tests.daemon.security.daemon import LARGE, Daemon, config_of, read_all, running, three_keys, until

AUDIO, EVENTS = "/api/v1/sessions/one/audio", "/api/v1/sessions/one/events"


@pytest.fixture
def many_files() -> Iterator[None]:
    """Room for both ends of a thousand connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4096
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"this machine allows {hard} files only")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_thousand_connections_that_say_nothing_keep_nobody_out(local: Daemon, many_files: None) -> None:
    with contextlib.ExitStack() as held:
        idle = [held.enter_context(local.raw()) for _ in range(1000)]
        for wire in idle[::2]:
            with contextlib.suppress(ConnectionError):
                wire.sendall(b"GET / HTTP/1.1\r\nHost: local")
        assert local.ask("GET", "/").status_code == 200
        with local.socket(AUDIO) as one:
            assert one.recv() == "operator loopback"
        # those that came first made room, as nobody waits for so many
        closed = 0
        for wire in idle[: 1000 - MOST_WAITING - 10]:
            wire.settimeout(10.0)
            with contextlib.suppress(ConnectionError):
                assert wire.recv(1) == b""
            closed += 1
        assert closed > 400


def test_a_thousand_idle_websockets_leave_room_for_calls(tmp_path: Path, many_files: None) -> None:
    asked = (
        f"GET {AUDIO} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()
    limits = {"max_sockets": 1000, "max_sockets_per_caller": 1000}
    with running(config_of(tmp_path, limits=limits)) as daemon, contextlib.ExitStack() as held:
        for _ in range(1000):
            held.enter_context(daemon.raw()).sendall(asked)
        until(lambda: len(daemon.gate.visits) == 1000, "a thousand sockets")
        assert daemon.ask("GET", "/").status_code == 200
        with pytest.raises(InvalidStatus) as full:
            daemon.socket(AUDIO)
        assert full.value.response.status_code == 503
        assert full.value.response.headers["retry-after"]
        held.close()
        until(lambda: len(daemon.gate.visits) == 0, "their end")
        with daemon.socket(AUDIO) as one:
            assert one.recv() == "operator loopback"


def test_one_address_cannot_take_every_socket(tmp_path: Path) -> None:
    limits = {"max_sockets": 5, "max_sockets_per_caller": 3}
    with running(config_of(tmp_path, limits=limits)) as daemon, contextlib.ExitStack() as held:
        for _ in range(2):
            held.enter_context(daemon.socket(AUDIO)).recv()
        stream = held.enter_context(held.enter_context(daemon.client()).stream("GET", EVENTS))
        assert stream.status_code == 200
        assert daemon.opened(EVENTS) == 503
        with pytest.raises(InvalidStatus):
            daemon.socket(AUDIO)
        wire = daemon.raw("127.0.0.2")
        with daemon.socket(AUDIO, sock=wire) as other:
            assert other.recv() == "operator loopback"
        stream.close()
        until(lambda: len(daemon.gate.visits) == 2, "the stream's end")
        with daemon.client() as client, client.stream("GET", EVENTS) as again:
            assert again.status_code == 200


def test_who_does_not_read_what_they_asked_for_is_counted(tmp_path: Path) -> None:
    with running(config_of(tmp_path, limits={"max_sockets_per_caller": 2})) as daemon, contextlib.ExitStack() as held:
        for _ in range(2):
            held.enter_context(daemon.raw()).sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
        until(lambda: len(daemon.gate.visits) == 2, "two that do not read")
        assert daemon.ask("GET", "/large").status_code == 503
        assert daemon.ask("GET", "/").status_code == 200
        held.close()
        until(lambda: len(daemon.gate.visits) == 0, "their end")
        assert len(daemon.ask("GET", "/large").content) == LARGE


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux has it")
def test_who_never_reads_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "UNREAD_S", 1.0)
    with running(config_of(tmp_path)) as daemon, daemon.raw() as lazy:
        lazy.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
        until(lambda: len(daemon.gate.visits) == 1, "its start")
        until(lambda: len(daemon.gate.visits) == 0, "its end")
        assert len(read_all(lazy)) < LARGE


def test_a_socket_that_never_signs_in_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "GREET_S", 0.2)
    texts, keys = three_keys()
    with running(config_of(tmp_path, keys), texts) as daemon:
        with daemon.socket("/silent") as silent, pytest.raises(ConnectionClosed) as closed:
            silent.recv(timeout=20.0)
        assert closed.value.rcvd is not None and (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, "sign in")
        with daemon.socket(AUDIO, texts[Role.LISTENER]) as signed:
            signed.recv()
            with pytest.raises(TimeoutError):
                signed.recv(timeout=0.6)
            signed.send("still there")
            assert signed.recv() == "still there"


def test_revoking_a_token_closes_what_it_opened(signed: Daemon) -> None:
    key = signed.keys[Role.THERAPIST]
    made = signed.ask("POST", "/api/v1/tokens", key, json={"session_id": "one"}).json()
    ticket = signed.ask("POST", "/api/v1/tickets", made["token"], json={"path": AUDIO}).json()["ticket"]
    late = signed.ask("POST", "/api/v1/tickets", made["token"], json={"path": AUDIO}).json()["ticket"]
    with (
        signed.socket(f"{AUDIO}?ticket={ticket}") as by_ticket,
        signed.socket(AUDIO, made["token"]) as by_token,
        signed.socket(AUDIO, key) as by_key,
        signed.client(made["token"]) as client,
        client.stream("GET", EVENTS) as stream,
    ):
        for socket_ in (by_ticket, by_token, by_key):
            socket_.recv()
        assert signed.ask("DELETE", f"/api/v1/tokens/{made['token_id']}", key).status_code == 204
        for socket_ in (by_ticket, by_token):
            with pytest.raises(ConnectionClosed) as closed:
                socket_.recv(timeout=20.0)
            assert closed.value.rcvd is not None and closed.value.rcvd.code == 1008
        assert "".join(stream.iter_text()).startswith("id: 0")  # comes to its end
        by_key.send("and this one stays")
        assert by_key.recv() == "and this one stays"
    with pytest.raises(InvalidStatus):
        signed.socket(f"{AUDIO}?ticket={late}")
    until(lambda: len(signed.gate.visits) == 0, "all sockets closed")


def test_what_a_token_opened_ends_when_it_expires(signed: Daemon) -> None:
    key = signed.keys[Role.OPERATOR]
    short, long = signed.token(key, life_s=2.0), signed.token(key, life_s=600.0)
    ticket, late = (signed.ask("POST", "/api/v1/tickets", short, json={"path": AUDIO}).json()["ticket"] for _ in "ab")
    with (
        signed.socket(AUDIO, short) as by_token,
        signed.socket(f"{AUDIO}?ticket={ticket}") as by_ticket,
        signed.socket(AUDIO, long) as by_another,
        signed.client(short) as client,
        client.stream("GET", EVENTS) as stream,
    ):
        for socket_ in (by_token, by_ticket, by_another):
            socket_.recv()
        for socket_ in (by_token, by_ticket):
            with pytest.raises(ConnectionClosed) as closed:
                socket_.recv(timeout=20.0)
            told = closed.value.rcvd
            assert told is not None and (told.code, told.reason) == (1008, "the token has expired")
        assert "".join(stream.iter_text()).startswith("id: 0")  # comes to its end
        by_another.send("its time has not come")
        assert by_another.recv() == "its time has not come"
    with pytest.raises(InvalidStatus):  # a ticket does not outlive its token
        signed.socket(f"{AUDIO}?ticket={late}")


def test_a_reload_closes_what_a_secret_or_key_opened_that_is_gone(tmp_path: Path) -> None:
    texts, keys = three_keys()
    with running(config_of(tmp_path, keys), texts) as daemon, daemon.socket(AUDIO, texts[Role.LISTENER]) as one:
        one.recv()
        with daemon.socket(AUDIO, daemon.token(texts[Role.OPERATOR])) as two:
            two.recv()
            (daemon.config.state_dir / "token-secret").unlink()
            asyncio.run_coroutine_threadsafe(_reload(daemon), daemon.loop()).result(20.0)
            with pytest.raises(ConnectionClosed):
                two.recv(timeout=20.0)
        one.send("not by its secret")
        assert one.recv() == "not by its secret"
        daemon.config.keys = tuple(key for key in keys if key.role is not Role.LISTENER)
        asyncio.run_coroutine_threadsafe(_reload(daemon), daemon.loop()).result(20.0)
        with pytest.raises(ConnectionClosed):
            one.recv(timeout=20.0)


async def _reload(daemon: Daemon) -> None:
    daemon.gate.reload()


def test_a_server_that_cannot_answer_a_socket_closes_it_with_a_code(tmp_path: Path) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("it is not to come so far")

    async def knock(**headers: bytes) -> dict[str, Any]:
        sent: list[dict[str, Any]] = []

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        pairs = [(name.encode(), value) for name, value in headers.items()]
        scope = {"type": "websocket", "scheme": "ws", "path": "/x", "query_string": b"", "headers": pairs}
        await shield(scope, None, send)
        (only,) = sent
        return only

    config = config_of(tmp_path, limits={"max_sockets": 0})
    shield: Any = Gate(config).shield(app)
    assert asyncio.run(knock(host=b"localhost"))["code"] == 1013
    assert asyncio.run(knock(host=b"evil.example"))["code"] == 1008


def test_streams_and_sockets_cost_nothing_more_a_message(tmp_path: Path) -> None:
    """The app writes to what the server gave, or to a plain call of it."""
    given: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        given.append(send)
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            sending = send({"type": "http.response.body", "body": b"", "more_body": False})
            given.append(sending.__qualname__)
            await sending

    async def server_send(message: dict[str, Any]) -> None:
        pass

    head = {"path": "/", "query_string": b"", "headers": [(b"host", b"localhost")]}
    shield: Any = Gate(config_of(tmp_path)).shield(app)
    asyncio.run(shield({"type": "websocket", "scheme": "ws", **head}, None, server_send))
    asyncio.run(shield({"type": "http", "method": "GET", "scheme": "http", **head}, None, server_send))
    assert given[0] is server_send
    assert given[2] == server_send.__qualname__


def test_a_connection_that_goes_away_is_not_counted_any_more(local: Daemon) -> None:
    until(lambda: len(local.gate.visits) == 0, "a quiet start")
    wire: socket.socket = local.raw()
    with local.socket(AUDIO, sock=wire) as one:
        one.recv()
        assert len(local.gate.visits) == 1
        wire.shutdown(socket.SHUT_RDWR)
        until(lambda: len(local.gate.visits) == 0, "it to be noticed")
