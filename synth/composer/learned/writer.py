"""A phrase written by the learned model, tone by tone, led to its closing tone.

The network looks back only. So that a phrase has the notes asked for and closes where and on what it must, each choice
is weighed by how likely a first-order chain would still get there from it (a backward pass over places and one over
tones), which steers early and softly instead of bending the last tones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

import numpy as np

from synth.composer.guests.guest import Invitation, Written
from synth.composer.learned import model as learned
from synth.composer.learned.events import IOIS, WIDEST, Event, Metre, interval, ioi_class, letter_above
from synth.composer.learned.features import Past
from synth.composer.learned.model import METRES, Chains, Model, Numbers, Reader
from synth.rng import stream

STABLE = (0, 2, 4)  # degrees a phrase may close on
LONGEST_PHRASE = 256  # beats
_GRID = 4  # places a beat
_STRETCHES = (0.5, 1.0, 2.0, 4.0, 8.0)  # beats of the phrase for one of the model
_NATURAL_IOI = {False: 0.75, True: 1.1}  # beats between tones in the slow airs, beats in twos and in threes
_SUNG = 0.85  # share of the time to the closing tone that is not rest
_SHORTEST_S = 0.22
_DANCE_HZ = 2.0  # notes a second from which on a line is a dance and not an air
_REST = 0.15  # share of a phrase that is silence at least
_STARTS = ((0, 0.6), (_GRID, 0.2), (2 * _GRID, 0.2))  # place a line begins on, and how often
_HEARD_BARS = 17.0
_WIDTH = 0.7  # standard deviation of a line's height, in registers
_RETURN = (0.45, 0.35)  # share of phrases that take up an earlier one: at regularity 0, and how much more at 1
_WAYS_BACK = ((8.0, 8.0, 0.35), (3.0, 3.0, 0.3), (8.0, 0.0, 0.35))  # time and pitch held so fast, how often
_MOTIF = (0.6, 1.4)  # how fast what was sung a bar or two ago is held: at regularity 0, and how much more at 1
_RUBBING, _RUBS = (3, 6), 0.4  # degrees that rub against most chords; how welcome they are where the line rests
_PLACES = _GRID * max(METRES)
_TIMES = tuple((symbol, round(ioi * _GRID)) for symbol, ioi in enumerate(IOIS) if ioi * _GRID % 1.0 == 0.0)


class InvitationError(ValueError):
    """An invitation that no phrase can be written for; the message says why."""


class LearnedMelody:
    """Writes a phrase for any stem that carries a line. The same invitation gives the same notes."""

    def __init__(self, model: Model | None = None) -> None:
        self._model = model or learned.shipped()

    def write(self, invitation: Invitation) -> tuple[Written, ...]:
        """The phrase: about `notes` tones in scale and register, the last on a stable tone at `closing_beat`.

        Raises InvitationError when there is no room for one: a phrase without length, a closing beat outside it, or a
        register without a tone of the scale.
        """
        check(invitation)
        frame = Frame(invitation)
        places, pitches = _sing(invitation, frame, self._model)
        return _spoken(invitation, frame, places, pitches)


def check(invitation: Invitation) -> None:
    """Raises InvitationError for an invitation that cannot be answered."""
    if not (invitation.bars >= 1 and invitation.beats >= 1 and invitation.length <= LONGEST_PHRASE):
        raise InvitationError(
            f"{invitation.bars} bars of {invitation.beats} beats: a phrase has 1 to {LONGEST_PHRASE} beats"
        )
    if not 0.0 <= invitation.closing_beat < invitation.length:
        raise InvitationError(f"closing_beat {invitation.closing_beat} is not in a phrase of {invitation.length} beats")
    if not (math.isfinite(invitation.tempo_bpm) and invitation.tempo_bpm > 0.0):
        raise InvitationError(f"tempo_bpm {invitation.tempo_bpm} is no tempo")
    if not (math.isfinite(invitation.notes) and invitation.notes > 0.0):
        raise InvitationError(f"{invitation.notes} notes are asked for; ask for one or more")
    if not invitation.pitches:
        raise InvitationError(f"no tone of {invitation.scale} lies between {invitation.low} and {invitation.high}")


class Frame:
    """An invitation in the model's terms: metre, stretch of time, the places and the tones to choose from.

    `stretch` beats of the phrase are one of the model: tunes are dances and airs, and slow music asks for fewer notes.
    """

    def __init__(self, invitation: Invitation) -> None:
        beats = invitation.beats
        if beats not in METRES:
            beats = 3 if beats % 3 == 0 else 4 if beats % 4 == 0 or beats < 3 else beats
        self.metre = Metre(beats)
        wanted = max(round(invitation.notes), 1)
        shortest = _SHORTEST_S * invitation.tempo_bpm / 60.0
        natural = max(_SUNG * invitation.closing_beat / wanted / _NATURAL_IOI[self.metre.triple], 1e-3)
        stretches = [s for s in _STRETCHES if s >= 1.0 or beats % 2 == 0]
        self.stretch = min(stretches, key=lambda s: abs(math.log(natural / s)))
        self.last = math.floor(invitation.closing_beat / self.stretch * _GRID + 1e-9)
        self.times = _usable(shortest * _GRID / self.stretch)
        self.count = min(wanted, 1 + self.last // self.times[0][1])
        self.pitches = invitation.pitches
        self.steps = [letter_above(pitch - invitation.key) for pitch in self.pitches]
        self.first_bar = 3 - self.last // (beats * _GRID)
        self.length = invitation.length / self.stretch
        self.bar = self.metre.beats * _GRID
        self.air = invitation.notes < _DANCE_HZ * invitation.seconds
        self.begins: int | None = None
        self.heard = self._heard(invitation)

    def take_up(self, events: Sequence[Event]) -> None:
        """Begin as `events` do, and with as many tones where that is about what is wanted."""
        begins = round(events[0].beat % self.length * _GRID)
        if begins < self.last:
            self.begins = begins
            if 0.75 * self.count <= len(events) <= 1.3 * self.count:
                self.count = min(len(events), 1 + (self.last - begins) // self.times[0][1])

    def _heard(self, invitation: Invitation) -> list[Event]:
        """What the stem played in the bars before."""
        earliest = -_HEARD_BARS * self.metre.beats * self.stretch
        notes = sorted((n for n in invitation.heard if earliest <= n.beat < 0.0), key=lambda n: n.beat)
        events = []
        for note, until in zip(notes, [*(note.beat for note in notes[1:]), 0.0][: len(notes)], strict=True):
            gap = until - note.beat
            if gap > 1e-3:
                step = letter_above(round(note.pitch) - invitation.key)
                events.append(Event(note.beat / self.stretch, gap / self.stretch, step))
        return events


def _usable(shortest: float) -> list[tuple[int, int]]:
    """Of `_TIMES` those of `shortest` places or more; a dotted one only with the short one that completes it."""
    long = [(i, ticks) for i, ticks in _TIMES if ticks >= shortest]
    known = {ticks for _, ticks in long}
    return [(i, ticks) for i, ticks in long if ticks not in (3, 6) or ticks // 3 in known] or [_TIMES[-1]]


class Return(NamedTuple):
    """What was sung `lag` model beats before is made e^`time` and e^`pitch` times as likely; `moved` at any height."""

    lag: float
    time: float
    pitch: float
    moved: bool


def _returns(rng: Random, invitation: Invitation, frame: Frame) -> list[Return]:
    """What this phrase takes up: perhaps one of the two phrases before, and a motif of its own."""
    regular = min(max(invitation.controls.get("regularity", 0.5), 0.0), 1.0)
    bars = rng.choice((1, 2))
    held = _MOTIF[0] + _MOTIF[1] * regular
    found = [Return(float(bars * frame.metre.beats), held, held, True)]
    length = frame.length
    known = [n for n in (1, 2) if sum(-n * length <= e.beat < (1 - n) * length for e in frame.heard) > 2]
    if known and rng.random() < _RETURN[0] + _RETURN[1] * regular:
        lag = rng.choice(known) * length
        time, pitch, _ = rng.choices(_WAYS_BACK, [share for *_, share in _WAYS_BACK])[0]
        found.append(Return(lag, time, pitch, False))
        frame.take_up([event for event in frame.heard if -lag <= event.beat < length - lag])
    return found


def _sing(invitation: Invitation, frame: Frame, model: Model) -> tuple[list[int], list[int]]:
    """Place and pitch of each tone."""
    rng = stream(invitation.seed, "learned", invitation.stem, invitation.phrase)
    returns = _returns(rng, invitation, frame)
    reader = Reader(model, Past(frame.metre, frame.air, frame.first_bar))
    for event in frame.heard:
        reader.add(event)
    past, pull = reader.past, _pull(frame)
    in_time, home = _ways_in_time(model.chains, frame), _ways_home(model.chains, frame, pull)
    place = _start(rng, frame, in_time[frame.count - 1])
    places, pitches = [], []
    for left in range(frame.count - 1, -1, -1):
        beat = place / _GRID
        ticks = _next_time(rng, model, reader, frame, place, left, in_time, returns) if left else 0
        ioi = ticks / _GRID if left else 2.0
        if past.events:
            step = past.events[-1].step
            said = reader.intervals(beat, ioi)
            chances = [said[interval(step, to) + WIDEST] * _again(past, beat, to, returns) for to in frame.steps]
        else:
            chances = [float(model.chains.first[step % 7]) for step in frame.steps]
        if frame.metre.level(beat) < 2 or ioi >= 1.5:
            chances = [c * (_RUBS if s % 7 in _RUBBING else 1.0) for c, s in zip(chances, frame.steps, strict=True)]
        weights = [c * p * w for c, p, w in zip(chances, pull, home[left].tolist(), strict=True)]
        index = rng.choices(range(len(weights)), weights)[0]
        reader.add(Event(beat, ioi, frame.steps[index]))
        places.append(place)
        pitches.append(frame.pitches[index])
        place += ticks
    return places, pitches


def _next_time(
    rng: Random,
    model: Model,
    reader: Reader,
    frame: Frame,
    place: int,
    left: int,
    ways: Numbers,
    returns: Sequence[Return],
) -> int:
    """Places from the tone at `place` to the next, of `left` to come."""
    past, beat = reader.past, place / _GRID
    said = (
        reader.times(beat) if past.events else model.chains.times[_metre(frame), place % frame.bar % _PLACES].tolist()
    )
    held = [1.0] * len(IOIS)
    for back in returns:
        index = past.at(beat - back.lag)
        if index is not None:
            held[ioi_class(past.events[index].ioi)] *= math.exp(back.time)
    options = [(i, ticks) for i, ticks in frame.times if place + ticks <= frame.last]
    chances = [said[i] * held[i] * ways[left - 1, place + ticks] for i, ticks in options]
    if sum(chances) <= 0.0:  # more time than the longest tones fill
        return (frame.last - place) // left
    return rng.choices([ticks for _, ticks in options], chances)[0]


def _again(past: Past, beat: float, to: int, returns: Sequence[Return]) -> float:
    """How much more likely step `to` is made on `beat` by what returns."""
    held = 0.0
    for back in returns:
        index = past.at(beat - back.lag)
        if index is None or (back.moved and index == 0):
            continue
        if back.moved:
            same = past.interval(index) == interval(past.events[-1].step, to)
        else:
            same = past.events[index].step == to
        held += back.pitch if same else 0.0
    return math.exp(held)


def _start(rng: Random, frame: Frame, ways: Numbers) -> int:
    """The place of the first tone: mostly the phrase's first beat, where the tones still fit."""
    if frame.count == 1:
        return frame.last
    starts = ((frame.begins, 1.0),) if frame.begins is not None else _STARTS
    chances = [(place, share * math.sqrt(ways[place])) for place, share in starts if place < frame.last]
    chances = [(place, chance) for place, chance in chances if chance > 0.0]
    chances = chances or [(place, float(ways[place])) for place in range(frame.last)]
    if not any(chance for _, chance in chances):
        return 0
    return rng.choices([place for place, _ in chances], [chance for _, chance in chances])[0]


