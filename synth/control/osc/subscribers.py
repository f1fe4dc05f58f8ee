"""Who wants to be told of changes, of which addresses, how often; and what they know already."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from synth.control.osc.sender import Sender
from synth.control.osc.tree import READ, Node, Tree
from synth.control.osc.view import View
from synth.wire.osc import Arg, encode

ALL = "*"  # everything that can be read
RATE_HZ = 10.0
RATES_HZ = (0.1, 60.0)
QUIET_S = 0.5  # so long after a client said something it is not told the same thing
GRACE_S = 1.0  # so long after a subscription it may be that nobody listens yet
LEASE_S = 1800.0  # for so long after a client was last heard it is told
MOST = 32
MOST_A_HOST = 8


class SubscriptionError(ValueError):
    """A subscription that cannot be; the message says why."""


@dataclass(slots=True)
class _Subscription:
    to: Sender
    asked_from: Sender
    patterns: set[str]
    period_s: float
    next_s: float
    heard_s: float
    asked_s: float = 0.0
    nodes: Sequence[Node] = ()
    known: dict[str, tuple[Arg, ...]] = field(default_factory=dict)
    quiet_until_s: dict[str, float] = field(default_factory=dict)

    def is_of(self, sender: Sender) -> bool:
        return sender in (self.to, self.asked_from)


class Subscribers:
    """All subscriptions, one an end that is told. Times are of one monotonic clock."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._all: dict[Sender, _Subscription] = {}

    def __len__(self) -> int:
        return len(self._all)

    def add(self, asked_from: Sender, to: Sender, pattern: str, rate_hz: float, now_s: float) -> None:
        """Tell `to` of what `pattern` means; again to renew, or for a further pattern. SubscriptionError when not."""
        if not self._nodes([pattern]):
            raise SubscriptionError(f"{pattern}: there is nothing that can be read")
        if to not in self._all:
            of_host = sum(other.host == to.host for other in self._all)
            if len(self._all) >= MOST or (of_host >= MOST_A_HOST and not to.fixed):
                raise SubscriptionError(f"{len(self._all)} are told already: unsubscribe one")
            self._all[to] = _Subscription(to, asked_from, set(), 0.0, now_s, now_s)
        subscription = self._all[to]
        subscription.asked_from, subscription.heard_s, subscription.asked_s = asked_from, now_s, now_s
        subscription.patterns.add(pattern)
        subscription.period_s = 1.0 / min(max(rate_hz, RATES_HZ[0]), RATES_HZ[1])
        subscription.next_s = min(subscription.next_s, now_s + subscription.period_s)
        subscription.nodes = self._nodes(subscription.patterns)

    def remove(self, sender: Sender, pattern: str | None = None) -> bool:
        """Tell `sender`, who is told or who asked for it, no more of `pattern`, or at all; false when nobody was."""
        mine = [to for to, subscription in self._all.items() if subscription.is_of(sender)]
        for to in mine:
            patterns = self._all[to].patterns
            patterns -= patterns if pattern is None else {pattern}
            if patterns:
                self._all[to].nodes = self._nodes(patterns)
            else:
                del self._all[to]
        return bool(mine)

    def refused(self, host: str, port: int, now_s: float) -> bool:
        """Nobody listens there; whether somebody is told no more for it.

        Who subscribed only now may be about to listen, or the news may be of an earlier one: all is sent to it again.
        """
        to, one = next(((to, one) for to, one in self._all.items() if (to.host, to.port) == (host, port)), (None, None))
        if to is None or one is None:
            return False
        if now_s - one.asked_s < GRACE_S:
            one.known.clear()
            one.next_s = now_s + GRACE_S
            return False
        del self._all[to]
        return True

    def heard(self, host: str, now_s: float) -> None:
        """Somebody at `host` is there."""
        for to, subscription in self._all.items():
            if to.host == host:
                subscription.heard_s = now_s

    def said(self, sender: Sender, address: str, args: tuple[Arg, ...], now_s: float) -> None:
        """`sender` set `address` to `args`, so it knows, and is not told while it may still be moving its fader."""
        for subscription in self._all.values():
            if subscription.is_of(sender):
                subscription.known[address] = args
                subscription.quiet_until_s[address] = now_s + QUIET_S

    def replant(self, tree: Tree) -> None:
        """The address space is another one."""
        self._tree = tree
        for subscription in self._all.values():
            subscription.nodes = self._nodes(subscription.patterns)

    @property
    def next_s(self) -> float | None:
        """When the next one is to be told."""
        return min((subscription.next_s for subscription in self._all.values()), default=None)

    def due(self, now_s: float, look: Callable[[], View]) -> list[tuple[Sender, bytes]]:
        """What is to be sent now, and to whom; those not heard for LEASE_S are forgotten."""
        for to in [to for to, one in self._all.items() if not to.fixed and now_s - one.heard_s > LEASE_S]:
            del self._all[to]
        waiting = [one for one in self._all.values() if one.next_s <= now_s]
        if not waiting:
            return []
        view = look()
        told: dict[str, tuple[Arg, ...]] = {}
        found = []
        for one in waiting:
            one.next_s = max(one.next_s + one.period_s, now_s)
            for node in one.nodes:
                if node.address not in told:
                    told[node.address] = node.value(view) or ()
                args = told[node.address]
                if _same(one.known.get(node.address), args) or now_s < one.quiet_until_s.get(node.address, -math.inf):
                    continue
                one.known[node.address] = args
                found.append((one.to, encode(node.address, args)))
        return found

    def _nodes(self, patterns: Iterable[str]) -> list[Node]:
        """What the patterns mean that can be read, in the order of the tree."""
        wanted = [self._tree.nodes.values() if pattern == ALL else self._tree.find(pattern) for pattern in patterns]
        found = {node.address: node for nodes in wanted for node in nodes if node.access & READ}
        return list(found.values())


def _same(known: tuple[Arg, ...] | None, args: tuple[Arg, ...]) -> bool:
    """Whether nothing changed that a float32 or a fader would show."""
    if known is None or len(known) != len(args):
        return False
    return all(
        a == b or (isinstance(a, float) and isinstance(b, float) and abs(a - b) <= 1e-5 * max(1.0, abs(b)))
        for a, b in zip(known, args, strict=True)
    )
