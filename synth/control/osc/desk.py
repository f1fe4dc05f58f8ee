"""The desk: takes messages from whoever sends them, in their time and order, and tells those who want to know."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from synth.control.hands import Hands
from synth.control.osc.limiter import Limiter
from synth.control.osc.meaning import Meaning
from synth.control.osc.newest import Deed, Newest
from synth.control.osc.schedule import HORIZON_S, Schedule, ahead_of
from synth.control.osc.sender import Sender
from synth.control.osc.stems import Stems
from synth.control.osc.subscribers import Subscribers
from synth.control.osc.tree import Tree
from synth.control.osc.view import View
from synth.wire.osc import Message, encode

NOTICE_S = 0.25  # how often it is looked what other hands did to muted stems
MAX_TOLD = 256  # characters of an address in an answer
MAX_TROUBLES = 64  # different ones


@dataclass(frozen=True, slots=True)
class _Group:
    """Messages that belong together: those of a packet with the same time tag."""

    messages: Sequence[Message]
    sender: Sender


class Desk:
    """Everything between packets and a session but sockets, threads and clocks: times are passed in.

    `now_s` is of any monotonic clock, `now_unix_s` of the clock that time tags go by. Belongs to one thread.
    """

    def __init__(self, hands: Hands, tree: Tree, preset: str | None = None, by: str = "hand:osc") -> None:
        self.hands, self.preset, self.by = hands, preset, by
        self.stems = Stems(hands, by)
        self.subscribers = Subscribers(tree)
        self.received = 0
        self.done = 0
        self.troubles: Counter[str] = Counter()
        self._meaning = Meaning(tree, hands, self.stems, self.subscribers, self.look, by)
        self._schedule: Schedule[_Group] = Schedule()
        self._newest = Newest()
        self._limiter = Limiter()
        self._told_of_horizon: set[str] = set()
        self._notice_s: float | None = None

    @property
    def tree(self) -> Tree:
        """The address space."""
        return self._meaning.tree

    def replant(self, tree: Tree) -> None:
        """From now on the address space is `tree`."""
        self._meaning.tree = tree
        self.subscribers.replant(tree)

    def look(self) -> View:
        """The session as it is."""
        return View(self.hands, self.stems, self.preset)

    def take(self, messages: Iterable[Message], sender: Sender, now_s: float, now_unix_s: float) -> None:
        """Do what a packet asks, or keep it until it is due."""
        self._do_scheduled(now_s)
        self.subscribers.heard(sender.host, now_s)
        for timetag, same in itertools.groupby(messages, lambda message: message.timetag):
            group = _Group(list(same), sender)
            self.received += len(group.messages)
            ahead_s, beyond = ahead_of(timetag, now_unix_s)
            if beyond:
                self._tell_of_horizon(sender)
            if not ahead_s:
                self._read(group, now_s)
            elif not self._schedule.put(now_s + ahead_s, group):
                self.trouble("too much waits for its time tag; left out")

    def turn(self, now_s: float) -> None:
        """Do what is due."""
        self._do_scheduled(now_s)
        self._do(self._newest.due(now_s))
        self._notice(now_s)
        for to, packet in self.subscribers.due(now_s, self.look):
            to.send(packet)

    @property
    def next_s(self) -> float | None:
        """When `turn` has something to do next, None when only a message can bring it."""
        times = (self._schedule.next_s, self._newest.next_s, self.subscribers.next_s, self._notice_s)
        return min((time_s for time_s in times if time_s is not None), default=None)

    def trouble(self, what: str) -> None:
        """Count something that went wrong."""
        known = what in self.troubles or len(self.troubles) < MAX_TROUBLES
        self.troubles[what if known else "other troubles"] += 1

    def gone(self, host: str, port: int, now_s: float) -> None:
        """Nobody listens there: who was told there is told no more."""
        if self.subscribers.refused(host, port, now_s):
            self.trouble(f"{host}:{port} listens no more and is told no more")

    def _do_scheduled(self, now_s: float) -> None:
        for group in self._schedule.take(now_s):
            self._read(group, now_s)

    def _notice(self, now_s: float) -> None:
        if self._notice_s is not None and now_s >= self._notice_s:
            view = self.look()
            self.stems.notice(view.controls, view.held)
            self._notice_s = None
        if self._notice_s is None and self.stems.busy:
            self._notice_s = now_s + NOTICE_S

    def _read(self, group: _Group, now_s: float) -> None:
        deeds: list[Deed] = []
        for message in group.messages:
            try:
                found = self._meaning.read(message, group.sender, now_s)
            except Exception as error:  # whatever a session or a sender's end makes of it, the next message counts
                self._refuse(message.address, group.sender, error, now_s)
            else:
                deeds += (self._careful(deed, message.address, group.sender, now_s) for deed in found)
        if deeds:
            self._do(self._newest.offer(deeds, now_s))

    def _careful(self, deed: Deed, address: str, sender: Sender, now_s: float) -> Deed:
        def do() -> None:
            try:
                deed.do()
            except Exception as error:  # as above
                self._refuse(address, sender, error, now_s)

        return Deed(deed.lane, do)

    def _do(self, deeds: Sequence[Deed]) -> None:
        with self.hands.together():
            for deed in deeds:
                deed.do()
        self.done += len(deeds)

    def _refuse(self, address: str, sender: Sender, error: Exception, now_s: float) -> None:
        expected = isinstance(error, ValueError)
        reason = str(error) if expected else f"{type(error).__name__}: {error}"
        self.trouble("messages that asked for what there is not" if expected else reason[:MAX_TOLD])
        self._answer_error(address, reason, sender, now_s)

    def _answer_error(self, address: str, reason: str, sender: Sender, now_s: float) -> None:
        if self._limiter.may(sender.host, now_s):
            sender.send(encode("/error", (address[:MAX_TOLD], reason[:MAX_TOLD].replace("\0", " "))))

    def _tell_of_horizon(self, sender: Sender) -> None:
        self.trouble("time tags further ahead than the horizon")
        if sender.host not in self._told_of_horizon and len(self._told_of_horizon) < MAX_TROUBLES:
            self._told_of_horizon.add(sender.host)
            reason = f"a time tag more than {HORIZON_S:g} s ahead is taken in {HORIZON_S:g} s: is the clock right?"
            sender.send(encode("/error", ("#bundle", reason)))
