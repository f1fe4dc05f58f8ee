"""How tests ask a service: sessions started, answers read strictly as the model that they are to be."""

from __future__ import annotations

import time

import httpx

from synth.api import ProblemDetails, Started
from synth.daemon.endpoints import catalogue, hands, sessions

MINE = (*catalogue.ENDPOINTS, *sessions.ENDPOINTS, *hands.ENDPOINTS)
ALL = "/api/v1/sessions"
KEPT = "kept"  # the session that plays through all tests of a file


def started(api, **asked) -> Started:
    answer = api.post(ALL, json=asked)
    assert answer.status_code == 201, answer.text
    told = Started.model_validate_json(answer.content, strict=True)
    assert answer.headers["location"] == told.links.session
    return told


def told(answer: httpx.Response, model):
    assert answer.status_code == 200, answer.text
    return model.model_validate_json(answer.content, strict=True)


def wrong(answer: httpx.Response, status: int) -> ProblemDetails:
    assert answer.status_code == status, answer.text
    return ProblemDetails.model_validate_json(answer.content, strict=True)


def until(is_so, timeout_s: float = 30.0):
    """What is so, as soon as it is."""
    end_s = time.monotonic() + timeout_s
    while not (found := is_so()):
        assert time.monotonic() < end_s, "it did not come to be"
        time.sleep(0.02)
    return found
