"""Signals of a wearable or an app: one run, a batch, or a WebSocket of them; and what became of them."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from synth.api.problem import Wrong
from synth.api.signals import (
    Signal,
    SignalBatch,
    SignalMessage,
    SignalsAnswer,
    SignalsHello,
    SignalsOutcome,
    SignalsReport,
    SignalsSocket,
)
from synth.daemon.answers import answered
from synth.daemon.endpoints.table import WEBSOCKET, Endpoint
from synth.daemon.house import House
from synth.daemon.ingest import Busy, Ingest, Over, TooMany
from synth.daemon.ingest.ingest import RETRY_S
from synth.daemon.outcome import find
from synth.daemon.problems import Problem, unprocessable
from synth.daemon.reading import check_json
from synth.daemon.security import Caller, Role
from synth.daemon.sessions import Hosted

SIGNALS = "/api/v1/sessions/{session_id}/signals"
BATCH_BYTES = 1 << 20
MESSAGE_BYTES = 1 << 18
MOST_MALFORMED = 20  # messages of one connection, then it is closed
SEND_S = 30.0
NORMAL, UNTIDY, SLOW = 1000, 1008, 1013  # close codes, RFC 6455 section 7.4.1


async def _one(house: House, caller: Caller, request: Request, signal: Signal) -> Response:
    return _taken(house, find(house, request.path_params["session_id"]), [signal])


async def _batch(house: House, caller: Caller, request: Request, batch: SignalBatch) -> Response:
    return _taken(house, find(house, request.path_params["session_id"]), batch.runs)


async def _report(house: House, caller: Caller, request: Request, body: None) -> SignalsReport:
    return house.ingest.report(find(house, request.path_params["session_id"]))


def _taken(house: House, hosted: Hosted, signals: list[Signal]) -> Response:
    """Take them. 202 where any sample was accepted, else 422 with what is wrong."""
    try:
        outcome = house.ingest.put(hosted, signals, "http")
    except Busy as busy:
        retry_after = {"Retry-After": str(math.ceil(busy.retry_after_s))}
        raise Problem(429, "Too many signals wait", str(busy), headers=retry_after) from None
    except TooMany as error:
        raise Problem(413, detail=str(error)) from None
    except Over as over:
        raise Problem(409, "Session is over", str(over)) from None
    if outcome.outcome == "refused":
        raise Problem(422, "No sample taken", outcome.runs[0].reasons[0], errors=_wrong(outcome))
    return answered(outcome, 202)


def _wrong(outcome: SignalsOutcome) -> list[Wrong]:
    """Every reason, and which run it is about."""
    return [
        Wrong(where=f"runs.{number}.{run.channel}", what=reason)
        for number, run in enumerate(outcome.runs)
        for reason in run.reasons
    ]


async def _socket(house: House, caller: Caller, websocket: WebSocket) -> None:
    """Each message is answered before the next is read, so that who sends faster than that waits."""
    hosted = find(house, websocket.path_params["session_id"])
    asked: SignalsSocket = websocket.state.query
    await websocket.accept()
    talk = _Talk(house.ingest, hosted, asked.stream)
    with suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
        await _say(websocket, SignalsHello(last_seq=talk.last_seq))
        await _close(websocket, await _converse(talk, websocket))


async def _converse(talk: _Talk, websocket: WebSocket) -> int:
    """Until somebody leaves; the code to close with."""
    malformed = 0
    while True:
        received = await websocket.receive()
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect
        answer = talk.answer(received.get("text") or received.get("bytes") or b"")
        await _say(websocket, answer)
        if answer.outcome == "over":
            return NORMAL
        malformed += answer.outcome == "malformed"
        if malformed >= MOST_MALFORMED:
            return UNTIDY


class _Talk:
    """One connection. Of a stream nothing is taken that comes behind what found no room, so that its order stays."""

    def __init__(self, ingest: Ingest, hosted: Hosted, stream: str | None) -> None:
        self._ingest, self._hosted, self._stream = ingest, hosted, stream
        self._held_up: int | None = None

    @property
    def last_seq(self) -> int | None:
        """What was taken last of the stream."""
        return None if self._stream is None else self._ingest.last_of(self._hosted, self._stream)

    def answer(self, said: str | bytes) -> SignalsAnswer:
        """Take what a message says."""
        try:
            message = _read(said)
        except Problem as problem:
            wrong = "; ".join(f"{one.where}: {one.what}" for one in problem.errors[:5])
            return SignalsAnswer(seq=None, outcome="malformed", detail=f"{problem.detail} {wrong}".strip())
        if self._stream is None:
            return self._take(message)
        seq, last = message.seq, self.last_seq
        if seq is None:
            return SignalsAnswer(seq=None, outcome="malformed", detail="a message of a stream has a seq")
        if last is not None and seq <= last:
            return SignalsAnswer(seq=seq, outcome="repeated")
        if self._held_up is not None and seq > self._held_up:
            detail = f"message {self._held_up} found no room: send that first"
            return SignalsAnswer(seq=seq, outcome="busy", detail=detail, retry_after_s=RETRY_S)
        answer = self._take(message)
        self._held_up = seq if answer.outcome == "busy" else None
        if answer.taken is not None:
            self._ingest.took(self._hosted, self._stream, seq)
        return answer

    def _take(self, message: SignalMessage) -> SignalsAnswer:
        seq = message.seq
        try:
            taken = self._ingest.put(self._hosted, message.all, "websocket")
        except Busy as busy:
            return SignalsAnswer(seq=seq, outcome="busy", detail=str(busy), retry_after_s=busy.retry_after_s)
        except TooMany as error:
            return SignalsAnswer(seq=seq, outcome="malformed", detail=str(error))
        except Over as over:
            return SignalsAnswer(seq=seq, outcome="over", detail=str(over))
        return SignalsAnswer(seq=seq, outcome=taken.outcome, taken=taken)


def _read(said: str | bytes) -> SignalMessage:
    raw = said.encode("utf-8", "replace") if isinstance(said, str) else said
    if len(raw) > MESSAGE_BYTES:
        raise Problem(413, detail=f"a message of more than {MESSAGE_BYTES} bytes")
    check_json(raw)
    try:
        return SignalMessage.model_validate_json(raw, strict=True)
    except ValidationError as error:
        raise unprocessable(error, "message") from None


async def _say(websocket: WebSocket, model: SignalsHello | SignalsAnswer) -> None:
    await asyncio.wait_for(websocket.send_text(model.model_dump_json()), SEND_S)


async def _close(websocket: WebSocket, code: int) -> None:
    await asyncio.wait_for(websocket.close(code), SEND_S)


ENDPOINTS = (
    Endpoint(
        "POST", SIGNALS, _one, "Hand over a sample or a run of one channel.", Role.THERAPIST, "signals",
        body=Signal, answer=SignalsOutcome, status=202, errors=(404, 409, 413, 422, 429), most_bytes=BATCH_BYTES,
    ),
    Endpoint(
        "POST", f"{SIGNALS}/batch", _batch, "Hand over runs of several channels together.", Role.THERAPIST, "signals",
        body=SignalBatch, answer=SignalsOutcome, status=202, errors=(404, 409, 413, 422, 429), most_bytes=BATCH_BYTES,
    ),
    Endpoint(
        "GET", SIGNALS, _report, "What became of the signals of a session.", Role.THERAPIST, "signals",
        answer=SignalsReport, errors=(404,),
    ),
    Endpoint(
        WEBSOCKET, SIGNALS, _socket, "Hand over signals over a WebSocket, each message answered.", Role.THERAPIST,
        "signals", query=SignalsSocket, errors=(404,),
    ),
)  # fmt: skip
