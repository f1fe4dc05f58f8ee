"""Melody: lines of tones planned as rhythm and contour first and sung to the chords as they come.

Pitches are sampled from the interval succession of lullabies, bent by the implication-realisation tendencies of Narmour
(1990: small intervals go on, large ones turn back and shrink), the chord, the phrase's contour and the gesture being
repeated. An idea is said two or three times before it changes. Before a close tones are drawn to it by Lerdahl's
attraction ("Tonal Pitch Space", 2001, ch. 4): (s2 / s1) / n^2 for anchoring strengths s and n semitones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from synth.composer import priors, rhythm
from synth.composer.scales import Scale, pitches_between
from synth.composer.voicing import is_apart

# Gestures before the closing note, a letter a bar, "-" a bar of rest.
_LAYOUTS: dict[int, tuple[str, ...]] = {
    0: ("",),
    1: ("a",),
    2: ("aa", "ab", "a-", "-a"),
    3: ("aab", "a-b", "aba", "-ab", "aa-", "a-a"),
    4: ("aab-", "a-ab", "ab-a", "-aab", "a-a-"),
    5: ("aab-a", "a-ab-", "ab-ab", "a-a-b"),
    6: ("aab-aa", "a-ab-a", "ab-ab-", "a--a-b"),
    7: ("aab-aab", "a-b-aab", "ab-a-ab", "-ab-aab", "a-a--ab"),
}
_SIZES = {"0": (0, 0), "s": (1, 2), "t": (3, 4), "l": (5, 7), "L": (8, 99)}
LOWEST_PASSING = 57  # below A3 a tune keeps to chord tones
_LAST_LONGER = 1.35  # times as long as others the last tone is, where that leaves not too much rest
_SPARSE = 0.12  # of the time may be silent besides, so that the last tone is longer
_LONGEST = 8.0  # beats that a tone is held where there is time
_BREATH = 1.0  # beats of rest between gestures, and after the close, at least
_DECIDED = 1.35  # exponent on the weights of the next tone: above 1 the likely is likelier
_RISING_CLOSE = 0.4  # how often a phrase ends upwards, against downwards
_SIGH = 0.25  # of the closes come late, after a tone that leans on them
_ANCHORING = {0: 4.0, 2: 3.0, 4: 3.0}
_CROWD = {"0": 1.0, "s": 1.0, "t": 1.2, "l": 1.8, "L": 2.0}  # scale tones an interval class holds each way


@dataclass(slots=True, eq=False)
class Tone:
    """A tone of a line: `beat` from the phrase's start, `gesture` and `place` in it, `step` of the scale once sung."""

    beat: float
    beats: float
    gesture: str
    place: int
    step: int | None = None
    closing: bool = False
    accent: float = 0.0


@dataclass(slots=True)
class Voice:
    """Where a voice is: its last pitch and interval class, and whether it owes a resolution."""

    pitch: int | None = None
    interval: str = "0"
    unresolved: bool = False

    def move(self, pitch: int, consonant: bool) -> None:
        """Sing `pitch`."""
        if self.pitch is not None:
            self.interval = interval_class(pitch - self.pitch)
        self.pitch, self.unresolved = pitch, not consonant


@dataclass(frozen=True, slots=True)
class Setting:
    """What a tone is sung against: chord tones, register, the sounding pad, and what the line wants of it.

    `wanted`: pitch of the contour. `strong`: on a beat that shows the harmony, or long. `like`: the pitch a repeated
    gesture would have. `next`: a pitch that draws this one. `opening`: first of a phrase. `barred`: pitches that would
    rub against what sounds.
    """

    scale: Scale
    chord: tuple[int, ...]
    window: tuple[int, int]
    below: tuple[int, ...]
    wanted: float
    strong: bool
    like: int | None = None
    next: int | None = None
    opening: bool = False
    barred: frozenset[int] = frozenset()

    def fits(self, pitch: int) -> bool:
        """True when `pitch` neither rubs nor stands too close to a low tone."""
        return pitch not in self.barred and is_apart(pitch, self.below)


def interval_class(semitones: int) -> str:
    """The class of an interval, as in `priors.CLASSES`."""
    size = abs(semitones)
    for name, (low, high) in _SIZES.items():
        if low <= size <= high:
            return name if name == "0" else name + ("+" if semitones > 0 else "-")
    raise AssertionError(semitones)


def contour(name: str, place: float) -> float:
    """Height -1..1 of a contour at `place` 0..1; peaks come early, as in songs, and all but the rising fall at last."""
    if name == "falling":
        return min(0.5 + 2.5 * place, 1.0 - 2.5 * (place - 0.2))
    if name == "rising":
        return -0.8 + 1.7 * min(place / 0.75, 1.0) - (1.2 * (place - 0.75) / 0.25 if place > 0.75 else 0.0)
    if name == "valley":
        return 0.6 * math.cos(2.0 * math.pi * place) - 0.3 * place
    peak = 0.36
    if place < peak:
        return math.sin(0.5 * math.pi * place / peak) * 1.3 - 0.3
    return math.cos(0.85 * math.pi * (place - peak) / (1.0 - peak))


