"""Files of live sessions: pages made on demand in a process of their own, records, exports; and who may have them."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from synth.daemon.app import application
from synth.daemon.config import Config
from synth.daemon.endpoints import files, records, renders
from synth.daemon.renders import Job, Renders
from synth.daemon.renders.afterwards import FRESH_S, is_fresh
from synth.daemon.renders.sending import page_policy
from synth.daemon.renders.told import Failed
from synth.daemon.renders.worker import outcome
from synth.daemon.security import Caller, Role
from tests.daemon.fakes import FakeSessions, OpenGate, Served, fake_house, serving

ROOT = "/api/v1/sessions"
PATIENCE_S = 240.0
CALLERS = {
    "operator": Caller(Role.OPERATOR, None, "desk"),
    "therapist": Caller(Role.THERAPIST, "ann", "tablet"),
    "listener": Caller(Role.LISTENER, "ann", "phone"),
}


class Place:
    """A service with two sessions, "ann" and "ben", that play in silence and are recorded."""

    def __init__(self, served: Served, house: Any) -> None:
        self.served, self.house = served, house
        self.client = httpx.Client(base_url=served.url, timeout=PATIENCE_S)

    def call(self, path: str, who: str = "operator", method: str = "GET", **more: Any) -> httpx.Response:
        return self.client.request(method, path, headers={"Authorization": f"Bearer {who}"}, **more)

    def folder(self, name: str) -> Path:
        return Path(self.house.sessions.all[name].folder)

    def start(self, name: str) -> None:
        self.served.call(self.house.sessions.create("settle", {"seed": 3, "minutes": 5.0}, name=name))

    def stop(self, name: str) -> None:
        async def stop() -> None:
            hosted = self.house.sessions.all[name]
            hosted.hands.stop()
            await hosted.over()

        self.served.call(stop())

    def job(self, path: str) -> Job:
        async def over() -> Job:
            job = self.house.renders.get(path.rpartition("/")[2])
            while not job.over:
                assert await job.change(PATIENCE_S)
            return job

        return self.served.call(over(), PATIENCE_S)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("state")
    config = Config(state_dir=folder)
    house = fake_house(
        folder, config=config, sessions=FakeSessions(config), gate=OpenGate(CALLERS), renders=Renders(config)
    )
    with serving(application(house, (*files.ENDPOINTS, *records.ENDPOINTS, *renders.ENDPOINTS)), house) as served:
        place = Place(served, house)
        served.call(house.renders.start())
        for name in ("ann", "ben"):
            place.start(name)
        yield place
        place.client.close()
        served.call(house.renders.stop())


@pytest.fixture(scope="module")
def so_far(place: Place) -> httpx.Response:
    """The report of a session that plays."""
    return place.call(f"{ROOT}/ann/report.html", "therapist")


def test_the_report_so_far_comes_under_a_policy_of_its_own(place: Place, so_far: httpx.Response) -> None:
    assert so_far.status_code == 200 and so_far.headers["content-type"] == "text/html; charset=utf-8"
    assert "Settle" in so_far.text and place.house.sessions.all["ann"].status == "playing"
    policy = dict(part.strip().partition(" ")[::2] for part in so_far.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert "script-src" not in policy and "sandbox" in policy and policy["style-src-elem"].startswith("'sha256-")
    assert "content-disposition" not in so_far.headers


def test_a_page_is_made_once_for_all_who_ask(place: Place, so_far: httpx.Response) -> None:
    folder = place.folder("ann")
    before = (folder / "report.html").stat().st_mtime_ns
    assert before <= (folder / "session.jsonl").stat().st_mtime_ns
    again = place.call(f"{ROOT}/ann/person.html", "listener")
    assert again.status_code == 200 and "your session" in again.text
    assert (folder / "report.html").stat().st_mtime_ns == before
    assert not list(folder.glob(".making*")) and (folder / "report.html").stat().st_mode & 0o077 == 0


def test_a_page_is_made_anew_when_the_record_has_gone_on(tmp_path: Path) -> None:
    record, page = tmp_path / "session.jsonl", tmp_path / "report.html"
    with pytest.raises(FileNotFoundError):
        is_fresh(tmp_path, "report.html")
    record.write_text("{}\n")
    assert not is_fresh(tmp_path, "report.html")
    page.write_text("x")
    for file, at_s in ((page, 1000.0), (record, 1000.0)):
        os.utime(file, (at_s, at_s))
    assert is_fresh(tmp_path, "report.html")
    os.utime(record, (1020.0, 1020.0))
    assert is_fresh(tmp_path, "report.html", FRESH_S) and not is_fresh(tmp_path, "report.html")
    os.utime(record, (1000.0 + FRESH_S + 1.0, 1000.0 + FRESH_S + 1.0))
    assert not is_fresh(tmp_path, "report.html", FRESH_S)


def test_the_record_comes_in_whole_lines_while_it_grows(place: Place) -> None:
    path = place.folder("ben") / "session.jsonl"
    answer = place.call(f"{ROOT}/ben/record")
    assert answer.headers["content-type"] == "application/jsonl"
    lines = answer.text.splitlines()
    assert json.loads(lines[0])["type"] == "session" and answer.text.endswith("\n")
    assert all(json.loads(line) for line in lines) and path.read_bytes().startswith(answer.content)


def test_who_may_have_what(place: Place, so_far: httpx.Response) -> None:
    for path, status in (
        ("record", {"operator": 200, "therapist": 403, "listener": 403}),
        ("report.html", {"therapist": 200, "listener": 403}),
        ("person.html", {"therapist": 200, "listener": 200}),
        ("files", {"operator": 200, "therapist": 200, "listener": 200}),
    ):
        for who, wanted in status.items():
            assert place.call(f"{ROOT}/ann/{path}", who).status_code == wanted, (path, who)
            if who != "operator":
                assert place.call(f"{ROOT}/ben/{path}", who).status_code == 403
    listed = {who: [file["name"] for file in place.call(f"{ROOT}/ann/files", who).json()["files"]] for who in CALLERS}
    assert listed["listener"] == ["person.html"] and "session.jsonl" not in listed["therapist"]
    assert set(listed["operator"]) == {"person.html", "report.html", "score.mid", "session.jsonl"}
    assert place.call(f"{ROOT}/ann/exports", "listener", "POST", json={"to": "midi"}).status_code == 403


def test_those_whose_record_is_kept_are_listed(place: Place, so_far: httpx.Response) -> None:
    records = "/api/v1/records"
    told = {row["id"]: row for row in place.call(records).json()["records"]}
    assert {"ann", "ben"} <= set(told) and told["ann"]["title"] == "Settle" and told["ann"]["ended"] is None
    assert place.call(told["ann"]["report"]).status_code == place.call(told["ann"]["files"]).status_code == 200
    assert [row["id"] for row in place.call(records, "therapist").json()["records"]] == ["ann"]
    assert place.call(records, "listener").status_code == 403
    first = place.call(f"{records}?limit=1").json()
    assert first["more"] and place.call(f"{records}?after={first['records'][0]['id']}").json()["records"]
    for query, status in (("after=nobody", 404), ("after=..", 422), ("limit=0", 422), ("before=ann", 422)):
        assert place.call(f"{records}?{query}").status_code == status, query


@pytest.mark.parametrize("name", ["nobody", "..", "%2e%2e", "..%2fsessions%2fann", "ann%2f..%2fben", "%00", "a" * 300])
def test_there_is_no_such_session(place: Place, name: str) -> None:
    for end in ("report.html", "record", "files"):
        assert place.call(f"{ROOT}/{name}/{end}").status_code == 404


def test_a_record_that_is_a_link_is_not_followed(place: Place, tmp_path: Path) -> None:
    folder = place.house.config.sessions_dir / "link"
    folder.mkdir()
    (tmp_path / "secret").write_text('{"type":"session"}\n')
    (folder / "session.jsonl").symlink_to(tmp_path / "secret")
    for end in ("record", "report.html"):
        assert place.call(f"{ROOT}/link/{end}").status_code == 404
    assert place.call(f"{ROOT}/link/files").json() == {"files": [], "renders": []}
    assert place.call(f"{ROOT}/link/exports", method="POST", json={"to": "midi"}).status_code == 404


def test_a_record_that_cannot_be_told_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "torn"
    folder.mkdir()
    (folder / "session.jsonl").write_text("not a record\n")
    failed = outcome("pages", [folder], lambda told: None)
    assert isinstance(failed, Failed) and failed.cause == "refused" and "not a line of JSON" in failed.text
    assert str(tmp_path) not in failed.text and [path.name for path in folder.iterdir()] == ["session.jsonl"]


def test_an_export_of_a_session_with_its_sound(place: Place, tmp_path: Path) -> None:
    place.start("cat")
    place.stop("cat")
    key = {"Authorization": "Bearer operator", "Idempotency-Key": "once"}
    body = {"to": "reaper", "formats": ["ogg"]}
    asked = [place.client.post(f"{ROOT}/cat/exports", headers=key, json=body) for _ in range(2)]
    assert [answer.status_code for answer in asked] == [202, 202]
    path, again = (answer.headers["location"] for answer in asked)
    job = place.job(path)
    assert path == again and job.made.status == "finished", job.made
    view = place.call(path).json()
    names = {file["name"] for file in view["files"]}
    assert view["session_id"] == "cat" and {"exports/settle-3-reaper.zip", "mix.ogg", "score.mid"} <= names
    assert not {"session.jsonl", "report.html"} & names and not any(name.endswith(".flac") for name in names)
    (tmp_path / "reaper.zip").write_bytes(place.call(f"{path}/files/exports/settle-3-reaper.zip").content)
    inside = zipfile.ZipFile(tmp_path / "reaper.zip").namelist()
    assert any(name.endswith(".rpp") for name in inside) and any(name.endswith(".wav") for name in inside)
    assert place.call(f"{ROOT}/cat/files").json()["renders"] == [path]
    assert place.call(path, "therapist").status_code == 404
    assert place.call(f"{ROOT}/cat/exports", method="POST", json={"to": "tape"}).status_code == 422


def test_a_policy_allows_a_page_its_own_styles_alone() -> None:
    policy = page_policy(b"<style>p { color: red }</style><script>alert(1)</script>")
    assert "sha256-" in policy and "script-src" not in policy and "default-src 'none'" in policy
    assert "style-src-elem 'none'" in page_policy(b"<p>")
    assert page_policy(b"<style>a\r\nb</style>") == page_policy(b"<style>a\nb</style>")