def _metre(frame: Frame) -> int:
    """Row of the chain of times for the metre, that of four beats for one that tunes do not have."""
    return METRES.index(frame.metre.beats) if frame.metre.beats in METRES else METRES.index(4)


def _ways_in_time(chains: Chains, frame: Frame) -> Numbers:
    """(tones to come, place): how likely the last of them falls on the closing place, by the place alone."""
    table = chains.times[_metre(frame)]
    said = table[np.arange(frame.last + 1) % frame.bar % _PLACES]
    ways = np.zeros((max(frame.count, 1), frame.last + 1))
    ways[0, frame.last] = 1.0
    for left in range(1, frame.count):
        for symbol, ticks in frame.times:
            if ticks <= frame.last:
                ways[left, : frame.last + 1 - ticks] += said[: frame.last + 1 - ticks, symbol] * ways[left - 1, ticks:]
        ways[left] /= max(ways[left].max(), 1e-300)
    return ways


def _pull(frame: Frame) -> list[float]:
    """How welcome each tone is by its height alone, the middle of the register most; two of one step share."""
    middle = (frame.pitches[0] + frame.pitches[-1]) / 2.0
    width = max(_WIDTH * (frame.pitches[-1] - frame.pitches[0]), 3.0)
    return [
        math.exp(-0.5 * ((pitch - middle) / width) ** 2) / frame.steps.count(step)
        for pitch, step in zip(frame.pitches, frame.steps, strict=True)
    ]


