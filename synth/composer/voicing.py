"""Voicing: where a chord's tones lie, open below and close above, and how smoothly voices walk to the next chord."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations

from synth.composer.tension import dissonance

DRONE_LOW = 33
BASS_LOW, BASS_HIGH = 28, 43  # E1..G2
_BASS_HOME = 38
_PARALLEL = 16.0
_LEAP = 5  # semitones that an inner voice may move
_LEAPS = 40.0
RUBS = (1, 13)  # semitones: these rub
_RUB = 12.0  # where none is meant
_BESIDE = 40.0  # of a voice with what sounds beside the chord: rather a tone less, or a leap
_MOTION = 1.5  # a semitone of all voices together
_LEAN = 15.0  # how much the dissonance of a voicing counts
_GROUND = (0.0, 2.0, 8.0)  # for root, fifth and colour lowest where no bass sounds
LONE_BELOW = 57  # under A3 (220 Hz) a pad has one voice: the bass is the other


def min_gap(low: int) -> int:
    """Smallest interval in semitones that may stand on `low` without mud.

    From the roughness of six-partial tones (Sethares 1993, 2005) and the spacing of chorales and calm piano music.
    """
    if low < 48:
        return 12
    if low < 52:
        return 7
    if low < 55:
        return 5
    if low < 60:
        return 3
    return 1


def is_clear(pitches: Sequence[int]) -> bool:
    """True when rising `pitches` keep to the low-interval limits."""
    return all(high - low >= min_gap(low) for low, high in zip(pitches, pitches[1:], strict=False))


def is_apart(pitch: int, others: Sequence[int]) -> bool:
    """True when `pitch` keeps to the low-interval limits beside each of `others`; a unison does."""
    return all(pitch == other or abs(pitch - other) >= min_gap(min(pitch, other)) for other in others)


def motion(before: Sequence[int], after: Sequence[int]) -> int:
    """Semitones all voices move together; added or leaving voices count from the nearest tone."""
    if len(before) == len(after):
        return sum(abs(a - b) for a, b in zip(before, after, strict=True))
    few, many = sorted((before, after), key=len)
    return sum(min(abs(a - b) for b in few) for a in many)


def leaps(before: Sequence[int], after: Sequence[int], bass: bool) -> int:
    """How many inner voices leap by more than a fourth; the lowest is an inner one where a `bass` sounds below.

    Voices go in order; where some enter or leave, those that move least in all are the ones that go on, and the lowest
    of both chords must not lie far apart.
    """
    lowest = bass and abs(before[0] - after[0]) > _LEAP
    if len(before) > len(after):
        before, after = after, before
    some = min(
        combinations(after, len(before)), key=lambda tones: sum(abs(a - b) for a, b in zip(before, tones, strict=True))
    )
    apart = [abs(a - b) for a, b in zip(before, some, strict=True)]
    return lowest + sum(move > _LEAP for move in apart[1:-1])


@lru_cache(maxsize=4096)
def _candidates(pcs: tuple[int, ...], low: int, high: int, voices: int) -> tuple[tuple[float, tuple[int, ...]], ...]:
    """Voicings of `pcs` (root, fifth, colour) with their own cost: missing or doubled tones, gaps, close seconds."""
    pool = [pitch for pitch in range(low, high + 1) if pitch % 12 in pcs]
    found: list[tuple[float, tuple[int, ...]]] = []

    def extend(chosen: tuple[int, ...], start: int) -> None:
        if len(chosen) == voices:
            found.append((_own_cost(chosen, pcs), chosen))
            return
        for i in range(start, len(pool)):
            pitch = pool[i]
            if chosen:
                gap = pitch - chosen[-1]
                if gap < min_gap(chosen[-1]) or (len(chosen) == 1 and pitch < LONE_BELOW):
                    continue
                if gap == 1 or pitch - 13 in chosen:  # these rub: a major seventh stands open instead
                    continue
                if gap > 12:
                    break
            extend((*chosen, pitch), i + 1)

    extend((), 0)
    found.sort()
    return tuple(found[:70])


def _own_cost(chosen: tuple[int, ...], pcs: tuple[int, ...]) -> float:
    present = [pitch % 12 for pitch in chosen]
    cost = 0.0
    for i, pc in enumerate(pcs):
        if pc not in present:
            cost += (1.0, 2.0)[i] if i < 2 else 5.0
    for pc in pcs[2:]:
        cost += 1.5 * max(present.count(pc) - 1, 0)
    for low, high in zip(chosen, chosen[1:], strict=False):
        gap = high - low
        cost += 0.8 if gap == 2 else 0.5 * max(gap - 9, 0)
    return cost + _RUB * sum(high - low in RUBS for low, high in combinations(chosen, 2))


def lead(
    before: tuple[int, ...],
    pcs: tuple[int, ...],
    window: tuple[int, int],
    voices: int,
    bass: int | None,
    top: float,
    bass_before: int | None = None,
    lean: float = 0.0,
    beside: tuple[int, ...] = (),
) -> tuple[int, ...]:
    """The voicing of `pcs` nearest to `before`, rising MIDI notes in `window`.

    `bass` sounds below (None: nothing does, and the root is best lowest), `top` is where the highest voice would like
    to be, `lean` (-1 to 1) whether it is to sound smooth or rough. Voices move as little as they can, inner ones no
    more than a fourth if it can be helped, and from `bass_before` on the outer two not in parallel fifths or octaves.
    None rubs against what sounds `beside` if it can be helped.
    """
    low, high = window
    best: tuple[int, ...] = ()
    best_cost = 1e9
    forced = False  # into parallels, a leap or a rub: then a voice fewer may do better
    for count in range(voices, 0, -1):
        for own, chosen in _candidates(pcs, low, high, count):
            if own - _LEAN * max(lean, 0.0) >= best_cost:
                break
            if bass is not None and chosen[0] - bass < min_gap(bass):
                continue
            cost = own + 0.25 * abs(chosen[-1] - top)
            if lean:
                cost -= _LEAN * lean * dissonance(chosen)
            if bass is None:
                cost += _GROUND[min(pcs.index(chosen[0] % 12), 2)]
            elif any(pitch - bass == 13 for pitch in chosen):
                cost += _RUB
            rubbing = sum(abs(pitch - other) in RUBS for pitch in chosen for other in beside)
            cost += _BESIDE * rubbing
            faults = rubbing
            if before:
                cost += _MOTION * motion(before, chosen)
                cost -= 1.0 * sum(pitch in before for pitch in chosen)
                if bass is not None and bass_before is not None:
                    parallel = int(_in_parallel(bass_before, before, bass, chosen))
                    cost, faults = cost + _PARALLEL * parallel, faults + parallel
                if cost < best_cost:
                    leaping = leaps(before, chosen, bass is not None)
                    cost, faults = cost + _LEAPS * leaping, faults + leaping
            if cost < best_cost:
                best, best_cost, forced = chosen, cost, faults > 0
        if best and not forced:
            return best
    return best


def _in_parallel(bass_before: int, before: Sequence[int], bass: int, after: Sequence[int]) -> bool:
    apart = (after[-1] - bass) % 12
    moved = bass_before % 12 != bass % 12 and before[-1] != after[-1]
    return moved and apart in (0, 7) and (before[-1] - bass_before) % 12 == apart


def drone_note(pc: int) -> int:
    """The pitch of class `pc` from A1 to G#2, where a drone's tonic lies."""
    return DRONE_LOW + (pc - DRONE_LOW) % 12


def bass_note(pc: int, before: int | None, low: int = BASS_LOW, high: int = BASS_HIGH) -> int:
    """The pitch of class `pc` in the bass register nearest to the last bass note and to D2."""
    near = _BASS_HOME if before is None else before
    options = [pitch for pitch in range(low, high + 1) if pitch % 12 == pc]
    return min(options, key=lambda pitch: abs(pitch - near) + 0.5 * abs(pitch - _BASS_HOME))
