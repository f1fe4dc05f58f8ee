"""The Python client of a running daemon (`synth serve`), typed with the models of `synth.api`.

    from synth.client import Client

    with Client("https://music.example:8443", key="isotone-...") as client:
        session = client.sessions.create(preset="settle", minutes=20)
        session.request("brightness_oct", -0.5)
        for frame, samples in session.audio():      # float32, (frames, 2)
            ...
        session.stop()

`AsyncClient` has the same methods to be awaited. A key is exchanged for tokens of its own rights, which are renewed as
they age; a token is used as it is; on loopback neither may be needed. What the daemon refuses is an `ApiError` with the
detail of its problem; a daemon that cannot be reached is `Unreachable`. A call is sent again only where that cannot do
anything twice: when it is idempotent, or when the daemon said by Retry-After that it had not been taken. Event streams
go on where they broke off; signals over a socket are counted once whatever happens to the connection.

Needs the extra `client` (httpx, websockets, pydantic).
"""

from __future__ import annotations

from synth.client.aio.client import AsyncClient
from synth.client.aio.render import AsyncRender
from synth.client.aio.session import AsyncSession
from synth.client.download import DownloadError
from synth.client.errors import ApiError, ClientError, RenderFailed, StreamEnded, Unreachable
from synth.client.pcm import Hello
from synth.client.sync.client import Client
from synth.client.sync.render import Render
from synth.client.sync.session import Session

__all__ = [
    "ApiError",
    "AsyncClient",
    "AsyncRender",
    "AsyncSession",
    "Client",
    "ClientError",
    "DownloadError",
    "Hello",
    "Render",
    "RenderFailed",
    "Session",
    "StreamEnded",
    "Unreachable",
]
