"""Does the estimator tell strain from rest, how soon, for whom, and by how much better than heart rate alone?

    python bench/estimator.py FOLDER

FOLDER holds labelled recordings (`listeners.py`). Printed are means over people, each person's figures from weights
fitted, as those that ship are, on recordings of all others and the same with made-up trouble, with 95 % bootstrap
intervals over people: area under the curve, Brier score, balanced accuracy at 0.5, calibration error. Tasks:

- balanced: interview against the rest just before and just after it, balanced in time (elapsed time alone tells 0.51);
- inside: the same without the first minute of each part, as for windows of a minute that lie inside it;
- official: the authors' labels over the whole session, which elapsed time alone tells to 0.61.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from figures import auc, bootstrap, figures_of
from listeners import HOP_S, TASKS, Person, observe_all
from numpy.typing import NDArray
from train_estimator import TROUBLE_SEED, left_out_once

BASELINE_S = (30.0, 600.0)
GOOD_AUC = 0.7
ALIGNED_S = (-120, 480)
STAI_REVERSED = (1, 2, 5, 8, 10, 11, 15, 16, 19, 20)  # Spielberger 1983, form Y-1
PSS_REVERSED = (4, 5, 7, 8)  # Cohen 1983, ten items

Said = Sequence[NDArray[np.float64]]


def heart_rate_z(people: Sequence[Person]) -> Said:
    """The plain rival: the device's own heart rate over a minute, in deviations of the first ten minutes."""
    said = []
    for person in people:
        hr = np.nan_to_num(person.device_hr_bpm, nan=float(np.nanmedian(person.device_hr_bpm)))
        mean = np.convolve(hr, np.ones(60) / 60, "full")[: hr.size]
        first = mean[60 : int(BASELINE_S[1])]
        said.append(1.0 / (1.0 + np.exp(-(mean - first.mean()) / first.std())))
    return said


def elapsed(people: Sequence[Person]) -> Said:
    """What elapsed time alone tells."""
    return [np.linspace(0.0, 1.0, person.task.size) for person in people]


def report(title: str, people: Sequence[Person], said: Said) -> None:
    """Print the figures of each task."""
    print(f"\n{title}")
    for task in TASKS:
        found = figures_of(people, said, task)
        low, high = bootstrap(found.auc)
        print(
            f"  {task:9} AUC {found.auc.mean():.3f} [{low:.2f}, {high:.2f}]  Brier {found.brier.mean():.3f}  "
            f"calibration error {found.calibration_error:.3f}  balanced accuracy {found.accuracy.mean():.3f}  "
            f"{int(np.sum(found.auc <= 0.5))} of {found.auc.size} people at or below chance"
        )


def balanced_auc(person: Person, p: NDArray[np.float64]) -> float:
    """One person's area under the curve in the balanced task."""
    at = np.flatnonzero(person.mask("balanced"))[::HOP_S]
    return auc(person.strain[at], p[at])


def report_delay(people: Sequence[Person], said: Said) -> None:
    """Print how long after the interview begins, and ends, the mean probability has gone half of its way."""
    for title, task in (("into the interview", "interview_tsst"), ("into the rest after it", "relax2")):
        curves = []
        for person, p in zip(people, said, strict=True):
            start = int(np.flatnonzero(person.task == task)[0])
            curves.append(p[start + ALIGNED_S[0] : start + ALIGNED_S[1]])
        mean = np.mean([curve[: min(map(len, curves))] for curve in curves], axis=0)
        before, after = mean[60:120].mean(), mean[120 + 60 : 120 + 300]
        extreme = after.max() if title.startswith("into the int") else after.min()
        passed = (mean[120:] - before) / (extreme - before) >= 0.5
        print(f"delay to half of the change, {title}: {int(np.argmax(passed))} s ({before:.2f} to {extreme:.2f})")


