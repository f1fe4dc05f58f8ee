"""What the shield lets in: hosts, origins, paths, bodies, heads and how often, over real sockets."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from synth.daemon.security import exchange
from synth.daemon.security.wire import MOST_HEAD_BYTES, MOST_HEADERS
from tests.daemon.security.daemon import Daemon, config_of, read_all, running

AUDIO = "/api/v1/sessions/one/audio"
HEAD = b"POST /upload HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "localhost@evil.example", "a b", "[::1"]
)
def test_a_name_that_is_not_ours_is_refused(local: Daemon, host: str) -> None:
    for path in ("/", "/api/v1/whoami", "/nothing"):
        assert local.ask("GET", path, headers={"Host": host}).status_code == 421
    with pytest.raises(InvalidStatus) as refused:
        local.socket(AUDIO, headers={"Host": host})
    assert refused.value.response.status_code in (400, 421)


@pytest.mark.parametrize(
    "host", ["localhost:1", "LOCALHOST", "[::1]:8080", "192.0.2.1", "Studio.Example", "studio.example."]
)
def test_numbers_localhost_and_names_of_the_settings_are_ours(local: Daemon, host: str) -> None:
    assert local.ask("GET", "/", headers={"Host": host}).status_code == 200


def test_two_hosts_or_none_are_refused(local: Daemon) -> None:
    for hosts in (b"", b"Host: localhost\r\nHost: evil.example\r\n"):
        told = local.exchange(b"GET / HTTP/1.1\r\n" + hosts + b"Connection: close\r\n\r\n")
        assert told.startswith(b"HTTP/1.1 400"), told[:60]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example", "file://", "http://"]
)
def test_a_foreign_page_can_do_nothing(local: Daemon, origin: str) -> None:
    """Though nobody is asked to sign in here."""
    for method, path in (
        ("POST", "/api/v1/sessions/one/controls"),
        ("GET", "/api/v1/whoami"),
        ("DELETE", "/x"),
        ("GET", "/"),
    ):
        answer = local.ask(method, path, headers={"Origin": origin})
        assert answer.status_code == 403 and "access-control-allow-origin" not in answer.headers
    assert local.ask("OPTIONS", "/", headers={"Origin": origin}).status_code == 403
    with pytest.raises(InvalidStatus) as refused:
        local.socket(AUDIO, origin=origin)
    assert refused.value.response.status_code == 403


def test_a_foreign_page_cannot_even_play_it_but_may_link_here(local: Daemon) -> None:
    foreign = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "audio"}
    assert local.opened("/api/v1/sessions/one/events", **foreign) == 403
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert local.ask("GET", "/", headers=link).status_code == 200
    assert local.ask("POST", "/ignore", headers=link).status_code == 403
    assert local.ask("GET", "/", headers={**link, "Sec-Fetch-Dest": "iframe"}).status_code == 403


def test_our_own_page_may(local: Daemon) -> None:
    own = {"Origin": local.url}
    assert local.ask("POST", "/api/v1/sessions/one/controls", headers=own, json={"said": "x"}).status_code == 200
    with local.socket(AUDIO, origin=local.url) as socket:
        assert socket.recv() == "operator loopback"


def test_a_page_of_the_settings_may_and_may_read_the_answer(local: Daemon) -> None:
    origin = {"Origin": "https://app.example"}
    asked = local.ask("OPTIONS", AUDIO, headers={**origin, "Access-Control-Request-Method": "POST"})
    assert asked.status_code == 204 and asked.headers["access-control-allow-origin"] == "https://app.example"
    assert "authorization" in asked.headers["access-control-allow-headers"]
    for path in ("/api/v1/whoami", "/nothing"):
        answer = local.ask("GET", path, headers=origin)
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        assert "access-control-allow-credentials" not in answer.headers


def test_every_answer_has_our_headers(local: Daemon) -> None:
    answers = [
        local.ask("GET", "/"),
        local.ask("GET", "/api/v1/whoami"),
        local.ask("GET", "/nothing"),
        local.ask("GET", "/", headers={"Host": "evil.example"}),
        local.ask("POST", "/upload", content=b"x" * 5000),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 404, 421, 413]
    for answer in answers:
        policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["worker-src"] == policy["form-action"] == "'self'"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "microphone=()" in answer.headers["permissions-policy"]
        assert "strict-transport-security" not in answer.headers and "server" not in answer.headers
    assert [answer.headers["cache-control"] for answer in answers] == ["no-cache"] + ["no-store"] * 4


@pytest.mark.parametrize(
    "path",
    ["/a/../b", "/a/%2e%2E/b", "/a/.", "/a%2fb", "/a%5Cb", "/a%00", "/a\\b", "/api/v1/sessions/..%2f..%2fetc/state"],
)
def test_tricks_with_paths_are_refused(local: Daemon, path: str) -> None:
    told = local.exchange(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert told.startswith(b"HTTP/1.1 400"), told[:60]


def test_long_paths_and_queries_are_refused(local: Daemon) -> None:
    assert local.ask("GET", "/" + "a" * 3000).status_code == 414
    assert local.ask("GET", "/?" + "a" * 5000).status_code == 414


def test_a_body_that_says_it_is_too_long_is_not_read(local: Daemon) -> None:
    with local.raw() as wire:
        wire.sendall(HEAD + b"Content-Length: 5000\r\n\r\n")
        told = wire.recv(4096)
    assert told.startswith(b"HTTP/1.1 413") and b"connection: close" in told.lower()
    assert local.ask("POST", "/upload", content=b"x" * 4096).json() == {"said": "4096"}
    huge = HEAD + b"Content-Length: 99999999999999999999999999\r\n\r\n"
    assert local.exchange(huge).startswith((b"HTTP/1.1 400", b"HTTP/1.1 413"))


def test_who_sends_all_of_a_long_body_first_still_reads_why_not(local: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "LINGER_S", 15.0)
    with local.raw() as wire:
        wire.sendall(HEAD + b"Content-Length: 2000000\r\n\r\n")
        for _ in range(2000):
            wire.sendall(b"x" * 1000)  # no connection reset by those who stopped reading
        assert read_all(wire).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("path", ["/upload", "/ignore"])
def test_a_body_in_chunks_is_counted(local: Daemon, path: str) -> None:
    def chunks(count: int):  # type: ignore[no-untyped-def]
        for _ in range(count):
            yield b"x" * 1024

    assert local.ask("POST", path, content=chunks(4)).status_code == 200
    assert local.ask("POST", path, content=chunks(200)).status_code == (413 if path == "/upload" else 200)
    assert local.ask("POST", "/upload", content=chunks(3)).json() == {"said": "3072"}  # it goes on


def test_a_length_and_chunks_at_once_are_refused(local: Daemon) -> None:
    told = local.exchange(HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    assert told.startswith(b"HTTP/1.1 400")
    assert told.count(b"HTTP/1.1") == 1


def test_a_large_message_closes_its_socket(local: Daemon) -> None:
    from websockets.exceptions import ConnectionClosed

    with local.socket(AUDIO) as socket:
        socket.recv()
        socket.send("x" * 100_000)
        assert len(socket.recv()) == 100_000
        with pytest.raises(ConnectionClosed) as closed:
            socket.send("x" * 300_000)
            socket.recv()
        assert closed.value.rcvd is None or closed.value.rcvd.code == 1009


def test_a_large_head_is_refused_before_it_is_read(local: Daemon) -> None:
    endless = b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * (3 * MOST_HEAD_BYTES)
    assert local.exchange(endless).startswith(b"HTTP/1.1 431")
    whole = endless[: 2 * MOST_HEAD_BYTES] + b"\r\n\r\n"
    assert local.exchange(whole).startswith(b"HTTP/1.1 431")
    many = b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"X%d: 1\r\n" % n for n in range(MOST_HEADERS + 1))
    assert local.exchange(many + b"\r\n").startswith(b"HTTP/1.1 431")
    assert local.exchange(b"\x16\x03\x01 no http\r\n\r\n").startswith(b"HTTP/1.1 400")
    assert local.ask("GET", "/").status_code == 200


def test_heads_and_bodies_that_trickle_are_not_waited_for(tmp_path: Path) -> None:
    with running(config_of(tmp_path, limits={"header_timeout_s": 0.4})) as daemon:
        silent = daemon.raw()
        assert read_all(silent).startswith(b"HTTP/1.1 408")
        silent.close()
        assert daemon.exchange(HEAD + b"Content-Len").startswith(b"HTTP/1.1 408")
        told = daemon.exchange(HEAD + b"Content-Length: 10\r\n\r\nabc")
        assert told.startswith(b"HTTP/1.1 408") and b"did not come whole" in told
        again = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HT"
        assert daemon.exchange(again).count(b"HTTP/1.1 408") == 1  # the second of a connection too
        trickling = threading.Event()
        with daemon.raw() as wire:
            wire.sendall(HEAD + b"Content-Length: 100\r\n\r\n")

            def trickle() -> None:
                with pytest.raises(OSError):
                    while not trickling.wait(0.05):
                        wire.sendall(b"x")

            thread = threading.Thread(target=trickle)
            thread.start()
            assert read_all(wire).startswith(b"HTTP/1.1 408")
            thread.join(10.0)
            trickling.set()
        assert not thread.is_alive()
        assert daemon.ask("GET", "/").status_code == 200


def test_who_asks_too_often_is_told_when_to_ask_again(tmp_path: Path) -> None:
    with running(config_of(tmp_path, limits={"requests_per_s": 0.5, "burst_requests": 5})) as daemon:
        told = [daemon.ask("GET", "/") for _ in range(7)]
        assert [answer.status_code for answer in told] == [200] * 5 + [429] * 2
        assert 1 <= int(told[-1].headers["retry-after"]) <= 3
        assert told[-1].headers["content-type"] == "application/problem+json"
        with pytest.raises(InvalidStatus) as refused:
            daemon.socket(AUDIO)
        assert refused.value.response.status_code == 429
        with daemon.raw("127.0.0.2") as other:
            other.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert read_all(other).startswith(b"HTTP/1.1 200")
        daemon.config.limits.requests_per_s = 1e6  # a reload reaches those who wait
        assert daemon.ask("GET", "/").status_code == 200
        assert daemon.gate.refused["Too Many Requests"] == 3
