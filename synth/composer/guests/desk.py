"""The desk invites guests to the phrases of their stems, takes what came in time, and tells what happened in words."""

from __future__ import annotations

import inspect
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from multiprocessing import current_process
from typing import Any

from synth.composer.guests.check import Heard, carried, heard
from synth.composer.guests.guest import Invitation, Written
from synth.composer.guests.host import START_S, Host

BUDGET_S = 4.0
_BUILT_IN = "the built-in composer plays"


@dataclass(frozen=True, slots=True)
class Told:
    """What came of an invitation: what `name` plays, None when nothing; `text` says why, or what was mended."""

    stem: str
    phrase: int
    name: str
    notes: tuple[Written, ...] | None
    text: str

    def as_line(self) -> dict[str, Any]:
        """For a record; `Replayed` answers from it."""
        notes = None if self.notes is None else [[n.beat, n.beats, n.pitch, n.velocity] for n in self.notes]
        told = {"stem": self.stem, "phrase": self.phrase, "name": self.name, "notes": notes, "text": self.text}
        return {"type": "guest", **told}


class Reception(ABC):
    """What the composer sees of its guests. `on_told` is called with what came of each invitation that was taken up."""

    def __init__(self, stems: Iterable[str]) -> None:
        self.stems = frozenset(stems)
        self.on_told: Callable[[Told], None] = lambda told: None
        self._invited: dict[str, Invitation] = {}
        self._told: dict[str, Told] = {}

    def invite(self, invitation: Invitation) -> None:
        """Invite the guest of the invitation's stem, if it has one; never waits."""
        if invitation.stem in self.stems:
            self._invited[invitation.stem] = invitation
            self._pass_on(invitation)

    def take(self, stem: str, phrase: int, now: Invitation | None = None) -> tuple[Written, ...] | None:
        """The notes of `phrase`, in order and checked; None: the built-in composer plays.

        `now` is the invitation as it would be written at the phrase's start: where the scale moved on meanwhile, the
        notes follow it by degree, and are checked against that. None: nothing has changed.
        """
        invitation = self._invited.pop(stem, None)
        if invitation is None or invitation.phrase != phrase:
            return None
        name, came = self._came(invitation, now or invitation)
        text = came.text
        if came.notes is None and not text.endswith(_BUILT_IN):
            text = f"{text}; {_BUILT_IN}"
        self._told[stem] = Told(stem, phrase, name, came.notes, text)
        self.on_told(self._told[stem])
        return came.notes

    def told(self, stem: str, phrase: int) -> str:
        """What came of the invitation to `phrase`, such as "tunes: plays 9 notes"; "" when it was not taken up last."""
        last = self._told.get(stem)
        return f"{last.name}: {last.text}" if last and last.phrase == phrase else ""

    def close(self) -> None:  # noqa: B027
        """Let the guests go; a desk that is forgotten does it by itself."""

    @abstractmethod
    def _pass_on(self, invitation: Invitation) -> None: ...

    @abstractmethod
    def _came(self, invitation: Invitation, now: Invitation) -> tuple[str, Heard]: ...


class Desk(Reception):
    """Guests by stem: a `Guest`, a class or function that makes one, a function that writes, or "module:name" of these.

    Each lives in a process of its own, within `budget_s` for a phrase; one that stalls or dies is started again. With
    `wait`, for music that is rendered ahead, what was invited is waited for; otherwise nothing here ever waits.
    RuntimeError when the program that makes the desk is being imported by a guest's process.
    """

    def __init__(self, guests: Mapping[str, Any], *, budget_s: float = BUDGET_S, wait: bool = False) -> None:
        if getattr(current_process(), "_inheriting", False):
            raise RuntimeError(
                'a guest\'s process imports this program: put what it does under if __name__ == "__main__"'
            )
        if not 0.0 < budget_s <= 600.0:
            raise ValueError(f"budget_s = {budget_s:g}: give a guest more than 0 and up to 600 s")
        super().__init__(guests)
        self._patience_s = budget_s + START_S + 5.0 if wait else 0.0
        self._wait, self._budget_s = wait, budget_s
        self._guests = dict(guests)
        self._names = {stem: _name(guest) for stem, guest in guests.items()}
        self._hosts: dict[str, Host] = {}
        self._busy: set[str] = set()
        for stem in self._guests:
            self._open(stem)

    def close(self) -> None:
        """End the guests' processes; they come back with the next invitation."""
        while self._hosts:
            self._hosts.popitem()[1].close()

    def _open(self, stem: str) -> Host:
        host = self._hosts[stem] = Host(self._guests[stem], self._names[stem], self._budget_s)
        weakref.finalize(self, host.close)
        return host

    def _pass_on(self, invitation: Invitation) -> None:
        plain = replace(invitation, controls=dict(invitation.controls))
        host = self._hosts.get(invitation.stem) or self._open(invitation.stem)
        taken = host.invite(plain, queue=self._wait)
        (self._busy.discard if taken else self._busy.add)(invitation.stem)

    def _came(self, invitation: Invitation, now: Invitation) -> tuple[str, Heard]:
        stem = invitation.stem
        name = self._names[stem]
        if stem in self._busy:
            return name, Heard(None, "was busy with an earlier phrase")
        host = self._hosts.get(stem)
        answer = host.answer(invitation.phrase, self._patience_s) if host else None
        if answer is None:
            return name, Heard(None, "had not answered when the phrase began")
        if answer.notes is None:
            return name, Heard(None, answer.text)
        return name, heard(now, carried(invitation, answer.notes, now), invitation)


class Replayed(Reception):
    """Answers from the "guest" lines of a record, without any guest."""

    def __init__(self, lines: Iterable[Mapping[str, Any]]) -> None:
        self._lines = {(line["stem"], line["phrase"]): line for line in lines}
        super().__init__(stem for stem, _ in self._lines)

    def _pass_on(self, invitation: Invitation) -> None:
        pass

    def _came(self, invitation: Invitation, now: Invitation) -> tuple[str, Heard]:
        line = self._lines.get((invitation.stem, invitation.phrase))
        if line is None:
            return "record", Heard(None, "the record holds no answer to this phrase")
        if line["notes"] is None:
            return line["name"], Heard(None, line["text"])
        came = heard(now, line["notes"], invitation)
        written = tuple(Written(*note) for note in line["notes"])
        return line["name"], Heard(came.notes, line["text"]) if came.notes == written else came


def _name(guest: Any) -> str:
    """What a guest is called in the record."""
    if isinstance(guest, str):
        return guest
    own = getattr(guest, "name", None)
    if isinstance(own, str) and own:
        return own
    return str(guest.__qualname__ if inspect.isclass(guest) or inspect.isroutine(guest) else type(guest).__qualname__)
