"""Batch renders over real sockets and in real processes: followed, fetched in parts, cancelled, killed and taken up."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import soundfile

from synth.api.renders import AudioFormat, ExportFormat, NewRender
from synth.daemon.config import Config
from synth.daemon.renders import Asked, Job, Made, Renders
from synth.daemon.renders.asking import check, keywords
from synth.daemon.renders.shelf import Shelf, plain_file
from synth.output.export.export import FORMATS

ROOT = "/api/v1/renders"
PATIENCE_S = 240.0
DAEMON = """
import asyncio, sys
from pathlib import Path
import uvicorn
from synth.daemon.app import application
from synth.daemon.config import Config, Limits
from synth.daemon.endpoints import renders
from synth.daemon.renders import Renders
from tests.daemon.fakes import fake_house

async def main(folder):
    config = Config(state_dir=folder, limits=Limits(max_renders=3))
    house = fake_house(folder, config=config, renders=Renders(config))
    server = uvicorn.Server(uvicorn.Config(application(house, renders.ENDPOINTS), "127.0.0.1", 0, log_config=None))
    await house.renders.start()
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    print(server.servers[0].sockets[0].getsockname()[1], flush=True)
    await serving
    await house.renders.stop()

asyncio.run(main(Path(sys.argv[1])))
"""
SHORT = {"preset": "settle", "minutes": 0.1, "seed": 5}
ASKED = {
    **SHORT,
    "formats": ["flac", "ogg"],
    "exports": ["midi"],
    "script": [{"t_s": 1.0, "control": "brightness_oct", "value": -9.0}],
    "signals": [{"channel": "hr", "t_s": [0.5, 1.5, 2.5], "value": [71.0, 72.0, 71.0]}],
}


def until(is_so: Callable[[], Any], timeout_s: float = PATIENCE_S) -> Any:
    end_s = time.monotonic() + timeout_s
    while not (found := is_so()):
        assert time.monotonic() < end_s, "it did not come to that"
        time.sleep(0.05)
    return found


class Daemon:
    """An API process of its own, with batch renders alone, and a client of it."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-c", DAEMON, str(folder)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{int(self.process.stdout.readline())}", timeout=60.0)

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    def end(self, number: int) -> None:
        self.client.close()
        self.process.send_signal(number)
        self.process.wait(30.0)
        assert self.process.stdout is not None
        self.process.stdout.close()


def follow(client: httpx.Client, path: str) -> Iterator[dict[str, Any]]:
    with client.stream("GET", f"{path}/events", timeout=PATIENCE_S) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def killed(state: Path) -> str:
    """The path of a render whose daemon was killed while it ran, with its worker at work."""
    daemon = Daemon(state)
    answer = daemon.client.post(ROOT, json=ASKED, headers={"Idempotency-Key": "mine-1"})
    assert answer.status_code == 202 and answer.headers["location"] == answer.json()["href"]
    worker = until(daemon.workers)[0]
    until(lambda: worker.nice() == 10)
    daemon.end(signal.SIGKILL)
    worker.wait(30.0)  # it ends by itself, as its daemon is gone
    return str(answer.headers["location"])


@pytest.fixture(scope="module")
def daemon(state: Path, killed: str) -> Iterator[Daemon]:
    daemon = Daemon(state)
    yield daemon
    daemon.end(signal.SIGTERM)
    assert daemon.process.returncode in (0, -signal.SIGTERM)


@pytest.fixture(scope="module")
def views(daemon: Daemon, killed: str) -> list[dict[str, Any]]:
    """All that was told of the render that was taken up again, to its end."""
    return list(follow(daemon.client, killed))


@pytest.fixture(scope="module")
def finished(views: list[dict[str, Any]]) -> dict[str, Any]:
    assert views[-1]["status"] == "finished", views[-1]
    return views[-1]


def test_a_render_of_a_killed_daemon_is_taken_up_again(views: list[dict[str, Any]], finished: dict[str, Any]) -> None:
    assert finished["begun"] == 2 and finished["progress"] == 1.0 and finished["seconds"] == pytest.approx(6.0)
    progress = [view["progress"] for view in views]
    assert progress == sorted(progress) and any(0.1 < share < 0.9 for share in progress)
    assert {"rendering", "writing ogg", "exporting for midi", "done"} <= {view["words"] for view in views}


