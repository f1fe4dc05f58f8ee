"""Cuts the demo recording out of one person of the Stress-Predict data set, given as a folder of Parquet files.

python assets/make_recording.py FOLDER [START_S END_S]     (needs pyarrow)

Acceleration is thinned from 32 to 8 Hz and blood volume pulse is left out, to keep the recording small.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from pathlib import Path

import pyarrow.parquet as parquet

OUT = Path(__file__).parent / "recording"
CHANNELS = {"hr": 1, "eda": 1, "ibi": 1, "temp": 1, "acc": 4}


def main(source: str, start: str = "522", end: str = "1222") -> None:
    folder, start_s, end_s = Path(source), float(start), float(end)
    meta = json.loads((folder / "meta.json").read_text())
    OUT.mkdir(exist_ok=True)
    for channel, every in CHANNELS.items():
        table = parquet.read_table(folder / f"{channel}.parquet").to_pydict()
        names = list(table)
        rows = [row for row in zip(*table.values(), strict=True) if start_s <= row[names.index("t")] < end_s][::every]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(names)
        for row in rows:
            values = dict(zip(names, row, strict=True)) | {"t": row[names.index("t")] - start_s}
            writer.writerow(f"{values[name]:.6g}" if name != "t" else f"{values[name]:.4f}" for name in names)
        data = gzip.compress(text.getvalue().encode(), mtime=0)
        (OUT / f"{channel}.csv.gz").write_bytes(data)
    segments = [
        {"start": max(s["start"], start_s) - start_s, "end": min(s["end"], end_s) - start_s, "task": s["task"]}
        for s in meta["segments"]
        if s["end"] > start_s and s["start"] < end_s
    ]
    kept = {key: meta[key] for key in ("id", "dataset", "source", "commit", "licence", "citation", "device")}
    channels = {c: dict(meta["channels"][c]) for c in CHANNELS}
    channels["acc"]["fs"] = meta["channels"]["acc"]["fs"] / CHANNELS["acc"]
    described = {**kept, "duration_s": end_s - start_s, "channels": channels, "segments": segments}
    (OUT / "meta.json").write_text(json.dumps(described, indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
