"""A service of fakes that the tests of a file ask, and a session that plays all the while."""

from __future__ import annotations

import httpx
import pytest

from tests.daemon.asking import KEPT, MINE, started
from tests.daemon.fakes import fake_service


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with fake_service(tmp_path_factory.mktemp("state"), MINE) as served:
        yield served


@pytest.fixture(scope="module")
def house(service):
    return service.house


@pytest.fixture(scope="module")
def api(service):
    with httpx.Client(base_url=service.url, timeout=60.0) as client:
        yield client


@pytest.fixture
def quiet(house):
    """Sessions of one test take no time of the next."""
    before = set(house.sessions.all)
    yield
    for name in set(house.sessions.all) - before - {KEPT}:
        house.sessions.all[name].paused = True


@pytest.fixture(scope="module")
def playing(api):
    """The path of a session that plays all the while."""
    return started(api, preset="settle", seed=1, name=KEPT).links.session
