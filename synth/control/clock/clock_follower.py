"""An outside MIDI clock and what it does to a session: tempo, beat, and a rest while it stands."""

from __future__ import annotations

from synth.control.clock.follower import Follower
from synth.control.clock.midi_clock import MidiClock
from synth.control.clock.servo import TempoLimits
from synth.control.hands import Hands

REST = "rest"
TICK, START, CONTINUE, STOP, SONG_POSITION = 0xF8, 0xFA, 0xFB, 0xFC, 0xF2


class ClockFollower(Follower):
    """Follows a MIDI clock. Times are session seconds as handed out; messages are given in the order they came in.

    `rest_on_stop`: the music rests while the outside stands, and comes back when it starts or goes on.
    """

    def __init__(self, limits: TempoLimits | None = None, latency_s: float = 0.0, *, rest_on_stop: bool = True) -> None:
        self.clock = MidiClock()
        super().__init__(self.clock, limits or TempoLimits(), latency_s, by="hand:clock", name="MIDI clock")
        self._rest_on_stop = rest_on_stop
        self._resting = False  # whether the rest is ours
        self._stood = False

    def message(self, data: bytes, t_s: float) -> bool:
        """A message as it came; false when it is none of a clock's."""
        match data[0] if data else 0:
            case 0xF8:
                self.tick(t_s)
            case 0xFA:
                self.start(t_s)
            case 0xFB:
                self.cont(t_s)
            case 0xFC:
                self.stop(t_s)
            case 0xF2 if len(data) >= 3:
                self.song_position(data[1] & 0x7F | (data[2] & 0x7F) << 7)
            case _:
                return False
        return True

    def tick(self, t_s: float) -> None:
        """F8."""
        self.clock.tick(t_s)

    def start(self, t_s: float) -> None:
        """FA: from the beginning with the next tick."""
        self.clock.start(t_s)
        self.start_anew()

    def cont(self, t_s: float) -> None:
        """FB: on from where it was with the next tick."""
        self.clock.cont(t_s)

    def stop(self, t_s: float) -> None:
        """FC."""
        self.clock.stop(t_s)

    def song_position(self, sixteenths: int) -> None:
        """F2."""
        self.clock.song_position(sixteenths)

    def _new_session(self) -> None:
        super()._new_session()
        self._resting = self._stood = False

    def step(self, hands: Hands) -> None:
        """As `Follower.step`; and rest, or come back, when the outside stopped or went on."""
        stands = self._rest_on_stop and self.clock.running is False
        if stands and not self._stood and REST not in hands.held:
            hands.request(REST, 1.0, by=self.by, reason="MIDI stop")
            self._resting = True
        elif self._resting and not stands:
            hands.release(REST)
            self._resting = False
        self._stood = stands
        super().step(hands)

    def release(self, hands: Hands) -> None:
        """Give back tempo and rest."""
        if self._resting:
            hands.release(REST)
            self._resting = False
        super().release(hands)
