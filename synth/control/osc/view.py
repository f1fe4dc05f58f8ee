"""What can be seen of a session, looked at once for all who ask in the same moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

from synth.control import travel
from synth.control.hands import Hands
from synth.control.osc.stems import Stems
from synth.controls import KEYS, MODES, Control
from synth.session.pulse import Pulse
from synth.wire.osc import Arg


class View:
    """A session as it was when first looked at."""

    def __init__(self, hands: Hands, stems: Stems, preset: str | None) -> None:
        self._hands = hands
        self.stems = stems
        self.preset = preset

    @cached_property
    def controls(self) -> Mapping[str, float]:
        """Values of all controls."""
        return self._hands.controls

    @cached_property
    def held(self) -> frozenset[str]:
        """Controls that a person or safety holds."""
        return self._hands.held

    @cached_property
    def pulse(self) -> Pulse:
        """The beat."""
        return self._hands.pulse

    def told(self, name: str) -> tuple[Arg, ...]:
        """What `/session/<name>` tells."""
        return SESSION[name](self)


def shown(control: Control, value: float) -> Arg:
    """A control's value as it is sent: the name of a choice, the number of what is counted, else a float."""
    if control.choices:
        return control.text(value)
    return round(value) if control.curve == "choice" else float(value)


def fader_of(control: Control, value: float) -> float:
    """Where a fader from 0 to 1 along the control's curve stands at `value`."""
    return travel.position_of(value, control.low, control.high, control.curve)


def value_at(control: Control, fader: float) -> float:
    """The value where a fader from 0 to 1 stands; beyond its ends that of the end."""
    return control.clamp(travel.value_at(min(max(fader, 0.0), 1.0), control.low, control.high, control.curve))


SESSION: Mapping[str, Callable[[View], tuple[Arg, ...]]] = {
    "time_s": lambda view: (float(view._hands.time_s),),
    "phase": lambda view: (view._hands.phase,),
    "planned": lambda view: tuple(map(float, view._hands.planned)),
    "reasons": lambda view: ("; ".join(view._hands.reasons),),
    "tempo": lambda view: (float(view.pulse.bpm),),
    "beat": lambda view: (view.pulse.number, view.pulse.index + 1, view.pulse.beats),
    "key": lambda view: (KEYS[view.pulse.key],),
    "mode": lambda view: (MODES[view.pulse.mode],),
    "held": lambda view: (" ".join(sorted(view.held)),),
    "preset": lambda view: (view.preset or "",),
    "finished": lambda view: (int(view._hands.finished),),
}
