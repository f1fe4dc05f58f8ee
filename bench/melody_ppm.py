"""Variable-order Markov models of linked viewpoints, to compare the shipped network with.

Conklin & Witten (1995, J. New Music Research 24): a tone is seen from several viewpoints (the interval, the degree of
the scale, its place in the bar, what was sung there 1, 2 and 4 bars ago), each predicted from contexts of growing
length. Contexts blend by interpolated PPM, escape method C (Pearce 2005, ch. 6), one model of the training tunes and
one that learns the tune at hand as it goes. Viewpoints are multiplied with exponents fitted on the valid pieces, apart
for places where the last tone was as it had been 2 and 4 bars before and for those where it was not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from melody_corpus import Piece
from numpy.typing import NDArray

from synth.composer.learned.events import IOIS, WIDEST, interval, ioi_class
from synth.composer.learned.features import INTERVALS, LAGS, Past

Numbers = NDArray[np.float64]
Chain = tuple[tuple[int, ...], ...]  # contexts of one viewpoint, the shortest first
_NONE, _ROUNDS = -99, 40


@dataclass
class Viewpoint:
    """Counts of what followed each context."""

    size: int
    counts: dict[tuple[int, ...], dict[int, int]] = field(default_factory=dict)

    def learn(self, chain: Chain, symbol: int) -> None:
        """Count `symbol` after each context of `chain`."""
        for key in chain:
            row = self.counts.setdefault(key, {})
            row[symbol] = row.get(symbol, 0) + 1

    def predict(self, chain: Chain) -> list[float]:
        """Probability of each symbol, the contexts blended from the shortest to the longest."""
        found = [1.0 / self.size] * self.size
        for key in chain:
            row = self.counts.get(key)
            if row is None:
                break
            total, kinds = sum(row.values()), len(row)
            found = [p * kinds / (total + kinds) for p in found]
            for symbol, count in row.items():
                found[symbol] += count / (total + kinds)
        return found


def _chain(*parts: int) -> Chain:
    return tuple(parts[:length] for length in range(len(parts) + 1))


def _ioi(past: Past, back: int) -> int:
    return ioi_class(past.events[-back].ioi) if len(past.events) >= back else _NONE


def time_contexts(past: Past, beat: float) -> dict[str, Chain]:
    """Contexts of the time from `beat` to the next tone, by viewpoint; those with * also learn the tune at hand."""
    metre, (one, two, three) = past.metre, (_ioi(past, back) for back in (1, 2, 3))
    place = round((beat % metre.beats) * 4)
    found = {
        "flow": _chain(one, two, three),
        "bar": _chain(metre.beats, place, one, two),
        "form": _chain(metre.level(beat), past.bar(beat), int(metre.triple), one),
        "kind": _chain(int(past.air), metre.beats, place, one),
        "*own": _chain(metre.level(beat), one, two, three),
    }
    for bars in LAGS:
        index = past.echo(beat, bars)
        if index is None:
            found[f"echo{bars}"] = _chain(_NONE, metre.level(beat))
        else:
            same = bool(index) and ioi_class(past.events[index - 1].ioi) == one
            found[f"echo{bars}"] = _chain(ioi_class(past.events[index].ioi), int(same), metre.level(beat))
    return found


def pitch_contexts(past: Past, beat: float, ioi: float) -> dict[str, Chain]:
    """Contexts of the interval from the last tone to the one at `beat` that lasts `ioi`, by viewpoint."""
    metre, count = past.metre, len(past.events)
    last = past.events[-1].step
    degree, level, length = last % 7, metre.level(beat), ioi_class(ioi)
    one, two, three = (past.interval(count - back) for back in (1, 2, 3))
    found = {
        "line": _chain(one, two, three, past.interval(count - 4)),
        "scale": _chain(degree, one, two, level),
        "place": _chain(degree, level, past.bar(beat), length),
        "time": _chain(one, _ioi(past, 1), length, level),
        "height": _chain(max(-9, min(9, round(past.height))), one, degree),
        "*own": _chain(last, one, two, three),
    }
    for bars in LAGS:
        index = past.echo(beat, bars)
        if not index:
            found[f"echo{bars}"] = _chain(_NONE, degree)
            continue
        alike = 2 if past.events[index - 1].step == last else int(past.interval(index - 1) == one)
        found[f"echo{bars}"] = _chain(past.interval(index), alike, degree)
    return found


def _group(contexts: dict[str, Chain]) -> int:
    """Which exponents count: how the last tone was alike 2 and 4 bars before."""
    group = 0
    for name in ("echo2", "echo4"):
        chain = contexts[name][-1]
        group = group * 4 + (3 if chain[0] == _NONE else chain[1])
    return group


class Markov:
    """Viewpoints of times and of pitches, learned from `training`; exponents fitted on `valid`."""

    def __init__(self, training: Sequence[Piece], valid: Sequence[Piece]) -> None:
        self.known: dict[str, dict[str, Viewpoint]] = {"time": {}, "pitch": {}}
        for piece in training:
            self._told(piece, self.known)
        self.exponents: dict[tuple[str, int], Numbers] = {}
        for kind, (logs, symbols, groups) in self._logs(valid).items():
            common = _fit(logs, symbols, np.full(logs.shape[1], 1.0 / logs.shape[1]), 0.0)
            for group in range(16):
                rows = groups == group
                self.exponents[kind, group] = _fit(logs[rows], symbols[rows], common, 30.0)

    def surprise(self, pieces: Sequence[Piece]) -> Numbers:
        """Bits (tone, 2) of time and of pitch of each tone after a strain's first."""
        found = []
        for kind, (logs, symbols, groups) in self._logs(pieces).items():
            exponents = np.array([self.exponents[kind, group] for group in groups])
            scores = np.einsum("nks,nk->ns", logs, exponents)
            scores -= scores.max(1, keepdims=True)
            picked = scores[np.arange(len(symbols)), symbols] - np.log(np.exp(scores).sum(1))
            found.append(-picked / np.log(2.0))
        return np.stack(found, axis=1)

    def _logs(self, pieces: Sequence[Piece]) -> dict[str, tuple[Numbers, NDArray[np.int64], NDArray[np.int64]]]:
        """Of each tone: log probabilities (tone, viewpoint, symbol), the symbol, the group."""
        rows: dict[str, tuple[list[list[list[float]]], list[int], list[int]]] = {
            kind: ([], [], []) for kind in ("time", "pitch")
        }
        for piece in pieces:
            own: dict[str, dict[str, Viewpoint]] = {"time": {}, "pitch": {}}
            self._told(piece, own, rows)
        return {kind: (np.log(np.array(a)), np.array(b), np.array(c)) for kind, (a, b, c) in rows.items()}

    def _told(
        self,
        piece: Piece,
        learning: dict[str, dict[str, Viewpoint]],
        rows: dict[str, tuple[list[list[list[float]]], list[int], list[int]]] | None = None,
    ) -> None:
        for part in piece.parts:
            past = Past(piece.metre, piece.air)
            for event in part:
                if past.events:
                    moved = interval(past.events[-1].step, event.step) + WIDEST
                    told = {
                        "time": (time_contexts(past, event.beat), ioi_class(event.ioi), len(IOIS)),
                        "pitch": (pitch_contexts(past, event.beat, event.ioi), moved, len(INTERVALS)),
                    }
                    for kind, (contexts, symbol, size) in told.items():
                        if rows is not None:
                            own = learning[kind].setdefault("*own", Viewpoint(size))
                            known = {**self.known[kind], "*own": own}
                            said = [known[name].predict(chain) for name, chain in contexts.items()]
                            logs, symbols, groups = rows[kind]
                            logs.append(said)
                            symbols.append(symbol)
                            groups.append(_group(contexts))
                            own.learn(contexts["*own"], symbol)
                        else:
                            for name, chain in contexts.items():
                                if name != "*own":
                                    learning[kind].setdefault(name, Viewpoint(size)).learn(chain, symbol)
                past.add(event)


def _fit(logs: Numbers, symbols: NDArray[np.int64], start: Numbers, ridge: float) -> Numbers:
    """Exponents that make the product of viewpoints fit best, by Newton's method, drawn to `start` with `ridge`."""
    exponents, count = start.copy(), len(symbols)
    if count == 0:
        return exponents
    for _ in range(_ROUNDS):
        scores = np.einsum("nks,k->ns", logs, exponents)
        odds = np.exp(scores - scores.max(1, keepdims=True))
        odds /= odds.sum(1, keepdims=True)
        mean = np.einsum("nks,ns->nk", logs, odds)
        slope = (logs[np.arange(count), :, symbols] - mean).sum(0) - ridge * (exponents - start)
        spread = np.einsum("nks,njs,ns->kj", logs, logs, odds, optimize=True) - mean.T @ mean
        step = np.linalg.solve(spread + (ridge + 1e-6) * np.eye(len(exponents)), slope)
        exponents = exponents + step
        if abs(step).max() < 1e-4:
            break
    return exponents
