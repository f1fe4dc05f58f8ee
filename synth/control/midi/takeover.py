"""Soft take-over: a knob moves its control only once it stands where the control is, so that nothing ever jumps."""

from __future__ import annotations

NEAR = 2.0 / 128.0
FLIGHT_S = 0.25  # until a request shows in what is seen of the session
PATIENCE_S = 2.0  # without coming nearer, after which a control stays where it is


class Grip:
    """One knob on one control, both as positions 0 to 1.

    The knob takes hold where it passes the control or comes within NEAR of it (`jump`: wherever it is). It keeps hold
    while the control follows, however slowly, and loses it when the control turns elsewhere, stops short of what was
    asked, or was given back.
    """

    def __init__(self, jump: bool = False) -> None:
        self.has = False
        self.position: float | None = None
        self.moved_s = -1e9
        self._jump = jump
        self._asked = self._nearest = 0.0
        self._nearer_s = -1e9
        self._seen_held = False

    def move(self, position: float, present: float, held: bool, now_s: float) -> bool:
        """The knob is moved while the control is at `present`, and `held` or not; whether to ask for its position."""
        self.look(present, held, now_s)
        if self.has and position == self._asked:
            return False
        before, self.position = self.position, position
        passed = before is not None and (before - present) * (position - present) <= 0.0
        if not self.has:
            self._seen_held = False
            self.has = self._jump or passed or abs(position - present) <= NEAR
        if self.has:
            self.moved_s = self._nearer_s = now_s
            self._asked, self._nearest = position, abs(present - position)
        return self.has

    def look(self, present: float, held: bool, now_s: float) -> None:
        """See where the control is, several times a second; let go of it when another hand or the loop moved it."""
        if not self.has:
            return
        away = abs(present - self._asked)
        given_back = self._seen_held and not held
        self._seen_held |= held
        if away < self._nearest or now_s - self.moved_s <= FLIGHT_S:
            self._nearest, self._nearer_s = away, now_s
        elif away > self._nearest + NEAR or (away > NEAR and now_s - self._nearer_s > PATIENCE_S):
            self.has = False
        if given_back:
            self.has = False

    def let_go(self) -> None:
        """The control was given back: from now on it has to be picked up again."""
        self.has = False
