"""The client against a real daemon that asks who calls: sessions heard and steered, renders fetched, tokens renewed."""

from __future__ import annotations

import asyncio
import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from synth.api.hands import NoteAsked
from synth.api.plan import PhaseAsked
from synth.api.signals import Signal
from synth.client import ApiError, AsyncClient, Client, Hello, RenderFailed, Session
from synth.client.aio.client import AsyncClient as Aio
from synth.client.aio.render import AsyncRender, AsyncRenders
from synth.client.aio.session import AsyncSession, AsyncSessions
from synth.client.aio.signals import AsyncSignalSocket
from synth.client.sync.render import Render, Renders
from synth.client.sync.session import Sessions
from synth.client.sync.signals import SignalSocket
from synth.daemon.security import Role, new_key
from tests.daemon.running import Running, running

ROLES = {"operator": Role.OPERATOR, "therapist": Role.THERAPIST, "listener": Role.LISTENER}


@pytest.fixture(scope="module")
def keys() -> dict[str, str]:
    return {}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, keys: dict[str, str]) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("client")
    made = {word: new_key(role, word, "mine" if word == "listener" else None) for word, role in ROLES.items()}
    keys |= {word: text for word, (text, _) in made.items()}
    settings = folder / "isotone.toml"
    settings.write_text("sign_in = true\n" + "".join(key.toml for _, key in made.values()))
    with running(folder, "--config", str(settings)) as daemon:
        yield daemon.ready()


@pytest.fixture(scope="module")
def client(daemon: Running, keys: dict[str, str]) -> Iterator[Client]:
    with Client(daemon.url, key=keys["operator"]) as client:
        yield client


@pytest.fixture(scope="module")
def session(client: Client) -> Iterator[Session]:
    session = client.sessions.create(preset="settle", seed=7, minutes=10, name="mine", stems=True)
    yield session
    session.panic()


def test_a_session_is_made_seen_and_listed(client: Client, session: Session) -> None:
    assert session.started is not None and session.started.seed == 7 and session.id == "mine"
    view = session.view()
    assert (view.id, view.preset, view.status) == ("mine", "settle", "playing") and view.reasons == session.reasons()
    assert [one.id for one in client.sessions.list("playing")] == ["mine"]
    assert [(one.id, one.ended) for one in client.sessions.kept(limit=1).records] == [("mine", None)]
    assert client.sessions.get("mine").state().phase == view.phase
    assert {"settle", "focus"} <= {preset.name for preset in client.presets()}
    assert "tempo_bpm" in {row.name for row in client.control_table()}


def test_hands(session: Session) -> None:
    taken = session.request("brightness_oct", -9.0)
    assert taken.accepted and taken.clamped and taken.taken is not None and taken.taken > -9.0
    assert session.controls()["brightness_oct"].held
    assert session.release("brightness_oct").done and not session.controls()["brightness_oct"].held
    assert [one.name for one in session.request_all({"density_hz": 1.0, "mode": "dorian"})] == ["density_hz", "mode"]
    assert session.verb("less").done and session.play(NoteAsked(pitch=62, velocity=0.5)).done
    assert session.feedback(valence=0.5).taken == {"valence": 0.5}
    assert session.plan([PhaseAsked(kind="baseline", minutes=5), PhaseAsked(kind="plateau", minutes=5)]).done


def test_what_is_refused_says_why(client: Client, session: Session) -> None:
    with pytest.raises(ApiError, match="404 No such control: near it: brightness_oct"):
        session.request("brightnes_oct", 0.0)
    with pytest.raises(ApiError, match="409") as caught:
        client.sessions.create(preset="settle", name="mine")
    assert caught.value.status == 409 and caught.value.detail
    with pytest.raises(ApiError) as caught:
        client.sessions.create(preset="settle", constraints=["no penguins"])
    assert caught.value.status == 422 and "no penguins" in caught.value.errors[0].what
    with pytest.raises(ApiError, match="404"):
        client.sessions.get("nobody").view()


