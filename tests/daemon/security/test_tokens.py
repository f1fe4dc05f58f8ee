"""Tokens, their secret and clock: what is read, how long it is good, and that no bytes break the reader."""

from __future__ import annotations

import json
import stat
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.daemon.config import ConfigError
from synth.daemon.problems import Problem
from synth.daemon.security import Caller, Gate, Role, new_key
from synth.daemon.security.clock import SteadyClock
from synth.daemon.security.revoked import Revoked
from synth.daemon.security.secret import Secret, rotate_secret
from synth.daemon.security.tickets import Tickets
from synth.daemon.security.tokens import Grant, Tokens
from tests.daemon.security.daemon import config_of

LISTENER = Caller(Role.LISTENER, "one", "app")
_, KEY = new_key(Role.THERAPIST, "app")
ROOT = Grant(KEY.caller, KEY.id)


def tokens_in(folder: Path) -> Tokens:
    """As at the start of a daemon with its state in `folder`."""
    clock = SteadyClock()
    return Tokens(Secret(folder / "secret"), Revoked(folder / "revoked", clock), clock, lambda: [KEY])


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Tokens:
    return tokens_in(tmp_path_factory.mktemp("tokens"))


def why(tokens: Tokens, text: str) -> str:
    """Why a token is refused."""
    with pytest.raises(Problem) as refused:
        tokens.read(text)
    assert refused.value.status == 401
    return refused.value.detail


def test_a_token_says_what_was_granted(tokens: Tokens) -> None:
    text, grant = tokens.make(ROOT, LISTENER, 60.0)
    assert tokens.read(text) == grant
    assert grant.caller == LISTENER and grant.id.startswith(KEY.id + ".")
    claims = jwt.decode(text, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] in (59, 60) and claims["nbf"] == claims["iat"]
    assert {claims["iss"], claims["aud"], claims["sub"]} == {"isotone", "isotone-calls", "app"}


def test_a_token_expires(tokens: Tokens) -> None:
    text, _ = tokens.make(ROOT, LISTENER, -1.0)
    assert "expired" in why(tokens, text)


def test_steps_of_the_wall_clock_neither_extend_nor_end_a_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens, real = tokens_in(tmp_path), time.time
    text, _ = tokens.make(ROOT, LISTENER, 30.0)
    old, _ = tokens.make(ROOT, LISTENER, -30.0)
    for step_s in (-86_400.0 * 365, -3600.0, -60.0, 60.0, 3600.0, 86_400.0 * 365):
        monkeypatch.setattr(time, "time", lambda step_s=step_s: real() + step_s)
        assert tokens.read(text).caller == LISTENER
        assert "expired" in why(tokens, old)
        assert tokens.read(tokens.make(ROOT, LISTENER, 30.0)[0])


def test_time_that_passes_ends_a_token_whatever_the_wall_clock_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = tokens_in(tmp_path)
    text, _ = tokens.make(ROOT, LISTENER, 30.0)
    wall, running = time.time(), time.clock_gettime
    monkeypatch.setattr(time, "time", lambda: wall)
    monkeypatch.setattr(time, "clock_gettime", lambda which: running(which) + 31.0)
    assert "expired" in why(tokens, text)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=300), st.binary(max_size=300).map(lambda raw: raw.decode("latin-1"))))
def test_no_text_is_read_as_a_token(tokens: Tokens, text: str) -> None:
    assert why(tokens, text)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_change_to_a_token_goes_unseen(tokens: Tokens, data: st.DataObject) -> None:
    text, _ = tokens.make(ROOT, LISTENER, 60.0)
    at = data.draw(st.integers(0, len(text) - 1))
    cut = data.draw(st.integers(at, min(len(text), at + 40)))
    put = data.draw(st.text(alphabet="ABCxyz019-_.= \0é", max_size=10))
    changed = text[:at] + put + text[cut:]
    if changed != text:
        assert why(tokens, changed)


JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=5), inside, max_size=3),
    max_leaves=5,
)
CLAIMS = ("iss", "aud", "sub", "jti", "iat", "nbf", "exp", "role", "session")


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(CLAIMS), JSON, min_size=1))
def test_claims_that_we_never_make_are_refused_though_signed(tokens: Tokens, odd: dict[str, Any]) -> None:
    """Nobody but us can sign; but a bug or an older version might have."""
    claims = jwt.decode(tokens.make(ROOT, LISTENER, 60.0)[0], options={"verify_signature": False})
    head = tokens.make(ROOT, LISTENER, 60.0)[0].partition(".")[0]
    secret = tokens._secret.of(head)
    assert secret is not None
    headers = jwt.get_unverified_header(head + ".e30.AAAA")
    signed = jwt.PyJWS().encode(json.dumps({**claims, **odd}).encode(), secret, "HS256", headers)
    assert signed.startswith(head + ".")
    try:
        grant = tokens.read(signed)
    except Problem as problem:
        assert problem.status == 401
    else:
        assert KEY.caller.covers(grant.caller.role, grant.caller.session_id)


