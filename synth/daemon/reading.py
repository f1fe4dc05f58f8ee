"""Reads what a request says, strictly: JSON as RFC 8259 has it, no more than allowed, and nothing twice."""

from __future__ import annotations

import asyncio
import json
import math
import re
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import HTTPConnection, Request

from synth.api.problem import Wrong
from synth.daemon.problems import Problem, unprocessable

BODY_S = 30.0  # a body that takes longer is not waited for
_LARGE = re.compile(rb"[eE][+]?[0-9]{3}|[0-9]{200}")  # in what may be more than a double has
PARAMETERS_OF_ALL = ("ticket",)  # taken by the gate, from URLs that cannot have a header
Model = TypeVar("Model", bound=BaseModel)


async def read_body(request: Request, model: type[Model], most_bytes: int) -> Model:
    """The body as `model`. Problem 400, 408, 413, 415 or 422 tells what is wrong and where."""
    _check_type(request)
    raw = await _bytes(request, most_bytes)
    check_json(raw)
    try:
        return model.model_validate_json(raw, strict=True)
    except ValidationError as error:
        raise unprocessable(error, "body") from None


def read_query(connection: HTTPConnection, model: type[Model] | None) -> Model | None:
    """The query as `model` (None: there is to be none). Problem 422 tells what is wrong."""
    given: dict[str, str] = {}
    for name, value in connection.query_params.multi_items():
        if name in PARAMETERS_OF_ALL:
            continue
        if name in given:
            raise Problem(422, detail="give each parameter once", errors=[Wrong(where=f"query.{name}", what="twice")])
        given[name] = value
    if model is None:
        if given:
            errors = [Wrong(where=f"query.{name}", what="there is no such parameter") for name in given]
            raise Problem(422, detail="this takes no parameters", errors=errors)
        return None
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise unprocessable(error, "query") from None


def check_json(raw: bytes) -> Any:
    """What `raw` says. Problem 400 where it is no JSON, says a name twice or a number no double has, or nests deep."""
    if not raw.strip():
        raise Problem(400, "No body", "send a JSON object")
    try:
        number = _number if _LARGE.search(raw) else None
        return json.loads(raw.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_number, parse_float=number)
    except UnicodeDecodeError:
        raise Problem(400, "Malformed JSON", "the body is not UTF-8") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Problem(400, "Malformed JSON", f"{where}: {error.msg}") from None
    except RecursionError:
        raise Problem(400, "Malformed JSON", "nested too deeply") from None
    except ValueError as error:  # a number of thousands of digits, and what the hooks say
        raise Problem(400, "Malformed JSON", _Said.of(error)) from None


class _Said(ValueError):
    """What is wrong, in words for the caller."""

    @staticmethod
    def of(error: ValueError) -> str:
        return str(error) if isinstance(error, _Said) else "a number that no double has"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise _Said(f"{twice[:50]!r} is said twice")
    return found


def _no_number(word: str) -> NoReturn:
    raise _Said(f"{word} is no number in JSON")


def _number(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise _Said(f"{text[:30]} is a number that no double has")
    return value


def _check_type(request: Request) -> None:
    """Problem 415 where the body is not said to be plain JSON in UTF-8."""
    media, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if media.strip().lower() != "application/json" or charset not in ("", "utf-8"):
        raise Problem(
            415, detail="send the body as Content-Type: application/json", headers={"Accept": "application/json"}
        )
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(415, detail="send the body uncompressed", headers={"Accept-Encoding": "identity"})


async def _bytes(request: Request, most: int) -> bytes:
    """The body's bytes. Problem 413 as soon as they are known to be too many, 408 where they come too slowly."""
    too_many = Problem(413, detail=f"send at most {most} bytes", headers={"Connection": "close"})
    length = request.headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit() or int(length) > most:
        raise too_many
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for part in request.stream():
                body += part
                if len(body) > most:
                    raise too_many
    except TimeoutError:
        raise Problem(408, detail="the body did not come", headers={"Connection": "close"}) from None
    return bytes(body)
