"""`synth serve` as a person types it: what it prints, and what it says in one line where it cannot."""

from __future__ import annotations

import http.server
import importlib.util
import socket
import threading
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from synth.daemon.config import Config
from synth.daemon.config_file import read_config


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("ISOTONE_PORT", "ISOTONE_HOST", "ISOTONE_STATE_DIR"):
        monkeypatch.delenv(name, raising=False)


def test_help_teaches(run: Callable) -> None:
    told = run("serve", "--help")
    assert told.code == 0
    for word in ("--config", "--check", "SIGHUP", "ISOTONE_TLS__CERT", "TLS and keys"):
        assert word in told.out


def test_the_example_settings_can_be_used_as_they_are(run: Callable, tmp_path: Path) -> None:
    (tmp_path / "isotone.toml").write_text(run("serve", "--example-config").out)
    assert read_config(tmp_path / "isotone.toml", {}) == Config()


def test_the_unit_runs_this_installation(run: Callable) -> None:
    told = run("serve", "--unit")
    (line,) = [line for line in told.out.splitlines() if line.startswith("ExecStart=")]
    command = Path(line.removeprefix("ExecStart=").split()[0])
    assert told.code == 0 and command.is_absolute() and command.is_file() and command.name == "synth"


def test_the_container_file_is_printed(run: Callable) -> None:
    assert 'ENTRYPOINT ["/opt/isotone/bin/synth", "serve", ' in run("serve", "--containerfile").out


def test_a_new_key_prints_its_settings_and_is_itself_shown_once(run: Callable, tmp_path: Path) -> None:
    told = run("serve", "--new-key", "therapist", "console")
    (table,) = tomllib.loads(told.out)["keys"]
    assert (table["name"], table["role"]) == ("console", "therapist") and "isotone-" not in told.out
    assert "isotone-" in told.err and "shown this once" in told.err
    (tmp_path / "isotone.toml").write_text(told.out)
    assert len(read_config(tmp_path / "isotone.toml", {}).keys) == 1


@pytest.mark.parametrize(("words", "what"), [(("boss", "x"), "no role"), (("operator", "Dr X"), "name")])
def test_a_key_that_cannot_be_is_told(run: Callable, words: tuple[str, str], what: str) -> None:
    told = run("serve", "--new-key", *words)
    assert told.code == 2 and what in told.err and told.err.count("\n") == 1


# -- --check --------------------------------------------------------------------------------------------------------


def test_a_check_says_what_would_be_done_and_leaves_nothing(run: Callable, tmp_path: Path) -> None:
    told = run("serve", "--check", "--port", "0", "--workers", "3", "--state", tmp_path / "state")
    assert told.code == 0, told.err
    for words in ("http://127.0.0.1:0/", "which would be made", "TLS: none", "3 render processes", "OSC: none"):
        assert words in told.out
    assert told.out.endswith("all of it can be done\n") and list(tmp_path.iterdir()) == []


def test_a_check_tells_everything_that_stands_in_the_way(run: Callable, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o755)
    state.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = run("serve", "--check", "--port", port, "--state", state)
    assert told.code == 2 and told.out == ""
    assert f"port {port} of 127.0.0.1 is in use" in told.err and f"chmod 700 {state}" in told.err


def test_a_check_tells_wrong_settings_by_line(run: Callable, tmp_path: Path) -> None:
    file = tmp_path / "isotone.toml"
    file.write_text("prot = 1\nworkers = -1\n")
    told = run("serve", "--check", "--config", file)
    assert told.code == 2 and f"{file}, line 1: prot" in told.err and f"{file}, line 2: workers" in told.err


def test_a_check_tells_that_off_loopback_more_is_needed(run: Callable) -> None:
    told = run("serve", "--check", "--host", "0.0.0.0")
    assert told.code == 2 and "tls" in told.err and "--new-key" in told.err


# -- what cannot be -------------------------------------------------------------------------------------------------


def test_serving_refuses_in_one_line(run: Callable, tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "open").chmod(0o755)
    (tmp_path / "file").touch()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        cases = {
            "is in use": ("--port", taken.getsockname()[1], "--state", tmp_path / "a"),
            "chmod 700": ("--port", "0", "--state", tmp_path / "open"),
            "cannot be made": ("--port", "0", "--state", tmp_path / "file"),
            "cannot be read": ("--config", tmp_path / "none.toml"),
        }
        for words, arguments in cases.items():
            told = run("serve", *arguments)
            assert told.code == 2 and words in told.err and told.err.count("\n") == 1, told.err


@pytest.mark.parametrize("port", ["x", "-1", "65536", "8080.5"])
def test_a_port_that_is_none_is_told(run: Callable, port: str) -> None:
    told = run("serve", f"--port={port}")
    assert told.code == 2 and "0 to 65535" in told.err


def test_without_its_extra_it_says_what_to_install(run: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    gone = ("uvicorn", "jwt")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name in gone else found(name, *rest))
    told = run("serve")
    assert told.code == 2 and "uvicorn, jwt" in told.err and "pip install 'isotone[server]'" in told.err
    assert run("serve", "--example-config").code == 0, "what needs nothing is printed all the same"


def test_one_thing_at_a_time(run: Callable) -> None:
    assert run("serve", "--unit", "--check").code == 2


# -- --ping ---------------------------------------------------------------------------------------------------------


class _Answers(http.server.BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_a_ping_tells_whether_it_lives(run: Callable, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("serve", "--ping", "--port", port)[:2] == (0, "it lives\n")
    monkeypatch.setattr(_Answers, "status", 500)
    told = run("serve", "--ping", "--port", port)
    assert told.code == 1 and "says 500" in told.out


def test_a_ping_to_nobody_says_so(run: Callable) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    told = run("serve", "--ping", "--port", port)
    assert told.code == 1 and f"port {port} (ConnectionRefusedError)" in told.out