def _ways_home(chains: Chains, frame: Frame, pull: Sequence[float]) -> Numbers:
    """(tones to come, tone): how likely the last of them is a good close, by the degree alone."""
    last = [float(chains.last[step % 7]) for step in frame.steps]
    home = np.array([p if step % 7 in STABLE else 0.0 for p, step in zip(last, frame.steps, strict=True)])
    if not home.any():
        home = np.array(last)
    said = chains.moves
    moves = np.array([[said[a % 7, interval(a, b) + WIDEST] for b in frame.steps] for a in frame.steps]) * np.array(
        pull
    )
    moves /= moves.sum(axis=1, keepdims=True)
    ways = np.empty((frame.count, len(frame.steps)))
    ways[0] = home / home.max()
    for left in range(1, frame.count):
        ways[left] = moves @ ways[left - 1]
        ways[left] /= ways[left].max()
    return ways


def _spoken(invitation: Invitation, frame: Frame, places: Sequence[int], pitches: Sequence[int]) -> tuple[Written, ...]:
    """The phrase as notes, with rests after long tones and after the close."""
    beats = [place / _GRID * frame.stretch for place in places]
    beats[-1] = float(invitation.closing_beat)
    room = invitation.length - beats[-1]
    gaps = [b - a for a, b in zip(beats, beats[1:], strict=False)]
    usual = sorted(gaps)[len(gaps) // 2] if gaps else room / 2.0
    long = max(2.0 * usual, 1.5)
    lengths = [min(gap - min(gap / 3.0, 1.0), 1.5 * long) if gap >= long else gap for gap in gaps]
    lengths.append(min(max(2.0 * usual, 1.5), 0.75 * room))
    spare = sum(lengths) - (1.0 - _REST) * invitation.length
    if spare > 0.0:
        longest = max(lengths)
        cut = min(spare / sum(length for length in lengths if length >= 0.75 * longest), 0.5)
        lengths = [length * (1.0 - cut) if length >= 0.75 * longest else length for length in lengths]
    legato = min(max(invitation.controls.get("articulation", 1.0), 0.3), 1.0)
    notes = []
    for beat, length, pitch, place in zip(beats, lengths, pitches, places, strict=True):
        level = frame.metre.level(place / _GRID)
        notes.append(Written(round(beat, 4), round(length * legato, 4), pitch, (0.62, 0.6, 0.57, 0.55, 0.54)[level]))
    return tuple(notes)
