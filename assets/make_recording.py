"""Cuts the demo recording out of Stress-Predict: twelve minutes of one wrist, from rest through a task to rest.

    git clone https://github.com/italha-d/Stress-Predict-Dataset
    python assets/make_recording.py Stress-Predict-Dataset

Writes `assets/recording/`. Times count from the cut's start and no date of the original is kept. Acceleration, at
32 Hz there, becomes the mean of each four samples; all other channels are as the device wrote them.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PERSON = "S33"
COMMIT = "f49d2eae603f90c3f0140fbbbae7c0480d651023"
START_S, END_S = 477.0, 1212.0  # of the original, whose labels the authors give for each second
SEGMENTS = (("baseline", 9.0, 657.0, 0), ("stroop", 657.0, 975.0, 1), ("relax1", 975.0, 1234.0, 0))
ACC_MEAN_OF = 4
OUT = Path(__file__).parent / "recording"
CITATION = """\
Iqbal T., Simpkin A. J., Roshan D., Glynn N., Killilea J., Walsh J., Molloy G., Ganly S., Ryman H., Coen E.,
Elahi A., Wijns W., Shahzad A. (2022). Stress Monitoring Using Wearable Sensors: A Pilot Study and Stress-Predict
Dataset. Sensors 22(21):8135. https://doi.org/10.3390/s22218135
"""

CHANNELS = {
    "hr": {"rate_hz": 1, "unit": "bpm", "columns": ["hr_bpm"], "note": "running average made by the device"},
    "eda": {"rate_hz": 4, "unit": "uS", "columns": ["eda_uS"]},
    "ibi": {"rate_hz": None, "unit": "s", "columns": ["ibi_s"], "note": "gaps where the device rejected beats"},
    "acc": {"rate_hz": 8, "unit": "1/64 g", "columns": ["x64g", "y64g", "z64g"], "note": "means of four at 32 Hz"},
    "temp": {"rate_hz": 4, "unit": "degC", "columns": ["temp_C"]},
    "bvp": {"rate_hz": 64, "unit": "arbitrary", "columns": ["bvp"], "note": "pulse wave"},
}


def sampled(path: Path, origin_s: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times and values (n, columns) of an Empatica E4 file: first row the start, second the rate, then samples."""
    rows = np.loadtxt(path, delimiter=",", ndmin=2)
    return rows[0, 0] - origin_s + np.arange(len(rows) - 2) / rows[1, 0], rows[2:]


def beats(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times and durations (n, 1) of the E4's beat intervals."""
    rows = np.loadtxt(path, delimiter=",", ndmin=2, skiprows=1)
    return rows[:, 0], rows[:, 1:]


def write(name: str, t: NDArray[np.float64], values: NDArray[np.float64]) -> None:
    """One channel's cut as gzipped CSV, the same bytes each time."""
    inside = (t >= START_S) & (t < END_S)
    text = io.StringIO()
    text.write(",".join(["t", *CHANNELS[name]["columns"]]) + "\n")  # type: ignore[misc]
    for moment, row in zip(t[inside] - START_S, values[inside], strict=True):
        text.write(",".join(f"{number:.10g}" for number in (round(moment, 6), *row)) + "\n")
    OUT.joinpath(f"{name}.csv.gz").write_bytes(gzip.compress(text.getvalue().encode(), 9, mtime=0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path, help="a clone of the dataset's repository")
    dataset = parser.parse_args().dataset
    raw = dataset / "Raw_data" / PERSON
    OUT.mkdir(exist_ok=True)
    origin_s = float(np.loadtxt(raw / "EDA.csv", max_rows=1))
    for name in ("hr", "eda", "temp", "bvp"):
        write(name, *sampled(raw / f"{name.upper()}.csv", origin_s))
    t, acc = sampled(raw / "ACC.csv", origin_s)
    whole = len(acc) // ACC_MEAN_OF * ACC_MEAN_OF
    write("acc", t[:whole:ACC_MEAN_OF], acc[:whole].reshape(-1, ACC_MEAN_OF, 3).mean(axis=1))
    write("ibi", *beats(raw / "IBI.csv"))
    meta = {
        "id": "stress-predict-rest-task-rest",
        "title": "Twelve minutes of one wrist: rest, a colour-word task, rest",
        "source": f"https://github.com/italha-d/Stress-Predict-Dataset, Raw_data/{PERSON}, commit {COMMIT[:12]}",
        "licence": "MIT, (c) 2022 Talha Iqbal",
        "citation": "Iqbal et al. 2022, Sensors 22(21):8135, doi:10.3390/s22218135",
        "device": "Empatica E4, wrist",
        "made_by": "assets/make_recording.py",
        "duration_s": END_S - START_S,
        "channels": CHANNELS,
        "segments": [
            {
                "start": max(start, START_S) - START_S,
                "end": min(end, END_S) - START_S,
                "task": task,
                "stress": stress,
            }
            for task, start, end, stress in SEGMENTS
        ],
    }
    OUT.joinpath("meta.json").write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")
    OUT.joinpath("CITATION").write_text(CITATION, encoding="utf-8")
    OUT.joinpath("LICENSE").write_text((dataset / "LICENSE").read_text(encoding="utf-8"), encoding="utf-8")


if __name__ == "__main__":
    main()
