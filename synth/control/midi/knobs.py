"""Controllers of one channel, put together: pairs of 14 bits and NRPNs become moves of one knob."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from synth.wire.midi import join14, to_share

PAIR_S = 0.02  # within which the two halves of 14 bits come
DATA, DATA_FINE = 6, 38
NRPN_FINE, NRPN, RPN_FINE, RPN = 98, 99, 100, 101
_NO_PARAMETER = 16_383


class Move(NamedTuple):
    """A knob of `kind` "cc" or "nrpn" is at `position` 0 to 1; `fine`: told in 14 bits."""

    kind: str
    number: int
    position: float
    fine: bool = False


class Knobs:
    """The control changes of one channel of one port, in their order.

    CC 0 to 31 count alone, and finer with the CC 32 above them, unless that one is `alone`: bound to something itself.
    A knob known to send both waits PAIR_S for its finer half, so that it never steps back on its way.
    """

    def __init__(self, alone: Callable[[int], bool]) -> None:
        self._alone = alone
        self._coarse: dict[tuple[str, int], int] = {}
        self._fine: set[tuple[str, int]] = set()
        self._waiting: dict[tuple[str, int], float] = {}
        self._select = {NRPN: 127, NRPN_FINE: 127}
        self._selected: int | None = None  # an NRPN; None: nothing, or one that is registered
        self._registered = False

    def hear(self, number: int, value: int, now_s: float) -> list[Move]:
        """The moves that a control change makes, mostly one."""
        moves = self.settle(now_s)
        if number in (NRPN, NRPN_FINE):
            self._select[number] = value
            selected = join14(self._select[NRPN], self._select[NRPN_FINE])
            self._selected, self._registered = (None if selected == _NO_PARAMETER else selected), False
        elif number in (RPN, RPN_FINE):
            self._selected, self._registered = None, value != 127
        elif number in (DATA, DATA_FINE) and self._registered:
            pass
        elif number in (DATA, DATA_FINE) and self._selected is not None:
            moves += self._half("nrpn", self._selected, value, number == DATA_FINE, now_s)
        elif number < 32:
            moves += self._half("cc", number, value, False, now_s)
        elif number < 64 and not self._alone(number):
            moves += self._half("cc", number - 32, value, True, now_s)
        else:
            moves.append(Move("cc", number, to_share(value)))
        return moves

    def settle(self, now_s: float) -> list[Move]:
        """The moves of knobs whose finer half did not come."""
        late = [key for key, since in self._waiting.items() if now_s - since > PAIR_S]
        for key in late:
            del self._waiting[key]
            self._fine.discard(key)
        return [Move(*key, to_share(self._coarse[key])) for key in late]

    def _half(self, kind: str, number: int, value: int, fine: bool, now_s: float) -> list[Move]:
        key = kind, number
        if not fine:
            self._coarse[key] = value
            if key in self._fine:
                self._waiting[key] = now_s
                return []
            return [Move(kind, number, to_share(value))]
        if key not in self._coarse:
            return []
        self._waiting.pop(key, None)
        self._fine.add(key)
        return [Move(kind, number, to_share(join14(self._coarse[key], value), 14), True)]
