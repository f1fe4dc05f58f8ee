"""OSCQuery served over HTTP by a thread of its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable

from synth.control.osc.errors import OscError
from synth.control.osc.server import OscServer
from synth.control.oscquery.announce import Announcement
from synth.control.oscquery.app import OscQuery

PORT = 9101


class OscQueryServer:
    """Tells of the address space of `osc`, which is started already, on its host and `port` (0: any free one).

    `announce`: over zeroconf, as `name`. `names` are names by which browsers may reach this machine.
    """

    def __init__(
        self,
        osc: OscServer,
        port: int = PORT,
        *,
        announce: bool = False,
        name: str = "isotone",
        names: Iterable[str] = (),
    ) -> None:
        self.query = OscQuery(osc, name)
        self.host, self.port = osc.host, port
        self._announced = Announcement(name, self.host) if announce else None
        self._names = tuple(names)
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Serve. OscError when the port cannot be had or a library is missing."""
        try:
            import starlette  # noqa: F401
            import uvicorn
            import websockets  # noqa: F401
        except ImportError as error:
            raise OscError(f'OSCQuery needs {error.name}: pip install "isotone[osc]"') from None

        bound = self._bind()
        self.port = self.query.http_port = bound.getsockname()[1]
        config = uvicorn.Config(
            self.query.asgi(self._names), log_config=None, access_log=False, lifespan="off", ws="websockets-sansio",
            ws_max_size=1 << 16, timeout_graceful_shutdown=1,
        )  # fmt: skip
        self._uvicorn = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._uvicorn.run, kwargs={"sockets": [bound]}, name="OSCQuery", daemon=True
        )  # fmt: skip
        self._thread.start()
        if self._announced is not None:
            self._announced.start(self.port, self.query.osc.port)

    def close(self) -> None:
        """Serve no more."""
        if self._announced is not None:
            self._announced.close()
        if self._thread is not None:
            self._uvicorn.should_exit = True
            self._thread.join(5.0)
            self._thread = None

    def __enter__(self) -> OscQueryServer:
        self.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    @property
    def words(self) -> str:
        """In one line, where it is."""
        return f"OSCQuery on http://{self.host}:{self.port}"

    def _bind(self) -> socket.socket:
        try:
            family = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)[0][0]
            bound = socket.socket(family, socket.SOCK_STREAM)
        except (OSError, OverflowError, UnicodeError) as error:
            raise OscError(f"OSCQuery: {self.host}:{self.port} is no address of this machine ({error})") from None
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # else a port just left cannot be had again
            bound.bind((self.host, self.port))
            bound.listen(128)
        except (OSError, OverflowError) as error:
            bound.close()
            raise OscError(
                f"OSCQuery: cannot listen on {self.host}:{self.port} ({error}): "
                "end the program that has this port, or choose another"
            ) from None
        return bound