def test_its_files_are_what_they_are_said_to_be(daemon: Daemon, finished: dict[str, Any], tmp_path: Path) -> None:
    names = {file["name"] for file in finished["files"]}
    assert {"mix.flac", "mix.ogg", "stems/pad.flac", "exports/settle-5.mid", "score.mid", "session.jsonl"} <= names
    for file in finished["files"]:
        got = daemon.client.get(file["href"])
        assert len(got.content) == file["size_bytes"] and got.headers["content-type"].startswith(file["media_type"])
        assert hashlib.sha256(got.content).hexdigest() == file["sha256"]
        (tmp_path / Path(file["name"]).name).write_bytes(got.content)
    assert soundfile.info(tmp_path / "mix.ogg").subtype == "OPUS"
    assert soundfile.info(tmp_path / "mix.flac").duration == pytest.approx(6.0)
    record = (tmp_path / "session.jsonl").read_text().splitlines()
    lines = [json.loads(line) for line in record]
    assert any(line["type"] == "commit" and line["requested"] == -9.0 and line["new"] > -9.0 for line in lines)
    assert any(line["type"] == "samples" and line["channel"] == "hr" for line in lines)


def test_a_file_in_parts(daemon: Daemon, finished: dict[str, Any]) -> None:
    href = next(file["href"] for file in finished["files"] if file["name"] == "mix.flac")
    whole = daemon.client.get(href).content
    size = len(whole)

    def part(span: str, **headers: str) -> httpx.Response:
        return daemon.client.get(href, headers={"Range": span, **headers})

    for span, wanted, told in (
        ("bytes=0-99", whole[:100], f"bytes 0-99/{size}"),
        ("bytes=100-", whole[100:], f"bytes 100-{size - 1}/{size}"),
        ("bytes=-7", whole[-7:], f"bytes {size - 7}-{size - 1}/{size}"),
        (f"bytes=5-{size + 50}", whole[5:], f"bytes 5-{size - 1}/{size}"),
    ):
        answer = part(span)
        assert (answer.status_code, answer.content) == (206, wanted) and answer.headers["content-range"] == told
    assert part("bytes=9-3").content == part("bytes=a-b").content == part("bytes=-").content == whole
    beyond = part(f"bytes={size}-")
    assert beyond.status_code == 416 and beyond.headers["content-range"] == f"bytes */{size}"
    tag = daemon.client.head(href).headers["etag"]
    assert len(part("bytes=0-9", **{"If-Range": tag}).content) == 10
    assert part("bytes=0-9", **{"If-Range": '"another"'}).content == whole
    assert daemon.client.get(href, headers={"If-None-Match": tag}).status_code == 304
    head = daemon.client.head(href)
    assert head.headers["content-length"] == str(size) and not head.content


@pytest.mark.parametrize(
    "name",
    [
        "../asked.json",
        "..%2fasked.json",
        "%2e%2e/asked.json",
        "stems/../../asked.json",
        "/etc/passwd",
        "mix.flac%00",
        "MIX.FLAC",
        "stems",
        "stems/",
        "",
        "stems%5cpad.flac",
    ],
)
def test_no_path_leads_out(daemon: Daemon, finished: dict[str, Any], name: str) -> None:
    host, port = daemon.client.base_url.host, daemon.client.base_url.port
    import http.client

    raw = http.client.HTTPConnection(host, port, timeout=30)  # which leaves the path as it is
    raw.request("GET", f"{finished['href']}/files/{name}")
    answer = raw.getresponse()
    assert answer.status == 404 and answer.headers["content-type"] == "application/problem+json"
    raw.close()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    secret = tmp_path / "secret"
    secret.write_text("x")
    (tmp_path / "files" / "mix.flac").symlink_to(secret)
    (tmp_path / "files" / "stems").symlink_to(tmp_path)
    assert plain_file(tmp_path / "files", "mix.flac") is None
    assert plain_file(tmp_path / "files", "stems/secret") is None
    assert plain_file(tmp_path, "secret") == secret


def test_the_same_key_is_the_same_render(daemon: Daemon, finished: dict[str, Any]) -> None:
    again = daemon.client.post(ROOT, json=ASKED, headers={"Idempotency-Key": "mine-1"})
    assert again.status_code == 202 and again.json()["id"] == finished["id"]
    other = daemon.client.post(ROOT, json=SHORT, headers={"Idempotency-Key": "mine-1"})
    assert other.status_code == 422 and "another body" in other.json()["detail"]
    assert daemon.client.post(ROOT, json=SHORT, headers={"Idempotency-Key": "a b"}).status_code == 400


