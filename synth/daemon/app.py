"""The app: routes out of the table of endpoints, with every check that comes before a call and every error after it."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from synth.daemon.answers import answered
from synth.daemon.endpoints.table import WEBSOCKET, Endpoint
from synth.daemon.house import House
from synth.daemon.logs import say
from synth.daemon.outcome import no_session
from synth.daemon.problems import Problem
from synth.daemon.reading import read_body, read_query
from synth.daemon.security import Caller, Role

if TYPE_CHECKING:
    Lifespan = Callable[[Any], AbstractAsyncContextManager[None]]

log = logging.getLogger(__name__)
NOBODY = Caller(Role.LISTENER, "", "nobody")  # calls what is open to all; its scope is no session


def application(
    house: House,
    endpoints: Iterable[Endpoint] | None = None,
    mounts: Sequence[BaseRoute] = (),
    lifespan: Lifespan | None = None,
) -> ASGIApp:
    """The whole app behind its shield. `endpoints` None: all there are. `mounts` are other apps beside them."""
    if endpoints is None:
        from synth.daemon.endpoints import ALL

        endpoints = ALL
    paths: dict[str, list[Endpoint]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, []).append(endpoint)
    routes: list[BaseRoute] = []
    for path, found in paths.items():
        sockets = [endpoint for endpoint in found if endpoint.method == WEBSOCKET]
        routes += [WebSocketRoute(path, _Socket(house, socket)) for socket in sockets]
        others = [endpoint for endpoint in found if endpoint.method != WEBSOCKET]
        routes.append(Route(path, _Resource(house, path, others, bool(sockets))))
    app = Starlette(routes=[*routes, *mounts], lifespan=lifespan)
    app.router.redirect_slashes, app.router.default = False, _nowhere
    return house.gate.shield(app)


class _Resource:
    """What answers at one path."""

    def __init__(self, house: House, path: str, endpoints: Sequence[Endpoint], has_socket: bool) -> None:
        self._house, self._path, self._has_socket = house, path, has_socket
        self._methods = {endpoint.method: endpoint for endpoint in endpoints}
        if "GET" in self._methods:
            self._methods["HEAD"] = self._methods["GET"]
        names = {*self._methods, "OPTIONS", *(["GET"] if has_socket else [])}
        self._allow = ", ".join(sorted(names))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return
        except Exception as error:
            response = _problem(error, request, self._path, self._house).response()
            await response(scope, receive, send)
        else:
            with _stays(self._house, request):
                await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        endpoint = self._methods.get(request.method)
        if endpoint is None:
            return self._without(request.method)
        caller = _admit(self._house, endpoint, request)
        request.state.query = read_query(request, endpoint.query) if _is_strict(endpoint) else None
        if request.method == "HEAD" and endpoint.endless:
            _check_session(self._house, request.path_params)
            return Response(None, endpoint.status, media_type=endpoint.media)
        body = await read_body(request, endpoint.body, endpoint.most_bytes) if endpoint.body else None
        return _response(endpoint, await endpoint.call(self._house, caller, request, body))

    def _without(self, method: str) -> Response:
        """What is said where no endpoint has the method (RFC 9110, sections 9.3.7, 15.5.6 and 15.5.22)."""
        if method == "OPTIONS":
            return Response(None, 204, {"Allow": self._allow})
        if method == "GET" and self._has_socket:
            headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
            raise Problem(426, detail="open a WebSocket here", headers=headers)
        raise Problem(405, detail=f"this takes {self._allow}", headers={"Allow": self._allow})


class _Socket:
    """A WebSocket at one path."""

    def __init__(self, house: House, endpoint: Endpoint) -> None:
        self._house, self._endpoint = house, endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        websocket = WebSocket(scope, receive, send)
        try:
            caller = _admit(self._house, self._endpoint, websocket)
            websocket.state.query = read_query(websocket, self._endpoint.query)
            with _stays(self._house, websocket):
                await self._endpoint.call(self._house, caller, websocket)
        except WebSocketDisconnect:
            return
        except Exception as error:
            await _refuse(websocket, _problem(error, websocket, self._endpoint.path, self._house))


def _admit(house: House, endpoint: Endpoint, connection: Request | WebSocket) -> Caller:
    """Who calls, if they may."""
    if endpoint.role is None:
        return NOBODY
    caller = house.gate.caller(connection)
    house.gate.allow(caller, endpoint.role, connection.path_params.get("session_id"))
    return caller


def _stays(house: House, connection: Request | WebSocket) -> AbstractContextManager[None]:
    """Counts who was admitted as company of the session that they ask for."""
    hosted = house.sessions.all.get(connection.path_params.get("session_id", ""))
    return nullcontext() if hosted is None else hosted.company.stays()


def _is_strict(endpoint: Endpoint) -> bool:
    """Whether strange parameters are refused; a page may be opened with whatever a link carries."""
    return endpoint.query is not None or endpoint.path.startswith("/api/")


def _check_session(house: House, parameters: Mapping[str, str]) -> None:
    if "session_id" in parameters:
        house.sessions.get(parameters["session_id"])


def _response(endpoint: Endpoint, answer: object) -> Response:
    if isinstance(answer, Response):
        return answer
    if answer is None and endpoint.status == 204:
        return answered(None, 204)
    if not isinstance(answer, BaseModel):
        raise TypeError(f"{endpoint.method} {endpoint.path} gave {type(answer).__name__}, neither model nor Response")
    return answered(answer, endpoint.status)


def _problem(error: Exception, connection: Request | WebSocket, path: str, house: House) -> Problem:
    """What is answered to an error. One that nobody foresaw is logged by its place, not by its words: they may hold
    what a person said."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, KeyError) and error.args == (connection.path_params.get("session_id"),):
        return no_session(house)
    say(log, "error", "an endpoint failed", path=path, error=type(error).__name__, place=_place(error))
    return Problem(500, detail="this is an error of the service, which has been logged")


def _place(error: Exception) -> str:
    """The last calls that led to an error: file, line and function."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return ", ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)


async def _refuse(websocket: WebSocket, problem: Problem) -> None:
    """Say no: as an HTTP answer before the socket is open, by a close code after it (RFC 6455, section 7.4.1)."""
    if websocket.application_state == WebSocketState.CONNECTING:
        await websocket.send_denial_response(problem.response())
    elif websocket.application_state == WebSocketState.CONNECTED:
        await websocket.close(1011 if problem.status >= 500 else 1008, problem.title)


async def _nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers at every path that nothing is at."""
    problem = Problem(404, detail="there is nothing at this path")
    if scope["type"] == "websocket":
        await _refuse(WebSocket(scope, receive, send), problem)
    else:
        await problem.response()(scope, receive, send)