def test_signals(session: Session) -> None:
    assert session.feed(Signal(channel="hr", value=71.0)).accepted == 1
    runs = [Signal(channel="hr", value=[70.0, 71.0], t_s=[0.5, 1.5]), Signal(channel="eda", value=2.0)]
    assert session.feed(*runs).accepted == 3
    with session.signals() as socket:
        answers = [socket.send(Signal(channel="hr", value=70.0)) for _ in range(3)]
        assert socket._socket is not None
        socket._socket.socket.close()  # the network breaks
        answers.append(socket.send(Signal(channel="hr", value=72.0)))
    assert [answer.outcome for answer in answers] == ["accepted"] * 4 and [one.seq for one in answers] == [1, 2, 3, 4]
    report = session.signals_report()
    assert report.accepted == 8 and report.refused == 0


def test_the_music_is_heard(session: Session) -> None:
    hellos: list[Hello] = []
    blocks = []
    for frame, samples in session.audio(format="f32", on_hello=hellos.append):
        blocks.append((frame, samples))
        if len(blocks) == 25:
            break
    assert hellos[0].sample_rate == 48_000 and hellos[0].stem == "mix" and "pad" in hellos[0].stems
    frames = [frame for frame, _ in blocks]
    assert np.diff(frames).tolist() == [1920] * 24
    audio = np.concatenate([samples for _, samples in blocks])
    assert audio.shape == (48_000, 2) and audio.dtype == np.float32 and 1e-4 < np.sqrt(np.mean(audio**2)) < 1.0
    frame, pad = next(iter(session.audio("pad", "s16")))
    assert pad.shape == (1920, 2) and np.abs(pad).max() <= 1.0
    with pytest.raises(ApiError, match="404|422"):
        next(iter(session.audio("trumpet")))


def test_what_happens_is_told(session: Session) -> None:
    session.request("density_hz", 1.5)
    heard = next(event for event in session.events("commit") if event.data["control"] == "density_hz")
    session.request("density_hz", 1.7)
    later = next(event for event in session.events(after=heard.id) if event.event == "commit")
    assert heard.id != later.id and later.data["t_s"] >= heard.data["t_s"]


def test_a_session_is_stopped_and_its_files_are_there(client: Client, tmp_path: Path) -> None:
    session = client.sessions.create(goal="focus", seed=2, minutes=5)
    events = session.events("phase", "status", "end")
    next(events)
    assert session.stop().done and session.stop().done
    assert [event for event in events][-1].data.get("status") == "finished"
    assert "<style>" in session.report() and "your session" in session.person()
    assert session.score().startswith(b"MThd")
    lines = [json.loads(line) for line in session.record().splitlines()]
    assert lines[0]["type"] == "session" and lines[-1]["type"] == "end"
    assert {file.name for file in session.files().files} >= {"report.html", "session.jsonl"}


def test_a_render_is_waited_for_and_fetched(client: Client, tmp_path: Path) -> None:
    render = client.renders.create(preset="settle", minutes=0.1, stems=False)
    shares: list[float] = []
    view = render.wait(lambda view: shares.append(view.progress))
    assert view.status == "finished" and shares == sorted(shares) and shares[-1] == 1.0
    (tmp_path / "mix.flac.part").write_bytes(b"what an earlier try left, which is another file's")
    with pytest.raises(Exception, match="did not come as it was said to be"):
        render.download(tmp_path, ["mix.flac"])
    (mix,) = render.download(tmp_path, ["mix.flac"])
    assert soundfile.info(mix).duration == pytest.approx(6.0)
    whole = mix.read_bytes()
    mix.unlink()
    (tmp_path / "mix.flac.part").write_bytes(whole[:1000])
    assert render.download(tmp_path, ["mix.flac"])[0].read_bytes() == whole
    mix.touch()
    assert {path.name for path in render.download(tmp_path)} >= {"mix.flac", "score.mid", "session.jsonl"}
    assert client.renders.get(render.id).view.files == view.files
    assert [one.id for one in client.renders.list(limit=1)] == [render.id]
    render.cancel()
    with pytest.raises(ApiError, match="404"):
        render.look()


def test_a_render_that_is_cancelled(client: Client) -> None:
    render = client.renders.create(preset="settle", minutes=60, stems=False)
    render.cancel()
    with pytest.raises(RenderFailed, match="cancelled") as caught:
        render.wait()
    assert caught.value.view.id == render.id


