"""The daemon from start to end, as a process: warm-up, health, reload, what it logs, and how it leaves."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trustme

from synth.daemon.config import Config
from synth.daemon.metrics import Metrics
from synth.daemon.notify import Notify
from synth.daemon.serve import Daemon
from tests.daemon.running import Running, running

SETTINGS = '[limits]\nmax_body_bytes = 65536\n[log]\nlevel = "info"\n'
SECRETS = {
    "who": "maria-recognisable-1962",
    "word": "brassheron",
    "value": "73.4718",
    "name": "Maria's own armband",
}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One that is ready; `early` has what it answered before."""
    folder = tmp_path_factory.mktemp("daemon")
    (folder / "isotone.toml").write_text(SETTINGS)
    with running(folder, "--config", str(folder / "isotone.toml"), WATCHDOG_USEC="2000000") as one:
        early = {path: one.ask("GET", path) for path in ("/healthz", "/readyz", "/api/v1/version")}
        one.early = early  # type: ignore[attr-defined]
        yield one.ready()


def session(daemon: Running, **asked: Any) -> str:
    answer = daemon.ask("POST", "/api/v1/sessions", json={"preset": "settle", **asked})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["session_id"])


def line_of(daemon: Running, name: str) -> float:
    """A figure of /metrics by its name with its labels."""
    told = daemon.ask("GET", "/metrics").text
    (value,) = [line.split(" ")[-1] for line in told.splitlines() if line.rpartition(" ")[0] == name]
    return float(value)


# -- beginning ------------------------------------------------------------------------------------------------------


