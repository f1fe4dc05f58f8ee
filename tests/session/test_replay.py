"""A session replays: bit for bit from its commits, and with the same decisions from its sensors."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from synth.output.replay import replay_session


@pytest.fixture(scope="module")
def short(tmp_path_factory, sessions):
    return sessions.render(tmp_path_factory.mktemp("short"), minutes=1.0)


def test_replay_gives_identical_files(short, sessions, tmp_path):
    replay_session(short.folder, tmp_path, block=1000)
    for name in ("mix", "stems/premaster", *(f"stems/{s}" for s in short.stems)):
        again = sessions.load(tmp_path).audio(name)
        np.testing.assert_array_equal(short.audio(name), again)
    assert (tmp_path / "score.mid").read_bytes() == (short.folder / "score.mid").read_bytes()
    assert (tmp_path / "controls.csv").read_text() == (short.folder / "controls.csv").read_text()


def test_a_processor_without_vector_extensions_plays_the_same(short, sessions, tmp_path):
    """Kernels compiled for the plainest processor of this kind, NumPy on its baseline: equal decisions and samples."""
    import numpy._core._multiarray_umath as features

    plain = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "ISOTONE_CACHE_DIR": str(tmp_path / "cache")}
    plain["NPY_DISABLE_CPU_FEATURES"] = " ".join(features.__cpu_dispatch__)
    code = (
        "from synth import replay_session\n"
        f"replayed = replay_session({str(short.folder)!r}, {str(tmp_path / 'out')!r}, from_sensors=True, stems=False)\n"
        "assert replayed.difference is None, replayed.difference"
    )
    subprocess.run([sys.executable, "-c", code], env={**os.environ, **plain}, check=True, timeout=300)
    np.testing.assert_array_equal(short.audio("mix"), sessions.load(tmp_path / "out").audio("mix"))


def test_replay_from_sensors_decides_alike(short, sessions, tmp_path):
    replayed = replay_session(short.folder, tmp_path, from_sensors=True, stems=False)
    assert replayed.difference is None
    np.testing.assert_array_equal(short.audio("mix"), sessions.load(tmp_path).audio("mix"))


def test_replay_from_other_sensors_says_where_it_differs(short, tmp_path):
    altered = tmp_path / "altered"
    altered.mkdir()
    lines = [json.loads(line) for line in (short.folder / "session.jsonl").read_text().splitlines()]
    for line in lines:
        if line["type"] == "commit" and line["by"] == "mapping":
            line["new"] = line["new"] * 1.01 + 0.01
            break
    (altered / "session.jsonl").write_text("\n".join(json.dumps(line) for line in lines) + "\n")
    replayed = replay_session(altered, tmp_path / "out", from_sensors=True, stems=False)
    assert replayed.difference is not None and " s: " in replayed.difference