def test_a_key_becomes_tokens_which_are_renewed(daemon: Running, keys: dict[str, str]) -> None:
    with Client(daemon.url, key=keys["therapist"]) as client:
        first = client.whoami()
        assert first.role == "therapist" and first.token_id is not None  # not the key itself is shown
        assert client.whoami().token_id == first.token_id
        daemon.ask(
            "DELETE", f"/api/v1/tokens/{first.token_id}", headers={"Authorization": f"Bearer {keys['operator']}"}
        ).raise_for_status()
        again = client.whoami()
        assert again.token_id not in (None, first.token_id)


def test_a_listener_shows_the_key_itself_and_may_less(daemon: Running, keys: dict[str, str], session: Session) -> None:
    with Client(daemon.url, key=keys["listener"]) as client:
        assert client.whoami().role == "listener" and client.whoami().session_id == "mine"
        assert client.sessions.get("mine").view().id == "mine"
        with pytest.raises(ApiError, match="403"):
            client.sessions.get("mine").request("density_hz", 1.0)
        with pytest.raises(ApiError, match="403"):
            client.renders.create(preset="settle")


def test_a_token_is_used_as_it_is(daemon: Running, keys: dict[str, str], client: Client) -> None:
    made = client.make_token(role="listener", session_id="mine", life_s=60)
    with Client(daemon.url, token=made.token) as guest:
        assert guest.whoami().token_id == made.token_id
    for shown in ({}, {"key": "isotone-nobody"}, {"token": "a.b.c"}):
        with Client(daemon.url, **shown) as stranger, pytest.raises(ApiError, match="401 Not signed in"):
            stranger.sessions.list()
    with pytest.raises(ValueError, match="not both"):
        Client(daemon.url, key="a", token="b")


def test_the_same_in_an_event_loop(daemon: Running, keys: dict[str, str], session: Session, tmp_path: Path) -> None:
    async def all_of_it() -> None:
        async with AsyncClient(daemon.url, key=keys["operator"]) as client:
            mine = client.sessions.get("mine")
            view, state = await asyncio.gather(mine.view(), mine.state())
            assert view.id == "mine" and state.reasons == await mine.reasons()
            assert (await mine.request("density_hz", 2.0)).accepted
            assert (await mine.feed(Signal(channel="hr", value=70.0))).accepted == 1
            async with mine.signals() as socket:
                assert (await socket.send(Signal(channel="hr", value=70.0))).outcome == "accepted"
                assert socket._socket is not None
                await socket._socket.close()
                assert (await socket.send(Signal(channel="hr", value=70.0))).seq == 2
            async for event in mine.events("commit"):
                assert event.event == "commit"
                break
            frames = []
            async for frame, samples in mine.audio():
                assert samples.shape == (1920, 2)
                frames.append(frame)
                if len(frames) == 5:
                    break
            assert np.diff(frames).tolist() == [1920] * 4
            with pytest.raises(ApiError, match="404"):
                await client.sessions.get("nobody").view()
            render = await client.renders.create(preset="settle", minutes=60)
            await render.cancel()
            with pytest.raises(RenderFailed):
                await render.wait()
            export = await mine.export(to="midi")
            assert "exports/settle-7.mid" in {file.name for file in (await export.wait()).files}
            (score,) = await export.download(tmp_path, ["score.mid"])
            assert score.read_bytes().startswith(b"MThd")

    asyncio.run(all_of_it())


@pytest.mark.parametrize(
    ("plain", "awaited"),
    [
        (Client, Aio),
        (Sessions, AsyncSessions),
        (Session, AsyncSession),
        (SignalSocket, AsyncSignalSocket),
        (Renders, AsyncRenders),
        (Render, AsyncRender),
    ],
)
def test_both_have_the_same_methods(plain: type, awaited: type) -> None:
    def told(kind: type) -> dict[str, tuple[list[tuple[str, str]], str]]:
        methods = {name: one for name, one in vars(kind).items() if inspect.isfunction(one) and name[0] != "_"}
        return {
            name: ([(p.name, str(p.annotation)) for p in inspect.signature(one).parameters.values()], one.__doc__ or "")
            for name, one in methods.items()
        }

    assert told(plain) == told(awaited) and told(plain)


def test_the_client_needs_no_daemon() -> None:
    code = "import sys, synth.client; print([n for n in sys.modules if n.startswith(('synth.daemon', 'starlette'))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "[]"
