"""Figures of merit for probabilities of strain, a person at a time, with bootstrap intervals over people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from listeners import HOP_S, Person
from numpy.typing import NDArray

RESAMPLES = 2000
BINS = 10


@dataclass(frozen=True)
class Figures:
    """Of each person (people,): area under the curve, Brier score, balanced accuracy at 0.5;
    and the calibration error of all together."""

    auc: NDArray[np.float64]
    brier: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    calibration_error: float


def auc(strain: NDArray[np.bool_], p: NDArray[np.float64]) -> float:
    """Share of (strain, rest) pairs that `p` puts in the right order, ties counting half."""
    high, low = p[strain], p[~strain]
    return float(np.mean((high[:, None] > low) + 0.5 * (high[:, None] == low)))


def calibration_error(strain: NDArray[np.bool_], p: NDArray[np.float64]) -> float:
    """Expected calibration error: how far the share of strain is from what was said, mean over equal bins of `p`."""
    which = np.minimum((p * BINS).astype(np.int64), BINS - 1)
    apart = np.bincount(which, weights=p - strain, minlength=BINS)
    return float(np.abs(apart).sum() / p.size)


def figures_of(people: Sequence[Person], said: Sequence[NDArray[np.float64]], task: str) -> Figures:
    """Figures of a task from the probabilities `said` of each person, every ten seconds."""
    rows, strain, told = [], [], []
    for person, p in zip(people, said, strict=True):
        at = np.flatnonzero(person.mask(task))[::HOP_S]
        y, q = person.strain[at], p[at]
        rows.append((auc(y, q), float(np.mean((q - y) ** 2)), 0.5 * (np.mean(q[y] > 0.5) + np.mean(q[~y] <= 0.5))))
        strain.append(y)
        told.append(q)
    table = np.array(rows)
    error = calibration_error(np.concatenate(strain), np.concatenate(told))
    return Figures(table[:, 0], table[:, 1], table[:, 2], error)


def bootstrap(of_each: NDArray[np.float64]) -> tuple[float, float]:
    """95 % interval of the mean over people."""
    rng = np.random.default_rng(1)
    low, high = np.percentile(rng.choice(of_each, (RESAMPLES, of_each.size)).mean(axis=1), (2.5, 97.5))
    return float(low), float(high)
