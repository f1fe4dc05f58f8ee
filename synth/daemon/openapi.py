"""OpenAPI 3.1 out of the table of endpoints and their models (spec.openapis.org/oas/v3.1)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from synth import __version__
from synth.api.model import SESSION_NAME
from synth.api.problem import PROBLEM_MEDIA, ProblemDetails
from synth.controls import TABLE
from synth.daemon.endpoints.table import WEBSOCKET, Endpoint

REF = "#/components/schemas/{model}"
JSON_MEDIA = "application/json"
OF_ALL = (400, 403, 408, 414, 421, 429, 500, 503)  # what the shield or a fault may answer, whatever is asked
OF_BODIES = (413, 415, 422)
DESCRIPTION = """\
Adaptive generative music, synthesized while it plays. Start a session, feed it what a wearable senses, hear it, steer
it.

Every error is `application/problem+json` (RFC 9457). On the machine itself nobody needs to sign in unless the service
is set so; elsewhere everybody does. The role that an endpoint takes stands at `x-role`: each role may all that those
before it may, of listener, therapist and operator. The music is for wellness."""
TAGS = {
    "catalogue": "What there is to choose from.",
    "sessions": "Start a session, see it, stop it.",
    "hands": "Play with a session: controls, words, feedback, notes.",
    "signals": "What a wearable senses.",
    "events": "What happens in a session, as it happens.",
    "listen": "Hear a session.",
    "page": "The listening page.",
    "files": "Reports, records and exports of a session.",
    "renders": "Sessions rendered into files, as fast as the machine can.",
    "access": "Keys, tokens and tickets.",
    "service": "The service itself.",
}
_PARAMETERS: dict[str, dict[str, Any]] = {
    "session_id": {"type": "string", "pattern": SESSION_NAME},
    "control": {"type": "string", "enum": list(TABLE)},
}
Json = dict[str, Any]


@cache
def openapi_json() -> str:
    """The description of the service as JSON."""
    from synth.daemon.endpoints import ALL

    return json.dumps(describe(ALL), ensure_ascii=False)


def describe(endpoints: Iterable[Endpoint]) -> Json:
    """The description of `endpoints`."""
    endpoints = tuple(endpoints)
    schemas = Schemas(endpoints)
    paths: dict[str, Json] = {}
    for endpoint in endpoints:
        path = paths.setdefault(re.sub(r":[a-z]+}", "}", endpoint.path), {})
        if endpoint.method == WEBSOCKET:
            path.setdefault("get", _socket(endpoint, schemas))["x-websocket"] = _conversation(endpoint)
        else:
            path[endpoint.method.lower()] = {**path.get(endpoint.method.lower(), {}), **_operation(endpoint, schemas)}
    wrong = {PROBLEM_MEDIA: {"schema": schemas.names[ProblemDetails, "serialization"]}}
    problem = {"description": "What is wrong, and what to do about it.", "content": wrong}
    used = {endpoint.tag for endpoint in endpoints}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "isotone",
            "version": __version__,
            "description": DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag, "description": about} for tag, about in TAGS.items() if tag in used],
        "paths": paths,
        "components": {
            "schemas": schemas.all,
            "responses": {"Problem": problem},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "A token or key of this service."}
            },
        },
        "security": [{"bearer": []}, {}],
    }


class Schemas:
    """The models of `endpoints`: `all` schemas by name, and `names`, a reference for each model and mode."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        asked: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(ProblemDetails, "serialization"): None}
        for endpoint in endpoints:
            asked |= {(model, "validation"): None for model in (endpoint.body, endpoint.query) if model is not None}
            asked |= {(endpoint.answer, "serialization"): None} if endpoint.answer is not None else {}
        names, definitions = models_json_schema(list(asked), ref_template=REF)
        self.names: dict[Any, Json] = dict(names)
        self.all: dict[str, Json] = definitions["$defs"]

    def of(self, query: type[BaseModel]) -> Json:
        """The schema of a query."""
        return self.all[self.names[query, "validation"]["$ref"].rpartition("/")[2]]