def report_flag(people: Sequence[Person], said: Said) -> None:
    """Print how often the flag of little answer is up, for people told well and badly."""
    areas = np.array([balanced_auc(person, p) for person, p in zip(people, said, strict=True)])
    flagged = np.array([not person.fits[-1] for person in people])
    good = areas >= GOOD_AUC
    print(
        f"flag 'hardly answers' at the end: up for {int(flagged[~good].sum())} of {int((~good).sum())} people told "
        f"badly (AUC under {GOOD_AUC}), false alarm in {int(flagged[good].sum())} of {int(good.sum())} told well "
        "(its limit was chosen on these people)"
    )


def _sum_of_items(items: object, reversed_items: Sequence[int], top: int) -> float:
    """Sum of a questionnaire's items, the reversed ones turned round; NaN when it is not there."""
    if not isinstance(items, dict) or not isinstance(items.get("before"), list):
        return float("nan")
    values = [float(value) for value in items["before"]]
    return sum(top - value if number in reversed_items else value for number, value in enumerate(values, 1))


def report_groups(people: Sequence[Person], said: Said) -> None:
    """Print the balanced figures by what is known of the people; halves at the median."""
    traits = {
        "STAI before (state anxiety items)": [
            _sum_of_items(p.meta.get("STAI_state_items"), STAI_REVERSED, 5) for p in people
        ],
        "PSS (perceived stress items)": [_sum_of_items(p.meta.get("PSS_items"), PSS_REVERSED, 4) for p in people],
        "skin conductance, median uS": [float(np.nanmedian(p.scl_us)) for p in people],
        "heart rate at first, bpm": [float(np.nanmedian(p.device_hr_bpm[30:600])) for p in people],
    }
    areas = np.array([balanced_auc(person, p) for person, p in zip(people, said, strict=True)])
    print("\ngroup (halves at the median)                 n   balanced AUC")
    for name, values in traits.items():
        trait = np.array(values)
        known = np.isfinite(trait)
        if known.sum() < 4:
            continue
        middle = float(np.median(trait[known]))
        for word, half in (("up to", known & (trait <= middle)), ("above", known & (trait > middle))):
            low, high = bootstrap(areas[half])
            print(
                f"  {name:34} {word} {middle:5.2f} {half.sum():3d}   {areas[half].mean():.3f} [{low:.2f}, {high:.2f}]"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    if not arguments.folder.is_dir():
        parser.error(f"{arguments.folder}: no such folder: give one that holds a folder for each recording")
    people = observe_all(arguments.folder)
    if len(people) < 2:
        parser.error(f"{arguments.folder}: holds {len(people)} recordings labelled interview_tsst and relax1; needs 2")
    print(f"{len(people)} people, weights of each fitted on the others")
    trouble = observe_all(arguments.folder, disturb=TROUBLE_SEED)
    said = left_out_once(people, trouble)
    report("heart and skin", people, said)
    report("the same, as it ships (weights fitted on these people too)", people, [person.p for person in people])
    no_skin = observe_all(arguments.folder, ("eda",))
    report("skin conductance withheld", no_skin, left_out_once(people, trouble, no_skin))
    no_heart = observe_all(arguments.folder, ("hr", "bvp", "rr_ms"))
    report("heart withheld", no_heart, left_out_once(people, trouble, no_heart))
    no_wave = observe_all(arguments.folder, ("bvp",))
    report("pulse wave withheld: the device's own heart rate", no_wave, left_out_once(people, trouble, no_wave))
    rival = heart_rate_z(people)
    report("rival: z-score of the device's heart rate", people, rival)
    report("rival: elapsed time", people, elapsed(people))
    ahead = figures_of(people, said, "balanced").auc - figures_of(people, rival, "balanced").auc
    low, high = bootstrap(ahead)
    print(f"\nahead of the heart rate's z-score, balanced: {ahead.mean():+.3f} [{low:+.2f}, {high:+.2f}]")
    report_delay(people, said)
    report_flag(people, said)
    report_groups(people, said)
    print(f"\nmean confidence {np.mean([person.confidence[240:].mean() for person in people]):.2f}")


if __name__ == "__main__":
    main()
