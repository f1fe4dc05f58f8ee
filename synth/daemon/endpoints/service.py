"""The service itself: whether it lives and is ready, its figures, its version and its description."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from synth import __version__
from synth.api.problem import Wrong
from synth.daemon.endpoints.table import Endpoint
from synth.daemon.health import missing
from synth.daemon.house import House
from synth.daemon.problems import Problem
from synth.daemon.security import Caller, Role

RETRY_S = 2
METRICS_MEDIA = "text/plain; version=0.0.4; charset=utf-8"


class Alive(BaseModel):
    """The service answers."""

    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    """The service takes sessions: its render workers are warm, and sessions of before go on."""

    status: Literal["ready"] = "ready"


class Version(BaseModel):
    """What runs."""

    name: Literal["isotone"] = "isotone"
    version: str = Field(description="of the engine")
    api: Literal["v1"] = "v1"


async def _alive(house: House, caller: Caller, request: Request, body: None) -> Alive:
    return Alive()


async def _ready(house: House, caller: Caller, request: Request, body: None) -> Ready:
    lacks = missing(house)
    if lacks:
        errors = [Wrong(where="service", what=what) for what in lacks]
        raise Problem(503, "Not ready", "; ".join(lacks), errors=errors, headers={"Retry-After": str(RETRY_S)})
    return Ready()


async def _metrics(house: House, caller: Caller, request: Request, body: None) -> Response:
    text, media = house.metrics.text(request.headers.get("accept", ""))
    return Response(text, headers={"Content-Type": media, "Cache-Control": "no-store"})


async def _version(house: House, caller: Caller, request: Request, body: None) -> Version:
    return Version(version=__version__)


async def _openapi(house: House, caller: Caller, request: Request, body: None) -> Response:
    from synth.daemon.openapi import openapi_json

    return Response(openapi_json(), media_type="application/json")


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", "/healthz", _alive, "Whether the service lives.", None, "service", answer=Alive),
    Endpoint(
        "GET", "/readyz", _ready, "Whether it takes sessions, or what it waits for.", None, "service", answer=Ready,
        errors=(503,),
    ),
    Endpoint(
        "GET", "/metrics", _metrics, "Figures for Prometheus.", Role.OPERATOR, "service", media=METRICS_MEDIA,
    ),
    Endpoint("GET", "/api/v1/version", _version, "What runs.", None, "service", answer=Version),
    Endpoint("GET", "/openapi.json", _openapi, "This description, OpenAPI 3.1.", None, "service"),
)  # fmt: skip
