"""What the daemon stands on, and what it says where it cannot."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
import trustme

from synth.daemon.config import Config
from synth.daemon.premises import ServeError, claimed, listening, load_certificate, tls_context

IS_ROOT = os.geteuid() == 0


def test_the_state_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "state"
    with claimed(folder):
        assert folder.stat().st_mode & 0o777 == 0o700
        assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o701])
def test_one_that_others_can_look_into_is_refused(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    with pytest.raises(ServeError, match=f"chmod 700 {tmp_path}"), claimed(tmp_path):
        pass


def test_one_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ServeError, match="cannot be made|not a folder"), claimed(tmp_path / "file"):
        pass
    with pytest.raises(ServeError, match="cannot be made"), claimed(Path("/proc/isotone/state")):
        pass


def test_one_that_another_service_has_is_refused_until_it_ends(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    with claimed(folder), pytest.raises(ServeError, match="another isotone service"), claimed(folder):
        pass
    with claimed(folder):
        pass


def test_one_that_is_somebody_elses_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o700)
    uid = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: uid + 1)
    with pytest.raises(ServeError, match="somebody else's"), claimed(tmp_path):
        pass


def test_a_port_that_is_taken_is_told() -> None:
    with listening("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(ServeError, match=f"port {port} of 127.0.0.1 is in use: .* another --port"):
            listening("127.0.0.1", port)
    listening("127.0.0.1", port).close()


def test_an_address_that_is_not_ours_is_told() -> None:
    with pytest.raises(ServeError, match="192.0.2.1 is no address of this machine"):
        listening("192.0.2.1", 0)
    with pytest.raises(ServeError, match="no such address"):
        listening("no-such-host.invalid", 0)


def test_it_listens_on_ipv6_too() -> None:
    if not socket.has_ipv6:
        return
    try:
        found = listening("::1", 0)
    except ServeError as error:  # a machine without it says so
        assert "::1" in str(error)
    else:
        assert found.family == socket.AF_INET6
        found.close()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    issued = trustme.CA().issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(tmp_path / "key")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert")
    return Config(tls_cert=tmp_path / "cert", tls_key=tmp_path / "key")


def test_without_a_certificate_there_is_no_tls() -> None:
    assert tls_context(Config()) is None


def test_a_certificate_that_cannot_be_used_is_told_and_the_one_before_is_kept(config: Config) -> None:
    context = tls_context(config)
    assert context is not None and config.tls_cert and config.tls_key
    good = config.tls_key.read_bytes()
    trustme.CA().issue_cert("127.0.0.1").private_key_pem.write_to_path(config.tls_key)
    with pytest.raises(ServeError, match="no certificate with its key"):
        load_certificate(context, config)
    config.tls_key.write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\nx\n")
    with pytest.raises(ServeError, match="tls:"):
        load_certificate(context, config)
    config.tls_key.unlink()
    with pytest.raises(ServeError, match="No such file"):
        load_certificate(context, config)
    config.tls_key.write_bytes(good)
    load_certificate(context, config)
