"""Daemons that several tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from synth.daemon.security import gate
from tests.daemon.security.daemon import Daemon, config_of, running, three_keys


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that asks who calls, and minds no wrong answers."""
    texts, keys = three_keys()
    with pytest.MonkeyPatch.context() as patient:
        patient.setattr(gate, "MISSES", 100_000)
        with running(config_of(tmp_path_factory.mktemp("signed"), keys), texts) as daemon:
            yield daemon


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon on loopback that asks nobody."""
    folder: Path = tmp_path_factory.mktemp("local")
    config = config_of(
        folder, limits={"max_body_bytes": 4096}, hosts=("studio.example",), origins=("https://app.example",)
    )
    with running(config) as daemon:
        yield daemon