def test_the_queue_is_bounded_and_what_waits_or_runs_can_be_ended(daemon: Daemon, finished: dict[str, Any]) -> None:
    client, long = daemon.client, {**SHORT, "minutes": 100}
    asked = [client.post(ROOT, json=long) for _ in range(3)]
    assert [answer.status_code for answer in asked] == [202] * 3
    full = client.post(ROOT, json=long)
    assert full.status_code == 429 and int(full.headers["retry-after"]) > 0 and "3 renders" in full.json()["detail"]
    first, second, third = (answer.headers["location"] for answer in asked)
    assert client.delete(second).status_code == 204 and client.get(second).json()["status"] == "cancelled"
    worker = until(daemon.workers)[0]
    assert client.get(first).json()["status"] == "running" and client.get(third).json()["status"] == "queued"
    assert client.delete(first).status_code == 204
    assert client.get(first).json()["status"] == "cancelled" and list(follow(client, first))[-1]["words"] == "cancelled"
    worker.wait(30.0)
    until(lambda: client.get(third).json()["status"] == "running")
    for path in (third, third, first, second):  # what is over is removed
        assert client.delete(path).status_code == 204
    assert client.get(first).status_code == client.delete(third).status_code == 404
    assert [one["id"] for one in client.get(ROOT).json()["renders"]] == [finished["id"]]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"preset": "nope"}, "settle"),
        ({"preset": "../../etc/passwd"}, "pattern"),
        ({"preset": None}, "give a preset, or a goal"),
        ({"minutes": 1e9}, "480"),
        ({"settings": {"tempo_bpm": 900}}, "tempo_bpm"),
        ({"settings": {"tempo": 60}}, "tempo_bpm"),
        ({"script": [{"t_s": 1, "control": "mode", "value": "sour"}]}, "mode"),
        ({"signals": [{"channel": "hr", "t_s": [1.0], "value": [60.0, 61.0]}]}, "as many values"),
        ({"signals": [{"channel": "mood", "t_s": [1.0], "value": [60.0]}]}, "channel"),
        ({"constraints": ["no penguins"]}, "no penguins"),
        ({"stems": False, "exports": ["reaper"]}, "need stems"),
        ({"plan": [{"kind": "nowhere", "minutes": 1}]}, "kind of phase"),
        ({"path": "/tmp/x"}, "path"),
    ],
)
def test_what_cannot_be_rendered_is_told_at_once(daemon: Daemon, change: dict[str, Any], told: str) -> None:
    answer = daemon.client.post(ROOT, json={**SHORT, **change})
    assert answer.status_code == 422 and told in answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_goal_finds_its_preset_and_a_plan_has_its_length() -> None:
    phases = [{"kind": "baseline", "minutes": 1}, {"kind": "return", "minutes": 2, "arousal": -0.1}]
    asked = NewRender.model_validate({"preset": "settle", "plan": phases, "settings": {"mode": "dorian"}}).session()
    check(asked)
    assert keywords(asked)["preset"].minutes == 3.0 and keywords(asked)["settings"] == {"mode": 3.0}


def test_a_full_disk_fails_the_render_and_says_so(tmp_path: Path) -> None:
    """A worker that may write files of 100 kB only, as a full disk would let it."""
    folder = tmp_path / "r"
    folder.mkdir()
    asked = Asked("r", "2026-11-22T00:00:00+00:00", session=SHORT, stems=False)
    (folder / "asked.json").write_text(json.dumps(asked.as_dict()))
    done = subprocess.run(
        [sys.executable, "-m", "synth.daemon.renders.worker", "render", str(folder)],
        stdin=(ends := os.pipe())[0],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY)),
        capture_output=True,
        timeout=PATIENCE_S,
    )
    for end in ends:
        os.close(end)
    failed = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 1 and failed["cause"] == "disk" and "is the disk full?" in failed["text"]
    assert str(tmp_path) not in failed["text"]


def test_no_room_to_keep_what_was_asked(tmp_path: Path) -> None:
    from synth.daemon.app import application
    from synth.daemon.endpoints import renders
    from tests.daemon.fakes import fake_house, serving

    (tmp_path / "renders").write_text("in the way")
    house = fake_house(tmp_path, renders=Renders(Config(state_dir=tmp_path)))
    with serving(application(house, renders.ENDPOINTS), house) as served, httpx.Client(base_url=served.url) as client:
        answer = client.post(ROOT, json=SHORT)
        assert answer.status_code == 507 and "disk full" in answer.json()["detail"]
        assert client.get(ROOT).json() == {"renders": []}


