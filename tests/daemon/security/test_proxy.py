"""Behind a proxy: whose word on the caller and the scheme is taken, and whose is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from synth.daemon.config import Config, ConfigError
from synth.daemon.security import Role
from tests.daemon.security.daemon import DEADLINE_S, Daemon, config_of, running, three_keys

STATE = "/api/v1/sessions/one/state"
FORWARDED = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that believes 127.0.0.1, and answers an address twice at once."""
    texts, keys = three_keys()
    limits = {"requests_per_s": 0.001, "burst_requests": 2}
    config = config_of(tmp_path_factory.mktemp("behind"), keys, limits, proxy_trusted=("127.0.0.1",))
    with running(config, texts) as daemon:
        yield daemon


def ask(daemon: Daemon, source: str, path: str = "/", **headers: str) -> httpx.Response:
    """From an address of this machine."""
    with httpx.Client(transport=httpx.HTTPTransport(local_address=source), timeout=DEADLINE_S) as client:
        return client.get(daemon.url + path, headers=headers)


def test_a_trusted_proxy_tells_the_scheme_and_the_caller(behind: Daemon) -> None:
    first = ask(behind, "127.0.0.1", **FORWARDED)
    assert first.status_code == 200 and "strict-transport-security" in first.headers
    assert "strict-transport-security" not in ask(behind, "127.0.0.1", **{"X-Forwarded-For": "203.0.113.8"}).headers
    # what the caller puts before the proxy's own word does not count
    spoofed = FORWARDED | {"X-Forwarded-For": "198.51.100.1, 203.0.113.7"}
    assert ask(behind, "127.0.0.1", **spoofed).status_code == 200
    assert ask(behind, "127.0.0.1", **spoofed).status_code == 429
    assert ask(behind, "127.0.0.1", **(FORWARDED | {"X-Forwarded-For": "203.0.113.9"})).status_code == 200


def test_nobody_else_is_believed(behind: Daemon) -> None:
    for number in range(2):
        answer = ask(behind, "127.0.0.2", **(FORWARDED | {"X-Forwarded-For": f"203.0.113.{20 + number}"}))
        assert answer.status_code == 200 and "strict-transport-security" not in answer.headers
    assert ask(behind, "127.0.0.2", **(FORWARDED | {"X-Forwarded-For": "203.0.113.30"})).status_code == 429


def test_by_default_no_proxy_is_believed(local: Daemon) -> None:
    assert "strict-transport-security" not in ask(local, "127.0.0.1", **FORWARDED).headers


@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Forwarded-Proto", "Forwarded"])
@pytest.mark.parametrize("trusted", [(), ("127.0.0.1",)])
def test_without_sign_in_nobody_comes_by_a_proxy(tmp_path: Path, name: str, trusted: tuple[str, ...]) -> None:
    """Even one that says to speak for this machine: many hand on what the caller wrote there."""
    with running(config_of(tmp_path, proxy_trusted=trusted)) as daemon:
        assert ask(daemon, "127.0.0.1", STATE).status_code == 200
        assert ask(daemon, "127.0.0.1", STATE, **{name: "127.0.0.1"}).status_code == 403


def test_the_pages_cookie_is_for_https_alone_where_the_proxy_speaks_it(tmp_path: Path) -> None:
    texts, keys = three_keys()
    with running(config_of(tmp_path, keys, proxy_trusted=("127.0.0.1",)), texts) as daemon:
        for headers, is_secure in ((FORWARDED, True), ({}, False)):
            sent = {"json": {"credential": texts[Role.LISTENER]}, "headers": headers}
            cookie = daemon.ask("POST", "/api/v1/sign-in", **sent).headers["set-cookie"]
            assert ("secure" in cookie.lower()) == is_secure


@pytest.mark.parametrize("strange", ["*", "proxy.example", "10.0.0.1/8"])
def test_proxies_are_named_by_address(strange: str) -> None:
    with pytest.raises(ConfigError, match="is no address or network"):
        Config(proxy_trusted=("127.0.0.1", strange)).check()
    Config(proxy_trusted=("127.0.0.1", "10.0.0.0/8", "fd00::/8")).check()
