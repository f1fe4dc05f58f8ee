"""What is answered about access is as OpenAPI describes it (schemathesis against a real server)."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from synth.daemon.endpoints.access import ENDPOINTS
from synth.daemon.openapi import describe
from tests.daemon.security.daemon import Daemon

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
]
NEGATIVE = schemathesis.GenerationMode.NEGATIVE
TOKEN_ID = "loopback.0123456789abcdef"


def _operations() -> list[Any]:
    schema = schemathesis.openapi.from_dict(describe(ENDPOINTS))
    return [pytest.param(found.ok(), id=found.ok().label) for found in schema.get_all_operations()]


@pytest.mark.parametrize("operation", _operations())
def test_what_is_answered_is_as_described(local: Daemon, operation: Any) -> None:
    answered = set()

    @hypothesis.settings(
        max_examples=10,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    )
    @hypothesis.given(case=operation.as_strategy() | operation.as_strategy(generation_mode=NEGATIVE))
    def check(case: Any) -> None:
        if "token_id" in (case.path_parameters or {}):
            case.path_parameters["token_id"] = TOKEN_ID
        answered.add(case.call_and_validate(base_url=local.url, checks=CHECKS, timeout=30.0).status_code)

    check()
    assert answered & {200, 204}, answered
