"""MIDI clock out: 24 ticks a quarter note, each on its exact frame.

A tick's frame is reckoned as a note's is (`synth.transport`): in whole microseconds and ticks from the beat's start, so
a note on the tick falls on the same frame, and nothing drifts. Start goes out with the first beat, stop where the music
stops, and song position with continue where it goes on (MIDI 1.0: F8, FA, FB, FC, F2).
"""

from __future__ import annotations

from typing import NamedTuple

from synth.session.pulse import Pulse

TICKS_PER_BEAT, SIXTEENTHS_PER_BEAT = 24, 4
TICK, START, CONTINUE, STOP = b"\xf8", b"\xfa", b"\xfb", b"\xfc"
LAST_POSITION = 1 << 14  # song position has 14 bits; a longer session begins again from 0


class Sent(NamedTuple):
    """A MIDI message and the frame on which it goes out."""

    frame: int
    data: bytes


def song_position(sixteenths: int) -> bytes:
    """The message that puts whoever follows at so many sixteenths from the beginning."""
    place = sixteenths % LAST_POSITION
    return bytes((0xF2, place & 0x7F, place >> 7))


class ClockOut:
    """The clock of one session at `sample_rate`. Frames are those of the session as rendered, plus `latency_frames`:
    how much later what is rendered is handed out.
    """

    def __init__(self, sample_rate: int, latency_frames: int = 0) -> None:
        self._sample_rate = sample_rate
        self._latency_frames = latency_frames
        self._beat: Pulse | None = None
        self._tick = 0  # the next one of the beat
        self._frame = 0  # taken up to here
        self._playing = False
        self._begun = False

    def take(self, pulse: Pulse, end_frame: int, *, playing: bool = True) -> list[Sent]:
        """What goes out before `end_frame` and did not yet; `pulse` is the beat that sounds there.

        To be called for each block, with no beat left out. With `playing` False the ticks go on, so that whoever
        follows keeps the tempo, but stands still; it goes on with the next beat.
        """
        end_frame += self._latency_frames
        sent: list[Sent] = []
        if self._playing and not playing:
            self._playing = False
            sent.append(Sent(max(self._frame, self._latency_frames), STOP))
        if self._beat is None or pulse.number != self._beat.number:
            self._ticks(TICKS_PER_BEAT, sent)
            self._beat, self._tick = pulse, 0
        if playing and not self._playing and self._tick == 0 and self._tick_frame(0) < end_frame:
            self._begin(pulse, sent)
        while self._tick < TICKS_PER_BEAT and self._tick_frame(self._tick) < end_frame:
            self._ticks(self._tick + 1, sent)
        self._frame = end_frame
        return sent

    def end(self) -> list[Sent]:
        """Stop, where it was taken up to; nothing goes out after."""
        was, self._playing = self._playing, False
        return [Sent(self._frame, STOP)] if was else []

    def _begin(self, pulse: Pulse, sent: list[Sent]) -> None:
        """Start with the first beat, or go on with the one that it has come to."""
        frame = self._tick_frame(0)
        if self._begun or pulse.number:
            sent += [Sent(frame, song_position(pulse.number * SIXTEENTHS_PER_BEAT)), Sent(frame, CONTINUE)]
        else:
            sent.append(Sent(frame, START))
        self._playing = self._begun = True

    def _ticks(self, until: int, sent: list[Sent]) -> None:
        """The beat's ticks before `until` that did not go out yet."""
        if self._beat is not None:
            sent += [Sent(self._tick_frame(tick), TICK) for tick in range(self._tick, until)]
            self._tick = max(self._tick, until)

    def _tick_frame(self, tick: int) -> int:
        assert self._beat is not None
        start_us, us_per_beat = round(self._beat.start_s * 1e6), round(self._beat.length_s * 1e6)
        us_ticks = start_us * TICKS_PER_BEAT + tick * us_per_beat
        return us_ticks * self._sample_rate // (1_000_000 * TICKS_PER_BEAT) + self._latency_frames