def _operation(endpoint: Endpoint, schemas: Schemas) -> Json:
    operation: Json = {
        **_head(endpoint),
        "parameters": _path_parameters(endpoint.path) + _query_parameters(endpoint.query, schemas),
        "responses": _responses(endpoint, schemas),
    }
    if endpoint.body is not None:
        body = schemas.names[endpoint.body, "validation"]
        operation["requestBody"] = {"required": True, "content": _json(body)}
    return operation


def _head(endpoint: Endpoint) -> Json:
    head: Json = {
        "operationId": _operation_id(endpoint),
        "summary": endpoint.summary,
        "tags": [endpoint.tag],
    }
    about = (endpoint.call.__doc__ or "").strip()
    head |= {"description": about} if about else {}
    if endpoint.role is None:
        return head | {"security": []}
    return head | {"x-role": endpoint.role.word}


def _operation_id(endpoint: Endpoint) -> str:
    parts = re.findall(r"[A-Za-z0-9_]+", re.sub(r":[a-z]+}", "}", endpoint.path.removeprefix("/api/v1")))
    return "_".join([endpoint.method.lower().replace("websocket", "connect"), *(parts or ["root"])])


def _path_parameters(path: str) -> list[Json]:
    names = re.findall(r"{([a-z_]+)(?::[a-z]+)?}", path)
    schema: Json = {"type": "string", "minLength": 1}
    return [{"name": name, "in": "path", "required": True, "schema": _PARAMETERS.get(name, schema)} for name in names]


def _query_parameters(query: type[BaseModel] | None, schemas: Schemas) -> list[Json]:
    if query is None:
        return []
    schema = schemas.of(query)
    return [
        {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": _without_null(one)}
        for name, one in schema.get("properties", {}).items()
    ]


def _without_null(schema: Json) -> Json:
    """A query has no null: what may be None may be left out."""
    if "anyOf" not in schema:
        return schema
    kinds = [one for one in schema["anyOf"] if one != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    return {**rest, **kinds[0]} if len(kinds) == 1 else {**rest, "anyOf": kinds}


def _responses(endpoint: Endpoint, schemas: Schemas) -> Json:
    answer: Json = {"description": endpoint.summary}
    if endpoint.answer is not None:
        answer["content"] = _json(schemas.names[endpoint.answer, "serialization"])
    elif endpoint.status != 204:
        answer["content"] = {endpoint.media: {}}
    if endpoint.status == 201:
        answer["headers"] = {"Location": {"required": True, "schema": {"type": "string"}}}
    responses = {str(endpoint.status): answer}
    if 416 in endpoint.errors:
        responses["206"] = {"description": "A part of it (RFC 9110, section 14).", "content": {endpoint.media: {}}}
    return responses | _problems(endpoint)


def _problems(endpoint: Endpoint) -> Json:
    """Every error that it may answer."""
    statuses = {*OF_ALL, *endpoint.errors}
    statuses |= {401} if endpoint.role is not None else set()
    statuses |= {404} if "{" in endpoint.path else set()
    statuses |= {*OF_BODIES} if endpoint.body is not None else set()
    statuses |= {422} if endpoint.query is not None or endpoint.path.startswith("/api/") else set()
    return {str(status): {"$ref": "#/components/responses/Problem"} for status in sorted(statuses)}


def _socket(endpoint: Endpoint, schemas: Schemas) -> Json:
    """A WebSocket as OpenAPI can say it: the request that opens it (RFC 6455, section 4)."""
    responses = {"101": {"description": HTTPStatus(101).phrase + ": the WebSocket is open."}}
    problems = _problems(endpoint) | {"426": {"$ref": "#/components/responses/Problem"}}
    parameters = _path_parameters(endpoint.path) + _query_parameters(endpoint.query, schemas)
    return {**_head(endpoint), "parameters": parameters, "responses": {**responses, **problems}}


def _conversation(endpoint: Endpoint) -> Json:
    return {"summary": endpoint.summary, "protocol": "websocket"}


def _json(schema: Json) -> Json:
    return {JSON_MEDIA: {"schema": schema}}