def plan_line(
    rng: Random,
    bars: int,
    beats: int,
    closing_beat: float,
    notes: float,
    shortest: float,
    rest: float,
    regularity: float,
    leaning: bool = True,
) -> list[Tone]:
    """The rhythm of a new line of about `notes` tones, in phrase beats.

    The closing tone falls on `closing_beat` or, where `leaning`, half of what is left later, after a tone that leans on
    it; no tone is
    planned shorter than `shortest` beats; about `rest` of the `bars * beats` beats stay silent, and no less.
    """
    body_bars = int(closing_beat // beats)
    gesture_bars = min(body_bars, 7)
    layouts = _LAYOUTS[gesture_bars]
    wanted_gestures = min(gesture_bars, max(1, round((notes - 1) / 2.6)))
    layout = rng.choices(layouts, [1.0 / (1.0 + abs(len(x.replace("-", "")) - wanted_gestures)) ** 2 for x in layouts])[
        0
    ]
    gestures = [letter for letter in layout if letter != "-"]
    per_bar = max(1, round((notes - 1) / len(gestures))) if gestures else 0
    per_bar = min(per_bar, max(1, int(0.8 * beats / shortest)))
    cells: dict[str, tuple[float, tuple[float, ...]]] = {}
    tones: list[Tone] = []
    for index, letter in enumerate(layout):
        bar = index * body_bars // gesture_bars  # long phrases have bars between
        if letter == "-":
            continue
        if letter not in cells:
            count = per_bar if letter == "a" or per_bar < 3 else per_bar + rng.choice((-1, 0, 0))
            late = rng.choices((0.0, 1.0, 0.5), (0.6, 0.3, 0.25 * (1.0 - regularity)))[0] if beats > 2 else 0.0
            cells[letter] = late, _fitting_cell(rng, beats, count, shortest, regularity)
        late, lengths = cells[letter]
        for place, (onset, length) in enumerate(zip(rhythm.onsets(lengths), lengths, strict=True)):
            if onset + late < beats - 0.24:
                length = min(length, beats - onset - late)
                tones.append(Tone(bar * beats + onset + late, length, letter, place))
    total = float(bars * beats)
    tones = [tone for tone in tones if tone.beat < closing_beat]
    late = (total - closing_beat) / 2.0 if leaning and rng.random() < _SIGH and notes >= 2.0 * bars else 0.0
    late = late if late >= 2.0 else 0.0
    if late:
        tones.append(Tone(closing_beat, late, "close", 0))
    median = sorted(tone.beats for tone in tones)[len(tones) // 2] if tones else 1.0
    last = max(2.0 * median, 1.5)
    tones.append(Tone(closing_beat + late, last, "close", 1 if late else 0, closing=True))
    return breathe(tones, total, rest, shortest)


def _fitting_cell(rng: Random, beats: int, notes: int, shortest: float, regularity: float) -> tuple[float, ...]:
    for count in range(notes, 0, -1):
        lengths = rhythm.cell(rng, beats, count, regularity)
        if min(lengths) >= shortest:
            return lengths
    return (float(beats),)


def breathe(tones: list[Tone], total: float, rest: float, shortest: float) -> list[Tone]:
    """Hold or shorten `tones`, of a phrase of `total` beats, until `rest` of the time is silent; in place.

    The close lasts, gestures are set off from each other, and short silences are filled before long ones. Where that is
    not enough tones are left out.
    """
    while True:
        ends = [tone.beat for tone in tones[1:]] + [total]
        gaps = [end - tone.beat for tone, end in zip(tones, ends, strict=True)]
        for tone, gap in zip(tones, gaps, strict=True):
            tone.beats = min(tone.beats, gap)
        last = [i for i in range(len(tones)) if i + 1 == len(tones) or tones[i + 1].place == 0]
        for i in last:  # of a gesture
            tones[i].beats = min(tones[i].beats, gaps[i] - min(_BREATH, 0.25 * gaps[i]))
        spare = total * (1.0 - rest) - sum(tone.beats for tone in tones)
        if spare >= -1e-9:
            break
        shrinking = [i for i in last[:-1] if tones[i].beats > max(1.0, shortest)]
        if shrinking:
            longest = max(shrinking, key=lambda i: (tones[i].beats, i))
            tones[longest].beats -= min(0.5, -spare)
            continue
        if len(tones) <= 2:
            tones[0].beats = max(tones[0].beats + spare, min(0.25, tones[0].beats))
            break
        inner = last[:-1] or [len(tones) - 2]
        tones.pop(inner[len(inner) // 2])
    room = [i for _, i in sorted((gap - tone.beats, i) for i, (tone, gap) in enumerate(zip(tones, gaps, strict=True)))]
    breath = [min(_BREATH, 0.25 * gap) if i in last else 0.0 for i, gap in enumerate(gaps)]
    most = max(tones[-1].beats, min(gaps[-1] - breath[-1], _LONGEST)) / _LAST_LONGER  # of the tones before the last
    for tone in tones[:-1]:
        shorter = min(tone.beats, max(most, 1.0))
        spare, tone.beats = spare + tone.beats - shorter, shorter
    for limit, spared in ((most, 0.0), (_LONGEST, _SPARSE * total)):
        for i in (len(tones) - 1, *room):
            held = _LONGEST if i + 1 == len(tones) else limit
            more = min(spare - spared, gaps[i] - breath[i] - tones[i].beats, held - tones[i].beats)
            if more > 0.0:
                tones[i].beats += more
                spare -= more
        room.reverse()
    return tones


def sing(rng: Random, voice: Voice, at: Setting) -> int:
    """The next pitch of `voice`."""
    low, high = at.window
    if voice.pitch is None or at.opening:
        near = voice.pitch if voice.pitch is not None else at.wanted
        pool = pitches_between(at.scale, low, high)
        weights = [
            priors.FIRST_DEGREE.get(at.scale.step(p) % at.scale.size, 0.05)
            * (1.0 if p % 12 in at.chord else 0.02)
            * math.exp(-(((p - at.wanted) / 4.5) ** 2) - abs(p - near) / 5.0)
            * (8.0 if p == at.like else 1.0)
            * at.fits(p)
            for p in pool
        ]
    else:
        pool = pitches_between(at.scale, max(low, min(voice.pitch - 9, high)), min(high, max(voice.pitch + 9, low)))
        after = dict(zip(priors.CLASSES, priors.INTERVAL_AFTER[voice.interval], strict=True))
        weights = [_weight(p, p - voice.pitch, after, voice, at) ** _DECIDED * at.fits(p) for p in pool]
    if sum(weights) <= 0.0:
        return min(
            pitches_between(at.scale, low, high),
            key=lambda p: (not at.fits(p), p % 12 not in at.chord, abs(p - at.wanted)),
        )
    return rng.choices(pool, weights)[0]


def _weight(pitch: int, interval: int, after: dict[str, float], voice: Voice, at: Setting) -> float:
    name = interval_class(interval)
    weight = (after[name] + 0.002) / _CROWD[name[0]]
    if name == "0":
        weight *= 0.15 if voice.interval == "0" else 0.4
    elif name[0] == "s":
        weight *= 1.4 if name == "s-" else 1.3
    if voice.interval[0] in "lL":  # a leap turns back
        weight *= 0.4 if name == "0" else 0.12 if name[1] == voice.interval[1] else 1.5
    if pitch % 12 not in at.chord:
        if pitch < LOWEST_PASSING:
            return 0.0
        rubs = (pitch - 1) % 12 in at.chord
        if at.strong:
            weight *= 0.006 if rubs else 0.15
        else:
            weight *= 0.35 if rubs else 0.6 if (pitch + 1) % 12 in at.chord else 0.75
        if name[0] not in "0s":
            weight *= 0.15  # tones outside the chord are reached by step
    if voice.unresolved:
        weight *= 4.0 if name[0] == "s" else 0.1
    weight *= math.exp(-(((pitch - at.wanted) / 4.5) ** 2))
    if pitch == at.like:
        weight *= 25.0
    if at.next is not None:
        weight *= 0.1 + 3.0 * attraction(at.scale, pitch, at.next) * (1.5 if pitch > at.next else 1.0)
    return weight


def attraction(scale: Scale, pitch: int, goal: int) -> float:
    """How strongly `goal` draws `pitch`: (s2 / s1) / n^2, with 4 for the tonic, 3 for third and fifth, 2 for others."""
    if pitch == goal:
        return 0.0
    here, there = (_ANCHORING.get(scale.step(p) % scale.size, 2.0) for p in (pitch, goal))
    return there / here / (goal - pitch) ** 2


def close(rng: Random, voice: Voice, at: Setting, degrees: Sequence[int] = (0, 1, 2, 4)) -> int:
    """The pitch a phrase ends on: a chord tone near by, best on the degrees that songs end on."""
    near = voice.pitch if voice.pitch is not None else at.wanted
    low, high = at.window
    pool = [p for p in pitches_between(at.scale, low, high) if p % 12 in at.chord]
    weights = []
    for p in pool:
        degree = at.scale.step(p) % at.scale.size
        weight = priors.CLOSING_DEGREE.get(degree, 0.08) if degree in degrees else 0.002
        weight *= _RISING_CLOSE if p > near else 1.0
        weights.append(weight * math.exp(-abs(p - near) / 2.5 - abs(p - at.wanted) / 5.0) * at.fits(p))
    if sum(weights) <= 0.0:
        return min(pool, key=lambda p: (not at.fits(p), abs(p - near))) if pool else round(near)
    return rng.choices(pool, weights)[0]
