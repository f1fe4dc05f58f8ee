"""The next knob that is moved is the one, in seven bits, in fourteen, or by its NRPN."""

from __future__ import annotations

from synth.control.midi.learn import Learner
from synth.control.midi.mapping import Binding, Source
from synth.wire.midi import Message

WANTED = Binding(Source("cc"), "space", low=0.2)


def learned(*messages: Message, gap_s: float = 0.001, any_channel: bool = False) -> Source | None:
    learner = Learner(WANTED, any_channel)
    for n, message in enumerate(messages):
        if (found := learner.offer(message, n * gap_s)) is not None:
            break
    else:
        found = learner.settle(len(messages) * gap_s + 1.0)
    if found is not None:
        assert (found.target, found.low) == ("space", 0.2)
    return None if found is None else found.source


def cc(number: int, value: int = 9, channel: int = 2) -> Message:
    return Message("control_change", channel, number, value)


def test_a_controller() -> None:
    assert learned(cc(74)) == Source("cc", 74, 3)
    assert learned(cc(74), any_channel=True) == Source("cc", 74)
    assert learned(cc(20)) == Source("cc", 20, 3)


def test_a_pair_is_its_coarser_half_whichever_comes_first() -> None:
    assert learned(cc(20), cc(52)) == learned(cc(52), cc(20)) == Source("cc", 20, 3)


def test_a_knob_in_the_range_of_finer_halves() -> None:
    assert learned(cc(52)) == Source("cc", 52, 3)
    assert learned(cc(52), cc(20), gap_s=1.0) == Source("cc", 52, 3)
    assert learned(cc(52), cc(20, channel=5)) == Source("cc", 52, 3)


def test_an_nrpn() -> None:
    assert learned(cc(99, 2), cc(98, 3), cc(6)) == Source("nrpn", 259, 3)
    assert learned(cc(101, 0), cc(100, 0), cc(99, 2), cc(98, 3), cc(38)) == Source("nrpn", 259, 3)
    assert learned(cc(99, 2), cc(98, 3), cc(101, 127), cc(100, 127), cc(6)) == Source("cc", 6, 3)


def test_pads_wheels_and_pressure() -> None:
    assert learned(Message("note_off", 9, 36, 64), Message("note_on", 9, 36, 99)) == Source("note", 36, 10)
    assert learned(Message("pitch_bend", 0, value=10)) == Source("bend", 0, 1)
    assert learned(Message("pressure", 0, value=10)) == Source("pressure", 0, 1)


def test_what_is_no_knob_is_waited_past() -> None:
    assert learned(cc(123, 0), cc(120, 0), Message("program_change", 2, 5)) is None
