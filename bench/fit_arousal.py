"""Do heart rate and skin conductance tell strain from rest, and with which weights? Fits `synth/estimator/arousal.py`.

    python bench/fit_arousal.py FOLDER [--weights]

FOLDER holds one recording a folder with labelled segments in its `meta.json` (Stress-Predict, Iqbal et al. 2022,
github.com/italha-d/Stress-Predict-Dataset, MIT). Every recording runs through `synth.estimator.Estimator` from its raw
streams; the features it saw each second are fitted by logistic regression, once leaving each person out (the figures)
and once with all (the weights). `--weights` uses the weights that stand and fits nothing. Tasks:

- balanced: interview against the rest just before and just after it, balanced in time (elapsed time alone tells 0.51);
- inside: the same, leaving out the first minute of each task, as windows of a minute lie inside it;
- official: the authors' labels over the whole session, which elapsed time alone tells to 0.61.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth.estimator import arousal as model
from synth.estimator.estimator import Estimator
from synth.wearables.recording import Recording, RecordingError, open_recording

BALANCED = ("interview_tsst", "relax1", "relax2")
CLEAN = ("baseline", "stroop", *BALANCED, "relax3")
STRAIN = ("stroop", "interview_tsst", "hyperventilation")
HOP_S = 10
RIDGE = 1.0
WEIGHT_OF_TASK = 150.0  # each of the two tasks fitted weighs so much a person


@dataclass(frozen=True)
class Person:
    """One recording second by second: features (n, 3), what the estimator said (n,), strain or not and task masks."""

    name: str
    features: NDArray[np.float64]
    p: NDArray[np.float64]
    strain: NDArray[np.bool_]
    masks: dict[str, NDArray[np.bool_]]


def observe(recording: Recording, withhold: tuple[str, ...]) -> Person:
    """Run the estimator and keep what it saw and said each second."""
    estimator = Estimator()
    rows, said, times = [], [], []
    for now_s, batch in recording.batches(1.0):
        for samples in batch:
            if samples.channel not in withhold:
                estimator.feed(samples)
        state = estimator.tick(now_s)
        rows.append(model.inputs(estimator.features))
        said.append(state.p_elevated)
        times.append(now_s)
    t = np.array(times)
    task = np.full(t.shape, "", dtype="<U32")
    since = np.zeros(t.shape)
    for segment in recording.segments:
        inside = (t >= segment.start_s) & (t < segment.end_s)
        task[inside] = segment.task
        since[inside] = t[inside] - segment.start_s
    balanced = np.isin(task, BALANCED)
    masks = {
        "balanced": balanced,
        "inside": balanced & (since >= 60.0),
        "official": (task != "") & (t >= 75.0),
        "clean": np.isin(task, CLEAN) & (t >= 180.0),
    }
    return Person(recording.path.name, np.array(rows), np.array(said), np.isin(task, STRAIN), masks)


def fit(people: list[Person]) -> NDArray[np.float64]:
    """Weights of the features and the intercept (4,), by Newton's method on the ridge-penalised likelihood."""
    x, y, w = [], [], []
    for person in people:
        for task in ("balanced", "clean"):
            mask = person.masks[task]
            x.append(person.features[mask][::HOP_S])
            y.append(person.strain[mask][::HOP_S])
            w.append(np.full(len(y[-1]), WEIGHT_OF_TASK / len(y[-1])))
    design = np.column_stack((np.concatenate(x), np.ones(sum(map(len, y)))))
    target, weight = np.concatenate(y).astype(np.float64), np.concatenate(w)
    penalty = np.diag([RIDGE] * (design.shape[1] - 1) + [0.0])
    beta = np.zeros(design.shape[1])
    for _ in range(30):
        p = 1.0 / (1.0 + np.exp(-design @ beta))
        slope = design.T @ (weight * (target - p)) - penalty @ beta
        curvature = (design * (weight * p * (1.0 - p))[:, None]).T @ design + penalty
        beta += np.linalg.solve(curvature, slope)
    return beta


def auc(strain: NDArray[np.bool_], p: NDArray[np.float64]) -> float:
    """Share of (strain, rest) pairs that `p` puts in the right order, ties counting half."""
    high, low = p[strain], p[~strain]
    return float(np.mean((high[:, None] > low) + 0.5 * (high[:, None] == low)))


def report(title: str, people: list[Person], said: list[NDArray[np.float64]]) -> None:
    """Mean of the per-person figures of each task."""
    print(title)
    for task in ("balanced", "inside", "official"):
        figures = []
        for person, p in zip(people, said, strict=True):
            y, q = person.strain[person.masks[task]][::HOP_S], p[person.masks[task]][::HOP_S]
            figures.append((auc(y, q), np.mean((q - y) ** 2), 0.5 * (np.mean(q[y] > 0.5) + np.mean(q[~y] <= 0.5))))
        area, brier, accuracy = np.mean(figures, axis=0)
        print(f"  {task:9} AUC {area:.3f}  Brier {brier:.3f}  balanced accuracy {accuracy:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", action="store_true", help="use the weights that stand, fit nothing")
    parser.add_argument("--withhold", action="append", default=[], help="leave a channel out")
    arguments = parser.parse_args()
    people = []
    for path in sorted(arguments.folder.iterdir()):
        try:
            recording = open_recording(path)
        except RecordingError:
            continue
        if {"interview_tsst", "relax1"} <= {segment.task for segment in recording.segments}:
            people.append(observe(recording, tuple(arguments.withhold)))
    print(f"{len(people)} people: {' '.join(person.name for person in people)}")
    report("the estimator as it stands", people, [person.p for person in people])
    if arguments.weights:
        return
    left_out = []
    for person in people:
        beta = fit([other for other in people if other is not person])
        left_out.append(1.0 / (1.0 + np.exp(-(person.features @ beta[:-1] + beta[-1]))))
    report("fitted, each person left out once", people, left_out)
    areas = [
        auc(q.strain[q.masks["balanced"]][::HOP_S], p[q.masks["balanced"]][::HOP_S])
        for q, p in zip(people, left_out, strict=True)
    ]
    print("  balanced AUC of each:", " ".join(f"{area:.2f}" for area in areas))
    print("weights of all: trend {:.3f}, level {:.3f}, heart {:.3f}, intercept {:.3f}".format(*fit(people)))


if __name__ == "__main__":
    main()