def test_whose_renders_are_seen(tmp_path: Path) -> None:
    from synth.daemon.app import application
    from synth.daemon.endpoints import renders
    from synth.daemon.security import Caller, Role
    from tests.daemon.fakes import OpenGate, fake_house, serving

    queue = Renders(Config(state_dir=tmp_path))
    made = Made("finished")
    for number, of in (("1", None), ("2", "ann"), ("3", "ben")):
        asked = Asked(f"r-{number * 24}", "2026-11-22T00:00:00+00:00", of_session=of)
        queue.shelf.put(asked)
        queue.shelf.note(Job(asked, made))
    gate = OpenGate(
        {
            "all": Caller(Role.THERAPIST, None, "desk"),
            "ann": Caller(Role.THERAPIST, "ann", "tablet"),
            "low": Caller(Role.LISTENER, "ann", "phone"),
        }
    )
    house = fake_house(tmp_path, renders=queue, gate=gate)
    with serving(application(house, renders.ENDPOINTS), house) as served, httpx.Client(base_url=served.url) as client:
        served.call(queue.start())

        def call(token: str, method: str = "GET", path: str = ROOT, **more: Any) -> httpx.Response:
            return client.request(method, path, headers={"Authorization": f"Bearer {token}"}, **more)

        assert len(call("all").json()["renders"]) == 3
        assert [one["session_id"] for one in call("ann").json()["renders"]] == ["ann"]
        assert call("low").status_code == 403
        assert call("ann", path=f"{ROOT}/r-{'2' * 24}").status_code == 200
        for method, end in (("GET", ""), ("DELETE", ""), ("GET", "/events"), ("GET", "/files"), ("GET", "/files/x")):
            assert call("ann", method, f"{ROOT}/r-{'3' * 24}{end}").status_code == 404
        assert call("ann", "POST", json=SHORT).status_code == 403
        served.call(queue.stop())


def test_a_stop_ends_what_runs_and_does_not_count(tmp_path: Path) -> None:
    import asyncio

    async def run(queue: Renders, job: Job) -> None:
        while job.made.status != "running":
            assert await job.change(PATIENCE_S)

    async def twice() -> tuple[int, str]:
        queue = Renders(Config(state_dir=tmp_path))
        await queue.start()
        job = await queue.ask(session=SHORT)
        await run(queue, job)
        await queue.stop()
        queue = Renders(Config(state_dir=tmp_path))
        await queue.start()
        again = queue.get(job.id)
        await run(queue, again)
        begun = again.made.begun
        await queue.cancel(again)
        await queue.stop()
        return begun, again.made.status

    assert asyncio.run(twice()) == (1, "cancelled")


def test_old_ones_are_removed_and_broken_ones_passed_over(tmp_path: Path) -> None:
    import asyncio
    from datetime import datetime

    shelf = Shelf(tmp_path / "renders")
    for number, ended in (("1", "2026-10-01T00:00:00+00:00"), ("2", "2026-11-20T00:00:00+00:00")):
        asked = Asked(f"r-{number * 24}", "2026-10-01T00:00:00+00:00")
        shelf.put(asked)
        shelf.note(Job(asked, Made("finished", ended=ended)))
    broken = shelf.root / f"r-{'4' * 24}"
    broken.mkdir()
    (broken / "asked.json").write_text('{"id": 4')
    (shelf.root / f"r-{'5' * 24}").symlink_to(broken)

    async def kept() -> list[str]:
        queue = Renders(Config(state_dir=tmp_path, retention_days=30.0))
        for job in shelf.all():
            queue._hold(job)
        await queue.prune(datetime.fromisoformat("2026-11-22T00:00:00+00:00"))
        return list(queue.all)

    assert asyncio.run(kept()) == [f"r-{'2' * 24}"]
    assert not (shelf.root / f"r-{'1' * 24}").exists() and broken.exists()
    assert (shelf.root / f"r-{'2' * 24}" / "asked.json").stat().st_mode & 0o077 == 0
    assert shelf.root.stat().st_mode & 0o077 == 0


def test_the_contract_names_the_formats_that_there_are() -> None:
    from typing import get_args

    assert set(get_args(ExportFormat)) == set(FORMATS)
    assert set(get_args(AudioFormat)) == {"flac", "wav", "ogg"}
