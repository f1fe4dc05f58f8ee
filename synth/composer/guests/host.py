"""A guest's host: a thread that keeps the guest's process, passes invitations on and kills what does not answer."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import pickle
import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from queue import SimpleQueue
from typing import Any

from synth.composer.guests.guest import Invitation, Written
from synth.composer.guests.worker import reason, serve

START_S = 30.0  # in which a guest has to be there; a model may be large
MOST_FAILURES = 3  # one after the other, then a guest is not started again
_LONGEST = 1_000_000  # bytes of an answer


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an invitation: `notes` as the guest wrote them, or None and why."""

    notes: tuple[Written, ...] | None
    text: str = ""


class Gone(Exception):
    """The guest's process is not there, or not any more; the message says why."""


class Host:
    """Hosts one guest. `invite` never waits; `answer` waits up to `patience_s`."""

    def __init__(self, guest: Any, name: str, budget_s: float) -> None:
        self._budget_s = budget_s
        self._trouble = ""  # why it is not asked at all
        self._missing = ""  # why it is not there now
        self._pickled = b""
        try:
            self._pickled = pickle.dumps(guest)
        except Exception as error:
            self._trouble = f'cannot be taken into a process of its own, give "module:name" ({reason(error)})'
        self._inbox: SimpleQueue[Invitation | None] = SimpleQueue()
        self._changed = threading.Condition()
        self._pending = 0  # invitations that are not answered yet
        self._awaited: int | None = None  # the phrase invited to last
        self._latest: tuple[int, Answer] | None = None
        self._failures = 0
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=f"guest {name}", daemon=True)
        self._thread.start()

    def invite(self, invitation: Invitation, queue: bool = False) -> bool:
        """Pass `invitation` on; False when the guest is busy with an earlier one, unless they may `queue`."""
        with self._changed:
            if self._pending and not queue:
                return False
            self._pending += 1
            self._awaited = invitation.phrase
        self._inbox.put(invitation)
        return True

    def answer(self, phrase: int, patience_s: float = 0.0) -> Answer | None:
        """What came for `phrase`, the last invited to, within `patience_s` for each that waits; None: nothing did."""
        with self._changed:
            if phrase == self._awaited:
                self._changed.wait_for(lambda: not self._pending or self._closed, patience_s * max(self._pending, 1))
            return self._latest[1] if self._latest and self._latest[0] == phrase else None

    def close(self) -> None:
        """End the guest's process; the host takes no more invitations."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._inbox.put(None)
        process = self._process
        if process is not None:
            with contextlib.suppress(ValueError, OSError):  # its thread may have let go of it just now
                process.kill()
        self._thread.join(2.0)

    # -- in the host's thread ------------------------------------------------------------------------------------

    def _run(self) -> None:
        self._try_to_start()
        while (invitation := self._inbox.get()) is not None and not self._closed:
            answer = self._asked_of_the_guest(invitation)
            with self._changed:
                self._pending -= 1
                self._latest = (invitation.phrase, answer)
                self._changed.notify_all()
            if self._process is None and not self._closed:
                self._try_to_start()
        self._end()

    def _try_to_start(self) -> None:
        """Have the guest there before it is asked; why it is not is told when it is."""
        if self._trouble or self._closed:
            return
        try:
            self._start()
        except Gone as why:
            self._fail(str(why))

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        self._connection = here
        try:
            process = context.Process(target=serve, args=(there, self._pickled), name="guest", daemon=True)
            process.start()
            self._process = process
        except Exception as error:
            raise Gone(f"could not be started ({reason(error)})") from None
        finally:
            there.close()
        kind, what = self._message(0.0 if self._closed else START_S)
        if kind == "raised":
            raise Gone(f"could not be started ({what})")

    def _asked_of_the_guest(self, invitation: Invitation) -> Answer:
        if self._process is None or self._connection is None:
            return Answer(None, self._trouble or self._missing)
        try:
            self._connection.send_bytes(pickle.dumps(invitation))
            kind, what = self._message(self._budget_s)
        except (OSError, Gone) as why:
            text = str(why) if isinstance(why, Gone) else "died"
            self._fail(text)
            return Answer(None, self._trouble or text)
        self._failures = 0
        if kind != "notes":
            return Answer(None, what if kind == "refused" else f"failed ({what})")
        return Answer(tuple(Written(*note) for note in what))

    def _message(self, patience_s: float) -> tuple[str, Any]:
        """What the guest's process says next; raises Gone when it says nothing in time, dies or talks rubbish."""
        assert self._connection is not None and self._process is not None
        if not wait([self._connection, self._process.sentinel], patience_s):
            raise Gone(f"gave no answer within {patience_s:g} s")
        try:
            if not self._connection.poll():
                raise EOFError
            kind, what = json.loads(self._connection.recv_bytes(_LONGEST))
        except (EOFError, OSError):
            self._process.join(1.0)
            raise Gone(f"died (exit code {self._process.exitcode})") from None
        except (ValueError, TypeError):
            raise Gone("talked rubbish") from None
        return kind, what

    def _fail(self, why: str) -> None:
        self._end()
        self._missing = why
        self._failures += 1
        if self._failures >= MOST_FAILURES:
            self._trouble = f"{why}, {MOST_FAILURES} times in a row: it is not asked again"

    def _end(self) -> None:
        """End the process, whatever it is doing."""
        process, connection = self._process, self._connection
        self._process = self._connection = None
        if process is not None:
            process.kill()
            process.join(1.0)
            if process.exitcode is not None:
                process.close()
        if connection is not None:
            connection.close()