def test_deep_and_long_tokens_are_refused(tokens: Tokens) -> None:
    head = tokens.make(ROOT, LISTENER, 60.0)[0].partition(".")[0]
    deep = jwt.utils.base64url_encode(b"[" * 1000).decode()
    for text in (f"{head}.{deep}.AAAA", f"{deep}.{deep}.{deep}", head + "." + "A" * 100_000 + ".A", "." * 5000):
        assert why(tokens, text)
    with pytest.raises((ValueError, RecursionError)):
        json.loads("[" * 1000)


def test_the_secret_is_made_once_for_the_service_alone(tmp_path: Path) -> None:
    text, _ = tokens_in(tmp_path / "new" / "state").make(ROOT, LISTENER, 60.0)
    file = tmp_path / "new" / "state" / "secret"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) & 0o077 == 0
    assert tokens_in(file.parent).read(text)
    assert [path.name for path in file.parent.iterdir()] == ["secret"]


def test_a_new_secret_signs_and_the_old_one_is_good_for_a_while(tmp_path: Path) -> None:
    tokens = tokens_in(tmp_path)
    old, _ = tokens.make(ROOT, LISTENER, 60.0)
    rotate_secret(tmp_path / "secret")
    tokens._secret.reload()
    new, _ = tokens.make(ROOT, LISTENER, 60.0)
    assert new.partition(".")[0] != old.partition(".")[0]
    assert tokens.read(old) and tokens.read(new)
    rotate_secret(tmp_path / "secret")
    tokens._secret.reload()
    assert why(tokens, old) and tokens.read(new)
    (tmp_path / "secret").unlink()
    tokens._secret.reload()
    assert why(tokens, new)


@pytest.mark.parametrize("name", ["token-secret", "revoked-tokens"])
def test_files_that_others_can_read_stop_the_start(tmp_path: Path, name: str) -> None:
    config = config_of(tmp_path, (KEY,))
    Gate(config)
    (config.state_dir / name).touch()
    (config.state_dir / name).chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        Gate(config)
    (config.state_dir / name).unlink()
    (config.state_dir / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError):
        Gate(config)


def test_a_secret_that_is_none_stops_the_start(tmp_path: Path) -> None:
    config = config_of(tmp_path, (KEY,))
    Gate(config)
    (config.state_dir / "token-secret").write_text("")
    with pytest.raises(ConfigError, match="64 hex digits"):
        Gate(config)


def test_what_is_revoked_is_kept_until_it_has_expired(tmp_path: Path) -> None:
    clock, path = SteadyClock(), tmp_path / "revoked"
    revoked = Revoked(path, clock)
    for name, life_s in (("k.aa", 60.0), ("k.bb", -60.0)):
        revoked.add(name, clock.now_s() + life_s)
        revoked.keep(name)
    assert "k.aa" in revoked and "k.aa.child.of" in revoked and "k.aaa" not in revoked and "k" not in revoked
    with path.open("a") as file:
        file.write("k.torn 99999999999")
        file.write("\nnot a line\n\0\xff\n")
    again = Revoked(path, clock)
    assert "k.aa" in again and "k.bb" not in again
    assert "k.bb" not in path.read_text() and stat.S_IMODE(path.stat().st_mode) == 0o600


def test_many_revocations_are_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from synth.daemon.security import revoked as module

    monkeypatch.setattr(module, "MANY", 20)
    clock, path = SteadyClock(), tmp_path / "revoked"
    revoked = Revoked(path, clock)
    for number in range(100):
        revoked.add(f"k.{number}", clock.now_s() + (60.0 if number == 0 else -60.0))
        revoked.keep(f"k.{number}")
    assert "k.0" in revoked and len(path.read_text().splitlines()) <= 22


def test_tickets_that_nobody_used_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    tickets = Tickets()
    for _ in range(50):
        tickets.make(ROOT, "/x", 0.0)
    time.sleep(0.001)
    text = tickets.make(ROOT, "/x", 30.0)
    assert len(tickets) == 1
    assert tickets.take(text, "/x") is ROOT and len(tickets) == 0
    for strange in (text, "", "x" * 1000, "\ud800", "é", "\0"):
        with pytest.raises(Problem):
            tickets.take(strange, "/x")


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    with pytest.raises(ConfigError, match="state_dir"):
        Gate(config_of(tmp_path, (KEY,)))
