"""The listening page in a real Chromium, with a real daemon: its buttons pressed, its sound measured in the worklet."""

from __future__ import annotations

import asyncio
import http.server
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from websockets.sync.client import connect

from synth.daemon.app import application
from synth.daemon.audio import Listeners
from synth.daemon.audio.pcm import FULL_SCALE, HEADER, HEADER_BYTES
from synth.daemon.config import Config
from synth.daemon.security import Gate, Role, gate, new_key
from tests.daemon.asking import until
from tests.daemon.audio.chromium import READY, Browser, Page, chromium
from tests.daemon.fakes import FakeSessions, Served, fake_house, serving
from tests.daemon.running import Running, running

RATE, BLOCK = 48_000, 1920
SIZES = ((390, 844, False), (1280, 800, True))
SILENT = 10 ** (-80 / 20)
LIFE_S = 200.0
WORDS = "document.getElementById('{}').textContent"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("daemon"), ISOTONE_SESSIONS__ABANDONED_AFTER_S="3") as daemon:
        yield daemon.ready()


def start(page: Page, preset: str = "settle") -> str:
    """Press start; the session that plays then, audibly."""
    page.wait(READY)
    page.run(f"document.getElementById('preset').value = {preset!r}")
    page.press("start")
    page.wait("isotone.state == 'playing' && isotone.report && isotone.report.rms[0] > 0.001")
    return str(page.run("isotone.hello.session_id"))


def loudness(page: Page) -> float:
    return float(page.run("Math.max(...isotone.report.rms)"))


def test_start_sounds_as_sent_and_tells_what_and_why(browser: Browser, daemon: Running, tmp_path: Path) -> None:
    with browser.page(daemon.url + "/") as page:
        page.resize(*SIZES[0])
        session_id = start(page)
        url = f"ws{daemon.url.removeprefix('http')}/api/v1/sessions/{session_id}/audio"
        with connect(url, compression=None) as other:
            sent, begin = _sent_and_played(page, other)
        end = page.run("isotone.report")
        frames = end["soundedFrames"] - begin["soundedFrames"]
        played = sum(b - a for a, b in zip(begin["energy"], end["energy"], strict=True)) / frames / 2
        # two stretches of the same music, a few blocks apart where this machine was held up
        assert frames > RATE and 10 * np.log10(played / sent) == pytest.approx(0.0, abs=1.5)
        for seen in ("isotone.meterDb[0].toFixed(1)", "document.getElementById('left').style.transform"):
            page.wait(f"(window.seen ??= new Set()).add({seen}).size > 6")  # the level moves
            page.run("delete window.seen")
        page.wait(f"{WORDS.format('phase')} != '–' && {WORDS.format('tempo')}.endsWith('bpm')")
        for name, least in (("stems", 3), ("reasons", 1)):
            assert page.run(f"document.querySelectorAll('#{name} li').length") >= least
        assert page.run(WORDS.format("confidence")) == "nothing yet"
        _look_at(page, tmp_path, "playing")
        page.press("panic")


def _sent_and_played(page: Page, other: Any) -> tuple[float, dict[str, Any]]:
    """The mean square of 1.6 s as the service sent them, and what the worklet told at their begin."""
    begin = page.run("isotone.report")
    other.recv(60)
    blocks = [np.frombuffer(other.recv(60), "<i2", offset=HEADER_BYTES) / FULL_SCALE for _ in range(40)]
    return float((np.concatenate(blocks) ** 2).mean()), begin


def _look_at(page: Page, folder: Path, name: str) -> None:
    """In two sizes everything fits, can be pressed with a thumb, and has a name."""
    for width, height, dark in SIZES:
        page.resize(width, height, dark)
        page.picture(folder / f"{name}-{width}.png")
        assert page.run("document.documentElement.scrollWidth <= innerWidth")
        small = page.run(
            "[...document.querySelectorAll('button, input, select')].filter(e => e.offsetParent"
            " && e.getBoundingClientRect().height < 35).map(e => e.id)"
        )
        nameless = page.run(
            "[...document.querySelectorAll('button, input, select')].filter(e => !e.labels?.length"
            " && !e.textContent.trim()).map(e => e.id)"
        )
        assert small == [] and nameless == []
        assert (folder / f"{name}-{width}.png").stat().st_size > 5_000


