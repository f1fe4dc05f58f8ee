"""Does the estimator tell strain from rest? Figures on labelled recordings, and the fit of its weights.

    python bench/estimator.py FOLDER [--fit] [--withhold CHANNEL]

FOLDER holds one recording a folder with labelled segments in its `meta.json` (Stress-Predict, Iqbal et al. 2022,
github.com/italha-d/Stress-Predict-Dataset, MIT). Every recording runs through `synth.estimator.Estimator` from its raw
streams, second by second. Printed are means over people of: the area under the curve of `p_elevated` (that of `arousal`
is the same, as both rise with the score) with its 95 % bootstrap over people, Brier score, balanced accuracy at 0.5
and confidence; and the expected calibration error of all seconds, in ten bins. Tasks:

- balanced: interview against the rest just before and just after it, balanced in time (elapsed time alone tells 0.51);
- inside: the same, leaving out the first minute of each task, as windows of a minute lie inside it;
- official: the authors' labels over the whole session, which elapsed time alone tells to 0.61.

`--fit` also fits the weights of `synth/estimator/arousal.py` by logistic regression on the features of each second:
once leaving each person out, which gives honest figures, and once with all, which gives the weights.
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
TASKS = ("balanced", "inside", "official")
HOP_S = 10
BINS = 10
RESAMPLES = 2000
RIDGE = 1.0
WEIGHT_OF_TASK = 150.0  # each of the two tasks fitted weighs so much a person


@dataclass(frozen=True)
class Person:
    """One recording second by second: features (n, 3), what the estimator said (n,), strain or not and task masks."""

    name: str
    features: NDArray[np.float64]
    p: NDArray[np.float64]
    confidence: NDArray[np.float64]
    strain: NDArray[np.bool_]
    masks: dict[str, NDArray[np.bool_]]


def observe(recording: Recording, withhold: tuple[str, ...]) -> Person:
    """Run the estimator and keep what it saw and said each second."""
    estimator = Estimator()
    features, p, confidence, times = [], [], [], []
    for now_s, batch in recording.batches(1.0):
        for samples in batch:
            if samples.channel not in withhold:
                estimator.feed(samples)
        state = estimator.tick(now_s)
        features.append(model.inputs(estimator.features))
        p.append(state.p_elevated)
        confidence.append(state.confidence)
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
    strain = np.isin(task, STRAIN)
    return Person(recording.path.name, np.array(features), np.array(p), np.array(confidence), strain, masks)


def observe_all(folder: Path, withhold: tuple[str, ...]) -> list[Person]:
    """Everyone in `folder` whose recording holds the interview and rest."""
    people = []
    for path in sorted(folder.iterdir()):
        try:
            recording = open_recording(path)
        except RecordingError:
            continue
        if {"interview_tsst", "relax1"} <= {segment.task for segment in recording.segments}:
            people.append(observe(recording, withhold))
    return people


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


def left_out_once(people: list[Person]) -> list[NDArray[np.float64]]:
    """Probabilities of each person by the weights fitted on all others."""
    said = []
    for person in people:
        beta = fit([other for other in people if other is not person])
        said.append(1.0 / (1.0 + np.exp(-(person.features @ beta[:-1] + beta[-1]))))
    return said


def auc(strain: NDArray[np.bool_], p: NDArray[np.float64]) -> float:
    """Share of (strain, rest) pairs that `p` puts in the right order, ties counting half."""
    high, low = p[strain], p[~strain]
    return float(np.mean((high[:, None] > low) + 0.5 * (high[:, None] == low)))


def calibration_error(strain: NDArray[np.bool_], p: NDArray[np.float64]) -> float:
    """Expected calibration error: how far the share of strain is from what was said, mean over equal bins of `p`."""
    which = np.minimum((p * BINS).astype(np.int64), BINS - 1)
    apart = np.bincount(which, weights=p - strain, minlength=BINS)
    return float(np.abs(apart).sum() / p.size)


def report(title: str, people: list[Person], said: list[NDArray[np.float64]]) -> None:
    """Print the figures of each task."""
    print(f"\n{title}")
    rng = np.random.default_rng(1)
    for task in TASKS:
        figures, strain, told = [], [], []
        for person, p in zip(people, said, strict=True):
            mask = person.masks[task]
            y, q = person.strain[mask][::HOP_S], p[mask][::HOP_S]
            accuracy = 0.5 * (np.mean(q[y] > 0.5) + np.mean(q[~y] <= 0.5))
            figures.append((auc(y, q), np.mean((q - y) ** 2), accuracy, person.confidence[mask].mean()))
            strain.append(y)
            told.append(q)
        areas = np.array(figures)[:, 0]
        low, high = np.percentile(rng.choice(areas, (RESAMPLES, areas.size)).mean(axis=1), (2.5, 97.5))
        area, brier, accuracy, confidence = np.array(figures).mean(axis=0)
        error = calibration_error(np.concatenate(strain), np.concatenate(told))
        print(
            f"  {task:9} AUC {area:.3f} [{low:.2f}, {high:.2f}]  Brier {brier:.3f}  calibration error {error:.3f}  "
            f"balanced accuracy {accuracy:.3f}  confidence {confidence:.2f}  "
            f"{int(np.sum(areas <= 0.5))} of {areas.size} people at or below chance"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fit", action="store_true", help="also fit the weights, each person left out once")
    parser.add_argument("--withhold", metavar="CHANNEL", action="append", default=[], help="leave a channel out")
    arguments = parser.parse_args()
    if not arguments.folder.is_dir():
        parser.error(f"{arguments.folder}: no such folder: give one that holds a folder for each recording")
    people = observe_all(arguments.folder, tuple(arguments.withhold))
    if len(people) < 2:
        parser.error(f"{arguments.folder}: holds {len(people)} recordings labelled interview_tsst and relax1; needs 2")
    print(f"{len(people)} people")
    report("the estimator as it stands", people, [person.p for person in people])
    if arguments.fit:
        report("features with weights fitted, each person left out once", people, left_out_once(people))
        print("\nweights of all: trend {:.3f}, level {:.3f}, heart {:.3f}, intercept {:.3f}".format(*fit(people)))


if __name__ == "__main__":
    main()
