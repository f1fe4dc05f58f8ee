"""Listening: PCM over a WebSocket, Ogg Opus over HTTP, and the page that plays the first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.websockets import WebSocket

from synth.api.model import one_of
from synth.controls import STEMS
from synth.daemon.audio.broadcast import OpusError
from synth.daemon.audio.listeners import OVER, Full
from synth.daemon.endpoints.table import WEBSOCKET, Endpoint
from synth.daemon.house import House
from synth.daemon.problems import Problem
from synth.daemon.security import Caller, Role

if TYPE_CHECKING:
    from synth.daemon.sessions import Hosted

MIX = "mix"
BITRATES_BPS = (32_000, 48_000, 64_000, 96_000, 128_000, 160_000, 192_000, 256_000)
OPUS_MEDIA = "audio/ogg; codecs=opus"
RETRY_S = 5
PAGE = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/api.js": ("api.js", "text/javascript; charset=utf-8"),
    "/player.js": ("player.js", "text/javascript; charset=utf-8"),
    "/shown.js": ("shown.js", "text/javascript; charset=utf-8"),
    "/socket.js": ("socket.js", "text/javascript; charset=utf-8"),
    "/worklet.js": ("worklet.js", "text/javascript; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}

Stem = one_of((MIX, *STEMS), "stem")


def _bitrate(bitrate_bps: int) -> int:
    if bitrate_bps not in BITRATES_BPS:
        raise ValueError(f"give one of {', '.join(map(str, BITRATES_BPS))} bit/s")
    return bitrate_bps


class ListenAsked(BaseModel):
    """`stem`: one of the session's, or the mix. `format`: "s16" is int16 (32,768 is full scale) with dither, "f32" is
    float32; both little-endian, interleaved, stereo."""

    model_config = ConfigDict(extra="forbid")
    stem: Stem = MIX  # type: ignore[valid-type]
    format: Literal["s16", "f32"] = "s16"


class OpusAsked(BaseModel):
    """`stem`: one of the session's, or the mix. `bitrate`: bits a second (None: as the service is set)."""

    model_config = ConfigDict(extra="forbid")
    stem: Stem = MIX  # type: ignore[valid-type]
    bitrate: (
        Annotated[int, AfterValidator(_bitrate), WithJsonSchema({"type": "integer", "enum": list(BITRATES_BPS)})] | None
    ) = Field(None)


def _heard(house: House, session_id: str, stem: str) -> tuple[Hosted, str | None]:
    """The session and the stem that is asked for (None: the mix). KeyError or Problem where it cannot be heard."""
    hosted = house.sessions.get(session_id)
    if hosted.status in OVER:
        raise Problem(409, "Not playing", f"this session has {hosted.status}: there is nothing more to hear of it")
    if stem != MIX and not hosted.sound.stems:
        raise Problem(409, "No stems", "this session was made without stems: start one with stems = true")
    if stem != MIX and stem not in hosted.sound.stems:
        raise Problem(404, "No such stem", f"this session has {', '.join(hosted.sound.stems)}")
    try:
        house.listeners.check_room(hosted)
    except Full as full:
        raise Problem(503, "Too many listeners", str(full), headers={"Retry-After": str(RETRY_S)}) from None
    return hosted, None if stem == MIX else stem


async def _listen(house: House, caller: Caller, websocket: WebSocket) -> None:
    asked: ListenAsked = websocket.state.query
    hosted, stem = _heard(house, websocket.path_params["session_id"], asked.stem)
    await websocket.accept()
    await house.listeners.listen(hosted, websocket, stem, asked.format)


async def _opus(house: House, caller: Caller, request: Request, body: None) -> Response:
    asked: OpusAsked = request.state.query
    hosted, stem = _heard(house, request.path_params["session_id"], asked.stem)
    try:
        pages = house.listeners.opus(hosted, stem, asked.bitrate or house.config.opus_bitrate_bps)
    except OpusError as error:
        raise Problem(409, "No Opus", str(error)) from None
    headers = {"Content-Type": OPUS_MEDIA, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(pages, headers=headers)


@cache
def _read(name: str) -> bytes:
    return (files("synth.daemon") / "page" / name).read_bytes()


def _page(name: str, media: str) -> Callable[..., Awaitable[Any]]:
    async def call(house: House, caller: Caller, request: Request, body: None) -> Response:
        return Response(_read(name), headers={"Content-Type": media, "Cache-Control": "no-cache"})

    return call


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        WEBSOCKET, "/api/v1/sessions/{session_id}/audio", _listen, "Hear a session at once: PCM, block by block.",
        Role.LISTENER, "listen", query=ListenAsked, errors=(404, 409, 422, 503),
    ),
    Endpoint(
        "GET", "/api/v1/sessions/{session_id}/audio.ogg", _opus, "Hear a session some seconds later, as Ogg Opus.",
        Role.LISTENER, "listen", query=OpusAsked, media="audio/ogg", errors=(404, 409, 422, 503), endless=True,
    ),
    *(
        Endpoint("GET", path, _page(name, media), f"The listening page: {name}.", None, "page", media=media)
        for path, (name, media) in PAGE.items()
    ),
)  # fmt: skip