def test_stop_fades_out_and_ends_the_session(browser: Browser, daemon: Running) -> None:
    with browser.page(daemon.url + "/") as page:
        session_id = start(page)
        page.press("stop")
        page.wait("isotone.state == 'idle'")
        assert page.run(WORDS.format("connection-words")) == "finished"
        page.wait(f"Math.max(...isotone.report.rms) < {SILENT}")
        assert page.run("!document.getElementById('choice').hidden && document.getElementById('now').hidden")
        page.wait("['over', 'empty'].includes(isotone.report.state)")
    assert daemon.ask("GET", f"/api/v1/sessions/{session_id}").json()["status"] == "finished"


def test_a_page_that_is_loaded_again_goes_on_and_one_that_is_closed_ends_it(browser: Browser, daemon: Running) -> None:
    with browser.page(daemon.url + "/") as page:
        session_id = start(page)
        assert json.loads((_folder(daemon, session_id) / "session.json").read_text())["end_when_left"] is True
        page.open(daemon.url + "/")  # its tab keeps what it stored
        page.wait(f"{WORDS.format('start')} == 'Go on listening' && !document.getElementById('start').disabled")
        assert page.run("document.getElementById('choose').hidden")
        page.press("start")
        page.wait("isotone.state == 'playing' && isotone.report && isotone.report.rms[0] > 0.001")
        assert page.run("isotone.hello.session_id") == session_id
        page.press("panic")
        page.wait("isotone.state == 'idle'")
        assert page.run(WORDS.format("start")) == "Start" and not page.run("document.getElementById('choose').hidden")
        left = start(page)
    assert daemon.event("session was left by everybody")["session"] == left


@pytest.mark.parametrize("how", ["button", "escape"])
def test_panic_is_silent_at_once_here_and_there(browser: Browser, daemon: Running, how: str) -> None:
    with browser.page(daemon.url + "/") as page:
        session_id = start(page)
        if how == "button":
            page.press("panic")
        else:
            page.key("Escape")
        page.wait(f"Math.max(...isotone.report.rms) < {SILENT}")
        assert page.run(WORDS.format("connection-words")) == "silenced"
    lines = (_folder(daemon, session_id) / "session.jsonl").read_text().splitlines()
    assert "panic" in [json.loads(line)["type"] for line in lines]


def _folder(daemon: Running, session_id: str) -> Path:
    return daemon.folder / "state" / "sessions" / session_id


def test_an_underrun_is_counted_shown_and_followed_by_a_deeper_buffer(browser: Browser, daemon: Running) -> None:
    with browser.page(daemon.url + "/") as page:
        start(page)
        before = page.run("isotone.report")
        daemon.signal(signal.SIGSTOP)
        try:
            page.wait(f"isotone.report.underruns > {before['underruns']} && isotone.report.state != 'playing'")
            page.wait(f"Math.max(...isotone.report.rms) < {SILENT}")
        finally:
            daemon.signal(signal.SIGCONT)
        page.wait("isotone.report.state == 'playing' && isotone.report.rms[0] > 0.001")
        assert page.run("isotone.report.marginS") > before["marginS"]
        page.wait(f"parseInt({WORDS.format('underruns')}) == isotone.report.underruns")
        page.press("panic")


