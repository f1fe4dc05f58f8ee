"""The guest's own process: finds the guest, then answers invitations until the desk is gone.

Messages are JSON, so that nothing a guest makes has to be pickled: ["ready", ""], ["notes", [[beat, beats, pitch,
velocity], ...]], ["refused", why] and ["raised", why].
"""

from __future__ import annotations

import contextlib
import inspect
import json
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from dataclasses import astuple
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any

from synth.composer.guests.check import Refused, plain
from synth.composer.guests.guest import Guest, Invitation, Written

_LONGEST = 200  # characters of a reason
_NICE = 5  # the music that sounds goes first


class Writes:
    """A function of an invitation, as a guest."""

    def __init__(self, function: Any) -> None:
        self.write = function


def serve(connection: Connection, pickled: bytes) -> None:
    """Answer what comes over `connection` with the guest in `pickled`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the session, and the session ends this
    if hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(_NICE)
    threading.Thread(target=_end_with_the_desk, daemon=True).start()
    sys.stdout = sys.stderr  # what a guest prints is no part of the program's output
    try:
        guest = found(pickle.loads(pickled))
    except BaseException as error:
        connection.send_bytes(json.dumps(["raised", reason(error)]).encode())
        return
    connection.send_bytes(json.dumps(["ready", ""]).encode())
    while True:
        try:
            invitation: Invitation = pickle.loads(connection.recv_bytes())
        except EOFError:
            return
        connection.send_bytes(json.dumps(_answer(guest, invitation)).encode())


def _end_with_the_desk() -> None:
    """So that a guest which is busy for ever does not outlive a program that was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)


def found(given: Any) -> Guest:
    """The guest itself: `given` is one, or makes one, or is a function that writes, or "module:name" of any of these.

    Raises what importing or making it raises; TypeError when it is none of these.
    """
    if isinstance(given, str):
        module, colon, path = given.partition(":")
        if not colon or not module or not path:
            raise TypeError(f'{given!r} is no guest: give "module:name"')
        given = import_module(module)
        for name in path.split("."):
            given = getattr(given, name)
    if inspect.isclass(given) or (callable(given) and not hasattr(given, "write") and not _wants_an_invitation(given)):
        given = given()
    if callable(getattr(given, "write", None)):
        guest: Guest = given
        return guest
    if callable(given):
        return Writes(given)
    raise TypeError(f"{type(given).__name__} is no guest: it has no write(invitation)")


def reason(error: BaseException) -> str:
    """An error in one short line."""
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words}"[:_LONGEST] if words else type(error).__name__


def _wants_an_invitation(function: Any) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)


def _answer(guest: Guest, invitation: Invitation) -> list[Any]:
    try:
        notes: list[Written] = plain(guest.write(invitation))
    except Refused as why:
        return ["refused", f"refused: {why}"]
    except Exception as error:
        return ["raised", reason(error)]
    return ["notes", [astuple(note) for note in notes]]
