"""Answers that are more than a model: with headers, or with another status."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel
from starlette.responses import Response


def answered(model: BaseModel | None, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`model` as JSON, nothing for None. What an API answers is of this moment and kept by no cache."""
    headers = {"Cache-Control": "no-store", **(headers or {})}
    if model is None:
        return Response(None, status, headers)
    return Response(model.model_dump_json(), status, headers, media_type="application/json")