def test_a_page_of_another_origin_reaches_nothing(browser: Browser, daemon: Running) -> None:
    class Foreign(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>foreign</title>")

        def log_message(self, *words: object) -> None:
            return

    with browser.page(daemon.url + "/") as own, http.server.HTTPServer(("127.0.0.1", 0), Foreign) as server:
        session_id = start(own)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with browser.page(f"http://127.0.0.1:{server.server_port}/") as page:
            address = f"ws{daemon.url.removeprefix('http')}/api/v1/sessions/{session_id}/audio"
            opened = (
                "new Promise(done => { const s = new WebSocket('%s'); s.onopen = () => done('opened');"
                "s.onerror = () => done('refused'); })"
            )
            assert page.run(opened % address) == "refused"
            before = _sessions(daemon)
            posted = f"fetch('{daemon.url}/api/v1/sessions', {{method: 'POST', body: '{{}}'}})"
            assert page.run(f"{posted}.then(() => 'read', () => 'refused')") == "refused"
            assert _sessions(daemon) == before and session_id in before
        server.shutdown()
        assert own.run(opened % address) == "opened"
        own.press("panic")


def _sessions(daemon: Running) -> set[str]:
    return {one["id"] for one in daemon.ask("GET", "/api/v1/sessions").json()["sessions"]}


def test_the_console_has_no_word_to_say(browser: Browser, daemon: Running) -> None:
    """No error, no warning, and nothing that the content policy forbids: that would be said there."""
    with browser.page() as page:
        page.open(daemon.url + "/")
        start(page)
        assert page.run("[...document.scripts].every(s => s.src) && !document.querySelector('style, [style*=x]')")
        page.press("panic")
        page.wait("isotone.state == 'idle'")
        assert page.complaints == []
    policy = daemon.ask("GET", "/").headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy


# -- with a service that asks who calls -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Any, str]]:
    folder = tmp_path_factory.mktemp("guarded")
    text, key = new_key(Role.OPERATOR, "desk")
    config = Config(state_dir=folder, sign_in=True, keys=(key,))
    sessions = FakeSessions(config, audio=True)
    house = fake_house(
        folder, config=config, sessions=sessions, gate=Gate(config), listeners=Listeners(config, sessions)
    )
    with serving(application(house), house) as served, pytest.MonkeyPatch.context() as patient:
        patient.setattr(gate, "TRIES", 1000)
        yield served, house, text


def test_signing_in_is_asked_for_only_where_it_is_needed(
    browser: Browser, guarded: tuple[Served, Any, str], daemon: Running, tmp_path: Path
) -> None:
    with browser.page(daemon.url + "/") as page:
        page.wait("!document.getElementById('start').disabled")
        assert page.run("document.getElementById('sign-in').hidden && document.getElementById('sign-out').hidden")
    served, _, text = guarded
    with browser.page(served.url + "/") as page:
        page.wait("!document.getElementById('sign-in').hidden")
        assert page.run("document.getElementById('choice').hidden && document.activeElement.id == 'credential'")
        _look_at(page, tmp_path, "sign-in")
        _sign_in(page, "isk_wrong")
        page.wait("!document.getElementById('trouble').hidden")
        assert "not known" in page.run(WORDS.format("trouble"))
        _sign_in(page, text)
        page.wait("!document.getElementById('choice').hidden && document.getElementById('sign-in').hidden")
        assert page.run("document.getElementById('trouble').hidden && document.cookie == ''")
        page.press("sign-out")
        page.wait("!document.getElementById('sign-in').hidden")


def _sign_in(page: Page, text: str) -> None:
    page.run(f"document.getElementById('credential').value = {text!r}")
    page.run("document.getElementById('sign-in').requestSubmit()")


def test_a_lost_connection_is_opened_again_with_a_new_ticket(
    browser: Browser, guarded: tuple[Served, Any, str]
) -> None:
    served, house, text = guarded
    session = served.call(house.sessions.create("settle", {"minutes": 5.0}, name="joined"))
    with browser.page(f"{served.url}/?session=joined") as page:
        page.wait("!document.getElementById('sign-in').hidden")
        _sign_in(page, text)
        page.wait(READY)
        assert page.run(WORDS.format("start")) == "Listen"
        page.press("start")
        page.wait("isotone.state == 'playing' && isotone.report && isotone.report.state == 'playing'")
        served.call(_soon(lambda: [feed.end(1001, "restart") for feed in house.listeners._feeds.values()]))
        page.wait("isotone.reconnects == 1 && isotone.report.state == 'playing'")
        assert page.run(WORDS.format("connection-words")) == "connected"
        page.press("stop")  # leaves; the session is not this page's to end
        page.wait("isotone.state == 'idle'")
    assert session.status == "playing"
    served.call(asyncio.sleep(0))


def test_who_signs_in_again_hears_on_without_a_gap(browser: Browser, guarded: tuple[Served, Any, str]) -> None:
    served, house, text = guarded
    served.call(house.sessions.create("settle", {"minutes": 5.0}, name="renewed"))
    with browser.page(f"{served.url}/?session=renewed") as page:
        page.wait("!document.getElementById('sign-in').hidden")
        _sign_in(page, _token(served, text, life_s=LIFE_S))
        page.wait(READY)
        page.press("start")
        page.wait("isotone.state == 'playing' && isotone.report && isotone.report.state == 'playing'")
        page.wait("!document.getElementById('sign-in').hidden")  # asked for while it plays
        assert "before this session" in page.run(WORDS.format("sign-in-words"))
        (before,), begin = _listeners(house, "renewed"), page.run("isotone.report")
        _sign_in(page, text)
        page.wait("document.getElementById('sign-in').hidden")
        page.wait("document.getElementById('trouble').hidden")
        until(lambda: len(_listeners(house, "renewed")) == 1 and before not in _listeners(house, "renewed"))
        until(lambda: not any(grant.expires_s < time.time() + 300.0 for _, grant in house.gate.visits.signed()))
        page.wait(f"isotone.report.soundedFrames > {page.run('isotone.report.soundedFrames') + RATE}")
        end = page.run("isotone.report")
        went, sounded, passed = (end[name] - begin[name] for name in ("frame", "soundedFrames", "passedFrames"))
        assert end["missedFrames"] == begin["missedFrames"] and page.run("isotone.reconnects") == 0
        assert abs(went - sounded - passed) < BLOCK / 2  # nothing was heard twice
        assert page.run("isotone.state") == "playing"
        page.press("stop")


def test_who_does_not_is_asked_to_and_goes_on_then(browser: Browser, guarded: tuple[Served, Any, str]) -> None:
    served, house, text = guarded
    with browser.page(f"{served.url}/") as page:
        page.wait("!document.getElementById('sign-in').hidden")
        _sign_in(page, _token(served, text, life_s=LIFE_S))
        session_id = start(page)
        served.call(_soon(lambda: _pass(house, LIFE_S)))
        page.wait("isotone.state == 'idle' && document.getElementById('now').hidden")
        assert page.run("!document.getElementById('sign-in').hidden && document.getElementById('trouble').hidden")
        assert house.sessions.get(session_id).status == "playing"
        _sign_in(page, text)
        page.wait(f"{WORDS.format('start')} == 'Go on listening' && !document.getElementById('choice').hidden")
        page.press("start")
        page.wait("isotone.state == 'playing' && isotone.report.state == 'playing'")
        assert page.run("isotone.hello.session_id") == session_id
        page.press("panic")


def _token(served: Served, key: str, **asked: Any) -> str:
    asked["role"] = "operator"
    answer = httpx.post(f"{served.url}/api/v1/tokens", json=asked, headers={"Authorization": f"Bearer {key}"})
    return str(answer.json()["token"])


def _pass(house: Any, seconds: float) -> None:
    """Let `seconds` pass for whatever expires, and with them what was signed for less."""
    house.gate._clock._epoch_s += seconds
    for visit, grant in house.gate.visits.signed():
        if house.gate.left_s(grant) <= 0.0:
            visit.end("the token has expired")


def _listeners(house: Any, session_id: str) -> list[Any]:
    feed = house.listeners._feeds.get(session_id)
    return [one for channel in feed.channels.values() for one in channel.listeners] if feed else []


async def _soon(work: Callable[[], Any]) -> None:
    work()


def test_the_header_is_as_the_worklet_reads_it() -> None:
    assert (HEADER.size, HEADER.format) == (16, "<QII")
    worklet = (Path(__file__).parents[2] / "synth/daemon/page/worklet.js").read_text()
    assert f"HEADER_BYTES = {HEADER_BYTES};" in worklet
