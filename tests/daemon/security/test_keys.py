"""Keys, roles, how often somebody may ask, and what must be set before others may reach the daemon."""

from __future__ import annotations

import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from synth.daemon.config import Config, ConfigError
from synth.daemon.problems import Problem
from synth.daemon.security import Caller, Key, Role, check_exposure, new_key
from synth.daemon.security.buckets import MOST, Buckets
from synth.daemon.security.heads import Heads
from synth.daemon.security.keys import find_key
from synth.daemon.security.origins import check_host, check_origin
from synth.daemon.security.visits import address_of

HASH = "sha256:" + "a" * 64


def test_a_key_is_found_by_its_text_and_kept_as_its_hash() -> None:
    made = [new_key(Role.THERAPIST, f"app-{n}", "one") for n in range(3)]
    keys = [key for _, key in made]
    for text, key in made:
        assert len(text) > 45 and text not in key.toml and text.removeprefix("isotone-") not in repr(key)
        assert find_key(text, keys) is key
        assert key.caller == Caller(Role.THERAPIST, "one", key.name)
        assert Key.read(tomllib.loads(key.toml)["keys"][0]) == key
    assert len({text for text, _ in made} | {key.id for key in keys}) == 6
    for text in ("", "isotone-", made[0][0] + "x", made[0][0][:-1], keys[0].hash, "é", "\0", "x" * 10_000):
        assert find_key(text, keys) is None


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"name": "a", "role": "boss", "hash": HASH}, "listener, therapist, operator"),
        ({"name": "a", "role": "OPERATOR", "hash": HASH}, "is no role"),
        ({"name": "A B", "role": "operator", "hash": HASH}, "name"),
        ({"name": "a", "role": "operator", "hash": "plain"}, "64 hex digits"),
        ({"name": "a", "role": "operator"}, "hash"),
        ({"name": "a", "role": "operator", "hash": HASH, "session": "../x"}, "session"),
        ({"name": "a", "role": "operator", "hash": HASH, "session": 1}, "session"),
        ({"name": "a", "role": "operator", "hash": HASH, "key": "x"}, "'key'"),
    ],
)
def test_a_table_that_is_no_key_is_explained(table: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Key.read(table)


def test_rights_cover_what_is_narrower() -> None:
    anywhere, here = Caller(Role.THERAPIST, None, "a"), Caller(Role.THERAPIST, "one", "a")
    assert anywhere.covers(Role.THERAPIST, "two") and anywhere.covers(Role.LISTENER, None)
    assert here.covers(Role.LISTENER, "one")
    assert not here.covers(Role.LISTENER, "two") and not here.covers(Role.LISTENER, None)
    assert not anywhere.covers(Role.OPERATOR, "one")


def test_a_bucket_gives_its_burst_and_then_its_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    from synth.daemon.security import buckets

    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(buckets, "time", SimpleNamespace(monotonic=lambda: clock.now))
    bucket = Buckets()
    assert [bucket.take("a", 2.0, 3) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert bucket.take("b", 2.0, 3) == 0.0
    clock.now += 0.5
    assert bucket.take("a", 2.0, 3) == 0.0 and bucket.take("a", 2.0, 3) == 0.5
    clock.now += 1000.0
    assert [bucket.take("a", 2.0, 3) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]


def test_as_many_names_as_one_likes_take_no_more_memory() -> None:
    bucket = Buckets()
    for number in range(MOST + 100):
        bucket.take(str(number), 1.0, 1)
        bucket.take("the one who asks all the time", 1.0, 1)
    assert len(bucket) == MOST
    assert bucket.take("the one who asks all the time", 1.0, 1) > 0.0


def test_addresses_of_one_subscriber_are_one() -> None:
    def of(host: str) -> str:
        return address_of({"client": (host, 1)})

    assert of("2001:db8:1:2::5") == of("2001:db8:1:2:ffff::1") != of("2001:db8:1:3::5")
    assert of("::ffff:192.0.2.1") == of("192.0.2.1") != of("192.0.2.2")
    assert of("::1") == "::1" and of("fe80::1%eth0") == of("fe80::2%eth0") and of("testclient") == "testclient"
    assert address_of({}) == "local"


def scope_with(**headers: bytes) -> dict[str, Any]:
    pairs = [(name.replace("_", "-").encode(), value) for name, value in headers.items()]
    return {"type": "http", "method": "POST", "scheme": "http", "path": "/", "headers": pairs}


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_no_host_or_origin_breaks_the_checks(host: bytes, origin: bytes) -> None:
    scope = scope_with(host=host, origin=origin)
    heads = Heads(scope)
    for check in (lambda: check_host(heads, ("studio.example",)), lambda: check_origin(scope, heads, ())):
        try:
            check()
        except Problem as problem:
            assert problem.status in (400, 403, 421)


@pytest.mark.parametrize(
    ("host", "origin", "scheme", "is_own"),
    [
        ("studio.example", "https://studio.example", "https", True),
        ("studio.example:443", "https://studio.example", "https", True),
        ("STUDIO.example", "https://studio.EXAMPLE", "https", True),
        ("studio.example", "http://studio.example", "https", False),
        ("studio.example:8443", "https://studio.example", "https", False),
        ("[::1]:8080", "http://[::1]:8080", "http", True),
        ("studio.example", "https://studio.example", "http", True),  # a proxy ends TLS
        ("", "http://", "http", False),
    ],
)
def test_what_our_own_origin_is(host: str, origin: str, scheme: str, is_own: bool) -> None:
    scope = {**scope_with(host=host.encode(), origin=origin.encode()), "scheme": scheme}
    try:
        check_origin(scope, Heads(scope), ())
    except Problem:
        assert not is_own
    else:
        assert is_own


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    file = tmp_path / "both.pem"
    trustme.CA().issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(file))
    return file


KEY = Key("app", Role.OPERATOR, HASH)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.3.2.1"])
def test_on_loopback_nothing_is_insisted_on(host: str) -> None:
    check_exposure(Config(host=host))
    with pytest.raises(ConfigError, match="--new-key"):
        check_exposure(Config(host=host, sign_in=True))
    check_exposure(Config(host=host, sign_in=True, keys=(KEY,)))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "studio.example", "localhost.example"])
def test_off_loopback_tls_and_a_key_are_insisted_on(host: str, certificate: Path) -> None:
    with pytest.raises(ConfigError) as told:
        check_exposure(Config(host=host))
    assert len(str(told.value).splitlines()) == 2
    assert "[tls]" in str(told.value) and "--new-key" in str(told.value) and "127.0.0.1" in str(told.value)
    tls = {"tls_cert": certificate, "tls_key": certificate}
    with pytest.raises(ConfigError, match="keys"):
        check_exposure(Config(host=host, **tls))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="tls"):
        check_exposure(Config(host=host, keys=(KEY,)))
    check_exposure(Config(host=host, keys=(KEY,), **tls))  # type: ignore[arg-type]


def test_a_private_key_that_is_missing_is_told(certificate: Path) -> None:
    missing = certificate.with_name("none.pem")
    with pytest.raises(ConfigError, match="cannot be read"):
        check_exposure(Config(host="0.0.0.0", keys=(KEY,), tls_cert=certificate, tls_key=missing))


def test_two_keys_of_one_name_are_told() -> None:
    with pytest.raises(ConfigError, match="two are called 'app'"):
        check_exposure(Config(sign_in=True, keys=(KEY, KEY)))
