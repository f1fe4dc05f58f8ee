"""The description of the service: valid, whole, and true of what is answered (schemathesis against a real server)."""

from __future__ import annotations

import json
import re

import hypothesis
import jsonschema_rs
import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from synth.api.model import SESSION_NAME
from synth.daemon.config import Config
from synth.daemon.endpoints import ALL, catalogue, hands, sessions
from synth.daemon.endpoints.table import WEBSOCKET
from synth.daemon.openapi import describe, openapi_json
from tests.daemon.fakes import fake_service

MINE = (*catalogue.ENDPOINTS, *sessions.ENDPOINTS, *hands.ENDPOINTS)
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
    allow_header_conformance,
)
EXAMPLES = 8
NEGATIVE = schemathesis.GenerationMode.NEGATIVE
DESCRIBED = describe(MINE)


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    state = tmp_path_factory.mktemp("state")
    with fake_service(state, MINE, config=Config(state_dir=state, max_sessions=100)) as served:
        yield served


@pytest.fixture
def session_id(service):
    """A session of this test's own, the only one that plays."""
    name = f"s{len(service.house.sessions.all)}"
    service.call(service.house.sessions.create("settle", {"minutes": 600}, name=name))
    yield name
    for hosted in service.house.sessions.all.values():
        hosted.paused = True


def operations():
    schema = schemathesis.openapi.from_dict(DESCRIBED)
    return [pytest.param(found.ok(), id=found.ok().label) for found in schema.get_all_operations()]


@pytest.mark.parametrize("operation", operations())
def test_what_is_answered_is_as_described(service, session_id, operation):
    answered = set()

    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    )
    @hypothesis.given(case=operation.as_strategy() | operation.as_strategy(generation_mode=NEGATIVE))
    def check(case):
        if "session_id" in (case.path_parameters or {}):
            case.path_parameters["session_id"] = session_id
        answered.add(case.call_and_validate(base_url=service.url, checks=list(CHECKS), timeout=30.0).status_code)

    check()
    assert answered & {200, 201}, answered


def test_the_description_of_everything_is_valid():
    schemathesis.openapi.from_dict(json.loads(openapi_json())).validate()
    described = json.loads(openapi_json())
    assert described["openapi"] == "3.1.0"
    for path, item in described["paths"].items():
        for operation in item.values():
            given = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
            assert given == set(re.findall(r"{(\w+)}", path)), path


def test_every_endpoint_is_described_once():
    described = json.loads(openapi_json())
    operations = [operation for item in described["paths"].values() for operation in item.values()]
    ids = [operation["operationId"] for operation in operations]
    places = {(re.sub(r":\w+}", "}", e.path), e.method.replace(WEBSOCKET, "GET")) for e in ALL}
    assert len(ids) == len(set(ids)) == len(places)
    for endpoint in ALL:
        item = described["paths"][re.sub(r":\w+}", "}", endpoint.path)]
        operation = item["get" if endpoint.method == WEBSOCKET else endpoint.method.lower()]
        assert endpoint.summary and operation["summary"] and operation["tags"]
        assert ("x-websocket" in operation) >= (endpoint.method == WEBSOCKET)
        assert operation.get("security") == ([] if endpoint.role is None else None)
    tags = {tag["name"] for tag in described["tags"]}
    assert {operation["tags"][0] for operation in operations} <= tags


def test_errors_are_problems_and_bodies_have_their_own():
    create = DESCRIBED["paths"]["/api/v1/sessions"]["post"]
    assert {"201", "400", "401", "403", "409", "413", "415", "422", "503"} <= set(create["responses"])
    assert create["responses"]["422"] == {"$ref": "#/components/responses/Problem"}
    content = DESCRIBED["components"]["responses"]["Problem"]["content"]
    assert list(content) == ["application/problem+json"]
    assert "413" not in DESCRIBED["paths"]["/api/v1/sessions"]["get"]["responses"]
    one = DESCRIBED["paths"]["/api/v1/sessions/{session_id}"]["get"]
    assert one["parameters"][0]["schema"]["pattern"] == SESSION_NAME and "404" in one["responses"]


def test_the_example_of_health_apps_is_as_described():
    schemas = DESCRIBED["components"]["schemas"]
    validator = jsonschema_rs.validator_for(
        {"$ref": "#/components/schemas/NewSession", "components": {"schemas": schemas}}
    )
    example = {
        "user_id": "u-1",
        "session_id": "abc",
        "signals": {"hr": [72, 71.5], "hrv": 40, "accelerometer": [0, 0, 1]},
        "context": {"time_of_day": "21:30"},
    }
    assert validator.is_valid(example) and not validator.is_valid({**example, "user": 1})
    assert not validator.is_valid({"context": {"time_of_day": "late"}})


def test_links_lead_somewhere():
    """Every path that a session's links name is one of the table's."""
    from synth.daemon.showing import links

    paths = {endpoint.path for endpoint in ALL}
    for link in links("ID").model_dump().values():
        assert link.replace("ID", "{session_id}").partition("?")[0] in paths, link