def test_it_answers_before_it_is_ready_and_says_what_is_missing(daemon: Running) -> None:
    early = daemon.early  # type: ignore[attr-defined]
    assert early["/healthz"].json() == {"status": "alive"} and early["/api/v1/version"].status_code == 200
    assert early["/readyz"].status_code == 503 and early["/readyz"].headers["retry-after"] == "2"
    assert "warming up" in early["/readyz"].json()["detail"]
    answer = daemon.ask("GET", "/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})


def test_the_service_manager_hears_that_it_starts_is_ready_and_lives(daemon: Running) -> None:
    daemon.hears(lambda message: "READY=1" in message)
    ready = next(i for i, message in enumerate(daemon.told) if "READY=1" in message)
    assert any("STATUS=" in message and "EXTEND_TIMEOUT_USEC=" in message for message in daemon.told[:ready])
    seen = len(daemon.told)
    daemon.hears(lambda message: "WATCHDOG=1" in message and daemon.told.index(message) < len(daemon.told))
    daemon.hears(lambda message: "WATCHDOG=1" in daemon.told[seen:])


def test_what_answers_says_neither_its_server_nor_keeps_anything(daemon: Running) -> None:
    answer = daemon.ask("GET", "/healthz")
    assert "server" not in answer.headers and answer.headers["cache-control"] == "no-store"
    assert "content-security-policy" in answer.headers


def test_its_description_lists_the_service_itself(daemon: Running) -> None:
    answer = daemon.ask("GET", "/openapi.json")
    told = answer.json()
    assert told["openapi"].startswith("3.1") and answer.headers["content-type"] == "application/json"
    assert {"/healthz", "/readyz", "/metrics", "/api/v1/version"} <= told["paths"].keys()


def test_a_second_one_in_the_same_place_is_refused_in_one_line(daemon: Running) -> None:
    command = [sys.executable, "-m", "synth", "serve", "--port", "0", "--state", str(daemon.folder / "state")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert "another isotone service uses this state folder" in done.stderr


def test_its_state_is_for_itself_alone(daemon: Running) -> None:
    name = session(daemon)
    for path in [daemon.folder / "state", *(daemon.folder / "state").rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path
    daemon.ask("POST", f"/api/v1/sessions/{name}/stop")


# -- figures --------------------------------------------------------------------------------------------------------


def test_the_figures_tell_of_a_session_but_not_which(daemon: Running) -> None:
    before = line_of(daemon, 'isotone_worker_blocks_total{worker="0"}')
    name = session(daemon, name="a-name-of-its-own")
    assert line_of(daemon, 'isotone_sessions{status="playing"}') >= 1.0
    daemon.ask("GET", f"/api/v1/sessions/{name}/state")
    for _ in range(500):
        if line_of(daemon, 'isotone_worker_blocks_total{worker="0"}') > before:
            break
    else:
        pytest.fail("no block was counted")
    told = daemon.ask("GET", "/metrics").text
    assert name not in told and 'route="/api/v1/sessions/{session_id}/state"' in told
    assert daemon.ask("POST", f"/api/v1/sessions/{name}/panic").status_code == 200
    for _ in range(500):
        if line_of(daemon, 'isotone_safety_events_total{kind="panic"}') == 1.0:
            break
    else:
        pytest.fail("the panic was not counted")


# -- what it logs ---------------------------------------------------------------------------------------------------


def test_no_log_holds_what_a_person_said_or_sensed(daemon: Running) -> None:
    """Whatever is said, well or wrongly, through every way in."""
    value = float(SECRETS["value"])
    signals = {"hr": value, "hrv": 41.0, "accelerometer": [0.1, 0.2, 0.9]}
    name = f"run-{SECRETS['value'].replace('.', '')}"
    health = {
        "user_id": SECRETS["who"],
        "session_id": "s-plain",
        "signals": signals,
        "context": {"time_of_day": "21:30"},
    }
    assert daemon.ask("POST", "/api/v1/sessions", json=health).status_code == 201
    one = "/api/v1/sessions/s-plain"
    word, who = SECRETS["word"], SECRETS["who"]
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", f"{one}/signals", {"json": {"channel": "hr", "value": value, "device": SECRETS["name"]}}),
        ("POST", f"{one}/signals", {"json": {"channel": word, "value": value}}),
        ("POST", f"{one}/signals", {"content": f'{{"channel": "{word}", "value": {value}'}),
        ("POST", f"{one}/feedback", {"json": {"words": f"so calm, said {word}", "valence": 0.5}}),
        ("POST", f"{one}/feedback", {"json": {"words": word, "valence": word}}),
        ("POST", f"{one}/notes", {"json": {"text": word}}),
        ("POST", "/api/v1/sessions", {"json": {"preset": word, "user_id": who, "name": name}}),
        ("GET", f"/api/v1/sessions/{who}", {}),
        ("GET", f"{one}/state?{word}={who}", {}),
        ("GET", f"/{word}", {"headers": {"Authorization": f"Bearer {who}", "User-Agent": word}}),
        (
            "POST",
            "/api/v1/sessions",
            {"content": word.encode() * 20_000, "headers": {"Content-Type": "application/json"}},
        ),
    ]
    statuses = [daemon.ask(method, path, **sent).status_code for method, path, sent in asked]
    assert statuses[0] < 300 and all(status < 500 for status in statuses), statuses
    daemon.ask("POST", f"{one}/stop")
    for line in [*daemon.raw, *daemon.told]:
        for kind, secret in SECRETS.items():
            assert secret not in line, f"{kind} is in the log"
    assert daemon.process.poll() is None
    told = [json.loads(line) for line in daemon.raw]
    assert any(line.get("session") == "s-plain" for line in told), "what is logged is logged by session"
    assert all({"time", "level", "part", "event"} <= line.keys() for line in told)


# -- reload ---------------------------------------------------------------------------------------------------------


def test_a_reload_takes_what_may_change_and_says_what_waits(daemon: Running) -> None:
    file = daemon.folder / "isotone.toml"
    file.write_text("max_sessions = 5\n" + SETTINGS.replace("65536", "2048").replace("info", "debug"))
    body = {"content": b" " * 4096, "headers": {"Content-Type": "application/json"}}
    assert daemon.ask("POST", "/api/v1/sessions", **body).status_code == 400
    daemon.signal(signal.SIGHUP)
    assert daemon.event("settings were read again", 60.0)["changed"] == "log.level, limits.max_body_bytes"
    assert daemon.event("settings that wait for a restart", 60.0)["settings"] == "max_sessions"
    assert daemon.ask("POST", "/api/v1/sessions", **body).status_code == 413
    daemon.hears(lambda message: message.startswith("RELOADING=1\nMONOTONIC_USEC="))
    after = next(i for i, message in enumerate(daemon.told) if message.startswith("RELOADING=1"))
    daemon.hears(lambda message: any("READY=1" in later for later in daemon.told[after:]))


def test_settings_that_are_wrong_change_nothing(daemon: Running) -> None:
    file = daemon.folder / "isotone.toml"
    before = line_of(daemon, "isotone_ready")
    file.write_text("prot = 1\n[log]\nlevel = 3\n")
    daemon.signal(signal.SIGHUP)
    first, second = (daemon.event("settings were not taken", 60.0)["problem"] for _ in range(2))
    assert f"{file}, line 1: prot" in first and f"{file}, line 3: log.level" in second
    assert line_of(daemon, "isotone_ready") == before == 1.0


# -- ending (last, as it ends the daemon of this module) --------------------------------------------------------------


def test_sigterm_takes_nothing_new_fades_out_closes_records_and_leaves(daemon: Running) -> None:
    name = session(daemon, name="the-last-one")
    daemon.signal(signal.SIGTERM)
    daemon.event("ending: sessions fade out", 60.0)
    assert daemon.ask("GET", "/healthz").status_code == 200
    assert daemon.ask("GET", "/readyz").status_code == 503
    assert daemon.ask("POST", "/api/v1/sessions", json={"preset": "settle"}).status_code == 503
    assert daemon.wait() == 0
    daemon.event("ended")
    assert daemon.hears(lambda message: message.startswith("STOPPING=1"))
    lines = (daemon.folder / "state" / "sessions" / name / "session.jsonl").read_text().splitlines()
    types = [json.loads(line)["type"] for line in lines]
    assert types[-1] == "end" and "stop" in types, "it was stopped, faded and ended"


# -- others ---------------------------------------------------------------------------------------------------------


def certificate(folder: Path) -> trustme.LeafCert:
    """A new certificate in the place of the one before."""
    found = trustme.CA().issue_cert("127.0.0.1")
    found.private_key_pem.write_to_path(folder / "tls.key")
    (folder / "tls.key").chmod(0o600)
    found.cert_chain_pems[0].write_to_path(folder / "tls.crt")
    return found


def shown(url: str) -> bytes:
    """The certificate that a new connection is shown."""
    host, _, port = url.removeprefix("https://").partition(":")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((host, int(port)), 30.0) as plain, context.wrap_socket(plain) as wrapped:
        assert wrapped.version() in ("TLSv1.2", "TLSv1.3")
        return wrapped.getpeercert(binary_form=True) or b""


def der(found: trustme.LeafCert) -> bytes:
    return ssl.PEM_cert_to_DER_cert(found.cert_chain_pems[0].bytes().decode())


def test_a_certificate_is_renewed_while_it_runs_and_a_second_sigterm_ends_at_once(tmp_path: Path) -> None:
    file = tmp_path / "isotone.toml"
    file.write_text(f'[tls]\ncert = "{tmp_path / "tls.crt"}"\nkey = "{tmp_path / "tls.key"}"\n')
    first = certificate(tmp_path)
    with running(tmp_path, "--config", str(file)) as one:
        assert one.url.startswith("https://") and shown(one.url) == der(first)
        second = certificate(tmp_path)
        one.signal(signal.SIGHUP)
        one.event("settings were read again", 60.0)
        assert shown(one.url) == der(second)
        (tmp_path / "tls.crt").write_text("torn")
        one.signal(signal.SIGHUP)
        assert "tls.crt" in one.event("settings were not taken", 60.0)["problem"]
        assert shown(one.url) == der(second), "the one before is kept"
        name = session(one.ready())
        one.signal(signal.SIGTERM)
        one.event("ending: sessions fade out", 60.0)
        one.signal(signal.SIGTERM)
        assert one.wait() == 1
        one.event("ended before every session had faded out")
        record = tmp_path / "state" / "sessions" / name / "session.jsonl"
        assert json.loads(record.read_text().splitlines()[-1])["type"] != "end", "it is taken up at the next start"


def test_it_can_be_ended_while_it_warms_up(tmp_path: Path) -> None:
    with running(tmp_path) as one:
        one.signal(signal.SIGINT)
        assert one.wait() == 0


class _Workers:
    """A stage whose worker dies and comes back."""

    def __init__(self) -> None:
        self.ready, self.alive = True, True

    @property
    def workers(self) -> list[Any]:
        return [SimpleNamespace(alive=self.alive, load=0.1, number=0)]


class _Told(Notify):
    def __init__(self) -> None:
        super().__init__({"NOTIFY_SOCKET": "@nobody", "WATCHDOG_USEC": "80000"})
        self.said: list[str] = []

    def _send(self, *lines: str) -> None:
        self.said += lines


def test_the_watchdog_is_fed_only_while_the_workers_live() -> None:
    async def watch() -> tuple[int, int, int]:
        stage, told = _Workers(), _Told()
        house: Any = SimpleNamespace(stage=stage, sessions=SimpleNamespace(all={}, ready=True), metrics=Metrics())
        logs: Any = None
        watching = asyncio.create_task(Daemon(Config(), Config, logs, told, house.stage, house.sessions)._watch(house))
        fed = []
        for alive in (True, False, True):
            stage.alive = alive
            told.said.clear()
            while told.said.count("WATCHDOG=1") < 3 and sum("STATUS" in line for line in told.said) < 6:
                await asyncio.sleep(0.005)
            fed.append(told.said.count("WATCHDOG=1"))
        watching.cancel()
        return fed[0], fed[1], fed[2]

    fed = asyncio.run(asyncio.wait_for(watch(), 60.0))
    assert fed[0] >= 3 and fed[1] == 0 and fed[2] >= 3
