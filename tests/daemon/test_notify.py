"""What the service manager hears, through real datagram sockets as systemd opens them."""

from __future__ import annotations

import contextlib
import os
import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from synth.daemon.notify import Notify


@contextlib.contextmanager
def manager(address: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind("\0" + address[1:] if address.startswith("@") else address)
        heard.settimeout(10.0)
        yield heard


@pytest.fixture(params=["path", "abstract"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "notify") if request.param == "path" else f"@isotone-{uuid.uuid4().hex}"


def lines(heard: socket.socket) -> list[str]:
    return heard.recv(4096).decode().split("\n")


def test_it_says_how_it_stands(address: str) -> None:
    with manager(address) as heard:
        notify = Notify({"NOTIFY_SOCKET": address})
        notify.starting("warming up", 60.0)
        assert lines(heard) == ["STATUS=warming up", "EXTEND_TIMEOUT_USEC=60000000"]
        notify.ready("3 sessions")
        assert lines(heard) == ["READY=1", "STATUS=3 sessions"]
        before_us = time.monotonic_ns() // 1000
        notify.reloading()
        state, stamp, _ = lines(heard)
        assert state == "RELOADING=1"
        assert before_us <= int(stamp.removeprefix("MONOTONIC_USEC=")) <= time.monotonic_ns() // 1000
        notify.stopping("fading")
        assert lines(heard) == ["STOPPING=1", "STATUS=fading"]
        notify.alive()
        assert lines(heard) == ["WATCHDOG=1"]


def test_a_status_cannot_say_more_than_a_status(address: str) -> None:
    with manager(address) as heard:
        Notify({"NOTIFY_SOCKET": address}).status("odd\nREADY=1")
        assert lines(heard) == ["STATUS=odd READY=1"]


def test_without_a_manager_nothing_happens(tmp_path: Path) -> None:
    for environment in ({}, {"NOTIFY_SOCKET": str(tmp_path / "nobody")}, {"NOTIFY_SOCKET": "vsock:2:1"}):
        notify = Notify(environment)
        notify.ready("there")
        notify.alive()
        assert notify.watchdog_s is None and not list(tmp_path.iterdir())


def test_one_that_does_not_read_is_not_waited_for(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with manager(address) as heard:
        notify = Notify({"NOTIFY_SOCKET": address})
        for _ in range(5000):  # many times what such a socket holds
            notify.alive()
        assert lines(heard) == ["WATCHDOG=1"]


def test_workers_do_not_inherit_the_socket() -> None:
    environment = {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "15000000", "WATCHDOG_PID": str(os.getpid()), "HOME": "h"}
    assert Notify(environment).watchdog_s == 15.0
    assert environment == {"HOME": "h"}


@pytest.mark.parametrize(
    "environment",
    [
        {"NOTIFY_SOCKET": "@x"},
        {"WATCHDOG_USEC": "15000000"},
        {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "0"},
        {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "soon"},
        {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "15000000", "WATCHDOG_PID": "1"},
    ],
)
def test_a_watch_that_is_not_ours_is_not_kept(environment: dict[str, str]) -> None:
    assert Notify(environment).watchdog_s is None
