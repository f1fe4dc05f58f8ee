"""Fits the weights of the arousal model, and asks whether anything larger or augmented would be better.

    python bench/train_estimator.py FOLDER [--write] [--compare]

Logistic regression on the features that the estimator itself computes each second (`listeners.py`), with half the
weight on interview against the rest around it (balanced in time) and half on the authors' labels of the whole session,
everyone counting alike. `--write` puts the weights of everyone, as recorded and with made-up trouble (dropouts, noise,
drift), into `synth/estimator/weights.toml`. `--compare` leaves each person out once and prints, on the same split: the
linear model; the same trained on the trouble as well; and a gated recurrent network (needs the extra `train`), which
has the same features and may learn its own memory.
"""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from figures import bootstrap, figures_of
from listeners import FEATURES, HOP_S, TASKS, Person, observe_all
from numpy.typing import NDArray

from synth.estimator import model

WEIGHTS_FILE = Path(model.__file__).with_name("weights.toml")
SETS = {"both": FEATURES, "skin": FEATURES[:3], "heart": FEATURES[3:]}
FITTED = ("balanced", "official")
RIDGE_OF_EACH = 1.4  # person fitted, on standardised features
TROUBLE_SEED, UNSEEN_SEED = 1, 2
WEIGHT_OF_TASK = 150.0  # of each fitted task a person

HEADER = """\
# Weights of the arousal model, written by bench/train_estimator.py; MODEL_CARD.md tells of data and figures.
"""

Said = list[NDArray[np.float64]]


def fit(people: Sequence[Person], names: Sequence[str]) -> dict[str, float]:
    """Weights of the features `names` and the intercept, by Newton's method on the ridge-penalised likelihood."""
    columns = [FEATURES.index(name) for name in names]
    x, y, w = [], [], []
    for person in people:
        for task in FITTED:
            rows = np.flatnonzero(person.mask(task))[::HOP_S]
            x.append(person.features[rows][:, columns])
            y.append(person.strain[rows])
            w.append(np.full(rows.size, WEIGHT_OF_TASK / rows.size))
    features, target, weight = np.concatenate(x), np.concatenate(y).astype(np.float64), np.concatenate(w)
    scale = np.maximum(features.std(axis=0), 1e-9)
    design = np.column_stack((features / scale, np.ones(len(features))))
    penalty = np.diag([RIDGE_OF_EACH * len(people)] * len(columns) + [0.0])
    beta = np.zeros(design.shape[1])
    for _ in range(30):
        p = 1.0 / (1.0 + np.exp(-design @ beta))
        slope = design.T @ (weight * (target - p)) - penalty @ beta
        curvature = (design * (weight * p * (1.0 - p))[:, None]).T @ design + penalty
        beta += np.linalg.solve(curvature, slope)
    return {**dict(zip(names, (beta[:-1] / scale).tolist(), strict=True)), "intercept": float(beta[-1])}


def fit_sets(people: Sequence[Person]) -> dict[str, model.Weights]:
    """Weights for each set of sources that may speak."""
    return {name: model.Weights(**fit(people, features)) for name, features in SETS.items()}


def say(person: Person, weights: dict[str, model.Weights]) -> NDArray[np.float64]:
    """Probability of strain at each second, sources counting as far as they had a say; at baseline before any has."""
    heart, skin = person.says[:, 0], person.says[:, 1]
    most = np.maximum(heart, skin)
    h, s = heart / np.maximum(most, 1e-9), skin / np.maximum(most, 1e-9)
    shares = {"both": np.where(most > 0.0, h * s, 1.0), "skin": s * (1.0 - h), "heart": h * (1.0 - s)}
    score = np.zeros(most.size)
    for name, share in shares.items():
        own = weights[name]
        row = np.array([getattr(own, feature) for feature in FEATURES])
        score += share * ((most > 0.0) * (person.features @ row) + own.intercept)
    return 1.0 / (1.0 + np.exp(-score))


def left_out_once(people: Sequence[Person], more: Sequence[Person] = (), test: Sequence[Person] | None = None) -> Said:
    """Probabilities of each of `test` (`people` when not given) by weights fitted on all but that person."""
    said = []
    for person in test or people:
        others = [other for other in (*people, *more) if other.name != person.name]
        said.append(say(person, fit_sets(others)))
    return said


def write(people: Sequence[Person]) -> None:
    """Write the weights of everyone."""
    lines = [HEADER, f"version = {model.VERSION}\n", f'trained = "{datetime.date.today().isoformat()}"\n']
    lines.append(f"people = {len({person.name for person in people})}\n")
    for name, features in SETS.items():
        lines.append(f"\n[{name}]\n")
        lines += [f"{key} = {value:.3f}\n" for key, value in fit(people, features).items()]
    WEIGHTS_FILE.write_text("".join(lines), encoding="utf-8")
    print("".join(lines))


def compare(people: list[Person], folder: Path) -> None:
    """Linear, linear with augmentation, and recurrent, on the same people left out."""
    extra, unseen = observe_all(folder, disturb=TROUBLE_SEED), observe_all(folder, disturb=UNSEEN_SEED)
    rows: list[tuple[str, Callable[[], tuple[list[Person], Said]]]] = [
        ("linear, tested as recorded", lambda: (people, left_out_once(people))),
        ("linear, tested in trouble", lambda: (unseen, left_out_once(people, test=unseen))),
        ("linear + augmentation, as recorded", lambda: (people, left_out_once(people, extra))),
        ("linear + augmentation, in trouble", lambda: (unseen, left_out_once(people, extra, unseen))),
        ("recurrent, as recorded", lambda: (people, _recurrent(people, people))),
        ("recurrent, in trouble", lambda: (unseen, _recurrent(people, unseen))),
    ]
    linear = None
    for title, run in rows:
        tested, said = run()
        found = {task: figures_of(tested, said, task) for task in TASKS}
        linear = linear or found
        cells = []
        for task in TASKS:
            low, high = bootstrap(found[task].auc)
            cells.append(
                f"{task} AUC {found[task].auc.mean():.3f} [{low:.2f}, {high:.2f}] Brier {found[task].brier.mean():.3f}"
            )
        low, high = bootstrap(found["balanced"].auc - linear["balanced"].auc)
        print(f"{title:36} {'  '.join(cells)}  against the first [{low:+.3f}, {high:+.3f}]")


def _recurrent(people: list[Person], test: list[Person]) -> Said:
    from recurrent import left_out_once as recurrent_left_out_once

    return recurrent_left_out_once(people, test)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", action="store_true", help="write the weights of everyone into the package")
    parser.add_argument("--compare", action="store_true", help="compare with augmentation and a recurrent network")
    arguments = parser.parse_args()
    people = observe_all(arguments.folder)
    if len(people) < 2:
        parser.error(f"{arguments.folder}: holds {len(people)} recordings labelled interview_tsst and relax1; needs 2")
    if arguments.write:
        write([*people, *observe_all(arguments.folder, disturb=TROUBLE_SEED)])
    if arguments.compare:
        compare(people, arguments.folder)


if __name__ == "__main__":
    main()
